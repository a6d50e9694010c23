"""The grammar: phrases, groups, windows, vetoes, order and clauses, against a naive reading of the same rules."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.enrich.patterns import MAX_SPANS, Matcher, Phrase, Rule, Span, Word, parse_phrase

WORDS = ["serang", "serangan", "kpu", "tps", "kantor", "kota", "suara", "dan"]


def phrase(text: str) -> Phrase:
    return parse_phrase(text, str.split)


def rule(*groups: Sequence[str], near: int | None = None, veto: Sequence[str] = (), **more: bool) -> Rule:
    return Rule(
        tuple(tuple(map(phrase, group)) for group in groups), near=near, vetoes=tuple(map(phrase, veto)), **more
    )


def spans(wanted: Rule, text: str, clauses: Sequence[int] | None = None) -> tuple[Span, ...]:
    return Matcher([wanted]).match(text.split(), (lambda: clauses) if clauses else None).get(0, ())


def test_a_phrase_is_its_words_and_a_star_makes_a_prefix() -> None:
    assert phrase("kotak suara*") == (Word("kotak"), Word("suara", prefix=True))
    assert str(phrase("geruduk*")[0]) == "geruduk*"
    assert phrase(" * ") == ()


def test_any_matches_whole_words_only() -> None:
    wanted = rule(["serang", "kotak suara"])
    assert spans(wanted, "mereka serang kotak suara") == ((1, 2), (2, 4))
    assert spans(wanted, "serangan kotak") == ()


@pytest.mark.parametrize("text", ["geruduk", "menuju geruduknya", "geruduk-geruduk"])
def test_a_prefix_matches_every_word_that_begins_so(text: str) -> None:
    assert bool(spans(rule(["geruduk*"]), text)) == any(word.startswith("geruduk") for word in text.split())


def test_a_prefix_in_the_middle_of_a_phrase() -> None:
    wanted = rule(["kantor bup* kota"])
    assert spans(wanted, "ke kantor bupati kota") == ((1, 4),)
    assert spans(wanted, "ke kantor bupati") == ()
    assert spans(wanted, "ke kantor camat kota") == ()


def test_several_phrases_may_begin_with_one_word() -> None:
    assert spans(rule(["kantor", "kantor kpu", "kantor kpu kota"]), "kantor kpu kota") == ((0, 1), (0, 2), (0, 3))


@pytest.mark.parametrize(("between", "expected"), [(5, True), (6, True), (7, False)])
def test_the_window_counts_its_first_and_last_word(between: int, expected: bool) -> None:
    text = "serang " + "dan " * between + "kpu"
    assert bool(spans(rule(["serang"], ["kpu"], near=8), text)) is expected
    assert bool(spans(rule(["kpu"], ["serang"], near=8), text)) is expected


def test_a_phrase_must_stand_in_the_window_whole() -> None:
    wanted = rule(["serang"], ["kotak suara"], near=4)
    assert spans(wanted, "serang dan kotak suara")
    assert not spans(wanted, "serang dan dan kotak suara")


def test_groups_must_match_by_different_words() -> None:
    wanted = rule(["suara", "kotak suara"], ["suara", "surat"], near=8)
    assert not spans(wanted, "kotak suara")
    assert spans(wanted, "kotak suara suara")
    assert not spans(rule(["tps"], ["tps"]), "tps")
    assert spans(rule(["tps"], ["tps"]), "tps dan tps")


def test_without_a_window_the_groups_may_stand_anywhere() -> None:
    wanted = rule(["serang"], ["kpu"])
    assert spans(wanted, "kpu " + "dan " * 500 + "serang") == ((0, 1), (501, 502))
    assert not spans(wanted, "kpu dan kpu")


@pytest.mark.parametrize(("gap", "vetoed"), [(4, True), (5, True), (6, False)])
def test_a_veto_counts_if_it_fits_into_the_window(gap: int, vetoed: bool) -> None:
    wanted = rule(["serang"], ["kpu"], near=8, veto=["kota"])
    assert bool(spans(wanted, "serang kpu " + "dan " * gap + "kota")) is not vetoed
    assert bool(spans(wanted, "kota " + "dan " * gap + "serang kpu")) is not vetoed
    assert not spans(wanted, "serang kota kpu")


def test_a_veto_without_a_window_forbids_from_anywhere() -> None:
    wanted = rule(["serang"], veto=["kota"])
    assert not spans(wanted, "serang " + "dan " * 100 + "kota")
    assert spans(wanted, "serang " + "dan " * 100)


def test_a_veto_forbids_one_window_and_not_the_next() -> None:
    wanted = rule(["serang"], ["kpu"], near=3, veto=["kota"])
    assert spans(wanted, "serang kota kpu " + "dan " * 9 + "serang kpu") == ((12, 13), (13, 14))


def test_order_and_clause() -> None:
    ordered = rule(["serang"], ["kpu"], near=8, ordered=True)
    assert spans(ordered, "serang kantor kpu")
    assert not spans(ordered, "kpu kantor serang")
    assert spans(ordered, "kpu serang dan kpu") == ((1, 2), (3, 4))
    clause = rule(["serang"], ["kpu"], near=8, clause=True)
    assert spans(clause, "serang kantor kpu", [0, 0, 0])
    assert not spans(clause, "serang kantor kpu", [0, 0, 1])
    assert spans(clause, "serang kantor kpu serang", [0, 0, 1, 1]) == ((2, 3), (3, 4))
    assert spans(clause, "serang kantor kpu"), "without clauses the text is one"


def test_clauses_are_only_asked_for_where_a_rule_needs_them() -> None:
    def never() -> Sequence[int]:
        raise AssertionError

    assert Matcher([rule(["serang"], ["kpu"], near=8)]).match(["serang", "kpu"], never)


def test_rules_are_told_by_their_index_and_spans_are_capped() -> None:
    matcher = Matcher([rule(["kota"]), rule(["kpu"]), rule(["serang"], ["kpu"], near=2)])
    assert matcher.match("serang kpu".split()) == {1: ((1, 2),), 2: ((0, 1), (1, 2))}
    assert all(len(found) <= MAX_SPANS + 1 for found in matcher.match(["serang", "kpu"] * 500).values())
    assert matcher.match([]) == {}
    assert Matcher([]).match(["kpu"]) == {}


def occurrences(phrases: Sequence[Phrase], tokens: Sequence[str]) -> Iterator[Span]:
    for words in phrases:
        for start in range(len(tokens) - len(words) + 1):
            if all(word.fits(tokens[start + offset]) for offset, word in enumerate(words)):
                yield start, start + len(words)


def naive(wanted: Rule, tokens: Sequence[str]) -> bool:
    """Every choice of one place a group, tried out; vetoes only without a window."""
    if wanted.near is None and any(True for _ in occurrences(wanted.vetoes, tokens)):
        return False
    for chosen in product(*(list(occurrences(group, tokens)) for group in wanted.groups)):
        low, high = min(start for start, _ in chosen), max(end for _, end in chosen)
        taken = [place for start, end in chosen for place in range(start, end)]
        if wanted.ordered and any(one[1] > two[0] for one, two in pairwise(chosen)):
            continue
        if len(taken) == len(set(taken)) and (wanted.near is None or high - low <= wanted.near):
            return True
    return False


PHRASES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=2).map(" ".join) | st.sampled_from(
    ["se*", "kan*", "k*"]
)
GROUPS = st.lists(st.lists(PHRASES, min_size=1, max_size=3), min_size=1, max_size=3)


@settings(max_examples=400, deadline=None)
@given(GROUPS, st.none() | st.integers(1, 6), st.booleans(), st.lists(st.sampled_from(WORDS), max_size=10))
def test_the_engine_agrees_with_a_naive_reading(
    groups: list[list[str]], near: int | None, ordered: bool, tokens: list[str]
) -> None:
    wanted = rule(*groups, near=near, ordered=ordered)
    found = Matcher([wanted, rule(["kota"]), wanted]).match(tokens)
    assert (0 in found) == naive(wanted, tokens) == (2 in found)
    assert all(0 <= start < end <= len(tokens) for places in found.values() for start, end in places)


@settings(max_examples=200, deadline=None)
@given(GROUPS, st.lists(PHRASES, min_size=1, max_size=2), st.lists(st.sampled_from(WORDS), max_size=10))
def test_vetoes_without_a_window_agree_with_a_naive_reading(
    groups: list[list[str]], vetoes: list[str], tokens: list[str]
) -> None:
    wanted = rule(*groups, veto=vetoes)
    assert bool(Matcher([wanted]).match(tokens)) == naive(wanted, tokens)


@pytest.mark.parametrize("text", ["serang kpu kota ", "serang ", "kota kpu ", "serang kota "])
def test_the_work_on_a_hostile_text_is_bounded(text: str) -> None:
    tokens = (text * 20_000).split()[:20_000]
    rules = [
        rule(["serang"], ["kpu"], ["serang kpu", "kota"], ["kpu kota"], near=50, veto=["kota"]),
        rule(["serang"], ["serang"], ["serang kpu"], ["kpu serang"]),
        rule(["serang"], ["kota"], near=50, veto=["kpu", "kota"], ordered=True),
    ]
    begun = time.process_time()
    Matcher(rules).match(tokens)
    assert time.process_time() - begun < 10
