"""Regions: our own sentences with the right answers, "unknown" among them."""

from __future__ import annotations

import csv
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.core.resources import data_path
from pipeline.core.types import Flag, Post, Region
from pipeline.enrich.gazetteer import Gazetteer, shipped, tokens_of
from pipeline.enrich.regions import RegionEnricher, find_regions, only_other_offices

UNKNOWN = ""
SENTENCES = [
    # kota and kabupaten of one name
    ("Warga Kota Bandung mengeluhkan sampah yang menumpuk", "32.73 32"),
    ("Warga Kabupaten Bandung mengeluhkan sampah yang menumpuk", "32.04 32"),
    ("Warga Kab. Bandung mengeluhkan sampah", "32.04 32"),
    ("Bandung hujan sejak subuh", "32"),
    ("bandung hujan sejak subuh", "32"),
    ("bupati bandung meresmikan pasar", "32.04 32"),
    ("wali kota bandung meresmikan pasar", "32.73 32"),
    ("Walikota Bekasi dan Bupati Bekasi duduk semeja", "32.75 32.16 32"),
    ("Pemkot Bogor menata trotoar", "32.71 32"),
    ("Pemkab Bogor menata trotoar", "32.01 32"),
    ("Pembahasan anggaran di Kabupaten dan Kota Malang", "35.07 35.73 35"),
    ("Bupati dan Wali Kota Kediri bersalaman", "35.06 35.71 35"),
    ("KPU Kabupaten/Kota Sukabumi rapat", "32"),
    ("Kota Bandung ramai. Setelah hujan Bandung macet lagi", "32.73 32"),
    ("Kota Bandung dan Kabupaten Bandung ramai, lalu Bandung macet", "32.73 32.04 32"),
    ("Polres Malang Kota menggelar apel", "35.73 35"),
    ("pilwalkot tegal diikuti tiga pasangan", "33.76 33"),
    ("pilbup tegal diikuti tiga pasangan", "33.28 33"),
    ("Cirebon menyambut tamu dari luar", "32"),
    ("Kota Jayapura dan Kabupaten Jayapura berbatasan", "91.71 91.03 91"),
    ("kabupaten gorontalo menyiapkan logistik", "75.01 75"),
    ("Gorontalo menyiapkan logistik", "75"),
    ("Provinsi Jambi menyiapkan logistik", "15"),
    ("Kota Jambi menyiapkan logistik", "15.71 15"),
    ("Wali Kota Bengkulu bertemu Gubernur Bengkulu", "17.71 17"),
    ("Kota Yogyakarta bebas sampah", "34.71 34"),
    ("jogja bebas sampah", "34"),
    ("Di D.I. Yogyakarta ada empat kabupaten", "34"),
    # Banjar lies in two provinces
    ("Kota Banjar menggelar pawai", "32.79 32"),
    ("Kabupaten Banjar menggelar pawai", "63.03 63"),
    ("Sungai meluap di Banjar, Kalimantan Selatan", "63.03 63"),
    ("Sungai meluap di Banjar, Jawa Barat", "32.79 32"),
    ("Keluarga itu pindah ke Banjar", UNKNOWN),
    ("Ia belajar menyanyikan lagu Banjar", UNKNOWN),
    ("Pertemuan banjar di pura berlangsung khidmat", UNKNOWN),
    # several words, the longest first
    ("Longsor menutup jalan di Bandung Barat", "32.17 32"),
    ("Nelayan Jawa Barat melaut lagi", "32"),
    ("nelayan jawa barat melaut lagi", "32"),
    ("Relawan tiba di Papua Barat Daya", "96"),
    ("Relawan tiba di Papua Barat", "92"),
    ("Kabupaten Kotabaru menanam bakau", "63.02 63"),
    ("Perumahan itu ada di kota baru", UNKNOWN),
    ("Pemekaran melahirkan kabupaten/kota baru", UNKNOWN),
    ("Bupati Kota Baru menanam bakau", "63.02 63"),
    ("Tojo Una-Una menanam bakau", "72.09 72"),
    ("Banda Aceh menutup jembatan lama", "11.71 11"),
    ("Jawa, Barat yang sepi", UNKNOWN),
    ("Ia lahir di Jawa, barat laut dari sini", UNKNOWN),
    ("Warga Jakarta Timur antre", "31.75 31"),
    ("warga jaksel antre", "31.74 31"),
    ("Kepulauan Seribu kedatangan tamu", "31.01 31"),
    ("Padang Pariaman memanen kelapa", "13.05 13"),
    ("Deliserdang memanen kelapa", "12.07 12"),
    ("Pantai Gunung Kidul bersih", "34.03 34"),
    ("Pantai Gunungkidul bersih", "34.03 34"),
    ("Kulonprogo punya bandara", "34.01 34"),
    ("palangka raya berkabut", "62.71 62"),
    ("Puncak Papua berkabut", "94.05 94"),
    # short names
    ("gubernur jateng hadir", "33"),
    ("Jatim kebagian hujan", "35"),
    ("Pilgub Sumut berjalan lancar", "12"),
    ("NTT menunggu hujan", "53"),
    ("ntb menunggu hujan", "52"),
    ("dki menunggu hujan", "31"),
    ("jkt banjir lagi nih", "31"),
    ("Kaltara menunggu listrik", "65"),
    ("Babel menunggu listrik", UNKNOWN),
    ("Warga Babel menunggu listrik", "19"),
    ("Mereka membangun menara Babel", UNKNOWN),
    ("Polda Metro Jaya memeriksa saksi", "31"),
    ("Polda Metro memeriksa saksi", "31"),
    ("KPU DIY mengundang pemantau", "34"),
    ("Rak DIY dari palet bekas", UNKNOWN),
    ("Warga Makasar senang", "73.71 73"),
    ("Relawan masuk Kota Solo pagi tadi", "33.72 33"),
    ("Ia bermain gitar solo di panggung", UNKNOWN),
    ("Ibu Kota Nusantara terus dibangun", "64"),
    ("Timika sepi sore ini", "94.04 94"),
    ("Danau Toba surut", "12"),
    ("Flores diguncang gempa", UNKNOWN),
    ("Gempa mengguncang Pulau Flores", "53"),
    ("gempa di lombok terasa kuat", "52"),
    ("sambal lombok ijo pedas sekali", UNKNOWN),
    ("Toraja menyambut tamu", "73"),
    ("Madura panas terik", "35"),
    ("Sumbawa panas terik", "52"),
    ("Kabupaten Sumbawa panas terik", "52.04 52"),
    ("Bangka Selatan panas terik", "19.03 19"),
    # ordinary words
    ("Jalan itu penuh batu", UNKNOWN),
    ("kepala batu memang orangnya", UNKNOWN),
    ("Batu sebesar rumah menutup jalan", UNKNOWN),
    ("Kota Batu ramai wisatawan", "35.79 35"),
    ("wali kota batu membuka pameran", "35.79 35"),
    ("Kebun apel di Batu, Jawa Timur, panen", "35.79 35"),
    ("Rombongan berhenti di Batu siang tadi", "35.79 35"),
    ("rombongan berhenti di batu besar itu", UNKNOWN),
    ("Anak-anak lempar batu-batu kecil ke sungai", UNKNOWN),
    ("Tambang batu bara itu ditutup", UNKNOWN),
    ("Bupati Batu Bara hadir", "12.19 12"),
    ("Dua harimau serang ternak", UNKNOWN),
    ("warga serang balik dengan kata-kata", UNKNOWN),
    ("Warga Serang Polisi Saat Razia Semalam", UNKNOWN),
    ("Sidang digelar di Serang kemarin", "36"),
    ("Pemkot Serang menata pasar yang lama", "36.73 36"),
    ("kabupaten serang menata pasar", "36.04 36"),
    ("Polres Serang Kota menata lalu lintas", "36.73 36"),
    ("Serang, Banten, kembali terang", "36"),
    ("Polisi buru pencuri motor", UNKNOWN),
    ("jangan terburu-buru menilai", UNKNOWN),
    ("wali kota serang balik pengkritiknya", UNKNOWN),
    ("wali kota serang media sosial", UNKNOWN),
    ("Kabupaten Buru menanam pala", "81.04 81"),
    ("Sungguh malang nasib anak itu", UNKNOWN),
    ("Malang nian nasib anak itu", UNKNOWN),
    ("si malang itu pulang sendiri", UNKNOWN),
    ("besok kita ke malang naik kereta", "35"),
    ("Relawan dari Malang membawa selimut", "35"),
    ("Namanya malang melintang di dunia seni", UNKNOWN),
    ("sari pati jagung dipakai untuk saus", UNKNOWN),
    ("Bupati Pati mundur", "33.18 33"),
    ("Petani di Pati menunggu pupuk", "33.18 33"),
    ("Delapan pati TNI dimutasi", UNKNOWN),
    ("Kami nonton Metro TV", UNKNOWN),
    ("Stasiun metro di Paris ditutup", UNKNOWN),
    ("Kota Metro menanam seribu pohon", "18.72 18"),
    ("pidato itu mencapai puncak acara", UNKNOWN),
    ("Macet di kawasan Puncak, Bogor", "32"),
    ("Bupati Puncak meninjau posko", "94.05 94"),
    ("hakim mengetuk palu tiga kali", UNKNOWN),
    ("Lambang palu arit dilarang", UNKNOWN),
    ("Warga Palu membangun kembali rumahnya", "72.71 72"),
    ("Kawasan Kuningan, Jakarta Selatan, macet", "31.74 31"),
    ("Kawasan Kuningan macet", UNKNOWN),
    ("Kabupaten Kuningan panen ubi", "32.08 32"),
    ("patung kuningan itu dicuri", UNKNOWN),
    ("Roh Kudus disebut dalam khotbah", UNKNOWN),
    ("Alun-alun Kudus dibersihkan", "33.19 33"),
    ("medan tempur berpindah ke timur", UNKNOWN),
    ("Kantor di Jalan Medan Merdeka Barat dijaga", UNKNOWN),
    ("Medan Merdeka Selatan ditutup untuk aksi", UNKNOWN),
    ("aku pulang ke medan besok", "12.71 12"),
    ("Mahasiswa Medan menggelar diskusi", "12.71 12"),
    ("unta melintasi padang pasir", UNKNOWN),
    ("Beli nasi padang dua bungkus", UNKNOWN),
    ("Rumah makan Padang itu tutup", UNKNOWN),
    ("Orang Padang itu ramah", UNKNOWN),
    ("Panwaslu Padang menerima laporan", "13.71 13"),
    ("pohon ketapang tumbang", UNKNOWN),
    ("Polres Ketapang menyita kayu", "61.04 61"),
    ("duri landak itu tajam", UNKNOWN),
    ("liang lahat sudah digali", UNKNOWN),
    ("Alasannya mengada-ngada saja", UNKNOWN),
    ("karo konco dewe kok ngono", UNKNOWN),
    ("Karo Penmas memberi keterangan", UNKNOWN),
    ("Bupati Karo memberi keterangan", "12.06 12"),
    ("Selat Malaka ramai kapal", UNKNOWN),
    ("Buku Tan Malaka dibahas", UNKNOWN),
    ("Bima Arya memberi sambutan", UNKNOWN),
    ("Wali Kota Bima memberi sambutan", "52.72 52"),
    ("tebing tinggi itu longsor", UNKNOWN),
    ("lima puluh kota ikut lomba", UNKNOWN),
    ("Kabupaten Lima Puluh Kota ikut lomba", "13.07 13"),
    # not a place
    ("Rumahnya di Jalan Surabaya nomor tiga", UNKNOWN),
    ("Rumahnya di Jl. Bandung nomor tiga", UNKNOWN),
    ("Rumahnya di Jalan Raya Bogor kilometer dua", UNKNOWN),
    ("Akhir pekan jalan-jalan Surabaya saja", "35.78 35"),
    ("Orang Papua adalah saudara kita", UNKNOWN),
    ("Suku Asmat terkenal dengan ukirannya", UNKNOWN),
    ("Partai Aceh mengajukan calon", UNKNOWN),
    ("sate madura dua porsi", UNKNOWN),
    ("Piagam Jakarta dibahas di kelas sejarah", UNKNOWN),
    ("Kopi Aceh dan batik Pekalongan dijual", UNKNOWN),
    ("Papua Nugini mengirim utusan", UNKNOWN),
    ("Dari Sabang sampai Merauke kita satu", UNKNOWN),
    ("Merauke kedatangan kapal perintis", "93.01 93"),
    ("Kecamatan Kendal di Ngawi mati listrik", "35.21 35"),
    ("Sumatera dan Jawa diguyur hujan", UNKNOWN),
    ("Kalimantan berkabut", UNKNOWN),
    ("Indonesia timur menunggu giliran", UNKNOWN),
    ("baca di https://bandung.go.id/berita dan surabaya.tribunnews.com", UNKNOWN),
    ("terima kasih @pemkot_surabaya @bandung", UNKNOWN),
    ("", UNKNOWN),
    ("Terima kasih semua, selamat malam", UNKNOWN),
    # hashtags, capitals, several places, other ways to write
    ("#Surabaya #aman", "35.78 35"),
    ("WARGA KOTA BATU MENOLAK", "35.79 35"),
    ("Rute Surabaya-Makassar dibuka", "35.78 73.71 35 73"),
    ("Persib Bandung menang tipis", "32"),
    ("Gubernur Papua membuka rapat", "91"),
    ("Bali dan Lombok ramai pelancong", "51 52"),
    ("Medan - Dua orang hanyut di sungai", "12.71 12"),
    ("Gempa di Palu dan Donggala, Sulawesi Tengah", "72.71 72.03 72"),
]


