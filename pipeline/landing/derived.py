"""Derived posts: `derived/<day>/<hour>/posts-<fingerprint>.parquet`, every post with all that was found about it.

Written in row groups as they come, and finished in a second pass that adds what only the whole partition knows
(clusters, samples), so that a million posts need no more memory than ten thousand.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.clock import is_partition
from pipeline.core.codec import flag_from_dict, flag_to_dict
from pipeline.core.errors import ItemError
from pipeline.core.files import scratch, written_aside
from pipeline.core.i18n import _
from pipeline.core.types import BLIND, Flag
from pipeline.landing.near import Signatures, read_signatures

_NOTES = b"kentongan"
_UNINDEXED = "unindexed"
_ROWS = 1_000  # in memory at a time, as they were written
_SPAN = pa.list_(pa.int32())
_TIME = pa.timestamp("us", tz="UTC")
_REASON = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("weight", pa.float32())])
SCHEMA = pa.schema(
    [
        *(
            (name, pa.string())
            for name in ("id", "source", "office", "kind", "visibility", "platform", "title", "text")
        ),
        *((name, pa.string()) for name in ("partition", "stage", "author_key", "institution", "url", "subject")),
        ("publisher_class", pa.string()),
        ("covers", pa.list_(pa.string())),
        ("fetched_at", _TIME),
        ("published_at", _TIME),
        ("published_precision", pa.string()),
        ("expires_at", _TIME),
        ("deleted_at_source", _TIME),
        (
            "signals",
            pa.list_(
                pa.struct(
                    [
                        ("label", pa.string()),
                        ("score", pa.float64()),
                        ("threshold", pa.float64()),
                        ("model", pa.string()),
                        ("reasons", pa.list_(_REASON)),
                    ]
                )
            ),
        ),
        (
            "regions",
            pa.list_(
                pa.struct(
                    [
                        ("code", pa.string()),
                        ("name", pa.string()),
                        ("level", pa.string()),
                        ("confidence", pa.float64()),
                        ("how", pa.string()),
                        ("spans", pa.list_(_SPAN)),
                    ]
                )
            ),
        ),
        (
            "topics",
            pa.list_(
                pa.struct(
                    [
                        ("code", pa.string()),
                        ("name", pa.string()),
                        ("protected", pa.bool_()),
                        ("spans", pa.list_(_SPAN)),
                    ]
                )
            ),
        ),
        (
            "claims",
            pa.list_(
                pa.struct(
                    [
                        ("id", pa.string()),
                        ("score", pa.float64()),
                        ("level", pa.string()),
                        ("returned", pa.bool_()),
                        ("spans", pa.list_(_SPAN)),
                    ]
                )
            ),
        ),
        ("why", pa.list_(pa.string())),
        ("why_not", pa.list_(pa.string())),
        ("cluster", pa.string()),
        ("sample_probability", pa.float64()),
        ("fingerprint", pa.string()),
        ("month", pa.string()),
        ("status", pa.string()),
        ("differs", pa.list_(pa.string())),
    ]
)


def write_derived(
    derived: Path,
    partition: str,
    fingerprint: str,
    chunks: Iterable[Sequence[Flag]],
    finish: Callable[[pa.Table, int], pa.Table],
    made_of: Sequence[str] = (),
    shadow: Callable[[], Mapping[str, Any]] = dict,
) -> Path:
    """Write a partition's posts whole; `finish(table, first_row)` gets each row group once all chunks were consumed.

    `made_of` names the landing parts that were read; `shadow` is asked, once all chunks were consumed, for what a
    candidate would have said. The file of another fingerprint goes away when the new one
    stands; the counts of what expired before stay.
    """
    path = derived / partition / f"posts-{fingerprint}.parquet"
    before = derived_file(derived, partition)
    with written_aside(path) as whole, scratch(path.parent) as spool:
        with pq.ParquetWriter(spool, SCHEMA, compression="none") as writer:
            for flags in chunks:
                rows = [flag_to_dict(flag, private=True) for flag in flags]
                writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
        notes = {"made_of": list(made_of), "counts": read_notes(before).get("counts", {}), "shadow": dict(shadow())}
        schema = with_notes(SCHEMA, **{name: value for name, value in notes.items() if value or name != "shadow"})
        first_row = 0
        with pq.ParquetFile(spool) as spooled, pq.ParquetWriter(whole, schema, compression="zstd") as writer:
            for group in range(spooled.num_row_groups):
                table = spooled.read_row_group(group)
                writer.write_table(finish(table, first_row).replace_schema_metadata(schema.metadata))
                first_row += len(table)
    for other in path.parent.glob("posts-*.parquet"):
        if other != path:
            other.unlink()
    return path


def rewrite_derived(path: Path, gone: str, heir: str) -> int:
    """Take a post out of a file and rename the cluster named after it (erasure only); returns the rows that went."""
    known = pq.read_table(path, columns=["id", "cluster"])
    count = int(pc.sum(pc.equal(known["id"], gone)).as_py() or 0)
    if not count and not pc.any(pc.equal(known["cluster"], gone)).as_py():
        return 0

    def rest_of(table: pa.Table) -> pa.Table:
        rest = table.filter(pc.not_equal(table["id"], gone))
        return replace_columns(rest, cluster=[heir if name == gone else name for name in rest["cluster"].to_pylist()])

    rewrite(path, rest_of, pq.read_schema(path))
    return count


def change_rows(path: Path, changed: Mapping[int, Flag]) -> None:
    """Replace some rows, by their number in the file, in one rename."""
    first = 0

    def with_changes(table: pa.Table) -> pa.Table:
        nonlocal first
        here = [row for row in range(first, first + len(table)) if row in changed]
        rows = table.to_pylist() if here else []
        for row in here:
            rows[row - first] = flag_to_dict(changed[row], private=True)
        first += len(table)
        return pa.Table.from_pylist(rows, schema=table.schema) if here else table

    if changed:
        rewrite(path, with_changes, pq.read_schema(path))


def batches(path: Path) -> Iterator[pa.Table]:
    """Yield a file's rows a few thousand at a time; an hour of a bad day is too much for the memory."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS):
            yield pa.Table.from_batches([batch])


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table], schema: pa.Schema) -> None:
    """Replace a file's rows by what `change` leaves of them, and its notes by the schema's, in one rename."""
    with written_aside(path) as aside, pq.ParquetWriter(aside, schema, compression="zstd") as writer:
        for table in batches(path):
            rest = change(table)
            if len(rest):
                writer.write_table(rest.replace_schema_metadata(schema.metadata))


