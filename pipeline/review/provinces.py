"""The map of the provinces: their shapes, and in which of five classes a count falls.

The classes do not follow the data: the same tone means the same count today and in a month.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pipeline.core.resources import data_path

_FROM = (1, 5, 20, 100, 500)  # the first class is what is printed "< 5"
LEVELS: tuple[tuple[int, str], ...] = ((1, "< 5"), (2, "5–19"), (3, "20–99"), (4, "100–499"), (5, "≥ 500"))


@dataclass(frozen=True, slots=True)
class Outline:
    """The map's size and the path of each province by its code, for SVG."""

    width: int
    height: int
    paths: Mapping[str, str]


@cache
def outline() -> Outline:
    """The map of data/regions; raises ConfigError if the installation lacks it."""
    found = json.loads(data_path("regions", "provinces.json").read_text(encoding="utf-8"))
    return Outline(found["width"], found["height"], found["paths"])


def level_of(count: int) -> int:
    """The class of a count: 0 for none, then 1 to 5."""
    return sum(count >= least for least in _FROM)
