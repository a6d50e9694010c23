"""Labels are products of heads: what one head says can keep another from flagging."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.classify.heads import HEADS, MODEL_LABELS, label_probabilities, log_odds, sigmoid
from pipeline.classify.reasons import slopes_at


def _labels(**heads: float) -> dict[str, float]:
    logits = np.array([[heads.get(name, -6.0) for name in HEADS]], np.float32)
    return dict(zip(MODEL_LABELS, label_probabilities(logits)[0].tolist(), strict=True))


def test_an_insult_to_a_person_on_no_ground_is_no_hate_against_a_group() -> None:
    insult = _labels(hate=6, person_plain=6, other=6)
    assert insult["hate_speech"] > 0.99
    assert insult["insult_person"] > 0.9
    assert insult["hate_group"] < 0.001
    assert insult["incitement"] < 0.001


def test_a_call_to_dissolve_is_incitement_on_no_ground() -> None:
    call = _labels(hate=6, group_incite=6, other=6, communism=6)
    assert call["hate_speech"] > 0.99
    assert max(call["hate_group"], call["incitement"]) < 0.02


def test_a_group_on_a_ground_is() -> None:
    attack = _labels(hate=6, group_plain=6, race=6)
    assert attack["hate_group"] > 0.98 > 0.5 > attack["incitement"]
    assert attack["ground_race"] > 0.98 > 0.5 > attack["ground_religion"]
    assert _labels(hate=6, group_incite=6, religion=6)["incitement"] > 0.98
    assert _labels(hate=6, person_plain=6, race=6)["hate_group"] < 0.01  # a person, not a group


def test_neutral_talk_of_a_group_is_nothing() -> None:
    assert max(_labels(race=6, group_plain=6).values()) < 0.01


def test_probabilities_stay_probabilities() -> None:
    logits = np.array([[1000.0] * len(HEADS), [-1000.0] * len(HEADS)], np.float32)
    found = label_probabilities(logits)
    assert np.isfinite(found).all()
    assert ((found >= 0) & (found <= 1)).all()
    assert np.isfinite(log_odds(found)).all()
    assert sigmoid(log_odds(np.array([0.3]))) == pytest.approx(0.3)


def test_slopes_are_those_of_the_label() -> None:
    logits = np.array([[0.5, 1.0, 0, 0, 0.3, 0, -1, 0.2, -3, -3, 0, 0, 0]], np.float32)
    ones, zeros = np.ones(len(MODEL_LABELS), np.float32), np.zeros(len(MODEL_LABELS), np.float32)
    slopes = slopes_at(logits, ones, zeros)[0]
    abusive = slopes[:, MODEL_LABELS.index("abusive")]
    assert abusive[HEADS.index("abusive")] == pytest.approx(1, abs=1e-3)
    assert np.abs(np.delete(abusive, HEADS.index("abusive"))).max() < 1e-3
    group = slopes[:, MODEL_LABELS.index("hate_group")]
    assert group[HEADS.index("race")] > 0
    assert group[HEADS.index("person_plain")] < 0
