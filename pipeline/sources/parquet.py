"""Parquet as a table, row group by row group; odd types come as text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.i18n import _
from pipeline.sources.jsonfiles import flatten
from pipeline.sources.rows import BadRow, Row, Table, column_names, shown, unreadable

MAX_ROW_GROUP = 1_000_000_000  # bytes of one Parquet row group, uncompressed
BATCH = 256


def open_parquet(path: Path) -> Table:
    """Open a Parquet file; raises ConfigError if it is damaged or a row group is too large for the memory."""
    try:
        with pq.ParquetFile(path) as file:
            meta, names = file.metadata, file.schema_arrow.names
            largest = max((meta.row_group(at).total_byte_size for at in range(meta.num_row_groups)), default=0)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise unreadable(path, _("its Parquet footer is damaged")) from error
    if largest > MAX_ROW_GROUP:
        raise unreadable(path, _("a row group is over 1 GB; write it with smaller ones"))
    columns = column_names(list(names), path)
    return Table(shown(path), "parquet", columns, lambda: _parquet_rows(path, columns))


def _parquet_rows(path: Path, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=BATCH):
                cells = [_column(column) for column in batch.columns]
                for values in zip(*cells, strict=True):
                    number += 1
                    yield f"row {number}", flatten(dict(zip(columns, values, strict=True)))
    except (pa.ArrowException, OSError, ValueError) as error:
        yield BadRow(
            f"row {number + 1}", _("damaged ({kind}); nothing after it can be read").format(kind=type(error).__name__)
        )


def _column(column: pa.Array) -> list[object]:
    """Values of one column as JSON values; times that Python cannot hold are written as Arrow writes them."""
    try:
        values = column.to_pylist()
    except (pa.ArrowException, ValueError, OverflowError):
        try:
            values = column.cast(pa.string()).to_pylist()
        except (pa.ArrowException, ValueError):
            return [None] * len(column)
    return [_plain(value) for value in values]


def _plain(value: object) -> object:
    if value is None or isinstance(value, str | int | float | list | dict):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)
