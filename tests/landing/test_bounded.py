"""Memory that does not grow with what comes: quarantine goes to disk item by item, purge and erasure go in batches."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from homes import place_at

from pipeline.core.config import Retention
from pipeline.core.types import Flag, Post, Quarantined
from pipeline.landing.derived import read_derived, rewrite_derived, write_derived
from pipeline.landing.quarantine import quarantine, read_quarantine
from pipeline.landing.retention import purge_derived
from pipeline.sources.registry import guess_source
from pipeline.steps import ingest

MOMENT = datetime(2024, 11, 27, 3, 30, tzinfo=UTC)
WIB = ZoneInfo("Asia/Jakarta")
PARTITION = "2024-11-27/10"
KEEP = Retention(raw_social=30, raw_news=90, unflagged=30, unreviewed=90, rejected=30, confirmed=365)
MB = 1_000_000
_POOLS: list[pa.MemoryPool] = []  # kept to the end: a buffer that outlives the pool it came from is a crash when freed


def _bad(number: int) -> Quarantined:
    return Quarantined("ingest", "s", f"row {number}", "no text", MOMENT, {"text": f"{number} " * 200})


def _peak(work: Callable[[], object]) -> int:
    """The most that Python held at one time."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_quarantine_holds_the_first_few_in_memory_and_loses_none(tmp_path: Path) -> None:
    def fill() -> None:
        with quarantine(tmp_path, PARTITION, "ingest", name="s") as taken:
            for number in range(10_000):
                taken.add(_bad(number))
        assert (taken.count, [item.place for item in taken.shown]) == (10_000, ["row 0", "row 1", "row 2"])

    assert _peak(fill) < 2 * MB
    (path,) = tmp_path.rglob("*.jsonl")
    assert path.stat().st_size > 10 * MB
    assert [item.place for item in read_quarantine(tmp_path)] == [f"row {number}" for number in range(10_000)]


def test_after_an_error_nothing_is_in_quarantine_and_nothing_lies_aside(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), quarantine(tmp_path, PARTITION, "ingest", name="s") as taken:
        taken.add(_bad(1))
        raise RuntimeError
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_dry_run_counts_what_is_bad_and_writes_nothing(tmp_path: Path) -> None:
    with quarantine(tmp_path, PARTITION, "flag", dry_run=True) as taken:
        taken.add(_bad(1))
    assert (taken.count, list(tmp_path.iterdir())) == (1, [])


def test_the_same_bad_items_twice_make_one_file_and_others_another(tmp_path: Path) -> None:
    for number in (1, 1, 2):
        with quarantine(tmp_path, PARTITION, "ingest", name="s") as taken:
            taken.add(_bad(number))
    assert len(list(tmp_path.rglob("*.jsonl"))) == 2


@pytest.fixture
def pool() -> Iterator[pa.MemoryPool]:
    """Counts what Arrow holds."""
    before = pa.default_memory_pool()
    counted = pa.proxy_memory_pool(before)
    _POOLS.append(counted)
    pa.set_memory_pool(counted)
    yield counted
    pa.set_memory_pool(before)


def _derived(folder: Path, groups: int) -> Path:
    """A partition of that many row groups of 1,000 posts of 2 kB, of which every tenth is a flag."""
    text = "kata " * 400

    def chunks() -> Iterator[list[Flag]]:
        for first in range(0, groups * 1_000, 1_000):
            yield [_flag(number, f"{number} {text}") for number in range(first, first + 1_000)]

    return write_derived(folder, PARTITION, "f", chunks(), lambda table, _row: table, ["s/part-1"])


def _flag(number: int, text: str) -> Flag:
    flag_id = f"x~{number}"
    expires = MOMENT + timedelta(days=30 if number % 10 else 90)
    post = Post(flag_id, "s", "61", "post", "broadcast", "x", text, MOMENT, PARTITION, expires_at=expires)
    return Flag(post, why=("signal",) if number % 10 == 0 else (), fingerprint="f", cluster="x~0")


def test_purge_needs_no_more_memory_for_a_longer_hour(tmp_path: Path, pool: pa.MemoryPool) -> None:
    path = _derived(tmp_path, 20)
    base, peaks = pool.bytes_allocated(), []
    for days, left in ((31, 2_000), (91, 0)):
        counts, _flags = purge_derived(tmp_path, KEEP, 7, MOMENT + timedelta(days=days), WIB, dry_run=False)
        peaks.append(pool.max_memory() - base)
        assert len(list(read_derived(path))) == left
        assert counts["posts_to_counts"] == (18_000 if left else 2_000)
    assert max(peaks) < 20 * MB  # the file's texts alone are 40 MB


def test_erasing_one_post_needs_no_more_memory_for_a_longer_hour(tmp_path: Path, pool: pa.MemoryPool) -> None:
    path = _derived(tmp_path, 20)
    base = pool.bytes_allocated()
    assert rewrite_derived(path, "x~0", "x~1") == 1
    assert pool.max_memory() - base < 20 * MB
    found = {flag.id: flag.cluster for flag in read_derived(path)}
    assert len(found) == 19_999
    assert set(found.values()) == {"x~1"}
    assert rewrite_derived(path, "x~0", "x~1") == 0


def test_a_file_of_nothing_but_rubbish_is_in_quarantine_line_by_line_and_told_of_in_three_notes(tmp_path: Path) -> None:
    lines = 6_000
    file = tmp_path / "rusak.jsonl"
    good = '{"id": "1860000000000000001", "text": "rapat warga besok pagi di balai desa", "platform": "x"}\n'
    file.write_text(good + "".join(f'{{"text": {number} {"x" * 300}\n' for number in range(lines)), encoding="utf-8")
    place = place_at(tmp_path / "home")
    name, settings = guess_source(str(file), {})
    done = ingest(place, {name: settings}, partition=PARTITION)
    assert done.report.counts == {"landed": 1, "again": 0, "quarantined": lines}
    assert len([note for note in done.notes if ", line " in note]) == 3
    assert sum(1 for _item in read_quarantine(place.home.quarantine)) == lines
    assert not list(place.home.root.rglob(".tmp-*"))
    place.close()
