"""The rows of a dataset: one text with what people said of it, where it came from, and on which side of each split.

A label of a row is true, false or unknown (None), and beside it stands how many people said so and how many did not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import groupby
from typing import Any, Literal

import pyarrow as pa

from pipeline.train.dataset import HATE_COLUMNS

LABELS = (
    "hate_group",
    "incitement",
    "threat",
    "insult_person",
    "abusive",
    "ground_religion",
    "ground_race",
    "ground_gender",
    "ground_physical",
    "hate_speech",
)
"""Labels of DESIGN that people can say; the two on hoaxes are matched, not judged."""
OWN = HATE_COLUMNS
"""The twelve columns of okky2019, kept beside as `own_<column>`: the structured model is taught from these."""
TAUGHT = ("religion", "race", "gender", "physical", "communism")
"""Grounds as we mean them (`HateData.taught`), as `taught_<ground>`; the other taught columns are the file's own."""

VERDICT = "verdict"
"""The origin of rows that are reviewers' decisions; a file cannot be called so."""

Votes = tuple[int, int]
Selection = Literal["sample", "flag", "teach", "file"]


@dataclass(frozen=True, slots=True)
class Row:
    """One text. `ids` are the subjects of all copies that became this row, `id` the first of them.

    `selection` says how it came to be labelled: drawn blindly (`sample`, the unbiased part), because a rule or model
    found it (`flag`), because the model was unsure of it (`teach`), or in a labelled file. `bound` ties rows together
    that a file says belong to one group.
    """

    id: str
    text: str
    origin: str
    selection: Selection
    labels: Mapping[str, bool | None]
    votes: Mapping[str, Votes]
    ids: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    probability: float | None = None
    source: str = ""
    kind: str = ""
    provinces: tuple[str, ...] = ()
    day: str = ""
    week: str = ""
    reasons: tuple[str, ...] = ()
    own: Mapping[str, bool | None] = field(default_factory=dict)
    bound: tuple[str, ...] = ()
    ghost: bool = False
    """Not to be kept, nor any copy of it: the text of a child or of a private matter. Ghosts are not merged."""

    @property
    def weight(self) -> float:
        """A sample stands for as many posts as it was drawn from; everything else for itself."""
        return 1.0 / self.probability if self.selection == "sample" and self.probability else 1.0


def row_id(*parts: str) -> str:
    """The id of a row of a file; as long as a subject of the ledger, and as little can be read from it."""
    return sha256("\0".join(("row", *parts)).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def merge_copies(rows: Iterable[Row], key: Mapping[str, str]) -> tuple[list[Row], int]:
    """Rows of one origin whose texts read the same (`key`, by id) become one; returns them and how many went.

    What most said counts; where it is even, nobody knows.
    """
    ordered = sorted(rows, key=lambda row: (row.origin, key[row.id], row.id))
    merged, before = [], 0
    for _same, copies in groupby(ordered, key=lambda row: (row.origin, key[row.id])):
        found = list(copies)
        before += len(found)
        merged.append(found[0] if len(found) == 1 else _merged(found))
    return sorted(merged, key=lambda row: row.id), before - len(merged)


def _merged(copies: list[Row]) -> Row:
    first = min(copies, key=lambda row: (row.selection != "sample", row.day or "9", row.id))
    said = {label: [row.votes.get(label, (0, 0)) for row in copies] for label in LABELS}
    votes = {label: (sum(yes for yes, _no in each), sum(no for _yes, no in each)) for label, each in said.items()}
    return replace(
        first,
        id=copies[0].id,
        ids=tuple(each for row in copies for each in row.ids),
        labels={label: _common([row.labels.get(label) for row in copies], votes[label]) for label in LABELS},
        votes=votes,
        reasons=tuple(sorted({reason for row in copies for reason in row.reasons})),
        own=copies[0].own if all(row.own == copies[0].own for row in copies) else {},
        bound=tuple(sorted({bond for row in copies for bond in row.bound})),
    )


def _common(said: list[bool | None], votes: Votes) -> bool | None:
    known = {value for value in said if value is not None}
    if len(known) == 1:
        return known.pop()
    return None if not known or votes[0] == votes[1] else votes[0] > votes[1]


SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("ids", pa.list_(pa.string())),
        ("text", pa.string()),
        ("origin", pa.string()),
        ("selection", pa.string()),
        ("why", pa.list_(pa.string())),
        ("sampled", pa.bool_()),
        ("probability", pa.float64()),
        ("weight", pa.float64()),
        ("source", pa.string()),
        ("kind", pa.string()),
        ("provinces", pa.list_(pa.string())),
        ("day", pa.string()),
        ("week", pa.string()),
        ("group", pa.string()),
        ("group_rows", pa.int32()),
        ("fold", pa.int8()),
        ("source_fold", pa.int8()),
        ("time", pa.string()),
        ("reasons", pa.list_(pa.string())),
        *((label, pa.bool_()) for label in LABELS),
        *((f"{label}_{side}", pa.int16()) for label in LABELS for side in ("for", "against")),
        *((f"own_{column}", pa.bool_()) for column in OWN),
        *((f"taught_{ground}", pa.bool_()) for ground in TAUGHT),
    ]
)
"""`weight` is the inverse of the sample's probability, else 1; `group_rows` how many rows share its group."""


def to_dict(row: Row) -> dict[str, Any]:
    """The row's own columns; those of group and splits are added by whoever made them."""
    values: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("id", "text", "origin", "selection", "probability", "weight", "source", "kind", "day", "week")
    }
    values |= {name: list(getattr(row, name)) for name in ("ids", "why", "provinces", "reasons")}
    values["sampled"] = row.selection == "sample"
    for label in LABELS:
        values[label] = row.labels.get(label)
        values[f"{label}_for"], values[f"{label}_against"] = row.votes.get(label, (0, 0))
    values |= {f"own_{column}": row.own.get(column) for column in OWN}
    values |= {f"taught_{ground}": row.own.get(f"taught_{ground}") for ground in TAUGHT}
    return values


class Counts:
    """Where everything that came in went, by name; `check` raises if something is unaccounted for."""

    def __init__(self) -> None:
        self.came = 0
        self.out: Counter[str] = Counter()

    def check(self, what: str) -> dict[str, int]:
        """{"in": ..., and each way out}; in = the sum of the outs."""
        if self.came != sum(self.out.values()):
            raise AssertionError(f"{what}: {self.came} came in, {dict(self.out)} went out")
        return {"in": self.came} | dict(sorted(self.out.items()))