def codes(regions: tuple[Region, ...]) -> set[str]:
    return {region.code for region in regions}


def flag_of(text: str, title: str = "", covers: tuple[str, ...] = ()) -> Flag:
    post = Post("sha:1", "s", "00", "news", "media", "web", text, datetime(2024, 11, 1, tzinfo=UTC), "p", title=title)
    return Flag(replace(post, covers=covers))


@pytest.fixture(scope="module")
def gazetteer() -> Gazetteer:
    return shipped()


@pytest.mark.parametrize(("text", "expected"), SENTENCES, ids=[text[:40] for text, _ in SENTENCES])
def test_sentences(text: str, expected: str, gazetteer: Gazetteer) -> None:
    assert codes(find_regions(text, gazetteer)) == set(expected.split())


def test_there_are_enough_sentences_and_many_are_unknown() -> None:
    assert len(SENTENCES) >= 120
    assert sum(expected == UNKNOWN for _, expected in SENTENCES) >= 40
    assert len({text for text, _ in SENTENCES}) == len(SENTENCES)


def test_spans_are_the_words_in_the_text(gazetteer: Gazetteer) -> None:
    text = "Rapat di Kota Bandung; Bandung macet, Jawa Barat hujan."
    found = {region.code: region for region in find_regions(text, gazetteer)}
    assert [text[start:end] for start, end in found["32.73"].spans] == ["Bandung", "Bandung"]
    assert [text[start:end] for start, end in found["32"].spans] == ["Bandung", "Bandung", "Jawa Barat"]


