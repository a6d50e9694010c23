"""The rows that a model learns from, with what is known of each: a label that nobody gave teaches nothing.

In one line: rows with all columns of okky2019 (only these are measured whole), decisions of reviewers (which say yes or
no to `hate_group` and `incitement`, and sometimes which ground), rows of files that have some of our labels (often only
`hate_speech` or `abusive`), and the sentences written for this project.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import GROUNDS as GROUND_HEADS
from pipeline.classify.heads import HEADS, TARGETS
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text import NormalisedText, normalise
from pipeline.train.counterexamples import Counterexamples
from pipeline.train.dataset import GROUNDS, Flags, HateData, Numbers, read_hate
from pipeline.train.records import VERDICT
from pipeline.train.stored import Dataset, read_dataset

Floats = NDArray[np.float32]

DERIVED = ("hate_group", "incitement")
"""Labels that a row may carry without the heads they are made of."""
ALONE = ("hate_speech", "abusive")
"""Labels that are a head of their own, in order: a file that has no more than these teaches just these."""
TEACHING = (*ALONE, *DERIVED, "insult_person", *(f"ground_{ground}" for ground in GROUNDS))
WRITTEN_WEIGHT = 0.25
"""What a written row counts beside a tweet. With 0 a model finds 9 of 88 attacks on groups that somebody else wrote,
and calls a group's bare name an attack; with 0.25 it finds 49, with 0.4 51. mAP 76.7, 76.1, 75.7; with features scaled
by class 77.4 at 0.25 and 76.8 at 0.5."""
MOST_WEIGHT = 10.0
"""A sample counts for the posts that it was drawn from, but no row outweighs the batch that it stands in."""
LEAST_HATE = 2
_CHANCE = len(HEADS) - 1
_NO_GROUP = -1


@dataclass(frozen=True)
class Rows:
    """Texts with what is known: `truth` and `known` have shape (rows, heads), `derived` and its mask (rows, 2).

    A head from `person_plain` to `communism` counts only where it is known and the row is hate. Rows of one `groups`
    number are near duplicates; -1 is a written sentence, which is never held out. The first `measured` rows are those
    of the labelled data.
    """

    texts: tuple[NormalisedText, ...]
    truth: Floats
    known: Flags
    derived: Floats
    derived_known: Flags
    weights: Floats
    groups: Numbers
    measured: int

    def __len__(self) -> int:
        return len(self.texts)

    def only(self, keep: Flags) -> Rows:
        """Some of the rows."""
        texts = tuple(text for text, kept in zip(self.texts, keep.tolist(), strict=True) if kept)
        names = ("truth", "known", "derived", "derived_known", "weights", "groups")
        arrays: dict[str, Any] = {name: getattr(self, name)[keep] for name in names}
        return replace(self, texts=texts, measured=int(keep[: self.measured].sum()), **arrays)


@dataclass(frozen=True)
class Partly:
    """Rows of which only some labels are known: what they teach, and by label which of them know it and have it."""

    rows: Rows
    said: Mapping[str, tuple[Flags, Flags]]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Given:
    """What a training is given: the labelled data, and of a dataset the decisions and the rows with some labels."""

    data: HateData
    decided: Partly | None = None
    partly: Partly | None = None

    @property
    def others(self) -> Rows | None:
        """Decisions, then rows of which only some labels are known; None if there are none."""
        parts = [part.rows for part in (self.decided, self.partly) if part is not None]
        return joined(parts) if parts else None


def read_labelled(path: Path) -> Given:
    """What a CSV as okky2019 or a dataset's folder gives a training; raises ConfigError."""
    if path.is_dir():
        dataset = read_dataset(path)
        return Given(dataset.hate_data(), decided_rows(dataset), partly_labelled(dataset))
    return Given(read_hate(path))


def labelled_rows(data: HateData) -> Rows:
    """The rows of the labelled data: everything is known; raises ConfigError if there is too little hate to learn."""
    if data.labels["HS"].sum() < LEAST_HATE or data.labels["HS"].all():
        raise ConfigError(
            _("{hate} of {rows} rows are hate: give labelled data with both, and some hundreds of each").format(
                hate=int(data.labels["HS"].sum()), rows=len(data)
            )
        )
    return _taught(data.texts, data.taught, data.groups, 1.0, len(data))


