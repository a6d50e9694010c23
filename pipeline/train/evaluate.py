"""Measure a finished model: on labelled rows, on the functional tests, and by who is named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.classify.artefact import read_labels, read_manifest
from pipeline.classify.cascade import ASKED, FIRST, CascadeClassifier
from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.registry import load_classifier
from pipeline.core.ports import Classifier
from pipeline.enrich.threats import load_threats
from pipeline.train.bert.curve import cost_curve, worth
from pipeline.train.dataset import Flags
from pipeline.train.fairness import measure_fairness, read_frames
from pipeline.train.figures import RESAMPLES, Floats, group_resamples
from pipeline.train.floors import figure
from pipeline.train.functional import read_checks, run_checks
from pipeline.train.labelled import Labelled, labelled_csv
from pipeline.train.measure import (
    LEAST_ROWS,
    LEAST_TRUE,
    measure_label,
    measure_over_all,
    measure_political,
    measure_politics,
    measure_slices,
)
from pipeline.train.report import Run, Scored


def evaluate(model_folder: Path, labelled_file: Path, *, seed: int = 0) -> dict[str, Any]:
    """What `evaluate_rows` finds on a CSV as okky2019; raises ConfigError for the file, ModelError for the model."""
    return dict(evaluate_rows(model_folder, labelled_csv(labelled_file), seed=seed).metrics)


def evaluate_rows(model_folder: Path, rows: Labelled, *, seed: int = 0) -> Run:
    """Figures by label with 95 % bootstrap intervals, over all labels, and by source, quarter and region.

    `trained_on_these_rows` says that the model was trained on this very data: then the figures flatter, and those of
    the card (out of fold) are the ones to quote. `sampled` are the figures of the rows that chance brought, weighted.
    `functional` and `fairness` are those of `evaluate_functional`; `cascade` is a cascade's curve of quality and cost.
    Raises ModelError for the model.
    """
    classifier = load_classifier(model_folder)
    manifest, _digest = read_manifest(model_folder)
    settings = read_labels(manifest["labels"], model_folder)
    signals = classifier.classify(rows.texts, reasons=False)
    table = np.array([[signal.score for signal in row] for row in signals]).reshape(len(rows), len(MODEL_LABELS))
    scored = {
        label: Scored(rows.truth[label], rows.known[label], table[:, at])
        for at, label in enumerate(MODEL_LABELS)
        if label in rows.truth
    }
    limits = {label: settings[label].threshold for label in scored}
    metrics = {
        "model": classifier.name,
        "data": {"name": rows.name, "sha256": rows.sha256, "rows": len(rows)},
        "trained_on_these_rows": _seen(model_folder, rows),
        **_figures(rows, scored, limits, group_resamples(rows.groups, seed)),
        **_functional(classifier),
    }
    if isinstance(classifier, CascadeClassifier):
        metrics |= _second_reading(classifier, model_folder, rows)
    return Run(
        classifier.name,
        str(manifest["kind"]),
        seed,
        {"resamples": RESAMPLES},
        metrics["data"],
        settings,
        metrics,
        scored,
        what="evaluation",
    )


def _second_reading(classifier: CascadeClassifier, folder: Path, rows: Labelled) -> dict[str, Any]:
    """What the second reading of a cascade gives on these rows and what it costs; nothing if they are too few."""
    counted = [(rows.known[each].sum(), rows.truth[each].sum()) for each in ASKED if each in rows.truth]
    if len(counted) < len(ASKED) or any(known < LEAST_ROWS or true < LEAST_TRUE for known, true in counted):
        return {}
    own = read_labels(read_manifest(folder / FIRST)[0]["labels"], folder / FIRST)
    limits = {label: settings.threshold for label, settings in own.items()}
    first, second = (member.probabilities(rows.texts) for member in (classifier.first, classifier.second))
    said = {label: (rows.known[label], rows.truth[label]) for label in ASKED}
    return {
        "cascade": {
            "bands": dict(classifier.bands),
            "chosen": worth(first, second, said, classifier.bands),
            "curve": cost_curve(first, second, said, limits),
            "share": round(float(classifier.asks(first).mean()), 4),
        }
    }


def _figures(rows: Labelled, scored: dict[str, Scored], limits: dict[str, float], weights: Floats) -> dict[str, Any]:
    scores = {label: each.scores for label, each in scored.items()}
    found: dict[str, Any] = {
        "labels": _by_label(scored, limits, weights, np.ones(len(rows), bool)),
        "political": {},
        "over_all": measure_over_all(rows.truth, rows.known, scores, limits),
        "slices": {
            name: measure_slices(rows.truth, rows.known, scores, limits, keys) for name, keys in rows.keys.items()
        },
    }
    political = rows.political
    for label in (each for each in ("hate_group", "incitement") if each in found["labels"]):
        if rows.hate is not None:
            found["political"][label] = measure_political(rows.hate, label, scores[label], limits[label])
        elif (kept := political & rows.known[label]).any():
            found["political"][label] = measure_politics(rows.truth[label][kept], scores[label][kept], limits[label])
    if rows.sampled.any():
        sampled = _by_label(scored, limits, weights, rows.sampled, rows.counted)
        found["sampled"] = {"rows": int(rows.sampled.sum()), "labels": sampled}
    found["too_small"] = {
        label: {"measured": int(each.known.sum()), "rows": int(each.truth.sum())}
        for label, each in scored.items()
        if label not in found["labels"]
    }
    return found | ({"recall": dict(rows.recall)} if rows.recall else {})


def _by_label(
    scored: dict[str, Scored], limits: dict[str, float], weights: Floats, among: Flags, counted: Floats | None = None
) -> dict[str, Any]:
    """The figures of each label with rows enough to say anything of it, `among` these rows."""
    found = {}
    for label, each in scored.items():
        kept = each.known & among
        true = each.truth[kept]
        if len(true) < LEAST_ROWS or true.sum() < LEAST_TRUE:
            continue
        count = None if counted is None else counted[kept]
        found[label] = measure_label(true, each.scores[kept], limits[label], weights[:, kept], count)
    return found


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


def _seen(model_folder: Path, rows: Labelled) -> bool:
    metrics = json.loads((model_folder / "metrics.json").read_text(encoding="utf-8"))
    return isinstance(metrics, dict) and figure(metrics, "data.sha256") in rows.ids
