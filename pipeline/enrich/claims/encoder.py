"""An optional second opinion of the ranker: a sentence model of the operator's, as an ONNX folder on this machine.

The folder is one as sentence-transformers exports it: `model.onnx` (also in `onnx/`) and `tokenizer.json`. Nothing is
fetched, and the model is read as bytes, so that it can name no other file. It re-ranks what shares words with a post;
claims that share none stay unseen, as without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.i18n import _
from pipeline.enrich.claims.likeness import F32

LARGEST = 2_000_000_000  # bytes; ONNX itself ends there
_TOKENS = 128
_LETTERS = 2_000
_REMEMBERED = 20_000  # texts: the wordings of claims come again and again; 60 MB of 768 numbers each
_INPUTS = frozenset({"input_ids", "attention_mask", "token_type_ids"})


class Encoder(Protocol):
    """Texts to vectors of length one, alike texts to near ones; `digest` changes with the model."""

    digest: str

    def encode(self, texts: Sequence[str]) -> F32:
        """(texts, dimensions)."""
        ...


class OnnxEncoder:
    """A sentence model run by ONNX Runtime on one thread; the mean over tokens unless the model pools itself."""

    def __init__(self, model: bytes, tokenizer: bytes) -> None:
        import onnxruntime
        import tokenizers

        self.digest = sha256(sha256(model).digest() + sha256(tokenizer).digest()).hexdigest()[:12]
        self._tokenizer = tokenizers.Tokenizer.from_buffer(tokenizer)
        self._tokenizer.enable_truncation(_TOKENS)
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._inputs = [each.name for each in self._session.get_inputs()]
        if not {"input_ids"} <= set(self._inputs) <= _INPUTS:
            raise ValueError(f"inputs {self._inputs}")
        self._one = lru_cache(maxsize=_REMEMBERED)(self._vector)
        self.dimensions = len(self._one("kentongan"))

    def encode(self, texts: Sequence[str]) -> F32:
        """(texts, dimensions)."""
        return (
            np.stack([self._one(text[:_LETTERS]) for text in texts]) if texts else np.empty((0, self.dimensions), "f4")
        )

    def _vector(self, text: str) -> F32:
        found = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        ids = np.array([found.ids or [0]], dtype=np.int64)
        values = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        output: Any = np.asarray(self._session.run(None, {name: values[name] for name in self._inputs})[0], np.float32)
        vector = output.reshape(-1, output.shape[-1]).mean(axis=0)
        length = float(np.linalg.norm(vector))
        if not np.isfinite(length):
            raise ValueError("not finite")
        return np.asarray(vector / (length or 1.0), dtype=np.float32)


def load_encoder(folder: Path) -> OnnxEncoder:
    """The encoder of a folder; raises ConfigError without the extra or the files, ModelError if it cannot be used."""
    try:
        import onnxruntime  # noqa: F401 - asked for, so that its lack is told as such
        import tokenizers  # noqa: F401
    except ImportError as error:
        raise ConfigError(_("claims.encoder needs the extra: pip install 'kentongan[encoder]'")) from error
    model = next((path for path in (folder / "model.onnx", folder / "onnx" / "model.onnx") if path.is_file()), None)
    tokenizer = folder / "tokenizer.json"
    if model is None or not tokenizer.is_file():
        raise ConfigError(_("claims.encoder: {folder} holds no model.onnx with a tokenizer.json").format(folder=folder))
    try:
        return OnnxEncoder(_read(model), _read(tokenizer))
    except Exception as error:  # both libraries raise classes of their own, some straight from Exception
        raise ModelError(_("the sentence model in {folder} cannot be used").format(folder=folder)) from error


def _read(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ValueError("too large")
    return path.read_bytes()
