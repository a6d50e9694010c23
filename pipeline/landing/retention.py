"""What is past its time goes (DOMAIN 4.6), by the day of its partition; shortening a period works at the next purge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.clock import is_partition, partition_start
from pipeline.core.config import Retention
from pipeline.core.errors import ItemError
from pipeline.core.types import RawItem
from pipeline.landing.derived import batches, read_notes, rewrite, with_notes
from pipeline.landing.raw import read_header, read_part, rewrite_part

_NEWS = ("media", "official")
_TIMES = ("id", "why", "fetched_at", "expires_at")  # what says whether a row is past its time
_NEWS_KEEPS = ("title", "link", "id", "published")
AGAIN_DAYS = 7
"""How far back a partition may be flagged anew: so long the signatures that it is compared with are kept for it."""
_EXCERPT = 300  # characters of an article that stay beside its title and link


def purge_landing(
    landing: Path, keep: Retention, now: datetime, zone: ZoneInfo, *, claims: bool = False, dry_run: bool
) -> Counter[str]:
    """Remove one source's social parts past `raw_social` days, trim news past `raw_news`; its `max_days` goes first.

    What fact-checkers wrote (`claims`) is public like news, and goes whole: cut, it could not be read again.
    """
    counts: Counter[str] = Counter()
    for path, trim in due_parts(landing, keep, now, zone, claims=claims):
        counts["raw_trimmed" if trim else "raw_removed"] += 1
        if dry_run:
            continue
        if trim:
            _trim(path)
        else:
            path.unlink()
            _remove_empty(path.parent, landing)
    return counts


def due_parts(
    landing: Path, keep: Retention, now: datetime, zone: ZoneInfo, *, claims: bool = False, partition: str = "*/*"
) -> Iterator[tuple[Path, bool]]:
    """Yield the parts of one source past their time (of one partition alone), and whether they are only trimmed."""
    for path in sorted(landing.glob(f"{partition}/part-*.jsonl.gz")):
        header = read_header(path)
        settings = header.get("settings") or {}
        limit = settings.get("max_days")
        is_news = settings.get("visibility") in _NEWS
        days = min(keep.raw_news if is_news or claims else keep.raw_social, limit or 10_000)
        if _is_past(path, days, now, zone) and not header.get("trimmed"):
            yield path, is_news and limit is None and not claims


def purge_derived(
    derived: Path,
    keep: Retention,
    near_days: int,
    now: datetime,
    zone: ZoneInfo,
    *,
    held: frozenset[str] = frozenset(),
    due: frozenset[str] = frozenset(),
    dry_run: bool,
) -> tuple[Counter[str], list[str]]:
    """Turn rows past their time into counts, and remove signatures that nothing is compared with any more.

    A row's time is its `expires_at`, or earlier if the periods were shortened since; what people decided on has periods
    of its own: ids in `held` stay, ids in `due` go. Also returns the ids of the flags among them, whose text the index
    must lose. A damaged file is counted and left for `replay`.
    """
    counts: Counter[str] = Counter()
    flags: list[str] = []

    def is_past(table: pa.Table) -> pa.ChunkedArray:
        return _decided(table, _past(table, keep, now), held, due)

    for path in sorted(derived.glob("*/*/posts-*.parquet")):
        try:
            here, named = _counted(path, is_past)
        except (OSError, pa.ArrowException):
            counts["damaged"] += 1
            continue
        flags += named
        counts["posts_to_counts"] += here["posts"]
        if here["posts"] and not dry_run:
            notes = read_notes(path)
            notes["counts"] = dict(here + Counter(notes.get("counts", {})))
            rewrite(
                path, lambda table: table.filter(pc.invert(is_past(table))), with_notes(pq.read_schema(path), **notes)
            )
    for path in sorted(derived.glob("*/*/signatures.parquet")):
        if _is_past(path, near_days + 1 + AGAIN_DAYS, now, zone):
            counts["signatures_removed"] += 1
            if not dry_run:
                path.unlink()
    return counts, flags


def past_rows(
    derived: Path,
    keep: Retention,
    now: datetime,
    *,
    held: frozenset[str] = frozenset(),
    due: frozenset[str] = frozenset(),
) -> Iterator[Path]:
    """Yield the files with a row past its time, as `purge_derived` sees it; reads no text, leaves out damaged ones."""
    for path in sorted(derived.glob("*/*/posts-*.parquet")):
        try:
            table = pq.read_table(path, columns=list(_TIMES))
        except (OSError, pa.ArrowException):
            continue
        if pc.any(_decided(table, _past(table, keep, now), held, due)).as_py():
            yield path


def _decided(table: pa.Table, past: pa.ChunkedArray, held: frozenset[str], due: frozenset[str]) -> pa.ChunkedArray:
    """The mask, less what is held, with what is due."""
    for ids, combine in ((held, pc.and_not), (due, pc.or_)):
        if ids:
            past = combine(past, pc.is_in(table["id"], value_set=pa.array(sorted(ids), pa.string())))
    return past


def _past(table: pa.Table, keep: Retention, now: datetime) -> pa.ChunkedArray:
    """A mask of the rows past their time."""
    flagged = pc.greater(pc.list_value_length(table["why"]), 0)
    limits = [
        pa.scalar(now - timedelta(days=days), table["fetched_at"].type) for days in (keep.unreviewed, keep.unflagged)
    ]
    shortened = pc.less_equal(table["fetched_at"], pc.if_else(flagged, *limits))
    expired = pc.less_equal(table["expires_at"], pa.scalar(now, table["expires_at"].type))
    return pc.or_(shortened, pc.fill_null(expired, False))


def purge_quarantine(folder: Path, days: int, now: datetime, zone: ZoneInfo, *, dry_run: bool) -> Counter[str]:
    """Remove quarantine files past `days`: they hold what social posts hold."""
    past = past_quarantine(folder, days, now, zone)
    for path in past if not dry_run else ():
        path.unlink()
        _remove_empty(path.parent, folder)
    return Counter(quarantine_removed=len(past))


def past_quarantine(folder: Path, days: int, now: datetime, zone: ZoneInfo) -> list[Path]:
    """The quarantine files past `days`."""
    return [path for path in sorted(folder.glob("*/*/*.jsonl")) if _is_past(path, days, now, zone)]


def _is_past(path: Path, days: int, now: datetime, zone: ZoneInfo) -> bool:
    partition = "/".join(path.parts[-3:-1])
    return is_partition(partition) and partition_start(partition, zone) + timedelta(days=days) <= now


def _trim(path: Path) -> None:
    try:
        raws = [_trimmed(raw) for raw in read_part(path)]
    except ItemError:
        path.unlink()  # damaged and past its time: nothing to keep
        return
    rewrite_part(path, raws, trimmed=True)


def _trimmed(raw: RawItem) -> RawItem:
    payload: dict[str, Any] = {name: raw.payload[name] for name in _NEWS_KEEPS if name in raw.payload}
    text = str(raw.payload.get("text") or raw.payload.get("summary") or "")
    return RawItem(raw.source, raw.connector, raw.fetched_at, raw.place, payload | {"summary": text[:_EXCERPT]})


def _counted(path: Path, is_past: Callable[[pa.Table], pa.ChunkedArray]) -> tuple[Counter[str], list[str]]:
    """The rows that go by source, topic and region, with no id and no text; and the ids of the flags among them."""
    counts: Counter[str] = Counter()
    flags: list[str] = []
    for table in batches(path):  # all columns, so that damage shows before anything is taken away
        gone = table.filter(is_past(table))
        for row in gone.select(["id", "source", "topics", "regions", "why"]).to_pylist():
            counts["posts"] += 1
            counts["flagged"] += bool(row["why"])
            counts[f"source:{row['source']}"] += 1
            counts.update(f"topic:{topic['code']}" for topic in row["topics"])
            counts.update(f"region:{region['code']}" for region in row["regions"] if region["how"] == "mention")
            if row["why"]:
                flags.append(row["id"])
    return counts, flags


def purge_folder(folder: Path, days: int, now: datetime, *, dry_run: bool) -> int:
    """Remove files that have lain in a folder for longer than `days`; returns how many."""
    past = [
        path for path in folder.glob("*") if path.is_file() and path.stat().st_mtime < now.timestamp() - days * 86_400
    ]
    for path in past if not dry_run else ():
        path.unlink()
    return len(past)


def _remove_empty(folder: Path, root: Path) -> None:
    while folder != root and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent
