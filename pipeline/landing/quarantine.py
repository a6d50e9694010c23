"""Items that could not be used, each with its step, source, place, reason and time; nothing else is lost for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from pipeline.core.types import Quarantined
from pipeline.landing.files import written_aside


def write_quarantine(folder: Path, partition: str, step: str, items: Iterable[Quarantined], *, name: str = "") -> Path:
    """Write `<partition>/<step>.jsonl` whole (none: removed), or add a file of its own if `name` is given.

    Steps that can run again write theirs whole; an ingest, which cannot, adds one per distinct content.
    """
    lines = [json.dumps(asdict(item) | {"at": item.at.isoformat()}, sort_keys=True) + "\n" for item in items]
    digest = sha256("".join(json.dumps([item.place, item.reason]) for item in items).encode()).hexdigest()[:16]
    path = folder / partition / (f"{step}-{name}-{digest}.jsonl" if name else f"{step}.jsonl")
    if not lines:
        path.unlink(missing_ok=True)
        return path
    with written_aside(path) as aside:
        aside.write_text("".join(lines), encoding="utf-8")
    return path


def read_quarantine(folder: Path, since: str = "") -> Iterator[Quarantined]:
    """Yield what stands in quarantine from partition `since` on, in order; lines that are damaged are passed over."""
    for path in sorted(folder.glob("*/*/*.jsonl")):
        if "/".join(path.parts[-3:-1]) < since:
            continue
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                values = json.loads(line)
                yield Quarantined(**values | {"at": datetime.fromisoformat(values["at"])})
            except (ValueError, TypeError, KeyError):
                continue
