"""Words in disguise are read as a person reads them; what only looks like a disguise stays as it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text import normalise
from pipeline.text.unveil import LONGEST, joined_letters, unveiled


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("b4k4r k4nt0r itu", ["bakar", "kantor", "itu"]),
        ("us1r 4nj1ng", ["usir", "anjing"]),
        ("BAK4R!", ["bakar"]),
        ("b.a.k.a.r saja", ["bakar", "saja"]),
        ("b-a-k-a-r b_a_k_a_r b*a*k*a*r", ["bakar", "bakar", "bakar"]),
        ("ayo b a k a r rumah", ["ayo", "bakar", "rumah"]),
        ("b a k a r r u m a h", ["bakar", "rumah"]),
        ("ba\U0001f525kar", ["bakar"]),
        ("b\u200ba\u200bk\u200bar", ["bakar"]),
        ("b\u0430k\u0430r", ["bakar"]),  # Cyrillic
        ("b\u03b1k\u03b1r", ["bakar"]),  # Greek
        ("\u0299\u1d00\u1d0b\u1d00\u0280", ["bakar"]),  # small capitals
        ("P.K.I", ["pki"]),
    ],
)
def test_a_disguised_word_is_read(text: str, tokens: list[str]) -> None:
    assert list(normalise(text).tokens) == tokens


@pytest.mark.parametrize(
    "text",
    [
        "orang2 anak2nya",
        "tps01 rt05 c1 p3k g30s h1n1 covid19 kelas3",
        "2019gantipresiden jokowi2periode",
        "10ribu 5jt 3x 17an 45rb",
        "jam7 pukul10 no1 ke7",
        "a b c d e f",
    ],
)
def test_what_is_no_disguise_stays(text: str) -> None:
    assert list(normalise(text).tokens) == text.split()


def test_parts_that_are_words_stay_apart() -> None:
    found = normalise("anti-asing makan/minum di.bakar dan,lain S.Pd.")
    assert found.tokens == ("anti", "asing", "makan", "minum", "di", "bakar", "dan", "lain", "s", "pd")


def test_spans_cover_the_whole_disguise() -> None:
    text = "ayo b a k a r, b4k4r! dan ba\U0001f525kar"
    shown = [text[start:end] for start, end in normalise(text).spans]
    assert shown == ["ayo", "b a k a r", "b4k4r", "dan", "ba\U0001f525kar"]


def test_long_letters_are_short_where_only_that_is_a_word() -> None:
    found = normalise("bangeeeet baaakar kaaafiiir maaaf siiip apaaa")
    assert found.tokens == ("banget", "bakar", "kafir", "maaf", "siip", "apaa")


@given(st.text(alphabet="abk1043@$!. -_\U0001f525\u0430r", max_size=60))
def test_any_signs_are_read_without_trouble(text: str) -> None:
    found = normalise(text)
    assert all(0 <= start < end <= len(text) for start, end in (*found.spans, *found.piece_spans))
    assert list(found.spans) == sorted(found.spans)
    assert len(joined_letters(text, "\ue000")) == len(text)


def test_a_long_piece_costs_nothing() -> None:
    assert unveiled("b4" * LONGEST) is None
