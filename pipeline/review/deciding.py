"""The decision on one flag: what is asked, what a form answers, who may say it, and the copies that it may cover."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipeline.core.decisions import DECIDED_LABELS, DECISIONS, Decision, Verdict, snapshot_of, status_after
from pipeline.core.errors import ConfigError, Conflict, Forbidden
from pipeline.core.i18n import _
from pipeline.core.names import label_meaning, label_name
from pipeline.core.roles import may
from pipeline.core.types import Flag
from pipeline.ledger import items, verdicts
from pipeline.ledger.items import Item
from pipeline.review.desk import CLOSED, flag_here
from pipeline.review.guard import Visit

_BULK = 200  # copies that one decision may cover


@dataclass(frozen=True, slots=True)
class Question:
    """Something to decide: a label, or a topic of a news item or report."""

    code: str
    name: str
    meaning: str


def decision_of(visit: Visit, item: Item, flag: Flag) -> Verdict:
    """The verdict that the form asks for; raises ConfigError for what is missing, Forbidden for who may not."""
    form, quick = visit.form, str(visit.form.get("quick", ""))
    codes = asked(flag)
    decisions: dict[str, Decision] = dict.fromkeys(codes, "not") if quick else _answers(visit, codes)
    with visit.place.ledger.read() as db:
        history = verdicts.history(db, item.flag_id)
    check_free(visit, item, history)
    fits = any(decision == "fits" for decision in decisions.values())
    rejects = any(decision == "not" for decision in decisions.values())
    hidden = visit.place.settings.review.hide_signals and not any(v.reviewer == visit.user.id for v in history)
    return Verdict(
        flag_id=item.flag_id,
        office=item.office,
        reviewer=visit.user.id,
        at=visit.now,
        decisions=decisions,
        status=status_after(decisions, standing_of(history), visit.user.id, adjudicates=adjudicates(visit, item)),
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


def decide_copies(visit: Visit, item: Item, verdict: Verdict) -> int:
    """The same decision for the copies that nobody decided on or holds; each is an entry of its own."""
    with visit.place.ledger.read() as db:
        copies = items.cluster(db, item.cluster, visit.offices, visit.now, limit=_BULK)
    count = 0
    for copy in copies:
        if copy.key == item.key or copy.status != "open" or copy.held_by not in ("", visit.user.id):
            continue
        flag, _away = flag_here(visit, copy)
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


def asked(flag: Flag) -> list[str]:
    """What is decided one by one: the labels that may flag, and topics of news and reports; never nothing.

    Of news only the topics are asked, unless a label flagged it (a publisher that is no verified press).
    """
    topics = [f"topic:{topic.code}" for topic in flag.topics] if flag.post.kind in ("news", "field") else []
    labels = flag.post.kind != "news" or "signal" in flag.why or not topics
    return [*(DECIDED_LABELS if labels else ()), *topics]


def question_of(flag: Flag, code: str) -> Question:
    """What is asked, in the reader's language."""
    if not code.startswith("topic:"):
        return Question(code, label_name(code), label_meaning(code))
    name = next((topic.name for topic in flag.topics if f"topic:{topic.code}" == code), code)
    return Question(code, _("Topic: {name}").format(name=name), _("it really is about this topic, in our area"))


def check_free(visit: Visit, item: Item, history: list[Verdict]) -> None:
    """Raise Conflict if another person or time was faster, Forbidden if it is not this person's to decide."""
    blocked = blocked_for(visit, item, history)
    if blocked and (item.status in CLOSED or item.held_by not in ("", visit.user.id)):
        raise Conflict(blocked)
    if blocked:
        raise Forbidden(blocked)


def blocked_for(visit: Visit, item: Item, history: list[Verdict]) -> str:
    """Why this person cannot decide on the item now; empty if nothing is in the way."""
    standing = standing_of(history)
    if item.status in CLOSED:
        return _("this item is closed")
    if item.held_by not in ("", visit.user.id):
        return _("somebody else is reviewing this item right now")
    if adjudicates(visit, item):
        return ""
    if item.status == "escalated":
        return _("reviewers disagree about this item: a supervisor decides")
    if standing is not None and standing.status == "second_review" and standing.reviewer == visit.user.id:
        return _("you asked for a second reviewer: somebody else decides now (or take your decision back)")
    return ""


def standing_of(history: list[Verdict]) -> Verdict | None:
    """The decision that stands: what was taken back does not count."""
    by_id = {verdict.id: verdict for verdict in history}
    last = history[-1] if history else None
    while last is not None and not last.decisions:
        undone = by_id.get(last.supersedes)
        last = by_id.get(undone.supersedes) if undone else None
    return last


def adjudicates(visit: Visit, item: Item) -> bool:
    """Whether the visitor may settle what reviewers of the item's office disagree about."""
    return may(visit.role_in(item.office), "adjudicate")


def text_hash(flag: Flag) -> str:
    """What tells whether a text is still the one that somebody read."""
    return str(snapshot_of(flag, hidden=False)["text"])
