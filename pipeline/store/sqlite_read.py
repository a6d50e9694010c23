"""Reading the SQLite index: FTS5 finds words, packed postings find and count values, numpy puts them together."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.core.types import Flag, Query
from pipeline.store import postings
from pipeline.store.codec import Damaged, from_document
from pipeline.store.columns import microseconds
from pipeline.store.database import unpacked
from pipeline.store.fields import FACETS, grouped, value_matches
from pipeline.store.paging import ALWAYS, Cursor
from pipeline.store.review import UNDECIDED
from pipeline.store.words import Term, Terms

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """The rows that match: a mask over all row numbers, and the time of each."""

    mask: postings.Mask
    times: postings.Times


@dataclass(frozen=True, slots=True)
class Place:
    """A match and where it stands: by score if it has one, else by time."""

    row: int
    id: str
    at: int
    score: float | None


def matching(db: sqlite3.Connection, query: Query, terms: Terms) -> Found:
    """The rows that match the query."""
    times = postings.times(db)
    mask = times != postings.NOTHING
    if query.since is not None:
        mask &= times >= microseconds(query.since)
    if query.until is not None:
        mask &= times < microseconds(query.until)
    for field, values in grouped(query.fields).items():
        mask &= _having(db, field, values, len(times))
    for field, values in grouped(query.without_fields).items():
        mask &= ~_having(db, field, values, len(times))
    if terms.must:
        mask &= _with_words(db, " AND ".join(map(_expression, terms.must)), len(times))
    if terms.must_not:
        mask &= ~_with_words(db, " OR ".join(map(_expression, terms.must_not)), len(times))
    return Found(mask, times)


def _having(db: sqlite3.Connection, field: str, values: tuple[str, ...], size: int) -> postings.Mask:
    if field in FACETS:
        return postings.having(db, field, lambda value: any(value_matches(field, one, value) for one in values), size)
    by_id, by_cluster = "SELECT row FROM flag WHERE id = ?", "SELECT row FROM flag WHERE cluster = ?"
    mask = np.zeros(size, np.bool_)
    for value in values:
        rows = db.execute(by_id if field == "id" else by_cluster, (bindable(value),))
        mask[[row for (row,) in rows]] = True
    return mask


def _expression(term: Term) -> str:
    """The term in FTS5's language; it holds letters and digits only, so nothing in it can be an operator."""
    written = f'"{" ".join(term.written)}"'
    if not term.stems:
        return f"words : {written}"
    if term.written == term.stems:
        return written
    stems = " AND ".join(f'"{stem}"' for stem in term.stems)
    return f"({written if len(term.written) == 1 else f'(words : {written})'} OR ({stems}))"


def _with_words(db: sqlite3.Connection, expression: str, size: int) -> postings.Mask:
    # Joined inside SQLite: fetching 143,000 row numbers one by one takes 110 ms, their text and its reading 20 ms.
    joined = db.execute("SELECT group_concat(rowid) FROM word WHERE word MATCH ?", (expression,)).fetchone()[0]
    mask = np.zeros(size, np.bool_)
    if joined:
        mask[postings.within(np.fromstring(joined, np.int64, sep=","), size)] = True
    return mask


def edge_of(found: Found, ranked: int) -> int:
    """The time from which on at most `ranked` matches are scored."""
    times = found.times[found.mask]
    if len(times) <= ranked:
        return ALWAYS
    edge = int(np.partition(times, len(times) - ranked)[len(times) - ranked])
    return edge + 1 if int((times >= edge).sum()) > ranked else edge


def places_after(
    db: sqlite3.Connection, found: Found, terms: Terms, edge: int, cursor: Cursor | None, count: int
) -> list[Place]:
    """The next `count` matches after the cursor: those from the edge on by score, then the older ones by time."""
    rows = np.flatnonzero(found.mask)
    places: list[Place] = []
    if cursor is None or cursor.score is not None:
        places = _by_score(db, rows[found.times[rows] >= edge], found, terms, cursor)[:count]
        cursor = None
    if len(places) < count:
        places += _by_time(db, rows[found.times[rows] < edge], found, cursor, count - len(places))
    return places


def _by_score(db: sqlite3.Connection, rows: Rows, found: Found, terms: Terms, cursor: Cursor | None) -> list[Place]:
    sql = (
        "SELECT flag.row, id, words FROM flag JOIN body USING (row) WHERE flag.row IN (SELECT value FROM json_each(?))"
    )
    scored = [
        Place(row, flag_id, int(found.times[row]), terms.score(words))
        for row, flag_id, words in db.execute(sql, (json.dumps(rows.tolist()),))
    ]
    if cursor is not None:
        scored = [place for place in scored if _score_key(place) > _score_key(cursor)]
    return sorted(scored, key=_score_key)


def _score_key(place: Place | Cursor) -> tuple[float, str]:
    return -(place.score or 0.0), place.id


def _by_time(db: sqlite3.Connection, rows: Rows, found: Found, cursor: Cursor | None, count: int) -> list[Place]:
    times = found.times[rows]
    places = []
    if cursor is not None:
        same_time = _identified(db, rows[times == cursor.at], found)
        places = [place for place in same_time if place.id > cursor.id][:count]
        rows, times = rows[times < cursor.at], times[times < cursor.at]
    wanted = count - len(places)
    if wanted and len(rows) > wanted:
        rows = rows[times >= np.partition(times, len(times) - wanted)[len(times) - wanted]]
    return places + _identified(db, rows, found)[:wanted] if wanted else places


def _identified(db: sqlite3.Connection, rows: Rows, found: Found) -> list[Place]:
    """The places of rows, newest first, then by id."""
    sql = "SELECT row, id FROM flag WHERE row IN (SELECT value FROM json_each(?))"
    places = [
        Place(row, flag_id, int(found.times[row]), None)
        for row, flag_id in (db.execute(sql, (json.dumps(rows.tolist()),)) if len(rows) else ())
    ]
    return sorted(places, key=lambda place: (-place.at, place.id))


def due(db: sqlite3.Connection, past: int) -> list[str]:
    """The ids of undecided flags that expire at or before that time (microseconds) and still have their text."""
    sql = (
        "SELECT id FROM flag WHERE expires <= ? AND NOT stripped "
        "AND status IN (SELECT value FROM json_each(?)) ORDER BY id"
    )
    return [flag_id for (flag_id,) in db.execute(sql, (past, json.dumps(UNDECIDED)))]


def flags(db: sqlite3.Connection, rows: Iterable[int]) -> list[Flag]:
    """The flags of rows, in their order; raises Damaged."""
    sql = "SELECT document, month, status FROM flag JOIN body USING (row) WHERE flag.row = ?"
    found = [db.execute(sql, (row,)).fetchone() for row in rows]
    if None in found:
        raise Damaged
    return [from_document(unpacked(blob), month=month, status=status) for blob, month, status in found]


def bindable(text: str) -> str:
    """The text without lone surrogates (a terminal's broken bytes), which SQLite refuses."""
    return text.encode("utf-8", "replace").decode()
