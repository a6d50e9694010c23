"""Gate 4: Celery on PostgreSQL and Redis. Workers and the scheduler are killed in the middle of a task, the databases
go away for a while, and nothing is lost or twice.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg
import pytest
import redis
from airflow_api import Api
from grown import Grown
from homes import THREAT, file_of, row
from homestate import State, differences, leftovers, state_of, without_actors
from services.postgres import OWNER, Cluster, fresh_database
from services.redis_server import redis_running

from pipeline.core.config import load_settings
from pipeline.workplace import Workplace

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 150
POSTS = 12_000  # flagging takes some seconds
AWAY = (
    20  # seconds without the databases: longer than a task's heartbeat may be missing here (12), as minutes are there
)
CHAIN = ("flag_posts", "index_flags")
PAUSE = "timedelta(minutes=2)"  # before a second try, in dags/kentongan_flow.py


class _Held(SimpleHTTPRequestHandler):
    """The sample's feeds; the first that asks for the news gets no answer until it is let go."""

    asked, free = threading.Event(), threading.Event()

    def do_GET(self) -> None:
        if self.path == "/berita.rss" and not self.asked.is_set():
            self.asked.set()
            self.free.wait(SECONDS)
            return  # nobody listens any more
        super().do_GET()

    def log_message(self, *_words: Any) -> None:
        """Nothing."""


@pytest.fixture
def feed() -> Iterator[str]:
    """A server of ours: its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Held, directory=str(ROOT / "data" / "sample")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    _Held.free.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def config(tmp_path: Path, feed: str) -> Path:
    """An office with one feed."""
    path = tmp_path / "kantor.toml"
    path.write_text(
        f"""[office]
name = "Kesbangpol (DATA CONTOH)"
[fetch]
allow_hosts = ["{feed}"]
articles = false
pace = 0.0
[sources.kabar]
kind = "feed"
url = "http://{feed}/berita.rss"
subject = "media"
visibility = "media"
publisher_class = "verified_press"
"""
    )
    return path


@pytest.fixture
def dags(tmp_path: Path) -> Path:
    """The project's DAGs, which wait seconds instead of minutes before a second try."""
    folder = tmp_path / "dags"
    shutil.copytree(ROOT / "dags", folder, ignore=shutil.ignore_patterns("__pycache__"))
    flow = folder / "kentongan_flow.py"
    text = flow.read_text()
    assert text.count(PAUSE) == 1
    flow.write_text(text.replace(PAUSE, "timedelta(seconds=2)"))
    return folder


def _until(what: str, done: Callable[[], Any], every: float = 0.2) -> Any:
    """What `done()` gives, once it gives something."""
    end = time.monotonic() + SECONDS
    while not (found := done()):
        assert time.monotonic() < end, f"{what}: not within {SECONDS} s"
        time.sleep(every)
    return found


