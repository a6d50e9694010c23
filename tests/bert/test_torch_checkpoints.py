"""Which checkpoints can be fine-tuned, and that one from elsewhere runs no code here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import smallbert
import torch
import transformers
from tokenizers import Tokenizer
from transformers import BertConfig, BertForSequenceClassification, GPT2Config

from pipeline.classify.bert import Net
from pipeline.core.errors import ConfigError
from pipeline.text import normalise
from pipeline.train.bert.export import compare, export
from pipeline.train.bert.net import load_checkpoint
from pipeline.train.counterexamples import counterexamples

TEXTS = [normalise(text) for text in counterexamples(7, 1).texts[:20]]
FAMILY = {
    "Albert": {"embedding_size": 16},
    "DistilBert": {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "Electra": {"embedding_size": 16},
    "Roberta": {"pad_token_id": 0},
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return smallbert.checkpoint(tmp_path_factory.mktemp("checkpoint") / "small")


def _copy(small: Path, to: Path, *without: str) -> Path:
    shutil.copytree(small, to, ignore=lambda _folder, _names: without)
    return to


@pytest.mark.parametrize("name", FAMILY)
def test_each_of_the_family_goes_the_whole_way(name: str, tmp_path: Path) -> None:
    tokenizer = smallbert.tokenizer(list(counterexamples(7, 1).texts))
    shape = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    shape = {} if name == "DistilBert" else shape
    config = getattr(transformers, f"{name}Config")(
        vocab_size=tokenizer.get_vocab_size(), max_position_embeddings=66, **shape | FAMILY[name]
    )
    getattr(transformers, f"{name}Model")(config).save_pretrained(tmp_path)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    net, words = load_checkpoint(str(tmp_path), 32)
    full, tiny = (Net(content, words.encode(), 32) for content in export(net))
    assert compare(net.eval(), full, tiny, TEXTS).texts == len(TEXTS)


def test_a_list_of_words_is_a_tokenizer_too(small: Path, tmp_path: Path) -> None:
    wanted = smallbert.tokenizer(list(counterexamples(7, 1).texts))
    folder = _copy(small, tmp_path / "ck", "tokenizer.json")
    words = wanted.get_vocab()
    (folder / "vocab.txt").write_text("".join(f"{word}\n" for word in sorted(words, key=words.__getitem__)))
    found = Tokenizer.from_str(load_checkpoint(str(folder), 32)[1])
    for text in TEXTS:
        assert found.encode(" ".join(text.tokens)).ids == wanted.encode(" ".join(text.tokens)).ids


def test_weights_as_torch_saves_them_are_read(small: Path, tmp_path: Path) -> None:
    folder = _copy(small, tmp_path / "ck", "model.safetensors")
    torch.save(transformers.BertModel.from_pretrained(small).state_dict(), folder / "pytorch_model.bin")
    assert load_checkpoint(str(folder), 32)[0].digest() == load_checkpoint(str(small), 32)[0].digest()


def test_weights_that_hold_code_are_refused_and_not_run(small: Path, tmp_path: Path) -> None:
    folder, mark = _copy(small, tmp_path / "ck", "model.safetensors"), tmp_path / "ran"
    # What `os.system("touch ...")` looks like when it is to run while it is read
    content = b"cposix\nsystem\n(S'touch " + str(mark).encode() + b"'\ntR."
    (folder / "pytorch_model.bin").write_bytes(content)
    with pytest.raises(ConfigError, match="more than weights"):
        load_checkpoint(str(folder), 32)
    assert not mark.exists()


def test_code_beside_the_weights_is_not_run(small: Path, tmp_path: Path) -> None:
    folder, mark = _copy(small, tmp_path / "ck"), tmp_path / "ran"
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "own.Config", "AutoModel": "own.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"from pathlib import Path\nPath({str(mark)!r}).touch()\nclass Config: pass\n")
    load_checkpoint(str(folder), 32)
    assert not mark.exists()


# ---- what cannot be used


def _bare(folder: Path) -> Path:
    smallbert.tokenizer(list(counterexamples(7, 1).texts)).save(str(folder / "tokenizer.json"))
    return folder


@pytest.mark.parametrize("kind", ["labels", "decoder", "tokenizer", "words", "weights", "cut", "empty", "short"])
def test_a_checkpoint_of_another_kind_is_refused(kind: str, tmp_path: Path) -> None:
    folder, words, length = tmp_path / "ck", "", 32
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    if kind == "labels":
        config = BertConfig(vocab_size=1_000, id2label={0: "toxic", 1: "spam"}, **small)
        BertForSequenceClassification(config).save_pretrained(folder)
        _bare(folder)
        words = "other labels"
    elif kind == "decoder":
        GPT2Config(n_layer=1, n_embd=8, n_head=1).save_pretrained(folder)
        words = "gpt2"
    elif kind == "empty":
        folder.mkdir()
        words = "cannot be used"
    else:
        smallbert.checkpoint(folder, hidden=8, layers=1)
        if kind == "tokenizer":
            (folder / "tokenizer.json").unlink()
            words = "tokenizer"
        elif kind == "words":
            smallbert.tokenizer(list(counterexamples(7, 2).texts), 3_000).save(str(folder / "tokenizer.json"))
            words = "belong together"
        elif kind == "weights":
            (folder / "model.safetensors").unlink()
            words = "cannot be used"
        elif kind == "cut":
            path = folder / "model.safetensors"
            path.write_bytes(path.read_bytes()[:-99])
            words = "cannot be used"
        else:
            length, words = 128, "--length"
    with pytest.raises(ConfigError, match=words):
        load_checkpoint(str(folder), length)
