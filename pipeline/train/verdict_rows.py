"""Decisions of reviewers as rows of a dataset, and where every flag went that became none.

Only what stands is taught. Whoever gave a second opinion counts as a vote; a person who corrects himself has one vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from pipeline.core.decisions import DECIDED_LABELS, Verdict, snapshot_of
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.identity import subject_of
from pipeline.core.types import Flag
from pipeline.landing.derived import derived_file, derived_partitions, read_derived
from pipeline.ledger import chain, verdicts
from pipeline.ledger.erasure import erased_keys
from pipeline.ledger.schema import item
from pipeline.purging import decided as decided_times
from pipeline.train.dataset import GROUNDS
from pipeline.train.recall import Judged, Reviewed
from pipeline.train.records import VERDICT, Counts, Row, Votes
from pipeline.workplace import Workplace

NEVER_TAUGHT = ("child", "private")
_DAYS_IN_MONTH = 30.44
_PRECISE = frozenset({"second", "minute", "hour", "day"})


@dataclass(frozen=True, slots=True)
class Decisions:
    """What the ledger gives a dataset: rows (ghosts among them), counts, samples and flags for the recall."""

    rows: list[Row]
    counts: Counts
    digest: str
    superseded: int
    judged: list[Judged] = field(default_factory=list)
    reviewed: Reviewed = field(default_factory=Reviewed)


def read_decisions(place: Workplace, offices: Sequence[str], moment: datetime, max_months: int) -> Decisions:
    """The decisions of these offices as rows; raises ConfigError if the ledger's chain is broken."""
    with place.ledger.read() as db:
        _check_chain(chain.verify(db))
        found = histories(verdict for _seq, verdict in verdicts.since(db))
        erased = erased_keys(db)
        query = select(item.c.flag_id, item.c.office, item.c.sample, item.c.teach, item.c.status, item.c.decided_at)
        items = {row.flag_id: row for row in db.execute(query)}
    past, held = decided_times(place, moment)
    oldest = oldest_taught(moment, max_months)
    made = Decisions([], Counts(), _digest(found), sum(map(len, found)) - len(found))
    wanted: dict[str, tuple[Verdict, list[Verdict]]] = {}
    for history in found:
        made.counts.came += 1
        stands, votes = standing(history)
        known = stands or history[-1]
        row = items.get(known.flag_id)
        if known.flag_id and known.office in offices and subject_of(known.flag_id) not in erased and stands:
            made.judged.extend(_judged(stands, row))
        if why := _left_out(stands, known, erased, offices, oldest):
            made.counts.out[why] += 1
        elif (row is not None and row.status == "expired") or known.flag_id in past:
            made.counts.out["expired"] += 1
        else:
            wanted[known.flag_id] = (known, votes)
    mine = [row for row in items.values() if row.office in offices]
    made.reviewed.count((bool(row.sample), row.decided_at is not None) for row in mine if not row.teach)
    _add_texts(place, made, wanted, held, moment)
    return made


def oldest_taught(moment: datetime, max_months: int) -> datetime:
    """Decisions before then are past their time."""
    return moment - timedelta(days=max_months * _DAYS_IN_MONTH)


def _check_chain(found: chain.Verified) -> None:
    if not found.problems:
        return
    first = found.problems[0]
    raise ConfigError(
        _(
            "the chain of decisions is broken: office {office}, entry {number}: {says} ({count} problems); run "
            "`kentongan ledger verify`, put the ledger back from the backup, and make no dataset of this one"
        ).format(office=first.office or "-", number=first.number, says=first.says, count=len(found.problems))
    )


def histories(given: Iterable[Verdict]) -> list[list[Verdict]]:
    """The verdicts of each flag, oldest first; they hang together by what they supersede, for an erased id is gone."""
    root: dict[str, str] = {}
    found: dict[str, list[Verdict]] = {}
    for verdict in given:
        first = root[verdict.id] = root.get(verdict.supersedes, verdict.id)
        found.setdefault(first, []).append(verdict)
    return list(found.values())


def _digest(found: list[list[Verdict]]) -> str:
    return sha256("\n".join(sorted(history[-1].id for history in found)).encode()).hexdigest()


def standing(history: Sequence[Verdict]) -> tuple[Verdict | None, list[Verdict]]:
    """The verdict that stands after what was taken back (None if none does), and each person's last word."""
    by_id = {verdict.id: verdict for verdict in history}
    withdrawn = {verdict.supersedes for verdict in history if not verdict.decisions}
    last: Verdict | None = history[-1]
    while last is not None and not last.decisions:
        undone = by_id.get(last.supersedes)
        last = by_id.get(undone.supersedes) if undone else None
    words = {verdict.reviewer: verdict for verdict in history if verdict.decisions and verdict.id not in withdrawn}
    return last, list(words.values())


