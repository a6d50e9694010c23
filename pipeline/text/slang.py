"""Colloquial words to formal ones, in one pass: what a word becomes is never looked up again.

From data/slang: the word list IndoCollex (MIT) and our exceptions over it. Left out of IndoCollex on purpose: phrases
and single letters, reversed words (`rev`: enam -> mane, arek -> kera) and acronyms (`acronym`: fpi, mu, bts, petrus
read as jokes or names). A word's formal form is taken from the list's second part where that has it, since the
first part often stops half-way (`gk -> nggk`).
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.resources import data_path

_LEFT_OUT = frozenset({"rev", "acronym"})
_WORDS = re.compile(r"[a-z]+(?:[ -][a-z]+)*")


@lru_cache(maxsize=1)
def slang_map() -> dict[str, str]:
    """Each colloquial word with what stands for it (which may be several words); raises ConfigError without data/."""
    rows = _rows("indo_collex.csv", {"informal", "formal", "transformation", "part"})
    final = {row["informal"].lower(): row["formal"].lower() for row in reversed(rows) if row["part"] == "phrases"}
    found: dict[str, str] = {}
    for row in rows:
        word = row["informal"].lower()
        if row["part"] == "words" and row["transformation"] not in _LEFT_OUT and len(word) > 1 and word.isalpha():
            found.setdefault(word, final.get(word, row["formal"].lower()))
    for row in _rows("exceptions.csv", {"word", "formal", "reason"}):
        found[row["word"]] = row["formal"]
    # An empty formal form (never replaced) and what is no plain word ("200 ribu") drop out here.
    return {word: formal for word, formal in found.items() if formal != word and _WORDS.fullmatch(formal)}


@lru_cache(maxsize=1)
def never_replaced() -> frozenset[str]:
    """The words that stay as they are, unstemmed too: names of groups, and words that only look like slang."""
    return frozenset(row["word"] for row in _rows("exceptions.csv", {"word", "formal", "reason"}) if not row["formal"])


def _rows(name: str, columns: set[str]) -> list[dict[str, str]]:
    path = data_path("slang", name)
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        if not columns <= set(reader.fieldnames or ()):
            raise ConfigError(
                _("{path} needs the columns {columns}; restore the file").format(
                    path=path, columns=", ".join(sorted(columns))
                )
            )
        return [{column: row[column] or "" for column in columns} for row in reader]
