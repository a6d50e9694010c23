"""The claims index: what is added is found at once and after opening again, what is removed is not."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from claimtexts import MOVED, POSTPONED, TOKENS, documents, ranker
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ItemError, StoreUnavailable
from pipeline.enrich.claims import ClaimIndex, ClaimMatcher, Document
from pipeline.enrich.claims.index import FILE, Hit
from pipeline.enrich.claims.terms import BUCKETS, KINDS, terms_of
from pipeline.text import normalise


def _search(index: ClaimIndex, text: str, k: int = 5) -> list[str]:
    return [index.document(hit.number).claim for hit in index.search([normalise(text)], k)[0]]


def test_what_was_added_is_found_best_first_and_after_opening_again(tmp_path: Path) -> None:
    index = ClaimIndex.open(tmp_path / "index", ranker().weights)
    index.add(documents(MOVED, POSTPONED, TOKENS), rev=7)
    assert _search(index, "token listrik gratis lewat telegram")[0] == "k2"
    index.close()
    again = ClaimIndex.open(tmp_path / "index", ranker().weights)
    assert (len(again), again.rev) == (3, 7)
    assert _search(again, "pencoblosan ditunda, surat suara terbakar")[0] == "k1"
    assert again.search([normalise("kucing tidur siang")], 5) == [[]]


def test_a_removed_claim_is_found_no_more(tmp_path: Path) -> None:
    index = ClaimIndex.open(tmp_path, ranker().weights)
    index.add(documents(MOVED, POSTPONED))
    number = index.search([normalise(MOVED)], 1)[0][0].number
    index.remove(["k0", "nobody"])
    assert "k0" not in _search(index, MOVED)
    assert len(index) == len(ClaimIndex.open(tmp_path, ranker().weights)) == 1
    with pytest.raises(ItemError, match="gone"):
        index.document(number)


def test_many_small_additions_give_what_one_large_one_gives() -> None:
    texts = [f"Desa {name} membagikan kupon beras nomor {at}" for at, name in enumerate("abcdefghijkl" * 9)]
    whole = ClaimIndex.in_memory(documents(*texts), ranker().weights)
    parts = ClaimIndex.in_memory([], ranker().weights)
    for document in documents(*texts):
        parts.add([document])
    question = [normalise("kupon beras nomor 17 dibagikan desa f")]
    found, again = whole.search(question, 5)[0], parts.search(question, 5)[0]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in again])
    assert found[0].number == again[0].number == 18


def test_few_postings_or_many_give_the_same_scores() -> None:
    """A text whose stems few of many documents have is summed in another way than one whose stems all have."""
    texts = [MOVED, *(f"kabar desa nomor {at} tentang harga cabai" for at in range(400))]
    index = ClaimIndex.in_memory(documents(*texts), ranker().weights)
    few = index.search([normalise("Pasar Kemiri banjir")], 3)[0]
    many = index.search([normalise("Pasar Kemiri banjir, kabar desa tentang harga cabai")], 500)[0]
    assert [hit.number for hit in few] == [1]
    assert 1 in [hit.number for hit in many]
    assert index.search([normalise("Pasar Kemiri banjir")], 3)[0] == few


def test_only_debunked_ones_where_only_those_are_asked_for() -> None:
    mixed = [*documents(MOVED), Document("k9", MOVED, None, "clarified")]
    index = ClaimIndex.in_memory(mixed, ranker().weights)
    assert len(index.near(terms_of(normalise(MOVED)), 9)[0]) == 2
    assert index.near(terms_of(normalise(MOVED)), 9, debunked=True)[0].tolist() == [1]


@pytest.mark.parametrize("content", [b"not a database at all" * 99, b"SQLite format 3\0" + b"x" * 500])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ItemError, match="damaged"):
        ClaimIndex.open(tmp_path, ranker().weights)


def test_terms_out_of_range_are_damage(tmp_path: Path) -> None:
    ClaimIndex.open(tmp_path, ranker().weights).add(documents(MOVED))
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("update document set terms = ?", (np.array([2**30], "<i4").tobytes(),))
    with pytest.raises(ItemError, match="damaged"):
        ClaimIndex.open(tmp_path, ranker().weights)


def test_the_index_of_another_version_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ClaimIndex.open(tmp_path, ranker().weights).close()
    monkeypatch.setattr("pipeline.enrich.claims.index.TEXT_VERSION", "999")
    with pytest.raises(ItemError, match="another version"):
        ClaimIndex.open(tmp_path, ranker().weights)


@given(st.text(max_size=400))
def test_any_text_can_be_a_claim_and_a_question(text: str) -> None:
    index = ClaimIndex.in_memory(documents(text, MOVED), ranker().weights)
    (found,) = index.search([normalise(text)], 4)
    assert all(isinstance(hit, Hit) and hit.score <= 1.0001 for hit in found)
    if any(terms_of(normalise(text)).stem):
        assert found[0].score == pytest.approx(1.0, abs=1e-4)


@given(st.text(max_size=300))
def test_terms_are_sorted_different_and_of_their_kind(text: str) -> None:
    terms = terms_of(normalise(text))
    for kind, name in enumerate(KINDS):
        ids = getattr(terms, name)
        assert (np.diff(ids) > 0).all()
        assert (ids // BUCKETS == kind).all()


def test_an_index_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    index = ClaimIndex.open(tmp_path, ranker().weights)
    index.close()
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        index.add(documents(MOVED))


def test_a_claim_that_was_taken_out_meanwhile_is_not_found(tmp_path: Path) -> None:
    index = ClaimIndex.open(tmp_path, ranker().weights)
    index.add(documents(MOVED, POSTPONED))
    ClaimIndex.open(tmp_path, ranker().weights).remove(["k0"])
    found = ClaimMatcher(index, ranker(), ranker().thresholds).likest(MOVED, 5)
    assert "k0" not in [each.claim for each in found]
