"""Counts over all offices of a ledger, for those who watch the program itself: nothing in them is about a post."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from pipeline.ledger.schema import entry, head, item, verdict

WAITING = ("open", "second_review", "unsure", "escalated")


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is; `oldest` is when the flag that waits longest came in. Samples are in no count of flags."""

    flags: Mapping[str, int]
    oldest: datetime | None
    verdicts: Mapping[str, int]
    unmirrored: int
    failed_sign_ins: int
    entries: int


def totals(db: Connection) -> Totals:
    """Count."""
    queued = select(item.c.status, func.count()).where(item.c.sample.is_(False)).group_by(item.c.status)
    waits = select(func.min(item.c.seen_at)).where(item.c.sample.is_(False), item.c.status.in_(WAITING))
    oldest = db.execute(waits).scalar()
    offices = select(head.c.office)  # with it, the index by office and action answers
    failed = select(func.count()).where(entry.c.office.in_(offices), entry.c.action == "sign_in_failed")
    return Totals(
        flags={row[0]: int(row[1]) for row in db.execute(queued)},
        oldest=None if oldest is None else datetime.fromtimestamp(oldest, UTC),
        verdicts={
            row[0]: int(row[1]) for row in db.execute(select(verdict.c.status, func.count()).group_by(verdict.c.status))
        },
        unmirrored=int(db.execute(select(func.count()).where(item.c.dirty)).scalar_one()),
        failed_sign_ins=int(db.execute(failed).scalar_one()),
        entries=int(db.execute(select(func.sum(head.c.number))).scalar() or 0),
    )


def newest_waiting(db: Connection, limit: int) -> list[str]:
    """The ids of the flags that came into the queue last and still wait; all of them stand in the index too."""
    query = select(item.c.flag_id).where(item.c.status.in_(WAITING)).order_by(item.c.seen_at.desc()).limit(limit)
    return list(db.scalars(query))
