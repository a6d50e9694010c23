"""What share of ordinary texts a model would flag: news, reviews and comments, parallel sentences in twelve languages.

    python benchmarks/false_alarms.py ../shared/data --model models/tfidf-2026-11-25 --model OTHER [--json out.json]

None of these texts taught `hate_group` or `incitement`; pieces of 6,000 of the news articles taught `hoax_style`, which
never flags. Nobody labelled them: a few may deserve a flag, so that each share is the most that can be false alarms.
The first model named is the one that the others are compared with: "new" are texts that it flags and the other does
not, "gone" the other way round. Counts only; no text is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.registry import list_models
from pipeline.classify.shift import wilson
from pipeline.classify.tfidf import TfidfClassifier
from pipeline.core.resources import models_path
from pipeline.core.types import FLAGGING_LABELS

SETS = ("news articles", "news headlines", "SmSA", "NusaX Indonesian", "NusaX local languages", "NusaX English")
Over = dict[str, NDArray[np.bool_]]


def main() -> None:
    """Score each set with each model and print one row for each set, label and model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="a folder with news/, sentiment/ and nusax/")
    parser.add_argument("--model", type=Path, action="append", help="a model's folder; default: the newest shipped")
    parser.add_argument("--most", type=int, default=30_000, help="texts of each set, evenly spread over its file")
    parser.add_argument("--json", type=Path, dest="out")
    options = parser.parse_args()
    folders = options.model or list_models(models_path(), "tfidf")[-1:]
    models = {folder.name: TfidfClassifier.load(folder) for folder in folders}
    found: dict[str, Any] = {}
    print(f"{'':22}{'label':12}{'model':18}{'texts':>7}{'over':>6}{'%':>8}  95 %           new  gone   .99 of scores")
    for name in SETS:
        texts = _spread(list(_texts(options.data, name)), options.most)
        scores = {model: classifier.probabilities(texts) for model, classifier in models.items()}
        limits = {model: classifier.thresholds for model, classifier in models.items()}
        found[name] = _compared(scores, limits)
        for label, by_model in found[name].items():
            for model, row in by_model.items():
                print(_line(name, label, model, row))
    if options.out:
        options.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def _texts(data: Path, name: str) -> Iterator[str]:
    if name == "news articles":
        for row in pq.read_table(data / "news/click_id_articles.parquet", columns=["title", "text"]).to_pylist():
            yield f"{row['title']}\n{row['text']}"
    elif name == "news headlines":
        yield from (row["title"] for row in _rows(data / "news/click_id_headlines.csv"))
    elif name == "SmSA":
        yield from (row["text"] for row in _rows(data / "sentiment/smsa.csv"))
    else:
        kinds = {"ind": "NusaX Indonesian", "eng": "NusaX English"}
        for row in _rows(data / "nusax/nusax.csv"):
            if kinds.get(row["lang"], "NusaX local languages") == name:
                yield row["text"]


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _spread(texts: list[str], most: int) -> list[str]:
    if len(texts) <= most:
        return texts
    return [texts[at] for at in np.linspace(0, len(texts) - 1, most).round().astype(int).tolist()]


def _compared(
    scores: dict[str, NDArray[np.float32]], limits: dict[str, dict[str, float]]
) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for at, label in enumerate(MODEL_LABELS):
        if label in FLAGGING_LABELS:
            over = {model: values[:, at] >= limits[model][label] for model, values in scores.items()}
            top = {model: float(np.quantile(values[:, at], 0.99)) for model, values in scores.items()}
            found[label] = {model: _row(model, over, top[model]) for model in scores}
    return found


def _row(model: str, over: Over, top: float) -> dict[str, Any]:
    flags, first = over[model], next(iter(over.values()))
    hits, of = int(flags.sum()), len(flags)
    low, high = wilson(hits, of)
    return {
        "texts": of,
        "over": hits,
        "percent": round(100 * hits / of, 4),
        "interval": [round(100 * low, 3), round(100 * high, 3)],
        "new": int((first & ~flags).sum()),
        "gone": int((flags & ~first).sum()),
        "score_at_99": round(top, 3),
    }


def _line(name: str, label: str, model: str, row: dict[str, Any]) -> str:
    low, high = row["interval"]
    interval = f"{low:.3f}-{high:.3f}"
    counts = f"{row['texts']:7,}{row['over']:6}{row['percent']:8.3f}  {interval:14}{row['new']:4}{row['gone']:6}"
    return f"{name:22}{label:12}{model:18}{counts}{row['score_at_99']:10.3f}"


if __name__ == "__main__":
    main()
