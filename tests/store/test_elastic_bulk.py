"""Bulk writes to a real node: what it refuses, what it is too busy for, what is lost on the way, and who races whom."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import httpx
import pytest
from contracts.test_store import make_flag
from services.elastic import running_node
from services.elastic_proxy import Answered, Asked, Proxy, failure, proxied
from services.elastic_store import WRITER, elastic_settings, prepared_store

from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.identity import subject_of
from pipeline.core.types import Decided, Flag, PutCount, Query, Region, Signal, Topic
from pipeline.store.elastic import bulk
from pipeline.store.elastic.bulk import Answer, Write, send
from pipeline.store.elastic.client import connect
from pipeline.store.elastic.document import Spot
from pipeline.store.elastic.store import ElasticStore

BUSY = ("es_rejected_execution_exception", "rejected execution of coordinating operation")
SECRET = "rahasiaku"


@pytest.fixture
def proxy(elastic_store: ElasticStore, elastic_url: str) -> Iterator[Proxy]:
    """Before the node on which `elastic_store` is."""
    with proxied(elastic_url) as between:
        yield between


@pytest.fixture
def store(proxy: Proxy, elastic_prefix: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[ElasticStore]:
    """The store as it is seen through the proxy; it does not wait long."""
    monkeypatch.setattr(bulk, "FIRST_WAIT", 0.001)
    with closing(ElasticStore(elastic_settings(proxy.url, prefix=elastic_prefix), WRITER)) as opened:
        yield opened


def flags(count: int, start: int = 0, **changes: Any) -> list[Flag]:
    return [make_flag(number, **changes) for number in range(start, start + count)]


def ids(store: ElasticStore) -> list[str]:
    """Every document that the alias shows, sorted."""
    store.changes.refresh(store.names.indices)
    found, after = [], None
    while True:
        page = store.search(Query(), limit=500, order="newest", after=after)
        found += [hit.flag.id for hit in page.hits]
        after = page.next
        if after is None:
            assert page.total == len(found)
            return sorted(found)


def sent(proxy: Proxy, store: ElasticStore, many: list[Flag], waits: list[float]) -> Iterator[Answer]:
    """Create these through the proxy, noting the waits."""
    index = store.names.index("00", "2024.11")
    writes = [Write("create", index, subject_of(flag.id), WRITER.document(flag)) for flag in many]
    with closing(connect(elastic_settings(proxy.url))) as client:
        yield from send(client, writes, "here", sleep=waits.append)


# ---- what the cluster refuses for what it is


def _long_topic(number: int) -> Flag:
    return make_flag(number, text=SECRET, topics=(Topic("z" * 40_000, SECRET, False, ()),))


def _many_signals(number: int) -> Flag:
    many = tuple(Signal("threat", 0.7, 0.5, f"m{each}") for each in range(1_001))
    return make_flag(number, text=SECRET, signals=many)


def _nowhere(number: int) -> Flag:
    return make_flag(number, text=SECRET, regions=(Region("99", "X", "province", 1.0, "mention"),))


def _no_month(number: int) -> Flag:
    return make_flag(number, text=SECRET, month="2024 X")


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (_long_topic, "failed to parse field [flag.topic] of type [keyword]"),
        (_many_signals, "The number of nested documents has exceeded the allowed limit of [1000]"),
        (_nowhere, "failed to parse field [geo.location]"),
        (_no_month, "Invalid index name"),
    ],
)
def test_one_that_does_not_fit_is_told_alone_and_the_rest_of_its_batch_is_there(
    elastic_store: ElasticStore, bad: Callable[[int], Flag], says: str
) -> None:
    spots = {"99": Spot(200.0, 400.0, "X", "ID-XX")}
    elastic_store.changes = replace(elastic_store.changes, writer=replace(WRITER, spot=spots.get))
    many = [*flags(25), bad(25), *flags(24, 26)]
    done = elastic_store.put(many)
    assert (done.created, len(done.refused)) == (49, 1)
    assert done.refused[0].flag_id == "x~0025"
    assert says in done.refused[0].reason
    assert SECRET not in done.refused[0].reason
    assert "surat suara" not in done.refused[0].reason
    assert ids(elastic_store) == sorted({flag.id for flag in many} - {"x~0025"})
    assert elastic_store.put(many) == PutCount(unchanged=49, refused=done.refused)  # it says the same again


def test_broken_characters_and_words_without_end_are_no_reason_to_refuse(elastic_store: ElasticStore) -> None:
    many = [
        make_flag(1, text="a\udcffb", title="\ud800"),
        make_flag(2, text="a" * 100_000, title="b" * 70_000),
        make_flag(3, url="https://a.example/" + "x" * 40_000, kind="news"),
        make_flag(4, published_at=datetime(1, 1, 1, tzinfo=UTC)),
        make_flag(5, published_at=datetime(9999, 12, 31, tzinfo=UTC)),
        make_flag(6, cluster="c" * 40_000),
    ]
    assert elastic_store.put(many) == PutCount(created=len(many))
    assert elastic_store.put(many) == PutCount(unchanged=len(many))


def test_one_over_the_http_limit_is_refused_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "FIRST_WAIT", 0.001)
    with (
        running_node(settings={"http.max_content_length": "1mb"}) as node,
        closing(prepared_store(elastic_settings(node.url))) as store,
    ):
        large = make_flag(0, text=f"{SECRET} " * 120_000)
        many = [large, *flags(5, 1, text="panjang sekali " * 20_000), *flags(600, 10)]  # the first request is too large
        done = store.put(many)
        assert (done.created, [each.flag_id for each in done.refused]) == (605, ["x~0000"])
        text = "the document is over the limit of one request to {} (http.max_content_length)"
        assert done.refused[0].reason == text.format(node.url)
        assert ids(store) == sorted(flag.id for flag in many[1:])


def test_a_decision_or_an_expiry_that_is_refused_is_not_taken_for_done(elastic_store: ElasticStore) -> None:
    elastic_store.put([*flags(3), make_flag(3, signals=tuple(Signal("threat", 0.7, 0.5, f"m{n}") for n in range(5)))])
    settings = f"{elastic_store._where}/{elastic_store.names.index('00', '2024.11')}/_settings"
    few = {"index.mapping.nested_objects.limit": 1}
    httpx.put(settings, json=few, trust_env=False).raise_for_status()
    keys = [flag.id for flag in flags(4)]
    says = (
        r"refused to change [0-9a-f]{32} in .*: .*The number of nested documents has exceeded .*; see docs/elastic.md"
    )
    with pytest.raises(StoreUnavailable, match=says):
        elastic_store.mirror(dict.fromkeys(keys, "claimed"))
    elastic_store.changes.refresh(elastic_store.names.indices)
    with pytest.raises(StoreUnavailable, match=says):
        elastic_store.expire(keys)
    elastic_store.changes.refresh(elastic_store.names.indices)
    httpx.put(settings, json=dict.fromkeys(few), trust_env=False).raise_for_status()
    assert elastic_store.mirror(dict.fromkeys(keys, "claimed")) == 4
    assert elastic_store.expire(keys) == 1  # the three others went the first time
    assert {hit.flag.post.text for hit in elastic_store.search(Query()).hits} == {""}


# ---- by bytes


def test_requests_are_cut_by_bytes_and_by_count(
    store: ElasticStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK_BYTES", 200_000)
    many = [make_flag(number, text="panjang " * (number % 7) * 200) for number in range(300)]
    assert store.put(many) == PutCount(created=300)
    sizes = [len(asked.body) for asked in proxy.bulks]
    assert len(sizes) > 5
    assert max(sizes) <= 200_000
    proxy.seen.clear()
    assert store.put(flags(bulk.CHUNK + 1, 1_000)) == PutCount(created=bulk.CHUNK + 1)
    assert sorted(len(asked.writes) for asked in proxy.bulks) == [1, bulk.CHUNK] or len(proxy.bulks) > 2
    proxy.seen.clear()
    one = make_flag(5_000, text="kata " * 100_000)  # larger than a chunk: it goes by itself
    assert store.put([*flags(2, 6_000), one, *flags(2, 6_002)]) == PutCount(created=5)
    (alone,) = (asked for asked in proxy.bulks if len(asked.body) > 200_000)
    assert alone.writes == [("create", subject_of(one.id))]


def test_what_is_there_as_it_is_makes_no_request(store: ElasticStore, proxy: Proxy) -> None:
    store.put(flags(3))
    proxy.seen.clear()
    assert store.put(flags(3)) == PutCount(unchanged=3)
    assert proxy.bulks == []


# ---- what it is too busy for


def _busy_times(times: int, status: int = 429) -> Callable[[Asked], Answered | None]:
    left = [times]

    def before(asked: Asked) -> Answered | None:
        if not asked.is_bulk or not left[0]:
            return None
        left[0] -= 1
        return failure(status, *BUSY)

    return before


def test_a_busy_cluster_is_waited_for_longer_and_longer_and_never_in_step(store: ElasticStore, proxy: Proxy) -> None:
    runs: list[list[float]] = []
    for run in range(6):
        proxy.before = _busy_times(7)
        waits: list[float] = []
        proxy.seen.clear()
        assert [answer.outcome for answer in sent(proxy, store, flags(3, 10 * run), waits)] == ["done"] * 3
        assert len(proxy.bulks) == 8  # nothing is sent again without a wait
        whole = [min(10.0, 0.001 * 2**turn) for turn in range(7)]
        assert all(most / 2 <= wait <= most for wait, most in zip(waits, whole, strict=True))
        runs.append(waits)
    assert all(first != second for first, second in pairwise(runs))
    assert len(ids(store)) == 18


def test_the_longest_wait_is_a_matter_of_seconds(
    monkeypatch: pytest.MonkeyPatch, store: ElasticStore, proxy: Proxy
) -> None:
    monkeypatch.setattr(bulk, "FIRST_WAIT", 0.25)
    proxy.before = _busy_times(1_000)
    waits: list[float] = []
    with pytest.raises(StoreUnavailable, match=r"the search cluster here is overloaded; try again later"):
        list(sent(proxy, store, flags(3), waits))
    assert len(proxy.bulks) == bulk.ROUNDS == len(waits) + 1
    assert 12 < sum(waits) < 26
    assert max(waits) <= bulk.LONGEST_WAIT


def test_single_documents_that_were_too_many_come_again_and_only_they(store: ElasticStore, proxy: Proxy) -> None:
    many = flags(20)
    unlucky = {subject_of(flag.id) for flag in many[::4]}
    times: list[int] = []

    def before(asked: Asked) -> Answered | None:
        if not asked.is_bulk or len(times) == 3:
            return None
        times.append(len(asked.writes))
        lines = asked.body.splitlines(keepends=True)
        taken = [
            line
            for at, (_operation, key) in enumerate(asked.writes)
            if key not in unlucky
            for line in lines[2 * at : 2 * at + 2]
        ]
        items = []
        if taken:
            items = proxy._forwarded(Asked(asked.method, asked.path, b"".join(taken))).value["items"]
        found = {item["create"]["_id"]: item for item in items}
        error = {"type": BUSY[0], "reason": BUSY[1]}
        refusal = {"_index": "x", "status": 429, "error": error}
        made = [found.get(key) or {"create": refusal | {"_id": key}} for _operation, key in asked.writes]
        return Answered.json(200, {"errors": True, "took": 0, "items": made})

    proxy.before = before
    assert store.put(many) == PutCount(created=20)
    assert times == [20, 5, 5]
    assert [len(asked.writes) for asked in proxy.bulks] == [20, 5, 5, 5]
    assert len(ids(store)) == 20


def test_when_it_stays_busy_what_was_done_stays_done_and_the_next_put_does_the_rest(
    store: ElasticStore, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "CHUNK", 10)
    taken: list[Asked] = []

    def before(asked: Asked) -> Answered | None:
        if asked.is_bulk:
            taken.append(asked)
        return failure(429, *BUSY) if asked.is_bulk and len(taken) > 2 else None

    proxy.before = before
    with pytest.raises(StoreUnavailable, match="is overloaded"):
        store.put(flags(40))
    proxy.before = lambda _asked: None
    assert len(ids(store)) == 20
    assert store.put(flags(40)) == PutCount(created=20, unchanged=20)
    assert len(ids(store)) == 40


def test_what_no_waiting_mends_is_told_at_once_even_beside_what_it_would(store: ElasticStore, proxy: Proxy) -> None:
    def after(asked: Asked, answered: Answered) -> Answered:
        if not asked.is_bulk:
            return answered
        value = answered.value
        errors = [("strict_dynamic_mapping_exception", 400), (BUSY[0], 429)]
        for item, (kind, status) in zip(value["items"], errors, strict=False):
            item["create"] |= {"status": status, "error": {"type": kind, "reason": "[1:9] introduction of [x]"}}
        return Answered.json(200, value)

    proxy.after = after
    with pytest.raises(ConfigError, match=r"are of another version of this program \(.*\); run: kentongan store init"):
        store.put(flags(5))
    assert len(proxy.bulks) == 1


# ---- what is lost on the way


def test_an_answer_that_is_lost_makes_nothing_twice(store: ElasticStore, proxy: Proxy) -> None:
    lost: list[Asked] = []

    def after(asked: Asked, answered: Answered) -> Answered | None:
        if asked.is_bulk and len(lost) < 3:
            lost.append(asked)
            return None
        return answered

    proxy.after = after
    done = store.put(flags(30))
    assert len(lost) == 3
    assert done.created + done.unchanged == 30
    assert ids(store) == sorted(flag.id for flag in flags(30))
    lost.clear()
    done = store.put(flags(30, fingerprint="b"))
    assert done.updated + done.unchanged == 30
    lost.clear()
    assert store.mirror({"x~0001": "claimed"}) == 1
    lost.clear()
    store.erase(["x~0002"])
    assert ids(store) == sorted({flag.id for flag in flags(30)} - {"x~0002"})
    assert store.put([make_flag(2)]) == PutCount(erased=1)
    found = store.get("x~0001")
    assert found is not None
    assert (found.status, found.fingerprint) == ("claimed", "b")


def test_a_cluster_that_goes_away_for_good_in_the_middle_is_told(store: ElasticStore, proxy: Proxy) -> None:
    proxy.after = lambda asked, answered: None if asked.is_bulk else answered
    with pytest.raises(StoreUnavailable, match=r"cannot be reached \(.*\); is it running\?"):
        store.put(flags(3))
    proxy.after = lambda _asked, answered: answered
    assert store.put(flags(3)) == PutCount(unchanged=3)


def test_one_that_does_not_answer_in_time_is_not_asked_again(
    elastic_store: ElasticStore, proxy: Proxy, elastic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.store.elastic.client.SECONDS", 0.5)
    go_on = threading.Event()

    def after(asked: Asked, answered: Answered) -> Answered | None:
        if asked.is_bulk:
            go_on.wait(30)
        return answered

    proxy.after = after
    with closing(ElasticStore(elastic_settings(proxy.url, prefix=elastic_prefix), WRITER)) as store:
        with pytest.raises(StoreUnavailable, match="did not answer in time; try again"):
            store.put(flags(3))
        go_on.set()
        assert len(proxy.bulks) == 1
        assert store.put(flags(3)) == PutCount(unchanged=3)


@pytest.mark.parametrize("what", ["fewer", "others", "none", "no list", "a page"])
def test_an_answer_that_is_none_is_never_taken_for_one(store: ElasticStore, proxy: Proxy, what: str) -> None:
    def after(asked: Asked, answered: Answered) -> Answered:
        if not asked.is_bulk:
            return answered
        items = answered.value["items"]
        if what == "a page":
            return Answered(200, b"<h1>Sedang perbaikan</h1>", "text/html")
        if what == "no list":
            return Answered.json(200, {"took": 1})
        return Answered.json(200, {"items": {"fewer": items[:-1], "others": items[::-1], "none": []}[what]})

    proxy.after = after
    with pytest.raises(StoreUnavailable, match="gave an answer that cannot be read; is a proxy between us"):
        store.put(flags(3))
    proxy.after = lambda _asked, answered: answered
    assert store.put(flags(3)) == PutCount(unchanged=3)


def test_a_proxy_that_does_not_know_the_address_is_no_sign_that_a_flag_is_missing(
    store: ElasticStore, proxy: Proxy
) -> None:
    store.put(flags(3))
    proxy.before = lambda asked: Answered(404, b"not found", "text/plain", {}) if asked.is_bulk else None
    with pytest.raises(ConfigError, match=r"is not Elasticsearch"):
        store.mirror({"x~0001": "claimed"})


def test_no_write_makes_no_request(store: ElasticStore, proxy: Proxy) -> None:
    assert list(sent(proxy, store, [], [])) == []
    assert proxy.seen == []


def test_a_request_that_stays_too_large_is_told() -> None:
    said = bulk._trouble({"status": 413, "exception": ValueError()}, "here")
    assert isinstance(said, StoreUnavailable)
    assert str(said) == "a request is over the limit of here"


# ---- who races whom


def _both(*jobs: Callable[[], Any]) -> list[Any]:
    """Run all at the same time."""
    start = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        start.wait()
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [each.result() for each in [pool.submit(run, job) for job in jobs]]


def test_two_writers_of_the_same_flags_make_each_once(elastic_store: ElasticStore) -> None:
    mine, theirs = flags(300, fingerprint="mine"), flags(300, fingerprint="theirs")[::-1]
    counts = _both(lambda: elastic_store.put(mine), lambda: elastic_store.put(theirs))
    for count in counts:
        assert count.created + count.updated + count.unchanged == 300
        assert not count.refused
    assert sum(count.created for count in counts) == 300
    assert ids(elastic_store) == sorted(flag.id for flag in mine)
    found = [hit.flag.fingerprint for hit in elastic_store.search(Query(), limit=500).hits]
    assert set(found) <= {"mine", "theirs"}
    assert sum(count.updated for count in counts) <= 300


def test_a_review_and_an_update_at_once_are_both_kept(elastic_store: ElasticStore) -> None:
    elastic_store.put(flags(200))
    decided = {flag.id: Decided(datetime(2026, 11, 21, tzinfo=UTC), ("criticism",)) for flag in flags(200)}
    statuses: dict[str, Any] = dict.fromkeys(decided, "confirmed")
    newer = flags(200, fingerprint="b", signals=(Signal("threat", 0.9, 0.5, "m2"),))
    told, done = _both(lambda: elastic_store.mirror(statuses, decided), lambda: elastic_store.put(newer))
    assert (told, done) == (200, PutCount(updated=200))
    for hit in elastic_store.search(Query(), limit=500).hits:
        assert (hit.flag.status, hit.flag.fingerprint) == ("confirmed", "b")
        assert [signal.score for signal in hit.flag.signals] == [0.9]


def test_a_text_that_expires_while_it_is_updated_does_not_come_back(elastic_store: ElasticStore) -> None:
    elastic_store.put(flags(200, text=SECRET))
    newer = flags(200, text=f"{SECRET} lagi", fingerprint="b")
    keys = [flag.id for flag in newer]
    gone, done = _both(lambda: elastic_store.expire(keys), lambda: elastic_store.put(newer))
    assert gone == 200
    assert done.updated + done.unchanged == 200
    for hit in elastic_store.search(Query(), limit=500).hits:
        assert (hit.flag.post.text, hit.flag.status) == ("", "expired")
    assert elastic_store.put(newer).updated == 0
    raw = httpx.get(
        f"{elastic_store._where}/{elastic_store.names.alias}/_search",
        params={"q": f"normal.text:{SECRET}", "size": 1}, trust_env=False,
    ).json()  # fmt: skip
    assert raw["hits"]["hits"] == []


def test_an_erasure_beside_an_update_leaves_nothing(elastic_store: ElasticStore) -> None:
    elastic_store.put(flags(100))
    keys = [flag.id for flag in flags(100)]
    gone, _done = _both(lambda: elastic_store.erase(keys), lambda: elastic_store.put(flags(100, fingerprint="b")))
    assert gone == 100
    assert elastic_store.put(flags(100)) == PutCount(erased=100)


def test_writers_that_never_agree_are_told_to_come_again(store: ElasticStore, proxy: Proxy) -> None:
    store.put(flags(1))
    number = iter(range(1_000))

    def before(asked: Asked) -> None:
        if asked.is_bulk:  # somebody is faster each time
            (place,) = store.changes.found({subject_of("x~0000"): "x~0000"}).values()
            body = {"doc": {"flag": {"fingerprint": f"f{next(number)}"}}}
            url = f"{proxy.node}/{place.index}/_update/{subject_of('x~0000')}?refresh=true"
            httpx.post(url, json=body, trust_env=False).raise_for_status()

    proxy.before = before
    with pytest.raises(StoreUnavailable, match=r"other writers keep changing the same flags on .*; try again"):
        store.put(flags(1, fingerprint="b"))
    assert len(proxy.bulks) == 1 + 6


def test_a_status_that_met_other_writers_is_told_again_or_not_taken_for_told(store: ElasticStore, proxy: Proxy) -> None:
    store.put(flags(3))
    left = [2]

    def before(asked: Asked) -> Answered | None:
        if not asked.is_bulk or not left[0]:
            return None
        left[0] -= 1
        error = {"type": "version_conflict_engine_exception", "reason": "required seqNo"}
        refusal = {"_index": store.names.index("00", "2024.11"), "status": 409, "error": error}
        return Answered.json(200, {"items": [{"update": refusal | {"_id": key}} for _operation, key in asked.writes]})

    proxy.before = before
    assert store.mirror({"x~0001": "claimed"}) == 1
    assert store.search(Query(fields=(("status", "claimed"),))).total == 1
    left[0] = 1_000
    with pytest.raises(StoreUnavailable, match="other writers keep changing"):
        store.mirror({"x~0001": "confirmed"})
