"""JSON Lines, one JSON array, and JSON documents that hold a list of posts, read piece by piece.

Only one element is in memory at a time: a document is scanned key by key down to its list, never parsed whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TextIO

from pipeline.core.i18n import _
from pipeline.sources.delimited import Encoding, find_encoding
from pipeline.sources.rows import MAX_COLUMNS, BadRow, RestrictedFile, Row, Table, plain_name, shown, unreadable

MAX_ITEM = 8_388_608  # characters of one line or element: a page of 500 posts of the X API has about 2 million
CHUNK = 65_536
MAX_DEPTH = 6
MAX_KEY = 200  # characters of a flattened key: a long one above many others would stand in memory as often as they are
PEEK = 200  # rows whose keys become the table's columns
LISTS = frozenset({"data", "items", "messages", "posts", "tweets", "results", "comments"})
ACCOUNT_EXPORT = frozenset({"personal_information", "chats", "left_chats", "contacts", "frequent_contacts", "sessions"})
_DAMAGE = re.compile("[\udc80-\udcff\ufffd]")
_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class _Broken(Exception):
    """The rest of the document cannot be read."""


def open_json(path: Path) -> Table:
    """Open a file that starts with a bracket; raises ConfigError if no element of it can be read."""
    encoding = find_encoding(path)
    kind = "jsonl" if path.suffix.lower() in {".jsonl", ".ndjson"} or _by_line(path, encoding) else "json"
    meta: dict[str, str] = {}

    def rows() -> Iterator[Row | BadRow]:
        return _lines(path, encoding) if kind == "jsonl" else _elements(path, encoding, meta)

    return Table(shown(path), kind, _columns(path, rows()), rows, meta)


def _columns(path: Path, rows: Iterator[Row | BadRow]) -> tuple[str, ...]:
    """The keys of the first rows; raises ConfigError if none of these can be read."""
    columns: dict[str, None] = {}
    problem, readable = "", False
    for row in islice(rows, PEEK):
        if isinstance(row, BadRow):
            problem = problem or row.reason
            continue
        readable = True
        columns.update(dict.fromkeys(islice(row[1], MAX_COLUMNS)))
        if len(columns) > MAX_COLUMNS:
            break
    if problem and not readable:
        raise unreadable(path, problem)
    return tuple(columns)[:MAX_COLUMNS]


def _by_line(path: Path, encoding: Encoding) -> bool:
    """Whether lines are whole objects of their own, two or more of them."""
    with encoding.open(path) as file:
        lines = [file.readline(MAX_ITEM) for _number in range(5)]
    return sum(isinstance(_parsed(line), dict) for line in lines) >= 2


def _parsed(line: str) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _lines(path: Path, encoding: Encoding) -> Iterator[Row | BadRow]:
    """One object a line, or a page of objects (`data`, `items`) a line."""
    with encoding.open(path) as file:
        number = 0
        while line := file.readline(MAX_ITEM):
            number += 1
            place = f"line {number}"
            if len(line) == MAX_ITEM and not line.endswith("\n"):
                _skip_line(file)
                yield BadRow(place, _("the line is too long"))
                continue
            if line.isspace():
                continue
            if encoding.damaged and _DAMAGE.search(line):
                yield BadRow(place, _("bytes that are no {encoding} text").format(encoding=encoding.name))
                continue
            try:
                value = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield BadRow(place, _("no JSON: {error}").format(error=_short(error)))
                continue
            yield from _unwrapped(place, value)


def _skip_line(file: TextIO) -> None:
    rest = file.readline(MAX_ITEM)
    while len(rest) == MAX_ITEM and not rest.endswith("\n"):
        rest = file.readline(MAX_ITEM)


def _short(error: Exception) -> str:
    """A JSON error without the document that some of them carry."""
    return error.msg.removesuffix(" at") if isinstance(error, json.JSONDecodeError) else type(error).__name__


def _unwrapped(place: str, value: object) -> Iterator[Row | BadRow]:
    """The object itself, or those of the page that it is."""
    if not isinstance(value, dict):
        yield BadRow(place, _("no JSON object"))
        return
    page = next((value[key] for key in ("data", "items") if isinstance(value.get(key), list)), None)
    if page is None:
        inner = value.get("data")
        yield place, flatten(inner if isinstance(inner, dict) and len(value) <= 4 else value)
        return
    for number, item in enumerate(page, start=1):
        if isinstance(item, dict):
            yield f"{place} item {number}", flatten(item)
        else:
            yield BadRow(f"{place} item {number}", _("no JSON object"))


def flatten(value: dict[str, object], prefix: str = "", depth: int = 0) -> dict[str, object]:
    """Nested objects as "a.b" keys, cut to MAX_KEY; lists stay values; what is deeper than MAX_DEPTH is left out."""
    if depth == 0 and not any(isinstance(cell, dict) for cell in value.values()):
        return value
    flat: dict[str, object] = {}
    for key, cell in value.items():
        name = (prefix + key)[:MAX_KEY]
        if isinstance(cell, dict):
            if depth < MAX_DEPTH:
                flat.update(flatten(cell, f"{name}.", depth + 1))
        else:
            flat[name] = cell
    return flat


class _Scanner:
    """Reads JSON values one after the other from a stream, keeping one in memory."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._text = ""
        self._at = 0
        self._ended = False

    def _more(self) -> None:
        """At least double what is kept, so that a long value is tried few times."""
        kept = self._text[self._at :]
        if len(kept) > MAX_ITEM:
            raise _Broken(_("one element is too long"))
        added = self._file.read(max(CHUNK, len(kept)))
        self._ended = not added
        self._text, self._at = kept + added, 0

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def take(self, expected: str) -> bool:
        """Pass over that character if it is next."""
        if self.peek() != expected:
            return False
        self._at += 1
        return True

    def need(self, expected: str) -> None:
        """Pass over that character, which must be next."""
        if not self.take(expected):
            raise _Broken(_('"{char}" expected').format(char=expected))

    def value(self) -> object:
        """The next whole value."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended or isinstance(error, RecursionError):
                    raise _Broken(_("no JSON: {error}").format(error=_short(error))) from error
            else:
                if end < len(self._text) or self._ended:
                    self._at = end
                    return value
            self._more()


def _elements(path: Path, encoding: Encoding, meta: dict[str, str]) -> Iterator[Row | BadRow]:
    """The elements of an array, or of the list in a document, or the document itself."""
    number = 0
    with encoding.open(path) as file:
        scanner = _Scanner(file)
        try:
            while scanner.peek():
                values = _array(scanner) if scanner.peek() == "[" else _document(scanner, meta)
                for value in values:
                    number += 1
                    if not isinstance(value, dict):
                        yield BadRow(f"item {number}", _("no JSON object"))
                    elif encoding.damaged and _DAMAGE.search(json.dumps(value, ensure_ascii=False)):
                        yield BadRow(f"item {number}", _("bytes that are no text"))
                    else:
                        yield f"item {number}", flatten(value)
        except _Broken as error:
            yield BadRow(f"item {number + 1}", _("{error}; nothing after it can be read").format(error=error))


def _array(scanner: _Scanner) -> Iterator[object]:
    scanner.need("[")
    if scanner.take("]"):
        return
    while True:
        yield scanner.value()
        if scanner.take("]"):
            return
        scanner.need(",")


def _document(scanner: _Scanner, meta: dict[str, str]) -> Iterator[object]:
    """The elements of the lists of posts in it; without such a list the document is one element."""
    scanner.need("{")
    whole: dict[str, object] = {}
    listed = False
    while not scanner.take("}"):
        key = scanner.value()
        scanner.need(":")
        if key in ACCOUNT_EXPORT:
            raise RestrictedFile(_("an export of a whole account holds private chats; export one public channel"))
        if key in LISTS and scanner.peek() == "[":
            listed = True
            yield from _array(scanner)
        else:
            whole[str(key)] = value = scanner.value()
            if isinstance(value, str | int) and len(meta) < 50:
                meta[plain_name(key)] = str(value)[:200]
        if not scanner.take(","):
            scanner.need("}")
            break
    if not listed:
        yield whole
