"""From the allow-listed fields of a file's or form's row to a Post: ids, times, visibility, masked text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pipeline.core.clock import partition_of
from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.errors import ItemError
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Kind, Post, Precision, RawItem, Visibility
from pipeline.sources.address import canonical_address
from pipeline.sources.dates import parse_time
from pipeline.sources.platforms import native_id, read_address
from pipeline.text import mask, normalise

EARLIEST = datetime(1995, 1, 1, tzinfo=UTC)  # no public post is older; such dates are defaults and errors
FUTURE = timedelta(days=1)  # a wrong zone or clock explains no more than that

OPEN = frozenset(get_args(Visibility)) | {"public", "publik", "umum", "terbuka", "everyone"}
"""Words for who may see a post that mean: everybody. Any other word is taken for "restricted"."""

_BY_KIND: dict[str, Visibility] = {
    "comment": "comment",
    "news": "media",
    "field": "submitted",
    "forwarded": "submitted",
}
_KINDS = frozenset(get_args(Kind))
_CODE = re.compile(r"(\d{2}(?:\.\d{2})?)(?:\.\d{2,4}){0,2}", re.ASCII)
_NOBODY: frozenset[str] = frozenset()
_UTC_ZONE = ZoneInfo("UTC")


class PostMaker:
    """Makes posts of one source; touches nothing but what it is given."""

    def __init__(self, settings: SourceSettings, pseudonyms: Pseudonyms, office: Office, intake: Intake) -> None:
        self._settings = settings
        self._pseudonyms = pseudonyms
        self._office, self._zone = office.code, office.zone
        self._max_text = intake.max_text
        self._fetched: tuple[datetime | None, str] = (None, "")

    def moment(self, payload: Mapping[str, Any]) -> tuple[datetime | None, Precision]:
        """When the row says that it was published, in the row's zone if it tells one, else in the office's."""
        text = payload.get("published_at")
        zone = _UTC_ZONE if payload.get("zone") == "UTC" else self._zone
        return parse_time(str(text), zone) if text else (None, "none")

    def post(self, raw: RawItem) -> Post:
        """The post of a row; raises ItemError if it has no text or a kind that we do not know."""
        payload, settings = raw.payload, self._settings
        text = self._masked(payload.get("text"))
        kind = payload.get("kind", "post")
        if not text:
            raise ItemError(_("no text"))
        if kind not in _KINDS:
            raise ItemError(_('no kind of post: "{kind}"').format(kind=str(kind)[:40]))
        published, precision = self.moment(payload)
        if published is None or not EARLIEST <= published <= raw.fetched_at + FUTURE:
            published, precision = None, "none"
        institution = payload.get("institution")
        address = _public_address(payload, kind) if kind == "news" or institution else None
        region = _CODE.fullmatch(payload["region"]) if "region" in payload else None
        return Post(
            id=f"url:{address}" if address else self._id(payload, kind, text, published),
            source=raw.source,
            office=self._office,
            kind=kind,
            visibility=self._visibility(payload, kind),
            platform=payload.get("platform", ""),
            text=text,
            fetched_at=raw.fetched_at,
            partition=self._partition(raw.fetched_at),
            title=self._masked(payload.get("title")),
            published_at=published,
            published_precision=precision,
            author_key=payload.get("author_key"),
            institution=institution,
            url=address,
            subject=settings.subject,
            publisher_class=settings.publisher_class,
            covers=(region[1],) if region else settings.covers,
        )

    def _masked(self, value: object) -> str:
        if not value:
            return ""
        text = str(value)[: self._max_text]
        kept = self._pseudonyms.institutions if "@" in text else _NOBODY  # mask() goes through the whole list
        return mask(text, keep=kept).strip()

    def _partition(self, fetched_at: datetime) -> str:
        """Rows of one fetch share their moment, so it is worked out once."""
        if self._fetched[0] != fetched_at:
            self._fetched = (fetched_at, partition_of(fetched_at, self._zone))
        return self._fetched[1]

    def _visibility(self, payload: Mapping[str, Any], kind: str) -> Visibility:
        """The source's, but for kinds with one of their own; a row may call itself less public, never more."""
        told = str(payload.get("visibility", "")).casefold()
        if told in ("comment", "submitted"):
            return "comment" if told == "comment" else "submitted"
        own = _BY_KIND.get(kind)
        if own is None or (own == "media" and self._settings.visibility != "broadcast"):
            return self._settings.visibility
        return own

    def _id(self, payload: Mapping[str, Any], kind: str, text: str, published: datetime | None) -> str:
        """A pseudonym of the post's own id or address; without either, the hash of its words and time."""
        url, platform = payload.get("url", ""), payload.get("platform", "")
        found = read_address(url)
        own = native_id(found.platform or platform, str(payload.get("id", "")))
        parent = kind == "comment" and found.platform != "x" and "lc=" not in url  # the address is what it stands under
        native = own if parent else found.native_id or own
        if native:
            return self._pseudonyms.item_id(found.platform or platform or "other", native)
        words = " ".join(normalise(text).tokens) or text
        address = "" if found.platform or kind == "comment" else _canonical(url)
        if address:  # a page may hold several posts (forums), and one text may stand on several pages (copies)
            return self._pseudonyms.item_id(platform or "web", f"{address} {words}")
        moment = published.isoformat() if published else ""
        return "sha:" + hashlib.sha256(f"{words}\0{moment}".encode("utf-8", "replace")).hexdigest()


def _public_address(payload: Mapping[str, Any], kind: str) -> str | None:
    """The canonical address of an article or of an institution's post; None for a home page or profile."""
    url = payload.get("url", "")
    found = read_address(url)
    if kind == "comment" or (found.platform and not found.native_id):
        return None
    return _canonical(url) or None


def _canonical(url: str) -> str:
    """The canonical address of a page below a site's home page; empty for anything else."""
    try:
        address = canonical_address(url) if url else ""
        parts = urlsplit(address)
    except ValueError:
        return ""
    return address if parts.path not in ("", "/") or parts.query else ""
