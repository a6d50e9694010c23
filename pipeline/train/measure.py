"""What is measured of out-of-fold or foreign probabilities, for metrics.json and the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import (
    MODEL_LABELS,
    TARGETS,
    UNSURE,
    LabelSettings,
    label_probabilities,
    log_odds,
    sigmoid,
)
from pipeline.train.dataset import HATE_COLUMNS, Flags, HateData
from pipeline.train.figures import (
    Floats,
    average_precision,
    brier,
    calibration_error,
    f1,
    group_resamples,
    precision,
    recall,
    with_interval,
)

Array = NDArray[np.float32]
Scores = NDArray[np.float32] | NDArray[np.float64]

LEAST_ROWS, LEAST_TRUE = 30, 5
"""A slice with fewer rows, or fewer true ones, is named and not measured: with 5 true rows the interval of a recall of
0.5 already reaches from 0.1 to 0.9."""
MOST_SLICES = 40
"""The largest slices that are measured; who has more sources finds the others counted in `left_out`."""
_SLICE_RESAMPLES = 200

_DATASET_GRID = np.arange(0.1, 0.7, 0.025)


def measure_label(
    truth: Flags, scores: Scores, threshold: float, weights: Floats, counted: Floats | None = None
) -> dict[str, Any]:
    """AP, precision, recall and F1 at the threshold with 95 % intervals; Brier, ECE, the unsure band, and the rows.

    `weights` are the bootstrap's (`group_resamples`); `counted` says how much each row counts, else all the same.
    """
    over = scores >= threshold
    return {
        "rows": int(truth.sum()),
        "measured": len(truth),
        "over": int(over.sum()),
        "threshold": threshold,
        "average_precision": with_interval(lambda w: average_precision(truth, scores, w), weights, counted),
        "precision": with_interval(lambda w: precision(truth, over, w), weights, counted),
        "recall": with_interval(lambda w: recall(truth, over, w), weights, counted),
        "f1": with_interval(lambda w: f1(truth, over, w), weights, counted),
        "brier": round(brier(truth, scores, counted), 4),
        "ece": round(calibration_error(truth, scores, weights=counted), 4),
        "unsure": measure_unsure(truth, scores, counted),
    }


def measure_unsure(truth: Flags, scores: Scores, counted: Floats | None = None) -> dict[str, float | int | None]:
    """What abstaining would do: how large the band of unsure scores is, how often it is wrong, and what is outside.

    An answer is yes from a score of 0.5 on, so that the figures do not depend on a label's threshold. `None` where
    there is no row to say it of.
    """
    low, high = UNSURE
    weighed = np.ones(len(truth)) if counted is None else counted
    band, above = (scores >= low) & (scores < high), scores >= high
    wrong = (scores >= 0.5) != truth
    return {
        "low": low,
        "high": high,
        "rows": int(band.sum()),
        "true_rows": int((band & truth).sum()),
        "share": _share(band, np.ones(len(truth), bool), weighed),
        "share_of_true": _share(band, truth, weighed),
        "wrong_share": _share(wrong, band, weighed),
        "wrong_share_outside": _share(wrong, ~band, weighed),
        "precision_above": _share(truth, above, weighed),
    }


def _share(what: Flags, among: Flags, weighed: Floats) -> float | None:
    whole = float(weighed[among].sum())
    return round(float(weighed[what & among].sum()) / whole, 4) if whole else None


def measure_slices(
    truth: Mapping[str, Flags],
    known: Mapping[str, Flags],
    scores: Mapping[str, Scores],
    thresholds: Mapping[str, float],
    keys: Sequence[str | Sequence[str]],
) -> dict[str, Any]:
    """The figures of each slice by label, with 95 % intervals: by source, quarter or region, whatever `keys` says.

    One key a row, or several (a post names two provinces), or none. Rows whose label is not known are left out for
    that label. A slice with fewer than LEAST_ROWS known or LEAST_TRUE true rows is named as `too_small`.
    """
    rows_of: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        for each in {key} if isinstance(key, str) else set(key):
            if each:
                rows_of.setdefault(each, []).append(row)
    sizes = Counter({key: len(rows) for key, rows in rows_of.items()})
    measured = sorted(sorted(sizes), key=lambda key: -sizes[key])[:MOST_SLICES]
    found = {key: _slice(truth, known, scores, thresholds, np.array(rows_of[key], dtype=np.int64)) for key in measured}
    return {
        "slices": found,
        "left_out": len(sizes) - len(measured),
        "without": len(keys) - len({row for rows in rows_of.values() for row in rows}),
    }


def _slice(
    truth: Mapping[str, Flags],
    known: Mapping[str, Flags],
    scores: Mapping[str, Scores],
    thresholds: Mapping[str, float],
    rows: NDArray[np.int64],
) -> dict[str, Any]:
    labels: dict[str, dict[str, Any]] = {}
    for label in truth:
        kept = rows[known[label][rows]]
        true, given = truth[label][kept], scores[label][kept]
        labels[label] = {"measured": len(kept), "rows": int(true.sum()), "too_small": True}
        if len(kept) >= LEAST_ROWS and true.sum() >= LEAST_TRUE:
            weights = group_resamples(np.arange(len(kept)), 0, _SLICE_RESAMPLES)
            labels[label] = measure_label(true, given, thresholds[label], weights) | {"too_small": False}
    all_known = rows[np.logical_and.reduce([known[label][rows] for label in truth])] if truth else rows[:0]
    over = {label: scores[label][all_known] >= thresholds[label] for label in truth}
    enough = len(all_known) >= LEAST_ROWS
    f1s = [found["f1"]["value"] for found in labels.values() if not found["too_small"]]
    return {
        "rows": len(rows),
        "exact_match": _mean(_all_right(truth, over, all_known)) if enough else None,
        "macro_f1": _mean(f1s) if f1s else None,
        "macro_over": len(f1s),
        "labels": labels,
    }


def _all_right(truth: Mapping[str, Flags], over: Mapping[str, Flags], rows: NDArray[np.int64]) -> Flags:
    return np.logical_and.reduce([over[label] == truth[label][rows] for label in truth])


def measure_over_all(
    truth: Mapping[str, Flags], known: Mapping[str, Flags], scores: Mapping[str, Scores], limits: Mapping[str, float]
) -> dict[str, Any]:
    """Exact match of rows whose labels are all known; macro-F1 and mean AP of the labels that have rows enough."""
    every = np.arange(len(next(iter(truth.values())))) if truth else np.zeros(0, dtype=np.int64)
    full = every[np.logical_and.reduce([known[label] for label in truth])] if truth else every
    over = {label: scores[label][full] >= limits[label] for label in truth}
    enough = [label for label in truth if known[label].sum() >= LEAST_ROWS and truth[label].sum() >= LEAST_TRUE]
    pairs = [(truth[label][known[label]], scores[label][known[label]], limits[label]) for label in enough]
    return {
        "mean_average_precision": _mean([average_precision(t, s)[0] for t, s, _l in pairs]) if pairs else None,
        "macro_f1": _mean([f1(t, s >= limit)[0] for t, s, limit in pairs]) if pairs else None,
        "labels": len(enough),
        "exact_match": _mean(_all_right(truth, over, full)) if len(full) >= LEAST_ROWS else None,
        "exact_match_rows": len(full),
    }


def measure_political(data: HateData, label: str, scores: Scores, threshold: float) -> dict[str, Any]:
    """How a flagging label does on posts about politics, and which wrong flags it raises there."""
    truth, over, political = data.derived[label], scores >= threshold, data.political
    lawful = political & data.labels["HS"] & ~truth
    calls, red = data.removal_calls, data.communism & ~truth
    return {
        "posts": int(political.sum()),
        "rows": int((truth & political).sum()),
        "over": int((over & political).sum()),
        "precision": round(float(precision(truth[political], over[political])[0]), 4),
        "recall": round(float(recall(truth[political], over[political])[0]), 4),
        "wrong_share": round(float((over & political & ~truth).sum() / max(1, (political & ~truth).sum())), 4),
        "wrong_share_of_hate_on_no_group": round(float((over & lawful).sum() / max(1, lawful.sum())), 4),
        "calls_to_remove": {"rows": int(calls.sum()), "over": int((over & calls & ~truth).sum())},
        "communism": {"rows": int(red.sum()), "over": int((over & red).sum())},
    }


def measure_politics(truth: Flags, scores: Scores, threshold: float) -> dict[str, Any]:
    """The same for rows on politics whose dataset says no more than the label."""
    over = scores >= threshold
    return {
        "posts": len(truth),
        "rows": int(truth.sum()),
        "over": int(over.sum()),
        "precision": round(float(precision(truth, over)[0]), 4) if over.any() else None,
        "recall": round(float(recall(truth, over)[0]), 4) if truth.any() else None,
        "wrong_share": round(float((over & ~truth).sum() / max(1, (~truth).sum())), 4),
    }


def measure_as_published(data: HateData, label: str, scores: Array) -> dict[str, Any]:
    """The same scores against the label by the dataset's own grounds, where communism is a race."""
    truth = data.derived_as_published[label]
    return {"rows": int(truth.sum()), "average_precision": round(float(average_precision(truth, scores)[0]), 4)}


