"""What an interface or list gave last time, so that the next time only what is new or changed comes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline.sources.feed_state import MAX_SEEN, FeedState, load_state, save_state

_CUT = "cut"  # no item's key, which are hexadecimal


class Seen:
    """Remembers a mark for each item; nothing is kept until `save`.

    `cut`: this run left the oldest items for a later one; `was_cut`: the last one did, so what is known is no end.
    """

    def __init__(self, path: Path, address: str) -> None:
        self._path = path
        self._state: FeedState = load_state(path, _hash(address))
        self._given: dict[str, str] = {}
        self._present: set[str] = set()
        self.was_cut = self._state.seen.pop(_CUT, "") != ""
        self.cut = False

    def is_new(self, name: str, payload: dict[str, Any]) -> bool:
        """Whether an item is new or not as it was; it counts as given from now on."""
        key, mark = _hash(name)[:32], _hash(json.dumps(payload, sort_keys=True))[:16]
        self._present.add(key)
        if self._given.get(key, self._state.seen.get(key)) == mark:
            return False
        self._given[key] = mark
        return True

    def save(self) -> None:
        """Keep what was given since this was made."""
        self._state.seen |= self._given
        gone = [key for key in self._state.seen if key not in self._present]  # most only stand on pages not asked for
        for key in gone[: max(0, len(self._state.seen) - MAX_SEEN)]:
            del self._state.seen[key]
        if self.cut:
            self._state.seen[_CUT] = _CUT
        save_state(self._path, self._state)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
