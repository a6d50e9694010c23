"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from services.elastic import elastic_prefix, elastic_url
from services.elastic_store import elastic_store
from services.postgres import postgres_cluster, postgres_database, postgres_folder, postgres_pid, postgres_url

from pipeline.core.i18n import set_language

# Fixtures for all tests
__all__ = [
    "elastic_prefix",
    "elastic_store",
    "elastic_url",
    "postgres_cluster",
    "postgres_database",
    "postgres_folder",
    "postgres_pid",
    "postgres_url",
]

settings.register_profile(
    "kentongan", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kentongan")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No setting of the developer's machine reaches a test; messages are English so that tests can read them."""
    for name in list(os.environ):
        if name.startswith(("KENTONGAN", "PG")):  # PG...: what every PostgreSQL client reads
            monkeypatch.delenv(name)
    monkeypatch.setenv("LANGUAGE", "en")
    set_language("en")
    yield
    set_language("en")
