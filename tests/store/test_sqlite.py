"""What is SQLite's own: files, locks, damage, versions, and that what is erased leaves no byte behind."""

from __future__ import annotations

import os
import random
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from services.elastic_store import WRITER, elastic_settings

from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.types import Flag, Post, PutCount, Query
from pipeline.store import explain_query, open_store, parse_query, sqlite_write
from pipeline.store.database import SCHEMA_VERSION, packed, unpacked
from pipeline.store.elastic.store import ElasticStore
from pipeline.store.fields import FACETS
from pipeline.store.memory import MemoryStore
from pipeline.store.postings import CHUNK
from pipeline.store.sqlite import BATCH, SQLiteStore

ZONE = ZoneInfo("Asia/Makassar")
START = datetime(2024, 11, 16, tzinfo=UTC)


def make_flag(number: int, text: str = "surat suara kurang", **changes: object) -> Flag:
    post = Post(
        id=f"x~{number:06d}",
        source=f"s{number % 3}",
        office="00",
        kind="post",
        visibility="broadcast",
        platform="x",
        text=text,
        fetched_at=START + timedelta(seconds=number),
        partition="2024-11-16/08",
    )
    return replace(Flag(post, why=("signal",), fingerprint="a", month="2024.11"), **changes)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "index.db"


@pytest.fixture
def store(path: Path) -> Iterator[SQLiteStore]:
    with closing(SQLiteStore(path, ZONE, wait=0.05)) as opened:
        yield opened


def test_the_settings_choose_the_store(tmp_path: Path) -> None:
    with closing(open_store(elastic_settings(kind="sqlite"), tmp_path, WRITER)) as store:
        assert isinstance(store, SQLiteStore)
    assert (tmp_path / "index.db").is_file()
    assert isinstance(open_store(elastic_settings(kind="memory"), tmp_path, WRITER), MemoryStore)
    with closing(open_store(elastic_settings("http://localhost:9200"), tmp_path, WRITER)) as store:
        assert isinstance(store, ElasticStore)
    assert explain_query(parse_query("banjir", zone=ZONE)) == "word: banjir"


