"""A claim's card: the posts of one's own offices that carry it, folded with their copies, over time and by region.

Counts and excerpts as the queue shows them; no account, no author, no address of a post.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection

from pipeline.core.claims import Claim
from pipeline.ledger import claims, items
from pipeline.ledger.claims import Carrier
from pipeline.ledger.items import Item
from pipeline.report.words import FEW, few
from pipeline.summary import came_back, region_name
from pipeline.workplace import Workplace

FOLDS = 10  # texts that are listed, each with the number of its copies
DAYS = 31  # of the spread over time, the latest
MOST = 2_000  # flags that are looked at; of a claim that more carry, the earliest


@dataclass(frozen=True, slots=True)
class Fold:
    """Posts of one text: the earliest, how many flags, from how many accounts ("< 5"), and when the last came."""

    first: Item
    flags: int
    accounts: str
    last: datetime


@dataclass(frozen=True, slots=True)
class Carried:
    """The flags that carry a claim.

    `flags`, `last_seen` and `returned` (the last came long after the check) are of all, the rest of the earliest MOST.
    """

    flags: int
    looked_at: int
    texts: int
    first_seen: datetime | None
    last_seen: datetime | None
    returned: bool
    folds: tuple[Fold, ...]
    days: tuple[tuple[date, int], ...]
    sources: tuple[tuple[str, int], ...]
    provinces: tuple[tuple[str, str, str], ...]

    @property
    def most(self) -> int:
        """The longest bar."""
        return max((count for _day, count in self.days), default=0)


def carried(place: Workplace, db: Connection, claim: Claim, offices: Sequence[str], now: datetime) -> Carried:
    """The posts of these offices that carry a claim."""
    found = claims.carriers(db, claim.id, offices, MOST)
    listed = claims.listed(db, offices, ids=[claim.id], carried=True)
    latest = claims.latest(db, [claim.id], offices).get(claim.id)
    moments = [_moment(each) for each in found]
    zone = place.settings.office.zone
    days = Counter(moment.astimezone(zone).date() for moment in moments)
    regions = claims.provinces(db, claim.id, offices)
    ordered = sorted(regions.items(), key=lambda pair: (-pair[1] if pair[1] >= FEW else 0, pair[0]))
    return Carried(
        flags=listed[0].flags if listed else 0,
        looked_at=len(found),
        texts=len({each.cluster for each in found}),
        first_seen=min(moments, default=None),
        last_seen=latest,
        returned=came_back(place, claim, latest),
        folds=tuple(_folds(db, found, offices, now)),
        days=tuple(sorted(days.items(), reverse=True)[:DAYS]),
        sources=tuple(Counter(each.platform or each.source for each in found).most_common(12)),
        provinces=tuple((code, region_name(place, code), few(count)) for code, count in ordered),
    )


def _folds(db: Connection, found: Sequence[Carrier], offices: Sequence[str], now: datetime) -> list[Fold]:
    """The texts that most flags have, each by its earliest."""
    clusters: dict[str, list[Carrier]] = {}
    for each in found:
        clusters.setdefault(each.cluster, []).append(each)
    widest = sorted(clusters.values(), key=lambda own: (-len(own), _moment(own[0]), own[0].key))[:FOLDS]
    known = items.known(db, [own[0].flag_id for own in widest], offices, now)
    return [
        Fold(
            known[own[0].flag_id],
            len(own),
            few(items.accounts(db, own[0].cluster, offices)),
            max(map(_moment, own)),
        )
        for own in widest
        if own[0].flag_id in known
    ]


def _moment(carrier: Carrier) -> datetime:
    return carrier.published_at or carrier.seen_at
