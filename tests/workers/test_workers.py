"""Gate 4: Celery on PostgreSQL and Redis; workers are killed in the middle of a task, and nothing is lost or twice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Any

import httpx
import psycopg
import pytest
import redis
from grown import Grown
from homes import THREAT, file_of, row
from homestate import State, differences, leftovers, state_of
from look import USER
from services.redis_server import redis_running

from pipeline.core.config import load_settings
from pipeline.workplace import Workplace

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 150
POSTS = 12_000  # flagging takes some seconds
CHAIN = ("flag_posts", "index_flags")
PAUSE = "timedelta(minutes=2)"  # before a second try, in dags/kentongan_flow.py


_Database = psycopg.Connection[Any]


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


class _Api:
    """Airflow's API as the one user."""

    def __init__(self, airflow: Grown) -> None:
        self._client = httpx.Client(base_url=airflow.address, timeout=30)
        token = self("POST", "/auth/token", {"username": USER, "password": airflow.password})["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.request(method, path, json=body).raise_for_status().json()

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def runs(self, dag: str) -> list[dict[str, Any]]:
        return list(self("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"])

    def well_ended(self, dag: str, count: int) -> None:
        """Wait until so many runs of a DAG have ended, all of them well."""
        states = _until(f"{count} of {dag}", lambda: self._ends(dag, count))
        assert states == ["success"] * count

    def _ends(self, dag: str, count: int) -> list[str]:
        states = [run["state"] for run in self.runs(dag)]
        return states if len(states) >= count and {*states} <= {"success", "failed"} else []

    def tasks(self, dag: str, run: str) -> list[tuple[str, str, int]]:
        found = self("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances")["task_instances"]
        return sorted((task["task_id"], task["state"], task["try_number"]) for task in found)


def test_workers_die_in_the_middle_and_nothing_is_lost_or_twice(
    config: Path, dags: Path, tmp_path: Path, postgres_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_CONFIG", str(config))
    home = tmp_path / "home"
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    begun = time.monotonic()
    with (
        redis_running(tmp_path / "redis") as broker,
        Grown(tmp_path / "airflow", environ, postgres_database, broker, dags) as airflow,
        psycopg.connect(postgres_database.replace("+psycopg:", ":"), autocommit=True) as database,
    ):
        airflow.work("w1", "w2")
        print(f"two workers after {time.monotonic() - begun:.0f} s")
        with closing(_Api(airflow)) as api:
            _take_off_pause(api)
            first = _killed_while_fetching(airflow, api, database)
            print(f"killed while fetching, in the index after {time.monotonic() - begun:.0f} s")
            second = _killed_while_flagging(airflow, api, database, home)
            print(f"killed while flagging, in the index after {time.monotonic() - begun:.0f} s")
            _old_messages_do_no_harm(airflow, api, broker)
            print(f"messages of the dead taken after {time.monotonic() - begun:.0f} s")
        airflow.call("db", "clean", "--clean-before-timestamp", "2026-01-01", "--skip-archive", "--yes")
        assert airflow.dead() == []
    print(f"stopped after {time.monotonic() - begun:.0f} s")
    assert leftovers(home) == []
    found = _state(home)
    assert len([name for name in found if name.startswith("queue ")]) > 20
    assert differences(_undisturbed(home, tmp_path / "other", first, second), found) == []
    print(f"compared after {time.monotonic() - begun:.0f} s")


def _take_off_pause(api: _Api) -> None:
    wanted = {"ingest_feed", "ingest_inbox", *CHAIN}
    _until("the DAGs", lambda: wanted <= {dag["dag_id"] for dag in api("GET", "/api/v2/dags?limit=100")["dags"]})
    for dag in (*CHAIN, "ingest_feed"):
        api("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})


def _killed_while_fetching(airflow: Grown, api: _Api, database: _Database) -> str:
    """Kill the worker that waits for the feed; give the partition, once it is in the index."""
    run = api("POST", "/api/v2/dags/ingest_feed/dagRuns", {"logical_date": None})["dag_run_id"]
    assert _Held.asked.wait(SECONDS), "nobody asked for the feed"
    airflow.kill(airflow.worker_of(_until("a fetch", lambda: _pid_of(database, "fetch"))))
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


def _killed_while_flagging(airflow: Grown, api: _Api, database: _Database, home: Path) -> str:
    """Kill the worker that flags a large file of the inbox; give the partition, once it is in the index."""
    _put_file(home)
    api("PATCH", "/api/v2/dags/ingest_inbox", {"is_paused": False})
    api("POST", "/api/v2/dags/ingest_inbox/dagRuns", {"logical_date": None})
    pid = _until("flagging", lambda: _is_locked(home / "lock" / "flag") and _pid_of(database, "flag"), every=0.02)
    time.sleep(0.5)  # of some seconds that it takes
    airflow.kill(airflow.worker_of(pid))
    for dag, count in (("ingest_inbox", 1), *((dag, 2) for dag in CHAIN)):
        api.well_ended(dag, count)
    (flagged,) = [
        run for run in api.runs("flag_posts") if ("flag", "success", 2) in api.tasks("flag_posts", run["dag_run_id"])
    ]
    return str(flagged["partition_key"])


def _old_messages_do_no_harm(airflow: Grown, api: _Api, broker: str) -> None:
    """Redis gives the messages of the dead out again, first to a worker that begins; no task runs because of them."""
    chain = ("ingest_feed", "ingest_inbox", *CHAIN)
    before = [(run["dag_run_id"], api.tasks(dag, run["dag_run_id"])) for dag in chain for run in api.runs(dag)]
    airflow.work("w4")
    _until("the messages of the dead", lambda: airflow.received_again() >= 2)
    with redis.Redis.from_url(broker) as queue:
        _until("the end of these messages", lambda: not queue.hlen("unacked"))
    assert before == [(run["dag_run_id"], api.tasks(dag, run["dag_run_id"])) for dag in chain for run in api.runs(dag)]


def _all_done(*tasks: str) -> list[tuple[str, str, int]]:
    return [(task, "success", 1) for task in tasks]


def _pid_of(database: _Database, task: str) -> int | None:
    """The process that runs the task now."""
    asked = database.execute("SELECT pid FROM task_instance WHERE task_id = %s AND state = 'running'", (task,))
    found = asked.fetchone()
    return found[0] if found else None


def _is_locked(path: Path) -> bool:
    """Whether somebody holds the lock; trying it would hold it for a moment."""
    if not path.exists():
        return False
    end = f":{path.stat().st_ino}"
    return any(word.endswith(end) for word in Path("/proc/locks").read_text().split())


def _put_file(home: Path) -> None:
    """A file that takes seconds to flag, and has lain in the inbox for a while."""
    words, random = "warga pasar jalan banjir harga beras sekolah rapat kabar camat listrik".split(), Random(1)
    texts = (" ".join(random.choices(words, k=40)) for _ in range(POSTS))
    rows = [row(number, f"{'' if number % 400 else THREAT} {text}") for number, text in enumerate(texts, 1)]
    before = time.time() - 60
    os.utime(file_of(home / "inbox", *rows), (before, before))


def _undisturbed(home: Path, other: Path, *partitions: str) -> State:
    """What a home with the same secrets comes to by `kentongan run`: first the feed, then the file too."""
    other.mkdir(mode=0o700)
    shutil.copytree(home / "secret", other / "secret")
    for partition in partitions:
        command = [sys.executable, "-m", "pipeline", "run", "--partition", partition, "--json"]
        environ = {**os.environ, "KENTONGAN__PATHS__HOME": str(other)}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        if partition is partitions[0]:
            _put_file(other)
    return _state(other)


def _state(home: Path) -> State:
    """What stands in a home, less who did it: Airflow, or a person."""
    place = Workplace(load_settings(None, {**os.environ, "KENTONGAN__PATHS__HOME": str(home)})[0])
    state = state_of(place)
    place.close()
    for name in state:
        if name.startswith("chain "):
            state[name] = [(kind, action, *rest) for kind, action, _actor, *rest in state[name]]
    return state
