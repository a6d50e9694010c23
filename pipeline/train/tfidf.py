"""Train the default model from labelled data: folds, calibration, thresholds, figures, card, artefact."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date as calendar_date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import KIND, Artefact, write_artefact
from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings, label_probabilities, log_odds, sigmoid
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text import NormalisedText, normalise
from pipeline.train.audit import audit_hoax
from pipeline.train.card import write_card
from pipeline.train.counterexamples import Counterexamples, counterexamples
from pipeline.train.dataset import TAUGHT, Flags, HateData, grouped_folds, read_hate
from pipeline.train.figures import group_resamples
from pipeline.train.hoax import HoaxData, read_hoax
from pipeline.train.measure import measure_as_published, measure_dataset, measure_label, measure_political
from pipeline.train.structured import StructuredLogisticRegression, fit_calibration, fit_head, one_thread
from pipeline.train.thresholds import label_settings

Array = NDArray[np.float32]
Progress = Callable[[str, int, int], None]

FOLDS = 5
LEAST = (2, 5, 2)
"""Texts that must have a word, n-gram of letters, stem. mAP is the same with (2, 3, 2) and 0.2 lower with (3, 5, 3)."""
COUNTEREXAMPLE_WEIGHT = 0.25
"""What a written row counts beside a tweet. With 0 the model finds 9 of 88 attacks on groups that were written by
somebody else and calls a group's bare name an attack; with 0.25 it finds 49, with 0.4 51. mAP: 76.7, 76.1, 75.7."""
HOAX_C = 1.0


def _silent(_what: str, _done: int, _of: int) -> None:
    return None


@dataclass(frozen=True)
class _Rows:
    """Tweets and written rows in one line, normalised: the first `tweets` of them are tweets."""

    texts: list[NormalisedText]
    labels: dict[str, Flags]
    weights: NDArray[np.float64]
    tweets: int

    def without(self, left_out: Flags) -> _Rows:
        """The rows less some of the tweets."""
        kept = np.append(~left_out, np.ones(len(self.texts) - self.tweets, bool))
        texts = [text for text, keep in zip(self.texts, kept, strict=True) if keep]
        labels = {name: column[kept] for name, column in self.labels.items()}
        return _Rows(texts, labels, self.weights[kept], self.tweets - int(left_out.sum()))


def train_tfidf(
    hate_csv: Path,
    hoax_dir: Path | None,
    news_dir: Path | None,
    out: Path,
    *,
    seed: int = 0,
    date: str,
    progress: Progress = _silent,
) -> Path:
    """Train, measure and write `out`/tfidf-<date>; returns that folder. The same inputs give the same bytes.

    `hoax_style` is learnt if both of its folders are given. `progress` is told (what, done, of). Raises ConfigError for
    data that is absent or of another form, a date that is none, a folder that exists, or without the extra `train`.
    """
    target = _target(out, date)
    with one_thread():
        data = read_hate(hate_csv)
        hoax = read_hoax(hoax_dir, news_dir, data, seed) if hoax_dir and news_dir else None
        artefact, metrics = _train(data, hoax, target.name, seed, progress)
    card = write_card(artefact, metrics)
    _write(artefact, metrics, card, target)
    return target


def _target(out: Path, date: str) -> Path:
    try:
        calendar_date.fromisoformat(date)
    except ValueError as error:
        raise ConfigError(_('"{date}" is no date; write it as 2026-11-21').format(date=date)) from error
    target = out / f"{KIND}-{date}"
    if target.exists():
        raise ConfigError(_("{path} exists already; give another date or remove it").format(path=target))
    return target


