"""What the posts of later weeks are compared with: how a model's training texts look and score, in figures alone.

It stands in metrics.json under "reference"; `pipeline.drift` reads it. No text is in it, and no word that fewer than
one text in a hundred has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.shift import BINS, KNOWN, QUANTILES, frequent, histogram, spread_of, stem_counts
from pipeline.text import TEXT_VERSION, NormalisedText
from pipeline.train.dataset import Flags

REFERENCE_VERSION = 1


def reference_of(
    texts: Sequence[NormalisedText],
    scores: NDArray[np.floating],
    truth: Mapping[str, Flags],
    known: NDArray[np.floating] | None,
    labels: Sequence[str] = MODEL_LABELS,
) -> dict[str, Any]:
    """The reference of a model, small enough for metrics.json (some 8 KB).

    `scores`: calibrated and out of fold, shape (texts, labels), columns in the order of `labels`. `truth`: label ->
    which texts have it, shape (texts,); a label that is not in it (`hoax_style` is taught otherwise) is left out.
    `known`: `pipeline.classify.shift.known_shares` of each text under the vocabulary of the folds that did not see
    it, shape (texts, 3); None of a model that has no list of words. Raises ValueError for shapes that do not fit.
    """
    shapes = scores.shape, None if known is None else known.shape
    if shapes[0] != (len(texts), len(labels)) or shapes[1] not in (None, (len(texts), len(KNOWN))):
        raise ValueError(f"shapes do not fit: {len(texts)} texts, scores and known words {shapes}")
    lengths = np.array([len(text.tokens) for text in texts], np.float64)
    counted = stem_counts(texts)
    return {
        "version": REFERENCE_VERSION,
        "text_version": TEXT_VERSION,
        "documents": len(texts),
        "bins": BINS,
        "quantiles": list(QUANTILES),
        "scores": {label: _label(scores[:, at], truth[label]) for at, label in enumerate(labels) if label in truth},
        "known": {} if known is None else {name: _known(known[:, at]) for at, name in enumerate(KNOWN)},
        "length": spread_of(lengths),
        "stems": frequent(counted, len(texts)),
        "mentions": counted.total(),
    }


def _label(scores: NDArray[np.floating], truth: Flags) -> dict[str, Any]:
    return {
        "counts": histogram(scores).tolist(),
        "mean": round(float(scores.mean()), 4),
        "base_rate": round(float(truth.mean()), 4),
    }


def _known(shares: NDArray[np.floating]) -> dict[str, Any]:
    return {"counts": histogram(shares).tolist(), **spread_of(shares)}
