"""Calibration, thresholds and figures of scores that were given to rows which no training has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import MAX_SLOPE
from pipeline.classify.heads import MODEL_LABELS, LabelSettings, label_probabilities, log_odds, sigmoid
from pipeline.text import NormalisedText
from pipeline.train.dataset import Flags, HateData, grouped_folds
from pipeline.train.measure import measure_dataset
from pipeline.train.reference import reference_of
from pipeline.train.structured import fit_calibration
from pipeline.train.thresholds import label_settings
from pipeline.train.trained import figures

Array = NDArray[np.float32]


def settings_from(data: HateData, logits: Array) -> dict[str, LabelSettings]:
    """Each label's calibration and threshold, chosen on these rows."""
    raw = label_probabilities(logits)
    found = {}
    for at, label in enumerate(MODEL_LABELS):
        truth = data.derived.get(label, np.zeros(len(data), bool))
        calibration = _calibration(raw[:, at], truth)
        scores = _calibrated(raw[:, at], *calibration)
        found[label] = label_settings(label, calibration, truth, scores, data.political)
    return found


def _calibration(raw: Array, truth: Flags) -> tuple[float, float]:
    """Platt's; where a net says nearly the same of all texts it has no slope to speak of, and only the mean is set."""
    slope, offset = fit_calibration(raw, truth)
    if slope <= MAX_SLOPE and abs(offset) <= MAX_SLOPE:
        return slope, offset
    share = np.array([truth.mean()], np.float32)
    return 1.0, round(float(log_odds(share)[0] - log_odds(raw).mean()), 6)


def calibrated(logits: Array, labels: dict[str, LabelSettings]) -> Array:
    """The probabilities as they are served, shape (rows, labels)."""
    raw = label_probabilities(logits)
    columns = [
        _calibrated(raw[:, at], labels[label].slope, labels[label].offset) for at, label in enumerate(MODEL_LABELS)
    ]
    return np.stack(columns, axis=1)


def measured(
    data: HateData,
    texts: Sequence[NormalisedText],
    logits: Array,
    scores: Array,
    labels: Mapping[str, LabelSettings],
    seed: int,
    known: NDArray[np.floating] | None = None,
) -> dict[str, Any]:
    """What metrics.json has of rows that were held out; `scores` are calibrated, `known` as in `reference_of`."""
    return figures(data, scores, labels, seed) | {
        "dataset": measure_dataset(data, logits, grouped_folds(data.groups, 2, seed)),
        "reference": reference_of(texts, scores, data.derived, known),
    }


def _calibrated(raw: Array, slope: float, offset: float) -> Array:
    return sigmoid(log_odds(raw) * np.float32(slope) + np.float32(offset))
