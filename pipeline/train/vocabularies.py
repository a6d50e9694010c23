"""The vocabulary of some of the rows, taken from that of all: only what is left out has to be counted."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress

import numpy as np

from pipeline.classify.features import Vocabulary
from pipeline.text import NormalisedText

_EVERY = (1, 1, 1)


def left_without(whole: Vocabulary, out: Iterable[NormalisedText], least: tuple[int, int, int]) -> Vocabulary:
    """What `Vocabulary.learn` gives for the texts of `whole` without those of `out`, which must be among them.

    `whole` must have been learnt with the same `least`, or a lower one: what is rare in all is rarer in a part.
    """
    gone = Vocabulary.learn(out, _EVERY)
    features, counts = [], []
    for view, floor in enumerate(least):
        counted = dict(zip(gone.features[view], gone.counts[view].tolist(), strict=True))
        missing = np.array([counted.get(feature, 0) for feature in whole.features[view]], np.int32)
        left = whole.counts[view] - missing
        kept = left >= floor
        features.append(tuple(compress(whole.features[view], kept.tolist())))
        counts.append(left[kept])
    return Vocabulary(tuple(features), tuple(counts), whole.documents - gone.documents)
