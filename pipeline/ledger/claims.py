"""Claims and their reviews: one id a claim however many checkers wrote about it, and which flags carry it.

A review that a checker changed is replaced, one that was taken back stays as withdrawn. `rev` counts changes, so that
the claims index asks only for what is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    text,
    update,
)

from pipeline.core.batches import batched
from pipeline.core.claims import Claim, ClaimReview, Standing, standing_of
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import Status
from pipeline.ledger.schema import claim, claim_review, item, item_tag

TAG = "claim"
"""The field of `item_tag` that says which claims a flag carries."""

_CHUNK = 500
_TIMES = ("reviewed_at", "claimed_at")
_LOCK = 0x6B6C6169  # of PostgreSQL, any number that nobody else locks: "klai"
_OLDEST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placed:
    """A review, the claim that it belongs to, and the hash of the claim's words ("" if it has too few)."""

    claim_id: str
    review: ClaimReview
    words: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What `put` did with reviews; `claims` are the ids of the claims that are not as they were."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    claims: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A claim in a list: how many flags carry it in the offices asked for, and since when."""

    id: str
    text: str
    standing: Standing
    first_at: datetime | None
    flags: int
    first_seen: datetime | None


@dataclass(frozen=True, slots=True)
class Carrier:
    """A flag that carries a claim, as a claim's card needs it."""

    key: str
    flag_id: str
    cluster: str
    source: str
    platform: str
    status: Status
    seen_at: datetime
    published_at: datetime | None


def id_of(review_key: str) -> str:
    """The id of the claim whose first review has that key."""
    return "k" + sha256(review_key.encode()).hexdigest()[:12]


def put(db: Connection, placed: Iterable[Placed]) -> Stored:
    """Create or update reviews and bring their claims up to date."""
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    touched: dict[str, None] = {}
    for batch in batched(placed, _CHUNK):
        rows = {each.review.key: _row(each) for each in batch}
        query = select(claim_review.c.key, claim_review.c.digest).where(claim_review.c.key.in_(list(rows)))
        known = {row.key: row.digest for row in db.execute(query)}
        for key in [key for key, row in rows.items() if known.get(key) == row["digest"]]:
            del rows[key]
            counts["unchanged"] += 1
        if not rows:
            continue
        counts["changed"] += sum(key in known for key in rows)
        counts["new"] += sum(key not in known for key in rows)
        _make_room(db, {row["claim_id"] for row in rows.values()})
        db.execute(delete(claim_review).where(claim_review.c.key.in_([key for key in rows if key in known])))
        db.execute(insert(claim_review), list(rows.values()))
        touched |= dict.fromkeys(row["claim_id"] for row in rows.values())
    _renew(db, list(touched))
    return Stored(**counts, claims=tuple(touched))


def _row(placed: Placed) -> dict[str, Any]:
    review = placed.review
    values = asdict(review)
    for name in _TIMES:
        moment = values[name]
        values[name] = None if moment is None else int(moment.timestamp())
    body = json.dumps(values, sort_keys=True)
    return {
        "key": review.key,
        "claim_id": placed.claim_id,
        "words": placed.words,
        "checker": review.checker[:120],
        "source": review.source,
        "reviewed_at": values["reviewed_at"],
        "digest": sha256(f"{placed.claim_id}\0{body}".encode()).hexdigest(),
        "body": body,
    }


def _make_room(db: Connection, ids: set[str]) -> None:
    """Rows of claims that are not there yet; `_renew` fills them."""
    known = set(db.scalars(select(claim.c.id).where(claim.c.id.in_(ids))))
    fresh = sorted(ids - known)
    if fresh:
        empty = {"text": "", "standing": "unrated", "first_at": None}
        db.execute(insert(claim), [{"id": new, "rev": rev, **empty} for rev, new in enumerate(fresh, _next_rev(db))])


def _renew(db: Connection, ids: Sequence[str]) -> None:
    """What stands in a claim's own row is what its reviews say."""
    statement = update(claim).where(claim.c.id == bindparam("claim"))
    for batch in batched(ids, _CHUNK):
        reviews = _reviews(db, batch)
        rows = []
        for rev, claim_id in enumerate(batch, _next_rev(db)):
            own = reviews[claim_id]
            first = min((review.reviewed_at for review in own if review.reviewed_at), default=None)
            first_at = None if first is None else int(first.timestamp())
            standing = standing_of(own)
            rows.append(
                {"claim": claim_id, "text": own[0].claim, "standing": standing, "first_at": first_at, "rev": rev}
            )
        db.execute(statement, rows)


