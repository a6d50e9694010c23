"""A running Airflow as benchmarks and tests talk to it: its API as one user, and the processes that it started."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from look import Look

_FOUND_SECONDS = 240  # until the DAG processor knows a DAG; some 10 with nothing else to do


class Api:
    """Airflow's API with the token of one user; an answer of 400 or more raises httpx.HTTPStatusError."""

    def __init__(self, look: Look, user: str = "admin") -> None:
        self._client = httpx.Client(base_url=look.address, timeout=60)
        token = self("POST", "/auth/token", {"username": user, "password": look.password})["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        return self._client.request(method, path, json=body).raise_for_status().json()

    def refusal(self, method: str, path: str, body: Any) -> tuple[int, str]:
        """What a call is answered with that is not allowed."""
        answer = self._client.request(method, path, json=body)
        return answer.status_code, answer.text

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def take_off_pause(self, *dags: str) -> None:
        """As soon as the DAG processor has found them."""
        end = time.monotonic() + _FOUND_SECONDS
        while missing := {*dags} - {found["dag_id"] for found in self("GET", "/api/v2/dags?limit=100")["dags"]}:
            if time.monotonic() > end:
                raise TimeoutError(f"the DAG processor does not find {', '.join(sorted(missing))}")
            time.sleep(0.5)
        for dag in dags:
            self("PATCH", f"/api/v2/dags/{dag}", {"is_paused": False})


def family(root: int) -> list[int]:
    """A process and its descendants, parents first."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found
