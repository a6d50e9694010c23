"""A flag as the document that Elasticsearch keeps, and back; the fields are those of `templates/mappings.json`.

Names are ECS's where it has one; `flag.*` is what people search and count, `normal.*`, `rank.*`, `keys` and `at` are
what our own search needs, and `rest` is what only makes the flag whole again: it is kept and not indexed. There is no
author key, no native id and no address of a social post in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any
from urllib.parse import urlsplit

from pipeline.core.codec import flag_from_dict, flag_to_dict
from pipeline.core.types import SHOWN_LABELS, Flag, Region
from pipeline.store.codec import Damaged, open_address, without_text
from pipeline.store.columns import Columns, columns_of, month_of
from pipeline.store.words import AS_TYPED, IN_TITLE, OTHER_FORM, rank

Document = dict[str, Any]

ECS_VERSION = "8.17.0"
DATASET = "kentongan.flags"
_MANY = ("label", "topic", "claim", "fact_check", "region", "covers", "why")
_ONE = ("source", "day", "office", "kind", "platform", "stage")
_ELSEWHERE = ("text", "title", "status", "month")  # of a flag's row: where the document has them already


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a region lies: degrees of its centroid, and its province's name and ISO 3166-2 code."""

    lat: float
    lon: float
    province: str
    iso: str


@dataclass(frozen=True, slots=True)
class Writer:
    """Makes documents. `zone` says what a day is, `desk` gives the address at which a flag is decided, `spot` knows a
    region by its Kemendagri code.
    """

    zone: tzinfo
    desk: Callable[[str], str]
    spot: Callable[[str], Spot | None]

    def document(self, flag: Flag) -> Document:
        """The whole document of a flag, with the status that the flag has."""
        month = month_of(flag, self.zone)
        made = self.signal_fields(flag)
        made["flag"] |= {"status": flag.status, "month": month}
        return made | {"review": {"decided_at": None, "reason": []}, "stripped": False}

    def signal_fields(self, flag: Flag) -> Document:
        """All of a flag's document that is neither review nor its place in time: what an update writes.

        A partial update merges objects key by key, so every key is here, if only as null: nothing old shines through.
        """
        columns = columns_of(flag, self.zone)
        post, views = flag.post, columns.views
        address = open_address(flag)
        return {
            "@timestamp": (post.published_at or post.fetched_at).isoformat(),
            "at": columns.at,
            "expires": columns.expires,
            "ecs": {"version": ECS_VERSION},
            "event": {
                "kind": "signal",
                "dataset": DATASET,
                "created": post.fetched_at.isoformat(),
                "url": self.desk(flag.id) or None,
            },
            "url": {"full": address, "domain": _host(address)},
            "geo": self._geo(flag.regions),
            "title": post.title,
            "text": post.text,
            "normal": {"title": views.title, "text": views.text, "stems": views.stems},
            "rank": {
                "title": rank(IN_TITLE, views.length),
                "text": rank(AS_TYPED, views.length),
                "form": rank(OTHER_FORM, views.length),
            },
            "keys": sorted({key(name, value) for name, value in columns.facets}),
            "flag": _flag_fields(flag, columns),
            "signals": [
                {"label": s.label, "score": s.score, "band": s.band, "over": s.over, "model": s.model}
                for s in flag.signals
                if s.label in SHOWN_LABELS
            ],
            "rest": _rest(flag),
        }

    def _geo(self, regions: Iterable[Region]) -> Document:
        found = [self.spot(region.code) for region in regions if region.how == "mention"]
        named = [spot for spot in found if spot is not None]
        return {
            "region_iso_code": sorted({spot.iso for spot in named}),
            "region_name": sorted({spot.province for spot in named}),
            "location": [{"lat": spot.lat, "lon": spot.lon} for spot in named],
        }


def key(field: str, value: str) -> str:
    """What a flag is found under: letter case does not matter (see `fields.value_matches`)."""
    return f"{field}={value.casefold()}"


def stub() -> Document:
    """What is left of a flag where we may not delete: its row, without anything in it."""
    return {"gone": True}


def bare(document: Document, *, expired: bool) -> Document:
    """What an update writes to take the text of a flag, and all places in it, out of its document."""
    flag = without_text(read(document))
    emptied: Document = {
        "title": "",
        "text": "",
        "normal": {"title": "", "text": "", "stems": ""},
        "rest": _rest(flag),
        "stripped": True,
    }
    return emptied | ({"flag": {"status": "expired"}} if expired else {})


def renamed(document: Document, cluster: str) -> Document:
    """What an update writes to give a flag another cluster."""
    return {"flag": {"cluster": cluster}, "rest": _rest(replace(read(document), cluster=cluster))}


def read(document: Document) -> Flag:
    """The flag of a document; raises Damaged."""
    try:
        flag = document["flag"]
        review = {"status": flag["status"], "month": flag["month"]}
        texts = {"text": document["text"], "title": document["title"]}
        return flag_from_dict(document["rest"] | texts | review)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Damaged from error


def _flag_fields(flag: Flag, columns: Columns) -> Document:
    values: dict[str, list[str]] = {name: [] for name in (*_MANY, *_ONE)}
    for name, value in sorted(columns.facets):
        values[name].append(value)
    made: Document = {name: values[name] for name in _MANY}
    made |= {name: next(iter(values[name]), None) for name in _ONE}
    return made | {
        "id": flag.id,
        "fingerprint": flag.fingerprint,
        "cluster": flag.cluster,
        "model": sorted({signal.model for signal in flag.signals}),
        "band": dict.fromkeys(SHOWN_LABELS) | {s.label: s.band for s in flag.signals if s.label in SHOWN_LABELS},
    }


def _rest(flag: Flag) -> Document:
    row = flag_to_dict(flag, private=False) | {"url": open_address(flag)}
    for name in _ELSEWHERE:
        del row[name]
    for name, value in row.items():
        if isinstance(value, datetime):
            row[name] = value.isoformat()
    return row


def _host(address: str | None) -> str | None:
    if not address:
        return None
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None
