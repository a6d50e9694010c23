"""What a person asks of the search page: read from the address, written into links, counted in facets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from pipeline import looking
from pipeline.core.i18n import _
from pipeline.core.names import fact_check_name, kind_name, label_name, status_name
from pipeline.core.types import Query
from pipeline.ledger import claims
from pipeline.review.templating import written_day
from pipeline.review.views import short
from pipeline.store.fields import value_matches
from pipeline.store.query import MAX_TYPED, day_range
from pipeline.summary import claim_status, region_name, stage_name, topic_name
from pipeline.workplace import Workplace

COUNTED = ("label", "topic", "claim", "fact_check", "region", "kind", "platform", "status", "day")
"""The facets of the page. Never `why`: it would tell what was sampled from what was flagged."""

ORDERS = {"baru": "newest", "cocok": "relevance"}
_MOST = 700  # values counted of one field: more than there are provinces, kabupaten and kota
_DAYS = 31  # of the days, the latest
_OFFERED = 60  # values of one field: a list that a person can still read
_SHORT = 70  # characters of a claim in a list of values
_LONGEST_ID = 40
_TYPED = {
    "label": "indikasi",
    "topic": "isu",
    "claim": "klaim",
    "fact_check": "cek_fakta",
    "region": "wilayah",
    "covers": "liputan",
    "source": "sumber",
    "status": "status",
    "day": "hari",
    "office": "kantor",
    "kind": "jenis",
    "platform": "kanal",
    "stage": "tahapan",
    "cluster": "klaster",
    "id": "butir",
}
_BARE = re.compile(r'[^\s"]+')


@dataclass(frozen=True, slots=True)
class Asked:
    """A search as it was asked for; `query` is not yet bounded to offices.

    `since` and `until` are the first and last day as the form's fields show them. `begun` is False where the page was
    only opened. `notes` say what was left out, `error` why nothing can be searched.
    """

    words: str
    since: str
    until: str
    query: Query
    order: str
    after: str
    begun: bool
    notes: tuple[str, ...]
    error: str


@dataclass(frozen=True, slots=True)
class Choice:
    """A value of a field, how many have it, and the address of the search with it added or taken away."""

    name: str
    href: str
    count: int = 0
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of a field among what was found."""

    field: str
    name: str
    choices: tuple[Choice, ...]


def read_asked(place: Workplace, params: QueryParams, *, hide: bool) -> Asked:
    """Read the address; never raises. With `hide` no indication can be asked for: the answer would tell it."""
    words, zone, error = params.get("q", ""), place.settings.office.zone, ""
    days: dict[str, date | None] = {"dari": None, "sampai": None}
    for name, end in (("dari", 0), ("sampai", 1)):
        text = params.get(name, "").strip()
        span = day_range(text)
        days[name] = span[end] if span else None
        if text and not span:
            error = _('"{text}" is no day; write it as 2026-11-24').format(text=text[:40])
    bounds = [datetime.combine(day, time(), zone).astimezone(UTC) if day else None for day in days.values()]
    query = looking.parse_query(place, words, *bounds)
    allowed, notes = looking.openly(query, hide=hide)
    if len(words) > MAX_TYPED:
        notes = (*notes, _("Only the first {count} characters were read.").format(count=MAX_TYPED))
    order = ORDERS.get(params.get("urut", ""), "relevance" if query.words or query.phrases else "newest")
    begun = any(name in params for name in ("q", "dari", "sampai"))
    since = days["dari"].isoformat() if days["dari"] else ""
    until = (days["sampai"] - timedelta(days=1)).isoformat() if days["sampai"] else ""
    return Asked(words, since, until, allowed, order, params.get("sesudah", ""), begun, notes, error)


# ---- written again


def typed(query: Query) -> str:
    """The words and fields of a query as one types them; reading them gives the same query, its dates aside."""
    parts = [*query.words, *(f'"{phrase}"' for phrase in query.phrases)]
    parts += [_field(field, value) for field, value in query.fields]
    parts += [f"-{_quoted(word)}" for word in query.without]
    parts += [f"-{_field(field, value)}" for field, value in query.without_fields]
    return " ".join(parts)


def typed_whole(query: Query, zone: tzinfo) -> str:
    """The query with its dates, as one types it."""
    since, until = days_of(query, zone)
    dates = [f"sejak:{since}" if since else "", f"sampai:{until}" if until else ""]
    return " ".join(filter(None, [typed(query), *dates]))


def days_of(query: Query, zone: tzinfo) -> tuple[str, str]:
    """The first and the last day of a query, or empty."""
    since = query.since.astimezone(zone).date().isoformat() if query.since else ""
    until = (query.until.astimezone(zone).date() - timedelta(days=1)).isoformat() if query.until else ""
    return since, until


def link(query: Query, zone: tzinfo, path: str = "/cari", **more: str) -> str:
    """The address of a search."""
    since, until = days_of(query, zone)
    values = {"q": typed(query), "dari": since, "sampai": until} | more
    told = {name: value for name, value in values.items() if value or name == "q"}
    return f"{path}?{urlencode(told, errors='replace')}"


