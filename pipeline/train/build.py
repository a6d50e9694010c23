"""Build a dataset: decisions and labelled files become rows, grouped, split, counted and written with a card.

The same ledger, texts, files, settings and seed give the same bytes; nothing in a dataset tells when it was made.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pipeline.core.config import Settings
from pipeline.core.config_sources import SOURCE_NAME
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text import TEXT_VERSION, normalise
from pipeline.train.data_card import write_data_card
from pipeline.train.imports import Imported, read_imported
from pipeline.train.recall import estimate_recall
from pipeline.train.records import VERDICT, Counts, Row, merge_copies, to_dict
from pipeline.train.splits import check_splits, group_rows, split_rows
from pipeline.train.stored import (
    CARD,
    IMPORTED,
    MANIFEST,
    ROWS,
    VERSION,
    datasets_folder,
    label_counts,
    manifest_bytes,
    read_dataset,
    write_rows,
)
from pipeline.train.verdict_rows import Decisions, read_decisions
from pipeline.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Built:
    """What was built and where; `folder` is None if nothing was to be written, `again` tells that it stood there."""

    folder: Path | None
    manifest: Mapping[str, Any]
    again: bool = False


def build_dataset(
    place: Workplace,
    *,
    offices: Sequence[str],
    name: str = "kentongan",
    files: Sequence[str] = (),
    moment: datetime,
    seed: int = 0,
    out: Path | None = None,
    dry_run: bool = False,
) -> Built:
    """Make a dataset of these offices' decisions and of imported files; raises ConfigError if it would teach nothing.

    `moment` decides what is past its time. It is written to `out`, else to <home>/datasets/<name>-<hash>.
    """
    if not SOURCE_NAME.fullmatch(name):
        raise ConfigError(_('"{name}" cannot name a dataset: use small letters, digits, - and _').format(name=name))
    if VERDICT in files:
        raise ConfigError(_('a file cannot be called "{name}": import it under another name').format(name=VERDICT))
    settings = place.settings
    decisions = read_decisions(place, offices, moment, settings.dataset.max_months)
    datasets = datasets_folder(place.home.root)
    imported = [read_imported(datasets / IMPORTED, each) for each in sorted(set(files))]
    counts = {VERDICT: decisions.counts} | {each.name: _file_counts(each) for each in imported}
    rows = _rows([*decisions.rows, *(row for each in imported for row in each.rows)], counts, settings, seed)
    manifest = _manifest(name, rows, decisions, imported, counts, settings, seed)
    _refuse_useless(manifest)
    check_splits(rows, name)
    if dry_run:
        return Built(None, manifest)
    return _write(rows, manifest, out, datasets)


def _file_counts(imported: Imported) -> Counts:
    """What the import left out, and what it kept (which is still to be accounted for)."""
    counts = Counts()
    given = imported.notes["counts"]
    counts.came = given["in"]
    counts.out.update({name: count for name, count in given.items() if name not in {"in", "kept"}})
    return counts


def _rows(given: list[Row], counts: Mapping[str, Counts], settings: Settings, seed: int) -> list[dict[str, Any]]:
    """Copies merged, groups found, what is a copy of something forbidden left out, splits added; ordered by id."""
    words = {row.id: " ".join(normalise(row.text).tokens) for row in given}
    for row in given:
        if not words[row.id] and not row.ghost:
            counts[row.origin].out["no_words"] += 1
    merged = []
    for origin in counts:
        of_origin = [row for row in given if row.origin == origin and words[row.id]]
        alone, gone = merge_copies([row for row in of_origin if not row.ghost], words)
        counts[origin].out["copies"] += gone
        merged += [*alone, *(row for row in of_origin if row.ghost)]
    merged.sort(key=lambda row: row.id)
    groups = group_rows(merged, words, settings.near_duplicates)
    haunted = {group for row, group in zip(merged, groups, strict=True) if row.ghost}
    kept = []
    for row, group in zip(merged, groups, strict=True):
        if not row.ghost:
            counts[row.origin].out["copy_of_child_or_private" if group in haunted else "kept"] += 1
            kept += [] if group in haunted else [(row, group)]
    rows = [row for row, _group in kept]
    splits = split_rows(rows, [group for _row, group in kept], seed, settings.dataset.held_out_weeks)
    return [to_dict(row) | split for row, split in zip(rows, splits, strict=True)]


def _manifest(
    name: str,
    rows: Sequence[Mapping[str, Any]],
    decisions: Decisions,
    imported: Sequence[Imported],
    counts: Mapping[str, Counts],
    settings: Settings,
    seed: int,
) -> dict[str, Any]:
    asked, near = settings.dataset, settings.near_duplicates
    return {
        "version": VERSION,
        "name": name,
        "program": version("kentongan"),
        "text_version": TEXT_VERSION,
        "seed": seed,
        "settings": asked.model_dump(mode="json", exclude={"maps", "max_contradictions"})
        | {"threshold": near.threshold, "min_letters": near.min_letters},
        "inputs": {
            "verdicts": {
                "flags": decisions.counts.came,
                "superseded": decisions.superseded,
                "sha256": decisions.digest,
            },
            "files": [
                {key: each.notes[key] for key in ("name", "file", "sha256", "imported_sha256", "licence")}
                for each in imported
            ],
        },
        "counts": {origin: found.check(origin) for origin, found in counts.items()},
        "rows": len(rows),
        "groups": len({row["group"] for row in rows}),
        "selection": _tally(rows, "selection"),
        "splits": {split: _tally(rows, split) for split in ("fold", "source_fold", "time")},
        "sources": len({(row["origin"], row["source"]) for row in rows}),
        "labels": label_counts(rows, asked.min_positives),
        "recall": estimate_recall(decisions.judged, decisions.reviewed, seed),
    }


def _tally(rows: Sequence[Mapping[str, Any]], column: str) -> dict[str, int]:
    values = [str(row[column]) for row in rows]
    return {value: values.count(value) for value in sorted(set(values))}


def _refuse_useless(manifest: Mapping[str, Any]) -> None:
    if any(found["trainable"] for found in manifest["labels"].values()):
        return
    least = manifest["settings"]["min_positives"]
    best = max(manifest["labels"].items(), key=lambda pair: min(pair[1]["true"], pair[1]["false"]))
    raise ConfigError(
        _(
            "{rows} texts are left, and no label fits {least} of them and does not fit {least} others (nearest: "
            "{label}, {true} and {false}); decide on more flags, add a labelled file (kentongan dataset import), or "
            "lower dataset.min_positives"
        ).format(rows=manifest["rows"], least=least, label=best[0], true=best[1]["true"], false=best[1]["false"])
    )


def _write(rows: Sequence[Mapping[str, Any]], manifest: dict[str, Any], out: Path | None, datasets: Path) -> Built:
    """Write aside and rename: a folder of that name is a whole dataset or is not there."""
    parent = out.parent if out else datasets
    try:
        parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside = Path(tempfile.mkdtemp(prefix=".dataset-", dir=parent))
    except OSError as error:
        raise ConfigError(_("{path} cannot be written: {error}").format(path=parent, error=error.strerror)) from error
    try:
        manifest["rows_sha256"] = write_rows(rows, aside / ROWS)
        content = manifest_bytes(manifest)
        digest = sha256(content).hexdigest()
        (aside / MANIFEST).write_bytes(content)
        (aside / CARD).write_text(write_data_card(manifest, digest), encoding="utf-8")
        target = out or datasets / f"{manifest['name']}-{digest[:12]}"
        if target.exists():
            return _stands(target, digest)
        aside.replace(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return Built(target, manifest)


def _stands(target: Path, digest: str) -> Built:
    """The dataset that was made before; raises ConfigError if the folder holds something else or is damaged."""
    found = read_dataset(target)
    if found.hash != digest:
        raise ConfigError(
            _("{path} holds another dataset already; remove it, or give another folder").format(path=target)
        )
    return Built(target, found.manifest, again=True)
