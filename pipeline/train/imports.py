"""Labelled files of others: read by a mapping in the settings, checked against the labels' structure, kept as Parquet.

The file itself stays where it is; what is kept is masked text, labels, and where it came from under which licence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.core.config_dataset import DatasetMap
from pipeline.core.config_sources import SOURCE_NAME
from pipeline.core.errors import ConfigError
from pipeline.core.files import written_aside
from pipeline.core.i18n import _
from pipeline.text import mask
from pipeline.train.dataset import GROUNDS, HateData, read_rows
from pipeline.train.records import LABELS, OWN, TAUGHT, Counts, Row, row_id

VERSION = 1
SHOWN = 10
"""Rows that are named in a message, by number: a text has no place there."""
_NOTES = b"kentongan"
_PLACES = ("group", "source", "kind", "published", "province")
_SCHEMA = pa.schema(
    [("row", pa.int64()), ("text", pa.string())]
    + [(name, pa.string()) for name in _PLACES]
    + [(name, pa.bool_()) for name in (*LABELS, *(f"own_{column}" for column in OWN))]
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A file that was imported: its rows, and the provenance that goes into every dataset made with it."""

    name: str
    rows: tuple[Row, ...]
    notes: Mapping[str, Any]


def import_file(
    file: Path, folder: Path, *, name: str, licence: str, mapping: DatasetMap, max_contradictions: float
) -> tuple[Path, dict[str, Any]]:
    """Read, check and keep a labelled file; returns where, and the notes on it. Same file and mapping: same bytes.

    Raises ConfigError for a file, mapping or labels that cannot be used; nothing is written then.
    """
    if not SOURCE_NAME.fullmatch(name):
        raise ConfigError(_('"{name}" cannot name a dataset: use small letters, digits, - and _').format(name=name))
    if not licence.strip():
        raise ConfigError(_("say under which licence the file may be used: --licence"))
    _check_mapping(mapping)
    counts = Counts()
    rows, wrong = [], []
    for number, cells in enumerate(_cells(file, mapping), start=1):
        counts.came += 1
        found = _read(file, number, cells, mapping)
        if not found["text"]:
            counts.out["no_text"] += 1
        elif all(found[column.name] is None for column in list(_SCHEMA)[2 + len(_PLACES) :]):
            counts.out["no_label"] += 1
        elif problem := contradiction(found):
            counts.out["contradicts"] += 1
            wrong.append((number, problem))
        else:
            counts.out["kept"] += 1
            rows.append(found)
    _check_contradictions(file, wrong, counts.came, max_contradictions)
    if not rows:
        raise ConfigError(_("{path} has no row with a text and a label; look at the mapping").format(path=file))
    notes = {
        "version": VERSION,
        "name": name,
        "file": file.name,
        "sha256": sha256(file.read_bytes()).hexdigest(),
        "licence": licence.strip(),
        "columns": mapping.model_dump(mode="json"),
        "counts": counts.check(file.name),
        "contradictions": [{"row": number, "says": says} for number, says in wrong[:SHOWN]],
    }
    path = folder / f"{name}.parquet"
    schema = _SCHEMA.with_metadata({_NOTES: json.dumps(notes, sort_keys=True)})
    with written_aside(path) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), aside, compression="zstd")
    return path, notes


def _check_mapping(mapping: DatasetMap) -> None:
    unknown = sorted(set(mapping.labels) - set(LABELS) - set(OWN))
    if unknown:
        raise ConfigError(
            _("the mapping names {unknown}, which is no label; there are {known}").format(
                unknown=", ".join(unknown), known=", ".join((*LABELS, *OWN))
            )
        )
    missing = set(OWN) - set(mapping.labels)
    if missing != set(OWN) and missing:
        raise ConfigError(
            _("of okky2019's twelve columns all must be mapped or none; {missing} is missing").format(
                missing=", ".join(sorted(missing))
            )
        )


