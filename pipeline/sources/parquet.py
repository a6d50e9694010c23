"""Parquet as a table, row group by row group; odd types come as text.

A Parquet file may hold a long text once and name it a million times, so what a batch takes in memory is bounded here:
plain text columns are read as dictionaries, few rows at a time where that cannot be, and lists not at all.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.i18n import _
from pipeline.sources.jsonfiles import flatten
from pipeline.sources.rows import BadRow, Row, Table, bounded, column_names, shown, unreadable

MAX_ROW_GROUP = 1_000_000_000  # bytes of one Parquet row group, uncompressed
MAX_BATCH = 64_000_000  # bytes of the texts of one column and batch where each row may name the longest one
BATCH = 256
_LIST: list[object] = []  # the value of every cell with a list: there is something, and it is no text
_DAMAGE = (pa.ArrowException, OSError, ValueError, LookupError, RecursionError)  # LookupError: an unknown time zone


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which columns are read (name and place), by which paths, as what, how many rows at a time; `lists` are not."""

    read: tuple[tuple[str, int], ...]
    paths: tuple[str, ...]
    lists: tuple[tuple[int, str], ...]
    dictionaries: tuple[str, ...]
    batch: int


def open_parquet(path: Path) -> Table:
    """Open a Parquet file; raises ConfigError if it is damaged or a row group is too large for the memory."""
    try:
        with pq.ParquetFile(path) as file:
            meta, names = file.metadata, file.schema_arrow.names
            largest = max((meta.row_group(at).total_byte_size for at in range(meta.num_row_groups)), default=0)
            plan = _planned(file)
    except _DAMAGE as error:
        raise unreadable(path, _("its Parquet footer is damaged")) from error
    if largest > MAX_ROW_GROUP:
        raise unreadable(path, _("a row group is over 1 GB; write it with smaller ones"))
    columns = column_names(list(names), path)
    return Table(
        shown(path), "parquet", columns, lambda: bounded(_parquet_rows(path, columns, plan), path.stat().st_size)
    )


def _planned(file: pq.ParquetFile) -> _Plan:
    schema = file.schema_arrow
    named = Counter(schema.names)
    read: dict[int, str] = {}
    paths: list[str] = []
    lists: list[tuple[int, str]] = []
    dictionaries: list[str] = []
    number, longest = 0, 1
    for at, field in enumerate(schema):
        for tail, kind, listed in _leaves(field.type):
            if listed:
                lists.append((at, tail))
            else:
                read[at] = field.name
                paths.append(field.name + tail)
                if not tail and _is_text(kind) and named[field.name] == 1:
                    dictionaries.append(field.name)
                else:
                    longest = max(longest, _longest(file, number))
            number += 1
    batch = max(1, min(BATCH, MAX_BATCH // longest))
    return _Plan(
        tuple((name, at) for at, name in read.items()),
        tuple(dict.fromkeys(paths)),
        tuple(lists),
        tuple(dictionaries),
        batch,
    )


def _leaves(kind: pa.DataType, tail: str = "", listed: bool = False) -> Iterator[tuple[str, pa.DataType, bool]]:
    """The columns of the file that a column of the table is made of: ".b.c", its type, whether it stands in a list."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    for at in range(kind.num_fields):
        child = kind.field(at)
        if pa.types.is_struct(kind):
            yield from _leaves(child.type, f"{tail}.{child.name}", listed)
        else:
            yield from _leaves(child.type, tail, True)
    if not kind.num_fields:
        yield tail, kind, listed


def _is_text(kind: pa.DataType) -> bool:
    types = pa.types
    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind))


def _longest(file: pq.ParquetFile, leaf: int) -> int:
    """No value of this column of the file can be longer, in bytes."""
    column = file.schema.column(leaf)
    if column.physical_type == "FIXED_LEN_BYTE_ARRAY":
        return int(column.length)
    if column.physical_type != "BYTE_ARRAY":
        return 16
    groups = (file.metadata.row_group(at).column(leaf) for at in range(file.metadata.num_row_groups))
    return max((int(chunk.total_uncompressed_size) for chunk in groups), default=0)


def _parquet_rows(path: Path, columns: tuple[str, ...], plan: _Plan) -> Iterator[Row | BadRow]:
    number = 0
    lists = {columns[at] + tail: _LIST for at, tail in plan.lists}
    try:
        with pq.ParquetFile(path, read_dictionary=list(plan.dictionaries)) as file:
            for batch in file.iter_batches(batch_size=plan.batch, columns=list(plan.paths)):
                names = _in_order(batch.schema.names, columns, plan)
                cells = [_column(column) for column in batch.columns]
                for values in zip(*cells, strict=True):
                    number += 1
                    row = flatten(dict(zip(names, values, strict=True)))
                    yield f"row {number}", {name: _plain(value) for name, value in row.items()} | lists
    except _DAMAGE as error:
        yield BadRow(
            f"row {number + 1}", _("damaged ({kind}); nothing after it can be read").format(kind=type(error).__name__)
        )


def _in_order(given: list[str], columns: tuple[str, ...], plan: _Plan) -> list[str]:
    """Our names of a batch's columns, which Arrow gives in an order of its own where two are called the same."""
    waiting = {name: deque(columns[at] for own, at in plan.read if own == name) for name in set(given)}
    return [waiting[name].popleft() for name in given]


def _column(column: pa.Array) -> list[object]:
    """Values of one column; of a dictionary only those that are used, each once."""
    if not isinstance(column, pa.DictionaryArray):
        return _values(column)
    used = column.indices.unique().drop_null()
    texts = dict(zip(used.to_pylist(), _values(column.dictionary.take(used)), strict=True))
    return [texts.get(at) for at in column.indices.to_pylist()]


def _values(column: pa.Array) -> list[object]:
    """Values as Python has them; those that it cannot hold as Arrow writes them; text that is none as U+FFFD."""
    kind = column.type
    if pa.types.is_struct(kind):
        inner = [_values(child) for child in column.flatten()]
        names = [kind.field(at).name for at in range(kind.num_fields)]
        return [dict(zip(names, values, strict=True)) for values in zip(*inner, strict=True)]
    try:
        if pa.types.is_timestamp(kind) and kind.tz is not None:
            column = column.cast(pa.timestamp(kind.unit, "UTC"))  # the same moments; a file may name any zone
        return list(column.to_pylist())
    except (pa.ArrowException, ValueError, OverflowError, KeyError):
        pass
    try:
        kind = pa.binary() if _is_text(column.type) else pa.string()
        return [_plain(value) for value in column.cast(kind).to_pylist()]
    except (pa.ArrowException, ValueError):
        return [None] * len(column)


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | float | list | dict):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)
