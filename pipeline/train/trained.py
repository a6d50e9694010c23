"""What every training has in common: how it tells where it is, which rows teach, what is told of data and scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import MODEL_LABELS, LabelSettings
from pipeline.train.audit import audit_hate
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import Flags, HateData
from pipeline.train.figures import group_resamples
from pipeline.train.measure import measure_as_published, measure_label, measure_political
from pipeline.train.report import Scored
from pipeline.train.rows import DERIVED, WRITTEN_WEIGHT, Given, Rows, joined, labelled_rows, written_rows

Array = NDArray[np.float32]
Progress = Callable[[str, int, int], None]
"""Is told (what, done, of)."""

FOLDS = 5


def silent(_what: str, _done: int, _of: int) -> None:
    """The progress of who does not ask."""


def training_rows(given: Given, seed: int, held: Flags | None = None) -> Rows:
    """Labelled rows, then all others that teach, then the written sentences.

    Of the labelled rows those `held` out are left out, and of the others all near duplicates of these.
    """
    data, others = given.data, given.others
    rows = labelled_rows(data)
    if held is not None:
        rows = rows.only(~held)
        if others is not None:
            others = others.only(~np.isin(others.groups, data.groups[held]))
    return joined([rows, others, written_rows(counterexamples(seed))])


def about_data(data: HateData, seed: int, **more: Any) -> dict[str, Any]:
    """What metrics.json says of the labelled data, under their own name."""
    found = {"name": data.name, "sha256": data.sha256, "rows": len(data), "seed": seed}
    return found | ({"licences": dict(data.licences)} if data.licences else {}) | more


def about_rows(given: Given, rows: Rows) -> dict[str, Any]:
    """How many rows of other kinds were at hand beside the labelled data; `rows` are those that taught."""
    return {
        "decisions": len(given.decided or ()),
        "partly_labelled": len(given.partly or ()),
        "written_rows": int((rows.groups < 0).sum()),
        "written_weight": WRITTEN_WEIGHT,
    }


def scored_of(data: HateData, scores: Array) -> dict[str, Scored]:
    """The labels of rows beside calibrated scores of shape (rows, labels); what the data cannot teach is not known."""
    none, every = np.zeros(len(data), bool), np.ones(len(data), bool)
    return {
        label: Scored(data.derived.get(label, none), every if label in data.derived else none, scores[:, at])
        for at, label in enumerate(MODEL_LABELS)
    }


def figures(data: HateData, scores: Array, labels: Mapping[str, LabelSettings], seed: int) -> dict[str, Any]:
    """What metrics.json has of each label, on politics, by the data's own grounds, and of what should not decide.

    `scores` are calibrated and of shape (rows, labels); no row may have been learnt by the model that gave its scores.
    """
    resamples = group_resamples(data.groups, seed)
    metrics: dict[str, Any] = {"labels": {}, "political": {}, "as_published": {}}
    own = {label: scores[:, at] for at, label in enumerate(MODEL_LABELS)}
    for label, mine in own.items():
        if label not in data.derived:
            continue
        limit = labels[label].threshold
        metrics["labels"][label] = measure_label(data.derived[label], mine, limit, resamples)
        if label in DERIVED:
            metrics["political"][label] = measure_political(data, label, mine, limit)
            metrics["as_published"][label] = measure_as_published(data, label, mine)
    metrics["audit"] = audit_hate(data.texts, data.derived, data.groups, None, seed, scores=own)
    return metrics
