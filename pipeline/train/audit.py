"""How much of a label is style: what would length, stray signs or the date alone do, and a source that is left out?"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from pipeline.train.dataset import Flags, Numbers, grouped_folds
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

HATE_AUDITED = ("hate_speech", "hate_group")
_FOLDS = 5
_BINS = 8
_LEAST = 10
"""True and false rows that a label must have to be audited: two of each in a fold."""


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


def audit_hate(
    texts: Sequence[str],
    truth: Mapping[str, Flags],
    groups: Numbers,
    dates: Sequence[str] | None,
    seed: int,
    scores: Mapping[str, NDArray[np.floating]] | None = None,
) -> dict[str, Any]:
    """AUC of what should not decide, for `hate_speech` and `hate_group`, by folds that keep near duplicates together.

    `texts` are raw, before any artefact is stripped. `dates` begin with year and month, or are empty; without two
    known months `date_only` is None. `scores` are the model's own, out of fold: `model` is their AUC beside the rest.
    """
    folds = grouped_folds(groups, _FOLDS, seed)
    months = [date[:7] for date in dates] if dates else []
    views = {
        "style_only": _steps(np.array([_hate_style_of(text) for text in texts])),
        "markers_only": _steps(np.array([_crawl_marks_of(text) for text in texts])),
        "date_only": _months(months) if len({month for month in months if month}) > 1 else None,
    }
    labels: dict[str, dict[str, float | None]] = {}
    for label in HATE_AUDITED:
        if label not in truth or min(truth[label].sum(), (~truth[label]).sum()) < _LEAST:
            continue
        found = {
            name: None if matrix is None else _plain_auc(truth[label], _by_folds(matrix, truth[label], folds))
            for name, matrix in views.items()
        }
        own = None if scores is None else _plain_auc(truth[label], scores[label])
        labels[label] = {"model": own, **found}
    return {"folds": _FOLDS, "rows": len(texts), "labels": labels}


def _by_folds(matrix: Matrix, truth: Flags, folds: Numbers) -> NDArray[np.float32]:
    """Scores out of fold; a fold whose training rows are all of one kind says nothing (0)."""
    scores = np.zeros(len(truth), np.float32)
    for fold in np.unique(folds):
        held = folds == fold
        if 0 < truth[~held].sum() < (~held).sum():
            scores[held] = _fitted(matrix[~held], truth[~held], 1.0)(matrix[held])
    return scores


def _steps(table: NDArray[np.float64]) -> Matrix:
    """Each column as one-hot steps by its quantiles: a linear head may then bend as it likes."""
    blocks = []
    for column in table.T:
        edges = np.unique(np.quantile(column, np.linspace(0, 1, _BINS + 1)[1:-1]))
        place = np.searchsorted(edges, column, side="left")  # equal to an edge: below it, so that 0 stands alone
        blocks.append(np.eye(len(edges) + 1)[place])
    return sp.csr_array(np.hstack(blocks))


def _months(months: Sequence[str]) -> Matrix:
    names = sorted(set(months))
    return sp.csr_array([[float(month == name) for name in names] for month in months])


def _hate_style_of(text: str) -> list[float]:
    """Length, words, capitals, digits, punctuation, elongation ("bangettt"): how it is written, not what it says."""
    size = max(1, len(text))
    words = text.split()
    signs = sum(not char.isalnum() and not char.isspace() for char in text)
    return [
        float(size), float(len(words)), size / max(1, len(words)), sum(map(str.isupper, text)) / size,
        sum(map(str.isdigit, text)) / size, signs / size, float(text.count("!")), float(text.count("?")),
        float(len(_LONG.findall(text))), sum(char > "\x7f" for char in text) / size,
    ]  # fmt: skip


def _crawl_marks_of(text: str) -> list[float]:
    """What whoever collected the posts left in them; an artefact of the crawl, and no part of what was said."""
    return [float(len(pattern.findall(text))) for pattern in _CRAWL_MARKS]


_LONG = re.compile(r"(\w)\1\1")
_CRAWL_MARKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bUSER\b|@\w+",
        r"\bURL\b|https?://",
        r"\bRT\b",
        r"^['\"]|['\"]\s*$",
        r"\\n",
        r"\\x[0-9a-f]{2}",
        r"&(?:amp|lt|gt|quot);",
    )
)


def _plain_auc(truth: Flags, scores: NDArray[np.floating]) -> float | None:
    found = auc(truth, scores)
    return round(found, 3) if np.isfinite(found) else None


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
