"""The weeks of a source beside what they are compared with: the model's reference, or the source's own first weeks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.classify.features import Vocabulary
from pipeline.classify.shift import BINS, psi
from pipeline.core.config_drift import DriftSettings
from pipeline.weeks import MEASURED, SourceWeek, Week, Yardstick

BASE_WEEKS = 4
"""Weeks that others are compared with: a source's first ones; for new words and verdicts, those just before."""
MOST_GONE = 0.05
"""A week of which more posts are past their time says nothing: what is left of it was flagged."""
RISE = 4
MOST_WORDS = 20
MEANT = ("steady", "watch", "alarm")
"""Levels at which a PSI means something. The others: `too_few`: too few posts; `baseline`: of a week that others are
compared with; `gone`: too many of its posts are past their time; `unknown`: there is nothing to compare with."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of a source's week: its PSI against `against` ("training" or "own"), and mean now and there."""

    psi: float | None
    level: str
    mean: float | None
    before: float | None
    against: str


@dataclass(frozen=True, slots=True)
class SourceDrift:
    """A source in a week; `over`: share of its scored posts over each threshold; `unknown`: a mean share of words."""

    week: str
    source: str
    posts: int
    scored: int
    sampled: int
    scores: Mapping[str, Compared]
    over: Mapping[str, float | None]
    unknown: Compared
    stems: Compared


@dataclass(frozen=True, slots=True)
class NewWord:
    """A word that is frequent of late: its share of the sampled posts of all sources, now and before."""

    week: str
    word: str
    posts: int
    share: float
    before: float


class Comparing:
    """Compares weeks of one yardstick with the reference, or with each source's own first weeks."""

    def __init__(
        self,
        limits: DriftSettings,
        yardstick: Yardstick,
        reference: Mapping[str, Any] | None,
        weeks: Mapping[str, Week],
    ) -> None:
        self._limits = limits
        self._yardstick = yardstick
        self._reference = reference
        self._weeks = weeks

    def sources(self, week: Week) -> Iterator[SourceDrift]:
        """Each source of a week."""
        for name, now in sorted(week.sources.items()):
            base = self._base(name)
            mine = [each.sources[name] for each in base]
            said = "gone" if _is_gone(week) else "baseline" if week in base else ""
            compare = _Against(self._limits, self._reference, _pooled(mine), now, said)
            yield SourceDrift(
                week=week.week,
                source=name,
                posts=now.posts,
                scored=now.scored,
                sampled=now.sampled,
                scores={label: compare.scores(label) for label in MEASURED},
                over={label: _mean(now.over.get(label, 0), sum(now.counts.get(label, ()))) for label in MEASURED},
                unknown=compare.unknown(),
                stems=compare.stems(self._yardstick.stems),
            )

    def _base(self, source: str) -> list[Week]:
        """The source's first whole weeks under this model."""
        enough = (
            each
            for _name, each in sorted(self._weeks.items())
            if source in each.sources and not _is_gone(each) and each.sources[source].posts >= self._limits.min_posts
        )
        return [each for each, _number in zip(enough, range(BASE_WEEKS), strict=False)]

    def new_words(self, week: Week) -> list[NewWord]:
        """Words that are RISE times as frequent as in the training texts and in the weeks before; [] without any."""
        earlier = [each for name, each in sorted(self._weeks.items()) if name < week.week][-BASE_WEEKS:]
        before: Counter[str] = Counter()
        for each in earlier:
            before.update(each.words)
        texts = sum(each.sampled for each in earlier)
        vocabulary = self._yardstick.vocabulary
        if not texts or not week.sampled:
            return []
        found = []
        for word, posts in week.words.items():
            known = max(before[word] / texts, _document_share(vocabulary, word))
            share = posts / week.sampled
            if share >= RISE * known:
                found.append(NewWord(week.week, word, posts, round(share, 4), round(known, 4)))
        return sorted(found, key=lambda new: (-new.share, new.word))[:MOST_WORDS]


