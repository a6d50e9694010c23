"""RSS 0.9x/1.0/2.0, Atom, news sitemaps and sitemap indexes -> entries, by one lxml reader.

No DTDs, no entities beyond HTML's named characters, nothing is fetched; libxml2's own limits on depth and size stay on.
"""

from __future__ import annotations

import html
import html.entities
import re
from collections.abc import Callable
from typing import Any

from lxml import etree

from pipeline.core.errors import SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.entries import (
    MAX_ENTRIES,
    MAX_MARKUP,
    Broken,
    Entry,
    Feed,
    joined,
    link_of,
    title_of,
    word_of,
    words_of,
)
from pipeline.sources.markup import feed_hint, inner_markup, without_forbidden

_CORE = frozenset(
    {
        "",
        "http://www.w3.org/2005/Atom",
        "http://purl.org/atom/ns#",
        "http://purl.org/rss/1.0/",
        "http://my.netscape.com/rdf/simple/0.9/",
        "http://backend.userland.com/rss2",
        "http://www.sitemaps.org/schemas/sitemap/0.9",
        "https://www.sitemaps.org/schemas/sitemap/0.9",
        "http://www.google.com/schemas/sitemap/0.84",
    }
)
_PREFIXES = {
    "http://purl.org/rss/1.0/modules/content/": "content:",
    "http://purl.org/dc/elements/1.1/": "dc:",
    "http://purl.org/dc/terms/": "dc:",
    "http://search.yahoo.com/mrss/": "media:",
    "http://search.yahoo.com/mrss": "media:",
    "http://www.youtube.com/xml/schemas/2015": "yt:",
    "http://www.google.com/schemas/sitemap-news/0.9": "news:",
    "https://www.google.com/schemas/sitemap-news/0.9": "news:",
}
_GROUPS = frozenset({"media:group", "news:news", "news:publication"})
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_BASE = "{http://www.w3.org/XML/1998/namespace}base"
_WEB_PAGE = re.compile(
    r"(?:<\?xml[^>]{0,200}>|<!--[^>]{0,2000}-->|\s){0,20}<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE
)
_ENTITY = re.compile(r"&(#?\w{1,31};)?")
_XML_NAMES = frozenset({"amp", "lt", "gt", "quot", "apos"})
_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")

Fields = dict[str, list[Any]]  # "dc:date" -> its elements (lxml has no types)


Reader = Callable[[Any, str, str, str], Entry | Broken]
"""(element, place, base address, language) -> entry"""


def read_xml(text: str, base: str) -> Feed:
    """Read an XML feed; raises SourceUnavailable if it is none, and says what it is instead."""
    if _WEB_PAGE.match(text):
        hint = feed_hint(text, base)
        raise SourceUnavailable(
            _("this is a web page, not a feed; it names the feed {url}").format(url=hint)
            if hint
            else _("this is a web page, not a feed")
        )
    root = _tree(text)
    name = str(root.tag).rpartition("}")[2].rpartition(":")[2].lower()
    if name == "sitemapindex":
        return Feed("sitemap index", (), children=_children(root, base))
    if name not in _READERS:
        raise SourceUnavailable(_('this is XML but no feed: its root is "{name}"').format(name=name[:40]))
    form, tag, reader = _READERS[name]
    items = [element for parent in _parents(root) for element in parent if _key(element) == tag]
    base, language = joined(base, root.get(_BASE)), _feed_language(root)
    entries = tuple(reader(item, f"entry {n}", base, language) for n, item in enumerate(items[:MAX_ENTRIES], 1))
    return Feed(form, entries, left_out=max(0, len(items) - MAX_ENTRIES))


