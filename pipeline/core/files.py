"""Writing so that a kill leaves the old file or the new one, never half of one, and a full disk says which file."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

_ASIDE = ".tmp-"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give an empty file in `folder` for work that is thrown away; it is locked for as long as it is worked on."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path, descriptor = _locked_file(folder)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; on success it is synced and renamed to `path`, else removed."""
    try:
        with scratch(path.parent) as aside:
            yield aside
            with aside.open("rb") as file:
                os.fsync(file.fileno())
            try:
                aside.replace(path)
            except IsADirectoryError as error:
                raise folder_in_place_of(path) from error
            _sync_folder(path.parent)
    except OSError as error:
        if error.filename is None:  # a write does not say to which file
            error.filename = str(path)
        raise


def folder_in_place_of(path: Path) -> ConfigError:
    """What to say where somebody made a folder of a file's name; only he knows what he put there."""
    return ConfigError(
        _("{path} is a folder, and a file of this name is to be written; move the folder away, then run again")
        .format(path=path)
    )  # fmt: skip


def remove_leftovers(folder: Path) -> int:
    """Remove what killed runs left aside under `folder`; what a living one is at work on is locked and stays."""
    leftovers = list(folder.rglob(f"{_ASIDE}*")) if folder.is_dir() else []
    return sum(map(_remove_if_dead, leftovers))


def _locked_file(folder: Path) -> tuple[Path, int]:
    while True:
        path = folder / f"{_ASIDE}{secrets.token_hex(6)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():  # else it was taken for a leftover in the moment before it was locked
            return path, descriptor
        os.close(descriptor)


def _remove_if_dead(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
