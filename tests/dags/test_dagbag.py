"""Gate 1: what the schedule is made of, held without running it."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pendulum
import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import RetryAction
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import TimeRestriction
from conftest import ROOT

from pipeline.core.errors import ConfigError, Conflict, Forbidden, ModelError, SourceUnavailable, StoreUnavailable
from pipeline.sources.guard import Refused

FOLDER = ROOT / "dags"
SHARED = ("kentongan_alerts.py", "kentongan_flow.py")
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name not in SHARED)

WHEN = {  # every DAG of the sample's settings: cron in WIB, or what it waits for
    "ingest_feed": "2 * * * *",
    "ingest_export": "4 * * * *",
    "ingest_form": "6 * * * *",
    "ingest_inbox": "8 * * * *",
    "flag_posts": "posts_landed",
    "index_flags": "posts_flagged",
    "sync_claims": "20 */3 * * *",
    "match_claims": "claims_known",
    "purge_retention": "0 3 * * *",
    "retrain_model": "0 2 * * 0",
    "reclassify_recent": "model_in_service",
    "check_freshness": "30 * * * *",
}
TAGS = {"ingest", "flag", "index", "claims", "retention", "model", "watch"}
PER_FILE = {"ingest.py": 4, **{f"{name}.py": 1 for name in WHEN if not name.startswith("ingest_")}}


def test_there_are_these_dags_at_these_times(dags: dict[str, Any]) -> None:
    found = {}
    for name, dag in dags.items():
        if dag.timetable.asset_condition is not None:
            waits = dag.timetable.asset_condition
            (asset,) = getattr(waits, "objects", [waits])
            found[name] = asset.name
        else:
            found[name] = dag.timetable.expression
            assert str(dag.timetable.timezone) == "Asia/Jakarta", name
    assert found == WHEN


def test_each_file_makes_the_dags_that_it_should(dags: dict[str, Any]) -> None:
    assert Counter(Path(dag.fileloc).name for dag in dags.values()) == PER_FILE
    assert {path.name for path in FILES} == set(PER_FILE)


def test_a_connector_without_sources_has_no_dag(monkeypatch: pytest.MonkeyPatch, office: Path, tmp_path: Path) -> None:
    config = tmp_path / "none.toml"
    config.write_text('[office]\nname = "Kantor"\n')
    monkeypatch.setenv("KENTONGAN_CONFIG", str(config))
    assert {name for name in DagBag().dags if name.startswith("ingest_")} == {"ingest_inbox"}


def test_wrong_settings_are_told_and_stop_no_other_file(monkeypatch: pytest.MonkeyPatch, office: Path) -> None:
    monkeypatch.setenv("KENTONGAN__OFFICE__CODE", "nowhere")
    bag = DagBag()
    ((path, says),) = bag.import_errors.items()
    assert path.endswith("ingest.py")
    assert "office.code" in says
    assert "purge_retention" in bag.dags


def test_the_house_rules(dags: dict[str, Any]) -> None:
    pools = json.loads((ROOT / "deploy" / "airflow" / "pools.json").read_text())
    used = set()
    for name, dag in dags.items():
        assert not dag.catchup, name
        assert dag.max_active_runs == 1, name
        assert dag.start_date is None, "a start date would run a missed slot when the DAG leaves pause"
        assert dag.tags & TAGS, name
        (deadline,) = dag.deadline
        assert deadline.callback.kwargs["dag"] == name
        assert dag.tags <= TAGS | {f"connector:{name.removeprefix('ingest_')}"}, name
        assert "**When.**" in dag.doc_md, name
        assert "**Again?**" in dag.doc_md, name
        for task in dag.tasks:
            if task.task_type == "EmptyOperator":
                continue
            assert task.owner == "kesbangpol", task
            assert task.retries >= 3, task
            assert task.retry_policy is not None, task
            assert task.execution_timeout, "what hangs would keep its place in a pool"
            assert [each.__name__ for each in task.on_failure_callback] == ["failed"], task
            assert task.pool == "default_pool" or task.pool in pools, task
            used.add(task.pool)
    assert used == {"default_pool", *pools}


def test_only_what_reads_the_world_of_now_cannot_be_backfilled(dags: dict[str, Any]) -> None:
    live = {name for name, dag in dags.items() if dag.allowed_run_types is not None}
    assert live == {name for name, when in WHEN.items() if "*" in when}
    assert all("backfill" not in {each.value for each in dags[name].allowed_run_types} for name in live)


def test_a_new_dag_waits_for_its_next_slot(dags: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """A minute after its slot, as the scheduler reckons it: with what was serialised, and no run so far."""
    for name, dag in dags.items():
        timetable = DagSerialization.from_dict(DagSerialization.to_dict(dag)).timetable
        if "*" not in WHEN[name]:
            continue
        for hour in range(24):
            now = pendulum.datetime(2026, 11, 26, hour, 21, tz="Asia/Jakarta")
            monkeypatch.setattr("airflow.timetables.trigger.utcnow", lambda now=now: now)
            free = TimeRestriction(earliest=None, latest=None, catchup=False)
            found = timetable.next_dagrun_info(last_automated_data_interval=None, restriction=free)
            assert found.run_after > now, name


def test_a_dag_survives_serialisation(dags: dict[str, Any]) -> None:
    for name, dag in dags.items():
        again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
        assert set(again.task_ids) == set(dag.task_ids), name


def test_a_parse_is_the_same_twice(dags: dict[str, Any], office: Path) -> None:
    """Whatever changes with each parse would make a new version of the DAG every 30 seconds."""
    again = DagBag().dags
    for name, dag in dags.items():
        assert DagSerialization.to_dict(dag) == DagSerialization.to_dict(again[name]), name


def test_parsing_imports_nothing_heavy(office: Path) -> None:
    code = (
        "import sys, airflow.sdk;"
        "import airflow.providers.standard.operators.empty, airflow.providers.standard.operators.hitl;"
        "before = set(sys.modules);"
        f"sys.path.insert(0, {str(FOLDER)!r}); import {', '.join(path.stem for path in FILES)};"
        "new = set(sys.modules) - before;"
        "print(*sorted(name for name in new if name.startswith('pipeline')));"
        "print(*({'numpy', 'scipy', 'pyarrow', 'sklearn', 'sqlalchemy', 'lxml', 'httpcore'} & new))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    ours, heavy = done.stdout.split("\n")[:2]
    assert not heavy
    assert {name for name in ours.split() if not name.startswith("pipeline.core")} == {"pipeline"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_thin(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 100
    top = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in top if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in top if isinstance(node, ast.ImportFrom)}
    assert {name for name in names if name.split(".")[0] == "pipeline"} <= {"pipeline.core.config"}


# ---- when a task is tried again


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("a setting is wrong"),
        Forbidden("not yours"),
        ModelError("damaged"),
        Refused("answered with status 401"),
        SourceUnavailable("429", retry_after=7_200.0),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_cannot_get_better_fails_at_once(error: Exception) -> None:
    import kentongan_flow

    assert kentongan_flow.Retries().evaluate(error, 1, 3).action is RetryAction.FAIL


def test_what_may_get_better_is_tried_again_when_the_other_side_said() -> None:
    import kentongan_flow

    retries = kentongan_flow.Retries()
    asked = retries.evaluate(SourceUnavailable("429", retry_after=90.0), 1, 3)
    assert (asked.action, asked.retry_delay) == (RetryAction.RETRY, timedelta(seconds=90))
    later = retries.evaluate(StoreUnavailable("no answer"), 1, 3)
    assert (later.action, later.retry_delay) == (RetryAction.RETRY, None)
    busy = retries.evaluate(Conflict("another run"), 1, 3)
    assert (busy.action, busy.retry_delay) == (RetryAction.RETRY, timedelta(minutes=1))
    assert retries.evaluate(ZeroDivisionError(), 1, 3).action is RetryAction.DEFAULT
