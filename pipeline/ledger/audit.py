"""Who looked at what: sign-ins, each read of a post, opened originals, searches, exports, erasures, rights, settings.

What could name a person (search words, a flag's id) stands in the erasable payload; the chain keeps its digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, insert, select

from pipeline.core.identity import subject_of
from pipeline.ledger.chain import Entry, append, entries
from pipeline.ledger.schema import publication

ACTIONS = (
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "read",
    "open_source",
    "search",
    "export",
    "erase",
    "rights",
    "password",
    "config",
    "assign",
    "publish",
    "decide",
    "undo",
    "promote",
    "rollback",
    "lengthen",
    "shadow",
)


def note(
    db: Connection,
    action: str,
    *,
    office: str,
    actor: str,
    at: datetime,
    flag_id: str = "",
    details: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Entry:
    """Add an audit entry; `flag_id` says which post it was about."""
    secret = dict(payload or {}) | ({"flag_id": flag_id} if flag_id else {})
    return append(
        db,
        office=office,
        kind="audit",
        action=action,
        at=at,
        actor=actor,
        subject=subject_of(flag_id) if flag_id else "",
        details=details,
        payload=secret or None,
    )


def note_settings(db: Connection, office: str, actor: str, at: datetime, now: Mapping[str, str]) -> list[str]:
    """Note which of topics, sources and policy changed since they were last noted; returns their names.

    `now` maps each to its hash. Whoever changes what the program looks for leaves a trace, even by editing a file.
    """
    last = next(iter(entries(db, [office], actions=["config"], newest=True, limit=1)), None)
    before = last.details.get("hashes", {}) if last else {}
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if changed:
        details = {"hashes": dict(now), "changed": changed}
        append(db, office=office, kind="audit", action="config", at=at, actor=actor, details=details)
    return changed


def publish(db: Connection, office: str, actor: str, at: datetime, day: date, text: str) -> str:
    """Keep a daily summary as it goes out; returns its id. Publishing again adds a version, the old one stays."""
    made = append(
        db,
        office=office,
        kind="audit",
        action="publish",
        at=at,
        actor=actor,
        details={"day": day.isoformat()},
        payload={"text": text},
    )
    values = {"id": made.hash, "office": office, "day": day.isoformat(), "at": int(at.timestamp()), "text": text}
    db.execute(insert(publication).values(**values))
    return made.hash


def published(db: Connection, office: str, limit: int = 60) -> list[tuple[str, int, str]]:
    """(day, when in seconds, text) of what was published, newest first."""
    query = select(publication).where(publication.c.office == office)
    rows = db.execute(query.order_by(publication.c.day.desc(), publication.c.at.desc()).limit(limit))
    return [(row.day, row.at, row.text) for row in rows]
