"""The doctor's checks of what is kept: ledger, retention, queue, index, claims; each says what is well or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime, timedelta

from pipeline.claiming import failing_sources
from pipeline.core.i18n import _
from pipeline.keeping import check_periods
from pipeline.landing.derived import derived_partitions
from pipeline.landing.raw import partitions
from pipeline.ledger import claims as claim_ledger
from pipeline.ledger.chain import verify_tail
from pipeline.ledger.database import FILE_NAME as LEDGER_FILE
from pipeline.ledger.totals import WAITING, newest_waiting, totals
from pipeline.purging import is_overdue, last_purge
from pipeline.store.registry import FILE_NAME as INDEX_FILE
from pipeline.workplace import Workplace

Said = Iterator[tuple[bool, str]]
"""Whether it is well, and what to say of it."""

_OLDEST_SQLITE = (3, 40)
_LINKS = 1_000  # of each chain's end, walked along each time
_LOOKED_UP = 500  # waiting flags that are looked for in the index
_LATE = timedelta(days=7)  # from then on waiting longer no longer moves a flag up in the queue


def ledger(place: Workplace) -> Said:
    """That it is there, opens, and that the newest links of its chains hold; `ledger verify` walks along all."""
    if _ledger_is_gone(place):
        text = _("{path} is gone though there is data: put it back from the backup before the next run makes a new one")
        yield False, text.format(path=place.home.root / LEDGER_FILE)
        return
    with place.ledger.read() as db:
        problems, entries = verify_tail(db, _LINKS), totals(db).entries
    for problem in problems:
        text = _(
            "the chain of office {office} is broken at {number}: {says}; keep this file, run: kentongan ledger verify"
        )
        yield False, text.format(office=problem.office, number=problem.number, says=problem.says)
    if not problems:
        yield True, _("{kind}; {count} entries, the newest hold").format(kind=place.settings.ledger.kind, count=entries)


def retention(place: Workplace) -> Said:
    """That nothing is kept for longer than it may be, and that what is past its time was taken away of late."""
    if _ledger_is_gone(place):
        return
    check_periods(place)
    known = last_purge(place)
    when = datetime.fromisoformat(known.last).astimezone(place.settings.office.zone) if known and known.last else None
    if is_overdue(place, place.clock()):
        says = _(
            "things are past their time and no purge succeeded for 48 hours: nothing more is fetched; run every day: "
            "kentongan purge"
        )
        yield False, says
    elif when is None:
        yield True, _("nothing was purged yet; run every day: kentongan purge")
    else:
        yield True, _("purged on {when:%Y-%m-%d %H:%M}").format(when=when)


def queue(place: Workplace) -> Said:
    """Whether flags wait so long that they will be closed unseen."""
    if _ledger_is_gone(place):
        return
    with place.ledger.read() as db:
        found = totals(db)
    waiting = sum(found.flags.get(status, 0) for status in WAITING)
    days = (place.clock() - found.oldest) // timedelta(days=1) if found.oldest else 0
    if found.oldest and place.clock() - found.oldest > _LATE:
        text = _(
            "{count} flags wait, the oldest for {days} days; after {limit} days it is closed unseen: more reviewers?"
        )
        yield False, text.format(count=waiting, days=days, limit=place.settings.retention.unreviewed)
    else:
        yield True, _("{count} flags wait for review").format(count=waiting)


def index(place: Workplace) -> Said:
    """That it is there, opens, and knows what the ledger knows."""
    settings = place.settings.store
    ours = settings.kind != "elastic"
    if ours and sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield False, _("SQLite {version} is too old; 3.40 or newer is needed").format(version=sqlite3.sqlite_version)
        return
    made = derived_partitions(place.home.derived)
    if settings.kind == "sqlite" and made and not (place.home.root / INDEX_FILE).exists():
        yield False, _("{path} is gone; make it again: kentongan reindex").format(path=place.home.root / INDEX_FILE)
        return
    place.store.get("-")
    behind, missing = 0, 0
    if not _ledger_is_gone(place):
        with place.ledger.read() as db:
            behind, waiting = totals(db).unmirrored, newest_waiting(db, _LOOKED_UP)
        missing = sum(place.store.get(flag_id) is None for flag_id in waiting)
    if missing:
        yield False, _("the index lacks flags that wait for review; make it again: kentongan reindex")
    elif behind:
        yield False, _("the index does not know {count} statuses yet; run: kentongan index").format(count=behind)
    else:
        where = f"SQLite {sqlite3.sqlite_version}" if ours else ", ".join(settings.urls)
        yield True, f"{settings.kind}, {where}"


def claims(place: Workplace) -> Said:
    """Whether each claim source gives something, and posts are compared with all claims that the ledger knows."""
    failing = failing_sources(place)
    for name, says in failing.items():
        yield (
            False,
            _("{name}: {problem}; then try: kentongan claims sync --source {name}").format(name=name, problem=says),
        )
    if _ledger_is_gone(place):
        return
    with place.ledger.read() as db:
        known, newest = sum(claim_ledger.standings(db).values()), claim_ledger.newest_rev(db)
    made = place.claim_index_folder.is_dir()
    if newest and not (made and place.claim_index.rev == newest):
        yield False, _("the claims index is behind the ledger; run: kentongan claims sync")
    elif made:
        yield place.claim_thresholds is not None, _("{count} claims are known").format(count=known)
    elif not failing:
        yield True, _("no claim is known")


def _ledger_is_gone(place: Workplace) -> bool:
    """A ledger in a file that is not there, beside data that it must know: to open it would make an empty one."""
    ours = place.settings.ledger.kind == "sqlite"
    return ours and not (place.home.root / LEDGER_FILE).exists() and bool(partitions(place.home.landing))
