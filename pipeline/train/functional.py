"""Functional tests: sentences of many kinds with a right answer each, and how a model does on every kind.

After HateCheck (Röttger et al., ACL 2021): a held-out score hides *what* a model gets wrong, a count for each kind of
sentence shows it. The sentences are in data/functional; they are tests, no training data and no estimate.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.ports import Classifier
from pipeline.core.resources import data_path

FILES = ("no_flag.csv", "should_flag.csv")
COLUMNS = ("id", "class", "expects", "text", "pair", "note")
FLAGGING = frozenset({"hate_group", "incitement", "threat"})
"""The labels of a text alone that may make a flag; `hoax_claim` needs an index of claims."""
NEVER = ("call_to_remove", "fraud_claim", "insult_official", "regional_demand")
"""Lawful politics: one flag in these classes is one too many, and nobody may override that."""
LEAST = 5
"""Sentences that a class holds at least; under that one slip more or less says nothing."""


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence and what may be said of it: `expects` is empty where no flagging label may be over its threshold."""

    id: str
    kind: str
    text: str
    expects: frozenset[str]
    pair: str = ""
    note: str = ""

    def is_right(self, over: frozenset[str]) -> bool:
        """Whether these labels over their threshold are the right answer: one of the expected, or none at all."""
        return bool(over & self.expects) if self.expects else not over


@dataclass(frozen=True, slots=True)
class ClassResult:
    """How a model did on one class of sentences; `failed` are ids."""

    name: str
    should_flag: bool
    number: int
    right: int
    failed: tuple[str, ...]
    needs_native_reader: int


@dataclass(frozen=True, slots=True)
class FunctionalResult:
    """How a model did on all classes, and on which sentences (their hash)."""

    model: str
    sha256: str
    classes: tuple[ClassResult, ...]

    @property
    def never_flagged(self) -> dict[str, tuple[str, ...]]:
        """The failed ids in the classes where no flag is ever right; empty if all is well."""
        return {each.name: each.failed for each in self.classes if each.name in NEVER and each.failed}

    def as_dict(self) -> dict[str, Any]:
        """The result for metrics.json."""
        return {
            "sha256": self.sha256,
            "sentences": sum(each.number for each in self.classes),
            "right": sum(each.right for each in self.classes),
            "never": {name: list(failed) for name, failed in self.never_flagged.items()},
            "classes": {
                each.name: {
                    "should_flag": each.should_flag,
                    "number": each.number,
                    "right": each.right,
                    "failed": list(each.failed),
                    "needs_native_reader": each.needs_native_reader,
                }
                for each in self.classes
            },
        }


def read_checks(folder: Path | None = None, *, least: int = LEAST) -> tuple[Check, ...]:
    """The sentences of both files of a folder (or the shipped ones), in file order.

    Raises ConfigError that names file and line: an id or text twice, an unknown label, a pair that does not answer.
    """
    paths = [folder / name if folder else data_path("functional", name) for name in FILES]
    found: dict[str, tuple[Check, str]] = {}
    texts: dict[str, str] = {}
    for path in paths:
        for line, row in _rows(path):
            where = f"{path.name}:{line}"
            check = _check(row, where, should_flag=path.name == FILES[1])
            _refuse(check.id in found, where, _("the id {id} stands there twice").format(id=check.id))
            same = texts.setdefault(_bare(check.text), check.id)
            _refuse(same != check.id, where, _("{id} has the same text as {other}").format(id=check.id, other=same))
            found[check.id] = (check, where)
    _check_pairs(found)
    checks = tuple(check for check, _where in found.values())
    _check_classes(checks, least)
    return checks


def run_checks(classifier: Classifier, checks: Sequence[Check], threats: Classifier | None = None) -> FunctionalResult:
    """Ask the model (and the threat rules, as the flow does) about every sentence; same model, same result."""
    answers = flagging_labels([check.text for check in checks], classifier, threats)
    grouped: dict[str, list[tuple[Check, bool]]] = {}
    for check, over in zip(checks, answers, strict=True):
        grouped.setdefault(check.kind, []).append((check, check.is_right(over)))
    classes = tuple(
        ClassResult(
            name,
            should_flag=bool(rows[0][0].expects),
            number=len(rows),
            right=sum(right for _check, right in rows),
            failed=tuple(check.id for check, right in rows if not right),
            needs_native_reader=sum("native reader" in check.note for check, _right in rows),
        )
        for name, rows in grouped.items()
    )
    return FunctionalResult(classifier.name, checks_hash(checks), classes)


def flagging_labels(texts: Sequence[str], *classifiers: Classifier | None) -> list[frozenset[str]]:
    """For each text the flagging labels that any of the classifiers puts over its threshold."""
    answers = [each.classify(texts, reasons=False) for each in classifiers if each is not None]
    return [
        frozenset(signal.label for signal in chain.from_iterable(row) if signal.over and signal.label in FLAGGING)
        for row in zip(*answers, strict=True)
    ]


def checks_hash(checks: Iterable[Check]) -> str:
    """Changes with every sentence or right answer; a note may change without it."""
    lines = (f"{check.id}\0{check.kind}\0{check.text}\0{';'.join(sorted(check.expects))}\n" for check in checks)
    return sha256("".join(lines).encode()).hexdigest()


def _rows(path: Path) -> list[tuple[int, dict[str | Any, str | Any]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = [(reader.line_num, row) for row in reader]
            columns = tuple(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            _("the functional tests in {path} cannot be read: {error}").format(path=path, error=error)
        ) from error
    _refuse(columns != COLUMNS, f"{path.name}:1", _("the columns must be {columns}").format(columns=", ".join(COLUMNS)))
    return rows


def _check(row: Mapping[str | Any, Any], where: str, *, should_flag: bool) -> Check:
    _refuse(None in row or None in row.values(), where, _("the line has too many or too few columns"))
    expects = frozenset(label for label in row["expects"].split(";") if label)
    _refuse(not row["id"] or not row["class"] or not row["text"].strip(), where, _("id, class and text are needed"))
    unknown = sorted(expects - FLAGGING)
    _refuse(
        bool(unknown),
        where,
        _("{labels} is no label that flags; known: {known}").format(
            labels=", ".join(unknown), known=", ".join(sorted(FLAGGING))
        ),
    )
    _refuse(
        bool(expects) != should_flag,
        where,
        _("sentences with an expected label belong in {file}, all others in {other}").format(
            file=FILES[1], other=FILES[0]
        ),
    )
    return Check(row["id"], row["class"], row["text"], expects, row["pair"], row["note"])


def _check_pairs(found: Mapping[str, tuple[Check, str]]) -> None:
    for check, where in found.values():
        if check.pair:
            other = found.get(check.pair)
            answers = other is not None and other[0].pair == check.id
            _refuse(not answers, where, _("{pair} does not name {id} as its pair").format(pair=check.pair, id=check.id))


def _check_classes(checks: Sequence[Check], least: int) -> None:
    for name, number in Counter(check.kind for check in checks).items():
        if number < least:
            raise ConfigError(
                _("the functional tests hold {number} sentences of {name}; {least} are needed").format(
                    number=number, name=name, least=least
                )
            )
    both = {check.kind for check in checks if check.expects} & {check.kind for check in checks if not check.expects}
    if both:
        raise ConfigError(
            _("the class {name} stands in both files of functional tests; a class has one answer").format(
                name=min(both)
            )
        )


def _refuse(wrong: bool, where: str, reason: str) -> None:
    if wrong:
        raise ConfigError(_("functional tests, {where}: {reason}").format(where=where, reason=reason))


def _bare(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())
