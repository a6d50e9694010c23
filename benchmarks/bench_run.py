"""The whole job, end to end, on one core: landing, derived posts, near duplicates, index; beside a naive loop.

python benchmarks/bench_run.py [--posts 15000] [--data CSV]

The naive loop does no more than score each post by itself with PySastrawi and scikit-learn (see bench_classify.py).
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import tempfile
import time
from pathlib import Path

import posts
from bench_classify import Naive

from pipeline import steps
from pipeline.core.config import load_settings
from pipeline.core.log import configure_logs
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

_NAIVE = 300  # posts of the naive loop: its speed does not depend on their number


def _naive(texts: list[str]) -> float:
    """Posts a CPU second of scoring alone, one post after the other, as bench_classify has it."""
    naive = Naive(texts)
    began = time.process_time()
    for text in texts[:_NAIVE]:
        naive.classify([text])
    return _NAIVE / (time.process_time() - began)


def _file(folder: Path, texts: list[str]) -> str:
    path = folder / "posts.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "published_at", "author", "platform"])
        writer.writerows([n, text, "2026-11-20T08:00:00+07:00", f"a{n % 997}", "x"] for n, text in enumerate(texts))
    return str(path)


def main() -> None:
    """Run and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=15_000)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    configure_logs(load_settings(None, {})[0].log)
    texts = posts.labelled(options.data) if options.data else posts.recombined(options.posts)
    naive = _naive(texts[:6_000])
    result: dict[str, float | int | dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Workplace(load_settings(None, {"KENTONGAN__PATHS__HOME": f"{folder}/home"})[0])
        name, settings = guess_source(_file(Path(folder), texts), {})
        assert place.fingerprint  # the model and the rules are loaded before the clock starts
        began = time.process_time()
        ingested, reports = steps.run(place, {name: settings})
        spent = time.process_time() - began
        place.close()
        result |= {report.step: report.counts for report in reports}
        assert not ingested.failed
    result["posts_per_cpu_second"] = round(len(texts) / spent)
    result["naive_scoring_posts_per_cpu_second"] = round(naive)
    result["ratio"] = round(len(texts) / spent / naive, 1)
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
