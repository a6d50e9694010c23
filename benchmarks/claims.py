"""Claim matching: quality on months that were not learnt from, and speed, beside bm25s on the same posts in one run.

    python benchmarks/claims.py quality ../shared/data
    python benchmarks/claims.py speed ../shared/data
    python benchmarks/claims.py million ../shared/data

Speed is CPU time of one thread, from normalised text to matched or not; bm25s only ranks. The million claims are the
headings with their halves put together anew, so that words are as frequent as they are in headings.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bm25s
import numpy as np

from pipeline.core.resources import models_path
from pipeline.enrich.claims import ClaimIndex, ClaimMatcher, Document, Ranker, load_ranker
from pipeline.text import normalise
from pipeline.train.claims import read_ordinary, read_pairs

POSTS = 3_000


def main() -> None:
    what, data = sys.argv[1], Path(sys.argv[2])
    {"quality": quality, "speed": speed, "million": million}[what](data)


def _stems(text: str) -> list[str]:
    return " ".join(normalise(text).stems).split() or ["-"]


def quality(data: Path) -> None:
    """recall@1, @5, MRR of bm25s over our stems beside the shipped card's figures, which are out of its own months."""
    pairs = read_pairs(data / "hoax")
    ranker = load_ranker(max(models_path().glob("claims-*")))
    of_2024 = np.array([day >= "2024" for day in pairs.days])
    posts, gold = [post for post, own in zip(pairs.posts, of_2024, strict=True) if own], pairs.gold[of_2024]
    index = bm25s.BM25()
    index.index([_stems(text) for text in pairs.claims], show_progress=False)
    found, _scores = index.retrieve([_stems(text) for text in posts], k=20, show_progress=False)
    _print_ranks("bm25s over stems", found, gold)
    own = _index_of(pairs.claims, ranker)
    hits = own.search([normalise(text) for text in posts], 20)
    ranks = [[hit.number - 1 for hit in each] + [-1] * (20 - len(each)) for each in hits]
    _print_ranks("candidates alone", np.array(ranks), gold)
    print((models_path() / ranker.name / "card.md").read_text())


def _index_of(texts: Sequence[str], ranker: Ranker) -> ClaimIndex:
    return ClaimIndex.in_memory(
        (Document(str(at), text, None, "debunked") for at, text in enumerate(texts)), ranker.weights
    )


def _ordinary(data: Path) -> dict[str, list[str]]:
    return read_ordinary(data / "hate_speech/okky2019.csv", data / "news/click_id_articles.parquet", 0)


def _print_ranks(name: str, found: np.ndarray, gold: np.ndarray) -> None:
    at = [np.flatnonzero(row == right) for row, right in zip(found, gold, strict=True)]
    rank = np.array([each[0] + 1 if len(each) else np.inf for each in at])
    print(
        f"{name}: {len(gold)} posts, recall@1 {(rank == 1).mean():.3f}",
        f"@5 {(rank <= 5).mean():.3f} MRR {(1 / rank).mean():.3f}",
    )


def speed(data: Path) -> None:
    """Ordinary posts a second against 10,000 claims."""
    pairs, texts = read_pairs(data / "hoax"), _ordinary(data)
    claims, posts = pairs.claims[:10_000], texts["tweets"][:POSTS]
    ranker = load_ranker(max(models_path().glob("claims-*")))
    index = _index_of(claims, ranker)
    matcher = ClaimMatcher(index, ranker, ranker.thresholds)
    other = bm25s.BM25()
    other.index([_stems(text) for text in claims], show_progress=False)
    stems = [_stems(text) for text in posts]
    matcher.match(posts, [None] * len(posts))  # words that were seen before are remembered, as in a running job
    one_at_a_time = lambda: [other.retrieve([each], k=5, show_progress=False) for each in stems]  # noqa: E731
    timed = {
        "kentongan (ranked, levelled)": _timed(lambda: matcher.match(posts, [None] * len(posts))),
        "bm25s, one by one": _timed(one_at_a_time),
        "bm25s, one batch": _timed(lambda: other.retrieve(stems, k=5, show_progress=False)),
    }
    for name, seconds in timed.items():
        print(f"{name}: {len(posts) / seconds:,.0f} posts/s, ratio {timed['bm25s, one by one'] / seconds:.2f}")


def _timed(call: Callable[[], object]) -> float:
    best = float("inf")
    for _time in range(3):
        start = time.process_time()
        call()
        best = min(best, time.process_time() - start)
    return best


def _recombined(texts: Sequence[str], count: int) -> Iterator[Document]:
    rng = np.random.default_rng(0)
    first, second = rng.integers(len(texts), size=(2, count))
    for at, (one, other) in enumerate(zip(first, second, strict=True)):
        left, right = texts[one].split(), texts[other].split()
        yield Document(f"k{at}", " ".join(left[: len(left) // 2 + 1] + right[len(right) // 2 :]), 20_000, "debunked")


def million(data: Path) -> None:
    """Time of one post against a million claims, of adding one, of opening, and the memory that it takes."""
    pairs, texts = read_pairs(data / "hoax"), _ordinary(data)
    ranker = load_ranker(max(models_path().glob("claims-*")))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        index = ClaimIndex.open(Path(folder), ranker.weights)
        index.add(_recombined(pairs.claims, 1_000_000), rev=1)
        print(f"added {len(index):,} in {time.perf_counter() - start:.0f} s", flush=True)
        index.close()
        del index
        start = time.perf_counter()
        index = ClaimIndex.open(Path(folder), ranker.weights)
        print(
            f"opened in {time.perf_counter() - start:.1f} s,",
            f"{(Path(folder) / 'claims.db').stat().st_size / 1e6:.0f} MB on disk",
            flush=True,
        )
        with Path("/proc/self/status").open() as status:
            print(next(line.strip() for line in status if line.startswith("VmRSS")))
        start = time.perf_counter()
        index.add([Document("new", "Sumur di alun-alun menyemburkan kopi tubruk", 20_000, "debunked")], rev=2)
        print(f"one more claim: {1_000 * (time.perf_counter() - start):.1f} ms")
        matcher = ClaimMatcher(index, ranker, ranker.thresholds)
        for name, posts in (("tweets", texts["tweets"][:1_000]), ("posts with claims", list(pairs.posts[:1_000]))):
            took = []
            for post in posts:
                normalise(post)
                start = time.perf_counter()
                matcher.match([post], [None])
                took.append(1_000 * (time.perf_counter() - start))
            middle, late = np.quantile(took, (0.5, 0.95))
            print(f"{name}: p50 {middle:.1f} ms, p95 {late:.1f} ms, most {max(took):.0f} ms", flush=True)
    print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
