"""The data of `hoax_style`: texts that fact-checkers debunked, beside news and ordinary tweets, each with its source.

What separates them is mostly where a text comes from. So every row carries its source and year, and `audit.py` asks how
much of the result is source, year, length or the fact-checker's own words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.train.dataset import Flags, HateData, read_rows

HOAX_FILES = {"tbh_2024": "tbh_2024.csv", "tbh_2015_2020": "tbh_false_news_2020.csv", "hoax_1k": "hoax_1k.csv"}
NEWS_FILE = "click_id_articles.parquet"
TRUE_SOURCE = "tbh_true"
TWEETS = "tweets"
NEWS = "news"
"""All publishers are one source: leaving out one of them while others stay says nothing (AUC 0.96)."""
LEAST_LETTERS = 40
MOST_NEWS = 6_000
MOST_TWEETS = 4_000

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NOT_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class HoaxData:
    """Texts with whether a fact-checker found them false, the source, and the year of publishing (0: unknown)."""

    texts: tuple[str, ...]
    hoax: Flags
    sources: tuple[str, ...]
    years: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.texts)

    def of(self, source: str) -> Flags:
        """Which rows come from that source."""
        return np.array([found == source for found in self.sources])


_Row = tuple[str, bool, str, int]


def read_hoax(hoax_dir: Path, news_dir: Path, tweets: HateData, seed: int) -> HoaxData:
    """Claims (one for each title), pieces of news articles as long as claims are, and tweets without hate or abuse.

    A claim's text that only repeats the fact-checker's title is left out. Raises ConfigError if a file is absent.
    """
    rng = np.random.default_rng(seed)
    claims = list(_claims(hoax_dir))
    lengths = [len(text) for text, hoax, _source, _year in claims if hoax]
    rows = [*claims, *_news(news_dir / NEWS_FILE, lengths, rng), *_plain_tweets(tweets, rng)]
    texts, hoax, sources, years = zip(*rows, strict=True)
    return HoaxData(texts, np.array(hoax), sources, years)


def _claims(folder: Path) -> Iterator[_Row]:
    seen: set[str] = set()
    for source, name in HOAX_FILES.items():
        wanted = {"title", "text", "date"} | ({"suggested"} if source == "tbh_2015_2020" else set())
        for row in read_rows(folder / name, wanted):
            title, text = _plain(row["title"]), row["text"].strip()
            verdict = row.get("suggested", "hoax")
            if title in seen or verdict not in {"hoax", "true"} or len(text) < LEAST_LETTERS or _plain(text) == title:
                continue
            seen.add(title)
            yield text, verdict == "hoax", source if verdict == "hoax" else TRUE_SOURCE, _year(row["date"])


def _plain(text: str) -> str:
    return _NOT_WORD.sub(" ", text.lower()).strip()


def _year(date: str) -> int:
    return int(date[:4]) if date[:4].isdigit() else 0


def _news(path: Path, lengths: list[int], rng: np.random.Generator) -> Iterator[_Row]:
    articles = _articles(path)
    chosen = np.sort(rng.permutation(len(articles))[:MOST_NEWS])
    for at in chosen:
        sentences = _SENTENCE.split(articles[at]["text"])
        start = int(rng.integers(1 + len(sentences) // 2))  # the first sentence names the publisher
        text = " ".join(sentences[start:])[: lengths[int(rng.integers(len(lengths)))]]
        if len(text) >= LEAST_LETTERS:
            yield text, False, NEWS, _year(articles[at]["date"] or "")


def _articles(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise ConfigError(_("{path} does not exist; name the folder of the news data").format(path=path))
    try:
        table = pq.read_table(path, columns=["text", "date"])
    except (pa.ArrowException, OSError) as error:
        raise ConfigError(_("{path} cannot be read as Parquet: {error}").format(path=path, error=error)) from error
    rows: list[dict[str, str]] = table.to_pylist()
    return rows


def _plain_tweets(tweets: HateData, rng: np.random.Generator) -> Iterator[_Row]:
    calm = np.flatnonzero(~tweets.labels["HS"] & ~tweets.labels["Abusive"])
    for at in np.sort(rng.permutation(calm)[:MOST_TWEETS]):
        if len(tweets.texts[at]) >= LEAST_LETTERS:
            yield tweets.texts[at], False, TWEETS, 2018
