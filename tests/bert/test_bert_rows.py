"""What a BERT is taught of each row, and what is said where the extra is missing; no torch needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import smallbert

from pipeline.classify.heads import HEADS, TARGETS
from pipeline.cli.app import call
from pipeline.core.errors import ConfigError
from pipeline.train.bert.run import held_out, train_indobert
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import read_hate
from pipeline.train.folder import new_folder
from pipeline.train.records import SCHEMA
from pipeline.train.rows import (
    Given,
    decided_rows,
    joined,
    labelled_rows,
    partly_labelled,
    read_labelled,
    subset,
    written_rows,
)
from pipeline.train.stored import Dataset
from pipeline.train.trained import training_rows


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smallbert.labelled(tmp_path_factory.mktemp("data") / "labelled.csv", 1)


def dataset(*rows: dict[str, Any]) -> Dataset:
    given = [{"text": f"teks {at}", "origin": "verdict", "group": str(at)} | row for at, row in enumerate(rows)]
    table = pa.Table.from_pylist([dict.fromkeys(SCHEMA.names) | row for row in given], schema=SCHEMA)
    return Dataset(Path("x"), {}, "", table)


def test_a_decision_teaches_what_it_says_and_what_follows() -> None:
    decided = decided_rows(
        dataset(
            {"hate_group": True, "incitement": False, "ground_religion": True, "ground_race": False},
            {"hate_group": False},
            {"threat": True, "weight": 250.0},
            {"origin": "okky2019", "hate_group": True},
        )
    )
    assert decided is not None
    rows = decided.rows
    assert len(rows) == 3
    religion, race, gender = (HEADS.index(name) for name in ("religion", "race", "gender"))
    assert rows.derived.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert rows.derived_known.tolist() == [[True, True], [True, False], [False, False]]
    assert rows.known[0, [0, religion, race, gender]].tolist() == [True, True, True, False]
    assert rows.truth[0, [0, religion, race]].tolist() == [1, 1, 0]
    assert not rows.known[1:].any()
    assert rows.weights.tolist() == [1, 1, 10]
    assert decided_rows(dataset({"origin": "okky2019"})) is None


def test_a_file_s_row_teaches_the_labels_that_it_has_and_what_follows() -> None:
    partly = partly_labelled(
        dataset(
            {"origin": "f", "hate_speech": True, "abusive": False},
            {"origin": "f", "hate_speech": False},
            {"origin": "f", "ground_race": True, "ground_gender": False},
            {"origin": "f", "insult_person": True},
            {"origin": "f", "threat": True},
            {"origin": "f", "hate_speech": True, "own_HS": True},
            {"hate_group": True},
        )
    )
    assert partly is not None
    rows = partly.rows
    assert [text.tokens[-1] for text in rows.texts] == ["0", "1", "2", "3"], "no threat, no whole row, no decision"
    race, gender, grounds = HEADS.index("race"), HEADS.index("gender"), slice(6, 10)
    assert np.flatnonzero(rows.known[0]).tolist() == [0, 1]
    assert rows.truth[0, :2].tolist() == [1, 0]
    assert (rows.known[1].sum(), rows.truth[1].sum()) == (1, 0)
    assert np.flatnonzero(rows.known[2]).tolist() == [0, race, gender]
    assert rows.truth[2, [0, race, gender]].tolist() == [1, 1, 0]
    assert rows.known[3, grounds].all()
    assert rows.truth[3, [0, *range(6, 10)]].tolist() == [1, 0, 0, 0, 0]
    assert not rows.known[:, TARGETS].any()
    assert not rows.derived_known.any()
    assert {label: known.sum() for label, (known, _true) in partly.said.items()} == {
        "hate_speech": 2, "abusive": 1, "insult_person": 1, "ground_race": 1, "ground_gender": 1,
    }  # fmt: skip
    assert partly_labelled(dataset({"origin": "f", "own_HS": False}, {"hate_group": True})) is None


def test_what_is_a_copy_of_a_held_out_row_is_left_out(labelled: Path) -> None:
    data, decided = read_hate(labelled), decided_rows(dataset({"hate_group": True}, {"hate_group": True}))
    assert decided is not None
    decided.rows.groups[:] = [data.groups[0], 10**9]
    held = data.groups == data.groups[0]
    given = Given(data, decided)
    whole, rest = training_rows(given, 0), training_rows(given, 0, held)
    assert len(whole) - len(rest) == held.sum() + 1
    assert (rest.groups == 10**9).sum() == 1


def test_labelled_and_written_rows_are_known_whole(labelled: Path) -> None:
    data = read_hate(labelled)
    rows = joined([labelled_rows(data), None, written_rows(counterexamples(0, 1))])
    assert rows.measured == len(data) < len(rows)
    assert rows.known[:, :-1].all()
    assert not rows.known[:, -1].any()
    assert (rows.truth[:, TARGETS].sum(axis=1) == 1).all()
    assert set(np.unique(rows.weights).tolist()) == {0.25, 1.0}
    some = rows.only(np.arange(len(rows)) % 2 == 0)
    assert len(some) == len(some.texts) == len(some.truth)


def test_a_part_of_the_data_keeps_the_hash_of_the_whole(labelled: Path) -> None:
    data = read_hate(labelled)
    part = subset(data, np.arange(len(data)) < 5)
    assert (len(part), part.sha256, part.texts) == (5, data.sha256, data.texts[:5])
    assert all(len(column) == 5 for column in part.derived.values())


def test_the_two_held_out_folds_share_no_group(labelled: Path) -> None:
    data = read_hate(labelled)
    choosing, testing = held_out(data, 0)
    assert set(data.groups[choosing]).isdisjoint(data.groups[testing])
    assert 0.1 < choosing.mean() < 0.3
    with pytest.raises(ConfigError, match="too few"):
        held_out(subset(data, np.arange(len(data)) % 60 == 0), 0)


def test_data_without_hate_is_refused(labelled: Path) -> None:
    data = read_hate(labelled)
    with pytest.raises(ConfigError, match="rows are hate"):
        labelled_rows(subset(data, ~data.labels["HS"]))


def test_a_folder_that_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no dataset"):
        read_labelled(tmp_path)


@pytest.mark.parametrize("missing", ["torch", "transformers", "onnxscript"])
def test_without_the_extra_it_says_what_to_install(
    labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in ("torch", "transformers", "onnxscript") if missing == "torch" else (missing,):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigError, match=r"kentongan\[train,encoder,indobert\]"):
        train_indobert(labelled, "x", tmp_path, date="2026-01-02")


@pytest.mark.parametrize("verb", ["indobert", "cascade"])
def test_labelled_data_come_from_one_place(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {"indobert": ["--checkpoint", "x"], "cascade": ["--tfidf", str(tmp_path), "--indobert", str(tmp_path)]}[verb]
    rest = ["--date", "2026-01-02", "--out", str(tmp_path), "--lang", "en"]
    for given in ([], ["--hate", "a.csv", "--dataset", "b"]):
        assert call(["train", verb, *own, *given, *rest]) == 2
        assert "either --hate FILE or --dataset NAME" in capsys.readouterr().err


def test_a_folder_is_new_and_its_date_is_one(tmp_path: Path) -> None:
    (tmp_path / "indobert-2026-01-02").mkdir()
    with pytest.raises(ConfigError, match="exists already"):
        new_folder(tmp_path, "indobert", "2026-01-02")
    with pytest.raises(ConfigError, match="no date"):
        new_folder(tmp_path, "indobert", "2026-13-02")
