"""TF-IDF and BERT as one model: who answers, promotion, rollback, and folders that somebody changed."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import lxml.html
import numpy as np
import pytest
import smallbert
from tinynet import write

from pipeline import drift
from pipeline.classify.artefact import read_manifest
from pipeline.classify.cascade import ASKED, CascadeClassifier, in_band, merged
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings
from pipeline.classify.promoted import check_vouched
from pipeline.classify.registry import list_models, load_classifier
from pipeline.comparing import MEANT
from pipeline.core import i18n
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.resources import models_path
from pipeline.text import TEXT_VERSION, normalise
from pipeline.train import promotion, trained
from pipeline.train.bert import cascade as making
from pipeline.train.bert.cascade import ENOUGH, narrowest, train_cascade
from pipeline.train.bert.measured import calibrated, measured, settings_from
from pipeline.train.bert.run import held_out
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import read_hate
from pipeline.train.evaluate import evaluate_rows
from pipeline.train.figures import average_precision
from pipeline.train.labelled import labelled_csv
from pipeline.train.report import write_pages
from tests.homes import place_at
from tests.test_drift import posts, put

SHIPPED = list_models(models_path(), "tfidf")[-1]
NAME = "cascade-2027-01-01"
ATTACK = "usir semua orang madura dari sini"
PLAIN = "selamat pagi, pasar ramai hari ini"
EVERY = {label: [0.0, 1.0] for label in ASKED}
NONE = {label: [1.0, 1.0] for label in ASKED}


def cascade(place: Path, bands: Any = None, *, threshold: float = 0.5, name: str = NAME, metrics: Any = None) -> Path:
    """A cascade of the shipped model and the tiny net."""
    folder = place / name
    folder.mkdir(parents=True)
    shutil.copytree(SHIPPED, folder / "tfidf", ignore=shutil.ignore_patterns("run"))
    shutil.move(write(place / "made"), folder / "indobert")
    (folder / "metrics.json").write_text(json.dumps(metrics or {}))
    (folder / "card.md").write_text("# cascade\n")
    limits = dict.fromkeys(MODEL_LABELS, threshold) | {"hoax_style": 1.0}
    labels = {label: asdict(LabelSettings(1.0, 0.0, limit, 0.1, "test")) for label, limit in limits.items()}
    manifest = {
        "format": 1, "kind": "cascade", "name": name, "text_version": TEXT_VERSION, "heads": list(HEADS),
        "labels": labels, "bands": EVERY if bands is None else bands, "files": _listed(folder),
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def _listed(folder: Path) -> dict[str, Any]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    contents = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return {name: {"sha256": sha256(each).hexdigest(), "bytes": len(each)} for name, each in contents.items()}


def _scores(model: Any, texts: list[str]) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([[signal.score for signal in row] for row in model.classify(texts, reasons=False)])


def test_the_band_says_who_answers(tmp_path: Path) -> None:
    style = MODEL_LABELS.index("hoax_style")
    first = load_classifier(SHIPPED)
    texts = [ATTACK, PLAIN, ""]
    everything, nothing = (
        CascadeClassifier.load(cascade(tmp_path / str(at), bands)) for at, bands in enumerate((EVERY, NONE))
    )
    assert np.allclose(_scores(nothing, texts), _scores(first, texts))
    second = _scores(everything.second, texts)
    found = _scores(everything, texts)
    assert np.allclose(np.delete(found, style, 1), np.delete(second, style, 1))
    assert np.allclose(found[:, style], _scores(first, texts)[:, style])
    assert np.allclose(everything.probabilities(texts), found, atol=6e-5)
    assert {signal.model for signal in everything.classify([ATTACK])[0]} == {NAME}


def test_a_text_in_the_band_of_one_label_is_read_again(tmp_path: Path) -> None:
    first = load_classifier(SHIPPED)
    score = _scores(first, [ATTACK])[0][MODEL_LABELS.index("hate_group")]
    bands = {"hate_group": [score - 0.001, score + 0.001], "incitement": [1.0, 1.0]}
    model = CascadeClassifier.load(cascade(tmp_path, bands))
    assert model.asks(model.first.probabilities([ATTACK, PLAIN])).tolist() == [True, False]
    found = _scores(model, [PLAIN, ATTACK])
    assert np.allclose(found[0], _scores(first, [PLAIN])[0])
    assert not np.allclose(found[1], _scores(first, [ATTACK])[0])


@pytest.mark.parametrize("bands", [EVERY, NONE])
def test_reasons_come_from_whoever_answered_under_the_cascade_s_thresholds(tmp_path: Path, bands: Any) -> None:
    model = CascadeClassifier.load(cascade(tmp_path, bands, threshold=0.2))
    (signals,) = model.classify([ATTACK])
    over = [signal for signal in signals if signal.over]
    assert {signal.threshold for signal in signals} == {0.2, 1.0}
    assert over
    assert all(signal.reasons for signal in over)
    assert not any(signal.reasons for signal in signals if not signal.over)


def test_it_goes_into_service_whole_and_back_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(promotion, "judged", lambda *_args: type("J", (), {"refusals": (), "absolute": ()}))
    place = place_at(tmp_path / "home")
    folder = cascade(tmp_path / "out")
    (folder / "tfidf" / "notes.txt").write_text("not vouched for")
    done = promotion.promote(place, str(folder), "u1")
    assert (done.changed, place.classifier.name) == (True, NAME)
    assert done.notes == ("not copied, for the manifest does not vouch for it: tfidf/notes.txt",)
    copy = place.home.root / "models" / NAME
    assert (copy / "indobert" / "model.onnx").is_file()
    shutil.rmtree(folder)
    assert place_at(tmp_path / "home").classifier.name == NAME
    assert promotion.roll_back(place, "u1").name == SHIPPED.name
    assert promotion.promote(place, NAME, "u1").changed
    (copy / "indobert" / "model.onnx").write_bytes(b"x")
    worker = place_at(tmp_path / "home")
    assert worker.classifier.name == SHIPPED.name
    assert "model.onnx" in worker.models.alarms[0]


def test_the_gate_is_asked_of_a_cascade_too(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    done = promotion.promote(place, str(cascade(tmp_path / "out")), "u1")
    assert not done.changed
    assert "labels.hate_group.precision.value" in [refusal.figure for refusal in done.refusals]


def _changed(folder: Path, **changes: Any) -> Path:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "newer version"),
        ({"bands": None}, "band"),
        ({"bands": {"abusive": [0, 1]}}, "band"),
        ({"bands": EVERY | {"incitement": [0.9, 0.1]}}, "band"),
        ({"bands": EVERY | {"incitement": [0, float("nan")]}}, "band"),
        ({"bands": EVERY | {"incitement": "ab"}}, "band"),
        ({"labels": None}, "labels"),
        ({"files": {}}, "has no hash"),
    ],
)
def test_another_form_of_cascade_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        load_classifier(_changed(cascade(tmp_path), **changes))


@pytest.mark.parametrize("name", ["tfidf/manifest.json", "indobert/model.onnx", "tfidf/weights.npz"])
def test_a_member_that_was_changed_is_refused(tmp_path: Path, name: str) -> None:
    folder = cascade(tmp_path)
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(bytes(content))
    for read in (check_vouched, load_classifier):
        with pytest.raises(ModelError, match="hash"):
            read(folder)


@pytest.mark.parametrize("name", ["../x", "a/b/c", "/etc/passwd", "tfidf/", ".x/y", "tfidf/.x", "tfidf/../x", "a\\b"])
def test_a_manifest_leads_nowhere_but_into_the_folders_of_members(tmp_path: Path, name: str) -> None:
    folder = cascade(tmp_path)
    _changed(folder, files=_listed(folder) | {name: {"sha256": "0" * 64, "bytes": 1}})
    with pytest.raises(ModelError, match="plain file name"):
        check_vouched(folder)


def test_a_member_s_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    folder = cascade(tmp_path)
    shutil.move(folder / "tfidf", tmp_path / "elsewhere")
    (folder / "tfidf").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ModelError, match="link"):
        check_vouched(folder)


# ---- made


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The shipped model, the tiny net, and labelled rows."""
    folder = tmp_path_factory.mktemp("members")
    return SHIPPED, write(folder), smallbert.labelled(folder / "labelled.csv", 1)


