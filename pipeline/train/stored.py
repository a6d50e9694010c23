"""A dataset on disk: a folder with rows.parquet, manifest.json and card.md, read back only if nothing in it changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.errors import ConfigError
from pipeline.core.files import written_aside
from pipeline.core.i18n import _
from pipeline.train.dataset import Flags, HateData
from pipeline.train.records import LABELS, OWN, SCHEMA
from pipeline.train.splits import check_splits

VERSION = 1
_HASHED = re.compile(r"-([0-9a-f]{12})$")  # how `build` names a folder
ROWS, MANIFEST, CARD = "rows.parquet", "manifest.json", "card.md"
IMPORTED = "imported"


def datasets_folder(home: Path) -> Path:
    """Where an office's datasets lie."""
    return home / "datasets"


@dataclass(frozen=True)
class Dataset:
    """A dataset that was read and found whole; `hash` names it for good: it is that of the manifest."""

    folder: Path
    manifest: Mapping[str, Any]
    hash: str
    table: pa.Table

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def name(self) -> str:
        """What it is called: the folder's name, which tells the version."""
        return self.folder.absolute().name

    @property
    def texts(self) -> list[str]:
        """The texts, in the order of the rows."""
        return self.column("text")

    def column(self, name: str) -> list[Any]:
        """A column as Python values."""
        values: list[Any] = self.table[name].to_pylist()
        return values

    def label(self, name: str) -> tuple[Flags, Flags]:
        """(known, true) of a label, one value a row; raises ConfigError if it is not fit to train on."""
        found = self.manifest["labels"].get(name)
        if found is None:
            raise ConfigError(_("there is no label {name} in {path}").format(name=name, path=self.folder))
        if not found["trainable"]:
            raise ConfigError(
                _(
                    "{path}: {label} fits {true} texts and does not fit {false}; {least} of each are needed to train: "
                    "decide on more flags, add a labelled file, or lower dataset.min_positives"
                ).format(path=self.folder, label=name, least=self.manifest["settings"]["min_positives"], **_both(found))
            )
        return self.said(name)

    def said(self, name: str) -> tuple[Flags, Flags]:
        """(known, true) of a label, one value a row, however few rows know it."""
        values = self.column(name)
        return np.array([value is not None for value in values], bool), np.array(list(map(bool, values)), bool)

    @cached_property
    def groups(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """A number for each row's group of near duplicates."""
        return np.unique(self.column("group"), return_inverse=True)[1].astype(np.int64)

    @property
    def whole(self) -> Flags:
        """Which rows carry all of okky2019's twelve columns."""
        return self.said(f"own_{OWN[0]}")[0]

    def hate_data(self) -> HateData:
        """The rows that carry all of okky2019's twelve columns, as `train tfidf` reads them from a CSV."""
        known = self.whole
        if not known.any():
            raise ConfigError(
                _("{path} has no rows with the twelve columns of okky2019; build it with a file that has them").format(
                    path=self.folder
                )
            )
        texts = tuple(text for text, keep in zip(self.texts, known, strict=True) if keep)
        labels = {name: self.said(f"own_{name}")[1][known] for name in OWN}
        files = self.manifest.get("inputs", {}).get("files", [])
        licences = {str(file["name"]): str(file["licence"]) for file in files}
        return HateData(texts, labels, self.groups[known], str(self.manifest["rows_sha256"]), self.name, licences)


def _both(found: Mapping[str, Any]) -> dict[str, Any]:
    return {"true": found["true"], "false": found["false"]}


def read_dataset(folder: Path) -> Dataset:
    """Read a dataset and check that it is whole; raises ConfigError if it is damaged, newer, or leaks."""
    manifest, digest = _read_manifest(folder)
    path = folder / ROWS
    try:
        content = path.read_bytes()
        if sha256(content).hexdigest() != manifest["rows_sha256"]:
            raise ConfigError(_damaged(folder, _("{name} was changed").format(name=ROWS)))
        table = pq.read_table(pa.BufferReader(content))
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(_damaged(folder, str(error))) from error
    if table.schema.names != SCHEMA.names:
        raise ConfigError(_damaged(folder, _("{name} has other columns").format(name=ROWS)))
    check_splits(table.select(["group", "text", "fold", "source_fold", "time"]).to_pylist(), str(folder))
    return Dataset(folder, manifest, digest, table)


def _read_manifest(folder: Path) -> tuple[dict[str, Any], str]:
    try:
        content = (folder / MANIFEST).read_bytes()
        manifest = json.loads(content)
    except FileNotFoundError as error:
        raise ConfigError(
            _("{path} is no dataset; make one with: kentongan dataset build").format(path=folder)
        ) from error
    except (OSError, ValueError) as error:
        raise ConfigError(_damaged(folder, str(error))) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("version"), int):
        raise ConfigError(_damaged(folder, MANIFEST))
    if manifest["version"] > VERSION:
        raise ConfigError(
            _("{path} was made by a newer version of the program; install that version").format(path=folder)
        )
    if not {"rows_sha256", "labels", "settings", "rows"} <= set(manifest):
        raise ConfigError(_damaged(folder, MANIFEST))
    digest = sha256(content).hexdigest()
    named = _HASHED.search(folder.name)
    lost = manifest.get("erased_since") or manifest.get("expired_since")  # the folder keeps its name then
    if named and named[1] != digest[:12] and not lost:
        raise ConfigError(_damaged(folder, MANIFEST))
    return manifest, digest


