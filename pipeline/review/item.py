"""Butir: one flag with all that is known of it, and the decision on it."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection
from starlette.responses import Response

from pipeline import looking
from pipeline.core.decisions import (
    CLAIM,
    CLOSED,
    FOLLOW_UPS,
    GROUNDS,
    NOTE_LENGTH,
    REASONS,
    SOURCE_REASONS,
    SPREAD,
    Verdict,
)
from pipeline.core.errors import ConfigError, Conflict, Forbidden
from pipeline.core.i18n import _
from pipeline.core.names import status_name
from pipeline.core.roles import may
from pipeline.core.types import Flag
from pipeline.ledger import claims, items, people, verdicts
from pipeline.ledger.items import Item
from pipeline.report.words import few
from pipeline.review import views
from pipeline.review.deciding import (
    adjudicates,
    asked,
    blocked_for,
    check_free,
    decide_copies,
    decision_of,
    question_of,
    seen_of,
)
from pipeline.review.desk import flag_here, item_here, told
from pipeline.review.guard import Visit, page
from pipeline.review.links import open_address
from pipeline.review.matches import match_views
from pipeline.review.spreading import copies_words, growth_of
from pipeline.summary import region_name

_COPIES = 12  # of a cluster that are listed
_ASSIGNED = timedelta(hours=8)
_QUICK = ("criticism", "satire", "report", "abuse_without_group")
"""Reasons with a button of their own: nothing fits, for this reason."""
_QUICK_CLAIM = ("denial", "other_claim")  # further ones where a match with a claim is asked


@page("/butir/{key}", "read")
def item_page(visit: Visit) -> Response:
    """Text, reasons, copies, what was decided before; reading it is audited and keeps one's hold on it."""
    item = item_here(visit)
    flag, away = flag_here(visit, item)
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
        known = claims.get_many(db, [match.id for match in flag.claims]) if flag is not None else {}
    hide = looking.hides(place, visit.user.id, history)
    role = visit.role_in(item.office)
    decides = may(role, "queue")
    codes = asked(flag) if decides and flag is not None else []
    of_claims = any(code.startswith(CLAIM) for code in codes)
    spreads = flag is not None and SPREAD in flag.why
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
        indications=[] if flag is None or hide else views.indications(flag, place.policy),
        topics=[] if flag is None else views.topics(place, flag),
        regions=[] if flag is None else views.regions(place, flag),
        history=history,
        copies=[copy for copy in copies if copy.key != item.key][:_COPIES],
        spread=spread,
        spread_regions=[(region_name(place, code), number) for code, number in spread.provinces],
        accounts=few(accounts),
        decides=decides,
        opens=may(role, "open_source"),
        exports=may(role, "export"),
        matches=[] if flag is None else match_views(place, flag, known, only=asked(flag) if hide else None),
        growth=growth_of(place, item, flag) if flag is not None and spreads else None,
        copies_words=copies_words,
        seen="" if flag is None else seen_of(flag),
        questions=[question_of(flag, code) for code in codes] if flag is not None else [],
        blocked=blocked_for(visit, item, history),
        reviewers=reviewers,
        source_reasons=SOURCE_REASONS,
        reasons=[reason for reason in REASONS if of_claims or reason != "other_claim"],
        grounds=GROUNDS,
        follow_ups=FOLLOW_UPS,
        quick=(*_QUICK, *(_QUICK_CLAIM if of_claims else ())),
        note_length=NOTE_LENGTH,
        hold_minutes=place.settings.review.hold_minutes,
    )


@page("/butir/{key}/telaah", "queue", "POST")
def decide(visit: Visit) -> Response:
    """Record a decision, for the copies that nobody looked at too if that was asked for; go on to the next item."""
    item = item_here(visit)
    flag, away = flag_here(visit, item)
    if flag is None:
        raise Conflict(_("the text of this item is gone; nothing was decided"))
    if visit.form.get("seen", seen_of(flag)) != seen_of(flag):
        raise Conflict(_("this item, or what is asked of it, changed while you were reading it; read it again"))
    try:
        verdict = decision_of(visit, item, flag)
        with visit.place.ledger.write() as db:
            verdicts.record(db, verdict)
    except ConfigError as error:
        return _render(visit, item, flag, away=away, error=str(error), status=400)
    copies = decide_copies(visit, item, flag, verdict) if visit.form.get("bulk") else 0
    return _next(visit, verdict, copies)


@page("/butir/{key}/batal", "queue", "POST")
def undo(visit: Visit) -> Response:
    """Take back the decision that stands: a new verdict, the old one stays readable."""
    item = item_here(visit)
    if flag_here(visit, item)[0] is None:
        raise Conflict(_("the text of this item is gone; nothing was decided"))
    with visit.place.ledger.write() as db:
        history = verdicts.history(db, item.flag_id)
        last = history[-1] if history else None
        if last is None or last.id != visit.form.get("supersedes") or not last.decisions:
            raise Conflict(_("there is no such decision to take back; somebody else was faster"))
        if last.reviewer != visit.user.id and not adjudicates(visit, item):
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
    item = item_here(visit)
    with visit.place.ledger.write() as db:
        check_free(visit, item, verdicts.history(db, item.flag_id))
        if not items.hold(db, item.key, visit.user.id, visit.now, visit.place.settings.review.hold_minutes):
            raise Conflict(_("somebody else is reviewing this item right now"))
    told(visit)
    return visit.redirect(f"/butir/{item.key}")


@page("/butir/{key}/tugaskan", "adjudicate", "POST")
def assign(visit: Visit) -> Response:
    """Put an item into a reviewer's hands for the day."""
    item = item_here(visit)
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
    item = item_here(visit)
    reason = str(visit.form.get("reason", ""))
    if reason not in SOURCE_REASONS:
        raise ConfigError(_("say why you open the original"))
    with visit.place.ledger.read() as db:
        address = items.address(db, item.key, visit.offices)
    visit.audit("open_source", office=item.office, flag_id=item.flag_id, details={"reason": reason})
    return visit.render("source.html", item=item, address=open_address(address or ""))


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


def _reviewers(visit: Visit, db: Connection, item: Item) -> list[tuple[str, str]]:
    """(id, name) of those who could decide on the item, for who may assign."""
    if not adjudicates(visit, item) or item.status in CLOSED:
        return []
    return [(user.id, user.name) for user in people.everyone(db) if not user.disabled and _could_decide(user, item)]


def _could_decide(user: people.User, item: Item) -> bool:
    role = user.rights.get(item.office)
    if role is None or not may(role, "queue"):
        return False
    asked_for_another = item.status == "second_review" and item.decided_by == user.id
    return may(role, "adjudicate") or not (item.status == "escalated" or asked_for_another)
