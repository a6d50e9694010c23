"""Delimited text (CSV with comma, semicolon, tab or bar): encoding and delimiter are found, bad rows have a place.

A stray quotation mark makes a CSV reader swallow the rows after it. Here such a record is given up at its first line
and reading goes on at the second, so that one broken row costs one row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.sources.rows import MAX_HEADER_AT, BadRow, RestrictedFile, Row, Table, column_names, shown

SAMPLE = 65_536
CHUNK = 1_048_576
MAX_RECORD = 1_048_576  # characters; the csv module itself stops at 131,072 a cell
MAX_RECORD_LINES = 1_000
MAX_RESYNCS = 200  # beyond it a broken record is skipped whole: giving lines back costs quadratic time on hostile files
DELIMITERS = ",;\t|"
ONE_COLUMN = "\x1f"  # the "delimiter" of a file with one column: commas in its texts are text

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_DAMAGE = re.compile("[\ud800-\udfff\ufffd]")
# What Indonesian offices' programs write beside Unicode; a free guess among 90 charsets errs on short texts.
_LEGACY = ["cp1252", "iso8859_15", "mac_roman", "cp850"]
_ESCAPED = re.compile(r'\\"(?![,;|\s]|$)')  # a backslash that ends a cell is only a backslash
_WHATSAPP = re.compile(
    r"[\u200e\u202a\ufeff]*\[?\d{1,4}[/.-]\d{1,2}[/.-]\d{2,4},?\s\d{1,2}[:.]\d{2}([:.]\d{2})?(\s?[ap]\.?m\.?)?"
    r"(\] ?| - )[^:\n]{1,60}: ",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file; `damaged` means that some bytes do not fit, so rows must be looked at."""

    name: str
    damaged: bool = False

    def open(self, path: Path) -> TextIO:
        """The file as text; bytes that do not fit become lone surrogates or U+FFFD."""
        wide = self.name.startswith(("utf-16", "utf-32"))
        return path.open(encoding=self.name, errors="replace" if wide else "surrogateescape", newline="")


def find_encoding(path: Path) -> Encoding:
    """By byte order mark, else UTF-8 if all of it is, else the likeliest of a few old charsets; reads the file once."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(SAMPLE)
        for mark, name in _BOMS:
            if head.startswith(mark):
                return Encoding(name, damaged=True)
        wide = _wide(head)
        if wide:
            return Encoding(wide, damaged=True)
        chunk, sample = head, head
        try:
            while chunk:
                decoder.decode(chunk)
                sample = chunk
                chunk = file.read(CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _not_utf8(head + sample + chunk)
    return Encoding("utf-8")


def _wide(head: bytes) -> str:
    """UTF-16 without its mark: in Latin text every other byte is zero."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if odd > len(head) * 0.2 and even < odd / 10:
        return "utf-16-le"
    if even > len(head) * 0.2 and odd < even / 10:
        return "utf-16-be"
    return ""


def _not_utf8(sample: bytes) -> Encoding:
    """UTF-8 with some damage if most of its many-byte characters are whole, else an old charset."""
    whole = len(_MULTIBYTE.findall(sample))
    broken = sample.decode("utf-8", "replace").count("\ufffd")
    if whole > broken:
        return Encoding("utf-8", damaged=True)
    from charset_normalizer import from_bytes  # loads in a tenth of a second, and few files come here

    lines = b"\n".join(line for line in sample.split(b"\n") if not line.isascii())[:SAMPLE]
    best = from_bytes(lines, cp_isolation=_LEGACY, threshold=0.5).best()
    return Encoding(best.encoding if best else "cp1252", damaged=True)


@dataclass(frozen=True, slots=True)
class _Form:
    """How the file is written: encoding, dialect, and how many records stand above the header."""

    encoding: Encoding
    delimiter: str
    escape: str | None
    above: int


