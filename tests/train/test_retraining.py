"""What the schedule does before it asks a person: a dataset noted in the audit, a candidate looked over."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import candidate, place_at

from pipeline import retraining
from pipeline.core.config_dataset import DatasetMap
from pipeline.core.errors import KentonganError
from pipeline.ledger.chain import entries
from pipeline.train.dataset import HATE_COLUMNS
from pipeline.train.imports import import_file
from pipeline.train.practice import write_practice
from pipeline.train.stored import IMPORTED, datasets_folder
from pipeline.workplace import Workplace

TWELVE = DatasetMap(group="near_dup_group", labels={name: name for name in HATE_COLUMNS})


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return place_at(tmp_path / "home")


def test_a_dataset_needs_a_labelled_file_and_is_noted(place: Workplace, tmp_path: Path) -> None:
    assert not retraining.can_train(place)
    folder = datasets_folder(place.home.root) / IMPORTED
    file = write_practice(tmp_path / "labelled.csv")
    import_file(file, folder, name="latihan", licence="MIT", mapping=TWELVE, max_contradictions=1.0)
    assert retraining.can_train(place)
    made = retraining.make_dataset(place)
    assert retraining.make_dataset(place) == made
    with place.ledger.read() as db:
        assert [entry.details["what"] for entry in entries(db, actions=("export",))] == ["dataset", "dataset"]


def test_a_candidate_that_stands_there_is_taken_and_those_of_other_datasets_go(place: Workplace) -> None:
    kept = candidate(place.home.root / "candidates" / "kentongan-a", "tfidf-2027-01-01")
    candidate(place.home.root / "candidates" / "kentongan-b", "tfidf-2027-01-01")
    assert retraining.train(place, Path("kentongan-a"), "2027-01-01") == kept
    assert [path.name for path in (place.home.root / "candidates").iterdir()] == ["kentongan-a"]


def test_the_gate_says_what_promote_would_say(place: Workplace, tmp_path: Path) -> None:
    assert retraining.look_over(place, candidate(tmp_path / "good")) == ()
    figure = "labels.hate_group.precision.value"
    poor = candidate(tmp_path / "poor", metrics={figure: 0.5})
    assert [refusal.figure for refusal in retraining.look_over(place, poor)] == [figure]
    (poor / "weights.npz").write_bytes(b"")
    with pytest.raises(KentonganError):
        retraining.look_over(place, poor)
