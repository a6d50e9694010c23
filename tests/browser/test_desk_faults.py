"""When things go wrong at the desk: two people at once, a power cut, hostile posts, no index, no JavaScript."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from desk import Desk, answer, claim, key_of, save, sign_in
from playwright.sync_api import Error, Page, expect

NewPage = Callable[..., Page]
HOSTILE = (
    "besok kita bakar kantor KPU <script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'> "
    'ramai-ramai, "><b>siapkan</b> bensin {{ 7 * 7 }} </textarea></title><!-- \u202egpj.exe %s'
)


def test_of_two_who_decide_at_once_the_second_is_told_and_the_first_decision_stands(
    new_page: NewPage, shared_desk: Desk
) -> None:
    first = sign_in(new_page(), shared_desk, "penelaah")
    second = sign_in(new_page(expected=("status of 409",)), shared_desk, "penelaah2")
    key = next(item.key for item in shared_desk.waiting() if not item.held_by)
    for page in (first, second):
        page.goto(f"{shared_desk.url}/butir/{key}")
    answer(first, "not", "criticism")
    answer(second, "fits")
    save(first)
    save(second)
    expect(second.get_by_role("heading", level=1)).to_have_text("Ada yang lebih dahulu")
    (verdict,) = shared_desk.history(key)
    assert verdict.status == shared_desk.item(key).status == "rejected"
    second.goto(f"{shared_desk.url}/butir/{key}")
    expect(second.locator("#h-history + ol li")).to_have_count(1)


def test_what_one_person_holds_another_cannot_decide(new_page: NewPage, shared_desk: Desk) -> None:
    key = claim(sign_in(new_page(), shared_desk, "penelaah"))
    other = sign_in(new_page(), shared_desk, "penelaah2", f"/butir/{key}")
    expect(other.get_by_role("status")).to_contain_text("sedang")
    expect(other.locator(".decision")).to_have_count(0)


def test_after_a_power_cut_in_the_middle_of_a_decision_the_ledger_is_whole_and_the_work_goes_on(
    new_page: NewPage, desk: Desk
) -> None:
    page = sign_in(new_page(expected=("ERR_",)), desk, "penelaah")
    claim(page)
    for patience in (0, 15, 40):  # milliseconds after which the power goes: before, while and after it is written
        key = key_of(page)
        answer(page, "not", "criticism")
        with page.expect_request(re.compile("/telaah$")):
            page.locator(".decision .sticky button").click(no_wait_after=True)
        page.wait_for_timeout(patience)
        desk.kill()
        desk.start()
        assert desk.problems() == []
        history = desk.history(key)
        assert [each.status for each in history] in ([], ["rejected"])
        assert desk.item(key).status == ("rejected" if history else "open")
        _go_to(page, f"{desk.url}/antrean")
        expect(page.get_by_role("heading", level=1)).to_have_text("Antrean")  # still signed in
        page.locator("section[aria-labelledby=h-mine] tbody a").first.click()
        page.wait_for_url(re.compile("/butir/"))
    key = key_of(page)
    answer(page, "not", "criticism")
    save(page)
    assert desk.item(key).status == "rejected"
    assert desk.problems() == []


def _go_to(page: Page, url: str) -> None:
    """Go to a page, though the browser may be on its way to the page of an error."""
    try:
        page.goto(url)
    except Error:
        page.goto(url)


def test_html_in_a_post_is_shown_as_text_everywhere(page: Page, desk: Desk, tmp_path: Path) -> None:
    file = tmp_path / "warga.csv"
    text = HOSTILE.replace('"', '""')
    file.write_text(
        "id,teks,tanggal,akun,tautan,platform\n"
        f'1860000000000000001,"{text}",2026-11-20 08:00,akun1,javascript:alert(document.cookie),x\n'
        f'1860000000000000002,"=HYPERLINK(""http://jahat.example"") {text}",2026-11-20 08:00,a2,data:text/html;1,x\n',
        encoding="utf-8",
    )
    desk.run("run", "--input", str(file))
    sign_in(page, desk, "penelaah", "/cari?q=siapkan+bensin")
    links = page.locator("main table a[href^='/butir/']")
    texts = [link.inner_text() for link in links.all()]
    found = [number for number, text in enumerate(texts) if "<script>" in text or "<b>" in text]
    assert found, texts
    href = links.nth(found[0]).get_attribute("href")
    for path in ("/cari?q=siapkan+bensin", f"{href}", "/antrean"):
        page.goto(f"{desk.url}{path}")
        assert page.evaluate("typeof window.hacked") == "undefined"
        expect(page.locator("main script, main img, main b")).to_have_count(0)
        assert "{{ 7 * 7 }}" in page.locator("main").inner_text() or path == "/antrean"
    page.goto(f"{desk.url}{href}")
    expect(page.locator("p.text")).to_contain_text("<img src=x onerror='window.hacked = 1'>")
    page.get_by_role("button", name="Tampilkan alamat").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Buka sumber")
    expect(page.locator("main a[target=_blank]")).to_have_count(0)


@contextmanager
def _index_away(desk: Desk, how: str) -> Iterator[None]:
    """While this lasts, the file of the index is no index."""
    desk.stop()
    kept = {path: path.with_name(f"kept-{path.name}") for path in desk.home.glob("index.db*")}
    for path, aside in kept.items():
        path.rename(aside)
    index = desk.home / "index.db"
    if how == "folder":
        index.mkdir()
    else:
        index.write_bytes(b"SQLite format 3\0" + b"rusak" * 2000)
    desk.start()
    yield
    desk.stop()
    for path in desk.home.glob("index.db*"):
        path.rmdir() if path.is_dir() else path.unlink()
    for path, aside in kept.items():
        if aside.exists():
            aside.rename(path)
    desk.start()


@pytest.mark.parametrize("how", ["damaged", "folder"])
def test_without_the_index_one_can_decide_and_the_index_is_told_later(how: str, new_page: NewPage, desk: Desk) -> None:
    page = sign_in(new_page(expected=("status of 503",)), desk, "penelaah")
    with _index_away(desk, how):
        page.goto(f"{desk.url}/antrean")
        expect(page.get_by_role("alert")).to_contain_text("Indeks pencarian sedang tidak terhubung")
        key = claim(page)
        expect(page.get_by_role("alert")).to_contain_text("Indeks pencarian sedang tidak terhubung")
        expect(page.locator("p.text")).not_to_be_empty()
        answer(page, "not", "satire")
        save(page)
        expect(page.get_by_role("status").first).to_contain_text("menyusul")
        assert desk.item(key).status == "rejected"
        page.goto(f"{desk.url}/cari?q=kpu")
        expect(page.get_by_role("alert")).to_contain_text("Indeks pencarian sedang tidak dapat dijangkau")
    desk.run("index")
    page.goto(f"{desk.url}/cari?q=status:tidak_sesuai")
    expect(page.locator(f"a[href='/butir/{key}']")).to_have_count(1)


def test_the_next_decision_brings_the_index_up_to_date_too(new_page: NewPage, desk: Desk) -> None:
    page = sign_in(new_page(expected=("status of 503",)), desk, "penelaah")
    with _index_away(desk, "damaged"):
        page.goto(f"{desk.url}/antrean")
        key = claim(page)
        answer(page, "not", "satire")
        save(page)
        following = key_of(page)
    page.goto(f"{desk.url}/butir/{following}")
    answer(page, "not", "satire")
    save(page)
    page.goto(f"{desk.url}/cari?q=status:tidak_sesuai")
    for each in (key, following):
        expect(page.locator(f"a[href='/butir/{each}']")).to_have_count(1)


def test_the_desk_works_without_javascript(new_page: NewPage, shared_desk: Desk) -> None:
    page = sign_in(new_page(java_script_enabled=False), shared_desk, "penelaah")
    key = claim(page)
    answer(page, "not", "criticism")
    save(page)
    assert shared_desk.item(key).status == "rejected"
    page.goto(f"{shared_desk.url}/cari")
    page.locator("#q").fill("status:tidak_sesuai")
    page.locator("form[role=search] button").click()
    expect(page.locator(f"a[href='/butir/{key}']")).to_have_count(1)
    page.set_viewport_size({"width": 360, "height": 740})
    page.locator("details.menu summary").click()
    page.locator("details.menu a[href='/ikhtisar']").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ikhtisar")
