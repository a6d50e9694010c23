"""The policy: what may flag, what never does, and why it says so."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.classify.policy import Policy, decide, may_ask, sample_rank
from pipeline.core.types import LABELS, Flag, Post, Signal, Topic

MOMENT = datetime(2026, 11, 21, tzinfo=UTC)
POLICY = Policy({}, 0.01, 50)
TOPIC = (Topic("mass_gathering", "Pengumpulan massa", True),)


def _flag(*labels: str, topics: tuple[Topic, ...] = (), **post: Any) -> Flag:
    values = {"kind": "post", "visibility": "broadcast", "platform": "x", "text": "x"} | post
    made = Post("x~1", "s", "61", fetched_at=MOMENT, partition="2026-11-21/10", **values)
    return Flag(made, tuple(Signal(label, 0.9, 0.5, "m") for label in labels), topics=topics)


@pytest.mark.parametrize("label", LABELS)
def test_only_four_labels_may_flag(label: str) -> None:
    why = decide(_flag(label), POLICY).why
    expected = {"hate_group": ("signal",), "incitement": ("signal",), "threat": ("signal",), "hoax_claim": ("claim",)}
    assert why == expected.get(label, ())


def test_what_never_flags_says_so() -> None:
    decided = decide(_flag("abusive", "hate_speech"), POLICY)
    assert decided.why_not == ("never_flags:abusive", "never_flags:hate_speech")


def test_a_topic_alone_flags_only_news_and_field_reports() -> None:
    assert decide(_flag(topics=TOPIC, kind="news"), POLICY).why == ("topic",)
    assert decide(_flag(topics=TOPIC, kind="field"), POLICY).why == ("topic",)
    citizen = decide(_flag(topics=TOPIC), POLICY)
    assert (citizen.why, citizen.why_not) == ((), ("topic_alone",))
    assert decide(_flag("threat", topics=TOPIC), POLICY).why == ("signal",)


def test_the_press_reports_hate_and_is_not_flagged_for_it() -> None:
    press = decide(_flag("hate_group", "threat", kind="news", publisher_class="verified_press"), POLICY)
    assert (press.why, press.why_not) == ((), ("press_reports",))
    assert decide(_flag("hate_group", kind="news", publisher_class="other"), POLICY).why == ("signal",)
    both = decide(_flag("hate_group", topics=TOPIC, kind="news", publisher_class="verified_press"), POLICY)
    assert (both.why, both.why_not) == (("topic",), ("press_reports",))


def test_out_of_area_goes_before_everything_unless_switched_off() -> None:
    assert decide(_flag("threat"), POLICY, out_of_area=True).why_not == ("out_of_area",)
    kept = Policy({}, 0.01, 50, drop_out_of_area=False)
    assert decide(_flag("threat"), kept, out_of_area=True).why == ("signal",)


def test_thresholds_of_the_config_go_over_the_model_s() -> None:
    strict = Policy({"threat": 0.95}, 0.01, 50)
    decided = decide(_flag("threat"), strict)
    assert (decided.why, decided.why_not) == ((), ("below_thresholds",))
    assert decided.signals[0].threshold == 0.95
    assert strict.hash != POLICY.hash


def test_samples_come_only_from_unflagged_public_broadcast_without_an_address() -> None:
    assert may_ask(decide(_flag(), POLICY))
    assert not may_ask(decide(_flag("threat"), POLICY))
    assert not may_ask(decide(_flag(visibility="submitted"), POLICY))
    assert not may_ask(decide(_flag(url="https://a.example/1"), POLICY))


def test_the_rank_of_a_sample_depends_on_the_id_alone_and_is_even() -> None:
    ranks = [sample_rank(f"x~{number}") for number in range(2000)]
    assert ranks == [sample_rank(f"x~{number}") for number in range(2000)]
    assert 0.4 < sum(ranks) / len(ranks) < 0.6
    assert 10 <= sum(rank < 0.01 for rank in ranks) <= 35
