"""Jejak: who looked at what and did what, for the data protection officer; and whether the chain is whole.

It never shows a post, what somebody searched for, a note or a flag's id: payloads are not read here at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection
from starlette.responses import Response

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.names import reason_name, source_reason_name, status_name
from pipeline.core.roles import role_name
from pipeline.ledger import chain, people
from pipeline.ledger.audit import ACTIONS
from pipeline.ledger.chain import Entry, Verified
from pipeline.report.sheets import Sheet
from pipeline.review.downloads import workbook
from pipeline.review.guard import Visit, page
from pipeline.review.templating import written_day, written_time

PAGE = 50
MOST = 20_000  # entries of an export; the whole chain goes out by `kentongan ledger export`
_KEY = 8  # characters of a flag's key: enough to tell two lines apart
_HASH = re.compile(r"[0-9a-f]{64}")
_PLAIN = re.compile(r"[\w.:-]{1,40}")
_NOTED = 20  # hashes that may be checked at once


@dataclass(frozen=True, slots=True)
class Line:
    """One entry as people read it; `who_id` is the account's id."""

    seq: int
    at: datetime
    action: str
    who: str
    who_id: str
    details: str
    office: str


@page("/jejak", "audit")
def trail(visit: Visit) -> Response:
    """The newest entries first, page by page."""
    return _trail(visit, None)


@page("/jejak/periksa", "audit", "POST")
def check_chain(visit: Visit) -> Response:
    """Walk along the chains; the heads are to be noted elsewhere, and earlier notes can be compared."""
    noted = [line.strip().lower() for line in str(visit.form.get("hash", "")).split()]
    if len(noted) > _NOTED or not all(map(_HASH.fullmatch, noted)):
        raise ConfigError(_("a noted hash has 64 signs, 0 to 9 and a to f; at most {most} at once").format(most=_NOTED))
    with visit.place.ledger.read() as db:
        return _trail(visit, chain.verify(db, noted))


@page("/jejak/ekspor", "audit")
def export_trail(visit: Visit) -> Response:
    """The entries as a workbook, with the ids of the accounts: their names do not leave the desk."""
    action = _action(visit)
    with visit.place.ledger.read() as db:
        found = chain.entries(db, visit.offices, actions=_actions(action), newest=True, limit=MOST)
        lines = _lines(db, list(found))
    zone = visit.place.settings.office.zone
    rows = tuple(
        (written_time(line.at, zone), line.action, line.who_id or line.who, line.details, line.office) for line in lines
    )
    columns = (_("Time"), _("Action"), _("Account"), _("Details"), _("Office"))
    notes = [_("SAMPLE DATA")] if visit.place.settings.office.is_sample else []
    if len(rows) == MOST:
        text = _("Only the newest {count} entries; the whole chain: kentongan ledger export --chain FILE")
        notes.append(text.format(count=MOST))
    sheet = Sheet(_("Audit trail"), columns, rows, tuple(notes))
    return workbook(visit, "audit", f"jejak-{visit.now.astimezone(zone):%Y-%m-%d}", sheet)


def _trail(visit: Visit, verified: Verified | None) -> Response:
    action, before = _action(visit), _before(visit)
    with visit.place.ledger.read() as db:
        actions = _actions(action)
        newest = chain.entries(db, visit.offices, before=before, actions=actions, newest=True, limit=PAGE + 1)
        found = list(newest)
        lines = _lines(db, found[:PAGE])
    mine = {*visit.offices, ""}  # a problem of no office concerns all
    return visit.render(
        "trail.html",
        lines=lines,
        following=found[PAGE - 1].seq if len(found) > PAGE else None,
        first=before is None,
        actions=[(code, action_name(code)) for code in ACTIONS],
        chosen=action,
        verified=verified,
        heads=sorted((o, *last) for o, last in verified.heads.items() if o in mine) if verified else [],
        problems=[problem for problem in verified.problems if problem.office in mine] if verified else [],
    )


def _action(visit: Visit) -> str:
    action = visit.request.query_params.get("tindakan", "")
    if action and action not in ACTIONS:
        raise ConfigError(_('there is no action "{action}" in the audit').format(action=action[:40]))
    return action


def _actions(action: str) -> tuple[str, ...]:
    return (action,) if action else ()


def _before(visit: Visit) -> int | None:
    typed = visit.request.query_params.get("sebelum", "")
    if not typed:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", typed):
        raise ConfigError(_("there is no such page of the audit trail"))
    return int(typed)


