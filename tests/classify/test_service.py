"""Which model serves: the promoted one if it is whole, else the last good one, and what a running worker picks up."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.classify import promoted
from pipeline.classify.artefact import Artefact, read_manifest, write_artefact
from pipeline.classify.features import Vocabulary
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings
from pipeline.classify.promoted import COPY, POINTER, Entry, State, check_vouched, copy_in, read_state, write_state
from pipeline.classify.registry import list_models
from pipeline.classify.service import ModelService
from pipeline.core.config import Models
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.resources import models_path
from pipeline.text import normalise

MODELS = Models(name="tfidf", folder="")
SHIPPED = list_models(models_path(), "tfidf")[-1]
OLD, NEW = "tfidf-2026-01-02", "tfidf-2026-02-03"


def small_model(place: Path, name: str, seed: int = 0) -> Path:
    """A small whole model with random weights."""
    vocabulary = Vocabulary.learn([normalise(text) for text in ("usir pendatang", "pasar ramai")], (1, 1, 1))
    weights = np.random.default_rng(seed).normal(size=(vocabulary.size, len(HEADS))).astype(np.float32)
    labels = {label: LabelSettings(1.0, 0.0, 0.5, 0.1, "a test") for label in MODEL_LABELS}
    folder = place / name
    folder.mkdir(parents=True)
    made = Artefact(name, vocabulary, weights, np.zeros(len(HEADS), np.float32), labels)
    write_artefact(made, folder, metrics={"labels": {}}, card="# card\n")
    return folder


def entry_of(folder: Path) -> Entry:
    return Entry(folder.name, read_manifest(folder)[1], "home", "2026-02-03T00:00:00+00:00", "u1")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which the model NEW serves and OLD served before."""
    old, new = (small_model(tmp_path / "models", name, seed) for seed, name in enumerate((OLD, NEW)))
    write_state(tmp_path / "models", State(entry_of(new), (entry_of(old),)))
    return tmp_path


def _served(home: Path) -> tuple[str, int]:
    service = ModelService(MODELS, home)
    return service.classifier.name, len(service.alarms)


def _sealed(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))

    return apply


def _flip(folder: Path) -> None:
    content = bytearray((folder / "weights.npz").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "weights.npz").write_bytes(content)


def _link(folder: Path) -> None:
    (folder / "card.md").rename(folder / "elsewhere")
    (folder / "card.md").symlink_to(folder / "elsewhere")


def _huge(folder: Path) -> None:
    os.truncate(folder / "weights.npz", promoted.MAX_FILE_BYTES + 1)


def _pipe(folder: Path) -> None:
    (folder / "card.md").unlink()
    os.mkfifo(folder / "card.md")


