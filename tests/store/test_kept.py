"""What a store keeps between searches: never older than the index, and never more than so much."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.core.types import Flag, Post, Query
from pipeline.store import kept, parse_query, sqlite_write
from pipeline.store.database import open_database, transaction
from pipeline.store.kept import Kept, View
from pipeline.store.sqlite import SQLiteStore

NOW = datetime(2024, 11, 16, tzinfo=UTC)


def _flag(number: int, text: str = "surat suara kurang", **post: object) -> Flag:
    made = Post(f"x~{number}", "s", "00", "post", "broadcast", "x", text, NOW, "2024-11-16/08")
    return Flag(replace(made, **post), why=("signal",), fingerprint="a", month="2024.11")  # type: ignore[arg-type]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "index.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path, UTC)) as opened:
        yield opened


def _seen(store: SQLiteStore, typed: str = "surat") -> tuple[int, dict[str, int]]:
    query = parse_query(typed, zone=UTC)
    facets = store.facets(query, ("status",))["status"]
    return store.search(query).total, facets


def test_our_own_writes_are_seen_by_the_next_search(store: SQLiteStore) -> None:
    assert _seen(store) == (0, {})
    store.put([_flag(1), _flag(2)])
    assert _seen(store) == (2, {"open": 2})
    store.mirror({"x~1": "confirmed"})
    assert _seen(store) == (2, {"confirmed": 1, "open": 1})
    store.expire(["x~2"])
    assert _seen(store) == (1, {"confirmed": 1})
    store.erase(["x~1"])
    assert _seen(store) == (0, {})
    assert _seen(store, "") == (1, {"expired": 1})


def test_a_decision_makes_a_desk_read_no_more_than_the_statuses_again(store: SQLiteStore) -> None:
    store.put([_flag(1), _flag(2)])
    query = parse_query("surat status:open", zone=UTC)
    assert store.facets(query, ("source", "status")) == {"source": {"s": 2}, "status": {"open": 2}}
    asked: list[str] = []
    store.mirror({"x~1": "confirmed"})
    store._db.set_trace_callback(lambda sql: asked.append(sql) if sql.startswith("SELECT") else None)
    assert store.facets(query, ("source", "status")) == {"source": {"s": 1}, "status": {"open": 1}}
    assert len(asked) == 1


def test_what_another_program_wrote_is_seen_by_the_next_search(store: SQLiteStore, path: Path) -> None:
    with closing(SQLiteStore(path, UTC)) as other:
        for number in range(1, 4):
            other.put([_flag(number)])
            assert _seen(store) == (number, {"open": number})
        other.erase(["x~1"])
        assert _seen(store) == (2, {"open": 2})


def test_a_write_that_failed_leaves_nothing_of_itself(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put([_flag(1)])
    assert _seen(store) == (1, {"open": 1})

    def fail(*_args: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(sqlite_write.postings, "set_measures", fail)
        with pytest.raises(RuntimeError):
            store.put([_flag(2)])
    assert _seen(store) == (1, {"open": 1})


def test_a_search_sees_one_state_though_somebody_writes_meanwhile(store: SQLiteStore, path: Path) -> None:
    store.put([_flag(1)])
    known = Kept()
    with closing(open_database(path, 1.0)) as db:
        with transaction(db, write=False):
            view = View(db, known)
            store.put([_flag(2)])
            assert view.table("status").members.tolist() == [1]
        with transaction(db, write=False):
            assert sorted(View(db, known).table("status").members.tolist()) == [1, 2]


def test_the_same_search_reads_the_words_once(store: SQLiteStore) -> None:
    store.put([_flag(1), _flag(2, "suratnya hilang", title="Surat")])
    asked: list[str] = []
    store._db.set_trace_callback(lambda sql: asked.append(sql) if "MATCH" in sql else None)
    first = store.search(Query(words=("surat",)), limit=1)
    count = len(asked)
    second = store.search(Query(words=("surat",)), limit=1, after=first.next)
    store.facets(Query(words=("surat",)), ("source",))
    assert (first.total, second.total, len(asked)) == (2, 2, count)


def test_only_so_many_word_searches_are_kept(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_EXPRESSIONS", 5)
    store.put([_flag(1, "satu dua tiga")])
    for number in range(20):
        assert store.search(Query(words=(f"kata{number}",))).total == 0
        assert store.search(Query(words=("dua",))).total == 1
    assert len(store._kept.words) == 5


def test_many_flags_lose_their_text_a_few_at_a_time(
    store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_write, "_BATCH", 2)
    store.put([_flag(number, "rahasiasekali") for number in range(7)])
    assert store.expire([f"x~{number}" for number in range(6)]) == 6
    assert _seen(store, "rahasiasekali") == (1, {"open": 1})
    assert store.expire(["x~6"]) == 1
    store.close()
    assert b"rahasiasekali" not in path.read_bytes()
