"""The steps of claims: from the fact-checkers to the posts, and how alike a match must be.

fetch_claims -> match_claims -> steps.index      what `kentongan claims sync` and the scheduler do
fit_claims                                       both thresholds
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from structlog.contextvars import bound_contextvars

from pipeline import claim_index, claiming, fitting, keeping
from pipeline.claiming import Synced
from pipeline.core.clock import partition_of
from pipeline.core.config import ClaimSourceSettings
from pipeline.core.types import StepReport
from pipeline.fitting import Fitted
from pipeline.landing.derived import unindexed_partitions
from pipeline.steps import Progress, in_order, index, note_settings, quiet, reported
from pipeline.workplace import Workplace


def sync_claims(
    place: Workplace,
    sources: Mapping[str, ClaimSourceSettings],
    *,
    since: datetime | None = None,
    again: bool = False,
    dry_run: bool = False,
    progress: Progress = quiet,
) -> tuple[Synced, list[StepReport]]:
    """Fetch what fact-checkers wrote, give each claim its id, and flag the posts of the last days that carry it.

    `again` reads all that landed once more; `dry_run` fetches and counts, and writes nothing.
    """
    done, reports = fetch_claims(place, sources, since=since, again=again, dry_run=dry_run, progress=progress)
    if dry_run:
        return done, reports
    reports += match_claims(place, done, progress=progress)[1]
    changed, now = sorted({*done.partitions, *unindexed_partitions(place.home.derived)}), place.clock()
    return done, [*reports, *(index(place, each, now=now, progress=progress) for each in changed)]


def fetch_claims(
    place: Workplace,
    sources: Mapping[str, ClaimSourceSettings],
    *,
    since: datetime | None = None,
    again: bool = False,
    dry_run: bool = False,
    progress: Progress = quiet,
) -> tuple[Synced, list[StepReport]]:
    """The first half of `sync_claims`: from the fact-checkers to the ledger and the claims index."""
    done = Synced()
    keeping.check_periods(place)
    partition = partition_of(place.checked_now(), place.settings.office.zone)
    with place.home.lock("claims"), bound_contextvars(partition=partition):
        if not dry_run:
            note_settings(place)
        claiming.fetch(place, sources, partition, done, since=since, dry_run=dry_run)
        progress("claims", done.fetched.total())
        reports = [_stage("claims", partition, done.fetched, "landed", "again", "quarantined")]
        if not dry_run:
            claiming.read(place, done, again=again)
            claim_index.catch_up(place)
            reports.append(_stage("claims-read", partition, done.read, "new", "updated", "unchanged", "quarantined"))
    return done, reports


def match_claims(
    place: Workplace, done: Synced | None = None, *, progress: Progress = quiet
) -> tuple[Synced, list[StepReport]]:
    """The second half: look back for posts that carry what is new; the partitions that changed are to be indexed."""
    done, now = done or Synced(), place.checked_now()
    partition = partition_of(now, place.settings.office.zone)
    with place.home.lock("claims"), bound_contextvars(partition=partition):
        claiming.look_back(place, now, done, lambda posts: progress("look-back", posts))
        return done, [_stage("look-back", partition, done.back, "raised", "let_go", "updated", "unchanged")]


def fit_claims(
    place: Workplace,
    ordinary: Sequence[Path] = (),
    suggest_rate: float | None = None,
    match_rate: float | None = None,
    *,
    dry_run: bool = False,
    progress: Progress = quiet,
) -> Fitted:
    """Set both thresholds of claims by ordinary posts (files, else the office's own) and by what reviewers decided."""
    with place.home.lock("claims"):
        claim_index.catch_up(place)
        return fitting.fit(place, ordinary, suggest_rate, match_rate, dry_run=dry_run, progress=progress)


def _stage(step: str, partition: str, counts: Counter[str], *names: str) -> StepReport:
    return reported(StepReport(step, partition, counts.total(), in_order(counts, *names)))
