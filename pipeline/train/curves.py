"""The two curves that a run leaves for each label: how well its scores are calibrated, and what a threshold costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.shift import wilson
from pipeline.train.dataset import Flags
from pipeline.train.figures import brier, calibration_error

Scores = NDArray[np.float32] | NDArray[np.float64]

BINS = 10
GRID = tuple(round(step / 20, 2) for step in range(1, 20))


def reliability(truth: Flags, scores: Scores) -> dict[str, Any]:
    """Of ten equally wide steps of the score: rows, mean score, and the share that is true with its 95 % interval.

    A step without rows is left out: there is nothing to say of it.
    """
    place = np.minimum((scores * BINS).astype(int), BINS - 1)
    bins = []
    for at in np.unique(place):
        held = place == at
        rows, hits = int(held.sum()), int(truth[held].sum())
        low, high = wilson(hits, rows)
        bins.append(
            {
                "from": round(int(at) / BINS, 2),
                "to": round((int(at) + 1) / BINS, 2),
                "rows": rows,
                "true": hits,
                "mean_score": round(float(scores[held].mean()), 4),
                "share": round(hits / rows, 4),
                "low": round(low, 4),
                "high": round(high, 4),
            }
        )
    ece, loss = round(calibration_error(truth, scores), 4), round(brier(truth, scores), 4)
    return {"rows": len(truth), "true": int(truth.sum()), "ece": ece, "brier": loss, "bins": bins}


def threshold_table(truth: Flags, scores: Scores, chosen: float) -> list[dict[str, Any]]:
    """What each threshold of a grid would do, and the chosen one: what is flagged, and how much of it is right.

    `precision` is None where nothing is over the threshold. `per_1000` counts flags among 1,000 rows like these.
    """
    steps = sorted({*GRID, round(chosen, 4)})
    return [_at(truth, scores, step, step == round(chosen, 4)) for step in steps]


def _at(truth: Flags, scores: Scores, threshold: float, chosen: bool) -> dict[str, Any]:
    over = scores >= threshold
    hits, flags, true = int((truth & over).sum()), int(over.sum()), int(truth.sum())
    return {
        "threshold": threshold,
        "over": flags,
        "right": hits,
        "precision": round(hits / flags, 4) if flags else None,
        "recall": round(hits / true, 4) if true else None,
        "f1": round(2 * hits / (flags + true), 4) if flags + true else None,
        "per_1000": round(1000 * flags / len(truth), 2),
        "chosen": chosen,
    }
