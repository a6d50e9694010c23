"""Mutu model: the last drift report, in counts; the desk draws what `kentongan drift` wrote and measures nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from pipeline.comparing import MEANT
from pipeline.core.i18n import _
from pipeline.core.names import drift_level_name, drift_name, label_name
from pipeline.drift import last_report
from pipeline.review.figures import FIGURED
from pipeline.review.guard import Visit, page


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure as it is printed; `level` is also its class."""

    text: str
    level: str


@page("/mutu", "overview")
def quality(visit: Visit) -> Response:
    """How the weeks differ from what the model learnt from, for the office that the report is of."""
    found = last_report(visit.place)
    if found is None or found["office"] not in visit.offices:
        return visit.render("quality.html", found=None)
    return visit.render(
        "quality.html",
        found=found,
        limits=visit.place.settings.drift,
        made_at=datetime.fromisoformat(found["made_at"]),
        heads=[*map(label_name, FIGURED), _("Unknown words"), _("Frequent words")],
        sources=[_source(each) for each in reversed(found["sources"])],
        decisions=[_decided(each) for each in reversed(found["labels"])],
        alarms=[_alarm(each) for each in _shown(found["alarms"])],
    )


def _shown(alarms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without labels that may be no figure (DESIGN, section 1): these stand in `kentongan drift` alone."""
    return [alarm for alarm in alarms if not alarm["label"] or alarm["label"] in FIGURED]


def _alarm(alarm: dict[str, Any]) -> tuple[str, str, str]:
    return alarm["week"], alarm["source"], drift_name(alarm["what"], alarm["label"])


def _source(drift: dict[str, Any]) -> dict[str, Any]:
    kept = {name: drift[name] for name in ("week", "source", "posts")}
    cells = [_cell(drift["scores"][label]) for label in FIGURED]
    return kept | {"cells": [*cells, _cell(drift["unknown"]), _cell(drift["stems"])]}


def _cell(figure: dict[str, Any]) -> Cell:
    name = drift_level_name(figure["level"])
    if figure["psi"] is None or figure["level"] not in MEANT:
        return Cell(name, figure["level"])
    return Cell(f"{figure['psi']:.2f} {name}", figure["level"])


def _decided(drift: dict[str, Any]) -> dict[str, Any]:
    return {
        "week": drift["week"],
        "label": label_name(drift["label"]),
        "decided": drift["decided"],
        "now": _interval(drift["fits"], drift["decided"], drift["interval"]),
        "before": _interval(drift["before_fits"], drift["before_decided"], drift["before_interval"]),
        "cell": Cell(drift_level_name(drift["level"]), drift["level"]),
    }


def _interval(hits: int, of: int, interval: Sequence[float]) -> str:
    return f"{hits / of:.2f} ({interval[0]:.2f}–{interval[1]:.2f})" if of else "–"
