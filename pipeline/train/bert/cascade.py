"""`kentongan train cascade`: where TF-IDF is unsure, and how much of that BERT must read to be worth it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import MANIFEST, Artefact, read_artefact
from pipeline.classify.bert import BertClassifier
from pipeline.classify.cascade import ASKED, FIRST, FORMAT, KIND, SECOND, in_band
from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import MODEL_LABELS, LabelSettings
from pipeline.classify.promoted import check_vouched
from pipeline.classify.scores import Scorer
from pipeline.classify.shift import known_shares
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text import NormalisedText, normalise
from pipeline.train.bert.card import write_cascade_card
from pipeline.train.bert.curve import WIDTHS, Bands, bands_of, cost_curve, together, worth
from pipeline.train.bert.measured import calibrated, measured
from pipeline.train.bert.run import held_out
from pipeline.train.dataset import Flags, HateData, grouped_folds
from pipeline.train.floors import figure
from pipeline.train.folder import as_json, manifest_of, new_folder, write_folder
from pipeline.train.gate import read_metrics
from pipeline.train.report import Run, require_drawing
from pipeline.train.rows import Given, read_labelled, subset
from pipeline.train.structured import StructuredLogisticRegression, one_thread
from pipeline.train.tfidf import LEAST
from pipeline.train.thresholds import label_settings
from pipeline.train.trained import Progress, about_data, scored_of, silent, training_rows

Array = NDArray[np.float32]

ENOUGH = 0.99
"""Share of what BERT alone gains over TF-IDF that the band must bring."""


@dataclass(frozen=True)
class Unseen:
    """Rows that neither model was taught on: logits (rows, heads) and calibrated scores (rows, labels) of both.

    `known`: which share of their words the first model knows.
    """

    data: HateData
    texts: Sequence[NormalisedText]
    known: NDArray[np.float64]
    logits: tuple[Array, Array]
    first: Array
    second: Array

    def together(self, bands: Bands) -> Array:
        """The scores of the cascade with these bands."""
        return together(self.first, self.second, bands)

    @property
    def said(self) -> dict[str, tuple[Flags, Flags]]:
        """(known, true) of the labels that may flag."""
        return {label: (np.ones(len(self.data), bool), self.data.derived[label]) for label in ASKED}

    def logits_together(self, bands: Bands) -> Array:
        """The logits of the model that has the last word on each row."""
        return np.where(in_band(self.first, bands)[:, None], self.logits[1], self.logits[0])


def train_cascade(
    first: Path,
    second: Path,
    labelled: Path,
    out: Path,
    *,
    date: str,
    seed: int = 0,
    band: tuple[float, float] | None = None,
    progress: Progress = silent,
) -> Path:
    """Choose the band, measure and write `out`/cascade-<date>; returns that folder.

    `band` sets it by hand, for both labels. Raises ConfigError for wrong data or members, and if BERT is no better
    than TF-IDF on the rows that choose; ModelError if a member is damaged.
    """
    target = new_folder(out, KIND, date)
    if band is not None and not 0 <= band[0] <= band[1] <= 1:
        raise ConfigError(_("--band takes two scores from 0 to 1, the lower one first"))
    require_drawing()
    with one_thread():
        artefact, bert = _members(first, second)
        given = read_labelled(labelled)
        choose, test, how = _scored(given, artefact, bert, (first, second), seed, progress)
        limits = {label: settings.threshold for label, settings in artefact.labels.items()}
        labels, metrics, scores = _chosen(choose, test, limits, band, seed)
    metrics["cascade"]["members"] = {FIRST: artefact.name, SECOND: bert.name}
    metrics["program"] = version("kentongan")
    rows = {"choosing_rows": len(choose.data), "measured_rows": len(test.data), "first_scores": how}
    metrics["data"] = about_data(given.data, seed, **rows)
    contents = {f"{FIRST}/{name}": content for name, content in _contents(first).items()}
    contents |= {f"{SECOND}/{name}": content for name, content in _contents(second).items()}
    card = write_cascade_card(target.name, metrics, labels)
    contents |= {"metrics.json": as_json(metrics), "card.md": card.encode()}
    bands = {label: list(ends) for label, ends in metrics["cascade"]["bands"].items()}
    parameters = {"band": band, "widths": WIDTHS, "enough": ENOUGH, FIRST: artefact.digest, SECOND: bert.digest}
    run = Run(target.name, KIND, seed, parameters, metrics["data"], labels, metrics, scored_of(test.data, scores))
    write_folder(target, manifest_of(target.name, FORMAT, labels, contents, bands=bands), contents, run)
    return target


def _members(first: Path, second: Path) -> tuple[Artefact, BertClassifier]:
    for folder in (first, second):
        if not folder.is_dir():
            raise ConfigError(_("there is no model folder {path}; see `kentongan models list`").format(path=folder))
        check_vouched(folder)
    return read_artefact(first), BertClassifier.load(second)


def _contents(folder: Path) -> dict[str, bytes]:
    """The files of a member that its manifest vouches for, and the manifest."""
    names = [MANIFEST, *json.loads((folder / MANIFEST).read_bytes())["files"]]
    return {name: (folder / name).read_bytes() for name in names}


def _scored(
    given: Given, first: Artefact, second: BertClassifier, folders: tuple[Path, Path], seed: int, progress: Progress
) -> tuple[Unseen, Unseen, str]:
    """The choosing and the testing rows; those that BERT held out if it was taught on this data, else two halves."""
    data = given.data
    taught_on = [figure(read_metrics(folder), "data.sha256") == data.sha256 for folder in folders]
    if taught_on[1]:
        its_seed = figure(read_metrics(folders[1]), "data.seed")
        parts = held_out(data, its_seed if isinstance(its_seed, int) else 0)
    else:
        halves = grouped_folds(data.groups, 2, seed)
        parts = halves == 0, halves == 1
    how = "the first one was taught on other data"
    progress("first", 0, 1)
    if taught_on[0]:
        first = _without(first, given, parts[0] | parts[1], seed)
        how = "the first one was taught on all rows, so that here a copy of it answers that was taught without these"
    scorer, found = Scorer(first), []
    for number, part in enumerate(parts):
        progress("second", number, len(parts))
        rows = subset(data, part)
        texts = [normalise(text) for text in rows.texts]
        logits = scorer.logits(texts)[0], second.net.logits(texts)
        scores = calibrated(logits[0], first.labels), calibrated(logits[1], second.labels)
        found.append(Unseen(rows, texts, known_shares(first.vocabulary, texts), logits, *scores))
    return found[0], found[1], how


def _without(first: Artefact, given: Given, held: Flags, seed: int) -> Artefact:
    """The first model as if it had been taught without the rows `held`, with the calibration that it has.

    That calibration was fitted out of fold: it is that of models which have not seen what they score.
    """
    seen = training_rows(given, seed, held)
    vocabulary = Vocabulary.learn(seen.texts, LEAST)
    model = StructuredLogisticRegression().fit(Vectoriser(vocabulary).matrix(seen.texts), seen)
    return replace(first, vocabulary=vocabulary, weights=model.coef_, bias=model.intercept_)


def _chosen(
    choose: Unseen, test: Unseen, limits: Mapping[str, float], band: tuple[float, float] | None, seed: int
) -> tuple[dict[str, LabelSettings], dict[str, Any], Array]:
    """Thresholds, figures with the band among them, and the scores that these were taken of."""
    curve = cost_curve(choose.first, choose.second, choose.said, limits)
    if band is None:
        width = narrowest(curve)
        bands = bands_of(width, limits)
        how = f"The narrowest band that brings {ENOUGH:.0%} of what BERT gains when it reads everything"
    else:
        bands, how = dict.fromkeys(ASKED, band), "Set by hand"
    scores = choose.together(bands)
    labels = {}
    for at, label in enumerate(MODEL_LABELS):
        truth = choose.data.derived.get(label, np.zeros(len(choose.data), bool))
        labels[label] = label_settings(label, (1.0, 0.0), truth, scores[:, at], choose.data.political)
    found, logits = test.together(bands), test.logits_together(bands)
    metrics = measured(test.data, test.texts, logits, found, labels, seed, test.known)
    share = float(in_band(test.first, bands).mean())
    metrics["cascade"] = {
        "bands": bands,
        "chosen_by": how,
        "chosen": worth(choose.first, choose.second, choose.said, bands),
        "curve": curve,
        "share": round(share, 4),
    }
    return labels, metrics, found


def narrowest(curve: list[dict[str, Any]]) -> float | None:
    """The narrowest width that is good enough; None is all texts. Raises ConfigError if BERT gains nothing."""
    none, full = (curve[at]["average_precision"] for at in (0, -1))
    if full <= none:
        raise ConfigError(
            _(
                "BERT alone does no better than TF-IDF on the rows that choose (mean average precision {full}, TF-IDF "
                "{none}): a cascade would cost time and gain nothing; train it longer or on a better checkpoint, or "
                "set the band by hand with --band LOW HIGH"
            ).format(full=full, none=none)
        )
    return next(
        (point["width"] for point in curve if point["average_precision"] - none >= ENOUGH * (full - none)), None
    )
