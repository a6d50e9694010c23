"""The queue: its order, claims by many at once, what comes back from the chain, and the mirror in the index."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledgers import NOW, OFFICE, URL, add, decide, later, new_item, together
from sqlalchemy import delete, select, text
from sqlalchemy.event import listen

from pipeline.core.identity import subject_of
from pipeline.ledger import Ledger, erasure, items, mirror
from pipeline.ledger.schema import item, item_tag


def _order(ledger: Ledger, **who: Any) -> list[str]:
    with ledger.read() as db:
        return [row.flag_id for row in db.execute(items.waiting([OFFICE], NOW, **who))]


def _claim(ledger: Ledger, user: str, limit: int = 5, now: Any = NOW, **who: Any) -> list[str]:
    with ledger.write() as db:
        return [got.flag_id for got in items.claim(db, [OFFICE], user, now, limit=limit, minutes=20, **who)]


def test_spread_is_counted_by_office_and_anew_when_a_copy_changes_its_cluster(ledger: Ledger) -> None:
    add(ledger, "x~1", "x~2", "x~3", cluster="x~1")
    add(ledger, "x~4", cluster="x~1", office="62")
    add(ledger, "x~5")
    assert _spreads(ledger) == {"x~1": 3, "x~2": 3, "x~3": 3, "x~4": 1, "x~5": 1}
    add(ledger, "x~3", cluster="x~5")
    assert _spreads(ledger) == {"x~1": 2, "x~2": 2, "x~3": 2, "x~4": 1, "x~5": 2}


def _spreads(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as db:
        return {row.flag_id: row.spread for row in db.execute(select(item))}


def test_no_statement_about_some_items_reads_all_items(ledger: Ledger) -> None:
    asked: list[tuple[str, object]] = []
    with ledger.write() as db:
        if db.dialect.name != "sqlite":
            pytest.skip("how SQLite, which has no statistics here, chooses an index")
        listen(db, "before_cursor_execute", lambda _db, _cursor, sql, values, _c, _m: asked.append((sql, values)))
        items.count_copies(db, {"a"})
        items.put(db, [new_item("x~1", cluster="x~1")])
        for look in (items.spread, items.accounts):
            look(db, "a", [OFFICE])
        items.cluster(db, "a", [OFFICE], NOW)
        items.known(db, [f"x~{number}" for number in range(500)], [OFFICE], NOW)
        erasure.withdraw(db, [f"x~{number}" for number in range(500)])
        plans = [
            row.detail
            for sql, values in list(asked)
            if not sql.startswith("INSERT")
            for row in db.exec_driver_sql(
                f"EXPLAIN QUERY PLAN {sql}", values[0] if isinstance(values, list) else values
            )
            if " item " in row.detail
        ]
    assert plans
    assert not [plan for plan in plans if "office=?" in plan or "held_by=?" in plan or plan.startswith("SCAN")]


def test_the_most_urgent_comes_first_by_base_spread_and_age_up_to_seven_days(ledger: Ledger) -> None:
    add(ledger, "new", base=3.0)
    add(ledger, "sample", base=2.5, sample=True)
    add(ledger, "four days", base=0.0, seen_at=NOW - timedelta(days=4))
    add(ledger, "year", base=0.5, seen_at=NOW - timedelta(days=365))
    add(ledger, *(f"copy {n}" for n in range(5)), base=3.7, cluster="copy 0")  # five copies: two points
    add(ledger, "other office", office="62", base=99.0)
    assert _order(ledger) == ["year", _order(ledger)[1], "four days", "new", "sample"]
    assert _order(ledger)[1].startswith("copy")


def test_of_a_cluster_only_the_earliest_copy_waits_and_the_next_when_it_is_decided(ledger: Ledger) -> None:
    for n in (2, 1, 3):
        add(ledger, f"x~{n}", cluster="x~1", seen_at=later(minutes=n))
    assert _order(ledger) == ["x~1"]
    assert _claim(ledger, "a") == ["x~1"]
    assert _claim(ledger, "b") == []  # nobody gets a copy of what somebody holds
    with ledger.write() as db:
        decide(db, "x~1", reviewer="a")
    assert _order(ledger) == ["x~2"]


def test_a_claim_fills_up_to_the_limit_and_what_one_holds_already_counts(ledger: Ledger) -> None:
    add(ledger, *(f"x~{n}" for n in range(9)))
    assert len(_claim(ledger, "a", 2)) == 2
    assert len(_claim(ledger, "a", 5)) == 5
    assert len(_claim(ledger, "b", 5)) == 4


def test_everybody_at_once_never_holds_the_same_item_and_none_is_lost(ledger: Ledger) -> None:
    add(ledger, *(f"x~{n:02}" for n in range(30)))
    got: list[list[str]] = together(lambda n: _claim(ledger, f"user{n}", 3, later(seconds=n)))
    held = [flag_id for some in got for flag_id in some]
    assert len(held) == len(set(held))
    rest = _claim(ledger, "last", 50)
    assert len({*held, *rest}) == len(held) + len(rest) == 30


def test_a_hold_times_out_can_be_made_longer_and_given_back(ledger: Ledger) -> None:
    add(ledger, "x~1")
    key = subject_of("x~1")
    assert _claim(ledger, "a") == ["x~1"]
    with ledger.write() as db:
        assert not items.hold(db, key, "b", later(minutes=19), 20)
        assert items.hold(db, key, "a", later(minutes=19), 20)
        assert items.holdings(db, "a", later(minutes=38))
        assert not items.holdings(db, "a", later(minutes=39))
        assert items.get(db, key, [OFFICE], later(minutes=39)).held_by == ""  # type: ignore[union-attr]
    assert _claim(ledger, "b", now=later(minutes=39)) == ["x~1"]
    with ledger.write() as db:
        assert items.release(db, "a") == 0
        assert items.release(db, "b", ["another"]) == 0
        assert items.release(db, "b", [key]) == 1
    assert _claim(ledger, "c") == ["x~1"]


def test_who_asks_for_a_second_reviewer_is_not_offered_the_item_again(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db, status="second_review", reviewer="a")
    assert _order(ledger, user="a") == []
    assert _order(ledger, user="b") == ["x~1"]


@pytest.mark.parametrize("status", ["unsure", "escalated"])
def test_only_who_adjudicates_sees_what_is_unsure_or_disputed(ledger: Ledger, status: str) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db, status=status)
    assert _order(ledger, user="b") == []
    assert _order(ledger, user="b", adjudicates=True) == ["x~1"]


def test_putting_an_item_again_keeps_its_status_and_hold_and_renews_the_rest(ledger: Ledger) -> None:
    add(ledger, "x~1", address="https://a.example/1")
    add(ledger, "x~2")
    with ledger.write() as db:
        assert items.hold(db, subject_of("x~2"), "a", NOW, 20)
        decide(db, "x~1", status="rejected", decisions={"threat": "not"}, reasons=("satire",))
        assert items.put(db, [new_item("x~1", base=9.0), new_item("x~2", base=9.0)]) == 0
        assert [one.flag_id for one in items.holdings(db, "a", NOW)] == ["x~2"]
        found = items.get(db, subject_of("x~1"), [OFFICE], NOW)
        assert found is not None
        assert (found.status, found.decided_by) == ("rejected", "penelaah")
        assert items.address(db, subject_of("x~1"), [OFFICE]) == "https://a.example/1"
        assert items.get(db, subject_of("x~1"), ["62"], NOW) is None


def test_an_emptied_queue_gets_its_statuses_back_from_the_chain(ledger: Ledger) -> None:
    add(ledger, "x~1", "x~2", "x~3")
    with ledger.write() as db:
        decide(db, "x~1", at=later(hours=1))
        decide(db, "x~2")
        decide(db, "x~2", status="open", decisions={})
        before = {i.flag_id: i for i in items.known(db, ["x~1", "x~2", "x~3"], [OFFICE], NOW).values()}
        db.execute(delete(item_tag))
        db.execute(delete(item))
        assert items.put(db, [new_item(f"x~{n}") for n in (1, 2, 3)]) == 3
        assert items.known(db, ["x~1", "x~2", "x~3"], [OFFICE], NOW) == before
        assert {row[1] for row in mirror.unmirrored(db, NOW)} == {"x~1", "x~2"}


def test_copies_and_accounts_of_a_cluster_are_counted_anew_when_one_moves(ledger: Ledger) -> None:
    add(ledger, "x~1", "x~2", "x~3", cluster="x~1")
    add(ledger, "x~3", cluster="x~3", account="")
    with ledger.read() as db:
        found = items.known(db, ["x~1", "x~2", "x~3"], [OFFICE], NOW)
        assert {flag_id: one.spread for flag_id, one in found.items()} == {"x~1": 2, "x~2": 2, "x~3": 1}
        assert len(items.cluster(db, found["x~1"].cluster, [OFFICE], NOW)) == 2
        assert items.accounts(db, found["x~1"].cluster, [OFFICE]) == 1
        assert items.accounts(db, found["x~3"].cluster, [OFFICE]) == 0


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One ledger for all examples: making one takes longer than an example."""
    with closing(Ledger(URL.create("sqlite", database=str(tmp_path_factory.mktemp("kept") / "ledger.db")))) as opened:
        yield opened


