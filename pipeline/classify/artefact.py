"""A model's folder: written so that the same model gives the same bytes, read as if it came from an enemy.

manifest.json        format, kind, text chain version, heads, labels with calibration and threshold, hash of each file
weights.npz          `weights` (features, heads) in half precision, `bias` (heads), `counts` (features); no pickle
vocabulary.txt.gz    one feature a line, the three views one after the other; UTF-8
metrics.json         what was measured, by label
card.md              the same for people: data, licences, figures, known failures, intended and forbidden use
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.classify.features import VIEWS, Unit, Vocabulary, written
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings
from pipeline.core.errors import ModelError
from pipeline.core.i18n import _
from pipeline.text import TEXT_VERSION

FORMAT = 1
KIND = "tfidf"
MANIFEST = "manifest.json"
FILES = ("weights.npz", "vocabulary.txt.gz", "metrics.json", "card.md")
MAX_BYTES = 64_000_000
"""No file of a model, packed or unpacked, is larger; the shipped one has 5 MB in all."""
MAX_FEATURES = 1_000_000
MAX_SLOPE = 100.0

_NAME = re.compile(r"[a-z][a-z0-9]{0,31}-\d{4}-\d{2}-\d{2}")
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Artefact:
    """A model as read from or written to its folder; `weights` has shape (features, heads), `bias` (heads)."""

    name: str
    vocabulary: Vocabulary
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    labels: dict[str, LabelSettings]
    digest: str = ""


def is_model_name(name: str) -> bool:
    """Whether this is `<kind>-<date>`, as a model's folder is called."""
    return _NAME.fullmatch(name) is not None


