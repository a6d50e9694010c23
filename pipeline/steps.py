"""The table of contents: one function a task, in the order in which data meets them.

ingest -> flag -> index      what `kentongan run` and the scheduler do
replay, reindex              the same again, from landing and from derived/
purge                        what is past its time goes

A step reads its partition and writes its outputs whole: twice is once. None asks for the time or for "the latest";
the caller passes `now` where it matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog

from pipeline.core.batches import batched
from pipeline.core.clock import partition_of
from pipeline.core.config import SourceSettings
from pipeline.core.errors import ConfigError, Conflict, ItemError, KentonganError, TransientError
from pipeline.core.i18n import _
from pipeline.core.ports import Source
from pipeline.core.types import Flag, PutCount, Quarantined, Query, RawItem, StepReport
from pipeline.flagging import PartitionRun
from pipeline.landing import retention
from pipeline.landing.derived import (
    derived_file,
    derived_partitions,
    read_derived,
    read_notes,
    read_texts,
    read_unflagged_ids,
)
from pipeline.landing.files import remove_leftovers
from pipeline.landing.quarantine import write_quarantine
from pipeline.landing.raw import part_name, partitions, parts, read_header, write_part
from pipeline.sources import inbox
from pipeline.store import query as store_query
from pipeline.workplace import Workplace

Progress = Callable[[str, int], None]
"""Called with the step's name and how many further items it has done."""

_PART_ITEMS = 5_000  # a part of 5,000 short posts is about 500 kB and 30 MB while it is made
_PUT_ITEMS = 2_000
_SHOWN = 3  # quarantined items of which a person is told the reason at once


_log = structlog.get_logger()


def quiet(step: str, items: int) -> None:
    """No progress at all."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A source that could not be read, and what to do."""

    source: str
    error: KentonganError


@dataclass(frozen=True, slots=True)
class Ingested:
    """What an ingest of one or more sources did; failures stand beside, for one dead feed must not stop the others."""

    partition: str
    report: StepReport
    failed: tuple[Failed, ...] = ()
    notes: tuple[str, ...] = ()


def ingest(
    place: Workplace,
    sources: dict[str, SourceSettings],
    *,
    since: datetime | None = None,
    partition: str = "",
    dry_run: bool = False,
    progress: Progress = quiet,
) -> Ingested:
    """Fetch each source into landing; `partition` is that of now unless the caller says (a live fetch has no past).

    `dry_run` fetches and counts, and writes nothing.
    """
    partition = partition or partition_of(place.clock(), place.settings.office.zone)
    counts: Counter[str] = Counter()
    dropped: dict[str, dict[str, int]] = {}
    failed: list[Failed] = []
    notes: list[str] = []
    for name, settings in sources.items():
        try:
            with place.home.lock(f"ingest-{name}"):
                remove_leftovers(place.home.landing / name)
                source = place.source(name, settings)
                _ingest_one(place, source, settings, partition, since, dry_run, progress, counts, notes)
        except KentonganError as error:
            failed.append(Failed(name, error))
            _log.info("source_failed", source=name, partition=partition, error=type(error).__name__)
            if not dry_run and not isinstance(error, Conflict):
                _from_inbox(place, settings, inbox.refuse)
            continue
        if source.refused:
            failed.append(Failed(name, ConfigError(source.refused)))
        if not dry_run:
            _from_inbox(place, settings, inbox.refuse if source.refused else inbox.done)
        if source.dropped:
            dropped[name] = dict(source.dropped)
        notes += [f"{name}: {note}" for note in source.notes]
    outs = _all(counts, "landed", "again", "quarantined")
    report = _reported(StepReport("ingest", partition, sum(counts.values()), outs, dropped))
    return Ingested(partition, report, tuple(failed), tuple(notes))


def _ingest_one(
    place: Workplace,
    source: Source,
    settings: SourceSettings,
    partition: str,
    since: datetime | None,
    dry_run: bool,
    progress: Progress,
    counts: Counter[str],
    notes: list[str],
) -> None:
    """Land one source's items in parts; what the source remembers moves on only after all have landed."""
    home = place.home
    landed_with = settings.model_dump(mode="json", exclude={"url", "path"})
    quarantined: list[Quarantined] = []
    for batch in batched(source.fetch(since), _PART_ITEMS):
        raws = [item for item in batch if isinstance(item, RawItem)]
        quarantined += [item for item in batch if isinstance(item, Quarantined)]
        if raws:
            new = dry_run or write_part(home.landing, partition, raws, landed_with)
            counts["landed" if new else "again"] += len(raws)
        progress("ingest", len(batch))
    counts["quarantined"] += len(quarantined)
    notes += [f"{source.name}, {item.place}: {item.reason}" for item in quarantined[:_SHOWN]]
    if not dry_run:
        if quarantined:
            write_quarantine(home.quarantine, partition, "ingest", quarantined, name=source.name)
        source.commit()


