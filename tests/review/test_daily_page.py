"""The page of the daily summary, its text, its workbook, and what partners see of it once it is published."""

from __future__ import annotations

import io
from collections.abc import Callable
from html import unescape

import pytest
from openpyxl import load_workbook
from review.flags import make_flag, put_flags
from review.frame import Browser, Clock, PeopleOf

from pipeline.core.types import Signal
from pipeline.ledger import audit, people
from pipeline.ledger.chain import entries
from pipeline.review import daily
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
DAY = "2026-11-23"
HATE = Signal("hate_group", 0.9, 0.5, "m")


def text_in(html: str) -> str:
    """What stands in the field to copy from."""
    return unescape(html.split("<textarea", 1)[1].split(">", 1)[1].split("</textarea>", 1)[0])


def test_the_page_shows_the_day_and_a_text_of_at_most_1500_characters(place: Workplace, client: Client) -> None:
    put_flags(place, *(make_flag(number, signals=(HATE,)) for number in range(6)))
    page = client("reviewer").get(f"/ringkasan?hari={DAY}").text
    assert "Daily summary of 23 Nov 2026" in page
    text = text_in(page)
    assert 0 < len(text) <= daily.LIMIT
    assert "6 came in" in text
    assert f"{len(text):,} of at most 1,500 characters" in page
    assert "surat suara" not in page  # no post is quoted
    assert "kunci-akun" not in page


def test_one_can_go_a_day_back_and_forth_but_not_into_the_future(client: Client) -> None:
    browser = client("reviewer")
    today = browser.get("/ringkasan").text
    assert "Daily summary of 24 Nov 2026" in today
    assert "This day is not over" in today
    assert "/ringkasan?hari=2026-11-23" in today
    assert "/ringkasan?hari=2026-11-25" not in today
    assert "/ringkasan?hari=2026-11-24" in browser.get(f"/ringkasan?hari={DAY}").text
    assert "/ringkasan?hari=1999" not in browser.get("/ringkasan?hari=2000-01-01").text


@pytest.mark.parametrize(
    "typed", ["2026-11-25", "1999-12-31", "0001-01-01", "9999-12-31", "besok", "2026-02-30", "<b>"]
)
def test_a_day_that_cannot_be_is_refused_in_words(client: Client, typed: str) -> None:
    for path in ("/ringkasan", "/ringkasan/ekspor"):
        answer = client("supervisor").get(path, params={"hari": typed})
        assert answer.status_code == 400
        assert "<b>" not in answer.text


def test_the_supervisor_publishes_and_the_partner_reads_it(
    place: Workplace, client: Client, clock: Clock, people_of: PeopleOf
) -> None:
    put_flags(place, make_flag(1, signals=(HATE,)))
    supervisor = client("supervisor")
    answer = supervisor.submit("/ringkasan/terbitkan", hari=DAY)
    assert (answer.status_code, answer.headers["location"]) == (303, "/terbitan")
    partner = client("partner")
    assert "*DAILY SUMMARY*" in unescape(partner.get("/terbitan").text)
    assert "Replaced by a newer version" not in partner.get("/terbitan").text
    clock.move(minutes=5)
    assert "Publish again" in supervisor.get(f"/ringkasan?hari={DAY}").text
    supervisor.submit("/ringkasan/terbitkan", hari=DAY)
    page = partner.get("/terbitan").text
    assert page.count("Replaced by a newer version") == 1
    assert page.index("07:35") < page.index("Replaced by a newer version")  # the newest first
    with place.ledger.read() as db:
        noted = [(entry.actor, entry.details) for entry in entries(db, ["00"], actions=["publish"])]
    assert noted == [(people_of["supervisor"].id, {"day": DAY})] * 2


def test_who_may_not_publish_has_no_button_and_no_way(place: Workplace, client: Client) -> None:
    for role in ("reviewer", "approver"):
        browser = client(role)
        assert "/ringkasan/terbitkan" not in browser.get("/ringkasan").text
        assert browser.submit("/ringkasan/terbitkan", hari=DAY).status_code == 403
    with place.ledger.read() as db:
        assert audit.published(db, "00") == []


def test_the_partner_sees_nothing_but_what_was_published(client: Client) -> None:
    partner = client("partner")
    assert "Nothing was published so far" in partner.get("/terbitan").text
    for path in ("/ringkasan", "/ringkasan/ekspor", "/ikhtisar", "/jejak", "/pengguna"):
        assert partner.get(path).status_code == 403


def test_nobody_reads_or_publishes_for_an_office_of_others(place: Workplace, client: Client, clock: Clock) -> None:
    supervisor = client("supervisor")
    assert supervisor.get("/ringkasan?kantor=61").status_code == 403
    assert supervisor.submit("/ringkasan/terbitkan", hari=DAY, kantor="61").status_code == 403
    with place.ledger.write() as db:
        audit.publish(db, "61", "x", clock(), clock().date(), "rahasia enam satu")
    assert "rahasia enam satu" not in client("partner").get("/terbitan").text
    assert "rahasia enam satu" in client("reviewer61").get("/terbitan").text


def test_who_works_in_two_offices_chooses_one(place: Workplace, client: Client, people_of: PeopleOf) -> None:
    with place.ledger.write() as db:
        people.set_right(db, people_of["supervisor"].id, "61", "reviewer")
    put_flags(place, make_flag(1, signals=(HATE,)), make_flag(2, signals=(HATE,), office="61"))
    browser = client("supervisor")
    own, other = browser.get(f"/ringkasan?hari={DAY}").text, browser.get(f"/ringkasan?hari={DAY}&kantor=61").text
    assert "1 came in" in text_in(own)
    assert "Office 61" in text_in(other)
    assert "/ringkasan/terbitkan" in own
    assert "/ringkasan/terbitkan" not in other  # a reviewer there
    assert browser.submit("/ringkasan/terbitkan", hari=DAY, kantor="61").status_code == 403


def test_the_workbook_is_audited(place: Workplace, client: Client) -> None:
    answer = client("approver").get(f"/ringkasan/ekspor?hari={DAY}")
    assert len(load_workbook(io.BytesIO(answer.content)).worksheets) == 6
    with place.ledger.read() as db:
        assert [entry.details["what"] for entry in entries(db, ["00"], actions=["export"])] == ["daily"]


def test_html_in_a_published_text_is_shown_as_text(place: Workplace, client: Client, clock: Clock) -> None:
    with place.ledger.write() as db:
        audit.publish(db, "00", "x", clock(), clock().date(), "<script>alert(1)</script>")
    page = client("partner").get("/terbitan").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.fixture
def review_settings() -> dict[str, str]:
    return {"KENTONGAN__OFFICE__NAME": "Kesbangpol <i>Contoh</i> & Rekan"}


def test_html_in_the_office_s_name_is_shown_as_text(client: Client) -> None:
    assert "<i>" not in client("reviewer").get("/ringkasan").text
