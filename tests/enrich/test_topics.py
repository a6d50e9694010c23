"""The topics: their own examples, what may never be one, the lint, and the enricher."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.core.types import Flag, Post
from pipeline.enrich.rulebook import Entry, RuleBook, clause_numbers
from pipeline.enrich.threats import load_threats
from pipeline.enrich.topics import TopicEnricher, lint_topics, load_topics
from pipeline.text import normalise

BOOK = load_topics()
THREATS = load_threats()
PROTECTED = {"mass_gathering", "civil_servant_neutrality", "fraud_allegations", "land_and_resources"}
OFF = {"health_and_disaster", "armed_violence"}

# Each word of the stop list of DOMAIN, section 5, and the words that are no topic by themselves, in everyday sentences.
STOP_LIST = {
    "lengserkan": "Kata lengserkan ada di teka-teki silang kemarin",
    "bubarkan": "Tolong bubarkan antrean kalau loket sudah tutup",
    "2019gantipresiden": "Kaus bertuliskan 2019gantipresiden itu kini jadi kain lap",
    "rezim": "Mata kuliah itu membahas rezim dagang dunia",
    "antek": "Tokoh antek dalam sandiwara radio itu lucu sekali",
    "cebong": "Kolam di sekolah penuh cebong sesudah hujan",
    "kampret": "Kampret kecil bersarang di atap gudang beras",
    "onta": "Anak-anak naik onta di kebun binatang",
    "penista": "Apa arti penista dalam kamus?",
    "demo": "Ada demo masak di balai warga sore nanti",
    "tka": "Jadwal tka untuk kelas dua belas sudah keluar",
    "asing": "Belajar bahasa asing sebaiknya sejak kecil",
    "aseng": "Warung kopi Aseng di pojok pasar ramai terus",
    "cina": "Pecinan itu menjual porselen cina kuno",
    "islam": "Museum seni islam buka sampai pukul lima",
    "kristen": "Sekolah kristen di seberang jalan menang lomba paduan suara",
    "katolik": "Rumah sakit katolik itu sudah berdiri sejak seabad lalu",
    "yahudi": "Ia menulis skripsi tentang sejarah yahudi di Eropa",
    "papua": "Kopi papua rasanya agak asam tapi enak",
    "komunis": "Buku tentang negara komunis di Asia Tenggara dipinjam dosen",
    "pki": "Arsip koran lama tentang pki disimpan di perpustakaan",
    "teroris": "Peran teroris di film itu dimainkan aktor kawakan",
    "kafir": "Guru menjelaskan arti kata kafir menurut kamus",
    "banci": "Lampu banci itu sebutan untuk sakelar dua arah",
    "lgbt": "Jurnal itu memuat survei kesehatan lgbt",
    "autis": "Terapi untuk anak autis buka tiap Kamis",
    "anjing": "Anjing tetangga melahirkan lima ekor",
    "tolol": "Aku merasa tolol karena salah naik bus",
    "usir": "Cara usir semut dari dapur tanpa racun",
    "ganyang": "Kami ganyang habis rujak buatan ibu",
    "massa": "Satuan massa dalam fisika adalah kilogram",
    "aksi": "Aksi pesulap cilik itu memukau penonton",
    "kumpul": "Kami kumpul keluarga tiap bulan Syawal",
    "curang": "Jangan curang waktu main congklak",
    "camat": "Pak camat membuka turnamen voli",
    "mutasi": "Mutasi gen dipelajari di kelas biologi",
    "amplop": "Amplop cokelat ukuran besar habis di toko",
    "sembako": "Toko sembako itu buka dua puluh empat jam",
    "bansos": "Jadwal bansos ditempel di papan pengumuman",
    "uang": "Uang kembaliannya ketinggalan di meja kasir",
    "quick count": "Istilah quick count dijelaskan di buku statistik",
    "mk": "Gedung mk dekat halte itu sedang dicat",
    "dpt": "Singkatan dpt juga berarti dapat",
    "surat": "Surat dari nenek tiba pagi tadi",
    "banjir": "Jalan ke stasiun banjir setinggi mata kaki",
    "honor": "Honor menulis cerpen lumayan buat jajan",
    "hibah": "Akta hibah rumah itu diurus notaris",
    "pribumi": "Kata pribumi muncul dalam novel lama",
    "pendatang": "Burung pendatang singgah di rawa tiap September",
    "viralkan": "Tolong viralkan resep ini ya bund",
    "hoaks": "Pelatihan mengenali hoaks di balai desa",
    "ijazah": "Ijazahnya dilaminasi supaya awet",
    "baliho": "Baliho konser dipasang di simpang lima",
    "relawan": "Relawan kebersihan berkumpul di pantai",
    "tiongkok": "Keramik dinasti lama dari tiongkok dipamerkan",
    "lahan": "Lahan kosong itu ditanami singkong",
    "sawit": "Biji sawit diperas jadi minyak",
    "adat": "Busana adat dipakai waktu wisuda",
    "gereja": "Lonceng gereja terdengar sampai ke sawah",
    "masjid": "Beduk masjid itu terbuat dari kayu utuh",
    "sesat": "Malu bertanya sesat di jalan",
    "masker": "Masker wajah dari bengkuang bikin segar",
    "damai": "Desa itu damai dan sejuk",
    "merdeka": "Kereta itu berangkat dari jalan merdeka",
    "referendum": "Kelas tata negara membahas referendum",
    "otonomi": "Otonomi kampus diatur undang-undang",
    "turunkan": "Turunkan barang pelan-pelan dari truk",
}


def alone(entry: Entry) -> RuleBook:
    return RuleBook([replace(entry, enabled=True)])


def write(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return path


def topic(rule: str, *, code: str = "own_topic", more: str = "") -> str:
    return f'[[topic]]\ncode = "{code}"\nname = {{ id = "Contoh", en = "Example" }}\n{more}\n[[topic.rule]]\n{rule}\n'


def post(text: str, title: str = "") -> Post:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    return Post("x~1", "s", "00", "news", "media", "web", text, now, "2026-01-02/03", title=title)


HITS = [pytest.param(entry, hit, id=f"{entry.code}-{n}") for entry in BOOK.entries for n, hit in enumerate(entry.hits)]
MISSES = [
    pytest.param(entry, miss, id=f"{entry.code}-{n}") for entry in BOOK.entries for n, miss in enumerate(entry.misses)
]


@pytest.mark.parametrize(("entry", "sentence"), HITS)
def test_a_hit_matches_and_says_where(entry: Entry, sentence: str) -> None:
    found = alone(entry).find(normalise(sentence))[entry.code]
    assert all(0 <= start < end <= len(sentence) and sentence[start:end].strip() for start, end in found)


@pytest.mark.parametrize(("entry", "sentence"), MISSES)
def test_a_near_miss_does_not_match(entry: Entry, sentence: str) -> None:
    assert not alone(entry).find(normalise(sentence))


def test_the_shipped_topics_are_those_of_the_domain() -> None:
    assert len(BOOK.entries) == 16
    assert {entry.code for entry in BOOK.entries if entry.protected} == PROTECTED
    assert {entry.code for entry in BOOK.entries if not entry.enabled} == OFF
    assert all(len(entry.hits) >= 6 and len(entry.misses) >= 6 for entry in BOOK.entries)
    assert lint_topics(BOOK) == []


@pytest.mark.parametrize("word", STOP_LIST)
def test_a_word_of_the_stop_list_is_no_topic_and_no_threat_by_itself(word: str) -> None:
    sentence = STOP_LIST[word]
    assert word in sentence.lower()
    switched_on = RuleBook([replace(entry, enabled=True) for entry in BOOK.entries])
    assert switched_on.find(normalise(sentence)) == {}
    assert switched_on.find(normalise(word)) == {}
    assert THREATS.classify([sentence, word]) == [(), ()]


BAD_RULES = {
    "a faith": 'any = ["kerukunan", "umat islam"]',
    "a people": 'any = ["orang dayak"]',
    "a prefix of a people": 'any = ["tiongh*"]',
    "a party": 'any = ["kader golkar"]',
    "an organisation": 'any = ["muhammadiyah"]',
    "an organisation of two words": 'any = ["ormas pemuda pancasila"]',
    "faith and people": 'all = ["kristen", "batak"]',
    "two groups of them": 'near = 8\nneeds = [["islam", "rusuh"], ["cina", "toko"]]',
    "a stop word": 'any = ["lengserkan"]',
    "a stop word with filler": 'any = ["bubarkan itu"]',
    "a prefix of a stop word": 'any = ["bubark*"]',
    "only filler": 'any = ["orang itu"]',
    "a very short prefix": 'any = ["ga*"]',
    "an unknown name": 'any = ["sukmaraga wijanarto"]',
    "a name beside a word": 'all = ["sukmaraga", "korupsi"]',
    "a name as a veto": 'any = ["tapal batas"]\nnot = ["wijanarto"]',
    "a capital": 'any = ["Budi Surya"]',
    "a title and a name": 'any = ["pak budi"]',
}


@pytest.mark.parametrize("kind", BAD_RULES)
def test_the_lint_refuses(kind: str, tmp_path: Path) -> None:
    messages = lint_topics(load_topics(write(tmp_path, topic(BAD_RULES[kind]))))
    assert [message for message in messages if "examples" not in message], kind
    assert all("own_topic" in message for message in messages)


@pytest.mark.parametrize(
    "rule",
    [
        'any = ["tapal batas", "KPU menunda", "pak camat kampanye"]',
        'near = 8\nneeds = [["usir"], ["pendatang"]]',
        'near = 8\nneeds = [["tka", "wna"], ["demo"]]',
        'any = ["geruduk*"]',
    ],
)
def test_the_lint_lets_pass(rule: str, tmp_path: Path) -> None:
    messages = lint_topics(load_topics(write(tmp_path, topic(rule))))
    assert [message for message in messages if "examples" not in message] == []


def test_an_office_may_vouch_for_its_own_words(tmp_path: Path) -> None:
    text = topic('any = ["mabbulo sibatang"]')
    assert any("mabbulo" in message for message in lint_topics(load_topics(write(tmp_path, text))))
    messages = lint_topics(load_topics(write(tmp_path, 'known = ["Mabbulo sibatang"]\n' + text)))
    assert not any("mabbulo" in message for message in messages)


def test_the_lint_runs_the_examples(tmp_path: Path) -> None:
    examples = '[topic.examples]\nhit = ["Sengketa tapal batas", "cuaca cerah"]\nmiss = ["soal tapal batas desa"]\n'
    messages = lint_topics(load_topics(write(tmp_path, topic('any = ["tapal batas"]') + examples)))
    assert sum("cuaca cerah" in message for message in messages) == 1
    assert sum("soal tapal batas" in message for message in messages) == 1
    assert sum("examples" in message for message in messages) == 2


def test_the_enricher_gives_spans_into_the_text_and_none_for_the_title() -> None:
    enricher = TopicEnricher(BOOK)
    text = "Mediasi   SENGKETA LAHAN gagal lagi; warga pulang"
    flag = enricher.enrich(Flag(post(text, "NPHD diteken, KPU membantah kabar")))
    assert [(found.code, found.protected) for found in flag.topics] == [
        ("election_funding", False),
        ("land_and_resources", True),
        ("peace_and_clarification", False),
    ]
    assert [[text[start:end] for start, end in found.spans] for found in flag.topics] == [[], ["SENGKETA LAHAN"], []]
    assert flag.topics[0].name == "NPHD, hibah, honor"
    english = TopicEnricher(BOOK, "en").enrich(flag)
    assert english.topics[0].name == "Election grants and pay"
    assert english.post is flag.post
    assert enricher.enrich(Flag(post("Cuaca cerah"))).topics == ()


def test_a_topic_that_is_switched_off_stays_silent() -> None:
    sentence = next(entry for entry in BOOK.entries if entry.code == "armed_violence").hits[0]
    assert "armed_violence" not in BOOK.find(normalise(sentence))


def test_the_hash_follows_what_is_matched_and_not_the_examples(tmp_path: Path) -> None:
    def hash_of(text: str) -> str:
        return load_topics(write(tmp_path, text)).hash

    plain = topic('any = ["tapal batas"]')
    assert re.fullmatch(r"[0-9a-f]{12}", hash_of(plain))
    assert hash_of(plain) == hash_of(plain + '[topic.examples]\nhit = ["x"]\n')
    others = [
        topic('any = ["tapal batas", "batas desa"]'),
        topic('any = ["tapal batas"]\nnot = ["desa"]'),
        topic('any = ["tapal batas"]\nnear = 9'),
        topic('any = ["tapal batas"]', more="protected = true"),
        topic('any = ["tapal batas"]', code="other"),
        topic('any = ["tapal batas"]', more="enabled = false"),
        topic('any = ["tapal batas"]', more='not = ["desa"]'),
    ]
    assert len({hash_of(text) for text in [plain, *others]}) == 8


def test_the_stem_view_and_vetoes_of_a_topic(tmp_path: Path) -> None:
    stem = load_topics(write(tmp_path, topic('any = ["serang"]\nview = "stem"')))
    assert stem.find(normalise("mereka menyerang pos")) == {"own_topic": ((7, 16),)}
    raw = load_topics(write(tmp_path, topic('any = ["serang"]', more='not = ["main bola"]')))
    assert raw.find(normalise("mereka menyerang pos")) == {}
    assert raw.find(normalise("kami serang pos")) == {"own_topic": ((5, 11),)}
    assert raw.find(normalise("kami serang waktu main bola")) == {}


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("bakar lilin, ayo ke gereja", [0, 0, 1, 1, 1]),
        ("satu . dua ! tiga", [0, 1, 2]),
        ("satu dua", [0, 0]),
        ("(satu) dua... tiga?", [0, 1, 2]),
        ("", []),
    ],
)
def test_clauses_end_at_marks(text: str, clauses: list[int]) -> None:
    assert clause_numbers(normalise(text)) == clauses


ERRORS: dict[str, tuple[str, str]] = {
    "unknown key of a rule": (topic('anny = ["x"]'), r"own\.toml.*own_topic.*rule 1.*`anny`.*`any`"),
    "unknown key of a topic": (topic('any = ["x"]', more="protect = true"), r"own_topic.*`protect`.*`protected`"),
    "unknown table": ("[[topics]]\n", r"`topics`.*`topic`"),
    "unknown example": (topic('any = ["x"]') + "[topic.examples]\nhits = []\n", r"examples.*`hits`.*`hit`"),
    "two ways at once": (topic('any = ["x"]\nall = ["y"]'), "exactly one of any, all, needs"),
    "no way": (topic("near = 8"), "exactly one of any, all, needs"),
    "empty group": (topic('needs = [["x"], []]'), "needs, 2.*empty"),
    "no group": (topic("needs = []"), "needs"),
    "empty phrase": (topic('any = ["kota", " * "]'), "holds no word"),
    "a word of marks": (topic('any = ["!!!"]'), "holds no word"),
    "wrong type": (topic("any = [3]"), "list of texts"),
    "not a list": (topic('any = "kota"'), "list of texts"),
    "near too wide": (topic('any = ["x"]\nnear = 900'), "near"),
    "near true": (topic('any = ["x"]\nnear = true'), "near"),
    "too many groups": (topic('all = ["a", "b", "c", "d", "e"]'), "more than 4"),
    "clause without near": (topic('any = ["x"]\nclause = true'), "clause"),
    "unknown view": (topic('any = ["x"]\nview = "root"'), "raw or stem"),
    "flag of the wrong type": (topic('any = ["x"]', more='enabled = "ya"'), "true or false"),
    "no rule": ('[[topic]]\ncode = "a_b"\nname = { id = "x", en = "y" }\n', "rule"),
    "no topics": ("", "topic"),
    "a bad code": (topic('any = ["x"]', code="Massa 1"), "code"),
    "a missing name": ('[[topic]]\ncode = "a_b"\nname = { id = "x" }\nrule = [{any = ["x"]}]\n', "`en`"),
    "the same code twice": (topic('any = ["x"]') + topic('any = ["y"]'), "twice"),
    "no TOML": ("[[topic", "not valid TOML"),
    "deeply nested": ("a = " + "[" * 5000, "not valid TOML"),
}


@pytest.mark.parametrize("kind", ERRORS)
def test_a_mistake_in_the_file_is_named(kind: str, tmp_path: Path) -> None:
    text, message = ERRORS[kind]
    with pytest.raises(ConfigError, match=message):
        load_topics(write(tmp_path, text))


@pytest.mark.parametrize("make", [lambda path: path / "none.toml", lambda path: path], ids=["missing", "a folder"])
def test_a_file_that_cannot_be_read_is_named(make: Callable[[Path], Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_topics(make(tmp_path))


def test_a_file_of_another_encoding_or_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"code = '\xff'")
    with pytest.raises(ConfigError, match="TOML"):
        load_topics(path)
    path.write_bytes(b"#" * 2_000_001)
    with pytest.raises(ConfigError, match="larger"):
        load_topics(path)


WORDS = sorted({word for entry in BOOK.entries for hit in entry.hits for word in hit.split()})


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_text_is_read_and_spans_lie_inside_it(text: str) -> None:
    for places in BOOK.find(normalise(text)).values():
        assert places == tuple(sorted(set(places)))
        assert all(0 <= start < end <= len(text) for start, end in places)
