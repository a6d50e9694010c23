"""Butir: one flag with all that is known of it, and the decision on it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipeline import looking
from pipeline.core.decisions import (
    DECIDED_LABELS,
    DECISIONS,
    FOLLOW_UPS,
    GROUNDS,
    NOTE_LENGTH,
    REASONS,
    SOURCE_REASONS,
    Decision,
    Verdict,
    snapshot_of,
    status_after,
)
from pipeline.core.errors import ConfigError, Conflict, Forbidden, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.core.names import label_meaning, label_name, status_name
from pipeline.core.roles import may
from pipeline.core.types import Flag
from pipeline.ledger import items, people, verdicts
from pipeline.ledger.items import Item
from pipeline.review import views
from pipeline.review.guard import Visit, page
from pipeline.review.queue import told
from pipeline.summary import region_name

_COPIES = 12  # of a cluster that are listed
_BULK = 200  # copies that one decision may cover
_ASSIGNED = timedelta(hours=8)
_CLOSED = ("expired", "erased")
_QUICK = ("criticism", "satire", "report", "abuse_without_group")
"""Reasons with a button of their own: nothing fits, for this reason."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something to decide: a label, or a topic of a news item or report."""

    code: str
    name: str
    meaning: str


@page("/butir/{key}", "read")
def item_page(visit: Visit) -> Response:
    """Text, reasons, copies, what was decided before; reading it is audited and keeps one's hold on it."""
    item = _item(visit)
    flag, away = _flag(visit, item)
    minutes = visit.place.settings.review.hold_minutes
    if item.held_by == visit.user.id and item.held_until < visit.now + timedelta(minutes=minutes):
        with visit.place.ledger.write() as db:
            items.hold(db, item.key, visit.user.id, visit.now, minutes)
    return _render(visit, item, flag, away=away)


def _render(visit: Visit, item: Item, flag: Flag | None, *, away: bool, error: str = "", status: int = 200) -> Response:
    """Draw the page; no text is shown that the audit does not know of."""
    place = visit.place
    visit.audit("read", office=item.office, flag_id=item.flag_id)
    with place.ledger.read() as db:
        history = verdicts.history(db, item.flag_id)
        copies = items.cluster(db, item.cluster, visit.offices, visit.now, limit=_COPIES + 1)
        spread = items.spread(db, item.cluster, visit.offices)
        accounts = items.accounts(db, item.cluster, visit.offices)
        reviewers = _reviewers(visit, db, item)
    hide = place.settings.review.hide_signals and not any(v.reviewer == visit.user.id for v in history)
    decides = may(visit.role_in(item.office), "queue")
    return visit.render(
        "item.html",
        status_code=status,
        item=item,
        flag=flag,
        title="" if flag is None else views.visible(flag.post.title),
        row=views.row_of(place, item, flag, hide=hide),
        away=away,
        error=error,
        hide=hide,
        pieces=[] if flag is None else views.pieces(flag, hide=hide),
        indications=[] if flag is None or hide else views.indications(flag),
        topics=[] if flag is None else views.topics(place, flag),
        regions=[] if flag is None else views.regions(place, flag),
        history=history,
        copies=[copy for copy in copies if copy.key != item.key][:_COPIES],
        spread=spread,
        spread_regions=[(region_name(place, code), number) for code, number in spread.provinces],
        accounts=views.accounts_of(accounts),
        decides=decides,
        opens=may(visit.role_in(item.office), "open_source"),
        seen="" if flag is None else _text_hash(flag),
        questions=[_question(flag, code) for code in asked(flag)] if decides and flag is not None else [],
        blocked=_blocked(visit, item, history),
        reviewers=reviewers,
        source_reasons=SOURCE_REASONS,
        decisions=DECISIONS,
        reasons=REASONS,
        grounds=GROUNDS,
        follow_ups=FOLLOW_UPS,
        quick=_QUICK,
        note_length=NOTE_LENGTH,
        hold_minutes=place.settings.review.hold_minutes,
    )