def _cells(file: Path, mapping: DatasetMap) -> Iterator[dict[str, str]]:
    """The mapped columns of a CSV or Parquet file, row after row, as text; nothing else of it is read."""
    columns = {mapping.text, *mapping.labels.values(), *filter(None, (getattr(mapping, name) for name in _PLACES))}
    if file.suffix.lower() != ".parquet":
        yield from read_rows(file, columns)
        return
    try:
        names = set(pq.read_schema(file).names)
        rows = pq.read_table(file, columns=sorted(columns & names)).to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise ConfigError(_("{path} cannot be read as Parquet: {error}").format(path=file, error=error)) from error
    if columns - names or not rows:
        wanted = ", ".join(sorted(columns - names))
        raise ConfigError(_("{path} lacks rows or the columns {columns}").format(path=file, columns=wanted))
    for row in rows:
        yield {name: "" if value is None else str(value) for name, value in row.items()}


def _read(file: Path, number: int, cells: Mapping[str, str], mapping: DatasetMap) -> dict[str, Any]:
    found: dict[str, Any] = {"row": number, "text": mask(cells[mapping.text]).strip()}
    for place in _PLACES:
        column = getattr(mapping, place)
        found[place] = cells[column].strip() if column else ""
    found["published"] = _day(file, number, found["published"])
    named = {name: _truth(file, number, column, cells[column], mapping) for name, column in mapping.labels.items()}
    return found | {f"own_{name}" if name in OWN else name: value for name, value in named.items()} | _absent(named)


def _absent(named: Mapping[str, Any]) -> dict[str, None]:
    return {label: None for label in LABELS if label not in named} | {
        f"own_{column}": None for column in OWN if column not in named
    }


def _truth(file: Path, number: int, column: str, cell: str, mapping: DatasetMap) -> bool | None:
    said = cell.strip().lower()
    if not said:
        return None
    if said in mapping.true or said in mapping.false:
        return said in mapping.true
    raise ConfigError(
        _('{path}, row {row}: "{cell}" in column {column} is neither true nor false; name it in the mapping').format(
            path=file, row=number, cell=cell.strip()[:40], column=column
        )
    )


def _day(file: Path, number: int, cell: str) -> str:
    if not cell:
        return ""
    try:
        return date.fromisoformat(cell[:10]).isoformat()
    except ValueError as error:
        raise ConfigError(
            _('{path}, row {row}: "{cell}" is no day; write it as 2026-11-21').format(
                path=file, row=number, cell=cell[:40]
            )
        ) from error


def contradiction(found: Mapping[str, Any]) -> str:
    """How a row's labels contradict the structure that they have (FINDINGS, "Models"); empty if they do not."""
    own = {column: found.get(f"own_{column}") for column in OWN}
    if any(value is not None for value in own.values()):
        if None in own.values():
            return _("some of the twelve columns are empty")
        return _own_contradiction({name: bool(value) for name, value in own.items()})
    hate, grounds = found.get("hate_group"), [found.get(f"ground_{ground}") for ground in GROUNDS]
    if hate is False and found.get("incitement"):
        return _("incitement without hate on a group")
    if hate and all(ground is False for ground in grounds):
        return _("hate on a group without a ground")
    narrower = hate or found.get("incitement") or any(grounds)
    return _("hate on a group, but no hate") if narrower and found.get("hate_speech") is False else ""


def _own_contradiction(own: Mapping[str, bool]) -> str:
    target = own["HS_Individual"] + own["HS_Group"]
    strength = own["HS_Weak"] + own["HS_Moderate"] + own["HS_Strong"]
    grounds = sum(own[name] for name in ("HS_Religion", "HS_Race", "HS_Physical", "HS_Gender", "HS_Other"))
    if not own["HS"]:
        return _("target, ground or strength without hate") if target + strength + grounds else ""
    if target != 1:
        return _("hate needs one target: a person or a group")
    if strength != 1:
        return _("hate needs one strength: weak, moderate or strong")
    return "" if grounds else _("hate needs a ground")


