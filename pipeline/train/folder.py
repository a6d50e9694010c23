"""Writes a model's folder: its files, and the manifest that vouches for each of them; all of it or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date as calendar_date
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.classify.artefact import MANIFEST
from pipeline.classify.heads import HEADS, LabelSettings
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.text import TEXT_VERSION
from pipeline.train.report import Run, write_run


def new_folder(out: Path, kind: str, date: str) -> Path:
    """`out`/<kind>-<date>, which must not be there yet; raises ConfigError."""
    try:
        calendar_date.fromisoformat(date)
    except ValueError as error:
        raise ConfigError(_('"{date}" is no date; write it as 2026-11-21').format(date=date)) from error
    target = out / f"{kind}-{date}"
    if target.exists():
        raise ConfigError(_("{path} exists already; give another date or remove it").format(path=target))
    return target


def manifest_of(
    name: str,
    form: int,
    labels: Mapping[str, LabelSettings],
    contents: Mapping[str, bytes],
    **more: Any,
) -> bytes:
    """The manifest of these files, as bytes; `more` is what only this kind has."""
    found = {
        "format": form,
        "kind": name[:-11],
        "name": name,
        "text_version": TEXT_VERSION,
        "heads": list(HEADS),
        "labels": {label: asdict(settings) for label, settings in labels.items()},
        "files": {
            path: {"sha256": sha256(content).hexdigest(), "bytes": len(content)} for path, content in contents.items()
        },
    }
    return as_json(found | more)


def as_json(value: object) -> bytes:
    """JSON of which the same value gives the same bytes."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def write_folder(target: Path, manifest: bytes, contents: Mapping[str, bytes], run: Run) -> None:
    """Write these files, and what the run leaves beside them; raises ConfigError if they cannot be written."""
    with made_aside(target) as aside:
        for name, content in {**contents, MANIFEST: manifest}.items():
            (aside / name).parent.mkdir(exist_ok=True)
            (aside / name).write_bytes(content)
        write_run(aside, run)


@contextmanager
def made_aside(target: Path) -> Iterator[Path]:
    """A folder that takes the place of `target` in one rename if all went well, and is gone if not.

    Raises ConfigError if it cannot be written: a folder of that name is a whole model or is not there.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise _unwritten(target, error) from error
    try:
        yield aside
        aside.chmod(0o755)
        aside.replace(target)
    except OSError as error:
        raise _unwritten(target, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # gone already if all went well


def _unwritten(target: Path, error: OSError) -> ConfigError:
    return ConfigError(_("{path} cannot be written: {error}").format(path=target, error=error.strerror))
