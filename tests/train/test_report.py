"""What a run leaves: the same bytes for the same run, a page that is safe and readable, and measuring on a dataset."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from pathlib import Path
from typing import Any

import lxml.html
import numpy as np
import pytest

from pipeline.classify.artefact import read_manifest
from pipeline.classify.heads import LabelSettings
from pipeline.classify.promoted import copy_in
from pipeline.classify.registry import load_classifier
from pipeline.cli import main
from pipeline.core import i18n
from pipeline.core.errors import ConfigError
from pipeline.core.resources import models_path
from pipeline.train import evaluate as evaluating
from pipeline.train.counterexamples import counterexamples
from pipeline.train.evaluate import evaluate_rows
from pipeline.train.figures import group_resamples
from pipeline.train.labelled import labelled_dataset
from pipeline.train.measure import measure_label, measure_over_all, measure_slices
from pipeline.train.records import LABELS, Row, to_dict
from pipeline.train.report import Run, Scored, code_version, write_pages, write_run
from pipeline.train.stored import MANIFEST, ROWS, label_counts, manifest_bytes, write_rows

HOSTILE = "<script>alert(1)</script>\"' onload=x"
MODEL = sorted(models_path().glob("tfidf-*"))[-1]


def _run(rows: int = 600, **changes: Any) -> Run:
    """A run on numbers: two labels that can be measured, and one with too few rows."""
    random = np.random.default_rng(0)
    scored = {}
    for label in ("hate_group", "abusive", "ground_gender"):
        scores = random.random(rows)
        known = np.ones(rows, bool) if label != "ground_gender" else np.arange(rows) < 20
        scored[label] = Scored((random.random(rows) < scores) & known, known, scores)
    limits = dict.fromkeys(scored, 0.57)
    weights = group_resamples(np.arange(rows), 0, 50)
    truth = {label: each.truth for label, each in scored.items()}
    known = {label: each.known for label, each in scored.items()}
    values = {label: each.scores for label, each in scored.items()}
    sources = [HOSTILE if row % 3 else "koran" for row in range(rows)]
    labels = {label: measure_label(truth[label], values[label], 0.57, weights) for label in ("hate_group", "abusive")}
    figures = dict.fromkeys(("model", "style_only", "markers_only"), 0.6) | {"date_only": None}
    metrics = {
        "labels": labels,
        "over_all": measure_over_all(truth, known, values, limits),
        "slices": {"source": measure_slices(truth, known, values, limits, sources), "period": _none(rows, scored)},
        "audit": {"folds": 5, "rows": rows, "labels": {"hate_group": figures}},
        "not_a_number": float("nan"),
    }
    settings = {label: LabelSettings(1.0, 0.0, 0.57, 0.5, "a test") for label in scored}
    given: dict[str, Any] = {
        "name": "tfidf-2026-01-02",
        "kind": "tfidf",
        "seed": 3,
        "parameters": {"folds": 5, "note": HOSTILE},
        "dataset": {"name": HOSTILE, "sha256": "0" * 64, "rows": rows},
        "labels": settings,
        "metrics": metrics,
        "scored": scored,
    }
    return Run(**(given | changes))


def _none(rows: int, scored: dict[str, Scored]) -> dict[str, Any]:
    values = {label: each.scores for label, each in scored.items()}
    known = {label: each.known for label, each in scored.items()}
    return measure_slices({}, known, values, {}, [""] * rows)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with i18n.language("id"):
        return write_run(tmp_path_factory.mktemp("model"), _run())


@pytest.fixture(scope="module")
def page(written: Path) -> lxml.html.HtmlElement:
    return lxml.html.document_fromstring((written / "report.html").read_text(encoding="utf-8"))


def test_the_same_run_leaves_the_same_bytes(written: Path, tmp_path: Path) -> None:
    with i18n.language("id"):
        again = write_run(tmp_path, _run())
    names = "calibration.json calibration.png report.html run.json thresholds.json thresholds.png".split()
    assert sorted(path.name for path in written.iterdir()) == names
    assert [path.name for path in tmp_path.iterdir()] == ["run"], "nothing is left aside"
    for name in names:
        assert (written / name).read_bytes() == (again / name).read_bytes(), name


def test_the_files_say_with_what_it_can_be_done_again(written: Path) -> None:
    run = json.loads((written / "run.json").read_text(encoding="utf-8"))
    assert (run["seed"], run["dataset"]["rows"], run["parameters"]["folds"]) == (3, 600, 5)
    assert run["code"] == code_version()
    assert {"numpy", "python", "matplotlib"} <= set(run["libraries"])
    assert run["labels"]["abusive"]["threshold"] == 0.57
    assert {"value", "low", "high"} <= set(run["metrics"]["labels"]["abusive"]["f1"])
    assert run["metrics"]["not_a_number"] is None
    assert run["too_small"] == {"ground_gender": {"measured": 20, "rows": run["too_small"]["ground_gender"]["rows"]}}
    calibration = json.loads((written / "calibration.json").read_text(encoding="utf-8"))["labels"]
    thresholds = json.loads((written / "thresholds.json").read_text(encoding="utf-8"))["labels"]
    assert set(calibration) == set(thresholds) == {"hate_group", "abusive"}
    assert sum(each["rows"] for each in calibration["abusive"]["bins"]) == 600
    assert [row["threshold"] for row in thresholds["abusive"] if row["chosen"]] == [0.57]


@pytest.mark.parametrize("name", ["calibration.png", "thresholds.png"])
def test_a_picture_is_small_and_carries_nothing_but_its_points(written: Path, name: str) -> None:
    content = (written / name).read_bytes()
    assert len(content) < 120_000
    chunks, at = set(), 8
    while at < len(content):
        size, kind = struct.unpack(">I4s", content[at : at + 8])
        chunks.add(kind)
        at += size + 12
    assert chunks <= {b"IHDR", b"PLTE", b"IDAT", b"IEND"}, "no software, no time"
    assert struct.unpack(">I", content[16:20])[0] > 700


def test_the_page_loads_nothing_runs_nothing_and_escapes_everything(written: Path, page: lxml.html.HtmlElement) -> None:
    text = (written / "report.html").read_text(encoding="utf-8")
    assert "<script" not in text
    assert HOSTILE in page.text_content()
    assert not page.xpath("//@onload | //script | //iframe | //object | //link | //form")
    assert all(address.startswith("data:image/png;base64,") for address in page.xpath("//@src"))
    assert all(address.startswith("#") for address in page.xpath("//@href"))
    assert "http:" not in text
    assert "https:" not in text
    assert "default-src 'none'" in page.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")[0]
    assert not page.xpath("//*[@style]")


def test_the_page_can_be_read_without_seeing_it(page: lxml.html.HtmlElement) -> None:
    assert page.get("lang") == "id"
    assert len(page.xpath("//h1")) == len(page.xpath("//main")) == 1
    assert all(image.get("alt") for image in page.xpath("//img"))
    assert len(page.xpath("//img")) == 2
    for table in page.xpath("//table"):
        assert table.xpath("./caption")
        assert table.xpath("./thead/tr/th[@scope='col']")
        widths = {len(row.xpath("./*")) for row in table.xpath(".//tr")}
        assert len(widths) == 1, table.xpath("./caption")[0].text
        assert all(row.xpath("./th[@scope='row']") for row in table.xpath("./tbody/tr"))
    names = page.xpath("//@id")
    assert len(names) == len(set(names))
    assert {address[1:] for address in page.xpath("//@href")} <= set(names)
    assert set(" ".join(page.xpath("//@aria-labelledby")).split()) <= set(names)


def test_the_page_says_what_it_must_not_be_used_for_and_what_it_cannot_say(tmp_path: Path) -> None:
    with i18n.language("en"):
        text = (write_run(tmp_path, _run()) / "report.html").read_text(encoding="utf-8")
    for says in (
        "On persons: no score, list or profile of an author",
        "to find critics or protesters",
        "What this cannot say",
        "Labels with too few rows for a curve",
        "Only sampled rows",
    ):
        assert (says in text) == (says != "Only sampled rows"), says
    assert "By quarter: the data does not carry it." in text
    assert "(in use)" in text


def test_a_run_with_nothing_to_measure_still_leaves_a_page(tmp_path: Path) -> None:
    nothing = np.zeros(0, bool)
    run = _run(scored={"abusive": Scored(nothing, nothing, np.zeros(0))}, metrics={})
    folder = write_run(tmp_path, run)
    assert sorted(path.name for path in folder.iterdir()) == [
        "calibration.json",
        "report.html",
        "run.json",
        "thresholds.json",
    ]
    assert "<img" not in (folder / "report.html").read_text(encoding="utf-8")


def test_a_run_is_replaced_whole(tmp_path: Path) -> None:
    nothing: dict[str, Scored] = {}
    old = tmp_path / "run"
    old.mkdir()
    (old / "left.txt").write_text("before")
    write_run(tmp_path, _run(scored=nothing, metrics={}))
    assert not (old / "left.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    nothing: dict[str, Scored] = {}
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ConfigError, match="file"):
        write_pages(tmp_path / "file", _run(scored=nothing, metrics={}))
    assert (tmp_path / "file").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"kentongan\[train\]"):
        write_run(tmp_path, _run())
    assert not list(tmp_path.iterdir())


def test_a_promotion_leaves_the_run_where_it_is_and_says_nothing_of_it(tmp_path: Path) -> None:
    source = tmp_path / MODEL.name
    shutil.copytree(MODEL, source)
    nothing: dict[str, Scored] = {}
    write_run(source, _run(scored=nothing, metrics={}))
    (source / "notes.txt").write_text("by hand")
    target, left = copy_in(source, tmp_path / "models", read_manifest(source)[1])
    assert left == ["notes.txt"]
    assert not (target / "run").exists()


# ---- measuring a finished model on an office's dataset


def _dataset(place: Path) -> Path:
    """Written sentences as an office's dataset: some labels unknown, a third of the rows sampled."""
    written = counterexamples(5, 1)
    rows = []
    for number, text in enumerate(written.texts):
        teaches = {name: bool(values[number]) for name, values in written.labels.items()}
        ground = any(teaches[name] for name in ("religion", "race", "gender", "physical"))
        attack = ground and (teaches["HS_Group"] or teaches["HS_Strong"])
        sampled = number % 3 == 0
        labels = {"hate_group": attack, "abusive": teaches["Abusive"] if number % 4 else None}
        row = Row(
            f"{number:032x}", text, "verdict", "sample" if sampled else "flag", labels, {},
            probability=0.1 if sampled else None, source="radio" if number % 2 else "koran",
            provinces=("31",) if number % 5 else (), day=f"2026-{1 + number % 6:02}-05",
        )  # fmt: skip
        split = {"group": row.id, "group_rows": 1, "fold": number % 5, "source_fold": -1, "time": "none"}
        rows.append(to_dict(row) | split | {"weight": row.weight})
    place.mkdir(parents=True)
    manifest = {
        "version": 1, "rows": len(rows), "labels": label_counts(rows, 5), "settings": {"min_positives": 5},
        "rows_sha256": write_rows(rows, place / ROWS), "recall": {},
    }  # fmt: skip
    (place / MANIFEST).write_bytes(manifest_bytes(manifest))
    return place


