"""The gate, and the swap: what is refused, who may override what, and what stands on the ledger afterwards."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipeline import doctor, steps
from pipeline.classify.promoted import read_state, write_state
from pipeline.cli.app import call
from pipeline.core.errors import ConfigError, Conflict, ModelError
from pipeline.core.resources import models_path
from pipeline.ledger import people
from pipeline.ledger.chain import entries
from pipeline.sources.registry import guess_source
from pipeline.train import promotion
from pipeline.train.floors import read_floors, shortfalls
from pipeline.train.functional import NEVER, ClassResult, FunctionalResult
from pipeline.train.gate import AtOffice, compare, read_metrics
from pipeline.workplace import Workplace
from tests.homes import SHIPPED, Clock, candidate, derived, file_of, place_at, row

NEXT = "tfidf-2027-01-01"
PASSWORD = "kentongan-uji-2026"


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return place_at(tmp_path / "home")


def _noted(place: Workplace) -> list[tuple[str, str, dict[str, Any]]]:
    with place.ledger.read() as db:
        return [(e.action, e.actor, dict(e.details)) for e in entries(db, actions=("promote", "rollback"))]


def test_a_good_model_goes_into_service_once_and_back_again(place: Workplace, tmp_path: Path) -> None:
    folder = candidate(tmp_path / "out")
    done = promotion.promote(place, str(folder), "u1", reason="new year")
    assert (done.changed, done.before, done.refusals) == (True, SHIPPED.name, ())
    assert place.classifier.name == NEXT
    assert place.model_folder == place.home.root / "models" / NEXT
    assert not promotion.promote(place, NEXT, "u1").changed
    shutil.rmtree(folder)  # the home has its own copy
    assert place_at(place.home.root).classifier.name == NEXT
    back = promotion.roll_back(place, "u2")
    assert (back.name, place.classifier.name) == (SHIPPED.name, SHIPPED.name)
    with pytest.raises(ConfigError, match="no earlier model"):
        promotion.roll_back(place, "u2")
    noted = _noted(place)
    assert [(action, actor, said["model"]) for action, actor, said in noted] == [
        ("promote", "u1", NEXT),
        ("rollback", "u2", SHIPPED.name),
    ]
    assert noted[0][2]["because"] == "new year"


def test_rollback_passes_over_what_is_damaged_by_now(place: Workplace, tmp_path: Path) -> None:
    names = ["tfidf-2027-01-01", "tfidf-2027-02-01", "tfidf-2027-03-01"]
    for name in names:
        assert promotion.promote(place, str(candidate(tmp_path / "out", name)), "u1").changed
    (place.home.root / "models" / names[1] / "weights.npz").unlink()
    done = promotion.roll_back(place, "u1")
    assert done.name == names[0]
    assert names[1] in done.notes[0]


def test_a_model_under_a_floor_is_refused_and_a_reason_is_needed_to_override(place: Workplace, tmp_path: Path) -> None:
    path = "labels.hate_group.precision.value"
    folder = candidate(tmp_path / "out", metrics={path: 0.5})
    done = promotion.promote(place, str(folder), "u1")
    assert not done.changed
    assert [(each.figure, each.wanted, each.found) for each in done.refusals] == [(path, ">= 0.8", "0.5")]
    assert (place.classifier.name, _noted(place), read_state(place.home.root / "models").now) == (
        SHIPPED.name,
        [],
        None,
    )
    with pytest.raises(ConfigError, match="--reason"):
        promotion.promote(place, str(folder), "u1", override=True, reason="  ")
    done = promotion.promote(place, str(folder), "u1", override=True, reason="a known gap")
    assert done.changed
    assert done.overridden
    (_action, _actor, said) = _noted(place)[0]
    assert said["because"] == "a known gap"
    assert path in said["overridden"][0]


def test_figures_of_other_data_are_held_against_floors_of_their_own(place: Workplace, tmp_path: Path) -> None:
    path = "political.hate_group.precision"
    folder = candidate(tmp_path / "out", metrics={"data.sha256": "0" * 64, path: 0.69})
    assert [each.figure for each in promotion.promote(place, str(folder), "u1").refusals] == [path]
    without = {"data_sha256": "a", "at_least": {"x": 0.5}, "at_most": {}}
    assert [each.figure for each in shortfalls({"data": {"sha256": "b"}, "x": 1.0}, without)] == ["data.sha256"]


def test_a_model_trained_on_an_office_s_rows_needs_no_override(place: Workplace, tmp_path: Path) -> None:
    folder = candidate(tmp_path / "out", metrics={"data.sha256": "0" * 64, "dataset.mean_average_precision": 0.1})
    assert promotion.promote(place, str(folder), "u1").changed


@pytest.mark.parametrize("found", [None, True, float("nan"), "0.9", {}])
def test_a_figure_that_is_none_is_under_its_floor(found: object) -> None:
    floors = {"data_sha256": "a", "at_least": {"x": 0.5}, "at_most": {"y": 0.5}}
    assert [each.figure for each in shortfalls({"data": {"sha256": "a"}, "x": found, "y": found}, floors)] == ["x", "y"]


def test_nobody_overrides_flags_on_lawful_politics(place: Workplace, tmp_path: Path) -> None:
    folder = candidate(tmp_path / "out", thresholds={"hate_group": 0.001})
    done = promotion.promote(place, str(folder), "u1", override=True, reason="I want it")
    assert not done.changed
    absolute = {each.figure for each in done.refusals if not each.lifts}
    assert absolute == {f"functional.{name}" for name in NEVER}
    assert place.classifier.name == SHIPPED.name


def test_a_class_that_the_old_model_passed_must_be_passed(place: Workplace, tmp_path: Path) -> None:
    deaf = candidate(tmp_path / "out", thresholds={"hate_group": 1.0, "incitement": 1.0})
    found = [each.figure for each in promotion.promote(place, str(deaf), "u1").refusals]
    assert found
    assert all(figure.startswith("functional.") for figure in found)


def _result(**right: int) -> FunctionalResult:
    made = [
        ClassResult(name, name.startswith("attack"), 10, count, tuple(f"x-{n}" for n in range(10 - count)), 0)
        for name, count in right.items()
    ]
    return FunctionalResult("m", "s", tuple(made))


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ({"calm": 10, "attack": 6}, {"calm": 10, "attack": 6}, []),
        ({"calm": 10, "attack": 6}, {"calm": 9, "attack": 6}, ["calm"]),
        ({"calm": 9, "attack": 5}, {"calm": 8, "attack": 4}, []),  # the old one did not pass either
        ({"calm": 10, "attack": 6}, {"calm": 10, "attack": 5}, ["attack"]),
        ({"attack_own": 5}, {"attack_own": 3}, ["attack_own"]),  # a floor of its own
    ],
)
def test_what_counts_as_passed(old: dict[str, int], new: dict[str, int], refused: list[str]) -> None:
    floors = {
        "functional": {"passed_from": {"no_flag": 1.0, "should_flag": 0.6}, "at_least": {"attack_own": 0.4}},
    }
    found = compare(_result(**new), _result(**old), floors)
    assert [each.figure for each in found] == [f"functional.{name}" for name in refused]


def test_the_office_s_own_thresholds_are_those_of_the_gate(place: Workplace) -> None:
    signals = AtOffice(place.classifier, {"hate_group": 0.0001}).classify(["pasar ramai"])[0]
    assert {signal.label for signal in signals if signal.over} == {"hate_group"}


def test_the_shipped_model_passes_its_own_gate(place: Workplace) -> None:
    assert shortfalls(read_metrics(SHIPPED), read_floors(models_path() / "floors.json")) == []
    assert promotion.judged(place, place.classifier, place.classifier, SHIPPED).refusals == ()


def test_what_cannot_be_promoted_is_said(place: Workplace, tmp_path: Path) -> None:
    for name in ("none", "tfidf-2030-01-01", "../x", "", "a\x00b"):
        with pytest.raises(ConfigError, match="no model"):
            promotion.promote(place, name, "u1")
    folder = candidate(tmp_path / "out")
    (folder / "card.md").write_text("x")
    with pytest.raises(ModelError, match=r"card\.md"):
        promotion.promote(place, str(folder), "u1")
    other = candidate(tmp_path / "other", SHIPPED.name, thresholds={"hate_group": 0.9})
    with pytest.raises(ConfigError, match="another model of the name"):
        promotion.promote(place, str(other), "u1")
    with place.home.lock("models"), pytest.raises(Conflict):
        promotion.promote(place, NEXT, "u1")
    named = place_at(tmp_path / "home", KENTONGAN__MODELS__FOLDER=str(SHIPPED))
    with pytest.raises(ConfigError, match=r"models\.folder"):
        promotion.promote(named, NEXT, "u1")


def test_a_kill_between_copy_and_pointer_leaves_the_old_model(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    folder = candidate(tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(promotion, "write_state", killed)
        with pytest.raises(KeyboardInterrupt):
            promotion.promote(place, str(folder), "u1")
    assert (place.home.root / "models" / NEXT).is_dir()
    assert place_at(place.home.root).classifier.name == SHIPPED.name
    assert promotion.promote(place, NEXT, "u1").changed


def test_a_running_worker_scores_the_next_partition_with_the_new_model(place: Workplace, tmp_path: Path) -> None:
    clock = Clock()

    def taken(number: int) -> tuple[set[str], tuple[str, ...]]:
        name, settings = guess_source(file_of(tmp_path, row(number, f"kabar {number}"), name=f"{number}.csv"), {})
        done = steps.ingest(place, {name: settings})
        report = steps.flag(place, done.partition, now=clock())
        flags = derived(place, done.partition)
        return {signal.model for flag in flags for signal in flag.signals if signal.label == "hate_group"}, report.notes

    place.clock = clock
    assert taken(1) == ({SHIPPED.name}, ())
    mark = place.fingerprint
    promotion.promote(place_at(place.home.root), str(candidate(tmp_path / "out")), "u1")  # another process
    clock.move(hours=1)
    assert taken(2) == ({NEXT}, ())
    assert place.fingerprint != mark
    later = candidate(tmp_path / "out", "tfidf-2027-02-01")
    promotion.promote(place_at(place.home.root), str(later), "u1")
    (place.home.root / "models" / later.name / "card.md").unlink()
    clock.move(hours=1)
    models, notes = taken(3)
    assert models == {NEXT}
    assert "card.md" in notes[0]
    found = [each.says for each in doctor.examine(place_at(place.home.root)) if each.code == "model" and not each.well]
    assert "card.md" in found[0]


def test_a_pointer_that_the_ledger_does_not_know_is_a_finding(place: Workplace, tmp_path: Path) -> None:
    promotion.promote(place, str(candidate(tmp_path / "out")), "u1")
    pointer = place.home.root / "models" / "in-service.json"
    state = read_state(pointer.parent)
    assert state.now
    edited = replace(state.now, sha256=state.before[0].sha256, name=SHIPPED.name, where="shipped")
    write_state(pointer.parent, replace(state, now=edited))
    found = [each.says for each in doctor.examine(place_at(place.home.root)) if each.code == "model" and not each.well]
    assert "the ledger knows nobody" in found[0]


def test_who_may_do_it(
    place: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(place.home.root))
    low = str(candidate(tmp_path / "out", metrics={"labels.hate_group.precision.value": 0.5}))
    place.home.make()

    def said(*arguments: str) -> tuple[int, str]:
        code = call([*arguments, "--lang", "en"])
        out = capsys.readouterr()
        return code, out.out + out.err

    code, text = said("promote", low, "--override", "--reason", "x")
    assert code == 2
    assert "named account" in text  # before there are accounts nobody answers for an override
    with place.ledger.write() as db:
        for name in ("scientist", "supervisor", "reviewer"):
            people.add(db, name, place.settings.office.code, name, PASSWORD, place.clock(), must_change=False)
    assert said("promote", low)[0] == 2
    assert said("promote", low, "--as", "reviewer")[0] == 2
    code, text = said("promote", low, "--as", "scientist")
    assert code == 2
    assert "labels.hate_group.precision.value" in text
    assert said("promote", low, "--override", "--reason", "x", "--as", "scientist")[0] == 2
    code, text = said("promote", low, "--override", "--reason", "x", "--as", "supervisor")
    assert code == 0
    assert "in spite of the gate" in text
    assert "hate_group.precision" in said("models", "diff", SHIPPED.name, NEXT)[1]
    assert said("rollback", "--as", "reviewer")[0] == 2
    assert said("rollback", "--as", "supervisor")[0] == 0
    assert "shipped" in said("models", "list")[1]
