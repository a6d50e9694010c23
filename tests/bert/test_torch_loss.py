"""The loss against the probabilities that are served, and what a row without a label teaches: nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pipeline.classify.heads import GROUNDS, HEADS, MODEL_LABELS, TARGETS, label_probabilities
from pipeline.text import normalise
from pipeline.train.bert.loss import LARGEST_WEIGHT, Batch, class_weights, log_probabilities, structured_loss
from pipeline.train.counterexamples import counterexamples
from pipeline.train.rows import DERIVED, Rows, joined, written_rows

ROWS = 12
LOGITS = torch.randn((ROWS, len(HEADS)), generator=torch.Generator().manual_seed(0)) * 3
EVEN = torch.ones(len(HEADS))


def rows(number: int = ROWS) -> Rows:
    """Rows of which nothing is known."""
    heads, pairs = np.zeros((number, len(HEADS)), np.float32), np.zeros((number, 2), np.float32)
    texts = tuple(normalise(f"teks {at}") for at in range(number))
    one, groups = np.ones(number, np.float32), np.arange(number)
    return Rows(texts, heads, heads.astype(bool), pairs, pairs.astype(bool), one, groups, number)


def loss_of(found: Rows, logits: torch.Tensor = LOGITS) -> float:
    return float(structured_loss(logits, Batch.of(found, "cpu"), EVEN))


def test_what_the_loss_takes_for_a_label_is_what_is_served() -> None:
    served = label_probabilities(LOGITS.double().numpy())
    found = torch.exp(log_probabilities(LOGITS)).numpy()
    columns = [MODEL_LABELS.index(label) for label in DERIVED]
    assert np.allclose(found, served[:, columns], atol=1e-6)


def test_a_row_of_which_nothing_is_known_teaches_nothing() -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = structured_loss(logits, Batch.of(rows(), "cpu"), EVEN)
    loss.backward()
    assert loss.detach().item() == 0
    assert not logits.grad.any()


@pytest.mark.parametrize("label", DERIVED)
@pytest.mark.parametrize("answer", [True, False])
def test_a_row_with_a_label_alone_costs_minus_the_log_of_its_probability(label: str, answer: bool) -> None:
    made = rows()
    made.derived[:, DERIVED.index(label)], made.derived_known[:, DERIVED.index(label)] = answer, True
    served = label_probabilities(LOGITS.double().numpy())[:, MODEL_LABELS.index(label)]
    assert loss_of(made) == pytest.approx(-np.log(served if answer else 1 - served).mean(), rel=1e-3)


def test_targets_and_grounds_are_learnt_from_hate_alone() -> None:
    made = rows()
    made.known[:, :-1] = True
    made.truth[:, TARGETS.start + 2] = 1
    moved = LOGITS.clone()
    moved[:, TARGETS] += torch.arange(4.0)
    moved[:, GROUNDS] += 1
    assert loss_of(made) == pytest.approx(loss_of(made, moved))
    made.truth[:, 0] = 1
    assert loss_of(made) != pytest.approx(loss_of(made, moved))


def test_with_all_known_it_is_the_sum_of_the_parts() -> None:
    made = written_rows(counterexamples(1, 1)).only(np.arange(len(counterexamples(1, 1))) < ROWS)
    served = 1 / (1 + np.exp(-LOGITS.double().numpy()))
    target = torch.softmax(LOGITS.double()[:, TARGETS], dim=1).numpy()
    parts = -np.log(np.where(made.truth > 0, served, 1 - served))
    given = parts[:, TARGETS.stop : -1].sum(axis=1) - np.log((target * made.truth[:, TARGETS]).sum(axis=1))
    wanted = parts[:, 0] + parts[:, 1] + made.truth[:, 0] * given
    assert loss_of(made) == pytest.approx(wanted.mean(), rel=1e-4)


def test_a_row_counts_by_its_weight() -> None:
    made = rows(2)
    made.derived_known[:, 0] = True
    made.derived[0, 0] = 1
    heavy = replace(made, weights=np.array([3, 1], np.float32))
    one, other = (loss_of(made.only(np.arange(2) == at), LOGITS[at : at + 1]) for at in (0, 1))
    assert loss_of(heavy, LOGITS[:2]) == pytest.approx((3 * one + other) / 4)


def test_the_loss_stays_a_number_at_the_ends() -> None:
    made = rows(2)
    made.derived_known[:] = True
    made.derived[0] = 1
    for logit in (-60.0, 60.0):
        logits = torch.full((2, len(HEADS)), logit, requires_grad=True)
        loss = structured_loss(logits, Batch.of(made, "cpu"), EVEN)
        loss.backward()
        assert torch.isfinite(loss)
        assert torch.isfinite(logits.grad).all()


def test_rare_heads_weigh_more_within_bounds() -> None:
    found = class_weights(joined([written_rows(counterexamples(1, 1))])).numpy()
    assert ((found >= 1) & (found <= LARGEST_WEIGHT)).all()
    assert found[HEADS.index("abusive")] > found[HEADS.index("hate")]
    assert found[HEADS.index("hoax_style")] == 1
