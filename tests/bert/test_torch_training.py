"""The whole way with a small BERT: fine-tuned, exported, quantised, served without torch, joined, in service, back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import smallbert
import supply
import torch

from pipeline.classify.artefact import MAX_SLOPE
from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.registry import list_models, load_classifier
from pipeline.cli.app import call
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.resources import models_path
from pipeline.train import promotion
from pipeline.train import trained as training
from pipeline.train.bert import export, fit, run
from pipeline.train.bert.cascade import train_cascade
from pipeline.train.bert.measured import calibrated, settings_from
from pipeline.train.bert.net import load_checkpoint
from pipeline.train.bert.run import train_indobert
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import grouped_folds, read_hate
from pipeline.train.evaluate import evaluate, evaluate_functional
from pipeline.train.rows import Given
from tests.homes import place_at

PLAN: dict[str, Any] = {"epochs": 6, "learning_rate": 3e-3, "length": 32, "seed": 3, "device": "cpu", "threads": 1}
ATTACK, PLAIN = "usir semua orang madura dari sini", "selamat pagi, pasar ramai hari ini"
SHIPPED = list_models(models_path(), "tfidf")[-1]
ALLOWED = {"MIT", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "ISC", "Zlib", "BSL-1.0"}


@pytest.fixture(scope="module", autouse=True)
def _few_written_rows() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "counterexamples", lambda seed: counterexamples(seed, 1))
        yield


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smallbert.labelled(tmp_path_factory.mktemp("data") / "labelled.csv")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smallbert.checkpoint(tmp_path_factory.mktemp("checkpoint") / "small")


@pytest.fixture(scope="module")
def trained(labelled: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    told: list[str] = []
    out = tmp_path_factory.mktemp("out")
    folder = train_indobert(
        labelled, str(checkpoint), out, date="2026-01-02", progress=lambda what, _at, _of: told.append(what), **PLAN
    )
    assert {"epoch 1/6", "export", "measure"} <= set(told)
    return folder


@pytest.fixture(scope="module")
def joined(trained: Path, labelled: Path) -> Path:
    return train_cascade(SHIPPED, trained, labelled, trained.parent, date="2026-01-03", band=(0.1, 0.9))


def _metrics(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "metrics.json").read_text())
    return found


def test_it_learns_and_is_served(trained: Path) -> None:
    metrics = _metrics(trained)
    epochs = metrics["training"]["epochs"]
    assert epochs[-1]["loss"] < epochs[0]["loss"] / 2
    assert metrics["labels"]["hate_speech"]["average_precision"]["value"] > 0.6
    model = load_classifier(trained)
    (attack, plain) = (
        {signal.label: signal.score for signal in signals} for signals in model.classify([ATTACK, PLAIN], reasons=False)
    )
    assert attack["hate_group"] > 5 * plain["hate_group"]
    assert attack["hoax_style"] < 0.01


def test_the_same_data_and_seed_make_the_same_bytes(
    labelled: Path, checkpoint: Path, trained: Path, tmp_path: Path
) -> None:
    again = train_indobert(labelled, str(checkpoint), tmp_path, date="2026-01-02", **PLAN)
    found, before = (
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in (again, trained)
    )
    assert sorted(found) == sorted(before)
    assert [name for name in found if found[name] != before[name]] == []


def test_the_folder_is_small_and_tells_nothing_of_this_machine(trained: Path, checkpoint: Path) -> None:
    assert sorted(path.name for path in trained.iterdir()) == [
        "card.md", "manifest.json", "metrics.json", "model.onnx", "run", "tokenizer.json",
    ]  # fmt: skip
    content = b"".join(path.read_bytes() for path in trained.rglob("*") if path.is_file())
    for path in (str(checkpoint.parent), str(Path(run.__file__).parents[3]), sys.prefix):
        assert path.encode() not in content
    model = onnx.load(trained / "model.onnx")
    assert {node.domain for node in model.graph.node} <= {"", "ai.onnx"}
    assert "MatMulInteger" in {node.op_type for node in model.graph.node}


def test_the_run_leaves_what_went_in_and_how_well_the_three_nets_agree(trained: Path, labelled: Path) -> None:
    metrics = _metrics(trained)
    agreement, data = metrics["agreement"], metrics["data"]
    assert agreement["fp32_max"] <= export.FULL_LIMIT
    assert 0 < agreement["int8_mean"] < agreement["int8_max"] <= export.INT8_LIMIT
    assert data["sha256"] == read_hate(labelled).sha256
    assert data["rows"] > data["choosing_rows"] + data["measured_rows"]
    assert len(metrics["checkpoint"]["sha256"]) == 64
    assert metrics["checkpoint"]["name"] == "small"
    card = (trained / "card.md").read_text(encoding="utf-8")
    assert "Forbidden use" in card
    assert f"{agreement['int8_max']:.4f} in int8" in card
    assert "first 32 tokens only" in card


def test_a_page_of_the_run_lies_beside_the_model_with_a_reference_for_drift(trained: Path, labelled: Path) -> None:
    told = json.loads((trained / "run" / "run.json").read_text(encoding="utf-8"))
    metrics = _metrics(trained)
    assert (told["kind"], told["seed"], told["dataset"]) == ("indobert", 3, metrics["data"])
    assert told["parameters"]["checkpoint"] == metrics["checkpoint"]
    assert {"learning_rate", "threads", "folds"} <= set(told["parameters"])
    assert {"torch", "onnxruntime"} <= set(told["libraries"])
    curves = json.loads((trained / "run" / "calibration.json").read_text())["labels"]
    assert sum(step["rows"] for step in curves["hate_speech"]["bins"]) == metrics["data"]["measured_rows"]
    assert sorted(path.name for path in (trained / "run").iterdir()) == [
        "calibration.json", "calibration.png", "report.html", "run.json", "thresholds.json", "thresholds.png",
    ]  # fmt: skip
    assert metrics["data"]["name"] == labelled.stem
    reference = metrics["reference"]
    assert (reference["documents"], reference["known"]) == (metrics["data"]["measured_rows"], {})
    assert sum(reference["scores"]["hate_speech"]["counts"]) == reference["documents"]
    assert metrics["audit"]["labels"]["hate_speech"]["model"] > metrics["audit"]["labels"]["hate_speech"]["style_only"]


def test_no_row_is_on_two_sides(labelled: Path) -> None:
    data = read_hate(labelled)
    choosing, testing = run.held_out(data, 3)
    assert not (choosing & testing).any()
    rows = training.training_rows(Given(data), 3, choosing | testing)
    held = set(data.groups[choosing | testing].tolist())
    assert held.isdisjoint(rows.groups.tolist())
    assert (grouped_folds(data.groups, run.FOLDS, 3) == run.CHOOSING).tolist() == choosing.tolist()


def test_it_is_served_where_torch_cannot_be_imported(trained: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('torch', 'transformers', 'onnx', 'onnxscript', 'sklearn'): sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from pipeline.classify.registry import load_classifier\n"
        "model = load_classifier(Path(sys.argv[1]))\n"
        "print([signal.score for signal in model.classify([sys.argv[2]])[0]])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, trained, ATTACK], capture_output=True, text=True, check=True)
    here = [signal.score for signal in load_classifier(trained).classify([ATTACK])[0]]
    assert json.loads(done.stdout) == here


def test_it_is_measured_and_asked_as_every_model(trained: Path, joined: Path, labelled: Path) -> None:
    for folder in (trained, joined):
        assert evaluate_functional(folder)["functional"]["sentences"] > 600
    found = evaluate(trained, labelled)
    assert found["trained_on_these_rows"]
    assert found["labels"]["hate_speech"]["average_precision"]["value"] > 0.6


def test_a_cascade_tells_its_curve_and_sends_the_band(trained: Path, joined: Path) -> None:
    found = _metrics(joined)["cascade"]
    curve = found["curve"]
    assert [curve[0]["share"], curve[-1]["share"], curve[-1]["width"]] == [0.0, 1.0, None]
    assert [point["share"] for point in curve] == sorted(point["share"] for point in curve)
    assert 0 < found["share"] < 1
    assert found["members"] == {"tfidf": SHIPPED.name, "indobert": trained.name}
    model = load_classifier(joined)
    assert len(model.classify([ATTACK, PLAIN, ""])) == 3
    assert "| all texts | 100.0 % |" in (joined / "card.md").read_text(encoding="utf-8")


def test_a_cascade_that_gains_nothing_is_refused(trained: Path, labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no better than TF-IDF"):
        train_cascade(SHIPPED, trained, labelled, tmp_path, date="2026-01-03")
    assert list(tmp_path.iterdir()) == []


def test_rows_that_the_first_model_saw_are_scored_by_a_copy_that_did_not(
    trained: Path, labelled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sha = read_hate(labelled).sha256
    monkeypatch.setattr(
        "pipeline.train.bert.cascade.read_metrics", lambda _folder: {"data": {"sha256": sha, "seed": 3}}
    )
    folder = train_cascade(SHIPPED, trained, labelled, tmp_path, date="2026-01-04", band=(0.0, 0.0))
    metrics = _metrics(folder)
    assert "a copy of it" in metrics["data"]["first_scores"]
    assert metrics["cascade"]["curve"][0]["average_precision"] < 0.98  # the shipped model itself has 0.98 here


def test_both_go_into_service_and_back(trained: Path, joined: Path, tmp_path: Path, monkeypatch: Any) -> None:
    place = place_at(tmp_path / "home")
    refused = promotion.promote(place, str(trained), "u1")
    assert not refused.changed
    assert refused.refusals
    monkeypatch.setattr(promotion, "judged", lambda *_args: type("J", (), {"refusals": (), "absolute": ()}))
    for folder, before in ((trained, SHIPPED), (joined, trained)):
        done = promotion.promote(place, str(folder), "u1")
        assert (done.changed, done.before, place.classifier.name) == (True, before.name, folder.name)
    assert [promotion.roll_back(place, "u1").name for _time in range(2)] == [trained.name, SHIPPED.name]


def test_the_verbs(labelled: Path, checkpoint: Path, trained: Path, tmp_path: Path, capsys: Any) -> None:
    common = ["--hate", str(labelled), "--date", "2026-02-01", "--out", str(tmp_path / "out")]
    options = ["--epochs", "1", "--length", "16", "--device", "cpu", "--threads", "1", "--learning-rate", "0.003"]
    assert call(["train", "indobert", "--checkpoint", str(checkpoint), *common, *options]) == 0
    made = tmp_path / "out" / "indobert-2026-02-01"
    members = ["--tfidf", str(SHIPPED), "--indobert", str(made)]
    assert call(["train", "cascade", *members, *common]) == 2
    assert "--band" in capsys.readouterr().err
    assert call(["train", "cascade", *members, *common, "--band", "0.2", "0.8"]) == 0
    assert call(["train", "indobert", "--checkpoint", "x", "--date", "2026-02-01", "--out", str(tmp_path)]) == 2
    assert "--dataset" in capsys.readouterr().err


# ---- what cannot be trained


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"epochs": 0}, "--epochs"),
        ({"length": 4_096}, "--length"),
        ({"learning_rate": 0.0}, "--learning-rate"),
        ({"learning_rate": float("nan")}, "--learning-rate"),
        *([] if torch.cuda.is_available() else [({"device": "cuda"}, "no GPU")]),
    ],
)
def test_numbers_that_cannot_work_are_refused(
    plan: dict[str, Any], words: str, labelled: Path, checkpoint: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=words):
        train_indobert(labelled, str(checkpoint), tmp_path, date="2026-01-02", **plan)
    assert list(tmp_path.iterdir()) == []


def test_a_training_out_of_bounds_says_so(labelled: Path, checkpoint: Path, tmp_path: Path, monkeypatch: Any) -> None:
    real = fit._step
    monkeypatch.setattr(fit, "_step", lambda *args: real(*args) * float("nan"))
    with pytest.raises(ConfigError, match="smaller --learning-rate"):
        train_indobert(labelled, str(checkpoint), tmp_path, date="2026-01-02", **PLAN)


def test_it_ends_when_it_gets_no_better_and_keeps_the_best_epoch(
    labelled: Path, checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached = iter((0.2, 0.5, 0.4, 0.3, 0.9, 0.9))
    monkeypatch.setattr(fit, "_quality", lambda *_args: next(reached))
    folder = train_indobert(labelled, str(checkpoint), tmp_path, date="2026-01-02", **PLAN)
    training = _metrics(folder)["training"]
    assert [epoch["mean_average_precision"] for epoch in training["epochs"]] == [0.2, 0.5, 0.4, 0.3]
    assert training["kept"] == 2


def test_an_office_s_dataset_is_learnt_with_its_decisions(labelled: Path, checkpoint: Path, tmp_path: Path) -> None:
    folder = smallbert.dataset(tmp_path / "office-data", read_hate(labelled), decisions=40)
    made = train_indobert(folder, str(checkpoint), tmp_path / "out", date="2026-01-02", **PLAN | {"epochs": 2})
    data = _metrics(made)["data"]
    assert (data["decisions"], data["partly_labelled"], data["name"]) == (40, 0, "office-data")
    assert data["sha256"] == json.loads((folder / "manifest.json").read_text())["rows_sha256"]
    assert (
        data["training_rows"]
        == data["rows"] - data["choosing_rows"] - data["measured_rows"] + 40 + data["written_rows"]
    )


def test_five_examples_or_no_hate_are_too_few(labelled: Path, checkpoint: Path, tmp_path: Path) -> None:
    lines = labelled.read_text(encoding="utf-8").splitlines(keepends=True)
    few, calm = tmp_path / "few.csv", tmp_path / "calm.csv"
    few.write_text("".join(lines[:6]), encoding="utf-8")
    calm.write_text(lines[0] + "".join(line for line in lines[1:] if ",0,0,0,0,0,0,0,0,0,0,0,0," in line))
    for path in (few, calm):
        with pytest.raises(ConfigError, match="rows"):
            train_indobert(path, str(checkpoint), tmp_path / "out", date="2026-01-02", **PLAN)


def test_a_net_that_learnt_nothing_has_a_calibration_that_can_be_read(labelled: Path) -> None:
    data = read_hate(labelled)
    nearly_the_same = np.random.default_rng(0).normal(0, 1e-6, (len(data), 13)).astype(np.float32)
    nearly_the_same[:, 0] += data.labels["HS"] * 1e-3
    found = settings_from(data, nearly_the_same)
    assert all(0 < each.slope <= MAX_SLOPE and abs(each.offset) <= MAX_SLOPE for each in found.values())
    mean = calibrated(nearly_the_same, found)[:, MODEL_LABELS.index("hate_speech")].mean()
    assert mean == pytest.approx(data.labels["HS"].mean(), abs=0.01)


def test_nets_that_do_not_agree_are_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        def logits(self, texts: Any) -> Any:
            return np.full((len(texts), 13), 3.0, np.float32)

        def ids(self, _words: Any) -> list[int]:
            return [2, 3]

    net, _tokenizer = load_checkpoint(str(checkpoint), 32)
    with pytest.raises(ModelError, match="does not say what"):
        export.compare(net.eval(), Other(), Other(), [run.labelled_rows.__globals__["normalise"]("satu")])  # type: ignore[arg-type]


# ---- what comes with torch


@pytest.mark.parametrize("name", sorted(set(supply.locked("bert")) - set(supply.locked("dev"))))
def test_what_fine_tuning_needs_has_a_licence_that_is_known(name: str) -> None:
    said = supply.licence(name)
    if name.startswith("nvidia-") or name == "cuda-toolkit":
        assert "| cuda-toolkit, nvidia-... |" in supply.DOCUMENT.read_text(encoding="utf-8")
    else:
        assert not said or set(said.replace(" WITH LLVM-exception", "").split(" AND ")) <= ALLOWED, said
