"""The estimator: logistic regressions that together have the structure of the labels, fitted on rows of features."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.classify.heads import HEADS, LabelSettings, log_odds
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.train.dataset import Flags

Array = NDArray[np.float32]

_GROUND_COLUMNS = ("religion", "race", "gender", "physical", "other", "communism")
_MAX_ITERATIONS = 500
_TOLERANCE = 1e-5


def logistic_regression(c: float) -> Any:
    """scikit-learn's logistic regression; raises ConfigError that says how to install it."""
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise ConfigError(_("training needs scikit-learn: pip install 'kentongan[train]'")) from error
    return LogisticRegression(C=c, solver="lbfgs", max_iter=_MAX_ITERATIONS, tol=_TOLERANCE)


@contextmanager
def one_thread() -> Iterator[None]:
    """One BLAS thread, so that training twice gives the same bytes; raises ConfigError without the extra `train`."""
    try:
        import sklearn.linear_model  # noqa: F401 - loads its BLAS: only what is loaded by now is held to one thread
        from threadpoolctl import threadpool_limits
    except ImportError as error:
        raise ConfigError(_("training needs scikit-learn: pip install 'kentongan[train]'")) from error
    with threadpool_limits(limits=1):
        yield


class StructuredLogisticRegression:
    """P(hate), P(abusive), and given hate one softmax of target and incitement and five grounds.

    `C` is the inverse strength of regularisation for what is learnt from all rows, `C_given_hate` for the rest. With
    all hate rows of the training data having one target, say, a head cannot be fitted and answers what it saw.
    """

    def __init__(self, C: float = 4.0, C_given_hate: float = 8.0) -> None:
        self.C = C
        self.C_given_hate = C_given_hate

    def fit(
        self, features: sp.csr_array, labels: dict[str, Flags], weights: NDArray[np.float64] | None = None
    ) -> StructuredLogisticRegression:
        """Learn `coef_` (features, heads) and `intercept_` (heads); the column of `hoax_style` stays empty."""
        rows = features.shape[0]
        if any(len(column) != rows for column in labels.values()) or not labels["HS"].any():
            raise ValueError("labels must have one value a row and hold at least one row of hate")
        weights = np.ones(rows) if weights is None else weights
        hate = labels["HS"]
        given, given_weights = features[hate], weights[hate]
        target = (2 * labels["HS_Group"] + labels["HS_Strong"]).astype(int)
        parts = [
            fit_head(features, hate, weights, self.C),
            fit_head(features, labels["Abusive"], weights, self.C),
            fit_softmax(given, target[hate], given_weights, self.C_given_hate, classes=4),
            *(fit_head(given, labels[name][hate], given_weights, self.C_given_hate) for name in _GROUND_COLUMNS),
            _constant(features.shape[1], np.array([_sure(False)])),
        ]
        self.coef_ = np.concatenate([coef for coef, _bias in parts], axis=1)
        self.intercept_ = np.concatenate([bias for _coef, bias in parts])
        if len(self.intercept_) != len(HEADS):
            raise AssertionError("the heads of the estimator are not those of the model")
        return self

    def decision_function(self, features: sp.csr_array) -> Array:
        """Logits, shape (rows, heads)."""
        return np.asarray(features @ self.coef_ + self.intercept_, np.float32)


def fit_head(features: sp.csr_array, truth: Flags, weights: NDArray[np.float64], c: float) -> tuple[Array, Array]:
    """Weights (features, 1) and bias (1) of one logistic regression; a head with one class answers that class."""
    if truth.all() or not truth.any():
        return _constant(features.shape[1], np.array([_sure(bool(truth.all()))]))
    model = logistic_regression(c).fit(features, truth.astype(int), sample_weight=weights)
    return model.coef_.T.astype(np.float32), model.intercept_.astype(np.float32)


def fit_softmax(
    features: sp.csr_array, target: NDArray[np.int64], weights: NDArray[np.float64], c: float, classes: int
) -> tuple[Array, Array]:
    """Weights (features, classes) and biases (classes) of a softmax; a class that no row has gets a very low bias."""
    coef = np.zeros((features.shape[1], classes), np.float32)
    bias = np.full(classes, _sure(False), np.float32)
    present = np.unique(target)
    if len(present) == 1:
        bias[present] = _sure(True)
    elif len(present) == 2:
        one, two = fit_head(features, target == present[1], weights, c)
        coef[:, present[1]], bias[present[0]], bias[present[1]] = one[:, 0], 0, two[0]
    else:
        model = logistic_regression(c).fit(features, target, sample_weight=weights)
        coef[:, present], bias[present] = model.coef_.T, model.intercept_
    return coef, bias


def _sure(answer: bool) -> float:
    return 8.0 if answer else -8.0


def _constant(features: int, bias: NDArray[np.float64]) -> tuple[Array, Array]:
    return np.zeros((features, len(bias)), np.float32), bias.astype(np.float32)


def fit_calibration(probabilities: Array, truth: Flags) -> tuple[float, float]:
    """Slope and offset of Platt's calibration on the log-odds of out-of-fold probabilities; the slope is positive."""
    if truth.all() or not truth.any():
        return 1.0, 0.0
    model = logistic_regression(1e6).fit(log_odds(probabilities)[:, None], truth.astype(int))
    slope, offset = float(model.coef_[0, 0]), float(model.intercept_[0])
    return (round(slope, 6), round(offset, 6)) if slope > 0 else (1.0, 0.0)


def settings(slope: float, offset: float, threshold: float, truth: Flags, purpose: str) -> LabelSettings:
    """The label's settings, with numbers that are written the same everywhere."""
    return LabelSettings(slope, offset, round(threshold, 2), round(float(truth.mean()), 4), purpose)
