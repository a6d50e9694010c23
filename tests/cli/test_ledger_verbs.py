"""The verbs on ledger, erasure, summary and desk as their users meet them: codes, messages, JSON, audit."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from homes import decide, id_of, place_at
from staff import DAY, PASSWORD, TEXTS, Cli, audit, user_named, with_people

from pipeline.workplace import Workplace

# ---- the ledger


def test_a_whole_ledger_is_said_to_be_whole(cli: Cli) -> None:
    code, out, _err = cli("ledger", "verify")
    found = json.loads(cli("ledger", "verify", "--json")[1])
    number, link = found["heads"]["00"]
    assert code == 0
    assert "The ledger is whole" in out
    assert link in out
    assert (found["entries"], found["problems"]) == (number, [])
    assert cli("ledger", "verify", "--head", link)[0] == 0


def test_a_hash_that_is_not_there_any_more_is_a_problem(cli: Cli) -> None:
    code, out, _err = cli("ledger", "verify", "--head", "3f2a")
    assert code == 1
    assert "3f2a" in out
    assert json.loads(cli("ledger", "verify", "--head", "3f2a", "--json")[1])["problems"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE entry SET actor = 'r9' WHERE number = 3", "entry 3: it was changed"),
        ("UPDATE entry SET body = replace(body, 'confirmed', 'rejected') WHERE number = 2", "it was changed"),
        ("UPDATE entry SET payload = '{}' WHERE number = 2", "its payload was changed"),
        ("UPDATE entry SET payload = NULL, salt = NULL WHERE number = 2", "no erasure says so"),
        ("DELETE FROM entry WHERE number = 1", "entries 1 to 1 are missing"),
        ("UPDATE verdict SET status = 'confirmed'", "table of verdicts"),
    ],
)
def test_a_ledger_changed_by_hand_is_found_out(cli: Cli, home: Path, change: str, says: str) -> None:
    with sqlite3.connect(home / "ledger.db") as db:
        db.execute(change)
    db.close()
    code, out, _err = cli("ledger", "verify")
    assert code == 1
    assert says in out
    assert json.loads(cli("ledger", "verify", "--json")[1])["problems"][0]["office"] in ("00", "")


@with_people
def test_an_exported_chain_can_be_verified_outside(cli: Cli, place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "chain.jsonl"
    head = json.loads(cli("ledger", "verify", "--json")[1])["heads"]["00"][1]
    assert cli("ledger", "export", str(file), "--chain", "--as", "privacy")[0] == 0
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    link = sha256(b"kentongan ledger 00").hexdigest()
    for row_ in rows:
        assert row_["prev_hash"] == link
        link = sha256(f"{link}\n{row_['body']}\n{row_['payload_digest']}".encode()).hexdigest()
        assert row_["hash"] == link
    assert link == head
    assert "catatan" not in file.read_text()
    assert id_of(place, 1) not in file.read_text()
    (entry,) = audit(place, "export")
    assert entry.details == {"what": "chain", "rows": len(rows)}
    assert entry.actor == user_named(place, "privacy").id


@with_people
def test_decisions_for_training_name_nobody_and_are_not_private(cli: Cli, place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    decide(place, id_of(place, 4), "not", "rejected", "criticism", note="catatan", by=user_named(place, "reviewer").id)
    code, out, _err = cli("ledger", "export", str(file), "--as", "scientist")
    rows = {each["text"]: each for each in map(json.loads, file.read_text(encoding="utf-8").splitlines())}
    assert code == 0
    assert "(2 rows)" in out
    assert set(rows) == {TEXTS[1], TEXTS[4]}, "not what is private, not what concerns a child"
    assert rows[TEXTS[4]]["decisions"] == {"threat": "not"}
    assert rows[TEXTS[4]]["reasons"] == ["criticism"]
    text = file.read_text(encoding="utf-8")
    for secret in ("reviewer", user_named(place, "reviewer").id, '"r1"', "catatan", "akun", id_of(place, 1), "status/"):
        assert secret not in text
    assert [each.details for each in audit(place, "export")] == [{"what": "decisions", "rows": 2}]


@with_people
def test_a_decision_that_was_taken_back_teaches_nothing(cli: Cli, place: Workplace, tmp_path: Path) -> None:
    from dataclasses import replace

    from pipeline.ledger import verdicts

    with place.ledger.write() as db:
        last = verdicts.latest(db, id_of(place, 1))
        assert last is not None
        verdicts.record(db, replace(last, decisions={}, status="open", supersedes=last.id))
    found = json.loads(cli("ledger", "export", str(tmp_path / "x.jsonl"), "--as", "scientist", "--json")[1])
    assert found["rows"] == 0


def test_a_file_that_cannot_be_written_is_said(cli: Cli, place: Workplace, tmp_path: Path) -> None:
    code, _out, err = cli("ledger", "export", str(tmp_path / "none" / "x.jsonl"))
    assert code == 1
    assert "No such file" in err
    assert not audit(place, "export")


# ---- erasing


@with_people
def test_erasing_says_what_went_and_is_verified(cli: Cli, place: Workplace) -> None:
    flag_id = id_of(place, 1)
    code, out, err = cli("privacy", "verify", flag_id)
    assert code == 1
    assert "is still there" in out
    code, out, err = cli("erase", flag_id, "--reason", "request", "--as", "privacy")
    assert code == 0
    assert "1 raw items, 1 derived rows, 1 index documents, 1 ledger payloads" in out
    assert "backups" in err
    assert cli("privacy", "verify")[:2] == (0, "Nothing is left of what was erased.\n")
    assert json.loads(cli("privacy", "verify", flag_id, "--json")[1]) == {"left": []}
    again = json.loads(cli("erase", flag_id, "--reason", "request", "--as", "privacy", "--json")[1])
    assert again == {"erased": dict.fromkeys(("payloads", "index", "derived", "raw", "datasets"), 0), "left": []}
    assert [(each.actor, each.details["reason"]) for each in audit(place, "erase")] == [
        (user_named(place, "privacy").id, "request")
    ] * 2
    assert cli("ledger", "verify")[0] == 0
    assert cli("show", flag_id, "--as", "reviewer")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("erase", "x~none", "--reason", "request"), "nothing was erased"),
        (("erase", "x~none"), "--reason"),
        (("erase", "x~none", "--reason", "anger"), "anger"),
        (("ledger", "nonsense"), "nonsense"),
        (("ringkas", "--day", "yesterday"), "is no day"),
        (("ringkas", "--day", "0001-01-01"), "is no day"),
        (("ringkas", "--day", "9999-12-31"), "is no day"),
        (("search", "--since", "0001-01-01"), "is no day"),
        (("review", "--port", "99999"), "99999"),
    ],
)
def test_wrong_use_is_said_in_one_message(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    code, _out, err = cli(*arguments)
    assert code == 2
    assert says in err


def test_another_run_at_work_is_said(cli: Cli, place: Workplace) -> None:
    with place.home.lock("index"):
        code, _out, err = cli("erase", id_of(place, 1), "--reason", "mistake")
    assert code == 1
    assert "another run is at work" in err
    assert not audit(place, "erase")


def test_a_damaged_ledger_is_said(cli: Cli, home: Path) -> None:
    (home / "ledger.db").write_bytes(b"this is no database at all" * 100)
    code, _out, err = cli("ledger", "verify")
    assert code == 2
    assert "put it back from the backup" in err


# ---- summary and desk


def test_the_summary_fits_into_one_message(cli: Cli, home: Path) -> None:
    code, out, _err = cli("ringkas", "--day", DAY, lang="id")
    assert code == 0
    assert len(out.strip()) <= 1_500
    found = json.loads(cli("ringkas", "--day", DAY, "--json")[1])
    assert found["day"] == DAY
    assert len(found["text"]) <= 1_500
    assert json.loads(cli("ringkas", "--json")[1])["text"]
    for secret in (*TEXTS.values(), "akun1", "https://x.com"):
        assert secret not in out


def test_the_desk_is_not_served_to_nobody(cli: Cli) -> None:
    code, _out, err = cli("review")
    assert code == 2
    assert "user add" in err


@with_people
def test_a_taken_port_is_said(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, _out, err = cli("review", "--port", port)
    assert code == 2
    assert port in err
    assert "--port" in err


@with_people
def test_an_address_that_is_not_ours_is_said(cli: Cli) -> None:
    assert cli("review", "--host", "192.0.2.1", "--port", "0")[0] == 2


class _Served:
    """A desk in a process of its own."""

    def __init__(self, home: Path, *arguments: str) -> None:
        environ = {"KENTONGAN__PATHS__HOME": str(home), "KENTONGAN__REVIEW__PORT": "0", "PATH": os.environ["PATH"]}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", *arguments, "--lang", "en"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environ,
        )
        self.said = ""
        self.address = self._address()

    def _address(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if found := re.search(r"open at (http://\S+)", line):
                return found[1]
        raise AssertionError(self.said)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal; gives the exit code."""
        self.process.send_signal(number)
        rest, _none = self.process.communicate(timeout=30)
        self.said += rest
        return self.process.returncode


