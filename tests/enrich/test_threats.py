"""The threat rules: their own examples, violent words in everyday use, lawful politics, and the signal."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.core.types import Reason, Signal
from pipeline.enrich.rulebook import Entry, RuleBook
from pipeline.enrich.threats import load_threats
from pipeline.text import normalise

RULES = load_threats()

# Words of violence that threaten nobody: idioms, food, sport, news, history, condemnation, debunks.
HARMLESS = [
    "mereka habisin semua kue di meja, ayo bikin lagi",
    "Pendukung tim tamu dilempari botol, ayo jaga sportivitas",
    "Gas kepung kantor bupati, minta jalan diperbaiki, bawa spanduk aja",
    "Petugas KPPS habisin waktu 24 jam di TPS, layak dapat bonus",
    "bakar ayam di rumah ketua RT aja nanti malam",
    "Ayo serbu TPS besok, gunakan hak pilihmu!",
    "Yuk serbu kantor pos, ada prangko gratis",
    "Kita bantai mereka di TPS dengan suara terbanyak",
    "ayo libas semua petahana, kita menang satu putaran",
    "Sikat habis mafia tanah, ayo KPK jangan kasih ampun",
    "Ayo tembak foto prewed di gedung kantor lama",
    "Gedung itu diratakan dengan tanah minggu lalu untuk taman kota",
    "gue hajar lu main catur nanti sore",
    "Kalian yang tebang pohon, saya potong tangan saya kalau tidak banjir",
    "Harus dihabisi praktik politik uang ini sampai akar",
    "Ganyang korupsi! Ganyang mafia tanah! Rakyat bersatu",
    "hukum mati saja semua koruptor itu",
    "Penjarakan ketua KPU sekarang juga",
    "tangkap dan adili mereka semua, jangan kasih ampun",
    "Presiden mundur aja, rakyat sudah muak",
    "Pecat semua komisioner, mereka tidak layak",
    "Camat kok kerjanya kayak gini, mending dipecat aja",
    "Seret mereka ke pengadilan, semua harus bertanggung jawab",
    "Hajar terus pak polisi, narkoba harus habis",
    "Jangan serang pribadi, ayo serang programnya aja",
    "Komentar jahat menyerang dia semua, kasihan",
    "Rumahnya kebakaran, ayo bantu",
    "Mereka bakar ban di depan gedung DPRD, kita kepanasan aja",
    "Kepala gue pecah mikirin pilkada",
    "bawa pulang parang dari pasar, bapak suruh asah besok",
    "Anak-anak pramuka siapkan tongkat dan tali",
    "Polisi sita parang dan busur dari mobil itu",
    "Warga menemukan molotov di pos ronda, mereka kaget semua",
    "Jangan bawa senjata tajam ke TPS ya kawan2 semua",
    "Sejarah: rakyat bawa bambu runcing melawan Belanda",
    "Siapkan golok dan bambu, besok kita bikin gapura agustusan",
    "Di kampung kami semua petani bawa parang ke ladang",
    "mati lampu lagi, bunuh aja gue sekalian PLN",
    "Bunuh nyamuk pakai raket aja, petugas fogging belum datang",
    "dia bunuh karakter saya di depan mereka semua",
    "Banci tampil, siap dihujat semua orang",
    "orang cina di pasar itu baik-baik semua",
    "Pak Lurah, sapi kurban dipotong di mana? semua panitia siap",
    "Darahnya merah, darahku merah, kita semua sama",
    "Siap mati demi NKRI, kata kakek veteran",
    "Mereka potong gaji petugas kebersihan, layak diprotes",
    "mereka gantung nasib honorer, semua diam",
    "Gantung saja cita-citamu setinggi langit, kata bu guru",
    "Kita potong tumpeng sama-sama di kantor KPU malam ini",
    "Potong ayam tiga ekor buat petugas TPS besok",
    "polisi harus tembak di tempat begal sadis",
    "tembak di tempat aja begalnya pak polisi",
    "Ustadz bilang jangan bunuh orang kafir yang damai",
    "Mengapa muslim dibantai di sana dan dunia diam saja?",
    "Umat Hindu dibantai masa lalu, jangan terulang",
    "Perang Diponegoro dimulai dari patok tanah",
    "Penjajah bantai semua warga desa itu tahun 1947",
    "ISIS penggal wartawan, semua mengecam",
    "Israel bantai orang Palestina, ayo doakan",
    "Netizen hajar akun menteri, rame-rame",
    "serang jantung kota dengan festival lampu",
    "Habisi malam minggu dengan mereka yang kamu sayang",
    "bom iklan di tv semua isinya caleg aja",
    "Wajib gas ke kantor bawaslu besok, laporkan semua bukti",
    "Ketua KPU digeruduk emak-emak, minta penjelasan saja",
    '"Bunuh saja aku", ratap istri korban banjir',
    "Mari bakar sampah di rumah masing-masing? jangan, polusi",
    "Kudu diobong sampahe, omahe tangga mambu kabeh",
    "Nek ora cocok karo lurah yo lapor inspektorat wae",
    "Tak obong jagung neng omahe simbah, ayo melu",
    "urang duruk sampah di buruan imah wae",
    "awak baka lamang di rumah gadang malam ko",
    "Kubunuh rasa ini untuk kamu yang tak pernah peka",
    "aku bacok kelapa muda dulu, kamu siapin gulanya",
    "Gorok saja kelapanya pakai golok, mereka haus semua",
    "Kambing disembelih oleh petugas, mereka layak dapat daging",
    "pendatang wajib lapor RT, semua warga sama saja",
    "Usir saja pencuri ikan asing itu, tenggelamkan kapalnya",
    "tenggelamkan kapal asing pencuri ikan, ledakkan saja bu",
    "Ledakkan tawa penonton di gedung kesenian malam ini",
    "aksi damai saja, kita duduki kantor itu dengan zikir",
    "Polisi gerebek rumah itu, ternyata kosong semua",
    "Camat minta warga jangan tebang pohon, mending tanam aja",
    "Sebelum debat, pendukung paslon saling bantai di kolom komentar",
    "ketua KPU digantung statusnya sama DKPP, semua nunggu",
    "Nanti malam kita bakar-bakar di rumah pak lurah, semua ikut ya",
    "Yang habisi anggaran desa siapa? kades aja nggak tau",
    "Pak polisi tembak gas air mata ke mahasiswa, semua lari",
    "Ayo bunuh sifat malas, petugas kebersihan aja semangat",
    "Kalo ketemu ketua kpps titip salam aja, semoga sehat",
    "Ibu-ibu hajar diskon panci, ayo semua ke pasar",
    "Suporter lempari bus pemain, panpel jangan diam aja",
    "Guru kami mencincang daging buat rendang, semua kebagian",
    "sate ini bikin nagih, gue abisin sendiri, kalian beli lagi",
    "Penonton habisi tiket konser dalam tiga menit saja",
    "Timnas cincang Malaysia 4-0, mantap semua",
    "Orang cina bilang jangan bunuh harimau sembarangan",
    "Kerusuhan 98 membakar toko-toko, jangan terulang",
    "Toko itu bakar harga, ayo belanja sekarang",
    "Panitia bakar lemang di kantor wali nagari, silakan datang",
    "sikat gigi kalian sebelum tidur, semua anak-anak",
    "Tembok kantor itu roboh, untung semua selamat",
    "Kami tebas semak di belakang masjid bareng relawan",
    "Kepala desa minta warga bawa cangkul dan parang untuk bersihkan irigasi",
    "Bawa pedang kayu aja buat kostum, besok pentas semua",
    "Menteri siap digantung kalau terbukti korupsi",
    "saya siap dipenggal kalau bohong, kata caleg",
    "potong aja gaji dpr, semua rakyat setuju",
    "potong leher angsa itu susah, mending beli jadi aja",
    "dihajar habis-habisan sama harga, rakyat kecil semua menjerit",
    "Petani dibantai harga pupuk, pemerintah diam aja",
    "Umat islam dibantai di media oleh buzzer, sabar aja",
    "Rumah ibadah yang dibakar itu akan dibangun, semua patungan",
    "masa sih gereja harus dibakar? biadab pikiran begitu",
    "Apa semua yang beda harus dibunuh? negara hukum ini bung",
    "kalau semua orang kafir harus dibunuh ya habis dunia ini, islam itu damai",
    "Bunuh-bunuhan itu dosa, ayo rukun semua",
    "dulu mereka bantai keluarga kakek, sekarang kami memaafkan",
    "Buzzer rezim bilang bakar aja kpu, jelas provokasi, laporkan",
    "awas ada provokator yang ngajak bakar kantor, jangan ikut",
    "siapa pun yang menyuruh bakar rumah ibadah adalah penjahat",
    "Aku kaget baca komentar 'habisi mereka semua', ngeri",
    "Masing-masing bawa parang ya, kita buka jalan ke air terjun besok",
    "Serang kantor BPJS? bukan, kantor BPJS Serang pindah besok",
    "Kita serang pakai bumbu pedas, mereka kalah semua",
    "tolong habisi saja kalimat itu, redaktur minta 300 kata",
    "Petugas bunuh ular piton, warga lega semua",
    "ayo bunuh ular itu, petugas damkar belum datang",
    "gantung aja fotonya presiden di dinding kelas",
    "Gorok leher! teriak penonton teater, semua tepuk tangan",
    "gw tusuk sate, kalian kipasin",
    "Kau bunuh aku perlahan dengan diam, kalau begini terus aku pergi",
    "tak gepuk wae tempene, kowe sing nggoreng",
    "kalau berani lewat sini bayar parkir, kalian juga",
    "aku bunuh karaktermu di cerita berikutnya",
    "nek kowe telat maneh tak tinggal lho",
    "awas kalau telat, gua makan jatah kalian semua",
    "Kubunuh sepi dengan secangkir kopi, kau dengan puisi",
    "Pendukung Paslon Bakar Kotak Suara di Halaman Kantor PPK",
    "Ratusan orang bakar kantor bupati usai putusan MK",
    "Dua Pemuda Mabuk Bakar Posko Paslon, Ini Motifnya",
    "Gara-gara utang, pria ini nekat bakar rumah orang tuanya",
    "Kelompok bersenjata bakar rumah warga dan sandera guru",
    "Anaknya dikira mau diculik, ternyata dijemput paman",
    "kami culik anakmu sebentar ya bu, main ke pantai",
    "besok gua bom status lu pakai ucapan ulang tahun",
    "saya bom dapur hari ini dengan lima menu baru, TPS depan rumah kebagian",
    "Kantor KPU akan dihias bendera, kita bakar semangat panitia",
    "Panglima: sandera sudah bebas, petugas medis siaga kalau perlu",
    "patah kakinya gara-gara jatuh, petugas KPPS tetap masuk aja",
    "Kalau telat masuk, saya potong gaji petugas ya",
    "saya tembak pakai ketapel mangga tetangga, besok minta maaf",
    "Panitia penggal kepala ikan kakap buat gulai, semua dapat",
    "Kami bunuh rasa bosan dengan main kartu sama petugas ronda",
    "Awas ada anjing galak, kalau berani masuk aja",
    "kalau lewat kampung kami mampir, kita habisi duriannya bareng",
    "nanti malam kita habisi kopi sekarung, kalian bawa gorengan",
    "gw bacok semangka, kalo dateng bawa es ya kalian",
    "besok saya gorok ayam buat syukuran, kalau sempat mampir",
    "Duh kalau presiden lewat sini jalannya baru diaspal",
    "Lamun urang Sunda jeung urang Jawa babarengan, raos pisan",
    "Buku 'Bunuh Semua Raksasa' laris, ayo baca",
    "bocah itu bilang bunuh semua zombie, ayo main lagi",
    "Orang Madura jual sate, orang Jawa jual pecel, habisin semua",
    "habisi orang lapar dengan sedekah nasi, ayo",
    "Ayo basmi buta huruf di kalangan orang Papua",
    "Musnahkan prasangka terhadap orang cina, mari berteman",
    "Bantai orang Kristen di masa Nero tercatat sejarawan",
    "Orang arab bantai lawannya di lomba balap unta",
    "Tumpas sindikat yang menjual orang Flores ke luar negeri",
    "di film itu, kafir harus dibunuh kata pemimpin sekte",
    "tidak ada agama yang bilang kafir harus dibunuh",
    "gantung lampion di pohon depan kantor camat, kerja bakti ketua RT",
    "Digantung di tiang balai kota: bendera setengah tiang untuk mengenang bupati",
    "Lempari batu kali, ikannya keluar, ayo rame-rame",
    "Warga keroyok maling, petugas datang tepat waktu",
    "Jangan asal gebuk orang, serahkan petugas",
    "sikat WC aja males, apalagi sikat mafia",
    "Sikat habis preman pemeras, ayo pak polisi",
    "petugas seret karung beras rame-rame ke gudang",
    "Hajar wartawan, oknum ajudan minta maaf",
    "Tolong wartawan jangan dipukul, mereka kerja",
    "Rumah orang kaya itu dibakar iri dengki aja",
    "Kantor pajak harus dibakar semangatnya",
    "Gedung tua sebaiknya diratakan saja untuk taman",
    "Rumah reyot nenek mending diratakan, bangun baru aja",
    "Kepala desa mau diledakkan amarahnya, sabar pak",
    "Bawa pedang wushu ya, kita latihan besok malam",
    "Kita siapkan senjata: sapu, pel, dan ember",
    "Siapin celurit, mau babat ilalang di lapangan",
    "Kumpulin golok karatan, pandai besi keliling datang",
    "bawa parang sama karung, kita panen jagung sekarang",
    "mari kita angkat senjata, eh angkat gelas maksudnya",
    "Carok adalah tradisi yang mulai ditinggalkan",
    "kutunggu di pertigaan, bawa martabak",
    "kami siap membantai soal matematika, kalian gimana",
    "Saya akan membunuh waktu menunggu kalian",
    "Kita bakar kalori di depan kantor gubernur tiap Minggu pagi",
    "Malam ini rumah makan itu jadi abu, semua selamat",
    "Kampung itu rata dengan tanah setelah gempa, kalau bisa bantu",
    "awas kalau main api rumahnya bisa jadi abu",
    "Ayo serang rumah makan baru, lagi buka gratis",
    "Serbu kampung batik, ayo borong sekarang",
    "kita serbu rumah nenek, makan opor rame-rame",
    "besok kita serbu gedung bioskop, film baru tayang",
    "Siapa takut, kita serang balik pakai fakta di kolom debat",
    "Jangan salahkan kami kalau tanaman mati, hujan tak turun",
]

# Calls that are harsh and lawful: to resign, dissolve, replace, arrest, sue, protest.
LAWFUL = [
    "Lengserkan bupati sekarang juga, kami sudah muak!!!",
    "BUBARKAN DPR! Bubarkan KPU! Semua tidak becus",
    "Ayo rame-rame ganti presiden tahun depan, jangan kasih ampun di bilik suara",
    "turunkan gubernur korup itu malam ini juga lewat hak angket",
    "Pecat saja semua petugas KPPS yang curang, seret ke pengadilan",
    "Penjarakan ketua KPU, tanpa ampun!",
    "mundur aja deh pak menteri, udah gak dipercaya rakyat",
    "Kepung kantor DPRD besok, bawa spanduk dan pengeras suara, semua wajib ikut",
    "Hancur sudah negeri ini di tangan mereka, saatnya rakyat bersuara",
    "Makzulkan presiden! Tangkap semua menterinya",
    "Lawan rezim ini sampai tumbang, ayo turun ke jalan",
    "Boikot pilkada, coblos kotak kosong aja rame-rame",
    "Copot kades itu, ayo semua tanda tangan petisi",
    "Usut tuntas, gantung karier politiknya di pemilu berikut",
]

# Beyond the examples of the file.
THREATS = [
    "Bakar KPU sekarang! ayo jalan",
    "ketua bawaslu harus dibunuh",
    "Kalo lu dukung paslon 1 rumah lu gua bakar",
    "kita habisi semua timses 02 malam ini",
    "Gantung ketua kpu di alun2, siapa setuju? ayo",
    "Siapin bensin, kita bakar gudang kpu nanti malam",
    "komisioner kayak gini pantasnya dibacok",
    "Penggal kepala penista itu, wajib hukumnya!",
    "Bantai semua cina, jangan sisakan satupun",
    "ayo bom gereja itu pas misa natal",
    "serbu asrama mereka malam ini, bawa parang semua",
    "Lek paslonku kalah, tak obong kantor kecamatan",
    "Mun teu eureun, ku aing dipaehan sia",
    "hancurkan masjid ahmadiyah itu, ayo rame2",
    "gebukin rame-rame kalo ada saksi nomor 2 masuk kampung",
    "KPPS yang curang kita gorok aja di tempat",
    "Kalau hasilnya diubah, kami akan bakar kantor KPU",
    "Jangan salahkan kami kalau darah tumpah di kantor camat",
    "aku akan bunuh kalian satu persatu",
    "gua bacok juga tuh panwas",
    "halal darahnya orang syiah itu",
    "Usir pendatang, kalau melawan bakar rumahnya saja",
    "ledakkan saja kantor bawaslu biar tau rasa",
    "kubakar rumah kau malam ini",
    "Ayo carok kalau berani, kutunggu di pertigaan",
    "tembak mati aja semua pendukung paslon itu",
    "lempari batu aja petugas kpps rame2",
    "kepala desa itu layak dibunuh, ayo datangi rumahnya bawa golok",
    "habisi sampai ke anak cucunya, jangan biarkan pengkhianat hidup",
    "siap-siap aja rumah ketua KPU jadi abu malam ini",
    "awas kalau berani lewat sini, gua tebas leher lu",
    "Bunuah urang cino tu sadonyo",
    "besok kita serang tps 5, bawa celurit",
    "Kita sembelih saja orang kafir yang nyalon",
    "saatnya kita bakar semua kantor kecamatan yang curang",
    "besok pagi kepala ketua panwas kita penggal",
    "orang ahmadiyah wajib dibunuh, jangan ragu",
    "gas bro, ancurin posko sebelah malem ini",
    "mesjid orang syiah itu ledakkan saja",
    "mending bunuh aja kades korup itu, ayo rame2",
    "Yen KPU ora ngganti asile, omahe ketuane tak obong",
    "hayu duruk imah lurah peuting ieu",
    "Kami siap bawa mandau dan parang, serang kampung pendatang besok",
    "kumpulin massa, siapin celurit sama bensin",
    "cina cina itu harus dimusnahkan dari kota kita",
    "bakar rumahnya, bunuh anak istrinya sekalian",
    "kami tidak segan memenggal kalian",
    "jgn kasih ampun, bacok aja saksi paslon satu",
    "mati kau nanti malam ketua kpu",
    "gw tungguin lu di depan tps, gw tusuk",
]


def everyday() -> list[str]:
    return [miss for entry in RULES.book.entries for miss in entry.misses] + HARMLESS + LAWFUL


HITS = [
    pytest.param(entry, hit, id=f"{entry.code}-{n}") for entry in RULES.book.entries for n, hit in enumerate(entry.hits)
]


@pytest.mark.parametrize(("entry", "sentence"), HITS)
def test_a_hit_matches_its_own_rules(entry: Entry, sentence: str) -> None:
    assert entry.code in RULES.book.find(normalise(sentence))


@pytest.mark.parametrize("sentence", THREATS)
def test_a_threat_is_found(sentence: str) -> None:
    assert RULES.signal(normalise(sentence)) is not None


@pytest.mark.parametrize("sentence", everyday())
def test_everyday_violence_news_and_politics_are_no_threat(sentence: str) -> None:
    found = RULES.book.find(normalise(sentence))
    assert not found, {code: [sentence[start:end] for start, end in spans] for code, spans in found.items()}


def test_the_file_holds_enough_examples() -> None:
    assert sum(len(entry.hits) for entry in RULES.book.entries) >= 30
    assert sum(len(entry.misses) for entry in RULES.book.entries) >= 40


def test_the_signal_says_who_and_where() -> None:
    text = "Halo semua.   AYO BAKAR kantor KPU malam ini"
    signals, nothing = RULES.classify([text, "Halo semua"])
    assert nothing == ()
    (signal,) = signals
    assert (signal.label, signal.score, signal.threshold, signal.model) == ("threat", 1.0, 0.5, RULES.name)
    assert signal.over
    assert {text[reason.start : reason.end] for reason in signal.reasons} >= {"AYO", "BAKAR", "kantor"}
    assert all(reason.weight == 1.0 for reason in signal.reasons)
    assert signal.reasons == tuple(sorted(signal.reasons, key=lambda reason: reason.start))
    assert RULES.classify([text], reasons=False) == [(Signal("threat", 1.0, 0.5, RULES.name),)]
    assert RULES.classify([]) == []


def test_an_office_may_bring_its_own_rules(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        'not = ["film"]\n[[threat]]\ncode = "own"\nname = { id = "a", en = "b" }\nrule = [{ any = ["tak sikat"] }]\n',
        encoding="utf-8",
    )
    rules = load_threats(path)
    assert rules.classify(["awas tak sikat", "film tak sikat"]) == [
        (Signal("threat", 1.0, 0.5, rules.name, (Reason(5, 14, 1.0),)),),
        (),
    ]
    assert re.fullmatch(r"[0-9a-f]{12}", rules.digest)
    assert rules.digest != RULES.digest
    path.write_text("[[threats]]\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="`threat`"):
        load_threats(path)


WORDS = sorted({word for entry in RULES.book.entries for hit in entry.hits for word in hit.split()})


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_text_is_read_and_reasons_lie_inside_it(text: str) -> None:
    for signal in RULES.classify([text])[0]:
        assert signal.reasons
        assert all(0 <= reason.start < reason.end <= len(text) for reason in signal.reasons)


def test_rules_that_are_switched_off_stay_silent() -> None:
    assert RuleBook([]).find(normalise(THREATS[0])) == {}
