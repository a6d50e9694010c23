"""The browser that tests get: pages work under the desk's strict policy, and what goes wrong in them is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from accessibility import axe
from playwright.sync_api import Page
from sources import webserver

STRICT = {"Content-Security-Policy": "default-src 'none'; script-src 'self'; img-src data:; form-action 'self'"}
NewPage = Callable[..., Page]


def _html(body: str) -> webserver.Page:
    head = "<meta charset=utf-8><title>Kentongan</title><link rel=icon href=data:,>"
    return webserver.Page(f"<!doctype html><html lang=id>{head}<main>{body}</main></html>".encode(), headers=STRICT)


ROUTES: dict[str, webserver.Answer] = {
    "/good": _html("<h1>Kotak masuk</h1><p>Tidak ada tanda.</p>"),
    "/unlabelled": _html("<h1>Cari</h1><form action=/good><input name=q></form>"),
    "/error": _html("<h1>Galat</h1><script src=/error.js></script>"),
    "/error.js": webserver.Page(b"console.error('rusak'); undefined_name();", type="text/javascript"),
    "/inline": _html("<h1>Naskah</h1><script>document.title = 'inline'</script>"),
    "/outside": _html("<h1>Luar</h1><a href=http://kesbangpol.example/>keluar</a>"),
}


@pytest.fixture(scope="module")
def site() -> Iterator[webserver.Site]:
    with webserver.serving(ROUTES) as running:
        yield running


def test_a_good_page_has_no_violation_and_is_seen_as_from_jakarta(page: Page, site: webserver.Site) -> None:
    page.goto(f"{site.url}/good")
    assert axe(page) == []
    assert page.evaluate("[navigator.language, new Date(0).getHours()]") == ["id-ID", 7]


def test_axe_finds_a_field_without_a_label_under_the_strict_policy(page: Page, site: webserver.Site) -> None:
    page.goto(f"{site.url}/unlabelled")
    (line,) = axe(page)
    assert line.startswith("label (critical) at input")


def test_errors_of_the_console_and_of_scripts_are_complaints(
    page: Page, site: webserver.Site, complaints: list[str]
) -> None:
    page.goto(f"{site.url}/error")
    page.evaluate("1")
    assert sorted(line.partition(":")[0] for line in complaints) == ["console", "script"]
    assert "rusak" in " ".join(complaints)
    complaints.clear()


def test_a_violation_of_the_content_security_policy_is_a_complaint(
    page: Page, site: webserver.Site, complaints: list[str]
) -> None:
    page.goto(f"{site.url}/inline")
    page.evaluate("1")
    assert page.title() == "Kentongan"
    assert "Content Security Policy" in complaints.pop()


def test_an_address_outside_is_a_complaint_and_is_not_reached(
    page: Page, site: webserver.Site, complaints: list[str]
) -> None:
    page.goto(f"{site.url}/outside")
    with page.expect_event("requestfailed"):
        page.get_by_text("keluar").click()
    assert complaints[0] == "asked outside: http://kesbangpol.example/"
    complaints.clear()


def test_an_expected_error_is_no_complaint_and_cookies_are_not_shared(new_page: NewPage, site: webserver.Site) -> None:
    one, other = new_page(expected=("status of 404",)), new_page()
    one.goto(f"{site.url}/missing")
    one.evaluate("document.cookie = 'a=1'")
    other.goto(f"{site.url}/good")
    assert (one.evaluate("document.cookie"), other.evaluate("document.cookie")) == ("a=1", "")


def test_after_the_browser_was_used_a_test_may_run_an_event_loop(request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("_browser")
    assert asyncio.run(asyncio.sleep(0, "ran")) == "ran"
