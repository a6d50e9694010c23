"""A flag as the JSON document that a store keeps, and back.

The document holds no author key, no native id and no original address of a social post (DESIGN, section 3).
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from pipeline.core.codec import flag_from_dict, flag_to_dict
from pipeline.core.types import Flag

DOCUMENT_VERSION = 1


class Damaged(Exception):
    """A store holds what no store writes; the store says where."""


def _iso(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a flag")


_JSON = json.JSONEncoder(default=_iso, separators=(",", ":"), check_circular=False)


def without_private(flag: Flag) -> Flag:
    """The flag without its author's key, and with an address only for news and institutions."""
    return replace(flag, post=replace(flag.post, author_key=None, url=open_address(flag)))


def open_address(flag: Flag) -> str | None:
    """The post's address if an index may know it: that of news and of institutions."""
    return flag.post.url if flag.post.kind == "news" or flag.post.institution is not None else None


def without_text(flag: Flag) -> Flag:
    """The flag without its text and without all places in it; what was found stays."""
    return replace(
        flag,
        post=replace(flag.post, text="", title=""),
        signals=tuple(replace(signal, reasons=()) for signal in flag.signals),
        regions=tuple(replace(region, spans=()) for region in flag.regions),
        topics=tuple(replace(topic, spans=()) for topic in flag.topics),
        claims=tuple(replace(match, spans=()) for match in flag.claims),
    )


def to_document(flag: Flag) -> str:
    """The flag as JSON (ASCII, so that a broken character in a post cannot break a store)."""
    row = flag_to_dict(flag, private=False)
    row["version"], row["url"] = DOCUMENT_VERSION, open_address(flag)
    return _JSON.encode(row)


def from_document(document: str, **review: Any) -> Flag:
    """The flag of such a document with its review fields as they stand now; raises Damaged."""
    try:
        row = json.loads(document)
        if row.pop("version") == DOCUMENT_VERSION:
            return flag_from_dict(row | review)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Damaged from error
    raise Damaged
