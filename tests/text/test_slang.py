"""Slang: one pass, with the words that must never change."""

from __future__ import annotations

import csv
import re

import pytest

from pipeline.core.resources import data_path
from pipeline.text.forms import stem_form
from pipeline.text.slang import never_replaced, slang_map
from pipeline.text.stem import stem

GROUPS_AND_CAMPS = (
    "aseng asing asu pki cina yahudi kristen islam katolik syiah pribumi cebong kampret kadrun kafir onta antek "
    "komunis papua jawa fpi hti lgbt banci tka teroris rezim"
).split()


@pytest.mark.parametrize("word", GROUPS_AND_CAMPS)
def test_target_words_keep_their_form(word: str) -> None:
    assert word not in slang_map()
    assert stem_form(word) == word


@pytest.mark.parametrize("word", ["gak", "ga", "nggak", "ngga", "kagak", "gk", "tdk", "enggak", "engga", "ndak"])
def test_negations_are_one_word(word: str) -> None:
    assert stem_form(word) == "tidak"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        ("yg", "yang"),
        ("gabisa", "tidak bisa"),
        ("makasih", "terima kasih"),
        ("ngajarin", "ajar"),
        ("anak2", "anak"),
        ("org2", "orang"),
        ("mudah2an", "mudah"),
        ("ke2", "ke2"),
        ("wkwkwkwkwk", "haha"),
        ("ahahaha", "haha"),
        ("bangeet", "banget"),
        ("kafiir", "kafir"),
        ("asuu", "asu"),
        ("dll", "dll"),
        ("menangis", "tangis"),
        ("berikan", "beri"),
        ("pemilu", "pemilu"),
        ("pemerintah", "pemerintah"),
        ("b*doh", "b*doh"),
        ("😂", "😂"),
        ("سلام", "سلام"),
        ("enam", "enam"),
        ("g", "g"),
    ],
)
def test_forms(token: str, expected: str) -> None:
    assert stem_form(token) == expected


def test_one_pass_only() -> None:
    """`rapopo` becomes three words of the list's own; what stands for a word is stemmed, never looked up again."""
    laughter = re.compile(r"[wk]+|[hae]+")
    chained = {
        word: formal
        for word, formal in slang_map().items()
        if formal in slang_map() and formal not in never_replaced() and not laughter.fullmatch(formal)
    }
    assert chained
    for word, formal in chained.items():
        assert stem_form(word) == stem(formal), (word, formal)


def test_single_letters_and_empty_forms_are_never_keys() -> None:
    assert all(len(word) > 1 for word in slang_map())
    assert all(slang_map().values())


def test_exceptions_are_well_formed() -> None:
    with data_path("slang", "exceptions.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    words = [row["word"] for row in rows]
    assert len(words) == len(set(words))
    assert all(row["word"] == row["word"].strip().lower() and row["reason"] for row in rows)
    for row in rows:
        assert slang_map().get(row["word"], "") == row["formal"]
