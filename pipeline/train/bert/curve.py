"""What a second reading gives and costs: a cascade's scores by how wide the band is in which it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.cascade import ASKED, in_band, merged
from pipeline.classify.heads import MODEL_LABELS, log_odds, sigmoid
from pipeline.train.dataset import Flags
from pipeline.train.figures import average_precision, f1
from pipeline.train.thresholds import GRID

Array = NDArray[np.float32]
Bands = Mapping[str, tuple[float, float]]
Said = Mapping[str, tuple[Flags, Flags]]

WIDTHS = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0)
"""Half-widths of the band in log-odds, on both sides of the first model's threshold; 0 is no band."""


def together(first: Array, second: Array, bands: Bands) -> Array:
    """The scores of the cascade with these bands; all of shape (rows, labels)."""
    asked = in_band(first, bands)
    return merged(first, second[asked], asked)


def worth(first: Array, second: Array, said: Said, bands: Bands) -> dict[str, Any]:
    """What these bands cost (the share of texts that are read twice) and what they give for the labels that may flag.

    `said`: (known, true) of each row by label.
    """
    scores = together(first, second, bands)
    quality, best = [], []
    for label in ASKED:
        known, true = said[label]
        truth, mine = true[known], scores[known, MODEL_LABELS.index(label)]
        quality.append(float(average_precision(truth, mine)[0]))
        best.append(max(float(f1(truth, mine >= limit)[0]) for limit in GRID))
    return {
        "share": round(float(in_band(first, bands).mean()), 4),
        "average_precision": round(float(np.mean(quality)), 4),
        "f1": round(float(np.mean(best)), 4),
    }


def cost_curve(first: Array, second: Array, said: Said, limits: Mapping[str, float]) -> list[dict[str, Any]]:
    """`worth` of each width around the first model's thresholds; None, the last one, is all texts."""
    return [{"width": width} | worth(first, second, said, bands_of(width, limits)) for width in (*WIDTHS, None)]


def bands_of(width: float | None, limits: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    """The band of each label, so wide in log-odds around the first model's threshold; None: every score."""
    if width is None:
        return dict.fromkeys(ASKED, (0.0, 1.0))
    found = {}
    for label in ASKED:
        middle = log_odds(np.array([limits[label]], np.float32))[0]
        low, high = sigmoid(np.array([middle - width, middle + width], np.float64)).round(4).tolist()
        found[label] = (low, high)
    return found