@pytest.fixture
def few_sentences(monkeypatch: pytest.MonkeyPatch) -> None:
    """The functional sentences take seconds, and have tests of their own."""
    functional = {"sentences": 0, "right": 0, "classes": {}}
    fairness = {"sentences": 0, "flagged": 0, "families": {}}
    monkeypatch.setattr(evaluating, "_functional", lambda _model: {"functional": functional, "fairness": fairness})


@pytest.mark.usefixtures("few_sentences")
def test_a_dataset_is_measured_where_it_knows_and_its_samples_apart(tmp_path: Path) -> None:
    rows = labelled_dataset(_dataset(tmp_path / "data"))
    assert set(rows.truth) == {"hate_group", "abusive"}, "of the other labels it knows nothing"
    run = evaluate_rows(MODEL, rows)
    found = run.metrics
    assert found["labels"]["abusive"]["measured"] == rows.known["abusive"].sum() < len(rows)
    assert found["labels"]["hate_group"]["measured"] == len(rows)
    assert found["over_all"]["exact_match_rows"] == rows.known["abusive"].sum()
    assert not found["trained_on_these_rows"]
    assert found["sampled"]["rows"] == rows.sampled.sum()
    assert set(found["slices"]["source"]["slices"]) == {"radio", "koran"}
    assert set(found["slices"]["period"]["slices"]) == {"2026-Q1", "2026-Q2"}
    assert set(found["slices"]["region"]["slices"]) == {"31"}
    assert set(found["political"]) <= {"hate_group"}
    assert (run.what, run.kind) == ("evaluation", "tfidf")
    scores = [signals[0].score for signals in load_classifier(MODEL).classify(list(rows.texts[:3]), reasons=False)]
    assert run.scored["hate_group"].scores[:3] == pytest.approx(scores)


