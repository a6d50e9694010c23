"""Coarse words and slurs shown as a first letter and dots, so that a list can be read at a desk that others pass."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import groupby

from pipeline.core.resources import data_path
from pipeline.text.fold import fold

_DOT = "·"
_SUFFIXES = "(?:nya|mu|ku|lah|kah)?"


def soften(text: str) -> str:
    """The text with each coarse word as its first letter and dots, of the same length, so that offsets stay right.

    Whole words only, in any case and any look of the letters ("ＡＮＪＩＮＧ"), with letters repeated ("anjiiing") and
    with the endings -nya, -mu, -ku, -lah, -kah. Softening twice changes nothing.
    """
    folded, places = fold(text)
    pieces: list[str] = []
    at = 0
    for match in _pattern().finditer(folded):
        start, end = match.span()
        if places is not None:
            start, end = places[start][0], places[end - 1][1]
        start = max(start, at)  # one character can fold to the end of a word and the start of the next
        if end > start:
            pieces += [text[at : start + 1], _DOT * (end - start - 1)]
            at = end
    return "".join([*pieces, text[at:]])


def coarse_words() -> tuple[str, ...]:
    """The words of data/coarse_words.txt in their order; raises ConfigError if the installation lacks the file."""
    lines = data_path("coarse_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    words = "|".join(_loose(word) for word in sorted(coarse_words(), key=len, reverse=True))
    # A neighbour that is no letter or digit ends a word; "_" does too, since people write _anjing_ and *anjing*.
    return re.compile(rf"(?<![^\W_])(?:{words}){_SUFFIXES}2?(?![^\W_])")


def _loose(word: str) -> str:
    """The word with each letter as often as written or more often.

    A run is one piece (ss -> s{2,}): two pieces of the same letter side by side would take quadratic time on "sssss".
    """
    return "".join(f"{re.escape(letter)}{{{len(list(run))},}}" for letter, run in groupby(word))
