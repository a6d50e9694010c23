"""The small map of the provinces: complete, readable by a browser, light, and each province where it belongs."""

from __future__ import annotations

import csv
import importlib.util
import json
import re
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pipeline.core.resources import data_path

PROVINCES = data_path("regions", "provinces.json")
SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "map.py"
NUMBER = re.compile(r"-?(?:\d+(?:\.\d+)?|\.\d+)")
RING = re.compile(r"M([^MLlHhVvZz]+)l([^MLlHhVvZz]+)z")

Box = tuple[float, float, float, float]  # left, top, right, bottom


@cache
def drawn() -> Any:
    return json.loads(PROVINCES.read_text(encoding="utf-8"))


@cache
def map_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_map", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def centroids() -> dict[str, tuple[float, float]]:
    with data_path("regions", "gazetteer.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["code"]: (float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file) if len(row["code"]) == 2
        }


def corners(path: str) -> list[list[tuple[float, float]]]:
    """The rings of a path, each corner in pixels."""
    rings = []
    for start, steps in RING.findall(path):
        ring = [pairs(start)[0]]
        for dx, dy in pairs(steps):
            ring.append((ring[-1][0] + dx, ring[-1][1] + dy))
        rings.append(ring)
    return rings


def pairs(text: str) -> list[tuple[float, float]]:
    numbers = [float(number) for number in NUMBER.findall(text)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def box(path: str) -> Box:
    points = [point for ring in corners(path) for point in ring]
    xs, ys = [x for x, _y in points], [y for _x, y in points]
    return min(xs), min(ys), max(xs), max(ys)


def test_every_province_of_the_gazetteer_is_drawn_and_nothing_else() -> None:
    assert len(centroids()) == 38
    assert set(drawn()["paths"]) == set(centroids())


@pytest.mark.parametrize("code", sorted(centroids()))
def test_a_path_is_made_of_closed_rings_with_an_area(code: str) -> None:
    path = drawn()["paths"][code]
    assert RING.sub("", path) == ""
    assert re.fullmatch(r"[MmLlhvz0-9. -]+", path)
    for start, steps in RING.findall(path):
        assert NUMBER.sub("", start + " " + steps).strip(" ") == ""
    assert all(len(set(ring)) >= 3 for ring in corners(path))


@pytest.mark.parametrize("code", sorted(centroids()))
def test_a_province_lies_inside_the_picture_and_can_be_seen(code: str) -> None:
    left, top, right, bottom = box(drawn()["paths"][code])
    assert left >= 0
    assert top >= 0
    assert right <= drawn()["width"]
    assert bottom <= drawn()["height"]
    assert min(right - left, bottom - top) >= 4


@pytest.mark.parametrize("code", sorted(centroids()))
def test_a_province_lies_around_its_centroid(code: str) -> None:
    x, y = map_script().project(*centroids()[code])
    left, top, right, bottom = box(drawn()["paths"][code])
    assert left - 2 <= x <= right + 2
    assert top - 2 <= y <= bottom + 2


def test_the_picture_has_the_size_that_the_script_draws() -> None:
    assert set(drawn()) == {"width", "height", "paths"}
    assert (drawn()["width"], drawn()["height"]) == (map_script().WIDTH, map_script().HEIGHT)
    assert isinstance(drawn()["height"], int)


def test_the_map_is_light() -> None:
    assert PROVINCES.stat().st_size < 40 * 1000


def test_neighbours_share_the_corners_of_their_border() -> None:
    def rounded(code: str) -> set[tuple[float, float]]:
        return {(round(x, 1), round(y, 1)) for ring in corners(drawn()["paths"][code]) for x, y in ring}

    for one, other in [("11", "12"), ("31", "36"), ("33", "34"), ("62", "64"), ("93", "95")]:
        assert len(rounded(one) & rounded(other)) > 1, (one, other)


def test_a_border_drawn_twice_is_simplified_once() -> None:
    script = map_script()
    west = [(0, 0), (100, 0), (101, 50), (100, 100), (0, 100)]
    east = [(100, 0), (200, 0), (200, 100), (100, 100)]
    drawn_small = script.simplify(script.stitch({"a": [west], "b": [east]}))
    assert (101, 50) not in drawn_small["a"][0]
    assert {(100, 0), (100, 100)} <= set(drawn_small["a"][0]) & set(drawn_small["b"][0])


def test_a_path_is_written_without_needless_characters() -> None:
    assert map_script().path([[(10, 20), (15, 20), (15, 0), (7, 3)]]) == "M1 2l.5 0 0-2-.8 .3z"