@pytest.mark.usefixtures("few_sentences")
def test_evaluate_prints_and_writes_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))
    _dataset(tmp_path / "home" / "datasets" / "kantor")
    report = tmp_path / "ukur"

    def call(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as stop:
            main(["evaluate", *arguments, "--lang", "en"])
        return int(stop.value.code or 0), *capsys.readouterr()

    code, out, err = call("--dataset", "kantor", "--model", str(MODEL), "--report", str(report))
    assert (code, err) == (0, "")
    for says in ("Exact match", "Macro-F1", "Unsure: scores from 0.3 up to 0.7", "By quarter", "2026-Q1", "radio"):
        assert says in out
    assert "Measurement of tfidf-" in (report / "report.html").read_text(encoding="utf-8")
    code, out, err = call("--dataset", "kantor", "--report", str(report))
    assert (code, out) == (2, "")
    assert "ukur" in err
    for arguments, says in (
        (("--dataset", "kantor", "--functional-only"), "give one of these"),
        ((), "give one of these"),
        (("--functional-only", "--report", str(tmp_path / "x")), "--report needs"),
        (("--dataset", "none"), "is no dataset"),
    ):
        code, out, err = call(*arguments)
        assert (code, out) == (2, ""), arguments
        assert says in err


def test_a_dataset_that_knows_no_label_of_a_model_is_refused(tmp_path: Path) -> None:
    folder = _dataset(tmp_path / "data")
    rows = [
        to_dict(Row("0" * 32, "halo", "verdict", "flag", dict.fromkeys(LABELS), {}))
        | {"group": "0", "group_rows": 1, "fold": 0, "source_fold": -1, "time": "none", "weight": 1.0}
    ]
    manifest = json.loads((folder / MANIFEST).read_bytes()) | {"rows_sha256": write_rows(rows, folder / ROWS)}
    (folder / MANIFEST).write_bytes(manifest_bytes(manifest))
    with pytest.raises(ConfigError, match="none of the labels"):
        labelled_dataset(folder)
