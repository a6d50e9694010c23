"""Many at once, and a desk that is killed: each item is decided once, and no decision that was acknowledged is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Barrier, Thread
from time import monotonic, sleep

import httpx
import pytest
from review.flags import make_flag, put_flags
from review.frame import BASE, PASSWORD, Browser
from starlette.applications import Starlette

from pipeline.core.config import load_settings
from pipeline.core.types import Signal
from pipeline.ledger import items, people, verdicts
from pipeline.ledger.chain import verify
from pipeline.workplace import Workplace

AT_ONCE = 8
KILLS = 5
THREAT = Signal("threat", 0.9, 0.5, "rules-1")
QUICK = {"quick": "satire", "supersedes": ""}


def people_at(
    place: Workplace, stored: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, str, str]]:
    """(id, cookie, form token) of some signed-in reviewers."""
    now, made = place.clock(), []
    with monkeypatch.context() as patched, place.ledger.write() as db:
        patched.setattr(people, "_hash", lambda _password: stored)
        for n in range(number):
            user = people.add(db, f"penelaah{n}", "00", "reviewer", PASSWORD, now, must_change=False)
            made.append((user.id, *people.start_session(db, user.id, now)))
    return made


def decided(place: Workplace, count: int) -> dict[str, list[str]]:
    """Flag id -> who decided on it, of the flags up to that number; the chain must be whole."""
    with place.ledger.read() as db:
        assert verify(db).problems == ()
        found = {f"x~{n:04d}": verdicts.history(db, f"x~{n:04d}") for n in range(count)}
    return {flag_id: [said.reviewer for said in history] for flag_id, history in found.items()}


# ---- at once


@pytest.fixture
def browsers(
    app: Starlette, place: Workplace, stored_password: str, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, Browser]]:
    """(id, browser) of as many reviewers as work at once."""
    made = []
    for user_id, token, csrf in people_at(place, stored_password, AT_ONCE, monkeypatch):
        browser = Browser(app, base_url=BASE, follow_redirects=False, raise_server_exceptions=False)
        browser.cookies.set("kentongan-sesi", token, domain="127.0.0.1")
        browser.csrf = csrf
        made.append((user_id, browser))
    return made


def all_at_once(browsers: list[tuple[str, Browser]], work: Callable[[str, Browser], list[int]]) -> list[list[int]]:
    """What each of them got, when all began in the same moment."""
    together = Barrier(AT_ONCE, timeout=30)

    def begin(who: tuple[str, Browser]) -> list[int]:
        together.wait()
        return work(*who)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(begin, browsers))


def test_of_all_who_decide_on_one_item_at_once_one_is_first(
    place: Workplace, browsers: list[tuple[str, Browser]]
) -> None:
    keys = put_flags(place, *(make_flag(n, signals=(THREAT,)) for n in range(6)))

    def work(_user: str, browser: Browser) -> list[int]:
        return [browser.submit(f"/butir/{key}/telaah", **QUICK).status_code for key in keys]

    answers = all_at_once(browsers, work)
    for each in zip(*answers, strict=True):
        assert sorted(each) == [303] + [409] * (AT_ONCE - 1)
    assert all(len(who) == 1 for who in decided(place, len(keys)).values())
    assert {place.store.get(f"x~{n:04d}").status for n in range(len(keys))} == {"rejected"}  # type: ignore[union-attr]


def test_all_who_claim_and_decide_at_once_share_the_queue(
    place: Workplace, browsers: list[tuple[str, Browser]]
) -> None:
    count = 60
    put_flags(place, *(make_flag(n, signals=(THREAT,)) for n in range(count)))
    given: dict[str, list[str]] = {user_id: [] for user_id, _browser in browsers}

    def work(user_id: str, browser: Browser) -> list[int]:
        answers = []
        for _round in range(2):
            browser.submit("/antrean/ambil")
            with place.ledger.read() as db:
                mine = items.holdings(db, user_id, place.clock())
            given[user_id] += [item.flag_id for item in mine]
            answers += [browser.submit(f"/butir/{item.key}/telaah", **QUICK).status_code for item in mine]
        return answers

    answers = all_at_once(browsers, work)
    assert {code for each in answers for code in each} == {303}
    everything = [flag_id for each in given.values() for flag_id in each]
    assert len(everything) == len(set(everything)) == count
    said = decided(place, count)
    assert said == {flag_id: [user] for user, flags in given.items() for flag_id in flags}


def test_two_who_claim_and_take_back_at_once_leave_no_item_in_two_hands(
    place: Workplace, browsers: list[tuple[str, Browser]]
) -> None:
    put_flags(place, *(make_flag(n, signals=(THREAT,)) for n in range(12)))

    def work(_user: str, browser: Browser) -> list[int]:
        paths = ("/antrean/ambil", "/antrean/lepas", "/antrean/ambil")
        return [browser.submit(path).status_code for path in paths]

    assert {code for each in all_at_once(browsers, work) for code in each} == {303}
    held = []
    with place.ledger.read() as db:
        for user_id, _browser in browsers:
            held += [item.key for item in items.holdings(db, user_id, place.clock())]
    assert len(held) == len(set(held)) <= 12
    claimed = [n for n in range(12) if place.store.get(f"x~{n:04d}").status == "claimed"]  # type: ignore[union-attr]
    assert len(claimed) == len(held)


# ---- killed


def wait_until_it_answers(address: str) -> None:
    until = monotonic() + 30
    while monotonic() < until:
        with suppress(httpx.ConnectError):
            assert httpx.get(f"{address}/sehat").text == "ok"
            return
        sleep(0.01)
    raise AssertionError(f"{address} does not answer")


@contextmanager
def desk(home: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address and process of a desk of its own; it is killed at the end if it is still there."""
    environ = os.environ | {"KENTONGAN__PATHS__HOME": str(home)}
    command = [sys.executable, "-m", "pipeline", "--lang", "en", "review", "--port", "0"]
    with subprocess.Popen(
        command, env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=home.parent
    ) as process:
        try:
            assert process.stderr is not None
            found = re.search(r"http://[\d.]+:\d+", process.stderr.readline())
            assert found
            wait_until_it_answers(found[0])
            yield found[0], process
        finally:
            process.kill()


