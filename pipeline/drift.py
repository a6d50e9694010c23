"""Whether a week's posts are still like those that the model learnt from, and whether reviewers still agree with it.

By source and ISO week: scores and words (PSI, see `pipeline.classify.shift`); by week: the share of decided labels that
fit. A week is compared with the model's reference, or else with the source's own first weeks. Counts only: nothing is
about an account, and no text is told. `look` writes what it found, so that the desk need not measure.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.classify.artefact import read_artefact
from pipeline.classify.cascade import FIRST
from pipeline.classify.features import Vocabulary
from pipeline.classify.shift import BINS, frequent, wilson
from pipeline.comparing import BASE_WEEKS, Comparing, NewWord, SourceDrift
from pipeline.core.decisions import DECIDED_LABELS, Verdict
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.i18n import _
from pipeline.ledger import verdicts
from pipeline.weeks import Week, Yardstick, files_by_week, kept_weeks, measured, week_of, write_json
from pipeline.workplace import Workplace

FEWEST_DECIDED = 20
"""Decisions on a label in a week, or in the weeks before, under which there is no level."""
REPORT = "report.json"
LABEL_WEEKS = 8
_ALARMING = 2  # weeks: the last whole one and the one that runs


@dataclass(frozen=True, slots=True)
class LabelDrift:
    """Of a week's decisions on a label, how many said that it fits; with 95 % intervals, and in the weeks before."""

    week: str
    label: str
    decided: int
    fits: int
    interval: tuple[float, float]
    before_decided: int
    before_fits: int
    before_interval: tuple[float, float]
    level: str


@dataclass(frozen=True, slots=True)
class Report:
    """What `look` found. `alarms` are of the last two weeks; `notes` say what could not be compared, and why."""

    office: str
    model: str
    against: str
    made_at: str
    weeks: tuple[str, ...]
    sources: tuple[SourceDrift, ...]
    labels: tuple[LabelDrift, ...]
    words: tuple[NewWord, ...]
    alarms: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def drift_folder(place: Workplace) -> Path:
    """Where the figures of weeks and the last report are kept."""
    return place.home.root / "drift"


def look(place: Workplace, number: int, week: str = "") -> Report:
    """Measure all weeks at hand and compare the last `number` of them, or one; keeps the report of the last ones.

    Raises ConfigError if that week has no posts.
    """
    yardstick, reference = _yardstick(place)
    weeks, notes = _weeks(place, yardstick)
    if week and week not in weeks:
        known = (
            _("there are {first} to {last}").format(first=min(weeks), last=max(weeks)) if weeks else _("there are none")
        )
        raise ConfigError(_("no posts of the week {week} are here; {known}").format(week=week, known=known))
    shown = [week] if week else sorted(weeks)[-number:]
    if place.settings.drift.against == "own":
        reference = None
    elif reference is None:
        notes.append(
            _(
                "the model {name} has no reference: weeks are compared with each source's own first {count} weeks"
            ).format(name=yardstick.name, count=BASE_WEEKS)
        )
    comparing = Comparing(place.settings.drift, yardstick, reference, weeks)
    sources = tuple(drift for each in shown for drift in comparing.sources(weeks[each]))
    labels = tuple(_labels(place, shown))
    report = Report(
        office=place.settings.office.code,
        model=yardstick.name,
        against="training" if reference else "own",
        made_at=place.clock().astimezone(UTC).isoformat(),
        weeks=tuple(shown),
        sources=sources,
        labels=labels,
        words=tuple(word for each in shown for word in comparing.new_words(weeks[each])),
        alarms=tuple(_alarms(sources, labels, shown[-_ALARMING:])),
        notes=tuple(notes),
    )
    if not week:
        write_json(drift_folder(place) / REPORT, asdict(report))
    return report


def last_report(place: Workplace) -> dict[str, Any] | None:
    """What `look` found last, as JSON has it; None if it never looked, or the file is damaged."""
    try:
        told = json.loads((drift_folder(place) / REPORT).read_text(encoding="utf-8"))
        whole = set(told) == set(Report.__slots__) and isinstance(told["alarms"], list)
        whole = whole and datetime.fromisoformat(told["made_at"]).tzinfo is not None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return told if whole else None


def _yardstick(place: Workplace) -> tuple[Yardstick, dict[str, Any] | None]:
    folder, classifier = place.model_folder, place.classifier
    vocabulary, reference = _vocabulary(folder), _reference(folder)
    stems: Iterable[str] = reference["stems"] if reference else ()
    if not reference and vocabulary is not None:
        counted = zip(vocabulary.features[2], vocabulary.counts[2].tolist(), strict=True)
        stems = frequent({unit: count for unit, count in counted if isinstance(unit, str)}, vocabulary.documents)
    return Yardstick(classifier.name, classifier.digest, vocabulary, tuple(stems)), reference


