"""What a candidate in the shadow would have said in the last days, and which of the two models people found right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pipeline.classify.promoted import read_shadow
from pipeline.classify.shadow import COMPARED, OUTCOMES
from pipeline.core.clock import partition_of
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.landing.derived import derived_file, derived_partitions, read_differing, read_notes
from pipeline.ledger import verdicts

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pipeline.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Beside:
    """One label: over of whom, the mean |difference| of scores, and whom people found right where the two differ."""

    both: int
    served: int
    candidate: int
    neither: int
    distance: float
    right_served: int
    right_candidate: int
    undecided: int


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """A candidate beside one model in service (`served`, its hash), over so many partitions and posts."""

    name: str
    sha256: str
    served: str
    partitions: int
    posts: int
    labels: Mapping[str, Beside]


def report(place: Workplace, days: int) -> ShadowReport:
    """Sum up the partitions of the last `days` that the candidate (the last one, if it was taken away) scored.

    Only those beside the model that served last: two models in service are two comparisons.

    Raises ConfigError if no candidate scored any of them, ItemError if a file of derived/ is damaged.
    """
    since = partition_of(place.clock() - timedelta(days=days), place.settings.office.zone)
    found = [(path, notes) for path, notes in _noted(place, since) if notes]
    entry = read_shadow(place.home.root / "models")
    wanted = entry.sha256 if entry else found[-1][1]["sha256"] if found else ""
    of_it = [(path, notes) for path, notes in found if notes["sha256"] == wanted]
    mine = [(path, notes) for path, notes in of_it if notes["served"] == of_it[-1][1]["served"]]
    if not mine:
        raise ConfigError(
            _("no candidate scored a partition in the last {days} days; see: kentongan models shadow").format(days=days)
        )
    counts: Counter[tuple[str, str]] = Counter()
    distance: Counter[str] = Counter()
    with place.ledger.read() as db:
        for path, notes in mine:
            for label, said in notes["labels"].items():
                counts.update({(label, name): said[name] for name in OUTCOMES})
                distance[label] += said["distance"]
            for flag_id, differs, over in read_differing(path):
                counts.update((label, _found_right(db, flag_id, label, label in over)) for label in differs)
    posts = sum(notes["posts"] for _path, notes in mine)
    labels = {label: _beside(label, counts, distance[label], posts) for label in COMPARED}
    return ShadowReport(mine[-1][1]["name"], wanted, mine[-1][1]["served"], len(mine), posts, labels)


def _noted(place: Workplace, since: str) -> Any:
    for partition in derived_partitions(place.home.derived, since):
        path = derived_file(place.home.derived, partition)
        notes = read_notes(path)
        if path and not notes:  # damaged, or of an old program: the first is told
            list(read_differing(path))
        yield path, notes.get("shadow")


def _found_right(db: Connection, flag_id: str, label: str, over: bool) -> str:
    """Whom the decision that stands finds right: the model in service said `over`, the candidate the contrary."""
    stands = verdicts.latest(db, flag_id)
    said = stands.decisions.get(label) if stands else None
    if said not in ("fits", "not"):
        return "undecided"
    return "right_served" if (said == "fits") == over else "right_candidate"


def _beside(label: str, counts: Counter[tuple[str, str]], distance: float, posts: int) -> Beside:
    names = (*OUTCOMES, "right_served", "right_candidate", "undecided")
    return Beside(**{name: counts[label, name] for name in names}, distance=distance / posts if posts else 0.0)
