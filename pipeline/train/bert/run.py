"""`kentongan train indobert`: from labelled data and a checkpoint to a folder that is served without torch."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.classify.bert import FORMAT, KIND, Net
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.train.bert.card import write_card
from pipeline.train.bert.measured import calibrated, measured, settings_from
from pipeline.train.dataset import Flags, HateData, grouped_folds
from pipeline.train.folder import as_json, manifest_of, new_folder, write_folder
from pipeline.train.report import Run, require_drawing
from pipeline.train.rows import WRITTEN_WEIGHT, Given, Rows, labelled_rows, read_labelled, subset
from pipeline.train.structured import one_thread
from pipeline.train.trained import FOLDS, Progress, about_data, about_rows, scored_of, silent, training_rows

LEAST_HELD = 5
CHOOSING, TESTING = 0, 1
"""The fold that ends the training and sets calibration and thresholds, and the one that the figures are taken on."""


def held_out(data: HateData, seed: int) -> tuple[Flags, Flags]:
    """The rows of the choosing and of the testing fold; raises ConfigError if there is too little of both in them."""
    folds = grouped_folds(data.groups, FOLDS, seed)
    found = folds == CHOOSING, folds == TESTING
    hate = data.labels["HS"]
    if any(min((hate & held).sum(), (~hate & held).sum()) < LEAST_HELD for held in found):
        raise ConfigError(
            _(
                "{rows} labelled rows are too few: in each of {folds} folds {least} must be hate and {least} must not, "
                "to choose and to measure on"
            ).format(rows=len(data), folds=FOLDS, least=LEAST_HELD)
        )
    return found


def train_indobert(
    labelled: Path, checkpoint: str, out: Path, *, date: str, progress: Progress = silent, **plan: Any
) -> Path:
    """Fine-tune, export, measure and write `out`/indobert-<date>; returns that folder.

    `labelled` is a CSV or a dataset's folder, `plan` the fields of `fit.Plan`. Same inputs, machine and CPU: same
    bytes. Raises ConfigError for wrong data, checkpoint or numbers, or without the extras `train` and `indobert`;
    ModelError if the exported net does not say what the trained one says.
    """
    target = new_folder(out, KIND, date)
    _check_extras()
    require_drawing()
    from pipeline.train.bert.fit import Plan, chosen_device, repeatable

    asked = Plan(**plan)
    asked.check()
    chosen_device(asked.device)
    with one_thread(), repeatable(asked):
        contents, run = _train(read_labelled(labelled), checkpoint, target.name, asked, progress)
    write_folder(target, manifest_of(target.name, FORMAT, run.labels, contents, length=asked.length), contents, run)
    return target


def _train(given: Given, checkpoint: str, name: str, plan: Any, progress: Progress) -> tuple[dict[str, bytes], Run]:
    from pipeline.train.bert.export import compare, export
    from pipeline.train.bert.fit import fit
    from pipeline.train.bert.net import load_checkpoint

    data = given.data
    choosing, testing = held_out(data, plan.seed)
    rows = training_rows(given, plan.seed, choosing | testing)
    net, tokenizer = load_checkpoint(checkpoint, plan.length)
    taken = {"name": Path(checkpoint).name if Path(checkpoint).is_dir() else checkpoint, "sha256": net.digest()}
    all_rows = labelled_rows(data)
    choose, test = all_rows.only(choosing), all_rows.only(testing)
    encode = _encoder(tokenizer, plan.length)
    told = fit(net, rows, encode(rows), subset(data, choosing), encode(choose), plan, progress)
    told["parameters"] = sum(each.numel() for each in net.parameters())
    told["truncated_share"] = round(_share_of(encode(all_rows), plan.length), 4)
    progress("export", 0, 1)
    full, small = export(net)
    served = Net(small, tokenizer.encode(), plan.length)
    agreement = compare(net, Net(full, tokenizer.encode(), plan.length), served, choose.texts)
    progress("measure", 0, 1)
    labels = settings_from(subset(data, choosing), served.logits(choose.texts))
    tested, logits = subset(data, testing), served.logits(test.texts)
    scores = calibrated(logits, labels)
    metrics = measured(tested, test.texts, logits, scores, labels, plan.seed) | {
        "agreement": agreement.as_dict(),
        "checkpoint": taken,
        "program": version("kentongan"),
        "training": plan.as_dict() | told,
        "data": _about(given, rows, plan.seed, int(choosing.sum()), int(testing.sum())),
    }
    card = write_card(name, metrics, labels, len(small))
    files = {"model.onnx": small, "tokenizer.json": tokenizer.encode(), "metrics.json": as_json(metrics)}
    parameters = plan.as_dict() | {"checkpoint": taken, "folds": FOLDS, "written_weight": WRITTEN_WEIGHT}
    run = Run(name, KIND, plan.seed, parameters, metrics["data"], labels, metrics, scored_of(tested, scores))
    return files | {"card.md": card.encode()}, run


def _encoder(tokenizer: str, length: int) -> Callable[[Rows], list[list[int]]]:
    """The very encoding of serving."""
    from tokenizers import Tokenizer

    from pipeline.classify.bert import encoded

    made = Tokenizer.from_str(tokenizer)
    made.enable_truncation(length)
    made.no_padding()
    return lambda rows: [encoded(made, text.tokens, length) for text in rows.texts]


def _share_of(ids: list[list[int]], length: int) -> float:
    """The share of texts that fill all places: they were cut, or end there by chance."""
    return sum(len(row) >= length for row in ids) / len(ids)


def _about(given: Given, rows: Rows, seed: int, choosing: int, testing: int) -> dict[str, Any]:
    counts = {"training_rows": len(rows), "choosing_rows": choosing, "measured_rows": testing, "folds": FOLDS}
    return about_data(given.data, seed, **counts, **about_rows(given, rows))


def _check_extras() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401 - torch's exporter needs it
        import tokenizers  # noqa: F401
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            _("training this kind needs torch and transformers: pip install 'kentongan[train,encoder,indobert]'")
        ) from error
