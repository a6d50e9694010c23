"""XLSX as a table: rows of one sheet as a stream, formulas as the values they had when the file was saved."""

from __future__ import annotations

import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, time
from itertools import islice
from pathlib import Path
from typing import IO, Any

from openpyxl import DEFUSEDXML, load_workbook

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.sources.rows import (
    MAX_HEADER_AT,
    BadRow,
    RestrictedFile,
    Row,
    Table,
    bounded,
    column_names,
    shown,
    unreadable,
    wrong_kind,
)

MAX_UNZIPPED = 400_000_000  # bytes: an XLSX of a million rows has about 250 MB inside
MAX_STRINGS = 120_000_000  # bytes of the table of texts, the one part that has to be in memory
MAX_RECORD = 8_000_000  # bytes of one row or text with all its marks: it is in memory whole, at fifty times its size
MAX_RATIO = 250  # of a part's size to its packed size; worksheets of real exports reach about 30
RATIO_FROM = 5_000_000  # bytes: below it a high ratio does no harm
MAX_PARTS = 5_000
MAX_EMPTY_ROWS = 10_000  # a cell formatted in the last row makes a million empty ones
BATCH = 500  # rows read in one go
_CHUNK = 1_048_576
_RECORD_ENDS = re.compile(rb"</(?:\w{1,20}:)?(?:row|si)\s*>|<(?:\w{1,20}:)?row\b[^<>]*/>")
_UNREAD = ("xl/pivotcache/", "xl/drawings/", "xl/charts/", "xl/comments", "xl/media/", "customxml/")  # may be long


def open_xlsx(path: Path, sheet: str) -> Table:
    """Open the first visible or the named sheet; raises ConfigError or, for a zipped chat, RestrictedFile."""
    check_zip(path)
    above = 0
    header: tuple[object, ...] = ()
    head = list(islice(_sheet_rows(path, sheet), MAX_HEADER_AT))
    widest = max((_filled(row) for _number, row in head), default=0)
    for number, row in head:
        if _filled(row) and _filled(row) >= widest * 0.6 and all(isinstance(cell, str | None) for cell in row):
            above, header = number, row
            break
    if not header:
        raise ConfigError(_("{name}: no row with column names in its first rows").format(name=shown(path)))
    cells = list(header)
    while cells and cells[-1] in (None, ""):
        cells.pop()
    columns = column_names(cells, path)
    size = path.stat().st_size
    return Table(shown(path), "xlsx", columns, lambda: bounded(_xlsx_rows(path, sheet, above, columns), size))


def sheet_names(path: Path) -> tuple[str, ...]:
    """The visible sheets of an XLSX; raises as open_xlsx does."""
    check_zip(path)
    with _opened(path) as book:
        return tuple(page.title for page in book.worksheets if page.sheet_state == "visible")


