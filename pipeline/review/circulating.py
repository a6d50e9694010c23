"""Klaim beredar: the claims that flags of a period carry, as the overview prints them; counts under five as "< 5"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from pipeline.ledger import claims, counts
from pipeline.ledger.schema import item, item_tag
from pipeline.report.words import FEW, few
from pipeline.review.views import short
from pipeline.summary import carried_status, region_name
from pipeline.workplace import Workplace

SHOWN = 20
_TEXT = 160  # characters of a claim in a table
_PROVINCES = 5  # of one claim


@dataclass(frozen=True, slots=True)
class ClaimGroup:
    """A claim that went round: its status, its flags as they may be printed, provinces that they name."""

    id: str
    text: str
    status: str
    flags: str
    reviewed: str
    confirmed: str
    provinces: tuple[str, ...]
    waits: bool


def circulating(
    place: Workplace, db: Connection, offices: Sequence[str], since: datetime, until: datetime
) -> tuple[ClaimGroup, ...]:
    """The claims that most flags of that time carry; those under five stand in the order of their ids."""
    tallies = counts.tallies(db, claims.TAG, offices, since, until)
    ordered = sorted(tallies, key=lambda tally: (-tally.flags if tally.flags >= FEW else 0, tally.value))[:SHOWN]
    known = claims.get_many(db, [tally.value for tally in ordered])
    provinces = _provinces(db, [tally.value for tally in ordered], offices, since, until)
    latest = claims.latest(db, known, offices, since, until)
    return tuple(
        ClaimGroup(
            id=tally.value,
            text=short(known[tally.value].text, _TEXT),
            status=carried_status(place, known[tally.value], latest.get(tally.value)),
            flags=few(tally.flags),
            reviewed=few(tally.reviewed),
            confirmed=few(tally.confirmed),
            provinces=tuple(
                f"{region_name(place, code)} {few(count)}"
                for code, count in provinces.get(tally.value, [])[:_PROVINCES]
            ),
            waits=tally.reviewed == 0,
        )
        for tally in ordered
        if tally.value in known
    )


def _provinces(
    db: Connection, ids: Sequence[str], offices: Sequence[str], since: datetime, until: datetime
) -> dict[str, list[tuple[str, int]]]:
    """Claim id -> (province, flags) of that time, the most first, those under five in the order of their codes."""
    named = item_tag.alias()
    query = (
        select(item_tag.c.value, named.c.value, func.count())
        .join(named, (named.c.subject == item_tag.c.subject) & (named.c.field == "province"))
        .join(item, item.c.subject == item_tag.c.subject)
        .where(item_tag.c.field == claims.TAG, item_tag.c.value.in_(list(ids)))
        .where(item.c.office.in_(list(offices)), item.c.sample.is_(False))
        .where(item.c.seen_at >= int(since.timestamp()), item.c.seen_at < int(until.timestamp()))
        .group_by(item_tag.c.value, named.c.value)
    )
    found: dict[str, list[tuple[str, int]]] = {}
    for claim_id, code, count in db.execute(query):
        found.setdefault(claim_id, []).append((code, int(count)))
    for own in found.values():
        own.sort(key=lambda pair: (-pair[1] if pair[1] >= FEW else 0, pair[0]))
    return found