def _damaged(folder: Path, what: str) -> str:
    return _("the dataset {path} is damaged ({what}); remove the folder and build it again").format(
        path=folder, what=what
    )


def list_datasets(datasets: Path) -> list[Path]:
    """The folders of datasets, by name."""
    return sorted(path.parent for path in datasets.glob(f"*/{MANIFEST}"))


def list_imported(datasets: Path) -> list[str]:
    """The names of the imported files."""
    return sorted(path.stem for path in (datasets / IMPORTED).glob("*.parquet"))


def write_rows(rows: Sequence[Mapping[str, Any]], path: Path) -> str:
    """Write the rows, the same bytes for the same rows; returns their SHA-256."""
    table = pa.Table.from_pylist(list(rows), schema=SCHEMA)
    pq.write_table(table, path, compression="zstd", version="2.6", row_group_size=10_000, write_statistics=False)
    return sha256(path.read_bytes()).hexdigest()


def manifest_bytes(manifest: Mapping[str, Any]) -> bytes:
    """The manifest as it is written and hashed."""
    return (json.dumps(manifest, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


def forget(datasets: Path, subject: str) -> int:
    """Take an erased post out of all datasets of the office; returns how many rows went. The folder keeps its name."""
    return _drop(datasets, lambda ids: subject in ids, "erased_since")


def expire(datasets: Path, subjects: Set[str], *, dry_run: bool = False) -> int:
    """Take out rows of which all posts are past their time; returns how many. One copy that is not keeps the row."""
    return _drop(datasets, lambda ids: bool(ids) and subjects >= set(ids), "expired_since", dry_run=dry_run)


def _drop(datasets: Path, goes: Callable[[Sequence[str]], bool], why: str, *, dry_run: bool = False) -> int:
    """Take rows out of all datasets by their ids; the manifest says under `why` how many went since it was built."""
    count = 0
    for folder in list_datasets(datasets):
        try:
            rows = pq.read_table(folder / ROWS, schema=SCHEMA).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise ConfigError(_damaged(folder, str(error))) from error
        kept = [row for row in rows if not goes(row["ids"])]
        count += len(rows) - len(kept)
        if dry_run or len(kept) == len(rows):
            continue
        manifest = json.loads((folder / MANIFEST).read_bytes())
        with written_aside(folder / ROWS) as aside:
            manifest["rows_sha256"] = write_rows(kept, aside)
        manifest["rows"] = len(kept)
        manifest[why] = manifest.get(why, 0) + len(rows) - len(kept)
        with written_aside(folder / MANIFEST) as aside:
            aside.write_bytes(manifest_bytes(manifest))
    return count


def left_in(datasets: Path, subjects: Set[str]) -> Iterator[tuple[str, str]]:
    """Yield (folder, subject) of erased posts that a dataset still holds: there should be none."""
    for folder in list_datasets(datasets):
        for ids in pq.read_table(folder / ROWS, columns=["ids"])["ids"].to_pylist():
            yield from ((folder.name, subject) for subject in ids if subject in subjects)


def label_counts(rows: Sequence[Mapping[str, Any]], min_positives: int) -> dict[str, dict[str, Any]]:
    """By label: true, false, unknown and disputed rows, and whether it is fit to train on."""
    found = {}
    for label in LABELS:
        true = sum(row[label] is True for row in rows)
        false = sum(row[label] is False for row in rows)
        disputed = sum(bool(row[f"{label}_for"] and row[f"{label}_against"]) for row in rows)
        found[label] = {
            "true": true,
            "false": false,
            "unknown": len(rows) - true - false,
            "disputed": disputed,
            "trainable": min(true, false) >= min_positives,
        }
    return found
