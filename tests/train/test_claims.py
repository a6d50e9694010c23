"""The ranker of claims made from files: what is read, that it learns, and that twice is the same. Texts are made up."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.core.errors import ConfigError
from pipeline.enrich.claims import load_ranker
from pipeline.enrich.claims.terms import STEM, stem_id, terms_of
from pipeline.text import normalise
from pipeline.train.claims import read_ordinary, read_pairs, train_claims, weights_of

THINGS = "jembatan sumur pasar sekolah gudang menara kolam lapangan terminal pabrik masjid stasiun".split()
PLACES = "Kemiri Randu Wanasari Sumberjati Lembah Pucang Karangan Tegal Gunting Waringin Bulak Cepoko".split()


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _row(thing: str, place: str, day: str) -> dict[str, str]:
    title = f"Video {thing.capitalize()} {place} Runtuh"
    return {"title": title, "text": f"astaga lihat {thing} di {place} ambruk runtuh tadi malam", "date": day}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files in the shape of the hoax, tweet and news data."""
    of_2024 = [
        _row(thing, place, f"2024-{1 + (at % 9):02}-05")
        for at, (thing, place) in enumerate(zip(THINGS, PLACES, strict=True))
    ]
    repeated = {"title": "Gajah Masuk Kota", "text": "Viral: gajah masuk kota!!", "date": "2024-02-01"}
    short = {"title": "Surat Palsu Beredar", "text": "surat aneh", "date": "2024-02-01"}
    _write(tmp_path / "tbh_2024.csv", [*of_2024, repeated, short])
    earlier = [_row(thing, place, "2019-03-01") for thing, place in zip(THINGS, PLACES[::-1], strict=True)]
    _write(tmp_path / "tbh_headings_2015_2021.csv", [{"title": row["title"], "date": row["date"]} for row in earlier])
    _write(
        tmp_path / "tbh_false_news_2020.csv",
        [row | {"suggested": "hoax" if at else "true"} for at, row in enumerate(earlier)],
    )
    _write(
        tmp_path / "tweets.csv", [{"text": f"{thing} di {place} ramai sekali"} for thing in THINGS for place in PLACES]
    )
    news = {"title": [f"Harga cabai di {place}" for place in PLACES], "text": ["Pedagang menata kios."] * len(PLACES)}
    pq.write_table(pa.table(news), tmp_path / "news.parquet")
    return tmp_path


def test_pairs_leave_out_what_repeats_its_heading_is_short_or_true(folder: Path) -> None:
    pairs = read_pairs(folder)
    assert len(pairs.posts) == 12 + 11
    assert [pairs.claims[at] for at in pairs.gold[:2]] == ["Video Jembatan Kemiri Runtuh", "Video Sumur Randu Runtuh"]
    assert len(pairs.claims) == 12 + 2 + 12


def test_the_same_files_and_seed_give_the_same_ranker_which_finds_the_claims(folder: Path, tmp_path: Path) -> None:
    done: list[str] = []
    made = [
        train_claims(
            folder, folder / "tweets.csv", folder / "news.parquet", tmp_path / out, date="2026-01-01", seed=0,
            progress=lambda name, _done, _total: done.append(name),
        )
        for out in ("one", "two")
    ]  # fmt: skip
    assert done == ["terms", "candidates", "ranker"] * 2
    for name in ("ranker.json", "weights.npz", "card.md"):
        assert (made[0] / name).read_bytes() == (made[1] / name).read_bytes()
    metrics = json.loads((made[0] / "ranker.json").read_text())["metrics"]
    assert metrics["2015 to 2020"]["recall@1"] > 0.8
    assert load_ranker(made[0]).name == "claims-2026-01-01"
    assert "Measured on posts whose months were not learnt from" in (made[0] / "card.md").read_text()


def test_rare_words_weigh_more(folder: Path) -> None:
    ordinary = read_ordinary(folder / "tweets.csv", folder / "news.parquet", 0)
    weights = weights_of(terms_of(normalise(text)) for text in ordinary["tweets"])
    assert weights[stem_id("ramai")] < weights[stem_id("jembatan")] < weights[stem_id("gajah")]
    assert np.isfinite(weights).all()
    assert stem_id("ramai") // (1 << 20) == STEM


def test_a_missing_file_is_told(folder: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        read_ordinary(folder / "tweets.csv", folder / "nowhere.parquet", 0)
    (folder / "tbh_2024.csv").unlink()
    with pytest.raises(ConfigError, match="tbh_2024"):
        read_pairs(folder)
