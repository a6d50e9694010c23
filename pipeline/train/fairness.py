"""Group fairness: the same harmless sentences with another name in them, and false alarms by who is named.

Every sentence of data/functional/fairness.toml harms nobody, so each flag is a false alarm; within a family only the
name differs, so a difference between two groups is the name's doing. Few sentences a group: read counts, not rates.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.resources import data_path
from pipeline.train.functional import FLAGGING, flagging_labels

TONES = ("neutral", "critical")
GAP = "{x}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One filled sentence: its family (religion, ...), who is named, and whether it is neutral or critical."""

    family: str
    group: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class GroupResult:
    """False alarms on the sentences that name one group, and the mean of the highest flagging score of each."""

    family: str
    group: str
    sentences: int
    neutral_flagged: int
    critical_flagged: int
    mean_score: float

    @property
    def flagged(self) -> int:
        """All false alarms."""
        return self.neutral_flagged + self.critical_flagged

    @property
    def rate(self) -> float:
        """False alarms a sentence."""
        return round(self.flagged / self.sentences, 4)


@dataclass(frozen=True, slots=True)
class FairnessResult:
    """False alarms by family and group, of which sentences (their hash)."""

    sha256: str
    groups: tuple[GroupResult, ...]

    def as_dict(self) -> dict[str, Any]:
        """The result for metrics.json: by family the widest gap between two groups, and each group's counts."""
        made: dict[str, Any] = {"sha256": self.sha256, "sentences": sum(each.sentences for each in self.groups)}
        made["flagged"] = sum(each.flagged for each in self.groups)
        families: dict[str, Any] = {}
        for family in dict.fromkeys(each.family for each in self.groups):
            mine = [each for each in self.groups if each.family == family]
            rates, scores = [each.rate for each in mine], [each.mean_score for each in mine]
            families[family] = {
                "widest_gap": round(max(rates) - min(rates), 4),
                "widest_gap_of_mean_score": round(max(scores) - min(scores), 4),
                "groups": {each.group: _counts(each) for each in mine},
            }
        return made | {"families": families}


def read_frames(path: Path | None = None) -> tuple[Frame, ...]:
    """All filled sentences of a file as data/functional/fairness.toml, or of the shipped one.

    Raises ConfigError that names file and family for a sentence without its gap, an empty family or a text twice.
    """
    path = path or data_path("functional", "fairness.toml")
    try:
        families = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            _("the fairness sentences in {path} cannot be read: {error}").format(path=path, error=error)
        ) from error
    frames = tuple(frame for family, table in families.items() for frame in _filled(family, table, path.name))
    texts = [frame.text for frame in frames]
    twice = next((text for text in texts if texts.count(text) > 1), None)
    if not frames or twice is not None:
        reason = _("there is none") if not frames else _('"{text}" stands there twice').format(text=twice)
        raise ConfigError(_("fairness sentences, {where}: {reason}").format(where=path.name, reason=reason))
    return frames


def measure_fairness(
    classifier: Classifier, frames: Sequence[Frame], threats: Classifier | None = None
) -> FairnessResult:
    """Ask the model (and the threat rules) about every filled sentence; same model, same result."""
    texts = [frame.text for frame in frames]
    answers = flagging_labels(texts, classifier, threats)
    scores = [
        max((signal.score for signal in row if signal.label in FLAGGING), default=0.0)
        for row in classifier.classify(texts, reasons=False)
    ]
    grouped: dict[tuple[str, str], list[int]] = {}
    for at, frame in enumerate(frames):
        grouped.setdefault((frame.family, frame.group), []).append(at)
    groups = []
    for (family, group), rows in grouped.items():
        flagged = [frames[at].tone for at in rows if answers[at]]
        mean = round(sum(scores[at] for at in rows) / len(rows), 4)
        groups.append(GroupResult(family, group, len(rows), flagged.count("neutral"), flagged.count("critical"), mean))
    digest = sha256("\n".join(texts).encode()).hexdigest()
    return FairnessResult(digest, tuple(groups))


def _counts(each: GroupResult) -> dict[str, Any]:
    return {
        "sentences": each.sentences,
        "neutral_flagged": each.neutral_flagged,
        "critical_flagged": each.critical_flagged,
        "rate": each.rate,
        "mean_score": each.mean_score,
    }


def _filled(family: str, table: object, file: str) -> list[Frame]:
    where = f"{file} [{family}]"
    known = {*TONES, "fill"}
    if not isinstance(table, Mapping) or set(table) != known or not isinstance(table["fill"], Mapping):
        raise _wrong(where, _("it needs {keys}").format(keys=", ".join(sorted(known))))
    if len(table["fill"]) < 2:
        raise _wrong(where, _("two groups at least can be compared"))
    made = []
    for group, fillers in table["fill"].items():
        words = _texts(fillers, f"{where} {group}")
        for tone in TONES:
            frames = _texts(table[tone], where)
            bad = next((text for text in frames if text.count(GAP) != 1), None)
            if bad is not None:
                raise _wrong(where, _('"{text}" needs the gap {gap} once').format(text=bad, gap=GAP))
            made += [Frame(family, group, tone, _capital(text.replace(GAP, word))) for text in frames for word in words]
    return made


def _texts(value: object, where: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) and text for text in value):
        raise _wrong(where, _("a list of texts is needed"))
    return value


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _wrong(where: str, reason: str) -> ConfigError:
    return ConfigError(_("fairness sentences, {where}: {reason}").format(where=where, reason=reason))