def test_it_is_made_with_its_curve_and_card(members: tuple[Path, Path, Path], tmp_path: Path) -> None:
    made = train_cascade(*members, tmp_path / "a", date="2027-01-01", band=(0.1, 0.9))
    again = train_cascade(*members, tmp_path / "b", date="2027-01-01", band=(0.1, 0.9))
    assert check_vouched(made)["bands"] == {label: [0.1, 0.9] for label in ASKED}
    assert all(path.read_bytes() == (again / path.relative_to(made)).read_bytes() for path in made.glob("*.*"))
    metrics = json.loads((made / "metrics.json").read_text())
    curve = metrics["cascade"]["curve"]
    assert [curve[0]["share"], curve[-1]["share"], curve[-1]["width"]] == [0.0, 1.0, None]
    assert {"labels", "political", "dataset", "as_published"} <= set(metrics)
    assert "| all texts | 100.0 % |" in (made / "card.md").read_text(encoding="utf-8")
    assert len(load_classifier(made).classify([ATTACK, PLAIN, ""])) == 3


def test_a_run_lies_beside_it_with_the_curve_of_quality_and_cost(
    members: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    with i18n.language("en"):
        made = train_cascade(*members, tmp_path, date="2027-01-01", band=(0.1, 0.9))
    run, metrics = made / "run", json.loads((made / "metrics.json").read_text())
    cost = json.loads((run / "cost.json").read_text())
    assert (cost["curve"], cost["chosen"]) == (metrics["cascade"]["curve"], metrics["cascade"]["chosen"])
    assert 0 < cost["chosen"]["share"] < 1
    assert (run / "cost.png").read_bytes().startswith(b"\x89PNG")
    page = lxml.html.document_fromstring((run / "report.html").read_text(encoding="utf-8"))
    assert len(page.xpath("//img")) == 3
    assert page.xpath("//h2[text()='What a second reading gives, and what it costs']")
    assert "the band in use" in page.text_content()
    assert "rows that were held out" in page.text_content()
    told = json.loads((run / "run.json").read_text())
    assert told["parameters"]["band"] == [0.1, 0.9]
    assert told["parameters"]["tfidf"] == read_manifest(SHIPPED)[1]
    assert metrics["data"]["name"] == members[2].stem
    assert metrics["reference"]["known"]["word"]["mean"] > 0.9
    assert metrics["reference"]["documents"] == metrics["data"]["measured_rows"]


def test_evaluate_draws_the_curve_on_the_rows_that_it_is_given(
    members: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    made = train_cascade(*members, tmp_path, date="2027-01-01", band=(0.1, 0.9))
    run = evaluate_rows(made, labelled_csv(members[2]))
    found = run.metrics["cascade"]
    table = run.scored["hate_group"].scores, run.scored["incitement"].scores
    ours = [average_precision(run.scored[label].truth, mine)[0] for label, mine in zip(ASKED, table, strict=True)]
    assert found["chosen"]["average_precision"] == pytest.approx(np.mean(ours), abs=2e-3)  # scores of 4 digits there
    assert [found["curve"][0]["share"], found["curve"][-1]["share"]] == [0.0, 1.0]
    assert found["bands"] == dict.fromkeys(ASKED, (0.1, 0.9))
    with i18n.language("en"):
        page = (write_pages(tmp_path / "ukur", run) / "report.html").read_text(encoding="utf-8")
    assert "The curve was taken on the rows that were measured." in page
    assert (tmp_path / "ukur" / "cost.png").is_file()


def test_drift_holds_a_cascade_against_the_rows_that_it_was_measured_on(
    members: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    made = train_cascade(*members, tmp_path, date="2027-01-01", band=(0.1, 0.9))
    report, found = _drifted(made, tmp_path)
    assert (report.against, report.notes) == ("training", ())
    for figure in (found.scores["hate_speech"], found.unknown, found.stems):
        assert figure.against == "training"
        assert figure.level in MEANT
    assert found.unknown.before < 0.1


def test_drift_of_a_bert_has_scores_and_frequent_words_and_no_unknown_ones(
    members: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    data = read_hate(members[2])
    texts = [normalise(text) for text in data.texts]
    logits = load_classifier(members[1]).net.logits(texts)  # type: ignore[attr-defined]
    labels = settings_from(data, logits)
    metrics = measured(data, texts, logits, calibrated(logits, labels), labels, 0)
    report, found = _drifted(write(tmp_path, metrics=metrics), tmp_path)
    assert (report.against, report.notes) == ("training", ())
    assert found.scores["hate_speech"].level in MEANT
    assert found.stems.level in MEANT
    assert (found.unknown.psi, found.unknown.level) == (None, "unknown")


def test_drift_says_so_where_a_bert_has_no_reference(members: tuple[Path, Path, Path], tmp_path: Path) -> None:
    report, _found = _drifted(members[1], tmp_path)
    assert report.against == "own"
    assert "has no reference" in report.notes[0]


def _drifted(model: Path, tmp_path: Path) -> tuple[Any, Any]:
    """What drift says of one week of posts that this model scored."""
    given = {"KENTONGAN__MODELS__FOLDER": str(model), "KENTONGAN__DRIFT__AGAINST": "training"}
    place = place_at(tmp_path / "home", KENTONGAN__OFFICE__LANGUAGE="en", **given)
    place.home.make()
    put(place, posts(0, mean=0.5, model=model.name))
    report = drift.look(place, 8)
    return report, report.sources[0]


def test_one_that_gains_nothing_is_refused_unless_the_band_is_given(
    members: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="no better than TF-IDF"):
        train_cascade(*members, tmp_path, date="2027-01-01")
    with pytest.raises(ConfigError, match="two scores"):
        train_cascade(*members, tmp_path, date="2027-01-01", band=(0.9, 0.1))
    assert list(tmp_path.iterdir()) == []


def test_rows_that_the_first_saw_are_answered_by_a_copy_that_did_not(
    members: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = read_hate(members[2])
    monkeypatch.setattr(making, "read_metrics", lambda _folder: {"data": {"sha256": data.sha256, "seed": 3}})
    monkeypatch.setattr(trained, "counterexamples", lambda seed: counterexamples(seed, 1))
    made = train_cascade(*members, tmp_path, date="2027-01-01", band=(0.0, 0.0))
    metrics = json.loads((made / "metrics.json").read_text())
    assert "a copy of it" in metrics["data"]["first_scores"]
    assert metrics["data"]["measured_rows"] == int(held_out(data, 3)[1].sum())


@pytest.mark.parametrize("at", [0, 1])
def test_a_member_that_is_damaged_or_missing_is_refused(
    members: tuple[Path, Path, Path], tmp_path: Path, at: int
) -> None:
    given = list(members)
    given[at] = tmp_path / "none"
    with pytest.raises(ConfigError, match="no model folder"):
        train_cascade(*given, tmp_path, date="2027-01-01")
    given[at] = Path(shutil.copytree(members[at], tmp_path / members[at].name))
    (given[at] / "card.md").write_text("changed")
    with pytest.raises(ModelError, match=r"card\.md"):
        train_cascade(*given, tmp_path, date="2027-01-01")
    given = [*reversed(members[:2]), members[2]]
    with pytest.raises(ModelError):
        train_cascade(*given, tmp_path, date="2027-01-01")


# ---- the band


def _curve(*quality: float) -> list[dict[str, Any]]:
    widths = [*(float(at) for at in range(len(quality) - 1)), None]
    return [{"width": width, "average_precision": value} for width, value in zip(widths, quality, strict=True)]


def test_the_narrowest_band_that_brings_nearly_all_is_taken() -> None:
    assert ENOUGH == 0.99
    assert narrowest(_curve(0.7, 0.75, 0.7995, 0.81, 0.8)) == 2.0
    assert narrowest(_curve(0.7, 0.7, 0.7, 0.8)) is None
    with pytest.raises(ConfigError, match="--band"):
        narrowest(_curve(0.8, 0.9, 0.8))


def test_both_ends_of_a_band_belong_to_it_and_hoax_style_stays_the_first_s() -> None:
    first, second = np.full((3, len(MODEL_LABELS)), 0.1, np.float32), np.full((2, len(MODEL_LABELS)), 0.9, np.float32)
    first[:, 0] = (0.25, 0.5, 0.51)
    asked = in_band(first, {"hate_group": (0.25, 0.5)})
    assert asked.tolist() == [True, True, False]
    found = merged(first, second, asked)
    assert found[0].tolist().count(np.float32(0.9)) == len(MODEL_LABELS) - 1
    assert found[2].tolist() == first[2].tolist()
