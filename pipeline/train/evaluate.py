"""Measure a finished model: on a labelled file, on the functional tests, and by who is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.registry import load_classifier
from pipeline.core.ports import Classifier
from pipeline.enrich.threats import load_threats
from pipeline.train.dataset import HateData, read_hate
from pipeline.train.fairness import measure_fairness, read_frames
from pipeline.train.figures import average_precision, f1, group_resamples
from pipeline.train.floors import figure
from pipeline.train.functional import read_checks, run_checks
from pipeline.train.measure import measure_label, measure_political


def evaluate(model_folder: Path, labelled_csv: Path, *, seed: int = 0) -> dict[str, Any]:
    """Figures by label with 95 % bootstrap intervals, and over all labels, of a model on a CSV as okky2019.

    `trained_on_these_rows` says that the model was trained on this very file: then the figures flatter, and those of
    the card (out of fold) are the ones to quote. `functional` and `fairness` are those of `evaluate_functional`.
    Raises ConfigError for the file, ModelError for the model.
    """
    data = read_hate(labelled_csv)
    classifier = load_classifier(model_folder)
    rows = classifier.classify(data.texts, reasons=False)
    scores = np.array([[signal.score for signal in row] for row in rows])
    limits = [signal.threshold for signal in rows[0]]
    weights = group_resamples(data.groups, seed)
    labels, political = {}, {}
    for at, label in enumerate(MODEL_LABELS):
        if label not in data.derived:
            continue
        labels[label] = measure_label(data.derived[label], scores[:, at], limits[at], weights)
        if label in {"hate_group", "incitement"}:
            political[label] = measure_political(data, label, scores[:, at], limits[at])
    return {
        "model": classifier.name,
        "data": {"sha256": data.sha256, "rows": len(data)},
        "trained_on_these_rows": _seen(model_folder, data),
        "labels": labels,
        "political": political,
        "over_all": _over_all(data, scores, limits),
        **_functional(classifier),
    }


def evaluate_functional(model_folder: Path) -> dict[str, Any]:
    """How a model does on the functional tests by class, and its false alarms by who is named; no labelled file needed.

    The threat rules answer beside the model, as they do in service. Raises ConfigError for the sentences, ModelError
    for the model.
    """
    classifier = load_classifier(model_folder)
    return {"model": classifier.name, **_functional(classifier)}


def _functional(classifier: Classifier) -> dict[str, Any]:
    threats = load_threats()
    return {
        "functional": run_checks(classifier, read_checks(), threats).as_dict(),
        "fairness": measure_fairness(classifier, read_frames(), threats).as_dict(),
    }


def _over_all(data: HateData, scores: np.ndarray[Any, np.dtype[np.float64]], limits: list[float]) -> dict[str, float]:
    known = [at for at, label in enumerate(MODEL_LABELS) if label in data.derived]
    truth = np.stack([data.derived[MODEL_LABELS[at]] for at in known], axis=1)
    over = np.stack([scores[:, at] >= limits[at] for at in known], axis=1)
    each = range(len(known))
    return {
        "mean_average_precision": _mean([average_precision(truth[:, at], scores[:, known[at]])[0] for at in each]),
        "macro_f1": _mean([f1(truth[:, at], over[:, at])[0] for at in each]),
        "exact_match": _mean((over == truth).all(axis=1)),
    }


def _seen(model_folder: Path, data: HateData) -> bool:
    metrics = json.loads((model_folder / "metrics.json").read_text(encoding="utf-8"))
    return isinstance(metrics, dict) and figure(metrics, "data.sha256") == data.sha256


def _mean(values: Any) -> float:
    return round(float(np.mean(values)), 4)
