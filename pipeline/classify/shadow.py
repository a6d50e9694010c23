"""Shadow mode: a candidate scores every post beside the model in service, and decides nothing.

What it would have said is counted by label, and where the two differ on a label that flags, people look first, without
being told: their decisions say which of the two was right. No fingerprint of a flag changes with a candidate.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog

from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.policy import Policy, with_threshold
from pipeline.classify.promoted import SHADOW, Entry, read_shadow
from pipeline.classify.service import Mark, load_entry, mark_of
from pipeline.core.config import Models
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.types import FLAGGING_LABELS, Flag, Signal

_log = structlog.get_logger()

COMPARED = tuple(label for label in MODEL_LABELS if label in FLAGGING_LABELS)
OUTCOMES = ("both", "served", "candidate", "neither")
"""Over the threshold of both models, of the one in service only, of the candidate only, of neither."""


class ShadowService:
    """The candidate of one home; `renew` costs one `stat` while nothing changed. A damaged one is an alarm only."""

    def __init__(self, models: Models, home: Path) -> None:
        self._models = models
        self._place = home / "models"
        self._mark: Mark = None
        self._entry: Entry | None = None
        self._classifier: Classifier | None = None
        self.alarms: tuple[str, ...] = ()

    @property
    def classifier(self) -> Classifier | None:
        """The candidate, or None; the same until `renew`."""
        return self._classifier

    def renew(self) -> None:
        """Take up what was set since; what could not be used is tried again."""
        mark = mark_of(self._place / SHADOW)
        if mark == self._mark and not self.alarms:
            return
        told = self.alarms
        self._mark, self._classifier, self.alarms = mark, None, ()
        try:
            entry = read_shadow(self._place)
            if entry is not None:
                self._classifier = load_entry(entry, self._place, self._models).classifier
        except (ModelError, ConfigError) as error:
            self.alarms = (unusable(error),)
            if self.alarms != told:  # a worker asks for each partition: the log has it once
                _log.warning("model_alarm", alarms=list(self.alarms))


def unusable(error: Exception) -> str:
    """What is told where a candidate cannot score."""
    return _("no candidate scores beside the model in service: {error}").format(error=error)


@dataclass(slots=True)
class Comparison:
    """What a candidate says of the posts of one partition, beside the signals of the model in service (`served`)."""

    candidate: Classifier
    served: str
    policy: Policy
    posts: int = 0
    counts: dict[str, dict[str, int]] = field(
        default_factory=lambda: {label: dict.fromkeys(OUTCOMES, 0) for label in COMPARED}
    )
    distance: dict[str, float] = field(default_factory=lambda: dict.fromkeys(COMPARED, 0.0))

    def beside(self, flags: Sequence[Flag]) -> list[Flag]:
        """The flags, each with the labels on which the candidate says otherwise; counts them."""
        found = self.candidate.classify([flag.post.text for flag in flags], reasons=False)
        self.posts += len(flags)
        return [replace(flag, differs=self._differs(flag, others)) for flag, others in zip(flags, found, strict=True)]

    def _differs(self, flag: Flag, others: Sequence[Signal]) -> tuple[str, ...]:
        theirs = {signal.label: signal for signal in others}
        found = []
        for label in COMPARED:
            mine, other = flag.signal(label), theirs.get(label)
            if mine is None or other is None:
                continue
            over = with_threshold(other, self.policy).over
            self.counts[label][_outcome(mine.over, over)] += 1
            self.distance[label] += abs(mine.score - other.score)
            if over != mine.over:
                found.append(label)
        return tuple(found)

    def notes(self) -> dict[str, Any]:
        """As a partition keeps it: who was compared, and for each label the counts and the sum of |difference|."""
        labels = {label: self.counts[label] | {"distance": round(self.distance[label], 6)} for label in COMPARED}
        return {
            "name": self.candidate.name,
            "sha256": self.candidate.digest,
            "served": self.served,
            "posts": self.posts,
            "labels": labels,
        }


def _outcome(served: bool, candidate: bool) -> str:
    if served:
        return "both" if candidate else "served"
    return "candidate" if candidate else "neither"
