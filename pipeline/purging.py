"""What is past its time goes: raw parts, unflagged posts (counts stay), flags nobody looked at (DOMAIN 4.6)."""

from __future__ import annotations

import functools
from collections import Counter
from datetime import datetime, timedelta

from pipeline.core.files import remove_leftovers
from pipeline.landing import retention
from pipeline.ledger import erasure, verdicts
from pipeline.sources import inbox
from pipeline.workplace import Workplace


def purge(place: Workplace, now: datetime, *, dry_run: bool) -> Counter[str]:
    """Remove what is past its time; returns how much of what.

    Holds the locks of all other work, so that nothing is written while it is taken away.
    """
    keep, home, zone = place.settings.retention, place.home, place.settings.office.zone
    counts: Counter[str] = Counter()
    for folder in sorted(path for path in home.landing.glob("*") if path.is_dir()):
        with home.lock(f"ingest-{folder.name}"):
            counts["leftovers"] += remove_leftovers(folder)
            counts += retention.purge_landing(folder, keep, now, zone, dry_run=dry_run)
    with home.lock("claims"):
        for folder in sorted(path for path in (home.claims / "landing").glob("*") if path.is_dir()):
            counts += retention.purge_landing(folder, keep, now, zone, claims=True, dry_run=dry_run)
    with home.lock("flag"), home.lock("index"):
        counts["leftovers"] += remove_leftovers(home.derived) + remove_leftovers(home.quarantine)
        counts += _purge_flags(place, now, dry_run=dry_run)
    counts += retention.purge_quarantine(home.quarantine, keep.raw_social, now, zone, dry_run=dry_run)
    refused = home.inbox / inbox.REFUSED
    counts["refused_removed"] = retention.purge_folder(refused, keep.raw_social, now, dry_run=dry_run)
    return counts


def _purge_flags(place: Workplace, now: datetime, *, dry_run: bool) -> Counter[str]:
    """Flags and derived posts past their time; those that people decided on have periods of their own."""
    keep, derived, zone = place.settings.retention, place.home.derived, place.settings.office.zone
    past, held = decided(place, now)
    purge_derived = functools.partial(
        retention.purge_derived,
        *(derived, keep, place.settings.near_duplicates.days, now, zone),
        held=held,
        due=past,
    )
    counts, flags = purge_derived(dry_run=True)
    undecided = sorted({*flags, *place.store.due(now)} - past - held)  # the index may not know a decision yet
    if dry_run:
        return counts + Counter(flags_expired=len(undecided))
    # Index and ledger lose the texts first: a kill between leaves nothing that nobody purges.
    expired = place.store.expire(undecided)
    stripped = place.store.expire(sorted(past), keep_status=True)
    with place.ledger.write() as db:
        erasure.expire(db, undecided)
        erasure.drop_addresses(db, past)
    place.ledger.shed()
    counts, _flags = purge_derived(dry_run=False)
    return counts + Counter(flags_expired=expired, texts_removed=stripped)


def decided(place: Workplace, now: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """Flags that people decided on: those whose text is past its time, and those that have a longer one."""
    keep = place.settings.retention
    with place.ledger.read() as db:
        rejected, held = verdicts.past_and_held(db, "rejected", now - timedelta(days=keep.rejected))
        confirmed, longer = verdicts.past_and_held(db, "confirmed", now - timedelta(days=keep.confirmed))
    return rejected | confirmed, held | longer