def written_rows(written: Counterexamples) -> Rows:
    """The sentences written for this project."""
    groups = np.full(len(written), _NO_GROUP, np.int64)
    return _taught(written.texts, written.labels, groups, WRITTEN_WEIGHT, 0)


def decided_rows(dataset: Dataset) -> Partly | None:
    """The reviewers' decisions in a dataset, or None if it has none."""
    return _partly(dataset, np.array(dataset.column("origin")) == VERDICT, DERIVED)


def partly_labelled(dataset: Dataset) -> Partly | None:
    """Rows of files that have some labels and not the twelve columns, or None if there are none."""
    known = np.logical_or.reduce([dataset.said(label)[0] for label in TEACHING])
    return _partly(dataset, known & ~dataset.whole & (np.array(dataset.column("origin")) != VERDICT), TEACHING)


def _partly(dataset: Dataset, keep: Flags, measured: Sequence[str]) -> Partly | None:
    """These rows of a dataset, with what each label says of the heads; a label that nobody gave says nothing."""
    at = np.flatnonzero(keep)
    if not len(at):
        return None
    said = {label: tuple(flags[at] for flags in dataset.said(label)) for label in TEACHING}
    truth, known = np.zeros((len(at), len(HEADS)), np.float32), np.zeros((len(at), len(HEADS)), bool)
    for place, label in enumerate(ALONE):
        known[:, place], truth[:, place] = said[label]
    for place, ground in enumerate(GROUNDS, GROUND_HEADS.start):
        known[:, place], truth[:, place] = said[f"ground_{ground}"]
    known[said["insult_person"][1], GROUND_HEADS] = True  # an attack on a person has none of these grounds
    # what is narrower is hate, and then its grounds are what was said
    hate = np.logical_or.reduce([said[label][1] for label in TEACHING if label not in ALONE])
    truth[hate, 0] = known[hate, 0] = True
    derived_known, derived = (np.stack([said[label][side] for label in DERIVED], axis=1) for side in (0, 1))
    texts, weighed = dataset.texts, dataset.column("weight")
    read = tuple(normalise(texts[row]) for row in at)
    weights = np.array([min(weighed[row] or 1.0, MOST_WEIGHT) for row in at], np.float32)
    rows = Rows(read, truth, known, derived.astype(np.float32), derived_known, weights, dataset.groups[at], 0)
    return Partly(rows, {label: (said[label][0], said[label][1]) for label in measured if said[label][0].any()})


def joined(parts: Sequence[Rows | None]) -> Rows:
    """All rows in one line; the labelled data comes first."""
    found = [part for part in parts if part is not None]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in found])
        for name in ("truth", "known", "derived", "derived_known", "weights", "groups")
    }
    return Rows(tuple(text for part in found for text in part.texts), measured=found[0].measured, **arrays)


def _taught(texts: Sequence[str], taught: Mapping[str, Flags], groups: Numbers, weight: float, measured: int) -> Rows:
    truth = np.zeros((len(texts), len(HEADS)), np.float32)
    truth[:, 0], truth[:, 1] = taught["HS"], taught["Abusive"]
    target = 2 * taught["HS_Group"].astype(int) + taught["HS_Strong"]
    truth[np.arange(len(texts)), TARGETS.start + target] = 1
    for at, name in enumerate(HEADS[TARGETS.stop : _CHANCE], TARGETS.stop):
        truth[:, at] = taught[name]
    known = np.ones_like(truth, bool)
    known[:, _CHANCE] = False
    nothing = np.zeros((len(texts), 2), np.float32)
    weights = np.full(len(texts), weight, np.float32)
    return Rows(tuple(map(normalise, texts)), truth, known, nothing, nothing.astype(bool), weights, groups, measured)


def subset(data: HateData, keep: Flags) -> HateData:
    """Some rows of the labelled data, under the hash of the whole."""
    texts = tuple(text for text, kept in zip(data.texts, keep.tolist(), strict=True) if kept)
    labels = {name: column[keep] for name, column in data.labels.items()}
    return replace(data, texts=texts, labels=labels, groups=data.groups[keep])
