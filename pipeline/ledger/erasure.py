"""Erasing a post from the ledger: payloads go, the chain stays whole, and the post is never taken again."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from pipeline.core.batches import batched
from pipeline.core.identity import subject_of
from pipeline.ledger.chain import append, erase_payloads, queue_up
from pipeline.ledger.items import count_copies, without_index
from pipeline.ledger.schema import entry, erased, item, item_tag

REASONS = ("request", "private", "child", "deleted_at_source", "mistake")
_CHUNK = 500


def erase(db: Connection, flag_id: str, *, office: str, actor: str, at: datetime, reason: str) -> int:
    """Erase all that the ledger holds of a post and put it on the do-not-take-again list; returns how many payloads.

    A tombstone names the entries whose payloads went. Twice is once: a second tombstone then names none.
    """
    queue_up(db, office)
    key = subject_of(flag_id)
    gone = erase_payloads(db, key)
    _rename_cluster(db, key)
    _remove(db, [flag_id])
    if db.scalar(select(erased.c.subject).where(erased.c.subject == key)) is None:
        db.execute(insert(erased).values(subject=key, at=int(at.timestamp())))
    append(
        db,
        office=office,
        kind="audit",
        action="erase",
        at=at,
        actor=actor,
        subject=key,
        details={"reason": reason, "entries": gone},
    )
    return len(gone)


def _rename_cluster(db: Connection, key: str) -> None:
    """Copies that were named after the erased post are named after their next earliest."""
    left = select(item.c.subject).where(item.c.cluster == key, item.c.subject != key)
    heir = db.scalar(left.order_by(item.c.seen_at, item.c.subject).limit(1))
    if heir:
        db.execute(update(item).where(item.c.cluster == key).values(cluster=heir))


def erased_keys(db: Connection) -> frozenset[str]:
    """The whole do-not-take-again list, as subjects."""
    return frozenset(db.scalars(select(erased.c.subject)))


def withdraw(db: Connection, flag_ids: Iterable[str]) -> int:
    """Remove items that no rule flags any more and that nobody took up; returns how many."""
    free = (item.c.status == "open", without_index(item.c.held_by) == "")
    return sum(_remove(db, batch, *free) for batch in batched(flag_ids, _CHUNK))


def expire(db: Connection, flag_ids: Iterable[str]) -> int:
    """Close undecided items that are past their time: no address any more, no place in the queue; returns how many."""
    total = 0
    for batch in batched(flag_ids, _CHUNK):
        keys = [subject_of(flag_id) for flag_id in batch]
        undecided = item.c.status.in_(("open", "second_review", "unsure", "escalated"))
        closed = {"status": "expired", "address": None, "held_by": "", "held_until": 0, "rev": item.c.rev + 1}
        done = db.execute(update(item).where(item.c.subject.in_(keys), undecided).values(**closed, dirty=True))
        total += done.rowcount
    return total


def drop_addresses(db: Connection, flag_ids: Iterable[str]) -> None:
    """The address of a decided item goes when its text goes."""
    for batch in batched(flag_ids, _CHUNK):
        keys = [subject_of(flag_id) for flag_id in batch]
        db.execute(update(item).where(item.c.subject.in_(keys)).values(address=None))


def _remove(db: Connection, flag_ids: Iterable[str], *conditions: object) -> int:
    keys = [subject_of(flag_id) for flag_id in flag_ids]
    rows = db.execute(select(item.c.subject, item.c.cluster).where(item.c.subject.in_(keys), *conditions)).all()  # type: ignore[arg-type]
    chosen = [row.subject for row in rows]
    db.execute(delete(item_tag).where(item_tag.c.subject.in_(chosen)))
    db.execute(delete(item).where(item.c.subject.in_(chosen)))
    count_copies(db, {row.cluster for row in rows})
    return len(chosen)


def left_of(db: Connection, keys: Iterable[str]) -> list[str]:
    """Which erased subjects still have a payload or an item: there should be none."""
    wanted = list(keys)
    payloads = select(entry.c.subject).where(entry.c.subject.in_(wanted), entry.c.payload.is_not(None))
    return sorted({*db.scalars(payloads), *db.scalars(select(item.c.subject).where(item.c.subject.in_(wanted)))})
