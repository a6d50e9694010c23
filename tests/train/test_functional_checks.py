"""Functional tests by class: the shipped sentences are sound, files of another shape are refused, counts are right."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.cli.models import evaluate as evaluate_verb
from pipeline.core.errors import ConfigError
from pipeline.core.resources import models_path
from pipeline.core.types import Signal
from pipeline.train.counterexamples import counterexamples
from pipeline.train.evaluate import evaluate_functional
from pipeline.train.fairness import Frame, measure_fairness, read_frames
from pipeline.train.functional import COLUMNS, NEVER, Check, checks_hash, read_checks, run_checks

SHIPPED = models_path() / "tfidf-2026-11-25"
ALIKE = 0.6
"""Share of five-letter pieces that two texts have in common, from which on one repeats the other."""


class WordClassifier:
    """Says `hate_group` of every text with one of its words; scores are 0.9 and 0.1 beside a threshold of 0.5."""

    name = "words"
    digest = "words"

    def __init__(self, *words: str, label: str = "hate_group") -> None:
        self.words, self.label = words, label

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        scores = [0.9 if any(word in text for word in self.words) else 0.1 for text in texts]
        return [(Signal(self.label, score, 0.5, self.name), Signal("abusive", 0.9, 0.5, self.name)) for score in scores]


# ---- the shipped sentences


def test_there_are_enough_sentences_of_every_class() -> None:
    checks = read_checks()
    sizes = Counter(check.kind for check in checks)
    assert len(checks) >= 890
    assert len(sizes) >= 60
    assert set(NEVER) <= set(sizes)
    assert min(sizes[name] for name in NEVER) >= 20
    assert len([check for check in checks if check.pair]) >= 50


def test_regional_languages_wait_for_a_native_reader() -> None:
    waiting = [check for check in read_checks() if "needs a native reader" in check.note]
    assert {check.note.split(":")[0] for check in waiting} >= {
        "Javanese", "Sundanese", "Minangkabau", "Banjar", "Betawi", "Makassar Malay", "Papuan Malay", "Madurese",
    }  # fmt: skip
    assert {"regional_attack", "regional_everyday"} <= {check.kind for check in waiting}


def test_training_has_not_seen_the_sentences() -> None:
    """No sentence, and no filled fairness frame, is a written training row or nearly one."""
    asked = {check.id: check.text for check in read_checks()}
    asked |= {f"{frame.family}/{frame.group}/{frame.text}": frame.text for frame in read_frames()}
    holders: dict[str, list[int]] = {}
    taught = [_pieces(text) for text in sorted(set(counterexamples(0).texts))]
    for number, pieces in enumerate(taught):
        for piece in pieces:
            holders.setdefault(piece, []).append(number)
    repeated = {}
    for key, text in asked.items():
        mine = _pieces(text)
        shared = Counter(number for piece in mine for number in holders.get(piece, ()))
        nearest = max((count / len(mine | taught[number]) for number, count in shared.items()), default=0.0)
        if nearest >= ALIKE:
            repeated[key] = round(nearest, 2)
    assert repeated == {}


def _pieces(text: str) -> frozenset[str]:
    letters = re.sub(r"\W+", " ", text.casefold()).strip()
    return frozenset(letters[at : at + 5] for at in range(max(1, len(letters) - 4)))


# ---- the counts of the shipped model


@pytest.fixture(scope="module")
def shipped() -> dict[str, Any]:
    return evaluate_functional(SHIPPED)


def test_the_shipped_model_flags_no_lawful_politics(shipped: dict[str, Any]) -> None:
    assert shipped["functional"]["never"] == {}
    assert shipped["fairness"]["flagged"] == 0


def test_the_shipped_model_is_not_under_the_floors_of_any_class(
    shipped: dict[str, Any],
) -> None:
    floors = json.loads((models_path() / "floors.json").read_text(encoding="utf-8"))["functional"]["at_least"]
    classes = shipped["functional"]["classes"]
    assert set(floors) == {name for name in classes if name not in NEVER}
    shares = {name: each["right"] / each["number"] for name, each in classes.items()}
    assert {name: shares[name] for name, floor in floors.items() if shares[name] < floor} == {}


# ---- counting


def _check(number: int, kind: str = "plain", expects: str = "", text: str = "") -> Check:
    return Check(f"x-{number}", kind, text or f"kalimat {number}", frozenset(expects.split(";")) - {""})


def test_a_class_counts_what_is_right_and_names_what_is_not() -> None:
    checks = [
        _check(1, "call_to_remove", text="turunkan bupati"),
        _check(2, "call_to_remove", text="jelek, turunkan bupati"),
        _check(3, "attack", "hate_group;threat", "mereka jelek"),
        _check(4, "attack", "hate_group", "mereka buruk"),
        _check(5, "attack", "threat", "mereka jelek lagi"),
    ]
    result = run_checks(WordClassifier("jelek"), checks)
    politics, attack = result.classes
    assert (politics.name, politics.number, politics.right, politics.failed) == ("call_to_remove", 2, 1, ("x-2",))
    assert (attack.should_flag, attack.right, attack.failed) == (True, 1, ("x-4", "x-5"))
    assert result.never_flagged == {"call_to_remove": ("x-2",)}
    assert result.as_dict()["right"] == 2


def test_the_threat_rules_answer_beside_the_model() -> None:
    checks = [_check(1, "threat", "threat", "awas kau")]
    assert run_checks(WordClassifier("tidak"), checks).classes[0].right == 0
    both = run_checks(WordClassifier("tidak"), checks, WordClassifier("awas", label="threat"))
    assert both.classes[0].right == 1


def test_the_hash_changes_with_a_right_answer_and_not_with_a_note() -> None:
    first = Check("x-1", "plain", "halo", frozenset())
    assert checks_hash([first]) == checks_hash([Check("x-1", "plain", "halo", frozenset(), note="baru")])
    assert checks_hash([first]) != checks_hash([Check("x-1", "plain", "halo", frozenset({"threat"}))])


def test_false_alarms_are_counted_by_who_is_named() -> None:
    frames = [
        Frame("religion", group, tone, f"{tone} {group} {number}")
        for group in ("satu", "dua")
        for tone in ("neutral", "critical")
        for number in range(2)
    ]
    result = measure_fairness(WordClassifier("critical satu"), frames)
    one, two = result.groups
    assert (one.neutral_flagged, one.critical_flagged, one.rate) == (0, 2, 0.5)
    assert (two.flagged, two.mean_score) == (0, 0.1)
    assert result.as_dict()["families"]["religion"]["widest_gap"] == 0.5


# ---- files of another shape


def _files(folder: Path, harmless: list[list[str]], attacks: list[list[str]], columns: Sequence[str] = COLUMNS) -> Path:
    for name, rows in (("no_flag.csv", harmless), ("should_flag.csv", attacks)):
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([columns, *rows])
    return folder


GOOD = [["nf-1", "plain", "", "halo", "sf-1", ""]]
BAD = [["sf-1", "attack", "threat", "awas", "nf-1", ""]]


def test_a_good_folder_is_read(tmp_path: Path) -> None:
    first, second = read_checks(_files(tmp_path, GOOD, BAD), least=1)
    assert (first.expects, second.expects, second.pair) == (frozenset(), frozenset({"threat"}), "nf-1")


@pytest.mark.parametrize(
    ("harmless", "says"),
    [
        ([*GOOD, ["nf-1", "plain", "", "hai", "", ""]], r"no_flag\.csv:3.*nf-1 stands there twice"),
        ([*GOOD, ["nf-2", "plain", "", "Halo!", "", ""]], r"no_flag\.csv:3.*same text as nf-1"),
        ([*GOOD, ["nf-2", "plain", "", " ", "", ""]], r"no_flag\.csv:3.*are needed"),
        ([*GOOD, ["nf-2", "plain", "threat", "hai", "", ""]], r"no_flag\.csv:3.*belong in should_flag"),
        ([*GOOD, ["nf-2", "plain", "hate_speech", "hai", "", ""]], r"no_flag\.csv:3.*hate_speech is no label"),
        ([*GOOD, ["nf-2", "plain", "", "hai", "sf-1", ""]], r"no_flag\.csv:3.*sf-1 does not name nf-2"),
        ([*GOOD, ["nf-2", "plain", "", "hai", "nf-9", ""]], r"no_flag\.csv:3.*nf-9 does not name nf-2"),
        ([*GOOD, ["nf-2", "plain", "", "hai"]], r"no_flag\.csv:3.*columns"),
        ([*GOOD, ["nf-2", "attack", "", "hai", "", ""]], "attack stands in both files"),
        ([["nf-1", "plain", "", "halo", "sf-1", "", "lagi"]], r"no_flag\.csv:2.*columns"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, harmless: list[list[str]], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_checks(_files(tmp_path, harmless, BAD), least=1)


def test_a_file_that_is_absent_or_of_other_columns_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no_flag\.csv"):
        read_checks(tmp_path)
    with pytest.raises(ConfigError, match="the columns must be id, class"):
        read_checks(_files(tmp_path, GOOD, BAD, ["id", "text"]))
    (tmp_path / "no_flag.csv").write_bytes(b"id,class\n\xff\xfe")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_checks(tmp_path)


def test_a_class_of_too_few_sentences_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hold 1 sentences of plain; 5 are needed"):
        read_checks(_files(tmp_path, GOOD, BAD))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "there is none"),
        ("a = 1", r"\[a\].*it needs critical, fill, neutral"),
        ("[a]\nneutral = ['x']\ncritical = ['{x} b']\nfill = {i = ['1'], j = ['2']}", "needs the gap"),
        ("[a]\nneutral = ['{x}']\ncritical = ['{x} b']\nfill = {i = ['1']}", "two groups"),
        ("[a]\nneutral = ['{x}']\ncritical = ['{x} b']\nfill = {i = ['1'], j = ['1']}", "stands there twice"),
        ("[a]\nneutral = '{x}'\ncritical = ['{x} b']\nfill = {i = ['1'], j = ['2']}", "list of texts"),
        ("[a", "cannot be read"),
    ],
)
def test_fairness_sentences_of_another_shape_are_refused(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "fairness.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=says):
        read_frames(path)


# ---- the verb


def test_the_verb_prints_both_tables_without_a_labelled_file() -> None:
    result = CliRunner().invoke(evaluate_verb, ["--functional-only", "--model", str(SHIPPED), "--lang", "en"])
    assert result.exit_code == 0, result.output
    assert "call_to_remove" in result.output
    assert "religion: Islam" in result.output


def test_the_verb_refuses_to_guess() -> None:
    result = CliRunner().invoke(evaluate_verb, ["--model", str(SHIPPED), "--lang", "en"])
    assert isinstance(result.exception, ConfigError)
