"""Airflow on this machine alone, for a look: four components on loopback, SQLite, a login made for this run.

`make airflow` runs it until Ctrl-C. Not for production: see docs/jadwal.md.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
POOLS = Path(__file__).resolve().parent / "pools.json"
SAMPLE = ROOT / "data" / "sample" / "sample.toml"
USER = "admin"
HEALTHY = ("metadatabase", "scheduler", "dag_processor", "triggerer")

_START_SECONDS, _STOP_SECONDS = 180, 30  # 15 to 20 s and 2 to 14 s on a machine with nothing else to do


class Look:
    """The components of one Airflow, each a process of ours; they end, by their pid, when the block is left.

    `home` is made anew; `dags` is the folder of the DAGs. Users are "name:role", with `password` as the one of all.
    """

    def __init__(
        self,
        home: Path,
        environ: Mapping[str, str],
        users: tuple[str, ...] = (f"{USER}:admin",),
        dags: Path = ROOT / "dags",
    ) -> None:
        self.home = home
        self._dags = dags
        self.port = _free_port()
        self.password = secrets.token_urlsafe(12)
        self._users = users
        self._environ = {**environ, **self.settings()}
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """Where the page and the API are."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Look:
        shutil.rmtree(self.home, ignore_errors=True)
        self.home.mkdir(parents=True, mode=0o700)
        try:
            self.prepare()
            self.begin("api-server", "api-server", "--host", "127.0.0.1", "--port", str(self.port))
            self.begin("scheduler", "scheduler", "--skip-serve-logs")  # its log server would hear on every interface
            self.begin("dag-processor", "dag-processor")
            self.begin("triggerer", "triggerer", "--skip-serve-logs")
            self._wait_until_healthy()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ask each to end, and insist with its group after a while: idle workers keep a scheduler now and then."""
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for process in self.running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.running.clear()

    def dead(self) -> list[str]:
        """The components that have ended by themselves."""
        return [name for name, process in self.running.items() if process.poll() is not None]

    def prepare(self) -> None:
        """Make the database, the pools and the logins."""
        names = [each.partition(":")[0] for each in self._users]
        _write_private(self.home / "passwords.json", json.dumps(dict.fromkeys(names, self.password)))
        self.call("db", "migrate")
        self.call("pools", "import", str(POOLS))

    def settings(self) -> dict[str, str]:
        """Secrets live in the environment of this run and, the password, in a file of mode 0600."""
        return {
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__CORE__DAGS_FOLDER": str(self._dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "4",
            "AIRFLOW__CORE__MAX_MAP_LENGTH": "10000",  # partitions of one run
            "AIRFLOW__CORE__DEFAULT_TIMEZONE": "Asia/Jakarta",
            "AIRFLOW__CORE__FERNET_KEY": urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(self._users),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(self.home / "passwords.json"),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.address}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.home}/airflow.db",
            "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(48),
            "AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(48),
            "AIRFLOW__API__BASE_URL": self.address,
        }

    def call(self, *words: str) -> None:
        """Run a command of Airflow to its end."""
        command = [sys.executable, "-m", "airflow", *words]
        done = subprocess.run(command, env=self._environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"airflow {' '.join(words)} failed:\n{done.stderr[-2_000:]}")

    def begin(self, name: str, *words: str) -> None:
        """Start a command that runs until the end; `name` is that of its log."""
        command = [sys.executable, "-m", "airflow", *words]
        with (self.home / f"{name}.log").open("ab") as log:
            # A session of its own: Ctrl-C reaches us alone, and we end each in order
            self.running[name] = subprocess.Popen(
                command, env=self._environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def _wait_until_healthy(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if dead := self.dead():
                raise SystemExit(f"{', '.join(dead)} ended; see {self.home}/{dead[0]}.log")
            if all(self._health().get(name, {}).get("status") == "healthy" for name in HEALTHY):
                return
            time.sleep(0.5)
        raise SystemExit(f"Airflow did not become healthy; see the logs in {self.home}")

    def _health(self) -> dict[str, Any]:
        try:
            with urllib.request.urlopen(f"{self.address}/api/v2/monitor/health", timeout=5) as answer:
                found: dict[str, Any] = json.load(answer)
                return found
        except (OSError, ValueError, urllib.error.URLError):
            return {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _write_private(path: Path, text: str) -> None:
    """Airflow itself would write it readable by all."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _interrupted(_signal: int, _frame: FrameType | None) -> None:
    """End once: a second signal (make passes TERM on) must not break off the ending of the components."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(home: Path) -> int:
    """Run until Ctrl-C or TERM; without settings of one's own the bundled sample is worked on, off pause."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupted)
    environ = dict(os.environ)
    own = "KENTONGAN_CONFIG" in environ
    if not own:
        environ |= {"KENTONGAN_CONFIG": str(SAMPLE), "KENTONGAN__PATHS__HOME": str(home / "kentongan")}
        environ["AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION"] = "False"
    print("Starting Airflow (half a minute) ...", flush=True)
    try:
        with Look(home, environ) as look:
            print(f"Airflow is open at {look.address} (stop it with Ctrl-C)")
            print(f"Name: {USER}   Password for this run: {look.password}")
            print(
                "The DAGs are paused: take off pause what is to run." if own else "DATA CONTOH: all of it is invented."
            )
            print(f"Logs: {home}", flush=True)
            while not (dead := look.dead()):
                time.sleep(1)
            print(f"{', '.join(dead)} ended; see the logs", file=sys.stderr)
            return 1
    except KeyboardInterrupt:
        print("Stopped.")
        return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute()))
