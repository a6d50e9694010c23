"""What was read from the index, kept for the next search for as long as nobody writes to the index.

Row numbers, times and lengths only, never a text: with a million flags 100 MB at most.
"""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.store import postings

_EXPRESSIONS = 64
"""Word searches that are remembered, one bit a flag each: the next page, the facets and another order ask the same."""


@dataclass(slots=True)
class Kept:
    """What was read so far of the index as it stood at `version`."""

    version: int = -1
    tables: dict[str, postings.Table] = field(default_factory=dict)
    measures: postings.Measures | None = None
    words: OrderedDict[str, Any] = field(default_factory=OrderedDict)

    def forget(self, only: str = "") -> None:
        """The index changes, or `only` one field of it."""
        if only:
            self.tables.pop(only, None)
            return
        self.tables.clear()
        self.words.clear()
        self.measures = None


class View:
    """The index as one read transaction sees it: `kept` is used if nobody wrote since, and filled."""

    def __init__(self, db: sqlite3.Connection, kept: Kept) -> None:
        # Another value after another program's commit; our own writes forget by themselves. Asking starts the read
        # transaction, so that what is read next is of this version.
        version = int(db.execute("PRAGMA data_version").fetchone()[0])
        if version != kept.version:
            kept.forget()
            kept.version = version
        self.db = db
        self._kept = kept

    def measures(self) -> postings.Measures:
        """Time and length of all rows."""
        if self._kept.measures is None:
            self._kept.measures = postings.measures(self.db)
        return self._kept.measures

    def table(self, name: str) -> postings.Table:
        """The postings of a field."""
        if name not in self._kept.tables:
            self._kept.tables[name] = postings.table(self.db, name)
        return self._kept.tables[name]

    def words(self, expression: str, find: Callable[[], postings.Mask]) -> postings.Mask:
        """The rows that a word search found; `find` does it."""
        words = self._kept.words
        size = len(self.measures().times)
        if expression in words:
            words.move_to_end(expression)
            return np.unpackbits(words[expression], count=size).view(np.bool_)
        mask = find()
        words[expression] = np.packbits(mask)
        if len(words) > _EXPRESSIONS:
            words.popitem(last=False)
        return mask