def _from_inbox(place: Workplace, settings: SourceSettings, move: Callable[[Path], Path]) -> None:
    """A file of the inbox is moved away once its items have landed, or once it cannot be read at all."""
    path = Path(settings.path)
    if settings.path and path.parent == place.home.inbox:
        move(path)


def flag(
    place: Workplace, partition: str, *, now: datetime, dry_run: bool = False, progress: Progress = quiet
) -> StepReport:
    """Make derived/<partition> from landing: parse, fold copies, score, enrich, decide. Never touches the world.

    Raises ConfigError if raw items of the partition were purged since: from what is left it could only lose flags.
    """
    with place.home.lock("flag"):
        remove_leftovers(place.home.derived)
        if was_purged(place, partition):
            raise ConfigError(
                _("raw items of {partition} are past their time and gone; it stays as it was flagged").format(
                    partition=partition
                )
            )
        run = PartitionRun(place, partition, now, lambda items: progress("flag", items))
        return _reported(run.run(dry_run=dry_run))


def was_purged(place: Workplace, partition: str) -> bool:
    """Whether retention took or trimmed parts that the derived posts of the partition were made of."""
    here = parts(place.home.landing, partition)
    known = read_notes(derived_file(place.home.derived, partition)).get("made_of", [])
    return not set(known) <= set(map(part_name, here)) or any(read_header(path).get("trimmed") for path in here)


def index(
    place: Workplace, partition: str, *, now: datetime, dry_run: bool = False, progress: Progress = quiet
) -> StepReport:
    """Bring a partition's flags into the search index; what is past its time stays out."""
    path = derived_file(place.home.derived, partition)
    counts: Counter[str] = Counter()
    withdrawn = 0
    with place.home.lock("index"):
        for flags in batched(read_derived(path, flagged=True) if path else (), _PUT_ITEMS):
            alive = [flag for flag in flags if flag.post.expires_at is None or flag.post.expires_at > now]
            counts["expired"] += len(flags) - len(alive)
            put = PutCount(created=len(alive)) if dry_run else place.store.put(alive)
            counts.update(new=put.created, updated=put.updated, unchanged=put.unchanged, erased=put.erased)
            progress("index", len(flags))
        if path and not dry_run:
            # A post that a mended rule no longer flags must not stay; what a person decided on does.
            withdrawn = sum(place.store.withdraw(ids) for ids in batched(read_unflagged_ids(path), _PUT_ITEMS))
    names = ("new", "updated", "unchanged", "expired", "erased")
    notes = (_("{count} flags withdrawn: no rule flags them any more").format(count=withdrawn),) if withdrawn else ()
    return _reported(StepReport("index", partition, sum(counts.values()), _all(counts, *names), notes=notes))


def run(
    place: Workplace,
    sources: dict[str, SourceSettings],
    *,
    since: datetime | None = None,
    partition: str = "",
    dry_run: bool = False,
    progress: Progress = quiet,
) -> tuple[Ingested, list[StepReport]]:
    """Ingest, flag and index: by hand exactly what the scheduler does at night."""
    ingested = ingest(place, sources, since=since, partition=partition, dry_run=dry_run, progress=progress)
    reports = [ingested.report]
    if dry_run or ingested.partition not in landed(place):
        return ingested, reports
    try:
        reports.append(flag(place, ingested.partition, now=place.clock(), progress=progress))
        reports.append(index(place, ingested.partition, now=place.clock(), progress=progress))
    except Conflict as error:  # what landed stays, and the next run flags it
        ingested = replace(ingested, failed=(*ingested.failed, Failed("flag", error)))
    return ingested, reports


def landed(place: Workplace, since: str = "") -> list[str]:
    """The partitions that hold raw items, in order, from a day on."""
    return partitions(place.home.landing, since)


def unflagged(place: Workplace) -> list[str]:
    """The landed partitions that were never flagged, or got a further part since."""
    found = []
    for partition in landed(place):
        path = derived_file(place.home.derived, partition)
        known = read_notes(path).get("made_of", [])
        here = set(map(part_name, parts(place.home.landing, partition)))
        if path is None or (not here <= set(known) and not was_purged(place, partition)):
            found.append(partition)
    return found


