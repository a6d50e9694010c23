"""The store in one SQLite file: the default of an office without a search cluster."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, tzinfo
from pathlib import Path
from threading import RLock

from pipeline.core.types import Decided, Flag, Page, PutCount, Query, Status
from pipeline.store import sqlite_read, sqlite_write
from pipeline.store.columns import microseconds
from pipeline.store.database import explained, open_database, transaction
from pipeline.store.fields import check_facets, check_fields
from pipeline.store.kept import Kept, View
from pipeline.store.paging import check_page, from_token, to_token
from pipeline.store.review import check_statuses, put_batches
from pipeline.store.snippet import hit_of
from pipeline.store.words import terms_of

BATCH = 1_000
"""Flags written in one transaction; another program waits at most so long."""


class SQLiteStore:
    """Flags in `path`; `zone` says what a day is; `wait` is how many seconds another program's write is waited for.

    Every method raises StoreUnavailable if the file is damaged, locked or cannot be written. Threads may share it.
    """

    def __init__(self, path: Path, zone: tzinfo, *, wait: float = 30.0) -> None:
        self._path = path
        self._zone = zone
        self._lock = RLock()
        self._kept = Kept()
        self._db = open_database(path, wait)

    def put(self, flags: Iterable[Flag]) -> PutCount:
        """Create, update or leave each flag; see the port. Raises ConfigError for a candidate (empty `why`)."""
        count: Counter[str] = Counter()
        for batch in put_batches(flags, BATCH):
            with self._transaction(write=True) as db:
                count.update(sqlite_write.put(db, batch, self._zone))
        return PutCount.of(count)

    def get(self, flag_id: str) -> Flag | None:
        """The flag with that id, or None."""
        with self._transaction() as db:
            found = db.execute("SELECT row FROM flag WHERE id = ?", (sqlite_read.bindable(flag_id),)).fetchone()
            return sqlite_read.flags(db, found)[0] if found else None

    def get_many(self, flag_ids: Iterable[str]) -> dict[str, Flag]:
        """Those of the flags that are there, by id."""
        return {flag_id: flag for flag_id in flag_ids if (flag := self.get(flag_id)) is not None}

    def index_of(self, flag_id: str) -> str | None:
        """The name of the index that the flag belongs to for ever, or None if there is no such flag."""
        with self._transaction() as db:
            sql = "SELECT index_name FROM flag WHERE id = ?"
            found = db.execute(sql, (sqlite_read.bindable(flag_id),)).fetchone()
            return str(found[0]) if found else None

    def search(self, query: Query, *, limit: int = 20, after: str | None = None, order: str = "relevance") -> Page:
        """A page; see the port. Raises ConfigError for a damaged token or an unknown field or order."""
        check_page(order, limit)
        check_fields(query)
        cursor = from_token(after, query, order) if after is not None else None
        terms = terms_of(query)
        with self._transaction() as db:
            view = View(db, self._kept)
            found = sqlite_read.matching(view, query, terms)
            scored = terms.must if order == "relevance" else ()
            places = sqlite_read.places_after(view, found, scored, cursor, limit + 1)
            shown = sqlite_read.flags(db, [row for _place, row in places[:limit]])
        token = to_token(places[limit - 1][0], query, order) if shown and len(places) > limit else None
        return Page(tuple(hit_of(flag, terms) for flag in shown), int(found.mask.sum()), token)

    def facets(self, query: Query, fields: Sequence[str], *, limit: int = 50) -> dict[str, dict[str, int]]:
        """For each field: value -> number of flags, the most frequent first, then by name; at most `limit` values."""
        check_facets(tuple(fields), limit)
        check_fields(query)
        with self._transaction() as db:
            view = View(db, self._kept)
            mask = sqlite_read.matching(view, query, terms_of(query)).mask
            tables = {field: view.table(field).counts(mask) for field in fields}
        return {
            field: dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit])
            for field, counts in tables.items()
        }

    def mirror(self, statuses: Mapping[str, Status], decided: Mapping[str, Decided] | None = None) -> int:
        """Set review statuses; returns how many changed. When and why is not kept."""
        del decided
        check_statuses(statuses)
        with self._transaction(write=True, only="status") as db:
            return sqlite_write.set_statuses(db, statuses)

    def erase(self, ids: Iterable[str]) -> int:
        """Remove flags so that `put` refuses them later; returns how many were there.

        Rewrites the word index so that no byte of them stays: 1 s at 200,000 flags, so erase in one call what you can.
        """
        with self._transaction(write=True) as db:
            count = sqlite_write.erase(db, [sqlite_read.bindable(flag_id) for flag_id in ids])
        self._shed_log(1)  # its copies may have been renamed before, though it was no flag itself
        return count

    def withdraw(self, ids: Iterable[str]) -> int:
        """Remove those of the flags that are still open and that no rule flags any more; returns how many."""
        with self._transaction(write=True) as db:
            count = sqlite_write.withdraw(db, [sqlite_read.bindable(flag_id) for flag_id in ids])
        self._shed_log(count)
        return count

    def due(self, now: datetime) -> list[str]:
        """The ids of flags past their `expires_at` that nobody decided on and that still have their text, sorted."""
        with self._transaction() as db:
            return sqlite_read.due(db, microseconds(now))

    def expire(self, ids: Iterable[str], *, keep_status: bool = False) -> int:
        """Remove the text of flags for good, the row stays, as `expired`; returns how many still had their text.

        `keep_status` leaves the status: a rejected flag loses its text and stays rejected. Costs what `erase` costs.
        """
        with self._transaction(write=True) as db:
            count = sqlite_write.strip(db, [sqlite_read.bindable(flag_id) for flag_id in ids], keep_status=keep_status)
        self._shed_log(count)
        return count

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._db.close()

    def _shed_log(self, count: int) -> None:
        """Empty the write-ahead log, which still holds what was removed."""
        if count:
            with self._lock, explained(self._path):
                self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()

    @contextmanager
    def _transaction(self, *, write: bool = False, only: str = "") -> Iterator[sqlite3.Connection]:
        """What was kept is forgotten before a write; `only` says that it changes no more than that field."""
        with self._lock, explained(self._path):
            if write:
                self._kept.forget(only)
            with transaction(self._db, write=write):
                yield self._db
