"""The gate: whether a model may serve in the place of the one that serves now.

It asks three things. Are the model's figures over the floors of models/floors.json? Does it still pass every class of
functional sentences that the one in service passes? And does it flag no lawful politics at all? The sentences are put
to both models here and now, with this office's thresholds; no file is believed for that. A named person may override
the first two, with a reason on the ledger; the third nobody may.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.core.errors import ModelError
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.types import Signal
from pipeline.train.floors import shortfalls
from pipeline.train.functional import NEVER, Check, ClassResult, FunctionalResult, run_checks

_MAX_METRICS = 10_000_000
_SHOWN = 8  # ids of failed sentences in a message


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model may not serve: the figure, what is wanted, what was found, and whether an override `lifts` it."""

    figure: str
    wanted: str
    found: str
    says: str
    lifts: bool = True


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate found on a candidate beside the model in service."""

    candidate: FunctionalResult
    served: FunctionalResult
    refusals: tuple[Refusal, ...]

    @property
    def absolute(self) -> tuple[Refusal, ...]:
        """What no override lifts."""
        return tuple(refusal for refusal in self.refusals if not refusal.lifts)


class AtOffice:
    """A classifier with the thresholds of an office's policy in the place of its own, as posts meet it."""

    def __init__(self, classifier: Classifier, thresholds: Mapping[str, float]) -> None:
        self.name, self.digest = classifier.name, classifier.digest
        self._classifier, self._thresholds = classifier, thresholds

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        """The signals of each text, with the office's thresholds."""
        found = self._classifier.classify(texts, reasons=reasons)
        return [tuple(self._with_threshold(signal) for signal in signals) for signals in found]

    def _with_threshold(self, signal: Signal) -> Signal:
        return replace(signal, threshold=self._thresholds.get(signal.label, signal.threshold))


def judge(
    candidate: Classifier,
    served: Classifier,
    metrics: Mapping[str, Any],
    floors: Mapping[str, Any],
    checks: Sequence[Check],
    threats: Classifier | None = None,
) -> Judgement:
    """Hold a candidate against the floors, the functional sentences and the model in service."""
    new, old = run_checks(candidate, checks, threats), run_checks(served, checks, threats)
    found = [*_under_floors(metrics, floors), *compare(new, old, floors), *_flags_politics(new)]
    return Judgement(new, old, tuple(found))


def compare(new: FunctionalResult, old: FunctionalResult, floors: Mapping[str, Any]) -> list[Refusal]:
    """The classes that the new model fails though the old one passes them, or that have a floor of their own."""
    functional = floors.get("functional", {})
    own, before = functional.get("at_least", {}), {each.name: each for each in old.classes}
    found = []
    for each in new.classes:
        mark, share = pass_mark(each, functional), _share(each)
        if each.name in NEVER:
            continue
        failed = _ids(each.failed)
        values = {"name": each.name, "right": each.right, "number": each.number, "failed": failed}
        if each.name in own and share < own[each.name]:
            says = _("functional class {name}: {right} of {number} right, the floor is {floor:.0%} (wrong: {failed})")
            says = says.format(**values, floor=own[each.name])
            found.append(Refusal(f"functional.{each.name}", f">= {own[each.name]}", f"{share:.3f}", says))
        elif share < mark and _share(before[each.name]) >= mark:
            says = _(
                "functional class {name}: {right} of {number} right, and the model in service passes it with {before} "
                "(wrong: {failed})"
            ).format(**values, before=before[each.name].right)
            found.append(Refusal(f"functional.{each.name}", f">= {mark}", f"{share:.3f}", says))
    return found


def pass_mark(result: ClassResult, functional: Mapping[str, Any]) -> float:
    """The share of right answers from which on a class is passed: all, or of attacks as many as floors.json says."""
    marks = functional.get("passed_from", {})
    return float(marks.get("should_flag", 0.6) if result.should_flag else marks.get("no_flag", 1.0))


def read_metrics(folder: Path) -> dict[str, Any]:
    """What was measured when the model was made; raises ModelError."""
    path = folder / "metrics.json"
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_METRICS + 1)
        metrics = json.loads(content) if len(content) <= _MAX_METRICS else None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(_("the figures in {path} cannot be read; train the model again").format(path=path)) from error
    if not isinstance(metrics, dict):
        raise ModelError(_("the figures in {path} cannot be read; train the model again").format(path=path))
    return metrics


def _under_floors(metrics: Mapping[str, Any], floors: Mapping[str, Any]) -> list[Refusal]:
    return [Refusal(each.figure, each.wanted, str(each.found), each.says) for each in shortfalls(metrics, floors)]


def _flags_politics(new: FunctionalResult) -> list[Refusal]:
    says = _("functional class {name}: {count} flagged, and none may be; nobody may override this (wrong: {failed})")
    found = []
    for each in new.classes:
        if each.name in NEVER and each.failed:
            text = says.format(name=each.name, count=len(each.failed), failed=_ids(each.failed))
            found.append(Refusal(f"functional.{each.name}", "0", str(len(each.failed)), text, lifts=False))
    missing = sorted(set(NEVER) - {each.name for each in new.classes})
    for name in missing:  # a floor that was not looked at is not passed
        text = _("functional class {name} has no sentences; install the program again").format(name=name)
        found.append(Refusal(f"functional.{name}", "0", "-", text, lifts=False))
    return found


def _share(result: ClassResult) -> float:
    return result.right / result.number if result.number else 0.0


def _ids(failed: Sequence[str]) -> str:
    return ", ".join(failed[:_SHOWN]) + (" ..." if len(failed) > _SHOWN else "")
