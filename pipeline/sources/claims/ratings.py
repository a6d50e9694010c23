"""The verdicts of checkers on one scale: words as data/claims/ratings.csv lists them, numbers as schema.org says.

A verdict that nobody listed stays unrated, whatever it looks like: a wrong guess would call true what is false.
"""

from __future__ import annotations

import csv
import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from pipeline.core.claims import RATINGS, Rating
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.resources import data_path

Meaning = Rating | Literal["none", "topic", "withdrawn"]
"""A rating, or: no claim at all, a fact-check without a verdict, a check that was taken back."""
_MEANINGS: tuple[Meaning, ...] = (*RATINGS, "none", "topic", "withdrawn")

_NO_WORD = re.compile(r"[^\w]+")
_PART = re.compile(r"[.:;!?\n(–—]|,\s|\s-\s")  # where a verdict ends and its reason begins
_FILLER = frozenset("ini itu adalah merupakan klaim informasi kabar konten the is this claim".split())
_LONGEST = 80  # characters of a verdict's first part that are looked up
_STEPS: tuple[tuple[float, Rating], ...] = (
    (0.125, "false"),
    (0.375, "misleading"),
    (0.625, "partly_false"),
    (1.0, "true"),
)


@dataclass(frozen=True, slots=True)
class Scale:
    """What verdict words mean; `titles` are those that checkers put before a title."""

    words: Mapping[str, Meaning]
    titles: frozenset[str]

    def meaning(self, text: str) -> Meaning | None:
        """What a word or phrase means, None if it stands nowhere."""
        return self.words.get(plain(text))

    def rate(self, verdict: str) -> Rating | None:
        """The rating of a verdict in a checker's words, which a reason may follow; None if nobody listed it."""
        found = self.meaning(verdict)
        if found is None:
            words = plain(_PART.split(verdict.strip(), maxsplit=1)[0][:_LONGEST]).split()
            found = self.words.get(" ".join(words)) or self.words.get(" ".join(w for w in words if w not in _FILLER))
        return next((rating for rating in RATINGS if rating == found), None)


def plain(text: str) -> str:
    """Words in small letters, one space between them, no signs: the form in which verdicts are listed."""
    folded = unicodedata.normalize("NFKC", text[:4_000]).casefold().replace("_", " ")
    return " ".join(_NO_WORD.sub(" ", folded).split())


def rate_number(value: object, worst: object = None, best: object = None) -> Rating | None:
    """The rating of schema.org's ratingValue, which runs from worstRating (else 1) to bestRating (else 5).

    A scale may be turned round; a number outside it, or a scale of one point, says nothing.
    """
    number, low, high = _number(value), _number(worst, 1.0), _number(best, 5.0)
    if number is None or low is None or high is None or low == high:
        return None
    share = (number - low) / (high - low)
    if not 0.0 <= share <= 1.0:
        return None
    return next(rating for limit, rating in _STEPS if share <= limit)


def _number(value: object, missing: float | None = None) -> float | None:
    if value is None or value == "":
        return missing
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value.strip().replace(",", ".")[:20]) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


@cache
def load_scale() -> Scale:
    """The scale that is shipped."""
    return read_scale(data_path("claims", "ratings.csv"))


def read_scale(path: Path) -> Scale:
    """The scale of a file; raises ConfigError that names the line."""
    words: dict[str, Meaning] = {}
    titles: set[str] = set()
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            key, told = plain(row.get("words") or ""), row.get("rating") or ""
            rating = next((each for each in _MEANINGS if each == told), None)
            if not key or rating is None or words.get(key, rating) != rating:
                raise ConfigError(
                    _("{name}, line {number}: words and one rating of {known}; each word once").format(
                        name=path.name, number=number, known=", ".join(sorted(_MEANINGS))
                    )
                )
            words[key] = rating
            if row.get("title") == "yes":
                titles.add(key)
    return Scale(words, frozenset(titles))
