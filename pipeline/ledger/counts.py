"""Counts for the overview and the daily summary: by day, label, topic, province and status; never by account.

`sample` items are in no count: no rule flagged them (DESIGN, section 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal_column, select

from pipeline.core.identity import subject_of
from pipeline.ledger.schema import item, item_tag, verdict

_REVIEWED = ("confirmed", "rejected", "unsure", "escalated")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits: how many items, since when the oldest, and how many are in somebody's hands."""

    waiting: int
    oldest: datetime | None
    held: int


@dataclass(frozen=True, slots=True)
class Tally:
    """Flags under one value: how many, of these reviewed, of these fitting the criteria."""

    value: str
    flags: int
    reviewed: int
    confirmed: int


def backlog(db: Connection, offices: Sequence[str], now: datetime) -> Backlog:
    """What waits for review."""
    statuses = ("open", "second_review", "unsure", "escalated")
    waits = _of(offices, item.c.status.in_(statuses), item.c.sample.is_(False))
    held = case((item.c.held_until > int(now.timestamp()), 1), else_=0)
    row = db.execute(select(func.count(), func.min(item.c.seen_at), func.sum(held)).where(waits)).one()
    oldest = None if row[1] is None else datetime.fromtimestamp(row[1], UTC)
    return Backlog(int(row[0]), oldest, int(row[2] or 0))


def unmirrored(db: Connection) -> int:
    """How many items the index does not know the newest status of."""
    return int(db.execute(select(func.count()).where(item.c.dirty)).scalar_one())


def statuses(db: Connection, offices: Sequence[str], since: datetime, until: datetime) -> dict[str, int]:
    """How many flags that came in then have which status."""
    query = select(item.c.status, func.count()).where(_between(offices, since, until)).group_by(item.c.status)
    return {row[0]: int(row[1]) for row in db.execute(query)}


def tallies(db: Connection, field: str, offices: Sequence[str], since: datetime, until: datetime) -> list[Tally]:
    """Flags that came in then by label, topic, province or region, the most frequent first."""
    reviewed = func.sum(case((item.c.status.in_(_REVIEWED), 1), else_=0))
    confirmed = func.sum(case((item.c.status == "confirmed", 1), else_=0))
    query = (
        select(item_tag.c.value, func.count(), reviewed, confirmed)
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == field, _between(offices, since, until))
        .group_by(item_tag.c.value)
    )
    found = [Tally(row[0], int(row[1]), int(row[2]), int(row[3])) for row in db.execute(query)]
    return sorted(found, key=lambda tally: (-tally.flags, tally.value))


def by_day(
    db: Connection, field: str, offices: Sequence[str], since: datetime, until: datetime, zone: ZoneInfo
) -> dict[tuple[str, str], int]:
    """(day in the office's zone, value) -> flags."""
    hour = item.c.seen_at - item.c.seen_at % 900  # every zone's offset is a multiple of 15 minutes
    query = (
        select(hour, item_tag.c.value, func.count())
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == field, _between(offices, since, until))
        .group_by(hour, item_tag.c.value)
    )
    found: dict[tuple[str, str], int] = {}
    for moment, value, number in db.execute(query):  # days are cut here: the two databases disagree about zones
        day = datetime.fromtimestamp(moment, UTC).astimezone(zone).date().isoformat()
        found[day, value] = found.get((day, value), 0) + int(number)
    return found


