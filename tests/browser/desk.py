"""A review desk for browser tests: the demo's home, served by a process of its own, and people who sign in at it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from pipeline.core.config import load_settings
from pipeline.core.decisions import Verdict
from pipeline.core.resources import data_path
from pipeline.ledger import chain, claims, items, verdicts
from pipeline.ledger.items import Item
from pipeline.workplace import Workplace

PATIENCE = 60.0  # seconds for the desk to come up, on a slow machine
_ADDRESS = re.compile(r"http://127\.0\.0\.1:(\d+)")
_PASSWORD = re.compile(r"Kata sandi semuanya: (\S+)")
_OFFICE = "00"


class Desk:
    """A served home. `start` after `kill` or `stop` serves the same home at the same address."""

    def __init__(self, home: Path, password: str, **environ: str) -> None:
        self.home, self.password, self.port = home, password, 0
        self.log = home.parent / f"{home.name}.log"
        self._environ = environ
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is served."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, *verb: str) -> str:
        """Serve; what the process said until it answered."""
        command = verb or ("review", "--config", str(sample()), "--port", str(self.port))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pipeline", *command], stdout=log, stderr=subprocess.STDOUT, env=self.environ()
            )
        said = self._wait(_ADDRESS)
        self.port = int(_ADDRESS.findall(said)[-1])
        self._wait_until_it_answers()
        return said

    def kill(self) -> None:
        """End it as a power cut does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """End it in order."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def run(self, *verb: str) -> str:
        """What another verb of the program prints about the same home, while the desk is served or not."""
        command = [sys.executable, "-m", "pipeline", *verb, "--config", str(sample())]
        done = subprocess.run(command, env=self.environ(), capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environ(self) -> dict[str, str]:
        """The environment of its processes: none of the developer's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KENTONGAN", "PG", "COV"))}
        return kept | {"LANGUAGE": "id", "KENTONGAN__PATHS__HOME": str(self.home)} | self._environ

    # ---- what the ledger says, read beside the desk

    @contextmanager
    def place(self) -> Iterator[Workplace]:
        """The workplace of the home."""
        settings, _origins = load_settings(sample(), {"KENTONGAN__PATHS__HOME": str(self.home)})
        place = Workplace(settings)
        try:
            yield place
        finally:
            place.close()

    def item(self, key: str) -> Item:
        """An item as the ledger has it."""
        with self.place() as place, place.ledger.read() as db:
            found = items.get(db, key, [_OFFICE], place.clock())
        assert found is not None
        return found

    def history(self, key: str) -> list[Verdict]:
        """The verdicts on an item."""
        flag_id = self.item(key).flag_id
        with self.place() as place, place.ledger.read() as db:
            return verdicts.history(db, flag_id)

    def waiting(self) -> list[Item]:
        """The queue as a reviewer who holds nothing is offered it."""
        with self.place() as place, place.ledger.read() as db:
            found = items.waiting([_OFFICE], place.clock(), user="", adjudicates=False)
            return [items.item_of(row, place.clock()) for row in db.execute(found).all()]

    def carried(self) -> tuple[str, str]:
        """The claim that most posts carry, and the key of the first of them."""
        with self.place() as place, place.ledger.read() as db:
            [most] = claims.listed(db, [_OFFICE], carried=True, limit=1)
            return most.id, claims.carriers(db, most.id, [_OFFICE], 1)[0].key

    def problems(self) -> list[Any]:
        """What is wrong with the chain; empty is good."""
        with self.place() as place, place.ledger.read() as db:
            return list(chain.verify(db).problems)

    # ---- waiting

    def _wait(self, pattern: re.Pattern[str]) -> str:
        """What it said, once that holds the pattern and the line is complete."""
        for _try in _until(PATIENCE):
            said = self.log.read_text(encoding="utf-8", errors="replace")
            found = pattern.search(said)
            if found and "\n" in said[found.end() :]:
                return said
            self._must_run()
        raise AssertionError(f"the desk did not say where it is: {said[-2000:]}")

    def _wait_until_it_answers(self) -> None:
        for _try in _until(PATIENCE):
            try:
                with urllib.request.urlopen(f"{self.url}/sehat", timeout=PATIENCE):  # noqa: S310 - our own desk
                    return
            except (urllib.error.URLError, ConnectionError):
                self._must_run()
        raise AssertionError("the desk did not answer")

    def _must_run(self) -> None:
        if self._process is None or self._process.poll() is not None:
            said = self.log.read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"the desk ended by itself: {said[-2000:]}")


