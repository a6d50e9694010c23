"""`kill -9` at a few moments (benchmarks/kills.py does fifty): the next run ends as one ends that nobody disturbed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from homes import MOMENT, PARTITION, THREAT, Clock, derived, file_of, place_at, queue, row, statuses, take
from kills import PHASES, Undisturbed, feed, hit, moments, undisturbed

from pipeline import steps
from pipeline.core.files import remove_leftovers, scratch, written_aside
from pipeline.sources import inbox
from pipeline.sources.registry import guess_source

LATER = "2026-11-21/11"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    """A home that nobody disturbed."""
    with feed() as environ:
        yield undisturbed(tmp_path_factory.mktemp("undisturbed"), environ)


@pytest.mark.parametrize(
    ("phase", "share"),
    list(moments(2 * len(PHASES), seed=5)),
    ids=lambda value: value if isinstance(value, str) else f"{value:.2f}",
)
def test_after_a_kill_the_next_run_ends_as_if_nothing_had_been(
    known: Undisturbed, tmp_path: Path, phase: str, share: float
) -> None:
    seen = hit(known, tmp_path, phase, share)
    assert seen.killed
    assert seen.wrong == []


@pytest.mark.parametrize("done", [("ingest",), ("ingest", "flag")])
def test_what_a_kill_left_half_done_is_done_by_the_next_run_in_another_hour(
    tmp_path: Path, done: tuple[str, ...]
) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    name, settings = guess_source(file_of(tmp_path, row(1, THREAT)), {})
    steps.ingest(place, {name: settings})
    if "flag" in done:
        steps.flag(place, PARTITION, now=MOMENT)
    clock.move(hours=1)
    reports = take(place, file_of(tmp_path, row(2, f"{THREAT} di pasar"), name="lain.csv"))
    assert [report.partition for report in reports] == (
        [LATER, PARTITION, PARTITION, LATER, LATER] if len(done) == 1 else [LATER, PARTITION, LATER, LATER]
    )
    assert len(statuses(place)) == len(queue(place)) == 2
    assert [len(derived(place, each)) for each in (PARTITION, LATER)] == [1, 1]
    assert len(take(place, file_of(tmp_path, row(2, f"{THREAT} di pasar"), name="lain.csv"))) == 3


def test_what_is_half_done_is_done_even_when_nothing_new_landed(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    name, settings = guess_source(file_of(tmp_path, row(1, THREAT)), {})
    steps.ingest(place, {name: settings})
    clock.move(hours=1)
    _done, reports = steps.run(place, {})
    assert [(report.step, report.partition) for report in reports[1:]] == [("flag", PARTITION), ("index", PARTITION)]
    assert len(queue(place)) == 1
    assert len(steps.run(place, {})[1]) == 1


def test_half_done_partitions_whose_raw_items_are_past_their_time_do_not_stop_a_run(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    name, settings = guess_source(file_of(tmp_path, row(1, THREAT)), {})
    steps.ingest(place, {name: settings.model_copy(update={"visibility": "media"})})
    clock.move(days=91)
    steps.purge(place, now=clock())
    done, reports = steps.run(place, {})
    assert not done.failed
    assert len(reports) == 1


def test_only_what_nobody_works_on_is_a_leftover(tmp_path: Path) -> None:
    with scratch(tmp_path / "x") as mine, written_aside(tmp_path / "y" / "file") as other:
        (tmp_path / ".tmp-0").write_text("half")
        assert remove_leftovers(tmp_path) == 1
        assert mine.exists()
        assert other.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == ["file"]


def test_a_file_of_the_inbox_that_was_moved_and_not_emptied_is_emptied(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    place.home.make()
    (place.home.inbox / "warga.csv").write_text("teks\nnama akun\n")
    left = inbox._move(place.home.inbox / "warga.csv", inbox.DONE)  # as far as a killed run came
    assert left.read_bytes()
    assert place.inbox_sources() == {}
    assert left.read_bytes() == b""


def test_secrets_leave_no_half_key_behind(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    place.home.make()
    place.home.secret.mkdir(mode=0o700)
    (place.home.secret / ".tmp-1").write_bytes(b"half")
    take(place, file_of(tmp_path, row(1, THREAT)))
    assert sorted(path.name for path in place.home.secret.iterdir()) == ["author-2024.key", "item.key"]


def test_an_hour_back_within_the_tolerance_is_no_wrong_clock(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    take(place, file_of(tmp_path, row(1, THREAT)))
    clock.now -= timedelta(hours=2)
    assert not steps.ingest(place, {}).failed
