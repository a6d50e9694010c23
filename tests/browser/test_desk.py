"""A day at the review desk in a real browser: what each of the people does there, by mouse and by keys."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import pytest
from desk import Desk, answer, claim, key_of, save, sign_in
from playwright.sync_api import Page, expect

NewPage = Callable[..., Page]
DENIED = "status of 403"


def test_a_wrong_password_is_refused_in_words_and_the_right_one_leads_to_the_queue(
    new_page: NewPage, shared_desk: Desk
) -> None:
    page = new_page(expected=("status of 400",))
    page.goto(shared_desk.url)
    expect(page).to_have_title(re.compile("^Masuk"))
    page.get_by_label("Nama pengguna").fill("penelaah")
    page.get_by_label("Kata sandi").fill("bukan kata sandi")
    page.get_by_role("button", name="Masuk").click()
    expect(page.get_by_role("alert")).to_have_text("Nama atau kata sandi salah, atau akun ditutup.")
    expect(page.get_by_label("Nama pengguna")).to_have_value("penelaah")
    page.get_by_label("Kata sandi").fill(shared_desk.password)
    page.get_by_role("button", name="Masuk").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Antrean")
    expect(page.get_by_role("note")).to_contain_text("DATA CONTOH")
    page.get_by_role("button", name="Keluar").locator("visible=true").click()
    page.goto(f"{shared_desk.url}/antrean")
    expect(page).to_have_title(re.compile("^Masuk"))


def test_a_reviewer_claims_a_batch_decides_by_mouse_and_takes_it_back(page: Page, shared_desk: Desk) -> None:
    sign_in(page, shared_desk, "penelaah")
    key = claim(page)
    assert shared_desk.item(key).held_by
    answer(page, "not", "criticism")
    save(page)
    assert key_of(page) != key
    expect(page.get_by_role("status")).to_be_visible()
    (verdict,) = shared_desk.history(key)
    assert (verdict.status, verdict.reasons, shared_desk.item(key).status) == ("rejected", ("criticism",), "rejected")

    page.goto(f"{shared_desk.url}/antrean")
    page.locator(f"form[action='/butir/{key}/batal'] button").click()
    expect(page.get_by_role("status")).to_have_text("Hasil telaah ditarik.")
    assert shared_desk.item(key).status == "open"
    assert [bool(each.decisions) for each in shared_desk.history(key)] == [True, False]
    expect(page.locator("#h-history + ol li")).to_have_count(2)
    answer(page, "not", "satire")
    save(page)
    assert [each.status for each in shared_desk.history(key)] == ["rejected", "open", "rejected"]


def test_a_rejection_without_a_reason_is_not_saved_and_says_what_is_missing(
    new_page: NewPage, shared_desk: Desk
) -> None:
    page = sign_in(new_page(expected=("status of 400",)), shared_desk, "penelaah")
    key = claim(page)
    answer(page, "not")
    save(page)
    expect(page.get_by_role("alert")).to_contain_text("alasan")
    assert shared_desk.history(key) == []


def test_a_whole_item_is_decided_without_touching_the_mouse(page: Page, shared_desk: Desk) -> None:
    keys = page.keyboard
    page.goto(shared_desk.url)
    page.wait_for_selector("#name")
    keys.press("Tab")  # the link that leads past the header
    expect(page.get_by_role("link", name="Langsung ke isi")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.type("penelaah")
    keys.press("Tab")
    keys.type(shared_desk.password)
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Antrean")
    keys.press("g")
    page.wait_for_url(re.compile(r"/butir/"))
    key = key_of(page)
    for letter in ("q", "s", "c", "y"):  # the first item of the demo carries a claim: the fourth line
        keys.press(letter)
    keys.press("7")
    keys.press("n")
    expect(page.get_by_label("Catatan (tanpa nama)")).to_be_focused()
    keys.type("menyerang kelompok, bukan kebijakan; q1")
    keys.press("Escape")
    with page.expect_navigation():
        keys.press("Enter")
    (verdict,) = shared_desk.history(key)
    said = dict(verdict.decisions)
    assert [said.pop(code) for code in list(said) if code.startswith("claim:")] == ["fits"]
    assert said == {"hate_group": "fits", "incitement": "not", "threat": "unsure"}
    assert (verdict.reasons, verdict.note) == (("abuse_without_group",), "menyerang kelompok, bukan kebijakan; q1")
    with page.expect_navigation():
        keys.press("t")  # the next one: nothing fits, it is criticism
    page.go_back()
    with page.expect_navigation():
        keys.press("b")
    expect(page.get_by_role("heading", level=1)).to_have_text("Antrean")


def test_keys_can_be_switched_off(page: Page, shared_desk: Desk) -> None:
    sign_in(page, shared_desk, "penelaah")
    key = claim(page)
    page.get_by_label("Tombol pintas di halaman ini").uncheck()
    page.reload()
    page.keyboard.press("t")
    page.keyboard.press("q")
    expect(page.get_by_label("Tombol pintas di halaman ini")).not_to_be_checked()
    expect(page.locator("input[type=radio]:checked")).to_have_count(0)
    assert (key_of(page), shared_desk.history(key)) == (key, [])


def test_when_reviewers_disagree_the_supervisor_settles_it(new_page: NewPage, shared_desk: Desk) -> None:
    first = sign_in(new_page(), shared_desk, "penelaah")
    key = claim(first)
    answer(first, "fits")
    first.locator("summary", has_text="Bila sesuai").click()
    first.check("input[name=ground][value=religion]")
    save(first)
    assert shared_desk.item(key).status == "confirmed"

    second = sign_in(new_page(), shared_desk, "penelaah2", f"/butir/{key}")
    expect(second.locator("#h-history + ol li")).to_contain_text("rekan")
    answer(second, "not", "report")
    save(second)
    assert shared_desk.item(key).status == "escalated"
    first.goto(f"{shared_desk.url}/butir/{key}")
    expect(
        first.get_by_text("penyelia yang memutuskan").or_(first.get_by_text("berbeda pendapat")).first
    ).to_be_visible()
    expect(first.locator(".decision")).to_have_count(0)

    supervisor = sign_in(new_page(), shared_desk, "penyelia", f"/butir/{key}")
    answer(supervisor, "not", "report")
    save(supervisor)
    assert shared_desk.item(key).status == "rejected"
    assert [each.status for each in shared_desk.history(key)] == ["confirmed", "escalated", "rejected"]


def test_one_decision_may_cover_the_copies(page: Page, desk: Desk) -> None:
    sign_in(page, desk, "penelaah")
    chosen = max(desk.waiting(), key=lambda item: item.spread)
    assert chosen.spread > 1
    page.goto(f"{desk.url}/butir/{chosen.key}")
    copies = page.locator("section[aria-labelledby=h-copies] li a")
    keys = [str(link.get_attribute("href")).rpartition("/")[2] for link in copies.all()]
    answer(page, "not", "neutral_term")
    page.get_by_label(re.compile("Telaah sama untuk")).check()
    save(page)
    expect(page.get_by_role("status")).to_contain_text(str(len(keys)))
    assert {desk.item(key).status for key in (chosen.key, *keys)} == {"rejected"}
    assert [desk.history(key)[0].bulk for key in keys] == [True] * len(keys)
    assert desk.problems() == []


def test_the_source_is_shown_after_a_reason_and_the_privacy_officer_sees_that(
    new_page: NewPage, shared_desk: Desk
) -> None:
    key = next(item.key for item in shared_desk.waiting() if item.platform)  # a field report has no address
    page = sign_in(new_page(), shared_desk, "penelaah", f"/butir/{key}")
    page.get_by_label("Mengapa? Dicatat dalam jejak audit.").select_option("removed")
    page.get_by_role("button", name="Tampilkan alamat").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Buka sumber")
    link = page.locator("main a[target=_blank]")
    expect(link).to_have_attribute("href", re.compile("^https?://"))
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")

    officer = sign_in(new_page(expected=(DENIED,)), shared_desk, "pdp")
    expect(officer.get_by_role("heading", level=1)).to_have_text("Jejak audit")
    row = officer.locator("tr", has_text="membuka").filter(has_text=key[:8])
    expect(row.first).to_contain_text("penelaah")
    officer.get_by_label("Tindakan").select_option("open_source")
    officer.get_by_role("button", name="Tampilkan").click()
    expect(officer.locator("tbody tr")).to_have_count(1)
    officer.get_by_role("button", name="Periksa rantai").click()
    expect(officer.get_by_role("status")).to_contain_text("Rantai utuh")
    head = officer.locator(".heads code").first.inner_text()
    assert re.fullmatch("[0-9a-f]{64}", head)
    assert head in shared_desk.run("ledger", "verify", "--head", head)
    officer.goto(f"{shared_desk.url}/butir/{key}")
    expect(officer.get_by_role("alert")).to_contain_text("peran Anda")


def test_the_privacy_officer_is_told_when_the_chain_is_broken(page: Page, desk: Desk) -> None:
    desk.stop()
    with sqlite3.connect(desk.home / "ledger.db") as db:
        triggers = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for name in triggers:
            db.execute(f'DROP TRIGGER "{name}"')
        db.execute("UPDATE entry SET actor = 'u~someone' WHERE seq = (SELECT min(seq) FROM entry)")
    db.close()
    desk.start()
    sign_in(page, desk, "pdp")
    page.get_by_role("button", name="Periksa rantai").click()
    expect(page.get_by_role("alert")).to_contain_text("Rantai putus")


def test_the_administrator_sees_accounts_and_no_content(new_page: NewPage, shared_desk: Desk) -> None:
    page = sign_in(new_page(expected=(DENIED,)), shared_desk, "admin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Pengguna")
    expect(page.get_by_role("row", name=re.compile("^penelaah2"))).to_contain_text("Penelaah (00)")
    links = page.locator("nav.bar a")
    assert [link.inner_text() for link in links.all()] == ["Pengguna", "Akun"]
    for path in ("/antrean", "/cari?q=kpu", "/ikhtisar", "/ringkasan", "/jejak"):
        page.goto(f"{shared_desk.url}{path}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Tidak diizinkan")


def test_the_language_changes_for_one_person(page: Page, shared_desk: Desk) -> None:
    sign_in(page, shared_desk, "penelaah", "/akun")
    page.get_by_label("Bahasa halaman").select_option("en")
    page.get_by_role("button", name="Ganti bahasa").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("status")).to_have_text("The language is changed.")
    page.goto(f"{shared_desk.url}/antrean")
    expect(page.get_by_role("heading", level=1)).to_have_text("Queue")
    page.goto(f"{shared_desk.url}/akun")
    page.get_by_label("Language of the pages").select_option("id")
    page.get_by_role("button", name="Change the language").click()
    expect(page.locator("html")).to_have_attribute("lang", "id")


def test_the_first_password_must_be_changed_before_anything_else(page: Page, shared_desk: Desk) -> None:
    said = shared_desk.run("user", "add", "baru", "--role", "reviewer")
    password = re.search(r"kata sandi: (\S+)", said)
    assert password, said
    page.goto(f"{shared_desk.url}/antrean")
    page.fill("#name", "baru")
    page.fill("#password", password[1])
    page.press("#password", "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Akun")
    page.fill("#old", password[1])
    page.fill("#new", "kopi tubruk tanpa gula")
    page.fill("#again", "kopi tubruk tanpa gula")
    page.get_by_role("button", name="Ganti kata sandi").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Antrean")


@pytest.mark.parametrize("name", ["penelaah", "penyelia"])
def test_each_page_in_the_menu_answers(name: str, new_page: NewPage, shown_desk: Desk) -> None:
    page = sign_in(new_page(), shown_desk, name)
    for path in [str(link.get_attribute("href")) for link in page.locator("nav.bar a").all()]:
        response = page.goto(f"{shown_desk.url}{path}")
        assert response is not None
        assert response.status == 200, path
        expect(page.locator("nav.bar a[aria-current=page]")).to_have_attribute("href", path)
