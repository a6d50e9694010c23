"""Indonesian stems exactly as PySastrawi gives them, without its visitors and regular expressions.

The algorithm is Nazief and Adriani's with confix stripping (CS, ECS: Asian 2007, "Effective Techniques for Indonesian
Text Retrieval") as PySastrawi 1.2.1 runs it, quirks included; tests/text/test_stem.py holds both side by side.
The root words are read from the installed package (their licence does not let us copy them).
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text.prefixes import strip_prefix

MEMO_WORDS = 65_536
"""Stems remembered: 13,169 tweets and 2,500 articles have 34,946 different words."""

MEMO_LETTERS = 64
"""Longer words are not remembered, so that a hostile text cannot fill the memory with them."""

_PLAIN = re.compile(r"[a-z0-9-]*")
_UNPLAIN = re.compile(
    r"[^a-z0-9 -]", re.IGNORECASE
)  # IGNORECASE as the stock one has it: it lets ſ and dotless i through
_PARTICLES = frozenset({"lah", "kah", "tah", "pun"})
_CLITICS = _PARTICLES | {"ku", "mu", "nya"}
_SUFFIXES = ("isasi", "isme", "kan", "is", "an", "i")  # the longest that fits is taken


@lru_cache(maxsize=1)
def roots() -> frozenset[str]:
    """The root words of the installed PySastrawi; raises ConfigError if it is not there."""
    spec = find_spec("Sastrawi")
    places = spec.submodule_search_locations if spec else None
    for place in places or ():
        path = Path(place) / "Stemmer" / "data" / "kata-dasar.txt"
        if path.is_file():
            return frozenset(word for word in path.read_text(encoding="utf-8").split("\n") if word.strip())
    raise ConfigError(_("the root words of PySastrawi are missing: install the package PySastrawi 1.2.1 again"))


def stem(word: str) -> str:
    """The stem of one lower-case word (or hyphenated plural): what PySastrawi's stemmer answers, for every string."""
    return _remembered(word) if len(word) <= MEMO_LETTERS else _stem(word)


def _stem(word: str) -> str:
    if _PLAIN.fullmatch(word):
        return _plural(word) if "-" in word and _is_plural(word) else _singular(word)
    words = _UNPLAIN.sub(" ", word.lower()).split(" ")
    return " ".join(_plural(part) if _is_plural(part) else _singular(part) for part in words if part)


_remembered = lru_cache(maxsize=MEMO_WORDS)(_stem)


def _is_plural(word: str) -> bool:
    first, _hyphen, last = word.rpartition("-")
    return "-" in first if last in _CLITICS else "-" in word


def _plural(word: str) -> str:
    """`berbalas-balasan` -> `balas`; a pair whose halves have different stems stays as it is (Asian, pages 76-77)."""
    first, _hyphen, second = word.rpartition("-")
    if second in _CLITICS and "-" in first:
        first, _hyphen, middle = first.rpartition("-")
        second = f"{middle}-{second}"
    stem_of_first, stem_of_second = _singular(first), _singular(second)
    if stem_of_second == second and second not in roots():
        stem_of_second = _singular("me" + second)
    return stem_of_first if stem_of_first == stem_of_second else word


def _singular(word: str) -> str:
    known = roots()
    if word in known:
        return word
    short = len(word) <= 3  # the stock stemmer then runs only the first visitor of each chain
    if _prefix_goes_first(word):
        left = _without_prefixes(word, short, known)
        left = left if left in known else _without_suffixes(left, short, known)[0]
        if left in known:
            return left
    left, removed = _without_suffixes(word, short, known)
    left = left if left in known else _without_prefixes(left, short, known)
    return left if left in known else _restored(word, removed, short, known)


def _prefix_goes_first(word: str) -> bool:
    """be-lah, be-an, me-i, di-i, pe-i, ter-i (Asian, pages 78-79)."""
    if word[-1:] == "i":
        return len(word) >= 3 and (word.startswith(("me", "di", "pe")) or (word.startswith("ter") and len(word) >= 4))
    return word.startswith("be") and (word[2:].endswith(("lah", "an")))


def _without_prefixes(word: str, short: bool, known: frozenset[str]) -> str:
    """Take off up to three prefixes, until a root word is left."""
    for _turn in range(3):
        left = strip_prefix(word, known, plain_only=short)
        if left == word or left in known:
            return left
        word = left
    return word


def _without_suffixes(word: str, short: bool, known: frozenset[str]) -> tuple[str, list[tuple[str, str]]]:
    """Take off particle, pronoun and suffix until a root word is left; also each (subject, result) in that order."""
    removed: list[tuple[str, str]] = []
    for step in (_particle,) if short else (_particle, _pronoun, _suffix):
        result = step(word)
        if result != word:
            removed.append((word, result))
            word = result
            if word in known:
                break
    return word, removed


def _particle(word: str) -> str:
    return word[:-3].rstrip("-") if word[-3:] in _PARTICLES else word


def _pronoun(word: str) -> str:
    if word.endswith(("ku", "mu")):
        return word[:-2].rstrip("-")
    return word[:-3].rstrip("-") if word.endswith("nya") else word


def _suffix(word: str) -> str:
    for suffix in _SUFFIXES:
        if word.endswith(suffix):
            return word[: -len(suffix)]
    return word


def _restored(word: str, removed: list[tuple[str, str]], short: bool, known: frozenset[str]) -> str:
    """Give suffixes back one by one, the last first, and try the prefixes again (ECS); `-kan` also as `-k`."""
    for subject, result in reversed(removed):
        tries = (result + "k", subject) if len(subject) - len(result) == 3 and subject.endswith("kan") else (subject,)
        for attempt in tries:
            left = _without_prefixes(attempt, short, known)
            if left in known:
                return left
    return word
