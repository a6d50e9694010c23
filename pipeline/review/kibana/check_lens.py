"""What is wrong with a Lens visualisation: unwired columns, unfit fields, per cent, samples, two kinds of figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.core.i18n import _
from pipeline.core.types import BLIND
from pipeline.review.kibana import kql
from pipeline.review.kibana.description import DECIDED, NOTES
from pipeline.review.kibana.looking import Looking

Json = dict[str, Any]

_RECORDS = "___records___"
_PREFIX = "indexpattern-datasource-layer-"
_USE = {
    "date_histogram": "date",
    "terms": "terms",
    "unique_count": "value",
    "last_value": "value",
    "min": "extreme",
    "max": "extreme",
    "range": "number",
    "count": "show",
} | dict.fromkeys(("sum", "average", "median", "percentile", "standard_deviation"), "number")
_FIELDLESS = ("filters", "formula", "math", "static_value")
_ONE = "xAccessor splitAccessor metricAccessor secondaryMetricAccessor maxAccessor breakdownByAccessor".split()
_ONE += "columnId tagAccessor valueAccessor forAccessor collapseByAccessor accessor".split()
_MANY = "accessors primaryGroups secondaryGroups metrics splitAccessors".split()
_PARTITIONS = ("lnsPie", "lnsTreemap", "lnsMosaic", "lnsWaffle")
_MACHINE = ("flag.band.", "signals.", "flag.model")
_FORMULA_QUERY = re.compile(r"kql='((?:[^'\\]|\\.)*)'")
_FORMULA_FIELD = re.compile(
    r"\b(?:sum|average|median|min|max|unique_count|last_value|count)\(\s*([\w@][\w@.*]*)\s*[,)]"
)


def lens_problems(each: Json, look: Looking) -> None:
    """Look at one `lens` object."""
    said = each.get("attributes", {})
    state = said.get("state", {})
    layers = state.get("datasourceStates", {}).get("formBased", {}).get("layers", {})
    asks = look.query("query", state.get("query"))
    look.filters("filters", state.get("filters"))
    if not layers:
        look.add("formBased", _("has no layer"))
    drawn = state.get("visualization", {})
    _layers(each, drawn, layers, look)
    shown = set(_accessors(drawn))
    for name, layer in layers.items():
        _columns(name, layer, shown, look)
    for column in sorted(shown - {column for layer in layers.values() for column in layer.get("columns", {})}):
        look.add("visualization", _("shows column {name}, which does not exist").format(name=column))
    _axes(drawn, layers, look)
    _shares(said.get("visualizationType", ""), drawn, layers, look)
    _figures(said.get("description", ""), asks, layers, look)


def _layers(each: Json, drawn: Json, layers: Mapping[str, Json], look: Looking) -> None:
    """Layers, their references and the layers that are drawn must be the same."""
    ids = set(layers)
    referred = {str(to.get("name")) for to in each.get("references", ())}
    for name in sorted({f"{_PREFIX}{layer}" for layer in ids} ^ {to for to in referred if to.startswith(_PREFIX)}):
        look.add(f"references.{name}", _("layers and references do not match"))
    seen = {found["layerId"] for found in (drawn, *drawn.get("layers", ())) if "layerId" in found}
    for name in sorted(ids ^ seen):
        look.add(f"visualization.{name}", _("layers and what is drawn do not match"))


def _accessors(drawn: Any) -> Iterator[str]:
    """All columns that a visualisation's state names."""
    if isinstance(drawn, dict):
        for key, inside in drawn.items():
            if key in _ONE and isinstance(inside, str):
                yield inside
            elif key in _MANY and isinstance(inside, list) and all(isinstance(each, str) for each in inside):
                yield from inside
            else:
                yield from _accessors(inside)
    elif isinstance(drawn, list):
        for inside in drawn:
            yield from _accessors(inside)


def _columns(name: str, layer: Json, shown: set[str], look: Looking) -> None:
    """Each column stands in the order once, is shown or used by another, and reads fields that fit."""
    columns, order = layer.get("columns", {}), layer.get("columnOrder", [])
    if sorted(order) != sorted(columns):
        look.add(f"{name}.columnOrder", _("is not the list of the columns"))
    figures = [each for each in order if not columns.get(each, {}).get("isBucketed")]
    if order[len(order) - len(figures) :] != figures:
        look.add(f"{name}.columnOrder", _("rows must stand before figures"))
    needed = shown | {to for column in columns.values() for to in column.get("references", ())}
    for at, column in columns.items():
        place = f"{name}.{at}"
        if at not in needed:
            look.add(place, _("the column is shown nowhere"))
        for to in column.get("references", ()):
            if to not in columns:
                look.add(place, _("uses column {name}, which does not exist").format(name=to))
        _column(place, column, columns, look)


def _column(place: str, column: Json, columns: Mapping[str, Json], look: Looking) -> None:
    operation, params = column.get("operationType", ""), column.get("params", {})
    source = column.get("sourceField")
    if operation in _USE:
        if not (operation == "count" and source == _RECORDS):
            look.field(place, str(source or ""), _USE[operation])
    elif operation not in _FIELDLESS:
        look.add(place, _("the operation {name} is not known here").format(name=operation))
    if "filter" in column:
        look.query(f"{place}.filter", column["filter"])
    for part in params.get("filters", ()) if operation == "filters" else ():
        look.query(f"{place}.filters", part.get("input"))
        if not part.get("label"):
            look.add(f"{place}.filters", _("a row has no name"))
    by = params.get("orderBy", {})
    if by.get("type") == "column" and by.get("columnId") not in columns:
        look.add(place, _("is ordered by column {name}, which does not exist").format(name=by.get("columnId")))
    if operation == "last_value":
        look.field(f"{place}.sortField", params.get("sortField", ""), "date")
    if operation == "formula":
        _formula(place, column, columns, look)
    if operation == "math":
        named = sorted({each for each in _leaves(params.get("tinymathAst")) if isinstance(each, str)})
        if not named or named != sorted(set(column.get("references", ()))):
            look.add(place, _("the sum is not made of the columns that it refers to"))