# ---- the mirror: two processes tell the index what changed, in any order


def _told(ledger: Ledger, steps: list[tuple[str, int]]) -> None:
    """Play the steps of two mirroring processes and of reviewers; then one more mirroring makes the index true."""
    index: dict[str, str] = {}
    reads: list[list[Any]] = [[], []]
    written: list[bool] = [True, True]
    for what, who in [*steps, ("read", 0), ("write", 0), ("note", 0)]:
        with ledger.write() as db:
            if what == "hold":
                items.hold(db, subject_of("x~1"), f"user{who}", NOW, 20)
            elif what == "release":
                items.release(db, f"user{who}")
            elif what == "again":  # the index was made again from derived/
                index["x~1"] = "open"
                items.put(db, [new_item("x~1")])
            elif what == "read":
                reads[who], written[who] = mirror.unmirrored(db, NOW), False
            elif what == "write":
                index.update({flag_id: status for _key, flag_id, status, _rev in reads[who]})
                written[who] = True
            elif written[who]:  # who dies before writing notes nothing
                mirror.mirrored(db, reads[who])
                reads[who] = []
    with ledger.write() as db:
        index.update({flag_id: status for _key, flag_id, status, _rev in mirror.unmirrored(db, NOW)})
        found = items.get(db, subject_of("x~1"), [OFFICE], NOW)
        assert found is not None
        truth = "claimed" if found.held_by else found.status
        assert index.get("x~1", "open") == truth


