"""What is wrong with saved objects, before Kibana takes them: it imports almost anything and fails only when it draws.

Every reference must resolve, every field must be in the mapping with a type that fits its use, every Lens column must
be wired, and what must not be shown is not there: authors, per cent, two kinds of figures in one chart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pipeline.core.i18n import _
from pipeline.review.kibana.build import VERSIONS
from pipeline.review.kibana.check_lens import lens_problems
from pipeline.review.kibana.dataview import HIDDEN
from pipeline.review.kibana.fields import Fields
from pipeline.review.kibana.looking import Looking, Problem

Json = dict[str, Any]

WIDTH = 48
_FORBIDDEN = re.compile(
    r"(?<![a-z])(authors?|accounts?|hoax_style|abusive|insult_person|hate_speech|url\.full"
    r"|per ?cent|percentages?|persen(?:tase)?)(?![a-z])|(%)",
    re.I,
)
_PRIVATE = re.compile(r"(^|[._])(authors?|accounts?|handle|native_?id|user(name)?|password)([._]|$)", re.I)


def check(content: bytes, mapping: Mapping[str, Any]) -> list[Problem]:
    """All problems of the file's objects, which read an index of this mapping (a component template will do)."""
    fields = Fields(mapping)
    problems = [Problem("mapping", field.name, _("must not be in the index")) for field in _private(fields)]
    objects, unread = read(content)
    problems += unread
    known: dict[tuple[str, str], Json] = {}
    for each in objects:
        key = (each["type"], each["id"])
        if key in known:
            problems.append(Problem(each["id"], "id", _("two objects have this id")))
        known[key] = each
    for each in objects:
        look = Looking(each["id"], fields)
        look.problems += list(_envelope(each, known, look))
        try:
            _INSIDE.get(each["type"], _unknown)(each, look)
        except (AttributeError, KeyError, TypeError, ValueError):  # anybody's file: it may hold anything
            look.add("attributes", _("are not shaped as Kibana writes them"))
        problems += look.problems
    return problems


def read(content: bytes) -> tuple[list[Json], list[Problem]]:
    """The objects of an NDJSON file, and the lines that hold none (Kibana's own summary line is passed over)."""
    objects: list[Json] = []
    problems = []
    for number, line in enumerate(content.splitlines(), 1):
        place = _("line {number}").format(number=number)
        try:
            found = json.loads(line)
        except ValueError:
            problems.append(Problem("-", place, _("is no JSON")))
            continue
        if isinstance(found, dict) and "exportedCount" in found:
            continue
        if isinstance(found, dict) and all(isinstance(found.get(key), str) for key in ("id", "type")):
            objects.append(found)
        else:
            problems.append(Problem("-", place, _("is no saved object: type or id is missing")))
    if not objects:
        problems.append(Problem("-", "-", _("there is no saved object in the file")))
    return objects, problems


def _private(fields: Fields) -> Iterator[Any]:
    return (field for field in fields if _PRIVATE.search(field.name))


def _envelope(each: Json, known: Mapping[tuple[str, str], Json], look: Looking) -> Iterator[Problem]:
    """Version, references and forbidden words: the same for every kind of object."""
    wanted = VERSIONS.get(each["type"])
    if wanted and each.get("typeMigrationVersion") != wanted:
        yield look.problem("typeMigrationVersion", _("must be {version} to be read by 8.19").format(version=wanted))
    names = [to.get("name") for to in each.get("references", ())]
    for to in each.get("references", ()):
        if (to.get("type"), to.get("id")) not in known:
            says = _("refers to {type} {id}, which is not in the file").format(type=to.get("type"), id=to.get("id"))
            yield look.problem(f"references.{to.get('name')}", says)
        if names.count(to.get("name")) > 1:
            yield look.problem(f"references.{to.get('name')}", _("two references have this name"))
    for place, word in _words(each, ""):
        for found in _FORBIDDEN.finditer(word):
            yield look.problem(place, _('"{word}" must not be in any object').format(word=found[0]))


def _words(value: Any, place: str) -> Iterator[tuple[str, str]]:
    """All keys and texts, those of JSON inside a text among them, with their places."""
    if isinstance(value, dict):
        for key, inside in value.items():
            yield place, key
            if key != "sourceFilters":  # there a forbidden field is hidden, not shown
                yield from _words(inside, f"{place}.{key}".lstrip("."))
    elif isinstance(value, list):
        for at, inside in enumerate(value):
            yield from _words(inside, f"{place}[{at}]")
    elif isinstance(value, str):
        yield place, value


def _unknown(each: Json, look: Looking) -> None:
    look.add("type", _("{type} is a kind of object that is not known here").format(type=each["type"]))


