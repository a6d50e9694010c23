"""A fine-tuned BERT as a classifier: the net in int8 under ONNX Runtime and its tokenizer; no torch.

manifest.json     as of the default model, with `length`: how many tokens of a text the net reads
model.onnx        int8; input_ids and attention_mask (texts, tokens) in, logits (texts, heads) out
tokenizer.json    of Hugging Face's `tokenizers`
metrics.json, card.md

The net reads the words of the text chain, joined by blanks: what training and serving share, and none of the signs
that say how a text was collected. A text goes through the net by itself: int8 takes its scale from everything that is
in a batch, so that a score would move (by up to 0.05 in a logit) with the texts beside it. That costs a
quarter of the speed of the best batch; against batches as they come, padded, it is faster (docs/benchmarks.md).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.artefact import (
    MANIFEST,
    check_form,
    manifest_object,
    read_labels,
    read_manifest,
    unusable,
    vouched_bytes,
)
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings, calibrated_log_odds, sigmoid
from pipeline.classify.onnxfile import check_onnx
from pipeline.classify.reasons import strongest
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import Reason, Signal
from pipeline.text import NormalisedText, normalise

Array = NDArray[np.float32]
Numbers = NDArray[np.int64]

FORMAT = 1
KIND = "indobert"
FILES = ("model.onnx", "tokenizer.json", "metrics.json", "card.md")
INPUTS = ("input_ids", "attention_mask")
OUTPUT = "logits"
MAX_BYTES = 1_000_000_000
"""No file of a net is larger: BERT-base in int8 has 110 MB, BERT-large 340 MB."""
MAX_LENGTH = 512
MAX_WORDS = 40
"""Words that are left out one by one to find reasons; each costs as much as scoring the text."""
WORD_LETTERS = 64
_BATCH = 256
_DIGITS = 4
_LEAST = 10.0**-_DIGITS


class Net:
    """Words to logits. Raises ValueError for bytes that are no such net, ConfigError without the extra `encoder`."""

    def __init__(self, model: bytes, tokenizer: bytes, length: int, threads: int = 1) -> None:
        onnxruntime, tokenizers = _libraries()
        check_onnx(model)
        self.length = length
        try:
            self._tokenizer = tokenizers.Tokenizer.from_buffer(tokenizer)
            self._tokenizer.enable_truncation(length)
            self._tokenizer.no_padding()
        except Exception as error:  # the library raises nothing narrower
            raise ValueError(_("its tokenizer.json is none")) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            self._check_form()
            self._try_out()
        except Exception as error:  # ONNX Runtime's errors come straight from Exception
            raise ValueError(_("ONNX Runtime cannot run it ({error})").format(error=_short(error))) from error

    def _check_form(self) -> None:
        inputs = {each.name: (each.type, len(each.shape)) for each in self._session.get_inputs()}
        outputs = [(each.name, each.type, each.shape[1:]) for each in self._session.get_outputs()]
        if inputs != dict.fromkeys(INPUTS, ("tensor(int64)", 2)):
            raise ValueError(_("its inputs are {found}").format(found=sorted(inputs)))
        if outputs != [(OUTPUT, "tensor(float)", [len(HEADS)])]:
            raise ValueError(_("its output is {found}").format(found=outputs))

    def _try_out(self) -> None:
        """The last word of the vocabulary, at every place: what else could fail on a text fails here."""
        last = self._tokenizer.get_vocab_size() - 1
        ids = np.full((2, self.length), last, np.int64)
        if not np.isfinite(self._run(ids, np.ones_like(ids))).all():
            raise ValueError(_("it answers with no numbers"))

    def logits(self, texts: Sequence[NormalisedText]) -> Array:
        """Logits of the heads, shape (texts, heads); a text's do not depend on those beside it."""
        found = np.zeros((len(texts), len(HEADS)), np.float32)
        for at, text in enumerate(texts):
            ids = np.array([self.ids(text.tokens)], np.int64)
            found[at] = self._run(ids, np.ones_like(ids))[0]
        return found

    def without_each(self, words: Sequence[str]) -> Array:
        """Logits less the first word, the second ..., and of all words: shape (words + 1, heads), in one batch."""
        rows = [self.ids([*words[:at], *words[at + 1 :]]) for at in range(len(words) + 1)]
        ids = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)], mask[at, : len(row)] = row, 1
        return self._run(ids, mask)

    def ids(self, words: Sequence[str]) -> list[int]:
        """The numbers of the tokens, at most `length`; at least one, whatever the words are."""
        return encoded(self._tokenizer, words, self.length)

    def _run(self, ids: Numbers, mask: Numbers) -> Array:
        return np.asarray(self._session.run([OUTPUT], {"input_ids": ids, "attention_mask": mask})[0], np.float32)


