"""What the office saw and what it did not: the facts of the overview and of the daily summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection

from pipeline.core.claims import Claim, ClaimReview
from pipeline.core.clock import partition_of
from pipeline.core.i18n import _, current_language
from pipeline.core.names import kind_name, label_name, rating_name, standing_name, status_name
from pipeline.core.types import SHOWN_LABELS
from pipeline.enrich.stages import stage_at
from pipeline.landing.raw import partitions
from pipeline.ledger import claims, counts
from pipeline.report.daily import MEAN_DAYS, Circulating, Daily, Prominent, Queue, Rise
from pipeline.report.words import few
from pipeline.workplace import Workplace

SILENT = timedelta(days=2)
_WRONG = ("false", "partly_false", "misleading")
_CLAIMS = 15  # of a day


@dataclass(frozen=True, slots=True)
class Unseen:
    """What an overview must say beside what it shows."""

    silent: dict[str, str]
    without_region: int
    flags: int
    unreviewed: int
    expired: int


def silent_sources(place: Workplace) -> dict[str, str]:
    """Configured sources that landed nothing for two days -> the partition they were last heard in (or "")."""
    oldest = partition_of(place.clock() - SILENT, place.settings.office.zone)
    heard = {name: max(partitions(place.home.landing, source=name), default="") for name in place.settings.sources}
    return {name: last for name, last in heard.items() if last < oldest}


def span_of(place: Workplace, day: date) -> tuple[datetime, datetime]:
    """The 24 hours that the summary of a day covers, up to `review.day_ends` in the office's zone; in UTC."""
    hours, minutes = map(int, place.settings.review.day_ends.split(":"))
    midnight = datetime.combine(day, time(), place.settings.office.zone)
    until = midnight + timedelta(hours=hours, minutes=minutes)
    return (until - timedelta(days=1)).astimezone(UTC), until.astimezone(UTC)


def day_of(place: Workplace, moment: datetime) -> date:
    """The day whose summary covers that moment."""
    day = moment.astimezone(place.settings.office.zone).date()
    return day if moment < span_of(place, day)[1] else day + timedelta(days=1)


def unseen(place: Workplace, db: Connection, offices: Sequence[str], since: datetime, until: datetime) -> Unseen:
    """What was not seen in that time."""
    by_status = counts.statuses(db, offices, since, until)
    return Unseen(
        silent=silent_sources(place),
        without_region=counts.without(db, "province", offices, since, until),
        flags=sum(by_status.values()),
        unreviewed=by_status.get("open", 0),
        expired=by_status.get("expired", 0),
    )


def daily(place: Workplace, day: date, offices: Sequence[str]) -> Daily:
    """The daily summary of a day (DOMAIN 2.2); no account, no text, samples in no figure."""
    office, zone = place.settings.office, place.settings.office.zone
    since, until = span_of(place, day)
    until = min(until, max(since, place.clock()))
    with place.ledger.read() as db:
        backlog = counts.backlog(db, offices, place.clock())
        reviewed, criticism = counts.decided(db, offices, since, until)
        tallies = {tally.value: tally for tally in counts.tallies(db, "label", offices, since, until)}
        queue = Queue(
            counts.arrived(db, offices, since, until),
            reviewed,
            backlog.waiting,
            place.clock() - backlog.oldest if backlog.oldest else None,
        )
        return Daily(
            office=office.name,
            day=day,
            since=since.astimezone(zone),
            until=until.astimezone(zone),
            stage_today=_stage(place, day),
            stage_tomorrow=_stage(place, day + timedelta(days=1)),
            prominent=tuple(_prominent(place, db, offices, since, until)),
            rises=tuple(_rises(place, db, offices, since, until)),
            labels=tuple(
                (label_name(label), tally.flags, tally.reviewed, tally.confirmed)
                for label in SHOWN_LABELS
                if (tally := tallies.get(label)) is not None and not label.startswith("ground_")
            ),
            claims=tuple(_circulating(place, db, offices, since, until)),
            unchecked=unchecked(db, offices, since, until),
            queue=queue,
            unseen=tuple(unseen_lines(unseen(place, db, offices, since, until))),
            criticism=criticism,
            sample=office.is_sample,
        )


def unseen_lines(found: Unseen) -> list[str]:
    """What was not seen, in words."""
    lines = []
    if found.silent:
        lines.append(_("silent sources: {names}").format(names=", ".join(sorted(found.silent))))
    if found.without_region:
        text = _("{count} of {total} flags name no region")
        lines.append(text.format(count=found.without_region, total=found.flags))
    if found.expired:
        lines.append(_("{count} flags were closed without review").format(count=found.expired))
    lines.append(_("video, images, closed groups, live broadcasts and deleted posts are not read"))
    lines.append(_("events and follow-up are not recorded here yet"))
    return lines


def _prominent(
    place: Workplace, db: Connection, offices: Sequence[str], since: datetime, until: datetime
) -> list[Prominent]:
    return [_situation(place, db, row, copies) for row, copies in counts.prominent(db, offices, since, until)]


