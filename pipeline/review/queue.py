"""Antrean: what waits, in the order in which it should be looked at; claimed in small batches."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, select
from starlette.responses import Response

from pipeline.core.i18n import _
from pipeline.ledger import items, verdicts
from pipeline.ledger.counts import Backlog
from pipeline.review.desk import flags_of, told
from pipeline.review.guard import Visit, page
from pipeline.review.views import row_of

_AHEAD = 15  # items of the queue that are shown before anybody claims them
_LATEST = 5  # own decisions that can be taken back from here


@page("/antrean", "queue")
def queue(visit: Visit) -> Response:
    """What one holds, what comes next, how much waits and since when."""
    place, now = visit.place, visit.now
    adjudicates = visit.may("adjudicate")
    with place.ledger.read() as db:
        mine = items.holdings(db, visit.user.id, now)
        waiting = items.waiting(visit.offices, now, user=visit.user.id, adjudicates=adjudicates)
        ahead = [items.item_of(row, now) for row in db.execute(waiting.limit(_AHEAD + len(mine))).all()]
        backlog = _backlog(db, waiting, now)
        latest = verdicts.latest_of(db, visit.user.id, _LATEST)
        decided = items.known(db, [verdict.flag_id for verdict in latest], visit.offices, now)
    following = [item for item in ahead if item.held_by != visit.user.id][:_AHEAD]
    flags, away = flags_of(place, [*mine, *following])
    hide = place.settings.review.hide_signals
    rows = {item.key: row_of(place, item, flags.get(item.flag_id), hide=hide) for item in (*mine, *following)}
    return visit.render(
        "queue.html",
        mine=[rows[item.key] for item in mine],
        ahead=[rows[item.key] for item in following],
        until=min((item.held_until for item in mine), default=None),
        backlog=backlog,
        oldest=now - backlog.oldest if backlog.oldest is not None else None,
        latest=[(verdict, decided[verdict.flag_id]) for verdict in latest if verdict.flag_id in decided],
        batch=place.settings.review.batch,
        away=away,
    )


def _backlog(db: Connection, waiting: Select[Any], now: datetime) -> Backlog:
    """What waits for this person, samples among it: a count that leaves them out would tell which they are."""
    each = waiting.order_by(None).subquery()
    held = func.sum(case((each.c.held_until > int(now.timestamp()), 1), else_=0))
    count, oldest, taken = db.execute(select(func.count(), func.min(each.c.seen_at), held).select_from(each)).one()
    return Backlog(count, None if oldest is None else datetime.fromtimestamp(oldest, UTC), int(taken or 0))


@page("/antrean/ambil", "queue", "POST")
def claim(visit: Visit) -> Response:
    """Claim the next batch and begin with its first item."""
    review = visit.place.settings.review
    with visit.place.ledger.write() as db:
        held = items.claim(
            db,
            visit.offices,
            visit.user.id,
            visit.now,
            limit=review.batch,
            minutes=review.hold_minutes,
            adjudicates=visit.may("adjudicate"),
        )
    told(visit)
    if not held:
        return visit.redirect("/antrean", _("Nothing waits just now."))
    return visit.redirect(f"/butir/{held[0].key}")


@page("/antrean/lepas", "queue", "POST")
def release(visit: Visit) -> Response:
    """Put back all that one holds."""
    with visit.place.ledger.write() as db:
        count = items.release(db, visit.user.id)
    told(visit)
    return visit.redirect("/antrean", _("{count} items were put back into the queue.").format(count=count))
