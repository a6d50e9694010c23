"""Accessibility by axe-core (an npm package that only tests use): what is wrong with a page, in readable lines."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from services.real import cannot_start

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")


@cache
def _source() -> str:
    return AXE.read_text(encoding="utf-8")


def axe(page: Page) -> list[str]:
    """The violations of WCAG 2.2 A and AA on the page as it stands, one line an element; empty is good.

    axe comes in through the debugger, which the page's Content-Security-Policy does not bind: no script address has to
    be allowed for it. It loads nothing by itself (`preload`), so it adds no complaints of its own.
    """
    if not AXE.exists():
        cannot_start("axe-core", "it is not installed", "npm ci --prefix tests/browser")
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(_source())
    options = {"runOnly": {"type": "tag", "values": list(TAGS)}, "resultTypes": ["violations"], "preload": False}
    found = page.evaluate("options => axe.run(document, options)", options)
    return [_line(violation, node) for violation in found["violations"] for node in violation["nodes"]]


def _line(violation: dict[str, Any], node: dict[str, Any]) -> str:
    where = " ".join(str(part) for part in node["target"])
    what = " ".join(str(node["failureSummary"]).split())
    return f"{violation['id']} ({violation['impact']}) at {where}: {violation['help']}. {what}"
