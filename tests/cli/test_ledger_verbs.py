"""The verbs on accounts, ledger, erasure, summary and desk as their users meet them: codes, messages, JSON, audit."""

from __future__ import annotations

import json
import os
import re
import shutil
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
from homes import THREAT, Clock, decide, file_of, id_of, place_at, row, take

from pipeline.cli import main
from pipeline.core.identity import subject_of
from pipeline.core.roles import ROLES
from pipeline.ledger import chain, people
from pipeline.workplace import Workplace

Cli = Callable[..., tuple[int, str, str]]
DAY = "2026-11-21"
PASSWORD = "Empat kuda di pasar"
FARAWAY = "penelaah61"  # a data protection officer and reviewer of another office
TEXTS = {
    1: f"{THREAT} di Kota Pontianak",
    2: "nanti malam kita bakar gudang logistik, bawa bensin",
    3: "minggu depan kita bakar kantor bawaslu, kumpulkan jeriken di simpang",
    4: "lusa kita bakar kantor camat, parang jangan lupa dibawa",
}


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with four flags, of which three were decided on, and no accounts; never written to."""
    folder = tmp_path_factory.mktemp("decided")
    place = place_at(folder / "home", Clock())
    take(place, file_of(folder, *(row(number, text) for number, text in TEXTS.items())))
    decide(place, id_of(place, 1), "fits", "confirmed", note="catatan penelaah")
    decide(place, id_of(place, 2), "not", "rejected", "private")
    decide(place, id_of(place, 3), "not", "rejected", "satire", "child", by="r2")
    place.close()
    return folder / "home"


@pytest.fixture(scope="module")
def staffed(decided: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with one person for each role, called after it, and one of another office; never written to."""
    home = tmp_path_factory.mktemp("staffed") / "home"
    shutil.copytree(decided, home)
    place = place_at(home)
    with pytest.MonkeyPatch.context() as patched, place.ledger.write() as db:
        stored = people._hash(PASSWORD)
        patched.setattr(people, "_hash", lambda _password: stored)
        for role in ROLES:
            people.add(db, role, "00", role, PASSWORD, place.clock(), must_change=False)
        far = people.add(db, FARAWAY, "61", "reviewer", PASSWORD, place.clock(), must_change=False)
        people.set_right(db, far.id, "31", "privacy")
    place.close()
    return home


@pytest.fixture
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home to write to: that without accounts, or the one that a test's parameter names."""
    shutil.copytree(request.getfixturevalue(getattr(request, "param", "decided")), tmp_path / "home")
    return tmp_path / "home"


with_people = pytest.mark.parametrize("home", ["staffed"], indirect=True, ids=[""])