def write_artefact(artefact: Artefact, folder: Path, *, metrics: Mapping[str, Any], card: str) -> None:
    """Write the five files into an existing empty folder; the same model gives the same bytes."""
    contents = {
        "weights.npz": _packed_weights(artefact),
        "vocabulary.txt.gz": _packed_vocabulary(artefact.vocabulary),
        "metrics.json": _as_json(metrics),
        "card.md": card.encode(),
    }
    manifest = {
        "format": FORMAT,
        "kind": KIND,
        "name": artefact.name,
        "text_version": TEXT_VERSION,
        "documents": artefact.vocabulary.documents,
        "features": {view: len(found) for view, found in zip(VIEWS, artefact.vocabulary.features, strict=True)},
        "heads": list(HEADS),
        "labels": {label: asdict(settings) for label, settings in artefact.labels.items()},
        "files": {
            name: {"sha256": sha256(content).hexdigest(), "bytes": len(content)} for name, content in contents.items()
        },
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_bytes(_as_json(manifest))


def _as_json(value: object) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _packed_weights(artefact: Artefact) -> bytes:
    arrays: dict[str, NDArray[Any]] = {
        "weights": artefact.weights.astype(np.float16),
        "bias": artefact.bias.astype(np.float32),
        "counts": np.concatenate(artefact.vocabulary.counts).astype(np.int32),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=(1, 0), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", _ZIP_TIME), content.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return packed.getvalue()


def _packed_vocabulary(vocabulary: Vocabulary) -> bytes:
    lines = "".join(f"{written(feature)}\n" for view in vocabulary.features for feature in view)
    return gzip.compress(lines.encode(), compresslevel=9, mtime=0)


def read_artefact(folder: Path) -> Artefact:
    """Read and check a model's folder; raises ModelError that says what is wrong with which file."""
    manifest, digest = read_manifest(folder)
    check_form(manifest, folder, FORMAT, KIND)
    contents = {name: vouched_bytes(folder, manifest, name, MAX_BYTES) for name in FILES}
    sizes = manifest_object(manifest, "features", folder)
    per_view = [_count(sizes.get(view), folder) for view in VIEWS]
    features = _read_vocabulary(contents["vocabulary.txt.gz"], per_view, folder / "vocabulary.txt.gz")
    arrays = _read_weights(contents["weights.npz"], sum(per_view), folder / "weights.npz")
    counts = np.split(arrays["counts"], np.cumsum(per_view)[:-1])
    vocabulary = Vocabulary(features, tuple(counts), _count(manifest.get("documents"), folder))
    labels = read_labels(manifest_object(manifest, "labels", folder), folder)
    return Artefact(manifest["name"], vocabulary, arrays["weights"].astype(np.float32), arrays["bias"], labels, digest)


def read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    """The manifest and its SHA-256, checked for its form only; raises ModelError."""
    content = _read(folder / MANIFEST, MAX_BYTES)
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise unusable(folder / MANIFEST, _("it is not JSON")) from error
    if not isinstance(manifest, dict):
        raise unusable(folder / MANIFEST, _("it is not a JSON object"))
    if not isinstance(manifest.get("name"), str) or not is_model_name(manifest["name"]):
        raise unusable(folder / MANIFEST, _("its name is not <kind>-<date>"))
    return manifest, sha256(content).hexdigest()


def check_form(manifest: Mapping[str, Any], folder: Path, form: int, kind: str) -> None:
    """Raise ModelError if a manifest is of another form, kind, text chain or set of heads than this program reads."""
    made = manifest.get("format")
    if isinstance(made, int) and made > form:
        raise ModelError(
            _("{path} was made by a newer version of the program; install that version").format(path=folder)
        )
    for key, value in {"format": form, "kind": kind, "heads": list(HEADS), "text_version": TEXT_VERSION}.items():
        if manifest.get(key) != value:
            raise ModelError(
                _("{path} is a model with {key} = {found}, and this program reads {value}; train it again").format(
                    path=folder, key=key, found=_short(manifest.get(key)), value=_short(value)
                )
            )


def vouched_bytes(folder: Path, manifest: Mapping[str, Any], name: str, most: int) -> bytes:
    """A file's bytes, which have the hash that the manifest says; raises ModelError before anything else reads them."""
    entry = manifest_object(manifest, "files", folder).get(name)
    if not isinstance(entry, dict):
        raise unusable(folder / MANIFEST, _("it has no hash of {name}").format(name=ascii(name)))
    content = _read(folder / name, most)
    if sha256(content).hexdigest() != entry.get("sha256"):
        raise unusable(folder / name, _("its hash is not the one in the manifest: it is cut short or was changed"))
    return content


def _read(path: Path, most: int) -> bytes:
    """What is no plain file is not opened: a pipe would be waited for for ever."""
    if not path.is_file():
        raise unusable(path, _("it is missing or cannot be read"))
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise unusable(path, _("it cannot be read ({error})").format(error=error.strerror)) from error
    if len(content) > most:
        raise unusable(path, _("it is larger than {limit} bytes").format(limit=most))
    return content


def _read_vocabulary(content: bytes, per_view: list[int], path: Path) -> tuple[tuple[Unit, ...], ...]:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as packed:
            plain = packed.read(MAX_BYTES + 1)
        lines = plain.decode().split("\n")
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise unusable(path, _("it cannot be unpacked")) from error
    if len(plain) > MAX_BYTES or len(lines) != sum(per_view) + 1 or lines.pop():
        raise unusable(path, _("it has not as many lines as the manifest says"))
    views = (lines[: per_view[0]], lines[per_view[0] : sum(per_view[:2])], lines[sum(per_view[:2]) :])
    if any(len(set(view)) != len(view) for view in views):
        raise unusable(path, _("it names a feature twice"))
    return tuple(tuple(_unit(VIEWS[number], line) for line in view) for number, view in enumerate(views))


def _unit(view: str, line: str) -> Unit:
    first, blank, second = line.partition(" ")
    return (first, second) if blank and view != "char" else line


def _read_weights(content: bytes, features: int, path: Path) -> dict[str, NDArray[Any]]:
    wanted = {
        "weights": ((features, len(HEADS)), np.float16),
        "bias": ((len(HEADS),), np.float32),
        "counts": ((features,), np.int32),
    }
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(f"{name}.npy" for name in wanted):
                raise unusable(path, _("it does not hold the three arrays of a model"))
            if sum(member.file_size for member in members) > MAX_BYTES:
                raise unusable(path, _("it is larger than {limit} bytes").format(limit=MAX_BYTES))
            arrays = {name: _read_array(archive, f"{name}.npy", *form) for name, form in wanted.items()}
    except (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise unusable(path, _("it cannot be unpacked ({error})").format(error=_short(str(error)))) from error
    if not all(np.isfinite(array).all() for array in arrays.values()) or (arrays["counts"] < 1).any():
        raise unusable(path, _("it holds numbers that no training gives"))
    return arrays


def _read_array(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], kind: type) -> NDArray[Any]:
    with archive.open(name) as member:
        if np.lib.format.read_magic(member) != (1, 0):
            raise ValueError(_("an array of another format"))
        found, fortran, dtype = np.lib.format.read_array_header_1_0(member)
        if found != shape or fortran or dtype != np.dtype(kind):
            raise ValueError(_("an array of another shape or type"))
        content = member.read(math.prod(shape) * dtype.itemsize + 1)
    return np.frombuffer(content, dtype).reshape(shape)


def read_labels(found: Mapping[str, Any], folder: Path) -> dict[str, LabelSettings]:
    """The labels of a manifest with calibration and threshold; raises ModelError for what no training gives."""
    if set(found) != set(MODEL_LABELS):
        raise unusable(folder / MANIFEST, _("its labels are not those of this program"))
    return {label: _label_settings(found[label], folder) for label in MODEL_LABELS}


def _label_settings(found: object, folder: Path) -> LabelSettings:
    wrong = unusable(folder / MANIFEST, _("a label's calibration or threshold is not a sensible number"))
    if not isinstance(found, dict) or not isinstance(found.get("purpose"), str):
        raise wrong
    numbers = [found.get(name) for name in ("slope", "offset", "threshold", "base_rate")]
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise wrong
    slope, offset, threshold, base_rate = (float(number) for number in numbers if number is not None)
    if not 0 < slope <= MAX_SLOPE or abs(offset) > MAX_SLOPE or not 0 < threshold <= 1 or not 0 <= base_rate <= 1:
        raise wrong
    return LabelSettings(slope, offset, threshold, base_rate, found["purpose"])


def manifest_object(manifest: Mapping[str, Any], key: str, folder: Path) -> dict[str, Any]:
    """An object in the manifest; raises ModelError if it is none."""
    found = manifest.get(key)
    if not isinstance(found, dict):
        raise unusable(folder / MANIFEST, _('"{key}" is missing or of a wrong type').format(key=key))
    return found


def _count(value: object, folder: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_FEATURES:
        raise unusable(folder / MANIFEST, _("a count in it is not a sensible number"))
    return value


def unusable(path: Path, reason: str) -> ModelError:
    """The error for a file of a model that cannot be used."""
    return ModelError(
        _("the model file {path} cannot be used: {reason}; install or train the model again").format(
            path=path, reason=reason
        )
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:80] + "…"
