"""Komdigi's hoax reports: lists of titles with links and dates, as HTML or as the JSON behind the site's own pages.

A government's word is a clarification: whatever a list says, its kind is `government`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from pipeline.core.claims import ClaimReview
from pipeline.core.clock import Clock
from pipeline.core.config import Office
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ItemError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.maker import Found, ReviewMaker, address_of, unseen_notes
from pipeline.sources.claims.pages import tree_of, words_of
from pipeline.sources.claims.state import Seen
from pipeline.sources.dates import parse_time
from pipeline.sources.entries import link_of
from pipeline.sources.fetch import Fetcher, Refused
from pipeline.sources.markup import decoded, plain_text

_DETAIL = re.compile(r"/detail/")
_SITE = "https://www.komdigi.go.id/berita/berita-hoaks/detail/"
_SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{2,300}")
_DATE = re.compile(
    r"\b(?:\d{1,2}[ /-](?:\d{1,2}|[A-Za-z]{3,9})[ /-]\d{4}|\d{4}-\d{2}-\d{2}|[A-Za-z]{3,9} \d{1,2}, \d{4})\b", re.ASCII
)
_MORE = re.compile(
    r"(?:(?:baca|lihat|klik|read|view) )?(?:(?:berita|artikel|laporan) )?"
    r"(?:selengkapnya|selanjutnya|lebih lanjut|lebih lengkap|detail|details|more)\W*",
    re.IGNORECASE,
)
_MAX_LINKS = 2_000  # of one page
_MAX_UP = 6  # elements above a link in which its date may stand
_MAX_ALIKE = 5  # links to one report that are looked at for its date
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LEAST = 8  # characters of a title: "Baca" and "Lihat" are none
_MAX_TEXT = 1_000


class KomdigiClaims:
    """Reads the newest pages of a list, up to the first one that is known."""

    connector = "claims-komdigi"

    def __init__(
        self,
        name: str,
        settings: ClaimSourceSettings,
        *,
        fetcher: Fetcher,
        office: Office,
        state_dir: Path,
        clock: Clock,
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self._settings, self._fetcher, self._clock, self._office = settings, fetcher, clock, office
        self._maker = ReviewMaker(name, settings.model_copy(update={"checker_kind": "government"}), office)
        self._state_path = state_dir / f"komdigi-{name}.json"
        self._seen: Seen | None = None

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield the entries that are new or changed since the last commit; raises SourceUnavailable without a list."""
        self.notes, now = [], self._clock()
        seen = self._seen = Seen(self._state_path, self._settings.url)
        try:
            for payload in self._new(seen, since):
                raw = RawItem(self.name, self.connector, now, payload["link"][:200], payload)
                try:
                    if self.parse(raw):
                        yield raw
                except ItemError as error:
                    yield Quarantined("claims", self.name, raw.place, str(error), now, payload)
        finally:
            self._fetcher.close()
        self.notes += unseen_notes(self._maker)

    def commit(self) -> None:
        """Remember what the last fetch gave, once it has landed."""
        if self._seen is not None:
            self._seen.save()

    def parse(self, raw: RawItem) -> tuple[ClaimReview, ...]:
        """The clarification of an entry; none for news or education."""
        payload = raw.payload
        head = self._maker.title(payload.get("title", ""))
        if head.editorial:
            return ()
        found = Found(
            url=payload.get("link", ""),
            title=payload.get("title", ""),
            rating=None if head.rating else "clarification",
            reviewed=payload.get("date", ""),
        )
        return self._maker.reviews(raw, [found])

    def _new(self, seen: Seen, since: datetime | None) -> Iterator[dict[str, str]]:
        """Pages as YudistiraClaims reads them; one that is not there after the first is the list's end."""
        known: set[str] = set()
        number, left = 0, self._settings.max_pages
        while left > 0:
            number += 1
            try:
                entries = self._page(number)
            except Refused as error:
                if number == 1:
                    raise
                self.notes.append(_("the list ends at page {count}: {error}").format(count=number - 1, error=error))
                return
            fresh = [entry for entry in entries if entry["link"] not in known]
            known |= {entry["link"] for entry in fresh}
            if number == 1 and not entries:
                raise SourceUnavailable(
                    _("{url} holds no list of reports: its layout changed, or this is another page").format(
                        url=self._settings.url[:200]
                    )
                )
            young = [entry for entry in fresh if not self._is_old(entry, since)]
            new = [entry for entry in young if seen.is_new(entry["link"], entry)]
            yield from new
            if not fresh:
                return
            if not young or not (new or seen.was_cut or since):
                seen.cut = seen.was_cut
                return
            left -= bool(new)
        seen.cut = True
        self.notes.append(
            _("more than {count} pages; the rest was left (max_pages)").format(count=self._settings.max_pages)
        )

    def _page(self, number: int) -> list[dict[str, str]]:
        fetched = self._fetcher.get(_with_page(self._settings.url, number))
        text = decoded(fetched.content, fetched.charset)
        if text.lstrip()[:1] in ("{", "["):
            return _from_json(text)
        return _from_html(text, fetched.url)

    def _is_old(self, entry: dict[str, str], since: datetime | None) -> bool:
        moment = parse_time(entry.get("date", ""), self._office.zone)[0] if since else None
        return since is not None and moment is not None and moment < since


