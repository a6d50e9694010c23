"""Posts and flags by the million: the project's own sample cut into thirds and put together anew, with planted copies.

Made in order and from a seed, one at a time, so that making them needs no memory and twice gives the same.
"""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import posts

from pipeline.core.types import Flag, Post, Region, Signal, Topic
from pipeline.enrich.gazetteer import Gazetteer

START = datetime(2026, 11, 20, 17, tzinfo=UTC)  # midnight in Jakarta
COPIES = 0.05
"""Share of posts that are a slightly changed copy of one of the last few thousand, or of one of a few campaigns."""
_RECENT = 5_000
_CAMPAIGNS = 20
_SOURCES = 40
_DAYS = 90
_LABELS = ("hate_group", "incitement", "threat", "hoax_claim", "ground_religion", "ground_race", "insult_person")
_TOPICS = 30


def texts(count: int, data: Path | None = None, seed: int = 0) -> Iterator[str]:
    """Yield texts: hardly any two are the same, but for `COPIES` of them."""
    chooser = random.Random(seed)
    given = posts.labelled(data) if data else posts.sample_texts()
    pieces = [words for text in given if len(words := text.split()) >= 6]
    campaigns = [_recombined(chooser, pieces) for _ in range(_CAMPAIGNS)]
    recent: list[str] = []
    for number in range(count):
        if recent and chooser.random() < COPIES:
            yield changed(chooser, chooser.choice(campaigns if chooser.random() < 0.5 else recent))
            continue
        text = _recombined(chooser, pieces)
        if len(recent) < _RECENT:
            recent.append(text)
        else:
            recent[number % _RECENT] = text
        yield text


def _recombined(chooser: random.Random, pieces: list[list[str]]) -> str:
    """The first third of one text, the middle third of another, the last of a third."""
    first, second, third = (chooser.choice(pieces) for _ in range(3))
    middle = second[len(second) // 3 : 2 * len(second) // 3]
    return " ".join([*first[: len(first) // 3 + 1], *middle, *third[2 * len(third) // 3 :], _number(chooser)])


def _number(chooser: random.Random) -> str:
    return str(chooser.randrange(10**6))


def changed(chooser: random.Random, text: str) -> str:
    """The text as people pass it on: a word gone, a word more, or another end."""
    words = text.split()
    place = chooser.randrange(len(words))
    how = chooser.randrange(3)
    if how == 0:
        del words[place]
    elif how == 1:
        words.insert(place, chooser.choice(("sebarkan", "viral", "tolong", "cek", "wah")))
    else:
        words.append(_number(chooser))
    return " ".join(words)


def write_files(folder: Path, count: int, hours: int, data: Path | None = None) -> list[Path]:
    """Write `count` posts as one CSV an hour."""
    made = texts(count, data)
    paths = []
    for hour in range(hours):
        path = folder / f"jam-{hour:02d}.csv"
        moment = (START + timedelta(hours=hour)).isoformat()
        first, last = count * hour // hours, count * (hour + 1) // hours
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text", "published_at", "author", "platform", "url"])
            for number in range(first, last):
                post, account = 10**15 + number, f"a{number % 9973}"
                address = f"https://x.com/{account}/status/{post}"
                writer.writerow([post, next(made), moment, account, "x", address])
        paths.append(path)
    return paths


def flags(count: int, data: Path | None = None) -> Iterator[Flag]:
    """Yield flags as an index has them after three months: labels, topics and regions, 40 sources, 90 days."""
    chooser = random.Random(1)
    places = list(Gazetteer.load().places.values())
    for number, text in enumerate(texts(count, data, seed=1)):
        moment = START + timedelta(seconds=chooser.randrange(_DAYS * 86_400))
        flag_id = f"x~{number:024x}"
        post = Post(
            id=flag_id,
            source=f"sumber-{int(_SOURCES * chooser.random() ** 2):02d}",
            office="00",
            kind=chooser.choice(("post", "post", "comment", "news")),
            visibility="broadcast",
            platform=chooser.choice(("x", "facebook", "instagram", "tiktok")),
            text=text,
            fetched_at=moment + timedelta(minutes=30),
            published_at=moment,
            partition="2026-11-21/00",
            expires_at=moment + timedelta(days=90),
        )
        yield Flag(
            post,
            signals=tuple(_signal(chooser, label) for label in chooser.sample(_LABELS, 5)),
            regions=tuple(
                Region(
                    place.code, place.name, "regency" if "." in place.code else "province", 0.9, "mention", ((0, 4),)
                )
                for place in chooser.sample(places, chooser.choice((0, 1, 1, 2)))
            ),
            topics=tuple(
                Topic(f"isu-{int(_TOPICS * chooser.random() ** 2):02d}", "isu", False, ((0, 4),))
                for _ in range(chooser.choice((0, 1, 1)))
            ),
            why=("signal",),
            cluster=flag_id,
            fingerprint="0123456789abcdef",
            month="2026.11",
        )


def _signal(chooser: random.Random, label: str) -> Signal:
    return Signal(label, chooser.random(), 0.7, "tfidf-2026-11-21")