# ---- an entry in words


def _lines(db: Connection, found: list[Entry]) -> list[Line]:
    ids = {entry.actor for entry in found} | {str(entry.details.get(key, "")) for entry in found for key in _PEOPLE}
    names = people.named(db, sorted(ids))
    return [
        Line(
            seq=entry.seq,
            at=entry.at,
            action=action_name(entry.action),
            who=names.get(entry.actor, entry.actor) or "–",
            who_id=entry.actor,
            details="; ".join(_details(entry, names)),
            office=entry.office,
        )
        for entry in found
    ]


_PEOPLE = ("user", "to")
"""Details that are a person's id."""


def _details(entry: Entry, names: Mapping[str, str]) -> Iterable[str]:
    """What may be told of an entry: details are taken one by one, whatever else is in them stays unsaid."""
    details = entry.details
    if entry.subject:
        yield _("item {key}").format(key=entry.subject[:_KEY])
    for key in _PEOPLE:
        if key in details:
            known = names.get(str(details[key]), _plain(details[key]))
            yield _("to {name}").format(name=known) if key == "to" else _("account {name}").format(name=known)
    for key, words in _WORDS.items():
        if key in details and (said := words(details[key])):
            yield said


def _plain(value: object) -> str:
    """A code, number or date as it is; anything longer or with blanks could be somebody's words."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else "…"


def _reason(value: object) -> str:
    """Why an original was opened or a post erased."""
    erased = {
        "request": _("at somebody's request"),
        "private": _("private sphere"),
        "child": _("concerns a child"),
        "deleted_at_source": _("deleted at its source"),
        "mistake": _("taken by mistake"),
    }
    code = _plain(value)
    return _("reason: {reason}").format(reason=erased.get(code) or source_reason_name(code))


def _day(value: object) -> str:
    try:
        return written_day(str(value))
    except ValueError:
        return _plain(value)


def _listed(value: object) -> str:
    return ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)


def _role(value: object) -> str:
    return _("no role") if value == "none" else _("role {role}").format(role=role_name(_plain(value)))


_WORDS: dict[str, Callable[[Any], str]] = {
    "role": _role,
    "disabled": lambda value: _("account closed") if value else "",
    "reset": lambda value: _("new password handed out") if value else "",
    "everywhere": lambda value: _("in all browsers") if value else "",
    "changed": lambda value: _("changed: {names}").format(names=_listed(value)),
    "model": lambda value: _("model {name}").format(name=_plain(value)),
    "overridden": lambda value: _("in spite of the gate") if value else "",
    "day": _day,
    "status": lambda value: _("status: {status}").format(status=status_name(_plain(value))),
    "bulk": lambda value: _("together with its copies") if value else "",
    "reason": _reason,
    "reasons": lambda value: ", ".join(map(reason_name, value)) if isinstance(value, list) else "",
    "entries": lambda value: _("{count} payloads erased").format(count=len(value)) if isinstance(value, list) else "",
    "what": lambda value: export_name(_plain(value)),
    "form": _plain,
    "shown": lambda value: _("{count} shown").format(count=_plain(value)),
    "rows": lambda value: _("{count} rows").format(count=_plain(value)),
}


def export_name(code: str) -> str:
    """What was exported, or looked through."""
    names = {
        "overview": _("overview"),
        "daily": _("daily summary"),
        "audit": _("audit trail"),
        "search": _("search results"),
        "users": _("accounts"),
        "chain": _("the whole chain"),
        "decisions": _("decisions for training"),
        "claims": _("claims"),
        "claim": _("posts that carry a claim"),
        "fact_check": _("request for a fact-check"),
    }
    return names.get(code, code)


def action_name(code: str) -> str:
    """What an action of the audit is called."""
    names = {
        "sign_in": _("signed in"),
        "sign_in_failed": _("sign-in failed"),
        "sign_out": _("signed out"),
        "read": _("read an item"),
        "open_source": _("opened the original"),
        "search": _("searched"),
        "export": _("exported"),
        "erase": _("erased"),
        "rights": _("changed rights"),
        "password": _("changed a password"),
        "config": _("settings changed"),
        "assign": _("assigned an item"),
        "publish": _("published"),
        "decide": _("recorded a decision"),
        "undo": _("took a decision back"),
        "promote": _("put a model in service"),
        "rollback": _("put the model before in service again"),
        "lengthen": _("lengthened a retention period"),
        "shadow": _("let a candidate score beside the model in service, or took it away"),
    }
    return names.get(code, code)
