"""The labelled data that training reads: tweets with hate labels, claims with their verdict, news articles.

The user gives the paths; nothing here is part of the program. Texts are normalised once and kept with their labels.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

HATE_COLUMNS = (
    "HS Abusive HS_Individual HS_Group HS_Religion HS_Race HS_Physical HS_Gender HS_Other HS_Weak HS_Moderate HS_Strong"
).split()
GROUNDS = ("religion", "race", "gender", "physical")
TAUGHT = ("HS", "Abusive", "HS_Group", "HS_Strong", *GROUNDS, "other", "communism")
_MAX_FIELD = 1_000_000


@dataclass(frozen=True)
class HateData:
    """Tweets with the twelve labels of okky2019; `labels` maps a column to one truth value a row.

    Rows of one `group` are near duplicates and must stay in one fold. `name` is that of the dataset or the file, and
    `licences` says by file under which it may be used, as far as that is known.
    """

    texts: tuple[str, ...]
    labels: dict[str, Flags]
    groups: Numbers
    sha256: str
    name: str = ""
    licences: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def communism(self) -> Flags:
        """Rows filed under race whose only ground is communism or the PKI: a quarrel about politics, not a people."""
        red, people = self._matching(_COMMUNISM), self._matching(_PEOPLES)
        return self.labels["HS_Race"] & red & ~people

    @cached_property
    def removal_calls(self) -> Flags:
        """Rows whose incitement is a call to remove an official or dissolve an organisation, not one to violence."""
        return self.labels["HS_Strong"] & self._matching(_REMOVAL) & ~self._matching(_VIOLENCE)

    @cached_property
    def taught(self) -> dict[str, Flags]:
        """The columns that the model learns: the dataset's, with grounds as DESIGN means them.

        200 of 566 rows of race are about communism alone, 29 rows of incitement on a ground are calls to dissolve or
        resign. Both are politics. `hate_group` has 822 rows without them and 973 with.
        """
        has, lawful = self.labels, self.removal_calls
        return {name: has[name] for name in ("HS", "Abusive", "HS_Group", "HS_Strong")} | {
            "religion": has["HS_Religion"] & ~lawful,
            "race": has["HS_Race"] & ~self.communism & ~lawful,
            "gender": has["HS_Gender"] & ~lawful,
            "physical": has["HS_Physical"] & ~lawful,
            "other": has["HS_Other"],
            "communism": self.communism,
        }

    @cached_property
    def derived(self) -> dict[str, Flags]:
        """The labels of DESIGN that the dataset can teach (FINDINGS, "What the public labels really mean")."""
        return _derived(self.labels, self.taught)

    @cached_property
    def derived_as_published(self) -> dict[str, Flags]:
        """The same labels by the dataset's own grounds, to compare."""
        has = self.labels
        return _derived(has, {ground: has[f"HS_{ground.capitalize()}"] for ground in GROUNDS})

    @cached_property
    def political(self) -> Flags:
        """Rows that name politicians, parties, offices or elections: where a false alarm costs most."""
        return self._matching(_POLITICAL)

    def _matching(self, pattern: re.Pattern[str]) -> Flags:
        return np.array([pattern.search(text) is not None for text in self.texts])


def _derived(has: dict[str, Flags], grounds: dict[str, Flags]) -> dict[str, Flags]:
    named = grounds["religion"] | grounds["race"] | grounds["gender"] | grounds["physical"]
    return {
        "hate_group": named & (has["HS_Group"] | has["HS_Strong"]),
        "incitement": named & has["HS_Strong"],
        "insult_person": has["HS_Individual"] & has["HS"] & ~named,
        "abusive": has["Abusive"],
        **{f"ground_{ground}": grounds[ground] for ground in GROUNDS},
        "hate_speech": has["HS"],
    }


_POLITICAL = re.compile(
    r"\b(?:(?:jokowi|jkw|prabowo|presiden|wapres|capres|cawapres|ahok|anies|sandiaga|megawati|gubernur|bupati|walikota"
    r"|menteri|dpr|dprd|mpr|kpu|bawaslu|kpk|polri|kapolri|tni|pemerintah|rezim|gerindra|golkar|nasdem|hanura|demokrat"
    r"|partai|parpol|pilpres|pilkada|pilgub|pemilu|kabinet|istana|politisi|lengser|cebong|kampret|2019gantipresiden"
    r"|gantipresiden)\w*|pdip|pdi|pks|psi|sby|luhut|cagub)\b",
    re.IGNORECASE,
)
_COMMUNISM = re.compile(r"\b(?:pki|komunis|palu arit)", re.IGNORECASE)
_PEOPLES = re.compile(
    r"cina|china|tionghoa|tiongkok|aseng|chinese|\bcino|tenglang|arab|pribumi|yaman|\bonta|jawa|batak|rohing|melayu|papua"
    r"|india|kulit|asing|\bras\b|etnis|\bsuku|sipit|madura|padang|minang|dayak|myanmar|\brrc\b|\btka\b",
    re.IGNORECASE,
)
_REMOVAL = re.compile(
    r"\b(?:di ?)?(?:bubar|lengser|copot|pecat|makzul|mundur|turunkan|turunin|ganti|gulingkan)\w*", re.IGNORECASE
)
_VIOLENCE = re.compile(
    r"usir|ganyang|bunuh|bantai|bakar|gantung|habisi|musnah|basmi|tumpas|perang|penggal|sembelih|depak|pulang|hajar"
    r"|hancur|serang|kepung|mati\b|tembak|gebuk|sikat",
    re.IGNORECASE,
)


def read_hate(path: Path) -> HateData:
    """Read a CSV with the columns of okky2019; raises ConfigError if it is absent or not of that form."""
    rows = read_rows(path, {"text", "near_dup_group", *HATE_COLUMNS})
    try:
        labels = {name: np.array([_flag(row[name]) for row in rows]) for name in HATE_COLUMNS}
        groups = np.array([int(row["near_dup_group"]) for row in rows])
    except ValueError as error:
        raise ConfigError(_("{path} is not as expected: {error}").format(path=path, error=error)) from error
    digest = sha256(path.read_bytes()).hexdigest()
    return HateData(tuple(row["text"] for row in rows), labels, groups, digest, path.stem)


def _flag(cell: str) -> bool:
    if cell not in {"0", "1"}:
        raise ValueError(_('a label is 0 or 1, not "{cell}"').format(cell=cell))
    return cell == "1"


def read_rows(path: Path, columns: set[str]) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV that has at least these columns and one row; raises ConfigError that says what is wrong."""
    csv.field_size_limit(_MAX_FIELD)
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except FileNotFoundError as error:
        raise ConfigError(_("{path} does not exist; name the labelled data to train on").format(path=path)) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(_("{path} cannot be read as UTF-8 CSV: {error}").format(path=path, error=error)) from error
    missing = columns - set(rows[0] if rows else ())
    if missing:
        wanted = ", ".join(sorted(missing))
        raise ConfigError(_("{path} lacks rows or the columns {columns}").format(path=path, columns=wanted))
    return [{name: row[name] or "" for name in columns} for row in rows]


def grouped_folds(groups: Numbers, count: int, seed: int) -> Numbers:
    """The fold (0 to count - 1) of each row; a group stands in one fold, and the same seed gives the same folds."""
    names, place = np.unique(groups, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(names)) % count)[place]
