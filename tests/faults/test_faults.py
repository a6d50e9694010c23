"""Full disks, and folders and files that may not be read or written: what a person is told, and the run after it.

Each time: a message that says what and what to do, exit code 1 (2 for a wrong setting), no traceback; and the next run
comes to what a home holds that nobody disturbed. What fails is a real process; as root it gives up the right to pass
over file modes. A full disk is a limit on the size of files (the same failed write), and SQLite's own limit of pages.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from homes import PARTITION, decide, id_of, place_at, take
from homestate import State, leftovers
from runs import ROWS, here, kentongan, mended, taking
from sqlalchemy import event

from pipeline import steps
from pipeline.core.errors import LedgerUnavailable
from pipeline.landing.raw import parts
from pipeline.ledger import chain
from pipeline.sources.registry import guess_source

_OTHER = 65534  # nobody

# ---- full disk


@pytest.mark.parametrize(
    ("before", "verb", "largest", "says"),
    [
        ((), "ingest", 20_000, "ledger.db"),
        (("ledger",), "ingest", 40_000, "landing/warga-csv"),
        (("ingest",), "flag", 60_000, "derived/"),
        (("ingest", "flag"), "index", 40_000, "index.db"),
        (("ingest", "flag", "store"), "index", 200_000, "index.db"),
    ],
    ids=["new ledger", "landing", "derived", "new index", "index"],
)
def test_a_full_disk_is_told_and_the_next_run_goes_on(
    home: Path, whole: State, file: str, before: tuple[str, ...], verb: str, largest: int, says: str
) -> None:
    for each in before:
        if each in ("ledger", "store"):  # that it is there already
            with closing(place_at(home)) as place:
                getattr(place, each)
        else:
            assert here(home, *(taking(file, "ingest") if each == "ingest" else (each,))) == 0
    words = taking(file, "ingest") if verb == "ingest" else (verb,)
    code, err = kentongan(home, *words, largest=largest)
    assert code == 1, err
    assert says in err
    assert leftovers(home) == []
    mended(home, whole, file)


def test_an_index_that_cannot_grow_says_that_the_disk_is_full(tmp_path: Path, file: str) -> None:
    place = place_at(tmp_path / "home")
    name, settings = guess_source(file, {})
    place.store._db.execute("PRAGMA max_page_count = 60")  # what a full disk gives, SQLITE_FULL
    done, reports = steps.run(place, {name: settings})
    assert [str(failed.error) for failed in done.failed] == [
        f"the disk is full: the index {tmp_path / 'home' / 'index.db'} cannot grow; make room and try again"
    ]
    assert steps.exit_code(done.failed) == 1
    assert [report.step for report in reports] == ["ingest", "flag"]
    place.store._db.execute("PRAGMA max_page_count = 100000")
    assert take(place, file)[-1].counts["new"] == ROWS


def test_a_ledger_that_cannot_grow_keeps_what_it_acknowledged(filled: Path) -> None:
    place = place_at(filled)
    with place.ledger.read() as db:
        pages = int(db.exec_driver_sql("PRAGMA page_count").scalar_one())

    @event.listens_for(place.ledger._engine, "checkout")
    def _full(connection: Any, *_others: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages + 3}")

    recorded = 0
    with pytest.raises(LedgerUnavailable, match=r"the disk is full: the ledger .* make room and try again"):
        for number in range(1, ROWS + 1):
            decide(place, id_of(place, number), "fits", "confirmed", note="catatan " * 100)
            recorded += 1
    event.remove(place.ledger._engine, "checkout", _full)
    place.close()
    again = place_at(filled)
    with again.ledger.read() as db:
        assert not chain.verify(db).problems
        assert db.exec_driver_sql("SELECT count(*) FROM verdict").scalar_one() == recorded > 0
    decide(again, id_of(again, ROWS), "fits", "confirmed")
    again.close()


# ---- folders and files that may not be read or written


@pytest.mark.parametrize(
    ("path", "mode", "code", "says"),
    [
        ("", 0o500, 2, "the home {home} cannot be created or written: Permission denied; check owner and rights"),
        ("", 0o000, 2, "the home {home} cannot be created or written: Permission denied; check owner and rights"),
        ("lock", 0o500, 2, "the home {home} cannot be created or written: Permission denied; check owner and rights"),
        ("landing", 0o500, 1, "{home}/landing/warga-csv: Permission denied; check owner and rights"),
        ("derived", 0o500, 1, "{home}/derived/2026-11-21: Permission denied; check owner and rights"),
        ("secret/item.key", 0o000, 1, "{home}/secret/item.key: Permission denied; check owner and rights"),
        ("index.db", 0o400, 1, "the index {home}/index.db cannot be written (Permission denied); check the folder's"),
        (
            "ledger.db",
            0o400,
            1,
            "the ledger {home}/ledger.db cannot be written (Permission denied); check the folder's",
        ),
    ],
)
def test_what_may_not_be_written_is_named(
    filled: Path, whole: State, file: str, path: str, mode: int, code: int, says: str
) -> None:
    if path in ("landing", "derived"):
        shutil.rmtree(filled / path)
        (filled / path).mkdir(mode=0o700)
    if path == "lock":
        shutil.rmtree(filled / path)
        (filled / path).mkdir()
    (filled / path).chmod(mode)
    ended, err = kentongan(filled, *taking(file))
    assert ended == code
    assert says.format(home=filled) in err
    (filled / path).chmod(0o700 if (filled / path).is_dir() else 0o600)
    mended(filled, whole, file)


def test_a_part_that_may_not_be_read_is_no_damage(filled: Path, whole: State, file: str) -> None:
    (part,) = parts(filled / "landing", PARTITION)
    part.chmod(0o000)
    code, err = kentongan(filled, "flag", "--partition", PARTITION)
    assert code == 1
    assert f"{part}: Permission denied; check owner and rights" in err
    part.chmod(0o600)
    mended(filled, whole, file)


@pytest.mark.parametrize("name", ["landing", "derived", "lock", "secret", "inbox"])
def test_a_file_in_the_place_of_a_folder_is_named(home: Path, file: str, name: str) -> None:
    shutil.rmtree(home / name, ignore_errors=True)
    (home / name).write_text("")
    code, err = kentongan(home, *taking(file))
    assert code in (1, 2)
    assert str(home) in err
    assert len(err.splitlines()) < 6


def test_a_home_of_another_user_is_not_touched(filled: Path, file: str) -> None:
    before = sorted(filled.rglob("*"))
    if os.geteuid():
        filled.chmod(0o000)  # only root can give a folder away; to us that of another user looks so
    else:
        os.chown(filled, _OTHER, _OTHER)
    code, err = kentongan(filled, *taking(file))
    assert code == 2
    assert str(filled) in err
    assert ("belongs to another user" in err) == (os.geteuid() == 0)
    filled.chmod(0o700)
    assert sorted(filled.rglob("*")) == before
