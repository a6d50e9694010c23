"""What every file reader gives: rows by column name, bad rows with their place, and the errors of a whole file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.core.errors import ConfigError, ItemError
from pipeline.core.i18n import _

Row = tuple[str, dict[str, object]]
"""Where a row stands in its file ("line 12"), and its cells by column; nested objects are flattened to "a.b"."""

MAX_COLUMNS = 2_000
MAX_NAME = 80
MAX_EXPANDED = 400_000_000  # characters that the rows of a packed file may come to, or if it is large ...
MAX_TIMES = 100  # ... so many times its size
ROW_SIZE = 50  # what a row counts for in that, however little is in it
MAX_HEADER_AT = 20  # listening tools write up to a dozen lines about the query above the header


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be read, and why."""

    place: str
    reason: str


class RestrictedFile(ItemError):
    """A file of something that is not public: refused whole, nothing of it is read further."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file opened as rows; `rows()` starts again from the first one at each call.

    `meta` holds what the file says about itself beside the rows (the `type` of a Telegram chat).
    """

    name: str
    kind: str
    columns: tuple[str, ...]
    rows: Callable[[], Iterator[Row | BadRow]]
    meta: Mapping[str, str] = field(default_factory=dict)


def shown(path: Path) -> str:
    """The file's name as it may stand in a message: no folders, no control characters."""
    return plain_name(path.name) or "?"


def plain_name(name: object) -> str:
    """A column's or file's name without control characters, of bounded length."""
    text = " ".join(str(name).split())
    return "".join(char for char in text if char.isprintable())[:MAX_NAME]


def unreadable(path: Path, problem: str) -> ConfigError:
    """The error of a file that is of a known kind but broken."""
    return ConfigError(
        _("{name} cannot be read: {problem}; export it again and take the new file").format(
            name=shown(path), problem=problem
        )
    )


def wrong_kind(path: Path, what: str) -> ConfigError:
    """The error of a file of another kind; `what` names it and says what to do with it."""
    return ConfigError(
        _("{name} is {what}; accepted are CSV, XLSX, JSON, JSON Lines and Parquet").format(
            name=shown(path), what=_(what)
        )
    )


def column_names(cells: list[object], path: Path) -> tuple[str, ...]:
    """Names for a header's cells: unnamed ones get a number, doubled ones too."""
    if len(cells) > MAX_COLUMNS:
        raise unreadable(path, _("it has {count} columns").format(count=len(cells)))
    names: list[str] = []
    seen: set[str] = set()
    for number, cell in enumerate(cells, start=1):
        name = plain_name("" if cell is None else cell) or f"column {number}"
        while name in seen:
            name = f"{name} ({number})"
        seen.add(name)
        names.append(name)
    return tuple(names)


def bounded(rows: Iterator[Row | BadRow], packed: int) -> Iterator[Row | BadRow]:
    """The rows of a packed file of that many bytes, until they come to far more than any real file holds.

    One text that a file holds once can be the cell of a million rows: to read them all would take days.
    """
    left = max(MAX_EXPANDED, MAX_TIMES * packed)
    for row in rows:
        if not isinstance(row, BadRow):
            left -= ROW_SIZE + sum(len(cell) for cell in row[1].values() if isinstance(cell, str))
            if left < 0:
                yield BadRow(row[0], _("the file would unpack to far more than its size; nothing after it can be read"))
                return
        yield row
