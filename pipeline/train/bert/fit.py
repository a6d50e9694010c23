"""Fine-tuning: epochs over shuffled batches of like length, stopped when the held-out fold no longer gets better."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipeline.classify.heads import HEADS, MODEL_LABELS, label_probabilities
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.train.bert.loss import Batch, class_weights, structured_loss
from pipeline.train.bert.net import BertNet
from pipeline.train.dataset import HateData
from pipeline.train.figures import average_precision
from pipeline.train.rows import Rows

Array = NDArray[np.float32]
Ids = Sequence[Sequence[int]]
Progress = Callable[[str, int, int], None]

PATIENCE = 1
"""Epochs in a row that may be no better."""
_WARM_UP = 0.1
_DECAY = 0.01
_POOL = 32  # batches that are sorted by length together, so that little is padded and the order stays random


@dataclass(frozen=True, slots=True)
class Plan:
    """How to fine-tune; the defaults are those with which BERTs are usually fine-tuned.

    Another number of `threads` adds up in another order, and gives other bytes.
    """

    seed: int = 0
    epochs: int = 4
    batch: int = 32
    length: int = 64
    learning_rate: float = 2e-5
    device: str = "auto"
    threads: int = 1

    def check(self) -> None:
        """Raise ConfigError for numbers that cannot work."""
        limits = {"epochs": (1, 1_000), "batch": (1, 4_096), "length": (8, 512), "threads": (1, 256)}
        for name, (least, most) in limits.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigError(
                    _("--{name} must be from {least} to {most}").format(name=name, least=least, most=most)
                )
        if not 0 < self.learning_rate <= 1:
            raise ConfigError(_("--learning-rate must be over 0 and at most 1; usual is 0.00002"))

    def as_dict(self) -> dict[str, Any]:
        """The plan for metrics.json."""
        return asdict(self)


def chosen_device(wanted: str) -> str:
    """cpu or cuda; raises ConfigError if a GPU was asked for and there is none."""
    found = torch.cuda.is_available()
    if wanted == "cuda" and not found:
        raise ConfigError(_("--device cuda: torch finds no GPU here; leave it out to train on the CPU"))
    return "cuda" if found and wanted != "cpu" else "cpu"


@contextmanager
def repeatable(plan: Plan) -> Iterator[None]:
    """Seeds, a fixed number of threads and deterministic algorithms; put back afterwards."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    threads, before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.manual_seed(plan.seed)
    torch.set_num_threads(plan.threads)
    torch.use_deterministic_algorithms(True, warn_only=torch.cuda.is_available())
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(before)


def fit(
    net: BertNet, rows: Rows, ids: Ids, held: HateData, held_ids: Ids, plan: Plan, progress: Progress
) -> dict[str, Any]:
    """Fine-tune in place, keep the best epoch, and say how it went; raises ConfigError if the loss leaves all bounds.

    After each epoch the mean average precision of our labels is taken on `held`, which also ends the training.
    """
    device = chosen_device(plan.device)
    net.to(device)
    batch, weights = Batch.of(rows, device), class_weights(rows).to(device)
    steps = plan.epochs * math.ceil(len(rows) / plan.batch)
    optimiser, schedule = _optimiser(net, plan.learning_rate, steps)
    order = np.random.default_rng(plan.seed)
    scaler = torch.amp.GradScaler("cuda", enabled=device == "cuda")
    best, told, kept = -1.0, [], {}
    for epoch in range(plan.epochs):
        net.train()
        losses = []
        batches = list(_batches(ids, plan.batch, order))
        for number, at in enumerate(batches):
            progress(f"epoch {epoch + 1}/{plan.epochs}", number, len(batches))
            losses.append(_step(net, batch, weights, at, ids, device, scaler, optimiser))
            schedule.step()
        if not all(map(math.isfinite, losses)):
            raise ConfigError(_("the training went out of bounds; try a smaller --learning-rate"))
        reached = _quality(held, logits_of(net, held_ids, plan.batch, device))
        told.append({"loss": round(float(np.mean(losses)), 4), "mean_average_precision": reached})
        if reached > best:
            best, kept = reached, {name: value.detach().cpu().clone() for name, value in net.state_dict().items()}
        elif len(told) - 1 - _best(told) >= PATIENCE + 1:
            break
    net.load_state_dict(kept)
    net.to("cpu").eval()
    return {"epochs": told, "kept": _best(told) + 1, "mixed_precision": device == "cuda", "device": device}


def _best(told: Sequence[dict[str, float]]) -> int:
    return int(np.argmax([epoch["mean_average_precision"] for epoch in told]))


def _step(
    net: BertNet, batch: Batch, weights: Any, at: NDArray[np.int64], ids: Ids, device: str, scaler: Any, optimiser: Any
) -> float:
    found, mask = padded([ids[row] for row in at])
    with torch.autocast(device, dtype=torch.float16, enabled=device == "cuda"):
        logits = net(found.to(device), mask.to(device))
    loss = structured_loss(logits.float(), batch.at(torch.from_numpy(at).to(device)), weights)
    optimiser.zero_grad()
    scaler.scale(loss).backward()
    scaler.unscale_(optimiser)
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    scaler.step(optimiser)
    scaler.update()
    return float(loss.detach())


def _optimiser(net: BertNet, rate: float, steps: int) -> tuple[Any, Any]:
    named = [(name, value) for name, value in net.named_parameters() if value.requires_grad]
    plain = [value for name, value in named if value.ndim > 1]
    bare = [value for name, value in named if value.ndim <= 1]
    groups = [{"params": plain, "weight_decay": _DECAY}, {"params": bare, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=rate)
    warm = max(1, int(steps * _WARM_UP))

    def share(step: int) -> float:
        return (step + 1) / warm if step < warm else max(0.0, (steps - step) / max(1, steps - warm))

    return optimiser, torch.optim.lr_scheduler.LambdaLR(optimiser, share)


def _batches(ids: Ids, size: int, order: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Rows in random batches, of like length within each."""
    shuffled = order.permutation(len(ids))
    found = []
    for start in range(0, len(ids), size * _POOL):
        pool = shuffled[start : start + size * _POOL]
        pool = pool[np.argsort([len(ids[row]) for row in pool], kind="stable")]
        found += [pool[at : at + size] for at in range(0, len(pool), size)]
    yield from (found[at] for at in order.permutation(len(found)))


def padded(rows: Ids) -> tuple[Any, Any]:
    """Ids and mask of a batch, shape (rows, tokens of the longest)."""
    width = max(map(len, rows))
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, : len(row)] = torch.tensor(row)
        mask[at, : len(row)] = 1
    return ids, mask


def logits_of(net: BertNet, ids: Ids, batch: int, device: str) -> Array:
    """Logits of rows in full precision, shape (rows, heads)."""
    net.eval()
    found = np.zeros((len(ids), len(HEADS)), np.float32)
    order = np.argsort([len(row) for row in ids], kind="stable")
    with torch.no_grad():
        for start in range(0, len(order), batch):
            at = order[start : start + batch]
            inputs, mask = padded([ids[row] for row in at])
            found[at] = net(inputs.to(device), mask.to(device)).float().cpu().numpy()
    return found


def _quality(data: HateData, logits: Array) -> float:
    """Mean average precision over our labels that some row has."""
    scores = label_probabilities(logits)
    truths = {label: truth for label, truth in data.derived.items() if truth.any()}
    found = [average_precision(truth, scores[:, MODEL_LABELS.index(label)])[0] for label, truth in truths.items()]
    return round(float(np.mean(found)), 4) if found else 0.0
