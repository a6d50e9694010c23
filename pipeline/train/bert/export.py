"""From torch to ONNX to int8, and the proof that all three say the same on real text."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import QuantType, quantize_dynamic

from pipeline.classify.bert import INPUTS, OUTPUT, Net
from pipeline.classify.heads import label_probabilities
from pipeline.core.errors import ModelError
from pipeline.core.i18n import _
from pipeline.text import NormalisedText
from pipeline.train.bert.fit import Ids, padded
from pipeline.train.bert.net import BertNet, quiet

Array = NDArray[np.float32]

CHECKED = 256
"""Texts that the three nets are compared on."""
FULL_LIMIT = 1e-3
INT8_LIMIT = 0.25
INT8_MEAN_LIMIT = 0.02
"""Largest difference in a probability from torch's: of the fp32 file, of int8 at worst, of int8 on average. The figures
of the card are those of int8, so that what it costs is in them; these limits catch a net that does not stand it."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the exported nets are from torch, in probability over all labels of `texts` real texts."""

    texts: int
    fp32_max: float
    int8_max: float
    int8_mean: float

    def as_dict(self) -> dict[str, Any]:
        """The figures for metrics.json."""
        return asdict(self)


def export(net: BertNet) -> tuple[bytes, bytes]:
    """The net as ONNX, in fp32 and in int8; the same weights give the same bytes."""
    ids, mask = padded([[1, 2, 3, 4, 5, 6, 7], [1, 2, 3]])
    shape = {0: torch.export.Dim("texts"), 1: torch.export.Dim("tokens")}
    net.eval()
    with tempfile.TemporaryDirectory() as folder, quiet():
        full, small = Path(folder) / "full.onnx", Path(folder) / "int8.onnx"
        torch.onnx.export(
            net, (ids, mask), str(full), dynamo=True, external_data=False, verbose=False,
            input_names=list(INPUTS), output_names=[OUTPUT], dynamic_shapes=(shape, shape),
        )  # fmt: skip
        head = _bare(full)
        quantize_dynamic(
            str(full), str(small), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True,
            nodes_to_exclude=[head],
        )  # fmt: skip
        _bare(small)
        return full.read_bytes(), small.read_bytes()


def _bare(path: Path) -> str:
    """Take out what the exporter notes of its own source lines; returns the name of the last node.

    Those notes hold paths of this machine. The last node, the heads, stays in fp32: it is small, and all passes by it.
    """
    model = onnx.load(str(path))
    del model.metadata_props[:]
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, model.graph):
        part.doc_string = ""
        del part.metadata_props[:]
    for tensor in model.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    path.write_bytes(model.SerializeToString(deterministic=True))
    return next((node.name for node in model.graph.node if OUTPUT in node.output), "")


def compare(net: BertNet, full: Net, small: Net, texts: Sequence[NormalisedText]) -> Agreement:
    """Run real texts through all three; raises ModelError if they do not agree."""
    texts = texts[:CHECKED]
    wanted = label_probabilities(_one_by_one(net, [small.ids(text.tokens) for text in texts]))
    first, second = (label_probabilities(each.logits(texts)) for each in (full, small))
    away = np.abs(second - wanted)
    found = Agreement(len(texts), _figure(np.abs(first - wanted).max()), _figure(away.max()), _figure(away.mean()))
    for says, value, limit in (
        ("ONNX", found.fp32_max, FULL_LIMIT),
        ("int8", found.int8_max, INT8_LIMIT),
        (_("int8, on average"), found.int8_mean, INT8_MEAN_LIMIT),
    ):
        if not value <= limit:
            raise ModelError(
                _(
                    "the exported net does not say what the trained one says ({what}: {value} apart in probability, "
                    "limit {limit}); train again with another seed or checkpoint"
                ).format(what=says, value=value, limit=limit)
            )
    return found


def _one_by_one(net: BertNet, ids: Ids) -> Array:
    with torch.no_grad():
        return np.concatenate([net(*padded([row])).numpy() for row in ids])


def _figure(value: Any) -> float:
    """Five digits: what is behind them differs between machines."""
    return round(float(value), 5)
