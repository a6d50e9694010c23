"""Two models as one: TF-IDF reads every text, BERT reads again those of which TF-IDF is not sure.

manifest.json              as of both, with `bands`: by label that may flag: the scores between which BERT is asked
tfidf/..., indobert/...    the two models, whole; `files` has the hash of each of their files
metrics.json, card.md      of the two together

A text that BERT read has BERT's scores for all labels but `hoax_style`, which BERT does not learn. Thresholds are the
cascade's own: both members give calibrated probabilities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import (
    MANIFEST,
    check_form,
    read_artefact,
    read_labels,
    read_manifest,
    unusable,
    vouched_bytes,
)
from pipeline.classify.bert import MAX_BYTES, BertClassifier
from pipeline.classify.heads import MODEL_LABELS, LabelSettings
from pipeline.classify.tfidf import TfidfClassifier
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.types import Signal

Array = NDArray[np.float32]
Flags = NDArray[np.bool_]
Bands = Mapping[str, tuple[float, float]]

FORMAT = 1
KIND = "cascade"
FIRST, SECOND = "tfidf", "indobert"
ASKED = ("hate_group", "incitement")
"""The labels of the model that may flag: only for them is a second reading worth its time."""
_DIGITS = 4
_BATCH = 512


class CascadeClassifier:
    """As its members: text in, one signal for each of the model's labels out; `bands` say when BERT is asked."""

    def __init__(
        self,
        name: str,
        digest: str,
        members: tuple[TfidfClassifier, BertClassifier],
        labels: Mapping[str, LabelSettings],
        bands: Bands,
    ) -> None:
        self.name = name
        self.digest = digest
        self.first, self.second = members
        self.bands = dict(bands)
        self._thresholds = [labels[label].threshold for label in MODEL_LABELS]

    @property
    def thresholds(self) -> dict[str, float]:
        """The model's own threshold of each label."""
        return dict(zip(MODEL_LABELS, self._thresholds, strict=True))

    @classmethod
    def load(cls, folder: Path) -> CascadeClassifier:
        """Read a cascade's folder; raises ModelError, or ConfigError without the extra `encoder`."""
        manifest, digest = read_manifest(folder)
        check_form(manifest, folder, FORMAT, KIND)
        for name in (*(f"{member}/{MANIFEST}" for member in (FIRST, SECOND)), "metrics.json", "card.md"):
            vouched_bytes(folder, manifest, name, MAX_BYTES)  # a member vouches for the rest of its files
        found = manifest.get("labels")
        labels = read_labels(found if isinstance(found, dict) else {}, folder)
        limits = {label: settings.threshold for label, settings in labels.items()}
        artefact = read_artefact(folder / FIRST)
        own = {label: replace(settings, threshold=limits[label]) for label, settings in artefact.labels.items()}
        first = TfidfClassifier(replace(artefact, labels=own))
        second = BertClassifier.load(folder / SECOND, thresholds=limits)
        return cls(manifest["name"], digest, (first, second), labels, _read_bands(manifest.get("bands"), folder))

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        """Return the signals of each text, in input order; never raises on any text."""
        found: list[tuple[Signal, ...]] = []
        for start in range(0, len(texts), _BATCH):
            found += self._classify(texts[start : start + _BATCH], reasons)
        return found

    def probabilities(self, texts: Sequence[str]) -> Array:
        """The calibrated probabilities of the model's labels, shape (texts, labels)."""
        scores = self.first.probabilities(texts)
        return self._with_second(texts, scores, self.asks(scores))

    def asks(self, scores: Array) -> Flags:
        """Which texts the second model reads, by the scores of the first (texts, labels)."""
        return in_band(scores, self.bands)

    def _classify(self, texts: Sequence[str], reasons: bool) -> list[tuple[Signal, ...]]:
        scores = self.first.probabilities(texts)
        asked = self.asks(scores)
        merged = self._with_second(texts, scores, asked).astype(np.float64).round(_DIGITS)
        signals = [
            tuple(
                Signal(label, score, limit, self.name)
                for label, score, limit in zip(MODEL_LABELS, row, self._thresholds, strict=True)
            )
            for row in merged.tolist()
        ]
        if reasons:
            over = (merged >= np.array(self._thresholds)).any(axis=1)
            for member, mine in ((self.first, over & ~asked), (self.second, over & asked)):
                self._add_reasons(texts, signals, member, np.flatnonzero(mine).tolist())
        return signals

    def _with_second(self, texts: Sequence[str], scores: Array, asked: Flags) -> Array:
        rows = np.flatnonzero(asked).tolist()
        return merged(scores, self.second.probabilities([texts[row] for row in rows]), asked) if rows else scores

    @staticmethod
    def _add_reasons(
        texts: Sequence[str], signals: list[tuple[Signal, ...]], member: Classifier, rows: Sequence[int]
    ) -> None:
        for row, told in zip(rows, member.classify([texts[row] for row in rows]), strict=True):
            why = {signal.label: signal.reasons for signal in told}
            signals[row] = tuple(
                replace(signal, reasons=why[signal.label]) if signal.over else signal for signal in signals[row]
            )


def in_band(scores: Array, bands: Bands) -> Flags:
    """Which rows of scores (texts, labels) lie in the band of one of its labels, both ends counted."""
    found = np.zeros(len(scores), bool)
    for label, (low, high) in bands.items():
        column = scores[:, MODEL_LABELS.index(label)]
        found |= (column >= low) & (column <= high)
    return found


def merged(first: Array, second: Array, asked: Flags) -> Array:
    """The scores of the first model, and of the second (its rows are those `asked`) for all labels but hoax_style."""
    found = first.copy()
    found[asked] = second
    style = MODEL_LABELS.index("hoax_style")
    found[:, style] = first[:, style]
    return found


def _read_bands(found: Any, folder: Path) -> dict[str, tuple[float, float]]:
    wrong = unusable(folder / MANIFEST, _("a band in it is not two scores"))
    if not isinstance(found, dict) or set(found) != set(ASKED):
        raise wrong
    bands = {}
    for label in ASKED:
        ends = found[label]
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(end, int | float) for end in ends):
            raise wrong
        if not 0 <= ends[0] <= ends[1] <= 1:
            raise wrong
        bands[label] = (float(ends[0]), float(ends[1]))
    return bands
