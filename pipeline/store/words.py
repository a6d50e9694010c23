"""The words of a text and of a query, in the one form in which every store compares them; and how well they match.

Text is folded here (compatibility forms, case, accents) and cut into runs of letters and digits, so that what the
in-memory store and SQLite call a word is the same, whatever Unicode version a store's own tokeniser knows.
A text has two views: `words` as written, and `stems`, the slang + stem forms that are not already among the words.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

from pipeline.core.types import Query
from pipeline.text import normalise

BREAK = "¶"
"""A word of its own between title and text, so that no phrase runs over; nobody can type it, it is no letter."""

MAX_LETTERS = 100
"""Of longer "words" (runs of base64, laughter) only the start is compared."""

# BM25 (Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework") with its usual constants, less the
# inverse document frequency: all words of a query must match, and a score that depends on nothing but the document
# keeps its place while others are added. MEAN_WORDS is fixed for the same reason.
K1, B, MEAN_WORDS = 1.2, 0.75, 30
INFLECTED = 0.5  # what another form of a word counts against the word as typed

_Piece = tuple[tuple[str, ...], tuple[str, ...]]
"""The words and the stems of what stands between white space."""

_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> list[str]:
    """The words of any text: letters and digits, lower case, without accents."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join([letter for letter in parts if not unicodedata.combining(letter)])
    return [word[:MAX_LETTERS] for word in _WORD.findall(text.casefold())]


def views(title: str, text: str) -> tuple[str, str]:
    """The two views of a post, words separated by one blank: as written, and the stems that are not among those."""
    of_title, of_text = _pieces(title), _pieces(text)
    written = [word for words, _stems in of_text for word in words]
    if title:
        written = [*(word for words, _stems in of_title for word in words), BREAK, *written]
    stems = {stem for _words, stems in of_title + of_text for stem in stems}
    return " ".join(written), " ".join(sorted(stems.difference(written)))


def stems_of(piece: str) -> tuple[str, ...]:
    """The slang + stem forms, as words, of a piece of text without white space."""
    return (_remembered if len(piece) <= MAX_LETTERS else _cut)(piece)[1]


def _pieces(text: str) -> list[_Piece]:
    pieces = text.split()
    short = (
        max(map(len, pieces), default=0) <= MAX_LETTERS
    )  # longer ones are not remembered, they would fill the memory
    return list(map(_remembered if short else _cut, pieces))


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

    def matches(self, padded: str, known: frozenset[str]) -> bool:
        """Whether it matches a text, given its `spaced` words and the set of its words and stems."""
        if self.stems and all(stem in known for stem in self.stems):
            return True
        if self.stems and len(self.written) == 1:
            return self.written[0] in known
        return self.typed in padded

    def count(self, padded: str) -> float:
        """How often the text has it as typed; `INFLECTED` if only in another form."""
        return padded.count(self.typed) or INFLECTED


@dataclass(frozen=True, slots=True)
class Terms:
    """The textual part of a query: all of `must` and none of `must_not` match."""

    must: tuple[Term, ...]
    must_not: tuple[Term, ...]

    def match(self, padded: str, known: frozenset[str]) -> bool:
        """Whether a text matches; see Term.matches."""
        return all(term.matches(padded, known) for term in self.must) and not any(
            term.matches(padded, known) for term in self.must_not
        )

    def score(self, words: str) -> float:
        """How well a text that matches does so; higher is better, and depends on nothing but the two."""
        padded = spaced(words)
        length = K1 * (1 - B + B * (words.count(" ") + 1) / MEAN_WORDS)
        counts = [term.count(padded) for term in self.must]
        return sum(count / (count + length) for count in counts)


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
    """Words with a blank of their own on either side, so that each can be looked for and counted by itself."""
    return f" {words.replace(' ', '  ')} "
