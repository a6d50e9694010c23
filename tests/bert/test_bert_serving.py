"""A fine-tuned BERT as it is served: ONNX Runtime and a tokenizer, on a net that can be reckoned by hand."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tinynet import HEADS, WORDS, net, table, tokenizer, write

from pipeline.classify import bert
from pipeline.classify.bert import MAX_WORDS, BertClassifier, Net
from pipeline.classify.heads import MODEL_LABELS, label_probabilities
from pipeline.classify.registry import load_classifier
from pipeline.core.errors import ConfigError, ModelError

ATTACK = "Usir orang Madura!"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("net"))


@pytest.fixture(scope="module")
def model(folder: Path) -> BertClassifier:
    return BertClassifier.load(folder)


def _scores(model: BertClassifier, text: str) -> dict[str, float]:
    (signals,) = model.classify([text], reasons=False)
    return {signal.label: signal.score for signal in signals}


def test_scores_are_those_of_the_structure(model: BertClassifier) -> None:
    rows = [WORDS.index(word) for word in ("usir", "orang", "madura")]
    wanted = label_probabilities(table()[rows].mean(axis=0)[None])[0]
    found = _scores(model, ATTACK)
    assert list(found) == list(MODEL_LABELS)
    assert np.allclose(list(found.values()), np.clip(wanted, 1e-4, 1 - 1e-4), atol=6e-5)
    assert found["hate_group"] > 0.9 > 0.1 > _scores(model, "pasar ramai")["hate_group"]
    assert np.allclose(model.probabilities([ATTACK])[0], list(found.values()), atol=6e-5)
    assert model.probabilities([]).shape == (0, len(MODEL_LABELS))


def test_the_registry_knows_the_kind_and_the_digest_is_the_manifest_s(folder: Path, model: BertClassifier) -> None:
    loaded = load_classifier(folder)
    assert (loaded.name, loaded.digest) == (folder.name, model.digest)
    assert set(model.thresholds.values()) == {0.5}


@pytest.mark.parametrize("text", ["", "   ", "!!! ...", "USER USER", "https://contoh.id/a @akun"])
def test_a_text_without_words_gets_the_base_rates(model: BertClassifier, text: str) -> None:
    assert set(_scores(model, text).values()) == {0.1}


@settings(max_examples=100)
@given(st.text(max_size=400))
def test_any_text_gets_a_score_of_each_label(model: BertClassifier, text: str) -> None:
    (signals,) = model.classify([text])
    assert [signal.label for signal in signals] == list(MODEL_LABELS)
    assert all(0 < signal.score < 1 for signal in signals)
    for signal in signals:
        assert all(0 <= reason.start < reason.end <= len(text) for reason in signal.reasons)


@pytest.mark.parametrize("text", ["\ud800 usir", "a" * 200_000, "usir " * 50_000, "\x00", "👩‍👩‍👧 " * 500])
def test_odd_and_very_long_texts_are_read(model: BertClassifier, text: str) -> None:
    assert len(model.classify([text])[0]) == len(MODEL_LABELS)


def test_a_text_s_scores_do_not_depend_on_those_beside_it(model: BertClassifier) -> None:
    texts = [ATTACK, "pasar ramai", "", "usir " * 40, "orang madura di pasar"]
    assert model.classify(texts) == [model.classify([text])[0] for text in texts]


def test_reasons_are_the_words_without_which_the_score_falls(model: BertClassifier) -> None:
    text = f"Pasar ramai. {ATTACK}"
    (signals,) = model.classify([text])
    shown = {
        signal.label: [text[reason.start : reason.end] for reason in signal.reasons]
        for signal in signals
        if signal.over
    }
    assert set(shown) == {"hate_group", "ground_race", "hate_speech"}
    assert sorted(shown["ground_race"]) == ["Madura", "Usir"]
    assert shown["hate_speech"] == ["Usir"]
    assert all(not signal.reasons for signal in signals if not signal.over)


def test_only_the_first_words_are_tried_for_reasons(model: BertClassifier, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    real = Net.without_each
    monkeypatch.setattr(Net, "without_each", lambda self, words: tried.append(len(words)) or real(self, words))
    model.classify(["usir madura " * 100])
    assert tried == [MAX_WORDS]


# ---- what cannot be used


def _refused(folder: Path, words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught:
        load_classifier(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "newer version"),
        ({"format": 0}, "format = 0"),
        ({"heads": ["toxic", "spam"]}, "heads"),
        ({"text_version": "0"}, "text_version = 0"),
        ({"labels": {"toxic": {}}}, "labels are not those"),
        ({"labels": None}, "labels"),
        ({"files": {}}, "has no hash"),
        ({"length": 10**9}, "sensible number"),
        ({"length": True}, "sensible number"),
    ],
)
def test_another_form_is_refused_with_what_to_do(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    _refused(write(tmp_path, **changes), words)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (b"not a net", "no ONNX file"),
        (net(domain="com.example").SerializeToString(), "operators"),
        (net(heads=2).SerializeToString(), "output"),
        (net(output="answer").SerializeToString(), "output"),
        (net(words=3).SerializeToString(), "cannot run it"),  # the tokenizer knows words that the net does not
    ],
)
def test_another_net_is_refused(tmp_path: Path, model: bytes, words: str) -> None:
    _refused(write(tmp_path, model=model), words)


def test_a_changed_file_is_refused_before_the_runtime_sees_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path)
    monkeypatch.setattr(bert, "Net", lambda *_args: pytest.fail("read before its hash was checked"))
    (folder / "model.onnx").write_bytes(net(heads=2).SerializeToString())
    _refused(folder, "hash")
    (folder / "model.onnx").unlink()
    _refused(folder, "cannot be read")
    os.mkfifo(folder / "model.onnx")  # opening it would wait for ever
    _refused(folder, "cannot be read")


def test_a_tokenizer_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"tokenizer\.json"):
        Net(net().SerializeToString(), b"{}", 16)


def test_a_net_that_answers_with_no_numbers_is_refused() -> None:
    model = net()
    values = np.full((len(WORDS), len(HEADS)), np.nan, np.float32)
    model.graph.initializer[0].raw_data = values.tobytes()
    with pytest.raises(ValueError, match="no numbers"):
        Net(model.SerializeToString(), tokenizer(), 16)


@pytest.mark.parametrize("missing", ["onnxruntime", "tokenizers"])
def test_without_the_extra_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ConfigError, match=r"kentongan\[encoder\]"):
        load_classifier(folder)
