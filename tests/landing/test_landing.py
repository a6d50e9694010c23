"""Raw parts, quarantine, derived posts and retention, on a real disk."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.config import Retention
from pipeline.core.errors import ItemError
from pipeline.core.files import remove_leftovers, written_aside
from pipeline.core.types import Flag, Post, Quarantined, RawItem, Region, Topic
from pipeline.landing.derived import (
    count_unflagged,
    derived_file,
    derived_partitions,
    read_derived,
    read_notes,
    replace_columns,
    write_derived,
)
from pipeline.landing.quarantine import read_quarantine, write_quarantine
from pipeline.landing.raw import partitions, parts, read_header, read_part, write_part
from pipeline.landing.retention import purge_derived, purge_folder, purge_landing, purge_quarantine

MOMENT = datetime(2024, 11, 27, 3, 30, tzinfo=UTC)
WIB = ZoneInfo("Asia/Jakarta")
PARTITION = "2024-11-27/10"
KEEP = Retention(raw_social=30, raw_news=90, unflagged=30, unreviewed=90, rejected=30, confirmed=365)
SOCIAL = {"kind": "export", "visibility": "broadcast", "max_days": None}
NEWS = {"kind": "feed", "visibility": "media", "max_days": None}


def _raw(text: str = "halo", source: str = "s", at: datetime = MOMENT) -> RawItem:
    return RawItem(source, "export", at, "row 2", {"text": text})


def _flag(flag_id: str, *why: str, text: str = "halo") -> Flag:
    post = Post(flag_id, "s", "61", "post", "broadcast", "x", text, MOMENT, PARTITION, expires_at=MOMENT)
    regions = (Region("61", "Kalimantan Barat", "province", 0.9, "mention", ((0, 2),)),)
    return Flag(post, regions=regions, topics=(Topic("nphd", "NPHD", False),), why=why, fingerprint="f")  # type: ignore[arg-type]


def _write(derived: Path, flags: list[Flag], partition: str = PARTITION, fingerprint: str = "f") -> Path:
    return write_derived(derived, partition, fingerprint, [flags], lambda table, _row: table, ["s/part-1"])


# ---- writing aside


def test_a_failed_write_leaves_the_old_file_and_nothing_aside(tmp_path: Path) -> None:
    path = tmp_path / "a" / "file"
    with written_aside(path) as aside:
        aside.write_text("old")
    with pytest.raises(RuntimeError), written_aside(path) as aside:
        aside.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_leftovers_of_a_kill_are_removed(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / ".tmp-1").write_text("half")
    assert remove_leftovers(tmp_path) == 1
    assert remove_leftovers(tmp_path / "none") == 0


# ---- raw parts


@given(payload=st.dictionaries(st.text(max_size=5), st.text(max_size=20) | st.none() | st.integers(), max_size=3))
def test_any_payload_comes_back(tmp_path_factory: pytest.TempPathFactory, payload: dict[str, object]) -> None:
    landing = tmp_path_factory.mktemp("landing")
    raw = replace(_raw(), payload=payload)
    assert write_part(landing, PARTITION, [raw], SOCIAL)
    (path,) = parts(landing, PARTITION)
    assert list(read_part(path)) == [raw]


def test_the_same_items_make_one_part_whenever_they_are_fetched(tmp_path: Path) -> None:
    assert write_part(tmp_path, PARTITION, [_raw()], SOCIAL)
    assert not write_part(tmp_path, PARTITION, [_raw(at=MOMENT + timedelta(minutes=9))], SOCIAL)
    assert write_part(tmp_path, PARTITION, [_raw("lain", at=MOMENT - timedelta(minutes=9))], SOCIAL)
    first, second = parts(tmp_path, PARTITION)
    assert read_header(first)["fetched_at"] < read_header(second)["fetched_at"]
    assert partitions(tmp_path) == [PARTITION]
    assert partitions(tmp_path, "2024-11-28") == []
    assert partitions(tmp_path, source="other") == []


@pytest.mark.parametrize(
    "damage", [b"", b"no gzip", gzip.compress(b"{}\n", mtime=0), gzip.compress(b'{"format": 1', mtime=0)]
)
def test_a_damaged_part_is_an_item_error(tmp_path: Path, damage: bytes) -> None:
    write_part(tmp_path, PARTITION, [_raw()], SOCIAL)
    (path,) = parts(tmp_path, PARTITION)
    path.write_bytes(damage)
    with pytest.raises(ItemError, match="damaged"):
        list(read_part(path))
    assert read_header(path) in ({}, {"format": 1})


def test_a_part_cut_short_gives_what_stands_before_the_cut(tmp_path: Path) -> None:
    write_part(tmp_path, PARTITION, [_raw(str(number) * 50) for number in range(500)], SOCIAL)
    (path,) = parts(tmp_path, PARTITION)
    path.write_bytes(path.read_bytes()[:-200])
    seen = []
    with pytest.raises(ItemError):
        for raw in read_part(path):
            seen.append(raw)
    assert seen


# ---- quarantine


def test_quarantine_keeps_reason_and_time_and_is_written_whole(tmp_path: Path) -> None:
    item = Quarantined("flag", "s", "row 3", "no text", MOMENT, {"text": ""})
    write_quarantine(tmp_path, PARTITION, "flag", [item])
    write_quarantine(tmp_path, PARTITION, "ingest", [replace(item, step="ingest")], name="s")
    write_quarantine(tmp_path, PARTITION, "ingest", [replace(item, step="ingest")], name="s")
    assert sorted(found.step for found in read_quarantine(tmp_path)) == ["flag", "ingest"]
    assert item in list(read_quarantine(tmp_path))
    assert list(read_quarantine(tmp_path, "2024-11-28")) == []
    path = write_quarantine(tmp_path, PARTITION, "flag", [])
    assert not path.exists()


def test_a_damaged_quarantine_line_hides_no_other(tmp_path: Path) -> None:
    path = write_quarantine(tmp_path, PARTITION, "flag", [Quarantined("flag", "s", "p", "r", MOMENT)])
    path.write_text("junk\n" + path.read_text())
    assert len(list(read_quarantine(tmp_path))) == 1


# ---- derived


def test_derived_posts_come_back_as_they_were(tmp_path: Path) -> None:
    flags = [_flag("x~1", "signal"), _flag("x~2")]
    path = _write(tmp_path, flags)
    assert list(read_derived(path)) == flags
    assert [flag.id for flag in read_derived(path, flagged=True)] == ["x~1"]
    assert derived_partitions(tmp_path) == [PARTITION]


def test_a_new_fingerprint_takes_the_old_file_s_place(tmp_path: Path) -> None:
    _write(tmp_path, [_flag("x~1")])
    path = _write(tmp_path, [_flag("x~1")], fingerprint="g")
    assert derived_file(tmp_path, PARTITION) == path
    assert [file.name for file in path.parent.iterdir()] == ["posts-g.parquet"]


def test_a_write_that_fails_leaves_the_partition_as_it_was(tmp_path: Path) -> None:
    path = _write(tmp_path, [_flag("x~1")])

    def chunks() -> Iterator[list[Flag]]:
        yield [_flag("x~2")]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_derived(tmp_path, PARTITION, "f", chunks(), lambda table, _row: table)
    assert [flag.id for flag in read_derived(path)] == ["x~1"]
    assert list(path.parent.iterdir()) == [path]


def test_finish_sees_every_row_group_with_its_first_row(tmp_path: Path) -> None:
    rows = []

    def finish(table: pa.Table, first_row: int) -> pa.Table:
        rows.append((first_row, len(table)))
        return replace_columns(table, cluster=["c"] * len(table))

    chunks = [[_flag("x~1"), _flag("x~2")], [_flag("x~3")]]
    path = write_derived(tmp_path, PARTITION, "f", chunks, finish)
    assert rows == [(0, 2), (2, 1)]
    assert {flag.cluster for flag in read_derived(path)} == {"c"}


def test_a_damaged_derived_file_says_how_to_mend_it(tmp_path: Path) -> None:
    path = _write(tmp_path, [_flag("x~1")])
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ItemError, match="kentongan replay"):
        list(read_derived(path))


def test_what_no_rule_flagged_is_counted_by_day_and_office(tmp_path: Path) -> None:
    _write(tmp_path, [_flag("x~1", "sample"), _flag("x~2", "signal"), _flag("x~5", "teach")], "2024-11-27/08")
    _write(tmp_path, [_flag("x~6", "teach")], "2024-11-27/09")
    _write(tmp_path, [_flag("x~3", "sample")], "2024-11-26/08")
    _write(tmp_path, [_flag("x~4", "sample")], "2024-11-27/11")
    assert count_unflagged(tmp_path, PARTITION, "61") == {"sample": 1, "teach": 2}
    assert count_unflagged(tmp_path, PARTITION, "62").total() == 0


# ---- retention


def _days(days: int) -> datetime:
    return datetime(2024, 11, 27, 3, tzinfo=UTC) + timedelta(days=days)


def test_social_parts_go_after_their_days_and_not_before(tmp_path: Path) -> None:
    write_part(tmp_path, PARTITION, [_raw()], SOCIAL)
    assert not purge_landing(tmp_path / "s", KEEP, _days(29), WIB, dry_run=False)
    assert purge_landing(tmp_path / "s", KEEP, _days(30), WIB, dry_run=True) == {"raw_removed": 1}
    assert parts(tmp_path, PARTITION)
    assert purge_landing(tmp_path / "s", KEEP, _days(30), WIB, dry_run=False) == {"raw_removed": 1}
    assert list((tmp_path / "s").iterdir()) == []


def test_news_is_cut_to_title_link_and_excerpt_once(tmp_path: Path) -> None:
    payload = {"title": "Judul", "link": "https://a.example/1", "summary": "isi " * 200, "html": "<p>panjang</p>"}
    write_part(tmp_path, PARTITION, [replace(_raw(), connector="feed", payload=payload)], NEWS)
    assert purge_landing(tmp_path / "s", KEEP, _days(90), WIB, dry_run=False) == {"raw_trimmed": 1}
    (path,) = parts(tmp_path, PARTITION)
    (raw,) = read_part(path)
    assert set(raw.payload) == {"title", "link", "summary"}
    assert len(raw.payload["summary"]) == 300
    assert not purge_landing(tmp_path / "s", KEEP, _days(91), WIB, dry_run=False)


def test_a_source_s_own_limit_goes_before(tmp_path: Path) -> None:
    write_part(tmp_path, PARTITION, [_raw()], NEWS | {"max_days": 7})
    assert purge_landing(tmp_path / "s", KEEP, _days(7), WIB, dry_run=False) == {"raw_removed": 1}


def test_a_damaged_part_past_its_time_goes(tmp_path: Path) -> None:
    write_part(tmp_path, PARTITION, [_raw()], NEWS)
    (path,) = parts(tmp_path, PARTITION)
    path.write_bytes(path.read_bytes()[:-20])
    purge_landing(tmp_path / "s", KEEP, _days(200), WIB, dry_run=False)
    assert parts(tmp_path, PARTITION) == []


def test_expired_rows_become_counts_without_id_or_text(tmp_path: Path) -> None:
    living = replace(_flag("x~2"), post=replace(_flag("x~2").post, expires_at=MOMENT + timedelta(days=9)))
    path = _write(tmp_path, [_flag("x~1", "signal", text="rahasia"), living])
    after = MOMENT + timedelta(days=1)
    dry = purge_derived(tmp_path, KEEP, 7, after, WIB, dry_run=True)
    assert dry == purge_derived(tmp_path, KEEP, 7, after, WIB, dry_run=False) == ({"posts_to_counts": 1}, ["x~1"])
    assert [flag.id for flag in read_derived(path)] == ["x~2"]
    counts = {"posts": 1, "flagged": 1, "source:s": 1, "topic:nphd": 1, "region:61": 1}
    assert read_notes(path) == {"counts": counts, "made_of": ["s/part-1"]}
    assert b"rahasia" not in path.read_bytes()
    path = _write(tmp_path, [living], fingerprint="g")
    assert read_notes(path)["counts"] == counts, "to flag again keeps what was counted"


def test_a_shortened_period_works_at_the_next_purge(tmp_path: Path) -> None:
    long = replace(_flag("x~2"), post=replace(_flag("x~2").post, expires_at=MOMENT + timedelta(days=30)))
    _write(tmp_path, [long])
    after = MOMENT + timedelta(days=8)
    assert purge_derived(tmp_path, KEEP, 7, after, WIB, dry_run=True)[0]["posts_to_counts"] == 0
    shorter = KEEP.model_copy(update={"unflagged": 7})
    assert purge_derived(tmp_path, shorter, 7, after, WIB, dry_run=True)[0]["posts_to_counts"] == 1


def test_a_damaged_derived_file_does_not_stop_the_purge(tmp_path: Path) -> None:
    _write(tmp_path, [_flag("x~1")], "2024-11-26/08").write_bytes(b"damaged")
    _write(tmp_path, [_flag("x~2")])
    counts, _flags = purge_derived(tmp_path, KEEP, 7, MOMENT, WIB, dry_run=False)
    assert counts == {"damaged": 1, "posts_to_counts": 1}
    assert read_notes(tmp_path / "2024-11-26" / "08" / "posts-f.parquet") == {}


def test_a_folder_that_is_no_partition_is_passed_over(tmp_path: Path) -> None:
    stray = tmp_path / "s" / "bar" / "baz" / "part-1.jsonl.gz"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"")
    assert partitions(tmp_path) == []
    assert not purge_landing(tmp_path / "s", KEEP, _days(99), WIB, dry_run=False)


def test_files_that_were_refused_go_with_their_days(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    now = datetime.now(UTC)
    assert purge_folder(tmp_path, 30, now, dry_run=False) == 0
    assert purge_folder(tmp_path, 30, now + timedelta(days=31), dry_run=True) == 1
    assert purge_folder(tmp_path, 30, now + timedelta(days=31), dry_run=False) == 1
    assert list(tmp_path.iterdir()) == []


def test_quarantine_goes_with_its_days(tmp_path: Path) -> None:
    write_quarantine(tmp_path, PARTITION, "flag", [Quarantined("flag", "s", "p", "r", MOMENT)])
    assert purge_quarantine(tmp_path, 30, _days(29), WIB, dry_run=False)["quarantine_removed"] == 0
    assert purge_quarantine(tmp_path, 30, _days(30), WIB, dry_run=False)["quarantine_removed"] == 1
    assert list(tmp_path.iterdir()) == []
