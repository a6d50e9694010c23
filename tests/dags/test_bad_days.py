"""Bad days of the schedule on one machine: afterwards the home holds what it holds without the fault.

Those that need workers, PostgreSQL or the scheduler to die are in tests/workers.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import kentongan_flow as flow
import pytest
from airflow.utils.state import DagRunState
from conftest import ROOT, states
from homes import THREAT, Clock, file_of, row
from homestate import State, differences, state_of, without_actors
from services.elastic_store import WRITER

from pipeline import steps
from pipeline.core.config import load_settings
from pipeline.core.errors import TransientError
from pipeline.landing.derived import derived_partitions, unindexed_partitions
from pipeline.store.elastic.care import prepare
from pipeline.workplace import Workplace

HOURS = ("2026-11-20/09", "2026-11-20/10", "2026-11-20/11")
FEEDS = """[office]
name = "Kesbangpol (DATA CONTOH)"
[fetch]
allow_hosts = ["{host}"]
articles = false
pace = 0.0
timeout = 0.5
total_timeout = 1.0
"""
SOURCE = """[sources.{name}]
kind = "feed"
url = "http://{host}/{path}"
subject = "media"
visibility = "media"
publisher_class = "verified_press"
"""


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with no sources but the inbox; no samples, for which posts are drawn differs by home."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KENTONGAN__OFFICE__LANGUAGE", "en")
    monkeypatch.setenv("KENTONGAN__POLICY__SAMPLE_SHARE", "0")
    monkeypatch.setenv("KENTONGAN__POLICY__TEACH_PER_DAY", "0")
    return tmp_path / "home"


def test_a_partition_waits_for_an_earlier_one_that_is_tried_again(
    run: Any, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in HOURS:
        _landed(place, hour)
    done: list[str] = []
    faults = [HOURS[0], HOURS[0], HOURS[1]]
    whole = steps.flag

    def breaks(place: Workplace, partition: str, **options: Any) -> Any:
        if partition in faults:
            faults.remove(partition)
            raise TransientError("the disk was away")
        done.append(partition)
        return whole(place, partition, **options)

    monkeypatch.setattr(steps, "flag", breaks)
    assert states(run("flag_posts", retries=3))["flag"] == ["success"] * 3
    assert done == [*HOURS]
    run("index_flags")
    assert differences(_by_hand(place.home.root, *HOURS), _state(place)) == []


def test_the_next_event_takes_along_what_an_outage_left(run: Any, place: Workplace) -> None:
    _landed(place, HOURS[0])
    with place.home.lock("flag"):
        assert run("flag_posts", event=HOURS[0]).state == DagRunState.FAILED
    _landed(place, HOURS[1])
    assert states(run("flag_posts", event=HOURS[1]))["flag"] == ["success", "success"]
    _landed(place, HOURS[2])
    assert states(run("flag_posts", event=HOURS[1]))["flag"] == ["success"], "what is after it has its own event"
    assert derived_partitions(place.home.derived) == [*HOURS[:2]]


def test_what_can_never_be_done_is_left_to_people_after_some_days() -> None:
    here = [f"2026-11-{day:02d}/10" for day in range(10, 21)]
    context = {"partition_key": "2026-11-20/10", "params": {"partition": "", "since": "", "until": ""}}
    assert flow.chosen(context, here, here) == here[-5:]
    assert flow.chosen(context, here, here[:3]) == here[-1:]
    assert flow.chosen(context, here[:-1], here) == here[-5:-1], "purged since: it is left as it was flagged"


def test_the_store_is_away_for_an_hour(
    run: Any, place: Workplace, elastic_url: str, elastic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tries of `index_flags` end within a quarter of an hour; what they left the next hour's run brings in."""
    with pytest.MonkeyPatch.context() as patched:
        _stored(patched, f"http://127.0.0.1:{_closed_port()}", elastic_prefix)
        for hour in HOURS[:2]:
            _landed(place, hour)
            assert run("flag_posts", event=hour).state == DagRunState.SUCCESS
            assert run("index_flags", event=hour).state == DagRunState.FAILED
    assert unindexed_partitions(place.home.derived) == [*HOURS[:2]]
    with pytest.MonkeyPatch.context() as patched:
        _stored(patched, elastic_url, elastic_prefix)
        now = Workplace(load_settings()[0])
        prepare(now.settings.store, WRITER)
        _landed(now, HOURS[2])
        run("flag_posts", event=HOURS[2])
        assert states(run("index_flags", event=HOURS[2]))["index"] == ["success"] * 3
        found = _state(now)
        now.close()
    assert differences(_by_hand(place.home.root, *HOURS), found) == []


