"""Each test that asks for `ledger` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from ledgers import URL, make_url

from pipeline.ledger import Ledger


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """Where an empty ledger can be made."""
    if request.param == "sqlite":
        return URL.create("sqlite", database=str(tmp_path / "ledger.db"))
    return make_url(request.getfixturevalue("postgres_database"))


@pytest.fixture
def ledger(url: URL) -> Iterator[Ledger]:
    """An open, empty ledger."""
    with closing(Ledger(url)) as opened:
        yield opened
