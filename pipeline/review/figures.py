"""The figures of the overview: what came in and what was decided in a period, by day, indication, province and topic.

Counts only, never of accounts; `sample` items are in none. By region and topic, what is under five is printed "< 5".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection

from pipeline.core.clock import partition_start
from pipeline.core.types import FLAGGING_LABELS, LABELS
from pipeline.ledger import counts
from pipeline.ledger.counts import Backlog, Tally
from pipeline.report.words import FEW, few
from pipeline.review.circulating import ClaimGroup, circulating
from pipeline.review.provinces import level_of
from pipeline.summary import Unseen, region_name, topic_name, unchecked, unseen, unseen_lines
from pipeline.workplace import Workplace

PERIODS = (7, 28, 90)  # days
FIGURED = tuple(label for label in LABELS if label in FLAGGING_LABELS)
"""The labels that may be a figure: those that flag by themselves (DESIGN, section 1)."""
_BY_WEEK = 28  # longer periods are told by week


@dataclass(frozen=True, slots=True)
class Stretch:
    """A day or week: its days (the last one inclusive), how many flags came in, and how many with which label."""

    first: date
    last: date
    arrived: int
    labels: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Group:
    """Flags of one province or topic as they may be printed; `level` is the class on the map."""

    code: str
    name: str
    flags: str
    reviewed: str
    confirmed: str
    level: int
    waits: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """All that the overview shows. `silent` holds sources and when they were last heard (None: never)."""

    days: int
    first: date
    last: date
    arrived: int
    reviewed: int
    criticism: int
    backlog: Backlog
    labels: tuple[Tally, ...]
    stretches: tuple[Stretch, ...]
    provinces: tuple[Group, ...]
    topics: tuple[Group, ...]
    claims: tuple[ClaimGroup, ...]
    unchecked: int
    unseen: Unseen
    silent: tuple[tuple[str, datetime | None], ...]
    unseen_lines: tuple[str, ...]

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((stretch.arrived for stretch in self.stretches), default=0)


def figures(place: Workplace, offices: Sequence[str], days: int, now: datetime) -> Figures:
    """The figures of the last `days` days, today included, in the office's zone."""
    zone = place.settings.office.zone
    last = now.astimezone(zone).date()
    first = last - timedelta(days=days - 1)
    since, until = _midnight(place, first), _midnight(place, last + timedelta(days=1))
    with place.ledger.read() as db:
        reviewed, criticism = counts.decided(db, offices, since, until)
        tallies = {tally.value: tally for tally in counts.tallies(db, "label", offices, since, until)}
        missed = unseen(place, db, offices, since, until)
        return Figures(
            days=days,
            first=first,
            last=last,
            arrived=counts.arrived(db, offices, since, until),
            reviewed=reviewed,
            criticism=criticism,
            backlog=counts.backlog(db, offices, now),
            labels=tuple(tallies.get(label, Tally(label, 0, 0, 0)) for label in FIGURED),
            stretches=tuple(_stretches(place, db, offices, first, last)),
            provinces=_groups(place, counts.tallies(db, "province", offices, since, until), topics=False),
            topics=_groups(place, counts.tallies(db, "topic", offices, since, until), topics=True),
            claims=circulating(place, db, offices, since, until),
            unchecked=unchecked(db, offices, since, until),
            unseen=missed,
            silent=tuple(
                (name, partition_start(heard, zone) if heard else None) for name, heard in sorted(missed.silent.items())
            ),
            unseen_lines=tuple(unseen_lines(replace(missed, silent={}))),
        )


def _stretches(place: Workplace, db: Connection, offices: Sequence[str], first: date, last: date) -> list[Stretch]:
    """The days or weeks of a period, the newest first."""
    zone = place.settings.office.zone
    by_day = counts.by_day(db, "label", offices, _midnight(place, first), _after(place, last), zone)
    found = []
    for start, end in _cut(first, last):
        names = [(start + timedelta(days=n)).isoformat() for n in range((end - start).days + 1)]
        labels = {label: sum(by_day.get((day, label), 0) for day in names) for label in FIGURED}
        arrived = counts.arrived(db, offices, _midnight(place, start), _after(place, end))
        found.append(Stretch(start, end, arrived, labels))
    return found[::-1]


def _cut(first: date, last: date) -> list[tuple[date, date]]:
    """The days between, or for long periods the weeks from Monday to Sunday; the ones at the ends may be shorter."""
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if len(days) <= _BY_WEEK:
        return [(day, day) for day in days]
    starts = [day for day in days if day == first or day.weekday() == 0]
    ends = [start - timedelta(days=1) for start in starts[1:]]
    return list(zip(starts, [*ends, last], strict=True))


def _groups(place: Workplace, tallies: Sequence[Tally], *, topics: bool) -> tuple[Group, ...]:
    """As they may be printed; those under five stand in the order of their codes, which says nothing of the count."""
    ordered = sorted(tallies, key=lambda tally: (-tally.flags if tally.flags >= FEW else 0, tally.value))
    return tuple(
        Group(
            code=tally.value,
            name=topic_name(place, tally.value) if topics else region_name(place, tally.value),
            flags=few(tally.flags),
            reviewed=few(tally.reviewed),
            confirmed=few(tally.confirmed),
            level=level_of(tally.flags),
            waits=tally.reviewed == 0,
        )
        for tally in ordered
    )


def _midnight(place: Workplace, day: date) -> datetime:
    return datetime.combine(day, time(), place.settings.office.zone).astimezone(UTC)


def _after(place: Workplace, day: date) -> datetime:
    return _midnight(place, day + timedelta(days=1))
