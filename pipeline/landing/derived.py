"""Derived posts: `derived/<day>/<hour>/posts-<fingerprint>.parquet`, every post with all that was found about it.

Written in row groups as they come, and finished in a second pass that adds what only the whole partition knows
(clusters, samples), so that a million posts need no more memory than ten thousand.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.clock import is_partition
from pipeline.core.codec import flag_from_dict, flag_to_dict
from pipeline.core.errors import ItemError
from pipeline.core.i18n import _
from pipeline.core.types import Flag
from pipeline.landing.files import scratch, written_aside
from pipeline.landing.near import Signatures, read_signatures

_NOTES = b"kentongan"
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
        ("claims", pa.list_(pa.string())),
        ("why", pa.list_(pa.string())),
        ("why_not", pa.list_(pa.string())),
        ("cluster", pa.string()),
        ("sample_probability", pa.float64()),
        ("fingerprint", pa.string()),
        ("month", pa.string()),
        ("status", pa.string()),
    ]
)


def write_derived(
    derived: Path,
    partition: str,
    fingerprint: str,
    chunks: Iterable[Sequence[Flag]],
    finish: Callable[[pa.Table, int], pa.Table],
    made_of: Sequence[str] = (),
) -> Path:
    """Write a partition's posts whole; `finish(table, first_row)` gets each row group once all chunks were consumed.

    `made_of` names the landing parts that were read. The file of another fingerprint goes away when the new one
    stands; the counts of what expired before stay.
    """
    path = derived / partition / f"posts-{fingerprint}.parquet"
    before = derived_file(derived, partition)
    schema = with_notes(SCHEMA, made_of=list(made_of), counts=read_notes(before).get("counts", {}))
    with written_aside(path) as whole, scratch(path.parent) as spool:
        with pq.ParquetWriter(spool, SCHEMA, compression="none") as writer:
            for flags in chunks:
                rows = [flag_to_dict(flag, private=True) for flag in flags]
                writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
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
    table = pq.read_table(path)
    named = pc.equal(table["cluster"], gone)
    rest = table.filter(pc.not_equal(table["id"], gone))
    if len(rest) == len(table) and not pc.any(named).as_py():
        return 0
    rest = replace_columns(rest, cluster=[heir if name == gone else name for name in rest["cluster"].to_pylist()])
    with written_aside(path) as aside:
        pq.write_table(rest.replace_schema_metadata(table.schema.metadata), aside, compression="zstd")
    return len(table) - len(rest)


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


def read_derived(path: Path, *, flagged: bool = False) -> Iterator[Flag]:
    """Yield a partition's posts (only those with a `why` if `flagged`); raises ItemError if the file is damaged."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1000):
                table = pa.Table.from_batches([batch])
                if flagged:
                    table = table.filter(pc.greater(pc.list_value_length(table["why"]), 0))
                for row in table.to_pylist():
                    yield flag_from_dict(row)
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


def read_unflagged_ids(path: Path) -> Iterator[str]:
    """Yield the ids of a partition's posts that nothing flagged."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=10_000, columns=["id", "why"]):
            table = pa.Table.from_batches([batch])
            yield from table.filter(pc.equal(pc.list_value_length(table["why"]), 0))["id"].to_pylist()


def count_samples(derived: Path, partition: str, office: str) -> int:
    """How many posts of that day were already taken as `sample` in the hours before the partition."""
    day = partition.split("/")[0]
    total = 0
    for earlier in derived_partitions(derived, f"{day}/00"):
        path = derived_file(derived, earlier) if earlier < partition and earlier.startswith(day) else None
        if path:
            columns = pq.read_table(path, columns=["why", "office"]).to_pylist()
            total += sum("sample" in row["why"] and row["office"] == office for row in columns)
    return total


def earlier_signatures(derived: Path, partition: str, first: str) -> Iterator[Signatures]:
    """The signatures of the partitions in [first, partition), oldest first, one in memory at a time."""
    for path in sorted(derived.glob("*/*/signatures.parquet")):
        if first <= "/".join(path.parts[-3:-1]) < partition:
            signatures = read_signatures(path)
            if signatures is not None:
                yield signatures
