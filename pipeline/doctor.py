"""What an operator should know: each finding says what was looked at, whether it is well, and what to do if not."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from pipeline.claiming import failing_sources
from pipeline.classify.promoted import read_state
from pipeline.core.clock import partition_of
from pipeline.core.config import SourceSettings
from pipeline.core.errors import KentonganError
from pipeline.core.i18n import _
from pipeline.core.identity import load_institutions
from pipeline.core.log import fault_of
from pipeline.core.resources import data_path
from pipeline.drift import last_report
from pipeline.landing.derived import count_rows, derived_file, derived_partitions, unindexed_partitions
from pipeline.landing.quarantine import read_quarantine
from pipeline.landing.raw import partitions
from pipeline.ledger import claims
from pipeline.ledger.chain import entries, verify_tail
from pipeline.ledger.database import FILE_NAME as LEDGER_FILE
from pipeline.ledger.totals import WAITING, newest_waiting, totals
from pipeline.sources import inbox
from pipeline.steps import unflagged
from pipeline.store.registry import FILE_NAME as INDEX_FILE
from pipeline.summary import silent_sources
from pipeline.workplace import Workplace

_FREE_BYTES = 2_000_000_000  # a million posts need about 1.5 GB in landing, derived and index
_OLDEST_SQLITE = (3, 40)
_LINKS = 1_000  # of each chain's end, walked along each time
_LOOKED_UP = 500  # waiting flags that are looked for in the index
_WEEK = timedelta(days=7)
_OPENING = ("secret", "ledger", "queue", "index", "claims")  # checks that open what they look at
_LATE = _WEEK  # from then on waiting longer no longer moves a flag up in the queue
_OLD_REPORT = 14  # days: one weekly run was missed
_FEW = 20  # quarantined items that are no pattern yet
_SHARE = 0.10  # of what came in within a week; of honest exports 0 to 2 % are of no use
_GROWTH = 10  # times the week before


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A monitor knows it by `code`, people by `what`, in their language."""

    code: str
    what: str
    well: bool
    says: str


Said = Iterator[tuple[bool, str]]


def examine(place: Workplace) -> list[Finding]:
    """Look at everything; a check that fails is a finding, never an exception.

    While the home is not in order, or not there yet, no database is opened: to look must not make one.
    """
    found = [*_looked_at("home", _("home"), place, _home)]
    if place.home.root.exists() and all(finding.well for finding in found):
        checks = _CHECKS
    else:
        checks = {code: check for code, check in _CHECKS.items() if code not in _OPENING}
    names = _names()
    return [
        *found,
        *(finding for code, check in checks.items() for finding in _looked_at(code, names[code], place, check)),
    ]


def _looked_at(code: str, what: str, place: Workplace, check: Callable[[Workplace], Said]) -> Iterator[Finding]:
    try:
        for well, says in check(place):
            yield Finding(code, what, well, says)
    except KentonganError as error:
        yield Finding(code, what, False, str(error))
    except OSError as error:
        says = _("{name} cannot be read: {error}; check the disk, owner and rights")
        yield Finding(code, what, False, says.format(name=error.filename or what, error=error.strerror or error))
    except Exception as error:
        structlog.get_logger().debug("check_failed", check=code, **fault_of(error))
        says = _("this could not be looked at ({name}); send the log of kentongan doctor -vv to the maintainers")
        yield Finding(code, what, False, says.format(name=type(error).__name__))


def _names() -> dict[str, str]:
    return {
        "disk": _("disk"),
        "clock": _("clock"),
        "secret": _("secret"),
        "model": _("model"),
        "topics": _("topics"),
        "threats": _("threat rules"),
        "calendar": _("calendar"),
        "office": _("office"),
        "partitions": _("partitions"),
        "quarantine": _("quarantine"),
        "inbox": _("inbox"),
        "sources": _("sources"),
        "ledger": _("ledger"),
        "queue": _("queue"),
        "index": _("index"),
        "claims": _("claims"),
        "drift": _("drift"),
    }


# ---- the machine and the home


