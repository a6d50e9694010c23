"""Figures of quality with numpy alone: each takes truth and scores, and weights for the bootstrap."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pipeline.train.dataset import Flags, Numbers

Floats = NDArray[np.float64]
Figure = Callable[[Floats], Floats]

RESAMPLES = 500
_TINY = 1e-12


def average_precision(truth: Flags, scores: NDArray[np.floating], weights: Floats | None = None) -> Floats:
    """Area under precision and recall as scikit-learn's `average_precision_score` has it, for each row of weights.

    Equal scores are one step. Shapes: truth and scores (rows,), weights (resamples, rows); result (resamples,).
    """
    order = np.argsort(-scores, kind="stable")
    sorted_scores = scores[order]
    weighed = _rows(weights, len(truth))[:, order]
    hits = np.cumsum(weighed * truth[order], axis=1)
    seen = np.cumsum(weighed, axis=1)
    last = np.append(sorted_scores[1:] != sorted_scores[:-1], True)
    hits, seen = hits[:, last], seen[:, last]
    gained = np.diff(hits, axis=1, prepend=0)
    return (gained * hits / np.maximum(seen, _TINY)).sum(axis=1) / np.maximum(hits[:, -1], _TINY)


def precision(truth: Flags, over: Flags, weights: Floats | None = None) -> Floats:
    """Share of what is over the threshold that is true."""
    weighed = _rows(weights, len(truth))
    return (weighed @ (truth & over)) / np.maximum(weighed @ over.astype(float), _TINY)


def recall(truth: Flags, over: Flags, weights: Floats | None = None) -> Floats:
    """Share of what is true that is over the threshold."""
    return precision(over, truth, weights)


def f1(truth: Flags, over: Flags, weights: Floats | None = None) -> Floats:
    """Harmonic mean of precision and recall."""
    weighed = _rows(weights, len(truth))
    both = weighed @ (truth & over)
    return 2 * both / np.maximum(weighed @ truth.astype(float) + weighed @ over.astype(float), _TINY)


def brier(truth: Flags, scores: NDArray[np.floating], weights: Floats | None = None) -> float:
    """Mean squared distance of score and truth; `weights` says how much each row counts."""
    return float(np.average((scores - truth) ** 2, weights=weights))


def calibration_error(
    truth: Flags, scores: NDArray[np.floating], bins: int = 15, weights: Floats | None = None
) -> float:
    """ECE: mean distance of score and share of true rows over equally wide bins, weighed by their rows."""
    counted = np.ones(len(truth)) if weights is None else weights
    place = np.minimum((scores * bins).astype(int), bins - 1)
    gaps = np.bincount(place, counted * (scores - truth), minlength=bins)
    return float(np.abs(gaps).sum() / counted.sum())


def auc(truth: Flags, scores: NDArray[np.floating]) -> float:
    """Probability that a true row scores above a false one (ties: half)."""
    _values, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = int(truth.sum())
    pairs = positive * (len(truth) - positive)
    return float((ranks[truth].sum() - positive * (positive + 1) / 2) / pairs) if pairs else float("nan")


def group_resamples(groups: Numbers, seed: int, count: int = RESAMPLES) -> Floats:
    """Bootstrap weights, shape (count, rows): groups drawn with replacement, so that near duplicates stay together."""
    names, place = np.unique(groups, return_inverse=True)
    rng = np.random.default_rng(seed)
    drawn = [np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names)) for _time in range(count)]
    return np.array(drawn, dtype=float)[:, place]


def with_interval(figure: Figure, weights: Floats, counted: Floats | None = None) -> dict[str, float]:
    """A figure and its 95 % bootstrap interval; `figure` takes weights of shape (resamples, rows).

    `counted` says how much each row counts (rows that were drawn with unequal chances), else all the same.
    """
    drawn = weights if counted is None else weights * counted  # times 1 is a copy of 50 MB for each figure
    low, high = np.quantile(figure(drawn), [0.025, 0.975])
    value = figure(np.ones((1, weights.shape[1])) if counted is None else counted[None, :])[0]
    return {"value": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}


def _rows(weights: Floats | None, rows: int) -> Floats:
    return np.ones((1, rows)) if weights is None else weights
