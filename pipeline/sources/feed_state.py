"""What a feed's last reading left: its validators for a conditional GET, and which entries have been landed."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.core.files import written_aside

MAX_SEEN = 60_000  # entries remembered; more than one document may hold (entries.MAX_ENTRIES)
KEPT_GONE = 5_000  # of them such as the feed no longer shows: some feeds drop an entry and show it again
TRIES = 3  # times that an article which failed for now is opened


@dataclass
class FeedState:
    """`seen`: key of an entry -> mark of its present version; `failed`: key -> times its article was tried in vain.

    `address` is a hash of the feed's address: with another address nothing is known.
    """

    address: str
    etag: str | None = None
    modified: str | None = None
    seen: dict[str, str] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)

    def forget_gone(self, present: set[str]) -> None:
        """Keep of the entries that the feed no longer shows only the latest ones."""
        gone = [key for key in self.seen if key not in present]
        for key in gone[: max(0, len(gone) - KEPT_GONE, len(self.seen) - MAX_SEEN)]:
            del self.seen[key]
        self.failed = {key: tries for key, tries in self.failed.items() if key in present}


def load_state(path: Path, address: str) -> FeedState:
    """The state of the feed at that address; empty if there is none or it is damaged (what comes again is folded)."""
    try:
        stored: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return FeedState(address)
    if not isinstance(stored, dict) or stored.get("address") != address:
        return FeedState(address)
    etag, modified = stored.get("etag"), stored.get("modified")
    return FeedState(
        address,
        etag if isinstance(etag, str) else None,
        modified if isinstance(modified, str) else None,
        {key: mark for key, mark in _dict_of(stored, "seen").items() if isinstance(mark, str)},
        {key: tries for key, tries in _dict_of(stored, "failed").items() if isinstance(tries, int)},
    )


def save_state(path: Path, state: FeedState) -> None:
    """Write the state aside and rename it: a kill leaves the old one or the new one."""
    with written_aside(path) as aside, aside.open("w", encoding="utf-8") as file:
        json.dump(vars(state), file, separators=(",", ":"))


def _dict_of(stored: dict[str, Any], name: str) -> dict[str, Any]:
    found = stored.get(name)
    return found if isinstance(found, dict) else {}