def test_spans_are_offsets_into_the_original_text_after_letters_that_change_their_length(gazetteer: Gazetteer) -> None:
    text = "İİİ ﬁ 😀 Rapat di Surabaya"
    assert [text[slice(*span)] for span in find_regions(text, gazetteer)[0].spans] == ["Surabaya"]


def test_confidence_falls_with_what_is_said(gazetteer: Gazetteer) -> None:
    def of(text: str, code: str, hints: tuple[str, ...] = ()) -> float:
        return next(region.confidence for region in find_regions(text, gazetteer, hints) if region.code == code)

    explicit = of("Rapat di Kota Surabaya", "35.78")
    plain = of("Rapat di Surabaya", "35.78")
    bare = of("surabaya panas", "35.78")
    cued = of("Rapat para petani di Pati", "33.18")
    near = of("Hujan deras di wilayah Blora, lalu Pati", "33.18")
    hinted = of("Hujan deras di Bandung", "32.73", ("32.73",))
    weak = of("Papua hujan", "91")
    source = of("Hujan deras", "32.73", ("32.73",))
    ordered = [explicit, plain, bare, cued, near, hinted, weak, source]
    assert ordered == sorted(set(ordered), reverse=True)
    assert weak < 0.5 <= hinted
    assert source <= 0.3