def rises(
    db: Connection, offices: Sequence[str], since: datetime, until: datetime
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(topic, province) -> (flags, accounts, sources of news) of that time; "" is the province of those without one.

    Accounts can be told apart within a cluster only, so theirs is the largest number of one cluster: at least so many.
    """
    topic, province = item_tag.alias("topic"), item_tag.alias("province")
    place = func.coalesce(province.c.value, literal_column("''"))  # a parameter would not be the same in GROUP BY
    news = case((item.c.kind == "news", item.c.source))

    def grouped(*columns: ColumnElement[Any], by: Sequence[ColumnElement[Any]] = ()) -> Any:
        query = (
            select(topic.c.value, place, *columns)
            .select_from(item)
            .join(topic, and_(topic.c.subject == item.c.subject, topic.c.field == "topic"))
            .outerjoin(province, and_(province.c.subject == item.c.subject, province.c.field == "province"))
            .where(_between(offices, since, until))
        )
        return db.execute(query.group_by(topic.c.value, place, *by))

    accounts: dict[tuple[str, str], int] = {}
    known = func.count(func.distinct(func.nullif(item.c.account, "")))
    for row in grouped(known, by=[item.c.cluster]):
        accounts[row[0], row[1]] = max(accounts.get((row[0], row[1]), 0), int(row[2]))
    flags = grouped(func.count(), func.count(func.distinct(news)))
    return {(row[0], row[1]): (int(row[2]), accounts[row[0], row[1]], int(row[3])) for row in flags}


def without(db: Connection, field: str, offices: Sequence[str], since: datetime, until: datetime) -> int:
    """How many flags have no value of a field, such as no province."""
    tagged = select(item_tag.c.subject).where(item_tag.c.field == field)
    query = select(func.count()).where(_between(offices, since, until), item.c.subject.not_in(tagged))
    return int(db.execute(query).scalar_one())


def arrived(db: Connection, offices: Sequence[str], since: datetime, until: datetime) -> int:
    """How many flags came in then."""
    return int(db.execute(select(func.count()).where(_between(offices, since, until))).scalar_one())


def decided(db: Connection, offices: Sequence[str], since: datetime, until: datetime) -> tuple[int, int]:
    """(verdicts, of these `kritik/aspirasi`) that were given then."""
    criticised = func.sum(case((verdict.c.criticism, 1), else_=0))
    query = select(func.count(), criticised).where(
        verdict.c.office.in_(list(offices)),
        verdict.c.at >= int(since.timestamp()),
        verdict.c.at < int(until.timestamp()),
        verdict.c.status != "open",
        verdict.c.subject.not_in(select(item.c.subject).where(item.c.sample)),
    )
    row = db.execute(query).one()
    return int(row[0]), int(row[1] or 0)


def prominent(db: Connection, offices: Sequence[str], since: datetime, until: datetime, limit: int = 5) -> list[Any]:
    """(item row, copies) of the clusters that fit the criteria or else spread widest; never of rejected ones."""
    fits = case((item.c.status == "confirmed", 1), else_=0)
    query = (
        select(item.c.cluster, func.count().label("copies"), func.max(fits).label("fits"), func.min(item.c.seen_at))
        .where(_between(offices, since, until), item.c.status != "rejected")
        .group_by(item.c.cluster)
        .order_by(func.max(fits).desc(), func.count().desc(), func.max(item.c.base).desc(), item.c.cluster)
        .limit(limit)
    )
    found = []
    for row in db.execute(query).all():
        first = (
            select(item)
            .where(item.c.cluster == row.cluster, _between(offices, since, until))
            .order_by((item.c.status == "confirmed").desc(), item.c.seen_at, item.c.subject)
        )
        found.append((db.execute(first.limit(1)).one(), int(row.copies)))
    return found


def tags(db: Connection, flag_id: str) -> dict[str, list[str]]:
    """What a flag is counted under: field -> values."""
    found: dict[str, list[str]] = {}
    query = select(item_tag).where(item_tag.c.subject == subject_of(flag_id)).order_by(item_tag.c.value)
    for row in db.execute(query):
        found.setdefault(row.field, []).append(row.value)
    return found


def days(since: datetime, until: datetime, zone: ZoneInfo) -> list[str]:
    """The days of a span in the office's zone."""
    first, last = since.astimezone(zone).date(), (until - timedelta(seconds=1)).astimezone(zone).date()
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]


def _of(offices: Sequence[str], *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return and_(item.c.office.in_(list(offices)), *conditions)


def _between(offices: Sequence[str], since: datetime, until: datetime) -> ColumnElement[bool]:
    times = (item.c.seen_at >= int(since.timestamp()), item.c.seen_at < int(until.timestamp()))
    return _of(offices, item.c.sample.is_(False), *times)
