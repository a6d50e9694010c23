"""What is Elasticsearch's own: documents and mappings, a change of mappings, and the whole job on a cluster."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from contracts.test_store import START, make_flag
from homes import THREAT, decide, file_of, id_of, place_at, row, statuses, take
from services.elastic_store import WRITER, elastic_settings, prepared_store

from pipeline import queueing, steps
from pipeline.core.config import StoreSettings
from pipeline.core.errors import ConfigError
from pipeline.core.identity import subject_of
from pipeline.core.types import Decided, PutCount, Query, Region, Signal
from pipeline.store.columns import INDEX_VERSION
from pipeline.store.elastic import care, templates
from pipeline.store.elastic.care import prepare
from pipeline.store.elastic.names import Names
from pipeline.store.elastic.store import ElasticStore

# ---- documents


def test_a_document_has_the_names_that_others_know_and_our_own_beside_them() -> None:
    signals = (
        Signal("threat", 0.9, 0.5, "rules-1"),
        Signal("abusive", 0.9, 0.5, "m"),
        Signal("hate_group", 0.1, 0.5, "m"),
    )
    regions = (Region("61.01", "Sambas", "regency", 0.9, "mention"), Region("62", "Kalteng", "province", 0.9, "source"))
    made = WRITER.document(make_flag(1, text="banjir", signals=signals, regions=regions, published_at=START))
    assert made["@timestamp"] == "2024-11-16T03:00:00+00:00"
    assert made["event"]["url"] == f"https://meja.example/butir/{subject_of('x~0001')}"
    assert made["geo"] == {
        "region_iso_code": ["ID-KB"],
        "region_name": ["Kalimantan Barat"],
        "location": [{"lat": 1.43, "lon": 109.3}],
    }
    assert made["flag"]["region"] == ["61", "61.01"]
    assert made["flag"]["covers"] == ["62"]
    assert made["flag"]["label"] == ["threat"]
    assert (made["flag"]["band"]["threat"], made["flag"]["band"]["hate_group"]) == ("high", "low")
    assert [signal["label"] for signal in made["signals"]] == ["threat", "hate_group"]


def test_no_author_no_native_id_and_no_address_of_a_social_post_is_in_a_document() -> None:
    made = json.dumps(WRITER.document(make_flag(1, author_key="rahasia", url="https://x.com/a/status/1860")))
    for word in ("rahasia", "author", "x.com", "1860"):
        assert word not in made
    news = WRITER.document(make_flag(2, kind="news", url="https://media.example/berita"))
    assert news["url"] == {"full": "https://media.example/berita", "domain": "media.example"}


def _fields(properties: dict[str, Any], before: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in properties.items():
        yield before + name, field
        yield from _fields(field.get("properties", {}), f"{before}{name}.")


def test_no_mapping_has_a_field_for_authors_native_ids_or_hidden_labels() -> None:
    fields = dict(_fields(templates.shipped("mappings")["template"]["mappings"]["properties"]))
    for word in ("author", "account", "native", "handle", "user", "abusive", "insult", "hoax_style", "hate_speech"):
        assert not [name for name in fields if word in name]
    assert fields["rest"] == {"type": "object", "enabled": False}
    for name in ("settings", "mappings", "index", "erased"):
        assert templates.shipped(name)["_meta"]["version"] == INDEX_VERSION


def test_another_mapping_needs_another_version() -> None:
    """If this fails: raise INDEX_VERSION (and the versions in the templates), then pin what they are now."""
    text = json.dumps([templates.shipped(name) for name in ("settings", "mappings", "index")], sort_keys=True)
    assert (INDEX_VERSION, sha256(text.encode()).hexdigest()[:12]) == ("v1", "ecc870ce2d25")


def test_every_field_of_a_document_is_in_the_mapping(elastic_store: ElasticStore) -> None:
    """The mapping is strict: a field that it lacks would be refused."""
    regions = (Region("61.01", "Sambas", "regency", 0.9, "mention"),)
    flag = make_flag(
        1,
        title="judul",
        regions=regions,
        signals=(Signal("threat", 0.9, 0.5, "m"),),
        kind="news",
        url="https://a.example/b",
    )
    assert elastic_store.put([flag]) == PutCount(created=1)


def test_half_a_character_is_kept_as_it_is(elastic_store: ElasticStore) -> None:
    flag = make_flag(1, text="rusak \ud83d di sini")
    assert elastic_store.put([flag]).created == 1
    assert elastic_store.get(flag.id) == replace(flag, post=replace(flag.post, author_key=None))


def test_a_decision_is_mirrored_with_its_reasons_and_without_the_reviewer(
    elastic_store: ElasticStore, elastic_url: str, elastic_prefix: str
) -> None:
    elastic_store.put([make_flag(1), make_flag(2)])
    at = datetime(2026, 11, 25, 4, tzinfo=UTC)
    assert elastic_store.mirror({"x~0001": "rejected"}, {"x~0001": Decided(at, ("criticism",))}) == 1
    assert _source(elastic_url, elastic_prefix, "x~0001")["review"] == {
        "decided_at": "2026-11-25T04:00:00+00:00",
        "reason": ["criticism"],
    }
    elastic_store.put([make_flag(1, fingerprint="b", text="lain")])
    assert _source(elastic_url, elastic_prefix, "x~0001")["review"]["reason"] == ["criticism"]
    assert elastic_store.mirror({"x~0001": "open"}) == 1
    assert _source(elastic_url, elastic_prefix, "x~0001")["review"] == {"decided_at": None, "reason": []}


def _source(url: str, prefix: str, flag_id: str) -> Any:
    query = {"query": {"ids": {"values": [subject_of(flag_id)]}}}
    return httpx.post(f"{url}/{prefix}flags/_search", json=query).json()["hits"]["hits"][0]["_source"]


def test_before_the_first_flag_there_is_nothing_to_find(elastic_store: ElasticStore) -> None:
    assert elastic_store.search(Query()).total == 0
    assert elastic_store.facets(Query(), ["label"]) == {"label": {}}
    assert elastic_store.due(START) == []
    assert elastic_store.get("x~0001") is None
    assert elastic_store.mirror({"x~0001": "open"}) == elastic_store.erase(["x~0002"]) == 0


# ---- made ready


def test_init_twice_is_once(elastic_url: str, elastic_prefix: str) -> None:
    settings = elastic_settings(elastic_url, prefix=elastic_prefix)
    first, second = prepare(settings, WRITER), prepare(settings, WRITER)
    assert first.made == [f"{elastic_prefix}flags{name}" for name in ("-settings-v1", "-mappings-v1", "-v1", "-erased")]
    assert (second.made, second.moved, second.left_out) == ([], 0, first.left_out)
    assert first.left_out  # this build cannot analyse Indonesian
    changed = prepare(elastic_settings(elastic_url, prefix=elastic_prefix, replicas=1), WRITER)
    assert changed.made == [f"{elastic_prefix}flags-settings-v1"]


def test_where_the_cluster_analyses_indonesian_the_text_is_analysed_too() -> None:
    text = templates.mappings(analyser=True)["template"]["mappings"]["properties"]["text"]
    assert text["fields"] == {"id": {"type": "text", "analyzer": "indonesian"}}


# ---- new mappings


def _second_version(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on it is a later program: mappings v2, with a field more."""
    shipped = templates.shipped

    def later(name: str) -> dict[str, Any]:
        made = shipped(name)
        if name == "mappings":
            made["template"]["mappings"]["properties"]["later"] = {"type": "keyword"}
        changed: dict[str, Any] = json.loads(json.dumps(made).replace('"v1"', '"v2"'))
        return changed

    monkeypatch.setattr(templates, "shipped", later)
    monkeypatch.setattr(care, "Names", lambda prefix: Names(prefix, "v2"))


