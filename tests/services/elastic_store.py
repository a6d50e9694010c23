"""A store on the tests' Elasticsearch, in indices of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pipeline.core.config import StoreSettings
from pipeline.core.identity import subject_of
from pipeline.store.elastic.care import prepare
from pipeline.store.elastic.document import Spot, Writer
from pipeline.store.elastic.store import ElasticStore

ZONE = ZoneInfo("Asia/Jakarta")
SPOTS = {
    "61": Spot(-0.09, 111.12, "Kalimantan Barat", "ID-KB"),
    "61.01": Spot(1.43, 109.3, "Kalimantan Barat", "ID-KB"),
}
WRITER = Writer(ZONE, lambda flag_id: f"https://meja.example/butir/{subject_of(flag_id)}", SPOTS.get)


def elastic_settings(*urls: str, **changes: Any) -> StoreSettings:
    """The settings of a store on these nodes."""
    texts = dict.fromkeys(("user", "password_file", "api_key_file", "ca_file", "ca_fingerprint", "prefix"), "")
    return StoreSettings(**({"kind": "elastic", "urls": urls, "replicas": 0} | texts | changes))


def prepared_store(settings: StoreSettings) -> ElasticStore:
    """A store on a cluster that was made ready for it."""
    prepare(settings, WRITER)
    return ElasticStore(settings, WRITER)


@pytest.fixture
def elastic_store(elastic_url: str, elastic_prefix: str) -> Iterator[ElasticStore]:
    """An empty store."""
    with closing(prepared_store(elastic_settings(elastic_url, prefix=elastic_prefix))) as store:
        yield store