def dataset_probabilities(logits: Array) -> Array:
    """The twelve labels of the public dataset, shape (texts, 12), in the order of HATE_COLUMNS."""
    hate = sigmoid(logits[:, 0])
    exp = np.exp(logits[:, TARGETS] - logits[:, TARGETS].max(axis=1, keepdims=True))
    person_plain, person_incite, group_plain, group_incite = (exp / exp.sum(axis=1, keepdims=True)).T
    religion, race, gender, physical, other, communism = sigmoid(logits[:, 6:12]).T
    given = {
        "HS": np.ones_like(hate),
        "HS_Individual": person_plain + person_incite,
        "HS_Group": group_plain + group_incite,
        "HS_Religion": religion,
        "HS_Race": 1 - (1 - race) * (1 - communism),
        "HS_Physical": physical,
        "HS_Gender": gender,
        "HS_Other": other,
        "HS_Weak": person_plain,
        "HS_Moderate": group_plain,
        "HS_Strong": person_incite + group_incite,
    }
    columns = {name: hate * part for name, part in given.items()} | {"Abusive": sigmoid(logits[:, 1])}
    return np.stack([columns[name] for name in HATE_COLUMNS], axis=1)


def measure_dataset(data: HateData, logits: Array, folds: NDArray[np.int64]) -> dict[str, float]:
    """The figures that others publish on this dataset: twelve labels at 0.5, and with thresholds of the other folds."""
    truth = np.stack([data.labels[name] for name in HATE_COLUMNS], axis=1)
    scores = dataset_probabilities(logits)
    fixed = scores > 0.5
    tuned = np.zeros_like(fixed)
    for fold in np.unique(folds):
        for label in range(len(HATE_COLUMNS)):
            limit = _best_limit(truth[folds != fold, label], scores[folds != fold, label])
            tuned[folds == fold, label] = scores[folds == fold, label] > limit
    each = range(len(HATE_COLUMNS))
    return {
        "mean_average_precision": _mean([average_precision(truth[:, at], scores[:, at])[0] for at in each]),
        "macro_f1_at_half": _mean([f1(truth[:, at], fixed[:, at])[0] for at in each]),
        "macro_f1_tuned": _mean([f1(truth[:, at], tuned[:, at])[0] for at in each]),
        "exact_match_at_half": _mean((fixed == truth).all(axis=1)),
        "hate_f1_at_half": _mean([f1(truth[:, 0], fixed[:, 0])[0]]),
        "abusive_f1_at_half": _mean([f1(truth[:, 1], fixed[:, 1])[0]]),
    }


