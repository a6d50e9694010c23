"""Carries or denies, same or different: the pairs written for this project, and the file of cues."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from claimtexts import ranker
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.core.resources import data_path
from pipeline.enrich.claims.stance import agree, denies, differing, read_cues, says_the_same, words_of
from pipeline.enrich.claims.terms import stem_id

RIGHT = {("carries", "dev"): 64, ("denies", "dev"): 59, ("carries", "test"): 59, ("denies", "test"): 44}
"""Of 66 each; `test` was not looked at while the cues were written. Floors only rise."""
AGREE = {"same": 18, "different": 32}
"""Of 25 and 35: a `same` that is missed stays a suggestion, a `different` that is missed is a wrong match."""


def _weight(stem: str) -> float:
    return float(ranker().weights[stem_id(stem)])


def _rows(name: str) -> list[dict[str, str]]:
    with data_path("functional", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(("expected", "split"), RIGHT)
def test_posts_that_carry_and_posts_that_deny_are_told_apart(expected: str, split: str) -> None:
    rows = [row for row in _rows("claim_pairs.csv") if (row["expected"], row["split"]) == (expected, split)]
    assert len(rows) == 66
    right = [row for row in rows if denies(words_of(row["post"]), words_of(row["claim"])) == (expected == "denies")]
    assert len(right) >= RIGHT[expected, split]


@pytest.mark.parametrize("expected", AGREE)
def test_numbers_names_and_negation_must_agree(expected: str) -> None:
    rows = [row for row in _rows("claim_agreement.csv") if row["expected"] == expected]
    found = [agree(words_of(row["post"]), words_of(row["claim"]), _weight) for row in rows]
    assert sum(each == (expected == "same") for each in found) >= AGREE[expected]


@pytest.mark.parametrize(
    ("post", "claim"),
    [
        ("Jokowi menerima undangan itu kemarin di istana", "Jokowi menolak undangan itu di istana"),
        ("kabarnya paslon 02 mundur dari pemilihan bupati", "Paslon 01 mundur dari pemilihan bupati"),
        ("kabarnya warga Bandung mengungsi malam ini", "warga Sleman mengungsi malam ini"),
        ("polisi melaporkan wartawan soal bansos", "wartawan melaporkan polisi soal bansos"),
        ("surat suara dinyatakan sah oleh panitia", "surat suara dinyatakan tidak sah oleh panitia"),
    ],
)
def test_the_other_way_round_is_another_statement(post: str, claim: str) -> None:
    assert not agree(words_of(post), words_of(claim), _weight)
    assert not says_the_same(words_of(post), words_of(claim), _weight)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "words = 3",
        "[words]\nNOT = 'a'\n[denies]\npatterns = ['(']\n[asks]\npatterns = ['a']\n[tells]\npatterns = ['a']",
    ],
)
def test_a_broken_file_of_cues_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "cues.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"cues\.toml"):
        read_cues(path)


@given(st.text(max_size=300), st.text(max_size=300))
def test_any_two_texts_can_be_compared(first: str, second: str) -> None:
    one, other = words_of(first), words_of(second)
    assert agree(one, one, _weight)
    assert isinstance(denies(one, other), bool)
    for words, places in zip((one, other), differing(one, other), strict=True):
        assert all(0 <= at < len(words.tokens) for at in places)