def replay(
    place: Workplace, landed_partitions: list[str], *, dry_run: bool = False, progress: Progress = quiet
) -> list[StepReport]:
    """Flag and index landed partitions again, in order (after a parser, model or topic was mended)."""
    reports = []
    for partition in landed_partitions:
        if was_purged(place, partition):
            _log.info("not_replayed", partition=partition, reason="purged")
            continue
        reports.append(flag(place, partition, now=place.clock(), dry_run=dry_run, progress=progress))
        if not dry_run:
            reports.append(index(place, partition, now=place.clock(), progress=progress))
    return reports


def reindex(
    place: Workplace, since: str = "", *, dry_run: bool = False, progress: Progress = quiet
) -> list[StepReport]:
    """Fill the index again from derived/: same ids, same fingerprints, less what expired or was erased."""
    now = place.clock()
    return [
        index(place, partition, now=now, dry_run=dry_run, progress=progress)
        for partition in derived_partitions(place.home.derived, since)
    ]


def purge(place: Workplace, *, now: datetime, dry_run: bool = False) -> StepReport:
    """Remove what is past its time (DOMAIN 4.6): raw parts, unflagged posts (counts stay), flags nobody looked at.

    Holds the locks of all other work, so that nothing is written while it is taken away.
    """
    keep, home, zone = place.settings.retention, place.home, place.settings.office.zone
    counts: Counter[str] = Counter()
    for folder in sorted(path for path in home.landing.glob("*") if path.is_dir()):
        with home.lock(f"ingest-{folder.name}"):
            counts["leftovers"] += remove_leftovers(folder)
            counts += retention.purge_landing(folder, keep, now, zone, dry_run=dry_run)
    with home.lock("flag"), home.lock("index"):
        counts["leftovers"] += remove_leftovers(home.derived) + remove_leftovers(home.quarantine)
        days = place.settings.near_duplicates.days
        gone, flags = retention.purge_derived(home.derived, keep, days, now, zone, dry_run=True)
        due = sorted({*flags, *place.store.due(now)})
        counts["flags_expired"] = len(due) if dry_run else place.store.expire(due)
        if not dry_run:  # the index loses the texts first: a kill between leaves nothing that nobody purges
            gone, _flags = retention.purge_derived(home.derived, keep, days, now, zone, dry_run=False)
        counts += gone
    counts += retention.purge_quarantine(home.quarantine, keep.raw_social, now, zone, dry_run=dry_run)
    refused = home.inbox / inbox.REFUSED
    counts["refused_removed"] = retention.purge_folder(refused, keep.raw_social, now, dry_run=dry_run)
    return _reported(StepReport("purge", partition_of(now, zone), sum(counts.values()), dict(counts)))


def find(place: Workplace, flag_id: str) -> Flag | None:
    """A post with all that was found about it, flagged or not, from the index or else from derived/ (newest first)."""
    found = place.store.get(flag_id)
    if found is not None:
        return found
    for partition in reversed(derived_partitions(place.home.derived)):
        path = derived_file(place.home.derived, partition)
        try:
            for candidate in read_derived(path) if path else ():
                if candidate.id == flag_id:
                    return candidate
        except ItemError:
            continue
    return None


def exit_code(failed: Iterable[Failed]) -> int:
    """0 done; 1 something may be tried again; 2 wrong use or config (which a retry cannot mend)."""
    errors = [item.error for item in failed]
    if any(isinstance(error, ConfigError) for error in errors):
        return ConfigError.exit_code
    return TransientError.exit_code if errors else 0


def _reported(report: StepReport) -> StepReport:
    """One log line a step: names and counts, never a text or a handle."""
    _log.info("step_done", step=report.step, partition=report.partition, total=report.total, **report.counts)
    return report


def _all(counts: Counter[str], *names: str) -> dict[str, int]:
    """The counts with these names first, zeros shown."""
    return {name: counts.get(name, 0) for name in names} | {k: v for k, v in counts.items() if k not in names}


def first_words(place: Workplace, partition: str, ids: list[str], letters: int = 70) -> dict[str, str]:
    """The beginnings of some posts of a partition, on one line each, to tell clusters apart."""
    path = derived_file(place.home.derived, partition)
    texts = read_texts(path, ids) if path else {}
    return {flag_id: " ".join(text.split())[:letters] for flag_id, text in texts.items()}


def parse_query(place: Workplace, text: str, since: datetime | None = None, until: datetime | None = None) -> Query:
    """What a person typed, as data; anything typed is safe."""
    return store_query.parse_query(text, zone=place.settings.office.zone, since=since, until=until)


def explain_query(place: Workplace, query: Query) -> str:
    """How a search was read, in words."""
    return store_query.explain_query(query, zone=place.settings.office.zone)
