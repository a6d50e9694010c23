"""Fills the frames with groups, offices, places and words: labelled training rows that the public data lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipeline.train.dataset import TAUGHT, Flags
from pipeline.train.frames import gaps, harmless, hostile, political

FILLS = 14
"""Times that each frame is filled; frames whose meaning stands in their gaps get four times as many."""

_ENDS = ("", "", "", "", ".", "!", "!!", " ya", " wkwk")
_SWEAR = frozenset("anjing babi bajingan bangsat bego bejat biadab goblok keparat laknat monyet setan tolol".split())
_TITLES = ("orang ", "umat ", "kaum ", "suku ", "etnis ", "penganut ", "jemaah ", "penyandang ", "para ")
_BARE = 0.35
"""Share of fills in which a group is named without `orang`, `umat` and the like."""


@dataclass(frozen=True)
class Counterexamples:
    """Labelled rows as in HateData; `frames` numbers the sentence that each row was filled from."""

    texts: tuple[str, ...]
    labels: dict[str, Flags]
    frames: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A sentence with gaps, and the columns that hold for it whatever stands in the gaps."""

    text: str
    columns: tuple[str, ...] = ()
    hateful: bool = False
    fills: int = 1
    spoken: bool = False


def counterexamples(seed: int, fills: int = FILLS) -> Counterexamples:
    """Every frame filled `fills` times (a few times if it has no gap); the same seed gives the same rows."""
    rng = np.random.default_rng(seed)
    rows: dict[str, tuple[frozenset[str], int]] = {}
    for number, frame in enumerate(_frames()):
        for _time in range(fills * frame.fills if "{" in frame.text else 3):
            text, columns = _fill(frame, rng)
            rows.setdefault(text, (columns, number))
    found = list(rows.values())
    labels = {name: np.array([name in columns for columns, _number in found]) for name in TAUGHT}
    return Counterexamples(tuple(rows), labels, tuple(number for _columns, number in found))


def _frames() -> Iterator[_Frame]:
    at_group, inciting = ("HS", "HS_Group"), ("HS", "HS_Group", "HS_Strong")
    for texts, columns, fills in (
        (hostile.DESPISING, at_group, 1), (hostile.INCITING, inciting, 1), (hostile.DEROGATION, at_group, 4),
        (hostile.VIOLENCE, inciting, 4),
    ):  # fmt: skip
        yield from (_Frame(text, columns, hateful=True, fills=fills) for text in texts)
    for texts, columns, fills, spoken in (
        (hostile.GENERALISING, at_group, 1, False), (hostile.TWO_SENTENCES, at_group, 2, False),
        (hostile.SLANG, at_group, 2, True), (hostile.MIXED, at_group, 2, True),
    ):  # fmt: skip
        for text in texts:
            found = inciting if "{v}" in text else columns
            yield _Frame(text, found, hateful=True, fills=fills, spoken=spoken)
    for texts in (harmless.SLANG, harmless.MIXED):
        yield from (_Frame(text, fills=4, spoken=True) for text in texts)
    for texts, fills in (
        (harmless.KIND, 1), (harmless.TWO_SENTENCES, 4), (harmless.TAKEN_DOWN, 6), (harmless.NAMED, 3),
        (harmless.WORDS, 2),
        (harmless.CONDEMNING, 1), (harmless.DENIAL, 2),
        (harmless.FRIENDSHIP, 4), (harmless.AT_THINGS, 3), (harmless.SELF_MOCKING, 1), (harmless.IDIOMS, 1),
        (harmless.REMOVING_THINGS, 1), (political.CRITICISM, 1),
        (political.STATES, 1), (political.OFFICIALS_OF_A_GROUP, 2),
    ):  # fmt: skip
        yield from (_Frame(text, fills=fills) for text in texts)
    for text in (*political.CALLS, *political.CALLS_THAT_NAME_A_GROUP, *political.CALLS_ON_BODIES):
        yield _Frame(text, ("HS", "other", "HS_Strong", *_target(text)))
    for text in (*political.INSULTS, *political.QUARRELS):
        yield _Frame(text, ("HS", "other", *_target(text)))
    yield from (_Frame(text, ("HS", "other", *_target(text)), fills=3) for text in political.INSULTS_BY_WORD)
    yield from (_Frame(text, ("Abusive",)) for text in harmless.SWEARING)


def _target(text: str) -> tuple[str, ...]:
    return ("HS_Group",) if "{i}" in text or "{r}" in text else ()


def _fill(frame: _Frame, rng: np.random.Generator) -> tuple[str, frozenset[str]]:
    groups = gaps.SPOKEN if frame.spoken else gaps.GROUPS
    grounds = [ground for ground, names in groups.items() for _name in names]
    names = [name for group in groups.values() for name in group]
    first, second = rng.integers(len(names), size=2)
    words = {"g": _named(names[first], rng), "h": _named(names[second], rng)}
    for gap, choices in _GAPS.items():
        words[gap] = _one(choices, rng)
    text = _around(frame.text, rng).format(**words) + _one(_ENDS, rng)
    columns = set(frame.columns)
    if frame.hateful:
        columns.add(grounds[first])
    if "HS" in columns and _SWEAR.intersection(text.lower().split()):
        columns.add("Abusive")
    return text, frozenset(columns)


_GAPS = {
    "o": gaps.OFFICIALS,
    "i": gaps.INSTITUTIONS,
    "r": gaps.RELIGIOUS_BODIES,
    "p": gaps.PLACES,
    "w": gaps.TALKED_OF,
    "x": gaps.TALKED_OF,
    "d": gaps.DEROGATORY,
    "e": gaps.DEROGATORY,
    "k": gaps.FRIENDLY,
    "l": gaps.FRIENDLY,
    "v": gaps.VIOLENT,
    "t": gaps.THINGS,
    "n": gaps.NATIONS,
    "m": gaps.NATIONS,
}


def _named(group: str, rng: np.random.Generator) -> str:
    if rng.random() < _BARE:
        for title in _TITLES:
            group = group.removeprefix(title)
    return group


def _around(text: str, rng: np.random.Generator) -> str:
    """The sentence alone, or before or after a harmless one: a post is often longer than what it is about."""
    other = _one(tuple(gaps.AROUND), rng)
    return {0: f"{other}. {text}", 1: f"{text}. {other}", 2: f"{other}, {text}"}.get(int(rng.integers(6)), text)


def _one(choices: tuple[str, ...], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
