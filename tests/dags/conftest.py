"""The schedule needs Airflow, which lives in an environment of its own: `make test-airflow`.

Airflow reads its settings when it is first imported, so they stand here and not in a fixture.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.config import load_settings
from pipeline.workplace import Workplace

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = os.environ.get("AIRFLOW_TESTS") == "true" or find_spec("airflow") is not None
# In the environment of its own a missing Airflow is an error of the tests that import it
collect_ignore_glob = [] if HERE else ["test_*.py"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """What Airflow and its libraries do in a deprecated way is theirs to mend; in our own code it stays an error."""
    item.add_marker(pytest.mark.filterwarnings("ignore", "error:::(pipeline|kentongan|unusual_prefix)"))


if HERE:
    _AIRFLOW = Path(tempfile.mkdtemp(prefix="kentongan-airflow-"))
    os.environ |= {
        "AIRFLOW_HOME": str(_AIRFLOW),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_AIRFLOW}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    # The first as Airflow does for a bundle
    sys.path[:0] = [str(ROOT / "dags"), str(ROOT / "deploy" / "airflow"), str(ROOT / "benchmarks")]


@pytest.fixture(scope="session")
def _database() -> Iterator[None]:
    """Airflow's own database, with the pools that are deployed."""
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb
    from airflow.utils.session import create_session

    initdb()
    with create_session() as session:
        for name, pool in json.loads((ROOT / "deploy" / "airflow" / "pools.json").read_text()).items():
            session.add(Pool(pool=name, slots=pool["slots"], description=pool["description"], include_deferred=False))
    yield
    shutil.rmtree(_AIRFLOW, ignore_errors=True)


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with the sample's sources in reach; returns the home."""
    home = tmp_path / "home"
    monkeypatch.setenv("KENTONGAN_CONFIG", str(ROOT / "data" / "sample" / "sample.toml"))
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    monkeypatch.setenv("KENTONGAN__OFFICE__LANGUAGE", "en")
    return home


@pytest.fixture
def place(office: Path) -> Workplace:
    """The home that the DAGs work in."""
    made = Workplace(load_settings()[0])
    made.home.make()
    return made


@pytest.fixture
def dags(office: Path, _database: None) -> dict[str, Any]:
    """All DAGs, parsed anew: `dag.test()` leaves traces in what it ran."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag()
    assert bag.import_errors == {}
    return dict(bag.dags)


Run = Callable[..., Any]


@pytest.fixture
def run(office: Path, _database: None, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a DAG to its end in this process, by default without second tries; returns the finished run.

    `marked` is a task that a person would do: it counts as done. `event` is the partition of an event that starts the
    run; `retries` come at once, whatever the error. What waits for a minute waits for a moment.
    """
    import kentongan_flow
    from airflow.dag_processing.dagbag import DagBag
    from airflow.models import dagrun

    monkeypatch.setattr(kentongan_flow, "_BUSY", timedelta(seconds=0.1))
    create = dagrun.get_or_create_dagrun

    def once(name: str, *, marked: str | None = None, event: str = "", retries: int = 0, **conf: Any) -> Any:
        bag = DagBag()
        assert bag.import_errors == {}
        dag = bag.dags[name]
        dag.deadline = None
        for task in dag.tasks:
            changes = {"retries": retries, **({"retry_policy": None, "retry_delay": timedelta(0)} if retries else {})}
            if hasattr(task, "partial_kwargs"):
                task.partial_kwargs.update(changes)
            else:
                for attribute, value in changes.items():
                    setattr(task, attribute, value)
        logging.getLogger("airflow").setLevel(logging.ERROR)
        with monkeypatch.context() as patched:
            patched.setattr(dagrun, "get_or_create_dagrun", partial(_of_event, create, event))
            return dag.test(run_conf=conf or None, logical_date=None, mark_success_pattern=marked)

    return once


def _of_event(create: Callable[..., Any], event: str, *, session: Any, **about: Any) -> Any:
    """A run as the scheduler makes it for an event with the key of a partition."""
    made = create(session=session, **about)
    if event:
        made.partition_key = event
        session.commit()
    return made


def states(run: Any) -> dict[str, list[str]]:
    """How each task of a run ended; a mapped one has several."""
    found: dict[str, list[str]] = {}
    for task in run.get_task_instances():
        found.setdefault(task.task_id, []).append(str(task.state))
    return {name: sorted(states) for name, states in found.items()}
