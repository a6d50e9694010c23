"""Which posts carry a claim: levels, agreement, denials, and what both texts share."""

from __future__ import annotations

import pytest
from claimtexts import CARRIES, DAY, MOVED, POSTPONED, TOKENS, documents, matcher_of
from hypothesis import given
from hypothesis import strategies as st

from pipeline.enrich.claims import ClaimMatcher, Document, Found, Thresholds

ALL = matcher_of(documents(MOVED, POSTPONED, TOKENS))


def _levels(text: str, matcher: ClaimMatcher = ALL, day: int | None = DAY) -> dict[str, str]:
    return {each.claim: each.level for each in matcher.match([text], [day])[0]}


def test_a_post_that_carries_a_claim_matches_it_and_shows_the_shared_words() -> None:
    (found,) = ALL.match([CARRIES], [DAY + 3])[0]
    assert (found.claim, found.level, found.returned) == ("k1", "match", False)
    shown = " ".join(CARRIES[start:end] for start, end in found.spans)
    assert "terbakar" in shown
    assert "pencoblosan" in shown


def test_an_ordinary_post_carries_none() -> None:
    assert _levels("Pagi ini jalan ke pasar macet, mungkin karena ada perbaikan jembatan di dekat sekolah dasar.") == {}
    assert ALL.top_scores(["Kucing saya tidur seharian di atas lemari"]) == [0.0]


def test_an_old_claim_says_that_it_comes_back() -> None:
    assert [each.returned for each in ALL.match([CARRIES, CARRIES], [DAY + 200, None])[0]] == [True]
    assert not ALL.match([CARRIES], [None])[0][0].returned


@pytest.mark.parametrize("standing", ["clarified", "disputed", "true", "satire", "unrated"])
def test_only_a_debunked_claim_matches(standing: str) -> None:
    matcher = matcher_of(documents(POSTPONED, standing=standing))
    assert _levels(CARRIES, matcher) == {}
    assert [each.claim for each in matcher.likest(CARRIES, 3)] == ["k0"]


def test_a_very_short_post_never_matches_by_itself() -> None:
    assert _levels("pencoblosan ditunda surat suara terbakar Wanasari") == {"k1": "suggest"}


def test_a_claim_of_stop_words_matches_nothing() -> None:
    matcher = matcher_of(documents("yang ini dan itu akan ada di sana untuk kita semua"))
    assert "match" not in _levels("yang ini dan itu akan ada di sana untuk kita semua", matcher).values()


@pytest.mark.parametrize(
    "post",
    [
        CARRIES.replace("4 Desember", "9 Desember"),
        CARRIES.replace("ditunda", "tidak ditunda"),
        "[SALAH] " + CARRIES,
        CARRIES + " Itu tidak benar, jangan disebarkan.",
        "Apakah benar " + CARRIES,
    ],
)
def test_another_number_a_negation_or_a_denial_is_no_match(post: str) -> None:
    assert "match" not in _levels(post).values()


def test_a_denial_is_told_as_one() -> None:
    assert _levels("HOAKS! " + CARRIES) == {"k1": "denial"}
    assert _levels("Ini bukan hoaks! " + CARRIES) == {"k1": "match"}


def test_wordings_of_one_claim_count_once() -> None:
    matcher = matcher_of([Document("k", POSTPONED, DAY, "debunked"), Document("k", CARRIES, DAY, "debunked")])
    (found,) = matcher.match([CARRIES], [DAY])[0]
    assert found.score == pytest.approx(max(matcher.top_scores([CARRIES])))


def test_a_chain_letter_of_thousands_of_words_is_read_in_time() -> None:
    letter = CARRIES + " sebarkan ke semua grup keluarga dan tetangga" * 800
    assert len(letter.split()) > 5_000
    assert isinstance(ALL.match([letter], [DAY])[0], tuple)


def test_the_same_statement_in_other_order_is_alike_and_another_number_is_not() -> None:
    assert ALL.alike(
        POSTPONED, "Karena surat suara terbakar, KPU Kabupaten Wanasari menunda pencoblosan sampai 4 Desember"
    )
    assert not ALL.alike(POSTPONED, POSTPONED.replace("4 Desember", "9 Desember"))
    assert not ALL.alike(POSTPONED, POSTPONED.replace("menunda", "tidak menunda"))
    assert not ALL.alike(POSTPONED, MOVED)
    assert not ALL.alike("", "")


def test_what_differs_is_marked_in_both_texts() -> None:
    text, claim = "Bupati menolak bantuan 5 truk beras", "Bupati tidak menolak bantuan 15 truk beras"
    found = ALL.explain(text, claim)
    assert "bantuan" in " ".join(text[start:end] for start, end in found.text_shared)
    assert [text[start:end] for start, end in found.text_differs] == ["5"]
    assert {claim[start:end] for start, end in found.claim_differs} == {"tidak", "15"}


def test_the_digest_changes_with_thresholds_and_claims() -> None:
    first = matcher_of(documents(MOVED))
    other = ClaimMatcher(first.index, first.ranker, Thresholds(0.1, 0.9))
    before = first.digest
    assert other.digest != before
    first.index.add(documents(TOKENS))
    assert first.digest != before


@given(st.text(max_size=600))
def test_any_text_is_matched_without_an_error_and_spans_lie_inside(text: str) -> None:
    for found in (*ALL.match([text + " " + CARRIES], [None])[0], *ALL.likest(text, 3)):
        assert isinstance(found, Found)
        assert 0 <= found.score <= 1
        assert all(0 <= start < end <= len(text) + 1 + len(CARRIES) for start, end in found.spans)
    shown = ALL.explain(text, POSTPONED)
    assert all(0 <= start < end <= len(text) for start, end in (*shown.text_shared, *shown.text_differs))
