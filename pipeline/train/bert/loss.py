"""The loss, built like the labels: hate and abuse from every row, target and grounds given hate, all by what is known.

loss = BCE(hate) + BCE(abusive) + given hate: CE(target, four ways) + BCE(grounds)
of a row that has only `hate_group` or `incitement`: -log P(label), with P the product of `heads.label_probabilities`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from pipeline.classify.heads import GROUNDS, HEADS, TARGETS
from pipeline.train.rows import DERIVED, Rows

Tensor = Any

LARGEST_WEIGHT = 10.0
_ALONE = slice(0, 2)
_GIVEN = slice(TARGETS.stop, len(HEADS) - 1)
_TINY = 1e-6
_MEMBERS = {"hate_group": [1, 2, 3], "incitement": [1, 3]}
"""Which of the four targets make a label: a person named with incitement, a group, a group with incitement."""


@dataclass(frozen=True)
class Batch:
    """What is known of the rows of one step, as tensors."""

    truth: Tensor
    known: Tensor
    derived: Tensor
    derived_known: Tensor
    weights: Tensor

    @classmethod
    def of(cls, rows: Rows, device: str) -> Batch:
        """All rows as tensors."""
        arrays = (rows.truth, rows.known, rows.derived, rows.derived_known, rows.weights)
        return cls(*(torch.from_numpy(array.astype(np.float32)).to(device) for array in arrays))

    def at(self, rows: Tensor) -> Batch:
        """Some of the rows."""
        names = ("truth", "known", "derived", "derived_known", "weights")
        return Batch(*(getattr(self, name)[rows] for name in names))


def class_weights(rows: Rows) -> Tensor:
    """How much a true row of each head counts beside a false one: the root of false / true, from 1 to 10.

    The root, not the ratio: with the ratio rare grounds drown the rest, and the calibration must undo it all.
    """
    counts = rows.known * rows.weights[:, None]
    counts = np.concatenate([counts[:, _ALONE], counts[:, 2:] * rows.truth[:, :1]], axis=1)
    true = (counts * rows.truth).sum(axis=0)
    false = (counts * (1 - rows.truth)).sum(axis=0)
    found = np.where(true > 0, np.sqrt(false / np.maximum(true, _TINY)), 1)
    return torch.from_numpy(np.clip(found, 1, LARGEST_WEIGHT).astype(np.float32))


def structured_loss(logits: Tensor, batch: Batch, heads: Tensor) -> Tensor:
    """The mean loss a row, weighted; `logits` have shape (rows, heads), `heads` are `class_weights`."""
    hate = batch.truth[:, 0] * batch.known[:, 0]
    alone = _bce(logits, batch, heads, _ALONE).sum(dim=1)
    given = _bce(logits, batch, heads, _GIVEN).sum(dim=1)
    target = -(functional.log_softmax(logits[:, TARGETS], dim=1) * batch.truth[:, TARGETS] * heads[TARGETS]).sum(dim=1)
    target = target * batch.known[:, TARGETS].amin(dim=1)
    per_row = alone + hate * (given + target) + _derived_loss(logits, batch)
    return (per_row * batch.weights).sum() / batch.weights.sum().clamp_min(_TINY)


def log_probabilities(logits: Tensor) -> Tensor:
    """ln P of `hate_group` and `incitement`, shape (rows, 2), from the product structure of the labels."""
    hate = functional.logsigmoid(logits[:, 0])
    unnamed = functional.logsigmoid(-logits[:, GROUNDS]).sum(dim=1)
    named = torch.log(-torch.expm1(unnamed.clamp_max(-_TINY)))
    target = functional.log_softmax(logits[:, TARGETS], dim=1)
    found = [hate + named + torch.logsumexp(target[:, _MEMBERS[label]], dim=1) for label in DERIVED]
    return torch.stack(found, dim=1).clamp_max(-_TINY)


def _bce(logits: Tensor, batch: Batch, heads: Tensor, part: slice) -> Tensor:
    loss = functional.binary_cross_entropy_with_logits(
        logits[:, part], batch.truth[:, part], reduction="none", pos_weight=heads[part]
    )
    return loss * batch.known[:, part]


def _derived_loss(logits: Tensor, batch: Batch) -> Tensor:
    log_true = log_probabilities(logits)
    log_false = torch.log(-torch.expm1(log_true))
    loss = -(batch.derived * log_true + (1 - batch.derived) * log_false)
    return (loss * batch.derived_known).sum(dim=1)
