"""What a feed holds, in whatever format it came, and the cleaning of its fields; an author is never among them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urljoin

from pipeline.sources.address import is_web_address
from pipeline.sources.markup import plain_text

MAX_ENTRIES = 50_000  # of one document: what a sitemap may hold
MAX_TITLE = 1_000
MAX_MARKUP = 300_000  # characters of an entry's summary or content
_MAX_CATEGORIES = 20
_MAX_WORD = 200  # characters of an id, a date, a category
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, as its feed tells it. `summary` and `content` are HTML, times as written, "" is missing.

    `channel` is the account of a YouTube video; it is never kept.
    """

    place: str
    native_id: str = ""
    link: str = ""
    title: str = ""
    published: str = ""
    updated: str = ""
    summary: str = ""
    content: str = ""
    language: str = ""
    categories: tuple[str, ...] = ()
    platform: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """An entry that says nothing we can use, and why; `what` tells it from others (an id or a kind, no text)."""

    place: str
    reason: str
    what: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """What a document holds; `children` are the sitemaps of a sitemap index, newest first."""

    format: str
    entries: tuple[Entry | Broken, ...]
    left_out: int = 0
    children: tuple[str, ...] = ()


def link_of(text: str, base: str) -> str:
    """The whole address if it can be opened, else empty."""
    try:
        link = urljoin(base, text.strip()) if text.strip() else ""
    except ValueError:
        return ""
    return link if is_web_address(link) else ""


def joined(base: str, other: str | None) -> str:
    """A base address that another one (xml:base) changes; the first where the other is none."""
    try:
        return urljoin(base, other or "")
    except ValueError:
        return base


def title_of(markup: str) -> str:
    """A title in HTML as one line of text."""
    return " ".join(plain_text(markup[: 4 * MAX_TITLE]).split())[:MAX_TITLE]


def word_of(text: object) -> str:
    """An id, a date or a name: one line, not too long; empty for what is no text."""
    return " ".join(text.split())[:_MAX_WORD] if isinstance(text, str) else ""


def words_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Categories, each once and not too many."""
    words = (word_of(FORBIDDEN.sub("", text)) for text in texts)
    return tuple(dict.fromkeys(word for word in words if word))[:_MAX_CATEGORIES]