def _tree(text: str) -> Any:
    """The root element. What is not well-formed is mended first; libxml2 then reads around the rest."""
    if "<!ENTITY" in text:
        raise SourceUnavailable(_("the feed defines entities of its own, which we do not read"))
    body = without_forbidden(_DECLARATION.sub("", text))
    for recover, source in ((False, body), (True, body)):
        mended = _mended(source) if recover else source
        parser = etree.XMLParser(
            encoding="utf-8",
            recover=recover,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        try:
            root = etree.fromstring(mended.encode("utf-8"), parser)
        except (etree.XMLSyntaxError, ValueError):
            continue
        if root is not None:
            return root
    raise SourceUnavailable(_('this is no feed: it begins with "{start}"').format(start=text[:40]))


def _mended(text: str) -> str:
    """Outside CDATA, HTML's named characters become themselves and a lone & becomes &amp;."""
    pieces, place = [], 0
    while True:
        start = text.find("<![CDATA[", place)
        end = text.find("]]>", start) if start >= 0 else -1
        if end < 0:
            pieces.append(_ENTITY.sub(_character, text[place:]))
            return "".join(pieces)
        pieces += [_ENTITY.sub(_character, text[place:start]), text[start : end + 3]]
        place = end + 3


def _character(match: re.Match[str]) -> str:
    name = (match[1] or "").removesuffix(";")
    if name.startswith("#") or name in _XML_NAMES:
        return match[0]
    return html.escape(html.entities.html5.get(f"{name};", match[0]), quote=False)


def _key(element: Any) -> str:
    """Name of an element with our short prefix: "title", "dc:date"; "?" for what we do not know.

    A prefix that the feed uses without declaring it stays as it is written, which is mostly ours.
    """
    if not isinstance(element.tag, str):
        return "?"
    space, _brace, name = element.tag.lstrip("{").rpartition("}")
    prefix = "" if space in _CORE else _PREFIXES.get(space)
    return "?" if prefix is None else prefix + name.lower()


def _fields(item: Any) -> Fields:
    """The children of an entry by key; groups (media:group, news:news) are opened."""
    found: Fields = {}
    waiting = list(item)[::-1]
    while waiting:
        child = waiting.pop()
        key = _key(child)
        if key in _GROUPS:
            waiting.extend(list(child)[::-1])
        elif key != "?":
            found.setdefault(key, []).append(child)
    return found


def _rss_entry(item: Any, place: str, base: str, language: str) -> Entry | Broken:
    fields = _fields(item)
    guid = fields.get("guid", [None])[0]
    link = link_of(_first(fields, "link"), base)
    native_id = word_of(_first(fields, "guid")) or word_of(
        item.get("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}about")
    )
    if not link and guid is not None and (guid.get("isPermaLink") or "true").strip().lower() == "true":
        link = link_of(native_id, base)
    return Entry(
        place=place,
        native_id=native_id,
        link=link,
        title=title_of(_first(fields, "title", "media:title", "dc:title")),
        published=word_of(_first(fields, "pubdate", "dc:date", "dc:created", "published")),
        updated=word_of(_first(fields, "dc:modified", "updated")),
        summary=_first(fields, "description", "media:description", "summary")[:MAX_MARKUP],
        content=_first(fields, "content:encoded", "content")[:MAX_MARKUP],
        language=word_of(_first(fields, "dc:language")) or language,
        categories=words_of(_text(element) for element in fields.get("category", [])),
    )


def _atom_entry(item: Any, place: str, base: str, language: str) -> Entry | Broken:
    fields = _fields(item)
    base = joined(base, item.get(_BASE))
    video = word_of(_first(fields, "yt:videoid"))
    summary = _atom_markup(fields, "summary") or html.escape(_first(fields, "media:description"), quote=False)
    return Entry(
        place=place,
        native_id=video or word_of(_first(fields, "id")),
        link=_atom_link(fields.get("link", []), base),
        title=title_of(_atom_markup(fields, "title")),
        published=word_of(_first(fields, "published", "issued", "created")),
        updated=word_of(_first(fields, "updated", "modified")),
        summary=summary[:MAX_MARKUP],
        content=_atom_markup(fields, "content")[:MAX_MARKUP],
        language=word_of(item.get(_LANG)) or language,
        categories=words_of(
            element.get("label") or element.get("term") or "" for element in fields.get("category", [])
        ),
        platform="youtube" if video else "",
        channel=word_of(_first(fields, "yt:channelid")) if video else "",
    )


def _sitemap_entry(item: Any, place: str, base: str, language: str) -> Entry | Broken:
    fields = _fields(item)
    link = link_of(_first(fields, "loc"), base)
    if not link:
        return Broken(place, _("the entry has no address that can be opened"), word_of(_first(fields, "loc")))
    return Entry(
        place=place,
        native_id=link,
        link=link,
        title=title_of(_first(fields, "news:title")),
        published=word_of(_first(fields, "news:publication_date")),
        updated=word_of(_first(fields, "lastmod")),
        language=word_of(_first(fields, "news:language")) or language,
        categories=words_of(_first(fields, "news:keywords").split(",")),
    )


def _children(root: Any, base: str) -> tuple[str, ...]:
    found = []
    for item in root:
        fields = _fields(item)
        link = link_of(_first(fields, "loc"), base)
        if link:
            found.append((word_of(_first(fields, "lastmod")), link))
    found.sort(key=lambda pair: pair[0], reverse=True)
    return tuple(dict.fromkeys(link for _when, link in found))


def _text(element: Any) -> str:
    return "".join(element.itertext()).strip()


def _first(fields: Fields, *keys: str) -> str:
    """The text of the first of these elements that has one."""
    texts = (_text(element) for key in keys for element in fields.get(key, []))
    return next((text for text in texts if text), "")


def _atom_markup(fields: Fields, key: str) -> str:
    """An Atom text construct (RFC 4287, 3.1) as HTML."""
    for element in fields.get(key, []):
        kind = (element.get("type") or "text").lower()
        if kind in ("xhtml", "application/xhtml+xml"):
            return inner_markup(element)
        if kind in ("html", "text/html"):
            return _text(element)
        if kind in ("text", "text/plain"):
            return html.escape(_text(element), quote=False)
    return ""


def _atom_link(links: list[Any], base: str) -> str:
    for element in links:
        if (element.get("rel") or "alternate") == "alternate":
            link = link_of(element.get("href") or "", joined(base, element.get(_BASE)))
            if link:
                return link
    return ""


def _parents(root: Any) -> list[Any]:
    """Where entries stand: the root (RSS 1.0, Atom, sitemaps) and its channels (RSS 2.0); never inside each other."""
    return [root, *(child for child in root if _key(child) == "channel")]


def _feed_language(root: Any) -> str:
    children = (child for parent in _parents(root) for child in parent if _key(child) in ("language", "dc:language"))
    return word_of(root.get(_LANG) or next(map(_text, children), ""))[:20]


_READERS: dict[str, tuple[str, str, Reader]] = {
    "rss": ("rss", "item", _rss_entry),
    "rdf": ("rss", "item", _rss_entry),
    "feed": ("atom", "entry", _atom_entry),
    "urlset": ("sitemap", "url", _sitemap_entry),
}
