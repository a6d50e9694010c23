"""What a store keeps beside a flag's document: its place in time, its index, the values that it is counted under."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from pipeline.core.types import SHOWN_LABELS, Flag
from pipeline.store.words import Views, views

INDEX_VERSION = "v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Columns:
    """Derived from a flag alone. `at` is the publishing (else fetching) time, `expires` the time until which it is kept
    (None: no limit), both in microseconds since 1970, UTC.

    `facets` are the (field, value) pairs of everything countable but the status.
    """

    at: int
    expires: int | None
    facets: frozenset[tuple[str, str]]
    views: Views


def columns_of(flag: Flag, zone: tzinfo) -> Columns:
    """The columns of a flag; days are those of `zone`."""
    moment = flag.post.published_at or flag.post.fetched_at
    expires = None if flag.post.expires_at is None else microseconds(flag.post.expires_at)
    return Columns(
        microseconds(moment),
        expires,
        frozenset(_facets(flag, _day(moment, zone))),
        views(flag.post.title, flag.post.text),
    )


def microseconds(moment: datetime) -> int:
    """A moment as whole microseconds since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def month_of(flag: Flag, zone: tzinfo) -> str:
    """The month of the first landing as the flag says, else that of fetching, as in `2026.11`."""
    return flag.month or flag.post.fetched_at.astimezone(zone).strftime("%Y.%m")


def index_name(office: str, month: str, version: str = INDEX_VERSION) -> str:
    """The index a flag belongs to for ever: office and month of first landing, `flags-v1-31-2026.11`."""
    return f"flags-{version}-{office}-{month.replace('-', '.')}"


def _facets(flag: Flag, day: str) -> list[tuple[str, str]]:
    post = flag.post
    pairs = [("source", post.source), ("day", day), ("office", post.office), ("kind", post.kind)]
    pairs += [("platform", post.platform), ("stage", post.stage)]
    pairs += [("label", signal.label) for signal in flag.signals if signal.over and signal.label in SHOWN_LABELS]
    pairs += [("topic", topic.code) for topic in flag.topics]
    pairs += [("claim", match.id) for match in flag.claims if match.level == "match"]
    pairs += [("fact_check", value) for value in _fact_check(flag)]
    pairs += [("why", why) for why in flag.why]
    for region in flag.regions:
        field = "region" if region.how == "mention" else "covers"
        pairs += [(field, region.code), (field, region.code[:2])]  # a regency is counted under its province too
    return [(field, value) for field, value in pairs if value]


def _fact_check(flag: Flag) -> set[str]:
    """How it stands to checked claims: the levels at which it is like some, and whether it spreads without a check."""
    found: set[str] = {match.level for match in flag.claims}
    found |= {"returned"} if any(match.returned and match.level == "match" for match in flag.claims) else set()
    return found | ({"missing"} if "spread" in flag.why else set())


def _day(moment: datetime, zone: tzinfo) -> str:
    try:
        return moment.astimezone(zone).date().isoformat()
    except OverflowError:  # year 1 or 9999: no zone can move it
        return moment.date().isoformat()
