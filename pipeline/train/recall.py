"""How much of what fits a label the queue finds at all, estimated from the samples: nothing else can tell.

Horvitz and Thompson 1952: a sampled post that was drawn with probability p stands for 1/p posts that no rule flagged.
What was not reviewed is taken to be like what was, among samples and flags apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipeline.core.decisions import DECIDED_LABELS

FEWEST = 30
"""Samples with a decision under which no figure is printed."""
RESAMPLES = 500
_RULE_OF_THREE = 3.0  # with none among n drawn, up to 3/n may be among all (95 %); Hanley and Lippman-Hand 1983


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision on one label; `probability` is that with which a sample was drawn."""

    flag_id: str
    label: str
    sampled: bool
    probability: float | None
    fits: bool


@dataclass(slots=True)
class Reviewed:
    """How many samples and flags there were, and how many of them somebody decided on."""

    numbers: Counter[tuple[bool, bool]] = field(default_factory=Counter)

    def count(self, items: Iterable[tuple[bool, bool]]) -> None:
        """Count (is a sample, was decided) pairs."""
        self.numbers.update(items)

    def share(self, *, sampled: bool) -> float:
        """The share that was decided; 1 where nothing is known."""
        done, left = self.numbers[sampled, True], self.numbers[sampled, False]
        return done / (done + left) if done else 1.0


def estimate_recall(judged: Sequence[Judged], reviewed: Reviewed, seed: int) -> dict[str, dict[str, Any]]:
    """By label: samples, those that fit, flags that fit, and the recall with its 95 % interval, or why none."""
    return {
        label: _of_label([each for each in judged if each.label == label], reviewed, seed) for label in DECIDED_LABELS
    }


def _of_label(judged: Sequence[Judged], reviewed: Reviewed, seed: int) -> dict[str, Any]:
    ordered = sorted(judged, key=lambda each: each.flag_id)
    samples = [each for each in ordered if each.sampled and each.probability]
    flags = [each for each in ordered if not each.sampled]
    found: dict[str, Any] = {
        "samples": len(samples),
        "samples_that_fit": sum(each.fits for each in samples),
        "flags": len(flags),
        "flags_that_fit": sum(each.fits for each in flags),
    }
    if len(samples) < FEWEST:
        return found | {"recall": None, "why": "too_few_samples"}
    if not found["flags_that_fit"] and not found["samples_that_fit"]:
        return found | {"recall": None, "why": "nothing_fits"}
    missed = np.array([each.fits / (each.probability or 1.0) for each in samples]) / reviewed.share(sampled=True)
    caught = np.array([float(each.fits) for each in flags] or [0.0]) / reviewed.share(sampled=False)
    value = caught.sum() / (caught.sum() + missed.sum())
    rng = np.random.default_rng(seed)
    draws = [_share(_drawn(caught, rng), _drawn(missed, rng)) for _time in range(RESAMPLES)]
    low, high = np.nanquantile(draws, [0.025, 0.975])
    if not missed.any():  # resampling nothing says nothing
        weights = np.array([1.0 / (each.probability or 1.0) for each in samples]) / reviewed.share(sampled=True)
        low, high = caught.sum() / (caught.sum() + _RULE_OF_THREE * weights.mean()), 1.0
    return found | {"recall": {"value": _round(value), "low": _round(low), "high": _round(high)}, "why": ""}


def _drawn(values: np.ndarray[Any, np.dtype[np.float64]], rng: np.random.Generator) -> float:
    return float(values[rng.integers(len(values), size=len(values))].sum())


def _share(caught: float, missed: float) -> float:
    return caught / (caught + missed) if caught + missed else float("nan")


def _round(value: float) -> float:
    return round(float(value), 3)
