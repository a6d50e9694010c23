"""Gate 2: each DAG runs to its end on small data, in this process."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from airflow.utils.state import DagRunState
from conftest import states
from homes import THREAT, file_of, row

from pipeline import looking, steps
from pipeline.landing.derived import derived_partitions, unindexed_partitions
from pipeline.workplace import Workplace


def _ids(place: Workplace) -> set[str]:
    return {hit.flag.id for hit in place.store.search(looking.parse_query(place, ""), limit=1000).hits}


def test_the_whole_way_by_hand(run: Any, place: Workplace) -> None:
    landed = run("ingest_export")
    assert landed.state == DagRunState.SUCCESS
    assert states(landed)["fetch"] == ["success", "success"]
    assert states(landed)["publish"] == ["success"]
    (partition,) = steps.landed(place)
    assert run("flag_posts").state == DagRunState.SUCCESS
    assert unindexed_partitions(place.home.derived) == [partition]
    assert run("index_flags", partition=partition).state == DagRunState.SUCCESS
    first = _ids(place)
    assert first
    assert unindexed_partitions(place.home.derived) == []

    # Again: nothing new lands, the same flags stand there
    again = run("ingest_export")
    assert states(again)["publish"] == ["skipped"]
    run("flag_posts", partition=partition)
    run("index_flags", since=partition[:10], until=partition[:10])
    assert _ids(place) == first


def test_a_dead_source_fails_its_run_and_stops_no_other(
    run: Any, place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN__SOURCES__KANAL__PATH", str(tmp_path / "nothing.jsonl"))
    done = run("ingest_export")
    assert done.state == DagRunState.FAILED
    assert states(done) == {
        "plan": ["success"],
        "fetch": ["failed", "success"],
        "publish": ["success"],
        "all_fetched": ["upstream_failed"],
    }
    assert steps.unflagged(place) == steps.landed(place) != []


def test_two_runs_of_one_partition_at_once_leave_what_one_leaves(run: Any, place: Workplace) -> None:
    run("ingest_export")
    (partition,) = steps.landed(place)
    with place.home.lock("flag"):  # the other run
        assert states(run("flag_posts", partition=partition))["flag"] == ["failed"]
    assert derived_partitions(place.home.derived) == []
    for _twice in range(2):
        assert states(run("flag_posts", partition=partition))["flag"] == ["success"]
    assert len(list(place.home.derived.glob("*/*/posts-*.parquet"))) == 1


def test_files_of_the_inbox_are_taken_once(run: Any, place: Workplace) -> None:
    assert states(run("ingest_inbox"))["fetch"] == ["skipped"]
    file_of(place.home.inbox, row(1, THREAT))
    assert states(run("ingest_inbox"))["fetch"] == ["success"]
    assert len(steps.unflagged(place)) == 1
    assert states(run("ingest_inbox"))["fetch"] == ["skipped"]


def test_a_partition_that_never_landed_or_is_none_fails_with_what_to_do(
    run: Any, place: Workplace, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run("flag_posts", since="2026-01-01", until="2026-01-02").state == DagRunState.SUCCESS  # nothing to do
    assert run("flag_posts", partition="2026-01-01/29").state == DagRunState.FAILED
    assert "write it as 2026-11-21/05" in "".join(capfd.readouterr())
    assert derived_partitions(place.home.derived) == []


def test_a_week_is_flagged_again_as_it_was(run: Any, place: Workplace) -> None:
    """The backfill: days by `since` and `until`, in order, and only these."""
    for hour in ("2026-11-19/05", "2026-11-20/05", "2026-11-21/05"):
        name = hour.replace("/", "-")
        file_of(place.home.inbox, row(int(hour[8:10]), f"{THREAT} {hour[8:10]}"), name=f"{name}.csv")
        steps.ingest(place, place.inbox_sources(), partition=hour)
    run("flag_posts")
    run("index_flags")
    before, derived = _ids(place), derived_partitions(place.home.derived)
    assert derived == ["2026-11-19/05", "2026-11-20/05", "2026-11-21/05"]
    shutil.rmtree(place.home.derived)
    again = run("flag_posts", since="2026-11-20", until="2026-11-21")
    assert states(again)["flag"] == ["success", "success"]
    assert derived_partitions(place.home.derived) == derived[1:]
    run("flag_posts", since="2026-11-19", until="2026-11-19")
    run("index_flags", since="2026-11-19")
    assert _ids(place) == before


def test_claims_are_fetched_and_the_posts_of_before_are_found(run: Any, place: Workplace) -> None:
    run("ingest_export")
    run("flag_posts")
    run("index_flags")
    before = _ids(place)
    fetched = run("sync_claims")
    assert fetched.state == DagRunState.SUCCESS
    assert states(run("match_claims")) == {"look_back": ["success"]}
    assert unindexed_partitions(place.home.derived)
    run("index_flags")
    assert _ids(place) > before
    assert states(run("match_claims")) == {"look_back": ["skipped"]}


def test_what_is_past_its_time_goes_and_a_dry_run_only_counts(run: Any, place: Workplace) -> None:
    file_of(place.home.inbox, row(1, THREAT))
    steps.ingest(place, place.inbox_sources(), partition="2026-01-05/10")
    (part,) = place.home.landing.glob("*/2026-01-05/10/*")
    assert run("purge_retention", dry_run=True).state == DagRunState.SUCCESS
    assert part.exists()
    assert run("purge_retention").state == DagRunState.SUCCESS
    assert not part.exists()
