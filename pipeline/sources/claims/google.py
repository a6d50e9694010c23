"""Google's Fact Check Tools: `claims:search` pages through what publishers told Google as ClaimReview.

https://developers.google.com/fact-check/tools/api/reference/rest/v1alpha1/claims/search; the key is sent as a header.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pipeline.core.claims import ClaimReview
from pipeline.core.clock import Clock
from pipeline.core.config import Office
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ItemError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.api import KeyedApi
from pipeline.sources.claims.maker import Found, ReviewMaker, address_of, place_of, unseen_notes
from pipeline.sources.claims.state import Seen

ADDRESS = "https://factchecktools.googleapis.com/v1alpha1/claims:search"
KEY = "KENTONGAN_GOOGLE_FACTCHECK_KEY"
HEADER = "X-Goog-Api-Key"
PAGE = 50  # claims a page; Google gives 10 unless asked, and names no limit
_REVIEW = ("url", "title", "reviewDate", "textualRating", "languageCode")
_MAX_TEXT = 5_000


class GoogleClaims:
    """Searches by words, or takes all of one publisher's site."""

    connector = "claims-google"

    def __init__(
        self,
        name: str,
        settings: ClaimSourceSettings,
        *,
        api: KeyedApi | None,
        office: Office,
        state_dir: Path,
        clock: Clock,
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self._settings, self._api, self._clock = settings, api, clock
        self._maker = ReviewMaker(name, settings, office)
        self._state_path = state_dir / f"google-{name}.json"
        self._seen: Seen | None = None

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield the claims that are new or changed since the last commit."""
        if self._api is None:
            raise AssertionError("made for parsing only")
        self.notes, now = [], self._clock()
        question = self._question(since, now)
        lasting = {name: value for name, value in question.items() if name != "maxAgeDays"}  # `since` moves that
        seen = self._seen = Seen(self._state_path, urlencode(lasting))
        try:
            claims = list(self._claims(self._api, question))
        finally:
            self._api.close()
        pages = Counter(place_of(address_of(review["url"])) for claim in claims for review in claim["claimReview"])
        for claim in claims:
            several = sorted(
                {each["url"] for each in claim["claimReview"] if pages[place_of(address_of(each["url"]))] > 1}
            )
            payload = claim | ({"several": several} if several else {})
            place = next((each["url"] for each in claim["claimReview"] if each["url"]), "claim")
            if seen.is_new(f"{place} {claim['text']}", payload):
                raw = RawItem(self.name, self.connector, now, place[:200], payload)
                yield self._checked(raw)
        self.notes += unseen_notes(self._maker)

    def commit(self) -> None:
        """Remember what the last fetch gave, once it has landed."""
        if self._seen is not None:
            self._seen.save()

    def parse(self, raw: RawItem) -> tuple[ClaimReview, ...]:
        """The reviews of one claim; raises ItemError if none has an address or the claim has no text."""
        payload = raw.payload
        reviews = [each for each in payload.get("claimReview") or () if address_of(each.get("url", ""))]
        if not reviews:
            raise ItemError(_("the claim has no review with a web address"))
        several = payload.get("several") or ()
        return self._maker.reviews(raw, [_found(payload, review, review["url"] in several) for review in reviews])

    def _checked(self, raw: RawItem) -> RawItem | Quarantined:
        try:
            self.parse(raw)
        except ItemError as error:
            return Quarantined("claims", self.name, raw.place, str(error), raw.fetched_at, raw.payload)
        return raw

    def _question(self, since: datetime | None, now: datetime) -> dict[str, str]:
        settings = self._settings
        days = settings.max_age_days
        if since is not None:
            asked = max(1, (now - since).days + 1)
            days = min(days, asked) if days else asked
        told = {
            "query": settings.query,
            "languageCode": settings.language,
            "reviewPublisherSiteFilter": settings.publisher,
            "maxAgeDays": str(days) if days else "",
            "pageSize": str(PAGE),
        }
        return {name: value for name, value in told.items() if value}

    def _claims(self, api: KeyedApi, question: dict[str, str]) -> Iterator[dict[str, Any]]:
        """All pages, at most max_pages of them."""
        token, address = "", self._settings.url or ADDRESS
        for _number in range(self._settings.max_pages):
            document = api.ask(f"{address}?{urlencode(question | ({'pageToken': token} if token else {}))}")
            if not isinstance(document, dict) or not isinstance(document.get("claims", []), list):
                raise SourceUnavailable(_("the answer is no list of claims; the interface may have changed"))
            yield from (_kept(claim) for claim in document.get("claims", []) if isinstance(claim, dict))
            token = _text(document.get("nextPageToken"))
            if not token:
                return
        self.notes.append(
            _("more than {count} pages; the rest was left (max_pages)").format(count=self._settings.max_pages)
        )


def _kept(claim: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a claim: never who made it."""
    listed = claim.get("claimReview")
    reviews = []
    for review in listed[:50] if isinstance(listed, list) else ():
        if not isinstance(review, dict):
            continue
        kept: dict[str, Any] = {name: text for name in _REVIEW if (text := _text(review.get(name)))}
        publisher = review.get("publisher")
        if isinstance(publisher, dict):
            kept["publisher"] = _text(publisher.get("name"))[:120]
        reviews.append({"url": ""} | kept)
    return {"text": _text(claim.get("text")), "claimDate": _text(claim.get("claimDate")), "claimReview": reviews}


def _found(claim: dict[str, Any], review: dict[str, Any], several: bool) -> Found:
    return Found(
        url=review["url"],
        claim=claim.get("text", ""),
        title=review.get("title", ""),
        verdict=review.get("textualRating", ""),
        reviewed=review.get("reviewDate", ""),
        claimed=claim.get("claimDate", ""),
        language=review.get("languageCode", ""),
        checker=review.get("publisher", ""),
        several=several,
    )


def _text(value: object) -> str:
    return " ".join(value[:_MAX_TEXT].split()) if isinstance(value, str) else ""
