"""A day again by the schedule: 24 hourly partitions through flag_posts and index_flags, and the memory of each task.

    .venv-airflow/bin/python benchmarks/bench_backfill.py [--posts 50000] [--hours 24]

Posts of a partition are the project's own sample put together anew (million_posts.py). SQLite, LocalExecutor: each task
is a process, whose peak of resident memory is read while it lives. Flat: the last partitions take what the first took.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "deploy" / "airflow"))
from airflow_api import Api, family  # noqa: E402
from look import Look  # noqa: E402
from million import peak_mb  # noqa: E402

CHAIN = ("flag_posts", "index_flags")
DAY = "2026-11-21"
_EVERY = 0.25  # seconds between two looks at the processes
_HOURS = 3  # after which it gives up


class Peaks(threading.Thread):
    """The peak of resident memory, in MB, of each process that lives under one, by pid."""

    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self._root, self.found, self.ended = root, dict[int, int](), threading.Event()

    def run(self) -> None:
        while not self.ended.wait(_EVERY):
            for pid in family(self._root)[1:]:
                with suppress(OSError, StopIteration):  # it ended meanwhile
                    self.found[pid] = peak_mb(Path(f"/proc/{pid}/status"))


class Backfill:
    """The day, by the API."""

    def __init__(self, look: Look) -> None:
        self._api = Api(look)

    def start(self) -> str:
        """Take the chain off pause, and ask for the day; returns the run."""
        self._api.take_off_pause(*CHAIN)
        conf = {"logical_date": None, "conf": {"since": DAY, "until": DAY}}
        return str(self._api("POST", "/api/v2/dags/flag_posts/dagRuns", conf)["dag_run_id"])

    def wait(self, hours: int) -> None:
        """Until so many partitions are in the index."""
        end = time.monotonic() + _HOURS * 3600
        while (ended := self._count("index_flags", "success")) < hours:
            if failed := [dag for dag in CHAIN if self._count(dag, "failed")]:
                raise SystemExit(f"{', '.join(failed)} failed")
            if time.monotonic() > end:
                raise SystemExit(f"only {ended} partitions are in the index")
            time.sleep(2)

    def tasks(self, dag: str, task: str, run: str = "~") -> list[dict[str, Any]]:
        """The instances of a task, in the order in which they began."""
        found = self._api("GET", f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?task_id={task}&limit=1000")
        wanted = [each for each in found["task_instances"] if each["task_id"] == task]
        return sorted(wanted, key=lambda each: str(each["start_date"]))

    def _count(self, dag: str, state: str) -> int:
        return int(self._api("GET", f"/api/v2/dags/{dag}/dagRuns?state={state}&limit=1")["total_entries"])


def _land(folder: Path, home: Path, posts: int, hours: int) -> None:
    script = [sys.executable, str(Path(__file__).with_name("million.py")), "--into", str(folder)]
    folder.mkdir()
    subprocess.run([*script, "--make", str(posts * hours), "--hours", str(hours)], check=True, capture_output=True)
    subprocess.run([*script, "--step", "ingest", "--home", str(home)], check=True, capture_output=True)


def _say(name: str, tasks: list[dict[str, Any]], peaks: dict[int, int]) -> None:
    memory = [peaks.get(task["pid"], 0) for task in tasks]
    seconds = [float(task["duration"]) for task in tasks]
    print(f"{name}: {len(tasks)} tasks, {sum(seconds):.0f} s together")
    print(f"  MB at most      {' '.join(f'{each:4d}' for each in memory)}")
    print(f"  seconds         {' '.join(f'{each:4.0f}' for each in seconds)}")
    third = max(1, len(memory) // 3)
    first, last = max(memory[:third]), max(memory[-third:])
    print(f"  the last third took {last / max(1, first):.2f} of the memory of the first")


def main(posts: int, hours: int) -> None:
    """Land, run the day, print what each task took."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        began = time.monotonic()
        _land(Path(folder) / "files", home, posts, hours)
        print(f"{hours} partitions of {posts:,} posts landed in {time.monotonic() - began:.0f} s", flush=True)
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KENTONGAN")}
        environ["KENTONGAN__PATHS__HOME"] = str(home)
        with Look(Path(folder) / "airflow", environ) as look:
            peaks, backfill = Peaks(look.running["scheduler"].pid), Backfill(look)
            peaks.start()
            began, run = time.monotonic(), backfill.start()
            backfill.wait(hours)
            print(f"flagged and indexed in {time.monotonic() - began:.0f} s")
            _say("flag", backfill.tasks("flag_posts", "flag", run), peaks.found)
            _say("index", backfill.tasks("index_flags", "index"), peaks.found)
            peaks.ended.set()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=50_000, help="of each partition")
    parser.add_argument("--hours", type=int, default=24, help="how many partitions")
    options = parser.parse_args()
    main(options.posts, options.hours)
