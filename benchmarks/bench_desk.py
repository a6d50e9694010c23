"""Fifty reviewers at once on one worker of the desk, beside a bare page of the same framework: the ratio of p95.

Both servers run in processes of their own with the same server; the clients are the same too. "At ease" waits about a
second between two pages, as a quick person does; "flat out" does not wait at all and shows what one worker can give.

    python benchmarks/bench_desk.py [--people 50] [--pages 20]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import numpy as np

from pipeline.core.config import load_settings
from pipeline.core.resources import data_path
from pipeline.ledger import items, people
from pipeline.workplace import Workplace

_BARE = """
import uvicorn, socket
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
def page(request): return HTMLResponse("<!doctype html><title>bare</title><p>bare</p>")
bound = socket.socket(); bound.bind(("127.0.0.1", 0))
print(f"http://127.0.0.1:{bound.getsockname()[1]}", flush=True)
config = uvicorn.Config(Starlette(routes=[Route("/{rest:path}", page)]), log_config=None, lifespan="off")
uvicorn.Server(config).run(sockets=[bound])
"""
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


def main() -> None:
    """Run both and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--pages", type=int, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environ = dict(os.environ) | {"KENTONGAN__PATHS__HOME": folder, "KENTONGAN__REVIEW__PORT": "0"}
        subprocess.run(
            [*_kentongan(), "demo", "--home", folder, "--json"], check=True, env=environ, capture_output=True
        )
        cookies, keys = _prepared(folder, options.people)
        review = [*_kentongan(), "review", "--config", str(data_path("sample", "sample.toml"))]
        with (
            _served([sys.executable, "-c", _BARE], environ, "stdout") as bare,
            _served(review, environ, "stderr") as desk,
        ):
            result = {
                pace: {
                    "bare": asyncio.run(_measure(bare, cookies, ["/"], options.pages, wait)),
                    **{
                        name: asyncio.run(_measure(desk, cookies, paths, options.pages, wait))
                        for name, paths in {"queue": ["/antrean"], "item": [f"/butir/{key}" for key in keys]}.items()
                    },
                }
                for pace, wait in {"at_ease": 1.0, "flat_out": 0.0}.items()
            }
    for found in result.values():
        for name in ("queue", "item"):
            found[name]["p95_ratio"] = round(found[name]["p95_ms"] / found["bare"]["p95_ms"], 1)
    print(json.dumps({"people": options.people, "pages_each": options.pages, **result}, indent=2))


def _kentongan() -> list[str]:
    return [sys.executable, "-m", "pipeline"]


def _prepared(folder: str, count: int) -> tuple[list[str], list[str]]:
    """Session cookies of so many reviewers, and the keys of the items in the queue."""
    environ = {"KENTONGAN__PATHS__HOME": folder}
    place = Workplace(load_settings(data_path("sample", "sample.toml"), environ)[0])
    cookies = []
    with place.ledger.write() as db:
        for number in range(count):
            password, now = people.new_password(), place.clock()
            made = people.add(db, f"penelaah{number}", "00", "reviewer", password, now, must_change=False)
            cookies.append(people.start_session(db, made.id, place.clock())[0])
        keys = [row.subject for row in db.execute(items.waiting(["00"], place.clock()).limit(30))]
    place.close()
    return cookies, keys


@contextmanager
def _served(command: list[str], environ: dict[str, str], stream: str) -> Iterator[str]:
    process = subprocess.Popen(command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        found = None
        while found is None:
            line = getattr(process, stream).readline()
            if not line:
                raise RuntimeError(f"no server: {process.stderr.read() if process.stderr else ''}")
            found = _ADDRESS.search(line)
        yield found[0]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


async def _measure(base: str, cookies: list[str], paths: list[str], pages: int, wait: float) -> dict[str, float]:
    times: list[float] = []

    async def person(number: int, cookie: str) -> None:
        order = random.Random(number)
        async with httpx.AsyncClient(base_url=base, cookies={"kentongan-sesi": cookie}, timeout=120) as client:
            for _page in range(pages):
                await asyncio.sleep(wait * order.uniform(0.5, 1.5))
                began = time.perf_counter()
                answer = await client.get(order.choice(paths))
                times.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    raise RuntimeError(f"{answer.status_code} {answer.headers.get('location', '')}")

    began = time.perf_counter()
    await asyncio.gather(*(person(number, cookie) for number, cookie in enumerate(cookies)))
    whole = time.perf_counter() - began
    return {
        "p50_ms": round(float(np.percentile(times, 50)) * 1000, 1),
        "p95_ms": round(float(np.percentile(times, 95)) * 1000, 1),
        "pages_per_second": round(len(times) / whole, 1),
    }


if __name__ == "__main__":
    main()
