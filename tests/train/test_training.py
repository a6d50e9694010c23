"""Training, measuring and refusing, on sentences written for this project; the real data is not needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.classify.registry import load_classifier
from pipeline.core.errors import ConfigError
from pipeline.train import tfidf
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import read_hate
from pipeline.train.evaluate import evaluate
from pipeline.train.figures import (
    auc,
    average_precision,
    brier,
    calibration_error,
    f1,
    group_resamples,
    precision,
    recall,
)
from pipeline.train.practice import write_practice
from pipeline.train.tfidf import train_tfidf
from pipeline.train.thresholds import balanced_threshold, precise_threshold


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A labelled file and the model trained on it, with few written rows beside it so that it takes seconds."""
    folder = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tfidf, "counterexamples", lambda seed: counterexamples(seed, 1))
        patch.setattr(tfidf, "FOLDS", 2)
        data = write_practice(folder / "labelled.csv")
        first = train_tfidf(data, None, None, folder / "a", seed=3, date="2026-01-02")
        train_tfidf(data, None, None, folder / "b", seed=3, date="2026-01-02")
    return data, first


def test_the_same_data_and_seed_make_the_same_bytes(trained: tuple[Path, Path]) -> None:
    _data, model = trained
    other = model.parent.parent / "b" / model.name
    found, again = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (model, other)
    )
    assert found == again
    assert {"manifest.json", "run/report.html", "run/run.json", "run/calibration.png"} <= set(found)


def test_what_was_trained_can_be_served_and_learnt_something(trained: tuple[Path, Path]) -> None:
    _data, folder = trained
    model = load_classifier(folder)
    attack, plain = model.classify(
        ["usir semua orang madura dari sini", "selamat pagi, pasar ramai hari ini"], reasons=False
    )
    scores = [{signal.label: signal.score for signal in signals} for signals in (attack, plain)]
    assert scores[0]["hate_group"] > scores[1]["hate_group"]
    assert model.name == "tfidf-2026-01-02"


def test_a_run_leaves_figures_and_a_card(trained: tuple[Path, Path]) -> None:
    _data, folder = trained
    metrics = json.loads((folder / "metrics.json").read_text())
    assert {"hate_group", "incitement", "abusive"} <= set(metrics["labels"])
    figures = metrics["labels"]["hate_group"]["average_precision"]
    assert figures["low"] <= figures["value"] <= figures["high"]
    assert "Forbidden use" in (folder / "card.md").read_text(encoding="utf-8")
    assert metrics["reference"]["documents"] == metrics["data"]["rows"]
    assert metrics["audit"]["labels"]["hate_group"]["model"] > metrics["audit"]["labels"]["hate_group"]["style_only"]


def test_a_model_is_evaluated_as_it_is_served(trained: tuple[Path, Path]) -> None:
    data, folder = trained
    result = evaluate(folder, data)
    assert result["trained_on_these_rows"]
    assert result["labels"]["hate_group"]["average_precision"]["value"] > 0.8
    assert result["labels"]["hate_group"]["rows"] > 0


def test_what_cannot_be_trained_is_said(trained: tuple[Path, Path], tmp_path: Path) -> None:
    data, folder = trained
    with pytest.raises(ConfigError, match="exists already"):
        train_tfidf(data, None, None, folder.parent, date="2026-01-02")
    with pytest.raises(ConfigError, match="is no date"):
        train_tfidf(data, None, None, tmp_path, date="yesterday")
    with pytest.raises(ConfigError, match=r"none\.csv"):
        train_tfidf(tmp_path / "none.csv", None, None, tmp_path, date="2026-01-02")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "text\nhalo\n"])
def test_a_file_of_another_shape_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"data\.csv"):
        read_hate(path)


def test_written_rows_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    assert counterexamples(1, 1).texts == counterexamples(1, 1).texts
    assert counterexamples(1, 1).texts != counterexamples(2, 1).texts


# ---- figures, against their definitions


def test_figures_are_what_they_are_called() -> None:
    truth = np.array([True, True, False, False])
    scores = np.array([0.9, 0.4, 0.6, 0.1])
    over = scores >= 0.5
    assert average_precision(truth, scores)[0] == pytest.approx((1 + 2 / 3) / 2)
    assert (precision(truth, over)[0], recall(truth, over)[0], f1(truth, over)[0]) == pytest.approx((0.5, 0.5, 0.5))
    assert brier(truth, scores) == pytest.approx((0.01 + 0.36 + 0.36 + 0.01) / 4)
    assert auc(truth, scores) == pytest.approx(0.75)
    assert calibration_error(truth, truth.astype(float)) == pytest.approx(0)


def test_average_precision_is_scikit_learn_s() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    random = np.random.default_rng(0)
    truth, scores = random.random(300) < 0.3, random.random(300).round(2)
    assert average_precision(truth, scores)[0] == pytest.approx(average_precision_score(truth, scores))
    assert auc(truth, scores) == pytest.approx(roc_auc_score(truth, scores))


def test_groups_are_drawn_whole() -> None:
    weights = group_resamples(np.array([0, 0, 1, 2]), seed=0, count=50)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert weights.shape == (50, 4)


def test_thresholds_serve_their_purpose() -> None:
    random = np.random.default_rng(1)
    scores = random.random(4000).astype(np.float32)
    truth = random.random(4000) < scores  # calibrated by construction: precision over t is (1 + t) / 2
    limit, purpose = precise_threshold(truth, scores, np.ones(4000, dtype=bool))
    assert "70 %" in purpose
    assert 0.3 <= limit <= 0.6
    assert precision(truth, scores >= limit)[0] >= 0.7
    assert 0.2 <= balanced_threshold(truth, scores) <= 0.6
