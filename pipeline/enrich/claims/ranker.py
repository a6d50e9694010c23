"""The model that says how surely a post carries a claim: term weights and a logistic regression over `likeness`.

A folder `claims-<date>` holds ranker.json (features, coefficients, thresholds, the hash of the other file), weights.npz
(how rare each hashed term is in ordinary Indonesian texts) and card.md. Numbers only: nothing in it can be run.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import ConfigError, ModelError
from pipeline.core.files import written_aside
from pipeline.core.i18n import _
from pipeline.enrich.claims.likeness import F32, FEATURES
from pipeline.enrich.claims.terms import BUCKETS, KINDS
from pipeline.text import TEXT_VERSION

FORMAT = 1
MANIFEST, WEIGHTS = "ranker.json", "weights.npz"
_MOST = 20_000_000  # bytes of a file that are read
_STEPS = 16  # idf is stored in sixteenths: an error of 0.03 in weights of 0.1 to 11


def probabilities(odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of log odds, each."""
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a claim is suggested, and from which on it makes a flag; 0 < suggest <= match <= 1."""

    suggest: float
    match: float

    @classmethod
    def read(cls, path: Path) -> Thresholds:
        """The thresholds of a file; raises ConfigError if they are none."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            return cls.of(found)
        except (OSError, ValueError, TypeError, KeyError) as error:
            message = _("{path} holds no thresholds; remove it, or run `kentongan claims fit`").format(path=path)
            raise ConfigError(message) from error

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Thresholds:
        """From JSON; raises ValueError, TypeError or KeyError."""
        made = cls(float(values["suggest"]), float(values["match"]))
        if not 0 < made.suggest <= made.match <= 1:
            raise ValueError("thresholds out of order")
        return made

    def write(self, path: Path) -> None:
        """Write them, in one rename."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with written_aside(path) as aside:
            aside.write_text(json.dumps({"suggest": self.suggest, "match": self.match}) + "\n", encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Ranker:
    """Weights (4 * BUCKETS,) of terms, coefficients (features,) and intercept of the regression, shipped thresholds."""

    name: str
    weights: F32
    coefficients: NDArray[np.float64]
    intercept: float
    thresholds: Thresholds
    digest: str

    def scores(self, likeness: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) probabilities for rows of `likeness`."""
        return probabilities(likeness @ self.coefficients + self.intercept)


def write_ranker(
    folder: Path,
    weights: F32,
    coefficients: NDArray[np.float64],
    intercept: float,
    thresholds: Thresholds,
    metrics: Mapping[str, Any],
    card: str,
) -> None:
    """Write a ranker into a folder named `claims-<date>`; the same numbers give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    packed = _packed(weights)
    manifest = {
        "format": FORMAT,
        "name": folder.name,
        "text_version": TEXT_VERSION,
        "features": list(FEATURES),
        "coefficients": [round(float(each), 6) for each in coefficients],
        "intercept": round(float(intercept), 6),
        "thresholds": {"suggest": thresholds.suggest, "match": thresholds.match},
        "metrics": dict(metrics),
        "weights_sha256": sha256(packed).hexdigest(),
    }
    (folder / WEIGHTS).write_bytes(packed)
    (folder / "card.md").write_text(card, encoding="utf-8")
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load_ranker(folder: Path) -> Ranker:
    """Read and check a ranker; raises ModelError that says which file is wrong."""
    try:
        content = _content(folder / MANIFEST)
        manifest = json.loads(content)
        packed = _content(folder / WEIGHTS)
        return _ranker(folder.name, manifest, packed, sha256(content).hexdigest()[:12])
    except (OSError, ValueError, TypeError, KeyError, RecursionError, zipfile.BadZipFile) as error:
        message = _("the model that ranks claims in {folder} cannot be used; install the program again")
        raise ModelError(message.format(folder=folder)) from error


def _ranker(name: str, manifest: Any, packed: bytes, digest: str) -> Ranker:
    """From the contents of the files; raises ValueError, TypeError or KeyError."""
    own = {"format": FORMAT, "features": list(FEATURES), "text_version": TEXT_VERSION}
    if any(manifest[key] != value for key, value in own.items()):
        raise ValueError("another version")
    if sha256(packed).hexdigest() != manifest["weights_sha256"]:
        raise ValueError("hash")
    coefficients = np.array(manifest["coefficients"], dtype=np.float64)
    intercept = float(manifest["intercept"])
    if coefficients.shape != (len(FEATURES),) or not np.isfinite([*coefficients, intercept]).all():
        raise ValueError("coefficients")
    thresholds = Thresholds.of(manifest["thresholds"])
    return Ranker(name, _unpacked(packed), coefficients, intercept, thresholds, digest)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_MOST + 1)
    if len(content) > _MOST:
        raise ValueError("too large")
    return content


def _packed(weights: F32) -> bytes:
    """Ids and sixteenths of the terms that are not as rare as can be, and the weight of those that are."""
    rarest = float(weights.max())
    stored = np.clip(np.rint(weights * _STEPS), 1, 255).astype(np.uint8)
    ids = np.flatnonzero(weights < rarest - 1e-6)
    arrays: dict[str, NDArray[Any]] = {
        "gaps": np.diff(ids, prepend=0).astype(np.int32),
        "weights": stored[ids],
        "rarest": np.array([rarest], dtype=np.float32),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0)), content.getvalue())
    return packed.getvalue()


def _unpacked(packed: bytes) -> F32:
    with np.load(io.BytesIO(packed), allow_pickle=False) as found:
        gaps, stored, rarest = found["gaps"], found["weights"], found["rarest"]
    if len(gaps) != len(stored) or gaps.dtype != np.int32 or stored.dtype != np.uint8 or rarest.shape != (1,):
        raise ValueError("weights")
    ids = np.cumsum(gaps, dtype=np.int64)
    if len(ids) and (ids.min() < 0 or ids.max() >= len(KINDS) * BUCKETS):
        raise ValueError("ids")
    weights = np.full(len(KINDS) * BUCKETS, float(rarest[0]), dtype=np.float32)
    weights[ids] = stored.astype(np.float32) / _STEPS
    return weights