def test_sources_that_hang_or_answer_garbage_take_nothing_from_the_others(
    run: Any, place: Workplace, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = {"kabar": "berita.rss", **{path: path for path in _Bad.ANSWERS}}
    sources = (SOURCE.format(name=name, host=host, path=path) for name, path in paths.items())
    (tmp_path / "kantor.toml").write_text(FEEDS.format(host=host) + "".join(sources))
    monkeypatch.setenv("KENTONGAN_CONFIG", str(tmp_path / "kantor.toml"))
    ended = run("ingest_feed")
    assert ended.state == DagRunState.FAILED
    assert states(ended)["fetch"] == ["failed"] * len(_Bad.ANSWERS) + ["success"]
    (partition,) = steps.landed(place)
    assert states(run("flag_posts", event=partition))["flag"] == ["success"]
    assert states(run("index_flags", event=partition))["index"] == ["success"]
    other = _other(place.home.root)
    steps.ingest(other, {"kabar": other.settings.sources["kabar"]}, partition=partition)
    steps.flag(other, partition, now=other.clock())
    steps.index(other, partition, now=other.clock())
    found = _state(place)
    assert found["index facets"]["status"]
    assert differences(_state(other), found) == []


def test_a_clock_that_was_set_back_lands_nothing_in_the_past(
    run: Any, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Indonesia has no summer time: a clock changes because somebody set it, or because its battery is empty."""
    clock = Clock()
    monkeypatch.setattr(flow, "workplace", partial(_workplace, clock))
    clock.now = _at(HOURS[0])
    file_of(place.home.inbox, row(1, f"{THREAT} satu"), name="1.csv")
    assert run("ingest_inbox").state == DagRunState.SUCCESS
    file_of(place.home.inbox, row(2, f"{THREAT} dua"), name="2.csv")
    for wrong in (_at(HOURS[0]) - timedelta(days=1), datetime(2000, 1, 1, tzinfo=UTC)):
        clock.now = wrong
        assert states(run("ingest_inbox"))["plan"] == ["failed"]
    clock.now = _at(HOURS[1])
    assert run("ingest_inbox").state == DagRunState.SUCCESS
    assert steps.landed(place) == [*HOURS[:2]]
    run("flag_posts")
    run("index_flags")
    other = _other(place.home.root)
    for number, (hour, word) in enumerate(zip(HOURS[:2], ("satu", "dua"), strict=True), 1):
        file_of(other.home.inbox, row(number, f"{THREAT} {word}"), name=f"{number}.csv")
        steps.run(other, other.inbox_sources(), partition=hour)
    assert differences(_state(other), _state(place)) == []


class _Bad(SimpleHTTPRequestHandler):
    """The sample's feeds, and what a source does on a bad day."""

    ANSWERS = ("hang", "trickle", "endless", "noise", "page")
    free = threading.Event()

    def do_GET(self) -> None:
        kind = self.path.strip("/")
        if kind not in self.ANSWERS:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/rss+xml")
        self.end_headers()
        with suppress(OSError):  # nobody listens any more
            getattr(self, f"_{kind}")()

    def _hang(self) -> None:
        self.free.wait(30)

    def _trickle(self) -> None:
        while not self.free.wait(0.1):
            self.wfile.write(b" ")

    def _endless(self) -> None:
        while not self.free.is_set():
            self.wfile.write(b"<item>" * 10_000)

    def _noise(self) -> None:
        self.wfile.write(Random(1).randbytes(50_000))

    def _page(self) -> None:
        self.wfile.write(b"<html><body><h1>502 Bad Gateway</h1></body></html>")

    def log_message(self, *_words: Any) -> None:
        """Nothing."""


@pytest.fixture
def host() -> Iterator[str]:
    """A server of ours: its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Bad, directory=str(ROOT / "data" / "sample")))
    thread = threading.Thread(target=server.serve_forever)
    _Bad.free.clear()
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    _Bad.free.set()
    server.shutdown()
    thread.join()
    server.server_close()


@contextmanager
def _workplace(clock: Clock) -> Iterator[Workplace]:
    """As the DAGs', at another time."""
    place = Workplace(load_settings()[0], clock, actor="airflow")
    place.home.make()
    yield place
    place.close()


def _stored(patched: pytest.MonkeyPatch, url: str, prefix: str) -> None:
    """The settings name a cluster at this address."""
    for name, value in (("KIND", "elastic"), ("URLS", json.dumps([url])), ("PREFIX", prefix), ("REPLICAS", "0")):
        patched.setenv(f"KENTONGAN__STORE__{name}", value)


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _state(place: Workplace) -> State:
    """What stands in a home, less the file that the plain index is, empty locks, and who did it: a test, or a DAG."""
    state = state_of(place)
    state["files"] = [name for name in state["files"] if name != "index.db" and not name.startswith("lock/")]
    return without_actors(state)


def _at(hour: str) -> datetime:
    """Ten minutes into the hour of a partition."""
    return datetime.strptime(hour, "%Y-%m-%d/%H").replace(tzinfo=flow.zone()) + timedelta(minutes=10)


def _landed(place: Workplace, *hours: str) -> None:
    """A post an hour, each a copy of the first but for a word."""
    for hour in hours:
        number = HOURS.index(hour) + 1
        text = f"{THREAT} kumpul di depan gerbang pasar lama jam tujuh pagi bawa semua teman, kata nomor {number}"
        file_of(place.home.inbox, row(number, text), name=f"{number}.csv")
        done = steps.ingest(place, place.inbox_sources(), partition=hour)
        assert not done.failed


def _by_hand(home: Path, *hours: str) -> State:
    """What a home with the same secrets holds after the same hours, one after the other, without a fault."""
    place = _other(home)
    for hour in hours:
        _landed(place, hour)
        steps.flag(place, hour, now=place.clock())
        steps.index(place, hour, now=place.clock())
    return _state(place)


def _other(home: Path) -> Workplace:
    """A workplace beside `home` with the same secrets."""
    other = home.with_name("other")
    other.mkdir(mode=0o700)
    shutil.copytree(home / "secret", other / "secret")
    place = Workplace(load_settings(None, {**os.environ, "KENTONGAN__PATHS__HOME": str(other)})[0], actor="airflow")
    place.home.make()
    return place