@page("/butir/{key}/telaah", "queue", "POST")
def decide(visit: Visit) -> Response:
    """Record a decision, for the copies that nobody looked at too if that was asked for; go on to the next item."""
    item = _item(visit)
    flag, away = _flag(visit, item)
    if flag is None:
        raise Conflict(_("the text of this item is gone; nothing was decided"))
    if visit.form.get("seen", _text_hash(flag)) != _text_hash(flag):
        raise Conflict(_("the text of this item changed while you were reading it; read it again"))
    try:
        verdict = _decision(visit, item, flag)
        with visit.place.ledger.write() as db:
            verdicts.record(db, verdict)
    except ConfigError as error:
        return _render(visit, item, flag, away=away, error=str(error), status=400)
    copies = _decide_copies(visit, item, verdict) if visit.form.get("bulk") else 0
    return _next(visit, verdict, copies)


@page("/butir/{key}/batal", "queue", "POST")
def undo(visit: Visit) -> Response:
    """Take back the decision that stands: a new verdict, the old one stays readable."""
    item = _item(visit)
    if _flag(visit, item)[0] is None:
        raise Conflict(_("the text of this item is gone; nothing was decided"))
    with visit.place.ledger.write() as db:
        history = verdicts.history(db, item.flag_id)
        last = history[-1] if history else None
        if last is None or last.id != visit.form.get("supersedes") or not last.decisions:
            raise Conflict(_("there is no such decision to take back; somebody else was faster"))
        if last.reviewer != visit.user.id and not _adjudicates(visit, item):
            raise Forbidden(_("only who decided, or a supervisor, may take it back"))
        before = next((v for v in history if v.id == last.supersedes), None)
        status = before.status if before else "open"
        back = Verdict(item.flag_id, item.office, visit.user.id, visit.now, {}, status, supersedes=last.id)
        verdicts.record(db, back)
    told(visit)
    return visit.redirect(f"/butir/{item.key}", _("The decision was taken back."))


@page("/butir/{key}/ambil", "queue", "POST")
def claim_one(visit: Visit) -> Response:
    """Claim an item that one found by searching."""
    item = _item(visit)
    with visit.place.ledger.write() as db:
        _check_free(visit, item, verdicts.history(db, item.flag_id))
        if not items.hold(db, item.key, visit.user.id, visit.now, visit.place.settings.review.hold_minutes):
            raise Conflict(_("somebody else is reviewing this item right now"))
    told(visit)
    return visit.redirect(f"/butir/{item.key}")


