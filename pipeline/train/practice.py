"""Labelled data to practise on: the sentences written for this project, in the shape of okky2019."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import GROUNDS, HATE_COLUMNS


def write_practice(path: Path, fills: int = 2, seed: int = 7) -> Path:
    """Write a CSV that training and `dataset import` read; all fills of a sentence are one near-duplicate group.

    The notebooks use it where no dataset is named. It teaches how things work, and nothing about real posts.
    """
    written = counterexamples(seed, fills)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["row", "text", *HATE_COLUMNS, "near_dup_group", "lossy"])
        for number, (text, frame) in enumerate(zip(written.texts, written.frames, strict=True)):
            columns = _columns({name: bool(values[number]) for name, values in written.labels.items()})
            writer.writerow([number, text, *(int(columns[name]) for name in HATE_COLUMNS), frame, 0])
    return path


def _columns(taught: Mapping[str, bool]) -> dict[str, bool]:
    """The twelve columns of okky2019 for what a written row teaches; they obey the structure of the real data."""
    hate, group, strong = taught["HS"], taught["HS_Group"], taught["HS_Strong"]
    grounds = {f"HS_{name.capitalize()}": taught[name] for name in GROUNDS}
    return grounds | {
        "HS": hate,
        "Abusive": taught["Abusive"],
        "HS_Individual": hate and not group,
        "HS_Group": group,
        "HS_Other": hate and not any(grounds.values()),
        "HS_Weak": hate and not group and not strong,
        "HS_Moderate": group and not strong,
        "HS_Strong": strong,
    }
