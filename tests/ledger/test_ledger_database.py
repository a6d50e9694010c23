"""How the ledger is opened, and what people are told when it cannot be."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from ledgers import URL, make_url, note, together
from sqlalchemy import inspect, text

from pipeline.core.config import LedgerSettings
from pipeline.core.errors import ConfigError, LedgerUnavailable
from pipeline.ledger import Ledger, database
from pipeline.ledger.schema import HEAD, metadata


def _config(connection: Any = None) -> Config:
    config = Config()
    config.set_main_option("script_location", "pipeline.ledger:migrations")
    config.attributes["connection"] = connection
    return config


def test_the_newest_migration_is_the_one_that_the_schema_names() -> None:
    assert ScriptDirectory.from_config(_config()).get_current_head() == HEAD


def test_the_migrations_make_the_tables_that_the_program_knows_and_can_undo_it(ledger: Ledger) -> None:
    with ledger.write() as db:
        found = compare_metadata(MigrationContext.configure(db, opts={"compare_type": True}), metadata)
        assert found == []
        command.downgrade(_config(db), "base")
        assert set(inspect(db).get_table_names()) == {"alembic_version"}
        command.upgrade(_config(db), "head")
        note(db)


def test_opening_again_changes_nothing_and_many_may_open_a_new_one_at_once(url: URL) -> None:
    def work(_number: int) -> None:
        with closing(Ledger(url)) as ledger, ledger.write() as db:
            note(db)

    together(work, 4)
    with closing(Ledger(url)) as ledger, ledger.read() as db:
        assert db.execute(text("SELECT count(*) FROM entry")).scalar() == 4


def test_a_newer_version_is_not_touched(url: URL) -> None:
    with closing(Ledger(url)) as ledger, ledger.write() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError, match="newer version"):
        Ledger(url)


@pytest.mark.parametrize("version", [None, "0000", "3f2a9c", "ffff"])
def test_a_database_of_something_else_is_not_touched(url: URL, version: str | None) -> None:
    with closing(Ledger(url)) as ledger, ledger.write() as db:
        metadata.drop_all(db)
        db.execute(text("CREATE TABLE barang (a integer)"))
        db.execute(text("UPDATE alembic_version SET version_num = :v" if version else "DROP TABLE alembic_version"),
                   {"v": version} if version else {})  # fmt: skip
    with pytest.raises(ConfigError, match="something else"):
        Ledger(url)


def _sqlite(path: Path) -> Ledger:
    return Ledger(URL.create("sqlite", database=str(path)))


def test_a_file_that_is_no_database_or_is_damaged_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"bukan basis data " * 100)
    with pytest.raises(ConfigError, match="damaged"):
        _sqlite(tmp_path / "a.db")
    path = tmp_path / "b.db"
    with closing(_sqlite(path)) as ledger, ledger.write() as db:
        for _ in range(50):
            note(db, payload={"words": "kata " * 100})
    content = bytearray(path.read_bytes())
    content[4096 * 2 :] = b"\xaa" * (len(content) - 4096 * 2)
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="damaged"), closing(_sqlite(path)) as ledger, ledger.read() as db:
        db.execute(text("SELECT * FROM entry")).all()


def test_a_folder_that_cannot_be_made_is_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LedgerUnavailable, match="cannot be written"):
        _sqlite(tmp_path / "file" / "ledger.db")


def test_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    with closing(_sqlite(tmp_path / "home" / "ledger.db")):
        assert {path.stat().st_mode & 0o777 for path in (tmp_path / "home").iterdir()} == {0o600}


def test_a_locked_database_is_waited_for_and_then_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_WAIT", 0.1)
    with closing(_sqlite(tmp_path / "ledger.db")) as ledger:
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(LedgerUnavailable, match="another program is writing"), ledger.write() as db:
                note(db)
        with ledger.write() as db:
            note(db)


def test_postgresql_s_locks_are_given_up_too(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "_WAIT", 1)
    with closing(Ledger(make_url(postgres_database))) as ledger, ledger.write() as db:
        note(db)
        with pytest.raises(LedgerUnavailable, match="another program is writing"), ledger.write() as other:
            note(other)


def test_a_server_that_does_not_answer_is_told_without_the_password() -> None:
    url = URL.create("postgresql+psycopg", "kentongan", "sandi-rahasia", "127.0.0.1", 1, "kentongan")
    with pytest.raises(LedgerUnavailable, match="is its server running") as caught:
        Ledger(url)
    assert "sandi" not in str(caught.value)


def test_a_connection_that_the_server_ended_is_told_and_the_next_one_works(postgres_database: str) -> None:
    with closing(Ledger(make_url(postgres_database))) as ledger:
        with pytest.raises(LedgerUnavailable), ledger.write() as db:
            own = db.execute(text("SELECT pg_backend_pid()")).scalar()
            with ledger.read() as other:
                other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            note(db)
        with ledger.write() as db:
            note(db)


def test_a_missing_driver_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_args: Any, **_more: Any) -> None:
        raise ModuleNotFoundError("No module named 'psycopg'")

    monkeypatch.setattr(database, "create_engine", missing)
    with pytest.raises(ConfigError, match=r"kentongan\[postgresql\]"):
        Ledger(make_url("postgresql+psycopg://localhost/kentongan"))


def _settings(**changes: Any) -> LedgerSettings:
    values = {"kind": "postgresql", "host": "db", "port": 5432, "database": "k", "user": "u", "password_file": ""}
    return LedgerSettings.model_validate(values | changes)


def test_the_password_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "sandi").write_text("dari-berkas\n", encoding="utf-8")
    environ = {database.PASSWORD: "dari-lingkungan"}
    assert database.ledger_url(_settings(), tmp_path, environ).password == "dari-lingkungan"
    named = _settings(password_file=str(tmp_path / "sandi"))
    url = database.ledger_url(named, tmp_path, environ)
    assert url.password == "dari-berkas"
    assert "berkas" not in str(url)
    assert database.ledger_url(_settings(), tmp_path, {}).password is None
    with pytest.raises(ConfigError, match="password_file"):
        database.ledger_url(_settings(password_file=str(tmp_path / "none")), tmp_path)
    assert database.ledger_url(_settings(kind="sqlite"), tmp_path).database == str(tmp_path / "ledger.db")


def test_what_goes_wrong_in_a_transaction_undoes_all_of_it(ledger: Ledger) -> None:
    with pytest.raises(ZeroDivisionError), ledger.write() as db:
        note(db)
        raise ZeroDivisionError
    with ledger.read() as db:
        assert db.execute(text("SELECT count(*) FROM entry")).scalar() == 0
