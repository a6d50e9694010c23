"""Posts for the benchmarks: the project's own sample recombined, or a labelled file that the user has."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

from pipeline.core.resources import data_path


def sample_texts() -> list[str]:
    """The texts of data/sample and data/functional."""
    texts = []
    with data_path("sample", "unggahan.csv").open(encoding="utf-8", newline="") as file:
        texts += [row["teks"] for row in csv.DictReader(file) if row.get("teks")]
    for line in data_path("sample", "kanal.jsonl").read_text(encoding="utf-8").splitlines():
        try:
            texts.append(json.loads(line)["text"])
        except (ValueError, KeyError):
            continue  # the sample holds a broken line on purpose
    for name in ("no_flag.csv", "should_flag.csv"):
        with data_path("functional", name).open(encoding="utf-8", newline="") as file:
            texts += [row["text"] for row in csv.DictReader(file)]
    return texts


def recombined(count: int, seed: int = 0) -> list[str]:
    """`count` texts made of halves of the sample's, so that words are real and hardly any two texts are the same."""
    chooser = random.Random(seed)
    halves = [text.split() for text in sample_texts()]
    texts = []
    for _ in range(count):
        left, right = chooser.choice(halves), chooser.choice(halves)
        texts.append(" ".join([*left[: len(left) // 2], *right[len(right) // 2 :], str(chooser.randrange(10**6))]))
    return texts


def labelled(path: Path) -> list[str]:
    """The column `text` of a CSV."""
    with path.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file)]
