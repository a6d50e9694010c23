"""Gate 3: the real thing on SQLite and LocalExecutor: from a feed to the index, and a model approved and rejected."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from airflow_api import Api
from conftest import ROOT
from homes import SHIPPED, candidate
from look import Look

from pipeline import looking, retraining
from pipeline.core.config import load_settings
from pipeline.core.config_dataset import DatasetMap
from pipeline.ledger.chain import entries
from pipeline.train.dataset import HATE_COLUMNS
from pipeline.train.imports import import_file
from pipeline.train.practice import write_practice
from pipeline.train.stored import IMPORTED, datasets_folder
from pipeline.workplace import Workplace

NOW = {"logical_date": None}
SETTINGS = """[office]
name = "Kesbangpol (DATA CONTOH)"
[paths]
home = "{home}"
[fetch]
allow_hosts = ["{feeds}"]
articles = false
pace = 0.0
[sources.kabar]
kind = "feed"
url = "http://{feeds}/berita.rss"
subject = "media"
visibility = "media"
publisher_class = "verified_press"
[sources.mati]
kind = "feed"
url = "http://{feeds}/tidak-ada.rss"
"""
LATE = """
import time
from airflow.sdk import DAG, task
import kentongan_alerts as alerts
with DAG("always_late", schedule=None, deadline=alerts.late_after("always_late", minutes=0)):
    @task
    def sleep():
        time.sleep(8)
    sleep()
"""
SECONDS = 240  # about 60 with nothing else to do
TWELVE = DatasetMap(group="near_dup_group", labels={name: name for name in HATE_COLUMNS})


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: Any) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Office:
    """An office whose schedule runs: its settings, the running Airflow, and the file that alerts go to."""

    config: Path
    look: Look
    alerts: Path

    def place(self) -> Workplace:
        """Its workplace, opened anew."""
        return Workplace(load_settings(self.config)[0])


@pytest.fixture(scope="module")
def feeds() -> Iterator[str]:
    """The sample's feeds on a server of ours: its host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(ROOT / "data" / "sample")))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, feeds: str) -> Iterator[Office]:
    """An office with one feed that is there and one that is not, and a DAG that is always late; its Airflow runs."""
    folder = tmp_path_factory.mktemp("live")
    config, alerts, dags = folder / "kantor.toml", folder / "alerts.jsonl", folder / "dags"
    config.write_text(SETTINGS.format(home=folder / "home", feeds=feeds))
    shutil.copytree(ROOT / "dags", dags, ignore=shutil.ignore_patterns("__pycache__"))
    (dags / "always_late.py").write_text(LATE)
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "KENTONGAN"))}
    environ |= {"KENTONGAN_CONFIG": str(config), "KENTONGAN_ALERT_FILE": str(alerts)}
    users = ("admin:admin", "penyunting:user", "tamu:viewer")
    with Look(folder / "airflow", environ, users, dags) as look:
        yield Office(config, look, alerts)
        assert look.dead() == []


