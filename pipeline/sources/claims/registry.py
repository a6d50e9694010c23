"""Which claim source the settings ask for, and which one a file or address on the command line is."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from pipeline.core.claims import ClaimReview
from pipeline.core.clock import Clock
from pipeline.core.config import Fetch, Office
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.api import Key, KeyedApi
from pipeline.sources.claims.feed import ClaimFeed
from pipeline.sources.claims.files import ClaimFile
from pipeline.sources.claims.google import ADDRESS as GOOGLE
from pipeline.sources.claims.google import HEADER, GoogleClaims
from pipeline.sources.claims.google import KEY as GOOGLE_KEY
from pipeline.sources.claims.komdigi import KomdigiClaims
from pipeline.sources.claims.pages import PageFetcher
from pipeline.sources.claims.yudistira import ADDRESS as YUDISTIRA
from pipeline.sources.claims.yudistira import KEY as YUDISTIRA_KEY
from pipeline.sources.claims.yudistira import YudistiraClaims
from pipeline.sources.fetch import Fetcher


class ClaimSource(Protocol):
    """Where checked claims come from. `fetch` touches the world, `parse` never does, so that all can be read again."""

    name: str

    @property
    def notes(self) -> Sequence[str]:
        """After `fetch`: what a person should know (what was left out, verdicts that nobody listed)."""
        ...

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield what is new or changed; raises SourceUnavailable (try later) or ConfigError (never)."""
        ...

    def commit(self) -> None:
        """Remember what was fetched, once it has landed; before that a kill costs only one more fetch."""
        ...

    def parse(self, raw: RawItem) -> tuple[ClaimReview, ...]:
        """The reviews of one item, none for what is no claim; raises ItemError if it cannot be used."""
        ...


def build_claim_source(
    name: str,
    settings: ClaimSourceSettings,
    *,
    office: Office,
    fetch: Fetch,
    state: Path,
    clock: Clock,
    environ: Mapping[str, str] | None = None,
    landed: bool = False,
) -> ClaimSource:
    """The claim source of these settings; an interface's key is read here, so that a missing one is told at once.

    `landed`: it is made to parse what landed, needs no key and touches nothing.
    """
    folder = state / "claims"  # apart from posts' sources, which may have the same names
    if settings.kind == "file":
        return ClaimFile(name, settings, office=office, state_dir=folder, clock=clock)
    typed = () if landed or not settings.url else (settings.url,)
    if settings.kind == "feed":
        pages = PageFetcher(fetch, typed=typed)
        return ClaimFeed(name, settings, fetcher=pages, office=office, state_dir=folder, clock=clock)
    if settings.kind == "komdigi":
        fetcher = Fetcher(fetch, typed=typed)
        return KomdigiClaims(name, settings, fetcher=fetcher, office=office, state_dir=folder, clock=clock)
    if settings.kind == "google":
        api = None if landed else KeyedApi(fetch, settings.url or GOOGLE, Key(GOOGLE_KEY, environ), header=HEADER)
        return GoogleClaims(name, settings, api=api, office=office, state_dir=folder, clock=clock)
    api = None if landed else KeyedApi(fetch, settings.url or YUDISTIRA, Key(YUDISTIRA_KEY, environ))
    return YudistiraClaims(name, settings, api=api, office=office, state_dir=folder, clock=clock)


def guess_claim_source(address: str) -> tuple[str, ClaimSourceSettings]:
    """The name and settings of what a person named: a web address is a feed, anything else a file."""
    if "://" in address:
        host = address.split("://", 1)[1].split("/", 1)[0]
        return _name(host), ClaimSourceSettings(kind="feed", url=address)
    return _name(Path(address).name), ClaimSourceSettings(kind="file", path=address)


def _name(text: str) -> str:
    """A source name (it names a folder) from a host or file name."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40].rstrip("-") or "claims"
