"""One chart of the description as the state of a Lens visualisation (the shape of 8.9.0, read by 8.19 and 9.x)."""

from __future__ import annotations

from typing import Any

from pipeline.review.kibana.description import NO_SAMPLES, NOTES
from pipeline.review.kibana.shapes import Chart, Count, Extreme, Figure, Row, Share, Terms, Time

Json = dict[str, Any]

LAYER = "butir"
RECORDS = "___records___"
_SERIES = {
    "line": "line",
    "bars": "bar_stacked",
    "ranking": "bar_horizontal",
    "stacked ranking": "bar_horizontal_stacked",
}


def attributes(chart: Chart) -> Json:
    """The attributes of the saved object."""
    rows = {f"baris{at}": _row(row) for at, row in enumerate(chart.rows)}
    values: dict[str, Json] = {}
    for at, figure in enumerate(chart.values):
        values |= _figure(f"angka{at}", figure)
    shown = [f"angka{at}" for at in range(len(chart.values))]
    order = [*reversed(rows), *values]  # what splits stands before what it splits, figures after both
    layer = {"columns": rows | values, "columnOrder": order, "incompleteColumns": {}, "sampling": 1}
    drawn = _table(chart, [*rows, *shown]) if chart.kind == "table" else _xy(chart, list(rows), shown)
    return {
        "title": chart.title,
        "description": f"{NOTES[chart.figures]} {chart.says}".strip(),
        "visualizationType": "lnsDatatable" if chart.kind == "table" else "lnsXY",
        "state": {
            "adHocDataViews": {},
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}, "textBased": {"layers": {}}},
            "filters": [],
            "internalReferences": [],
            "query": _query(without_samples(chart.kql)),
            "visualization": drawn,
        },
    }


def without_samples(kql: str) -> str:
    """The query, and no samples: they are in no figure (DESIGN, section 1)."""
    return f"{kql} and {NO_SAMPLES}" if kql else NO_SAMPLES


def _query(kql: str) -> Json:
    return {"language": "kuery", "query": kql}


def _row(row: Row) -> Json:
    column: Json = {"customLabel": True, "isBucketed": True, "label": row.label}
    if isinstance(row, Time):
        params: Json = {"dropPartials": False, "includeEmptyRows": row.gaps, "interval": row.interval}
        kind = {"dataType": "date", "operationType": "date_histogram", "scale": "interval", "sourceField": row.field}
    elif isinstance(row, Terms):
        best = {"columnId": "angka0", "type": "column"}
        params = {
            "exclude": [],
            "excludeIsRegex": False,
            "include": [],
            "includeIsRegex": False,
            "missingBucket": False,
            "orderBy": {"fallback": False, "type": "alphabetical"} if row.by_name else best,
            "orderDirection": "asc" if row.by_name else "desc",
            "otherBucket": False,
            "parentFormat": {"id": "terms"},
            "size": row.size,
        }
        kind = {"dataType": "string", "operationType": "terms", "scale": "ordinal", "sourceField": row.field}
    else:
        params = {"filters": [{"input": _query(kql), "label": name} for kql, name in row.queries]}
        kind = {"dataType": "string", "operationType": "filters", "scale": "ordinal"}
    return column | kind | {"params": params}


def _figure(at: str, figure: Figure) -> dict[str, Json]:
    """The columns of one figure: a share needs its parts beside it, as Lens itself would write them."""
    if isinstance(figure, Share):
        return _share(at, figure)
    column: Json = {"customLabel": True, "isBucketed": False, "label": figure.label}
    if isinstance(figure, Count):
        return {at: column | _counting()}
    if isinstance(figure, Extreme):
        kind: Json = {"dataType": "date", "operationType": figure.which, "params": {}, "scale": "ratio"}
        return {at: column | kind | {"sourceField": figure.field}}
    kind = {
        "dataType": "string",
        "filter": _query(f"{figure.field}: *"),
        "operationType": "last_value",
        "params": {"showArrayValues": False, "sortField": "event.created"},
        "scale": "ordinal",
    }
    return {at: column | kind | {"sourceField": figure.field}}


def _counting() -> Json:
    return {
        "dataType": "number",
        "operationType": "count",
        "params": {"emptyAsNull": False},
        "scale": "ratio",
        "sourceField": RECORDS,
    }


def _share(at: str, figure: Share) -> dict[str, Json]:
    part, whole, divided = f"{at}X0", f"{at}X1", f"{at}X2"
    formula = f"count(kql='{figure.kql}') / count()"
    helper: Json = {"customLabel": True, "isBucketed": False, "label": f"Part of {figure.label}"}
    ast = {
        "args": [part, whole],
        "location": {"max": len(formula), "min": 0},
        "name": "divide",
        "text": formula,
        "type": "function",
    }
    number: Json = {"dataType": "number", "scale": "ratio"}
    decimal = {"id": "number", "params": {"decimals": 2}}
    params = {"format": decimal, "formula": formula, "isFormulaBroken": False}
    shown = {"customLabel": True, "isBucketed": False, "label": figure.label, "operationType": "formula"}
    math = {"operationType": "math", "params": {"tinymathAst": ast}, "references": [part, whole]}
    return {
        at: shown | number | {"params": params, "references": [divided]},
        part: helper | _counting() | {"filter": _query(figure.kql)},
        whole: helper | _counting(),
        divided: helper | number | math,
    }


def _table(chart: Chart, columns: list[str]) -> Json:
    drawn: Json = {
        "columns": [{"columnId": column, "isTransposed": False} for column in columns],
        "layerId": LAYER,
        "layerType": "data",
    }
    if chart.sort is not None:
        drawn["sorting"] = {"columnId": f"angka{chart.sort}", "direction": "asc"}
    return drawn


def _xy(chart: Chart, rows: list[str], values: list[str]) -> Json:
    series = _SERIES[chart.kind]
    layer: Json = {
        "accessors": values,
        "layerId": LAYER,
        "layerType": "data",
        "position": "top",
        "seriesType": series,
        "showGridlines": False,
        "xAccessor": rows[0],
    }
    if len(rows) > 1:
        layer["splitAccessor"] = rows[1]
    return {
        "axisTitlesVisibilitySettings": {"x": True, "yLeft": True, "yRight": False},
        "fittingFunction": "None",
        "layers": [layer],
        "legend": {"isVisible": len(rows) > 1, "position": "bottom"},
        "preferredSeriesType": series,
        "valueLabels": "hide",
    }
