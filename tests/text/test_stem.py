"""Our stemmer answers what PySastrawi's own answers, word by word."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from Sastrawi.Stemmer.StemmerFactory import StemmerFactory

from pipeline.text import stem
from pipeline.text.stem import MEMO_LETTERS, MEMO_WORDS, _remembered, _stem, roots

PREFIXES = (
    "", "di", "ke", "se", "ber", "be", "bel", "ter", "te", "me", "mem", "men", "meng", "meny", "menge", "memp", "mempe",
    "memper", "per", "pe", "pem", "pen", "peng", "penge", "peny", "pel", "ku", "kau", "diper", "keber", "seper",
)  # fmt: skip
SUFFIXES = (
    "", "i", "an", "kan", "is", "isme", "isasi", "lah", "kah", "tah", "pun", "ku", "mu", "nya", "kannya", "annya",
    "inya", "kanlah", "annyalah", "-nya", "-lah", "-ku", "--mu", "2", "in",
)  # fmt: skip
INFIXES = ("er", "el", "em", "in")
STOCK: Any = StemmerFactory().create_stemmer().delegatedStemmer
STRIDE = (
    41  # of 179,592 words: 4,381, the same ones at every run, to which one root of each letter comes with each prefix
)


def combinations() -> list[str]:
    """Every root once with a prefix and a suffix that change from root to root; then sampled by a fixed stride."""
    words = []
    known = sorted(roots())
    for number, root in enumerate(known):
        prefix = PREFIXES[number % len(PREFIXES)]
        suffix = SUFFIXES[(number // 7) % len(SUFFIXES)]
        infix = root[:1] + INFIXES[number % 4] + root[1:]
        words += [prefix + root + suffix, infix + suffix, prefix + root[1:] + suffix]
        words += [f"{root}-{prefix}{root}{suffix}", f"{prefix}{root}-{root}{suffix}", f"{prefix}{root[:2]}{suffix}"]
    sampled = words[::STRIDE]
    for letter in "abcdefghijklmnopqrstuvwxyz":
        root = next(root for root in known if root[:1] == letter and len(root) > 4)
        sampled += [prefix + root for prefix in PREFIXES] + [f"me{letter}akan", f"pe{letter}eri", f"ter{letter}erka"]
    return sampled


def test_the_same_as_stock_on_roots_with_affixes() -> None:
    words = combinations()
    assert len(words) > 4_000
    wrong = [(word, ours, theirs) for word in words if (ours := stem(word)) != (theirs := STOCK.stem(word))]
    assert wrong == []


@given(
    st.lists(st.sampled_from(PREFIXES), max_size=2).map("".join),
    st.one_of(
        st.sampled_from(
            ("ajar", "ikan", "kritik", "nyanyi", "taat", "rumah", "erti", "urus", "ganti", "usir", "a", "xyz")
        ),
        st.text("aiueobcdgkmnprstly-", max_size=6),
    ),
    st.lists(st.sampled_from(SUFFIXES), max_size=2).map("".join),
    st.booleans(),
)
@settings(max_examples=600, deadline=None)
def test_the_same_as_stock_on_made_up_words(prefix: str, root: str, suffix: str, doubled: bool) -> None:
    word = prefix + root + suffix
    word = f"{root}-{word}" if doubled else word
    assert _stem(word) == STOCK.stem(word)


@given(st.text(max_size=12))
@settings(max_examples=300, deadline=None)
def test_the_same_as_stock_on_any_text(text: str) -> None:
    assert stem(text) == STOCK.stem(text)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("mempengaruhi", "pengaruh"),
        ("kebijaksanaannya", "bijaksana"),
        ("pembelajaran", "ajar"),
        ("berbalas-balasan", "balas"),
        ("meniru-nirukan", "tiru"),
        ("orang-orangnya", "orang"),
        ("nikmat-Ku", "nikmat"),
        ("kinerja", "kerja"),
        ("kupukul", "pukul"),
        ("", ""),
    ],
)
def test_stems(word: str, expected: str) -> None:
    assert stem(word) == expected


@pytest.mark.parametrize(
    ("word", "wrong"),
    [
        ("berikan", "ikan"),
        ("perasaan", "asa"),
        ("pemilu", "milu"),
        ("rasis", "ras"),
        ("gerakan", "gera"),
        ("menikah", "meni"),
    ],
)
def test_known_wrong_stems_are_kept(word: str, wrong: str) -> None:
    assert stem(word) == wrong


@pytest.mark.parametrize(
    "word", ["nya", "ku", "lah", "di", "ke", "dii", "isi", "kan", "-", "--", "-nya", "a-", "-a", "--lah"]
)
def test_short_and_broken_words(word: str) -> None:
    assert stem(word) == STOCK.stem(word)


def test_all_short_words_of_some_letters() -> None:
    """Words of three letters or fewer run only the first visitor of each chain: few roots are that short."""
    letters = "aiudkenslh"
    words = [a + b + c for a in letters for b in letters for c in letters]
    words += [first + last for first in ("mei", "tei", "beran", "belah", "memp") for last in ("", "na", "nan", "i")]
    assert [word for word in words if stem(word) != STOCK.stem(word)] == []


def test_memo_is_bounded() -> None:
    assert _remembered.cache_info().maxsize == MEMO_WORDS
    before = _remembered.cache_info().currsize
    stem("x" * (MEMO_LETTERS + 1))
    assert _remembered.cache_info().currsize == before


def test_unseen_words_are_stemmed_many_times_faster() -> None:
    words = combinations()[:400]
    start = time.process_time()
    for word in words:
        STOCK.stem(word)
    middle = time.process_time()
    for word in words:
        _stem(word)
    ours = time.process_time() - middle
    assert middle - start > 10 * ours  # 40 measured; the margin is for busy machines