def _vocabulary(folder: Path) -> Vocabulary | None:
    """The words that a model knows, of a cascade its first member's; a model of another kind has no list of words."""
    for place in (folder, folder / FIRST):
        try:
            return read_artefact(place).vocabulary
        except ModelError:
            continue
    return None


def _reference(folder: Path) -> dict[str, Any] | None:
    """The reference in a model's metrics.json, if it is one of ours."""
    try:
        found = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["reference"]
        binned = [*found["scores"].values(), *found["known"].values()]
        whole = found["version"] == 1 and found["documents"] > 0 and all(len(each["counts"]) == BINS for each in binned)
        whole = whole and found["mentions"] >= 0 and all(count >= 0 for count in found["stems"].values())
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if whole else None


def _weeks(place: Workplace, yardstick: Yardstick) -> tuple[dict[str, Week], list[str]]:
    folder, files = drift_folder(place), files_by_week(place.home.derived)
    found: dict[str, Week] = {}
    damaged: list[str] = []
    for week in sorted({*files, *kept_weeks(folder, yardstick)}):
        measure, broken = measured(folder, week, files.get(week, ()), yardstick)
        damaged += broken
        if measure.posts:
            found[week] = measure
    text = _("derived file of {partition} is damaged and left out; run `kentongan replay` for its partition")
    return found, [text.format(partition=partition) for partition in dict.fromkeys(damaged)]


# ---- what reviewers decided


def _labels(place: Workplace, weeks: Sequence[str]) -> Iterable[LabelDrift]:
    """By label, how decisions of each week agree with the signal, beside the weeks before; samples are in none."""
    said = _decisions(place)
    for week in weeks:
        earlier = sorted({name for name, _label in said if name < week})[-LABEL_WEEKS:]
        for label in DECIDED_LABELS:
            now, before = said[week, label], Counter[bool]()
            for name in earlier:
                before.update(said[name, label])
            if now or before:
                yield _label(week, label, now, before)


def _decisions(place: Workplace) -> dict[tuple[str, str], Counter[bool]]:
    """(week, label) -> decisions that stand on flags of this office: True fits, False does not."""
    office, zone = place.settings.office.code, place.settings.office.zone
    found: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
    with place.ledger.read() as db:
        standing = _standing(verdict for _seq, verdict in verdicts.since(db, [office]))
    for verdict in standing:
        if verdict.snapshot.get("sample_probability") is not None:
            continue
        week = week_of(verdict.at.astimezone(zone).date())
        for label in DECIDED_LABELS:
            if verdict.decisions.get(label) in ("fits", "not"):
                found[week, label][verdict.decisions[label] == "fits"] += 1
    return found


def _standing(given: Iterable[Verdict]) -> list[Verdict]:
    """The last verdict on each flag after what was taken back; they hang together by what they supersede."""
    root: dict[str, str] = {}
    stacks: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in given:
        first = root[verdict.id] = root.get(verdict.supersedes, verdict.id)
        if verdict.decisions:
            stacks[first].append(verdict)
        elif stacks[first]:
            stacks[first].pop()
    return [stack[-1] for stack in stacks.values() if stack]


def _label(week: str, label: str, now: Counter[bool], before: Counter[bool]) -> LabelDrift:
    ours, theirs = wilson(now[True], now.total()), wilson(before[True], before.total())
    if min(now.total(), before.total()) < FEWEST_DECIDED:
        level = "too_few"
    elif ours[1] < theirs[0] or theirs[1] < ours[0]:
        level = "alarm"  # the two intervals have nothing in common
    else:
        level = "steady" if ours[0] <= before[True] / before.total() <= ours[1] else "watch"
    return LabelDrift(
        week, label, now.total(), now[True], _rounded(ours), before.total(), before[True], _rounded(theirs), level
    )


def _rounded(interval: tuple[float, float]) -> tuple[float, float]:
    return round(interval[0], 4), round(interval[1], 4)


def _alarms(
    sources: Iterable[SourceDrift], labels: Iterable[LabelDrift], weeks: Sequence[str]
) -> Iterable[dict[str, Any]]:
    """What stands at `alarm` in these weeks; `what` is scores, unknown_words, words or decisions."""
    for each in sources:
        figures = [("scores", label, found) for label, found in each.scores.items()]
        figures += [("unknown_words", "", each.unknown), ("words", "", each.stems)]
        for what, label, found in figures:
            if found.level == "alarm" and each.week in weeks:
                told = {"what": what, "label": label, "psi": found.psi, "against": found.against}
                yield {"week": each.week, "source": each.source, **told}
    for decided in labels:
        if decided.level == "alarm" and decided.week in weeks:
            yield {"week": decided.week, "source": "", "what": "decisions", "label": decided.label}
