"""Which unflagged posts people are asked about because the model would learn from them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classify.policy import Policy, decide, doubt, is_unsure
from pipeline.classify.teach import candidate, choose, room_at
from pipeline.core.types import Flag, Post, Signal

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
POLICY = Policy({}, 0.01, 50, teach_per_day=20, unsure=(0.3, 0.7))

scores = st.floats(0, 1)
labels = st.sampled_from(["hate_group", "incitement", "threat", "hoax_claim", "abusive"])


def _flag(*signals: tuple[str, float], number: int = 1, **post: Any) -> Flag:
    values = {"kind": "post", "visibility": "broadcast", "platform": "x", "text": "x"} | post
    made = Post(f"x~{number}", "s", "61", fetched_at=MOMENT, partition="2026-11-21/10", **values)
    return decide(Flag(made, tuple(Signal(label, score, 0.6, "m") for label, score in signals)), POLICY)


def _order(*flags: Flag) -> list[str]:
    found = [each for row, flag in enumerate(flags) if (each := candidate(flag, POLICY, row)) is not None]
    return [flags[each.row].id for each in sorted(found)]


def test_the_nearer_to_a_decision_the_more_it_teaches() -> None:
    flags = [_flag(("hate_group", score), number=number) for number, score in enumerate((0.4, 0.59, 0.3, 0.5))]
    assert _order(*flags) == ["x~1", "x~3", "x~0", "x~2"]
    assert _order(_flag(("hate_group", 0.31), ("incitement", 0.5)), _flag(("hate_group", 0.45), number=2))[0] == "x~1"


@pytest.mark.parametrize(
    "flag",
    [
        _flag(("hate_group", 0.65)),  # over the threshold: flagged
        _flag(("hate_group", 0.29)),
        _flag(("hate_group", 0.0)),
        _flag(("threat", 0.5)),  # a rule is never unsure
        _flag(("hoax_claim", 0.5)),
        _flag(("abusive", 0.5)),  # makes no flag
        _flag(("hate_group", 0.5), visibility="submitted"),
        _flag(("hate_group", 0.5), visibility="comment"),
        _flag(("hate_group", 0.5), url="https://a.example/1"),
        _flag(("hate_group", 0.5), kind="news", publisher_class="verified_press"),
        _flag(),
    ],
)
def test_who_is_sure_flagged_or_private_is_not_asked_about(flag: Flag) -> None:
    assert _order(flag) == []


def test_without_a_band_nothing_is_unsure() -> None:
    sure = replace(POLICY, unsure=(0.5, 0.5))
    flag = _flag(("hate_group", 0.5))
    assert candidate(flag, sure, 0) is None
    assert doubt(flag, sure) is None
    assert doubt(flag, POLICY) == pytest.approx(0.1)


@given(scores, st.tuples(scores, scores).map(sorted))
def test_the_band_is_half_open(score: float, band: list[float]) -> None:
    policy = replace(POLICY, unsure=(band[0], band[1]))
    assert is_unsure(Signal("incitement", score, 0.5, "m"), policy) == (band[0] <= score < band[1])


@given(st.lists(st.tuples(labels, scores), max_size=4), st.booleans())
def test_nothing_that_is_flagged_or_not_public_is_ever_a_candidate(
    signals: list[tuple[str, float]], public: bool
) -> None:
    flag = _flag(*signals, visibility="broadcast" if public else "comment")
    if candidate(flag, POLICY, 0) is not None:
        assert public
        assert not flag.why


@given(
    st.lists(st.integers(200, 599), max_size=40, unique=True),
    st.integers(0, 12),
    st.sets(st.integers(0, 39)),
    st.randoms(),
)
def test_a_choice_is_small_allowed_and_does_not_depend_on_the_order(
    values: list[int], room: int, closed: set[int], chance: Any
) -> None:
    flags = [_flag(("hate_group", value / 1000), number=number) for number, value in enumerate(values)]
    found = [each for row, flag in enumerate(flags) if (each := candidate(flag, POLICY, row)) is not None]
    chosen = choose(found, room, lambda row: row not in closed)
    assert len(chosen) == min(room, sum(each.row not in closed for each in found))
    assert not chosen & closed
    shuffled = chance.sample(found, len(found))
    assert choose(shuffled, room, lambda row: row not in closed) == chosen
    left = [each for each in found if each.row not in chosen | closed]
    assert all(each.doubt >= other.doubt for each in left for other in found if other.row in chosen)


@given(st.integers(0, 50), st.lists(st.integers(0, 200), min_size=24, max_size=24))
def test_a_day_never_gives_more_than_its_number_and_gives_it_all_if_enough_comes(per_day: int, came: list[int]) -> None:
    taken = 0
    for hour, candidates in enumerate(came):
        room = room_at(per_day, hour, taken)
        assert taken + room <= per_day
        taken += min(candidates, room)
    assert taken <= per_day
    assert taken == per_day or came[-1] < room_at(per_day, 23, 0)
