"""What rows say of which only a label is known: the heads that it most likely stands for.

A reviewer says yes or no to `hate_group` and `incitement`, not to the thirteen heads. No to `hate_group` may mean that
a post is harmless, or that it insults an official. Every way in which the heads can make what was said is a *case*;
a model gives each case its probability, and what fits the cases that are left is taught.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.heads import GROUNDS, HEADS, TARGETS, sigmoid
from pipeline.train.rows import Rows

Floats = NDArray[Any]

_PERSON_PLAIN = 0
_INCITES = (1, 3)
_CASES = [
    (hate, named, target) for hate, named, target in product((0, 1), (0, 1), range(4)) if hate or not named + target
]
"""Is it hate; if so, is a named ground attacked, and which of the four targets; 9 cases."""


def _makes(label: int, case: tuple[int, int, int]) -> bool:
    """Whether a case makes `hate_group` (0) or `incitement` (1); as in `label_probabilities`."""
    hate, named, target = case
    return bool(hate and named and (target in _INCITES if label else target != _PERSON_PLAIN))


def completed(rows: Rows, logits: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """`truth` and `known` of the rows, where rows with a derived label get the expected share of each head.

    `logits`: a model's, shape (rows, heads). What the row knows of its heads itself stays as it is. A given-hate head
    counts as far as its row is hate, which the estimator sees to.
    """
    truth, known = rows.truth.astype(np.float64), rows.known.astype(np.float64)
    at = np.flatnonzero(rows.derived_known.any(axis=1))
    cases, ground = _cases(rows, at, logits[at])
    hate = cases[:, [case[0] == 1 for case in _CASES]].sum(axis=1)
    safe = np.where(hate > 0, hate, 1.0)
    named = cases[:, [case[1] == 1 for case in _CASES]].sum(axis=1) / safe
    filled = np.zeros((len(at), len(HEADS)))
    filled[:, 0] = hate
    for target in range(4):
        same = [case[0] == 1 and case[2] == target for case in _CASES]
        filled[:, TARGETS.start + target] = cases[:, same].sum(axis=1) / safe
    any_ground = np.maximum(1 - np.prod(1 - ground, axis=1), 1e-9)
    filled[:, GROUNDS] = named[:, None] * np.minimum(ground / any_ground[:, None], 1)
    learnt = np.zeros(len(HEADS), bool)
    learnt[[0, *range(*TARGETS.indices(len(HEADS))), *range(*GROUNDS.indices(len(HEADS)))]] = True
    own = rows.known[at]
    truth[at] = np.where(own, truth[at], filled)
    known[at] = np.where(own, known[at], learnt[None, :])
    return truth, known


def _cases(rows: Rows, at: NDArray[np.intp], logits: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """The probability of each case given what was said, shape (rows, cases), and of each named ground given hate."""
    ground = sigmoid(logits[:, GROUNDS].astype(np.float64)).astype(np.float64)
    own = rows.known[at][:, GROUNDS]
    ground = np.where(own, rows.truth[at][:, GROUNDS], ground)
    named = np.clip(1 - np.prod(1 - ground, axis=1), 1e-6, 1 - 1e-6)
    hate = np.clip(sigmoid(logits[:, 0].astype(np.float64)), 1e-6, 1 - 1e-6)
    hate = np.where(rows.known[at][:, 0], np.clip(rows.truth[at][:, 0], 1e-6, 1 - 1e-6), hate)
    exp = np.exp(logits[:, TARGETS] - logits[:, TARGETS].max(axis=1, keepdims=True))
    target = np.maximum(exp / exp.sum(axis=1, keepdims=True), 1e-6)
    columns = []
    for case in _CASES:
        is_hate, is_named, aimed = case
        share = (named if is_named else 1 - named) * target[:, aimed] * hate if is_hate else 1 - hate
        for label in (0, 1):
            said, known = rows.derived[at, label] > 0, rows.derived_known[at, label]
            share = np.where(known & (said != _makes(label, case)), 0.0, share)
        columns.append(share)
    found = np.stack(columns, axis=1)
    return found / np.maximum(found.sum(axis=1, keepdims=True), 1e-12), ground
