"""The rows that a model learns from, with what is known of each: a label that nobody gave teaches nothing.

Three sources in one line: rows with all columns of okky2019 (only these are measured), decisions of reviewers (which
say yes or no to `hate_group` and `incitement`, and sometimes which ground), and the sentences written for this project.
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
from pipeline.train.stored import Dataset, read_dataset

Floats = NDArray[np.float32]

DERIVED = ("hate_group", "incitement")
"""Labels that a row may carry without the heads they are made of."""
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


def read_labelled(path: Path) -> tuple[HateData, Rows | None]:
    """Labelled rows and decisions of a CSV as okky2019, or of a dataset's folder; raises ConfigError."""
    if path.is_dir():
        dataset = read_dataset(path)
        return dataset.hate_data(), decided_rows(dataset)
    return read_hate(path), None


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


def decided_rows(dataset: Dataset) -> Rows | None:
    """The reviewers' decisions in a dataset, or None if it has none; what a label says of another is filled in."""
    columns = {
        name: dataset.column(name) for name in ("origin", "text", "weight", *DERIVED, *(f"ground_{g}" for g in GROUNDS))
    }
    at = [row for row, origin in enumerate(columns["origin"]) if origin == "verdict"]
    if not at:
        return None
    truth, known = np.zeros((len(at), len(HEADS)), np.float32), np.zeros((len(at), len(HEADS)), bool)
    derived, derived_known = np.zeros((len(at), 2), np.float32), np.zeros((len(at), 2), bool)
    for number, row in enumerate(at):
        for place, label in enumerate(DERIVED):
            said = columns[label][row]
            derived[number, place], derived_known[number, place] = bool(said), said is not None
        if columns["hate_group"][row]:  # hatred against a group is hate, and then its grounds are what was said
            truth[number, 0] = known[number, 0] = True
            said = [columns[f"ground_{ground}"][row] for ground in GROUNDS]
            truth[number, GROUND_HEADS] = [bool(each) for each in said]
            known[number, GROUND_HEADS] = [each is not None for each in said]
    texts = tuple(normalise(columns["text"][row]) for row in at)
    weights = np.array([min(columns["weight"][row] or 1.0, MOST_WEIGHT) for row in at], np.float32)
    return Rows(texts, truth, known, derived, derived_known, weights, dataset.groups[at], 0)


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
    return HateData(texts, {name: column[keep] for name, column in data.labels.items()}, data.groups[keep], data.sha256)
