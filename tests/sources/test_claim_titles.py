"""Titles of fact-checks taken apart, and how articles quote the post they check."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.claims import RATINGS
from pipeline.sources.claims.ratings import load_scale
from pipeline.sources.claims.titles import media_of, read_title
from pipeline.sources.claims.wording import masked, quoted, taken_back, wording_of

SCALE = load_scale()


@pytest.mark.parametrize(
    ("title", "rating", "claim"),
    [
        ("[SALAH] Logistik TPS Dibakar Warga", "false", "Logistik TPS Dibakar Warga"),
        ("[PENIPUAN] Tautan Bantuan Jari Bertinta", "false", "Tautan Bantuan Jari Bertinta"),
        ("[HOAX+HASUT] Gudang Suara Dijaga Orang Asing", "false", "Gudang Suara Dijaga Orang Asing"),
        ("[DISINFORMASI] TPS Dipindah", "false", "TPS Dipindah"),
        ("(SALAH) TPS Dipindah", "false", "TPS Dipindah"),
        ("SALAH: TPS Dipindah", "false", "TPS Dipindah"),
        ("Hoaks! TPS Dipindah", "false", "TPS Dipindah"),
        ("Keliru, Klaim bahwa TPS Dipindah", "false", "TPS Dipindah"),
        ("Cek Fakta: Tidak Benar TPS Dipindah", "false", "TPS Dipindah"),
        ("Cek Fakta: Hoaks Video TPS Terbakar", "false", "Video TPS Terbakar"),
        ("TPS Dipindah ke Hutan, Itu Hoaks!", "false", "TPS Dipindah ke Hutan"),
        ("[FALSE] Polling station moved", "false", "Polling station moved"),
        ("Sebagian Benar: TPS Dipindah", "partly_false", "TPS Dipindah"),
        ("Menyesatkan, TPS Dipindah", "misleading", "TPS Dipindah"),
        ("[BENAR] TPS Dipindah", "true", "TPS Dipindah"),
        ("[KLARIFIKASI] TPS Dipindah", "clarification", "TPS Dipindah"),
        ("[ISU] TPS Dipindah", "unrated", "TPS Dipindah"),
        ("Cek Fakta: Benarkah TPS Dipindah?", None, "Benarkah TPS Dipindah?"),
        ("Hoaks atau Fakta: TPS Dipindah", None, "TPS Dipindah"),
        ("Bukan Hoaks, TPS Dipindah", None, "Bukan Hoaks, TPS Dipindah"),
        ("Salah Kaprah soal TPS", None, "Salah Kaprah soal TPS"),
        ("Info: TPS Dipindah", None, "Info: TPS Dipindah"),
        ("[6/1 17:10] TPS Dipindah", None, "TPS Dipindah"),
        ("[SALAH]", "false", ""),
        ("", None, ""),
    ],
)
def test_a_title_gives_its_verdict_and_claim(title: str, rating: str | None, claim: str) -> None:
    read = read_title(title, SCALE)
    assert (read.rating, read.claim) == (rating, claim)
    assert not read.editorial


@pytest.mark.parametrize("title", ["[BERITA] Rapat Relawan", "[EDUKASI] Cara Mengecek Foto", "[TOP 5] Pekan Ini"])
def test_news_and_education_are_no_claims(title: str) -> None:
    assert read_title(title, SCALE).editorial


@pytest.mark.parametrize("title", ["[RALAT] [SALAH] TPS Dipindah", "[DITARIK] TPS Dipindah", "Retracted: TPS Moved"])
def test_a_title_may_say_that_the_check_was_taken_back(title: str) -> None:
    assert read_title(title, SCALE).withdrawn


def test_the_words_at_the_start_say_what_carries_a_claim() -> None:
    assert media_of("Video kotak suara dibuka") == "video"
    assert media_of("“Foto antrean di TPS”") == "image"
    assert media_of("Beredar Rekaman Suara Ketua RT") == "audio"
    assert media_of("Kotak suara di video itu") == "text"


@given(st.text(max_size=200) | st.lists(st.sampled_from("[ ] ( ) SALAH Cek Fakta : ! , - hoaks".split())).map(" ".join))
def test_any_title_is_taken_apart(title: str) -> None:
    read = read_title(title, SCALE)
    assert read.rating in (None, *RATINGS)
    assert len(read.claim) <= len(title)
    assert media_of(read.claim) in ("text", "image", "video", "audio")


def test_a_hostile_title_takes_no_time() -> None:
    began = time.perf_counter()
    for title in ("[" * 100_000, "[SALAH] " * 20_000, "Hoaks! " * 20_000, "a " * 100_000 + ", itu", "(" * 50_000 + ")"):
        read_title(title, SCALE)
    assert time.perf_counter() - began < 2


ARTICLE = """Judul
Kategori: Konten palsu
=====
NARASI:
“Info penting, TPS di pasar dipindah ke kantor desa, bawa KTP asli”
=====
PENJELASAN: Sebuah akun membagikan kabar itu.
Faktanya TPS tetap.
"""


def test_the_narration_of_an_article_is_its_wording() -> None:
    assert wording_of(ARTICLE) == "Info penting, TPS di pasar dipindah ke kantor desa, bawa KTP asli"
    assert wording_of("[NARASI]:\nTPS dipindah\n\n[PENJELASAN]:\nTidak.") == "TPS dipindah"
    assert wording_of("NARRATION: The polling station moved\nEXPLANATION: No.") == "The polling station moved"
    assert wording_of("Narasi yang beredar tidak benar. PENJELASAN") == ""
    assert wording_of("NARASI: (Narasi tidak ditampilkan)\nPENJELASAN: x") == ""


def test_of_a_description_only_the_quotation_is_wording() -> None:
    told = "Akun Facebook “Warga Contoh” mengunggah foto dengan narasi:\n“TPS dipindah ke kantor desa besok pagi”"
    assert quoted(told) == "TPS dipindah ke kantor desa besok pagi"
    assert quoted("Beredar kabar di media sosial bahwa TPS dipindah.") == ""


def test_accounts_are_masked_by_handle_and_by_name() -> None:
    text = masked("Akun Facebook “Warga Contoh” dan @wargacontoh menulis, telepon 0812-3456-7890")
    assert text == "Akun Facebook [akun] dan [akun] menulis, telepon [telepon]"
    assert masked("akun Twitter bernama Budi Contoh menulis") == "akun Twitter [akun] menulis"
    assert masked("TPS di Desa Contoh") == "TPS di Desa Contoh"


def test_only_an_article_that_speaks_of_itself_is_taken_back() -> None:
    assert taken_back("Artikel ini telah ditarik karena keliru.")
    assert taken_back("Kami menarik kembali artikel ini.")
    assert taken_back("This fact-check has been retracted.")
    assert not taken_back("Surat suara ditarik dari TPS. Izin usaha dicabut.")


@given(
    st.text(max_size=400)
    | st.lists(st.sampled_from(["NARASI:", "PENJELASAN:", "“", "”", "\n", "akun", "=====", "x"])).map("".join)
)
def test_any_article_has_a_wording_or_none(text: str) -> None:
    assert len(wording_of(text)) <= len(text)
    assert len(quoted(text)) <= len(text)
    assert isinstance(taken_back(text), bool)
    assert masked(masked(text)) == masked(text)


def test_a_hostile_article_takes_no_time() -> None:
    began = time.perf_counter()
    for text in (
        "NARASI:\n" * 30_000,
        "“" * 200_000,
        "artikel ini telah " * 30_000,
        "akun " * 50_000,
        "=" * 200_000,
        "\n" * 200_000,
        "- " * 100_000,
    ):
        wording_of(text)
        quoted(text)
        taken_back(text)
        masked(text[:5_000])
    assert time.perf_counter() - began < 5
