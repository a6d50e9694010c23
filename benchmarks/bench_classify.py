"""Speed of the classifier from raw text to labels, side by side with what a user would write instead.

    make bench            or: python benchmarks/bench_classify.py [--data posts.csv] [--posts 6000] [--json out.json]

One process, one thread, the same posts. Without --data the posts are recombined from the words of the sample.

    naive          each post by itself: stock PySastrawi, scikit-learn's vectorisers for the same three views,
                   `predict_proba([x])` of twelve logistic regressions (on the first posts only: it is slow)
    batch          the same, all posts at once
    ours, cold     raw text to labels with nothing remembered
    ours, warm     again: words and pieces are remembered, whole texts are not (there are more than the memo holds)
    with reasons   warm, with the reasons for each label over its threshold
    one by one     warm, each post by itself, as when somebody pastes a text

With --beside FOLDER another model is timed in turns with the first, so that a busy machine is busy for both.
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
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from posts import labelled, recombined
from Sastrawi.Stemmer.StemmerFactory import StemmerFactory
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_union

from pipeline.classify.registry import list_models, load_classifier
from pipeline.core.ports import Classifier
from pipeline.core.resources import models_path
from pipeline.text import chain

LABELS = 12
NAIVE_POSTS = 300
POSTS = 6_000
ROUNDS = 3


class Naive:
    """What a user would write: clean, stem with the stock stemmer, scikit-learn's TF-IDF and logistic regression."""

    def __init__(self, posts: Sequence[str]) -> None:
        self.start_anew()
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

    def start_anew(self) -> None:
        """Forget the stems of words: the stock stemmer remembers them."""
        self._stem = StemmerFactory().create_stemmer().stem

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


def measure(posts: list[str], folders: Sequence[Path]) -> dict[str, dict[str, float]]:
    """Posts a second of each way: first what does without us, under "", then each model by its name.

    All take turns, so that a busy machine is busy for each, and the best of the rounds counts.
    """
    naive = Naive(posts)
    models = {folder.name: load_classifier(folder) for folder in folders}
    found: dict[str, dict[str, float]] = {}
    for _round in range(ROUNDS):
        _keep_best(found.setdefault("", {}), without_us(naive, posts))
        for name, model in models.items():
            forget()
            cold = timed(partial(model.classify, posts, reasons=False), len(posts))
            first = {} if name in found else {"ours, cold": cold}  # later the model itself remembers pieces
            _keep_best(found.setdefault(name, {}), first | warm(model, posts))
    return found


def _keep_best(best: dict[str, float], rates: dict[str, float]) -> None:
    best |= {way: max(rate, best.get(way, 0.0)) for way, rate in rates.items()}


def without_us(naive: Naive, posts: Sequence[str]) -> dict[str, float]:
    """Posts a second of scikit-learn, one by one and in a batch; the stemmer has seen nothing before each."""
    first = posts[:NAIVE_POSTS]
    naive.start_anew()
    found = {"naive": timed(lambda: [naive.classify([post]) for post in first], len(first))}
    naive.start_anew()
    return found | {"batch": timed(lambda: naive.classify(posts), len(posts))}


def warm(ours: Classifier, posts: Sequence[str]) -> dict[str, float]:
    """Posts a second of a model that has seen the posts' words, in four ways."""
    ways: dict[str, Callable[[], Any]] = {
        "ours, warm": lambda: ours.classify(posts, reasons=False),
        "ours, warm, with reasons": lambda: ours.classify(posts),
        "ours, one by one": lambda: [ours.classify([post], reasons=False) for post in posts],
        "ours, one by one, reasons": lambda: [ours.classify([post]) for post in posts],
    }
    return {name: timed(work, len(posts)) for name, work in ways.items()}


def main() -> None:
    """Measure and print a table; with --json also write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a CSV with a column `text`")
    parser.add_argument("--model", type=Path, help="a model's folder; default: the newest that is shipped")
    parser.add_argument("--beside", type=Path, help="the folder of another model, timed in turns with the first")
    parser.add_argument("--posts", type=int, default=POSTS)
    parser.add_argument("--json", type=Path, dest="out")
    options = parser.parse_args()
    texts = labelled(options.data)[: options.posts] if options.data else recombined(options.posts)
    folder = options.model or list_models(models_path(), "tfidf")[-1]
    found = measure(texts, [folder, *([options.beside] if options.beside else [])])
    print(f"{len(texts)} posts, {sum(map(len, texts)) / len(texts):.0f} letters each, one thread")
    print(f"{'':28}{'':20}{'posts/s':>10}{'ratio':>8}")
    naive = found[""]["naive"]
    for name, rates in found.items():
        for way, rate in rates.items():
            print(f"{way:28}{name:20}{rate:10,.0f}{rate / naive:8.1f}")
    if options.out:
        rounded = {name: {way: round(rate) for way, rate in rates.items()} for name, rates in found.items()}
        ratios = {name: {way: round(rate / naive, 2) for way, rate in rates.items()} for name, rates in found.items()}
        figures = {"posts": len(texts), "posts_per_second": rounded, "ratios": ratios}
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
