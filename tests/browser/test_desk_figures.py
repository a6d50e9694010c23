"""Searching, files, figures and the daily summary at the desk, in a real browser."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

from desk import Desk, sign_in
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

NewPage = Callable[..., Page]


def _found(page: Page) -> int:
    """How many posts the page says it found."""
    says = page.locator("#h-found").inner_text()
    number = re.match(r"([\d.]+) butir ditemukan", says)
    assert number, says
    return int(number[1].replace(".", ""))


def _download(page: Page, name: str | re.Pattern[str]) -> tuple[str, Path]:
    """The name and the place of a file that a link hands out."""
    with page.expect_download() as started:
        page.get_by_role("link", name=name).click()
    return started.value.suggested_filename, Path(started.value.path())


def test_a_search_is_narrowed_by_words_facets_and_dates(page: Page, shown_desk: Desk) -> None:
    sign_in(page, shown_desk, "penelaah", "/cari?q=")
    every = _found(page)
    page.get_by_label("Kata yang dicari").fill("kpu")
    page.get_by_role("button", name="Cari").click()
    of_word = _found(page)
    assert 0 < of_word < every
    expect(page.locator("main mark").first).to_be_visible()
    choice = page.locator("section[aria-labelledby=h-kind] li a").first
    count = int(choice.locator(".number").inner_text())
    choice.click()
    expect(page.locator("section[aria-labelledby=h-kind] a[aria-current]")).to_have_count(1)
    assert _found(page) == count
    page.get_by_role("list", name="Disaring menurut").get_by_role("link").first.click()
    assert _found(page) == of_word
    page.locator("#dari").fill("2030-01-01")
    page.get_by_role("button", name="Cari").click()
    expect(page.get_by_text("Tidak ada yang ditemukan.")).to_be_visible()


def test_what_was_found_is_read_again_from_csv_and_xlsx(page: Page, shown_desk: Desk) -> None:
    sign_in(page, shown_desk, "penelaah", "/cari?q=jenis:berita")
    count = _found(page)
    name, path = _download(page, "CSV")
    assert re.fullmatch(r"kentongan-DATA-CONTOH-cari-[\d-]+\.csv", name)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row and row[0] == "DATA CONTOH"]
    assert len(rows) in (count, count + 1)  # the head may begin with the same words
    name, path = _download(page, "XLSX")
    assert name.endswith(".xlsx")
    copy = path.with_suffix(".xlsx")  # the reader goes by the name
    path.rename(copy)
    book = load_workbook(copy)
    keys = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row}
    href = page.locator("main table a").first.get_attribute("href")
    assert str(href).rpartition("/")[2] in keys


def test_a_search_is_saved_and_used_again(page: Page, shared_desk: Desk) -> None:
    sign_in(page, shared_desk, "penelaah", "/cari?q=jenis:berita+tps")
    count = _found(page)
    page.get_by_label("Simpan pencarian ini sebagai").fill("TPS di berita")
    page.get_by_role("button", name="Simpan", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("disimpan")
    page.goto(f"{shared_desk.url}/cari")
    page.get_by_role("link", name="TPS di berita").click()
    assert _found(page) == count
    page.locator("summary", has_text="Hapus pencarian tersimpan").click()
    page.get_by_role("button", name="Hapus “TPS di berita”").click()
    expect(page.get_by_role("link", name="TPS di berita")).to_have_count(0)


def _without_age(text: str) -> str:
    """The daily text without how long the oldest item waits and until when it counts: a minute may pass meanwhile."""
    return re.sub(r"tertua \d+ jam \d+ menit|s\.d\. .* \d\d\.\d\d WIB", "", text)


def test_the_daily_text_is_copied_published_and_read_by_others(new_page: NewPage, shared_desk: Desk) -> None:
    page = sign_in(new_page(permissions=["clipboard-read", "clipboard-write"]), shared_desk, "penyelia", "/ringkasan")
    text = page.locator("#teks").input_value()
    assert 100 < len(text) <= 1500
    page.get_by_role("button", name="Salin").click()
    expect(page.get_by_role("button", name="Tersalin")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").splitlines() == text.splitlines()
    page.get_by_role("button", name="Terbitkan").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Terbitan")
    reviewer = sign_in(new_page(), shared_desk, "penelaah", "/terbitan")
    expect(reviewer.locator("article pre")).to_have_count(1)
    published = reviewer.locator("article pre").inner_text()
    assert _without_age(published).split() == _without_age(text).split()
    page.goto(f"{shared_desk.url}/ringkasan")
    name, path = _download(page, "Ekspor (XLSX)")
    assert "ringkasan" in name
    assert path.stat().st_size > 1000


def test_the_map_leads_to_the_posts_of_a_province(page: Page, shown_desk: Desk) -> None:
    sign_in(page, shown_desk, "penelaah", "/ikhtisar")
    provinces = page.locator(".map a")
    assert provinces.count() > 3
    says = str(provinces.first.get_attribute("aria-label"))
    provinces.first.locator("path").first.dispatch_event("click")
    page.wait_for_url(re.compile("/cari"))
    assert _found(page) > 0
    name = says.partition(":")[0]
    expect(page.get_by_role("list", name="Disaring menurut")).to_contain_text(name)
    page.go_back()
    expect(page.get_by_role("heading", name="Yang tidak terlihat")).to_be_visible()
    expect(page.locator("footer")).to_be_visible()  # the page is whole again
    expect(page.locator("section[aria-labelledby=h-table] tbody tr")).to_have_count(provinces.count())
    for cell in page.locator("section[aria-labelledby=h-table] td.number").all_inner_texts():
        assert cell == "0" or cell == "< 5" or not cell.isdecimal() or int(cell) >= 5
