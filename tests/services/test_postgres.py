"""The PostgreSQL that tests get: it answers, it is not root's, and each test's database is its own."""

from __future__ import annotations

from pathlib import Path

from services.postgres import fresh_database
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool


def _ask(url: str, *statements: str) -> object:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        for statement in statements[:-1]:
            connection.execute(text(statement))
        return connection.execute(text(statements[-1])).scalar()


def test_the_server_answers_and_keeps_utf8(postgres_url: str) -> None:
    assert _ask(postgres_url, "SELECT lower('ÉÑ 🥁')") == "éñ 🥁"


def test_the_server_does_not_run_as_root_and_hears_no_port(postgres_pid: int, postgres_url: str) -> None:
    assert Path(f"/proc/{postgres_pid}").stat().st_uid != 0
    assert _ask(postgres_url, "SHOW listen_addresses") == ""


def test_a_database_is_empty_and_takes_a_table(postgres_database: str) -> None:
    assert _ask(postgres_database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert _ask(postgres_database, "CREATE TABLE kata (a int)", "INSERT INTO kata VALUES (1) RETURNING a") == 1


def test_two_databases_are_apart_and_go_although_somebody_is_still_connected(
    postgres_folder: Path, postgres_url: str
) -> None:
    with fresh_database(postgres_folder) as one, fresh_database(postgres_folder) as other:
        _ask(one, "CREATE TABLE kata (a int)", "SELECT 1")
        assert _ask(other, "SELECT to_regclass('kata')") is None
        engine = create_engine(other)
        still = engine.connect()
        still.execute(text("SELECT 1"))
    assert _ask(postgres_url, "SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'") == 0
    still.invalidate()
    still.close()
    engine.dispose()
