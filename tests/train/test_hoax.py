"""hoax_style: what of the files is read, and that the audits see through sources. All texts are made up here."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.core.errors import ConfigError
from pipeline.text import normalise
from pipeline.train.audit import audit_hoax
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import HATE_COLUMNS, HateData
from pipeline.train.floors import read_floors, under_floors
from pipeline.train.hoax import HoaxData, read_hoax
from pipeline.train.rows import written_rows
from pipeline.train.structured import StructuredLogisticRegression, fit_calibration, logistic_regression

LONG = "pesan ini wajib dibaca sampai habis lalu kirim ke semua grup keluarga nomor {n}"


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _claim(n: int, **more: object) -> dict[str, object]:
    return {"title": f"Judul klaim {n}", "text": LONG.format(n=n), "date": "2024-05-01", **more}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Files in the shape of the hoax and news data."""
    title_again = {"title": "Sebuah judul yang panjang sekali untuk klaim ini", "date": "2024-01-01"}
    _write(tmp_path / "tbh_2024.csv", [_claim(1), _claim(2), title_again | {"text": title_again["title"]}])
    verdicts = [(1, "hoax"), (3, "hoax"), (4, "true"), (5, "ambiguous_clarification")]
    _write(tmp_path / "tbh_false_news_2020.csv", [_claim(n, suggested=verdict) for n, verdict in verdicts])
    _write(tmp_path / "hoax_1k.csv", [_claim(6), _claim(7) | {"text": "pendek"}])
    text = (
        "Bandung - Wali kota meresmikan pasar baru. Pedagang menempati kios sejak pagi. Warga menyambut gembira sekali."
    )
    news = pa.table({"text": [text] * 3, "date": ["2019-08-01"] * 3, "publisher": ["a", "b", "c"]})
    pq.write_table(news, tmp_path / "click_id_articles.parquet")
    return tmp_path, tmp_path


def _tweets() -> HateData:
    texts = (
        "pagi yang cerah untuk jalan kaki keliling kampung",
        "dasar kamu menyebalkan sekali tiap hari begitu terus",
    )
    labels = {name: np.array([False, name in {"HS", "HS_Individual"}]) for name in HATE_COLUMNS}
    return HateData(texts, labels, np.array([0, 1]), "")


def test_one_row_a_title_and_no_row_that_says_only_its_title(folders: tuple[Path, Path]) -> None:
    found = read_hoax(*folders, _tweets(), seed=0)
    counts = {source: found.sources.count(source) for source in set(found.sources)}
    assert counts == {"tbh_2024": 2, "tbh_2015_2020": 1, "tbh_true": 1, "hoax_1k": 1, "news": 3, "tweets": 1}
    assert found.hoax.tolist() == [source.startswith(("tbh_2", "hoax")) for source in found.sources]
    assert found.years[found.sources.index("news")] == 2019


def test_absent_or_broken_files_are_said(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "click_id_articles.parquet").write_bytes(b"no parquet")
    with pytest.raises(ConfigError, match="Parquet"):
        read_hoax(*folders, _tweets(), seed=0)
    (tmp_path / "click_id_articles.parquet").unlink()
    with pytest.raises(ConfigError, match="click_id_articles"):
        read_hoax(*folders, _tweets(), seed=0)
    (tmp_path / "hoax_1k.csv").unlink()
    with pytest.raises(ConfigError, match="hoax_1k"):
        read_hoax(*folders, _tweets(), seed=0)


def _data_with_a_source_leak() -> HoaxData:
    """Each source has its own word and hoaxes share nothing else: a random split knows all, a new source nothing."""
    rng = np.random.default_rng(0)
    words = "padi sawah kebun jalan rumah pasar kopi hujan angin laut gunung kapal".split()
    rows = []
    for source, hoax, mark in (
        ("tbh_2024", True, "alfa"), ("hoax_1k", True, "bravo"), ("news", False, "carlo"), ("tweets", False, "delta"),
    ):  # fmt: skip
        rows += [(f"{mark} {' '.join(rng.choice(words, 6))}", hoax, source, 2024 if hoax else 2019) for _n in range(60)]
    texts, hoaxes, sources, years = zip(*rows, strict=True)
    return HoaxData(texts, np.array(hoaxes), sources, years)


def test_the_audit_sees_through_a_source_leak() -> None:
    data = _data_with_a_source_leak()
    vocabulary = Vocabulary.learn([normalise(text) for text in data.texts], (1, 1, 1))
    report = audit_hoax(data, Vectoriser(vocabulary).matrix(data.texts), 1.0, seed=0)
    assert report["text"]["random_split"] > 0.99
    assert report["text"]["leave_one_source_out"]["median"] < 0.75
    assert report["date_only"]["random_split"] == 1.0
    assert set(report["text"]["pairs"]) == {f"{a} / {b}" for a in ("tbh_2024", "hoax_1k") for b in ("news", "tweets")}
    assert report["rows"]["news"] == 60
    json.dumps(report, allow_nan=False)


# ---- the estimator


def test_the_estimator_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.linear_model", None)
    with pytest.raises(ConfigError, match=r"kentongan\[train\]"):
        logistic_regression(1.0)


def test_the_estimator_keeps_its_manners() -> None:
    estimator = StructuredLogisticRegression(C=2.0, C_given_hate=3.0)
    assert vars(estimator) == {"C": 2.0, "C_given_hate": 3.0}
    features = Vectoriser(Vocabulary.learn([normalise("satu dua")], (1, 1, 1))).matrix(["satu", "dua"])
    with pytest.raises(ValueError, match="labels"):
        estimator.fit(features, written_rows(counterexamples(0, 1)))


def test_calibration_turns_half_confident_scores_back() -> None:
    rng = np.random.default_rng(0)
    true = rng.random(20_000)
    truth = rng.random(20_000) < true
    too_sure = (true**2 / (true**2 + (1 - true) ** 2)).astype(np.float32)  # log-odds doubled
    slope, offset = fit_calibration(too_sure, truth)
    assert slope == pytest.approx(0.5, abs=0.03)
    assert offset == pytest.approx(0, abs=0.05)
    assert fit_calibration(too_sure, np.zeros(20_000, bool)) == (1.0, 0.0)


# ---- floors


def test_floors_hold_what_falls_and_what_was_measured_elsewhere(tmp_path: Path) -> None:
    floors = {
        "data_sha256": "a",
        "at_least": {"labels.x.f1": 0.5, "labels.y.f1": 0.1},
        "at_most": {"labels.x.ece": 0.1},
    }
    good = {"data": {"sha256": "a"}, "labels": {"x": {"f1": 0.5, "ece": 0.1}, "y": {"f1": 0.1}}}
    assert under_floors(good, floors) == []
    bad = {"data": {"sha256": "a"}, "labels": {"x": {"f1": 0.49, "ece": float("nan")}}}
    assert len(under_floors(bad, floors)) == 3
    assert "other data" in under_floors(good | {"data": {"sha256": "b"}}, floors)[0]
    (tmp_path / "floors.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"floors\.json"):
        read_floors(tmp_path / "floors.json")
    with pytest.raises(ConfigError, match=r"none\.json"):
        read_floors(tmp_path / "none.json")
