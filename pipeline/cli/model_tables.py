"""The tables that `kentongan evaluate` prints; its JSON holds more."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from pipeline.cli.common import table
from pipeline.core.i18n import _

_SHOWN = 4
"""Failed ids shown of each class: as many as fit a line of 100 letters; the JSON has all."""


def metric_tables(metrics: dict[str, Any]) -> list[Table]:
    """By label, if a labelled file was read; then the functional tests by class and false alarms by who is named."""
    made = [_labels(metrics["labels"])] if "labels" in metrics else []
    return [*made, _functional(metrics["functional"]), _fairness(metrics["fairness"])]


def _labels(labels: dict[str, Any]) -> Table:
    made = table(_("Metrics"), _("Label"), _("Rows"), "AP", _("Precision"), _("Recall"), "F1", "ECE", "Brier")
    for label, values in labels.items():
        cells = [values[name]["value"] for name in ("average_precision", "precision", "recall", "f1")]
        cells += [values["ece"], values["brier"]]
        made.add_row(label, f"{values['rows']:,}", *(f"{cell:.3f}" for cell in cells))
    return made


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
