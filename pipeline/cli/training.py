"""train tfidf, indobert, cascade, claims: models made again from labelled data."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pipeline.cli.common import Call, progress_bar, table, verb
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

_FILE = click.Path(path_type=Path, dir_okay=False)
_FOLDER = click.Path(path_type=Path, file_okay=False)
_THREADS = min(4, os.cpu_count() or 1)  # more than there are is many times slower

_hate = click.option("--hate", type=_FILE, default=None, help=_("The labelled tweets (CSV, columns as in okky2019)."))
_dataset = click.option(
    "--dataset", default="", metavar="NAME", help=_("A dataset of the office; see: kentongan dataset show")
)
_out = click.option("--out", type=_FOLDER, required=True, help=_("Where the model's folder is made."))
_date = click.option("--date", required=True, help=_("Stands in the model's name; not taken from the clock."))


@click.group("train", help=_("Make a model again from labelled files (needs the extra `train`)."))
def train() -> None:
    """Kinds of models."""


@verb(
    "tfidf",
    _("Train the default model; writes <out>/tfidf-<date>/ with its card."),
    "kentongan train tfidf --hate okky2019.csv --date 2026-11-21 --out models",
)
@_hate
@_dataset
@click.option("--hoax", type=_FOLDER, default=None, help=_("Folder of debunked hoaxes, for hoax_style."))
@click.option("--news", type=_FOLDER, default=None, help=_("Folder of ordinary news, for hoax_style."))
@_out
@_date
@click.option("--seed", default=0, show_default=True, help=_("Seed of folds and solvers."))
def tfidf(
    call: Call, hate: Path | None, dataset: str, hoax: Path | None, news: Path | None, out: Path, date: str, seed: int
) -> int:
    """Same data and seed: the same model."""
    labelled = _labelled(call, hate, dataset)
    from pipeline.train.tfidf import train_tfidf  # loads scikit-learn

    with _stages() as progress:
        folder = train_tfidf(labelled, hoax, news, out, seed=seed, date=date, progress=progress)
    return _made(call, folder)


@verb(
    "indobert",
    _("Fine-tune a BERT; writes <out>/indobert-<date>/, which is served without torch."),
    "kentongan train indobert --hate okky2019.csv --checkpoint indobenchmark/indobert-base-p1 "
    "--date 2026-12-01 --out models",
)
@_hate
@_dataset
@click.option("--checkpoint", required=True, help=_("Folder, or name on the hub, of a BERT-like net."))
@_date
@_out
@click.option("--seed", default=0, show_default=True, help=_("Seed of folds, order and weights."))
@click.option("--epochs", default=4, show_default=True, help=_("At most; it ends earlier if it gets no better."))
@click.option("--batch", default=32, show_default=True, help=_("Texts of one step."))
@click.option("--length", default=64, show_default=True, help=_("Tokens of a text that are read."))
@click.option("--learning-rate", default=2e-5, show_default=True, help=_("Larger for a net that knows nothing yet."))
@click.option(
    "--threads", default=_THREADS, show_default=True, help=_("Of the processor; other bytes with another number.")
)
@click.option("--device", type=click.Choice(("auto", "cpu", "cuda")), default="auto", show_default=True)
def indobert(
    call: Call, hate: Path | None, dataset: str, checkpoint: str, date: str, out: Path, device: str, **plan: Any
) -> int:
    """Same data, checkpoint and seed on one machine's CPU: the same model."""
    from pipeline.train.bert.run import train_indobert

    labelled = _labelled(call, hate, dataset)
    with _stages() as progress:
        folder = train_indobert(
            labelled,
            checkpoint,
            out,
            date=date,
            device=device,
            progress=progress,
            **plan,
        )
    return _made(call, folder)


@verb(
    "cascade",
    _("Join TF-IDF and a fine-tuned BERT; writes <out>/cascade-<date>/."),
    "kentongan train cascade --tfidf models/tfidf-2026-11-25 --indobert out/indobert-2026-12-01 "
    "--hate okky2019.csv --date 2026-12-01 --out models",
)
@click.option("--tfidf", type=_FOLDER, required=True, help=_("The model that reads every text."))
@click.option("--indobert", "second", type=_FOLDER, required=True, help=_("The model that reads what is unsure."))
@_hate
@_dataset
@_date
@_out
@click.option("--seed", default=0, show_default=True, help=_("Seed of folds and intervals."))
@click.option("--band", type=(float, float), default=None, metavar="LOW HIGH", help=_("Ask the second between these."))
def cascade(
    call: Call,
    tfidf: Path,
    second: Path,
    hate: Path | None,
    dataset: str,
    date: str,
    out: Path,
    seed: int,
    band: tuple[float, float] | None,
) -> int:
    """The narrowest band of scores that brings nearly all that BERT gains."""
    from pipeline.train.bert.cascade import train_cascade

    labelled = _labelled(call, hate, dataset)
    with _stages() as progress:
        folder = train_cascade(
            tfidf,
            second,
            labelled,
            out,
            date=date,
            seed=seed,
            band=band,
            progress=progress,
        )
    return _made(call, folder)


@verb(
    "claims",
    _("Train the ranker of claims; writes <out>/claims-<date>/ with its card."),
    "kentongan train claims --hoax hoax --tweets okky2019.csv --news news.parquet --date 2026-11-25 --out models",
)
@click.option("--hoax", type=_FOLDER, required=True, help=_("Folder of debunked hoaxes with their headings."))
@click.option("--tweets", type=_FILE, required=True, help=_("Ordinary posts (CSV with a column text)."))
@click.option("--news", type=_FILE, required=True, help=_("Ordinary news (Parquet with title and text)."))
@click.option("--out", type=_FOLDER, required=True, help=_("Where the model's folder is made."))
@click.option("--date", required=True, help=_("Stands in the model's name; not taken from the clock."))
@click.option("--seed", default=0, show_default=True, help=_("Seed of folds and solvers."))
def claims(call: Call, hoax: Path, tweets: Path, news: Path, out: Path, date: str, seed: int) -> int:
    """Same files and seed: the same ranker."""
    from pipeline.train.claims import train_claims  # loads scikit-learn

    with _stages() as progress:
        folder = train_claims(hoax, tweets, news, out, seed=seed, date=date, progress=progress)
    return _made(call, folder)


@contextmanager
def _stages() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar that is told as the trainers tell: (what, done, of)."""
    with progress_bar() as progress:
        yield lambda name, _done, _total: progress(name, 1)


def _labelled(call: Call, hate: Path | None, dataset: str) -> Path:
    if (hate is None) == (not dataset):
        raise ConfigError(_("give labelled data: either --hate FILE or --dataset NAME"))
    if hate is not None:
        return hate
    from pipeline.train.stored import datasets_folder

    if "/" in dataset:
        return Path(dataset)
    return datasets_folder(call.workplace_without_home().home.root) / dataset


def _made(call: Call, folder: Path) -> int:
    call.show({"model": str(folder)}, table(_("Trained: {name}").format(name=folder.name)))
    return 0


for _command in (tfidf, indobert, cascade, claims):
    train.add_command(_command)
