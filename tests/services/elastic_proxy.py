"""A server between the store and a node: it notes what passes, and a test may answer in the node's place or cut in."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

PRODUCT = {"X-Elastic-Product": "Elasticsearch"}
_JSON = "application/vnd.elasticsearch+json;compatible-with=9"


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    body: bytes = b""

    @property
    def is_bulk(self) -> bool:
        return self.path.startswith("/_bulk")

    @property
    def writes(self) -> list[tuple[str, str]]:
        """Of a bulk: (operation, id) of each."""
        found, lines = [], iter(self.body.splitlines())
        for line in lines:
            ((operation, head),) = json.loads(line).items()
            found.append((operation, head["_id"]))
            if operation != "delete":
                next(lines)
        return found


@dataclass(frozen=True)
class Answered:
    """An answer."""

    status: int
    body: bytes = b""
    type: str = _JSON
    headers: Mapping[str, str] = field(default_factory=lambda: PRODUCT)

    @classmethod
    def json(cls, status: int, value: Any, **more: Any) -> Answered:
        return cls(status, json.dumps(value).encode(), **more)

    @property
    def value(self) -> Any:
        return json.loads(self.body)


def failure(status: int, kind: str, reason: str) -> Answered:
    """An error as Elasticsearch writes it."""
    error = {"type": kind, "reason": reason}
    return Answered.json(status, {"error": {"root_cause": [error]} | error, "status": status})


class Proxy:
    """`before` may answer in the node's place; `after` may change the node's answer, or lose it by giving None."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.url = ""
        self.seen: list[Asked] = []
        self.before: Callable[[Asked], Answered | None] = lambda _asked: None
        self.after: Callable[[Asked, Answered], Answered | None] = lambda _asked, answered: answered

    @property
    def bulks(self) -> list[Asked]:
        return [asked for asked in self.seen if asked.is_bulk]

    def answer(self, asked: Asked) -> Answered | None:
        """What comes back; None: the connection ends without a word."""
        self.seen.append(asked)
        return self.before(asked) or self.after(asked, self._forwarded(asked))

    def _forwarded(self, asked: Asked) -> Answered:
        parts = urlsplit(self.node)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        headers = {"Accept": _JSON} | ({"Content-Type": _JSON} if asked.body else {})
        if asked.is_bulk:
            headers["Content-Type"] = _JSON.replace("json", "x-ndjson")
        try:
            connection.request(asked.method, asked.path, asked.body or None, headers)
            answer = connection.getresponse()
            return Answered(answer.status, answer.read(), answer.headers.get("Content-Type", _JSON))
        finally:
            connection.close()


@contextmanager
def proxied(node: str = "") -> Iterator[Proxy]:
    """A proxy before a node, or a server of its own if `before` answers all."""
    proxy = Proxy(node)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def _pass(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answered = proxy.answer(Asked(self.command, self.path, body))
            self.close_connection = True
            if answered is None:
                return
            self.send_response(answered.status)
            for name, value in {**answered.headers, "Content-Type": answered.type, "Connection": "close"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answered.body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else answered.body)

        do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = _pass

        def log_message(self, *_words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        proxy.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield proxy
        finally:
            server.shutdown()
            thread.join()