def _check_contradictions(file: Path, wrong: list[tuple[int, str]], rows: int, most: float) -> None:
    if len(wrong) <= most * rows:
        return
    shown = "; ".join(_("row {row}: {says}").format(row=number, says=says) for number, says in wrong[:SHOWN])
    raise ConfigError(
        _(
            "{path}: the labels of {count} of {rows} rows contradict themselves ({shown}); mend them, or look whether "
            "the mapping names the right columns"
        ).format(path=file, count=len(wrong), rows=rows, shown=shown)
    )


def read_imported(folder: Path, name: str) -> Imported:
    """An imported file as rows, its labels derived as FINDINGS says; raises ConfigError if it is absent or damaged."""
    path = folder / f"{name}.parquet"
    try:
        notes = json.loads((pq.read_schema(path).metadata or {}).get(_NOTES, b"{}"))
        rows = pq.read_table(path).to_pylist()
    except FileNotFoundError as error:
        raise ConfigError(
            _("nothing was imported as {name}; run: kentongan dataset import FILE --name {name}").format(name=name)
        ) from error
    except (OSError, pa.ArrowException, ValueError) as error:
        raise ConfigError(_damaged(path, error)) from error
    if notes.get("version", 0) > VERSION:
        raise ConfigError(
            _("{path} was made by a newer version of the program; install that version").format(path=path)
        )
    if notes.get("version") != VERSION:
        raise ConfigError(_damaged(path, "notes"))
    notes["imported_sha256"] = sha256(path.read_bytes()).hexdigest()
    derived = _derived(rows)
    return Imported(name, tuple(_row(name, row, derived[at]) for at, row in enumerate(rows)), notes)


def _damaged(path: Path, error: object) -> str:
    return _("{path} is damaged ({error}); import the file again").format(path=path, error=error)


def _derived(rows: list[dict[str, Any]]) -> list[dict[str, bool | None]]:
    """What the twelve columns really mean (`HateData.derived`), and our own labels as they are, of each row."""
    made: list[dict[str, bool | None]] = [{label: row[label] for label in LABELS} for row in rows]
    at = [number for number, row in enumerate(rows) if row["own_HS"] is not None]
    if at:
        labels = {column: np.array([bool(rows[number][f"own_{column}"]) for number in at]) for column in OWN}
        data = HateData(tuple(rows[number]["text"] for number in at), labels, np.arange(len(at)), "")
        for place, number in enumerate(at):
            meant = {label: bool(column[place]) for label, column in data.derived.items() if label in LABELS}
            grounds = {f"taught_{ground}": bool(data.taught[ground][place]) for ground in TAUGHT}
            own = {column: bool(labels[column][place]) for column in OWN}
            made[number] = {**meant, **{k: v for k, v in made[number].items() if v is not None}, **grounds, **own}
    return made


def _row(name: str, cells: Mapping[str, Any], said: Mapping[str, bool | None]) -> Row:
    labels = {label: said[label] for label in LABELS if said.get(label) is not None}
    key = row_id(name, str(cells["row"]), cells["text"])
    day = cells["published"]
    year_week = date.fromisoformat(day).isocalendar() if day else None
    return Row(
        id=key,
        ids=(key,),
        text=cells["text"],
        origin=name,
        selection="file",
        labels=labels,
        votes={label: (int(value is True), int(value is False)) for label, value in labels.items()},
        source=cells["source"] or name,
        kind=cells["kind"] or "post",
        provinces=(cells["province"],) if cells["province"] else (),
        day=day,
        week=f"{year_week.year}-W{year_week.week:02}" if year_week else "",
        own={key: value for key, value in said.items() if key in OWN or key.startswith("taught_")},
        bound=(f"{name}\0{cells['group']}",) if cells["group"] else (),
    )
