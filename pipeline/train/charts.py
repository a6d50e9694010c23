"""The pictures of a run, drawn by matplotlib without a screen: the same figures give the same bytes.

Colours are those of Okabe and Ito 2008, which people with any colour vision tell apart; lines differ in dashes too.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _, current_language
from pipeline.core.names import label_name

Axes = Any  # matplotlib's, which is loaded only when a picture is drawn

_BLUE, _VERMILION, _GREEN, _GREY, _INK = "#0072B2", "#D55E00", "#009E73", "#8C8C8C", "#222222"
_DPI = 100
_COLUMNS = 3
_PANEL = (3.7, 3.5)  # inches
_TITLE_LETTERS = 36
_COLOURS = 48  # of the palette: a third of the bytes, and no difference to be seen
_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters everywhere
    "font.size": 9.0,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _GREY,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def require_drawing() -> Any:
    """matplotlib; raises ConfigError that names the extra. A trainer asks before it works for minutes."""
    try:
        import matplotlib
        import matplotlib.figure
    except ImportError as error:
        raise ConfigError(_("the pictures of a run need matplotlib: pip install 'kentongan[train]'")) from error
    return matplotlib


def draw_calibration(calibration: Mapping[str, Any]) -> bytes:
    """A panel for each label: how often scores of each step are right, and how many rows each step has."""
    return _drawn(
        _named(calibration),
        _calibration_panel,
        title=_("Calibration: of 100 posts with this score, how many really have the label?"),
        note=_(
            "Points on the dashed line are right. Lines through points: 95 % interval; few rows, long line. "
            "Bars: rows in each step."
        ),
    )


def draw_thresholds(thresholds: Mapping[str, Any]) -> bytes:
    """A panel for each label: precision, recall and F1 by threshold, and below how much would be flagged."""
    return _drawn(
        _named(thresholds),
        _threshold_panel,
        title=_("Thresholds: what is right, what is found, and how much there is to read"),
        note=_("The vertical line is the threshold in use. Below: posts over the threshold of every 1,000."),
        legend=[
            (_("precision: right of what is over it"), _BLUE, "-"),
            (_("recall: found of what is there"), _VERMILION, "--"),
            ("F1", _GREEN, ":"),
        ],
    )


def draw_cost(cascade: Mapping[str, Any]) -> bytes:
    """What a cascade's second reading gives, by the share of texts that it costs, and how wide the band is for that."""
    panels = {_("Mean AP of what may flag"): "average_precision", _("Mean F1 of what may flag"): "f1"}
    return _drawn(
        {title: (cascade["curve"], cascade["chosen"], name) for title, name in panels.items()},
        _cost_panel,
        title=_("What a second reading gives, and what it costs"),
        note=_("The diamond is the band in use. Below: half the width of the band, in log-odds."),
    )


def _named(panels: Mapping[str, Any]) -> dict[str, Any]:
    return {label_name(label): values for label, values in panels.items()}