def check_zip(path: Path) -> None:
    """Refuse archives that are no XLSX, by name, and those that would unpack to far more than they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise unreadable(path, _("its ZIP container is damaged")) from error
    names = [part.filename.lower() for part in parts]
    if any(name.endswith(".txt") and ("chat" in name or "whatsapp" in name) for name in names):
        raise RestrictedFile(_("a WhatsApp chat is not public, whoever hands it over"))
    if "xl/workbook.xml" not in names:
        what = _("a Word document") if "word/document.xml" in names else _("a ZIP archive (unpack it first)")
        raise wrong_kind(path, _("an ODS sheet (save it as .xlsx)") if "content.xml" in names else what)
    size = sum(part.file_size for part in parts)
    bomb = any(part.file_size > max(RATIO_FROM, MAX_RATIO * part.compress_size) for part in parts)
    if any(part.file_size > MAX_STRINGS for part in parts if "sharedstrings" in part.filename.lower()):
        raise unreadable(path, _("it holds over 120 MB of text (save it as CSV)"))
    if len(parts) > MAX_PARTS or size > MAX_UNZIPPED or bomb or not _has_records(path, parts):
        raise unreadable(path, _("it would unpack to far more than its size (a ZIP bomb)"))


def _has_records(path: Path, parts: list[zipfile.ZipInfo]) -> bool:
    """Whether the long parts that are read are rows or texts of bearable length, one after the other."""
    read = [part for part in parts if not part.filename.lower().startswith(_UNREAD)]
    with zipfile.ZipFile(path) as archive:
        for part in read:
            if part.file_size <= MAX_RECORD:
                continue
            try:
                with archive.open(part) as file:
                    if not _short_records(file):
                        return False
            except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
                raise unreadable(path, _("its ZIP container is damaged")) from error
    return True


def _short_records(file: IO[bytes]) -> bool:
    """Whether no stretch between the ends of two rows or texts is too long; comments could hide one, so there are none.

    Also false for UTF-16, which no program writes there.
    """
    open_bytes, tail = 0, b""
    while block := file.read(_CHUNK):
        text = tail + block
        if b"<!--" in text or b"<![CDATA[" in text:
            return False
        last = 0
        for last_end in _RECORD_ENDS.finditer(text):
            last = last_end.end()
        open_bytes = len(block) if last else open_bytes + len(block)
        if open_bytes > MAX_RECORD:
            return False
        tail = text[-200:] if last <= len(text) - 200 else text[last:]
    return True


def _filled(row: tuple[object, ...]) -> int:
    return sum(cell not in (None, "") for cell in row)


def _xlsx_rows(path: Path, sheet: str, above: int, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    width = len(columns)
    number = above
    try:
        for number, row in _sheet_rows(path, sheet):
            if number <= above:
                continue
            if _filled(row[width:]):
                yield BadRow(f"row {number}", _("cells beyond the last column with a name"))
            else:
                yield f"row {number}", {name: _cell(value) for name, value in zip(columns, row, strict=False)}
    except ConfigError as error:
        yield BadRow(f"row {number + 1}", _("{error}; nothing after it can be read").format(error=error))


def _sheet_rows(path: Path, sheet: str) -> Iterator[tuple[int, tuple[object, ...]]]:
    """The numbered rows of a sheet that are not empty; formulas as the values they had when the file was saved."""
    with _opened(path) as book:
        page = _read(path, lambda: _page(book, sheet, path))
        rows = _read(path, lambda: page.iter_rows(values_only=True))
        number = empty = 0
        while batch := _read(path, lambda: list(islice(rows, BATCH))):
            for row in batch:
                number += 1
                empty = 0 if _filled(row) else empty + 1
                if not empty:
                    yield number, row
            if empty > MAX_EMPTY_ROWS:
                return


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The workbook while the block runs; openpyxl itself would leave the file of a damaged one open."""
    with path.open("rb") as file:
        book = _read(path, lambda: _load(file))
        try:
            yield book
        finally:
            book.close()


def _load(file: IO[bytes]) -> Any:
    if not DEFUSEDXML:
        raise ConfigError(_("the package defusedxml is missing; install Kentongan again"))
    return load_workbook(file, read_only=True, data_only=True, keep_links=False)


def _page(book: Any, sheet: str, path: Path) -> Any:
    pages = [page for page in book.worksheets if page.sheet_state == "visible"]
    page = next((page for page in pages if not sheet or page.title.casefold() == sheet.casefold()), None)
    if page is None:
        names = ", ".join(page.title[:40] for page in pages[:20])
        raise ConfigError(
            _('{name} has no sheet "{sheet}"; it has: {names}').format(name=shown(path), sheet=sheet, names=names)
        )
    page.reset_dimensions()  # some tools write a size of "A1"
    return page


def _read(path: Path, action: Callable[[], Any]) -> Any:
    """Run one step of openpyxl, which raises a dozen kinds of errors on damaged files and warns about styles."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return action()
    except ConfigError:
        raise
    except Exception as error:
        raise unreadable(path, _("its worksheet is damaged ({kind})").format(kind=type(error).__name__)) from error


def _cell(value: object) -> object:
    """A cell as a JSON value; numbers of 16 digits and more have lost their last ones, so they are no ids any more."""
    if isinstance(value, datetime) and value.time() == time.min:
        return value.date().isoformat()  # a spreadsheet's day is the midnight it starts with
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return int(value) if abs(value) < 1e15 else None
    return value if isinstance(value, str | int | float | None) else str(value)