def _next_rev(db: Connection) -> int:
    """The next number; two writers of one PostgreSQL take turns, or the later number could be committed first."""
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    return newest_rev(db) + 1


def newest_rev(db: Connection) -> int:
    """The number of the last change; 0 if there is no claim."""
    return int(db.execute(select(func.max(claim.c.rev))).scalar() or 0)


def _reviews(db: Connection, ids: Iterable[str]) -> dict[str, tuple[ClaimReview, ...]]:
    """Claim id -> its reviews, the first checker's first."""
    query = select(claim_review.c.claim_id, claim_review.c.body).where(claim_review.c.claim_id.in_(list(ids)))
    found: dict[str, list[ClaimReview]] = {}
    for row in db.execute(query):
        found.setdefault(row.claim_id, []).append(_review(row.body))
    return {claim_id: tuple(sorted(reviews, key=_age)) for claim_id, reviews in found.items()}


def _age(review: ClaimReview) -> tuple[bool, bool, datetime, str]:
    """What was taken back, and what says no date, comes last."""
    moment = review.reviewed_at
    return review.withdrawn, moment is None, moment or _OLDEST, review.key


def _review(body: str) -> ClaimReview:
    values = json.loads(body)
    for name in _TIMES:
        values[name] = None if values[name] is None else datetime.fromtimestamp(values[name], UTC)
    return ClaimReview(**values)


# ---- what is known


def known(db: Connection, keys: Iterable[str]) -> dict[str, str]:
    """Review key -> the claim that it belongs to."""
    return _pairs(db, keys, select(claim_review.c.key, claim_review.c.claim_id), claim_review.c.key)


def with_words(db: Connection, hashes: Iterable[str]) -> dict[str, str]:
    """Hash of a claim's words -> a claim that has just these words."""
    return _pairs(db, hashes, select(claim_review.c.words, claim_review.c.claim_id), claim_review.c.words)


def _pairs(db: Connection, values: Iterable[str], query: Select[Any], column: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for batch in batched(values, _CHUNK):
        rows = db.execute(query.where(column.in_(batch)).order_by(claim_review.c.claim_id.desc()))
        found |= {row[0]: row[1] for row in rows}
    return found


def get(db: Connection, claim_id: str) -> Claim | None:
    """The claim of that id, or None."""
    return get_many(db, [claim_id]).get(claim_id)


def named(db: Connection, claim_id: str) -> Claim:
    """The claim of that id; raises ConfigError if there is none."""
    found = get(db, claim_id)
    if found is None:
        raise ConfigError(_("there is no claim {id}").format(id=claim_id))
    return found


def get_many(db: Connection, ids: Iterable[str]) -> dict[str, Claim]:
    """The claims of those ids that there are."""
    found: dict[str, Claim] = {}
    for batch in batched(dict.fromkeys(ids), _CHUNK):
        rows = db.execute(select(claim).where(claim.c.id.in_(batch))).all()
        found |= {each.id: each for each in _claims(db, rows)}
    return found


def since(db: Connection, rev: int = 0) -> Iterator[Claim]:
    """The claims that changed after that number, in the order of their changes."""
    while True:
        rows = db.execute(select(claim).where(claim.c.rev > rev).order_by(claim.c.rev).limit(_CHUNK)).all()
        if not rows:
            return
        yield from _claims(db, rows)
        rev = rows[-1].rev


def _claims(db: Connection, rows: Sequence[Row[Any]]) -> list[Claim]:
    reviews = _reviews(db, [row.id for row in rows])
    return [Claim(row.id, row.text, reviews.get(row.id, ()), row.rev) for row in rows]


def standings(db: Connection) -> dict[str, int]:
    """How many claims have which standing."""
    query = select(claim.c.standing, func.count()).group_by(claim.c.standing)
    return {row[0]: int(row[1]) for row in db.execute(query)}


def checkers(db: Connection) -> list[tuple[str, int]]:
    """Checkers with how many reviews each wrote, the busiest first."""
    query = select(claim_review.c.checker, func.count()).group_by(claim_review.c.checker)
    return sorted(((row[0], int(row[1])) for row in db.execute(query)), key=lambda pair: (-pair[1], pair[0]))


# ---- which flags carry them


def listed(
    db: Connection,
    offices: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
    standing: str = "",
    checker: str = "",
    carried: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 50,
    offset: int = 0,
) -> list[Listed]:
    """Claims that most flags of these offices carry first, then the newest; `carried` leaves out what none carries.

    With `since`/`until` only flags that came in then count. `sample` items are in no figure.
    """
    in_time: list[ColumnElement[bool]] = [item.c.office.in_(offices), item.c.sample.is_(False)]
    in_time += [item.c.seen_at >= int(since.timestamp())] if since else []
    in_time += [item.c.seen_at < int(until.timestamp())] if until else []
    carriers = (
        select(item_tag.c.value.label("id"), func.count().label("flags"), func.min(item.c.seen_at).label("first_seen"))
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == TAG, *in_time)
        .group_by(item_tag.c.value)
        .subquery()
    )
    flags = func.coalesce(carriers.c.flags, literal(0))
    query = select(claim, flags.label("flags"), carriers.c.first_seen).join(
        carriers, carriers.c.id == claim.c.id, isouter=not carried
    )
    if ids is not None:
        query = query.where(claim.c.id.in_(ids))
    if standing:
        query = query.where(claim.c.standing == standing)
    if checker:
        own = select(claim_review.c.claim_id).where(claim_review.c.checker == checker)
        query = query.where(claim.c.id.in_(own))
    order = (flags.desc(), func.coalesce(claim.c.first_at, 0).desc(), claim.c.id)
    rows = db.execute(query.order_by(*order).limit(limit).offset(offset))
    return [
        Listed(row.id, row.text, row.standing, _moment(row.first_at), int(row.flags), _moment(row.first_seen))
        for row in rows
    ]