def _with_page(url: str, number: int) -> str:
    """The address of a page of the list; the first one is as it was typed."""
    if number == 1:
        return url
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "page"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("page", str(number))])))


def _from_json(text: str) -> list[dict[str, str]]:
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        return []
    while isinstance(document, dict):
        document = next((document[name] for name in ("response", "data", "items", "results") if name in document), None)
    found = []
    for item in document[:_MAX_LINKS] if isinstance(document, list) else ():
        if not isinstance(item, dict):
            continue
        slug, told = item.get("slug"), item.get("url") or item.get("link")
        link = link_of(told, _SITE) if isinstance(told, str) else ""
        if not link and isinstance(slug, str) and _SLUG.fullmatch(slug):
            link = urljoin(_SITE, slug)
        date = item.get("published_at") or item.get("created_at")
        found.append(_entry(link, item.get("title"), date))
    return [entry for entry in found if entry]


def _from_html(page: str, base: str) -> list[dict[str, str]]:
    """Each link of the site to a page below /detail/, with the longest words that lead there and the date beside it."""
    tree = tree_of(page)
    entries: dict[str, dict[str, str]] = {}
    looked: Counter[str] = Counter()
    for anchor in tree.xpath(f"(//a[@href])[position() <= {_MAX_LINKS}]") if tree is not None else ():
        link = link_of(anchor.get("href"), base)
        if not link or not _DETAIL.search(urlsplit(link).path) or urlsplit(link).netloc != urlsplit(base).netloc:
            continue
        looked[link] += 1
        words = words_of(next(anchor.iter(*_HEADINGS), anchor))  # a whole card may be the link, its date too
        title = max(words, " ".join((anchor.get("title") or "").split()), key=len)
        entry = _entry(link, title, _date_beside(anchor) if looked[link] <= _MAX_ALIKE else "")
        known = entries.get(entry.get("link", ""))
        if entry and (known is None or len(entry["title"]) > len(known["title"])):
            entries[entry["link"]] = ({"date": known["date"]} if known and "date" in known else {}) | entry
    return list(entries.values())


def _date_beside(anchor: Any) -> str:
    """The date in the smallest element around a link that has one and no other report's link."""
    around = anchor
    for _step in range(_MAX_UP):
        links = (each.get("href") or "" for each in around.iter("a"))
        if any(link != anchor.get("href") and _DETAIL.search(link) for link in links):
            return ""
        stamp = next((each.get("datetime") for each in around.iter("time") if each.get("datetime")), "")
        match = _DATE.search(words_of(around)[:5_000])
        if stamp or match:
            return str(stamp) if stamp else str(match[0]) if match else ""
        around = around.getparent()
        if around is None:
            return ""
    return ""


def _entry(link: str, title: object, date: object) -> dict[str, str]:
    """An entry as it is kept, empty without an address or a title."""
    words = " ".join(plain_text(title[: 4 * _MAX_TEXT]).split())[:_MAX_TEXT] if isinstance(title, str) else ""
    address = address_of(link)
    if not address or len(words) < _LEAST or _MORE.fullmatch(words):
        return {}
    return {"link": address, "title": words} | ({"date": date[:80]} if isinstance(date, str) and date else {})
