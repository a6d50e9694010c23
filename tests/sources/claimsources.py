"""Claim sources with everything that they need, and a web site that also takes forms, for tests."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from feeds import FETCH, OFFICE
from webserver import Answer, Page, Site, _Handler

from pipeline.core.claims import ClaimReview
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ItemError
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.registry import ClaimSource, build_claim_source

NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
KEY = "kunci-rahasia-0123456789"
KEYS = {"KENTONGAN_GOOGLE_FACTCHECK_KEY": KEY, "KENTONGAN_YUDISTIRA_KEY": KEY}


def claim_source(
    state: Path, *, now: datetime = NOW, fetch: Any = None, environ: Any = None, landed: bool = False, **settings: Any
) -> Any:
    """A source named "pemeriksa"; `fetch` overrides settings of [fetch]."""
    source: ClaimSource = build_claim_source(
        "pemeriksa",
        ClaimSourceSettings(**settings),
        office=OFFICE,
        fetch=FETCH.model_copy(update=fetch or {}),
        state=state,
        clock=lambda: now,
        environ=KEYS if environ is None else environ,
        landed=landed,
    )
    return source


def taken(source: Any, since: datetime | None = None) -> list[RawItem]:
    """What a fetch gives; the test fails if any of it is quarantined."""
    found = list(source.fetch(since))
    assert [item.reason for item in found if isinstance(item, Quarantined)] == []
    return [item for item in found if isinstance(item, RawItem)]


def reviews(source: Any, items: list[RawItem]) -> list[ClaimReview]:
    return [review for item in items for review in source.parse(item)]


def shown(source: Any, item: RawItem | Quarantined) -> Any:
    """An item as JSON: its reviews without what they do not have, or why there are none."""
    if isinstance(item, Quarantined):
        return {"quarantined": item.place, "reason": item.reason}
    try:
        found = [asdict(review) for review in source.parse(item)]
    except ItemError as error:
        return {"unread": item.place, "reason": str(error)}
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in each.items()
            if value not in (None, "", False)
        }
        for each in found
    ]


class FormSite(Site):
    """Takes POST too; `forms` are what came, an answer is found under the path."""

    def __init__(self, routes: Mapping[str, Answer | list[Answer]]) -> None:
        super().__init__(routes)
        self.RequestHandlerClass = _FormHandler
        self.forms: list[dict[str, str]] = []


class _FormHandler(_Handler):
    server: FormSite

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.forms.append({name: values[0] for name, values in parse_qs(body).items()})
        self.do_GET()


@contextmanager
def serving_forms(routes: Mapping[str, Answer | list[Answer]]) -> Iterator[FormSite]:
    site = FormSite(routes)
    thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.shutdown()
        site.server_close()
        thread.join(5)


def json_page(text: str, status: int = 200) -> Page:
    return Page(text.encode(), status=status, type="application/json; charset=utf-8")


def compare(expected: Path, found: object) -> None:
    """With an example's expectation; a missing one is written and the test fails, so that a person looks at it."""
    if not expected.exists():
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"{expected.name} was missing and has been written: look at it, then run again")
    assert found == json.loads(expected.read_text(encoding="utf-8"))
