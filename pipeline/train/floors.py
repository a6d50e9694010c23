"""Floors that only rise: a model whose figures are under them is not promoted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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


def under_floors(metrics: Mapping[str, Any], floors: Mapping[str, Any]) -> list[str]:
    """What is wrong with a model's figures, one sentence each; empty if it may be promoted.

    A floor is a dotted path into metrics.json with the least (or most) that the figure may be.
    """
    if figure(metrics, "data.sha256") != floors["data_sha256"]:
        return [_("it was measured on other data than the floors were set on")]
    wrong = []
    for path, least in floors["at_least"].items():
        found = figure(metrics, path)
        if not isinstance(found, int | float) or not found >= least:
            wrong.append(
                _("{path} is {found}, and must be at least {limit}").format(path=path, found=found, limit=least)
            )
    for path, most in floors["at_most"].items():
        found = figure(metrics, path)
        if not isinstance(found, int | float) or not found <= most:
            wrong.append(_("{path} is {found}, and must be at most {limit}").format(path=path, found=found, limit=most))
    return wrong


def figure(metrics: Mapping[str, Any], path: str) -> object:
    """The figure at a dotted path in metrics.json, or None."""
    found: object = metrics
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found