def _formula(place: str, column: Json, columns: Mapping[str, Json], look: Looking) -> None:
    """What the formula's text asks must be what its columns ask: Kibana draws the columns, people read the text."""
    text = str(column.get("params", {}).get("formula", ""))
    asked = {match.replace("\\'", "'") for match in _FORMULA_QUERY.findall(text)}
    for query in sorted(asked):
        look.kql(f"{place}.formula", query)
    for name in _FORMULA_FIELD.findall(_FORMULA_QUERY.sub("", text)):
        look.field(f"{place}.formula", name, "show")
    parts = [columns.get(to, {}) for to in column.get("references", ())]
    parts += [columns.get(to, {}) for part in list(parts) for to in part.get("references", ())]
    if not parts or {part["filter"].get("query") for part in parts if "filter" in part} != asked:
        look.add(place, _("the formula and its columns do not ask the same"))


def _leaves(ast: Any) -> Iterator[Any]:
    if isinstance(ast, dict):
        for each in ast.get("args", ()):
            yield from _leaves(each)
    else:
        yield ast


def _axes(drawn: Json, layers: Mapping[str, Json], look: Looking) -> None:
    """In a chart with axes, rows make the axis and figures the height."""
    for layer in drawn.get("layers", ()):
        columns = layers.get(layer.get("layerId", ""), {}).get("columns", {})
        for key in ("xAccessor", "splitAccessor"):
            if layer.get(key) in columns and not columns[layer[key]].get("isBucketed"):
                look.add(f"visualization.{key}", _("a figure stands where rows belong"))
        for at in layer.get("accessors", ()):
            if columns.get(at, {}).get("isBucketed"):
                look.add("visualization.accessors", _("rows stand where a figure belongs"))


def _shares(kind: str, drawn: Json, layers: Mapping[str, Json], look: Looking) -> None:
    """Nothing is shown in per cent, by itself or by how it is drawn."""
    if kind in _PARTITIONS:
        for layer in drawn.get("layers", ()):
            if layer.get("numberDisplay") not in ("value", "hidden"):
                look.add("visualization.numberDisplay", _("shows per cent"))
    for layer in drawn.get("layers", ()):
        if "percentage" in str(layer.get("seriesType", "")):
            look.add("visualization.seriesType", _("shows per cent"))
    for layer in layers.values():
        for at, column in layer.get("columns", {}).items():
            form = column.get("params", {}).get("format", {})
            if form.get("id") == "percent" or "%" in str(form):
                look.add(f"{at}.format", _("shows per cent"))


def _figures(description: str, asks: kql.Node, layers: Mapping[str, Json], look: Looking) -> None:
    """A chart says whose figures it shows and shows no other; samples are in no figure."""
    says = next((figures for figures, note in NOTES.items() if description.startswith(note)), "")
    if not says:
        look.add("description", _("does not say whose figures these are"))
    must = kql.required(asks)
    machine = sorted(name for name in look.used if name.startswith(_MACHINE))
    reviewed = sorted(name for name in look.used if name.startswith("review."))
    if _shows_decisions(must, layers, look):
        reviewed.append("flag.status")
    if machine and (reviewed or says == "reviewed"):
        look.add("figures", _("machine figures ({names}) among reviewed ones").format(names=", ".join(machine)))
    if reviewed and says == "machine":
        look.add(
            "figures", _("reviewed figures ({names}) among those of the machine").format(names=", ".join(reviewed))
        )
    if says == "reviewed" and not any(_is(each, "flag.status", DECIDED) for each in must):
        look.add("query", _("counts flags that nobody decided on"))
    if not _unflagged_left_out(must):
        look.add("query", _("counts what no rule flagged (`sample`, `teach`)"))


def _shows_decisions(must: tuple[kql.Node, ...], layers: Mapping[str, Json], look: Looking) -> bool:
    """Whether a query asks for decided flags, or rows by status may hold some."""
    statuses = [value for clause in look.asked if clause.field == "flag.status" for value in clause.values]
    if any(value in DECIDED or ("*" in value and value != "*") for value in statuses):
        return True
    by_status = any(
        column.get("sourceField") == "flag.status" for layer in layers.values() for column in layer["columns"].values()
    )
    return by_status and not any(isinstance(each, kql.Clause) and each.field == "flag.status" for each in must)


def _unflagged_left_out(must: tuple[kql.Node, ...]) -> bool:
    parts = [each.part for each in must if isinstance(each, kql.Not) and _is(each.part, "flag.why", tuple(BLIND))]
    return {value for part in parts if isinstance(part, kql.Clause) for value in part.values} == BLIND


def _is(node: kql.Node, field: str, values: tuple[str, ...]) -> bool:
    """Whether it asks the field for some of these values and no other."""
    return isinstance(node, kql.Clause) and node.field == field and set(node.values) <= set(values)
