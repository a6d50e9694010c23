"""The ledger: what people decided and looked at, for good.

`with ledger.write() as db:` opens a transaction; the functions of these files work in it.

chain     append-only entries, hash-chained per office, and how they are verified
verdicts  decisions, each naming the one it supersedes
items     the desk's queue: order, claims, mirror
people    accounts, rights, sessions
claims    what fact-checkers wrote, and which flags carry it
audit     who looked at what; erasure, counts
"""

from __future__ import annotations

from pipeline.ledger.database import Ledger, open_ledger

__all__ = ["Ledger", "open_ledger"]