def test_the_province_of_a_regency_is_a_little_less_sure_and_comes_after_it(gazetteer: Gazetteer) -> None:
    regency, province = find_regions("Warga Kabupaten Garut panen", gazetteer)
    assert (regency.code, province.code) == ("32.05", "32")
    assert 0 < regency.confidence - province.confidence <= 0.1
    assert (regency.level, province.level) == ("regency", "province")


def test_a_source_hint_stands_only_where_nothing_is_named(gazetteer: Gazetteer) -> None:
    hinted = find_regions("Jalan rusak lagi", gazetteer, ("35.73", "35"))
    assert [(region.code, region.how, region.spans) for region in hinted] == [
        ("35.73", "source", ()),
        ("35", "source", ()),
    ]
    assert all(0 < region.confidence <= 0.3 for region in hinted)
    named = find_regions("Jalan di Surabaya rusak lagi", gazetteer, ("35.73",))
    assert {region.how for region in named} == {"mention"}
    assert "35.73" not in codes(named)


def test_unknown_codes_of_a_source_are_left_out(gazetteer: Gazetteer) -> None:
    assert find_regions("Jalan rusak", gazetteer, ("00", "99.99")) == ()


def test_a_hint_decides_between_two_of_one_name_more_weakly(gazetteer: Gazetteer) -> None:
    found = {region.code: region for region in find_regions("Hujan di Bandung", gazetteer, ("32.73",))}
    assert found["32.73"].how == "mention"
    assert found["32.73"].confidence < found["32"].confidence
    assert codes(find_regions("Hujan di Bandung", gazetteer, ("32.73", "32.04"))) == {"32"}
    assert codes(find_regions("Hujan di Kabupaten Bandung", gazetteer, ("32.73",))) == {"32.04", "32"}


