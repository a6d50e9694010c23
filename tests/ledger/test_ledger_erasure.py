"""Erasing a post: nothing of it is left, its copies go on, and it never comes back."""

from __future__ import annotations

from pathlib import Path

from ledgers import NOW, OFFICE, URL, add, decide, later, new_item, said

from pipeline.core.identity import subject_of
from pipeline.ledger import Ledger, audit, erasure, items, verdicts

SECRET = "url:https://portal.example/rahasia-"


def _erase(ledger: Ledger, flag_id: str, office: str = OFFICE) -> int:
    with ledger.write() as db:
        return erasure.erase(db, flag_id, office=office, actor="pdp", at=NOW, reason="request")


def test_no_byte_of_id_note_or_address_is_left_in_the_files(tmp_path: Path) -> None:
    folder = tmp_path / "home"
    ledger = Ledger(URL.create("sqlite", database=str(folder / "ledger.db")))
    gone = [f"{SECRET}{n}" for n in range(40)]
    add(ledger, *gone, *(f"x~{n}" for n in range(40)), address="https://tertutup.example/1")
    with ledger.write() as db:
        for n, flag_id in enumerate(gone):
            decide(db, flag_id, note=f"catatan-rahasia {n} " * n)
            decide(db, f"x~{n}", note="biasa")
            audit.note(db, "read", office=OFFICE, actor="a", at=NOW, flag_id=flag_id)
    for flag_id in gone:
        assert _erase(ledger, flag_id) == 2
    for n in range(40):
        _erase(ledger, f"x~{n}")
    assert said(ledger) == []
    ledger.close()
    left = b"".join(path.read_bytes() for path in folder.iterdir())
    for secret in (b"rahasia", b"tertutup.example", b"biasa"):
        assert secret not in left


def test_the_chain_stays_whole_and_the_verdict_stays_without_note_and_id(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db, note="catatan")
    assert _erase(ledger, "x~1") == 1
    assert said(ledger) == []
    with ledger.read() as db:
        ((_seq, kept),) = verdicts.since(db)
        assert (kept.flag_id, kept.note, kept.status) == ("", "", "confirmed")
        assert erasure.left_of(db, [subject_of("x~1")]) == []
        assert erasure.erased_keys(db) == {subject_of("x~1")}


def test_an_erased_post_is_not_taken_again(ledger: Ledger) -> None:
    add(ledger, "x~1")
    _erase(ledger, "x~1")
    with ledger.write() as db:
        assert items.put(db, [new_item("x~1"), new_item("x~2")]) == 1
        assert list(items.known(db, ["x~1", "x~2"], [OFFICE], NOW)) == ["x~2"]


def test_erasing_twice_is_erasing_once(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db)
    assert [_erase(ledger, "x~1"), _erase(ledger, "x~1"), _erase(ledger, "x~1", "00")] == [1, 0, 0]
    assert said(ledger) == []


def test_the_copies_of_an_erased_post_stay_together_under_the_next_earliest(ledger: Ledger) -> None:
    for n in (1, 2, 3):
        add(ledger, f"x~{n}", cluster="x~1", seen_at=later(minutes=n))
    _erase(ledger, "x~1")
    for again in (False, True):  # derived/ may still name the erased post
        if again:
            add(ledger, "x~3", cluster="x~1", seen_at=later(minutes=3))
        with ledger.read() as db:
            copies = items.cluster(db, subject_of("x~2"), [OFFICE], NOW)
            assert [(copy.flag_id, copy.spread) for copy in copies] == [("x~2", 2), ("x~3", 2)]
            assert [row.flag_id for row in db.execute(items.waiting([OFFICE], NOW))] == ["x~2"]


def test_a_copy_in_the_middle_of_a_cluster_leaves_the_count_right(ledger: Ledger) -> None:
    add(ledger, "x~1", "x~2", "x~3", cluster="x~1")
    _erase(ledger, "x~2")
    with ledger.write() as db:
        assert {one.spread for one in items.known(db, ["x~1", "x~3"], [OFFICE], NOW).values()} == {2}
        assert erasure.withdraw(db, ["x~3", "x~9"]) == 1
        assert items.known(db, ["x~1"], [OFFICE], NOW)["x~1"].spread == 1


def test_only_what_nobody_took_up_is_withdrawn(ledger: Ledger) -> None:
    add(ledger, "x~1", "x~2", "x~3")
    with ledger.write() as db:
        items.hold(db, subject_of("x~1"), "a", NOW, 20)
        decide(db, "x~2")
        assert erasure.withdraw(db, ["x~1", "x~2", "x~3"]) == 1