class BertClassifier:
    """Text in, one signal for each of the model's labels out, in the order of `MODEL_LABELS`.

    `name`, `digest` and scores are as of the default model. A text without words gets the base rates.
    """

    def __init__(self, name: str, digest: str, net: Net, labels: Mapping[str, LabelSettings]) -> None:
        self.name = name
        self.digest = digest
        self.net = net
        self.labels = dict(labels)
        settings = [labels[label] for label in MODEL_LABELS]
        self._slopes = np.array([label.slope for label in settings], np.float32)
        self._offsets = np.array([label.offset for label in settings], np.float32)
        self._base_rates = np.array([label.base_rate for label in settings], np.float32)
        self._thresholds = [label.threshold for label in settings]

    @property
    def thresholds(self) -> dict[str, float]:
        """The model's own threshold of each label."""
        return dict(zip(MODEL_LABELS, self._thresholds, strict=True))

    @classmethod
    def load(cls, folder: Path, *, thresholds: Mapping[str, float] | None = None, threads: int = 1) -> BertClassifier:
        """Read a model's folder; raises ModelError, or ConfigError without the extra `encoder`.

        `thresholds` take the place of the model's own: a cascade has its own.
        """
        manifest, digest = read_manifest(folder)
        check_form(manifest, folder, FORMAT, KIND)
        contents = {name: vouched_bytes(folder, manifest, name, MAX_BYTES) for name in FILES}
        labels = read_labels(manifest_object(manifest, "labels", folder), folder)
        length = manifest.get("length")
        if not isinstance(length, int) or isinstance(length, bool) or not 2 < length <= MAX_LENGTH:
            raise unusable(folder / MANIFEST, _("a count in it is not a sensible number"))
        try:
            net = Net(contents["model.onnx"], contents["tokenizer.json"], length, threads)
        except ValueError as error:
            raise unusable(folder / "model.onnx", str(error)) from error
        found = cls(manifest["name"], digest, net, labels)
        if thresholds is not None:
            found._thresholds = [thresholds[label] for label in MODEL_LABELS]
        return found

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        """Return the signals of each text, in input order; never raises on any text.

        `reasons` are given for labels over their threshold only: words without which the score would be lower.
        """
        found: list[tuple[Signal, ...]] = []
        for start in _starts(texts):
            found += self._classify([normalise(text) for text in texts[start : start + _BATCH]], reasons)
        return found

    def probabilities(self, texts: Sequence[str]) -> Array:
        """The calibrated probabilities of the model's labels, shape (texts, labels)."""
        found = [self._scores([normalise(text) for text in texts[at : at + _BATCH]]) for at in _starts(texts)]
        return np.concatenate(found) if found else np.zeros((0, len(MODEL_LABELS)), np.float32)

    def _classify(self, texts: Sequence[NormalisedText], reasons: bool) -> list[tuple[Signal, ...]]:
        scores = self._scores(texts).astype(np.float64).round(_DIGITS)
        over = scores >= np.array(self._thresholds)
        names = repeat(self.name)
        signals = [tuple(map(Signal, MODEL_LABELS, row, self._thresholds, names)) for row in scores.tolist()]
        for row in np.flatnonzero(over.any(axis=1)).tolist() if reasons else ():
            why = self._reasons(texts[row], np.flatnonzero(over[row]).tolist())
            signals[row] = tuple(replace(each, reasons=why.get(at, ())) for at, each in enumerate(signals[row]))
        return signals

    def _scores(self, texts: Sequence[NormalisedText]) -> Array:
        odds = calibrated_log_odds(self.net.logits(texts), self._slopes, self._offsets)
        known = np.array([[bool(text.tokens)] for text in texts]) & np.isfinite(odds)
        return np.clip(np.where(known, sigmoid(odds), self._base_rates), _LEAST, 1 - _LEAST)

    def _reasons(self, text: NormalisedText, over: Sequence[int]) -> dict[int, tuple[Reason, ...]]:
        """What each of the first words adds to the log-odds of the labels in `over`: how far they fall without it."""
        words = text.tokens[:MAX_WORDS]
        if not words:
            return {}
        odds = calibrated_log_odds(self.net.without_each(words), self._slopes, self._offsets)
        parts = np.nan_to_num(odds[-1] - odds[:-1])
        return {at: strongest(parts[:, at].tolist(), text.spans[: len(words)]) for at in over}


def _starts(texts: Sequence[str]) -> range:
    """Where each run of `_BATCH` texts begins: memory stays small."""
    return range(0, len(texts), _BATCH)


def encoded(tokenizer: Any, words: Sequence[str], length: int) -> list[int]:
    """The numbers of a text's tokens under a tokenizer that truncates; training and serving share this."""
    text = " ".join(word[:WORD_LETTERS] for word in words[: 2 * length])
    found: list[int] = tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
    return found or [0]


def _libraries() -> tuple[Any, Any]:
    try:
        import onnxruntime
        import tokenizers
    except ImportError as error:
        raise ConfigError(_("a model of the kind indobert needs: pip install 'kentongan[encoder]'")) from error
    return onnxruntime, tokenizers


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 160 else text[:160] + "…"