class _Against:
    """One source's week against its base: each figure with its PSI, level and means."""

    def __init__(
        self, limits: DriftSettings, reference: Mapping[str, Any] | None, own: SourceWeek, now: SourceWeek, said: str
    ) -> None:
        self._limits, self._reference, self._own, self._now, self._said = limits, reference, own, now, said

    def scores(self, label: str) -> Compared:
        """The scores of a label."""
        now, taught = self._now.counts.get(label, [0] * BINS), (self._reference or {}).get("scores", {}).get(label)
        mean = _mean(self._now.sums.get(label, 0.0), sum(now))
        if taught:
            return self._compared(now, taught["counts"], mean, taught["mean"], "training")
        before = self._own.counts.get(label, [0] * BINS)
        return self._compared(now, before, mean, _mean(self._own.sums.get(label, 0.0), sum(before)), "own")

    def unknown(self) -> Compared:
        """The share of words that the model's vocabulary lacks."""
        now, taught = self._now.known.get("word", [0] * BINS), (self._reference or {}).get("known", {}).get("word")
        mean = _lacking(_mean(self._now.known_sum, self._now.known_texts))
        if taught:
            return self._compared(now, taught["counts"], mean, _lacking(taught["mean"]), "training")
        before = self._own.known.get("word", [0] * BINS)
        return self._compared(now, before, mean, _lacking(_mean(self._own.known_sum, self._own.known_texts)), "own")

    def stems(self, listed: Sequence[str]) -> Compared:
        """How often the frequent stems are said, and all others together."""
        now = _said(self._now.stems, self._now.mentions, listed)
        if self._reference:
            before = _said(self._reference["stems"], self._reference["mentions"], listed)
            return self._compared(now, before, None, None, "training")
        return self._compared(now, _said(self._own.stems, self._own.mentions, listed), None, None, "own")

    def _compared(
        self, now: Sequence[int], before: Sequence[int], mean: float | None, mean_before: float | None, against: str
    ) -> Compared:
        if not sum(now) or not sum(before):
            few = self._now.posts < self._limits.min_posts
            return Compared(None, "too_few" if few else "unknown", mean, mean_before, against)
        value = round(psi(now, before), 4)
        return Compared(value, self._level(value, against), mean, mean_before, against)

    def _level(self, value: float, against: str) -> str:
        if self._now.posts < self._limits.min_posts:
            return "too_few"
        if self._said == "gone" or (self._said == "baseline" and against == "own"):
            return self._said
        if value > self._limits.alarm:
            return "alarm"
        return "watch" if value >= self._limits.watch else "steady"


def _is_gone(week: Week) -> bool:
    return week.gone > MOST_GONE * (week.posts + week.gone)


def _pooled(weeks: Sequence[SourceWeek]) -> SourceWeek:
    """Several weeks of one source as one."""
    whole = SourceWeek()
    for week in weeks:
        for name in ("posts", "scored", "sampled", "known_sum", "known_texts", "mentions"):
            setattr(whole, name, getattr(whole, name) + getattr(week, name))
        for name in ("sums", "over", "stems"):
            into = getattr(whole, name)
            for key, value in getattr(week, name).items():
                into[key] = into.get(key, 0) + value
        for name in ("counts", "known"):
            into = getattr(whole, name)
            for key, counts in getattr(week, name).items():
                into[key] = (np.array(into.get(key, [0] * BINS)) + counts).tolist()
    return whole


def _said(stems: Mapping[str, int], mentions: int, listed: Sequence[str]) -> list[int]:
    """How often each of these stems is said, and all others together; nothing if there is no list."""
    counts = [stems.get(stem, 0) for stem in listed]
    return [*counts, max(0, mentions - sum(counts))] if listed else []


def _document_share(vocabulary: Vocabulary | None, stem: str) -> float:
    """The share of the training texts with a stem; 0 where it is not known."""
    at = vocabulary.places[2].get(stem) if vocabulary else None
    return float(vocabulary.counts[2][at]) / vocabulary.documents if vocabulary and at is not None else 0.0


def _mean(total: float, number: int) -> float | None:
    return round(total / number, 4) if number else None


def _lacking(known: float | None) -> float | None:
    return None if known is None else round(1 - known, 4)
