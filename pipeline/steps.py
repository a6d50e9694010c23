"""The table of contents: one function a task, in the order in which data meets them.

ingest -> flag -> index      what `kentongan run` and the scheduler do
replay, reindex              the same again, from landing and from derived/
reclassify                   the last week again, after another model was put in service
check_freshness              a source gone quiet is an alarm
purge                        what is past its time goes
(claim_steps)                from the fact-checkers to the posts; how alike a match must be

A step reads its partition and writes its outputs whole: twice is once. None asks for the time or for "the latest";
the caller passes `now` where it matters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from structlog.contextvars import bound_contextvars

from pipeline import claim_index, freshness, ingesting, keeping, purging, queueing, reclassifying
from pipeline.core.batches import batched
from pipeline.core.clock import partition_of
from pipeline.core.config import SourceSettings
from pipeline.core.errors import ConfigError, Conflict, Failed, KentonganError, TransientError
from pipeline.core.files import remove_leftovers
from pipeline.core.i18n import _
from pipeline.core.types import Flag, PutCount, StepReport
from pipeline.flagging import PartitionRun
from pipeline.landing.derived import (
    derived_file,
    derived_partitions,
    indexing,
    read_derived,
    read_ids,
    read_notes,
    to_be_indexed,
    unindexed_partitions,
)
from pipeline.landing.quarantine import quarantine
from pipeline.landing.raw import part_name, part_names, partitions, parts, read_header
from pipeline.ledger import audit
from pipeline.sources import inbox
from pipeline.workplace import Workplace

Progress = Callable[[str, int], None]
"""Called with the step's name and how many further items it has done."""

_PUT_ITEMS = 2_000


_log = structlog.get_logger()


