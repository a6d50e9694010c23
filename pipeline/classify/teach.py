"""Active learning: which of the posts that nothing flagged would teach the model most if a person judged them.

Those nearest to a decision (uncertainty sampling; Lewis and Gale 1994). They are chosen, not drawn: a dataset learns
from them and no recall is estimated from them. What a candidate in the shadow would have flagged goes first. A choice
depends on the partition alone, so a replay makes the same.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pipeline.classify.policy import Policy, doubt, may_ask, sample_rank
from pipeline.core.types import Flag


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """An unflagged post, by its row in the partition; the smaller, the more it would teach."""

    agrees: bool  # with the candidate in the shadow, if there is one: False sorts first
    doubt: float
    rank: float
    row: int


def candidate(flag: Flag, policy: Policy, row: int) -> Candidate | None:
    """The post as one that may be asked about, or None: it is flagged, private, press, or every model is sure."""
    far = doubt(flag, policy)
    if (far is None and not flag.differs) or not may_ask(flag):
        return None
    return Candidate(not flag.differs, 1.0 if far is None else far, sample_rank(f"teach {flag.id}"), row)


def room_at(per_day: int, hour: int, taken: int) -> int:
    """How many may be asked about in that hour (0 to 23) if `taken` were already that day.

    The day's number is let out over its hours, so that what comes in the night does not take it all.
    """
    return max(0, math.ceil(per_day * (hour + 1) / 24) - taken)


def choose(candidates: Iterable[Candidate], room: int, may: Callable[[int], bool]) -> set[int]:
    """The rows to ask about: the first `room` of those that `may`."""
    return {each.row for each in heapq.nsmallest(room, (each for each in candidates if may(each.row)))}
