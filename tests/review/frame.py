"""What the desk's tests share: its address, the password of all, a clock to move, a browser that sends our forms."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta

import httpx

from pipeline.ledger import people

with warnings.catch_warnings():
    # It asks for httpx2, a package that is not ours: the program itself needs httpx
    warnings.filterwarnings("ignore", message="Using `httpx` with `starlette.testclient`")
    from starlette.testclient import TestClient

BASE = "http://127.0.0.1:8100"
PASSWORD = "Empat kuda di pasar"
ELSEWHERE = "reviewer61"  # a reviewer of the office 61; the others work in 00 and are called after their roles

PeopleOf = dict[str, people.User]


class Clock:
    """The time in a test; it stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass, as in move(hours=3)."""
        self.now += timedelta(**by)


class Browser(TestClient):
    """A browser at the desk; `submit` posts a form as one of our own pages would, with its token."""

    csrf = ""

    def submit(self, path: str, **fields: str) -> httpx.Response:
        """Post a form."""
        return self.post(path, data={"csrf": self.csrf, **fields}, headers={"Origin": str(self.base_url)})