def test_a_process_that_tells_late_does_not_hide_what_another_told(ledger: Ledger) -> None:
    add(ledger, "x~1")
    steps = [("hold", 0), ("read", 0), ("release", 0), ("read", 1), ("write", 1), ("write", 0), ("note", 0)]
    _told(ledger, [*steps, ("note", 1)])


_STEP = st.tuples(st.sampled_from(["hold", "release", "again", "read", "write", "note"]), st.sampled_from([0, 1]))


@settings(max_examples=150)
@given(st.lists(_STEP, max_size=14))
def test_the_index_always_ends_with_the_truth(kept: Ledger, steps: list[tuple[str, int]]) -> None:
    ledger = kept
    with ledger.write() as db:
        db.execute(delete(item_tag))
        db.execute(delete(item))
        items.put(db, [new_item("x~1")])
    _told(ledger, _whole(steps))


def _whole(steps: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each process writes and notes what it read before it reads again or the play ends: it is killed nowhere."""
    whole: list[tuple[str, int]] = []
    stage = ["note", "note"]
    following = {"read": "write", "write": "note"}
    for what, who in [*steps, ("note", 1), ("note", 0)]:
        if what in ("hold", "release", "again"):
            whole.append((what, who))
            continue
        while stage[who] != "note" and (what in ("read", "note") or stage[who] != "read"):
            stage[who] = following[stage[who]]
            whole.append((stage[who], who))
        if what == "read" or (what == "write" and stage[who] == "read"):
            stage[who] = what
            whole.append((what, who))
    return whole


@pytest.mark.parametrize("adjudicates", [False, True])
def test_the_queue_is_ranked_from_an_index_alone_and_the_mirror_reads_what_changed(
    kept: Ledger, adjudicates: bool
) -> None:
    query = items.waiting([OFFICE], NOW, user="a", adjudicates=adjudicates).limit(20)
    with kept.read() as db:
        sql = str(query.compile(db, compile_kwargs={"literal_binds": True}))
        plan = " ".join(row[3] for row in db.execute(text("EXPLAIN QUERY PLAN " + sql.replace(":", r"\:"))))
        assert "COVERING INDEX ix_item_waiting" in plan
        dirty = "EXPLAIN QUERY PLAN SELECT subject FROM item WHERE dirty = 1 ORDER BY subject LIMIT 500"
        assert "ix_item_dirty" in str(db.execute(text(dirty)).all())
        over = "EXPLAIN QUERY PLAN SELECT subject FROM item WHERE held_by > '' AND held_until <= 5"
        assert "ix_item_held_by" in str(db.execute(text(over)).all())
