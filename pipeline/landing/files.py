"""Writing so that a kill leaves the old file or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ASIDE = ".tmp-"


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """Give a path in `folder` for work that is thrown away."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"{_ASIDE}{secrets.token_hex(6)}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to; on success it is synced and renamed to `path`, else removed."""
    with scratch(path.parent) as aside:
        yield aside
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
        _sync_folder(path.parent)


def remove_leftovers(folder: Path) -> int:
    """Remove what a killed run left aside under `folder`; only to be called by who holds the home's lock."""
    leftovers = list(folder.rglob(f"{_ASIDE}*")) if folder.is_dir() else []
    for path in leftovers:
        path.unlink(missing_ok=True)
    return len(leftovers)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
