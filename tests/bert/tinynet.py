"""A net for tests of serving, made without torch: a table of word weights as ONNX; logits are means over the words.

`hate` and `group_plain` rise with an attack, a ground with the name of a group: all can be reckoned by hand.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, pre_tokenizers

from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings
from pipeline.text import TEXT_VERSION

WORDS = ["[UNK]", "usir", "madura", "pasar", "ramai", "orang"]
LOGITS = {"usir": {"hate": 30.0, "group_plain": 20.0}, "madura": {"race": 30.0}}
BELOW = -3.0
NAME = "indobert-2026-01-02"


def table() -> np.ndarray[Any, np.dtype[np.float32]]:
    """What each word adds, shape (words, heads)."""
    made = np.full((len(WORDS), len(HEADS)), BELOW, np.float32)
    for word, heads in LOGITS.items():
        for head, value in heads.items():
            made[WORDS.index(word), HEADS.index(head)] = value
    return made


def tokenizer() -> bytes:
    """One token a word."""
    made = Tokenizer(models.WordLevel({word: at for at, word in enumerate(WORDS)}, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return made.to_str().encode()


def net(*, heads: int = len(HEADS), output: str = "logits", domain: str = "", words: int = len(WORDS)) -> Any:
    """The mean of the words' rows, where the mask is 1, as an ONNX model."""
    kinds = [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "t"]) for name in INPUTS]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["rows"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "last"], ["weights"]),
        helper.make_node("Mul", ["rows", "weights"], ["kept"]),
        helper.make_node("ReduceSum", ["kept", "middle"], ["sums"], keepdims=0),
        helper.make_node("ReduceSum", ["weights", "middle"], ["counts"], keepdims=0),
        helper.make_node("Div", ["sums", "counts"], [output], domain=domain),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        kinds,
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["b", heads])],
        [
            numpy_helper.from_array(table()[:words, :heads], "table"),
            numpy_helper.from_array(np.array([2], np.int64), "last"),
            numpy_helper.from_array(np.array([1], np.int64), "middle"),
        ],
    )
    opsets = [helper.make_opsetid("", 17), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9)


INPUTS = ("input_ids", "attention_mask")


def write(folder: Path, *, model: bytes = b"", name: str = NAME, metrics: Any = None, **changes: Any) -> Path:
    """A model's folder with this net; `changes` go into the manifest after the hashes were taken."""
    place = folder / name
    place.mkdir(parents=True)
    contents = {
        "model.onnx": model or net().SerializeToString(),
        "tokenizer.json": tokenizer(),
        "metrics.json": json.dumps(metrics or {}).encode(),
        "card.md": b"# tiny\n",
    }
    labels = {label: asdict(LabelSettings(1.0, 0.0, 0.5, 0.1, "test")) for label in MODEL_LABELS}
    manifest = {
        "format": 1, "kind": "indobert", "name": name, "text_version": TEXT_VERSION, "heads": list(HEADS),
        "labels": labels, "length": 16,
        "files": {
            path: {"sha256": sha256(content).hexdigest(), "bytes": len(content)} for path, content in contents.items()
        },
    }  # fmt: skip
    for path, content in contents.items():
        (place / path).write_bytes(content)
    (place / "manifest.json").write_text(json.dumps(manifest | changes))
    return place
