"""After the first decision: taking it back, asking for a second reviewer, disagreeing, and who settles it."""

from __future__ import annotations

import pytest
from review.flags import make_flag, put_flags
from review.frame import Browser, Clock, PeopleOf
from review.saying import Client, item_of, said_of, say, shown, status_in_index

from pipeline.core.decisions import Verdict
from pipeline.core.errors import Conflict
from pipeline.core.types import Signal
from pipeline.ledger import people, verdicts
from pipeline.workplace import Workplace


@pytest.fixture
def key(place: Workplace, people_of: PeopleOf) -> str:
    """The key of one item."""
    assert people_of
    return put_flags(place, make_flag(1, "surat suara", signals=(Signal("threat", 0.9, 0.5, "rules-1"),)))[0]


# ---- taking back


def test_one_s_own_decision_can_be_taken_back_and_made_again(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    say(browser, key, "fits")
    assert browser.submit(f"/butir/{key}/batal", supersedes=shown(browser, key)).status_code == 303
    assert status_in_index(place) == item_of(place, key).status == "open"
    say(browser, key, "not")
    history = said_of(place)
    assert [(bool(said.decisions), said.status) for said in history] == [
        (True, "confirmed"),
        (False, "open"),
        (True, "rejected"),
    ]
    assert [said.supersedes for said in history[1:]] == [said.id for said in history[:-1]]


def test_taking_back_a_second_decision_brings_back_the_first(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    say(browser, key, "fits")
    say(browser, key, "unsure")
    browser.submit(f"/butir/{key}/batal", supersedes=shown(browser, key))
    assert item_of(place, key).status == "confirmed"


def test_only_who_decided_or_a_supervisor_takes_back(
    client: Client, place: Workplace, people_of: PeopleOf, key: str
) -> None:
    with place.ledger.write() as db:
        people.set_right(db, people_of["approver"].id, "00", "reviewer")
    say(client("reviewer"), key, "fits")
    other, supervisor = client("approver"), client("supervisor")
    assert "/batal" not in other.get(f"/butir/{key}").text
    assert other.submit(f"/butir/{key}/batal", supersedes=shown(other, key)).status_code == 403
    assert item_of(place, key).status == "confirmed"
    assert supervisor.submit(f"/butir/{key}/batal", supersedes=shown(supervisor, key)).status_code == 303
    assert item_of(place, key).status == "open"


def test_what_does_not_stand_any_more_cannot_be_taken_back(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    assert browser.submit(f"/butir/{key}/batal", supersedes="").status_code == 409
    say(browser, key, "fits")
    first = shown(browser, key)
    assert browser.submit(f"/butir/{key}/batal", supersedes=first).status_code == 303
    assert browser.submit(f"/butir/{key}/batal", supersedes=first).status_code == 409
    assert browser.submit(f"/butir/{key}/batal", supersedes=shown(browser, key)).status_code == 409
    assert len(said_of(place)) == 2


def test_a_decision_whose_text_is_gone_stands(client: Client, place: Workplace, key: str) -> None:
    """Else it would wait in the queue, and nobody could decide on it."""
    browser = client("reviewer")
    say(browser, key, "not")
    place.store.expire(["x~0001"], keep_status=True)
    page = browser.get(f"/butir/{key}").text
    assert "The text is no longer kept." in page
    assert "/batal" not in page
    assert browser.submit(f"/butir/{key}/batal", supersedes=said_of(place)[0].id).status_code == 409
    assert item_of(place, key).status == "rejected"


# ---- second reviewers


@pytest.fixture
def second(place: Workplace, people_of: PeopleOf, client: Client) -> Browser:
    """The browser of another reviewer of the same office."""
    with place.ledger.write() as db:
        people.set_right(db, people_of["approver"].id, "00", "reviewer")
    return client("approver")


def test_who_asks_for_a_second_reviewer_is_not_the_second(
    client: Client, place: Workplace, people_of: PeopleOf, second: Browser, key: str
) -> None:
    browser = client("reviewer")
    say(browser, key, "second")
    assert item_of(place, key).status == "second_review"
    assert key not in browser.get("/antrean").text.split("What you decided last")[0]
    browser.submit("/antrean/ambil")
    assert item_of(place, key).held_by == ""
    assert say(browser, key, "fits", supersedes=said_of(place)[0].id).status_code == 403
    assert browser.submit(f"/butir/{key}/ambil").status_code == 403
    assert item_of(place, key).held_by == ""
    second.submit("/antrean/ambil")
    assert item_of(place, key).held_by == people_of["approver"].id
    assert say(second, key, "fits").status_code == 303
    assert item_of(place, key).status == "confirmed"


def test_a_disagreement_goes_to_the_supervisor_who_settles_it(
    client: Client, place: Workplace, second: Browser, key: str
) -> None:
    browser, supervisor = client("reviewer"), client("supervisor")
    say(browser, key, "fits")
    say(second, key, "not")
    assert status_in_index(place) == item_of(place, key).status == "escalated"
    for each in (browser, second):
        assert "a supervisor decides" in each.get(f"/butir/{key}").text
        assert say(each, key, "fits", supersedes=said_of(place)[-1].id).status_code == 403
        assert each.submit(f"/butir/{key}/ambil").status_code == 403
    assert f'href="/butir/{key}"' in supervisor.get("/antrean").text
    assert say(supervisor, key, "not").status_code == 303
    assert item_of(place, key).status == "rejected"
    assert len(said_of(place)) == 3


def test_two_who_agree_need_no_supervisor(client: Client, place: Workplace, second: Browser, key: str) -> None:
    say(client("reviewer"), key, "fits")
    say(second, key, "fits")
    assert item_of(place, key).status == "confirmed"


def test_the_ledger_itself_refuses_two_decisions_after_one(
    place: Workplace, people_of: PeopleOf, clock: Clock, key: str
) -> None:
    given = Verdict("x~0001", "00", people_of["reviewer"].id, clock(), {"threat": "fits"}, "confirmed")
    with place.ledger.write() as db:
        verdicts.record(db, given)
    with pytest.raises(Conflict), place.ledger.write() as db:
        verdicts.record(db, given)
    assert len(said_of(place)) == 1
    assert key
