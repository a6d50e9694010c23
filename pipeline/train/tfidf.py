"""Train the default model from labelled data: folds, calibration, thresholds, figures, card, artefact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import KIND, Artefact, write_artefact
from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings, label_probabilities, log_odds, sigmoid
from pipeline.classify.shift import KNOWN, known_shares
from pipeline.train.audit import audit_hoax
from pipeline.train.card import write_card
from pipeline.train.dataset import Flags, HateData, Numbers, grouped_folds
from pipeline.train.folder import made_aside, new_folder
from pipeline.train.hoax import HoaxData, read_hoax
from pipeline.train.measure import measure_dataset, measure_said
from pipeline.train.reference import reference_of
from pipeline.train.report import Run, Scored, require_drawing, write_run
from pipeline.train.rows import WRITTEN_WEIGHT, Given, Rows, read_labelled
from pipeline.train.structured import StructuredLogisticRegression, fit_calibration, fit_head, one_thread
from pipeline.train.thresholds import label_settings
from pipeline.train.trained import (
    FOLDS,
    Progress,
    about_data,
    about_rows,
    figures,
    scored_of,
    silent,
    training_rows,
)
from pipeline.train.vocabularies import left_without

Array = NDArray[np.float32]

LEAST = (2, 5, 2)
"""Texts that must have a word, n-gram of letters, stem. mAP is the same with (2, 3, 2) and 0.2 lower with (3, 5, 3)."""
HOAX_C = 1.0


def train_tfidf(
    labelled: Path,
    hoax_dir: Path | None,
    news_dir: Path | None,
    out: Path,
    *,
    seed: int = 0,
    date: str,
    progress: Progress = silent,
) -> Path:
    """Train, measure and write `out`/tfidf-<date>; returns that folder. The same inputs give the same bytes.

    `labelled` is a CSV as okky2019 or the folder of an office's dataset, whose decisions and rows with some labels are
    learnt too. `hoax_style` is learnt if both of its folders are given. Raises ConfigError for data that is absent or
    of another form, a date that is none, a folder that exists, or without the extra `train`.
    """
    target = new_folder(out, KIND, date)
    with one_thread():
        require_drawing()
        given = read_labelled(labelled)
        hoax = read_hoax(hoax_dir, news_dir, given.data, seed) if hoax_dir and news_dir else None
        artefact, metrics, scored = _train(given, hoax, target.name, seed, progress)
        run = Run(target.name, KIND, seed, _parameters(), metrics["data"], artefact.labels, metrics, scored)
        progress("report", 0, 1)
        with made_aside(target) as aside:
            write_artefact(artefact, aside, metrics=metrics, card=write_card(artefact, metrics))
            write_run(aside, run)
    return target


def _parameters() -> dict[str, Any]:
    model = StructuredLogisticRegression()
    return {
        "C": model.C,
        "C_given_hate": model.C_given_hate,
        "least": list(LEAST),
        "folds": FOLDS,
        "written_weight": WRITTEN_WEIGHT,
        "hoax_C": HOAX_C,
    }


def _train(
    given: Given, hoax: HoaxData | None, name: str, seed: int, progress: Progress
) -> tuple[Artefact, dict[str, Any], dict[str, Scored]]:
    data = given.data
    rows = training_rows(given, seed)
    folds = np.where(rows.groups < 0, -1, grouped_folds(rows.groups, FOLDS, seed))  # written rows are never held out
    vocabulary = Vocabulary.learn(rows.texts, LEAST)
    logits, known = _out_of_fold(rows, folds, vocabulary, progress)
    progress("fit", 0, 1)
    vectoriser = Vectoriser(vocabulary)
    model = StructuredLogisticRegression().fit(vectoriser.matrix(rows.texts), rows)
    labels, scores = _settings_and_scores(data, logits[: len(data)], folds[: len(data)])
    metrics = figures(data, scores, labels, seed)
    metrics["dataset"] = measure_dataset(data, logits[: len(data)], folds[: len(data)])
    metrics["reference"] = reference_of(rows.texts[: len(data)], scores, data.derived, known)
    metrics |= _of_others(given, logits[len(data) :], labels)
    weights, bias = model.coef_.copy(), model.intercept_.copy()
    if hoax is not None:
        progress("hoax_style", 0, 1)
        weights[:, -1:], bias[-1:], labels["hoax_style"], metrics["hoax_style"] = _hoax_style(hoax, vectoriser, seed)
    metrics["data"] = about_data(data, seed, folds=FOLDS, **about_rows(given, rows))
    progress("fit", 1, 1)
    return Artefact(name, vocabulary, weights, bias, labels), metrics, scored_of(data, scores)


def _of_others(given: Given, logits: Array, labels: dict[str, LabelSettings]) -> dict[str, Any]:
    """Figures of the rows of which only some labels are known, out of fold; `logits` begin with those of decisions."""
    found: dict[str, Any] = {}
    for name, part in (("decided", given.decided), ("partly_labelled", given.partly)):
        if part is not None:
            found[name] = measure_said(part.said, logits[: len(part)], labels)
            logits = logits[len(part) :]
    return found


def _out_of_fold(
    rows: Rows, folds: Numbers, whole: Vocabulary, progress: Progress
) -> tuple[Array, NDArray[np.float64]]:
    """Logits of each row from a model that has not seen its fold, and which share of its measured texts that knew."""
    logits = np.zeros((len(rows), len(HEADS)), np.float32)
    known = np.zeros((rows.measured, len(KNOWN)))
    for fold in range(FOLDS):
        progress("folds", fold, FOLDS)
        held = folds == fold
        seen, left = rows.only(~held), rows.only(held)
        vocabulary = left_without(whole, left.texts, LEAST)
        vectoriser = Vectoriser(vocabulary)
        model = StructuredLogisticRegression().fit(vectoriser.matrix(seen.texts), seen)
        logits[held] = model.decision_function(vectoriser.matrix(left.texts))
        known[held[: rows.measured]] = known_shares(vocabulary, left.texts[: left.measured])
    progress("folds", FOLDS, FOLDS)
    return logits, known


def _settings_and_scores(data: HateData, logits: Array, folds: Numbers) -> tuple[dict[str, LabelSettings], Array]:
    """What serves each label, and its scores as the other folds calibrate them, shape (rows, labels)."""
    raw = label_probabilities(logits)
    labels: dict[str, LabelSettings] = {}
    columns = []
    for at, label in enumerate(MODEL_LABELS):
        truth = data.derived.get(label, np.zeros(len(data), bool))
        scores = _calibrated_across(raw[:, at], truth, folds)
        labels[label] = label_settings(label, fit_calibration(raw[:, at], truth), truth, scores, data.political)
        columns.append(scores)
    return labels, np.stack(columns, axis=1)


def _calibrated_across(raw: Array, truth: Flags, folds: NDArray[np.int64]) -> Array:
    """Each fold's probabilities calibrated on the others, so that calibration is measured and not fitted."""
    scores = np.zeros_like(raw)
    for fold in np.unique(folds):
        slope, offset = fit_calibration(raw[folds != fold], truth[folds != fold])
        scores[folds == fold] = sigmoid(log_odds(raw[folds == fold]) * slope + offset)
    return scores


def _hoax_style(
    hoax: HoaxData, vectoriser: Vectoriser, seed: int
) -> tuple[Array, Array, LabelSettings, dict[str, Any]]:
    features = vectoriser.matrix(hoax.texts)
    balanced = _balanced(hoax.hoax)
    coef, bias = fit_head(features, hoax.hoax, balanced, HOAX_C)
    settings = label_settings("hoax_style", (1.0, 0.0), hoax.hoax, np.zeros(len(hoax), np.float32), hoax.hoax)
    return coef, bias, settings, audit_hoax(hoax, features, HOAX_C, seed)


def _balanced(truth: Flags) -> NDArray[np.float64]:
    """Weights under which both classes count the same: the share of hoaxes among posts is not known."""
    share = truth.mean()
    return np.where(truth, 0.5 / share, 0.5 / (1 - share))
