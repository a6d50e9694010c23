"""What the tests of the ledger share: a moment, items, verdicts, and people who work at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from sqlalchemy import URL, Connection, make_url

from pipeline.core.decisions import Verdict
from pipeline.ledger import Ledger, chain, items, verdicts

__all__ = ["NOW", "OFFICE", "URL", "add", "decide", "later", "make_url", "new_item", "note", "said", "together"]

NOW = datetime(2024, 11, 20, 3, tzinfo=UTC)
OFFICE = "61"


def new_item(flag_id: str = "x~1", **changes: Any) -> items.NewItem:
    """An item as `put` takes it, the only one of its cluster unless told."""
    values: dict[str, Any] = {
        "flag_id": flag_id, "office": OFFICE, "partition": "2024-11-20/10", "source": "contoh", "kind": "post",
        "platform": "x", "published_at": None, "seen_at": NOW, "cluster": flag_id, "account": "kunci", "base": 1.0,
        "sample": False, "address": None, "tags": frozenset({("label", "threat")}),
    }  # fmt: skip
    return items.NewItem(**values | changes)


def add(ledger: Ledger, *flag_ids: str, **changes: Any) -> None:
    """Put items into the queue."""
    with ledger.write() as db:
        items.put(db, [new_item(flag_id, **changes) for flag_id in flag_ids])


def decide(db: Connection, flag_id: str = "x~1", status: Any = "confirmed", **changes: Any) -> Verdict:
    """Record a verdict that supersedes the last one unless told."""
    last = verdicts.latest(db, flag_id)
    values: dict[str, Any] = {
        "office": OFFICE, "reviewer": "penelaah", "at": NOW, "decisions": {"threat": "fits"}, "status": status,
        "supersedes": last.id if last else "",
    }  # fmt: skip
    return verdicts.record(db, Verdict(flag_id=flag_id, **values | changes))


def note(db: Connection, office: str = OFFICE, **changes: Any) -> chain.Entry:
    """Append an audit entry."""
    values: dict[str, Any] = {"kind": "audit", "action": "read", "at": NOW, "actor": "penelaah"}
    return chain.append(db, office=office, **values | changes)


def said(ledger: Ledger, *heads: str) -> list[str]:
    """What verification finds wrong."""
    with ledger.read() as db:
        return [problem.says for problem in chain.verify(db, heads).problems]


def together(work: Callable[[int], Any], count: int = 8) -> list[Any]:
    """Run the work that many times at the same moment, each in a thread of its own; raises what any of them raised."""
    barrier = Barrier(count)

    def start(number: int) -> Any:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(start, range(count)))


def later(**span: float) -> datetime:
    """A moment after NOW."""
    return NOW + timedelta(**span)
