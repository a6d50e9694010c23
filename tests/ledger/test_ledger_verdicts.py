"""Verdicts: nobody overrules what he has not seen, of two at once one wins, and what a status becomes."""

from __future__ import annotations

from typing import Any

import pytest
from ledgers import NOW, OFFICE, add, decide, later, said, together

from pipeline.core.decisions import NOTE_LENGTH, Verdict, check_verdict, status_after
from pipeline.core.errors import ConfigError, Conflict
from pipeline.core.identity import subject_of
from pipeline.ledger import Ledger, items, verdicts


def test_a_verdict_is_kept_as_it_was_given_and_sets_the_status(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        items.claim(db, [OFFICE], "penelaah", NOW, limit=1, minutes=20)
        made = decide(db, note="catatan ✎", grounds=("race",), follow_up="watch", snapshot={"hidden": True}, bulk=True)
        assert verdicts.latest(db, "x~1") == made
        assert made.id != ""
        found = items.get(db, subject_of("x~1"), [OFFICE], NOW)
        assert found is not None
        assert (found.status, found.decided_by, found.decided_at, found.held_by) == ("confirmed", "penelaah", NOW, "")


def test_the_superseded_verdict_must_be_the_last(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        first = decide(db)
        decide(db, status="unsure")
    for seen in ("", first.id, "0" * 64):
        with pytest.raises(Conflict, match="decided on this item meanwhile"), ledger.write() as db:
            decide(db, supersedes=seen)


def test_what_somebody_else_holds_cannot_be_decided_until_the_hold_is_over(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        items.claim(db, [OFFICE], "orang lain", NOW, limit=1, minutes=20)
    with pytest.raises(Conflict, match="somebody else is reviewing"), ledger.write() as db:
        decide(db)
    with ledger.write() as db:
        decide(db, at=later(minutes=20))


def test_what_is_not_in_the_office_s_queue_cannot_be_decided(ledger: Ledger) -> None:
    add(ledger, "x~1")
    for changes in ({"flag_id": "x~2"}, {"office": "62"}):
        with pytest.raises(Conflict, match="no longer in the queue"), ledger.write() as db:
            decide(db, **changes)  # type: ignore[arg-type]


def test_of_several_who_decide_at_the_same_moment_exactly_one_wins(ledger: Ledger) -> None:
    add(ledger, "x~1")

    def work(number: int) -> bool:
        try:
            with ledger.write() as db:
                decide(db, reviewer=f"user{number}", supersedes="")
        except Conflict:
            return False
        return True

    assert sum(together(work)) == 1
    assert said(ledger) == []


def test_many_who_decide_on_many_items_at_once_all_succeed(ledger: Ledger) -> None:
    add(ledger, *(f"x~{n}" for n in range(24)))

    def work(number: int) -> None:
        with ledger.write() as db:
            got = items.claim(db, [OFFICE], f"user{number}", NOW, limit=3, minutes=20)
        with ledger.write() as db:
            for one in reversed(got):
                decide(db, one.flag_id, reviewer=f"user{number}")

    together(work)
    with ledger.read() as db:
        assert len(list(verdicts.since(db))) >= 3
    assert said(ledger) == []


def test_a_verdict_taken_back_opens_the_item_again_and_stays_in_the_history(ledger: Ledger) -> None:
    add(ledger, "x~1")
    with ledger.write() as db:
        decide(db)
        decide(db, status="open", decisions={})
        assert [one.status for one in verdicts.history(db, "x~1")] == ["confirmed", "open"]
        found = items.get(db, subject_of("x~1"), [OFFICE], NOW)
        assert found is not None
        assert (found.status, found.decided_at, found.decided_by) == ("open", None, "")
        assert [one.status for _seq, one in verdicts.since(db, [OFFICE], after=1)] == ["open"]
        assert list(verdicts.since(db, ["62"])) == []


def test_a_reviewer_s_newest_decisions_are_those_that_still_stand(ledger: Ledger) -> None:
    add(ledger, "x~1", "x~2", "x~3")
    with ledger.write() as db:
        for flag_id in ("x~1", "x~2", "x~3"):
            decide(db, flag_id)
        decide(db, "x~2", status="open", decisions={})
        decide(db, "x~1", status="unsure", reviewer="orang lain")
        assert [one.flag_id for one in verdicts.latest_of(db, "penelaah", 5)] == ["x~3"]


def _before(status: Any, reviewer: str = "a") -> Verdict:
    return Verdict("x~1", OFFICE, reviewer, NOW, {"threat": "fits"}, status)


@pytest.mark.parametrize(
    ("decisions", "before", "adjudicates", "status"),
    [
        (["fits"], None, False, "confirmed"),
        (["not"], None, False, "rejected"),
        (["unsure"], None, False, "unsure"),
        (["second"], None, False, "second_review"),
        (["not", "fits"], None, False, "confirmed"),
        (["unsure", "not"], None, False, "unsure"),
        (["fits", "second"], None, False, "second_review"),
        (["fits"], _before("second_review"), False, "confirmed"),
        (["not"], _before("second_review"), False, "rejected"),
        (["second"], _before("second_review"), False, "escalated"),
        (["fits"], _before("confirmed"), False, "confirmed"),
        (["not"], _before("confirmed"), False, "escalated"),
        (["fits"], _before("rejected"), False, "escalated"),
        (["not"], _before("confirmed", "b"), False, "rejected"),  # one's own mind may change
        (["not"], _before("confirmed"), True, "rejected"),
        (["fits"], _before("escalated"), True, "confirmed"),
        (["fits"], _before("escalated"), False, "escalated"),
        (["second"], _before("escalated"), False, "escalated"),
        (["not"], _before("open"), False, "rejected"),
    ],
)
def test_the_status_after_a_decision(
    decisions: list[Any], before: Verdict | None, adjudicates: bool, status: str
) -> None:
    said_of = {f"label{n}": decision for n, decision in enumerate(decisions)}
    assert status_after(said_of, before, "b", adjudicates=adjudicates) == status


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"decisions": {"threat": "maybe"}}, "maybe"),
        ({"reasons": ("whim",)}, "whim"),
        ({"grounds": ("party",)}, "party"),
        ({"follow_up": "arrest"}, "arrest"),
        ({"decisions": {"threat": "not"}}, "at least one reason"),
        ({"note": "x" * (NOTE_LENGTH + 1)}, str(NOTE_LENGTH)),
    ],
    ids=str,
)
def test_words_that_no_decision_has_are_refused(changes: dict[str, Any], message: str) -> None:
    values: dict[str, Any] = {"decisions": {"threat": "fits"}, "status": "confirmed"} | changes
    with pytest.raises(ConfigError, match=message):
        check_verdict(Verdict("x~1", OFFICE, "a", NOW, **values))
