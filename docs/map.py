"""Draw data/regions/provinces.json, the review desk's small map: `docs/map.py PATH_TO_PROVINCES_GEOJSON`.

The input has one feature for each province, its `code` among the properties, its borders in degrees
(github.com/cahyadsn/wilayah_boundaries, as GeoJSON). The output is for SVG: one path for each province.
"""

from __future__ import annotations

import heapq
import json
import math
import sys
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

Point = tuple[int, int]  # in tenths of a pixel: whole numbers, so that shared borders stay equal and nothing drifts
Ring = list[Point]  # without the repeated first point at its end

WIDTH = 1000
WEST, EAST, SOUTH, NORTH = 94.8, 141.2, -11.2, 6.2
SCALE = WIDTH / (EAST - WEST)
HEIGHT = math.ceil((NORTH - SOUTH) * SCALE)

SMALLEST_ISLE = 1.5  # square pixels; smaller ones are dropped, the largest of each province never
SHARE = 0.002  # of its province's land: such an isle counts in a province of isles (Kepulauan Riau) though it is small
SPECK = 0.4  # square pixels; what is smaller is dropped there too
DETAIL = 1.3  # square pixels; a corner whose triangle is smaller goes
SPIKE = 0.7  # from 0 to 1: how much sooner a sharp corner goes than a blunt one
ISLE = 10.0  # square pixels; isles under this size keep finer corners, or they would become splinters
NEAR = 3  # tenths of a pixel; neighbours closer than this share their border
CELL = 40  # tenths of a pixel; the net in which near borders are looked up
OUT = Path(__file__).resolve().parent.parent / "data" / "regions" / "provinces.json"


def project(lon: float, lat: float) -> tuple[float, float]:
    """Where a place lies on the map, in pixels; plate carrée is true enough at the equator."""
    return (lon - WEST) * SCALE, (NORTH - lat) * SCALE


def area(ring: Ring) -> float:
    """The area of a ring in square pixels."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True))) / 200


def rings_of(geometry: dict[str, Any]) -> list[Ring]:
    """The outer rings of a province that are large enough to see, the largest first; its holes are not drawn."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    rings = []
    for outer, *_holes in polygons:
        points = [(round(x * 10), round(y * 10)) for x, y in (project(lon, lat) for lon, lat in outer)]
        rings.append([p for p, after in zip(points, points[1:] + points[:1], strict=True) if p != after])
    rings.sort(key=area, reverse=True)
    smallest = max(SPECK, min(SMALLEST_ISLE, SHARE * sum(map(area, rings))))
    return rings[:1] + [ring for ring in rings[1:] if area(ring) >= smallest]


def along(point: Point, a: Point, b: Point) -> float | None:
    """How far along the edge a-b a point lies (0 to 1), or None when it is not near the edge."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    part = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / (dx * dx + dy * dy)
    near = math.hypot(point[0] - a[0] - part * dx, point[1] - a[1] - part * dy) <= NEAR
    return part if near and 0 < part < 1 else None


def stitch(provinces: dict[str, list[Ring]]) -> dict[str, list[Ring]]:
    """Give each edge the corners that a neighbour has on it: the two sides of a border then have the same corners."""
    net: defaultdict[Point, dict[Point, set[str]]] = defaultdict(dict)
    for code, rings in provinces.items():
        for point in (p for ring in rings for p in ring):
            net[point[0] // CELL, point[1] // CELL].setdefault(point, set()).add(code)
    stitched = {}
    for code, rings in provinces.items():
        own = {point for ring in rings for point in ring}
        stitched[code] = [_stitch_ring(ring, own, net) for ring in rings]
    return stitched


def _stitch_ring(ring: Ring, own: set[Point], net: dict[Point, dict[Point, set[str]]]) -> Ring:
    done: Ring = []
    for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
        columns = range((min(a[0], b[0]) - NEAR) // CELL, (max(a[0], b[0]) + NEAR) // CELL + 1)
        rows = range((min(a[1], b[1]) - NEAR) // CELL, (max(a[1], b[1]) + NEAR) // CELL + 1)
        points = {point for x in columns for y in rows for point in net.get((x, y), {}) if point not in own}
        parts = ((along(point, a, b), point) for point in points)
        done += [a, *(point for _part, point in sorted((part, point) for part, point in parts if part is not None))]
    return done


def simplify(provinces: dict[str, list[Ring]]) -> dict[str, list[Ring]]:
    """Visvalingam's method over all provinces at once: a corner that neighbours share stays or goes for all of them."""
    rings = [ring for code in sorted(provinces) for ring in provinces[code]]
    links = [_Links(ring) for ring in rings]
    places: defaultdict[Point, set[int]] = defaultdict(set)
    for number, ring in enumerate(rings):
        for point in ring:
            places[point].add(number)

    def weight(point: Point) -> float:
        return max(links[number].weight(point) for number in places[point])

    heap = [(weight(point), point) for point in places]
    heapq.heapify(heap)
    while heap and heap[0][0] < DETAIL:
        known, point = heapq.heappop(heap)
        if point not in places or known != weight(point):
            continue  # gone, or weighed again since
        around = {near for number in places.pop(point) for near in links[number].remove(point)}
        for near in sorted(around):
            heapq.heappush(heap, (weight(near), near))
    kept = iter(links)
    return {code: [next(kept).ring() for _ring in provinces[code]] for code in sorted(provinces)}