def _view(each: Json, look: Looking) -> None:
    said = each.get("attributes", {})
    if not said.get("title"):
        look.add("title", _("names no index"))
    look.field("timeFieldName", said.get("timeFieldName", ""), "date")
    for attribute in ("fieldAttrs", "fieldFormatMap"):
        for name in look.inner(said, attribute):
            look.field(f"{attribute}.{name}", name, "show")
    formats = look.inner(said, "fieldFormatMap")
    if formats.get("event.url", {}).get("id") != "url":
        look.add("fieldFormatMap.event.url", _("the desk's address must be a link"))
    hidden = [each.get("value", "") for each in look.inner_list(said, "sourceFilters")]
    for pattern in hidden:
        if not look.fields.like(pattern):
            look.add("sourceFilters", _("no field is called {name}").format(name=pattern))
    for pattern in HIDDEN:
        if pattern not in hidden:
            look.add("sourceFilters", _("{name} must be hidden").format(name=pattern))


def _search(each: Json, look: Looking) -> None:
    said = each.get("attributes", {})
    for name in said.get("columns", ()):
        look.field("columns", name, "show")
    if "event.url" not in said.get("columns", ()):
        look.add("columns", _("the desk's address (event.url) is missing"))
    for name, *_direction in said.get("sort", ()):
        look.field("sort", name, "sort")
    _source(each, look, "kibanaSavedObjectMeta.searchSourceJSON")


def _source(each: Json, look: Looking, place: str) -> None:
    """Query and filters, and the index that they name by a reference."""
    source = look.inner(each.get("attributes", {}).get("kibanaSavedObjectMeta", {}), "searchSourceJSON")
    if each["type"] == "search":
        _named(each, look, place, source.get("indexRefName"), "index-pattern")
    look.query(place, source.get("query", {}))
    look.filters(place, source.get("filter", []))


def _named(each: Json, look: Looking, place: str, name: Any, kind: str) -> None:
    """The reference of this name must be there, and of this kind."""
    if not any(to.get("name") == name and to.get("type") == kind for to in each.get("references", ())):
        look.add(place, _("the reference {name} is missing").format(name=name))


def _dashboard(each: Json, look: Looking) -> None:
    said = each.get("attributes", {})
    _source(each, look, "kibanaSavedObjectMeta.searchSourceJSON")
    look.inner(said, "optionsJSON")
    if not (said.get("timeRestore") and said.get("timeFrom") and said.get("timeTo")):
        look.add("timeRestore", _("opens on no time range of its own"))
    panels = look.inner_list(said, "panelsJSON")
    used = {f"{panel.get('panelIndex')}:{panel.get('panelRefName')}" for panel in panels}
    for panel in panels:
        index = panel.get("panelIndex")
        if panel.get("gridData", {}).get("i") != index:
            look.add(f"panelsJSON.{index}", _("gridData.i is not the panel's index"))
        if "panelRefName" in panel:
            _named(each, look, f"panelsJSON.{index}", f"{index}:{panel['panelRefName']}", panel.get("type", ""))
        else:
            look.add(f"panelsJSON.{index}", _("holds its chart itself, which is not checked; save it to the library"))
    for problem in _overlaps(panels):
        look.add(*problem)
    group = said.get("controlGroupInput", {})
    for name, control in look.inner(group, "panelsJSON").items() if group else ():
        place = f"controlGroupInput.{name}"
        look.field(place, control.get("explicitInput", {}).get("fieldName", ""), "terms")
        used.add(f"controlGroup_{name}:optionsListDataView")
        _named(each, look, place, f"controlGroup_{name}:optionsListDataView", "index-pattern")
    for to in each.get("references", ()):
        if to.get("name") not in used:
            look.add(f"references.{to.get('name')}", _("nothing uses this reference"))
    for name in sorted(name for name in look.used if name == "flag.status" or name.startswith("review.")):
        look.add("filter", _("narrows all panels by {name}, those with machine figures too").format(name=name))


def _overlaps(panels: Iterable[Json]) -> Iterator[tuple[str, str]]:
    """Panels that stick out of the grid or lie on another one."""
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        name, grid = str(panel.get("panelIndex")), panel.get("gridData", {})
        x, y, w, h = (int(grid.get(key, 0)) for key in "xywh")
        if w < 1 or h < 1 or x < 0 or y < 0 or x + w > WIDTH:
            yield f"panelsJSON.{name}", _("sticks out of the grid")
            continue
        cells = {(column, row) for column in range(x, x + w) for row in range(y, y + h)}
        if under := sorted({taken[cell] for cell in cells if cell in taken}):
            yield f"panelsJSON.{name}", _("lies over {names}").format(names=", ".join(under))
        taken |= dict.fromkeys(cells, name)


_INSIDE = {"index-pattern": _view, "search": _search, "lens": lens_problems, "dashboard": _dashboard}
