"""The logits of many texts, fast: a text is a sum of rows of its words and pieces, and rows are remembered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import Artefact
from pipeline.classify.features import (
    PADDING,
    PIECE_LETTERS,
    VIEWS,
    Unit,
    Vectoriser,
    inverse_length,
    squared_lengths,
    units,
)
from pipeline.text import NormalisedText

Array = NDArray[np.float32]

MEMO_PIECES = 65_536
"""Pieces remembered (13,169 tweets have 60,000 different ones); 52 bytes each beside the piece itself."""


class _Pieces(dict[str, int]):
    """piece -> its row; an unknown piece gets the next row and is noted in `new`."""

    def __init__(self, first: int) -> None:
        super().__init__()
        self.first = first
        self.new: list[str] = []

    def __missing__(self, piece: str) -> int:
        if len(piece) > PIECE_LETTERS:
            return self[piece[:PIECE_LETTERS]]
        row = self[piece] = self.first + len(self)
        self.new.append(piece)
        return row


class Scorer:
    """Logits of texts under a model's weights.

    A unit's row holds what it adds to each head's logit, and its squared length. Row 0 is nothing; then come the rows
    of the views `word` and `stem`, then those of the pieces seen so far.
    """

    def __init__(self, artefact: Artefact, memo: int = MEMO_PIECES) -> None:
        self._vectoriser = Vectoriser(artefact.vocabulary)
        self._bias = artefact.bias
        self._memo = memo
        sizes = [len(view) for view in artefact.vocabulary.features]
        word, self._char_weights, stem = np.split(artefact.weights, np.cumsum(sizes)[:-1])
        fixed = [self._fixed(0, word), self._fixed(2, stem)]
        self._first = 1 + sizes[0] + sizes[2]
        self._word = {unit: 1 + at for at, unit in enumerate(artefact.vocabulary.features[0])}
        self._stem = {unit: 1 + sizes[0] + at for at, unit in enumerate(artefact.vocabulary.features[2])}
        self._pieces = _Pieces(self._first)
        empty = np.zeros((1, len(self._bias) + 1), np.float32)
        self._rows = np.concatenate([empty, *fixed])
        self._used = self._first

    def _fixed(self, view: int, weights: Array) -> Array:
        idf = self._vectoriser.vocabulary.idf[view][:, None]
        return np.concatenate([weights * idf, idf**2], axis=1)

    def logits(self, texts: Sequence[NormalisedText]) -> tuple[Array, Array]:
        """Logits, shape (texts, heads), and the scale of each view of each text (0: nothing known in it)."""
        ids, starts = self._places(texts)
        sums = np.add.reduceat(self._rows[ids], starts, axis=0)
        scale = inverse_length(sums[:, -1], np.tile(np.array(PADDING, np.float32), len(texts)))
        per_view = (sums[:, :-1] * scale[:, None]).reshape(len(texts), len(VIEWS), -1)
        return per_view.sum(axis=1) + self._bias, scale.reshape(len(texts), len(VIEWS))

    def _places(self, texts: Sequence[NormalisedText]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        if len(self._pieces) > self._memo:
            self._forget()
        word, piece, stem = self._word.get, self._pieces.__getitem__, self._stem.get
        ids: list[int] = []
        starts: list[int] = []
        for words, pieces, stems in map(units, texts):
            starts.append(len(ids))
            ids.append(0)  # a segment of its own is never empty
            ids += dict.fromkeys(filter(None, map(word, words)))  # different units, in the order of the text
            starts.append(len(ids))
            ids.append(0)
            ids += dict.fromkeys(map(piece, pieces))
            starts.append(len(ids))
            ids.append(0)
            ids += dict.fromkeys(filter(None, map(stem, stems)))
        self._add_new_pieces()
        return np.array(ids, np.intp), np.array(starts, np.intp)

    def known(self, view: int) -> Mapping[Unit, int]:
        """unit -> its row, of a view; pieces of a text are known once it was scored."""
        return (self._word, self._pieces, self._stem)[view]  # type: ignore[return-value]  # pieces are keyed by str alone

    def rows(self, found: Sequence[int]) -> Array:
        """What the units of these rows add to each head before scaling, shape (units, heads)."""
        return self._rows[np.array(found, np.intp), :-1]

    def _add_new_pieces(self) -> None:
        new = self._pieces.new
        if not new:
            return
        rows = self._vectoriser.rows(1, new)
        made = np.concatenate([rows @ self._char_weights, squared_lengths(rows)[:, None]], axis=1)
        end = self._used + len(new)
        if end > len(self._rows):
            grown = np.zeros((max(end, self._first + 2 * (end - self._first)), made.shape[1]), np.float32)
            grown[: self._used] = self._rows[: self._used]
            self._rows = grown
        self._rows[self._used : end] = made
        self._used = end
        new.clear()

    def _forget(self) -> None:
        self._pieces = _Pieces(self._first)
        self._rows = self._rows[: self._first].copy()
        self._used = self._first
