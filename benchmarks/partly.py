"""What rows with `hate_speech` and `abusive` alone add to a model, on labelled rows of which these are the most part.

    python benchmarks/partly.py --hate okky2019.csv

One fold of five is held out. Of the others a quarter is taught whole; then the rest with these two labels; then all.
Average precision by label, in per cent; near duplicates stand on one side. About a minute on one core.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline.classify.features import Vectoriser, Vocabulary
from pipeline.classify.heads import MODEL_LABELS, label_probabilities
from pipeline.train.dataset import HateData, grouped_folds, read_hate
from pipeline.train.figures import average_precision
from pipeline.train.rows import ALONE, Given, Partly, labelled_rows, subset
from pipeline.train.structured import StructuredLogisticRegression, one_thread
from pipeline.train.tfidf import LEAST
from pipeline.train.trained import FOLDS, training_rows

_WHOLE = 4  # one part in so many is taught with all columns


def main() -> None:
    """Print one JSON object: what was taught -> label -> average precision."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--hate", type=Path, required=True)
    data = read_hate(parser.parse_args().hate)
    folds = grouped_folds(data.groups, FOLDS, 0)
    held, rest = subset(data, folds == 0), subset(data, folds != 0)
    whole = grouped_folds(rest.groups, _WHOLE, 1) == 0
    few = subset(rest, whole)
    with one_thread():
        partly = _two_labels(subset(rest, ~whole))
        given = {"a quarter": Given(few), "and two labels of the rest": Given(few, None, partly), "all": Given(rest)}
        print(json.dumps({name: _precision(each, held) for name, each in given.items()}, indent=2))


def _two_labels(data: HateData) -> Partly:
    rows = labelled_rows(data)
    known = np.zeros_like(rows.known)
    known[:, : len(ALONE)] = True
    return Partly(replace(rows, known=known, truth=rows.truth * known, measured=0), {})


def _precision(given: Given, held: HateData) -> dict[str, float]:
    rows, asked = training_rows(given, 0), labelled_rows(held)
    vectoriser = Vectoriser(Vocabulary.learn(rows.texts, LEAST))
    model = StructuredLogisticRegression().fit(vectoriser.matrix(rows.texts), rows)
    scores = label_probabilities(model.decision_function(vectoriser.matrix(asked.texts)))
    found = {
        label: float(average_precision(truth, scores[:, MODEL_LABELS.index(label)])[0])
        for label, truth in held.derived.items()
    }
    found["mean"] = float(np.mean(list(found.values())))
    return {label: round(100 * value, 1) for label, value in found.items()}


if __name__ == "__main__":
    main()
