"""How far texts and scores of a week lie from those of before: PSI, Wilson's interval, known words, frequent stems.

PSI (population stability index) is the sum over bins of (p - q) ln(p / q). By chance alone it is not 0: two samples of
n and m from one and the same source have (bins - 1)(1/n + 1/m) on average, which is 0.05 for 200 posts in ten bins and
0.3 for 300 stems. That much is taken off here, so that a small source does not cry wolf.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.features import Vocabulary, grams_of
from pipeline.text import NormalisedText

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

BINS = 10
"""Of equal width from 0 to 1; the same for calibrated scores and for shares of known words."""
KNOWN = ("word", "stem", "piece")
"""What may be known of a text: its words and stems as a model's vocabulary has them, the n-grams of its pieces."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
STEM_SHARE = 0.01
"""Stems in a smaller share of the texts are noted nowhere: rare words are names, and a share of few posts is noise."""
MOST_STEMS = 300
_HALF = 0.5  # added to each bin: an empty one would make PSI infinite (Jeffreys)
_95 = 1.959964


def histogram(values: NDArray[np.floating]) -> Counts:
    """How many of these values between 0 and 1 lie in each bin; what is no number is in none."""
    finite = values[np.isfinite(values)]
    return np.bincount(np.clip((finite * BINS).astype(np.int64), 0, BINS - 1), minlength=BINS)


def psi(now: Sequence[float] | Counts | Floats, before: Sequence[float] | Counts | Floats) -> float:
    """PSI of two lists of counts over the same bins, less what chance alone gives; 0 or more.

    Bins that are empty in both say nothing and are left out. The way: Siddiqi 2006; its mean under no change: Yurdakul
    2018.
    """
    ours, theirs = np.asarray(now, np.float64), np.asarray(before, np.float64)
    used = (ours + theirs) > 0
    bins = int(used.sum())
    if bins < 2 or not ours.sum() or not theirs.sum():
        return 0.0
    p, q = ours[used] + _HALF, theirs[used] + _HALF
    p, q = p / p.sum(), q / q.sum()
    by_chance = (bins - 1) * (1 / ours.sum() + 1 / theirs.sum())
    return max(0.0, float(((p - q) * np.log(p / q)).sum() - by_chance))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); all of 0 to 1 where nothing was counted."""
    if of <= 0:
        return 0.0, 1.0
    share, square = hits / of, _95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = _95 / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def known_shares(vocabulary: Vocabulary, texts: Iterable[NormalisedText]) -> Floats:
    """Which share of each text's words, stems and n-grams of letters a vocabulary knows, shape (texts, len(KNOWN)).

    Of a text without words: not a number.
    """
    words, grams, stems = vocabulary.places
    memo: dict[str, float] = {}

    def of_piece(piece: str) -> float:
        if piece not in memo:
            found = grams_of("char", piece)
            memo[piece] = sum(gram in grams for gram in found) / len(found)
        return memo[piece]

    rows = [
        (
            _mean([token in words for token in text.tokens]),
            _mean([stem in stems for stem in text.stems]),
            _mean([of_piece(piece) for piece in text.pieces]),
        )
        for text in texts
    ]
    return np.array(rows, np.float64).reshape(-1, len(KNOWN))


def stem_counts(texts: Iterable[NormalisedText]) -> Counter[str]:
    """In how many texts each stem stands; signs and numbers are no stems."""
    return Counter(stem for text in texts for stem in stems_of(text))


def stems_of(text: NormalisedText) -> set[str]:
    """The different stems of a text that are words of two letters at least."""
    return {stem for stem in text.stems if len(stem) > 1 and stem.replace("-", "").isalpha()}


def frequent(counted: Mapping[str, int], documents: int) -> dict[str, int]:
    """The stems in more than STEM_SHARE of so many documents, at most MOST_STEMS, the most frequent first."""
    over = [(stem, count) for stem, count in counted.items() if count > STEM_SHARE * documents]
    return dict(sorted(over, key=lambda item: (-item[1], item[0]))[:MOST_STEMS])


def spread_of(values: NDArray[np.floating]) -> dict[str, Any]:
    """Mean and quantiles of what are numbers among these; None where there is none."""
    finite = values[np.isfinite(values)]
    if not len(finite):
        return {"mean": None, "quantiles": None}
    quantiles = [round(float(value), 4) for value in np.quantile(finite, QUANTILES)]
    return {"mean": round(float(finite.mean()), 4), "quantiles": quantiles}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")
