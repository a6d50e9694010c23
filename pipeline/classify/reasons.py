"""Why a label is over its threshold: the words of the original text that raised its log-odds.

A text's logits are a sum over its units, so that each unit's part is known exactly. A label is a product of heads: its
log-odds are taken as linear in the logits where the text stands (first order), which says which head matters there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.features import PIECE_LETTERS, VIEWS, Unit
from pipeline.classify.heads import calibrated_log_odds
from pipeline.classify.scores import Scorer
from pipeline.core.types import Reason
from pipeline.text import NormalisedText

Array = NDArray[np.float32]

MOST = 5
LEAST_SHARE = 0.1
"""A word that adds less than this share of what the strongest adds is not shown."""
_STEP = 0.01


def slopes_at(logits: Array, slopes: Array, offsets: Array) -> Array:
    """How much each label's log-odds rise with each head's logit, at these logits; shape (texts, heads, labels)."""
    texts, heads = logits.shape
    moves = np.concatenate([np.eye(heads), -np.eye(heads)]).astype(np.float64) * _STEP
    moved = (logits[:, None, :].astype(np.float64) + moves).reshape(-1, heads)
    odds = calibrated_log_odds(moved, slopes, offsets).reshape(texts, 2, heads, -1)
    return ((odds[:, 0] - odds[:, 1]) / (2 * _STEP)).astype(np.float32)


def reasons_of(text: NormalisedText, scorer: Scorer, scale: Array, slopes: Array) -> list[tuple[Reason, ...]]:
    """For each label (column of `slopes`, shape (heads, labels)) at most five words that raised it, strongest first.

    The text must just have been scored; `scale` is that of its three views. A unit that is said more than once counts
    where it is said first; what a pair of words adds is halved between them.
    """
    owners, spans = _owners(text)
    rows: list[int] = []
    pieces: list[int] = []
    shares: list[float] = []
    stems = [(word, owner) for form, owner in zip(text.stems, owners, strict=True) for word in form.split()]
    said = (
        (text.tokens, owners),
        ([piece[:PIECE_LETTERS] for piece in text.pieces], range(len(text.pieces))),
        ([word for word, _owner in stems], [owner for _word, owner in stems]),
    )
    for view, (words, places) in enumerate(said):
        share = float(scale[view])
        for row, piece, part in _first_said(words, places, scorer.known(view), pairs=VIEWS[view] != "char"):
            rows.append(row)
            pieces.append(piece)
            shares.append(share * part)
    parts = np.zeros((len(text.pieces), slopes.shape[1]), np.float32)
    np.add.at(parts, pieces, (scorer.rows(rows) @ slopes) * np.array(shares, np.float32)[:, None])
    return [strongest(parts[:, label].tolist(), spans) for label in range(slopes.shape[1])]


def _first_said(
    words: Sequence[str], places: Sequence[int], known: Mapping[Unit, int], *, pairs: bool
) -> Iterator[tuple[int, int, float]]:
    """The row of each known unit, the piece where it is said first, and the part of it that belongs there."""
    seen = set()
    for at, word in enumerate(words):
        row = known.get(word)
        if row and row not in seen:
            seen.add(row)
            yield row, places[at], 1.0
        row = known.get((words[at - 1], word)) if pairs and at else None
        if row and row not in seen:
            seen.add(row)
            yield row, places[at - 1], 0.5
            yield row, places[at], 0.5


def _owners(text: NormalisedText) -> tuple[list[int], list[tuple[int, int]]]:
    """The piece of each token, and the span of each piece less the punctuation at its ends."""
    spans = list(text.piece_spans)
    owners: list[int] = []
    at = 0
    for start, end in text.spans:
        while at + 1 < len(spans) and text.piece_spans[at + 1][0] <= start:
            at += 1
        first = spans[at][0] if owners and owners[-1] == at else start
        spans[at] = (first, max(end, start))
        owners.append(at)
    return owners, spans


def strongest(parts: Sequence[float], spans: Sequence[tuple[int, int]]) -> tuple[Reason, ...]:
    """At most five of the words at `spans`, by what each adds (`parts`), strongest first; neighbours are joined."""
    first = sorted(range(len(parts)), key=lambda at: (-parts[at], at))[:MOST]
    shown = [at for at in first if parts[at] > 0 and parts[at] >= LEAST_SHARE * parts[first[0]]]
    merged: list[tuple[int, int, float]] = []
    before = -2
    for at in sorted(shown):
        start, end = spans[at]
        if at == before + 1 and merged:
            start, _end, weight = merged.pop()
            merged.append((start, end, weight + parts[at]))
        else:
            merged.append((start, end, parts[at]))
        before = at
    merged.sort(key=lambda found: (-found[2], found[0]))
    return tuple(Reason(start, end, round(weight, 2)) for start, end, weight in merged)
