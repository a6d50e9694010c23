"""Near duplicates against exhaustive comparison: of the pairs that are copies, how many stand in one cluster.

python benchmarks/near_recall.py [--posts 3000] [--data CSV]

Every pair of posts is compared by the true Jaccard similarity of the same shingles (5 letters of the normalised text).
Recall: pairs at or over the threshold that stand in one cluster. Precision: pairs of one cluster that reach 0.3, or
hang together by a chain of true copies. Prints one JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path
from typing import Any

import million_posts
import numpy as np

from pipeline.core.config import load_settings
from pipeline.landing import near
from pipeline.text import normalise


def sample(count: int, data: Path | None) -> list[str]:
    """Posts of which a third are copies of others: one to six words changed one after the other."""
    chooser = random.Random(7)
    made = list(million_posts.texts(count - count // 3, data, seed=7))
    for _ in range(count // 3):
        text = chooser.choice(made)
        for _change in range(chooser.randrange(1, 7)):
            text = million_posts.changed(chooser, text)
        made.append(text)
    chooser.shuffle(made)
    return made


def similarities(texts: list[str], min_letters: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The Jaccard similarity of every pair; a text too short for shingles is like itself alone."""
    sets = []
    for text in texts:
        letters = {text[at : at + near.SHINGLE] for at in range(len(text) - near.SHINGLE + 1)}
        sets.append(letters if len(text) >= max(min_letters, near.SHINGLE) else {text})
    number = {shingle: at for at, shingle in enumerate(sorted(set().union(*sets)))}
    holds = np.zeros((len(texts), len(number)), np.float32)
    for row, letters in enumerate(sets):
        holds[row, [number[shingle] for shingle in letters]] = 1
    both = holds @ holds.T
    sizes = holds.sum(axis=1)
    return np.asarray(both / (sizes[:, None] + sizes[None, :] - both), np.float32)


def measure(count: int, data: Path | None) -> dict[str, Any]:
    """Compare our clusters with all pairs."""
    settings = load_settings(None, {})[0].near_duplicates
    texts = [" ".join(normalise(text).tokens) for text in sample(count, data)]
    began = time.process_time()
    true = np.triu(similarities(texts, settings.min_letters), 1)
    exhaustive = time.process_time() - began
    began = time.process_time()
    signatures = near.minhash(texts, settings.min_letters)
    names = near.cluster([str(at) for at in range(count)], signatures, iter(()), settings.threshold)
    ours = time.process_time() - began
    half = near.Signatures(np.arange(count // 2, dtype=np.uint64), signatures[: count // 2], names[: count // 2])
    later = near.cluster(
        [str(at) for at in range(count // 2, count)], signatures[count // 2 :], iter([half]), settings.threshold
    )
    labels = np.unique(names, return_inverse=True)[1]
    across = np.unique([*names[: count // 2], *later], return_inverse=True)[1]
    result: dict[str, Any] = {"posts": count, "threshold": settings.threshold}
    for name, one in (("one_partition", labels), ("two_partitions", across)):
        together = np.triu(one[:, None] == one[None, :], 1)
        linked = _linked(true >= settings.threshold - 0.2)
        result[name] = {
            **{
                f"recall_from_{low:.1f}": round(float(together[true >= low].mean()), 4)
                for low in (settings.threshold, settings.threshold + 0.1, settings.threshold + 0.2)
            },
            "pairs": int((true >= settings.threshold).sum()),
            "pairs_together": int(together.sum()),
            "together_and_linked_by_copies": round(float((linked[:, None] == linked[None, :])[together].mean()), 4),
        }
    result["exhaustive_over_ours_cpu"] = round(exhaustive / ours, 1)
    return result


def _linked(pairs: np.ndarray[Any, np.dtype[np.bool_]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A number for each set of posts that hang together by these pairs."""
    parent = np.arange(len(pairs))
    for left, right in np.argwhere(pairs):
        a, b = int(parent[left]), int(parent[right])
        if a != b:
            parent[parent == max(a, b)] = min(a, b)
    return parent


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=3_000)
    parser.add_argument("--data", type=Path)
    options = parser.parse_args()
    print(json.dumps(measure(options.posts, options.data), indent=1))


if __name__ == "__main__":
    main()
