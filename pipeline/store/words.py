"""The words of a text and of a query, in the one form in which every store compares them; and how well they match.

Text is folded here (compatibility forms, case, accents) and cut into runs of letters and digits, so that what the
in-memory store and SQLite call a word is the same, whatever Unicode version a store's own tokeniser knows.
A post is seen in three ways: the words of its title, those of its text, and the slang + stem forms not among these.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from pipeline.core.types import Query
from pipeline.text import normalise

MAX_LETTERS = 100
"""Of longer "words" (runs of base64, laughter) only the start is compared."""

# BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework") with its usual constants, made a matter of
# the document alone, so that a place in the list stays while others are added: no inverse document frequency (all words
# of a query must match anyhow) and a fixed mean length. How often a word is repeated does not count (in posts that is
# mostly shouting), but where and how it stands does.
K1, B, MEAN_WORDS = 1.2, 0.75, 30
IN_TITLE, AS_TYPED, OTHER_FORM = 2.0, 1.0, 0.5
SCALE = 2**18

_Piece = tuple[tuple[str, ...], tuple[str, ...]]
"""The words and the stems of what stands between white space."""

_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> list[str]:
    """The words of any text: letters and digits, lower case, without accents."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join([letter for letter in parts if not unicodedata.combining(letter)])
    return [word[:MAX_LETTERS] for word in _WORD.findall(text.casefold())]


@dataclass(frozen=True, slots=True)
class Views:
    """The words of title and text as written, and the stems that are not among them; separated by one blank."""

    title: str
    text: str
    stems: str

    @property
    def length(self) -> int:
        """The number of words of title and text."""
        return len(self.title.split()) + len(self.text.split())


def views(title: str, text: str) -> Views:
    """The views of a post."""
    of_title, of_text = _pieces(title), _pieces(text)
    written_title = [word for words, _stems in of_title for word in words]
    written = [word for words, _stems in of_text for word in words]
    stems = {stem for _words, stems in of_title + of_text for stem in stems}
    stems.difference_update(written, written_title)
    return Views(" ".join(written_title), " ".join(written), " ".join(sorted(stems)))


def stems_of(piece: str) -> tuple[str, ...]:
    """The slang + stem forms, as words, of a piece of text without white space."""
    return (_remembered if len(piece) <= MAX_LETTERS else _cut)(piece)[1]


def _pieces(text: str) -> list[_Piece]:
    pieces = text.split()
    if max(map(len, pieces), default=0) <= MAX_LETTERS:
        return list(map(_remembered, pieces))
    return list(map(_cut, pieces))  # a hostile text must not fill the memory with pieces that never come again


def _cut(piece: str) -> _Piece:
    return tuple(fold(piece)), tuple(word for stem in normalise(piece).stems for word in fold(stem))


# Remembered by piece: almost no piece of a text is new, so a post of 24 words takes a tenth of folding and stemming it.
_remembered = lru_cache(maxsize=65_536)(_cut)


@dataclass(frozen=True, slots=True)
class Term:
    """One part of a query: `written` words that stand side by side, or else (for a word) all its `stems` anywhere.

    `typed` is what is looked for among `spaced` words.
    """

    written: tuple[str, ...]
    stems: tuple[str, ...]
    typed: str

    def matches(self, views: Views) -> bool:
        """Whether it matches a post."""
        known = {*views.title.split(), *views.text.split(), *views.stems.split()}
        if self.stems and all(stem in known for stem in self.stems):
            return True
        if self.stems and len(self.written) == 1:
            return self.written[0] in known
        return self.weight(views) != OTHER_FORM

    def weight(self, views: Views) -> float:
        """What a post that matches says by where and how the term stands in it."""
        if self.typed in spaced(views.title):
            return IN_TITLE
        return AS_TYPED if self.typed in spaced(views.text) else OTHER_FORM


@dataclass(frozen=True, slots=True)
class Terms:
    """The textual part of a query: all of `must` and none of `must_not` match."""

    must: tuple[Term, ...]
    must_not: tuple[Term, ...]

    def match(self, views: Views) -> bool:
        """Whether a post matches."""
        return all(term.matches(views) for term in self.must) and not any(term.matches(views) for term in self.must_not)


Number = TypeVar("Number", float, npt.NDArray[np.float64])


def rank(weight: float, length: int) -> int:
    """What one term adds to the relevance of a post of so many words: a whole number below `SCALE`."""
    return int(_ranks(weight, float(length)))


def relevance(weights: Iterable[Number], length: Number) -> Number:
    """How well posts match, higher is better, from the weights of the terms and the number of words.

    A sum of whole numbers, so that it is the same in every order and on every store: forty terms (query.MAX_PARTS) stay
    below the 2**24 up to which a 32-bit float, which is what Elasticsearch scores with, holds each.
    """
    score = 0 * length
    for weight in weights:
        score = score + _ranks(weight, length)
    return score


def _ranks(weight: Number | float, length: Number) -> Number:
    norm = K1 * (1 - B + B * length / MEAN_WORDS)
    ranks: Number = np.rint(SCALE * weight / (weight + norm))
    return ranks


def terms_of(query: Query) -> Terms:
    """The terms of a query; what holds no letter or digit is left out."""
    must = [_word(word) for word in query.words] + [_phrase(phrase) for phrase in query.phrases]
    without = [_phrase(text) if len(text.split()) > 1 else _word(text) for text in query.without]
    return Terms(tuple(term for term in must if term.written), tuple(term for term in without if term.written))


def _phrase(text: str) -> Term:
    return _term(tuple(fold(text)), ())


def _word(text: str) -> Term:
    written = tuple(fold(text))
    stems = tuple(stem for piece in text.split() for stem in stems_of(piece))
    return _term(written, stems or (written if len(written) == 1 else ()))


def _term(written: tuple[str, ...], stems: tuple[str, ...]) -> Term:
    return Term(written, stems, spaced(" ".join(written)))


def spaced(words: str) -> str:
    """Words with a blank on either side, so that whole ones can be looked for."""
    return f" {words} "
