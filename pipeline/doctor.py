"""What an operator should know: each finding says what was looked at, whether it is well, and what to do if not."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pipeline.core.clock import partition_of
from pipeline.core.errors import KentonganError
from pipeline.core.i18n import _
from pipeline.landing.quarantine import read_quarantine
from pipeline.landing.raw import partitions
from pipeline.ledger import counts
from pipeline.steps import unflagged
from pipeline.summary import silent_sources
from pipeline.workplace import Workplace

_FREE_BYTES = 2_000_000_000  # a million posts need about 1.5 GB in landing, derived and index
_BUILT_AFTER = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    well: bool
    says: str


def examine(place: Workplace) -> list[Finding]:
    """Look at everything; a check that fails is a finding, never an exception."""
    findings = []
    for what, check in _checks(place).items():
        try:
            findings += [Finding(what, well, says) for well, says in check()]
        except (KentonganError, OSError) as error:
            findings.append(Finding(what, False, str(error)))
    return findings


Check = Callable[[], Iterator[tuple[bool, str]]]


def _checks(place: Workplace) -> dict[str, Check]:
    return {
        _("home"): lambda: _home(place),
        _("disk"): lambda: _disk(place),
        _("clock"): lambda: _clock(place),
        _("model"): lambda: _model(place),
        _("topics"): lambda: _topics(place),
        _("index"): lambda: _index(place),
        _("ledger"): lambda: _ledger(place),
        _("partitions"): lambda: _partitions(place),
        _("quarantine"): lambda: _quarantine(place),
        _("sources"): lambda: _sources(place),
    }


def _home(place: Workplace) -> Iterator[tuple[bool, str]]:
    place.home.make()
    yield True, str(place.home.root)


def _disk(place: Workplace) -> Iterator[tuple[bool, str]]:
    free = shutil.disk_usage(place.home.root).free
    says = _("{free:.1f} GB free").format(free=free / 1e9)
    yield free >= _FREE_BYTES, says if free >= _FREE_BYTES else says + _("; make room before the next run")


def _clock(place: Workplace) -> Iterator[tuple[bool, str]]:
    now = place.clock()
    newest = max(partitions(place.home.landing), default="")
    if now < _BUILT_AFTER or newest > partition_of(now + timedelta(hours=1), place.settings.office.zone):
        yield (
            False,
            _("the clock says {now:%Y-%m-%d %H:%M} UTC, which is before data that is here; set it").format(now=now),
        )
    else:
        yield True, f"{now:%Y-%m-%d %H:%M} UTC"


def _model(place: Workplace) -> Iterator[tuple[bool, str]]:
    yield True, place.classifier.name


def _topics(place: Workplace) -> Iterator[tuple[bool, str]]:
    yield True, place.topics.hash


def _index(place: Workplace) -> Iterator[tuple[bool, str]]:
    if sqlite3.sqlite_version_info < (3, 40):
        yield False, _("SQLite {version} is too old; 3.40 or newer is needed").format(version=sqlite3.sqlite_version)
    else:
        place.store.get("-")
        yield True, f"{place.settings.store.kind}, SQLite {sqlite3.sqlite_version}"


def _ledger(place: Workplace) -> Iterator[tuple[bool, str]]:
    """That it opens, how much waits, and whether the index knows all statuses; `ledger verify` walks the chains."""
    with place.ledger.read() as db:
        waiting = counts.backlog(db, [place.settings.office.code], place.clock()).waiting
        behind = counts.unmirrored(db)
    if behind:
        yield False, _("the index does not know {count} statuses yet; run: kentongan index").format(count=behind)
    else:
        yield True, _("{kind}; {count} flags wait for review").format(kind=place.settings.ledger.kind, count=waiting)


def _partitions(place: Workplace) -> Iterator[tuple[bool, str]]:
    waiting = unflagged(place)
    if waiting:
        yield (
            False,
            _("{count} landed partitions are not flagged; run: kentongan flag && kentongan index").format(
                count=len(waiting)
            ),
        )
    else:
        yield True, _("all landed partitions are flagged")


def _quarantine(place: Workplace) -> Iterator[tuple[bool, str]]:
    since = partition_of(place.clock() - timedelta(days=7), place.settings.office.zone)
    found = list(read_quarantine(place.home.quarantine, since))
    last = found[-1].reason if found else ""
    yield True, _("{count} items in the last 7 days").format(count=len(found)) + (f" ({last})" if last else "")


def _sources(place: Workplace) -> Iterator[tuple[bool, str]]:
    """A source that landed nothing for two days is silent: the worst failure is the one nobody sees."""
    silent = silent_sources(place)
    for name in place.settings.sources:
        last = silent.get(name)
        if last is not None:
            yield False, _("{name} is silent: last seen {when}").format(name=name, when=last or _("never"))
        else:
            yield True, _("{name}: heard of late").format(name=name)
