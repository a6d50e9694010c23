"""The inbox: a file that somebody drops there is taken once; `done/` keeps its hash and name, `refused/` the file."""

from __future__ import annotations

import hashlib
import os
import stat
import time
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

DONE, REFUSED = "done", "refused"
SETTLE = 0.5  # seconds: a file that changed just now is looked at again after so long
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".swp", ".lock", "~")
_STARTS = (".", "~$", "~")
_HASH = 16  # hex characters in the names of done/: 64 bits


@dataclass(frozen=True, slots=True)
class Again:
    """A file of which the content was read before: when, or None if another file waits that holds the same."""

    name: str
    when: datetime | None


def pending(inbox: Path, again: list[Again] | None = None) -> list[Path]:
    """The files ready to be taken, by name; each content once, whatever it is called and whenever it comes again.

    Not taken: hidden and temporary files, empty ones, those still being written, folders and links (see `strangers`).
    A file whose content was done before goes to `done/` at once; `again` is given those, to be told.
    """
    for path in _entries(inbox / DONE):
        if _is_plain(path) and path.stat().st_size:
            path.write_bytes(b"")  # a run was killed between moving and emptying it
    files = _settled([path for path in _entries(inbox) if not _unfinished(path.name) and _is_plain(path)])
    known: dict[str, float | None] = dict(_done_when(inbox / DONE))
    ready: list[Path] = []
    for path in files:
        digest = _digest(path)
        if not digest:
            continue  # it went away, or may not be read: it is looked at again next time
        if digest in known:
            when = known[digest]
            _keep_time(done(path), when)
            if again is not None:
                again.append(Again(_clean(path.name), None if when is None else datetime.fromtimestamp(when, UTC)))
        else:
            known[digest] = None
            ready.append(path)
    return ready


def strangers(inbox: Path) -> list[str]:
    """The names of entries that are never taken, because they are links, folders or no files; to be shown."""
    own = {DONE, REFUSED}
    return [_clean(path.name) for path in _entries(inbox) if path.name not in own and not _is_plain(path)]


def done(path: Path) -> Path:
    """Remove a taken file and leave `done/<hash>-<name>`, empty: enough to know it again, and no name of an account.

    What the file held beyond the allow-list must not lie here for longer than it takes to land.
    """
    target = _move(path, DONE)
    target.write_bytes(b"")
    return target


def refuse(path: Path) -> Path:
    """Move a file that cannot be read to `refused/<hash>-<name>`, so that it does not fail again at each run."""
    return _move(path, REFUSED)


def _entries(inbox: Path) -> list[Path]:
    try:
        return sorted(inbox.iterdir(), key=lambda path: path.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigError(_("the inbox cannot be read: {error}").format(error=error.strerror)) from error


def _unfinished(name: str) -> bool:
    return name.startswith(_STARTS) or name.lower().endswith(_UNFINISHED)


def _is_plain(path: Path) -> bool:
    """A regular file of its own: no link, folder, pipe or device."""
    state = _state(path)
    return state is not None and stat.S_ISREG(state.st_mode)


def _state(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except OSError:
        return None


def _settled(paths: list[Path]) -> list[Path]:
    """Those that have content and are not being written: a fresh one must stay the same for a moment."""
    before = {path: state for path in paths if (state := _state(path)) is not None and state.st_size}
    fresh = [path for path, state in before.items() if time.time() - state.st_mtime < 2 * SETTLE]
    if fresh:
        time.sleep(SETTLE)
    for path in fresh:
        state, old = _state(path), before[path]
        if state is None or (state.st_size, state.st_mtime_ns) != (old.st_size, old.st_mtime_ns):
            del before[path]
    return list(before)


def _digest(path: Path) -> str:
    """The hash of the file's content, empty if it cannot be read; never through a link put in its place."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:_HASH]
    except OSError:
        return ""


def _done_when(folder: Path) -> dict[str, float]:
    """The hashes of what was done, each with the time of the first: the file that is left was emptied then."""
    found: dict[str, float] = {}
    for path in _entries(folder):
        state, digest = _state(path), path.name[:_HASH]
        if state is not None:
            found[digest] = min(state.st_mtime, found.get(digest, state.st_mtime))
    return found


def _keep_time(path: Path, when: float | None) -> None:
    """A second file of that content may take the name of the first one's mark: it still says when that was read."""
    if when is not None:
        os.utime(path, (when, when))


def _move(path: Path, folder: str) -> Path:
    digest = _digest(path)
    if not digest and not path.exists():
        return path
    home = path.parent / folder
    target = home / f"{digest or '0' * _HASH}-{_clean(path.name)}"
    try:
        home.mkdir(mode=0o700, exist_ok=True)
        path.replace(target)
    except OSError as error:
        raise ConfigError(
            _("inbox/{name} cannot be moved to {folder}/: {error}").format(
                name=_clean(path.name), folder=folder, error=error.strerror
            )
        ) from error
    return target


def _clean(name: str) -> str:
    """A name of plain letters, digits, dot, dash and underscore, at most 80 characters, its suffix kept."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem, dot, suffix = plain.rpartition(".")
    stem, suffix = (stem, suffix) if dot else (plain, "")
    kept = "".join(char if char.isalnum() or char in "-_." else "_" for char in stem)[:70].strip(".") or "file"
    ending = "".join(char for char in suffix if char.isalnum())[:9]
    return f"{kept}.{ending}" if ending else kept
