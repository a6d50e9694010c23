"""Deciding at the desk: what a decision must say, when it is too late, and copies that are decided alike."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import sha256

import pytest
from lxml import html
from review.flags import make_flag, put_flags
from review.frame import Clock, PeopleOf
from review.saying import CODES, Client, item_of, said_of, say, shown, status_in_index

from pipeline.core.decisions import NOTE_LENGTH
from pipeline.core.types import Signal, Topic
from pipeline.ledger import items
from pipeline.ledger.chain import entries
from pipeline.ledger.items import Item
from pipeline.review.deciding import asked
from pipeline.workplace import Workplace

THREAT = Signal("threat", 0.91234, 0.5, "rules-1")
LOGISTICS = Topic("logistik", "Logistik", False)


@pytest.fixture
def key(place: Workplace, people_of: PeopleOf) -> str:
    """The key of one item."""
    assert people_of
    return put_flags(place, make_flag(1, "surat suara", signals=(THREAT,)))[0]


# ---- what a decision says


def test_a_decision_is_kept_whole(
    client: Client, place: Workplace, people_of: PeopleOf, clock: Clock, key: str
) -> None:
    more = {"reason": "satire", "ground": "religion", "follow_up": "dialogue", "note": "  catatan  "}
    answer = say(client("reviewer"), key, "not", "unsure", "fits", **more)
    assert (answer.status_code, answer.headers["location"]) == (303, "/antrean")
    [said] = said_of(place)
    assert said.decisions == {"hate_group": "not", "incitement": "unsure", "threat": "fits"}
    assert (said.reasons, said.grounds, said.follow_up, said.note) == (
        ("satire",),
        ("religion",),
        "dialogue",
        "catatan",
    )
    assert (said.status, said.reviewer, said.at, said.bulk) == ("confirmed", people_of["reviewer"].id, clock(), False)
    assert status_in_index(place) == item_of(place, key).status == "confirmed"


def test_a_decision_keeps_what_the_reviewer_saw_without_the_text(client: Client, place: Workplace, key: str) -> None:
    say(client("reviewer"), key, "fits")
    [said] = said_of(place)
    assert said.snapshot == {
        "text": sha256(b"\0surat suara").hexdigest(),
        "fingerprint": "a",
        "models": ["rules-1"],
        "scores": {"threat": 0.9123},
        "claims": {},
        "hidden": False,
        "sample_probability": None,
        "why": ["signal"],
    }
    with place.ledger.read() as db:
        assert "surat suara" not in str(list(entries(db)))


def test_grounds_are_kept_only_when_something_fits_and_reasons_only_when_something_does_not(
    client: Client, place: Workplace, key: str
) -> None:
    browser = client("reviewer")
    say(browser, key, "fits", reason="satire", ground="race")
    say(browser, key, "unsure", reason="satire", ground="race")
    say(browser, key, "not", reason="satire", ground="race")
    kept = [(said.reasons, said.grounds) for said in said_of(place)]
    assert kept == [((), ("race",)), ((), ()), (("satire",), ())]


def test_a_reason_that_is_sent_twice_is_kept_once(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    sent = {"csrf": browser.csrf, "reason": ["satire", "denial", "satire"]} | {
        f"decision:{code}": "not" for code in CODES
    }
    assert browser.post(f"/butir/{key}/telaah", data=sent, headers={"Origin": str(browser.base_url)}).is_redirect
    assert said_of(place)[0].reasons == ("satire", "denial")


def test_what_was_typed_is_still_there_after_a_mistake(client: Client, key: str) -> None:
    sent = {
        "decision:threat": "fits",
        "reason": "denial",
        "ground": "race",
        "follow_up": "watch",
        "note": "dekat <TPS>",
    }
    answer = client("reviewer").submit(f"/butir/{key}/telaah", **sent)
    page = html.fromstring(answer.text)
    kept = page.xpath("//form[contains(@action, '/telaah')]//*[@checked or @selected]/@value")
    assert [*kept, page.xpath("string(//textarea)")] == ["fits", "denial", "race", "watch", "dekat <TPS>"]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({}, "every line"),
        ({"decision:threat": "fits"}, "every line"),
        ({f"decision:{code}": "guilty" for code in CODES}, "every line"),
        ({f"decision:{code}": "not" for code in CODES}, "say why"),
        ({f"decision:{code}": "not" for code in CODES} | {"reason": "because"}, "because"),
        ({f"decision:{code}": "fits" for code in CODES} | {"ground": "hair"}, "hair"),
        ({f"decision:{code}": "fits" for code in CODES} | {"follow_up": "arrest"}, "arrest"),
        ({f"decision:{code}": "fits" for code in CODES} | {"note": "x" * (NOTE_LENGTH + 1)}, "longer"),
        ({"quick": "<script>"}, "&lt;script&gt;"),
    ],
)
def test_what_is_missing_or_unknown_is_said_and_nothing_is_kept(
    client: Client, place: Workplace, key: str, sent: dict[str, str], says: str
) -> None:
    answer = client("reviewer").submit(f"/butir/{key}/telaah", **sent)
    assert answer.status_code == 400
    assert says in answer.text
    assert "surat suara" in answer.text  # the item's own page, to go on with
    assert said_of(place) == []
    assert item_of(place, key).status == "open"


@pytest.mark.parametrize("reason", ["criticism", "satire", "report", "abuse_without_group"])
def test_a_button_rejects_everything_for_its_reason(client: Client, place: Workplace, key: str, reason: str) -> None:
    browser = client("reviewer")
    assert f'name="quick" value="{reason}"' in browser.get(f"/butir/{key}").text
    assert browser.submit(f"/butir/{key}/telaah", quick=reason).status_code == 303
    [said] = said_of(place)
    assert (set(said.decisions.values()), said.reasons, said.status) == ({"not"}, (reason,), "rejected")


def test_of_news_the_topics_are_asked_and_of_any_item_something() -> None:
    news = make_flag(1, kind="news", topics=(LOGISTICS,), why=("topic",))
    assert asked(news) == ["topic:logistik"]
    assert asked(replace(news, why=("signal", "topic"))) == [*CODES, "topic:logistik"]
    assert asked(make_flag(1, kind="field", topics=(LOGISTICS,))) == [*CODES, "topic:logistik"]
    assert asked(make_flag(1, topics=(LOGISTICS,))) == list(CODES)
    assert asked(make_flag(1, kind="news")) == list(CODES)


# ---- when it is too late


def test_a_decision_sent_twice_is_kept_once(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    sent = {"quick": "satire", "supersedes": shown(browser, key)}
    answers = [browser.submit(f"/butir/{key}/telaah", **sent).status_code for _time in range(3)]
    assert answers == [303, 409, 409]
    assert len(said_of(place)) == 1


def test_nobody_overrules_a_decision_that_was_not_on_the_page(client: Client, place: Workplace, key: str) -> None:
    reviewer, supervisor = client("reviewer"), client("supervisor")
    before = shown(supervisor, key)
    say(reviewer, key, "fits")
    answer = supervisor.submit(f"/butir/{key}/telaah", quick="satire", supersedes=before)
    assert answer.status_code == 409
    assert "decided on this item meanwhile" in answer.text
    assert item_of(place, key).status == "confirmed"


def test_nobody_decides_on_what_somebody_else_holds(client: Client, place: Workplace, clock: Clock, key: str) -> None:
    client("reviewer").submit(f"/butir/{key}/ambil")
    other = client("supervisor")
    assert "/telaah" not in other.get(f"/butir/{key}").text
    assert other.submit(f"/butir/{key}/telaah", quick="satire").status_code == 409
    assert said_of(place) == []
    clock.move(minutes=20)
    assert other.submit(f"/butir/{key}/telaah", quick="satire").status_code == 303


def test_nobody_decides_on_what_is_closed_or_gone(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    with place.ledger.write() as db:
        db.exec_driver_sql("UPDATE item SET status = 'expired'")
    assert browser.submit(f"/butir/{key}/telaah", quick="satire").status_code == 409
    with place.ledger.write() as db:
        db.exec_driver_sql("DELETE FROM item_tag")
        db.exec_driver_sql("DELETE FROM item")
    assert browser.submit(f"/butir/{key}/telaah", quick="satire").status_code == 404
    assert said_of(place) == []


def test_nobody_decides_on_a_text_that_changed_while_it_was_read(client: Client, place: Workplace, key: str) -> None:
    browser = client("reviewer")
    seen = re.findall(r'name="seen" value="([^"]+)"', browser.get(f"/butir/{key}").text)[0]
    put_flags(place, make_flag(1, "surat suara lain", fingerprint="b"))
    answer = browser.submit(f"/butir/{key}/telaah", quick="satire", seen=seen)
    assert answer.status_code == 409
    assert "changed while you were reading" in answer.text
    assert said_of(place) == []


# ---- copies


@pytest.fixture
def copies(place: Workplace, people_of: PeopleOf, key: str) -> list[str]:
    """Five copies, `key` the earliest; and a news item among them."""
    assert people_of
    more = [make_flag(n, "surat suara", cluster="x~0001") for n in range(2, 6)]
    news = make_flag(6, "surat suara", cluster="x~0001", kind="news", topics=(LOGISTICS,), why=("topic",))
    return [key, *put_flags(place, *more, news)]


def test_one_decision_covers_the_copies_that_nobody_looked_at(
    client: Client, place: Workplace, people_of: PeopleOf, copies: list[str]
) -> None:
    client("supervisor").submit(f"/butir/{copies[1]}/ambil")
    say(client("supervisor"), copies[2], "fits")
    browser = client("reviewer")
    answer = say(browser, copies[0], "not", bulk="1", note="sama")
    assert answer.status_code == 303
    assert "2 copies were decided alike." in browser.get("/antrean").text
    assert [item_of(place, key).status for key in copies] == [
        "rejected",
        "open",
        "confirmed",
        *["rejected"] * 2,
        "open",
    ]
    own, copy = said_of(place)[0], said_of(place, "x~0004")[0]
    assert (own.bulk, copy.bulk) == (False, True)
    assert (copy.note, copy.decisions, copy.reviewer) == ("sama", own.decisions, people_of["reviewer"].id)
    assert [status_in_index(place, f"x~000{n}") for n in (1, 4, 5)] == ["rejected"] * 3


def test_without_being_asked_nothing_covers_copies(client: Client, place: Workplace, copies: list[str]) -> None:
    say(client("reviewer"), copies[0], "not")
    assert [item_of(place, key).status for key in copies] == ["rejected", *["open"] * 5]


def test_copies_that_were_opened_again_are_covered_too(client: Client, place: Workplace, copies: list[str]) -> None:
    supervisor = client("supervisor")
    say(supervisor, copies[1], "fits")
    supervisor.submit(f"/butir/{copies[1]}/batal", supersedes=shown(supervisor, copies[1]))
    say(client("reviewer"), copies[0], "not", bulk="1")
    assert item_of(place, copies[1]).status == "rejected"
    assert len(said_of(place, "x~0002")) == 3


def test_a_disagreement_about_one_is_none_about_its_copies(client: Client, place: Workplace, copies: list[str]) -> None:
    say(client("supervisor"), copies[0], "fits")
    browser = client("reviewer")
    assert "Decide alike on the 5 copies" in browser.get(f"/butir/{copies[0]}").text
    say(browser, copies[0], "not", bulk="1")
    assert [item_of(place, key).status for key in copies[:3]] == ["escalated", "rejected", "rejected"]


def test_a_copy_that_is_decided_meanwhile_is_left_alone(
    client: Client, place: Workplace, copies: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody decides after the list of copies was read, another one comes between reading and writing."""
    browser, supervisor, real = client("reviewer"), client("supervisor"), items.cluster

    def late(*given: object, **named: object) -> list[Item]:
        found = real(*given, **named)  # type: ignore[arg-type]
        monkeypatch.setattr(items, "cluster", real)
        say(supervisor, copies[1], "fits")
        return found

    before = shown(browser, copies[0])
    monkeypatch.setattr(items, "cluster", late)
    browser.submit(f"/butir/{copies[0]}/telaah", quick="satire", bulk="1", supersedes=before)
    assert item_of(place, copies[1]).status == "confirmed"
    assert len(said_of(place, "x~0002")) == 1
