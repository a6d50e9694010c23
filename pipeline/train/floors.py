"""Floors that only rise: a model whose figures are under them is not promoted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _


def read_floors(path: Path) -> dict[str, Any]:
    """Read models/floors.json; raises ConfigError if it is absent or not of the form."""
    try:
        floors = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(_("the floors in {path} cannot be read: {error}").format(path=path, error=error)) from error
    if not isinstance(floors, dict) or not {"data_sha256", "at_least", "at_most"} <= set(floors):
        raise ConfigError(_("{path} needs data_sha256, at_least and at_most; restore the file").format(path=path))
    return floors


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A figure that is not where its floor wants it; `found` is None if the model has no such figure."""

    figure: str
    wanted: str
    found: object
    says: str


def shortfalls(metrics: Mapping[str, Any], floors: Mapping[str, Any]) -> list[Shortfall]:
    """Where a model's figures are not as the floors want them; none if it may be promoted.

    A floor is a dotted path into metrics.json with the least (or most) that the figure may be. Floors count for the
    data that they were set on; figures of other data are held against `on_other_data` only, if the file has that.
    """
    measured = figure(metrics, "data.sha256")
    limits = floors if measured == floors["data_sha256"] else floors.get("on_other_data")
    if limits is None:
        says = _("it was measured on other data than the floors were set on")
        return [Shortfall("data.sha256", str(floors["data_sha256"]), measured, says)]
    wrong = []
    for path, least in limits["at_least"].items():
        found = figure(metrics, path)
        if not _is_number(found) or not found >= least:
            says = _("{path} is {found}, and must be at least {limit}").format(path=path, found=found, limit=least)
            wrong.append(Shortfall(path, f">= {least}", found, says))
    for path, most in limits["at_most"].items():
        found = figure(metrics, path)
        if not _is_number(found) or not found <= most:
            says = _("{path} is {found}, and must be at most {limit}").format(path=path, found=found, limit=most)
            wrong.append(Shortfall(path, f"<= {most}", found, says))
    return wrong


def under_floors(metrics: Mapping[str, Any], floors: Mapping[str, Any]) -> list[str]:
    """What is wrong with a model's figures, one sentence each; empty if it may be promoted."""
    return [each.says for each in shortfalls(metrics, floors)]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def figure(metrics: Mapping[str, Any], path: str) -> object:
    """The figure at a dotted path in metrics.json, or None."""
    found: object = metrics
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