@pytest.fixture
def served() -> Iterator[Callable[..., _Served]]:
    """Starts desks and leaves none behind."""
    started: list[_Served] = []

    def start(home: Path, *arguments: str) -> _Served:
        started.append(_Served(home, *arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
        each.process.communicate()


def _sign_in(address: str, name: str, password: str) -> httpx.Response:
    with httpx.Client(base_url=address, trust_env=False, headers={"Origin": address}) as browser:
        form = browser.get("/masuk")
        (token,) = set(re.findall(r'name="csrf" value="([^"]+)"', form.text))
        browser.post("/masuk", data={"csrf": token, "name": name, "password": password})
        return browser.get("/antrean")


def test_the_demo_ends_with_a_desk_that_its_people_can_sign_in_to(
    served: Callable[..., _Served], tmp_path: Path
) -> None:
    home = tmp_path / "home"
    desk = served(home, "demo", "--serve", "--home", str(home))
    (password,) = re.findall(r"Password of all of them: (\S+)", desk.said)
    assert httpx.get(f"{desk.address}/sehat", trust_env=False).text == "ok"
    assert _sign_in(desk.address, "penelaah", "wrong password of mine").status_code != 200
    found = _sign_in(desk.address, "penelaah", password)
    assert found.status_code == 200
    assert "DATA CONTOH" in found.text
    assert desk.stop() == 0
    assert "Traceback" not in desk.said
    assert not list(home.glob("*-wal")), "index and ledger were closed"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{desk.address}/sehat", trust_env=False)
    assert password not in "".join(path.read_bytes().decode("latin-1") for path in home.glob("ledger.db*"))


@with_people
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_desk_is_served_until_it_is_stopped(served: Callable[..., _Served], home: Path, number: int) -> None:
    desk = served(home, "review")
    assert httpx.get(f"{desk.address}/sehat", trust_env=False).text == "ok"
    assert _sign_in(desk.address, "reviewer", PASSWORD).status_code == 200
    assert desk.stop(number) == 0
    assert "Traceback" not in desk.said
    assert not list(home.glob("*-wal"))
    place = place_at(home)
    actions: list[Any] = [each.action for each in audit(place, "sign_in")]
    assert actions == ["sign_in"]
    place.close()
