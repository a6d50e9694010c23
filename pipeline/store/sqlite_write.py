"""Writing to the SQLite index: each function is called inside one write transaction and keeps all tables in step."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from hashlib import blake2b

from pipeline.core.batches import batched
from pipeline.core.types import Flag, Status
from pipeline.store import postings
from pipeline.store.codec import Damaged, from_document, to_document, without_text
from pipeline.store.columns import Columns, columns_of, index_name, month_of
from pipeline.store.database import packed, unpacked

_FORGET_WORDS = (
    "INSERT INTO word (word, rowid, title, text, stems) "
    "SELECT 'delete', row, title, text, stems FROM body WHERE row = ?"
)


_BATCH = 1_000  # flags in memory at a time


@dataclass(frozen=True, slots=True)
class Known:
    """A row of `flag`."""

    row: int
    id: str
    fingerprint: str
    month: str
    cluster: str
    status: str
    stripped: bool
    facets: frozenset[tuple[str, str]]

    def postings(self) -> Iterator[postings.Posting]:
        """All that the row is counted under."""
        yield "status", self.status, self.row
        for field, value in self.facets:
            yield field, value, self.row


@dataclass(frozen=True, slots=True)
class _Entry:
    row: int
    flag: Flag
    columns: Columns
    old: Known | None


def known(db: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Known]:
    """The rows of those ids that are there."""
    sql = (
        "SELECT row, id, fingerprint, month, cluster, status, stripped, facets FROM flag "
        "WHERE id IN (SELECT value FROM json_each(?))"
    )
    rows: dict[str, Known] = {}
    for row, flag_id, fingerprint, month, cluster, status, stripped, facets in db.execute(
        sql, (json.dumps(list(ids)),)
    ):
        try:
            pairs = frozenset((field, value) for field, value in json.loads(facets))
        except (TypeError, ValueError, RecursionError) as error:
            raise Damaged from error
        rows[flag_id] = Known(row, flag_id, fingerprint, month, cluster, status, bool(stripped), pairs)
    return rows


def put(db: sqlite3.Connection, batch: Sequence[Flag], zone: tzinfo) -> Counter[str]:
    """Create, update or leave each flag of a batch in which no id stands twice; counts what was done."""
    rows = known(db, (flag.id for flag in batch))
    gone = _erased(db, [flag.id for flag in batch])
    free = 1 + (db.execute("SELECT max(row) FROM flag").fetchone()[0] or 0)
    count: Counter[str] = Counter()
    entries = []
    for flag in batch:
        old = rows.get(flag.id)
        if flag.id in gone:
            count["erased"] += 1
        elif old is not None and (old.fingerprint, old.cluster) == (flag.fingerprint, flag.cluster):
            count["unchanged"] += 1
        elif old is not None and old.stripped:  # nothing of it comes back, but its cluster may be called otherwise
            count["unchanged" if old.cluster == flag.cluster else "updated"] += 1
            _rename_cluster(db, old.row, flag.cluster)
        else:
            row = old.row if old else free + count["created"]
            count["updated" if old else "created"] += 1
            entries.append(_Entry(row, flag, columns_of(flag, zone), old))
    entries.sort(key=lambda entry: entry.row)  # FTS5 writes out its buffer whenever a row number is not the highest yet
    _write(db, entries, zone)
    return count


def _rename_cluster(db: sqlite3.Connection, row: int, cluster: str) -> None:
    document = unpacked(db.execute("SELECT document FROM body WHERE row = ?", (row,)).fetchone()[0])
    renamed = replace(from_document(document), cluster=cluster)
    db.execute("UPDATE body SET document = ? WHERE row = ?", (packed(to_document(renamed)), row))
    db.execute("UPDATE flag SET cluster = ? WHERE row = ?", (cluster, row))


def _write(db: sqlite3.Connection, entries: Sequence[_Entry], zone: tzinfo) -> None:
    db.executemany(_FORGET_WORDS, [(entry.row,) for entry in entries if entry.old])
    db.executemany(
        "INSERT INTO flag (row, id, fingerprint, index_name, month, status, cluster, stripped, expires, facets) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?) ON CONFLICT (row) DO UPDATE "  # neither status nor month nor index
        "SET fingerprint = excluded.fingerprint, cluster = excluded.cluster, expires = excluded.expires, "
        "facets = excluded.facets",
        (_flag_row(entry, zone) for entry in entries),
    )
    texts = [(entry.row, views.title, views.text, views.stems) for entry in entries for views in [entry.columns.views]]
    db.executemany(
        "INSERT OR REPLACE INTO body (row, title, text, stems, document) VALUES (?, ?, ?, ?, ?)",
        ((*text, packed(to_document(entry.flag))) for text, entry in zip(texts, entries, strict=True)),
    )
    db.executemany("INSERT INTO word (rowid, title, text, stems) VALUES (?, ?, ?, ?)", texts)
    postings.remove(db, _changes(entries, new=False))
    postings.add(db, _changes(entries, new=True))
    postings.set_measures(db, ((entry.row, entry.columns.at, entry.columns.views.length) for entry in entries))


def _flag_row(entry: _Entry, zone: tzinfo) -> tuple[object, ...]:
    flag, month = entry.flag, month_of(entry.flag, zone)
    index = index_name(flag.post.office, month)
    facets = json.dumps(sorted(entry.columns.facets))
    review = (index, month, flag.status)
    return entry.row, flag.id, flag.fingerprint, *review, flag.cluster, entry.columns.expires, facets


def _changes(entries: Sequence[_Entry], *, new: bool) -> Iterator[postings.Posting]:
    """What an update adds (or takes away): the difference of old and new, since a row may stand in a posting once."""
    for entry in entries:
        before = entry.old.facets if entry.old else frozenset()
        after = entry.columns.facets
        for field, value in after - before if new else before - after:
            yield field, value, entry.row
        if new and entry.old is None:
            yield "status", entry.flag.status, entry.row


def set_statuses(db: sqlite3.Connection, statuses: Mapping[str, Status]) -> int:
    """Set review statuses; returns how many changed."""
    rows = [row for row in known(db, statuses).values() if row.status != statuses[row.id]]
    db.executemany("UPDATE flag SET status = ? WHERE row = ?", [(statuses[row.id], row.row) for row in rows])
    postings.remove(db, (("status", row.status, row.row) for row in rows))
    postings.add(db, (("status", statuses[row.id], row.row) for row in rows))
    return len(rows)


def erase(db: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Remove flags and remember not to take them again; returns how many were there."""
    rows = list(known(db, ids).values())
    _remove(db, rows)
    db.executemany("INSERT OR IGNORE INTO erased (key) VALUES (?)", [(_key(flag_id),) for flag_id in ids])
    return len(rows)


