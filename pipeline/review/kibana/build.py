"""From the description to saved objects, one a line: the same bytes each time, with the same ids.

Shaped as Kibana 8.19 writes them (dashboard 10.2.0, search 10.5.0, lens 8.9.0, index-pattern 8.0.0): imports only go
up, so what is written newer could not be read by 8.19. Charts stand by themselves and dashboards refer to them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.review.kibana import lens
from pipeline.review.kibana.dataview import INDEX
from pipeline.review.kibana.description import describe
from pipeline.review.kibana.lens import without_samples
from pipeline.review.kibana.shapes import Chart, Dashboard, DataView, Description, Panel, Search

Json = dict[str, Any]

FILE = "objects.ndjson"
CHART = "kentongan-bagan-"
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_CORE = "8.8.0"
VERSIONS = {"dashboard": "10.2.0", "index-pattern": "8.0.0", "lens": "8.9.0", "search": "10.5.0"}
_REFRESH = {"pause": True, "value": 60000}


def build(index: str = INDEX) -> bytes:
    """The file that Kibana imports."""
    return lines(objects(describe(index)))


def lines(found: Iterable[Json]) -> bytes:
    """Objects as NDJSON with sorted keys."""
    return b"".join(text(each).encode() + b"\n" for each in found)


def text(value: Any) -> str:
    """JSON with sorted keys and no blanks; some of Kibana's attributes are JSON inside a text."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def objects(said: Description) -> Iterator[Json]:
    """All saved objects of a description."""
    view = said.view
    yield _object("index-pattern", view.id, _view(view), [])
    for search in said.searches:
        yield _object("search", search.id, _search(search), [_reference("index-pattern", view.id, _SOURCE)])
    for chart in said.charts:
        to = _reference("index-pattern", view.id, f"indexpattern-datasource-layer-{lens.LAYER}")
        yield _object("lens", f"{CHART}{chart.id}", lens.attributes(chart), [to])
    charts = {chart.id: chart for chart in said.charts}
    for dashboard in said.dashboards:
        yield _object("dashboard", dashboard.id, *_dashboard(dashboard, charts, view))


def _object(kind: str, name: str, attributes: Json, references: list[Json]) -> Json:
    return {
        "attributes": attributes,
        "coreMigrationVersion": _CORE,
        "id": name,
        "managed": False,
        "references": references,
        "type": kind,
        "typeMigrationVersion": VERSIONS[kind],
    }


def _reference(kind: str, name: str, as_name: str) -> Json:
    return {"id": name, "name": as_name, "type": kind}


def _view(view: DataView) -> Json:
    formats: Json = {
        field: {"id": "static_lookup", "params": {"lookupEntries": [{"key": k, "value": v} for k, v in names]}}
        for field, names in view.lookups
    }
    for field, label in view.links:
        params = {"labelTemplate": label, "openLinkInCurrentTab": False, "type": "a", "urlTemplate": "{{rawValue}}"}
        formats[field] = {"id": "url", "params": params}
    return {
        "allowNoIndex": True,  # the first flag may not be there yet
        "fieldAttrs": text({field: {"customLabel": label} for field, label in view.labels}),
        "fieldFormatMap": text(formats),
        "fields": "[]",
        "name": view.name,
        "runtimeFieldMap": "{}",
        "sourceFilters": text([{"value": pattern} for pattern in view.hidden]),
        "timeFieldName": view.time_field,
        "title": view.title,
        "typeMeta": "{}",
    }


def _search(search: Search) -> Json:
    source = {
        "filter": [],
        "highlightAll": True,
        "indexRefName": _SOURCE,
        "query": {"language": "kuery", "query": without_samples(search.kql)},
        "version": True,
    }
    return {
        "columns": list(search.columns),
        "description": search.says,
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        "refreshInterval": _REFRESH,
        "sort": [list(pair) for pair in search.sort],
        "timeRange": {"from": search.since, "to": "now"},
        "timeRestore": True,
        "title": search.title,
        "usesAdHocDataView": False,
    }


def _dashboard(dashboard: Dashboard, charts: dict[str, Chart], view: DataView) -> tuple[Json, list[Json]]:
    controls = {f"kendali-{at}": pair for at, pair in enumerate(dashboard.controls)}
    references = [
        _reference("lens", f"{CHART}{charts[panel.chart].id}", f"{panel.chart}:panel_{panel.chart}")
        for panel in dashboard.panels
    ]
    references += [
        _reference("index-pattern", view.id, f"controlGroup_{name}:optionsListDataView") for name in controls
    ]
    options = {
        "hidePanelTitles": False,
        "syncColors": False,
        "syncCursor": True,
        "syncTooltips": False,
        "useMargins": True,
    }
    source = {"filter": [], "query": {"language": "kuery", "query": ""}}
    attributes = {
        "controlGroupInput": _controls(controls),
        "description": dashboard.says,
        "kibanaSavedObjectMeta": {"searchSourceJSON": text(source)},
        "optionsJSON": text(options),
        "panelsJSON": text([_panel(panel) for panel in dashboard.panels]),
        "refreshInterval": _REFRESH,
        "timeFrom": dashboard.since,
        "timeRestore": True,
        "timeTo": "now",
        "title": dashboard.title,
    }
    return attributes, references


def _panel(panel: Panel) -> Json:
    settings: Json = {"enhancements": {}}
    if panel.since:
        settings["timeRange"] = {"from": panel.since, "to": "now"}
    return {
        "embeddableConfig": settings,
        "gridData": {"h": panel.h, "i": panel.chart, "w": panel.w, "x": panel.x, "y": panel.y},
        "panelIndex": panel.chart,
        "panelRefName": f"panel_{panel.chart}",
        "type": "lens",
    }


def _controls(controls: dict[str, tuple[str, str]]) -> Json:
    panels = {
        name: {
            "explicitInput": {
                "enhancements": {},
                "fieldName": field,
                "id": name,
                "selectedOptions": [],
                "title": label,
            },
            "grow": True,
            "order": order,
            "type": "optionsListControl",
            "width": "medium",
        }
        for order, (name, (field, label)) in enumerate(controls.items())
    }
    heeds = {"ignoreFilters": False, "ignoreQuery": False, "ignoreTimerange": False, "ignoreValidations": False}
    return {
        "chainingSystem": "HIERARCHICAL",
        "controlStyle": "oneLine",
        "ignoreParentSettingsJSON": text(heeds),
        "panelsJSON": text(panels),
        "showApplySelections": False,
    }
