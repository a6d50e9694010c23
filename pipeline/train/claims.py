"""Makes the ranker of claims again: term weights from ordinary texts, a logistic regression over posts with claims.

A pair is right if the claim is the heading under which a fact-checker filed the post. The claims near a post that are
not, and those near tweets and news, are wrong ones. What is measured is measured on months that were not learnt from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.enrich.claims.index import ClaimIndex, Document
from pipeline.enrich.claims.likeness import F32, FEATURES, Likeness
from pipeline.enrich.claims.matcher import CANDIDATES, COSINE
from pipeline.enrich.claims.ranker import Thresholds, probabilities, write_ranker
from pipeline.enrich.claims.terms import BUCKETS, KINDS, Terms, terms_of
from pipeline.text import normalise
from pipeline.train.dataset import read_rows

LEAST_LETTERS = 20
MOST_NEWS, MOST_TWEETS = 4_000, 13_000
_SPLIT = "2024-06"  # months before it teach while the others are measured, and the other way round
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Pairs:
    """Posts with the number of their claim among all claims' texts, and the day the fact-checker wrote (YYYY-MM-DD)."""

    posts: tuple[str, ...]
    claims: tuple[str, ...]
    gold: NDArray[np.int64]
    days: tuple[str, ...]


@dataclass(frozen=True)
class Rows:
    """Candidates of some posts: `likeness` (n, features), whose they are and which claim, for each row."""

    likeness: NDArray[np.float64]
    post: NDArray[np.int64]
    claim: NDArray[np.int64]
    posts: int

    def best(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """(posts,) the best score of each post, 0 without candidates."""
        found = np.zeros(self.posts)
        np.maximum.at(found, self.post, scores)
        return found


def read_pairs(folder: Path) -> Pairs:
    """The task of claim matching: posts of 2015-2020 and 2024 beside all headings of 2015-2021 and 2024.

    Posts under 20 letters or that repeat their heading are left out. Raises ConfigError if a file is absent.
    """
    of_2024 = read_rows(folder / "tbh_2024.csv", {"title", "text", "date"})
    headings = read_rows(folder / "tbh_headings_2015_2021.csv", {"title", "date"})
    earlier = read_rows(folder / "tbh_false_news_2020.csv", {"title", "text", "date", "suggested"})
    numbers: dict[str, int] = {}
    for row in (*of_2024, *headings):
        numbers.setdefault(row["title"].strip(), len(numbers))
    posts, gold, days = [], [], []
    plain = {title: _plain(title) for title in numbers}
    for row in (*of_2024, *(row for row in earlier if row["suggested"] == "hoax")):
        title, text = row["title"].strip(), row["text"].strip()
        if title in numbers and len(text) >= LEAST_LETTERS and plain[title] not in _plain(text):
            posts.append(text)
            gold.append(numbers[title])
            days.append(row["date"])
    return Pairs(tuple(posts), tuple(numbers), np.array(gold, dtype=np.int64), tuple(days))


def read_ordinary(tweets: Path, news: Path, seed: int) -> dict[str, list[str]]:
    """Ordinary posts by source: tweets, and news articles with their headings."""
    rng = np.random.default_rng(seed)
    found = [row["text"] for row in read_rows(tweets, {"text"})]
    if not news.is_file():
        raise ConfigError(_("{path} is not there").format(path=news))
    articles = pq.read_table(news, columns=["title", "text"]).to_pylist()
    chosen = rng.permutation(len(articles))[:MOST_NEWS]
    return {
        "tweets": [found[at] for at in rng.permutation(len(found))[:MOST_TWEETS]],
        "news": [f"{articles[at]['title'] or ''}\n{articles[at]['text'] or ''}" for at in chosen],
    }


def weights_of(texts: Iterable[Terms]) -> F32:
    """(4 * BUCKETS,) idf of every term, in the sixteenths that a ranker's file holds."""
    seen = np.zeros(len(KINDS) * BUCKETS, dtype=np.int64)
    count = 0
    for terms in texts:
        seen[terms.all] += 1
        count += 1
    weights = np.log((count + 1) / (seen + 0.5)).clip(0.1)
    weights[seen <= 1] = weights.max()
    return np.asarray(np.rint(weights * 16) / 16, dtype=np.float32)


def rows_of(texts: Sequence[Terms], index: ClaimIndex) -> Rows:
    """The candidates of some posts, as the matcher finds them."""
    likeness = Likeness(index.weights)
    rows, owners, claims = [np.empty((0, len(FEATURES)))], [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for at, terms in enumerate(texts):
        numbers, _cosines, ids, owner, sums = index.near(terms, CANDIDATES, least=COSINE)
        if len(numbers):
            rows.append(likeness(terms, ids, owner, sums))
            owners.append(np.full(len(numbers), at))
            claims.append(numbers - 1)  # documents are numbered from 1, in order
    return Rows(np.concatenate(rows), np.concatenate(owners), np.concatenate(claims), len(texts))


@dataclass(frozen=True)
class Fitted:
    """Coefficients for `likeness` as it is, and the intercept."""

    coefficients: NDArray[np.float64]
    intercept: float

    def scores(self, likeness: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) probabilities."""
        return probabilities(likeness @ self.coefficients + self.intercept)


def fit(likeness: NDArray[np.float64], right: NDArray[np.bool_], seed: int) -> Fitted:
    """A logistic regression on standardised columns, folded back into plain coefficients."""
    from sklearn.linear_model import LogisticRegression

    mean, spread = likeness.mean(axis=0), likeness.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=3_000, random_state=seed).fit((likeness - mean) / spread, right)
    coefficients = model.coef_[0] / spread
    return Fitted(coefficients, float(model.intercept_[0] - coefficients @ mean))


def measured(
    model: Fitted, rows: Rows, gold: NDArray[np.int64], among: NDArray[np.bool_], least: float
) -> dict[str, float]:
    """recall@1, @5, MRR and the share of posts whose best claim is right and scores above `least`."""
    scores = model.scores(rows.likeness)
    own = np.full(rows.posts, -1.0)
    right = rows.claim == gold[rows.post]
    np.maximum.at(own, rows.post[right], scores[right])
    better = np.bincount(rows.post, scores > own[rows.post], minlength=rows.posts)
    rank = np.where(own >= 0, better + 1, np.inf)[among]
    over = (rows.best(scores) > least)[among]
    return {
        "posts": int(among.sum()),
        "recall@1": round(float((rank == 1).mean()), 4),
        "recall@5": round(float((rank <= 5).mean()), 4),
        "mrr": round(float((1 / rank).mean()), 4),
        "right_above": round(float(((rank == 1) & over).mean()), 4),
    }


def train_claims(
    hoax_dir: Path, tweets: Path, news: Path, out: Path, *, date: str, seed: int, progress: Progress
) -> Path:
    """Train, measure and write `<out>/claims-<date>/`; same files and seed, same bytes."""
    pairs, ordinary = read_pairs(hoax_dir), read_ordinary(tweets, news, seed)
    claims = [terms_of(normalise(text)) for text in pairs.claims]
    posts = [terms_of(normalise(text)) for text in pairs.posts]
    others = {name: [terms_of(normalise(text)) for text in texts] for name, texts in ordinary.items()}
    progress("terms", 1, 3)
    weights = weights_of([*claims, *(terms for texts in others.values() for terms in texts)])
    index = ClaimIndex.in_memory(
        (Document(str(at), text, None, "debunked") for at, text in enumerate(pairs.claims)), weights
    )
    rows = rows_of(posts, index)
    beside = {name: rows_of(texts, index) for name, texts in others.items()}
    progress("candidates", 2, 3)
    metrics = _metrics(pairs, rows, beside, seed)
    model = _fitted(pairs, rows, beside, np.ones(len(pairs.posts), bool), np.array([0, 1]), seed)
    thresholds = Thresholds(
        *(round(max(_quantile(model, each, rate) for each in beside.values()), 4) for rate in (0.01, 0.001))
    )
    folder = out / f"claims-{date}"
    write_ranker(
        folder,
        weights,
        model.coefficients,
        model.intercept,
        thresholds,
        metrics,
        _card(folder.name, metrics, thresholds),
    )
    progress("ranker", 3, 3)
    return folder


def _fitted(
    pairs: Pairs, rows: Rows, beside: dict[str, Rows], taught: NDArray[np.bool_], halves: NDArray[np.int64], seed: int
) -> Fitted:
    """Fit on the pairs of the posts that are `taught` and on these `halves` of the ordinary ones."""
    chosen = taught[rows.post]
    likeness, right = [rows.likeness[chosen]], [(rows.claim == pairs.gold[rows.post])[chosen]]
    for each in beside.values():
        mine = np.isin(each.post % 2, halves)
        likeness.append(each.likeness[mine])
        right.append(np.zeros(int(mine.sum()), bool))
    return fit(np.concatenate(likeness), np.concatenate(right), seed)


def _quantile(model: Fitted, rows: Rows, rate: float, half: int | None = None) -> float:
    """The score that a share `rate` of ordinary posts exceeds."""
    best = rows.best(model.scores(rows.likeness))
    return float(np.quantile(best if half is None else best[half::2], 1 - rate))


def _metrics(pairs: Pairs, rows: Rows, beside: dict[str, Rows], seed: int) -> dict[str, Any]:
    """Each half of 2024 measured by what the other half and 2015-2020 teach; 2015-2020 by what 2024 teaches."""
    months = np.array([day[:7] for day in pairs.days])
    parts = {
        "2024, January to May": (months >= "2024-01") & (months < _SPLIT),
        "2024, June to November": months >= _SPLIT,
        "2015 to 2020": months < "2021",
    }
    found: dict[str, Any] = {}
    for name, among in parts.items():
        model = _fitted(pairs, rows, beside, ~among, np.array([0]), seed)
        least = {rate: max(_quantile(model, each, rate, 1) for each in beside.values()) for rate in (0.01, 0.001)}
        own = measured(model, rows, pairs.gold, among, least[0.01])
        strict = measured(model, rows, pairs.gold, among, least[0.001])
        own["right_at_1_percent"] = own.pop("right_above")
        found[name] = own | {"right_at_1_in_1000": strict["right_above"]}
    return found


def _plain(text: str) -> str:
    return " ".join(normalise(text).tokens)


def _card(name: str, metrics: dict[str, Any], thresholds: Thresholds) -> str:
    lines = [
        f"# {name}",
        "",
        "Says how surely a post carries a claim that a fact-checker wrote about. It judges nothing: it compares words.",
        "",
        "- Kind: logistic regression over 24 numbers of a post beside a claim: the weight that they share in stems, words,",
        "  pairs of stems and groups of four letters.",
        "- Taught by: posts and headings of TurnBackHoax (MAFINDO) 2015-2020 and 2024; tweets of okky2019 and news of",
        "  CLICK-ID (2019) as ordinary posts. No text is in the files, only hashed frequencies and coefficients.",
        "  TurnBackHoax states no licence, okky2019 is CC BY-NC-SA 4.0: so is this model.",
        f"- Thresholds: suggest {thresholds.suggest} (1 ordinary post in 100 is above), match {thresholds.match} (1 in 1,000).",
        "  Some of those tweets do carry old claims. `kentongan claims fit` sets an office's own.",
        "- Weak on: claims about a picture or video whose post says little, translations, posts under eight words.",
        "",
        "Measured on posts whose months were not learnt from, among 10,679 headings of 2015-2021 and 2024:",
        "",
        "| posts of | posts | recall@1 | recall@5 | MRR | right at 1 in 100 | right at 1 in 1,000 |",
        "|---|---|---|---|---|---|---|",
    ]
    for part, own in metrics.items():
        values = " | ".join(
            str(own[each])
            for each in ("posts", "recall@1", "recall@5", "mrr", "right_at_1_percent", "right_at_1_in_1000")
        )
        lines.append(f"| {part} | {values} |")
    return "\n".join(lines) + "\n"
