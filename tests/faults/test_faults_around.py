"""Locked databases, wrong clocks, two runs at once, and homes that moved or are oddly called."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from homes import THREAT, Clock, file_of, place_at, row, take
from homestate import State, state_of
from runs import here, kentongan, mended, start, taking

from pipeline import steps
from pipeline.core.errors import LedgerUnavailable, TransientError
from pipeline.ledger import database
from pipeline.sources.registry import guess_source
from pipeline.store.sqlite import SQLiteStore

# ---- locked databases


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Callable[[], None]]]:
    """Gives a function that has another process hold a database, and gives one that ends it; we wait for it less."""
    monkeypatch.setattr(database, "_WAIT", 0.2)
    monkeypatch.setitem(SQLiteStore.__init__.__kwdefaults__, "wait", 0.2)
    held: list[subprocess.Popen[bytes]] = []
    code = "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]); db.execute('BEGIN EXCLUSIVE'); print(1, flush=True)"

    def hold(path: Path) -> Callable[[], None]:
        words = [sys.executable, "-c", f"{code}; sys.stdin.read()", str(path)]
        held.append(subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert held[-1].stdout is not None
        held[-1].stdout.readline()
        return held[-1].communicate  # its standard input ends

    yield hold
    for process in held:
        if process.returncode is None:
            process.communicate()


@pytest.mark.parametrize("name", ["index", "ledger"])
def test_a_locked_database_is_told_and_the_next_run_goes_on(
    home: Path,
    whole: State,
    file: str,
    name: str,
    locked: Callable[[Path], Callable[[], None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with closing(place_at(home)) as place:
        assert place.store.get("-") is None
        assert place.ledger
    release = locked(home / f"{name}.db")
    assert here(home, *taking(file)) == 1
    said = capsys.readouterr().err
    assert f"another program is writing to the {name} {home / name}.db; try again" in said
    assert "Traceback" not in said
    release()
    mended(home, whole, file)


def test_a_locked_ledger_does_not_cost_a_file_of_the_inbox(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_at(home)
    place.home.make()
    dropped = Path(file_of(place.home.inbox, row(1, THREAT)))
    os.utime(dropped, (1, 1))
    sources = place.inbox_sources()

    def away() -> None:
        raise LedgerUnavailable("locked")

    with monkeypatch.context() as patched:
        patched.setattr(place, "never_again", away)
        done = steps.ingest(place, sources)
    assert [str(failed.error) for failed in done.failed] == ["locked"]
    assert dropped.exists()
    assert steps.ingest(place, place.inbox_sources()).report.counts["landed"] == 1
    place.close()


# ---- the clock


@pytest.mark.parametrize("back", [timedelta(days=1), timedelta(days=365 * 4), timedelta(days=365 * 30)])
def test_a_clock_that_was_moved_back_is_told_and_nothing_lands(tmp_path: Path, back: timedelta) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    take(place, file_of(tmp_path, row(1, THREAT)))
    before, right = state_of(place), clock.now
    later = file_of(tmp_path, row(2, f"{THREAT} lagi"), name="lain.csv")
    name, settings = guess_source(later, {})
    clock.now -= back
    with pytest.raises(TransientError, match=r"the clock says .* run again") as raised:
        steps.run(place, {name: settings})
    assert raised.value.exit_code == 1
    assert state_of(place) == before
    clock.now = right
    assert take(place, later)[-1].counts["new"] == 1
    place.close()


def test_a_clock_of_another_century_is_told_on_the_first_run_too(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = clock.now.replace(year=1970)
    place = place_at(tmp_path / "home", clock)
    with pytest.raises(TransientError, match="the clock says 1970-11-21 03:10 UTC; set it"):
        steps.run(place, {})
    assert not place.home.landing.exists()


# ---- two at once


def test_of_two_runs_at_once_none_breaks_the_other(home: Path, whole: State, file: str) -> None:
    both = [start(home, *taking(file)) for _each in range(2)]
    ended = [(process.communicate(timeout=120)[1], process.returncode) for process in both]
    for said, code in ended:
        assert "Traceback" not in said
        assert "internal error" not in said
        assert code == 0 or (code == 1 and "another run is at work" in said)
    mended(home, whole, file)


# ---- where the home is


@pytest.mark.parametrize("way", ["moved", "linked", "copied"])
def test_a_home_works_at_another_path(filled: Path, tmp_path: Path, whole: State, file: str, way: str) -> None:
    other = tmp_path / "lain" / "rumah"
    other.parent.mkdir()
    if way == "moved":
        filled.rename(other)
    elif way == "linked":
        other.symlink_to(filled)
    else:
        shutil.copytree(filled, other)
    mended(other, whole, file)
    assert here(other, "ledger", "verify") == 0


@pytest.mark.parametrize("name", ["rumah dinas baru", "rumah-日本-é-🏠", "a%20b?c#d&e=f", "r" * 200, "'; --\""])
def test_a_home_may_be_called_anything(well: Path, tmp_path: Path, whole: State, file: str, name: str) -> None:
    home = tmp_path / name
    home.mkdir(mode=0o700)
    shutil.copytree(well / "secret", home / "secret")
    mended(home, whole, file)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("/".join(["r" * 200] * 3), "the path of the home is too long"),
        ("r" * 300, "cannot be created or written: File name too long"),
        (os.fsdecode(b"rumah-\xff"), "is not UTF-8; choose another for paths.home"),
    ],
)
def test_a_home_that_cannot_be_is_a_wrong_setting(tmp_path: Path, file: str, name: str, says: str) -> None:
    code, err = kentongan(tmp_path / name, *taking(file))
    assert code == 2
    assert says in err
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_nowhere_is_named(tmp_path: Path, file: str) -> None:
    (tmp_path / "home").symlink_to(tmp_path / "nowhere")
    code, err = kentongan(tmp_path / "home", *taking(file))
    assert code == 2
    assert str(tmp_path / "home") in err


def test_json_holds_the_failure_too(home: Path, file: str) -> None:
    place = place_at(home)
    place.home.make()
    with place.home.lock("flag"):
        process = start(home, *taking(file), "--json")
        out, _err = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "another run is at work" in json.loads(out)["failed"]["flag"]
