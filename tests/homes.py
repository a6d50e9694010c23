"""Homes for tests of the whole job: a clock, files to take in, decisions, and what stands in queue and index."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import select

from pipeline import looking, steps
from pipeline.classify.registry import list_models
from pipeline.core.config import load_settings
from pipeline.core.decisions import Decision, Verdict
from pipeline.core.identity import subject_of
from pipeline.core.resources import models_path
from pipeline.core.types import Flag, Status, StepReport
from pipeline.landing.derived import derived_file, read_derived
from pipeline.ledger import verdicts
from pipeline.ledger.schema import item, item_tag
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

MOMENT = datetime(2026, 11, 21, 3, 10, tzinfo=UTC)
PARTITION = "2026-11-21/10"
SHIPPED = list_models(models_path(), "tfidf")[-1]
COLUMNS = "id,teks,tanggal,akun,tautan\n"
THREAT = "besok kita bakar kantor KPU ramai-ramai, siapkan bensin dan parang"


class Clock:
    """The time in a test; it stands still until it is moved."""

    def __init__(self) -> None:
        self.now = MOMENT

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass, as in move(hours=1)."""
        self.now += timedelta(**by)


def place_at(home: Path, clock: Clock | None = None, **environ: str) -> Workplace:
    """The workplace of a home; `environ` holds further settings. No samples: which posts are drawn differs by home."""
    unasked = {"KENTONGAN__POLICY__SAMPLE_SHARE": "0", "KENTONGAN__POLICY__TEACH_PER_DAY": "0"}
    fixed = {"KENTONGAN__PATHS__HOME": str(home)} | unasked
    settings, _origins = load_settings(None, fixed | environ)
    return Workplace(settings, clock or Clock())


def native(number: int) -> str:
    """A native id as platforms give them."""
    return str(1860000000000000000 + number)


def address(number: int) -> str:
    """The address of the post of that number."""
    return f"https://x.com/akun{number}/status/{native(number)}"


def row(number: int, text: str) -> str:
    """A row of a file."""
    return f'{native(number)},"{text}",2026-11-20 08:00,akun{number},{address(number)}'


def file_of(folder: Path, *rows: str, name: str = "warga.csv") -> str:
    """A file of these rows."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(COLUMNS + "".join(f"{each}\n" for each in rows), encoding="utf-8")
    return str(path)


def take(place: Workplace, file: str, **options: Any) -> list[StepReport]:
    """Run the file through the whole job."""
    name, settings = guess_source(file, {})
    done, reports = steps.run(place, {name: settings}, **options)
    assert not done.failed, [str(failed.error) for failed in done.failed]
    return reports


def id_of(place: Workplace, number: int) -> str:
    """The id under which the post of that number is known in the home."""
    return place.pseudonyms.item_id("x", native(number))


def decide(
    place: Workplace, flag_id: str, decision: Decision, status: Status, *reasons: str, note: str = "", by: str = "r1"
) -> Verdict:
    """Record a verdict on `threat`."""
    with place.ledger.write() as db:
        before = verdicts.latest(db, flag_id)
        given = Verdict(
            flag_id=flag_id,
            office=place.settings.office.code,
            reviewer=by,
            at=place.clock(),
            decisions={"threat": decision},
            status=status,
            reasons=reasons,
            note=note,
            supersedes=before.id if before else "",
        )
        return verdicts.record(db, given)


def queue(place: Workplace) -> dict[str, Any]:
    """The rows of the queue by flag id."""
    with place.ledger.read() as db:
        return {row.flag_id: row for row in db.execute(select(item))}


def tags(place: Workplace, flag_id: str) -> set[tuple[str, str]]:
    """What a flag is counted under in the queue."""
    with place.ledger.read() as db:
        rows = db.execute(select(item_tag).where(item_tag.c.subject == subject_of(flag_id)))
        return {(row.field, row.value) for row in rows}


def statuses(place: Workplace) -> dict[str, str]:
    """The status of each flag in the index."""
    page = place.store.search(looking.parse_query(place, ""), limit=1000)
    return {hit.flag.id: hit.flag.status for hit in page.hits}


def derived(place: Workplace, partition: str = PARTITION) -> list[Flag]:
    """The derived posts of a partition."""
    path = derived_file(place.home.derived, partition)
    return list(read_derived(path)) if path else []


def candidate(place: Path, name: str = "tfidf-2027-01-01", **changes: Any) -> Path:
    """The shipped model under another name; `thresholds` and `metrics` (dotted path: figure) change it."""
    folder = place / name
    shutil.copytree(SHIPPED, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["name"] = name
    for label, threshold in changes.get("thresholds", {}).items():
        manifest["labels"][label]["threshold"] = threshold
    metrics = json.loads((folder / "metrics.json").read_text())
    for path, value in changes.get("metrics", {}).items():
        *parents, last = path.split(".")
        at = metrics
        for parent in parents:
            at = at[parent]
        at[last] = value
    content = json.dumps(metrics).encode()
    (folder / "metrics.json").write_bytes(content)
    manifest["files"]["metrics.json"] = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
