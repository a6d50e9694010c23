"""Three nodes and one replica: nodes that are killed, and a cluster that is away while people decide."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from contracts.test_store import make_flag
from homes import THREAT, decide, file_of, id_of, place_at, queue, row, statuses, take
from services.elastic import Node, running_cluster
from services.elastic_store import WRITER, elastic_settings, prepared_store

from pipeline import queueing
from pipeline.core.errors import StoreUnavailable
from pipeline.core.types import Flag, Query
from pipeline.store.elastic import client
from pipeline.store.elastic.care import prepare
from pipeline.store.elastic.store import ElasticStore

PATIENCE = 90.0
MANY = 3_000


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Node]]:
    """A cluster; each test leaves all of it running."""
    with running_cluster(3) as three:
        yield three


def _urls(nodes: list[Node]) -> tuple[str, ...]:
    return tuple(node.url for node in nodes)


def _green(node: Node, count: int = 3) -> None:
    parameters = {"wait_for_status": "green", "wait_for_nodes": str(count), "timeout": f"{PATIENCE:.0f}s"}
    answer = httpx.get(f"{node.url}/_cluster/health", params=parameters, timeout=PATIENCE + 10, trust_env=False)
    assert answer.is_success, answer.text


class _Putter:
    """Puts batches again and again until each is acknowledged, in a thread."""

    def __init__(self, store: ElasticStore, start: int) -> None:
        self.store, self.start = store, start
        self.acknowledged: list[str] = []
        self.failures: list[str] = []
        self.wrong: list[BaseException] = []
        self.rewritten = 0
        self.under_way = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            for start in range(self.start, self.start + MANY, 100):
                self._put(
                    [
                        make_flag(number, text=f"surat suara nomor {number} kurang")
                        for number in range(start, start + 100)
                    ]
                )
                if len(self.acknowledged) >= MANY // 10:
                    self.under_way.set()
        except BaseException as error:  # the test tells it
            self.wrong.append(error)
        finally:
            self.under_way.set()

    def _put(self, flags: list[Flag]) -> None:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                done = self.store.put(flags)
            except StoreUnavailable as error:
                self.failures.append(str(error))
                if time.monotonic() > end:
                    raise
                continue
            assert done.created + done.unchanged == len(flags), done
            self.rewritten += done.unchanged
            self.acknowledged += [flag.id for flag in flags]
            return

    def killing(self, node: Node) -> None:
        """Put all, while the node is killed in the middle."""
        self.thread.start()
        assert self.under_way.wait(PATIENCE)
        assert self.thread.is_alive(), "all was written before the node was killed"
        node.kill()
        self.thread.join(2 * PATIENCE)
        assert not self.thread.is_alive()
        assert not self.wrong, self.wrong


def _found(store: ElasticStore) -> list[str]:
    """Every document that the alias shows."""
    found: list[str] = []
    after = None
    while True:
        page = store.search(Query(), limit=1_000, order="newest", after=after)
        found += [hit.flag.id for hit in page.hits]
        after = page.next
        if after is None:
            assert page.total == len(found)
            return found


def _do_not_wait_for(node: Node, prefix: str) -> None:
    """New copies are made at once when a node is gone; else the cluster gives it a minute to come back."""
    settings = {"index.unassigned.node_left.delayed_timeout": "0"}
    httpx.put(f"{node.url}/{prefix}*/_settings", json=settings, timeout=60, trust_env=False).raise_for_status()


def test_what_was_acknowledged_is_found_whatever_node_is_killed(
    nodes: list[Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = nodes
    for node in nodes:
        _green(node)  # each for itself: one may not know yet that the cluster has formed
    settings = elastic_settings(*_urls(nodes), prefix="bulk-", replicas=1)
    with closing(prepared_store(settings)) as store:
        putter = _Putter(store, 0)
        putter.killing(first)
        assert sorted(_found(store)) == sorted(putter.acknowledged)
        assert len(putter.acknowledged) == MANY
        first.start()
        _green(second)
        _do_not_wait_for(second, "bulk-")
        again = _Putter(store, MANY)
        again.killing(second)
        everything = sorted([*putter.acknowledged, *again.acknowledged])
        assert sorted(_found(store)) == everything
        _green(third, 2)  # one copy is on each of the two again
        third.kill()
        monkeypatch.setattr(client, "SECONDS", 3.0)
        with closing(ElasticStore(settings, WRITER)) as impatient, pytest.raises(StoreUnavailable):
            impatient.put([make_flag(10 * MANY)])  # two of three are needed for a master
        third.start()
        second.start()
        _green(third)
        assert sorted(_found(store)) == everything
        assert store.put([make_flag(number) for number in range(2)]).unchanged == 2


def test_what_people_decide_while_the_cluster_is_away_reaches_it_when_it_is_back(
    nodes: list[Node], tmp_path: Path
) -> None:
    _green(nodes[0])
    prepare(elastic_settings(*_urls(nodes), prefix="tinjau-", replicas=1), WRITER)
    urls = ", ".join(f'"{url}"' for url in _urls(nodes))
    environ = {"KIND": "elastic", "URLS": f"[{urls}]", "PREFIX": "tinjau-"}
    place = place_at(tmp_path / "home", **{f"KENTONGAN__STORE__{name}": value for name, value in environ.items()})
    with closing(place):
        take(place, file_of(tmp_path, row(1, THREAT), row(2, "nanti malam kita bakar kantor KPU, bawa bensin")))
        one, two = id_of(place, 1), id_of(place, 2)
        assert statuses(place) == {one: "open", two: "open"}
        for node in nodes:
            node.kill()
        decide(place, one, "fits", "confirmed")
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            queueing.mirror(place)
        decide(place, two, "not", "rejected", "criticism")
        assert {key: each.status for key, each in queue(place).items()} == {one: "confirmed", two: "rejected"}
        for node in nodes:
            node.launch()
        for node in nodes:
            node.wait()
        _green(nodes[0])
        assert statuses(place) == {one: "open", two: "open"}
        assert queueing.mirror(place) == 2
        assert statuses(place) == {one: "confirmed", two: "rejected"}
        assert queueing.mirror(place) == 0