def with_notes(schema: pa.Schema, **notes: Any) -> pa.Schema:
    """The schema with our notes: the parts that a file was made of, the counts of the rows that expired."""
    return schema.with_metadata({_NOTES: json.dumps(notes, sort_keys=True)})


def read_notes(path: Path | None) -> dict[str, Any]:
    """The notes of a derived file; empty if there is none or it is damaged."""
    try:
        metadata = pq.read_schema(path).metadata if path else None
        notes = json.loads((metadata or {}).get(_NOTES, b"{}"))
    except (OSError, pa.ArrowException, ValueError):
        return {}
    return notes if isinstance(notes, dict) else {}


def count_rows(path: Path | None) -> int:
    """How many posts a derived file holds, without reading them; 0 if there is none or it is damaged."""
    try:
        return int(pq.read_metadata(path).num_rows) if path else 0
    except (OSError, pa.ArrowException):
        return 0


def replace_columns(table: pa.Table, **columns: Sequence[Any]) -> pa.Table:
    """The table with these columns' values replaced, types kept."""
    for name, values in columns.items():
        index = table.schema.get_field_index(name)
        field = table.schema.field(index)
        table = table.set_column(index, field, pa.array(values, type=field.type))
    return table


def derived_file(derived: Path, partition: str) -> Path | None:
    """The file of a partition's posts, the newest if a killed run left two; None if it was not flagged yet."""
    found = sorted((derived / partition).glob("posts-*.parquet"), key=lambda path: path.stat().st_mtime_ns)
    return found[-1] if found else None


def derived_partitions(derived: Path, since: str = "") -> list[str]:
    """The partitions that were flagged, in order."""
    found = {"/".join(path.parts[-3:-1]) for path in derived.glob("*/*/posts-*.parquet")}
    return sorted(partition for partition in found if partition >= since and is_partition(partition))


@contextmanager
def to_be_indexed(derived: Path, partition: str, *, dry_run: bool) -> Iterator[None]:
    """Mark the partition as one that the index does not know, so that a kill before it was indexed is made good.

    Marked twice, as an index that read the old file meanwhile takes the first mark away.
    """
    mark = derived / partition / _UNINDEXED
    if not dry_run:
        mark.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        mark.touch(mode=0o600)
    yield
    if not dry_run:
        mark.touch(mode=0o600)


