"""Pages of fact-checks that are looked at again weeks later: a checker may take a check back, or change it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.core.files import written_aside

AFTER_DAYS = (7, 30, 90)  # after taking it; a check that stood for so long stays
MAX_PAGES = 3_000  # remembered: what the busiest Indonesian checker writes in 90 days, three times over
PER_RUN = 50  # at one call a second no run takes a minute longer for it


@dataclass
class Taken:
    """A page that was taken: what is needed to say later that it was taken back. `mark` changes with what it says."""

    link: str
    title: str
    published: str
    reviews: list[dict[str, Any]]
    mark: str
    since: str
    looks: int = 0


class Again:
    """The pages of one source, by address, oldest first."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pages = _read(path)

    def take(self, page: Taken) -> None:
        """Remember a page; one that is known keeps the day when it was taken first."""
        known = self._pages.get(page.link)
        if known is not None:
            page.since, page.looks = known.since, known.looks
        self._pages[page.link] = page

    def due(self, now: datetime) -> Iterator[Taken]:
        """The pages whose next look is due, at most PER_RUN; each counts as looked at."""
        found = [page for page in self._pages.values() if _due(page, now)][:PER_RUN]
        for page in found:
            page.looks += 1
            yield page

    def drop(self, link: str) -> None:
        """A page that is gone is not looked at again."""
        self._pages.pop(link, None)

    def save(self) -> None:
        """Write what is still to be looked at."""
        alive = [page for page in self._pages.values() if page.looks < len(AFTER_DAYS)][-MAX_PAGES:]
        with written_aside(self._path) as aside:
            aside.write_text(json.dumps([asdict(page) for page in alive]), encoding="utf-8")


def _due(page: Taken, now: datetime) -> bool:
    if page.looks >= len(AFTER_DAYS):
        return False
    return datetime.fromisoformat(page.since) + timedelta(days=AFTER_DAYS[page.looks]) <= now


def _read(path: Path) -> dict[str, Taken]:
    """What stands in a file of ours; losing it costs only the looks."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    names = {field.name for field in fields(Taken)}
    whole = [row for row in stored if isinstance(row, dict) and row.keys() == names] if isinstance(stored, list) else []
    return {row["link"]: Taken(**row) for row in whole if _is_time(row["since"])}


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False