def decide_until_killed(
    address: str, session: tuple[str, str, str], keys: Iterator[tuple[str, str]], sure: list[str]
) -> None:
    """Decide on one item after the other as long as somebody answers; `sure` gets what was acknowledged."""
    _user, token, csrf = session
    with httpx.Client(base_url=address, headers={"Origin": address}, cookies={"kentongan-sesi": token}) as browser:
        for flag_id, key in keys:
            try:
                answer = browser.post(f"/butir/{key}/telaah", data={"csrf": csrf, **QUICK})
            except httpx.TransportError:
                return
            assert answer.status_code == 303, answer.text
            sure.append(flag_id)


def wait_for(sure: list[list[str]], counts: list[int], threads: list[Thread]) -> None:
    """Until each person has so many decisions acknowledged."""
    until = monotonic() + 30
    while any(len(mine) < count for mine, count in zip(sure, counts, strict=True)):
        assert monotonic() < until
        assert all(thread.is_alive() for thread in threads)
        sleep(0.002)


def kill_while_deciding(
    home: Path,
    sessions: list[tuple[str, str, str]],
    keys: list[Iterator[tuple[str, str]]],
    sure: list[list[str]],
    more: int,
) -> None:
    """Serve, let all decide, and kill the desk once each has some more decisions acknowledged."""
    counts = [len(mine) + more for mine in sure]
    with desk(home) as (address, process):
        given = zip(sessions, keys, sure, strict=True)
        threads = [Thread(target=decide_until_killed, args=(address, *each)) for each in given]
        for thread in threads:
            thread.start()
        try:
            wait_for(sure, counts, threads)
        finally:
            process.send_signal(signal.SIGKILL)
            for thread in threads:
                thread.join(timeout=30)


def test_a_killed_desk_loses_no_decision_and_keeps_none_twice(
    tmp_path: Path, stored_password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, count, persons = tmp_path / "home", 600, 3
    settings, _origins = load_settings(environ={"KENTONGAN__PATHS__HOME": str(home)})
    place = Workplace(settings)
    with closing(place):
        flags = [make_flag(n, signals=(THREAT,)) for n in range(count)]
        pairs = list(zip([flag.id for flag in flags], put_flags(place, *flags), strict=True))
        keys = [iter(pairs[n::persons]) for n in range(persons)]
        sessions = people_at(place, stored_password, persons, monkeypatch)
        sure: list[list[str]] = [[] for _each in sessions]
        for kill in range(1, KILLS + 1):
            kill_while_deciding(home, sessions, keys, sure, more=3 + kill)
            said = decided(place, count)
            for (user_id, _token, _csrf), mine in zip(sessions, sure, strict=True):
                assert [said[flag_id] for flag_id in mine] == [[user_id]] * len(mine)
            acknowledged, kept = sum(map(len, sure)), sum(map(len, said.values()))
            # Of each person and kill, one decision at most was kept and no longer acknowledged
            assert acknowledged <= kept <= acknowledged + kill * persons
        with desk(home) as (address, _process):
            _user, token, csrf = sessions[0]
            sent = {"url": f"{address}/antrean/lepas", "data": {"csrf": csrf}, "headers": {"Origin": address}}
            assert httpx.post(**sent, cookies={"kentongan-sesi": token}).status_code == 303
        told = {flag.id for flag in flags if place.store.get(flag.id).status == "rejected"}  # type: ignore[union-attr]
        assert told == {flag_id for flag_id, who in said.items() if who}
