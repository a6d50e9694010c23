"""What an operator should know: each finding says what was looked at, whether it is well, and what to do if not."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from pipeline import checkups, freshness
from pipeline.checkups import Said
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
from pipeline.ledger.chain import entries
from pipeline.ledger.database import FILE_NAME as LEDGER_FILE
from pipeline.sources import inbox
from pipeline.steps import unflagged
from pipeline.workplace import Workplace

_FREE_BYTES = 2_000_000_000  # a million posts need about 1.5 GB in landing, derived and index
_WEEK = timedelta(days=7)
_OPENING = ("secret", "ledger", "retention", "queue", "index", "claims")  # checks that open what they look at
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
        "retention": _("retention"),
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
    """What each source gave of late against its own past: the worst failure is the one nobody sees."""
    for found in freshness.measure(place, place.clock()).sources:
        alarm = found.level in freshness.ALARMS
        advice = _what_to_do(found.source, place.settings.sources[found.source])
        yield not alarm, f"{freshness.told(found)}; {advice}" if alarm else freshness.told(found)


def _what_to_do(name: str, source: SourceSettings) -> str:
    if source.kind == "feed":
        return _("open its address, then try: kentongan ingest --source {name}").format(name=name)
    return _("is there a new file at {path}? Then: kentongan run --source {name}").format(path=source.path, name=name)


# ---- how well the model still fits


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
    "ledger": checkups.ledger,
    "retention": checkups.retention,
    "queue": checkups.queue,
    "index": checkups.index,
    "claims": checkups.claims,
    "drift": _drift,
}
