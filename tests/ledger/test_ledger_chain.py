"""The chain: whatever was changed, dropped or put in by hand is found, and writers at the same time lose nothing."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import NOW, OFFICE, URL, add, decide, note, said, together
from sqlalchemy import Connection, delete, insert, select, text, update

from pipeline.core.identity import subject_of
from pipeline.ledger import Ledger, audit, chain, erasure
from pipeline.ledger.schema import entry, head, verdict


def _fill(ledger: Ledger) -> None:
    with ledger.write() as db:
        for n in range(5):
            note(db, details={"n": n}, payload={"words": f"kata {n}"}, subject=f"s{n}")
        note(db, office="62")


def _change(ledger: Ledger, *statements: Any) -> None:
    with ledger.write() as db:
        for statement in statements:
            db.execute(statement)


def _of(number: int) -> Any:
    return (entry.c.office == OFFICE) & (entry.c.number == number)


def test_an_untouched_chain_verifies_and_tells_its_heads(ledger: Ledger) -> None:
    _fill(ledger)
    with ledger.read() as db:
        found = chain.verify(db)
    assert (found.entries, found.problems) == (6, ())
    assert {office: number for office, (number, _hash) in found.heads.items()} == {OFFICE: 5, "62": 1}


_CHANGES: list[dict[str, Any]] = [
    {"body": "{}"}, {"body": "[]"}, {"body": "no json"}, {"body": '{"details":[]}'}, {"actor": "orang lain"},
    {"action": "export"}, {"kind": "verdict"}, {"at": 1}, {"subject": "lain"}, {"payload": '{"words":"lain"}'},
    {"salt": b"0" * 16}, {"payload_digest": ""}, {"payload_digest": "0" * 64}, {"prev_hash": "0" * 64},
    {"hash": "0" * 64}, {"number": 77}, {"number": 0}, {"office": "62", "number": 2}, {"seq": 1_000},
]  # fmt: skip


class _Undo(Exception):
    """Ends a transaction so that nothing of it stays."""


def test_a_changed_row_is_found_whichever_column_it_is(ledger: Ledger) -> None:
    _fill(ledger)
    for values in _CHANGES:
        with pytest.raises(_Undo), ledger.write() as db:
            db.execute(update(entry).where(_of(3)).values(**values))
            assert chain.verify(db).problems, values
            raise _Undo
    assert said(ledger) == []


def _forge(db: Connection, number: int) -> None:
    """Change an entry and make its hash fit, as somebody would who knows how."""
    row = db.execute(select(entry).where(_of(number))).one()
    body = row.body.replace('"read"', '"sign_out"')
    link = chain._hash(row.prev_hash, body, row.payload_digest)
    db.execute(update(entry).where(entry.c.seq == row.seq).values(body=body, action="sign_out", hash=link))


@pytest.mark.parametrize(
    ("number", "says"), [(3, "it does not follow the entry before it"), (5, "the chain does not end where it should")]
)
def test_a_forger_who_makes_the_hash_fit_is_found_by_what_comes_next(ledger: Ledger, number: int, says: str) -> None:
    _fill(ledger)
    with ledger.write() as db:
        _forge(db, number)
    assert said(ledger) == [says]


@pytest.mark.parametrize(("number", "says"), [(1, "missing"), (3, "missing"), (5, "does not end")])
def test_a_dropped_row_is_found(ledger: Ledger, number: int, says: str) -> None:
    _fill(ledger)
    _change(ledger, delete(entry).where(_of(number)))
    assert says in said(ledger)[0]


def test_a_row_put_in_by_hand_is_found(ledger: Ledger) -> None:
    _fill(ledger)
    with ledger.read() as db:
        row = dict(db.execute(select(entry).where(_of(5))).one()._mapping)
    body = row["body"].replace('"number":5', '"number":6')
    forged = row | {"seq": 900, "number": 6, "prev_hash": row["hash"], "body": body}
    forged["hash"] = chain._hash(forged["prev_hash"], body, row["payload_digest"])
    _change(ledger, insert(entry).values(**forged))
    assert said(ledger) == ["the chain does not end where it should"]


def test_a_payload_may_go_only_with_a_tombstone_from_whichever_office(ledger: Ledger) -> None:
    with ledger.write() as db:
        audit.note(db, "read", office=OFFICE, actor="a", at=NOW, flag_id="x~1")
        audit.note(db, "read", office="00", actor="b", at=NOW, flag_id="x~1")
        erasure.erase(db, "x~1", office=OFFICE, actor="c", at=NOW, reason="request")
        note(db, payload={"words": "kata"})
    assert said(ledger) == []
    _change(ledger, update(entry).where(_of(3)).values(payload=None, salt=None))
    assert said(ledger) == ["its payload is gone, and no erasure says so"]


def test_a_head_noted_earlier_must_still_stand(ledger: Ledger) -> None:
    _fill(ledger)
    with ledger.read() as db:
        noted = chain.verify(db).heads[OFFICE][1]
    with ledger.write() as db:
        note(db)
    assert said(ledger, noted) == []
    _change(ledger, delete(entry), delete(head))  # everything gone: only what was noted tells
    assert said(ledger) == []
    assert said(ledger, noted) == [f"no entry has the hash {noted} that was noted"]


@pytest.mark.parametrize(
    "values", [{"status": "rejected"}, {"reviewer": "x"}, {"at": 1}, {"criticism": True}, {"office": "62"}], ids=str
)
def test_a_change_in_the_table_of_verdicts_is_found(ledger: Ledger, values: dict[str, Any]) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db)
    assert said(ledger) == []
    _change(ledger, update(verdict).values(**values))
    assert said(ledger) == ["the table of verdicts says something else"]


def test_a_row_dropped_from_the_table_of_verdicts_is_found(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db)
    _change(ledger, delete(verdict))
    assert said(ledger) == ["the table of verdicts has 0 rows, the chain 1"]


_ENTRY = st.tuples(st.sampled_from(["61", "62"]), st.sampled_from(["read", "search"]), st.booleans())
_COLUMNS = ["body", "kind", "action", "actor", "subject", "payload", "payload_digest", "prev_hash", "hash", "at", "seq"]


@settings(max_examples=25)
@given(st.lists(_ENTRY, min_size=1, max_size=8), st.data())
def test_any_single_tampering_is_found(made: list[tuple[str, str, bool]], data: st.DataObject) -> None:
    with TemporaryDirectory() as folder, closing(Ledger(URL.create("sqlite", database=f"{folder}/ledger.db"))) as one:
        with one.write() as db:
            for office, action, secret in made:
                note(db, office, action=action, payload={"w": "kata"} if secret else None)
        assert said(one) == []
        at = entry.c.seq == data.draw(st.integers(1, len(made)))
        how = data.draw(st.sampled_from(["drop", "head", *_COLUMNS]))
        if how == "drop":
            _change(one, delete(entry).where(at))
        elif how == "head":
            _change(one, update(head).where(head.c.office == made[0][0]).values(hash="0" * 64))
        elif how == "seq":
            _change(one, update(entry).where(entry.c.seq == 1).values(seq=0, at=1))
        else:
            _change(one, update(entry).where(at).values({how: 1 if how == "at" else "lain"}))
        assert said(one)


@pytest.mark.parametrize("offices", [["61"], ["61", "62"]], ids=len)
def test_writers_at_the_same_time_lose_nothing(ledger: Ledger, offices: list[str]) -> None:
    def work(number: int) -> None:
        for _ in range(5):
            with ledger.write() as db:
                note(db, offices[number % len(offices)])

    together(work)
    with ledger.read() as db:
        found = chain.verify(db)
    assert (found.entries, found.problems) == (40, ())


_WRITER = """
import sys
from datetime import UTC, datetime
from sqlalchemy import make_url
from pipeline.ledger import Ledger, chain
ledger = Ledger(make_url(sys.argv[1]))
for _ in range(5):
    with ledger.write() as db:
        chain.append(db, office="61", kind="audit", action="read", at=datetime.now(UTC), actor="a")
ledger.close()
"""


def test_processes_that_make_a_new_ledger_at_once_lose_nothing(tmp_path: Path) -> None:
    url = URL.create("sqlite", database=str(tmp_path / "ledger.db"))
    writers = [subprocess.Popen([sys.executable, "-c", _WRITER, str(url)]) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    with closing(Ledger(url)) as ledger, ledger.read() as db:
        found = chain.verify(db)
    assert (found.entries, found.problems) == (20, ())


def test_reading_sees_one_state_while_others_write(ledger: Ledger) -> None:
    _fill(ledger)
    with ledger.read() as db:
        before = db.execute(text("SELECT count(*) FROM entry")).scalar()
        with ledger.write() as other:
            note(other)
        assert db.execute(text("SELECT count(*) FROM entry")).scalar() == before
        assert chain.verify(db).problems == ()


def test_an_entry_keeps_its_subject_and_no_address_in_what_stays(ledger: Ledger) -> None:
    with ledger.write() as db:
        made = audit.note(db, "read", office=OFFICE, actor="a", at=NOW, flag_id="url:https://a.example/1")
        row = db.execute(select(entry)).one()
    assert made.subject == row.subject == subject_of("url:https://a.example/1")
    assert "example" not in row.body