def _drawn(
    panels: Mapping[str, Any],
    draw: Callable[[Axes, Axes, Any], None],
    *,
    title: str,
    note: str,
    legend: Sequence[tuple[str, str, str]] = (),
) -> bytes:
    with _drawing() as matplotlib:
        columns = min(_COLUMNS, len(panels))
        lines = -(-len(panels) // columns)
        top = 1.0 if legend else 0.75  # inches for title, note and legend
        size = (max(2, columns) * _PANEL[0], lines * _PANEL[1] + top)
        figure = matplotlib.figure.Figure(figsize=size, dpi=_DPI)
        letters = int(size[0] * 14)
        figure.text(0.012, 1 - 0.12 / size[1], textwrap.fill(title, letters), va="top", fontsize=12, weight="bold")
        figure.text(0.012, 1 - 0.42 / size[1], note, va="top", fontsize=9)
        if legend:
            _legend(figure, legend, 1 - 0.62 / size[1])
        grid = figure.add_gridspec(
            lines, columns, left=0.62 / size[0], right=1 - 0.12 / size[0], bottom=0.5 / size[1],
            top=1 - (top + 0.42) / size[1], hspace=0.36, wspace=0.26,
        )  # fmt: skip
        for at, (name, values) in enumerate(panels.items()):
            inner = grid[at // columns, at % columns].subgridspec(2, 1, height_ratios=(3.2, 1), hspace=0.14)
            upper = figure.add_subplot(inner[0])
            lower = figure.add_subplot(inner[1], sharex=upper)
            upper.set_title(textwrap.fill(name, _TITLE_LETTERS), loc="left", pad=6)
            upper.tick_params(labelbottom=False)
            draw(upper, lower, values)
            figure.align_ylabels([upper, lower])
        return _png(figure)


def _png(figure: Any) -> bytes:
    """The figure with a palette and without metadata."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    size = canvas.get_width_height()
    picture = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1).convert("RGB")
    buffer = io.BytesIO()
    picture.quantize(_COLOURS, dither=Image.Dither.NONE).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def _legend(figure: Any, entries: Sequence[tuple[str, str, str]], top: float) -> None:
    from matplotlib import lines

    line: Any = lines.Line2D
    handles = [line([], [], color=color, linestyle=dashes, linewidth=2) for _text, color, dashes in entries]
    texts = [text for text, _color, _dashes in entries]
    figure.legend(
        handles, texts, loc="upper left", bbox_to_anchor=(0.004, top), ncols=len(entries), frameon=False, fontsize=9
    )


def _calibration_panel(upper: Axes, lower: Axes, values: Mapping[str, Any]) -> None:
    bins = values["bins"]
    scores = [each["mean_score"] for each in bins]
    shares = [each["share"] for each in bins]
    below = [max(0.0, each["share"] - each["low"]) for each in bins]
    above = [max(0.0, each["high"] - each["share"]) for each in bins]
    upper.plot([0, 1], [0, 1], color=_GREY, linestyle="--", linewidth=1)
    upper.errorbar(scores, shares, yerr=[below, above], fmt="o", color=_BLUE, markersize=5, elinewidth=1.4, capsize=2)
    _unit(upper, "y")
    upper.set_ylabel(_("share with the label"))
    ece = _("ECE {value}").format(value=_decimal(values["ece"], 3))
    upper.text(0.04, 0.95, ece, transform=upper.transAxes, va="top", fontsize=9)
    middles = [(each["from"] + each["to"]) / 2 for each in bins]
    lower.bar(middles, [each["rows"] for each in bins], width=0.085, color=_GREY)
    lower.set_yscale("log")
    lower.set_ylim(0.7, 60 * max(each["rows"] for each in bins))
    for middle, each in zip(middles, bins, strict=True):
        lower.text(middle, each["rows"] * 1.3, _count(each["rows"]), ha="center", fontsize=7.5)
    lower.set_yticks([])
    lower.minorticks_off()
    lower.set_ylabel(_("rows"))
    _unit(lower, "x")
    lower.set_xlabel(_("score"))


def _threshold_panel(upper: Axes, lower: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    steps = [each["threshold"] for each in rows]
    for name, color, dashes in (("precision", _BLUE, "-"), ("recall", _VERMILION, "--"), ("f1", _GREEN, ":")):
        values = [float("nan") if each[name] is None else each[name] for each in rows]
        upper.plot(steps, values, color=color, linestyle=dashes, linewidth=2)
    flags = [each["per_1000"] for each in rows]
    lower.fill_between(steps, flags, color=_GREY, alpha=0.35, linewidth=0)
    lower.plot(steps, flags, color=_INK, linewidth=1.2)
    lower.set_ylim(0, 1.15 * max(*flags, 1))
    lower.locator_params(axis="y", nbins=3)
    lower.set_ylabel(_("of 1,000"))
    _unit(upper, "y")
    _unit(lower, "x")
    lower.set_xlabel(_("threshold"))
    for each in rows:
        if each["chosen"]:
            for axes in (upper, lower):
                axes.axvline(each["threshold"], color=_INK, linewidth=1)
            side, shift = ("right", -4) if each["threshold"] > 0.7 else ("left", 4)
            upper.annotate(
                _decimal(each["threshold"], 2), (each["threshold"], 0.02), xytext=(shift, 0),
                textcoords="offset points", ha=side, fontsize=9, weight="bold",
            )  # fmt: skip


def _cost_panel(upper: Axes, lower: Axes, values: tuple[Sequence[Mapping[str, Any]], Mapping[str, Any], str]) -> None:
    curve, chosen, name = values
    upper.plot([each["share"] for each in curve], [each[name] for each in curve], "o-", color=_BLUE, markersize=4)
    upper.plot(chosen["share"], chosen[name], "D", color=_VERMILION, markersize=8)
    upper.grid(axis="y", color="#E3E3E3", linewidth=0.7)
    upper.set_axisbelow(True)
    found = [each[name] for each in (*curve, chosen)]
    room = max(0.005, 0.1 * (max(found) - min(found)))
    upper.set_ylim(max(0.0, min(found) - room), min(1.0, max(found)) + room)
    upper.locator_params(axis="y", nbins=5)
    ticks = [tick for tick in upper.get_yticks() if upper.get_ylim()[0] <= tick <= 1]
    upper.set_yticks(ticks, [_decimal(tick, 3) for tick in ticks])
    banded = [each for each in curve if each["width"] is not None]
    lower.plot([each["share"] for each in banded], [each["width"] for each in banded], color=_INK, linewidth=1.2)
    lower.set_ylim(0, 1.15 * max(each["width"] for each in banded))
    lower.locator_params(axis="y", nbins=3)
    _unit(lower, "x")
    lower.set_xlabel(_("share of texts read twice"))


def _unit(axes: Axes, axis: str) -> None:
    ticks = [0, 0.25, 0.5, 0.75, 1]
    texts = [_decimal(tick, 2).rstrip("0").rstrip(".,") or "0" for tick in ticks]
    if axis == "x":
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks(ticks, texts)
    else:
        axes.set_ylim(-0.02, 1.04)
        axes.set_yticks(ticks, texts)
        axes.grid(axis="y", color="#E3E3E3", linewidth=0.7)
        axes.set_axisbelow(True)


def _decimal(value: float, places: int) -> str:
    text = f"{value:.{places}f}"
    return text.replace(".", ",") if current_language() == "id" else text


def _count(rows: int) -> str:
    if rows < 1000:
        return str(rows)
    return _("{thousands}k").format(thousands=round(rows / 1000))


@contextmanager
def _drawing() -> Iterator[Any]:
    """matplotlib with its own defaults: no file of the user's changes a picture."""
    matplotlib = require_drawing()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield matplotlib
