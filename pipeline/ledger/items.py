"""The desk's queue: which flags wait for whom, in which order, and who holds which.

A row is a work copy: `put` makes it again from a flag, its status comes from the verdicts. What is held is claimed with
one conditional UPDATE, so that two people never hold one item, on either database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)

from pipeline.core.batches import batched
from pipeline.core.identity import subject_of
from pipeline.core.types import Status
from pipeline.ledger.schema import erased, item, item_tag, verdict

_CHANGED: Mapping[str, Any] = {"rev": item.c.rev + 1, "dirty": True}
_DAY = 86_400
_CHUNK = 500  # values in one IN (...): SQLite allows 32,766, short statements are parsed faster
_OLDEST = 7  # days of waiting that count: afterwards an item is old enough to be first

WAITING: tuple[Status, ...] = ("open", "second_review")
"""What a reviewer may claim; a supervisor also what is unsure or what reviewers disagree about."""
ADJUDICATED: tuple[Status, ...] = ("unsure", "escalated")
DECIDED: tuple[Status, ...] = ("confirmed", "rejected")


@dataclass(frozen=True, slots=True)
class NewItem:
    """A flag as the queue needs it. `account` tells accounts of one cluster apart and nothing else."""

    flag_id: str
    office: str
    partition: str
    source: str
    kind: str
    platform: str
    published_at: datetime | None
    seen_at: datetime
    cluster: str
    account: str
    base: float
    sample: bool
    address: str | None
    tags: frozenset[tuple[str, str]]
    teach: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A flag in the queue. `status` is that of review; `held_by` is a user's id while somebody holds it."""

    key: str
    flag_id: str
    office: str
    partition: str
    source: str
    kind: str
    platform: str
    published_at: datetime | None
    seen_at: datetime
    cluster: str
    spread: int
    sample: bool
    status: Status
    decided_at: datetime | None
    decided_by: str
    held_by: str
    held_until: datetime


def item_of(row: Row[Any], now: datetime | None = None) -> Item:
    """The item of a database row; a hold that is over counts as none if `now` is given."""
    held = row.held_by if now is None or row.held_until > int(now.timestamp()) else ""
    return Item(
        key=row.subject,
        flag_id=row.flag_id,
        office=row.office,
        partition=row.partition,
        source=row.source,
        kind=row.kind,
        platform=row.platform,
        published_at=_moment(row.published_at),
        seen_at=datetime.fromtimestamp(row.seen_at, UTC),
        cluster=row.cluster,
        spread=row.spread,
        sample=row.sample,
        status=row.status,
        decided_at=_moment(row.decided_at),
        decided_by=row.decided_by,
        held_by=held,
        held_until=datetime.fromtimestamp(row.held_until, UTC),
    )


def put(db: Connection, items: Iterable[NewItem]) -> int:
    """Create or update rows; what was erased stays out, what was decided keeps its status. Returns how many are new."""
    created = 0
    clusters: set[str] = set()
    for batch in batched(items, _CHUNK):
        rows = {subject_of(new.flag_id): new for new in batch}
        gone = set(db.scalars(select(erased.c.subject).where(erased.c.subject.in_(list(rows)))))
        query = select(item.c.subject, item.c.cluster).where(item.c.subject.in_(list(rows)))
        known = {row.subject: row.cluster for row in db.execute(query)}
        statuses = _last_statuses(db, [key for key in rows if key not in known])
        alive = {key: new for key, new in rows.items() if key not in gone}
        fresh = [_row(key, new) | statuses.get(key, _OPEN) for key, new in alive.items() if key not in known]
        old = [_row(key, new) for key, new in alive.items() if key in known]
        _keep_heirs(db, old, known)
        if fresh:
            db.execute(insert(item), fresh)
        _update(db, old)
        _tag(db, alive)
        clusters |= {*known.values(), *(row["cluster"] for row in (*fresh, *old))}
        created += len(fresh)
    count_copies(db, clusters)
    return created


def _keep_heirs(db: Connection, rows: list[dict[str, Any]], known: Mapping[str, str]) -> None:
    """Copies of an erased post have another name by now; derived/ may still call them by the erased one's."""
    named = {row["cluster"] for row in rows}
    gone = set(db.scalars(select(erased.c.subject).where(erased.c.subject.in_(named))))
    for row in rows:
        if row["cluster"] in gone:
            row["cluster"] = known[row["subject"]]


_OPEN: dict[str, Any] = {"status": "open", "decided_at": None, "decided_by": "", "rev": 0, "dirty": False}


def _row(key: str, new: NewItem) -> dict[str, Any]:
    return {
        "subject": key,
        "flag_id": new.flag_id,
        "office": new.office,
        "partition": new.partition,
        "source": new.source,
        "kind": new.kind,
        "platform": new.platform,
        "published_at": None if new.published_at is None else int(new.published_at.timestamp()),
        "seen_at": int(new.seen_at.timestamp()),
        "cluster": subject_of(new.cluster),
        "account": new.account,
        "spread": 1,
        "base": new.base,
        "sample": new.sample,
        "teach": new.teach,
        "address": new.address,
        "held_by": "",
        "held_until": 0,
    }


