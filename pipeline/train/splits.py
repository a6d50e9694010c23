"""Which rows belong together and on which side of each split they stand: no near duplicate is ever on two sides.

Three splits: `fold` by group, `source_fold` by source, `time` by week. Rows that would stand on two sides of one are
left out of that split (-1 or "none"), not moved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from pipeline.core.config import NearDuplicates
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.landing.near import PERMUTATIONS, U32, cluster, minhash
from pipeline.train.records import Row

FOLDS = 5
_BATCH = 2_000  # texts of which the shingles are in memory at once


def group_rows(rows: Sequence[Row], words: Mapping[str, str], near: NearDuplicates) -> list[str]:
    """The group of each row: the first id of its near duplicates and of what a file says belongs with them.

    `rows` are ordered by id; `words` are their normalised texts by id.
    """
    texts = [words[row.id] for row in rows]
    signatures: list[U32] = [np.empty((0, PERMUTATIONS), np.uint32)]
    signatures += [minhash(texts[at : at + _BATCH], near.min_letters) for at in range(0, len(texts), _BATCH)]
    found = cluster([row.id for row in rows], np.concatenate(signatures), iter(()), near.threshold)
    parent = {name: name for name in found}

    def root(name: str) -> str:
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    first: dict[str, str] = {}
    for row, name in zip(rows, found, strict=True):
        for bond in row.bound:
            one, two = sorted((root(name), root(first.setdefault(bond, name))))
            parent[two] = one
    return [root(name) for name in found]


def fold_of(group: str, seed: int) -> int:
    """The fold of a group; it stays in it while the dataset grows, so that figures can be compared."""
    return int.from_bytes(sha256(f"{seed}\0{group}".encode()).digest()[:8], "big") % FOLDS


def split_rows(rows: Sequence[Row], groups: Sequence[str], seed: int, held_out_weeks: int) -> list[dict[str, Any]]:
    """group, group_rows, fold, source_fold and time of each row."""
    sizes = Counter(groups)
    by_source = _source_folds(rows, groups)
    by_time = _times(rows, groups, held_out_weeks)
    return [
        {
            "group": group,
            "group_rows": sizes[group],
            "fold": fold_of(group, seed),
            "source_fold": by_source[at],
            "time": by_time[at],
        }
        for at, group in enumerate(groups)
    ]


def _source_folds(rows: Sequence[Row], groups: Sequence[str]) -> list[int]:
    """Sources dealt out to the emptiest fold, the largest first; a group stays with the source of its first row."""
    sources = [f"{row.origin}\0{row.source}" for row in rows]
    filled = [0] * FOLDS
    place: dict[str, int] = {}
    for source, count in sorted(Counter(sources).items(), key=lambda pair: (-pair[1], pair[0])):
        place[source] = filled.index(min(filled))
        filled[place[source]] += count
    home: dict[str, int] = {}
    for source, group in zip(sources, groups, strict=True):
        home.setdefault(group, place[source])
    return [place[s] if place[s] == home[g] else -1 for s, g in zip(sources, groups, strict=True)]


def _times(rows: Sequence[Row], groups: Sequence[str], held_out_weeks: int) -> list[str]:
    """`test` for the newest weeks, `train` before (and without a day), `none` for older copies of what is in `test`.

    With no week before the newest ones there is no such split: all are `none`.
    """
    weeks = sorted({row.week for row in rows if row.week})
    if len(weeks) <= held_out_weeks:
        return ["none"] * len(rows)
    held = set(weeks[-held_out_weeks:])
    late = {group for row, group in zip(rows, groups, strict=True) if row.week in held}
    return [
        "test" if row.week in held else "none" if group in late else "train"
        for row, group in zip(rows, groups, strict=True)
    ]


def check_splits(rows: Sequence[Mapping[str, Any]], where: str) -> None:
    """Raise ConfigError if a group, or a text, stands on two sides of a split."""
    for split, outside in (("fold", None), ("source_fold", -1), ("time", "none")):
        for key in ("group", "text"):
            sides: dict[str, set[Any]] = defaultdict(set)
            for row in rows:
                if row[split] != outside:
                    sides[row[key]].add(row[split])
            torn = [name for name, found in sides.items() if len(found) > 1]
            if torn:
                raise ConfigError(
                    _(
                        "{where}: {count} texts stand on two sides of the split {split}, so that figures would "
                        "flatter; build the dataset again"
                    ).format(where=where, count=len(torn), split=split)
                )
