"""What parsing dags/ costs over an empty DAG, side by side: each file in a fresh fork, as Airflow's processor does it.

.venv-airflow/bin/python benchmarks/bench_dags.py
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "dags"
SAMPLE = FOLDER.parent / "data" / "sample" / "sample.toml"
EMPTY = 'from airflow.sdk import DAG\n\nwith DAG("empty", schedule=None):\n    pass\n'
ROUNDS = 9


def parse(path: Path) -> float:
    """Seconds of CPU that one parse takes in a fork of this process."""
    readable, writable = os.pipe()
    child = os.fork()
    if not child:
        start = time.process_time()
        bag = DagBag(str(path))
        took = time.process_time() - start
        os.write(writable, f"{took if not bag.import_errors else -1}".encode())
        os._exit(0)
    os.close(writable)
    os.waitpid(child, 0)
    with os.fdopen(readable) as pipe:
        took = float(pipe.read())
    if took < 0:
        raise SystemExit(f"{path} cannot be parsed")
    return took


def main() -> None:
    """A line a file: median seconds of CPU, and how much more that is than for an empty DAG."""
    files = sorted(path for path in FOLDER.glob("*.py") if not path.name.startswith("kentongan"))
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder) / "empty.py"
        empty.write_text(EMPTY)
        took: dict[Path, list[float]] = {path: [] for path in (empty, *files)}
        for _round in range(ROUNDS):  # one after the other, so that whatever else the machine does meets all
            for path, seconds in took.items():
                seconds.append(parse(path))
    base = statistics.median(took[empty])
    print(f"{'file':<24}{'CPU s':>8}{'over empty':>12}{'times':>8}")
    for path, seconds in took.items():
        median = statistics.median(seconds)
        print(f"{path.name:<24}{median:>8.3f}{median - base:>12.3f}{median / base:>8.1f}")


if __name__ == "__main__":
    sys.path.insert(0, str(FOLDER))
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"AIRFLOW_HOME": home, "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "KENTONGAN_CONFIG": str(SAMPLE)}
        os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
        from airflow.dag_processing.dagbag import DagBag

        main()
