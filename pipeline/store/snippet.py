"""The piece of a text that shows why a search found it, with the places of the words that matched."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.core.types import Flag, Hit
from pipeline.store.words import Term, Terms, fold, stems_of
from pipeline.text import normalise

SNIPPET = 240
"""Characters at most (DOMAIN 2.1: Cuplikan)."""
BEFORE = 60  # characters shown before the first match

_PIECE = re.compile(r"\S+")
_RUN = re.compile(r"[^\W_][^\W_\u0300-\u036f]*(?:[\u0300-\u036f]+[^\W_]*)*")
# One blank for one sign, so that marks keep their places: white space, controls, and marks that turn the direction.
_UNSEEN = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def hit_of(flag: Flag, terms: Terms) -> Hit:
    """The flag with its snippet: around the first match of the text, else of the title, else the start of the text."""
    text = flag.post.text
    marks = _marks(text, terms.must)
    if not marks and flag.post.title:
        title_marks = _marks(flag.post.title, terms.must)
        if title_marks or not text:
            text, marks = flag.post.title, title_marks
    return Hit(flag, *_cut(text, marks))


def _cut(text: str, marks: list[tuple[int, int]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    start = _window_start(text, marks)
    end = min(len(text), start + SNIPPET - 2)  # room for an ellipsis at either end
    if end < len(text):
        blank = text.rfind(" ", start + SNIPPET // 2, end)
        end = blank if blank > 0 else end
    head, tail = "…" if start else "", "…" if end < len(text) else ""
    shift = len(head) - start
    inside = tuple((max(a, start) + shift, min(b, end) + shift) for a, b in marks if a < end and b > start)
    return head + _UNSEEN.sub(" ", text[start:end]) + tail, inside


def _window_start(text: str, marks: list[tuple[int, int]]) -> int:
    if not marks or len(text) <= SNIPPET - 2 or marks[0][0] <= BEFORE:
        return 0
    start = min(marks[0][0] - BEFORE, len(text) - (SNIPPET - 2))
    blank = text.find(" ", start, marks[0][0])
    return blank + 1 if blank >= 0 else start


def _marks(text: str, terms: tuple[Term, ...]) -> list[tuple[int, int]]:
    """The merged half-open places in `text` where a term matches, as written or by its stem."""
    if not text or not terms:
        return []
    runs = [(word, match.span()) for match in _RUN.finditer(text) for word in fold(match[0])]
    found = [span for term in terms for span in _written(runs, term.written)]
    wanted = {stem for term in terms for stem in term.stems}
    if wanted:
        found += [span for word, span in runs if word in wanted]
        found += [span for piece in _PIECE.finditer(text) for span in _stemmed(piece, wanted)]
    return _merged(sorted(found))


def _stemmed(piece: re.Match[str], wanted: set[str]) -> Iterator[tuple[int, int]]:
    if wanted.isdisjoint(stems_of(piece[0])):
        return
    chain = normalise(piece[0])
    for (start, end), stem in zip(chain.spans, chain.stems, strict=True):
        if not wanted.isdisjoint(fold(stem)):
            yield piece.start() + start, piece.start() + end


def _written(runs: list[tuple[str, tuple[int, int]]], words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    for place, (word, _span) in enumerate(runs):
        if word == words[0] and tuple(w for w, _s in runs[place : place + len(words)]) == words:
            yield runs[place][1][0], runs[place + len(words) - 1][1][1]


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