def _second_store(settings: StoreSettings) -> ElasticStore:
    return ElasticStore(settings, WRITER, Names(settings.prefix, "v2"))


def test_new_mappings_are_built_beside_and_swapped_without_a_gap(
    elastic_url: str, elastic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = elastic_settings(elastic_url, prefix=elastic_prefix)
    with closing(prepared_store(settings)) as old, closing(_second_store(settings)) as new:
        old.put([make_flag(n, month=f"2024.{10 + n % 3}") for n in range(60)])
        old.mirror({"x~0001": "confirmed"}, {"x~0001": Decided(START, ("satire",))})
        old.expire(["x~0002"])
        old.erase(["x~0003"])
        whole = [flag for n in range(60) if (flag := old.get(f"x~{n:04d}")) is not None]
        _second_version(monkeypatch)
        with pytest.raises(ConfigError, match="store init"):
            new.search(Query())
        with _watching(settings) as totals:
            done = prepare(settings, WRITER)
        assert totals == {59}
        assert (done.before, done.moved) == ("v1", 59)
        assert [new.get(flag.id) for flag in whole] == whole
        assert new.index_of("x~0001") == "flags-v2-00-2024.11"
        assert _source(elastic_url, elastic_prefix, "x~0001")["review"]["reason"] == ["satire"]
        assert new.put([make_flag(3), make_flag(70)]) == PutCount(created=1, erased=1)
        assert new.search(Query()).total == 60
        assert prepare(settings, WRITER).made == []
        assert new.erase(["x~0004"]) == 1
        ids = {"query": {"ids": {"values": [subject_of("x~0004")]}}}
        left = httpx.post(f"{elastic_url}/{elastic_prefix}flags-v*/_search", json=ids).json()
        assert left["hits"]["total"]["value"] == 0  # in the old index neither, which is still there
        with pytest.raises(ConfigError, match="newer"):
            old.put([make_flag(80)])
        monkeypatch.undo()
        with pytest.raises(ConfigError, match="newer"):
            prepare(settings, WRITER)


@contextmanager
def _watching(settings: StoreSettings) -> Iterator[set[int]]:
    """How many flags a reader sees, again and again while the block runs."""
    totals: set[int] = set()
    stop = threading.Event()
    with closing(ElasticStore(settings, WRITER)) as reader:
        totals.add(reader.search(Query(), limit=0).total)

        def read_on() -> None:
            while not stop.is_set():
                totals.add(reader.search(Query(), limit=0).total)

        thread = threading.Thread(target=read_on)
        thread.start()
        try:
            yield totals
        finally:
            stop.set()
            thread.join()


def test_a_move_that_was_killed_begins_anew_and_follows_what_is_written_meanwhile(
    elastic_url: str, elastic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = elastic_settings(elastic_url, prefix=elastic_prefix)
    with closing(prepared_store(settings)) as old, closing(_second_store(settings)) as new:
        old.put([make_flag(n) for n in range(6)])
        _second_version(monkeypatch)

        def killed(count: int) -> None:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            prepare(settings, WRITER, killed)
        assert old.search(Query()).total == 6
        writes = iter([lambda: old.put([make_flag(9)]), lambda: old.mirror({"x~0001": "claimed"})])

        def meanwhile(count: int) -> None:
            next(writes, lambda: None)()

        prepare(settings, WRITER, meanwhile)
        assert new.search(Query()).total == 7
        moved = new.get("x~0001")
        assert moved is not None
        assert moved.status == "claimed"


# ---- the whole job


def test_the_whole_job_on_a_cluster_is_that_on_a_file(elastic_url: str, elastic_prefix: str, tmp_path: Path) -> None:
    prepare(elastic_settings(elastic_url, prefix=elastic_prefix), WRITER)
    cluster = {"URLS": json.dumps([elastic_url]), "KIND": "elastic", "PREFIX": elastic_prefix, "REPLICAS": "0"}
    rows = [row(1, f"{THREAT} di Kota Pontianak"), row(2, "bakar gudang logistik, bawa bensin"), row(3, "pagi cerah")]
    there = place_at(tmp_path / "there", **{f"KENTONGAN__STORE__{name}": value for name, value in cluster.items()})
    with closing(there) as place, closing(place_at(tmp_path / "here")) as plain:
        reports = [take(each, file_of(tmp_path, *rows)) for each in (place, plain)]
        assert [report.counts for report in reports[0]] == [report.counts for report in reports[1]]
        first = id_of(place, 1)
        decide(place, first, "not", "rejected", "criticism")
        queueing.mirror(place)
        assert statuses(place)[first] == "rejected"
        assert _source(elastic_url, elastic_prefix, first)["review"]["reason"] == ["criticism"]
        before = [place.store.get(flag_id) for flag_id in sorted(statuses(place))]
        for index in httpx.get(f"{elastic_url}/_cat/indices/{elastic_prefix}flags-v1-*?h=index").text.split():
            httpx.delete(f"{elastic_url}/{index}").raise_for_status()
        assert statuses(place) == {}
        again = steps.reindex(place)
        assert sum(report.counts["new"] for report in again) == len(before)
        queueing.mirror(place)
        assert [place.store.get(flag_id) for flag_id in sorted(statuses(place))] == before