def carriers(db: Connection, claim_id: str, offices: Sequence[str], limit: int = 2_000) -> list[Carrier]:
    """The flags of these offices that carry a claim, the earliest first; never a `sample`."""
    query = (
        select(item)
        .join(item_tag, item_tag.c.subject == item.c.subject)
        .where(item_tag.c.field == TAG, item_tag.c.value == claim_id)
        .where(item.c.office.in_(offices), item.c.sample.is_(False))
        .order_by(func.coalesce(item.c.published_at, item.c.seen_at), item.c.subject)
        .limit(limit)
    )
    return [
        Carrier(
            row.subject,
            row.flag_id,
            row.cluster,
            row.source,
            row.platform,
            row.status,
            datetime.fromtimestamp(row.seen_at, UTC),
            _moment(row.published_at),
        )
        for row in db.execute(query)
    ]


def latest(
    db: Connection,
    ids: Iterable[str],
    offices: Sequence[str],
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, datetime]:
    """Claim id -> when the latest post that carries it was published, of those that came in then."""
    in_time: list[ColumnElement[bool]] = [item.c.seen_at >= int(since.timestamp())] if since else []
    in_time += [item.c.seen_at < int(until.timestamp())] if until else []
    query = (
        select(item_tag.c.value, func.max(func.coalesce(item.c.published_at, item.c.seen_at)))
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == TAG, item_tag.c.value.in_(list(ids)))
        .where(item.c.office.in_(offices), item.c.sample.is_(False), *in_time)
        .group_by(item_tag.c.value)
    )
    return {row[0]: datetime.fromtimestamp(row[1], UTC) for row in db.execute(query)}


def provinces(db: Connection, claim_id: str, offices: Sequence[str]) -> Mapping[str, int]:
    """Province code -> flags that carry the claim and name it."""
    place = item_tag.alias()
    query = (
        select(place.c.value, func.count())
        .join(item_tag, (item_tag.c.subject == place.c.subject) & (place.c.field == "province"))
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == TAG, item_tag.c.value == claim_id)
        .where(item.c.office.in_(offices), item.c.sample.is_(False))
        .group_by(place.c.value)
    )
    return {row[0]: int(row[1]) for row in db.execute(query)}


def _moment(value: int | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)