class _Api(Api):
    """With what the DAGs of this test did."""

    def runs(self, dag: str) -> list[dict[str, Any]]:
        return list(self("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"])

    def well_ended(self, dag: str, count: int) -> None:
        """Wait until so many runs of a DAG have ended, all of them well."""
        states = _until(f"{count} of {dag}", lambda: self._ends(dag, count))
        assert states == ["success"] * count, [self.tasks(dag, run["dag_run_id"]) for run in self.runs(dag)]

    def _ends(self, dag: str, count: int) -> list[str]:
        states = [run["state"] for run in self.runs(dag)]
        return states if len(states) >= count and {*states} <= {"success", "failed"} else []

    def tasks(self, dag: str, run: str) -> list[tuple[str, str, int]]:
        found = self("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return sorted((task["task_id"], task["state"], task["try_number"]) for task in found)


def test_all_that_can_die_dies_in_the_middle_and_nothing_is_lost_or_twice(
    config: Path,
    dags: Path,
    tmp_path: Path,
    postgres_cluster: Cluster,
    postgres_database: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KENTONGAN_CONFIG", str(config))
    home = tmp_path / "home"
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    begun = time.monotonic()

    def passed(what: str) -> None:
        print(f"{what} after {time.monotonic() - begun:.0f} s")

    with redis_running(tmp_path / "redis") as broker, fresh_database(postgres_cluster.folder) as ledger:
        for name, value in _ledger_at(ledger, postgres_cluster.folder).items():
            monkeypatch.setenv(name, value)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
        with Grown(tmp_path / "airflow", environ, postgres_database, broker, dags) as airflow:
            airflow.work("w1", "w2")
            passed("two workers")
            with closing(_Api(airflow)) as api:
                office = _Office(airflow, api, postgres_database.replace("+psycopg:", ":"), home)
                api.take_off_pause(*CHAIN, "ingest_feed")
                hours = [_killed_while_fetching(office)]
                passed("worker killed while fetching, in the index")
                hours.append(_file_goes_through(office, 1, partial(_kill_worker, office), tries=2))
                passed("worker killed while flagging, in the index")
                hours.append(_file_goes_through(office, 2, partial(_kill_scheduler, office), tries=1))
                passed("scheduler killed while flagging, in the index")
                hours.append(_file_goes_through(office, 3, partial(_take_databases_away, office, postgres_cluster)))
                passed("databases away while flagging, in the index")
                _old_messages_do_no_harm(office, broker)
                passed("messages of the dead taken")
            airflow.call("db", "clean", "--clean-before-timestamp", "2026-01-01", "--skip-archive", "--yes")
            assert airflow.dead() == []
        passed("stopped")
        assert leftovers(home) == []
        found = _state(home)
    assert len([name for name in found if name.startswith("queue ")]) > 60
    assert differences(_undisturbed(home, tmp_path / "other", *hours), found) == []
    passed("compared")


@dataclass(frozen=True, slots=True)
class _Office:
    """The Airflow that runs, its API, its database, and the home that it works in."""

    airflow: Grown
    api: _Api
    database: str
    home: Path

    def pid_of(self, task: str) -> int | None:
        """The process that runs the task now."""
        with psycopg.connect(self.database) as database:
            asked = database.execute("SELECT pid FROM task_instance WHERE task_id = %s AND state = 'running'", (task,))
            found = asked.fetchone()
        return found[0] if found else None


def _ledger_at(url: str, folder: Path) -> dict[str, str]:
    """The settings of a ledger on the cluster that Airflow's database is on too."""
    database = url.partition("@/")[2].partition("?")[0]
    about = {"KIND": "postgresql", "HOST": str(folder), "DATABASE": database, "USER": OWNER}
    return {f"KENTONGAN__LEDGER__{name}": value for name, value in about.items()}


def _killed_while_fetching(office: _Office) -> str:
    """Kill the worker that waits for the feed; give the partition, once it is in the index."""
    airflow, api = office.airflow, office.api
    run = api("POST", "/api/v2/dags/ingest_feed/dagRuns", {"logical_date": None})["dag_run_id"]
    assert _Held.asked.wait(SECONDS), "nobody asked for the feed"
    airflow.kill(airflow.worker_of(_until("a fetch", lambda: office.pid_of("fetch"))))
    _Held.free.set()
    airflow.work("w3")  # the machine comes back
    for dag in ("ingest_feed", *CHAIN):
        api.well_ended(dag, 1)
    assert api.tasks("ingest_feed", run) == [
        *_all_done("all_fetched"),
        ("fetch", "success", 2),
        *_all_done("plan", "publish"),
    ]
    (flagged,) = api.runs("flag_posts")
    assert api.tasks("flag_posts", flagged["dag_run_id"]) == _all_done("flag", "partitions")
    return str(flagged["partition_key"])


def _file_goes_through(office: _Office, number: int, strike: Callable[[int], None], tries: int = 0) -> str:
    """Strike while a large file of the inbox is flagged; give the partition, once it is in the index."""
    api, before = office.api, {run["dag_run_id"] for run in office.api.runs("flag_posts")}
    _put_file(office.home, number)
    api.take_off_pause("ingest_inbox")
    api("POST", "/api/v2/dags/ingest_inbox/dagRuns", {"logical_date": None})
    lock = office.home / "lock" / "flag"
    pid = _until("flagging", lambda: _is_locked(lock) and office.pid_of("flag"), every=0.02)
    time.sleep(0.5)  # of some seconds that it takes
    assert _is_locked(lock), "it was flagged before it could be struck"
    strike(pid)
    for dag, count in (("ingest_inbox", number), *((dag, number + 1) for dag in CHAIN)):
        api.well_ended(dag, count)
    (flagged,) = [run for run in api.runs("flag_posts") if run["dag_run_id"] not in before]
    ended = {task: (state, count) for task, state, count in api.tasks("flag_posts", flagged["dag_run_id"])}["flag"]
    assert ended[0] == "success"
    assert ended[1] == tries or (not tries and ended[1] < 4)
    return str(flagged["partition_key"])


def _kill_worker(office: _Office, pid: int) -> None:
    office.airflow.kill(office.airflow.worker_of(pid))


def _kill_scheduler(office: _Office, pid: int) -> None:
    """The task goes on; the scheduler that comes next takes over what the dead one began."""
    office.airflow.kill("scheduler")
    time.sleep(2)
    assert Path(f"/proc/{pid}").exists()
    office.airflow.revive("scheduler")


def _take_databases_away(office: _Office, cluster: Cluster, _pid: int) -> None:
    """Airflow's and the ledger: connections break, and none can be made; what ends because of it is started again."""
    cluster.stop()
    try:
        with pytest.raises(httpx.HTTPStatusError):
            office.api("GET", "/api/v2/dags?limit=1")
        time.sleep(AWAY)
    finally:
        cluster.start()
    ended = office.airflow.dead()
    office.airflow.revive(*ended)
    print(f"ended without their database: {', '.join(ended) or 'none'}")


def _old_messages_do_no_harm(office: _Office, broker: str) -> None:
    """Redis gives the messages of the dead out again, first to a worker that begins; no task runs because of them."""
    airflow, api = office.airflow, office.api
    chain = ("ingest_feed", "ingest_inbox", *CHAIN)
    before = [(run["dag_run_id"], api.tasks(dag, run["dag_run_id"])) for dag in chain for run in api.runs(dag)]
    airflow.work("w4")
    _until("the messages of the dead", lambda: airflow.received_again() >= 2)
    with redis.Redis.from_url(broker) as queue:
        _until("the end of these messages", lambda: not queue.hlen("unacked"))
    assert before == [(run["dag_run_id"], api.tasks(dag, run["dag_run_id"])) for dag in chain for run in api.runs(dag)]


def _all_done(*tasks: str) -> list[tuple[str, str, int]]:
    return [(task, "success", 1) for task in tasks]


def _is_locked(path: Path) -> bool:
    """Whether somebody holds the lock; trying it would hold it for a moment."""
    if not path.exists():
        return False
    end = f":{path.stat().st_ino}"
    return any(word.endswith(end) for word in Path("/proc/locks").read_text().split())


def _put_file(home: Path, number: int) -> None:
    """A file that takes seconds to flag, and has lain in the inbox for a while; one of each number."""
    words, random = "warga pasar jalan banjir harga beras sekolah rapat kabar camat listrik".split(), Random(number)
    texts = (" ".join(random.choices(words, k=40)) for _ in range(POSTS))
    first = 1 + number * POSTS
    rows = [row(each, f"{'' if each % 400 else THREAT} {text}") for each, text in enumerate(texts, first)]
    before = time.time() - 60
    os.utime(file_of(home / "inbox", *rows, name=f"warga-{number}.csv"), (before, before))


def _undisturbed(home: Path, other: Path, *partitions: str) -> State:
    """What a home with the same secrets comes to by `kentongan run`: first the feed, then one file after the other."""
    other.mkdir(mode=0o700)
    shutil.copytree(home / "secret", other / "secret")
    for number, partition in enumerate(partitions):
        if number:
            _put_file(other, number)
        command = [sys.executable, "-m", "pipeline", "run", "--partition", partition, "--json"]
        environ = {**os.environ, "KENTONGAN__PATHS__HOME": str(other), "KENTONGAN__LEDGER__KIND": "sqlite"}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return _state(other, KENTONGAN__LEDGER__KIND="sqlite")


def _state(home: Path, **environ: str) -> State:
    """What stands in a home, less who did it, Airflow or a person, and less the file that the ledger may be."""
    place = Workplace(load_settings(None, {**os.environ, "KENTONGAN__PATHS__HOME": str(home), **environ})[0])
    state = state_of(place)
    place.close()
    state["files"] = [name for name in state["files"] if name != "ledger.db"]
    return without_actors(state)
