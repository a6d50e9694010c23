"""The default classifier: structured logistic regression on three views of a text, with numpy and scipy alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import Artefact, read_artefact
from pipeline.classify.heads import MODEL_LABELS, calibrated_log_odds, sigmoid
from pipeline.classify.reasons import reasons_of, slopes_at
from pipeline.classify.scores import Scorer
from pipeline.core.types import Reason, Signal
from pipeline.text import NormalisedText, normalise

Array = NDArray[np.float32]

BATCH_TEXTS = 512
BATCH_LETTERS = 200_000
_DIGITS = 4
_LEAST = 10.0**-_DIGITS


class TfidfClassifier:
    """Text in, one signal for each of the model's labels out, in the order of `MODEL_LABELS`.

    `name` is the model's folder name; `digest` is the SHA-256 of its manifest, which holds the hash of every file.
    Scores have four digits and lie within (0, 1); a text's scores do not depend on what else is in the batch.
    """

    def __init__(self, artefact: Artefact) -> None:
        self.name = artefact.name
        self.digest = artefact.digest
        settings = [artefact.labels[label] for label in MODEL_LABELS]
        self._slopes = np.array([label.slope for label in settings], np.float32)
        self._offsets = np.array([label.offset for label in settings], np.float32)
        self._base_rates = np.array([label.base_rate for label in settings], np.float32)
        self._thresholds = [label.threshold for label in settings]
        self._scorer = Scorer(artefact)

    @property
    def thresholds(self) -> dict[str, float]:
        """The model's own threshold of each label."""
        return dict(zip(MODEL_LABELS, self._thresholds, strict=True))

    @classmethod
    def load(cls, folder: Path) -> TfidfClassifier:
        """Read a model's folder; raises ModelError."""
        return cls(read_artefact(folder))

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        """Return the signals of each text, in input order; never raises on any text.

        `reasons` are given for labels over their threshold only; leaving them out is faster.
        """
        found: list[tuple[Signal, ...]] = []
        for batch in _batches(texts):
            found += self._classify([normalise(text) for text in batch], reasons)
        return found

    def probabilities(self, texts: Sequence[str]) -> Array:
        """The calibrated probabilities of the model's labels, shape (texts, labels)."""
        batches = [self._scores([normalise(text) for text in batch])[0] for batch in _batches(texts)]
        return np.concatenate(batches) if batches else np.zeros((0, len(MODEL_LABELS)), np.float32)

    def _scores(self, texts: Sequence[NormalisedText]) -> tuple[Array, Array, Array]:
        logits, scale = self._scorer.logits(texts)
        scores = sigmoid(calibrated_log_odds(logits, self._slopes, self._offsets))
        scores = np.where(scale.any(axis=1, keepdims=True), scores, self._base_rates)
        return np.clip(scores, _LEAST, 1 - _LEAST), logits, scale

    def _classify(self, texts: Sequence[NormalisedText], reasons: bool) -> list[tuple[Signal, ...]]:
        scores, logits, scale = self._scores(texts)
        rounded = scores.astype(np.float64).round(_DIGITS)
        why = self._reasons(texts, rounded, logits, scale) if reasons else {}
        names = repeat(self.name)
        signals = [tuple(map(Signal, MODEL_LABELS, row, self._thresholds, names)) for row in rounded.tolist()]
        for number, mine in why.items():
            signals[number] = tuple(replace(found, reasons=mine.get(found.label, ())) for found in signals[number])
        return signals

    def _reasons(
        self, texts: Sequence[NormalisedText], scores: NDArray[np.float64], logits: Array, scale: Array
    ) -> dict[int, dict[str, tuple[Reason, ...]]]:
        over = scores >= np.array(self._thresholds)
        rows = np.flatnonzero(over.any(axis=1) & scale.any(axis=1))
        if not len(rows):
            return {}
        slopes = slopes_at(logits[rows], self._slopes, self._offsets)
        found = {}
        for row, slope in zip(rows.tolist(), slopes, strict=True):
            columns = np.flatnonzero(over[row])
            reasons = reasons_of(texts[row], self._scorer, scale[row], slope[:, columns])
            found[row] = dict(zip((MODEL_LABELS[column] for column in columns), reasons, strict=True))
        return found


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in runs of at most `BATCH_TEXTS` texts and about `BATCH_LETTERS` letters: memory stays small."""
    start = letters = 0
    for at, text in enumerate(texts):
        if at > start and (at - start == BATCH_TEXTS or letters + len(text) > BATCH_LETTERS):
            yield texts[start:at]
            start, letters = at, 0
        letters += len(text)
    if start < len(texts):
        yield texts[start:]
