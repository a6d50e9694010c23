"""A text as what it can share with a claim: hashed words, stems, pairs of stems and letter groups.

Hashing keeps every index small and equal in all processes: no vocabulary has to travel, and none tells what was read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from pipeline.text import NormalisedText

BUCKETS = 1 << 20
"""Of each kind: 10,656 claims have some 60,000 different terms of the largest kind, 1 in 18 shares its bucket."""
KINDS = ("stem", "word", "pair", "gram")
STEM, WORD, PAIR, GRAM = range(4)
MAX_TOKENS = 400
"""Tokens of a text that are compared: what a chain letter says it says in its first page."""
_GRAM = 4
_MEMO_LETTERS = 40

Ids = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Terms:
    """The different terms of one text as sorted ids, a kind in each; id // BUCKETS is the kind."""

    stem: Ids
    word: Ids
    pair: Ids
    gram: Ids

    @property
    def all(self) -> Ids:
        """Every id, sorted."""
        return np.concatenate((self.stem, self.word, self.pair, self.gram))


def terms_of(text: NormalisedText) -> Terms:
    """The terms of a normalised text; the same text gives the same ids in every process."""
    tokens = text.tokens[:MAX_TOKENS]
    grams: set[int] = set()
    words: set[int] = set()
    for token in tokens:
        words.add(_word(token))
        grams.update(_grams(token))
    stems = stems_of(text)
    return Terms(
        _sorted({_stem(stem) for stem in stems}),
        _sorted(words),
        _sorted({_pair(first, second) for first, second in pairwise(stems)}),
        _sorted(grams),
    )


def stems_of(text: NormalisedText) -> list[str]:
    """The stems of the tokens that are compared, in their order."""
    return " ".join(text.stems[:MAX_TOKENS]).split()


def stem_id(stem: str) -> int:
    """The id of one stem."""
    return _stem(stem)


def _sorted(ids: set[int]) -> Ids:
    found = np.fromiter(ids, dtype=np.int32, count=len(ids))
    found.sort()
    return found


def _hash(kind: int, text: str) -> int:
    return kind * BUCKETS + crc32(text.encode("utf-8", "surrogatepass")) % BUCKETS


@lru_cache(maxsize=65_536)
def _word(token: str) -> int:
    return _hash(WORD, token)


@lru_cache(maxsize=65_536)
def _stem(stem: str) -> int:
    return _hash(STEM, stem)


@lru_cache(maxsize=131_072)
def _pair(first: str, second: str) -> int:
    return _hash(PAIR, f"{first} {second}")


def _grams(token: str) -> tuple[int, ...]:
    return _remembered_grams(token) if len(token) <= _MEMO_LETTERS else _cut(token[: 4 * _MEMO_LETTERS])


def _cut(token: str) -> tuple[int, ...]:
    framed = f" {token} "
    last = max(1, len(framed) - _GRAM + 1)
    return tuple({_hash(GRAM, framed[at : at + _GRAM]) for at in range(last)})


_remembered_grams = lru_cache(maxsize=65_536)(_cut)
