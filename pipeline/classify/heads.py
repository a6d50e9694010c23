"""From the logits of the model's heads to the probabilities of DESIGN's labels.

The public labels obey a structure in all 13,169 rows of okky2019, and the model is built like it: is it hate (in that
dataset's wide sense); given that, at whom and how (one softmax over target and incitement) and on which ground. Only
products of these make DESIGN's labels: an insult to an official is hate in the wide sense, on no named ground, and so
has a low `hate_group`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Floats = NDArray[np.float32] | NDArray[np.float64]

HEADS = (
    "hate",
    "abusive",
    "person_plain",
    "person_incite",
    "group_plain",
    "group_incite",
    "religion",
    "race",
    "gender",
    "physical",
    "other",
    "communism",
    "hoax_style",
)
"""Heads in the order of the weights' columns. Those from `person_plain` to `group_incite` are one softmax given hate,
the grounds are six logistic regressions given hate; the rest stand alone."""

TARGETS = slice(2, 6)
GROUNDS = slice(6, 10)
"""The named grounds. `other` and `communism` (which the dataset files under race) are learnt only to compare with
published results: they make no label."""

MODEL_LABELS = (
    "hate_group",
    "incitement",
    "insult_person",
    "abusive",
    "ground_religion",
    "ground_race",
    "ground_gender",
    "ground_physical",
    "hoax_style",
    "hate_speech",
)
"""What the model gives, in the order of `label_probabilities`. `threat` comes from rules, `hoax_claim` from claims."""

UNSURE = (0.3, 0.7)
"""Calibrated scores from the first up to the second, where at least three of ten answers are wrong either way: the
model is unsure, and a person looks first."""


def sigmoid(logits: Floats) -> Array:
    """1 / (1 + exp(-logits)) without overflow."""
    return (0.5 * (1 + np.tanh(0.5 * logits))).astype(logits.dtype)


def label_probabilities(logits: Floats) -> Array:
    """Probabilities before calibration, shape (texts, labels), of logits with shape (texts, heads)."""
    hate = sigmoid(logits[:, :1])
    exp = np.exp(logits[:, TARGETS] - logits[:, TARGETS].max(axis=1, keepdims=True))
    person_plain, person_incite, group_plain, group_incite = (exp / exp.sum(axis=1, keepdims=True)).T
    grounds = sigmoid(logits[:, GROUNDS])
    unnamed = np.prod(1 - grounds, axis=1)
    named = 1 - unnamed
    at_group = hate[:, 0] * named * (person_incite + group_plain + group_incite)
    incites = hate[:, 0] * named * (person_incite + group_incite)
    at_person = hate[:, 0] * unnamed * (person_plain + person_incite)
    columns = [
        at_group,
        incites,
        at_person,
        sigmoid(logits[:, 1]),
        *(hate * grounds).T,
        sigmoid(logits[:, -1]),
        hate[:, 0],
    ]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """How one label's probability is calibrated (Platt: slope and offset on its log-odds) and where its threshold lies.

    `base_rate` is the share of training texts with the label: the score of a text that says nothing.
    """

    slope: float
    offset: float
    threshold: float
    base_rate: float
    purpose: str


def log_odds(probabilities: Array) -> Array:
    """ln(p / (1 - p)), of probabilities kept within 1e-6 of 0 and 1."""
    safe = np.clip(probabilities, 1e-6, 1 - 1e-6)
    return np.log(safe) - np.log1p(-safe)


def calibrated_log_odds(logits: Floats, slopes: Array, offsets: Array) -> Array:
    """Log-odds of each label after calibration, shape (texts, labels)."""
    return log_odds(label_probabilities(logits)) * slopes + offsets