def _update(db: Connection, rows: list[dict[str, Any]]) -> None:
    """What was found about a known flag anew; its place in review is not touched, its status is mirrored again."""
    if not rows:
        return
    renewed = ["partition", "source", "kind", "platform", "published_at", "cluster", "account", "base"]
    renewed += ["sample", "teach"]
    values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in renewed}
    kept: ColumnElement[Any] = func.coalesce(
        bindparam("new_address"), item.c.address
    )  # landing may be past its time by now
    statement = (
        update(item)
        .where(item.c.subject == bindparam("new_subject"))
        .values(**values, address=kept, dirty=item.c.rev > 0, rev=case((item.c.rev > 0, item.c.rev + 1), else_=0))
    )
    names = (*renewed, "address", "subject")
    db.execute(statement, [{f"new_{name}": row[name] for name in names} for row in rows])


def _tag(db: Connection, items: Mapping[str, NewItem]) -> None:
    db.execute(delete(item_tag).where(item_tag.c.subject.in_(list(items))))
    tags = [
        {"subject": key, "field": field, "value": value}
        for key, new in items.items()
        for field, value in sorted(new.tags)
    ]
    if tags:
        db.execute(insert(item_tag), tags)


def count_copies(db: Connection, clusters: Set[str]) -> None:
    """Count the flags of these clusters anew, each once: of a text that thousands pass on there are very many."""
    statement = (
        update(item)
        .where(item.c.cluster == bindparam("in_cluster"), without_index(item.c.office) == bindparam("in_office"))
        .where(item.c.spread != bindparam("copies"))
        .values(spread=bindparam("copies"))
    )
    for names in batched(sorted(clusters), _CHUNK):
        query = select(item.c.cluster, item.c.office, func.count().label("copies"))
        rows = db.execute(query.where(item.c.cluster.in_(names)).group_by(item.c.cluster, item.c.office)).all()
        if rows:
            found = [{"in_cluster": row.cluster, "in_office": row.office, "copies": row.copies} for row in rows]
            db.execute(statement, found)


def without_index(column: ColumnElement[str]) -> ColumnElement[str]:
    """The column so that no index of it is used: an office has very many rows, and those that nobody holds are more."""
    return column.concat("")