@pytest.fixture
def cli(home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Call the command in English in that home; gives exit code, standard output and standard error."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    monkeypatch.setenv("KENTONGAN__POLICY__SAMPLE_SHARE", "0")

    def run(*arguments: str, lang: str = "en") -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([*arguments, "--lang", lang])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        assert "internal error" not in out + err
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def place(home: Path) -> Iterator[Workplace]:
    """The home beside the command."""
    opened = place_at(home)
    yield opened
    opened.close()


def _audit(place: Workplace, *actions: str) -> list[chain.Entry]:
    with place.ledger.read() as db:
        return list(chain.entries(db, actions=actions))


def _user(place: Workplace, name: str) -> people.User:
    with place.ledger.read() as db:
        found = people.find(db, name)
    assert found is not None
    return found


# ---- accounts


def test_a_password_is_shown_once_and_stands_nowhere_else(cli: Cli, place: Workplace, home: Path) -> None:
    code, out, err = cli("user", "add", "sari", "--role", "reviewer", "-vv")
    (password,) = re.findall(r"password: (\S+)", out)
    assert code == 0
    assert password not in err
    assert len(password) >= people.SHORTEST
    assert "this once" in err
    made = _user(place, "sari")
    assert made.must_change
    assert made.rights == {"00": "reviewer"}
    with place.ledger.read() as db:
        _id, stored = people.password_hash(db, "sari")
    assert people.password_matches(stored, password)
    place.close()
    for path in home.rglob("*"):
        assert not path.is_file() or password.encode() not in path.read_bytes()
    assert password not in cli("user", "list")[1]


def test_a_new_password_ends_the_old_one(cli: Cli, place: Workplace) -> None:
    first = json.loads(cli("user", "add", "sari", "--role", "reviewer", "--json")[1])["password"]
    code, out, _err = cli("user", "password", "sari", "--json")
    second = json.loads(out)
    assert (code, second["user"]) == (0, "sari")
    with place.ledger.read() as db:
        _id, stored = people.password_hash(db, "sari")
    assert people.password_matches(stored, second["password"])
    assert not people.password_matches(stored, first)
    assert [each.details for each in _audit(place, "password")] == [{"user": _user(place, "sari").id, "reset": True}]


@with_people
def test_accounts_are_listed_changed_and_closed(cli: Cli, place: Workplace) -> None:
    assert cli("user", "role", "reviewer", "--role", "supervisor")[0] == 0
    assert cli("user", "role", "reviewer", "--role", "approver", "--office", "61.01")[0] == 0
    assert json.loads(cli("user", "role", "partner", "--role", "none", "--json")[1])["done"]
    assert json.loads(cli("user", "disable", "admin", "--json")[1])["done"]
    listed = {each["name"]: each for each in json.loads(cli("user", "list", "--json")[1])}
    assert listed["reviewer"] == {
        "name": "reviewer",
        "rights": {"00": "supervisor", "61.01": "approver"},
        "disabled": False,
    }
    assert listed["partner"]["rights"] == {}
    assert listed["admin"]["disabled"]
    assert "61.01 Approving officer" in cli("user", "list")[1]
    said = [(each.office, each.details["user"], each.details.get("role")) for each in _audit(place, "rights")]
    ids = {name: _user(place, name).id for name in ("reviewer", "partner", "admin")}
    assert said == [
        ("00", ids["reviewer"], "supervisor"),
        ("61.01", ids["reviewer"], "approver"),
        ("00", ids["partner"], "none"),
        ("00", ids["admin"], None),
    ]
    bodies = " ".join(str(each.details) for each in _audit(place))
    assert "'reviewer'" not in bodies, "names stand in the payload"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("user", "add", "Sari Dewi", "--role", "reviewer"), "is no user name"),
        (("user", "add", "sari", "--role", "chief"), "chief"),
        (("user", "add", "sari"), "--role"),
        (("user", "add", "sari", "--role", "none"), "role"),
        (("user", "add", "sari", "--role", "reviewer", "--office", "x"), "is no office"),
        (("user", "add", "admin", "--role", "reviewer"), "already"),
        (("user", "role", "nobody", "--role", "reviewer"), "no user nobody"),
        (("user", "disable", "nobody"), "no user nobody"),
        (("user", "password", "nobody"), "no user nobody"),
    ],
)
@with_people
def test_wrong_use_of_accounts_changes_nothing(
    cli: Cli, place: Workplace, arguments: tuple[str, ...], says: str
) -> None:
    before = json.loads(cli("user", "list", "--json")[1])
    code, out, err = cli(*arguments)
    assert code == 2
    assert says in err
    assert "password" not in out
    assert json.loads(cli("user", "list", "--json")[1]) == before
    assert not _audit(place, "rights", "password")


# ---- who asks


def test_before_the_first_account_the_operating_systems_counts(cli: Cli, place: Workplace) -> None:
    assert cli("search", "bakar")[0] == 0
    (entry,) = _audit(place, "search")
    assert entry.actor.startswith("os:")
    assert entry.payload == {"words": "bakar"}
    assert "bakar" not in str(entry.details)


@with_people
@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "bakar"),
        ("show", "x~0"),
        ("ledger", "export", "out.jsonl"),
        ("erase", "x~0", "--reason", "request"),
        ("ringkas",),
    ],
)
@pytest.mark.parametrize(
    ("more", "says"),
    [((), "say who you are"), (("--as", "nobody"), "no user nobody")],
)
def test_then_a_name_is_asked_for(
    cli: Cli, place: Workplace, arguments: tuple[str, ...], more: tuple[str, ...], says: str
) -> None:
    before = len(_audit(place))
    code, out, err = cli(*arguments, *more)
    assert (code, out) == (2, "")
    assert says in err
    assert len(_audit(place)) == before