def sample() -> Path:
    """The settings of the demo."""
    return Path(data_path("sample", "sample.toml"))


def _until(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.02)


def claim(page: Page) -> str:
    """Claim a batch on the queue's page; the key of the first item, whose page is open then."""
    page.locator("form[action='/antrean/ambil'] button").click()
    page.wait_for_url(re.compile("/butir/"))
    return key_of(page)


def key_of(page: Page) -> str:
    """The key of the item whose page is open."""
    return page.url.rpartition("/butir/")[2]


def answer(page: Page, decision: str, *reasons: str) -> None:
    """Give the same decision on every line of an item's form."""
    for group in page.locator(".decision fieldset:has(input[type=radio])").all():
        group.locator(f"input[value={decision}]").check()
    for reason in reasons:
        page.check(f"input[name=reason][value={reason}]")


def save(page: Page) -> None:
    """Send the decision and wait for the page that it leads to."""
    with page.expect_navigation():
        page.locator(".decision .sticky button").click()


def sign_in(page: Page, desk: Desk, name: str, path: str = "/") -> Page:
    """Sign a person of the demo in, and go on to a path."""
    page.goto(f"{desk.url}{path}")
    page.fill("#name", name)
    page.fill("#password", desk.password)
    page.press("#password", "Enter")
    page.wait_for_url(lambda url: not url.startswith(f"{desk.url}/masuk"))
    return page


# ---- fixtures


@pytest.fixture(scope="session")
def prepared_desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """The demo's home as `kentongan demo --serve` leaves it, with its accounts; it is copied, never served again."""
    desk = Desk(tmp_path_factory.mktemp("demo") / "home", "", KENTONGAN__REVIEW__PORT="0")
    secret = desk.home / "secret"
    for folder in (desk.home, secret):
        folder.mkdir(mode=0o700)
    for name in ("item", "author-2024"):  # chance would give the items other keys in each run, and so another order
        (secret / f"{name}.key").write_bytes(name.encode().ljust(32, b"."))
        (secret / f"{name}.key").chmod(0o600)
    try:
        said = desk.start("demo", "--home", str(desk.home), "--serve")
    finally:
        desk.stop()
    found = _PASSWORD.search(said)
    assert found, said[-2000:]
    desk.password = found[1]
    return desk


@contextmanager
def _served(prepared: Desk, folder: Path) -> Iterator[Desk]:
    shutil.copytree(prepared.home, folder / "home")
    desk = Desk(folder / "home", prepared.password)
    try:
        desk.start()
        yield desk
    finally:
        desk.kill()  # its home is thrown away: nothing to tidy up


@pytest.fixture
def desk(prepared_desk: Desk, tmp_path: Path) -> Iterator[Desk]:
    """A desk of the test's own."""
    with _served(prepared_desk, tmp_path) as served:
        yield served


@pytest.fixture(scope="session")
def shared_desk(prepared_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk for tests that decide as people do; what they decided stays, so each takes an item of its own."""
    with _served(prepared_desk, tmp_path_factory.mktemp("shared")) as served:
        yield served


@pytest.fixture(scope="session")
def shown_desk(prepared_desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A desk for tests that only look."""
    with _served(prepared_desk, tmp_path_factory.mktemp("shown")) as served:
        yield served
