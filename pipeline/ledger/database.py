"""The ledger's database, SQLite or PostgreSQL: how it is opened and kept up to date, and what people are told of it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError, IntegrityError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pipeline.core.config import LedgerSettings
from pipeline.core.errors import ConfigError, LedgerUnavailable
from pipeline.core.i18n import _
from pipeline.core.secrets import read_secret
from pipeline.ledger.schema import HEAD

FILE_NAME = "ledger.db"
PASSWORD = "KENTONGAN_LEDGER_PASSWORD"  # noqa: S105 - the name of a variable of the environment
_WAIT = 15  # seconds that another writer is waited for
_POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 40, "pool_timeout": _WAIT}
_BUSY = ("40001", "40P01", "55P03")  # PostgreSQL: serialization failure, deadlock, lock not available
_MIGRATION_LOCK = 0x6B656E74  # any number that nobody else locks: "kent"


def ledger_url(settings: LedgerSettings, home: Path, environ: dict[str, str] | None = None) -> URL:
    """Where the ledger is; the password comes from the environment or a file, never from the settings."""
    if settings.kind == "sqlite":
        return URL.create("sqlite", database=str(home / FILE_NAME))
    return URL.create(
        "postgresql+psycopg",
        username=settings.user,
        password=read_secret(
            settings.password_file, "ledger.password_file", PASSWORD, os.environ if environ is None else environ
        ),
        host=settings.host or None,
        port=settings.port,
        database=settings.database,
    )


class Ledger:
    """An open ledger; `read()` and `write()` give a connection in a transaction that sees one state.

    Both raise LedgerUnavailable (try later) or ConfigError (not ours, newer than this program, driver missing).
    """

    def __init__(self, url: URL) -> None:
        self._name = url.database if url.get_backend_name() == "sqlite" else f"{url.host or ''}/{url.database}"
        self.is_sqlite = url.get_backend_name() == "sqlite"
        with self._explained():
            self._engine = self._open(url)
        try:
            self._bring_up_to_date()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with self._explained(), self._engine.connect() as connection:
            if not self.is_sqlite:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")  # one state throughout
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that writes; undone if anything goes wrong in it. IntegrityError passes to the caller."""
        with self._explained(), self._engine.connect() as connection:
            connection = connection.execution_options(immediate=True)
            with connection.begin():
                yield connection

    def shed(self) -> None:
        """Empty SQLite's write-ahead log, which still holds what was erased; PostgreSQL's VACUUM is its own."""
        if not self.is_sqlite:
            return
        with self._explained():
            raw = self._engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            finally:
                raw.close()

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    # ---- opening

    def _open(self, url: URL) -> Engine:
        if self.is_sqlite:
            _make_file(Path(url.database or ""))
            engine = create_engine(url, connect_args={"check_same_thread": False, "timeout": _WAIT}, **_POOL)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        waits = {"connect_timeout": _WAIT, "options": f"-c lock_timeout={_WAIT}s"}
        return create_engine(url, pool_pre_ping=True, connect_args=waits, **_POOL)

    def _bring_up_to_date(self) -> None:
        """Run the migrations that are missing; of two programs that start at once, one waits for the other."""
        with self.read() as connection:
            if self._version(connection) == HEAD:
                return
        with self.write() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            version = self._version(connection)
            if version != HEAD:
                self._check_ours(connection, version)
                migrate(connection)

    def _check_ours(self, connection: Connection, version: str) -> None:
        tables = inspect(connection).get_table_names()
        if tables and not (version.isdigit() and "entry" in tables):
            raise ConfigError(_("{name} is a database of something else, not a ledger").format(name=self._name))
        if version > HEAD:
            raise ConfigError(
                _("the ledger {name} was made by a newer version of the program; install that version").format(
                    name=self._name
                )
            )

    @staticmethod
    def _version(connection: Connection) -> str:
        if not inspect(connection).has_table("alembic_version"):
            return ""
        return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the database's errors into ours, which say what to do."""
        try:
            yield
        except IntegrityError:
            raise  # the caller knows which rule it was
        except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
            raise self._translated(error) from error
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise ConfigError(
                _("PostgreSQL's driver is missing; install the extra: pip install kentongan[postgresql]")
            ) from error

    def _translated(self, error: Exception) -> LedgerUnavailable | ConfigError:
        cause = getattr(error, "orig", error)
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return ConfigError(
                _("the ledger {name} is damaged; put it back from the backup, it cannot be made again").format(
                    name=self._name
                )
            )
        if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
            text_ = _("the ledger {name} cannot be written; check the owner and rights of the file and its folder")
        elif code == sqlite3.SQLITE_FULL:
            text_ = _("the disk is full: the ledger {name} cannot grow; make room and try again")
        elif code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or getattr(cause, "sqlstate", "") in _BUSY:
            text_ = _("another program is writing to the ledger {name}; try again")
        else:
            text_ = _("the ledger {name} does not answer ({error}); is its server running?")
        return LedgerUnavailable(text_.format(name=self._name, error=str(cause).split("\n")[0]))


def migrate(connection: Connection) -> None:
    """Bring the tables to the newest version, inside the connection's transaction."""
    from alembic import command  # half a second to load, and needed once in a ledger's life
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "pipeline.ledger:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _make_file(path: Path) -> None:
    """Create folder and file so that nobody else can read them."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise LedgerUnavailable(
            _("the ledger {name} cannot be written ({error}); check the folder's owner, rights and free space").format(
                name=path, error=error.strerror
            )
        ) from error


def _prepare_sqlite(connection: DBAPIConnection, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    _use_wal(cursor)
    cursor.execute("PRAGMA synchronous = full")  # a verdict that was acknowledged survives a power cut
    cursor.execute("PRAGMA foreign_keys = on")
    cursor.execute("PRAGMA secure_delete = on")  # what is erased is overwritten
    cursor.close()


def _use_wal(cursor: DBAPICursor) -> None:
    """Switch the file to WAL, which it stays in: of many who open a new file at once, SQLite lets none wait for it."""
    until = time.monotonic() + _WAIT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """Writers queue up at BEGIN: a transaction that first reads and then writes could not be made to wait."""
    immediate = connection.get_execution_options().get("immediate", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def open_ledger(settings: LedgerSettings, home: Path) -> Ledger:
    """Open or create the ledger that the settings ask for."""
    return Ledger(ledger_url(settings, home))
