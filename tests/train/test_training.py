"""Training, measuring and refusing, on sentences written for this project; the real data is not needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from homes import Clock, place_at

from pipeline.classify.registry import load_classifier
from pipeline.core import i18n
from pipeline.core.config_dataset import DatasetMap
from pipeline.core.errors import ConfigError
from pipeline.train import tfidf
from pipeline.train import trained as training
from pipeline.train.build import build_dataset
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import HATE_COLUMNS, read_hate
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
from pipeline.train.imports import import_file
from pipeline.train.practice import write_practice
from pipeline.train.stored import IMPORTED, datasets_folder
from pipeline.train.tfidf import train_tfidf
from pipeline.train.thresholds import balanced_threshold, precise_threshold


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A labelled file and the model trained on it, with few written rows beside it so that it takes seconds."""
    folder = tmp_path_factory.mktemp("train")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "counterexamples", lambda seed: counterexamples(seed, 1))
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
    assert metrics["data"]["name"] == "labelled", "the file's stem, whatever it holds"
    assert "okky2019.csv" not in (folder / "card.md").read_text(encoding="utf-8")
    assert metrics["reference"]["documents"] == metrics["data"]["rows"]
    assert metrics["audit"]["labels"]["hate_group"]["model"] > metrics["audit"]["labels"]["hate_group"]["style_only"]


def test_a_model_is_evaluated_as_it_is_served(trained: tuple[Path, Path]) -> None:
    data, folder = trained
    result = evaluate(folder, data)
    assert result["trained_on_these_rows"]
    assert result["labels"]["hate_group"]["average_precision"]["value"] > 0.8
    assert result["labels"]["hate_group"]["rows"] > 0


WORDS = ("itu", "semua", "memang", "kok", "ya", "sih", "lho", "deh", "dong", "kan", "saja", "lagi")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A dataset of a whole file and of one with two labels, of which every third row has one, and its model."""
    folder = tmp_path_factory.mktemp("office")
    rude = folder / "kasar.csv"
    lines = [f"si blengur {word} {end},1,{'1' if at % 3 else ''}" for at, word in enumerate(WORDS) for end in "abc"]
    lines += [f"si mentorak {word} {end},0,{'0' if at % 3 else ''}" for at, word in enumerate(WORDS) for end in "abc"]
    rude.write_text("text,jahat,kasar\n" + "\n".join(lines) + "\n", encoding="utf-8")
    maps = {
        "utuh": DatasetMap(group="near_dup_group", labels={name: name for name in HATE_COLUMNS}),
        "kasar": DatasetMap(labels={"hate_speech": "jahat", "abusive": "kasar"}),
    }
    place = place_at(folder / "home", Clock(), KENTONGAN__DATASET__MIN_POSITIVES="2")
    for name, file in (("utuh", write_practice(folder / "utuh.csv")), ("kasar", rude)):
        kept = datasets_folder(place.home.root) / IMPORTED
        import_file(file, kept, name=name, licence=f"CC of {name}", mapping=maps[name], max_contradictions=0.01)
    built = build_dataset(place, offices=["00"], files=list(maps), moment=place.clock())
    place.close()
    assert built.folder is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "counterexamples", lambda seed: counterexamples(seed, 1))
        patch.setattr(tfidf, "FOLDS", 2)
        return built.folder, train_tfidf(built.folder, None, None, folder / "out", seed=3, date="2026-01-02")


def test_rows_of_a_file_with_two_labels_are_learnt_and_counted(office: tuple[Path, Path]) -> None:
    dataset, model = office
    data = json.loads((model / "metrics.json").read_text())["data"]
    assert data["name"] == dataset.name
    assert data["sha256"] == json.loads((dataset / "manifest.json").read_text())["rows_sha256"]
    assert data["licences"] == {"utuh": "CC of utuh", "kasar": "CC of kasar"}
    assert (data["partly_labelled"], data["decisions"]) == (72, 0)
    card = (model / "card.md").read_text(encoding="utf-8")
    assert "utuh: CC of utuh" in card
    assert "| 72 | that of the files | these labels |" in card
    signals = load_classifier(model).classify(["si blengur", "si mentorak"], reasons=False)
    found = [{signal.label: signal.score for signal in row} for row in signals]
    for label in ("hate_speech", "abusive"):  # two words that no other row has
        assert found[0][label] > found[1][label] + 0.2, label


def test_a_label_that_nobody_gave_is_in_no_figure(office: tuple[Path, Path], trained: tuple[Path, Path]) -> None:
    metrics, other = (json.loads((folder / "metrics.json").read_text()) for folder in (office[1], trained[1]))
    whole = metrics["data"]["rows"]
    assert {each["measured"] for each in metrics["labels"].values()} == {whole}
    assert metrics["reference"]["documents"] == metrics["audit"]["rows"] == whole
    assert whole <= other["data"]["rows"], "copies in the dataset are one row"
    partly = metrics["partly_labelled"]
    assert {label: (each["rows"], each["true"]) for label, each in partly.items()} == {
        "hate_speech": (72, 36), "abusive": (48, 24),
    }  # fmt: skip
    assert partly["abusive"]["average_precision"] > 0.9
    page = (office[1] / "run" / "report.html").read_text(encoding="utf-8")
    assert i18n._("Rows of which only some labels are known") in page
    assert "decided" not in metrics


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