NEWER = _sealed(lambda manifest: manifest.update(text_version="999"))
DAMAGE = [
    _flip,
    _link,
    _huge,
    _pipe,
    lambda folder: (folder / "weights.npz").unlink(),
    lambda folder: (folder / "manifest.json").write_text("{"),
    lambda folder: shutil.rmtree(folder),
    NEWER,
    _sealed(lambda manifest: manifest["files"].update({"../../secret": {"sha256": "0" * 64}})),
    _sealed(lambda manifest: manifest["files"].update({"/etc/hostname": {"sha256": "0" * 64}})),
    _sealed(lambda manifest: manifest.update(name=OLD)),
    _sealed(lambda manifest: manifest.update(files=[])),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_model_leaves_the_last_good_one_in_service_and_raises_an_alarm(
    home: Path, damage: Callable[[Path], None]
) -> None:
    assert _served(home) == (NEW, 0)
    damage(home / "models" / NEW)
    assert _served(home) == (OLD, 1)
    damage(home / "models" / OLD)
    assert _served(home) == (SHIPPED.name, 2)


@pytest.mark.parametrize("damage", [each for each in DAMAGE if each is not NEWER])
def test_a_damaged_model_is_not_copied(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folder = small_model(tmp_path / "out", NEW)
    damage(folder)
    manifest = folder / "manifest.json"  # whoever sealed it again has the right hash of it
    digest = sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else "0" * 64
    with pytest.raises(ModelError):
        copy_in(folder, tmp_path / "models", digest)
    assert list_models(tmp_path / "models") == []


def test_a_model_that_was_changed_with_its_manifest_is_not_vouched_for(home: Path) -> None:
    shutil.rmtree(home / "models" / NEW)
    small_model(home / "models", NEW, seed=9)  # whole, but not what was promoted
    assert _served(home) == (OLD, 1)


def test_a_running_worker_takes_up_a_promotion_and_keeps_what_it_has_if_that_fails(home: Path) -> None:
    worker = ModelService(MODELS, home)
    assert worker.classifier.name == NEW
    assert not worker.renew()
    write_state(home / "models", State(entry_of(home / "models" / OLD)))
    assert worker.renew()
    assert worker.classifier.name == OLD
    third = small_model(home / "models", "tfidf-2026-03-04", 3)
    write_state(home / "models", State(entry_of(third), (entry_of(home / "models" / NEW),)))
    whole = (third / "weights.npz").read_bytes()
    _flip(third)
    assert not worker.renew()
    assert worker.classifier.name == OLD
    assert "tfidf-2026-03-04" in worker.alarms[0]
    (third / "weights.npz").write_bytes(whole)  # mended: the next piece of work takes it up
    assert worker.renew()
    assert (worker.classifier.name, worker.alarms) == (third.name, ())


def test_a_pointer_that_is_gone_or_damaged_changes_nothing(home: Path) -> None:
    worker = ModelService(MODELS, home)
    assert worker.classifier.name == NEW
    pointer = home / "models" / POINTER
    pointer.unlink()
    assert not worker.renew()
    assert len(worker.alarms) == 1
    assert _served(home) == (NEW, 1)  # of the copy that was written after it
    pointer.mkdir()
    assert _served(home) == (NEW, 1)
    (home / "models" / COPY).unlink()
    assert _served(home) == (SHIPPED.name, 1)
    assert not worker.renew()
    assert worker.classifier.name == NEW


_KEYS = st.sampled_from(["format", "in_service", "before", "name", "sha256", "where"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
)


@settings(max_examples=150)
@given(content=st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_in_the_pointer_stop_the_program_or_lead_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    place = tmp_path_factory.mktemp("models")
    (place / POINTER).write_bytes(content)
    state = read_state(place)
    assert bool(state.alarm) == (state.now is None)


def test_every_cut_of_the_pointer_leaves_the_last_good_model(home: Path) -> None:
    pointer = home / "models" / POINTER
    whole, good = pointer.read_bytes(), read_state(home / "models")
    for end in range(len(whole) - 1):  # without its last line break it is still whole
        pointer.write_bytes(whole[:end])
        state = read_state(home / "models")
        assert replace(state, alarm="") == good
        assert state.alarm or end == len(whole) - 1


@pytest.mark.parametrize("name", ["../evil-2026-01-01", "tfidf-2026-01-01/..", "", "/etc/passwd"])
def test_a_name_in_the_pointer_leads_nowhere(home: Path, name: str) -> None:
    write_state(home / "models", State(Entry(name, "0" * 64, "home")))
    assert read_state(home / "models").now is None
    assert _served(home) == (SHIPPED.name, 1)


def test_a_kill_leaves_the_old_pointer(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_args: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            write_state(home / "models", State(entry_of(home / "models" / OLD)))
    assert _served(home) == (NEW, 0)


def test_a_copy_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, place = small_model(tmp_path / "out", NEW), tmp_path / "models"
    (folder / "report.html").write_text("x")
    digest = sha256((folder / "manifest.json").read_bytes()).hexdigest()
    copy = shutil.copyfile
    made: list[str] = []

    def full(source: Path, target: Path, **options: Any) -> object:
        made.append(target.name)
        if len(made) == 3:
            raise OSError(28, "No space left on device")
        return copy(source, target, **options)

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space"):
        copy_in(folder, place, digest)
    assert list(place.iterdir()) == []
    target, left = copy_in(folder, place, digest)
    assert (target.name, left) == (NEW, ["report.html"])
    _flip(target)
    assert check_vouched(copy_in(folder, place, digest)[0], digest)  # mended by the same model
    shutil.rmtree(folder)
    other = small_model(tmp_path / "out", NEW, seed=5)
    with pytest.raises(ConfigError, match="another model of the name"):
        copy_in(other, place, read_manifest(other)[1])
