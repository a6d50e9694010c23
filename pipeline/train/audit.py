"""How much of `hoax_style` is style: leave a source out; ask what length, marker words or the year alone would do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.train.figures import auc
from pipeline.train.hoax import HOAX_FILES, NEWS, TRUE_SOURCE, TWEETS, HoaxData
from pipeline.train.structured import fit_head

Matrix = Any  # scipy's csr_array, which comes without types

MARKERS = (
    "akun", "bagikan", "benar", "beredar", "cek", "disebut", "fakta", "foto", "hoaks", "hoax", "judul", "klaim",
    "klarifikasi", "narasi", "pesan", "salah", "sebarkan", "share", "sumber", "tangkapan", "unggahan", "video", "viral",
    "viralkan", "whatsapp",
)  # fmt: skip
"""Words by which fact-checkers tell of claims, and chain messages ask to be passed on."""

_FOLDS = 5


def audit_hoax(data: HoaxData, features: Matrix, c: float, seed: int) -> dict[str, Any]:
    """AUC of the text and of what should not decide: random split, source left out, truth within one source.

    `leave_one_source_out` has one figure for each pair of a source of hoaxes and one of other texts: both were unseen.
    """
    views: dict[str, Matrix] = {
        "text": features,
        "style_only": _style(data.texts),
        "markers_only": _markers(data.texts),
    }
    report: dict[str, Any] = {"rows": _rows_by_source(data)}
    for name, matrix in views.items():
        pairs = _pairs_left_out(data, matrix, c)
        report[name] = {
            "random_split": _round(auc(data.hoax, _across(data, matrix, c, seed))),
            "leave_one_source_out": _summary(list(pairs.values())),
        }
        if name == "text":
            report[name]["pairs"] = pairs
            report[name]["false_or_true_claim"] = _round(_within_claims(data, matrix, c, seed))
    years = _years(data)
    report["date_only"] = {"random_split": _round(auc(data.hoax, _across(data, years, c, seed)))}
    return report


def _rows_by_source(data: HoaxData) -> dict[str, int]:
    return {source: data.sources.count(source) for source in sorted(set(data.sources))}


def _pairs_left_out(data: HoaxData, features: Matrix, c: float) -> dict[str, float]:
    found = {}
    for source in HOAX_FILES:
        for other in (NEWS, TWEETS, TRUE_SOURCE):
            held = data.of(source) | data.of(other)
            if data.of(source).any() and data.of(other).any() and len(set(data.hoax[~held])) == 2:
                scores = _fitted(features[~held], data.hoax[~held], c)(features[held])
                found[f"{source} / {other}"] = _round(auc(data.hoax[held], scores))
    return found


def _within_claims(data: HoaxData, features: Matrix, c: float, seed: int) -> float:
    """False against true claims of the same fact-checker and years: what is left when the source says nothing."""
    rows = data.of("tbh_2015_2020") | data.of(TRUE_SOURCE)
    claims = HoaxData(
        tuple(text for text, keep in zip(data.texts, rows, strict=True) if keep),
        data.hoax[rows],
        tuple(source for source, keep in zip(data.sources, rows, strict=True) if keep),
        tuple(year for year, keep in zip(data.years, rows, strict=True) if keep),
    )
    return auc(claims.hoax, _across(claims, features[rows], c, seed)) if len(set(claims.hoax)) == 2 else float("nan")


def _across(data: HoaxData, features: Matrix, c: float, seed: int) -> NDArray[np.float32]:
    """Out-of-fold scores of a random split, which flatters."""
    folds = np.random.default_rng(seed).permutation(len(data)) % _FOLDS
    scores = np.zeros(len(data), np.float32)
    for fold in range(_FOLDS):
        held = folds == fold
        scores[held] = _fitted(features[~held], data.hoax[~held], c)(features[held])
    return scores


def _fitted(features: Matrix, hoax: NDArray[np.bool_], c: float) -> Callable[[Matrix], NDArray[np.float32]]:
    share = hoax.mean()
    weights = np.where(hoax, 0.5 / max(share, 1e-9), 0.5 / max(1 - share, 1e-9))
    coef, bias = fit_head(features, hoax, weights, c)
    return lambda rows: np.asarray(rows @ coef + bias, np.float32)[:, 0]


def _style(texts: tuple[str, ...]) -> Matrix:
    """Length, capitals, digits, punctuation, line ends and signs beyond ASCII, each scaled to unit variance."""
    table = np.array([_style_of(text) for text in texts])
    spread = table.std(axis=0)
    return sp.csr_array((table - table.mean(axis=0)) / np.where(spread > 0, spread, 1))


def _style_of(text: str) -> list[float]:
    size = max(1, len(text))
    shares = [sum(map(test, text)) / size for test in (str.isupper, str.isdigit, str.isspace)]
    signs = [text.count(sign) / size for sign in ("!", "?", ".", ",", "\n", '"', ":")]
    return [np.log(size), *shares, *signs, sum(char > "\x7f" for char in text) / size, size / (1 + text.count(" "))]


def _markers(texts: tuple[str, ...]) -> Matrix:
    words = [set(re.findall(r"\w+", text.lower())) for text in texts]
    return sp.csr_array([[float(marker in found) for marker in MARKERS] for found in words])


def _years(data: HoaxData) -> Matrix:
    names = sorted(set(data.years))
    return sp.csr_array([[float(year == name) for name in names] for year in data.years])


def _summary(figures: list[float]) -> dict[str, float]:
    if not figures:
        return {"median": 0.5, "lowest": 0.5, "highest": 0.5}
    return {
        "median": _round(float(np.median(figures))),
        "lowest": _round(min(figures)),
        "highest": _round(max(figures)),
    }


def _round(value: float) -> float:
    return round(value, 3) if np.isfinite(value) else 0.5
