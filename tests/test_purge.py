"""Retention of what people decided on, or did not: periods, addresses that go with texts, and the chain that stays."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from homes import (
    MOMENT,
    PARTITION,
    THREAT,
    Clock,
    decide,
    derived,
    file_of,
    id_of,
    place_at,
    queue,
    row,
    statuses,
    take,
)

from pipeline import queueing, steps
from pipeline.ledger import chain, items, verdicts
from pipeline.workplace import Workplace

TEXTS = {
    1: f"{THREAT} di Kota Pontianak",
    2: "nanti malam kita bakar gudang logistik, bawa bensin",
    3: "minggu depan kita bakar kantor bawaslu, kumpulkan jeriken di simpang",
    4: "besok kita bakar balai desa waktu rekapitulasi, bawa jeriken",
    5: "lusa kita bakar kantor camat, parang jangan lupa dibawa",
}
CONFIRMED, REJECTED, OPEN, ESCALATED = 1, 2, 3, 4


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which a day after landing one flag was confirmed, one rejected and one disputed; never written to."""
    folder = tmp_path_factory.mktemp("decided")
    clock = Clock()
    place = place_at(folder / "home", clock)
    take(place, file_of(folder, *(row(number, text) for number, text in TEXTS.items())))
    clock.move(days=1)
    decide(place, id_of(place, CONFIRMED), "fits", "confirmed", note="catatan satu")
    decide(place, id_of(place, REJECTED), "not", "rejected", "satire", note="catatan dua")
    decide(place, id_of(place, ESCALATED), "fits", "confirmed")
    decide(place, id_of(place, ESCALATED), "not", "escalated", "satire", by="r2")
    steps.index(place, PARTITION, now=clock.now)
    place.close()
    return folder / "home"


@pytest.fixture
def home(decided: Path, tmp_path: Path) -> Path:
    """That home, to write to."""
    shutil.copytree(decided, tmp_path / "home")
    return tmp_path / "home"


def _at(days: float) -> datetime:
    """So long after landing; decisions were made on day 1."""
    return MOMENT + timedelta(days=days)


def _later(home: Path, days: float, **environ: str) -> Workplace:
    clock = Clock()
    clock.move(days=days)
    return place_at(home, clock, **environ)


def _purged(home: Path, days: float, **environ: str) -> tuple[Workplace, dict[str, int]]:
    place = _later(home, days, **environ)
    return place, steps.purge(place, now=_at(days)).counts


def _text(place: Workplace, number: int) -> str | None:
    found = place.store.get(id_of(place, number))
    return found.post.text if found else None


def _state(place: Workplace, number: int) -> tuple[str, str, bool, bool]:
    """Status in the index and in the queue, whether its text is there, and its address."""
    found = queue(place)[id_of(place, number)]
    return statuses(place)[id_of(place, number)], found.status, bool(_text(place, number)), found.address is not None


def _in_derived(place: Workplace) -> set[str]:
    return {flag.id for flag in derived(place)}


def test_all_that_is_tested_here_is_flagged(home: Path) -> None:
    place = place_at(home)
    assert len(queue(place)) == len(TEXTS) == len(statuses(place))


def test_the_text_of_a_rejected_flag_goes_thirty_days_after_the_decision(home: Path) -> None:
    place, counts = _purged(home, 30.9)
    assert counts.get("texts_removed", 0) == 0
    assert _state(place, REJECTED) == ("rejected", "rejected", True, True)
    place.close()
    place, counts = _purged(home, 31)
    assert counts.get("texts_removed", 0) == 1
    assert _state(place, REJECTED) == ("rejected", "rejected", False, False)
    assert id_of(place, REJECTED) not in _in_derived(place)
    assert _state(place, CONFIRMED) == ("confirmed", "confirmed", True, True)
    place.close()
    assert b"gudang logistik" not in b"".join(path.read_bytes() for path in home.glob("*.db"))


def test_a_rejected_flag_that_was_decided_late_is_kept_past_the_time_of_the_others(home: Path) -> None:
    place = _later(home, 85)
    decide(place, id_of(place, OPEN), "not", "rejected", "criticism")
    queueing.mirror(place)
    place.close()
    place, _counts = _purged(home, 91)
    assert _state(place, OPEN) == ("rejected", "rejected", True, True)
    place.close()
    place, _counts = _purged(home, 115)
    assert _state(place, OPEN) == ("rejected", "rejected", False, False)


