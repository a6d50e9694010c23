"""A feed's bytes -> its entries: the format is told by the content, whatever type the server names."""

from __future__ import annotations

import html
import json
from dataclasses import replace

from pipeline.core.errors import SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.entries import (
    FORBIDDEN,
    MAX_ENTRIES,
    MAX_MARKUP,
    Broken,
    Entry,
    Feed,
    link_of,
    title_of,
    word_of,
    words_of,
)
from pipeline.sources.feed_xml import read_xml
from pipeline.sources.markup import decoded


def read_feed(content: bytes, *, charset: str | None = None, base: str = "") -> Feed:
    """Read a feed of any format; relative links are completed with `base`.

    Raises SourceUnavailable if it is no feed, and says what it is instead.
    """
    text = FORBIDDEN.sub("", decoded(content, charset)).strip()
    if not text:
        raise SourceUnavailable(_("the feed is empty: not one character came"))
    if text[0] == "<":
        feed = read_xml(text, base)
    elif text[0] in "{[":
        feed = _json_feed(text, base)
    else:
        raise SourceUnavailable(_('this is no feed: it begins with "{start}"').format(start=text[:40]))
    return replace(feed, entries=tuple(map(_usable, feed.entries)))


def _usable(entry: Entry | Broken) -> Entry | Broken:
    if isinstance(entry, Broken) or entry.link or entry.title or entry.summary or entry.content:
        return entry
    return Broken(
        entry.place,
        _("the entry has neither a link nor a title nor a text"),
        f"{entry.native_id} {entry.published}".strip(),
    )


def _json_feed(text: str, base: str) -> Feed:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceUnavailable(_("this is no feed: JSON that cannot be read ({error})").format(error=error)) from error
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise SourceUnavailable(_('this is JSON but no JSON Feed: it has no list of "items"'))
    language = word_of(document.get("language"))
    entries = tuple(_json_entry(item, f"entry {n}", base, language) for n, item in enumerate(items[:MAX_ENTRIES], 1))
    return Feed("json", entries, left_out=max(0, len(items) - MAX_ENTRIES))


def _json_entry(item: object, place: str, base: str, language: str) -> Entry | Broken:
    if not isinstance(item, dict):
        return Broken(place, _("the entry is no JSON object"), type(item).__name__)
    values = {key: FORBIDDEN.sub("", value) for key, value in item.items() if isinstance(value, str)}
    number = item.get("id")
    tags = item.get("tags")
    content = values.get("content_html") or html.escape(values.get("content_text", ""), quote=False)
    return Entry(
        place=place,
        native_id=word_of(str(number) if isinstance(number, int) else values.get("id", "")),
        link=link_of(values.get("url", ""), base) or link_of(values.get("external_url", ""), base),
        title=title_of(html.escape(values.get("title", ""), quote=False)),
        published=word_of(values.get("date_published")),
        updated=word_of(values.get("date_modified")),
        summary=html.escape(values.get("summary", ""), quote=False)[:MAX_MARKUP],
        content=content[:MAX_MARKUP],
        language=word_of(values.get("language")) or language,
        categories=words_of(tag for tag in (tags if isinstance(tags, list) else []) if isinstance(tag, str)),
    )
