"""What stands in a home, less what depends on the minute: to say whether two homes hold the same."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from sqlalchemy import select

from pipeline.core.codec import flag_to_dict
from pipeline.core.types import Query
from pipeline.landing.derived import read_derived, read_notes
from pipeline.landing.raw import read_header, read_part
from pipeline.ledger import chain
from pipeline.ledger.schema import entry, item, item_tag
from pipeline.workplace import Workplace

_TIMES = ("fetched_at", "expires_at")
_ITEM_TIMES = ("seen_at", "decided_at", "held_until", "rev")
_SQLITE = ("-wal", "-shm", "-journal")
_DATABASES = ("index.db", "ledger.db")

State = dict[str, Any]


def state_of(place: Workplace) -> State:
    """All that stands in a home, by name: files, items, posts, flags, queue, chain."""
    root = place.home.root
    files = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
    state: State = {"files": [name for name in files if not name.endswith(_SQLITE)]}
    for name in state["files"]:
        path = root / name
        if name.startswith("landing/"):
            raws = [(raw.source, raw.connector, raw.place, raw.payload) for raw in read_part(path)]
            state[name] = (read_header(path)["settings"], raws)
        elif name.startswith("quarantine/"):
            lines = path.read_text(encoding="utf-8").splitlines()
            state[name] = [{**json.loads(line), "at": ""} for line in lines]
        elif name.endswith("signatures.parquet"):
            state[name] = pq.read_table(path).to_pylist()
        elif name.endswith(".parquet"):
            flags = [_without(flag_to_dict(flag, private=True), _TIMES) for flag in read_derived(path)]
            state[name] = (read_notes(path), flags)
        elif name == "purged.json":
            state[name] = sorted(json.loads(path.read_text(encoding="utf-8")))
        elif not name.startswith("lock/") and name not in _DATABASES:
            state[name] = path.read_bytes()
    return state | _index(place) | _ledger(place)


def _index(place: Workplace) -> State:
    flags = [hit.flag for hit in place.store.search(Query(), limit=1000).hits]
    found: State = {
        f"index {flag.id}": _without(flag_to_dict(flag, private=True), _TIMES) | {"status": flag.status}
        for flag in flags
    }
    return found | {"index facets": place.store.facets(Query(), ("status", "label", "topic"))}


def _ledger(place: Workplace) -> State:
    state: State = {}
    with place.ledger.read() as db:
        verified = chain.verify(db)
        state["ledger problems"] = [problem.says for problem in verified.problems]
        for row in db.execute(select(item)):
            state[f"queue {row.flag_id}"] = _without(row._asdict(), _ITEM_TIMES)
        state["queue tags"] = sorted(tuple(row) for row in db.execute(select(item_tag)))
        for row in db.execute(select(entry).order_by(entry.c.number)):
            said = _without(json.loads(row.body)["details"], ("supersedes",))
            state.setdefault(f"chain {row.subject}", []).append((row.kind, row.action, row.actor, said, row.payload))
    return state


def without_actors(state: State) -> State:
    """The same, less who did it: where one home is worked in by a person and the other by the schedule."""
    return {
        name: [(kind, action, *rest) for kind, action, _actor, *rest in value] if name.startswith("chain ") else value
        for name, value in state.items()
    }


def differences(expected: State, found: State) -> list[str]:
    """Where the second state differs from the first, in words; empty if they are the same."""
    said = [f"{name} is missing" for name in expected if name not in found]
    said += [f"{name} is too much" for name in found if name not in expected]
    return said + [f"{name} differs" for name in expected if name in found and expected[name] != found[name]]


def leftovers(home: Path) -> list[str]:
    """Files that a killed run left aside, locks that are still held, and files that others may read."""
    found = [f"{path.relative_to(home)} was left" for path in home.rglob("*") if path.name.startswith(".tmp-")]
    found += [f"{path.name} is still locked" for path in (home / "lock").glob("*") if _is_held(path)]
    readable = [path for path in (*home.glob("*.db*"), *home.glob("secret/*")) if path.stat().st_mode & 0o077]
    return found + [f"{path.relative_to(home)} is open to others" for path in readable]


def _is_held(lock: Path) -> bool:
    with lock.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _without(values: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}