def quiet(step: str, items: int) -> None:
    """No progress at all."""


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

    `dry_run` fetches and counts, and writes nothing. Raises TransientError if a purge is overdue, ConfigError while a
    setting keeps something for longer than it may be kept.
    """
    partition = partition or partition_of(place.checked_now(), place.settings.office.zone)
    keeping.check_periods(place)
    if not dry_run:
        place.home.make()
        purging.check_purged(place, place.clock())
        note_settings(place)
        for folder in (place.home.quarantine, place.home.state, place.home.secret):
            remove_leftovers(folder)
    counts: Counter[str] = Counter()
    dropped: dict[str, dict[str, int]] = {}
    failed: list[Failed] = []
    notes: list[str] = []
    for name, settings in sources.items():
        try:
            with place.home.lock(f"ingest-{name}"), bound_contextvars(partition=partition, source=name):
                remove_leftovers(place.home.landing / name)
                source = place.source(name, settings)
                ingesting.land(place, source, settings, partition, since, dry_run, progress, counts, notes)
        except KentonganError as error:
            failed.append(Failed(name, error))
            _log.info("source_failed", source=name, partition=partition, error=type(error).__name__)
            if not dry_run and not isinstance(error, (Conflict, TransientError)):  # the file itself cannot be read
                ingesting.from_inbox(place, settings, inbox.refuse)
            continue
        if source.refused:
            failed.append(Failed(name, ConfigError(source.refused)))
        if not dry_run:
            ingesting.from_inbox(place, settings, inbox.refuse if source.refused else inbox.done)
        if source.dropped:
            dropped[name] = dict(source.dropped)
        notes += [f"{name}: {note}" for note in source.notes]
    outs = in_order(counts, "landed", "again", "quarantined")
    report = reported(StepReport("ingest", partition, sum(counts.values()), outs, dropped))
    return Ingested(partition, report, tuple(failed), tuple(notes))


def flag(
    place: Workplace, partition: str, *, now: datetime, dry_run: bool = False, progress: Progress = quiet
) -> StepReport:
    """Make derived/<partition> from landing: parse, fold copies, score, enrich, decide. Never touches the world.

    Raises ConfigError if raw items of the partition were purged since: from what is left it could only lose flags.
    """
    keeping.check_periods(place)
    if not dry_run:
        note_settings(place)
    with place.home.lock("flag"), bound_contextvars(partition=partition):
        remove_leftovers(place.home.derived)
        if was_purged(place, partition):
            raise ConfigError(
                _("raw items of {partition} are past their time and gone; it stays as it was flagged").format(
                    partition=partition
                )
            )
        if not dry_run:
            claim_index.ensure_index(place)
        run = PartitionRun(place, partition, now, lambda items: progress("flag", items))
        with to_be_indexed(place.home.derived, partition, dry_run=dry_run):
            return reported(run.run(dry_run=dry_run))


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
    work = indexing(place.home.derived, partition, dry_run=dry_run)
    rejected = quarantine(place.home.quarantine, partition, "index", dry_run=dry_run)
    with place.home.lock("index"), work, rejected as bad, bound_contextvars(partition=partition):
        never, (past, held) = place.never_again(), purging.decided(place, now)
        wanted = set(read_ids(path, flagged=True)) if path and not dry_run else set()
        addresses = queueing.original_addresses(place, partition, wanted)
        for flags in batched(read_derived(path, flagged=True) if path else (), _PUT_ITEMS):
            alive = [flag for flag in flags if flag.id not in past and (flag.id in held or _in_time(flag, now))]
            taken = [flag for flag in alive if never is None or not never(flag.id)]
            counts["expired"] += len(flags) - len(alive)
            counts["erased"] += len(alive) - len(taken)
            put = PutCount(created=len(taken)) if dry_run else place.store.put(taken)
            counts.update(new=put.created, updated=put.updated, unchanged=put.unchanged, erased=put.erased)
            counts.update({"quarantined": len(put.refused)} if put.refused else {})
            if not dry_run:
                queueing.enqueue(place, queueing.without_refused(taken, put.refused, bad, now), addresses)
            progress("index", len(flags))
        if path and not dry_run:
            queueing.mirror(place)  # first, or the index would let go of what people took up meanwhile
            # A post that a mended rule no longer flags must not stay; what a person decided on does.
            for ids in batched(read_ids(path, flagged=False), _PUT_ITEMS):
                queueing.dequeue(place, ids)
                withdrawn += place.store.withdraw(ids)
    names = ("new", "updated", "unchanged", "expired", "erased")
    notes = (_("{count} flags withdrawn: no rule flags them any more").format(count=withdrawn),) if withdrawn else ()
    return reported(StepReport("index", partition, sum(counts.values()), in_order(counts, *names), notes=notes))


def run(
    place: Workplace,
    sources: dict[str, SourceSettings],
    *,
    since: datetime | None = None,
    partition: str = "",
    dry_run: bool = False,
    progress: Progress = quiet,
) -> tuple[Ingested, list[StepReport]]:
    """Ingest, flag and index: by hand exactly what the scheduler does at night.

    Partitions that a killed run left half done are done first.
    """
    ingested = ingest(place, sources, since=since, partition=partition, dry_run=dry_run, progress=progress)
    reports = [ingested.report]
    if dry_run:
        return ingested, reports
    to_flag = {*unflagged(place), ingested.partition} & {*landed(place)}
    step = "flag"
    try:
        for each in sorted({*to_flag, *unindexed_partitions(place.home.derived)}):
            if each in to_flag:
                step = "flag"
                reports.append(flag(place, each, now=place.clock(), progress=progress))
            step = "index"
            reports.append(index(place, each, now=place.clock(), progress=progress))
    except (Conflict, TransientError) as error:  # what landed stays, and the next run goes on from there
        ingested = replace(ingested, failed=(*ingested.failed, Failed(step, error)))
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
        here = part_names(place.home.landing, partition)
        if (path is None or not here <= set(known)) and not was_purged(place, partition):
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


def reclassify(
    place: Workplace, partition: str, *, now: datetime, dry_run: bool = False, progress: Progress = quiet
) -> StepReport:
    """Flag a partition of the last week again with the model in service, and index it; counts new, gone and same flags.

    One that stands so already is only indexed if it was not yet: what was killed goes on where it was. To be called for
    `reclassifying.recent` in order, for samples and copies of a partition depend on those before it.
    """
    reclassifying.check_recent(place, partition, now)
    before = reclassifying.flags_of(place, partition)
    if was_purged(place, partition) or reclassifying.is_past(place, partition, now):
        return reported(reclassifying.left_alone(partition, before))
    behind = partition in unindexed_partitions(place.home.derived)
    if reclassifying.is_current(place, partition):
        after = frozenset(before.why)
    elif dry_run:
        after = reclassifying.tried(place, partition, before, now, lambda items: progress("flag", items))
    else:
        behind = True
        flag(place, partition, now=now, progress=progress)
        after = frozenset(reclassifying.flags_of(place, partition).why)
    if behind and not dry_run:
        index(place, partition, now=now, progress=progress)
    return reported(reclassifying.compared(place, partition, before, after, now))


def reindex(
    place: Workplace, since: str = "", *, dry_run: bool = False, progress: Progress = quiet
) -> list[StepReport]:
    """Fill the index again from derived/: same ids, same fingerprints, less what expired or was erased."""
    now = place.clock()
    reports = []
    for partition in derived_partitions(place.home.derived, since):
        reports.append(index(place, partition, now=now, dry_run=dry_run, progress=progress))
        if not dry_run:
            reclassifying.bring_back(place, partition, now)
    return reports


def purge(place: Workplace, *, now: datetime, dry_run: bool = False) -> StepReport:
    """Remove what is past its time (DOMAIN 4.6): raw parts, unflagged posts (counts stay), flags nobody looked at."""
    counts = purging.purge(place, now, dry_run=dry_run)
    return reported(
        StepReport("purge", partition_of(now, place.settings.office.zone), sum(counts.values()), dict(counts))
    )


def check_freshness(place: Workplace, *, now: datetime) -> freshness.Report:
    """What each source gave of late against its own past; `alarms` names those that fell silent."""
    found = freshness.look(place, now)
    _log.info("step_done", step="freshness", sources=len(found.sources), alarms=len(found.alarms))
    return found


def _in_time(flag: Flag, now: datetime) -> bool:
    return flag.post.expires_at is None or flag.post.expires_at > now


def note_settings(place: Workplace) -> list[str]:
    """Leave a trace in the audit if topics, sources or policy changed; returns which."""
    with place.ledger.write() as db:
        office = place.settings.office.code
        return audit.note_settings(db, office, place.actor, place.clock(), place.watched())


def exit_code(failed: Iterable[Failed]) -> int:
    """0 done; 1 something may be tried again; 2 wrong use or config (which a retry cannot mend)."""
    errors = [item.error for item in failed]
    if any(isinstance(error, ConfigError) for error in errors):
        return ConfigError.exit_code
    return TransientError.exit_code if errors else 0


def reported(report: StepReport) -> StepReport:
    """One log line a step: names and counts, never a text or a handle."""
    _log.info("step_done", step=report.step, partition=report.partition, total=report.total, **report.counts)
    return report


def in_order(counts: Counter[str], *names: str) -> dict[str, int]:
    """The counts with these names first, zeros shown."""
    return {name: counts.get(name, 0) for name in names} | {k: v for k, v in counts.items() if k not in names}