def _field(field: str, value: str) -> str:
    return f"{_TYPED[field]}:{_quoted(value)}"


def _quoted(value: str) -> str:
    return value if _BARE.fullmatch(value) else f'"{value}"'


# ---- facets


def facets(place: Workplace, asked: Asked, offices: tuple[str, ...], *, hide: bool) -> list[Facet]:
    """The facets of a search. A field that was chosen from is counted as if it had not been: one sees what else is."""
    fields = [field for field in COUNTED if not (hide and field in looking.INDICATIONS)]
    chosen = {field for field, _value in asked.query.fields}
    groups = [[field for field in fields if field not in chosen], *([field] for field in fields if field in chosen)]
    counts: dict[str, Mapping[str, int]] = {}
    for group in filter(None, groups):
        others = tuple(pair for pair in asked.query.fields if pair[0] not in group)
        bounded = looking.within(replace(asked.query, fields=others), offices)
        counts |= place.store.facets(bounded, group, limit=_MOST)
    texts = claim_texts(place, counts.get("claim", {}))
    found = [Facet(field, field_title(field), _choices(place, asked, field, counts[field], texts)) for field in fields]
    return [facet for facet in found if facet.choices]


def _choices(
    place: Workplace, asked: Asked, field: str, counts: Mapping[str, int], texts: Mapping[str, str]
) -> tuple[Choice, ...]:
    shown = list(counts.items())
    if field == "region":
        shown = [(code, count) for code, count in shown if len(code) == 2]
    if field == "day":
        shown = sorted(shown, reverse=True)[:_DAYS]
    offered = [(value, count) for value, count in shown[:_OFFERED] if '"' not in value]
    return tuple(_choice(place, asked, field, value, count, texts) for value, count in offered)


def _choice(place: Workplace, asked: Asked, field: str, value: str, count: int, texts: Mapping[str, str]) -> Choice:
    fields = asked.query.fields
    others = tuple(pair for pair in fields if pair[0] != field or not value_matches(field, pair[1], value))
    chosen = len(others) < len(fields)
    query = replace(asked.query, fields=others if chosen else (*fields, (field, value)))
    return Choice(value_name(place, field, value, texts), link(query, place.settings.office.zone), count, chosen)


def conditions(place: Workplace, asked: Asked) -> list[Choice]:
    """What the search is narrowed to, each with the address of the search without it."""
    zone, query, found = place.settings.office.zone, asked.query, []
    named = (*query.fields, *query.without_fields)
    texts = claim_texts(place, [value for field, value in named if field == "claim"])
    for pair in dict.fromkeys(query.fields):
        rest = replace(query, fields=tuple(other for other in query.fields if other != pair))
        found.append(
            Choice(f"{field_title(pair[0])}: {value_name(place, *pair, texts)}", link(rest, zone), chosen=True)
        )
    for pair in dict.fromkeys(query.without_fields):
        rest = replace(query, without_fields=tuple(other for other in query.without_fields if other != pair))
        name = _("not {name}").format(name=f"{field_title(pair[0])}: {value_name(place, *pair, texts)}")
        found.append(Choice(name, link(rest, zone), chosen=True))
    return found


def claim_texts(place: Workplace, ids: Iterable[str]) -> dict[str, str]:
    """Claim id -> how the claim begins and what the checkers say, for those known; a page offers so many, no more."""
    wanted = [claim_id for claim_id in ids if len(claim_id) < _LONGEST_ID][:_OFFERED]
    if not wanted:
        return {}
    with place.ledger.read() as db:
        known = claims.get_many(db, wanted)
    return {claim_id: f"{short(claim.text, _SHORT)} ({claim_status(claim)})" for claim_id, claim in known.items()}


def field_title(field: str) -> str:
    """What a field is called on the page."""
    titles = {
        "label": _("Indication"),
        "topic": _("Topic"),
        "claim": _("Claim"),
        "fact_check": _("Fact-check"),
        "region": _("Region"),
        "covers": _("Area of the source"),
        "source": _("Source"),
        "status": _("Status"),
        "day": _("Day"),
        "office": _("Office"),
        "kind": _("Kind"),
        "platform": _("Platform"),
        "stage": _("Stage"),
        "cluster": _("Copies"),
        "id": _("Post"),
    }
    return titles.get(field, field)


def value_name(place: Workplace, field: str, value: str, texts: Mapping[str, str]) -> str:
    """What a value of a field is called on the page; a value that nobody knows stands as it was typed."""
    if field == "claim":
        return texts.get(value, f"#{value}")
    if field in ("region", "covers"):
        name = region_name(place, value)
        return value if name == value else f"{value} {name}"
    if field == "topic":
        return topic_name(place, value)
    if field == "stage":
        return stage_name(place, value) or value
    if field == "day":
        return written_day(date.fromisoformat(value))
    names = {"label": label_name, "status": status_name, "kind": kind_name, "fact_check": fact_check_name}
    return names[field](value) if field in names else value
