"""Our store on one Elasticsearch node beside the bare client, side by side in one run.

python benchmarks/elastic.py index --flags 20000 [--url URL]      writing: helpers.parallel_bulk of the same documents
python benchmarks/elastic.py search --flags 1000000 [--url URL]   searching: the same queries sent by hand

Without --url the node of the tests is started (see tests/services/elastic.py) with 2 GB. Prints one JSON. Everything
goes into indices of a prefix of its own, which a second `search` run finds filled; `--clean` removes them in the end.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import million_posts
from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk
from million_search import FACETS, QUERIES

from pipeline.core.config import StoreSettings
from pipeline.core.identity import subject_of
from pipeline.core.types import Flag
from pipeline.store.elastic.care import prepare
from pipeline.store.elastic.document import Writer
from pipeline.store.elastic.query import BEST, NEWEST, condition, counted
from pipeline.store.elastic.store import ElasticStore
from pipeline.store.query import parse_query
from pipeline.store.words import terms_of

ZONE = ZoneInfo("Asia/Jakarta")
WRITER = Writer(ZONE, lambda flag_id: f"https://desk.example/butir/{subject_of(flag_id)}", lambda _code: None)
ROUNDS = 3
PREFIX = "bench-"


def settings(url: str, prefix: str) -> StoreSettings:
    """A store on that node."""
    texts = dict.fromkeys(("user", "password_file", "api_key_file", "ca_file", "ca_fingerprint"), "")
    return StoreSettings(kind="elastic", urls=(url,), prefix=prefix, replicas=0, **texts)


def index(url: str, count: int) -> dict[str, Any]:
    """Write the same flags three ways in turn: through the store, bare from flags, bare from documents made before."""
    flags = list(million_posts.flags(count, None))
    documents = list(_actions(flags, ""))
    gc.freeze()  # nobody holds all flags; else the collector goes through them again and again, whoever writes
    ways: dict[str, Callable[[str], object]] = {
        "store": lambda prefix: ElasticStore(settings(url, prefix), WRITER).put(flags),
        "bare_making": lambda prefix: _bare(url, _actions(flags, prefix)),
        "bare_made": lambda prefix: _bare(url, ({**each, "_index": prefix + each["_index"]} for each in documents)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS):
        for name in sorted(ways, key=lambda name: (turn, name) if turn % 2 else (turn, name[::-1])):
            prefix = f"{PREFIX}{turn}-{name.replace('_', '-')}-"
            prepare(settings(url, prefix), WRITER)
            began = time.perf_counter()
            ways[name](prefix)
            seconds[name].append(time.perf_counter() - began)
            clean(url, prefix)
    best = {name: min(times) for name, times in seconds.items()}
    return {
        "flags": count,
        "flags_per_second": {name: round(count / time) for name, time in best.items()},
        "store_to_bare_making": round(best["bare_making"] / best["store"], 2),
        "store_to_bare_made": round(best["bare_made"] / best["store"], 2),
        "seconds": {name: [round(each, 1) for each in times] for name, times in seconds.items()},
    }


def _actions(flags: Iterable[Flag], prefix: str) -> Iterator[dict[str, Any]]:
    for flag in flags:
        made = WRITER.document(flag)
        name = f"{prefix}flags-v1-{flag.post.office}-{made['flag']['month']}"
        yield {"_op_type": "create", "_index": name, "_id": subject_of(flag.id), "_source": made}


def _bare(url: str, actions: Iterable[dict[str, Any]]) -> None:
    client = Elasticsearch(url)
    for ok, answer in parallel_bulk(client, actions):
        if not ok:
            raise SystemExit(str(answer))
    client.indices.refresh(index=f"{PREFIX}*")
    client.close()


def search(url: str, count: int) -> dict[str, Any]:
    """Each query through the store and by hand, in turn; the store's facets beside the same aggregations by hand."""
    chosen = settings(url, f"{PREFIX}search-")
    prepare(chosen, WRITER)
    store, client = ElasticStore(chosen, WRITER), Elasticsearch(url)
    filled = _fill(store, count)
    alias = f"{chosen.prefix}flags"
    times: dict[str, list[float]] = {name: [] for name in ("store", "by_hand", "store_facets", "facets_by_hand")}
    for typed in QUERIES:
        query = parse_query(typed, zone=ZONE)
        terms = terms_of(query)
        scored = bool(terms.must)
        asked = condition(query, terms, scored=scored)
        options: dict[str, Any] = {"sort": BEST if scored else NEWEST, "size": 21, "track_total_hits": True}
        plain = condition(query, terms, scored=False)
        aggregations: dict[str, Any] = {"size": 0, "aggs": counted(FACETS, 50), "track_total_hits": False}
        calls: dict[str, Callable[[], object]] = {
            "store": partial(store.search, query),
            "by_hand": partial(client.search, index=alias, query=asked, **options),
            "store_facets": partial(store.facets, query, FACETS),
            "facets_by_hand": partial(client.search, index=alias, query=plain, **aggregations),
        }
        for name, call in calls.items():
            call()  # once for the caches of both
            times[name].append(min(_timed(call) for _ in range(5)))
    found = {name: _percentiles(each) for name, each in times.items()}
    return filled | {
        "queries": len(QUERIES),
        "ms": found,
        "p95_ratio": round(found["store"]["p95"] / found["by_hand"]["p95"], 2),
        "p95_ratio_facets": round(found["store_facets"]["p95"] / found["facets_by_hand"]["p95"], 2),
    }


def _fill(store: ElasticStore, count: int) -> dict[str, Any]:
    """Put the flags unless they are there; the writer's memory is read at each tenth."""
    if store.search(parse_query("", zone=ZONE), limit=0).total == count:
        return {"flags": count}
    memory: list[int] = []
    began = time.perf_counter()
    store.put(_watched(million_posts.flags(count, None), count // 10, memory))
    spent = time.perf_counter() - began
    return {"flags": count, "put_flags_per_second": round(count / spent), "writer_rss_mb": memory}


def _watched(flags: Iterable[Flag], every: int, memory: list[int]) -> Iterator[Flag]:
    for number, flag in enumerate(flags, start=1):
        if number % every == 0:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            memory.append(pages * os.sysconf("SC_PAGE_SIZE") // 2**20)
        yield flag


def _timed(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _percentiles(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=20, method="inclusive")
    return {"p50": round(statistics.median(times), 1), "p95": round(cuts[18], 1)}


def clean(url: str, prefix: str) -> None:
    """Remove the indices of a prefix."""
    client = Elasticsearch(url)
    for name in client.indices.get(index=f"{prefix}*", allow_no_indices=True):
        client.indices.delete(index=name)
    client.close()


def main() -> None:
    """Start a node if need be, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("index", "search"))
    parser.add_argument("--flags", type=int, default=20_000)
    parser.add_argument("--url", default="")
    parser.add_argument("--clean", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        url = options.url
        if not url:
            sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
            harness = importlib.import_module("services.elastic")
            url = stack.enter_context(harness.running_node(heap="2g")).url
        found = (index if options.what == "index" else search)(url, options.flags)
        found["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps(found, indent=1))
        if options.clean:
            clean(url, PREFIX)


if __name__ == "__main__":
    main()
