"""A small BERT for tests: its own word pieces from the project's own sentences, two layers, random weights."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from pipeline.text import normalise
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import HateData
from pipeline.train.practice import write_practice
from pipeline.train.records import OWN, SCHEMA
from pipeline.train.stored import MANIFEST, ROWS, VERSION, manifest_bytes, write_rows

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def tokenizer(texts: list[str], words: int = 1_000) -> Tokenizer:
    """Word pieces learnt from texts, as BERT's are."""
    made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=words, special_tokens=SPECIAL, show_progress=False)
    made.train_from_iterator([" ".join(normalise(text).tokens) for text in texts], trainer)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


def checkpoint(folder: Path, *, hidden: int = 32, layers: int = 2, **changes: object) -> Path:
    """A checkpoint as Hugging Face's transformers write it, of random weights."""
    import torch
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    made = tokenizer(list(counterexamples(7, 1).texts))
    config = BertConfig(
        vocab_size=made.get_vocab_size(), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=2,
        intermediate_size=2 * hidden, max_position_embeddings=64,
    )  # fmt: skip
    for name, value in changes.items():
        setattr(config, name, value)
    BertModel(config).save_pretrained(folder)
    made.save(str(folder / "tokenizer.json"))
    return folder


def labelled(path: Path, fills: int = 2, seed: int = 7) -> Path:
    """A file in the shape of okky2019, of the sentences in pipeline/train/frames."""
    return write_practice(path, fills, seed)


def dataset(folder: Path, data: HateData, decisions: int) -> Path:
    """A dataset's folder of these labelled rows and as many decisions, as `dataset build` leaves it."""
    rows = [
        {"text": text, "origin": "okky2019", "group": f"g{group}", "fold": 0}
        | {f"own_{name}": bool(data.labels[name][at]) for name in OWN}
        for at, (text, group) in enumerate(zip(data.texts, data.groups.tolist(), strict=True))
    ]
    rows += [
        {"text": f"usir suku nomor {at}", "origin": "verdict", "group": f"v{at}", "fold": 1, "hate_group": at % 2 == 0}
        for at in range(decisions)
    ]
    whole = [dict.fromkeys(SCHEMA.names) | {"source_fold": -1, "time": "none"} | row for row in rows]
    folder.mkdir()
    manifest = {"version": VERSION, "labels": {}, "settings": {}, "rows": len(rows)}
    manifest["rows_sha256"] = write_rows(whole, folder / ROWS)
    (folder / MANIFEST).write_bytes(manifest_bytes(manifest))
    return folder
