"""How alike a post and each of some claims are: a row of numbers a pair, which the ranker weighs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.enrich.claims.terms import BUCKETS, KINDS, STEM, Terms

F32 = NDArray[np.float32]

_SHARED = ("cosine", "of_claim", "of_claim_squared", "of_post", "shared")
FEATURES = (
    *(f"{kind}_{name}" for kind in KINDS for name in _SHARED),
    *("missing_most", "missing", "claim_length", "post_length"),
)
"""Columns of `likeness`. cosine: of idf vectors; of_claim: the claim's weight that the post has (of_post: the other way
round); shared: log of the shared weight; missing: of the claim's stems, the heaviest one and all of them."""


class Bag:
    """The terms of some texts, all kinds, in one array: those of text i are ids[starts[i]:starts[i + 1]]."""

    def __init__(self, ids: NDArray[np.int32], lengths: NDArray[np.int64]) -> None:
        self.ids, self.lengths = ids, lengths
        self.starts = np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))

    def __len__(self) -> int:
        return len(self.lengths)

    def pick(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """The ids of these rows, and for each id the number of its row among them."""
        lengths = self.lengths[rows]
        owner = np.repeat(np.arange(len(rows)), lengths)
        before = np.cumsum(lengths) - lengths
        places = np.arange(len(owner)) - before[owner] + self.starts[rows][owner]
        return self.ids[places], owner


def sums_of(ids: NDArray[np.int32], owner: NDArray[np.int64], count: int, weights: F32) -> NDArray[np.float64]:
    """(count, kinds, 2): the weights and squared weights of each row, by kind."""
    weight = weights[ids].astype(np.float64)
    return _sums(ids, owner, count, weight)


def _sums(
    ids: NDArray[np.int32], owner: NDArray[np.int64], count: int, weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    slot = owner * len(KINDS) + ids // BUCKETS
    size = count * len(KINDS)
    both = [np.bincount(slot, each, minlength=size) for each in (weight, weight * weight)]
    return np.stack(both, axis=-1, dtype=np.float64).reshape(count, len(KINDS), 2)


class Likeness:
    """Compares posts with claims; keeps one array of marks, so that a comparison makes none."""

    def __init__(self, weights: F32) -> None:
        self._weights = weights
        self._marks = np.zeros(len(weights), dtype=np.float64)

    def __call__(
        self, post: Terms, ids: NDArray[np.int32], owner: NDArray[np.int64], claim_sums: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(n, features) of one post beside n claims, given as `Bag.pick` and `sums_of` give them."""
        count = len(claim_sums)
        own = post.all
        post_sums = sums_of(own, np.zeros(len(own), np.int64), 1, self._weights)[0]
        self._marks[own] = 1.0
        hit = self._marks[ids]
        self._marks[own] = 0.0
        weight = self._weights[ids].astype(np.float64)
        shared = _sums(ids, owner, count, weight * hit)
        columns: list[Any] = []
        for kind in range(len(KINDS)):
            claim, both = claim_sums[:, kind], shared[:, kind]
            columns += [
                both[:, 1] / np.sqrt(claim[:, 1] * post_sums[kind, 1] + 1e-9),
                both[:, 0] / (claim[:, 0] + 1e-9),
                both[:, 1] / (claim[:, 1] + 1e-9),
                both[:, 0] / (post_sums[kind, 0] + 1e-9),
                np.log1p(both[:, 0]),
            ]
        stems = ids // BUCKETS == STEM
        most = np.zeros(count)
        np.maximum.at(most, owner[stems], (weight * (1.0 - hit))[stems])
        lengths = np.bincount(owner[stems], minlength=count)
        columns += [
            most,
            claim_sums[:, STEM, 0] - shared[:, STEM, 0],
            np.log1p(lengths),
            np.full(count, np.log1p(len(post.stem))),
        ]
        return np.stack(columns, axis=1)
