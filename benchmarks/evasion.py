"""What is lost when words are written so that a program does not read them, before and after the chain unveils them.

    python benchmarks/evasion.py --hate okky2019.csv

Five grouped folds: each model is trained on plain tweets and scores the tweets it has not seen, plain and disguised.
In a disguised copy every second word of four letters or more is rewritten. Recall at the threshold that the plain
scores of the same model get for the shipped model's recall; "before" is the chain without unveiling and look-alikes.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import MODEL_LABELS, label_probabilities
from pipeline.text import chain, fold
from pipeline.train.dataset import grouped_folds, read_hate
from pipeline.train.rows import Given
from pipeline.train.structured import StructuredLogisticRegression, one_thread
from pipeline.train.tfidf import LEAST
from pipeline.train.trained import FOLDS, training_rows

_SHARE, _LEAST = 0.5, 4
_LEET = str.maketrans("aieost", "413057")
_TWINS = str.maketrans("aeopcyx", "аеорсух")
_RECALL = {"hate_group": 0.48, "incitement": 0.488}  # of the shipped model at its thresholds (its card)

Word = Callable[[str, random.Random], str]
DISGUISES: dict[str, Word] = {
    "leetspeak": lambda word, _order: word.translate(_LEET),
    "spaced": lambda word, _order: " ".join(word),
    "dotted": lambda word, _order: ".".join(word),
    "zero width": lambda word, _order: "\u200b".join(word),
    "look-alikes": lambda word, _order: word.translate(_TWINS),
    "doubled": lambda word, order: _at(word, order, lambda letter: letter * 3),
    "emoji inside": lambda word, order: _at(word, order, lambda letter: f"{letter}\U0001f525"),
}


def main() -> None:
    """Print one JSON object: label -> disguise -> recall before and after."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hate", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=5, help="how many of the five to run")
    options = parser.parse_args()
    with one_thread():
        after = _recalls(options.hate, options.folds)
        with _as_before():
            before = _recalls(options.hate, options.folds)
    result = {
        label: {name: {"before": before[label][name], "after": found} for name, found in row.items()}
        for label, row in after.items()
    }
    print(json.dumps(result, indent=2))


def _recalls(path: Path, count: int) -> dict[str, dict[str, float]]:
    data = read_hate(path)
    rows = training_rows(Given(data), 0)
    folds = grouped_folds(data.groups, FOLDS, 0)
    scores: dict[str, list[NDArray[np.float32]]] = {name: [] for name in ("plain", *DISGUISES)}
    kept = []
    for number in range(count):
        held = folds == number
        kept.append(np.flatnonzero(held))
        seen = rows.only(np.append(~held, np.ones(len(rows) - len(data), bool)))
        vectoriser = Vectoriser(Vocabulary.learn(seen.texts, LEAST))
        model = StructuredLogisticRegression().fit(vectoriser.matrix(seen.texts), seen)
        for name, found in scores.items():
            texts = [chain.normalise(_disguised(data.texts[row], name, int(row))) for row in kept[-1]]
            found.append(label_probabilities(model.decision_function(vectoriser.matrix(texts))))
    order = np.concatenate(kept)
    return {label: _recall(data.derived[label][order], scores, label) for label in _RECALL}


def _recall(truth: NDArray[np.bool_], scores: dict[str, list[NDArray[np.float32]]], label: str) -> dict[str, float]:
    column = MODEL_LABELS.index(label)
    found = {name: np.concatenate(parts)[:, column][truth] for name, parts in scores.items()}
    threshold = np.quantile(found["plain"], 1 - _RECALL[label])
    return {name: round(float((values >= threshold).mean()), 3) for name, values in found.items()}


def _disguised(text: str, name: str, row: int) -> str:
    if name == "plain":
        return text
    order = random.Random(row)
    words = text.split()
    return " ".join(
        DISGUISES[name](word, order) if len(word) >= _LEAST and word.isalpha() and order.random() < _SHARE else word
        for word in words
    )


def _at(word: str, order: random.Random, change: Callable[[str], str]) -> str:
    place = order.randrange(1, len(word) - 1)
    return word[:place] + change(word[place]) + word[place + 1 :]


@contextmanager
def _as_before() -> Iterator[None]:
    """The chain without what was done against disguises."""
    signs = str.maketrans(*fold._SIGNS)
    with (
        patch.multiple(
            chain, unveiled=lambda _piece: None, joined_letters=lambda text, _filler: text, is_word=lambda _word: False
        ),
        patch.object(fold, "_LOOK_ALIKES", signs),
    ):
        for remembered in (chain._remembered_piece, chain._remembered_text, fold._plain):
            remembered.cache_clear()
        yield


if __name__ == "__main__":
    main()