def test_a_hint_speaks_for_an_ordinary_word_only_with_a_capital_letter(gazetteer: Gazetteer) -> None:
    named = find_regions("Pemuda itu mencintai Batu sejak kecil", gazetteer, ("35.79",))
    assert {region.how for region in named} == {"mention"}
    unnamed = find_regions("pemuda itu melempar batu sejak kecil", gazetteer, ("35.79",))
    assert {region.how for region in unnamed} == {"source"}


def test_a_title_counts_but_has_no_spans(gazetteer: Gazetteer) -> None:
    found = find_regions("Air naik sejak subuh.", gazetteer, title="Banjir di Kota Semarang")
    assert [(region.code, region.spans) for region in found] == [("33.74", ()), ("33", ())]
    both = find_regions("Air naik di Semarang.", gazetteer, title="Banjir di Kota Semarang")
    assert {region.code: len(region.spans) for region in both} == {"33.74": 0, "33": 1}


@pytest.mark.parametrize("text", ["JAKARTA - Harga cabai naik", "Jakarta, Antara - Harga cabai naik"])
def test_the_newsroom_in_a_dateline_is_no_sure_place(text: str, gazetteer: Gazetteer) -> None:
    (region,) = find_regions(text, gazetteer)
    assert (region.code, region.confidence < 0.5) == ("31", True)
    (again,) = find_regions(text + " di pasar Jakarta.", gazetteer)
    assert again.confidence > 0.5