@contextmanager
def indexing(derived: Path, partition: str, *, dry_run: bool) -> Iterator[None]:
    """Take the mark away when the partition was indexed, unless it was flagged anew meanwhile."""
    mark = derived / partition / _UNINDEXED
    before = _made_at(mark)
    yield
    if not dry_run and _made_at(mark) == before:
        mark.unlink(missing_ok=True)


def unindexed_partitions(derived: Path) -> list[str]:
    """The partitions that were flagged and not indexed since, in order."""
    marked = {"/".join(mark.parts[-3:-1]) for mark in derived.glob(f"*/*/{_UNINDEXED}")}
    return [partition for partition in derived_partitions(derived) if partition in marked]


def _made_at(mark: Path) -> int:
    try:
        return mark.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def read_derived(path: Path, *, flagged: bool = False) -> Iterator[Flag]:
    """Yield a partition's posts (only those with a `why` if `flagged`); raises ItemError if the file is damaged."""
    with _damage_told(path):
        for table in batches(path):
            if flagged:
                table = table.filter(pc.greater(pc.list_value_length(table["why"]), 0))
            for row in table.to_pylist():
                yield flag_from_dict(row)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """What reading a damaged file raises, as ItemError with what to do."""
    try:
        yield
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise ItemError(
            _("derived file {name} is damaged ({error}); run `kentongan replay` for its partition").format(
                name=path.name, error=error
            )
        ) from error


def read_texts(path: Path, ids: Sequence[str]) -> dict[str, str]:
    """The texts of some posts of a partition, by id; reads only what it must."""
    rows = pq.read_table(path, columns=["id", "text"], filters=[("id", "in", list(ids))]).to_pylist() if ids else []
    return {row["id"]: row["text"] for row in rows}


def read_ids(path: Path, *, flagged: bool) -> Iterator[str]:
    """Yield the ids of a partition's posts that something flagged, or of the others; reads nothing else of them."""
    which = pc.greater if flagged else pc.equal
    with _damage_told(path), pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=10_000, columns=["id", "why"]):
            table = pa.Table.from_batches([batch])
            yield from table.filter(which(pc.list_value_length(table["why"]), 0))["id"].to_pylist()


def read_differing(path: Path) -> Iterator[tuple[str, list[str], set[str]]]:
    """Yield of the posts on which a candidate says otherwise: id, those labels, and the labels over their threshold."""
    with _damage_told(path), pq.ParquetFile(path) as file:
        if "differs" not in file.schema_arrow.names:
            return
        for batch in file.iter_batches(batch_size=_ROWS, columns=["id", "differs", "signals"]):
            table = pa.Table.from_batches([batch])
            for row in table.filter(pc.greater(pc.list_value_length(table["differs"]), 0)).to_pylist():
                over = {signal["label"] for signal in row["signals"] if signal["score"] >= signal["threshold"]}
                yield row["id"], row["differs"], over


def count_unflagged(derived: Path, partition: str, office: str) -> Counter[str]:
    """How many posts of that day people were already asked about in the hours before, by `sample` and `teach`."""
    day = partition.split("/")[0]
    found: Counter[str] = Counter()
    for earlier in derived_partitions(derived, f"{day}/00"):
        path = derived_file(derived, earlier) if earlier < partition and earlier.startswith(day) else None
        if path:
            rows = pq.read_table(path, columns=["why", "office"])
            reasons = pc.list_flatten(rows.filter(pc.equal(rows["office"], office))["why"])
            found.update({why: pc.sum(pc.equal(reasons, why)).as_py() or 0 for why in sorted(BLIND)})
    return found


def earlier_signatures(derived: Path, partition: str, first: str) -> Iterator[Signatures]:
    """The signatures of the partitions in [first, partition), oldest first, one in memory at a time."""
    for path in signature_files(derived, partition, first):
        signatures = read_signatures(path)
        if signatures is not None:
            yield signatures


def signature_files(derived: Path, partition: str, first: str) -> list[Path]:
    """The files of signatures of the partitions in [first, partition), oldest first."""
    files = sorted(derived.glob("*/*/signatures.parquet"))
    return [path for path in files if first <= "/".join(path.parts[-3:-1]) < partition]
