"""Speed of the classifier from raw text to labels, side by side with what a user would write instead.

    make bench            or: python benchmarks/bench_classify.py [--data posts.csv] [--posts 6000] [--json out.json]

One process, one thread, the same posts. Without --data the posts are recombined from the words of the sample.

    naive          each post by itself: stock PySastrawi, scikit-learn's vectorisers for the same three views,
                   `predict_proba([x])` of twelve logistic regressions (on the first posts only: it is slow)
    batch          the same, all posts at once
    ours, cold     raw text to labels with nothing remembered
    ours, warm     again: words and pieces are remembered, whole texts are not (there are more than the memo holds)
    with reasons   warm, with the reasons for each label over its threshold
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import json
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from posts import labelled, recombined
from Sastrawi.Stemmer.StemmerFactory import StemmerFactory
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from pipeline.classify.registry import list_models, load_classifier
from pipeline.classify.tfidf import TfidfClassifier
from pipeline.core.resources import models_path
from pipeline.text import chain

LABELS = 12
NAIVE_POSTS = 300
POSTS = 6_000


class Naive:
    """What a user would write: clean, stem with the stock stemmer, scikit-learn's TF-IDF and logistic regression."""

    def __init__(self, posts: Sequence[str]) -> None:
        self._stem = StemmerFactory().create_stemmer().stem
        views = make_union(
            TfidfVectorizer(preprocessor=self._clean, ngram_range=(1, 2), min_df=2, sublinear_tf=True),
            TfidfVectorizer(
                preprocessor=self._clean, analyzer="char_wb", ngram_range=(2, 5), min_df=5, sublinear_tf=True
            ),
            TfidfVectorizer(preprocessor=self._stemmed, ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        )
        features = views.fit_transform(posts)
        truth = np.random.default_rng(0).random((len(posts), LABELS)) < 0.3  # speed does not depend on what is learnt
        heads = [LogisticRegression(max_iter=5, tol=1.0).fit(features, column) for column in truth.T]
        self._views, self._heads = views, heads

    @staticmethod
    def _clean(text: str) -> str:
        return re.sub(r"https?://\S+|@\w+|\b(?:USER|URL|RT)\b", " ", text).lower()

    def _stemmed(self, text: str) -> str:
        return str(self._stem(self._clean(text)))

    def classify(self, posts: Sequence[str]) -> list[list[float]]:
        """Twelve probabilities for each post."""
        features = self._views.transform(posts)
        return np.stack([head.predict_proba(features)[:, 1] for head in self._heads], axis=1).tolist()


def timed(work: Callable[[], Any], posts: int) -> float:
    """Posts a second of CPU time of this process."""
    start = time.process_time()
    work()
    return posts / (time.process_time() - start)


def forget() -> None:
    """Empty the text chain's memos."""
    for memo in vars(chain).values():
        if hasattr(memo, "cache_clear"):
            memo.cache_clear()


def measure(posts: list[str], folder: Path) -> dict[str, float]:
    """Posts a second of each way."""
    first = posts[:NAIVE_POSTS]
    naive = Naive(posts)
    naive._stem = StemmerFactory().create_stemmer().stem
    found = {"naive": timed(lambda: [naive.classify([post]) for post in first], len(first))}
    naive._stem = StemmerFactory().create_stemmer().stem
    found["batch"] = timed(lambda: naive.classify(posts), len(posts))
    ours = load_classifier(folder)
    assert isinstance(ours, TfidfClassifier)
    forget()
    found["ours, cold"] = timed(lambda: ours.classify(posts, reasons=False), len(posts))
    found["ours, warm"] = max(timed(lambda: ours.classify(posts, reasons=False), len(posts)) for _time in range(3))
    found["ours, warm, with reasons"] = max(timed(lambda: ours.classify(posts), len(posts)) for _time in range(3))
    return found


def main() -> None:
    """Measure and print a table; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a CSV with a column `text`")
    parser.add_argument("--model", type=Path, help="a model's folder; default: the newest that is shipped")
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--json", type=Path, dest="out")
    options = parser.parse_args()
    texts = labelled(options.data)[: options.posts] if options.data else recombined(options.posts)
    folder = options.model or list_models(models_path(), "tfidf")[-1]
    found = measure(texts, folder)
    print(f"{len(texts)} posts, {sum(map(len, texts)) / len(texts):.0f} letters each, model {folder.name}, one thread")
    print(f"{'':28}{'posts/s':>10}{'ratio':>8}")
    for name, rate in found.items():
        print(f"{name:28}{rate:10,.0f}{rate / found['naive']:8.1f}")
    if options.out:
        ratios = {name: round(rate / found["naive"], 2) for name, rate in found.items()}
        figures = {"posts": len(texts), "posts_per_second": {n: round(r) for n, r in found.items()}, "ratios": ratios}
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
