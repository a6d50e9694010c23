"""What is measured of out-of-fold or foreign probabilities, for metrics.json and the card."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import TARGETS, sigmoid
from pipeline.train.dataset import HATE_COLUMNS, Flags, HateData
from pipeline.train.figures import (
    Floats,
    average_precision,
    brier,
    calibration_error,
    f1,
    precision,
    recall,
    with_interval,
)

Array = NDArray[np.float32]

_DATASET_GRID = np.arange(0.1, 0.7, 0.025)


def measure_label(truth: Flags, scores: Array, threshold: float, weights: Floats) -> dict[str, Any]:
    """AP, precision, recall and F1 at the threshold with 95 % intervals; Brier, ECE, and how many rows there are."""
    over = scores >= threshold
    return {
        "rows": int(truth.sum()),
        "over": int(over.sum()),
        "threshold": threshold,
        "average_precision": with_interval(lambda w: average_precision(truth, scores, w), weights),
        "precision": with_interval(lambda w: precision(truth, over, w), weights),
        "recall": with_interval(lambda w: recall(truth, over, w), weights),
        "f1": with_interval(lambda w: f1(truth, over, w), weights),
        "brier": round(brier(truth, scores), 4),
        "ece": round(calibration_error(truth, scores), 4),
    }


def measure_political(data: HateData, label: str, scores: Array, threshold: float) -> dict[str, Any]:
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
        "wrong_share": round(float((over & political & ~truth).sum() / (political & ~truth).sum()), 4),
        "wrong_share_of_hate_on_no_group": round(float((over & lawful).sum() / max(1, lawful.sum())), 4),
        "calls_to_remove": {"rows": int(calls.sum()), "over": int((over & calls & ~truth).sum())},
        "communism": {"rows": int(red.sum()), "over": int((over & red).sum())},
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
