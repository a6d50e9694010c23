"""`kentongan train cascade`: where TF-IDF is unsure, and how much of that BERT must read to be worth it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import MANIFEST, Artefact, read_artefact
from pipeline.classify.bert import BertClassifier
from pipeline.classify.cascade import ASKED, FIRST, FORMAT, KIND, SECOND, in_band, merged
from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import MODEL_LABELS, LabelSettings, log_odds, sigmoid
from pipeline.classify.promoted import check_vouched
from pipeline.classify.scores import Scorer
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text import normalise
from pipeline.train.bert.card import write_cascade_card
from pipeline.train.bert.measured import calibrated, dataset_figures, figures
from pipeline.train.bert.run import held_out
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import Flags, HateData, grouped_folds
from pipeline.train.figures import average_precision, f1
from pipeline.train.floors import figure
from pipeline.train.folder import as_json, manifest_of, new_folder, write_folder
from pipeline.train.gate import read_metrics
from pipeline.train.rows import joined, labelled_rows, read_labelled, subset, written_rows
from pipeline.train.structured import StructuredLogisticRegression, one_thread
from pipeline.train.tfidf import LEAST
from pipeline.train.thresholds import GRID, label_settings

Array = NDArray[np.float32]
Bands = dict[str, tuple[float, float]]
Progress = Callable[[str, int, int], None]

WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
"""Half-widths of the band in log-odds, on both sides of the first model's threshold; 0 is no band."""
ENOUGH = 0.99
"""Share of what BERT alone gains over TF-IDF that the band must bring."""


@dataclass(frozen=True)
class Scored:
    """Rows that neither model was taught on: logits (rows, heads) and calibrated scores (rows, labels) of both."""

    data: HateData
    logits: tuple[Array, Array]
    first: Array
    second: Array

    def together(self, bands: Bands) -> Array:
        """The scores of the cascade with these bands."""
        asked = in_band(self.first, bands)
        return merged(self.first, self.second[asked], asked)

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
    progress: Progress = lambda _what, _done, _of: None,
) -> Path:
    """Choose the band, measure and write `out`/cascade-<date>; returns that folder.

    `band` sets it by hand, for both labels. Raises ConfigError for wrong data or members, and if BERT is no better
    than TF-IDF on the rows that choose; ModelError if a member is damaged.
    """
    target = new_folder(out, KIND, date)
    if band is not None and not 0 <= band[0] <= band[1] <= 1:
        raise ConfigError(_("--band takes two scores from 0 to 1, the lower one first"))
    with one_thread():
        artefact, bert = _members(first, second)
        data, _decided = read_labelled(labelled)
        choose, test, how = _scored(data, artefact, bert, (first, second), seed, progress)
        limits = {label: settings.threshold for label, settings in artefact.labels.items()}
        labels, metrics = _chosen(choose, test, limits, band, seed)
    metrics["cascade"]["members"] = {FIRST: artefact.name, SECOND: bert.name}
    metrics["program"] = version("kentongan")
    metrics["data"] = {
        "name": "okky2019",
        "sha256": data.sha256,
        "rows": len(data),
        "choosing_rows": len(choose.data),
        "measured_rows": len(test.data),
        "first_scores": how,
        "seed": seed,
    }
    contents = {f"{FIRST}/{name}": content for name, content in _contents(first).items()}
    contents |= {f"{SECOND}/{name}": content for name, content in _contents(second).items()}
    card = write_cascade_card(target.name, metrics, labels)
    contents |= {"metrics.json": as_json(metrics), "card.md": card.encode()}
    bands = {label: list(ends) for label, ends in metrics["cascade"]["bands"].items()}
    write_folder(target, manifest_of(target.name, FORMAT, labels, contents, bands=bands), contents)
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
    data: HateData, first: Artefact, second: BertClassifier, folders: tuple[Path, Path], seed: int, progress: Progress
) -> tuple[Scored, Scored, str]:
    """The choosing and the testing rows; those that BERT held out if it was taught on this data, else two halves."""
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
        first = _without(first, data, parts[0] | parts[1], seed)
        how = "the first one was taught on all rows, so that here a copy of it answers that was taught without these"
    scorer, found = Scorer(first), []
    for number, part in enumerate(parts):
        progress("second", number, len(parts))
        rows = subset(data, part)
        texts = [normalise(text) for text in rows.texts]
        logits = scorer.logits(texts)[0], second.net.logits(texts)
        scores = calibrated(logits[0], first.labels), calibrated(logits[1], second.labels)
        found.append(Scored(rows, logits, *scores))
    return found[0], found[1], how


def _without(first: Artefact, data: HateData, held: Flags, seed: int) -> Artefact:
    """The first model as if it had been taught without the rows `held`, with the calibration that it has.

    That calibration was fitted out of fold: it is that of models which have not seen what they score.
    """
    seen = joined([labelled_rows(data).only(~held), written_rows(counterexamples(seed))])
    vocabulary = Vocabulary.learn(seen.texts, LEAST)
    model = StructuredLogisticRegression().fit(Vectoriser(vocabulary).matrix(seen.texts), seen)
    return replace(first, vocabulary=vocabulary, weights=model.coef_, bias=model.intercept_)


def _chosen(
    choose: Scored, test: Scored, limits: Mapping[str, float], band: tuple[float, float] | None, seed: int
) -> tuple[dict[str, LabelSettings], dict[str, Any]]:
    """Band, thresholds and figures."""
    curve = [_point(choose, width, limits) for width in (*WIDTHS, None)]
    if band is None:
        width = narrowest(curve)
        bands = _bands(width, limits)
        how = f"The narrowest band that brings {ENOUGH:.0%} of what BERT gains when it reads everything"
    else:
        bands, how = dict.fromkeys(ASKED, band), "Set by hand"
    scores = choose.together(bands)
    labels = {}
    for at, label in enumerate(MODEL_LABELS):
        truth = choose.data.derived.get(label, np.zeros(len(choose.data), bool))
        labels[label] = label_settings(label, (1.0, 0.0), truth, scores[:, at], choose.data.political)
    metrics = figures(test.data, test.together(bands), labels, seed)
    metrics["dataset"] = dataset_figures(test.data, test.logits_together(bands), seed)
    share = float(in_band(test.first, bands).mean())
    metrics["cascade"] = {"bands": bands, "chosen_by": how, "curve": curve, "share": round(share, 4)}
    return labels, metrics


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


def _point(rows: Scored, width: float | None, limits: Mapping[str, float]) -> dict[str, Any]:
    """What a band costs (the share of texts that are read twice) and what it gives."""
    bands = _bands(width, limits)
    scores = rows.together(bands)
    quality, best = [], []
    for label in ASKED:
        truth, mine = rows.data.derived[label], scores[:, MODEL_LABELS.index(label)]
        quality.append(float(average_precision(truth, mine)[0]))
        best.append(max(float(f1(truth, mine >= limit)[0]) for limit in GRID))
    return {
        "width": width,
        "share": round(float(in_band(rows.first, bands).mean()), 4),
        "average_precision": round(float(np.mean(quality)), 4),
        "f1": round(float(np.mean(best)), 4),
    }


def _bands(width: float | None, limits: Mapping[str, float]) -> Bands:
    """The band of each label, so wide in log-odds around the first model's threshold; None: every score."""
    if width is None:
        return dict.fromkeys(ASKED, (0.0, 1.0))
    found = {}
    for label in ASKED:
        middle = log_odds(np.array([limits[label]], np.float32))[0]
        low, high = sigmoid(np.array([middle - width, middle + width], np.float64)).round(4).tolist()
        found[label] = (low, high)
    return found
