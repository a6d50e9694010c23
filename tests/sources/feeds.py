"""A feed source with everything that it needs, for tests."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from webserver import FakeClock

from pipeline.core.config import Fetch, Intake, Office, SourceSettings
from pipeline.core.identity import Pseudonyms
from pipeline.sources.feed import FeedSource
from pipeline.sources.fetch import Fetcher

NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
OFFICE = Office(code="61", name="Contoh", timezone="Asia/Jakarta", language="id", calendar="", institutions="")
INTAKE = Intake(one_person_share=0.3, one_person_rows=20, max_text=100_000)
PSEUDONYMS = Pseudonyms(b"a" * 32, b"b" * 32, frozenset({"uclembagacontoh"}))
FETCH = Fetch(
    contact="kesbangpol@contoh.go.id",
    timeout=5.0,
    total_timeout=10.0,
    max_bytes=2_000_000,
    max_redirects=5,
    retries=0,
    pace=0.0,
    max_entries=2_000,
    articles=True,
    allow_hosts=(),
)
TLS = ssl.create_default_context()  # one for all tests: to load the authorities takes 50 ms


def feed_source(
    address: object, state: Path, *, articles: bool | None = None, fetch: Any = None, **settings: Any
) -> FeedSource:
    """A source named "portal" that reads the address or file; `fetch` overrides settings of [fetch]."""
    clock = FakeClock()
    fetcher = Fetcher(
        FETCH.model_copy(update=fetch or {}),
        typed=(str(address),),
        clock=clock.time,
        sleep=clock.sleep,
        now=lambda: NOW,
        jitter=lambda: 0.5,
        tls=TLS,
    )
    given = {"subject": "media", "visibility": "media", "covers": ("61",), "publisher_class": "verified_press"}
    return FeedSource(
        "portal",
        SourceSettings(kind="feed", url=str(address), **given | settings),
        fetcher=fetcher,
        pseudonyms=PSEUDONYMS,
        office=OFFICE,
        intake=INTAKE.model_copy(),
        state_dir=state,
        clock=lambda: NOW,
        articles=articles,
    )
