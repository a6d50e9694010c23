"""The audit on a page: each kind of entry in words, nothing that names a post or a search, and the chain's state."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from openpyxl import load_workbook
from review.flags import make_flag, put_flags
from review.frame import Browser, Clock, PeopleOf
from sqlalchemy import update

from pipeline.core.decisions import Verdict
from pipeline.core.identity import subject_of
from pipeline.ledger import audit, erasure, verdicts
from pipeline.ledger.chain import entries
from pipeline.ledger.schema import entry
from pipeline.review import trail
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
SECRETS = ("kata yang dicari", "catatan rahasia", "x~0001", "surat suara", "sandi-salah-ketik")


def note(place: Workplace, action: str, **more: object) -> None:
    given = {"office": "00", "actor": "program", "at": place.clock()} | more
    with place.ledger.write() as db:
        audit.note(db, action, **given)


def fill(place: Workplace, people_of: PeopleOf) -> None:
    """One entry of each kind, as the program makes them."""
    flag = make_flag(1)
    put_flags(place, flag)
    who = people_of["reviewer"].id
    note(place, "sign_in", actor=who)
    note(place, "sign_in_failed", actor="", payload={"name": "sandi-salah-ketik"})
    note(place, "sign_out", actor=who, details={"everywhere": True})
    note(place, "read", actor=who, flag_id=flag.id)
    note(place, "open_source", actor=who, flag_id=flag.id, details={"reason": "context"})
    note(place, "search", actor="os:sari", payload={"words": "kata yang dicari"}, details={"shown": 25})
    note(place, "export", actor=who, details={"what": "search", "rows": 12, "form": "csv"})
    note(place, "rights", details={"user": people_of["admin"].id, "office": "00", "role": "admin"})
    note(place, "password", details={"user": people_of["admin"].id, "reset": True})
    note(place, "config", details={"hashes": {"topics": "abc"}, "changed": ["topics", "policy"]})
    note(place, "promote", actor=who, details={"model": "tfidf-2027-01-01", "before": "tfidf-2026-11-24"})
    note(place, "rollback", actor=who, details={"model": "tfidf-2026-11-24", "before": "tfidf-2027-01-01"})
    note(place, "shadow", actor=who, details={"model": "tfidf-2027-01-01"})
    note(place, "lengthen", actor=who, details={"period": "raw_social", "days": 60, "reason": "sengketa hasil"})
    note(place, "assign", actor=who, flag_id=flag.id, details={"to": people_of["supervisor"].id})
    with place.ledger.write() as db:
        audit.publish(db, "00", who, place.clock(), place.clock().date(), "teks surat suara")
        made = Verdict(
            flag.id, "00", who, place.clock(), {"threat": "not"}, "rejected", ("criticism",), note="catatan rahasia"
        )
        kept = verdicts.record(db, made)
        verdicts.record(db, Verdict(flag.id, "00", who, place.clock(), {}, "open", supersedes=kept.id))
        erasure.erase(db, flag.id, office="00", actor=who, at=place.clock(), reason="private")


def test_every_action_is_told_in_words_and_nothing_secret(
    place: Workplace, client: Client, people_of: PeopleOf
) -> None:
    fill(place, people_of)
    answer = client("privacy").get("/jejak")
    assert answer.status_code == 200
    for code in audit.ACTIONS:
        assert trail.action_name(code) != code
        assert answer.text.count(trail.action_name(code)) >= 2, code  # in the filter and in the table
    for secret in SECRETS:
        assert secret not in answer.text
    key = subject_of("x~0001")
    assert f"item {key[:8]}" in answer.text
    assert key not in answer.text
    for said in (
        "os:sari",
        "in all browsers",
        "12 rows",
        "25 shown",
        "changed: topics, policy",
        "to supervisor",
        "account admin; role IT administrator",
        "status: does not fit",
        "reason: to see the context (reply, quotation)",
        "reason: private sphere",
        "24 Nov 2026",
    ):
        assert said in answer.text


def test_details_that_nobody_foresaw_stay_unsaid(place: Workplace, client: Client) -> None:
    details = {"query": "kata yang dicari", "what": "kata yang dicari", "reason": "catatan rahasia", "rows": "x y"}
    note(place, "export", details=details)
    page = client("privacy").get("/jejak").text
    assert not [secret for secret in SECRETS if secret in page]


def test_html_in_an_entry_is_shown_as_text(place: Workplace, client: Client) -> None:
    note(place, "config", actor="os:<script>alert(1)</script>", details={"changed": ["<b>topics</b>"]})
    page = client("privacy").get("/jejak").text
    assert "<script>alert" not in page
    assert "<b>topics" not in page
    assert "os:&lt;script&gt;" in page


def test_the_newest_come_first_and_older_ones_follow_without_gap(
    place: Workplace, client: Client, clock: Clock
) -> None:
    for _number in range(trail.PAGE + 10):
        note(place, "sign_in", actor="os:sari")
        clock.move(minutes=1)
    browser = client("privacy")
    first = browser.get("/jejak").text
    assert first.count("os:sari") == trail.PAGE
    older = first.split('rel="next" href="', 1)[1].split('"', 1)[0].replace("&amp;", "&")
    second = browser.get(older).text
    assert second.count("os:sari") == 10
    assert 'rel="next"' not in second


def test_one_action_can_be_picked_out(place: Workplace, client: Client) -> None:
    note(place, "search", actor="os:mencari")
    note(place, "sign_in", actor="os:masuk")
    browser = client("privacy")
    page = browser.get("/jejak?tindakan=search").text
    assert "os:mencari" in page
    assert "os:masuk" not in page
    for path in ("/jejak?tindakan=apa", "/jejak?sebelum=-1", "/jejak?sebelum=" + "9" * 30):
        assert browser.get(path).status_code == 400


def test_other_offices_are_not_shown(place: Workplace, client: Client) -> None:
    note(place, "sign_in", actor="os:orang-61", office="61")
    browser = client("privacy")
    assert "os:orang-61" not in browser.get("/jejak").text
    with place.ledger.read() as db:
        other = [each.hash for each in entries(db, ["61"])]
    page = browser.submit("/jejak/periksa").text
    assert other[-1] not in page


def test_a_whole_chain_is_said_to_be_whole_with_its_head(place: Workplace, client: Client) -> None:
    note(place, "sign_in")
    browser = client("privacy")
    with place.ledger.read() as db:
        last = list(entries(db, ["00"]))[-1]
    page = browser.submit("/jejak/periksa", hash=last.hash).text
    assert "The chain is whole" in page
    assert last.hash in page
    unknown = browser.submit("/jejak/periksa", hash="0" * 64).text
    assert "The chain is broken" in unknown
    assert "0" * 64 in unknown


def test_a_changed_entry_is_found(place: Workplace, client: Client) -> None:
    note(place, "sign_in", actor="os:sari")
    with place.ledger.write() as db:
        db.execute(update(entry).values(actor="os:lain"))
    page = client("privacy").submit("/jejak/periksa").text
    assert "The chain is broken" in page
    assert "Office 00, entry 1" in page


def test_an_entry_that_cannot_be_read_any_more_does_not_hide_the_others(place: Workplace, client: Client) -> None:
    note(place, "read", actor="os:sari", flag_id="x~0001")
    note(place, "sign_in", actor="os:budi")
    with place.ledger.write() as db:
        db.execute(update(entry).where(entry.c.number == 1).values(body="{", payload="["))
    browser = client("privacy")
    assert "os:budi" in browser.get("/jejak").text
    page = browser.submit("/jejak/periksa").text
    assert "The chain is broken" in page
    assert "os:budi" in page


@pytest.mark.parametrize("noted", ["bukan hash", "a" * 63, "\n".join(["a" * 64] * 21), "<b>"])
def test_what_is_no_hash_is_refused(client: Client, noted: str) -> None:
    assert client("privacy").submit("/jejak/periksa", hash=noted).status_code == 400


@pytest.mark.parametrize("role", ["reviewer", "supervisor", "approver", "scientist", "admin", "partner"])
def test_only_the_data_protection_officer_sees_the_trail(client: Client, role: str) -> None:
    browser = client(role)
    assert browser.get("/jejak").status_code == 403
    assert browser.get("/jejak/ekspor").status_code == 403
    assert browser.submit("/jejak/periksa").status_code == 403


def test_the_workbook_has_ids_for_names_nothing_secret_and_is_audited(
    place: Workplace, client: Client, people_of: PeopleOf
) -> None:
    fill(place, people_of)
    answer = client("privacy").get("/jejak/ekspor?tindakan=decide")
    sheet = load_workbook(io.BytesIO(answer.content)).active
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert rows[0][1:3] == ["recorded a decision", people_of["reviewer"].id]
    everything = load_workbook(io.BytesIO(client("privacy").get("/jejak/ekspor").content)).active
    told = " ".join(str(cell.value) for row in everything.iter_rows() for cell in row)
    assert not [secret for secret in SECRETS if secret in told]
    assert "exported" in told  # the export before this one
    with place.ledger.read() as db:
        assert [e.details.get("what") for e in entries(db, ["00"], actions=["export"])][-2:] == ["audit", "audit"]
