"""The ranker's files: read as written, and refused with their name when anything about them is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from claimtexts import ranker

from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.resources import models_path
from pipeline.enrich.claims import Thresholds, load_ranker, write_ranker
from pipeline.enrich.claims.likeness import FEATURES
from pipeline.enrich.claims.ranker import MANIFEST, WEIGHTS
from pipeline.enrich.claims.terms import BUCKETS, KINDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(max(models_path().glob("claims-*")), tmp_path / "claims-2026-01-01"))


def test_a_ranker_is_read_as_it_was_written(tmp_path: Path) -> None:
    weights = np.full(len(KINDS) * BUCKETS, 9.0, np.float32)
    weights[[3, 70, 9_000]] = (0.5, 2.25, 8.0625)
    coefficients = np.arange(len(FEATURES)) / 8
    for name in ("claims-2026-01-01", "claims-2026-01-02"):
        write_ranker(tmp_path / name, weights, coefficients, -1.5, Thresholds(0.2, 0.6), {"n": 1}, "# card\n")
    read = load_ranker(tmp_path / "claims-2026-01-01")
    assert (read.weights == weights).all()
    assert read.coefficients.tolist() == coefficients.tolist()
    assert (read.intercept, read.thresholds) == (-1.5, Thresholds(0.2, 0.6))
    written = [(tmp_path / name / WEIGHTS).read_bytes() for name in ("claims-2026-01-01", "claims-2026-01-02")]
    assert written[0] == written[1]


def test_scores_are_probabilities_that_rise_with_what_is_shared() -> None:
    rows = np.zeros((2, len(FEATURES)))
    rows[1, FEATURES.index("stem_cosine")] = 1.0
    low, high = ranker().scores(rows)
    assert 0 < low < 1
    assert 0 < high < 1


def _changed(folder: Path, **values: Any) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | values))


@pytest.mark.parametrize(
    "values",
    [
        {"format": 99},
        {"text_version": "0"},
        {"features": ["stem_cosine"]},
        {"coefficients": [1.0]},
        {"coefficients": ["x"] * len(FEATURES)},
        {"intercept": "much"},
        {"intercept": float("nan")},
        {"weights_sha256": "0" * 64},
        {"thresholds": {"suggest": 0.9, "match": 0.1}},
        {"thresholds": None},
    ],
)
def test_a_changed_manifest_is_refused(folder: Path, values: dict[str, Any]) -> None:
    _changed(folder, **values)
    with pytest.raises(ModelError, match="claims-2026-01-01"):
        load_ranker(folder)


@pytest.mark.parametrize("name", [MANIFEST, WEIGHTS])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 not a zip", b"[" * 100_000])
def test_a_missing_or_damaged_file_is_refused(folder: Path, name: str, content: bytes | None) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match="claims-2026-01-01"):
        load_ranker(folder)


def test_thresholds_are_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "claims" / "thresholds.json"
    Thresholds(0.25, 0.75).write(path)
    assert Thresholds.read(path) == Thresholds(0.25, 0.75)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"suggest": 0.9, "match": 0.2}', '{"suggest": "a", "match": 1}'])
def test_wrong_thresholds_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "thresholds.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"thresholds\.json"):
        Thresholds.read(path)
