"""Where a label's threshold lies, chosen on out-of-fold probabilities for a purpose that the card states."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import LabelSettings
from pipeline.train.dataset import Flags
from pipeline.train.figures import f1, precision

Probabilities = NDArray[np.float32]

GRID = np.round(np.arange(0.05, 0.96, 0.01), 2)
LEAST_PRECISION = 0.7
ALONE_PRECISION = 0.8
ENOUGH_ROWS = 100
"""With fewer true rows on politics a precision there is luck; then more is asked of all posts instead."""
_STEADY = 5
"""Steps of the grid above a threshold that must do as well, so that it does not stand on a lucky few rows."""

PRECISE = (
    "the lowest score from which on at least 70 % are right, among all posts and among posts on politics: each flag "
    "costs a person's minute, and a wrong one on politics costs trust"
)
PRECISE_ALONE = "the lowest score from which on at least 80 % are right (too few true rows on politics to ask it there)"
BALANCED = "the best F1; shown beside a flag, never makes one"
WIDE = "the best F1; kept to compare with published results, never shown, never makes a flag"
RANKS = "none: it only ranks a queue, and no score is ever over it"


def precise_threshold(truth: Flags, scores: Probabilities, political: Flags) -> tuple[float, str]:
    """The lowest threshold with the wanted precision (there and a little above), and its purpose in words."""
    asked = [(truth, scores, LEAST_PRECISION), (truth[political], scores[political], LEAST_PRECISION)]
    purpose = PRECISE
    if (truth & political).sum() < ENOUGH_ROWS:
        asked, purpose = [(truth, scores, ALONE_PRECISION)], PRECISE_ALONE
    good = [all(float(precision(true, found >= limit)[0]) >= least for true, found, least in asked) for limit in GRID]
    for at in range(len(GRID) - _STEADY):
        if all(good[at : at + _STEADY + 1]):
            return float(GRID[at]), purpose
    return float(GRID[-1]), purpose


def balanced_threshold(truth: Flags, scores: Probabilities) -> float:
    """The threshold with the best F1; the lowest of equals."""
    return float(GRID[int(np.argmax([f1(truth, scores >= limit)[0] for limit in GRID]))])


def label_settings(
    label: str, calibration: tuple[float, float], truth: Flags, scores: Probabilities, political: Flags
) -> LabelSettings:
    """Calibration, threshold and purpose of a label; `scores` are calibrated and out of fold."""
    if label in {"hate_group", "incitement"}:
        threshold, purpose = precise_threshold(truth, scores, political)
    elif label == "hoax_style":
        threshold, purpose = 1.0, RANKS
    else:
        threshold, purpose = (
            balanced_threshold(truth, scores),
            WIDE if label in {"hate_speech", "abusive"} else BALANCED,
        )
    return LabelSettings(*calibration, round(threshold, 2), round(float(truth.mean()), 4), purpose)
