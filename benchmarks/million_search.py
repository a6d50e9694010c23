"""Searching an index of very many flags: 40 queries of all sorts, each cold and warm, and the facets of the desk.

python benchmarks/million_search.py --flags 1000000 [--home FOLDER] [--data CSV]

Prints one JSON. A home that has its index already is used again. `cold`: the first query after the index was opened;
`warm`: the same query again, `desk`: all queries one after the other in one process, each once, after the first.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import million_posts

from pipeline.store.query import parse_query
from pipeline.store.sqlite import SQLiteStore

ZONE = ZoneInfo("Asia/Jakarta")
FACETS = ("label", "topic", "region", "source", "status", "day", "kind")
_WORDS = "suara tps bakar kantor petugas jangan orang di smelter kodong tidakadasamasekali".split()
QUERIES = (
    "",
    *_WORDS,
    *("bakar kantor", "surat suara", "membakar", "pembakaran kotak", "usir mereka dari kampung", "di yang itu"),
    *('"surat suara"', '"di depan"', '"kita bakar"', '"orang itu" besok', "suara -tps", "bakar -kantor -petugas"),
    *("indikasi:ancaman", "indikasi:kebencian wilayah:31", "wilayah:61.01", "sumber:sumber-00", "status:terbuka"),
    *("isu:isu-03 jenis:berita", "-jenis:berita kanal:x", "isu:isu-00 isu:isu-01 suara", "wilayah:32 bakar"),
    *("sejak:2026-12-01 sampai:2026-12-07", "hari:2026-12-24", "sejak:2027-01 suara", "sampai:2026-12-01 bakar"),
    *("sejak:2026-12-01 indikasi:hasutan wilayah:73", '"surat suara" sejak:2026-12-01 -isu:isu-05', "id:x~0", "61"),
)


def fill(home: Path, count: int, data: Path | None) -> dict[str, Any]:
    """Put the flags; what is there already stays."""
    store = SQLiteStore(home / "index.db", ZONE)
    began = time.process_time()
    if store.search(parse_query("", zone=ZONE), limit=0).total != count:
        store.put(million_posts.flags(count, data))
        spent = time.process_time() - began
        found: dict[str, Any] = {"put_flags_per_cpu_second": round(count / spent)}
    else:
        found = {}
    store.close()
    size = sum(path.stat().st_size for path in home.glob("index.db*"))
    return found | {"index_mb": round(size / 1e6), "bytes_per_flag": round(size / count)}


def measure(home: Path, profile: bool = False) -> dict[str, Any]:
    """Time all queries and the facets."""
    cold, warm, desk, facets, first, slow = [], [], [], [], [], {}
    shared = SQLiteStore(home / "index.db", ZONE)
    shared.search(parse_query("", zone=ZONE))
    for typed in QUERIES:
        query = parse_query(typed, zone=ZONE)
        desk.append(_timed(lambda query=query: shared.search(query)))
        facets.append(_timed(lambda query=query: shared.facets(query, FACETS)))
        warm.append(min(_timed(lambda query=query: shared.search(query)) for _ in range(3)))
        slow[typed] = round(desk[-1], 1), round(facets[-1], 1), round(warm[-1], 1)
    shared.close()
    for typed in QUERIES:
        store = SQLiteStore(home / "index.db", ZONE)
        query = parse_query(typed, zone=ZONE)
        cold.append(_timed(lambda store=store, query=query: store.search(query)))
        first.append(_timed(lambda store=store, query=query: store.facets(query, FACETS)))
        store.close()
    found: dict[str, Any] = {
        "queries": len(QUERIES),
        "desk": _percentiles(desk),
        "desk_and_facets": _percentiles([one + other for one, other in zip(desk, facets, strict=True)]),
        "facets": _percentiles(facets),
        "facets_cold": _percentiles(first),
        "warm": _percentiles(warm),
        "cold": _percentiles(cold),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    return found | ({"each": slow} if profile else {})


def _timed(call: Any) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1000


def _percentiles(times: Sequence[float]) -> dict[str, float]:
    """Milliseconds."""
    ordered = sorted(times)
    return {"p50": round(ordered[len(ordered) // 2], 1), "p95": round(ordered[int(len(ordered) * 0.95)], 1)}


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flags", type=int, required=True)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--each", action="store_true", help="also the time of each query")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        filled = fill(home, options.flags, options.data)
        print(json.dumps(filled | measure(home, options.each), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
