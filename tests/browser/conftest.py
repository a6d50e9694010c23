"""The real browser for tests: Debian's Chromium, and pages that fail their test when they complain or call outside."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import pytest
from desk import desk, prepared_desk, shared_desk, shown_desk
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, sync_playwright
from services.real import cannot_start

# Fixtures for all browser tests
__all__ = ["desk", "prepared_desk", "shared_desk", "shown_desk"]

COMMAND = "apt-get install --no-install-recommends chromium fonts-dejavu-core fonts-noto-color-emoji"
NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",  # tests run as root in CI, and only their own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE [::1]",
)
PATIENCE = 15_000  # milliseconds for anything a page is waited for
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_OFFLINE = {"about", "blob", "data"}

NewPage = Callable[..., Page]


def _launched(playwright: Playwright) -> Browser:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        cannot_start("Chromium", "it is not installed", COMMAND)
    try:
        # Ctrl-C is for the test run, which then closes the browser in order
        return playwright.chromium.launch(executable_path=path, args=list(OPTIONS), handle_sigint=False)
    except Error as error:
        cannot_start("Chromium", f"it says {error.message[:2000]!r}", COMMAND)


@pytest.fixture(scope="session")
def _browser() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """One browser a test worker, and the event loop that Playwright drives it with."""
    with sync_playwright() as playwright:
        loop = asyncio.get_running_loop()
        try:
            browser = _launched(playwright)
            asyncio._set_running_loop(None)
            yield browser, loop
            asyncio._set_running_loop(loop)
            browser.close()
        finally:
            asyncio._set_running_loop(loop)


@pytest.fixture
def chromium(_browser: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The worker's browser, for the time of one test.

    Playwright leaves its event loop marked as running in this thread; a later test that calls asyncio.run would fail.
    So the mark stands only while a test uses the browser.
    """
    browser, loop = _browser
    asyncio._set_running_loop(loop)
    yield browser
    asyncio._set_running_loop(None)


@pytest.fixture
def complaints() -> list[str]:
    """What the pages of this test complained about so far; what is still in it at the end fails the test."""
    return []


def _watch(context: BrowserContext, complaints: list[str], expected: tuple[str, ...]) -> None:
    """Write down errors of the console (a CSP violation is one), errors of scripts, and addresses outside."""

    def complain(kind: str, message: str) -> None:
        if not any(part in message for part in expected):
            complaints.append(f"{kind}: {message}")

    def asked(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _OFFLINE and parts.hostname not in _LOOPBACK:
            complain("asked outside", url)

    context.on("console", lambda said: complain("console", said.text) if said.type == "error" else None)
    context.on("weberror", lambda raised: complain("script", str(raised.error)))
    context.on("request", lambda request: asked(request.url))
    context.on("page", lambda page: page.on("websocket", lambda socket: asked(socket.url)))


@pytest.fixture
def new_page(chromium: Browser, complaints: list[str]) -> Iterator[NewPage]:
    """Give a page in a context of its own (cookies, storage) as an office in western Indonesia has it.

    `new_page(expected=("status of 401",), **options)`: errors that hold one of these texts are part of the test; the
    options are those of Playwright's `new_context`.
    """
    contexts: list[BrowserContext] = []

    def make(*, expected: tuple[str, ...] = (), **options: Any) -> Page:
        context = chromium.new_context(**{"locale": "id-ID", "timezone_id": "Asia/Jakarta", **options})
        contexts.append(context)
        context.set_default_timeout(PATIENCE)
        _watch(context, complaints, expected)
        return context.new_page()

    yield make
    for context in contexts:
        for page in context.pages:
            with suppress(Error):  # a page may be on its way to another
                page.evaluate("1")  # what the page said before this answer has arrived now
        context.close()
    if complaints:
        pytest.fail("The page complained:\n" + "\n".join(complaints), pytrace=False)


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """A fresh page."""
    return new_page()
