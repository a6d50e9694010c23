"""Open a file of posts, whatever tool wrote it: what it is is told by its content, its rows are read as a stream.

The kinds are in `delimited`, `jsonfiles`, `xlsx` and `parquet`; the last two are loaded when such a file comes, since
openpyxl and pyarrow take half a second. Everything else is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.sources.delimited import open_delimited, refuse_chat
from pipeline.sources.jsonfiles import open_json
from pipeline.sources.rows import Table, shown, unreadable, wrong_kind


def open_table(path: Path, *, sheet: str = "") -> Table:
    """Open CSV, XLSX (its first visible or the named sheet), JSON Lines, JSON or Parquet as a table.

    Raises ConfigError (missing, empty, broken or another kind of file: names it and says what is accepted)
    or RestrictedFile (a chat that is not public).
    """
    head = _head(path)
    if head.startswith(b"PK"):
        from pipeline.sources.xlsx import open_xlsx

        return open_xlsx(path, sheet)
    if head.startswith(b"PAR1"):
        from pipeline.sources.parquet import open_parquet

        return open_parquet(path)
    other = _other_kind(head)
    if other:
        raise wrong_kind(path, other)
    refuse_chat(head.replace(b"\0", b"").decode("utf-8", "replace"))  # those of iOS start with a bracket, as JSON does
    if _start(head)[:1] in (b"{", b"[") or path.suffix.lower() in {".jsonl", ".ndjson", ".json"}:
        return _guarded(path, lambda: open_json(path))
    return _guarded(path, lambda: open_delimited(path))


def _start(head: bytes) -> bytes:
    return head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n")[:64].lower()


def _other_kind(head: bytes) -> str:
    """What a file of a known other kind is, and what to do with it; empty for text."""
    if _start(head).startswith((b"<!doctype", b"<html", b"<?xml", b"<rss", b"<feed")):
        return _("HTML or XML (export a Telegram channel as JSON; of a feed give the address)")
    kinds = {
        b"\xd0\xcf\x11\xe0": _("an old Excel or Word file (save it as .xlsx)"),
        b"%PDF": _("a PDF"),
        b"\x1f\x8b": _("compressed (unpack it first)"),
        b"7z\xbc\xaf": _("compressed (unpack it first)"),
        b"Rar!": _("compressed (unpack it first)"),
        b"\x28\xb5\x2f\xfd": _("compressed (unpack it first)"),
        b"SQLite format 3": _("a database"),
        b"\x89PNG": _("a picture"),
        b"\xff\xd8\xff": _("a picture"),
        b"GIF8": _("a picture"),
    }
    return next((what for magic, what in kinds.items() if head.startswith(magic)), "")


def _head(path: Path) -> bytes:
    """The first bytes of a regular file that is not empty."""
    try:
        if not path.is_file():
            problem = _("it is no file") if path.exists() else _("there is no such file")
            raise ConfigError(
                _("{name}: {problem}; give the path of an export").format(name=shown(path), problem=problem)
            )
        with path.open("rb") as file:
            head = file.read(4096)
    except (OSError, ValueError) as error:
        raise ConfigError(
            _("{name} cannot be opened: {error}").format(name=shown(path), error=_cause(error))
        ) from error
    if not head:
        raise ConfigError(_("{name} is empty").format(name=shown(path)))
    return head


def _cause(error: Exception) -> str:
    """An error in words without the machine's paths."""
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__


def _guarded(path: Path, opener: Callable[[], Table]) -> Table:
    """A file that vanishes or a disk that fails while it is opened is our error too."""
    try:
        return opener()
    except OSError as error:
        raise unreadable(path, _cause(error)) from error


def sheet_names(path: Path) -> tuple[str, ...]:
    """The visible sheets of an XLSX, nothing for another kind of file; raises as open_table does."""
    if not _head(path).startswith(b"PK"):
        return ()
    from pipeline.sources import xlsx

    return xlsx.sheet_names(path)