def _ended(api: Api, dag: str) -> dict[str, Any]:
    """The first run of a DAG, once it has ended."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        runs = api("GET", f"/api/v2/dags/{dag}/dagRuns")["dag_runs"]
        if runs and runs[0]["state"] in ("success", "failed"):
            return dict(runs[0])
        time.sleep(0.5)
    raise AssertionError(f"{dag} did not end in {SECONDS} s")


def test_a_feed_reaches_the_index_by_itself(running: Office) -> None:
    api = Api(running.look, "admin")
    api.take_off_pause("flag_posts", "index_flags", "ingest_feed")
    api("POST", "/api/v2/dags/ingest_feed/dagRuns", NOW)
    ingested = _ended(api, "ingest_feed")
    assert ingested["state"] == "failed", "one of the two feeds is not there"
    tasks = api("GET", f"/api/v2/dags/ingest_feed/dagRuns/{ingested['dag_run_id']}/taskInstances")["task_instances"]
    fetched = {(t["rendered_map_index"], t["state"], t["try_number"]) for t in tasks if t["task_id"] == "fetch"}
    assert fetched == {("kabar", "success", 1), ("mati", "failed", 1)}, "404 is not tried again"
    flagged, indexed = _ended(api, "flag_posts"), _ended(api, "index_flags")
    assert flagged["state"] == indexed["state"] == "success"
    assert flagged["partition_key"] == indexed["partition_key"]
    place = running.place()
    assert place.store.search(looking.parse_query(place, ""), limit=10).hits
    assert ("failed", "ingest_feed fetch mati") in _told(running, 1)


def test_a_viewer_starts_nothing_and_nobody_backfills_a_fetch(running: Office) -> None:
    assert (running.look.home / "passwords.json").stat().st_mode & 0o777 == 0o600
    api, guest = Api(running.look, "admin"), Api(running.look, "tamu")
    assert guest("GET", "/api/v2/dags?limit=1")["dags"]
    assert guest.refusal("POST", "/api/v2/dags/ingest_feed/dagRuns", NOW)[0] == 403
    days = {"from_date": "2026-11-01T00:00:00Z", "to_date": "2026-11-02T00:00:00Z", "max_active_runs": 1}
    _status, says = api.refusal("POST", "/api/v2/backfills", {"dag_id": "ingest_feed", **days})
    assert "does not allow backfill" in says


def test_a_late_run_is_told_while_it_runs(running: Office) -> None:
    api, before = Api(running.look, "admin"), len(_told(running, 0))
    api.take_off_pause("always_late")
    api("POST", "/api/v2/dags/always_late/dagRuns", NOW)
    assert ("late", "always_late") in _told(running, before + 1)


def test_a_model_goes_into_service_when_a_person_with_the_right_approves(running: Office, tmp_path: Path) -> None:
    api, editor, guest = (Api(running.look, name) for name in ("admin", "penyunting", "tamu"))
    good = _trained_already(running.place(), tmp_path)
    api.take_off_pause("retrain_model")
    answered = partial(_answered, running.look.home / "scheduler.log", api, editor, guest)
    assert answered("Reject") == {"approve": "success", "promote": "skipped"}
    assert running.place().classifier.name == SHIPPED.name
    assert answered("Approve") == {"approve": "success", "promote": "success"}
    place = running.place()
    assert place.classifier.name in good
    with place.ledger.read() as db:
        assert [each.actor for each in entries(db, actions=("promote",))] == ["airflow:penyunting"]
    assert _told(running, 1).count(("question", "retrain_model")) == 1, "two questions within a day are told once"


def _trained_already(place: Workplace, folder: Path) -> list[str]:
    """What a run of today or tomorrow would have trained: a good model, as `train` takes what stands there."""
    place.home.make()
    file, imported = write_practice(folder / "labelled.csv"), datasets_folder(place.home.root) / IMPORTED
    import_file(file, imported, name="latihan", licence="MIT", mapping=TWELVE, max_contradictions=1.0)
    dataset = retraining.make_dataset(place)
    today = datetime.now(ZoneInfo("Asia/Jakarta")).date()
    names = [f"tfidf-{day}" for day in (today, today + timedelta(days=1))]
    for name in names:
        candidate(place.home.root / "candidates" / dataset.name, name)
    return names


def _answered(log: Path, api: Api, editor: Api, guest: Api, answer: str) -> dict[str, str]:
    """Start a retraining, answer its question, and say how the last tasks ended; a guest may not answer.

    It answers when the scheduler has written into its log that the task's process is gone. An answer within about a
    second before that, as only a program gives, Airflow 3.3.2 takes for a task killed from outside: it queues the
    second half under the same try, sees the first half end, and asks again two minutes later.
    """
    run = api("POST", "/api/v2/dags/retrain_model/dagRuns", NOW)["dag_run_id"]
    here = f"/api/v2/dags/retrain_model/dagRuns/{run}"
    question = f"{here}/taskInstances/approve/-1/hitlDetails"
    deadline, states = time.monotonic() + SECONDS, {}
    while states.get("approve") != "awaiting_input":
        states = {task["task_id"]: task["state"] for task in api("GET", f"{here}/taskInstances")["task_instances"]}
        assert time.monotonic() < deadline, states
        assert "failed" not in states.values(), states
        time.sleep(0.5)
    while f"TaskInstance Finished: dag_id=retrain_model, task_id=approve, run_id={run}" not in log.read_text():
        assert time.monotonic() < deadline, "the scheduler does not see that the task waits"
        time.sleep(0.1)
    assert guest.refusal("PATCH", question, {"chosen_options": [answer]})[0] == 403
    editor("PATCH", question, {"chosen_options": [answer]})
    while api("GET", here)["state"] not in ("success", "failed"):
        assert time.monotonic() < deadline, api("GET", f"{here}/taskInstances")
        time.sleep(0.5)
    states = {task["task_id"]: task["state"] for task in api("GET", f"{here}/taskInstances")["task_instances"]}
    return {name: states[name] for name in ("approve", "promote")}


def _told(running: Office, least: int) -> list[tuple[str, str]]:
    """What was told, once it is so much at least."""
    deadline = time.monotonic() + SECONDS
    while True:
        lines = running.alerts.read_text().splitlines() if running.alerts.exists() else []
        if len(lines) >= least:
            return [(alert["kind"], alert["thing"]) for alert in map(json.loads, lines)]
        assert time.monotonic() < deadline, lines
        time.sleep(0.5)
