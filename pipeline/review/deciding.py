"""The decision on one flag: what is asked, what a form answers, who may say it, and the copies that it may cover."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

from pipeline import looking
from pipeline.core.decisions import (
    CLAIM,
    CLOSED,
    DECIDED_LABELS,
    DECISIONS,
    SPREAD,
    Decision,
    Verdict,
    snapshot_of,
    status_after,
)
from pipeline.core.errors import ConfigError, Conflict, Forbidden
from pipeline.core.i18n import _
from pipeline.core.names import decided_name, decision_name, label_meaning, label_name, match_decision_name
from pipeline.core.roles import may
from pipeline.core.types import Flag
from pipeline.ledger import items, verdicts
from pipeline.ledger.items import Item
from pipeline.review.desk import flag_here
from pipeline.review.guard import Visit

_BULK = 200  # copies that one decision may cover


@dataclass(frozen=True, slots=True)
class Question:
    """Something to decide: a label, a topic of a news item or report, a match with a claim, or a text that spreads.

    `answers` are (decision, its name); `optional` ones may be left open.
    """

    code: str
    name: str
    meaning: str
    answers: tuple[tuple[str, str], ...]
    optional: bool = False


def decision_of(visit: Visit, item: Item, flag: Flag) -> Verdict:
    """The verdict that the form asks for; raises ConfigError for what is missing, Forbidden for who may not."""
    form, quick = visit.form, str(visit.form.get("quick", ""))
    decisions: dict[str, Decision] = dict.fromkeys(required(flag), "not") if quick else _answers(visit, flag)
    with visit.place.ledger.read() as db:
        history = verdicts.history(db, item.flag_id)
    check_free(visit, item, history)
    fits = any(decision == "fits" for decision in decisions.values())
    rejects = any(decision == "not" for decision in decisions.values())
    hidden = looking.hides(visit.place, visit.user.id, history)
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


def _answers(visit: Visit, flag: Flag) -> dict[str, Decision]:
    found: dict[str, Decision] = {}
    needed = set(required(flag))
    for code in asked(flag):
        given = visit.form.get(f"decision:{code}")
        match = next((decision for decision in DECISIONS if decision == given), None)
        if match is not None:
            found[code] = match
        elif code in needed or given:
            raise ConfigError(_("decide on every line before you save"))
    return found


def _several(visit: Visit, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(str, visit.form.getlist(name))))


def decide_copies(visit: Visit, item: Item, flag: Flag, verdict: Verdict) -> int:
    """The same decision for the copies that nobody decided on or holds; each is an entry of its own."""
    with visit.place.ledger.read() as db:
        copies = items.cluster(db, item.cluster, visit.offices, visit.now, limit=_BULK)
    count = 0
    for copy in copies:
        if copy.key == item.key or copy.status != "open" or copy.held_by not in ("", visit.user.id):
            continue
        own, _away = flag_here(visit, copy)
        # A copy that asks other questions (news among posts) is left to be decided by itself
        if own is None or _shared_questions(own) != _shared_questions(flag):
            continue
        if SPREAD in own.why and SPREAD not in verdict.decisions:
            continue
        try:
            count += _decide_copy(visit, copy, own, _of_copy(visit, own, verdict))
        except Conflict:
            continue  # somebody was faster with this copy
    return count


def _shared_questions(flag: Flag) -> set[str]:
    """What copies must have in common: only one of a cluster is flagged for spreading, suggestions may be left open."""
    return set(required(flag)) - {SPREAD}


def _of_copy(visit: Visit, flag: Flag, verdict: Verdict) -> Verdict:
    """The verdict with what this copy asks; its status, reasons and grounds follow from that."""
    decisions = {code: verdict.decisions[code] for code in asked(flag) if code in verdict.decisions}
    return replace(
        verdict,
        decisions=decisions,
        status=status_after(decisions, None, visit.user.id),
        reasons=verdict.reasons if "not" in decisions.values() else (),
        grounds=verdict.grounds if "fits" in decisions.values() else (),
    )


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
            snapshot=snapshot_of(flag, hidden=hidden),
            bulk=True,
            supersedes=last.id if last else "",
        )
        verdicts.record(db, same)
    return True


def asked(flag: Flag) -> list[str]:
    """What is decided one by one, whatever may be left open among it."""
    return [*required(flag), *optional(flag)]


def required(flag: Flag) -> list[str]:
    """The labels that may flag, topics of news and reports, claims that match, a text that spreads; never nothing.

    Of news only topics and claims are asked, unless a label flagged it (a publisher that is no verified press).
    """
    others = [f"topic:{topic.code}" for topic in flag.topics] if flag.post.kind in ("news", "field") else []
    others += [f"{CLAIM}{match.id}" for match in flag.claims if match.level == "match"]
    others += [SPREAD] if SPREAD in flag.why else []
    labels = flag.post.kind != "news" or "signal" in flag.why or not others
    return [*(DECIDED_LABELS if labels else ()), *others]


def optional(flag: Flag) -> list[str]:
    """Claims that a post may carry beside the one that flagged it; of others nobody is asked."""
    if "claim" not in flag.why:
        return []
    return [f"{CLAIM}{match.id}" for match in flag.claims if match.level == "suggest"]


def question_of(flag: Flag, code: str) -> Question:
    """What is asked, in the reader's language."""
    answers = tuple((decision, decision_name(decision)) for decision in DECISIONS)
    if code == SPREAD:
        meaning = _("needs a fact-check: a claim that can be checked, and that may do harm if it is wrong")
        return Question(code, _("Spreads fast, no fact-check yet"), meaning, answers)
    if code.startswith(CLAIM):
        matches = tuple((decision, match_decision_name(decision)) for decision in DECISIONS)
        meaning = _("the post says the same as the claim; whether the claim is wrong is for the checkers to say")
        return Question(code, decided_name(code), meaning, matches, code in optional(flag))
    if not code.startswith("topic:"):
        return Question(code, label_name(code), label_meaning(code), answers)
    name = next((topic.name for topic in flag.topics if f"topic:{topic.code}" == code), code)
    meaning = _("it really is about this topic, in our area")
    return Question(code, _("Topic: {name}").format(name=name), meaning, answers)


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


def seen_of(flag: Flag) -> str:
    """What tells whether text and questions are still those that somebody read: a debunk may come in meanwhile."""
    read = (snapshot_of(flag, hidden=False)["text"], *required(flag))
    return sha256("\0".join(map(str, read)).encode()).hexdigest()
