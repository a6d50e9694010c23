"""Tables for people as CSV and XLSX, in which nothing that came from outside can become a formula."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.writer.excel import ExcelWriter

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

MAX_CELL = 32_767  # UTF-16 units: what a spreadsheet takes into one cell
MAX_ROWS = 1_048_576
MAX_FLOAT = 1e300  # about; also false for what is no number
MAX_EXACT = 10**15  # a spreadsheet keeps 15 digits of a number; a longer one stays whole as text
_MAX_NAME = 31
_WIDTHS = (8, 60)
_LOOKED_AT = 200  # rows that decide how wide a column is
_STAMP = datetime(2026, 1, 1)  # noqa: DTZ001  # a fixed time without zone, which the format asks for

_REFUSED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # no XML 1.0 characters
_NO_NAME = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# What a formula begins with, and what looks like it (full width, small, raised), which some programs take for it.
_FORMULA = "=+\\-@＝＋－＠﹦﹢﹣﹫⁺⁻⁼₊₋₌﬩⩵⩶−"
_UNSEEN = "\"' \x7f-\xa0\xad\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2069\u3000\ufeff"
# A cell begins at the start, and after what a spreadsheet set to another list separator takes for the end of one.
_CELL_START = re.compile(f"(^|[;\t\n])(?=[{_UNSEEN}]*[{_FORMULA}])")

Number = int | float


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with its title; `notes` stand under it in a workbook. Every row has one value a column."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise AssertionError(f"{self.title}: {len(row)} values for {len(self.columns)} columns")


def to_csv(sheet: Sheet) -> bytes:
    """The heading and rows as RFC 4180: commas, CRLF, UTF-8 with a byte order mark, which spreadsheets need.

    Text that could be read as a formula gets an apostrophe, also behind a semicolon, tab or line end inside a cell:
    where semicolons part lists (as in Indonesia) a spreadsheet splits there. Notes are left out: a CSV is one table.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    for row in (sheet.columns, *sheet.rows):
        writer.writerow([_csv_value(value) for value in row])
    return b"\xef\xbb\xbf" + buffer.getvalue().encode("utf-8")


def to_xlsx(*sheets: Sheet) -> bytes:
    """The tables as one workbook, a page each; the same tables give the same bytes. Raises ConfigError if too long."""
    if not sheets:
        raise AssertionError("a workbook needs a sheet")
    book = Workbook(write_only=True)
    book.properties.creator = "Kentongan"
    book.properties.created = book.properties.modified = _STAMP
    for sheet, name in zip(sheets, _names(sheet.title for sheet in sheets), strict=True):
        _fill(book, sheet, name)
    buffer = io.BytesIO()
    # Not book.save(): it writes the present time into the file.
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).write_data()
    return _undated(buffer)


def _fill(book: Workbook, sheet: Sheet, name: str) -> None:
    size = 1 + len(sheet.rows) + (len(sheet.notes) + 1 if sheet.notes else 0)
    if size > MAX_ROWS:
        raise ConfigError(
            _('"{title}" has {count} rows, more than a workbook takes; narrow the period or use CSV').format(
                title=sheet.title, count=len(sheet.rows)
            )
        )
    page = book.create_sheet(name)
    page.freeze_panes = "A2"
    page.print_title_rows = "1:1"
    for number, width in enumerate(_column_widths(sheet), start=1):
        page.column_dimensions[get_column_letter(number)].width = width
    bold, top = Font(bold=True), Alignment(vertical="top", wrap_text=True)
    page.append([_cell(page, title, font=bold, alignment=top) for title in sheet.columns])
    for row in sheet.rows:
        page.append([_cell(page, value, alignment=top) for value in row])
    if sheet.notes:
        italic = Font(italic=True)
        page.append([])
        for note in sheet.notes:
            page.append([_cell(page, note, font=italic)])


def _cell(page: Any, value: object, *, font: Font | None = None, alignment: Alignment | None = None) -> Cell:
    plain = _value(value)
    cell = WriteOnlyCell(page, None if plain == "" else plain)
    if isinstance(plain, str) and plain:
        # openpyxl takes "=1" for a formula and "#N/A" for an error; quotePrefix keeps it text when somebody edits it.
        cell.data_type = "s"
        cell.quotePrefix = _guarded(plain) != plain
    if font:
        cell.font = font
    if alignment:
        cell.alignment = alignment
    return cell


def _value(value: object) -> str | Number:
    """What a cell holds: a number that a spreadsheet can keep, or text that it takes."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < MAX_EXACT:
        return value
    if isinstance(value, float) and abs(value) < MAX_FLOAT:
        return value
    if isinstance(value, datetime):
        return value.isoformat(" ", "minutes")[:16]  # in the zone it carries: a spreadsheet knows none
    return "" if value is None else _text(str(value))


def _text(text: str) -> str:
    text = _REFUSED.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _cut(text, MAX_CELL)


def _csv_value(value: object) -> str:
    plain = _value(value)
    if isinstance(plain, bool):
        return str(plain).upper()
    return _cut(_guarded(plain), MAX_CELL) if isinstance(plain, str) else str(plain)


def _guarded(text: str) -> str:
    """The text with an apostrophe at each place where a cell with a formula could begin."""
    guarded = _CELL_START.sub(r"\1'", text)
    return "'" + guarded if guarded.startswith(("\t", "\n")) else guarded


def _cut(text: str, limit: int) -> str:
    """The text with at most `limit` UTF-16 units, which is how spreadsheets count."""
    if len(text) <= limit and (len(text) * 2 <= limit or len(text.encode("utf-16-le")) <= limit * 2):
        return text
    return text.encode("utf-16-le")[: limit * 2].decode("utf-16-le", "ignore")


def _names(titles: Iterable[str]) -> Iterator[str]:
    """A legal page name for each title, all distinct (a spreadsheet does not tell upper case from lower)."""
    taken = {"history"}  # reserved by Excel
    for title in titles:
        plain = " ".join(_NO_NAME.sub(" ", _text(title)).split())
        name = plain = _cut(plain, _MAX_NAME).strip(" '") or "1"
        number = 1
        while name.casefold() in taken:
            number += 1
            tail = f" {number}"
            name = _cut(plain, _MAX_NAME - len(tail)).rstrip() + tail
        taken.add(name.casefold())
        yield name


def _column_widths(sheet: Sheet) -> Iterator[int]:
    low, high = _WIDTHS
    for number, title in enumerate(sheet.columns):
        texts = [title, *(str(_value(row[number])) for row in sheet.rows[:_LOOKED_AT])]
        longest = max(len(line) for text in texts for line in text.split("\n"))
        yield min(high, max(low, longest + 2))


def _undated(archive: io.BytesIO) -> bytes:
    """The archive again without the times of its members."""
    out = io.BytesIO()
    with ZipFile(archive) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(ZipInfo(name), old.read(name), ZIP_DEFLATED)
    return out.getvalue()
