"""Airflow as it is deployed: CeleryExecutor on Redis, PostgreSQL, FAB's logins; and workers that can be killed."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from airflow_api import family
from look import USER, Look

_READY_SECONDS = 120  # about 10 with nothing else to do


class Grown(Look):
    """The four components and workers. That a worker died is found in seconds; where it is deployed, in minutes."""

    def __init__(self, home: Path, environ: Mapping[str, str], database: str, broker: str, dags: Path) -> None:
        self._database = database.replace("+psycopg:", "+psycopg2:")
        self._broker = broker
        self._begun: dict[str, tuple[str, ...]] = {}
        super().__init__(home, environ, dags=dags)

    def settings(self) -> dict[str, str]:
        """Those of deploy/airflow/airflow.env.example, with shorter times."""
        return super().settings() | {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": self._database,
            "AIRFLOW__CELERY__BROKER_URL": self._broker,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{self._database}",
            "AIRFLOW__CELERY__WORKER_ENABLE_REMOTE_CONTROL": "False",
            "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC": "3",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "12",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
        }

    def prepare(self) -> None:
        """The password is one of this run: that others may read it among a command's words does no harm here."""
        self.call("db", "migrate")
        self.call("pools", "import", str(Path(__file__).resolve().parents[2] / "deploy" / "airflow" / "pools.json"))
        person = ("--firstname", "A", "--lastname", "B", "--email", "admin@example.go.id")
        self.call("users", "create", "--username", USER, "--role", "Admin", "--password", self.password, *person)

    def begin(self, name: str, *words: str) -> None:
        """As always, and remember how."""
        self._begun[name] = words
        super().begin(name, *words)

    def revive(self, *names: str) -> None:
        """Start again what was killed or ended by itself, as the units do (`Restart=always`)."""
        for name in names:
            self.running.pop(name, None)
            self.begin(name, *self._begun[name])

    def work(self, *names: str) -> None:
        """Start workers, and wait until they take tasks."""
        for name in names:
            pid = str(self.home / f"{name}.pid")
            # Without its log server, which would hear on every interface
            options = ("--celery-hostname", f"{name}@%h", "--concurrency", "1", "--pid", pid, "--skip-serve-logs")
            self.begin(name, "celery", "worker", *options, "--without-mingle", "--without-gossip")
        end = time.monotonic() + _READY_SECONDS
        for log in (self.home / f"{name}.log" for name in names):
            while " ready." not in log.read_text(errors="replace"):
                assert not self.dead(), log.read_text(errors="replace")[-2_000:]
                assert time.monotonic() < end, f"{log.stem} is not ready"
                time.sleep(0.2)

    def received_again(self) -> int:
        """How many messages came more than once."""
        logs = "".join(path.read_text(errors="replace") for path in self.home.glob("w*.log"))
        received = Counter(re.findall(r"execute_workload\[([0-9a-f-]+)\] received", logs))
        return sum(count > 1 for count in received.values())

    def worker_of(self, pid: int) -> str:
        """Which of our processes a process descends from."""
        return next(name for name, each in self.running.items() if pid in family(each.pid))

    def kill(self, name: str) -> None:
        """End one of ours and all that it started at once, as a machine does that loses power."""
        process = self.running.pop(name)
        for pid in family(process.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