def _home(place: Workplace) -> Said:
    """Its rights, and that everything in it belongs to the one who runs the program."""
    if not place.home.root.exists():
        yield True, _("is made at the first run")
        return
    place.home.make()
    others = [path.name for path in sorted(place.home.root.iterdir()) if path.lstat().st_uid != os.geteuid()]
    if others:
        text = _("{names} in {path} belongs to another user, perhaps of a run as root; change its owner (chown -R)")
        yield False, text.format(names=", ".join(others), path=place.home.root)
    else:
        yield True, str(place.home.root)


def _disk(place: Workplace) -> Said:
    root = next(path for path in (place.home.root, *place.home.root.parents) if path.exists())
    free = shutil.disk_usage(root).free
    says = _("{free:.1f} GB free").format(free=free / 1e9)
    yield free >= _FREE_BYTES, says if free >= _FREE_BYTES else says + _("; make room before the next run")


def _clock(place: Workplace) -> Said:
    yield True, f"{place.checked_now():%Y-%m-%d %H:%M} UTC"


def _secret(place: Workplace) -> Said:
    """Without its secrets a home gives all posts new ids, and no decision fits its post any more."""
    folder, period = place.home.secret, place.settings.privacy.election_period
    missing = [name for name in ("item.key", f"author-{period}.key") if not (folder / name).exists()]
    if "item.key" in missing and partitions(place.home.landing):
        text = _("{name} is gone: posts would get other ids; put it back from the backup before the next run")
        yield False, text.format(name=folder / "item.key")
    elif missing:
        yield True, _("is made at the first run")
    else:
        yield place.pseudonyms is not None, str(folder)


# ---- what it judges by


def _model(place: Workplace) -> Said:
    """That the promoted model serves, and that the ledger knows who put it there."""
    place.shadow.renew()
    for alarm in (*place.models.alarms, *place.shadow.alarms):
        yield False, alarm
    promoted = read_state(place.home.root / "models").now
    if promoted and promoted.sha256 not in _promoted_by_ledger(place):
        text = _("the ledger knows nobody who put {name} in service; go back or do it again: kentongan promote")
        yield False, text.format(name=promoted.name)
    elif not place.models.alarms:
        yield True, place.classifier.name


def _promoted_by_ledger(place: Workplace) -> set[str]:
    """Hashes of the models that somebody put in service; of no ledger none, and none is made to look."""
    ours = place.settings.ledger.kind == "sqlite"
    if ours and not (place.home.root / LEDGER_FILE).exists():
        return set()
    with place.ledger.read() as db:
        return {str(entry.details.get("sha256")) for entry in entries(db, actions=("promote", "rollback"))}


def _topics(place: Workplace) -> Said:
    yield True, place.topics.hash


def _threats(place: Workplace) -> Said:
    yield True, place.threats.digest


def _calendar(place: Workplace) -> Said:
    yield True, _("{count} steps of elections").format(count=len(place.calendar.steps))


def _office(place: Workplace) -> Said:
    """Its region, and its list of institutions."""
    office = place.settings.office
    load_institutions(Path(office.institutions) if office.institutions else data_path("institutions.csv"))
    yield bool(place.enrichers), f"{office.code} {office.name}"


# ---- what came in


def _partitions(place: Workplace) -> Said:
    waiting = unflagged(place)
    if waiting:
        text = _("{count} landed partitions are not flagged; run: kentongan flag && kentongan index")
        yield False, text.format(count=len(waiting))
    behind = unindexed_partitions(place.home.derived)
    if behind:
        yield (
            False,
            _("{count} flagged partitions are not in the index; run: kentongan index").format(count=len(behind)),
        )
    if not waiting and not behind:
        yield True, _("all landed partitions are flagged and in the index")


