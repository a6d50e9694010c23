"""Reading the SQLite index: FTS5 finds words, packed postings find and count values, numpy puts them together.

Of a million flags nothing is sorted whole: the best of a page are picked out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.types import Flag, Query
from pipeline.store import postings
from pipeline.store.codec import Damaged, from_document
from pipeline.store.columns import microseconds
from pipeline.store.database import unpacked
from pipeline.store.fields import FACETS, grouped, value_matches
from pipeline.store.kept import View
from pipeline.store.paging import Cursor
from pipeline.store.review import UNDECIDED
from pipeline.store.words import AS_TYPED, IN_TITLE, OTHER_FORM, Term, Terms, relevance

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Found:
    """The rows that match, as a mask over all row numbers, and what is known of every row."""

    mask: postings.Mask
    measures: postings.Measures


def matching(view: View, query: Query, terms: Terms) -> Found:
    """The rows that match the query."""
    measures = view.measures()
    times = measures.times
    mask = times != postings.NOTHING
    if query.since is not None:
        mask &= times >= microseconds(query.since)
    if query.until is not None:
        mask &= times < microseconds(query.until)
    for field, values in grouped(query.fields).items():
        mask &= _having(view, field, values, len(times))
    for field, values in grouped(query.without_fields).items():
        mask &= ~_having(view, field, values, len(times))
    if terms.must:
        mask &= _with_words(view, " AND ".join(map(_expression, terms.must)))
    if terms.must_not:
        mask &= ~_with_words(view, " OR ".join(map(_expression, terms.must_not)))
    return Found(mask, measures)


def _having(view: View, field: str, values: tuple[str, ...], size: int) -> postings.Mask:
    if field in FACETS:
        return view.table(field).having(lambda value: any(value_matches(field, one, value) for one in values), size)
    by_id, by_cluster = "SELECT row FROM flag WHERE id = ?", "SELECT row FROM flag WHERE cluster = ?"
    mask = np.zeros(size, np.bool_)
    for value in values:
        rows = view.db.execute(by_id if field == "id" else by_cluster, (bindable(value),))
        mask[[row for (row,) in rows]] = True
    return mask


def _expression(term: Term) -> str:
    """The term in FTS5's language; it holds letters and digits only, so nothing in it can be an operator."""
    written = f'"{" ".join(term.written)}"'
    if not term.stems:
        return f"{{title text}} : {written}"
    if len(term.written) == 1 and term.written == term.stems:
        return written
    stems = " AND ".join(f'"{stem}"' for stem in term.stems)
    return f"({written if len(term.written) == 1 else f'({{title text}} : {written})'} OR ({stems}))"


def _with_words(view: View, expression: str) -> postings.Mask:
    return view.words(expression, lambda: _matched(view.db, expression, len(view.measures().times)))


def _matched(db: sqlite3.Connection, expression: str, size: int) -> postings.Mask:
    # Joined inside SQLite: fetching 143,000 row numbers one by one takes 110 ms, their text and its reading 20 ms.
    joined = db.execute("SELECT group_concat(rowid) FROM word WHERE word MATCH ?", (expression,)).fetchone()[0]
    mask = np.zeros(size, np.bool_)
    if joined:
        mask[postings.within(np.fromstring(joined, np.int64, sep=","), size)] = True
    return mask


def places_after(
    view: View, found: Found, terms: Sequence[Term], cursor: Cursor | None, count: int
) -> list[tuple[Cursor, int]]:
    """The next `count` matches after the cursor by relevance to the terms (if any), time and id, with their rows."""
    rows = np.flatnonzero(found.mask)
    scores = _scores(view, rows, found, terms) if terms else None  # else all are 0
    times = found.measures.times[rows]
    if cursor is not None:
        at_score = np.full(len(rows), cursor.score == 0) if scores is None else scores == cursor.score
        below = np.full(len(rows), cursor.score > 0) if scores is None else scores < cursor.score
        left = below | (at_score & (times <= cursor.at))
        count += int((at_score & (times == cursor.at)).sum())  # some were shown; only ids can tell
        rows, times, scores = rows[left], times[left], scores if scores is None else scores[left]
    best = _best((times,) if scores is None else (scores, times), count)
    sql = "SELECT row, id FROM flag WHERE row IN (SELECT value FROM json_each(?))"
    names = dict(view.db.execute(sql, (json.dumps(rows[best].tolist()),)).fetchall())
    if len(names) != len(best):
        raise Damaged
    places = [
        (Cursor(0.0 if scores is None else float(scores[place]), int(times[place]), names[int(rows[place])]), place)
        for place in best
    ]
    chosen = [(at, int(rows[place])) for at, place in places if cursor is None or at.key > cursor.key]
    return sorted(chosen, key=lambda place: place[0].key)


def _best(keys: Sequence[npt.NDArray[Any]], count: int) -> Rows:
    """The places of the `count` highest by the first key, then the next; and of all that tie with the last of them."""
    places, kept = np.arange(len(keys[0])), [np.arange(0)]
    for key in keys:
        if len(places) <= count:
            break
        values = key[places]
        edge = np.partition(values, len(values) - count)[len(values) - count]
        kept.append(places[values > edge])
        count -= len(kept[-1])
        places = places[values == edge]
    return np.concatenate([*kept, places])


def _scores(view: View, rows: Rows, found: Found, terms: Sequence[Term]) -> npt.NDArray[np.float64]:
    weights = []
    for term in terms:
        typed = f'"{" ".join(term.written)}"'
        if len(term.written) == 1 and term.written == term.stems:
            # It is in the text, but where it is among the stems: they are far fewer.
            weight = np.where(_with_words(view, f"stems : {typed}")[rows], OTHER_FORM, AS_TYPED)
        else:
            weight = np.where(_with_words(view, f"text : {typed}")[rows], AS_TYPED, OTHER_FORM)
        weights.append(np.where(_with_words(view, f"title : {typed}")[rows], IN_TITLE, weight))
    return relevance(weights, found.measures.lengths[rows].astype(np.float64))


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
