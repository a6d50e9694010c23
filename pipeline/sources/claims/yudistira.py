"""Mafindo's database of fact-checks (GFD) by its interface "Yudistira"; which field means what: data/claims/README.md.

https://mafindo.github.io/docs/, version 2: every call is a POST with the key in the form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.core.claims import ClaimReview, Rating
from pipeline.core.clock import Clock
from pipeline.core.config import Office
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ItemError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.api import KeyedApi
from pipeline.sources.claims.maker import Found, ReviewMaker, unseen_notes
from pipeline.sources.claims.state import Seen
from pipeline.sources.claims.wording import quoted, taken_back
from pipeline.sources.dates import parse_time

ADDRESS = "https://yudistira.turnbackhoax.id/api/antihoax/"
KEY = "KENTONGAN_YUDISTIRA_KEY"
PAGE = 100
_ARTICLE = "https://gfd.turnbackhoax.id/focus/{id}"
_OWN = re.compile(r"\s*(https?://(?:www\.)?turnbackhoax\.id/[^\s<>\"']{5,500})")
_KEPT = ("id", "status", "classification", "title", "content", "references", "tanggal", "conclusion")
_STATUS: dict[str, Rating] = {"1": "true", "2": "false"}
_MAX_TEXT = 20_000
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)


class YudistiraClaims:
    """Reads the newest entries, page by page, up to those that are known."""

    connector = "claims-yudistira"

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
        self._settings, self._api, self._clock, self._office = settings, api, clock, office
        self._address = settings.url or ADDRESS
        self._maker = ReviewMaker(name, settings, office)
        self._state_path = state_dir / f"yudistira-{name}.json"
        self._seen: Seen | None = None

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield the entries that are new or changed since the last commit."""
        if self._api is None:
            raise AssertionError("made for parsing only")
        self.notes, now = [], self._clock()
        self._seen = Seen(self._state_path, self._address)
        editorial = 0
        try:
            for payload in self._new(self._api, self._seen, since):
                raw = RawItem(self.name, self.connector, now, f"GFD {payload.get('id', '')[:20]}", payload)
                try:
                    if self.parse(raw):
                        yield raw
                    else:
                        editorial += 1
                except ItemError as error:
                    yield Quarantined("claims", self.name, raw.place, str(error), now, payload)
        finally:
            self._api.close()
        if editorial:
            self.notes.append(_("{count} entries are news or education, no claims").format(count=editorial))
        self.notes += unseen_notes(self._maker)

    def commit(self) -> None:
        """Remember what the last fetch gave, once it has landed."""
        if self._seen is not None:
            self._seen.save()

    def parse(self, raw: RawItem) -> tuple[ClaimReview, ...]:
        """The review of an entry, none for news or education; raises ItemError if it has no number or no title."""
        payload = raw.payload
        title, number = payload.get("title", ""), payload.get("id", "")
        head = self._maker.title(title)
        if head.editorial:
            return ()
        own = _OWN.match(payload.get("references", ""))
        if own is None and not _NUMBER.fullmatch(number):
            raise ItemError(_('the entry has neither a number ("{id}") nor an article').format(id=number[:20]))
        verdict = payload.get("classification", "").strip(" -")
        found = Found(
            url=own[1].rstrip(".,;)") if own else _ARTICLE.format(id=number),
            title=title,
            verdict=verdict,
            rating=None if verdict or head.rating else _STATUS.get(payload.get("status", "").strip()),
            wording=quoted(payload.get("content", "")),
            reviewed=payload.get("tanggal", ""),
            withdrawn=taken_back(payload.get("conclusion", "")),
        )
        return self._maker.reviews(raw, [found])

    def _new(self, api: KeyedApi, seen: Seen, since: datetime | None) -> Iterator[dict[str, Any]]:
        """Pages up to the first one without anything new or young enough, at most max_pages of new ones.

        Where an earlier run was cut, or a person says since when, what is known is no end: it goes on behind it.
        """
        known: set[str] = set()
        offset, left = 0, self._settings.max_pages
        while left > 0:
            document = api.ask(self._address, {"limit": str(PAGE), "offset": str(offset)})
            if not isinstance(document, list):
                raise SourceUnavailable(_("the answer is no list of entries; the interface may have changed"))
            entries = [_kept(entry) for entry in document if isinstance(entry, dict)]
            named = {entry.get("id") or entry.get("title") or str(entry): entry for entry in entries}
            fresh = named.keys() - known
            known |= fresh
            young = {name: entry for name, entry in named.items() if not self._is_old(entry, since)}
            new = [entry for name, entry in young.items() if seen.is_new(name, entry)]
            yield from new
            if len(document) < PAGE or not fresh:
                return
            if not young or not (new or seen.was_cut or since):
                seen.cut = seen.was_cut
                return
            offset += PAGE
            left -= bool(new)
        seen.cut = True
        self.notes.append(
            _("more than {count} pages; the rest was left (max_pages)").format(count=self._settings.max_pages)
        )

    def _is_old(self, entry: dict[str, Any], since: datetime | None) -> bool:
        moment = parse_time(entry.get("tanggal", "")[:80], self._office.zone)[0] if since else None
        return since is not None and moment is not None and moment < since


def _kept(entry: dict[str, Any]) -> dict[str, Any]:
    """The fields that are kept, as text; who wrote an entry and whose post it was are not among them."""
    texts = ((name, entry.get(name)) for name in _KEPT)
    return {name: str(value)[:_MAX_TEXT] for name, value in texts if isinstance(value, str | int) and value != ""}
