"""Speed of a fine-tuned BERT as it is served, beside bare ONNX Runtime on the same tokens, and of a cascade.

    .venv-bert/bin/python benchmarks/bench_bert.py [--hidden 768 --layers 12] [--posts 300] [--json out.json]

One thread, random weights (speed does not depend on what is learnt), posts recombined from the sample. CPU seconds.

    one by one     bare ONNX Runtime on the same tokens, a text a call: the very work of serving, without text or labels
    as they come   bare, batches of 32 in the order of the posts, padded
    sorted         bare, batches of 8 of like length: the best batch; its scores depend on what lies beside a text
    served         BertClassifier, raw text to labels
    with reasons   the same, with the reasons of what is over a threshold
    cascade        TF-IDF for all, BERT for a band that holds a tenth of the posts
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from posts import recombined
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers

from pipeline.classify.bert import BertClassifier, Net
from pipeline.classify.cascade import ASKED, CascadeClassifier
from pipeline.classify.heads import MODEL_LABELS, LabelSettings
from pipeline.classify.registry import list_models, load_classifier
from pipeline.classify.tfidf import TfidfClassifier
from pipeline.core.resources import models_path
from pipeline.text import normalise
from pipeline.train.bert.export import export
from pipeline.train.bert.net import BertNet

LENGTH = 64
WORDS = 30_000
SHARE = 0.1


def tokenizer(posts: Sequence[str]) -> str:
    """Word pieces of the posts, filled up to as many as an Indonesian BERT has."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))  # noqa: S106 - no password
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    made.train_from_iterator(
        [" ".join(normalise(post).tokens) for post in posts],
        trainers.WordPieceTrainer(vocab_size=WORDS, special_tokens=special, show_progress=False),
    )
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return str(made.to_str())


def small_net(hidden: int, layers: int) -> bytes:
    """A BERT of this size with random weights, in int8."""
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=WORDS, hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=hidden // 64,
        intermediate_size=4 * hidden, attn_implementation="eager",
    )  # fmt: skip
    return export(BertNet(transformers.AutoModel.from_config(config)))[1]


def timed(work: Callable[[], Any], posts: int) -> float:
    """Posts a CPU second, the better of two runs."""
    found = []
    for _time in range(2):
        start = time.process_time()
        work()
        found.append(posts / (time.process_time() - start))
    return max(found)


def bare(net: Net, ids: Sequence[list[int]], size: int) -> None:
    """ONNX Runtime alone, in batches of this size."""
    for start in range(0, len(ids), size):
        rows = ids[start : start + size]
        found = np.zeros((len(rows), max(map(len, rows))), np.int64)
        mask = np.zeros_like(found)
        for at, row in enumerate(rows):
            found[at, : len(row)], mask[at, : len(row)] = row, 1
        net._session.run(None, {"input_ids": found, "attention_mask": mask})


def measure(posts: list[str], hidden: int, layers: int) -> dict[str, float]:
    """Posts a CPU second of each way."""
    model = small_net(hidden, layers)
    net = Net(model, tokenizer(posts).encode(), LENGTH)
    ids = [net.ids(normalise(post).tokens) for post in posts]
    settings = LabelSettings(1.0, 0.0, 0.5, 0.1, "speed")
    served = BertClassifier("indobert-2026-01-01", "", net, dict.fromkeys(MODEL_LABELS, settings))
    scores = served.probabilities(posts)
    limits = np.quantile(scores, 0.95, axis=0)  # one post in twenty over each
    labels = {label: replace(settings, threshold=float(limits[at])) for at, label in enumerate(MODEL_LABELS)}
    with_reasons = BertClassifier("indobert-2026-01-01", "", net, labels)
    number = len(posts)
    found = {
        "one by one": timed(lambda: bare(net, ids, 1), number),
        "as they come": timed(lambda: bare(net, ids, 32), number),
        "sorted": timed(lambda: bare(net, sorted(ids, key=len), 8), number),
        "served": timed(lambda: served.classify(posts, reasons=False), number),
        "with reasons": timed(lambda: with_reasons.classify(posts[: number // 3]), number // 3),
    }
    found |= {"megabytes": len(model) / 1e6, "tokens": float(np.mean([len(row) for row in ids]))}
    return found | _cascade(served, posts)


def _cascade(served: BertClassifier, posts: list[str]) -> dict[str, float]:
    first = load_classifier(list_models(models_path(), "tfidf")[-1])
    assert isinstance(first, TfidfClassifier)
    lowest = np.quantile(first.probabilities(posts)[:, MODEL_LABELS.index(ASKED[0])], 1 - SHARE)
    bands = {ASKED[0]: (float(lowest), 1.0), ASKED[1]: (1.0, 1.0)}
    labels = dict.fromkeys(MODEL_LABELS, LabelSettings(1.0, 0.0, 0.5, 0.1, "speed"))
    made = CascadeClassifier("cascade-2026-01-01", "", (first, served), labels, bands)
    share = float(made.asks(first.probabilities(posts)).mean())
    return {"cascade": timed(lambda: made.classify(posts, reasons=False), len(posts)), "share": share}


def main() -> None:
    """Measure and print; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--posts", type=int, default=300)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measure(recombined(asked.posts), asked.hidden, asked.layers)
    for name in ("one by one", "as they come", "sorted", "served", "with reasons", "cascade"):
        print(f"{name:<14}{found[name]:10.1f} posts/s  served / this: {found['served'] / found[name]:.2f}")
    print(f"{found['megabytes']:.0f} MB, {found['tokens']:.1f} tokens a post, {found['share']:.1%} in the band")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
