"""What each run leaves beside its model: parameters, data, code and seed; calibration and thresholds; a page to read.

<model folder>/run/
    run.json            what was done with what, and every figure with its interval
    calibration.json, calibration.png    how often a score is right, by label
    thresholds.json, thresholds.png      what each threshold would flag, and how much of that is right
    cost.json, cost.png                  of a cascade: what a second reading gives, by the share of texts that it costs
    report.html         all of it on one page that needs no network and runs no script

The same run gives the same bytes. No text of the data is written. The model's manifest does not vouch for the folder,
and no promotion copies it: it is for people.
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

import pipeline
from pipeline.classify.heads import LabelSettings
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.train.charts import draw_calibration, draw_cost, draw_thresholds, require_drawing
from pipeline.train.curves import reliability, threshold_table
from pipeline.train.dataset import Flags
from pipeline.train.measure import LEAST_ROWS, LEAST_TRUE
from pipeline.train.report_pages import render_page

__all__ = ["Run", "Scored", "code_version", "library_versions", "require_drawing", "write_pages", "write_run"]

FOLDER = "run"
FORMAT = 1

_CODE = ("train", "classify", "text")
_LIBRARIES = (
    "numpy scipy scikit-learn threadpoolctl pyarrow PySastrawi matplotlib pillow "
    "onnx onnxruntime tokenizers torch transformers"
).split()


@dataclass(frozen=True)
class Scored:
    """One label's rows: what is true, where that is known, and calibrated scores; of a training, of rows not learnt."""

    truth: Flags
    known: Flags
    scores: NDArray[np.float32] | NDArray[np.float64]


@cache
def code_version() -> dict[str, str]:
    """The program's version, and a hash over the sources that decide what a model becomes; git is not asked."""
    root = Path(pipeline.__file__).parent
    digest = sha256()
    for path in sorted(path for room in _CODE for path in (root / room).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return {"program": _version("kentongan"), "sources": digest.hexdigest()[:16]}


def library_versions() -> dict[str, str]:
    """Of Python and the libraries that compute or draw, as far as they are installed."""
    found = {name: _version(name) for name in _LIBRARIES}
    return {"python": platform.python_version()} | {name: number for name, number in found.items() if number}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@dataclass(frozen=True)
class Run:
    """A training, or a measurement of a finished model, as it is written down and can be done again.

    `dataset` has name, sha256 and rows; `labels` the settings that serve; `metrics` what `metrics.json` holds, and
    `scored` the rows behind it by label. `what` says whether the scores come from folds or from the finished model.
    """

    name: str
    kind: str
    seed: int
    parameters: Mapping[str, Any]
    dataset: Mapping[str, Any]
    labels: Mapping[str, LabelSettings]
    metrics: Mapping[str, Any]
    scored: Mapping[str, Scored]
    what: Literal["training", "evaluation"] = "training"
    code: Mapping[str, str] = field(default_factory=code_version)
    libraries: Mapping[str, str] = field(default_factory=library_versions)

    def measurable(self) -> list[str]:
        """The labels with rows enough for a curve, in order."""
        return [label for label in self.scored if label not in self.too_small()]

    def too_small(self) -> dict[str, tuple[int, int]]:
        """Labels with too few rows for a curve: known and true rows of each."""
        counts = {
            label: (int(each.known.sum()), int((each.truth & each.known).sum())) for label, each in self.scored.items()
        }
        return {
            label: (rows, true)
            for label, (rows, true) in counts.items()
            if rows < LEAST_ROWS or not LEAST_TRUE <= true <= rows - LEAST_TRUE
        }


def write_run(folder: Path, run: Run) -> Path:
    """Write `folder`/run; returns it. One that is there is replaced, whole or not at all."""
    return write_pages(folder / FOLDER, run)


def write_pages(target: Path, run: Run) -> Path:
    """Write the files of a run into a folder of this name; raises ConfigError without matplotlib or on a full disk."""
    files, token = _files(run), token_hex(6)
    aside, before = (target.parent / f".{target.name}-{token}{end}" for end in ("", "-before"))
    try:
        aside.mkdir(parents=True, mode=0o755)
        for name, content in files.items():
            (aside / name).write_bytes(content)
        if target.is_dir() and not target.is_symlink():
            target.rename(before)
        aside.rename(target)
    except OSError as error:
        if before.exists():
            before.rename(target)
        raise ConfigError(_("{path} cannot be written: {error}").format(path=target, error=error.strerror)) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)
    return target


def _files(run: Run) -> dict[str, bytes]:
    calibration, thresholds = {}, {}
    for label in run.measurable():
        each = run.scored[label]
        truth, scores = each.truth[each.known], each.scores[each.known]
        calibration[label] = reliability(truth, scores)
        thresholds[label] = threshold_table(truth, scores, run.labels[label].threshold)
    pictures, more = {}, {}
    if cascade := run.metrics.get("cascade"):
        pictures["cost.png"] = draw_cost(cascade)
        more["cost.json"] = _json({"format": FORMAT, **cascade})
    if calibration:
        pictures["calibration.png"] = draw_calibration(calibration)
        pictures["thresholds.png"] = draw_thresholds(thresholds)
    page = render_page(_told(run), calibration, thresholds, pictures)
    return {
        "run.json": _json(_told(run)),
        "calibration.json": _json({"format": FORMAT, "labels": calibration}),
        "thresholds.json": _json({"format": FORMAT, "labels": thresholds}),
        "report.html": page.encode("utf-8"),
        **pictures,
        **more,
    }


def _told(run: Run) -> dict[str, Any]:
    """The run as run.json has it and the page reads it: plain values only."""
    told: dict[str, Any] = _plain(
        {
            "format": FORMAT,
            "what": run.what,
            "name": run.name,
            "kind": run.kind,
            "seed": run.seed,
            "parameters": run.parameters,
            "dataset": run.dataset,
            "code": run.code,
            "libraries": run.libraries,
            "labels": {label: asdict(settings) for label, settings in run.labels.items()},
            "metrics": run.metrics,
            "too_small": {label: {"measured": rows, "rows": true} for label, (rows, true) in run.too_small().items()},
        }
    )
    return told


def _plain(value: Any) -> Any:
    """Plain JSON values; what is no number (a figure of nothing) becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    return (text + "\n").encode("utf-8", "replace")
