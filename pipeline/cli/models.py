"""evaluate, models, promote, rollback: for the data scientist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from pipeline.cli.common import Call, table, verb
from pipeline.cli.model_tables import metric_tables
from pipeline.cli.promoting import diff, promote, rollback, standing
from pipeline.cli.shadow import shadow
from pipeline.cli.training import train
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)


@verb("evaluate", _("Measure a model on labelled rows."), "kentongan evaluate --hate okky2019.csv --report ukur")
@click.option("--hate", type=_FILE, default=None, help=_("The labelled tweets (CSV, columns as in okky2019)."))
@click.option("--dataset", default="", metavar="NAME", help=_("A dataset of the office; see: kentongan dataset show"))
@click.option("--functional-only", is_flag=True, help=_("Only the sentences of data/functional; no labelled file."))
@click.option("--model", type=_FOLDER, default=None, help=_("The model's folder; else the one in service."))
@click.option("--report", type=_FOLDER, default=None, help=_("A new folder for the page with charts and tables."))
def evaluate(
    call: Call, hate: Path | None, dataset: str, functional_only: bool, model: Path | None, report: Path | None
) -> int:
    """Metrics by label with intervals and by slice; functional tests by class; false alarms by who is named."""
    if [hate is not None, bool(dataset), functional_only].count(True) != 1:
        raise ConfigError(
            _("give one of these: a labelled file with --hate, a dataset with --dataset, or --functional-only")
        )
    if report is not None and (functional_only or report.exists()):
        raise ConfigError(
            _("{path} exists already; give another folder for --report").format(path=report)
            if report.exists()
            else _("--report needs labelled rows: --hate or --dataset")
        )
    place = call.workplace_without_home()
    metrics = _measured(model or place.model_folder, hate, dataset, place.home.root, report)
    call.show(metrics, *metric_tables(metrics))
    if metrics.get("trained_on_these_rows"):
        click.echo(_("The model was trained on these rows: believe the figures of its card instead."), err=True)
    if report is not None:
        click.echo(_("Written: {path}").format(path=report / "report.html"), err=call.as_json)
    return 0


def _measured(model: Path, hate: Path | None, dataset: str, home: Path, report: Path | None) -> dict[str, Any]:
    from pipeline.train import evaluate as measuring  # the flow never loads train/

    if hate is None and not dataset:
        return measuring.evaluate_functional(model)
    from pipeline.train import labelled
    from pipeline.train.report import require_drawing, write_pages
    from pipeline.train.stored import datasets_folder

    if report is not None:
        require_drawing()  # before minutes of work, not after
    folder = Path(dataset) if "/" in dataset else datasets_folder(home) / dataset
    rows = labelled.labelled_csv(hate) if hate is not None else labelled.labelled_dataset(folder)
    run = measuring.evaluate_rows(model, rows)
    if report is not None:
        write_pages(report, run)
    return dict(run.metrics)


@click.group("models", help=_("The models at hand."))
def models() -> None:
    """List and show."""


@verb("list", _("Models of this office and the shipped one; * is in service."), "kentongan models list")
def list_models(call: Call) -> int:
    """What there is."""
    place = call.workplace_without_home()
    served = {place.model_folder, place.ranker_folder}
    rows = [
        {"folder": str(folder), "in_service": folder in served, "standing": standing(place, folder)}
        for folder in place.model_folders()
    ]
    made = table(_("Models"), _("Folder"), _("In service"), _("What it is here"))
    for row in rows:
        made.add_row(str(row["folder"]), "*" if row["in_service"] else "", str(row["standing"]))
    call.show(rows, made)
    place.shadow.renew()
    for alarm in (*place.models.alarms, *place.shadow.alarms):
        click.echo(alarm, err=True)
    return 0


@verb("show", _("A model's card."), "kentongan models show tfidf-2026-11-25")
@click.argument("name", default="")
def show_model(call: Call, name: str) -> int:
    """The card as text; its metrics as JSON."""
    place = call.workplace_without_home()
    folder = next((each for each in place.model_folders() if each.name == name), None) if name else place.model_folder
    if folder is None:
        raise ConfigError(_("there is no model {name}; see: kentongan models list").format(name=name))
    if call.as_json:
        figures = folder / ("ranker.json" if folder.name.startswith("claims-") else "metrics.json")
        call.show(json.loads(figures.read_text(encoding="utf-8")))
    else:
        click.echo((folder / "card.md").read_text(encoding="utf-8"))
    return 0


models.add_command(list_models)
models.add_command(show_model)
models.add_command(diff)
models.add_command(shadow)

VERBS = (train, evaluate, models, promote, rollback)
