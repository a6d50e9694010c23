"""What the schedule costs over `kentongan run` by hand: the sample's exports, from the trigger to the index.

    .venv-airflow/bin/python benchmarks/bench_schedule.py [--rounds 3]

By hand each round is a new process, as from cron; the schedule runs all the while (SQLite, LocalExecutor).
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "deploy" / "airflow"))
from airflow_api import Api  # noqa: E402
from look import Look  # noqa: E402

SAMPLE = ROOT / "data" / "sample" / "sample.toml"
SOURCES = ("unggahan", "kanal")
CHAIN = ("ingest_export", "flag_posts", "index_flags")
_SECONDS = 300


def by_hand(home: Path) -> float:
    """Seconds of `kentongan run` on a new home."""
    environ = dict(os.environ) | {"KENTONGAN_CONFIG": str(SAMPLE), "KENTONGAN__PATHS__HOME": str(home)}
    named = [word for name in SOURCES for word in ("--source", name)]
    start = time.perf_counter()
    command = [sys.executable, "-m", "pipeline", "run", "--json", *named]
    subprocess.run(command, env=environ, check=True, capture_output=True)
    return time.perf_counter() - start


class Schedule:
    """The chain of DAGs on the same sources, by the API."""

    def __init__(self, look: Look) -> None:
        self._api = Api(look)
        self._api.take_off_pause(*CHAIN)

    def round(self) -> float:
        """Seconds from the trigger until one more run of the last DAG has ended."""
        before, start = self._ended(), time.perf_counter()
        self._api("POST", f"/api/v2/dags/{CHAIN[0]}/dagRuns", {"logical_date": None})
        while self._ended() == before:
            if time.perf_counter() - start > _SECONDS:
                raise SystemExit("the chain did not end")
            time.sleep(0.1)
        return time.perf_counter() - start

    def _ended(self) -> int:
        found = self._api("GET", f"/api/v2/dags/{CHAIN[-1]}/dagRuns?state=success&limit=1")
        return int(found["total_entries"])


def main(rounds: int) -> None:
    """Both by turns, each round on an empty home; prints medians and what lies between them."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        environ = dict(os.environ) | {"KENTONGAN_CONFIG": str(SAMPLE), "KENTONGAN__PATHS__HOME": str(home)}
        hand, scheduled = [], []
        with Look(Path(folder) / "airflow", environ) as look:
            schedule = Schedule(look)
            for at in range(rounds):
                hand.append(by_hand(Path(folder) / f"hand-{at}"))
                if home.exists():
                    home.rename(Path(folder) / f"scheduled-{at}")
                scheduled.append(schedule.round())
    one, other = statistics.median(hand), statistics.median(scheduled)
    print(f"by hand      {one:6.1f} s   ({', '.join(f'{each:.1f}' for each in hand)})")
    print(f"scheduled    {other:6.1f} s   ({', '.join(f'{each:.1f}' for each in scheduled)})")
    print(f"the schedule adds {other - one:.1f} s to a run: {len(CHAIN)} DAGs, eight tasks")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    main(parser.parse_args().rounds)
