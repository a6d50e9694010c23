"""Rows that a finished model is measured on: a labelled CSV, or an office's dataset where labels may be unknown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.classify.heads import MODEL_LABELS
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.train.dataset import Flags, HateData, Numbers, read_hate
from pipeline.train.figures import Floats
from pipeline.train.records import LABELS
from pipeline.train.stored import read_dataset

Keys = Sequence[str | Sequence[str]]


@dataclass(frozen=True)
class Labelled:
    """Texts with what is known of each label, and where they come from.

    `keys` are the slices of each row by dimension. `sampled` rows were drawn by chance; `counted` is how many posts
    each of them stands for. `ids` are the hashes by which a model's card may name the data.
    """

    name: str
    sha256: str
    texts: Sequence[str]
    truth: Mapping[str, Flags]
    known: Mapping[str, Flags]
    groups: Numbers
    keys: Mapping[str, Keys]
    ids: frozenset[str]
    sampled: Flags
    counted: Floats
    hate: HateData | None = None
    recall: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def political(self) -> Flags:
        """Rows that name politicians, parties, offices or elections."""
        return HateData(tuple(self.texts), {}, self.groups, "").political


def labelled_csv(path: Path) -> Labelled:
    """A CSV as okky2019; every label that it can teach is known of every row. Raises ConfigError for the file."""
    data = read_hate(path)
    whole, none = np.ones(len(data), bool), np.zeros(len(data), bool)
    truth = {label: data.derived[label] for label in MODEL_LABELS if label in data.derived}
    empty = [""] * len(data)
    return Labelled(
        data.name,
        data.sha256,
        data.texts,
        truth,
        dict.fromkeys(truth, whole),
        data.groups,
        {"source": empty, "period": empty, "region": empty},
        frozenset({data.sha256}),
        none,
        np.ones(len(data)),
        hate=data,
    )


def labelled_dataset(folder: Path) -> Labelled:
    """An office's dataset, read whole; raises ConfigError if it is damaged or says nothing of any label of a model."""
    data = read_dataset(folder)
    truth, known = {}, {}
    for label in (each for each in MODEL_LABELS if each in LABELS):
        known[label], truth[label] = data.said(label)
        if not known[label].any():
            del truth[label], known[label]
    if not truth:
        raise ConfigError(
            _("{path} knows none of the labels that a model gives; decide on flags and build it again").format(
                path=folder
            )
        )
    sampled = np.array(data.column("sampled"), dtype=bool)
    return Labelled(
        data.name,
        data.hash,
        data.texts,
        truth,
        known,
        data.groups,
        {
            "source": data.column("source"),
            "period": [_quarter(day) for day in data.column("day")],
            "region": data.column("provinces"),
        },
        frozenset({data.hash, str(data.manifest["rows_sha256"])}),
        sampled,
        np.where(sampled, np.array(data.column("weight"), dtype=float), 1.0),
        recall=data.manifest.get("recall") or {},
    )


def _quarter(day: str) -> str:
    """2026-Q4 for a day of it; empty for none."""
    return f"{day[:4]}-Q{(int(day[5:7]) + 2) // 3}" if day and day[5:7].isdecimal() else ""
