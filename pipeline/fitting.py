"""Both thresholds of claims, from ordinary posts and from what reviewers said of matches.

A threshold is where no more than the accepted share of ordinary posts still matches. Reviewers can only raise the upper
one: they see what matched, never what did not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.core.batches import batched
from pipeline.core.clock import partition_of
from pipeline.core.decisions import CLAIM, Verdict
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.enrich.claims import Thresholds
from pipeline.landing.derived import derived_file, derived_partitions, read_derived
from pipeline.ledger import audit, verdicts
from pipeline.matching import text_of

if TYPE_CHECKING:
    from pipeline.enrich.claims import ClaimMatcher
    from pipeline.workplace import Workplace

_LEAST_TEXTS = 1_000
_LEAST_OVER = 3  # of so many texts over a threshold the share is known well enough to lower it
_LEAST_JUDGED = 20
_WRONG = 0.10  # of judged matches
_STEP = 10_000  # a flag keeps scores with four digits: so does a threshold
_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """Both thresholds before and now, and what they were fitted to."""

    before: Thresholds
    now: Thresholds
    texts: int
    judged: int
    wrong: int
    notes: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, str, str]]:
        """(name, before, now) for a table."""
        return [
            (_("may match, from"), f"{self.before.suggest:.4f}", f"{self.now.suggest:.4f}"),
            (_("matches, from"), f"{self.before.match:.4f}", f"{self.now.match:.4f}"),
        ]

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self)


def fit(
    place: Workplace,
    ordinary: Sequence[Path],
    suggest_rate: float | None,
    match_rate: float | None,
    *,
    dry_run: bool,
    progress: Callable[[str, int], None],
) -> Fitted:
    """Fit both thresholds and write them; rates are the settings' unless given.

    Raises ConfigError if there is nothing to fit them to.
    """
    suggest_rate = suggest_rate or place.settings.claims.suggest_rate
    match_rate = match_rate or place.settings.claims.match_rate
    matcher = place.matcher
    if matcher is None:
        raise ConfigError(_("no claim is known yet; run: kentongan claims sync"))
    before = matcher.thresholds
    scores = _scores(matcher, _lines(ordinary) if ordinary else _own_posts(place), progress)
    if ordinary and len(scores) < _LEAST_TEXTS:
        text = _("{count} ordinary posts are too few, {least} are needed: one text a line")
        raise ConfigError(text.format(count=len(scores), least=_LEAST_TEXTS))
    suggest, match, notes = before.suggest, before.match, []
    if len(scores) < _LEAST_TEXTS:
        text = _("only {count} unflagged posts of this office: {least} are needed, or files of texts with --ordinary")
        notes.append(text.format(count=len(scores), least=_LEAST_TEXTS))
    else:
        suggest = _by_rate(scores, suggest_rate)
        match, few = _by_rate(scores, match_rate), len(scores) < _LEAST_OVER / match_rate
        if few:
            text = _("{count} posts are too few to say what 1 in {rate:.0f} is: the upper threshold was not lowered")
            notes.append(text.format(count=len(scores), rate=1 / match_rate))
        if not ordinary:  # what matched is flagged and not among them
            notes.append(_("of the office's own posts those that matched are left out: they lower no upper threshold"))
        if few or not ordinary:
            match = max(match, before.match)
    judged = _judged(place, matcher.name)
    raised = _by_reviewers(judged, match)
    if raised > match:
        notes.append(_("raised to {now:.4f}: of the judged matches too many were wrong").format(now=raised))
    now = Thresholds(suggest=min(suggest, raised), match=raised)
    wrong = sum(not right for _score, right in judged)
    if not dry_run and now != before:
        _keep(place, before, now)
    return Fitted(before, now, len(scores), len(judged), wrong, tuple(notes))


def _keep(place: Workplace, before: Thresholds, now: Thresholds) -> None:
    now.write(place.thresholds_file)
    place.claims_changed()
    details = {"hashes": place.watched(), "changed": ["claim_thresholds"], "before": asdict(before), "now": asdict(now)}
    with place.ledger.write() as db:
        audit.note(
            db, "config", office=place.settings.office.code, actor=place.actor, at=place.clock(), details=details
        )


# ---- ordinary posts


def _lines(files: Iterable[Path]) -> Iterator[str]:
    for path in files:
        try:
            with path.open(encoding="utf-8-sig", errors="replace") as file:
                yield from (text for line in file if (text := line.strip()))
        except OSError as error:
            raise ConfigError(
                _("{name} cannot be read: {problem}").format(name=path, problem=error.strerror)
            ) from error


def _own_posts(place: Workplace) -> Iterator[str]:
    """What the office has of the last `back_days` that nothing flagged."""
    since = place.clock() - timedelta(days=place.settings.claims.back_days)
    for partition in derived_partitions(place.home.derived, partition_of(since, place.settings.office.zone)):
        path = derived_file(place.home.derived, partition)
        for flag in read_derived(path) if path else ():
            if not flag.why and not any(match.level == "match" for match in flag.claims):
                yield text_of(flag.post)


def _scores(matcher: ClaimMatcher, texts: Iterable[str], progress: Callable[[str, int], None]) -> list[float]:
    """Of each text the likeness of the best debunked claim, highest first."""
    scores: list[float] = []
    for batch in batched(texts, _BATCH):
        scores += matcher.top_scores(batch)
        progress("fit", len(batch))
    return sorted(scores, reverse=True)


def _by_rate(scores: Sequence[float], rate: float) -> float:
    """The least threshold, with four digits, that no more than this share of the scores reaches."""
    first_below = scores[min(int(rate * len(scores)), len(scores) - 1)]
    return (math.floor(first_below * _STEP) + 1) / _STEP


# ---- what reviewers said


def _judged(place: Workplace, model: str) -> list[tuple[float, bool]]:
    """(likeness, whether it was right) of each match that a person decided on, highest first.

    A decision that was taken back or superseded, or that covers the copies of a post, does not count; nor does one on
    a score of another ranker.
    """
    standing: dict[str, Verdict] = {}
    with place.ledger.read() as db:
        for _seq, verdict in verdicts.since(db):
            standing.pop(verdict.supersedes, None)
            standing[verdict.id] = verdict
    found = (each for verdict in standing.values() if not verdict.bulk for each in _said(verdict, model))
    return sorted(found, reverse=True)


def _said(verdict: Verdict, model: str) -> Iterator[tuple[float, bool]]:
    seen: Any = verdict.snapshot
    if model not in seen.get("models", ()):
        return
    for code, decision in verdict.decisions.items():
        match = seen.get("claims", {}).get(code.removeprefix(CLAIM)) if code.startswith(CLAIM) else None
        if match and match["level"] == "match" and decision in ("fits", "not"):
            yield float(match["score"]), decision == "fits"


def _by_reviewers(judged: Sequence[tuple[float, bool]], match: float) -> float:
    """The threshold, raised if of the judged matches over it too many were wrong."""
    over = [(score, right) for score, right in judged if score >= match]
    if len(over) < _LEAST_JUDGED or _share_wrong(over) <= _WRONG:
        return match
    good = [score for score, _right in over if _share_wrong([each for each in over if each[0] >= score]) <= _WRONG]
    return min(good) if good else over[0][0] + 1 / _STEP


def _share_wrong(judged: Sequence[tuple[float, bool]]) -> float:
    return sum(not right for _score, right in judged) / len(judged)