def _situation(place: Workplace, db: Connection, row: Any, copies: int) -> Prominent:
    tags = counts.tags(db, row.flag_id)
    labels = [label_name(label) for label in tags.get("label", []) if not label.startswith("ground_")]
    topics = [topic_name(place, code) for code in tags.get("topic", [])]
    moment = datetime.fromtimestamp(row.published_at or row.seen_at, UTC).astimezone(place.settings.office.zone)
    kind = kind_name(row.kind)
    return Prominent(
        what="; ".join(topics or labels[:1]) or _("unknown"),
        where=", ".join(region_name(place, code) for code in finest(tags.get("region", []))) or _("unknown"),
        when=f"{moment:%d-%m-%Y}",
        source=f"{kind} ({row.platform})" if row.platform else kind,
        status=status_name(row.status),
        copies=copies,
    )


def _rises(place: Workplace, db: Connection, offices: Sequence[str], since: datetime, until: datetime) -> list[Rise]:
    today = counts.rises(db, offices, since, until)
    before = counts.rises(db, offices, since - timedelta(days=MEAN_DAYS), since)
    found = []
    for (topic, province), (number, accounts, media) in today.items():
        mean = before.get((topic, province), (0, 0, 0))[0] / MEAN_DAYS
        where = region_name(place, province) if province else _("unknown")
        found.append(Rise(topic_name(place, topic), where, number, mean, few(accounts), media))
    return sorted(found, key=lambda rise: (rise.mean - rise.today, rise.topic, rise.region))


def _circulating(
    place: Workplace, db: Connection, offices: Sequence[str], since: datetime, until: datetime
) -> list[Circulating]:
    """The claims that most flags of that time carry."""
    tallies = counts.tallies(db, claims.TAG, offices, since, until)[:_CLAIMS]
    known = claims.get_many(db, [tally.value for tally in tallies])
    latest = claims.latest(db, known, offices, since, until)
    found = []
    for tally in tallies:
        claim = known.get(tally.value)
        if claim is not None:
            judge = judge_of(claim)
            link = judge.url if judge and not judge.withdrawn else ""
            status = carried_status(place, claim, latest.get(claim.id))
            found.append(Circulating(claim.text, status, link, tally.flags, tally.reviewed))
    return found


def unchecked(db: Connection, offices: Sequence[str], since: datetime, until: datetime) -> int:
    """How many texts were flagged then because they spread fast and no fact-checker wrote about them."""
    return sum(tally.flags for tally in counts.tallies(db, "fact_check", offices, since, until))


def claim_status(claim: Claim) -> str:
    """What the checkers say of a claim together; of what they found wrong, in which way (DOMAIN 3.1)."""
    if claim.standing != "debunked":
        return standing_name(claim.standing)
    said = {review.rating for review in _alive(claim) if review.checker_kind == "independent"}
    return " / ".join(rating_name(rating) for rating in _WRONG if rating in said)


def carried_status(place: Workplace, claim: Claim, latest: datetime | None) -> str:
    """What the checkers say of a claim whose latest post is of that moment, and whether it is an old one by then."""
    status = claim_status(claim)
    return status + "; " + _("old claim that goes round again") if came_back(place, claim, latest) else status


def came_back(place: Workplace, claim: Claim, moment: datetime | None) -> bool:
    """Whether a post of that moment comes so long after the first check that the claim came back."""
    if claim.first_at is None or moment is None:
        return False
    return moment > claim.first_at + timedelta(days=place.settings.claims.old_days)


def judge_of(claim: Claim) -> ClaimReview | None:
    """The review to name where there is room for one: the first that says what the claim's standing says."""
    alive = _alive(claim)
    if claim.standing == "debunked":
        alive = [each for each in alive if each.checker_kind == "independent" and each.rating in _WRONG]
    return next(iter(alive or claim.reviews), None)


def _alive(claim: Claim) -> list[ClaimReview]:
    return [review for review in claim.reviews if not review.withdrawn]


def region_name(place: Workplace, code: str) -> str:
    """A region's name, or its code if the gazetteer does not know it."""
    known = place.gazetteer.places.get(code)
    return known.name if known else code


def topic_name(place: Workplace, code: str) -> str:
    """A topic's name, or its code if the topic was taken out since."""
    return next((entry.name[current_language()] for entry in place.topics.entries if entry.code == code), code)


def stage_name(place: Workplace, code: str) -> str:
    """The step of the election in the reader's language; empty for none."""
    step = place.calendar.step(code) if code else None
    if step is None:
        return ""
    return step.name_id if current_language() == "id" else step.name_en


def finest(codes: Sequence[str]) -> list[str]:
    """Three of the regions at most, without the provinces of the regencies that are named too."""
    return [code for code in codes if not any(other.startswith(code + ".") for other in codes)][:3]


def _stage(place: Workplace, day: date) -> str:
    noon = datetime.combine(day, time(12), place.settings.office.zone).astimezone(UTC)
    return stage_name(place, stage_at(noon, (), place.calendar, place.settings.office.zone))
