"""One source's items into landing, in parts; what was erased does not land again, what is of no use is told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import structlog

from pipeline.core.batches import batched
from pipeline.core.config import SourceSettings
from pipeline.core.errors import ItemError
from pipeline.core.ports import Source
from pipeline.core.types import Quarantined, RawItem
from pipeline.landing.quarantine import quarantine
from pipeline.landing.raw import write_part
from pipeline.workplace import Workplace

_PART_ITEMS = 5_000  # a part of 5,000 short posts is about 500 kB and 30 MB while it is made

_log = structlog.get_logger()


def land(
    place: Workplace,
    source: Source,
    settings: SourceSettings,
    partition: str,
    since: datetime | None,
    dry_run: bool,
    progress: Callable[[str, int], None],
    counts: Counter[str],
    notes: list[str],
) -> None:
    """Land one source's items in parts; what the source remembers moves on only after all have landed."""
    home = place.home
    landed_with = settings.model_dump(mode="json", exclude={"url", "path"})
    never = place.never_again()
    with quarantine(home.quarantine, partition, "ingest", name=source.name, dry_run=dry_run) as bad:
        for batch in batched(source.fetch(since), _PART_ITEMS):
            raws = [item for item in batch if isinstance(item, RawItem)]
            if never is not None:
                wanted = [raw for raw in raws if not _was_erased(source, raw, never)]
                counts["erased"] += len(raws) - len(wanted)
                raws = wanted
            for item in batch:
                if isinstance(item, Quarantined):
                    _log.debug("quarantined", place=item.place)
                    bad.add(item)
            if raws:
                new = dry_run or write_part(home.landing, partition, raws, landed_with)
                counts["landed" if new else "again"] += len(raws)
            progress("ingest", len(batch))
    counts["quarantined"] += bad.count
    notes += [f"{source.name}, {item.place}: {item.reason}" for item in bad.shown]
    if not dry_run:
        source.commit()


def _was_erased(source: Source, raw: RawItem, never: Callable[[str], bool]) -> bool:
    """Whether the item is a post that was erased: it must not even land again."""
    try:
        return never(source.parse(raw).id)
    except ItemError:
        return False


def from_inbox(place: Workplace, settings: SourceSettings, move: Callable[[Path], Path]) -> None:
    """A file of the inbox is moved away once its items have landed, or once it cannot be read at all."""
    path = Path(settings.path)
    if settings.path and path.parent == place.home.inbox:
        move(path)