def _quarantine(place: Workplace) -> Said:
    """Whether much of what came in was of no use: a source that changed its form lands nothing, and nobody sees it.

    The same item, fetched again and again, counts once a day.
    """
    now, zone = place.clock(), place.settings.office.zone
    week, before = (partition_of(now - n * _WEEK, zone) for n in (1, 2))
    met = {
        (partition_of(item.at, zone), item.step, item.source, item.place)
        for item in read_quarantine(place.home.quarantine, before)
    }
    once = {(partition[:10], step, source, where): partition >= week for partition, step, source, where in sorted(met)}
    sources = Counter(source for (_day, _step, source, _where), late in once.items() if late)
    new, old = sources.total(), len(once) - sources.total()
    flagged = derived_partitions(place.home.derived, week)
    used = sum(count_rows(derived_file(place.home.derived, partition)) for partition in flagged)
    says = _("{count} items in the last 7 days").format(count=new)
    if new < _FEW or (new <= _SHARE * (new + used) and new < _GROWTH * max(1, old)):
        yield True, says
        return
    source, most = sources.most_common(1)[0]
    text = _("{says}, of {total}; the 7 days before {old}. Most ({most}) come from {source}: see why in {folder}")
    values = {"says": says, "total": new + used, "old": old, "most": most, "source": source}
    yield False, text.format(**values, folder=place.home.quarantine)


def _inbox(place: Workplace) -> Said:
    folder = place.home.inbox / inbox.REFUSED
    refused = sum(1 for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0
    if refused:
        text = _("{count} files could not be read and lie in {folder}; mend them and drop them into the inbox again")
        yield False, text.format(count=refused, folder=folder)
    else:
        yield True, _("no file was refused")


def _sources(place: Workplace) -> Said:
    """A source that landed nothing for two days is silent: the worst failure is the one nobody sees."""
    silent = silent_sources(place)
    for name, source in place.settings.sources.items():
        last = silent.get(name)
        if last is None:
            yield True, _("{name}: heard of late").format(name=name)
        else:
            says = _("{name} is silent: last seen {when}").format(name=name, when=last or _("never"))
            yield False, f"{says}; {_what_to_do(name, source)}"


def _what_to_do(name: str, source: SourceSettings) -> str:
    if source.kind == "feed":
        return _("open its address, then try: kentongan ingest --source {name}").format(name=name)
    return _("is there a new file at {path}? Then: kentongan run --source {name}").format(path=source.path, name=name)


# ---- ledger, queue and index


def _ledger(place: Workplace) -> Said:
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


def _queue(place: Workplace) -> Said:
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


def _index(place: Workplace) -> Said:
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


def _claims(place: Workplace) -> Said:
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
        known, newest = sum(claims.standings(db).values()), claims.newest_rev(db)
    made = place.claim_index_folder.is_dir()
    if newest and not (made and place.claim_index.rev == newest):
        yield False, _("the claims index is behind the ledger; run: kentongan claims sync")
    elif made:
        yield place.claim_thresholds is not None, _("{count} claims are known").format(count=known)
    elif not failing:
        yield True, _("no claim is known")


def _drift(place: Workplace) -> Said:
    """Whether the posts are still like those that the model learnt from, as far as somebody looked."""
    found = last_report(place)
    if found is None:
        yield True, _("was not measured yet; run it every week: kentongan drift")
        return
    days = (place.clock() - datetime.fromisoformat(found["made_at"])) // timedelta(days=1)
    if found["alarms"]:
        text = _("{count} alarms: the model's figures may no longer hold; see: kentongan drift, docs/drift.md")
        yield False, text.format(count=len(found["alarms"]))
    elif days > _OLD_REPORT:
        yield False, _("was measured {days} days ago; run it every week: kentongan drift").format(days=days)
    else:
        yield True, _("no alarm")


def _ledger_is_gone(place: Workplace) -> bool:
    """A ledger in a file that is not there, beside data that it must know: to open it would make an empty one."""
    ours = place.settings.ledger.kind == "sqlite"
    return ours and not (place.home.root / LEDGER_FILE).exists() and bool(partitions(place.home.landing))


_CHECKS: dict[str, Callable[[Workplace], Said]] = {
    "disk": _disk,
    "clock": _clock,
    "secret": _secret,
    "model": _model,
    "topics": _topics,
    "threats": _threats,
    "calendar": _calendar,
    "office": _office,
    "partitions": _partitions,
    "quarantine": _quarantine,
    "inbox": _inbox,
    "sources": _sources,
    "ledger": _ledger,
    "queue": _queue,
    "index": _index,
    "claims": _claims,
    "drift": _drift,
}