def test_a_confirmed_flag_stays_for_as_long_as_disputes_do(home: Path) -> None:
    place, _counts = _purged(home, 365.9)
    assert _state(place, CONFIRMED) == ("confirmed", "confirmed", True, True)
    assert _in_derived(place) == {id_of(place, CONFIRMED)}
    place.close()
    place, counts = _purged(home, 366)
    assert counts.get("texts_removed", 0) == 1
    assert _state(place, CONFIRMED) == ("confirmed", "confirmed", False, False)
    assert _in_derived(place) == set()


def test_an_office_may_shorten_a_period(home: Path) -> None:
    place, _counts = _purged(home, 11, KENTONGAN__RETENTION__CONFIRMED="10")
    assert _state(place, CONFIRMED) == ("confirmed", "confirmed", False, False)
    assert _state(place, OPEN) == ("open", "open", True, True)


def test_a_confirmed_flag_comes_again_into_a_lost_index_after_ninety_days(home: Path) -> None:
    place, _counts = _purged(home, 100)
    place.close()
    (home / "index.db").unlink()
    fresh = _later(home, 100)
    steps.reindex(fresh)
    assert statuses(fresh) == {id_of(fresh, CONFIRMED): "confirmed"}
    assert _text(fresh, CONFIRMED) == TEXTS[CONFIRMED]


def test_what_nobody_decided_is_closed_after_ninety_days(home: Path) -> None:
    place, counts = _purged(home, 89.9)
    assert counts.get("flags_expired", 0) == 0
    assert _state(place, OPEN) == ("open", "open", True, True)
    place.close()
    place, counts = _purged(home, 90)
    assert counts.get("flags_expired", 0) == 3
    for number in (OPEN, ESCALATED, 5):
        assert _state(place, number) == ("expired", "expired", False, False)
    assert _in_derived(place) == {id_of(place, CONFIRMED)}
    with place.ledger.read() as db:
        assert {each.status for each in verdicts.history(db, id_of(place, ESCALATED))} == {"confirmed", "escalated"}


def test_a_decision_of_which_the_index_was_not_told_counts(home: Path) -> None:
    place = _later(home, 89)
    decide(place, id_of(place, OPEN), "fits", "confirmed")
    assert statuses(place)[id_of(place, OPEN)] == "open", "nobody told the index"
    place.close()
    place, counts = _purged(home, 90)
    assert counts.get("flags_expired", 0) == 2
    assert _text(place, OPEN) == TEXTS[OPEN]
    steps.index(place, PARTITION, now=_at(90))
    assert _state(place, OPEN) == ("confirmed", "confirmed", True, True)


def test_what_is_held_when_its_time_comes_is_let_go(home: Path) -> None:
    place = _later(home, 90)
    with place.ledger.write() as db:
        assert items.hold(db, queue(place)[id_of(place, OPEN)].subject, "r1", _at(90), 20)
    steps.purge(place, now=_at(90))
    found = queue(place)[id_of(place, OPEN)]
    assert (found.status, found.held_by) == ("expired", "")


def test_notes_stay_in_the_chain(home: Path) -> None:
    place, _counts = _purged(home, 400)
    with place.ledger.read() as db:
        assert verdicts.history(db, id_of(place, REJECTED))[0].note == "catatan dua"
        assert verdicts.history(db, id_of(place, CONFIRMED))[0].note == "catatan satu"
        assert not chain.verify(db).problems


def test_twice_is_once_also_when_all_is_made_again_between(home: Path) -> None:
    place, _counts = _purged(home, 91)
    before = {number: _state(place, number) for number in TEXTS}
    again = steps.purge(place, now=_at(91)).counts
    assert {name: count for name, count in again.items() if count} == {}
    steps.reindex(place)
    steps.replay(place, steps.landed(place))
    steps.purge(place, now=_at(91))
    assert {number: _state(place, number) for number in TEXTS} == before


def test_a_dry_run_changes_nothing_and_counts_what_would_go(home: Path) -> None:
    place = _later(home, 91)
    before = {number: _state(place, number) for number in TEXTS}
    files = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".db-shm"}
    counts = steps.purge(place, now=_at(91), dry_run=True).counts
    assert counts.get("flags_expired", 0) == 3
    assert counts.get("posts_to_counts", 0) == 4
    assert {number: _state(place, number) for number in TEXTS} == before
    files_after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".db-shm"}
    assert {path: data for path, data in files_after.items() if path.parent.name != "lock" and "-wal" not in path.name}
    assert {path: files_after[path] for path in files} == files
    assert steps.purge(place, now=_at(91)).counts.get("flags_expired", 0) == counts.get("flags_expired", 0)