def _last_statuses(db: Connection, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What the chain says of flags that the queue does not know (any more)."""
    rows = db.execute(select(verdict).where(verdict.c.subject.in_(list(keys))).order_by(verdict.c.seq))
    found = {}
    for row in rows:
        at, by = (None, "") if row.status == "open" else (row.at, row.reviewer)
        found[row.subject] = {"status": row.status, "decided_at": at, "decided_by": by, "rev": 1, "dirty": True}
    return found


# ---- the order of work


def waiting(offices: Sequence[str], now: datetime, *, user: str = "", adjudicates: bool = False) -> Select[Any]:
    """The items that wait, the most urgent first; of a cluster only its earliest copy.

    Priority: what it says (`base`) + how far it spread + one point for each day it waits, seven at most.
    """
    statuses = (*WAITING, *ADJUDICATED) if adjudicates else WAITING
    mine = or_(item.c.status != "second_review", item.c.decided_by != user)
    place = func.row_number().over(
        partition_by=(item.c.status, item.c.cluster), order_by=(item.c.seen_at, item.c.subject)
    )
    first = (  # narrow, so that an index has all of it
        select(item.c.subject, place.label("place"), _urgency(now).label("urgency"))
        .where(item.c.office.in_(list(offices)), item.c.status.in_(statuses), mine)
        .subquery()
    )
    query = select(item, first.c.urgency).join(first, first.c.subject == item.c.subject).where(first.c.place == 1)
    return query.order_by(first.c.urgency.desc(), item.c.subject)


def _urgency(now: datetime) -> ColumnElement[float]:
    spread = case(
        (item.c.spread >= 50, 4.0),
        (item.c.spread >= 20, 3.0),
        (item.c.spread >= 5, 2.0),
        (item.c.spread >= 2, 1.0),
        else_=0.0,
    )
    days = (int(now.timestamp()) - item.c.seen_at) / float(_DAY)
    return item.c.base + spread + case((days > _OLDEST, float(_OLDEST)), else_=days)


def claim(
    db: Connection,
    offices: Sequence[str],
    user: str,
    now: datetime,
    *,
    limit: int,
    minutes: int,
    adjudicates: bool = False,
) -> list[Item]:
    """Give the user the most urgent free items until `limit` are held; returns all that the user holds now."""
    free_overdue(db, now)
    held = holdings(db, user, now)
    wanted = limit - len(held)
    if wanted > 0:
        query = waiting(offices, now, user=user, adjudicates=adjudicates).where(item.c.held_by == "")
        for row in db.execute(query.limit(limit * 20)).all():
            if wanted and _hold(db, row.subject, user, now, minutes, wait=False):
                wanted -= 1
    return holdings(db, user, now)


def hold(db: Connection, key: str, user: str, now: datetime, minutes: int) -> bool:
    """Claim one item, or hold it longer; False if somebody else has it."""
    return _hold(db, key, user, now, minutes)


def _hold(db: Connection, key: str, user: str, now: datetime, minutes: int, *, wait: bool = True) -> bool:
    """`wait=False`: what another transaction is at work on is taken, so that people who claim do not wait."""
    moment = int(now.timestamp())
    one = select(item.c.subject).where(item.c.subject == key).with_for_update(skip_locked=not wait)
    free = or_(item.c.held_by == "", item.c.held_by == user, item.c.held_until <= moment)
    done = db.execute(
        update(item)
        .where(item.c.subject.in_(one), free)
        .values(held_by=user, held_until=int((now + timedelta(minutes=minutes)).timestamp()), **_CHANGED)
    )
    return done.rowcount == 1


def release(db: Connection, user: str, keys: Sequence[str] | None = None) -> int:
    """Put back what the user holds (all of it, or some); returns how many."""
    mine = item.c.held_by == user
    chosen = mine if keys is None else and_(mine, item.c.subject.in_(list(keys)))
    return int(db.execute(update(item).where(chosen).values(held_by="", held_until=0, **_CHANGED)).rowcount)


def free_overdue(db: Connection, now: datetime) -> int:
    """Put back what was held for too long; returns how many."""
    over = and_(item.c.held_by > "", item.c.held_until <= int(now.timestamp()))  # `!=` could use no index
    free = item.c.subject.in_(select(item.c.subject).where(over).with_for_update(skip_locked=True))
    return int(db.execute(update(item).where(free, over).values(held_by="", held_until=0, **_CHANGED)).rowcount)


def holdings(db: Connection, user: str, now: datetime) -> list[Item]:
    """What the user holds, the most urgent first."""
    query = select(item).where(item.c.held_by == user, item.c.held_until > int(now.timestamp()))
    return [item_of(row) for row in db.execute(query.order_by(_urgency(now).desc(), item.c.subject))]


# ---- looking


def get(db: Connection, key: str, offices: Sequence[str], now: datetime) -> Item | None:
    """The item, if there is one in these offices."""
    row = db.execute(select(item).where(item.c.subject == key, item.c.office.in_(list(offices)))).first()
    return item_of(row, now) if row else None


def known(db: Connection, flag_ids: Iterable[str], offices: Sequence[str], now: datetime) -> dict[str, Item]:
    """The items of these flags, by flag id."""
    found: dict[str, Item] = {}
    for batch in batched(flag_ids, _CHUNK):
        keys = [subject_of(flag_id) for flag_id in batch]
        query = select(item).where(item.c.subject.in_(keys), without_index(item.c.office).in_(list(offices)))
        found |= {row.flag_id: item_of(row, now) for row in db.execute(query)}
    return found


def _copies(key: str, offices: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    return item.c.cluster == key, without_index(item.c.office).in_(list(offices))


def cluster(db: Connection, key: str, offices: Sequence[str], now: datetime, limit: int = 200) -> list[Item]:
    """The copies of a cluster, earliest first."""
    query = select(item).where(*_copies(key, offices))
    return [item_of(row, now) for row in db.execute(query.order_by(item.c.seen_at, item.c.subject).limit(limit))]


@dataclass(frozen=True, slots=True)
class Spread:
    """How far a cluster went: how many flags, of these not reviewed, since when, and provinces with their counts."""

    flags: int
    open: int
    since: datetime | None
    provinces: tuple[tuple[str, int], ...]


def spread(db: Connection, key: str, offices: Sequence[str]) -> Spread:
    """How far a cluster went."""
    within = _copies(key, offices)
    undecided = func.sum(case((item.c.status == "open", 1), else_=0))
    row = db.execute(select(func.count(), undecided, func.min(item.c.seen_at)).where(*within)).one()
    named = (
        select(item_tag.c.value, func.count())
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == "province", *within)
        .group_by(item_tag.c.value)
        .order_by(func.count().desc(), item_tag.c.value)
    )
    provinces = tuple((code, int(number)) for code, number in db.execute(named))
    return Spread(int(row[0]), int(row[1] or 0), _moment(row[2]), provinces)


def accounts(db: Connection, key: str, offices: Sequence[str]) -> int:
    """How many accounts published the copies of a cluster."""
    within = _copies(key, offices)
    query = select(func.count(func.distinct(item.c.account))).where(*within, item.c.account != "")
    return int(db.execute(query).scalar_one())


def address(db: Connection, key: str, offices: Sequence[str]) -> str | None:
    """The original's address, if it is known; asking for it is audited by the caller."""
    query = select(item.c.address).where(item.c.subject == key, item.c.office.in_(list(offices)))
    return db.execute(query).scalar()


def _moment(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)
