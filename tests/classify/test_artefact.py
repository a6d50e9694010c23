"""A model's folder is read as if it came from an enemy who can also write the manifest."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.classify import artefact as module
from pipeline.classify.artefact import Artefact, is_model_name, read_artefact, write_artefact
from pipeline.classify.features import Vocabulary
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings
from pipeline.classify.registry import list_models, load_classifier
from pipeline.core.errors import ModelError
from pipeline.text import normalise

TEXTS = ["usir pendatang", "pasar ramai sekali", "usir nyamuk di pasar"]


def _small() -> Artefact:
    vocabulary = Vocabulary.learn([normalise(text) for text in TEXTS], (1, 1, 1))
    random = np.random.default_rng(0)
    labels = {label: LabelSettings(1.0, 0.0, 0.5, 0.1, "a test") for label in MODEL_LABELS}
    weights = random.normal(size=(vocabulary.size, len(HEADS))).astype(np.float32)
    return Artefact("tfidf-2026-01-02", vocabulary, weights, np.zeros(len(HEADS), np.float32), labels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small whole model."""
    place = tmp_path / "tfidf-2026-01-02"
    place.mkdir()
    write_artefact(_small(), place, metrics={"labels": {}}, card="# card\n")
    return place


def _sealed(folder: Path, name: str, content: bytes) -> None:
    """Put a file there and its hash into the manifest, as an enemy would."""
    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"][name] = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _weights(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    with np.load(folder / "weights.npz") as found:
        arrays = dict(found)
    change(arrays)
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    _sealed(folder, "weights.npz", packed.getvalue())


def test_what_is_written_is_read_again(folder: Path) -> None:
    made, found = _small(), read_artefact(folder)
    assert found.name == made.name
    assert found.vocabulary.features == made.vocabulary.features
    assert all(np.array_equal(a, b) for a, b in zip(found.vocabulary.counts, made.vocabulary.counts, strict=True))
    assert np.allclose(found.weights, made.weights, atol=2e-3)
    assert found.labels == made.labels
    assert found.digest == sha256((folder / "manifest.json").read_bytes()).hexdigest()


def test_the_same_model_is_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_artefact(_small(), other, metrics={"labels": {}}, card="# card\n")
    for path in folder.iterdir():
        assert path.read_bytes() == (other / path.name).read_bytes()
    write_artefact(
        replace(_small(), bias=np.ones(len(HEADS), np.float32)), other, metrics={"labels": {}}, card="# card\n"
    )
    assert (folder / "manifest.json").read_bytes() != (other / "manifest.json").read_bytes()


def _not_a_number(arrays: dict[str, Any]) -> None:
    arrays["weights"][0, 0] = np.nan


def _pickled(arrays: dict[str, Any]) -> None:
    arrays["bias"] = np.array([{"a": 1}] * len(HEADS), dtype=object)


def _other_shape(arrays: dict[str, Any]) -> None:
    arrays["weights"] = arrays["weights"][:-1]


def _other_type(arrays: dict[str, Any]) -> None:
    arrays["weights"] = arrays["weights"].astype(np.float64)


def _one_more(arrays: dict[str, Any]) -> None:
    arrays["more"] = np.zeros(1)


def _no_counts(arrays: dict[str, Any]) -> None:
    arrays["counts"] = arrays["counts"] * 0


@pytest.mark.parametrize("change", [_not_a_number, _pickled, _other_shape, _other_type, _one_more, _no_counts])
def test_arrays_that_no_training_gives_are_refused(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    _weights(folder, change)
    with pytest.raises(ModelError, match=r"weights\.npz"):
        read_artefact(folder)


def test_a_bomb_is_refused_before_it_is_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BYTES", 100_000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("weights", "bias", "counts"):
            archive.writestr(f"{name}.npy", b"\0" * 60_000)
    _sealed(folder, "weights.npz", packed.getvalue())
    with pytest.raises(ModelError, match="larger than"):
        read_artefact(folder)
    _sealed(folder, "vocabulary.txt.gz", gzip.compress(b"a\n" * 100_000, mtime=0))
    with pytest.raises(ModelError, match=r"vocabulary\.txt\.gz"):
        read_artefact(folder)


@pytest.mark.parametrize(
    "words",
    [
        b"",
        b"\xff\xfe",
        gzip.compress(b"satu\n", mtime=0),
        gzip.compress(b"\xff\n" * 3, mtime=0),
        gzip.compress(b"a\n" * 9, mtime=0)[:-9],
    ],
)
def test_a_wrong_word_list_is_refused(folder: Path, words: bytes) -> None:
    _sealed(folder, "vocabulary.txt.gz", words)
    with pytest.raises(ModelError, match=r"vocabulary\.txt\.gz"):
        read_artefact(folder)


def test_a_word_that_stands_twice_is_refused(folder: Path) -> None:
    lines = gzip.decompress((folder / "vocabulary.txt.gz").read_bytes()).split(b"\n")
    lines[1] = lines[0]
    _sealed(folder, "vocabulary.txt.gz", gzip.compress(b"\n".join(lines), mtime=0))
    with pytest.raises(ModelError, match="twice"):
        read_artefact(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("slope", float("nan")),
        ("slope", -1.0),
        ("slope", 1e9),
        ("offset", float("inf")),
        ("threshold", 0),
        ("threshold", 1.5),
        ("threshold", "0.5"),
        ("base_rate", 2),
        ("purpose", None),
    ],
)
def test_a_label_without_sense_is_refused(folder: Path, key: str, value: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["labels"]["hate_group"][key] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="calibration or threshold"):
        read_artefact(folder)


@pytest.mark.parametrize("name", ["../../etc", "tfidf-2026-01-02/..", "tfidf", "TFIDF-2026-01-02", 7, None])
def test_a_name_that_is_a_path_is_refused(folder: Path, name: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"name": name}))
    with pytest.raises(ModelError, match="name"):
        read_artefact(folder)
    assert not is_model_name(str(name))


@pytest.mark.parametrize("count", [0, -1, 10**12, "3", True, None])
def test_a_count_without_sense_is_refused(folder: Path, count: object) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"documents": count}))
    with pytest.raises(ModelError, match="count"):
        read_artefact(folder)


def test_what_is_no_plain_file_is_not_opened(folder: Path) -> None:
    (folder / "weights.npz").unlink()
    os.mkfifo(folder / "weights.npz")  # opening it would wait for ever
    with pytest.raises(ModelError, match="missing"):
        read_artefact(folder)


def test_deep_json_is_refused(folder: Path) -> None:
    (folder / "manifest.json").write_text("[" * 200_000)
    with pytest.raises(ModelError, match="JSON"):
        load_classifier(folder)


def test_only_folders_called_like_models_are_listed(tmp_path: Path) -> None:
    for name in ("tfidf-2026-02-01", "tfidf-2026-01-01", "indobert-2026-03-01", ".tfidf-2026-04-01-x", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "tfidf-2026-05-01").write_text("a file")
    assert [path.name for path in list_models(tmp_path, "tfidf")] == ["tfidf-2026-01-01", "tfidf-2026-02-01"]
    assert len(list_models(tmp_path)) == 3
    assert list_models(tmp_path / "none") == []