def _left_out(
    stands: Verdict | None, known: Verdict, erased: frozenset[str], offices: Sequence[str], oldest: datetime
) -> str:
    """Why a decision does not come into the dataset before its text was even looked for; empty if it may."""
    if known.office not in offices:
        return "other_office"
    if not known.flag_id or subject_of(known.flag_id) in erased:
        return "erased"
    if stands is None:
        return "undone"
    if stands.at < oldest:
        return "too_old"
    said = {stands.decisions.get(label) for label in DECIDED_LABELS}
    return "" if said & {"fits", "not"} or _never(stands) else "undecided"


def _never(verdict: Verdict) -> str:
    return next((reason for reason in NEVER_TAUGHT if reason in verdict.reasons), "")


def _judged(stands: Verdict, row: Any) -> Iterable[Judged]:
    """What a decision says for the recall; what was chosen to teach is neither a flag nor drawn by chance."""
    if stands.snapshot.get("why") == ["teach"] if row is None else row.teach:
        return
    probability = stands.snapshot.get("sample_probability")
    sampled = bool(row.sample) if row is not None else probability is not None
    given = float(probability) if isinstance(probability, int | float) else None
    for label in DECIDED_LABELS:
        decision = stands.decisions.get(label)
        if decision in ("fits", "not"):
            yield Judged(stands.flag_id, label, sampled, given, decision == "fits")


def _add_texts(
    place: Workplace,
    made: Decisions,
    wanted: Mapping[str, tuple[Verdict, list[Verdict]]],
    held: frozenset[str],
    moment: datetime,
) -> None:
    """Find the texts in derived/ and make the rows; what has none any more is counted."""
    flags = _texts(place, wanted)
    for flag_id, (verdict, votes) in wanted.items():
        flag = flags.get(flag_id)
        reason = next(filter(None, map(_never, [verdict, *votes])), "")
        if reason:
            made.counts.out[reason] += 1
            if flag is not None and flag.post.text:
                made.rows.append(_row(place, flag, verdict, votes, ghost=True))
        elif flag is None or not flag.post.text.strip():
            made.counts.out["text_gone"] += 1
        elif flag.post.deleted_at_source is not None:
            made.counts.out["deleted_at_source"] += 1
        elif flag.post.expires_at is not None and flag.post.expires_at <= moment and flag_id not in held:
            made.counts.out["expired"] += 1
        elif verdict.snapshot.get("text", seen := snapshot_of(flag, hidden=False)["text"]) != seen:
            made.counts.out["text_changed"] += 1
        elif verdict.decisions.get("incitement") == "fits" and verdict.decisions.get("hate_group") == "not":
            made.counts.out["contradicts"] += 1
        else:
            made.rows.append(_row(place, flag, verdict, votes))


def _texts(place: Workplace, wanted: Mapping[str, object]) -> dict[str, Flag]:
    """The newest version of each wanted flag; raises ItemError (with what to do) for a damaged file."""
    found: dict[str, Flag] = {}
    for partition in derived_partitions(place.home.derived) if wanted else ():
        path = derived_file(place.home.derived, partition)
        for flag in read_derived(path, flagged=True) if path else ():
            if flag.id in wanted:
                found[flag.id] = flag
    return found


def _row(place: Workplace, flag: Flag, verdict: Verdict, votes: Sequence[Verdict], *, ghost: bool = False) -> Row:
    post, key = flag.post, subject_of(flag.id)
    local = post.published_at.astimezone(place.settings.office.zone).date() if post.published_at else None
    day = local if post.published_precision in _PRECISE else None
    week = day.isocalendar() if day else None
    sampled = "sample" in flag.why
    return Row(
        id=key,
        ids=(key,),
        text=post.text,
        origin=VERDICT,
        selection="sample" if sampled else "teach" if "teach" in flag.why else "flag",
        why=tuple(flag.why),
        probability=flag.sample_probability if sampled else None,
        labels=_labels(verdict),
        votes=_votes(votes or [verdict]),
        source=post.source,
        kind=post.kind,
        provinces=tuple(sorted({region.code[:2] for region in flag.regions})),
        day=day.isoformat() if day else "",
        week=f"{week.year}-W{week.week:02}" if week else "",
        reasons=tuple(sorted(verdict.reasons)),
        ghost=ghost,
    )


def _labels(verdict: Verdict) -> dict[str, bool | None]:
    """What one verdict says of each label; grounds are known only where hate on a group fits and grounds are named."""
    answers = {"fits": True, "not": False}
    found = {label: answers.get(verdict.decisions.get(label, "")) for label in DECIDED_LABELS}
    if verdict.decisions.get("hate_group") == "fits" and verdict.grounds:
        found |= {f"ground_{ground}": ground in verdict.grounds for ground in GROUNDS}
    return found


def _votes(given: Sequence[Verdict]) -> dict[str, Votes]:
    said = [_labels(verdict) for verdict in given]
    labels = {label for each in said for label, value in each.items() if value is not None}
    return {
        label: (sum(each.get(label) is True for each in said), sum(each.get(label) is False for each in said))
        for label in sorted(labels)
    }
