"""The whole job on real input: a labelled CSV as an export, and articles served as an RSS feed by a local server.

python benchmarks/real_input.py --tweets okky2019.csv --news click_id_articles.parquet [--articles 2000]

Prints counts, seconds and the peak of resident memory as JSON. The texts are read where they lie; nothing is kept.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow.parquet as pq

from pipeline import looking, steps
from pipeline.core.config import load_settings
from pipeline.core.log import configure_logs
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace


class _News(BaseHTTPRequestHandler):
    """One feed and its articles."""

    def __init__(self, articles: list[dict[str, Any]], *args: Any) -> None:
        self._articles = articles
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer /feed, /a/<number>; no robots.txt."""
        if self.path == "/feed":
            self._answer("application/rss+xml", self._feed())
        elif self.path.startswith("/a/"):
            self._answer("text/html; charset=utf-8", self._page(self._articles[int(self.path[3:])]))
        else:
            self.send_error(404)

    def _feed(self) -> str:
        host = self.headers["Host"]
        items = "".join(
            f"<item><title>{escape(article['title'])}</title><link>http://{host}/a/{number}</link>"
            f"<guid>http://{host}/a/{number}</guid></item>"
            for number, article in enumerate(self._articles)
        )
        return f'<rss version="2.0"><channel><title>news</title><link>http://{host}</link>{items}</channel></rss>'

    def _page(self, article: dict[str, Any]) -> str:
        paragraphs = "".join(f"<p>{escape(part)}</p>" for part in article["text"].split("\n") if part.strip())
        title = escape(article["title"])
        body = f"<article><h1>{title}</h1>{paragraphs}</article>"
        return f"<html><head><title>{title}</title></head><body>{body}</body></html>"

    def _answer(self, kind: str, text: str) -> None:
        body = text.encode("utf-8", "replace")
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: Any) -> None:
        """Silent."""


@contextmanager
def _served(articles: list[dict[str, Any]]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_News, articles))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/feed"
    finally:
        server.shutdown()


def _job(place: Workplace, address: str, partition: str) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    name, settings = guess_source(address, {})
    done, reports = steps.run(place, {name: settings}, partition=partition)
    return {
        "reports": {report.step: report.counts for report in reports},
        "tables": reports[1].tables if len(reports) > 1 else {},
        "failed": [str(item.error) for item in done.failed],
        "seconds": round(time.perf_counter() - began, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "items_per_cpu_second": round(done.report.total / (time.process_time() - cpu)),
    }


def main() -> None:
    """Run both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tweets", type=Path, required=True)
    parser.add_argument("--news", type=Path, required=True)
    parser.add_argument("--articles", type=int, default=2000)
    options = parser.parse_args()
    configure_logs(load_settings(None, {})[0].log)
    articles = pq.read_table(options.news, columns=["title", "text"]).slice(0, options.articles).to_pylist()
    with tempfile.TemporaryDirectory() as folder:
        environ = {"KENTONGAN__PATHS__HOME": f"{folder}/home", "KENTONGAN__FETCH__PACE": "0"}
        place = Workplace(load_settings(None, environ)[0])
        result: dict[str, Any] = {"tweets": _job(place, str(options.tweets), "2026-11-21/05")}
        with _served(articles) as address:
            result["news"] = _job(place, address, "2026-11-21/06")
        result["again"] = _job(place, str(options.tweets), "2026-11-21/07")
        queries = ("pilkada", "usir", "-pilkada")
        found = {words: place.store.search(looking.parse_query(place, words)).total for words in queries}
        place.close()
    result["search"] = found
    result["peak_rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(result, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
