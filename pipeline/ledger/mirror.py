"""What the index does not know yet of the queue's statuses; whatever comes in between, it learns the newest at last."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, case, select, update

from pipeline.core.types import Status
from pipeline.ledger.items import free_overdue
from pipeline.ledger.schema import item

_CHUNK = 500


def unmirrored(db: Connection, now: datetime, limit: int = _CHUNK) -> list[tuple[str, str, Status, int]]:
    """(key, flag id, status, rev) of what the index does not know yet; a held item is `claimed` there."""
    free_overdue(db, now)
    query = select(item.c.subject, item.c.flag_id, item.c.status, item.c.held_by, item.c.rev)
    rows = db.execute(query.where(item.c.dirty).order_by(item.c.subject).limit(limit))
    return [(row.subject, row.flag_id, "claimed" if row.held_by else row.status, row.rev) for row in rows]


def mirrored(db: Connection, done: Sequence[tuple[str, str, Status, int]]) -> None:
    """Note what the index knows now; what changed meanwhile (by whoever) is to be told again.

    Then it gets a new `rev` too: another process may have told the newest before we told what was old by then.
    """
    if not done:
        return
    changed = item.c.rev != bindparam("seen_rev")
    again = {"dirty": changed, "rev": case((changed, item.c.rev + 1), else_=item.c.rev)}
    statement = update(item).where(item.c.subject == bindparam("key")).values(**again)
    db.execute(statement, [{"key": key, "seen_rev": rev} for key, _flag_id, _status, rev in done])