def withdraw(db: sqlite3.Connection, ids: Sequence[str]) -> int:
    """Remove flags that are still open, without remembering them; returns how many."""
    rows = [row for row in known(db, ids).values() if row.status == "open"]
    _remove(db, rows)
    return len(rows)


def _remove(db: sqlite3.Connection, rows: Sequence[Known]) -> None:
    if not rows:
        return
    _forget_words(db, rows)
    if any(not row.stripped for row in rows):
        _rewrite_words(db)
    db.executemany("DELETE FROM body WHERE row = ?", [(row.row,) for row in rows])
    db.executemany("DELETE FROM flag WHERE row = ?", [(row.row,) for row in rows])
    postings.remove(db, (posting for row in rows for posting in row.postings()))
    postings.set_measures(db, ((row.row, postings.NOTHING, 0) for row in rows))


def strip(db: sqlite3.Connection, ids: Iterable[str], *, keep_status: bool) -> int:
    """Remove the text of flags, the rows stay; returns how many still had their text."""
    count = sum(_strip(db, batch, keep_status=keep_status) for batch in batched(ids, _BATCH))
    if count:
        _rewrite_words(db)
    return count


def _strip(db: sqlite3.Connection, ids: Sequence[str], *, keep_status: bool) -> int:
    rows = known(db, ids)
    if not keep_status:
        set_statuses(db, dict.fromkeys(rows, "expired"))
    full = [row for row in rows.values() if not row.stripped]
    _forget_words(db, full)
    for row in full:
        for (blob,) in db.execute("SELECT document FROM body WHERE row = ?", (row.row,)).fetchall():
            bare = packed(to_document(without_text(from_document(unpacked(blob)))))
            db.execute("UPDATE body SET document = ?, title = '', text = '', stems = '' WHERE row = ?", (bare, row.row))
    db.executemany("UPDATE flag SET stripped = 1 WHERE row = ?", [(row.row,) for row in full])
    return len(full)


def _forget_words(db: sqlite3.Connection, rows: Sequence[Known]) -> None:
    db.executemany(_FORGET_WORDS, [(row.row,) for row in rows if not row.stripped])


def _rewrite_words(db: sqlite3.Connection) -> None:
    """Take what was forgotten out of the word index's bytes: a mere delete only adds a mark to what stays readable."""
    db.execute("INSERT INTO word (word) VALUES ('optimize')")


def _erased(db: sqlite3.Connection, ids: Sequence[str]) -> set[str]:
    if db.execute("SELECT 1 FROM erased LIMIT 1").fetchone() is None:
        return set()
    sql = "SELECT 1 FROM erased WHERE key = ?"
    return {flag_id for flag_id in ids if db.execute(sql, (_key(flag_id),)).fetchone()}


def _key(flag_id: str) -> bytes:
    """What is kept of an erased id: enough to know it again; a news address is not readable from it."""
    return blake2b(flag_id.encode("utf-8", "replace"), digest_size=16).digest()
