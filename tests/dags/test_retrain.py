"""Gate 2 of `retrain_model`: nothing to learn from, refused by the gate, put in service after a person's yes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.utils.state import DagRunState
from conftest import states
from homes import SHIPPED, candidate

from pipeline.core.config import load_settings
from pipeline.core.config_dataset import DatasetMap
from pipeline.core.errors import TransientError
from pipeline.ledger.chain import entries
from pipeline.train import promotion, tfidf, trained
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import HATE_COLUMNS
from pipeline.train.imports import import_file
from pipeline.train.practice import write_practice
from pipeline.train.stored import IMPORTED, datasets_folder
from pipeline.workplace import Workplace

TWELVE = DatasetMap(group="near_dup_group", labels={name: name for name in HATE_COLUMNS})


@pytest.fixture
def taught(place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """The same with an imported labelled file, and few written rows beside it so that training takes seconds."""
    monkeypatch.setattr(trained, "counterexamples", lambda seed: counterexamples(seed, 1))
    monkeypatch.setattr(tfidf, "FOLDS", 2)
    file, folder = write_practice(tmp_path / "labelled.csv"), datasets_folder(place.home.root) / IMPORTED
    import_file(file, folder, name="latihan", licence="MIT", mapping=TWELVE, max_contradictions=1.0)
    return place


def test_without_a_labelled_file_it_ends_at_once(run: Any, place: Workplace) -> None:
    done = run("retrain_model")
    assert done.state == DagRunState.SUCCESS
    assert {state for found in states(done).values() for state in found} == {"skipped"}


def test_a_model_that_the_gate_refuses_is_asked_of_nobody(run: Any, taught: Workplace) -> None:
    done = run("retrain_model")
    assert done.state == DagRunState.SUCCESS
    assert states(done) == {
        "dataset": ["success"],
        "train": ["success"],
        "gate": ["skipped"],
        "approve": ["skipped"],
        "promote": ["skipped"],
    }
    (made_of_it,) = taught.home.root.glob("candidates/kentongan-*/tfidf-*")
    made = (made_of_it / "manifest.json").stat().st_mtime_ns
    assert states(run("retrain_model"))["train"] == ["success"]
    assert (made_of_it / "manifest.json").stat().st_mtime_ns == made, (
        "the same decisions, files and day: the same model"
    )
    assert Workplace(load_settings()[0]).classifier.name == SHIPPED.name


def test_a_try_that_died_after_it_had_promoted_is_a_promotion(
    run: Any, taught: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else reclassify_recent would never hear of it: a skipped task says nothing to those who wait for the model."""
    good, whole, tries = candidate(tmp_path / "good"), promotion.promote, []

    def dies_at_first(*given: Any, **named: Any) -> Any:
        done = whole(*given, **named)
        tries.append(done.changed)
        if len(tries) == 1:
            raise TransientError("killed")
        return done

    monkeypatch.setattr(tfidf, "train_tfidf", lambda *_given, **_named: good)
    monkeypatch.setattr(promotion, "promote", dies_at_first)
    assert states(run("retrain_model", marked="approve", retries=1))["promote"] == ["success"]
    assert tries == [True, False]


def test_a_model_that_passes_goes_into_service_after_a_yes(
    run: Any, taught: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = candidate(tmp_path / "good")
    monkeypatch.setattr(tfidf, "train_tfidf", lambda *_given, **_named: good)
    done = run("retrain_model", marked="approve")
    assert done.state == DagRunState.SUCCESS
    assert states(done)["promote"] == ["success"]
    place = Workplace(load_settings()[0])
    assert place.classifier.name == good.name
    with place.ledger.read() as db:
        (entry,) = entries(db, actions=("promote",))
    assert entry.actor.startswith("airflow:")
    assert entry.details["model"] == good.name
