"""A sentence model beside the ranker: a tiny one made here, in which words that look nothing alike mean the same."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from claimtexts import CARRIES, DAY, POSTPONED, documents, ranker
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from pipeline.core.config import load_settings
from pipeline.core.errors import ConfigError, ModelError
from pipeline.enrich.claims import ClaimIndex, ClaimMatcher, Encoder, load_encoder
from pipeline.workplace import Workplace

WORDS = ["[UNK]", "ditunda", "diundur", "menunda", "pencoblosan", "kambing", "gratis"]
MEANS = [0, 1, 1, 1, 2, 3, 4]  # dimension of each word


def _model(*, extra_input: bool = False) -> bytes:
    """A table of word vectors: token ids in, one vector a token out."""
    table = np.full((len(WORDS), 8), 0.01, np.float32)
    table[range(len(WORDS)), MEANS] = 1.0
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch", "tokens"])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch", "tokens"])
    other = helper.make_tensor_value_info("pixels", TensorProto.INT64, ["batch"])
    out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT, ["batch", "tokens", 8])
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])],
        "tiny",
        [ids, mask, *([other] if extra_input else [])],
        [out],
        [numpy_helper.from_array(table, "table")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(made.SerializeToString())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("encoder")
    tokenizer = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(made / "tokenizer.json"))
    (made / "onnx").mkdir()
    (made / "onnx" / "model.onnx").write_bytes(_model())
    assert onnx.load(made / "onnx" / "model.onnx").graph.name == "tiny"
    return made


@pytest.fixture(scope="module")
def encoder(folder: Path) -> Encoder:
    return load_encoder(folder)


def test_words_that_mean_the_same_are_near(encoder: Encoder) -> None:
    one, same, other = encoder.encode(["pencoblosan ditunda", "pencoblosan diundur", "kambing gratis"])
    assert float(one @ same) > 0.99
    assert float(one @ other) < 0.5
    assert encoder.encode([]).shape == (0, 8)


@given(st.text(max_size=300))
def test_any_text_has_a_vector_of_length_one(encoder: Encoder, text: str) -> None:
    (vector,) = encoder.encode([text])
    assert np.linalg.norm(vector) == pytest.approx(1.0, abs=1e-3)


def test_it_moves_the_score_of_a_claim_that_shares_words_and_changes_name_and_digest(encoder: Encoder) -> None:
    index = ClaimIndex.in_memory(documents(POSTPONED), ranker().weights)
    plain = ClaimMatcher(index, ranker(), ranker().thresholds)
    helped = ClaimMatcher(index, ranker(), ranker().thresholds, encoder=encoder)
    near, far = CARRIES, "Wanasari Kabupaten KPU surat suara, kambing gratis 4 Desember"
    assert helped.top_scores([near])[0] > plain.top_scores([near])[0]
    assert helped.top_scores(["Kucing tidur di atas lemari"]) == plain.top_scores(["Kucing tidur di atas lemari"])
    assert helped.top_scores([far])[0] != plain.top_scores([far])[0]
    assert helped.match([near], [DAY])[0][0].level == "match"
    assert helped.name.startswith(plain.name + "+")
    assert helped.digest != plain.digest


def test_the_settings_name_it(folder: Path, tmp_path: Path) -> None:
    def place(encoder: str) -> Workplace:
        environ = {"KENTONGAN__PATHS__HOME": str(tmp_path / "home"), "KENTONGAN__CLAIMS__ENCODER": encoder}
        return Workplace(load_settings(None, environ)[0])

    assert place("").encoder is None
    found = place(str(folder)).encoder
    assert found is not None
    assert found.encode(["kambing"]).shape == (1, 8)


def test_a_folder_without_its_files_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"model\.onnx"):
        load_encoder(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a model", _model()[:60], _model(extra_input=True)])
def test_a_damaged_or_strange_model_is_refused(folder: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="cannot be used"):
        load_encoder(tmp_path)


def test_a_damaged_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.onnx").write_bytes((folder / "onnx" / "model.onnx").read_bytes())
    with pytest.raises(ModelError, match="cannot be used"):
        load_encoder(tmp_path)


def test_without_the_extra_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match="encoder"):
        load_encoder(folder)
