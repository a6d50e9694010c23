"""Learning from decisions, of which only a label is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import GROUNDS, HEADS, MODEL_LABELS, TARGETS, label_probabilities
from pipeline.text import normalise
from pipeline.train.counterexamples import counterexamples
from pipeline.train.measure import measure_said
from pipeline.train.partial import completed
from pipeline.train.rows import Rows, joined, written_rows
from pipeline.train.structured import StructuredLogisticRegression, one_thread
from pipeline.train.thresholds import label_settings


def _decided(texts: list[str], hate_group: list[bool | None], incitement: list[bool | None]) -> Rows:
    said = [[bool(a), bool(b)] for a, b in zip(hate_group, incitement, strict=True)]
    known = [[a is not None, b is not None] for a, b in zip(hate_group, incitement, strict=True)]
    count, heads = len(texts), len(HEADS)
    return Rows(
        tuple(map(normalise, texts)),
        np.zeros((count, heads), np.float32),
        np.zeros((count, heads), bool),
        np.array(said, np.float32).reshape(count, 2),
        np.array(known, bool).reshape(count, 2),
        np.ones(count, np.float32),
        np.arange(count),
        0,
    )


_logits = st.lists(st.floats(-12, 12, width=32), min_size=len(HEADS), max_size=len(HEADS))
_said = st.sampled_from(
    [(True, None), (False, None), (True, True), (True, False), (False, False), (None, True), (None, False)]
)


@given(_logits, _said)
def test_what_is_taught_is_what_was_said(logits: list[float], said: tuple[bool | None, bool | None]) -> None:
    rows = _decided(["x"], [said[0]], [said[1]])
    truth, known = completed(rows, np.array([logits], np.float32))
    hate, target, grounds = truth[0, 0], truth[0, TARGETS], truth[0, GROUNDS]
    assert ((truth >= -1e-9) & (truth <= 1 + 1e-9)).all()
    assert np.isfinite(truth).all()
    assert target.sum() == pytest.approx(1, abs=1e-6)
    if said[0] or said[1]:
        assert hate == pytest.approx(1, abs=1e-6)
        assert grounds.sum() >= 1 - 1e-6  # some ground is named
    if said[0]:
        assert target[0] == pytest.approx(0, abs=1e-6)  # not a mere insult to a person
    if said[1]:
        assert target[[0, 2]].sum() == pytest.approx(0, abs=1e-6)
    if said == (True, False):
        assert target[[1, 3]].sum() == pytest.approx(0, abs=1e-6)
    assert known[0, 0] == 1
    assert not known[0, [1, HEADS.index("other"), HEADS.index("communism"), len(HEADS) - 1]].any()


def test_a_no_to_hate_group_takes_from_the_model_what_the_no_denies() -> None:
    logits = np.zeros((2, len(HEADS)), np.float32)
    logits[:, 0], logits[:, GROUNDS] = [3, -3], -1
    truth, _known = completed(_decided(["a", "b"], [False, False], [None, None]), logits)
    assert truth[0, 0] > 0.5  # still likely hate in the wide sense: an insult
    assert truth[1, 0] < 0.1
    assert (truth[0, GROUNDS] < 0.27).all()  # less likely than before


def test_what_a_reviewer_said_of_the_grounds_stands() -> None:
    rows = _decided(["a"], [True], [None])
    rows.truth[0, GROUNDS.start] = 1
    rows.known[0, GROUNDS] = True
    truth, known = completed(rows, np.zeros((1, len(HEADS)), np.float32))
    assert truth[0, GROUNDS].tolist() == [1, 0, 0, 0]
    assert known[0, GROUNDS].all()


def test_decisions_teach_a_word_that_no_labelled_row_has() -> None:
    written = written_rows(counterexamples(0, 1))
    written = replace(written, weights=np.ones(len(written), np.float32))
    attacks = [f"orang batak {word} blengur" for word in ("itu", "semua", "memang", "kok", "ya", "sih")]
    fine = [f"orang batak {word} mentorak" for word in ("itu", "semua", "memang", "kok", "ya", "sih")]
    decided = _decided(attacks + fine, [True] * 6 + [False] * 6, [False] * 6 + [None] * 6)
    scores = []
    with one_thread():
        for rows in (written, joined([decided, written])):
            vectoriser = Vectoriser(Vocabulary.learn(rows.texts, (1, 2, 1)))
            model = StructuredLogisticRegression().fit(vectoriser.matrix(rows.texts), rows)
            found = model.decision_function(vectoriser.matrix(["orang nias blengur", "orang nias mentorak"]))
            scores.append(label_probabilities(found)[:, MODEL_LABELS.index("hate_group")])
    assert scores[0][0] == pytest.approx(scores[0][1], abs=0.05)  # neither word is known
    assert scores[1][0] > scores[1][1] + 0.2


def test_figures_of_decisions_need_some_of_both() -> None:
    logits = np.zeros((20, len(HEADS)), np.float32)
    logits[:10, 0], logits[:10, GROUNDS] = 5, 5
    logits[10:, 0] = -5
    truth = np.array([True] * 10 + [False] * 10)
    labels = {
        label: label_settings(label, (1.0, 0.0), truth, truth.astype(np.float32), truth) for label in MODEL_LABELS
    }
    known, nobody = np.ones(20, bool), np.zeros(20, bool)
    whole = measure_said({"hate_group": (known, truth), "incitement": (nobody, truth)}, logits, labels)
    assert whole["hate_group"]["rows"] == 20
    assert whole["hate_group"]["average_precision"] == 1
    assert whole["incitement"] == {"rows": 0, "true": 0, "over": 0}