@page("/butir/{key}/tugaskan", "adjudicate", "POST")
def assign(visit: Visit) -> Response:
    """Put an item into a reviewer's hands for the day."""
    item = _item(visit)
    with visit.place.ledger.write() as db:
        chosen = dict(_reviewers(visit, db, item)).get(str(visit.form.get("reviewer", "")))
        if chosen is None:
            raise ConfigError(_("choose somebody who may review in this office"))
        user_id = str(visit.form.get("reviewer"))
        items.release(db, visit.user.id, [item.key])  # one's own may be handed on
        if not items.hold(db, item.key, user_id, visit.now, int(_ASSIGNED.total_seconds() // 60)):
            raise Conflict(_("somebody else is reviewing this item right now"))
    visit.audit("assign", office=item.office, flag_id=item.flag_id, details={"to": user_id})
    told(visit)
    return visit.redirect(f"/butir/{item.key}", _("Assigned to {name}.").format(name=chosen))


@page("/butir/{key}/sumber", "open_source", "POST")
def open_source(visit: Visit) -> Response:
    """Show the original's address, once a reason was given; both are audited."""
    item = _item(visit)
    reason = str(visit.form.get("reason", ""))
    if reason not in SOURCE_REASONS:
        raise ConfigError(_("say why you open the original"))
    with visit.place.ledger.read() as db:
        address = items.address(db, item.key, visit.offices)
    visit.audit("open_source", office=item.office, flag_id=item.flag_id, details={"reason": reason})
    return visit.render("source.html", item=item, address=_safe(address or ""))


def _safe(address: str) -> str:
    """The address if a browser may be led there, else nothing: what a source calls an address can be anything."""
    try:
        return address if urlsplit(address).scheme in ("http", "https") else ""
    except ValueError:
        return ""


# ---- the decision


def _decision(visit: Visit, item: Item, flag: Flag) -> Verdict:
    """The verdict that the form asks for; raises ConfigError for what is missing, Forbidden for who may not."""
    form, quick = visit.form, str(visit.form.get("quick", ""))
    codes = asked(flag)
    decisions: dict[str, Decision] = dict.fromkeys(codes, "not") if quick else _answers(visit, codes)
    with visit.place.ledger.read() as db:
        history = verdicts.history(db, item.flag_id)
    _check_free(visit, item, history)
    fits = any(decision == "fits" for decision in decisions.values())
    rejects = any(decision == "not" for decision in decisions.values())
    hidden = visit.place.settings.review.hide_signals and not any(v.reviewer == visit.user.id for v in history)
    adjudicates = _adjudicates(visit, item)
    return Verdict(
        flag_id=item.flag_id,
        office=item.office,
        reviewer=visit.user.id,
        at=visit.now,
        decisions=decisions,
        status=status_after(decisions, _standing(history), visit.user.id, adjudicates=adjudicates),
        reasons=((quick,) if quick else _several(visit, "reason")) if rejects else (),
        grounds=_several(visit, "ground") if fits else (),
        follow_up=str(form.get("follow_up", "")),
        note=str(form.get("note", "")).strip(),
        snapshot=snapshot_of(flag, hidden=hidden),
        supersedes=str(form.get("supersedes", "")),
    )


def _answers(visit: Visit, codes: list[str]) -> dict[str, Decision]:
    found: dict[str, Decision] = {}
    for code in codes:
        given = visit.form.get(f"decision:{code}")
        match = next((decision for decision in DECISIONS if decision == given), None)
        if match is None:
            raise ConfigError(_("decide on every line before you save"))
        found[code] = match
    return found


def _several(visit: Visit, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, visit.form.getlist(name))))


def _decide_copies(visit: Visit, item: Item, verdict: Verdict) -> int:
    """The same decision for the copies that nobody decided on or holds; each is an entry of its own."""
    with visit.place.ledger.read() as db:
        copies = items.cluster(db, item.cluster, visit.offices, visit.now, limit=_BULK)
    count = 0
    for copy in copies:
        if copy.key == item.key or copy.status != "open" or copy.held_by not in ("", visit.user.id):
            continue
        flag, _away = _flag(visit, copy)
        # A copy that asks other questions (news among posts) is left to be decided by itself
        if flag is None or set(asked(flag)) != set(verdict.decisions):
            continue
        try:
            count += _decide_copy(visit, copy, flag, verdict)
        except Conflict:
            continue  # somebody was faster with this copy
    return count


def _decide_copy(visit: Visit, copy: Item, flag: Flag, verdict: Verdict) -> bool:
    """Record the decision for one copy; False if somebody decided on it by now."""
    hidden = bool(verdict.snapshot.get("hidden"))
    with visit.place.ledger.write() as db:
        last = verdicts.latest(db, copy.flag_id)
        if last is not None and last.status != "open":
            return False
        same = replace(
            verdict,
            flag_id=copy.flag_id,
            office=copy.office,
            status=status_after(verdict.decisions, None, visit.user.id),
            snapshot=snapshot_of(flag, hidden=hidden),
            bulk=True,
            supersedes=last.id if last else "",
        )
        verdicts.record(db, same)
    return True


def _next(visit: Visit, verdict: Verdict, copies: int) -> Response:
    """On to the next item that one holds, or back to the queue."""
    says = _("Saved: {status}.").format(status=status_name(verdict.status))
    if copies:
        says += " " + _("{count} copies were decided alike.").format(count=copies)
    if not told(visit):
        says += " " + _("The search index is away and will be told later.")
    with visit.place.ledger.read() as db:
        held = items.holdings(db, visit.user.id, visit.now)
    return visit.redirect(f"/butir/{held[0].key}" if held else "/antrean", says)


