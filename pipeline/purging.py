"""What is past its time goes: raw parts, unflagged posts (counts stay), flags nobody looked at (DOMAIN 4.6).

When that last succeeded stands in `purged.json` of the home: without a purge for 48 hours nothing more comes in.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from pipeline import keeping
from pipeline.core.errors import TransientError
from pipeline.core.files import remove_leftovers, written_aside
from pipeline.core.i18n import _
from pipeline.landing import retention
from pipeline.ledger import erasure, verdicts
from pipeline.sources import inbox
from pipeline.workplace import Workplace

LATEST = timedelta(hours=48)
_FILE = "purged.json"


@dataclass(frozen=True, slots=True)
class Purged:
    """Since when the home is known to purge, and when a purge last succeeded ("": never); ISO, UTC."""

    since: str
    last: str = ""

    @property
    def moment(self) -> datetime:
        """From when the 48 hours count."""
        return datetime.fromisoformat(self.last or self.since)


_LONG_AGO = Purged("1970-01-01T00:00:00+00:00")


def purge(place: Workplace, now: datetime, *, dry_run: bool) -> Counter[str]:
    """Remove what is past its time; returns how much of what.

    Holds the locks of all other work, so that nothing is written while it is taken away. Raises ConfigError while a
    setting keeps something for longer than it may be kept.
    """
    keeping.check_periods(place)
    counts = _purge(place, now, dry_run=dry_run)
    if not dry_run:
        known = last_purge(place)
        _note(place, Purged(known.since if known else now.isoformat(), now.isoformat()))
    return counts


def last_purge(place: Workplace) -> Purged | None:
    """What is known of purges in this home; None if nothing is. Of a damaged file, that the last one was long ago."""
    try:
        found = Purged(**json.loads((place.home.root / _FILE).read_text(encoding="utf-8")))
        whole = found.moment.tzinfo is not None
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, RecursionError):
        return _LONG_AGO
    return found if whole else _LONG_AGO


def check_purged(place: Workplace, now: datetime) -> None:
    """Raise TransientError if something is past its time and no purge succeeded for 48 hours.

    A home of which nothing is known is new, or older than this rule: its 48 hours begin now. So do those of a home
    whose clock stood in the future when it purged.
    """
    known = last_purge(place)
    if known is None or known.moment > now:
        _note(place, Purged(now.isoformat()))
    elif is_overdue(place, now):
        when = known.moment.astimezone(place.settings.office.zone)
        text = _(
            "nothing more is fetched: things here are past their time, and no purge succeeded since {when:%Y-%m-%d "
            "%H:%M}, more than {hours} hours ago; run: kentongan purge (every day, see docs/retention.md)"
        )
        raise TransientError(text.format(when=when, hours=LATEST // timedelta(hours=1)))


def is_overdue(place: Workplace, now: datetime) -> bool:
    """Whether no purge succeeded for 48 hours though something is past its time; writes nothing."""
    known = last_purge(place)
    return known is not None and now - known.moment > LATEST and _anything_due(place, now)


def _anything_due(place: Workplace, now: datetime) -> bool:
    """Whether a purge would take anything that people wrote; stops at the first find."""
    keep, home, zone = place.settings.retention, place.home, place.settings.office.zone
    for folder in home.landing.glob("*"):
        if any(retention.due_parts(folder, keep, now, zone)):
            return True
    for folder in (home.claims / "landing").glob("*"):
        if any(retention.due_parts(folder, keep, now, zone, claims=True)):
            return True
    if retention.past_quarantine(home.quarantine, keep.raw_social, now, zone):
        return True
    if retention.purge_folder(home.inbox / inbox.REFUSED, keep.raw_social, now, dry_run=True):
        return True
    past, held = decided(place, now)
    return any(retention.past_rows(home.derived, keep, now, held=held, due=past))


def _note(place: Workplace, value: Purged) -> None:
    with written_aside(place.home.root / _FILE) as aside:
        aside.write_text(json.dumps(asdict(value)) + "\n", encoding="utf-8")


def _purge(place: Workplace, now: datetime, *, dry_run: bool) -> Counter[str]:
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
