"""What a run's page is built of: sections, tables, and numbers as the office writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.core.i18n import current_language

Told = Mapping[str, Any]
Row = Sequence[str]

NONE = "–"
_LONGEST = 300  # letters of a parameter or a source's name


@dataclass(frozen=True)
class Table:
    """Heads and rows of text; `words` are set to the left, figures to the right."""

    caption: str
    heads: Row
    rows: Sequence[Row]
    words: bool = False


@dataclass(frozen=True)
class Section:
    """One part of the page; `folded` tables are read by who opens them."""

    title: str
    notes: Sequence[str] = ()
    tables: Sequence[Table] = ()
    picture: str = ""
    alt: str = ""
    folded: Sequence[Table] = ()
    folded_title: str = ""


def number(value: float | int | None, places: int = 0) -> str:
    """12.345,6 in Indonesian, 12,345.6 in English; a dash for none."""
    if value is None:
        return NONE
    text = f"{value:,.{places}f}"
    return text.translate(str.maketrans(",.", ".,")) if current_language() == "id" else text


def percent(share: float | None) -> str:
    """A share in per cent with one decimal."""
    return NONE if share is None else number(100 * share, 1)


def interval(found: Mapping[str, float] | None) -> str:
    """A share in per cent with its 95 % interval."""
    if not found:
        return NONE
    return f"{percent(found['value'])} ({percent(found['low'])}–{percent(found['high'])})"


def cut(value: object) -> str:
    """A value from outside as text of a bearable length."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
