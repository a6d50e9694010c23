"""Texts that spread fast: clusters of which many copies from many accounts came within some hours.

Accounts are told apart by their keys, which never leave derived/: what comes out of here are clusters and counts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.clock import days_before, partition_of, partition_start
from pipeline.core.config import Claims
from pipeline.landing.derived import derived_file, derived_partitions

_PEOPLE = ("post", "comment", "forwarded")


def account_of(author_key: str | None) -> int:
    """A number in place of an account's key (eight bytes in memory instead of a hundred); 0 for none."""
    return int.from_bytes(blake2b(author_key.encode(), digest_size=8).digest(), "big") if author_key else 0


def fast_clusters(
    limits: Claims,
    clusters: Sequence[str],
    counted: Sequence[bool],
    accounts: Sequence[int],
    *,
    derived: Path,
    partition: str,
    days: int,
    zone: ZoneInfo,
) -> set[str]:
    """The clusters of a partition that spread fast and were not flagged for it in the `days` before.

    One value a row of the partition: its cluster, whether it counts, its account. A cluster of which any row does not
    count (it carries a checked claim, a protected topic covers it) is none.
    """
    if not limits.spread_copies:
        return set()
    barred = {name for name, counts in zip(clusters, counted, strict=True) if not counts}
    copies = Counter(name for name in clusters if name not in barred)
    people: defaultdict[str, set[int]] = defaultdict(set)
    for name, account in zip(clusters, accounts, strict=True):
        if name in copies and account:
            people[name].add(account)
    since = partition_of(partition_start(partition, zone) - timedelta(hours=limits.spread_hours - 1), zone)
    for earlier in derived_partitions(derived, min(since, days_before(partition, days))):
        path = derived_file(derived, earlier) if earlier < partition else None
        if path and copies:
            _add_earlier(path, copies, people, barred, recent=earlier >= since)
    return {
        name
        for name, count in copies.items()
        if name not in barred and count >= limits.spread_copies and len(people[name]) >= limits.spread_accounts
    }


def _add_earlier(
    path: Path, copies: Counter[str], people: defaultdict[str, set[int]], barred: set[str], *, recent: bool
) -> None:
    """Count the copies that came before, and bar what was flagged or carries a claim already."""
    table = pq.read_table(path, columns=["cluster", "why", "kind", "author_key"])
    table = table.filter(pc.is_in(table["cluster"], value_set=pa.array(list(copies), pa.string())))
    for row in table.to_pylist():
        if {"spread", "claim"} & set(row["why"]):
            barred.add(row["cluster"])
        elif recent and row["kind"] in _PEOPLE:
            copies[row["cluster"]] += 1
            if account := account_of(row["author_key"]):
                people[row["cluster"]].add(account)