class _Links:
    """A ring from which corners can be taken: what comes before and after each of them."""

    FEWEST = 4  # corners; an island of three looks like a mistake

    def __init__(self, ring: Ring) -> None:
        unique = list(dict.fromkeys(ring))  # a ring that touches itself loses the second visit
        self.after = dict(zip(unique, unique[1:] + unique[:1], strict=True))
        self.before = {after: point for point, after in self.after.items()}
        self.finer = max(1.0, ISLE / area(unique))

    def weight(self, point: Point) -> float:
        """The area that the ring would gain or lose without the corner: more on an isle, less at a spike."""
        if len(self.after) <= self.FEWEST:
            return math.inf
        before, after = self.before[point], self.after[point]
        turn = math.dist(before, point) * math.dist(point, after)
        dot = (before[0] - point[0]) * (after[0] - point[0]) + (before[1] - point[1]) * (after[1] - point[1])
        return area([before, point, after]) * (1 - SPIKE * dot / turn) * self.finer

    def remove(self, point: Point) -> tuple[Point, Point]:
        """Take a corner out; its two neighbours, which weigh something else from now on."""
        before, after = self.before.pop(point), self.after.pop(point)
        self.after[before], self.before[after] = after, before
        return before, after

    def ring(self) -> Ring:
        """What is left, from the first corner on."""
        points = [next(iter(self.after))]
        while (after := self.after[points[-1]]) != points[0]:
            points.append(after)
        return points


def path(rings: list[Ring]) -> str:
    """The rings as the `d` of an SVG path: from each first corner in relative steps, without needless characters."""
    drawn = ""
    for ring in rings:
        steps = [(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(ring)]
        drawn += f"M{_numbers(ring[:1])}l{_numbers(steps)}z"
    return drawn


def _numbers(points: list[Point]) -> str:
    return " ".join(_short(tenths) for point in points for tenths in point).replace(" -", "-")


def _short(tenths: int) -> str:
    sign, (whole, tenth) = "-" if tenths < 0 else "", divmod(abs(tenths), 10)
    return f"{sign}{whole or ''}.{tenth}" if tenth else f"{sign}{whole}"


def main() -> None:
    """Read the borders, draw them small, write the map."""
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/map.py PATH_TO_PROVINCES_GEOJSON")
    features = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["features"]
    provinces = {feature["properties"]["code"]: rings_of(feature["geometry"]) for feature in features}
    paths = {code: path(rings) for code, rings in simplify(stitch(provinces)).items()}
    lines = ",\n".join(f'"{code}":"{drawn}"' for code, drawn in paths.items())
    OUT.write_text(f'{{"width":{WIDTH},"height":{HEIGHT},"paths":{{\n{lines}\n}}}}\n', encoding="utf-8")
    print(f"{OUT.name}: {len(paths)} provinces, {OUT.stat().st_size / 1024:.1f} KB")


if __name__ == "__main__":
    main()
