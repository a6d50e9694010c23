"""A fact-checker's feed (RSS, Atom, JSON Feed, news sitemap) and the article page behind each entry.

fetch:  feed -> new entries -> article -> its ClaimReview data, beside title and text
        and pages that were taken weeks ago are looked at again: a check may be taken back
parse:  ClaimReview data, else what the title says ("[SALAH] ..."); wording and withdrawal from the text
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog

from pipeline.core.claims import ClaimReview
from pipeline.core.clock import Clock
from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ItemError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.address import is_local_path
from pipeline.sources.claims.again import Again, Taken
from pipeline.sources.claims.claim_review import found_of, reviews_in_page
from pipeline.sources.claims.maker import Found, ReviewMaker, unseen_notes
from pipeline.sources.claims.pages import PageFetcher
from pipeline.sources.claims.wording import taken_back, wording_of
from pipeline.sources.feed import FeedSource
from pipeline.sources.fetch import ARTICLE, Refused
from pipeline.sources.markup import article_text, page_title, plain_text, tidied

_log = structlog.get_logger()
_KEPT = ("link", "title", "published", "updated", "summary", "content", "language", "html", "article_error")
_FEW = 5  # entries: a feed of fewer without any claim may be a quiet week
_GONE = frozenset({404, 410})
_MOVED = 5  # pages gone at once, more than half of those looked at: the site moved, nothing was taken back
_NO_SECRET = Pseudonyms(b"public articles", b"public articles")  # entries are told apart by it, nobody is hidden
_INTAKE = Intake(one_person_share=1.0, one_person_rows=2, max_text=100_000)


class ClaimFeed:
    """Reads one checker's feed; after `fetch` its `notes` say what was left out and what nobody could read."""

    connector = "claims-feed"

    def __init__(
        self,
        name: str,
        settings: ClaimSourceSettings,
        *,
        fetcher: PageFetcher,
        office: Office,
        state_dir: Path,
        clock: Clock,
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self._fetcher, self._clock = fetcher, clock
        self._maker = ReviewMaker(name, settings, office)
        self._feed = FeedSource(
            name,
            SourceSettings(kind="feed", url=settings.url, subject="media", visibility="media"),
            fetcher=fetcher,
            pseudonyms=_NO_SECRET,
            office=office,
            intake=_INTAKE,
            state_dir=state_dir,
            clock=clock,
        )
        self._pages = fetcher.settings.articles and not is_local_path(settings.url)
        self._again_path = state_dir / f"again-{name}.json"
        self._again: Again | None = None

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield what is new or changed since the last commit; entries that are no claims are counted and left out."""
        self.notes = []
        again = self._again = Again(self._again_path)
        counts: Counter[str] = Counter()
        try:
            for item in self._feed.fetch(since):
                if isinstance(item, Quarantined):
                    yield replace(item, step="claims")
                    continue
                raw = self._landed(item)
                if self._is_claim(raw, counts):
                    again.take(self._taken(raw))
                if counts["last_editorial"]:
                    continue
                yield raw
            if self._pages:
                yield from self._looked_again(again)
        finally:
            self._fetcher.close()
        self.notes = [*self._feed.notes, *self._own_notes(counts), *self.notes]

    def commit(self) -> None:
        """Remember what the last fetch gave, once it has landed."""
        self._feed.commit()
        if self._again is not None and self._pages:
            self._again.save()

    def parse(self, raw: RawItem) -> tuple[ClaimReview, ...]:
        """The reviews of an article, none for news or education; raises ItemError if it is no fact-check."""
        payload = raw.payload
        title = _str(payload, "title") or page_title(_str(payload, "html"))
        head = self._maker.title(title)
        reviews = [review for review in payload.get("reviews") or () if isinstance(review, dict)]
        if not reviews and head.editorial:
            return ()
        if not reviews and head.rating is None and not head.withdrawn:
            problem = _str(payload, "review_error") or _str(payload, "article_error")
            raise ItemError(
                _("{link}: the page has no ClaimReview data and its title no verdict{problem}").format(
                    link=_str(payload, "link")[:120], problem=f" ({problem})" if problem else ""
                )
            )
        text = self._text(payload)
        own = Found(
            url=_str(payload, "link"),
            title=title,
            wording=wording_of(text),
            reviewed=_str(payload, "published") or _str(payload, "updated"),
            language=_str(payload, "language"),
            withdrawn=bool(payload.get("gone")) or taken_back(text),
        )
        if not reviews:
            return self._maker.reviews(raw, [own])
        return self._maker.reviews(raw, [_joined(found_of(review, own.url), own, len(reviews)) for review in reviews])

    def _text(self, payload: dict[str, Any]) -> str:
        """The article's words: those of its page, unless the feed itself gives more."""
        own = max(plain_text(_str(payload, "content")), plain_text(_str(payload, "summary")), key=len)
        page = _str(payload, "html")
        article = article_text(page) if page else ""
        return article if len(article) >= len(own) else own

    def _landed(self, item: RawItem) -> RawItem:
        """The entry as it lands: the fields that are kept, and its page's data."""
        payload = {name: item.payload[name] for name in _KEPT if name in item.payload}
        if "html" in payload:
            payload |= _page_data(self._fetcher.page)
        return replace(item, connector=self.connector, payload=payload)

    def _is_claim(self, raw: RawItem, counts: Counter[str]) -> bool:
        """Count what an entry is, and say whether it holds a claim."""
        counts["entries"] += 1
        counts["last_editorial"] = 0
        try:
            reviews = self.parse(raw)
        except ItemError:
            counts["no_verdict"] += 1
            return False
        counts["last_editorial"] = not reviews
        counts["editorial"] += not reviews
        counts["claims"] += len(reviews)
        counts["by_title"] += bool(reviews and "html" in raw.payload and not raw.payload.get("reviews"))
        return bool(reviews)

    def _own_notes(self, counts: Counter[str]) -> list[str]:
        notes = [
            (_("{count} entries are news or education, no claims"), counts["editorial"]),
            (_("{count} entries have neither ClaimReview data nor a verdict in their title"), counts["no_verdict"]),
            (_("{count} pages have no ClaimReview data; what their titles say was taken"), counts["by_title"]),
        ]
        told = [text.format(count=count) for text, count in notes if count]
        told += unseen_notes(self._maker)
        if counts["entries"] >= _FEW and not counts["claims"]:
            told.insert(
                0,
                _(
                    "NOT ONE of {count} entries holds a fact-check: the site changed its layout, or this is no "
                    "fact-checker's feed; look at its pages and at the url of this source"
                ).format(count=counts["entries"]),
            )
            _log.warning("claim_feed_without_claims", source=self.name, entries=counts["entries"])
        return told

    def _taken(self, raw: RawItem) -> Taken:
        payload = raw.payload
        return Taken(
            link=_str(payload, "link"),
            title=_str(payload, "title")[:1_000],
            published=_str(payload, "published"),
            reviews=payload.get("reviews") or [],
            mark=_mark(payload),
            since=raw.fetched_at.isoformat(),
        )

    def _looked_again(self, again: Again) -> Iterator[RawItem]:
        """Pages that are due: those that changed, and those that are gone, unless the whole site moved."""
        now = self._clock()
        gone: list[Taken] = []
        looked = 0
        for page in again.due(now):
            looked += 1
            try:
                self._fetcher.get(page.link, accept=ARTICLE)
            except Refused:
                if self._fetcher.status in _GONE:
                    gone.append(page)
                continue
            except SourceUnavailable:
                continue
            html = tidied(self._fetcher.page)
            payload: dict[str, Any] = {
                "link": page.link,
                "title": page.title,
                "published": page.published,
                "html": html,
            }
            if page.reviews:
                payload["reviews"] = page.reviews  # a page that lost its data took nothing back
            payload |= _page_data(self._fetcher.page)
            told = page_title(html)
            if self._maker.title(told).withdrawn:
                payload["title"] = told
            mark = _mark(payload)
            if html and mark != page.mark:
                page.mark = mark
                yield RawItem(self.name, self.connector, now, page.link, payload)
        if len(gone) >= _MOVED and len(gone) * 2 > looked:
            self.notes.append(
                _("{gone} of {count} pages looked at again are gone: the site moved; nothing was withdrawn").format(
                    gone=len(gone), count=looked
                )
            )
            return
        for page in gone:
            again.drop(page.link)
            kept: dict[str, Any] = {"title": page.title, "published": page.published, "reviews": page.reviews}
            yield RawItem(self.name, self.connector, now, page.link, kept | {"link": page.link, "gone": True})


def _page_data(page: str) -> dict[str, Any]:
    reviews, problem = reviews_in_page(page)
    return ({"reviews": reviews} if reviews else {}) | ({"review_error": problem} if problem else {})


def _joined(found: Found, own: Found, several: int) -> Found:
    """A review of a page with what the page itself says; of several none gets the page's wording."""
    return replace(
        found,
        title=own.title or found.title,
        wording=own.wording if several == 1 else "",
        reviewed=found.reviewed or own.reviewed,
        language=found.language or own.language,
        withdrawn=found.withdrawn or own.withdrawn,
    )


def _mark(payload: dict[str, Any]) -> str:
    """Changes when a page's data or its word of being taken back changes; empty if the page was not opened."""
    html = _str(payload, "html")
    if not html:
        return ""
    told = json.dumps([payload.get("reviews") or [], page_title(html), taken_back(article_text(html))], sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:16]


def _str(payload: dict[str, Any], name: str) -> str:
    value = payload.get(name)
    return value if isinstance(value, str) else ""
