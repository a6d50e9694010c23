"""Verdicts: each names the one that it supersedes, so that nobody overrules what he has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.core.decisions import Verdict, check_verdict
from pipeline.core.errors import Conflict
from pipeline.core.i18n import _
from pipeline.core.identity import subject_of
from pipeline.core.types import Decided
from pipeline.ledger.chain import append, entry_of, queue_up
from pipeline.ledger.schema import entry, item, verdict


def record(db: Connection, given: Verdict) -> Verdict:
    """Add the verdict to the chain and set the flag's status; returns it with its id.

    Raises Conflict if the flag is gone, somebody else holds it, or its last verdict is not the one that is superseded;
    ConfigError for words that no decision has.
    """
    check_verdict(given)
    queue_up(db, given.office)
    key = subject_of(given.flag_id)
    row = db.execute(select(item).where(item.c.subject == key, item.c.office == given.office).with_for_update()).first()
    if row is None:
        raise Conflict(_("this item is no longer in the queue: it was erased or is past its time"))
    if row.held_by not in ("", given.reviewer) and row.held_until > int(given.at.timestamp()):
        raise Conflict(_("somebody else is reviewing this item right now"))
    last = latest(db, given.flag_id)
    if (last.id if last else "") != given.supersedes:
        raise Conflict(_("somebody else decided on this item meanwhile; look at that decision first"))
    made = append(
        db,
        office=given.office,
        kind="verdict",
        action="decide" if given.decisions else "undo",
        at=given.at,
        actor=given.reviewer,
        subject=key,
        details=_details(given),
        payload={"flag_id": given.flag_id, "note": given.note},
    )
    values = {"id": made.hash, "office": given.office, "subject": key, "status": given.status}
    try:
        db.execute(
            insert(verdict).values(
                **values,
                seq=made.seq,
                supersedes=given.supersedes,
                reviewer=given.reviewer,
                at=int(given.at.timestamp()),
                criticism="criticism" in given.reasons,
            )
        )
    except IntegrityError as error:
        raise Conflict(_("somebody else decided on this item meanwhile; look at that decision first")) from error
    decided = {"decided_at": int(given.at.timestamp()), "decided_by": given.reviewer}
    if given.status == "open":
        decided = {"decided_at": None, "decided_by": ""}
    hands = {"held_by": "", "held_until": 0, "rev": item.c.rev + 1, "dirty": True}
    db.execute(update(item).where(item.c.subject == key).values(status=given.status, **decided, **hands))
    return replace(given, id=made.hash)


def _details(given: Verdict) -> dict[str, Any]:
    return {
        "decisions": dict(given.decisions),
        "status": given.status,
        "reasons": list(given.reasons),
        "grounds": list(given.grounds),
        "follow_up": given.follow_up,
        "snapshot": dict(given.snapshot),
        "bulk": given.bulk,
        "supersedes": given.supersedes,
    }


def history(db: Connection, flag_id: str) -> list[Verdict]:
    """All verdicts on a flag, oldest first, those that were taken back among them."""
    query = select(entry).where(entry.c.subject == subject_of(flag_id), entry.c.kind == "verdict")
    return [_verdict(row) for row in db.execute(query.order_by(entry.c.seq))]


def latest(db: Connection, flag_id: str) -> Verdict | None:
    """The verdict that stands: the last one, whatever it says."""
    query = select(entry).where(entry.c.subject == subject_of(flag_id), entry.c.kind == "verdict")
    row = db.execute(query.order_by(entry.c.seq.desc()).limit(1)).first()
    return _verdict(row) if row else None


def standing(db: Connection, flag_ids: Iterable[str]) -> dict[str, Decided]:
    """Of those flags that are decided: when they were, and why, by the verdict that stands."""
    names = {subject_of(flag_id): flag_id for flag_id in flag_ids}
    query = select(entry).where(entry.c.subject.in_(list(names)), entry.c.kind == "verdict").order_by(entry.c.seq)
    last = {row.subject: row for row in db.execute(query)}
    stand = {names[subject]: _verdict(row) for subject, row in last.items()}
    return {flag_id: Decided(given.at, given.reasons) for flag_id, given in stand.items() if given.decisions}


def latest_of(db: Connection, reviewer: str, limit: int) -> list[Verdict]:
    """The reviewer's newest decisions that still stand, newest first."""
    later = verdict.alias("later")
    superseded = select(later.c.seq).where(later.c.subject == verdict.c.subject, later.c.supersedes == verdict.c.id)
    newest = (
        select(verdict.c.seq)
        .where(verdict.c.reviewer == reviewer, ~superseded.exists())
        .order_by(verdict.c.seq.desc())
        .limit(limit * 2)
    )
    query = select(entry).where(entry.c.seq.in_(newest)).order_by(entry.c.seq.desc())
    found = [_verdict(row) for row in db.execute(query)]
    return [each for each in found if each.decisions and each.flag_id][:limit]


def since(db: Connection, offices: Sequence[str] | None = None, after: int = 0) -> Iterator[tuple[int, Verdict]]:
    """Yield (sequence number, verdict) in order; an erased one has an empty flag id and note."""
    query = select(entry).where(entry.c.kind == "verdict", entry.c.seq > after)
    if offices is not None:
        query = query.where(entry.c.office.in_(list(offices)))
    for row in db.execute(query.order_by(entry.c.seq)).yield_per(1_000):
        yield int(row.seq), _verdict(row)


def _verdict(row: Row[Any]) -> Verdict:
    link = entry_of(row)
    details, payload = link.details, link.payload or {}
    return Verdict(
        flag_id=str(payload.get("flag_id", "")),
        office=link.office,
        reviewer=link.actor,
        at=link.at,
        decisions=details["decisions"],
        status=details["status"],
        reasons=tuple(details["reasons"]),
        grounds=tuple(details["grounds"]),
        follow_up=details["follow_up"],
        note=str(payload.get("note", "")),
        snapshot=details["snapshot"],
        bulk=details["bulk"],
        supersedes=details["supersedes"],
        id=link.hash,
    )


def past_and_held(db: Connection, status: str, decided_before: datetime) -> tuple[frozenset[str], frozenset[str]]:
    """The flags that were decided so before then (their text is past its time), and those decided so since."""
    rows = db.execute(select(item.c.flag_id, item.c.decided_at).where(item.c.status == status)).all()
    limit = int(decided_before.timestamp())
    past = frozenset(row.flag_id for row in rows if (row.decided_at or 0) <= limit)
    return past, frozenset(row.flag_id for row in rows) - past