def test_nobody_else_may_read_the_index(store: SQLiteStore, path: Path) -> None:
    store.put([make_flag(1)])
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == {"index.db": 0o600, "index.db-wal": 0o600, "index.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_what_was_put_is_there_after_opening_again(path: Path) -> None:
    with closing(SQLiteStore(path, ZONE)) as store:
        store.put([make_flag(1)])
        page = store.search(parse_query("suara", zone=ZONE))
    with closing(SQLiteStore(path, ZONE)) as store:
        assert store.search(parse_query("suara", zone=ZONE)) == page
        assert store.put([make_flag(1)]) == PutCount(unchanged=1)


def test_no_author_key_is_in_the_file(path: Path) -> None:
    with closing(SQLiteStore(path, ZONE)) as store:
        flag = make_flag(1)
        store.put([replace(flag, post=replace(flag.post, author_key="kunciakunini", url="https://example.org/alamat"))])
        [(document,)] = store._db.execute("SELECT document FROM body")
    assert "surat suara" in unpacked(document)
    for content in (unpacked(document).encode(), path.read_bytes()):
        assert b"kunciakunini" not in content
        assert b"example.org" not in content


@pytest.mark.parametrize("remove", ["erase", "expire"])
def test_what_is_removed_leaves_no_byte(store: SQLiteStore, path: Path, remove: str) -> None:
    secret = make_flag(1, text="xylofonku dimainkan zebraku " * 300)
    news = make_flag(2, text="tetap")
    news = replace(news, post=replace(news.post, id="url:https://example.org/gajahku", kind="news", title="kakaktuaku"))
    store.put([secret, news] + [make_flag(n, text="kata biasa") for n in range(3, 200)])
    getattr(store, remove)([secret.id, news.id])
    data = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"kata biasa" in data
    for word in (b"xylofon", b"zebra", b"kakaktua", *([b"gajahku"] if remove == "erase" else [])):
        assert word not in data
    check_consistent(path)


def check_consistent(path: Path) -> None:
    """Every table says the same, by SQLite's own checks and by counting the rows one by one."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        db.execute("INSERT INTO word (word) VALUES ('integrity-check')")
        rows = db.execute("SELECT row, status, facets FROM flag").fetchall()
        kept = db.execute("SELECT field, value, chunk, members FROM posting").fetchall()
    expected = {("status", status, row) for row, status, _f in rows}
    expected |= {(f, v, row) for row, _s, facets in rows for f, v in sqlite_write.json.loads(facets)}
    found = [
        (field, value, int.from_bytes(members[at : at + 4], "little"))
        for field, value, _chunk, members in kept
        for at in range(0, len(members), 4)
    ]
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert all(row // CHUNK == chunk for _f, _v, chunk, members in kept for row in memoryview(members).cast("I"))


def test_what_has_no_text_any_more_can_be_erased(store: SQLiteStore, path: Path) -> None:
    store.put([make_flag(1), make_flag(2)])
    assert store.expire(["x~000001"]) == store.expire(["x~000001", "x~000002"]) == 1
    assert store.erase(["x~000001"]) == 1
    check_consistent(path)


def test_more_than_a_batch_and_more_than_a_chunk(path: Path) -> None:
    number = CHUNK + BATCH + 7
    with closing(SQLiteStore(path, ZONE)) as store:
        assert store.put(make_flag(n, text="kata") for n in range(number)) == PutCount(created=number)
        assert store.facets(Query(), ["source"])["source"] == {
            f"s{rest}": len(range(rest, number, 3)) for rest in range(3)
        }
        query = parse_query("sumber:s1 kata", zone=ZONE)
        assert store.search(query).total == len(range(1, number, 3))
        assert store.put([make_flag(CHUNK + 1, fingerprint="b")]) == PutCount(updated=1)
        assert store.mirror({f"x~{CHUNK:06d}": "claimed", "x~000000": "claimed"}) == 2
        assert store.facets(Query(), ["status"])["status"] == {"open": number - 2, "claimed": 2}
        assert store.erase([f"x~{n:06d}" for n in range(CHUNK, number)]) == number - CHUNK
        assert store.put([make_flag(900_000)]) == PutCount(created=1)
        assert store.search(Query()).total == CHUNK + 1
    check_consistent(path)


def test_a_batch_that_fails_leaves_no_trace(store: SQLiteStore, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put([make_flag(1)])

    def fail(*_arguments: object) -> None:
        raise RuntimeError("in the middle of a batch")

    with monkeypatch.context() as patch:
        patch.setattr(sqlite_write.postings, "set_measures", fail)
        with pytest.raises(RuntimeError, match="middle"):
            store.put([make_flag(1, fingerprint="b"), make_flag(2)])
    assert store.search(Query()).total == 1
    assert store.put([make_flag(1), make_flag(2)]) == PutCount(unchanged=1, created=1)
    check_consistent(path)


def test_threads_share_a_store(store: SQLiteStore, path: Path) -> None:
    failures = []

    def work(start: int) -> None:
        try:
            for n in range(start, start + 40):
                store.put([make_flag(n)])
                assert store.get(f"x~{n:06d}")
                store.search(parse_query("suara", zone=ZONE))
        except Exception as error:  # a thread's failure must reach the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(1_000 * k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert store.facets(Query(), ["status"]) == {"status": {"open": 160}}
    check_consistent(path)


# what can go wrong


@contextmanager
def writing(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_locked_index_says_so_and_can_be_read(store: SQLiteStore, path: Path) -> None:
    store.put([make_flag(1)])
    with writing(path):
        for call in (
            lambda: store.put([make_flag(2)]),
            lambda: store.mirror({"x~000001": "claimed"}),
            lambda: store.erase(["x~000001"]),
        ):
            with pytest.raises(StoreUnavailable, match=r"another program.*index\.db.*try again"):
                call()
        assert store.search(Query()).total == 1
        with closing(SQLiteStore(path, ZONE)) as other:
            assert other.get("x~000001") is not None
    assert store.put([make_flag(2)]) == PutCount(created=1)


def test_a_new_index_that_another_program_is_making_is_waited_for(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = wal")
    with writing(path), pytest.raises(StoreUnavailable, match="another program"):
        SQLiteStore(path, ZONE, wait=0.05)
    SQLiteStore(path, ZONE).close()


def test_a_file_that_is_no_database_is_reported(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database, certainly not " * 100)
    with pytest.raises(StoreUnavailable, match=r"damaged.*reindex"):
        SQLiteStore(path, ZONE)


def test_a_damaged_database_is_reported(path: Path) -> None:
    with closing(SQLiteStore(path, ZONE)) as store:
        store.put(make_flag(n) for n in range(500))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8_192)
        file.write(random.Random(7).randbytes(size - 8_192))

    def use() -> None:
        with closing(SQLiteStore(path, ZONE)) as store:
            store.search(parse_query("suara", zone=ZONE))
            store.facets(Query(), FACETS)

    with pytest.raises(StoreUnavailable, match=r"damaged.*reindex"):
        use()


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("document", ["", "{}", "[1]", '{"version": 2}', '{"version": 1, "signals": 3}'])
def test_a_damaged_document_is_reported(store: SQLiteStore, path: Path, document: str, packing: bool) -> None:
    store.put([make_flag(1)])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE body SET document = ?", (packed(document) if packing else document,))
    for call in (lambda: store.get("x~000001"), lambda: store.search(Query()), lambda: store.expire(["x~000001"])):
        with pytest.raises(StoreUnavailable, match="damaged"):
            call()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE posting SET members = x'010203'",
        "UPDATE posting SET members = x'ffffff00'",
        "UPDATE measure SET packed = x'0000'",
        "UPDATE measure SET chunk = 1000000000000",
        "DELETE FROM measure",
        "UPDATE flag SET facets = '['",
        "DELETE FROM body",
    ],
)
def test_damage_that_sqlite_cannot_see_is_reported(store: SQLiteStore, path: Path, statement: str) -> None:
    store.put([make_flag(1), make_flag(2)])
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(statement)

    said = []
    for use in (
        lambda: store.facets(parse_query("suara sumber:s1", zone=ZONE), FACETS),
        lambda: store.search(Query()),
        lambda: store.put([make_flag(1, fingerprint="b"), make_flag(3)]),
        lambda: store.expire(["x~000002"]),
        lambda: store.erase(["x~000002"]),
    ):
        try:
            use()
        except StoreUnavailable as error:
            said.append(str(error))
    assert said
    assert all("damaged" in message for message in said)


def test_an_index_of_a_newer_program_is_left_alone(path: Path) -> None:
    SQLiteStore(path, ZONE).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(ConfigError, match=r"index\.db was made by a newer version"):
        SQLiteStore(path, ZONE)


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE verdict (id)")
    with pytest.raises(ConfigError, match="something else"):
        SQLiteStore(path, ZONE)


def test_a_folder_that_cannot_be_written_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "index.db", tmp_path):
        with pytest.raises(StoreUnavailable, match="cannot be written"):
            SQLiteStore(path, ZONE)


@pytest.fixture
def as_nobody(tmp_path: Path) -> Iterator[None]:
    """Root may write everywhere, so as root the test is done as another user."""
    if os.geteuid() != 0:
        yield
        return
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder_is_reported(tmp_path: Path, as_nobody: None) -> None:
    if os.getuid() != 0:
        tmp_path.chmod(0o500)
    with pytest.raises(StoreUnavailable, match=r"index\.db cannot be written"):
        SQLiteStore(tmp_path / "index.db", ZONE)


def test_a_full_disk_is_reported(store: SQLiteStore) -> None:
    pages = store._db.execute("PRAGMA page_count").fetchone()[0]
    store._db.execute(f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(StoreUnavailable, match="disk is full"):
        store.put(make_flag(n, text="kata " * 500) for n in range(200))
    assert store.search(Query()).total == 0


def test_an_old_sqlite_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlite3.sqlite_version_info", (3, 34, 1))
    with pytest.raises(ConfigError, match=r"3\.40"):
        SQLiteStore(path, ZONE)