@with_people
def test_the_name_may_stand_in_the_environment_but_no_closed_account(
    cli: Cli, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_USER", "reviewer")
    assert cli("search", "bakar")[0] == 0
    assert [each.actor for each in _audit(place, "search")] == [_user(place, "reviewer").id]
    assert cli("user", "disable", "reviewer")[0] == 0
    assert cli("search", "bakar")[0] == 2


@with_people
@pytest.mark.parametrize("arguments", [b"user disable \xff", b"search bakar --as \xff", b"show \xff --as reviewer"])
def test_bytes_that_are_no_text_name_nobody_and_nothing(home: Path, arguments: bytes) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments.split(), "--lang", "en"],
        capture_output=True,
        env={"KENTONGAN__PATHS__HOME": str(home), "PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 2
    assert b"there is no " in done.stderr
    assert b"Traceback" not in done.stderr


_MAY = {
    "search": {"reviewer", "supervisor", "approver"},
    "show": {"reviewer", "supervisor", "approver"},
    "export": {"scientist"},
    "chain": {"privacy"},
    "erase": {"privacy"},
    "ringkas": {"reviewer", "supervisor", "approver"},
}


@with_people
@pytest.mark.parametrize("verb", _MAY)
def test_each_role_may_do_what_is_its_own_and_no_more(cli: Cli, place: Workplace, tmp_path: Path, verb: str) -> None:
    arguments = {
        "search": ("search", "bakar", "--json"),
        "show": ("show", id_of(place, 1), "--json"),
        "export": ("ledger", "export", str(tmp_path / "out.jsonl"), "--json"),
        "chain": ("ledger", "export", str(tmp_path / "out.jsonl"), "--chain", "--json"),
        "erase": ("erase", id_of(place, 1), "--reason", "request", "--json"),
        "ringkas": ("ringkas", "--day", DAY, "--json"),
    }[verb]
    for role in (*ROLES, FARAWAY):
        if role == FARAWAY and verb == "search":
            continue  # may, and finds nothing: see below
        (tmp_path / "out.jsonl").unlink(missing_ok=True)
        before = len(_audit(place))
        code, out, err = cli(*arguments, "--as", role)
        if role in _MAY[verb] or (role == FARAWAY and verb in ("ringkas", "chain")):
            assert code == 0, role
            assert json.loads(out)
        else:
            assert (code, out) == (2, ""), role
            assert "may not" in err or "there is no post" in err
            assert len(_audit(place)) == before
            assert not (tmp_path / "out.jsonl").exists()


@with_people
def test_nobody_sees_or_erases_what_belongs_to_another_office(cli: Cli, place: Workplace) -> None:
    assert json.loads(cli("search", "bakar", "--as", FARAWAY, "--json")[1])["total"] == 0
    assert json.loads(cli("search", "kantor:00", "--as", FARAWAY, "--json")[1])["total"] == 0
    assert json.loads(cli("search", "kantor:00", "--as", "reviewer", "--json")[1])["total"] == 4
    flag_id = id_of(place, 1)
    assert "there is no post" in cli("show", flag_id, "--as", FARAWAY)[2]
    assert cli("erase", flag_id, "--reason", "request", "--as", FARAWAY)[0] == 2
    assert place.store.get(flag_id) is not None
    assert not _audit(place, "erase", "read")


@with_people
def test_each_read_and_search_is_audited(cli: Cli, place: Workplace) -> None:
    flag_id = id_of(place, 1)
    assert cli("show", flag_id, "--as", "reviewer")[0] == 0
    assert cli("search", "nama", "orang", "--as", "approver")[0] == 0
    (read,), (search,) = _audit(place, "read"), _audit(place, "search")
    assert (read.actor, read.subject, read.payload) == (
        _user(place, "reviewer").id,
        subject_of(flag_id),
        {"flag_id": flag_id},
    )
    assert (search.actor, search.payload) == (_user(place, "approver").id, {"words": "nama orang"})
    assert cli("show", "x~none", "--as", "reviewer")[0] == 2
    assert len(_audit(place, "read")) == 1


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
    (entry,) = _audit(place, "export")
    assert entry.details == {"what": "chain", "rows": len(rows)}
    assert entry.actor == _user(place, "privacy").id


@with_people
def test_decisions_for_training_name_nobody_and_are_not_private(cli: Cli, place: Workplace, tmp_path: Path) -> None:
    file = tmp_path / "decisions.jsonl"
    decide(place, id_of(place, 4), "not", "rejected", "criticism", note="catatan", by=_user(place, "reviewer").id)
    code, out, _err = cli("ledger", "export", str(file), "--as", "scientist")
    rows = {each["text"]: each for each in map(json.loads, file.read_text(encoding="utf-8").splitlines())}
    assert code == 0
    assert "(2 rows)" in out
    assert set(rows) == {TEXTS[1], TEXTS[4]}, "not what is private, not what concerns a child"
    assert rows[TEXTS[4]]["decisions"] == {"threat": "not"}
    assert rows[TEXTS[4]]["reasons"] == ["criticism"]
    text = file.read_text(encoding="utf-8")
    for secret in ("reviewer", _user(place, "reviewer").id, '"r1"', "catatan", "akun", id_of(place, 1), "status/"):
        assert secret not in text
    assert [each.details for each in _audit(place, "export")] == [{"what": "decisions", "rows": 2}]


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
    assert not _audit(place, "export")


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
    assert [(each.actor, each.details["reason"]) for each in _audit(place, "erase")] == [
        (_user(place, "privacy").id, "request")
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
    assert not _audit(place, "erase")


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
    actions: list[Any] = [each.action for each in _audit(place, "sign_in")]
    assert actions == ["sign_in"]
    place.close()