class _Lines:
    """Physical lines with bounds, their number, and the lines of the current record, which can be given back."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._back: deque[str] = deque()
        self._resyncs = 0
        self._size = 0
        self.number = 0
        self.taken: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else self._read()
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._size += len(line)
        if self._size >= MAX_RECORD or len(self.taken) > MAX_RECORD_LINES:
            raise csv.Error(_("the row is too long, or a quotation mark is never closed"))
        return line.replace("\0", "") if "\0" in line else line

    def _read(self) -> str:
        """The next line of the file; of one that is too long the first part, and the rest is passed over."""
        line = part = self._file.readline(MAX_RECORD)
        while len(part) == MAX_RECORD and not part.endswith(("\n", "\r")):
            part = self._file.readline(MAX_RECORD)
        return line

    def start(self) -> int:
        """Begin a record; gives the number of its first line."""
        self.taken.clear()
        self._size = 0
        return self.number + 1

    def give_back(self) -> None:
        """All lines of the record but the first are read again as records of their own."""
        again = self.taken[1:]
        if not again or self._resyncs >= MAX_RESYNCS:
            return
        self._resyncs += 1
        self.number -= len(again)
        self._back.extendleft(reversed(again))


def open_delimited(path: Path) -> Table:
    """Open a CSV; raises RestrictedFile for a WhatsApp chat and ConfigError for an empty or binary file."""
    encoding = find_encoding(path)
    with encoding.open(path) as file:
        sample = file.read(SAMPLE)
    _refuse(path, sample)
    form = _find_form(encoding, sample)
    header = next(islice(_records(path, form), form.above, None), None)
    if header is None or isinstance(header, BadRow):
        raise ConfigError(_("{name}: the first line is no header with column names").format(name=shown(path)))
    columns = column_names(list(header[1]), path)
    return Table(shown(path), "csv", columns, lambda: _rows(path, form, columns))


def _refuse(path: Path, sample: str) -> None:
    if not sample.strip("\0\r\n\t \ufeff"):
        raise ConfigError(_("{name} is empty").format(name=shown(path)))
    odd = sum((char < " " and char not in "\t\r\n\x1b\x0b\x0c") or char == "\ufffd" for char in sample)
    if odd > max(10, len(sample) * 0.05):
        raise ConfigError(
            _("{name} is no text file; accepted are CSV, XLSX, JSON, JSON Lines and Parquet").format(name=shown(path))
        )
    refuse_chat(sample)


def refuse_chat(text: str) -> None:
    """Raise RestrictedFile if a file's beginning is an exported WhatsApp chat."""
    if looks_like_chat(text):
        raise RestrictedFile(
            _("a WhatsApp chat is not public, whoever hands it over; give a single forwarded message through the form")
        )


def looks_like_chat(text: str) -> bool:
    """Whether a text starts as an exported WhatsApp chat does: lines with time, name and colon."""
    lines = [line for line in text[:SAMPLE].splitlines()[:60] if line.strip()]
    chat = sum(_WHATSAPP.match(line) is not None for line in lines)
    return chat >= 3 or bool(chat and chat * 2 >= len(lines))


def _find_form(encoding: Encoding, sample: str) -> _Form:
    """The delimiter under which most records of the sample have one width, of more than one cell."""
    first, _newline, rest = sample.lstrip("\ufeff").partition("\n")
    told = re.fullmatch(r"sep=(.)\r?", first)  # Excel's own hint
    candidates = told[1] if told else DELIMITERS
    lines = list(
        io.StringIO(rest if told else sample, newline="")
    )  # splitlines() knows line ends that files do not have
    escape = "\\" if _ESCAPED.search(sample) and '""' not in sample else None
    header = max(candidates, key=first.count)
    best, delimiter, above = (0.5, 1), header if header in first and not told else ONE_COLUMN, 0
    for candidate in candidates:
        widths = _widths(lines, candidate, escape)
        width, count = Counter(widths).most_common(1)[0] if widths else (1, 0)
        if width > 1 and (count / len(widths), width) > best:
            best, delimiter = (count / len(widths), width), candidate
            above = widths.index(width) if width in widths[:MAX_HEADER_AT] else 0
    return _Form(encoding, delimiter, escape, above + (1 if told else 0))


def _widths(lines: list[str], delimiter: str, escape: str | None) -> list[int]:
    """The widths of the sample's records; the last, maybe cut, is left out."""
    reader = csv.reader(lines, delimiter=delimiter, escapechar=escape, doublequote=escape is None)
    widths: list[int] = []
    with suppress(csv.Error):
        widths.extend(len(row) for row in islice(reader, 500) if any(row))
    return widths[:-1] if len(widths) > 2 else widths


def _records(path: Path, form: _Form) -> Iterator[tuple[int, list[str], _Lines] | BadRow]:
    """Records that are not blank, with the number of their first line."""
    with form.encoding.open(path) as file:
        lines = _Lines(file)
        reader = csv.reader(
            lines, delimiter=form.delimiter, escapechar=form.escape, doublequote=form.escape is None, strict=True
        )
        while True:
            number = lines.start()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                lines.give_back()
                yield BadRow(f"line {number}", str(error))
                continue
            if any(row):
                yield number, row, lines


def _rows(path: Path, form: _Form, columns: tuple[str, ...]) -> Iterator[Row | BadRow]:
    width = len(columns)
    for record in islice(_records(path, form), form.above + 1, None):
        if isinstance(record, BadRow):
            yield record
            continue
        number, row, lines = record
        if len(row) > width and not any(row[width:]):
            del row[width:]
        if len(row) != width:
            lines.give_back()
            yield BadRow(f"line {number}", _("{count} cells, {width} expected").format(count=len(row), width=width))
        elif form.encoding.damaged and any(map(_DAMAGE.search, row)):
            yield BadRow(f"line {number}", _("bytes that are no {encoding} text").format(encoding=form.encoding.name))
        else:
            yield f"line {number}", dict(zip(columns, row, strict=True))
