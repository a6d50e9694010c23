"""Gate 2 of what keeps watch: a source that fell quiet is told, and the last days follow a new model."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.utils.state import DagRunState
from conftest import states
from homes import THREAT, candidate, file_of, row

from pipeline import steps
from pipeline.core.clock import partition_of, utc_now
from pipeline.landing.derived import derived_file, derived_partitions
from pipeline.landing.retention import AGAIN_DAYS
from pipeline.train import promotion
from pipeline.workplace import Workplace


def _told(path: Path) -> list[str]:
    return sorted(json.loads(line)["thing"] for line in path.read_text().splitlines()) if path.exists() else []


def test_a_quiet_source_is_told_once_until_it_is_heard(
    run: Any, place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "alerts.jsonl"
    monkeypatch.setenv("KENTONGAN_ALERT_FILE", str(told))
    assert run("check_freshness").state == DagRunState.SUCCESS
    assert _told(told) == sorted(place.settings.sources)  # none of them ever gave anything
    assert THREAT not in told.read_text()
    assert run("check_freshness").state == DagRunState.SUCCESS
    assert _told(told) == sorted(place.settings.sources)
    run("ingest_export")
    assert run("check_freshness").state == DagRunState.SUCCESS
    marks = list((place.home.state / "alerts").iterdir())
    heard = [name for name, source in place.settings.sources.items() if source.kind == "export"]
    assert len(marks) == len(place.settings.sources) - len(heard)


def test_the_last_days_follow_a_new_model_and_no_older_ones(run: Any, place: Workplace, tmp_path: Path) -> None:
    zone = place.settings.office.zone
    hours = [partition_of(utc_now() - timedelta(days=days), zone) for days in (AGAIN_DAYS + 2, 2, 0)]
    for number, hour in enumerate(hours):
        file_of(place.home.inbox, row(number, f"{THREAT} {number}"), name=f"{number}.csv")
        steps.ingest(place, place.inbox_sources(), partition=hour)
        steps.flag(place, hour, now=place.clock())
        steps.index(place, hour, now=place.clock())
    before = {hour: derived_file(place.home.derived, hour) for hour in hours}
    assert derived_partitions(place.home.derived) == hours
    assert promotion.promote(place, str(candidate(tmp_path / "good")), "u1").changed
    done = run("reclassify_recent")
    assert done.state == DagRunState.SUCCESS
    assert {state for found in states(done).values() for state in found} == {"success"}
    assert len(states(done)) == AGAIN_DAYS + 1
    after = {hour: derived_file(place.home.derived, hour) for hour in hours}
    assert [before[hour] == after[hour] for hour in hours] == [True, False, False]
    again = {path: path.stat().st_mtime_ns for path in after.values() if path}
    assert run("reclassify_recent").state == DagRunState.SUCCESS
    assert {path: path.stat().st_mtime_ns for path in again} == again
