"""The words of a decision: what a reviewer may say of a label, why, and the flag's status after it (DOMAIN 2.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Literal, get_args

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import Flag, Status

Decision = Literal["fits", "not", "unsure", "second"]
DECISIONS: tuple[Decision, ...] = get_args(Decision)

DECIDED_LABELS = ("hate_group", "incitement", "threat")
"""Labels that are decided one by one; topics are decided as `topic:<code>`, matches as `claim:<id>`."""

SPREAD = "spread"
"""Decided of a text that spreads fast: whether it needs a fact-check."""
CLAIM = "claim:"

CLOSED = ("expired", "erased")
"""Statuses of an item whose text nobody is shown any more."""

REASONS = (
    "criticism",
    "satire",
    "report",
    "denial",
    "neutral_term",
    "regional_language",
    "abuse_without_group",
    "out_of_area",
    "duplicate",
    "private",
    "child",
    "other_claim",
)
"""Why something does not fit. `other_claim` says that a match is wrong: the post carries another claim, or none."""
GROUNDS = ("religion", "race", "gender", "physical")
FOLLOW_UPS = ("watch", "fact_check", "clarify", "dialogue", "education", "election_bodies", "event", "none")
SOURCE_REASONS = ("context", "copies", "removed", "referral")
"""Why somebody opens an original address."""

NOTE_LENGTH = 1_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reviewer decided about a flag and why; never a judgement of a person.

    `decisions` maps a label (or `topic:<code>`, `claim:<id>`, `spread`) to a decision; empty means that the superseded
    verdict is taken back.
    `snapshot` is what the reviewer saw: text hash, fingerprint, model, scores, claims, and whether scores were hidden.
    `id` is the hash of its ledger entry, empty before it is recorded; `supersedes` is the id of the one before it.
    """

    flag_id: str
    office: str
    reviewer: str
    at: datetime
    decisions: Mapping[str, Decision]
    status: Status
    reasons: tuple[str, ...] = ()
    grounds: tuple[str, ...] = ()
    follow_up: str = ""
    note: str = ""
    snapshot: Mapping[str, object] = field(default_factory=dict)
    bulk: bool = False
    supersedes: str = ""
    id: str = ""


def check_verdict(verdict: Verdict) -> None:
    """Raise ConfigError for words that no decision has, or for a rejection that does not say why."""
    for name, known, given in (
        ("decision", DECISIONS, verdict.decisions.values()),
        ("reason", REASONS, verdict.reasons),
        ("ground", GROUNDS, verdict.grounds),
        ("follow_up", FOLLOW_UPS, [verdict.follow_up] if verdict.follow_up else []),
    ):
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise ConfigError(_('there is no {name} "{value}"').format(name=name, value=unknown[0]))
    if "not" in verdict.decisions.values() and not verdict.reasons:
        raise ConfigError(_("say why it does not fit: choose at least one reason"))
    if len(verdict.note) > NOTE_LENGTH:
        raise ConfigError(_("the note is longer than {limit} characters").format(limit=NOTE_LENGTH))


def status_after(
    decisions: Mapping[str, Decision], before: Verdict | None, reviewer: str, *, adjudicates: bool = False
) -> Status:
    """The flag's status once this was decided.

    A second pair of eyes that comes to another end does not overrule the first: the flag is escalated, and whoever
    adjudicates (the supervisor) settles it. Taking a decision back is no decision and has no status of its own.
    """
    said = set(decisions.values())
    status: Status = "rejected"
    if "second" in said:
        status = "second_review"
    elif "fits" in said:
        status = "confirmed"
    elif "unsure" in said:
        status = "unsure"
    if adjudicates or before is None:
        return status
    if before.status == "escalated":
        return "escalated"
    if before.reviewer == reviewer:
        return status
    contradicts = {status, before.status} == {"confirmed", "rejected"}
    return "escalated" if contradicts or status == before.status == "second_review" else status


def snapshot_of(flag: Flag, *, hidden: bool) -> dict[str, object]:
    """What the reviewer saw, as the ledger keeps it: no text, but its hash."""
    text = f"{flag.post.title}\0{flag.post.text}"
    return {
        "text": sha256(text.encode("utf-8", "replace")).hexdigest(),
        "fingerprint": flag.fingerprint,
        "models": sorted({signal.model for signal in flag.signals}),
        "scores": {signal.label: round(signal.score, 4) for signal in flag.signals},
        "claims": {
            match.id: {"level": match.level, "score": round(match.score, 4), "returned": match.returned}
            for match in flag.claims
        },
        "hidden": hidden,
        "sample_probability": flag.sample_probability,
        "why": list(flag.why),
    }