def test_title_case_headlines_give_no_cue(gazetteer: Gazetteer) -> None:
    assert find_regions("Kawanan Gajah Serang Kebun Warga", gazetteer) == ()
    assert find_regions("Polisi Buru Pelaku Pencurian Motor", gazetteer) == ()


def test_the_enricher_sets_regions_and_changes_nothing_else() -> None:
    flag = flag_of("Air naik.", title="Banjir di Surabaya", covers=("33",))
    enriched = RegionEnricher().enrich(flag)
    assert codes(enriched.regions) == {"35.78", "35"}
    assert replace(enriched, regions=()) == flag
    assert codes(RegionEnricher().enrich(flag_of("Air naik.", covers=("33",))).regions) == {"33"}


@pytest.mark.parametrize(
    ("text", "office", "expected"),
    [
        ("Rapat di Kota Surabaya", "00", False),
        ("Rapat di Kota Surabaya", "35", False),
        ("Rapat di Kota Surabaya", "35.78", False),
        ("Rapat di Kota Surabaya", "35.73", True),
        ("Rapat di Kota Surabaya", "33", True),
        ("Rapat di Kota Surabaya dan Kota Malang", "35.73", False),
        ("Rapat di Jawa Timur", "35.73", False),
        ("Rapat di Jawa Timur", "33.74", True),
        ("Rapat di Bandung", "32.04", False),
        ("Rapat di Bandung", "35.78", True),
        ("Rapat itu panjang", "35.78", False),
        ("Rapat tentang Papua", "61", False),
        ("Rapat tentang Papua dan Kota Surabaya", "94.04", False),
        ("Rapat tentang Papua dan Kota Surabaya", "61", True),
        ("Rapat dengan Gubernur Papua", "94.04", True),
        ("Jakarta - Rapat itu panjang", "61", False),
    ],
)
def test_out_of_area(text: str, office: str, expected: bool, gazetteer: Gazetteer) -> None:
    assert only_other_offices(find_regions(text, gazetteer), office) is expected


def test_a_source_hint_never_sends_a_post_out_of_the_area(gazetteer: Gazetteer) -> None:
    assert only_other_offices(find_regions("Jalan rusak", gazetteer, ("35.78",)), "61") is False


def test_a_regency_read_by_a_hint_does_not_send_the_other_of_its_name_out(gazetteer: Gazetteer) -> None:
    assert only_other_offices(find_regions("Hujan di Bandung", gazetteer, ("32.73",)), "32.04") is False


def test_the_gazetteer_is_whole() -> None:
    gazetteer = Gazetteer.load()
    provinces = [place for place in gazetteer.places.values() if place.level == "province"]
    regencies = [place for place in gazetteer.places.values() if place.level == "regency"]
    assert (len(provinces), len(regencies)) == (38, 514)
    assert all(place.code[:2] in gazetteer.places for place in regencies)
    assert all(place.is_city == place.name.startswith("Kota ") for place in regencies)
    assert all(-11.1 < place.lat < 6.1 and 95 < place.lon < 141.1 for place in gazetteer.places.values())
    assert sum(place.population for place in provinces) > 250_000_000


def test_an_alias_that_is_a_base_name_keeps_all_its_places(gazetteer: Gazetteer) -> None:
    with data_path("regions", "aliases.csv").open(encoding="utf-8", newline="") as file:
        aliases = {tokens_of(row["alias"]): set(row["codes"].split()) for row in csv.DictReader(file)}
    for place in gazetteer.places.values():
        tokens = tokens_of(place.base_name)
        assert place.code in aliases.get(tokens, {place.code}), place.name