def _write(artefact: Artefact, metrics: dict[str, Any], card: str, target: Path) -> None:
    """Write aside and rename: a folder of that name is a whole model or is not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        write_artefact(artefact, aside, metrics=metrics, card=card)
        aside.chmod(0o755)
        aside.replace(target)
    except OSError as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise ConfigError(_("{path} cannot be written: {error}").format(path=target, error=error.strerror)) from error


def _train(
    data: HateData, hoax: HoaxData | None, name: str, seed: int, progress: Progress
) -> tuple[Artefact, dict[str, Any]]:
    written = counterexamples(seed)
    rows = _all_rows(data, written)
    folds = grouped_folds(data.groups, FOLDS, seed)
    logits = _out_of_fold(rows, folds, progress)
    progress("fit", 0, 1)
    vocabulary = Vocabulary.learn(rows.texts, LEAST)
    vectoriser = Vectoriser(vocabulary)
    model = StructuredLogisticRegression().fit(vectoriser.matrix(rows.texts), rows.labels, rows.weights)
    labels, metrics = _settings_and_metrics(data, logits, folds, seed)
    weights, bias = model.coef_.copy(), model.intercept_.copy()
    if hoax is not None:
        progress("hoax_style", 0, 1)
        weights[:, -1:], bias[-1:], labels["hoax_style"], metrics["hoax_style"] = _hoax_style(hoax, vectoriser, seed)
    metrics["data"] = {
        "name": "okky2019",
        "sha256": data.sha256,
        "rows": len(data),
        "written_rows": len(written),
        "written_weight": COUNTEREXAMPLE_WEIGHT,
        "folds": FOLDS,
        "seed": seed,
    }
    progress("fit", 1, 1)
    return Artefact(name, vocabulary, weights, bias, labels), metrics


def _all_rows(data: HateData, written: Counterexamples) -> _Rows:
    texts = [normalise(text) for text in (*data.texts, *written.texts)]
    labels = {name: np.append(data.taught[name], written.labels[name]) for name in TAUGHT}
    weights = np.append(np.ones(len(data)), np.full(len(written), COUNTEREXAMPLE_WEIGHT))
    return _Rows(texts, labels, weights, len(data))


def _out_of_fold(rows: _Rows, folds: NDArray[np.int64], progress: Progress) -> Array:
    """Logits of each tweet from a model that has not seen its fold (all of them have seen the written rows)."""
    logits = np.zeros((rows.tweets, len(HEADS)), np.float32)
    tweets = rows.texts[: rows.tweets]
    for fold in range(FOLDS):
        progress("folds", fold, FOLDS)
        held = folds == fold
        seen = rows.without(held)
        vectoriser = Vectoriser(Vocabulary.learn(seen.texts, LEAST))
        model = StructuredLogisticRegression().fit(vectoriser.matrix(seen.texts), seen.labels, seen.weights)
        left = [text for text, out in zip(tweets, held, strict=True) if out]
        logits[held] = model.decision_function(vectoriser.matrix(left))
    progress("folds", FOLDS, FOLDS)
    return logits


def _settings_and_metrics(
    data: HateData, logits: Array, folds: NDArray[np.int64], seed: int
) -> tuple[dict[str, LabelSettings], dict[str, Any]]:
    raw = label_probabilities(logits)
    resamples = group_resamples(data.groups, seed)
    labels: dict[str, LabelSettings] = {}
    metrics: dict[str, Any] = {"labels": {}, "political": {}, "as_published": {}}
    metrics["dataset"] = measure_dataset(data, logits, folds)
    for at, label in enumerate(MODEL_LABELS):
        truth = data.derived.get(label, np.zeros(len(data), bool))
        scores = _calibrated_across(raw[:, at], truth, folds)
        labels[label] = label_settings(label, fit_calibration(raw[:, at], truth), truth, scores, data.political)
        if label not in data.derived:
            continue
        metrics["labels"][label] = measure_label(truth, scores, labels[label].threshold, resamples)
        if label in {"hate_group", "incitement"}:
            metrics["political"][label] = measure_political(data, label, scores, labels[label].threshold)
            metrics["as_published"][label] = measure_as_published(data, label, scores)
    return labels, metrics


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
