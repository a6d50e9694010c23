"""The SQLite file of the index: its tables, how it is opened, and what a person is told when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.store.codec import Damaged

SCHEMA_VERSION = 1
OLDEST = (3, 40)  # the oldest SQLite that this is tested with

# `body` is apart so that looking up ids and statuses does not read documents; it is FTS5's external content, so that
# no text is kept twice. The `ascii` tokeniser only splits at blanks: words are folded before they come here.
_SCHEMA = """
CREATE TABLE flag (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    fingerprint TEXT NOT NULL,
    index_name TEXT NOT NULL,
    month TEXT NOT NULL,
    status TEXT NOT NULL,
    cluster TEXT NOT NULL,
    stripped INTEGER NOT NULL,
    expires INTEGER,
    facets TEXT NOT NULL
);
CREATE INDEX flag_expires ON flag (expires) WHERE expires IS NOT NULL;
CREATE INDEX flag_cluster ON flag (cluster);
CREATE TABLE body (
    row INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    stems TEXT NOT NULL,
    document BLOB NOT NULL
);
CREATE VIRTUAL TABLE word USING fts5 (title, text, stems, content = 'body', content_rowid = 'row', tokenize = 'ascii');
CREATE TABLE posting (
    field TEXT NOT NULL,
    value TEXT NOT NULL,
    chunk INTEGER NOT NULL,
    members BLOB NOT NULL,
    PRIMARY KEY (field, value, chunk)
);
CREATE TABLE measure (chunk INTEGER PRIMARY KEY, packed BLOB NOT NULL);
CREATE TABLE erased (key BLOB PRIMARY KEY) WITHOUT ROWID;
"""


def open_database(path: Path, wait: float) -> sqlite3.Connection:
    """Open or create the index; `wait` is how many seconds another program's write is waited for.

    Raises StoreUnavailable (damaged, locked, folder not writable) or ConfigError (not ours, made by a newer program).
    """
    if sqlite3.sqlite_version_info < OLDEST:
        raise ConfigError(
            _("SQLite {found} is too old for the index; {needed} or newer is needed").format(
                found=sqlite3.sqlite_version, needed=".".join(map(str, OLDEST))
            )
        )
    _make_file(path)
    with explained(path):
        db = sqlite3.connect(path, timeout=wait, isolation_level=None, check_same_thread=False)
    try:
        with explained(path):
            _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def packed(document: str) -> bytes:
    """A document as it is kept: a third of its size, so that twelve rows fit where one did, for 20 us."""
    return zlib.compress(document.encode(), 1)


def unpacked(blob: bytes) -> str:
    """The document of what `packed` gave; raises Damaged."""
    try:
        return zlib.decompress(blob).decode()
    except (zlib.error, UnicodeDecodeError, TypeError) as error:
        raise Damaged from error


def _make_file(path: Path) -> None:
    """Create folder and file so that nobody else can read them; SQLite gives its side files the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StoreUnavailable(
            _("the index {path} cannot be written ({error}); check the folder's owner, rights and free space").format(
                path=path, error=error.strerror
            )
        ) from error


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    if db.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        db.execute("PRAGMA journal_mode = wal")
    db.execute("PRAGMA synchronous = normal")  # a power cut may cost the last batch; the index can be made again
    db.execute("PRAGMA secure_delete = on")  # what is erased is overwritten, not only unlinked
    db.execute("PRAGMA cache_size = -32000")
    if _version(db, path) == SCHEMA_VERSION:
        return
    with transaction(db, write=True):
        if _version(db, path) == SCHEMA_VERSION:
            return  # another program was faster
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise ConfigError(_("{path} is a database of something else, not an index").format(path=path))
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _version(db: sqlite3.Connection, path: Path) -> int:
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if version > SCHEMA_VERSION:
        raise ConfigError(
            _("the index {path} was made by a newer version of the program; install that version").format(path=path)
        )
    return version


@contextmanager
def transaction(db: sqlite3.Connection, *, write: bool) -> Iterator[None]:
    """One transaction, undone if anything goes wrong in it; a reader sees one state of the index all through it."""
    db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        db.rollback()
        raise


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, which say what to do."""
    try:
        yield
    except sqlite3.ProgrammingError:
        raise  # our own mistake, such as use after close
    except (sqlite3.DatabaseError, Damaged, OSError) as error:
        raise _translated(error, path) from error


def _translated(error: Exception, path: Path) -> StoreUnavailable | ConfigError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        text = _("another program is writing to the index {path}; try again when it is done")
    elif code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or isinstance(error, Damaged):
        text = _("the index {path} is damaged; move it away and make it again with `kentongan reindex`")
    elif code == sqlite3.SQLITE_FULL:
        text = _("the disk is full: the index {path} cannot grow; make room and try again")
    elif code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}:
        text = _("the index {path} cannot be written; check the owner and rights of the file and its folder")
    elif "fts5" in str(error):
        return ConfigError(_("this Python's SQLite has no FTS5, which the index needs"))
    else:
        text = _("the index {path} cannot be used: {error}")
    return StoreUnavailable(text.format(path=path, error=error))
