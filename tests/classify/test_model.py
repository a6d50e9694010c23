"""The shipped model as it is served, and what happens when its folder is not what it should be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.registry import list_models, load_classifier
from pipeline.classify.service import find_model
from pipeline.core.config import Models
from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.ports import Classifier
from pipeline.core.resources import models_path

SHIPPED = list_models(models_path(), "tfidf")[-1]
ATTACK = "usir semua orang madura dari kampung ini, mereka itu sampah"
PLAIN = "selamat pagi, hari ini pasar ramai sekali"


@pytest.fixture(scope="module")
def model() -> Classifier:
    return load_classifier(SHIPPED)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the shipped model that a test may damage."""
    return Path(shutil.copytree(SHIPPED, tmp_path / SHIPPED.name))


def _scores(model: Classifier, text: str) -> dict[str, float]:
    return {signal.label: signal.score for signal in model.classify([text], reasons=False)[0]}


def test_every_text_gets_every_label_in_input_order(model: Classifier) -> None:
    texts = [PLAIN, ATTACK, "", PLAIN]
    found = model.classify(texts)
    assert [tuple(signal.label for signal in signals) for signals in found] == [MODEL_LABELS] * 4
    assert found[0] == found[3] != found[1]
    assert model.classify([]) == []


def test_an_attack_on_a_group_scores_above_plain_talk_and_above_an_insult_to_an_official(model: Classifier) -> None:
    insult = _scores(model, "dasar bupati tolol, mundur saja kau")
    assert _scores(model, ATTACK)["hate_group"] > 0.5 > insult["hate_group"]
    assert insult["abusive"] > _scores(model, PLAIN)["abusive"]


def test_a_score_does_not_depend_on_the_rest_of_the_batch(model: Classifier) -> None:
    alone = model.classify([ATTACK])[0]
    assert model.classify([PLAIN] * 700 + [ATTACK] + ["x" * 5000])[700] == alone


def test_reasons_are_words_of_the_text_and_only_for_what_is_over(model: Classifier) -> None:
    signals = model.classify([ATTACK])[0]
    hate = next(signal for signal in signals if signal.label == "hate_group")
    words = [ATTACK[reason.start : reason.end] for reason in hate.reasons]
    assert 1 <= len(words) <= 5
    assert any("usir" in word for word in words)
    assert all(reason.weight > 0 for signal in signals for reason in signal.reasons)
    assert all(signal.over or not signal.reasons for signal in signals)
    assert not any(signal.reasons for signal in model.classify([ATTACK], reasons=False)[0])


@given(st.text(max_size=300))
def test_any_text_has_scores_between_0_and_1_and_reasons_inside(text: str) -> None:
    for signal in load_shipped().classify([text])[0]:
        assert 0 < signal.score < 1
        assert all(0 <= reason.start < reason.end <= len(text) for reason in signal.reasons)


_LOADED: list[Classifier] = []


def load_shipped() -> Classifier:
    """Hypothesis calls the test many times; the model is loaded once."""
    if not _LOADED:
        _LOADED.append(load_classifier(SHIPPED))
    return _LOADED[0]


def test_a_long_text_and_broken_characters_are_no_trouble(model: Classifier) -> None:
    assert len(model.classify(["anjing " * 20_000, "\ud800\x00\u202e", "😀" * 50])) == 3


def test_hoax_style_is_never_over(model: Classifier) -> None:
    text = "VIRALKAN!!! info A1 dari grup sebelah, sebarkan sebelum dihapus"
    assert not next(s for s in model.classify([text])[0] if s.label == "hoax_style").over


# ---- a folder that is not what it should be


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def _manifest(change: Callable[[dict[str, object]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "manifest.json"
        manifest = json.loads(path.read_text())
        change(manifest)
        path.write_text(json.dumps(manifest))

    return apply


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "manifest.json").unlink(),
        lambda folder: (folder / "manifest.json").write_text("{"),
        lambda folder: (folder / "manifest.json").write_text("[]"),
        lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe"),
        lambda folder: (folder / "weights.npz").unlink(),
        lambda folder: _cut(folder / "weights.npz"),
        lambda folder: _cut(folder / "vocabulary.txt.gz"),
        lambda folder: (folder / "card.md").write_text("another card"),
        _manifest(lambda manifest: manifest.update(text_version="0")),
        _manifest(lambda manifest: manifest.update(format=99)),
        _manifest(lambda manifest: manifest.update(kind="pickle")),
        _manifest(lambda manifest: manifest.update(labels={})),
        _manifest(lambda manifest: manifest.update(heads=[])),
        _manifest(lambda manifest: manifest.update(files={})),
    ],
)
def test_a_damaged_model_is_a_model_error_that_names_it(copy: Path, damage: Callable[[Path], object]) -> None:
    damage(copy)
    with pytest.raises(ModelError) as raised:
        load_classifier(copy)
    assert SHIPPED.name in str(raised.value) or ".json" in str(raised.value) or ".npz" in str(raised.value)


def test_a_folder_that_the_user_named_and_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no model folder"):
        load_classifier(tmp_path / "none")
    with pytest.raises(ConfigError, match=r"models\.folder"):
        find_model(Models(name="tfidf", folder=str(tmp_path / "none")), tmp_path)
    with pytest.raises(ConfigError, match="no model of the kind"):
        find_model(Models(name="other", folder=""), tmp_path)


def test_the_shipped_model_serves_until_one_is_promoted_or_named(tmp_path: Path) -> None:
    settings = Models(name="tfidf", folder="")
    assert find_model(settings, tmp_path) == SHIPPED
    copied = tmp_path / "models" / SHIPPED.name
    shutil.copytree(SHIPPED, copied)  # that it lies there is no promotion
    assert find_model(settings, tmp_path) == SHIPPED
    assert find_model(Models(name="tfidf", folder=str(copied)), tmp_path) == copied


# ---- what is shipped


def _value(metrics: object, path: str) -> float:
    for name in path.split("."):
        assert isinstance(metrics, dict)
        metrics = metrics[name]
    assert isinstance(metrics, int | float)
    return metrics


def test_the_shipped_model_is_over_its_floors() -> None:
    floors = json.loads((models_path() / "floors.json").read_text())
    metrics = json.loads((SHIPPED / "metrics.json").read_text())
    assert metrics["data"]["sha256"] == floors["data_sha256"]
    assert len(floors["at_least"]) >= 10
    below = {path: _value(metrics, path) for path, floor in floors["at_least"].items() if _value(metrics, path) < floor}
    above = {path: _value(metrics, path) for path, most in floors["at_most"].items() if _value(metrics, path) > most}
    assert (below, above) == ({}, {})


def test_the_card_says_what_it_must() -> None:
    card = (SHIPPED / "card.md").read_text(encoding="utf-8")
    for words in (
        "CC BY-NC-SA 4.0",
        "Ibrohim and Budi",
        "Forbidden use",
        "Known failures",
        "not a verdict",
        "only ranks",
    ):
        assert words in card or words.replace("only ranks", "ranks only") in card, words


def test_nothing_in_a_model_s_folder_is_a_pickle_and_it_is_small() -> None:
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".md", ".json", ".npz", ".gz", ".png", ".html"}
    assert sum(path.stat().st_size for path in files) < 5_000_000