def test_every_place_can_be_named(gazetteer: Gazetteer) -> None:
    def spoken(place_name: str) -> str:
        return place_name.replace("Kota Administrasi ", "Kota ").replace("Kabupaten Administrasi ", "Kabupaten ")

    for place in gazetteer.places.values():
        kind = "Provinsi " if place.level == "province" else ""
        text = f"rapat di {kind}{spoken(place.name)} sudah dimulai"
        assert place.code in codes(find_regions(text, gazetteer)), text


@given(st.text(max_size=300), st.text(max_size=60))
def test_any_text_is_safe(text: str, title: str) -> None:
    for region in find_regions(text, shipped(), ("35",), title):
        assert 0 < region.confidence <= 1
        assert all(0 <= start < end <= len(text) for start, end in region.spans)


WORDS = st.sampled_from(
    "kota kabupaten / , . - bupati wali dan Batu Serang Malang malang Bandung Papua Banjar di ke Jawa Barat Timur "
    "Sabang Merauke jalan raya ( ) \n JAKARTA - @ # https:// Kuningan KPU warga".split(" ")
)


@given(st.lists(WORDS, max_size=40), st.sampled_from(["", " "]))
def test_any_mix_of_names_and_cues_is_safe(words: list[str], glue: str) -> None:
    text = glue.join(words)
    regions = find_regions(text, shipped(), ("35.79", "32"))
    assert len(codes(regions)) == len(regions)
    assert [region.confidence for region in regions] == sorted((r.confidence for r in regions), reverse=True)
    for region in regions:
        assert len(region.code) == 2 or region.how == "source" or region.code[:2] in codes(regions)


@pytest.mark.parametrize(
    "piece",
    [
        "Bandung ",
        "di Batu, Jawa Timur ",
        "a.",
        "bandung.",
        "bandung@",
        "Bandung" + " " * 50_000,
        "kabupaten dan kota ",
        "Medan" + "\n" * 30,
        "Medan-",
        "Medan, " + "a" * 29 + " ",
    ],
)
def test_long_hostile_texts_are_bounded(piece: str, gazetteer: Gazetteer) -> None:
    text = (piece * (100_000 // len(piece) + 1))[:100_000]
    started = time.process_time()
    regions = find_regions(text, gazetteer)
    assert time.process_time() - started < 10  # measured: under 0.5 s
    assert all(len(region.spans) <= 32 for region in regions)


def write(folder: Path, **changed: str) -> Path:
    for name in ("gazetteer.csv", "aliases.csv", "contexts.toml"):
        text = changed.get(name.split(".")[0]) or data_path("regions", name).read_text(encoding="utf-8")
        (folder / name).write_text(text, encoding="utf-8")
    return folder


HEAD = "alias,codes,strength,note\n"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"gazetteer": "code,name\n32,Jawa Barat\n"}, "gazetteer.csv: the columns must be code, name"),
        ({"gazetteer": "code,name,base_name,lat,lon,population\nx,a,a,1,1,1\n"}, "gazetteer.csv, line 2: the code"),
        ({"gazetteer": "code,name,base_name,lat,lon,population\n32,a,a,north,1,1\n"}, "gazetteer.csv, line 2: could"),
        ({"aliases": HEAD + "Jabar,32.99,plain,\n"}, "aliases.csv, line 2: unknown region code 32.99"),
        ({"aliases": HEAD + "Jabar,,plain,\n"}, "unknown region code"),
        ({"aliases": HEAD + "Jabar,32,sure,\n"}, "strength must be one of plain"),
        ({"aliases": HEAD + "Jabar,32,plain\n"}, "line 2: not 4 columns"),
        ({"aliases": HEAD + "Jabar,32,plain,\njabar,32,cue,\n"}, "line 3: the alias jabar"),
        ({"contexts": "[level]\ncity = 3\n"}, "contexts.toml: level.city must be a list"),
        ({"contexts": "[level"}, "cannot read"),
    ],
)
def test_broken_data_names_the_place(changed: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Gazetteer.load(write(tmp_path, **changed))
    assert message in str(caught.value)


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read .*gazetteer\.csv"):
        Gazetteer.load(tmp_path)
