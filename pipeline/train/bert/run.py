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
from pipeline.train.bert.measured import calibrated, dataset_figures, figures, settings_from
from pipeline.train.counterexamples import counterexamples
from pipeline.train.dataset import Flags, HateData, grouped_folds
from pipeline.train.folder import as_json, manifest_of, new_folder, write_folder
from pipeline.train.rows import (
    WRITTEN_WEIGHT,
    Rows,
    joined,
    labelled_rows,
    read_labelled,
    subset,
    written_rows,
)
from pipeline.train.structured import one_thread

Progress = Callable[[str, int, int], None]

FOLDS = 5
LEAST_HELD = 5
CHOOSING, TESTING = 0, 1
"""The fold that ends the training and sets calibration and thresholds, and the one that the figures are taken on."""


def _silent(_what: str, _done: int, _of: int) -> None:
    return None


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
    labelled: Path, checkpoint: str, out: Path, *, date: str, progress: Progress = _silent, **plan: Any
) -> Path:
    """Fine-tune, export, measure and write `out`/indobert-<date>; returns that folder.

    `labelled` is a CSV or a dataset's folder, `plan` the fields of `fit.Plan`. Same inputs, machine and CPU: same
    bytes. Raises ConfigError for wrong data, checkpoint or numbers, or without the extras `train` and `indobert`;
    ModelError if the exported net does not say what the trained one says.
    """
    target = new_folder(out, KIND, date)
    _check_extras()
    from pipeline.train.bert.fit import Plan, chosen_device, repeatable

    asked = Plan(**plan)
    asked.check()
    chosen_device(asked.device)
    with one_thread(), repeatable(asked):
        data, decided = read_labelled(labelled)
        contents, labels = _train(data, decided, checkpoint, target.name, asked, progress)
    write_folder(target, manifest_of(target.name, FORMAT, labels, contents, length=asked.length), contents)
    return target


def _train(
    data: HateData, decided: Rows | None, checkpoint: str, name: str, plan: Any, progress: Progress
) -> tuple[dict[str, bytes], Any]:
    from pipeline.train.bert.export import compare, export
    from pipeline.train.bert.fit import fit
    from pipeline.train.bert.net import load_checkpoint

    choosing, testing = held_out(data, plan.seed)
    rows = _training_rows(data, decided, choosing | testing, plan.seed)
    net, tokenizer = load_checkpoint(checkpoint, plan.length)
    taken = {"name": Path(checkpoint).name if Path(checkpoint).is_dir() else checkpoint, "sha256": net.digest()}
    all_rows = labelled_rows(data)
    choose, test = all_rows.only(choosing), all_rows.only(testing)
    encode = _encoder(tokenizer, plan.length)
    told = fit(net, rows, encode(rows), subset(data, choosing), encode(choose), plan, progress)
    progress("export", 0, 1)
    full, small = export(net)
    served = Net(small, tokenizer.encode(), plan.length)
    agreement = compare(net, Net(full, tokenizer.encode(), plan.length), served, choose.texts)
    progress("measure", 0, 1)
    labels = settings_from(subset(data, choosing), served.logits(choose.texts))
    logits = served.logits(test.texts)
    tested = subset(data, testing)
    metrics = figures(tested, calibrated(logits, labels), labels, plan.seed)
    metrics["dataset"] = dataset_figures(tested, logits, plan.seed)
    metrics |= {
        "agreement": agreement.as_dict(),
        "checkpoint": taken,
        "program": version("kentongan"),
        "training": plan.as_dict()
        | told
        | {
            "parameters": sum(each.numel() for each in net.parameters()),
            "truncated_share": round(_share_of(encode(all_rows), plan.length), 4),
        },
        "data": _about(data, decided, rows, plan.seed, int(choosing.sum()), int(testing.sum())),
    }
    card = write_card(name, metrics, labels, len(small))
    files = {"model.onnx": small, "tokenizer.json": tokenizer.encode(), "metrics.json": as_json(metrics)}
    return files | {"card.md": card.encode()}, labels


def _training_rows(data: HateData, decided: Rows | None, held: Flags, seed: int) -> Rows:
    """Labelled rows that are not held out, decisions that are near duplicates of none held out, written sentences."""
    left = set(data.groups[held].tolist())
    if decided is not None:
        decided = decided.only(decided_outside(decided, left))
    return joined([labelled_rows(data).only(~held), decided, written_rows(counterexamples(seed))])


def decided_outside(decided: Rows, left: set[int]) -> Flags:
    """Which decisions belong to no group of these."""
    import numpy as np

    return np.array([group not in left for group in decided.groups.tolist()], bool)


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


def _about(data: HateData, decided: Rows | None, rows: Rows, seed: int, choosing: int, testing: int) -> dict[str, Any]:
    return {
        "name": "okky2019",
        "sha256": data.sha256,
        "rows": len(data),
        "decisions": 0 if decided is None else len(decided),
        "training_rows": len(rows),
        "choosing_rows": choosing,
        "measured_rows": testing,
        "written_rows": int((rows.groups < 0).sum()),
        "written_weight": WRITTEN_WEIGHT,
        "folds": FOLDS,
        "seed": seed,
    }


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