def asked(flag: Flag) -> list[str]:
    """What is decided one by one: the labels that may flag, and topics of news and reports; never nothing.

    Of news only the topics are asked, unless a label flagged it (a publisher that is no verified press).
    """
    topics = [f"topic:{topic.code}" for topic in flag.topics] if flag.post.kind in ("news", "field") else []
    labels = flag.post.kind != "news" or "signal" in flag.why or not topics
    return [*(DECIDED_LABELS if labels else ()), *topics]


def _question(flag: Flag, code: str) -> Question:
    if not code.startswith("topic:"):
        return Question(code, label_name(code), label_meaning(code))
    name = next((topic.name for topic in flag.topics if f"topic:{topic.code}" == code), code)
    return Question(code, _("Topic: {name}").format(name=name), _("it really is about this topic, in our area"))


def _check_free(visit: Visit, item: Item, history: list[Verdict]) -> None:
    """Raise Conflict if another person or time was faster, Forbidden if it is not this person's to decide."""
    blocked = _blocked(visit, item, history)
    if blocked and (item.status in _CLOSED or item.held_by not in ("", visit.user.id)):
        raise Conflict(blocked)
    if blocked:
        raise Forbidden(blocked)


def _blocked(visit: Visit, item: Item, history: list[Verdict]) -> str:
    """Why this person cannot decide on the item now; empty if nothing is in the way."""
    standing = _standing(history)
    if item.status in _CLOSED:
        return _("this item is closed")
    if item.held_by not in ("", visit.user.id):
        return _("somebody else is reviewing this item right now")
    if _adjudicates(visit, item):
        return ""
    if item.status == "escalated":
        return _("reviewers disagree about this item: a supervisor decides")
    if standing is not None and standing.status == "second_review" and standing.reviewer == visit.user.id:
        return _("you asked for a second reviewer: somebody else decides now (or take your decision back)")
    return ""


def _standing(history: list[Verdict]) -> Verdict | None:
    """The decision that stands: what was taken back does not count."""
    by_id = {verdict.id: verdict for verdict in history}
    last = history[-1] if history else None
    while last is not None and not last.decisions:
        undone = by_id.get(last.supersedes)
        last = by_id.get(undone.supersedes) if undone else None
    return last


def _adjudicates(visit: Visit, item: Item) -> bool:
    return may(visit.role_in(item.office), "adjudicate")


def _reviewers(visit: Visit, db: Connection, item: Item) -> list[tuple[str, str]]:
    """(id, name) of those who could decide on the item, for who may assign."""
    if not _adjudicates(visit, item) or item.status in _CLOSED:
        return []
    return [(user.id, user.name) for user in people.everyone(db) if not user.disabled and _could_decide(user, item)]


def _could_decide(user: people.User, item: Item) -> bool:
    role = user.rights.get(item.office)
    if role is None or not may(role, "queue"):
        return False
    asked_for_another = item.status == "second_review" and item.decided_by == user.id
    return may(role, "adjudicate") or not (item.status == "escalated" or asked_for_another)


def _item(visit: Visit) -> Item:
    """The item of the address, if it is of an office in which this page is allowed; else there is none."""
    with visit.place.ledger.read() as db:
        found = items.get(db, str(visit.request.path_params["key"]), visit.offices, visit.now)
    if found is None:
        raise HTTPException(404)
    return found


def _flag(visit: Visit, item: Item) -> tuple[Flag | None, bool]:
    """The flag, from the index or else from derived/; and whether the index is away."""
    if item.status in _CLOSED:
        return None, False  # derived/ may still have what is past its time
    away = False
    try:
        flag = visit.place.store.get(item.flag_id)
    except StoreUnavailable:
        flag, away = None, True
    if flag is None:
        flag = looking.find_in(visit.place, item.partition, item.flag_id)
    return (flag if flag is not None and (flag.post.text or flag.post.title) else None), away


def _text_hash(flag: Flag) -> str:
    return str(snapshot_of(flag, hidden=False)["text"])
