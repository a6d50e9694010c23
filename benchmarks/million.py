"""The curve: 10 k, 100 k, a million posts through ingest, flag and index, each step a process of its own.

python benchmarks/million.py --posts 10000 100000 1000000 [--flags 1000000] [--hours 24] [--data CSV] [--keep FOLDER]

Prints one JSON. Of each step: posts a CPU second and the peak of resident memory of its process, which goes through all
partitions; then the sizes on disk, replay of one partition, purge, and with `--flags` searching an index of that many.
`--data` takes the column `text` of a CSV for the measurement only; nothing of it is kept.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

_STEPS = ("ingest", "flag", "index", "replay", "purge")


def step(name: str, home: Path, files: Path) -> dict[str, Any]:
    """Take all partitions through one step, in this process."""
    import million_posts

    from pipeline import steps
    from pipeline.core.config import load_settings
    from pipeline.core.log import configure_logs
    from pipeline.sources.registry import guess_source
    from pipeline.workplace import Workplace

    configure_logs(load_settings(None, {})[0].log)
    paths = sorted(files.glob("*.csv"))
    now = million_posts.START + timedelta(minutes=30)
    place = Workplace(load_settings(None, {"KENTONGAN__PATHS__HOME": str(home)})[0], lambda: now)
    began = time.process_time()
    loaded = place.fingerprint if name in ("flag", "replay") else ""  # the model and the rules
    result: dict[str, Any] = {"load_seconds": round(time.process_time() - began, 1)} if loaded else {}
    began, wall, reports, each = time.process_time(), time.perf_counter(), [], []
    hours = [f"2026-11-21/{hour:02d}" for hour in range(len(paths))]
    for hour, path in zip(hours, paths, strict=True):
        begun = time.process_time()
        if name == "ingest":
            source, settings = guess_source(str(path), {})
            reports.append(steps.ingest(place, {source: settings}, partition=hour).report)
        elif name in ("flag", "index"):
            reports.append(getattr(steps, name)(place, hour, now=now))
        each.append(time.process_time() - begun)
        now += timedelta(hours=1)
    if name == "replay":
        reports += steps.replay(place, [hours[len(hours) // 2]])[:1]
    elif name == "purge":
        reports.append(steps.purge(place, now=now + timedelta(days=95)))
    spent = time.process_time() - began
    counts: dict[str, int] = {}
    for report in reports:
        for key, count in report.counts.items():
            counts[key] = counts.get(key, 0) + count
    place.close()
    total = sum(report.total for report in reports)
    return result | {
        "posts": total,
        "cpu_seconds": round(spent, 1),
        "seconds": round(time.perf_counter() - wall, 1),
        "posts_per_cpu_second": round(total / spent) if spent else 0,
        "first_and_last_partition_cpu_seconds": [round(each[0], 2), round(each[-1], 2)],
        "peak_rss_mb": _peak(),
        "counts": counts,
    }


def _peak() -> int:
    """The peak of resident memory of this process; that of getrusage may be its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        return peak_mb(status)
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def peak_mb(status: Path) -> int:
    """The peak of resident memory, in MB, that a process's file in /proc tells."""
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


def _in_a_process(*arguments: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, *arguments], stdout=subprocess.PIPE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def curve(count: int, hours: int, data: Path | None, folder: Path) -> dict[str, Any]:
    """One point of the curve."""
    files, home = folder / "files", folder / "home"
    files.mkdir(parents=True)
    script = str(Path(__file__))
    _in_a_process(script, "--make", str(count), "--into", str(files), "--hours", str(hours), *_given(data))
    result: dict[str, Any] = {}
    for name in _STEPS:
        if name == "purge":
            result["mb_on_disk"] = _sizes(home)
            result["clusters"] = _clusters(home)
        result[name] = _in_a_process(script, "--step", name, "--into", str(files), "--home", str(home))
        print(f"{count} {name}: {json.dumps(result[name])}", file=sys.stderr, flush=True)
    return result


def _given(data: Path | None) -> tuple[str, ...]:
    return ("--data", str(data)) if data else ()


def _sizes(home: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in home.rglob("*"):
        if path.is_file():
            name = path.relative_to(home).parts[0]
            sizes[name] = sizes.get(name, 0) + path.stat().st_size
    return {name: round(size / 1e6) for name, size in sorted(sizes.items()) if size > 500_000}


def _clusters(home: Path) -> dict[str, int]:
    """How many clusters of more than one post there are, and how many posts stand in them."""
    import pyarrow.parquet as pq

    sizes: dict[str, int] = {}
    for path in home.glob("derived/*/*/posts-*.parquet"):
        for name in pq.read_table(path, columns=["cluster"])["cluster"].to_pylist():
            sizes[name] = sizes.get(name, 0) + 1
    many = [size for size in sizes.values() if size > 1]
    return {"clusters": len(many), "posts": sum(many), "largest": max(many, default=0)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, nargs="*", default=[10_000, 100_000])
    parser.add_argument("--flags", type=int, default=0, help="search an index of that many flags")
    parser.add_argument("--hours", type=int, default=24, help="partitions, each one file")
    parser.add_argument("--data", type=Path, help="CSV with a column `text`")
    parser.add_argument("--keep", type=Path, help="folder for files and homes, which stay")
    parser.add_argument("--step", choices=_STEPS, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure and print; or be one of the processes that are measured."""
    options = _options()
    if options.make:
        import million_posts

        made = million_posts.write_files(options.into, options.make, options.hours, options.data)
        print(json.dumps({"files": len(made)}))
    elif options.step:
        print(json.dumps(step(options.step, options.home, options.into)))
    else:
        print(json.dumps(_measure(options), indent=1))


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    beside = Path(__file__).parent
    result: dict[str, Any] = {"python": platform.python_version(), "machine": platform.machine()}
    for count in options.posts:
        with tempfile.TemporaryDirectory() as folder:
            root = options.keep / str(count) if options.keep else Path(folder)
            result[str(count)] = curve(count, options.hours, options.data, root)
    if options.flags:
        script = str(beside / "million_search.py")
        result["search"] = _in_a_process(script, "--flags", str(options.flags), *_given(options.data))
    result["near_duplicates"] = _in_a_process(str(beside / "near_recall.py"), *_given(options.data))
    return result


if __name__ == "__main__":
    main()
