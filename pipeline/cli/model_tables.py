"""The tables that `kentongan evaluate` prints; its JSON holds more."""

from __future__ import annotations

from typing import Any

from rich.table import Table
from rich.text import Text

from pipeline.cli.common import table
from pipeline.core.i18n import _

_LONGEST = 40
"""Letters of a source's name."""
_SHOWN = 4
"""Failed ids shown of each class: as many as fit a line of 100 letters; the JSON has all."""


def metric_tables(metrics: dict[str, Any]) -> list[Table]:
    """Of labelled rows, if there were any; then the functional tests by class and false alarms by who is named."""
    made = []
    if "labels" in metrics:
        made = [_labels(_("Metrics"), metrics["labels"]), _over_all(metrics), _unsure(metrics["labels"])]
        if metrics.get("sampled", {}).get("labels"):
            title = _("Only the {rows} rows that chance brought, weighted").format(rows=metrics["sampled"]["rows"])
            made.append(_labels(title, metrics["sampled"]["labels"]))
        made += [_slices(name, found) for name, found in metrics["slices"].items() if found["slices"]]
    return [*made, _functional(metrics["functional"]), _fairness(metrics["fairness"])]


def _labels(title: str, labels: dict[str, Any]) -> Table:
    made = table(title, _("Label"), _("Rows"), "AP", _("Precision"), _("Recall"), "F1", "ECE", "Brier")
    for label, values in labels.items():
        cells = [values[name]["value"] for name in ("average_precision", "precision", "recall", "f1")]
        cells += [values["ece"], values["brier"]]
        made.add_row(label, f"{values['rows']:,}", *(f"{cell:.3f}" for cell in cells))
    return made


def _over_all(metrics: dict[str, Any]) -> Table:
    found = metrics["over_all"]
    made = table(_("Over all labels"), _("Figure"), _("Value"), _("Of"))
    rows = _("{number} rows").format(number=f"{found['exact_match_rows']:,}")
    labels = _("{number} labels").format(number=found["labels"])
    made.add_row(_("Exact match: all labels of a post right"), _share(found["exact_match"]), rows)
    made.add_row(_("Macro-F1: mean over the labels"), _share(found["macro_f1"]), labels)
    made.add_row(_("Mean AP"), _share(found["mean_average_precision"]), labels)
    for label, each in metrics["political"].items():
        what = _("Precision on politics: {label}").format(label=label)
        made.add_row(what, _share(each["precision"]), _("{number} rows").format(number=f"{each['over']:,}"))
    for label, each in metrics["too_small"].items():
        what = _("{label}: too few rows to measure").format(label=label)
        made.add_row(what, "-", _("{number} rows").format(number=f"{each['rows']:,} / {each['measured']:,}"))
    return made


def _unsure(labels: dict[str, Any]) -> Table:
    low, high = next(((each["unsure"]["low"], each["unsure"]["high"]) for each in labels.values()), (0, 0))
    title = _("Unsure: scores from {low} up to {high}").format(low=low, high=high)
    heads = (_("Share of all"), _("Wrong in it"), _("Wrong outside"), _("Precision above"), _("Share of the label"))
    made = table(title, _("Label"), _("Rows"), *heads)
    for label, values in labels.items():
        found = values["unsure"]
        cells = ("share", "wrong_share", "wrong_share_outside", "precision_above", "share_of_true")
        made.add_row(label, f"{found['rows']:,}", *(_share(found[name]) for name in cells))
    return made


def _slices(name: str, found: dict[str, Any]) -> Table:
    titles = {"source": _("By source"), "period": _("By quarter"), "region": _("By region (code of the province)")}
    heads = (_("Label"), _("Rows"), "AP", _("Precision"), _("Recall"), "F1", "ECE", "Brier")
    made = table(titles.get(name, name), _("Slice"), *heads)
    for key, each in found["slices"].items():
        shown = Text(key[:_LONGEST])  # from outside: no markup of a terminal
        whole = _("all: exact match {exact}").format(exact=_share(each["exact_match"]))
        made.add_row(shown, whole, f"{each['rows']:,}", "", "", "", _share(each["macro_f1"]), "", "")
        for label, values in each["labels"].items():
            rows = f"{values['rows']:,} / {values['measured']:,}"
            if values["too_small"]:
                made.add_row("", label, rows, _("too small"), "", "", "", "", "")
                continue
            cells = [values[figure]["value"] for figure in ("average_precision", "precision", "recall", "f1")]
            cells += [values["ece"], values["brier"]]
            made.add_row("", label, rows, *(f"{cell:.3f}" for cell in cells))
    return made


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _functional(functional: dict[str, Any]) -> Table:
    title = _("Functional tests: {right} of {sentences} right").format(**functional)
    made = table(title, _("Class"), _("Should flag"), _("Sentences"), _("Right"), _("Failed"))
    for name, values in functional["classes"].items():
        failed = values["failed"]
        shown = " ".join(failed[:_SHOWN]) + (f" +{len(failed) - _SHOWN}" if len(failed) > _SHOWN else "")
        flags = _("yes") if values["should_flag"] else _("no")
        made.add_row(name, flags, str(values["number"]), str(values["right"]), shown)
    return made


def _fairness(fairness: dict[str, Any]) -> Table:
    title = _("False alarms by who is named: {flagged} of {sentences}").format(**fairness)
    heads = (_("Who is named"), _("Neutral"), _("Critical"), _("Sentences"), _("Rate"), _("Mean score"))
    made = table(title, *heads)
    for family, values in fairness["families"].items():
        for group, counts in values["groups"].items():
            flagged = (str(counts["neutral_flagged"]), str(counts["critical_flagged"]), str(counts["sentences"]))
            made.add_row(f"{family}: {group}", *flagged, f"{counts['rate']:.3f}", f"{counts['mean_score']:.3f}")
    return made
