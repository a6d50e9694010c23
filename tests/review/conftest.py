"""The desk in a test: a home of its own, a clock that the test moves, one person for each role, signed-in browsers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from review.frame import BASE, ELSEWHERE, PASSWORD, Browser, Clock, PeopleOf
from starlette.applications import Starlette

from pipeline.core.config import load_settings
from pipeline.core.roles import ROLES
from pipeline.ledger import people
from pipeline.review.app import build_app
from pipeline.workplace import Workplace


@pytest.fixture
def clock() -> Clock:
    """The workplace's clock."""
    return Clock()


@pytest.fixture
def review_settings() -> dict[str, str]:
    """More settings, as variables of the environment; a test module may override this."""
    return {}


@pytest.fixture
def place(tmp_path: Path, clock: Clock, review_settings: dict[str, str]) -> Iterator[Workplace]:
    """A workplace with an empty home."""
    environ = {"KENTONGAN__PATHS__HOME": str(tmp_path / "home"), "KENTONGAN__OFFICE__LANGUAGE": "en"}
    settings, _origins = load_settings(environ=environ | review_settings)
    made = Workplace(settings, clock)
    yield made
    made.close()


@pytest.fixture(scope="session")
def stored_password() -> str:
    """The hash of PASSWORD, made once: it takes 50 ms on purpose."""
    return people._hash(PASSWORD)


@pytest.fixture
def people_of(place: Workplace, clock: Clock, stored_password: str, monkeypatch: pytest.MonkeyPatch) -> PeopleOf:
    """One person for each role in the office 00, and a reviewer in 61, by name; PASSWORD is everybody's password."""
    with monkeypatch.context() as patched, place.ledger.write() as db:
        patched.setattr(people, "_hash", lambda _password: stored_password)
        made = {role: people.add(db, role, "00", role, PASSWORD, clock(), must_change=False) for role in ROLES}
        made[ELSEWHERE] = people.add(db, ELSEWHERE, "61", "reviewer", PASSWORD, clock(), must_change=False)
        for user in made.values():
            people.set_language(db, user.id, "en")
    return made


@pytest.fixture
def app(place: Workplace) -> Starlette:
    """The desk."""
    return build_app(place)


@pytest.fixture
def stranger(app: Starlette, people_of: PeopleOf) -> Browser:
    """A browser where nobody is signed in."""
    return Browser(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)


@pytest.fixture
def client(app: Starlette, place: Workplace, people_of: PeopleOf, clock: Clock) -> Callable[[str], Browser]:
    """client(name) is a new browser in which that person is signed in."""

    def signed_in(name: str) -> Browser:
        browser = Browser(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)
        with place.ledger.write() as db:
            token, browser.csrf = people.start_session(db, people_of[name].id, clock())
        browser.cookies.set("kentongan-sesi", token, domain="127.0.0.1")
        return browser

    return signed_in
