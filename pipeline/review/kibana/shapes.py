"""The words in which the Kibana objects are described: frozen values without a trace of Kibana's own format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Figures = Literal["machine", "reviewed"]
"""Whose figures a chart shows: what the program found, or what people decided. Never both."""

Kind = Literal["line", "bars", "ranking", "stacked ranking", "table"]
Named = tuple[tuple[str, str], ...]
"""Pairs of a code, field or query and the name that people read."""


@dataclass(frozen=True, slots=True)
class DataView:
    """Which indices are read, and what their fields are called in front of people.

    `lookups` name the values of a field, `links` are fields with an address, `hidden` fields never show (`*` allowed).
    """

    id: str
    title: str
    name: str
    time_field: str
    labels: Named
    lookups: tuple[tuple[str, Named], ...]
    links: Named
    hidden: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A list of flags in Discover; `sort` holds (field, `asc` or `desc`)."""

    id: str
    title: str
    says: str
    kql: str
    columns: tuple[str, ...]
    sort: tuple[tuple[str, str], ...]
    since: str = "now-30d"


@dataclass(frozen=True, slots=True)
class Time:
    """Rows by day (`1d`) or week (`1w`) of a date field; `gaps` keeps those without any flag."""

    field: str
    label: str
    interval: str
    gaps: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """Rows by the values of a field: the `size` that the first figure is greatest for, or all by name."""

    field: str
    label: str
    size: int
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows by queries, each with its name."""

    label: str
    queries: Named


@dataclass(frozen=True, slots=True)
class Count:
    """How many flags."""

    label: str


@dataclass(frozen=True, slots=True)
class Extreme:
    """The earliest (`min`) or latest (`max`) time in a date field."""

    field: str
    label: str
    which: Literal["min", "max"]


@dataclass(frozen=True, slots=True)
class Latest:
    """The field's value in the flag that was fetched last."""

    field: str
    label: str


@dataclass(frozen=True, slots=True)
class Share:
    """Which part of the row's flags a query finds, as a decimal number from 0 to 1."""

    label: str
    kql: str


Row = Time | Terms | Parts
Figure = Count | Extreme | Latest | Share


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart or table: its rows (the second one splits the first) and its figures.

    Samples are left out of every chart when it is built. `sort` is the place of a table's figure that orders it,
    earliest first.
    """

    id: str
    title: str
    says: str
    figures: Figures
    kind: Kind
    rows: tuple[Row, ...]
    values: tuple[Figure, ...]
    kql: str = ""
    sort: int | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart's place on the grid of 48 columns; with `since` it has a time range of its own, up to now."""

    chart: str
    x: int
    y: int
    w: int
    h: int
    since: str = ""


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels and the lists at the top (field, label) that narrow all of them."""

    id: str
    title: str
    says: str
    panels: tuple[Panel, ...]
    controls: Named
    since: str = "now-30d"


@dataclass(frozen=True, slots=True)
class Description:
    """Everything that Kibana is given."""

    view: DataView
    searches: tuple[Search, ...]
    charts: tuple[Chart, ...]
    dashboards: tuple[Dashboard, ...]
