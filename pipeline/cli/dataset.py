"""dataset import, build, show: what models are taught from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipeline.cli.common import Call, acting, as_option, dry_run_option, table, verb
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.ledger import audit


@click.group("dataset", help=_("What models are taught from: decisions of reviewers and labelled files."))
def dataset() -> None:
    """Verbs on datasets."""


@verb(
    "import",
    _("Check a labelled file and keep its masked texts and labels for `dataset build`."),
    'kentongan dataset import okky2019.csv --name okky2019 --licence "CC BY-NC-SA 4.0"',
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--name", required=True, help=_("What it is called from now on."))
@click.option("--licence", required=True, help=_("Under which it may be used; it stands in every card."))
@click.option("--map", "map_name", default="", help=_("Which map of dataset.maps fits the columns; else --name."))
def import_(call: Call, file: Path, name: str, licence: str, map_name: str) -> int:
    """Nothing is kept of a file that is refused."""
    from pipeline.train.imports import import_file
    from pipeline.train.stored import IMPORTED, datasets_folder

    maps = call.settings.dataset.maps
    mapping = maps.get(map_name or name)
    if mapping is None:
        raise ConfigError(
            _(
                "there is no map {name}: say which column is what under [dataset.maps.{name}] in your settings, or "
                "name one with --map; there are {known}"
            ).format(name=map_name or name, known=", ".join(sorted(maps)))
        )
    place = call.workplace()
    folder = datasets_folder(place.home.root) / IMPORTED
    most = call.settings.dataset.max_contradictions
    path, notes = import_file(file, folder, name=name, licence=licence, mapping=mapping, max_contradictions=most)
    call.show(
        {"imported": str(path)} | notes, _counts(_("Imported: {name}").format(name=name), {name: notes["counts"]})
    )
    if not call.as_json:
        for wrong in notes["contradictions"]:
            click.echo(_("row {row}: {says}").format(**wrong), err=True)
    return 0


@verb(
    "build",
    _("Make a dataset of the decisions in the ledger and of imported files, with its card."),
    "kentongan dataset build --with okky2019",
)
@click.option("--with", "files", multiple=True, metavar="NAME", help=_("An imported file to add; may be repeated."))
@click.option("--name", default="kentongan", show_default=True, help=_("The folder's name, before its hash."))
@click.option("--out", type=click.Path(path_type=Path), default=None, help=_("Another folder, which must be new."))
@click.option("--seed", default=0, show_default=True, help=_("Seed of folds and intervals."))
@dry_run_option
@as_option
def build(
    call: Call, files: tuple[str, ...], name: str, out: Path | None, seed: int, dry_run: bool, as_name: str
) -> int:
    """The same ledger, files and seed: the same dataset."""
    from pipeline.train.build import build_dataset

    place = call.workplace()
    actor = acting(call, place, as_name, "training")
    made = build_dataset(
        place,
        offices=actor.offices,
        name=name,
        files=files,
        moment=place.clock(),
        seed=seed,
        out=out,
        dry_run=dry_run,
    )
    if not dry_run:
        with place.ledger.write() as db:
            details = {"what": "dataset", "rows": made.manifest["rows"], "sha256": made.manifest["rows_sha256"]}
            for office in actor.offices:
                audit.note(db, "export", office=office, actor=actor.id, at=place.clock(), details=details)
    _show(call, made.manifest, str(made.folder or ""))
    if made.folder is not None and not call.as_json:
        says = _("It stands there already: {path}") if made.again else _("Written: {path}")
        click.echo(says.format(path=made.folder))
    return 0


@verb("show", _("A dataset's card; without a name the datasets and imported files."), "kentongan dataset show")
@click.argument("name", default="")
def show(call: Call, name: str) -> int:
    """It is read whole, so that damage shows."""
    from pipeline.train.stored import CARD, datasets_folder, list_datasets, list_imported, read_dataset

    datasets = datasets_folder(call.workplace_without_home().home.root)
    if not name:
        found = {"datasets": [path.name for path in list_datasets(datasets)], "imported": list_imported(datasets)}
        made = table(_("Datasets"), _("Name"), _("Kind"))
        for each in found["datasets"]:
            made.add_row(each, _("dataset"))
        for each in found["imported"]:
            made.add_row(each, _("imported file"))
        call.show(found, made)
        return 0
    folder = Path(name) if "/" in name else datasets / name
    read = read_dataset(folder)
    if call.as_json:
        call.show({"folder": str(folder), "hash": read.hash} | dict(read.manifest))
    else:
        try:
            click.echo((folder / CARD).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            text = _("the dataset {path} is damaged ({what}); remove the folder and build it again")
            raise ConfigError(text.format(path=folder, what=CARD)) from error
    return 0


dataset.add_command(import_)
dataset.add_command(build)
dataset.add_command(show)

VERBS = (dataset,)


def _show(call: Call, manifest: Any, folder: str) -> None:
    labels = table(_("Labels"), _("Label"), _("Fits"), _("Does not"), _("Unknown"), _("Disputed"), _("Fit to train"))
    for label, found in manifest["labels"].items():
        cells = [f"{found[name]:,}" for name in ("true", "false", "unknown", "disputed")]
        labels.add_row(label, *cells, _("yes") if found["trainable"] else _("no"))
    call.show({"dataset": folder} | dict(manifest), _counts(_("Texts"), manifest["counts"]), labels)


def _counts(title: str, counts: dict[str, dict[str, int]]) -> Any:
    made = table(title, _("From"), _("What became of them"), _("Number"))
    for origin, found in counts.items():
        for name, number in found.items():
            made.add_row(origin, name, f"{number:,}")
    return made