def _best_limit(truth: Flags, scores: Array) -> float:
    return float(_DATASET_GRID[int(np.argmax([f1(truth, scores > limit)[0] for limit in _DATASET_GRID]))])


def _mean(values: Any) -> float:
    return round(float(np.mean(values)), 4)


def measure_said(
    said: Mapping[str, tuple[Flags, Flags]], logits: Array, labels: Mapping[str, LabelSettings]
) -> dict[str, Any]:
    """How a model does on rows that it has not seen and of which only some labels are known, by label.

    `said`: (known, true) of each row; a row counts for the labels that somebody gave. Most decisions were flagged by
    some model first: precision and recall of them are of what was reviewed, not of all posts.
    """
    raw = label_probabilities(logits)
    found: dict[str, Any] = {}
    for label, (known, true) in said.items():
        settings, at, truth = labels[label], MODEL_LABELS.index(label), true[known]
        scores = sigmoid(log_odds(raw[known, at]) * settings.slope + settings.offset)
        over = scores >= settings.threshold
        found[label] = {"rows": int(known.sum()), "true": int(truth.sum()), "over": int(over.sum())}
        if min(truth.sum(), (~truth).sum()) >= LEAST_TRUE:
            found[label] |= {
                "average_precision": _mean([average_precision(truth, scores)[0]]),
                "precision": _mean([precision(truth, over)[0]]),
                "recall": _mean([recall(truth, over)[0]]),
            }
    return found
