"""Items that could not be used, each with its step, source, place, reason and time; nothing else is lost for them.

They are written as they come: a feed of nothing but rubbish must not fill the memory.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO

from pipeline.core.files import scratch, written_aside
from pipeline.core.types import Quarantined

_SHOWN = 3


class Quarantine:
    """Takes the items of one step; `shown` holds the first few, for a person to see at once, `path` says in the end
    where they stand.
    """

    def __init__(self, spool: Callable[[], IO[str]] | None) -> None:
        """`spool` opens the file that they go to, once there is one; None: they are only counted."""
        self._open = spool
        self._digest = sha256()
        self.file: IO[str] | None = None
        self.path = Path()
        self.count = 0
        self.shown: list[Quarantined] = []

    @property
    def digest(self) -> str:
        """Tells contents apart, whenever they came."""
        return self._digest.hexdigest()[:16]

    def add(self, item: Quarantined) -> None:
        """Take one item."""
        self.count += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(item)
        if self._open is None:
            return
        if self.file is None:
            self.file = self._open()
        self._digest.update(json.dumps([item.place, item.reason]).encode())
        line = json.dumps(asdict(item) | {"at": item.at.isoformat()}, sort_keys=True) + "\n"
        try:
            self.file.write(line)
        except OSError as error:  # a write does not say to which file
            error.filename = self.file.name
            raise


@contextmanager
def quarantine(
    folder: Path, partition: str, step: str, *, name: str = "", dry_run: bool = False
) -> Iterator[Quarantine]:
    """Take items, then write `<partition>/<step>.jsonl` whole (none: removed), or add a file of its own if `name` is
    given.

    Steps that can run again write theirs whole; an ingest, which cannot, adds one per distinct content. After an error
    nothing is written.
    """
    with ExitStack() as stack:

        def spool() -> IO[str]:
            aside = stack.enter_context(scratch(folder / partition))
            return stack.enter_context(aside.open("w", encoding="utf-8"))

        taken = Quarantine(None if dry_run else spool)
        yield taken
        taken.path = path = folder / partition / (f"{step}-{name}-{taken.digest}.jsonl" if name else f"{step}.jsonl")
        if taken.file is not None:
            with written_aside(path) as aside:
                taken.file.flush()
                shutil.copyfile(taken.file.name, aside)
        elif not dry_run and not name:
            path.unlink(missing_ok=True)


def write_quarantine(folder: Path, partition: str, step: str, items: Iterable[Quarantined], *, name: str = "") -> Path:
    """Write all items of a step at once; returns where they stand."""
    with quarantine(folder, partition, step, name=name) as taken:
        for item in items:
            taken.add(item)
    return taken.path


def read_quarantine(folder: Path, since: str = "") -> Iterator[Quarantined]:
    """Yield what stands in quarantine from partition `since` on, in order; lines that are damaged are passed over."""
    for path in sorted(folder.glob("*/*/*.jsonl")):
        if "/".join(path.parts[-3:-1]) < since:
            continue
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    values = json.loads(line)
                    yield Quarantined(**values | {"at": datetime.fromisoformat(values["at"])})
                except (ValueError, TypeError, KeyError):
                    continue
