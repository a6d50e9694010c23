"""Accounts, and who may look at what: every verb that shows posts or decisions asks for a name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from homes import id_of
from staff import DAY, FARAWAY, Cli, audit, user_named, with_people

from pipeline.core.identity import subject_of
from pipeline.core.roles import ROLES
from pipeline.ledger import people
from pipeline.workplace import Workplace

# ---- accounts


def test_a_password_is_shown_once_and_stands_nowhere_else(cli: Cli, place: Workplace, home: Path) -> None:
    code, out, err = cli("user", "add", "sari", "--role", "reviewer", "-vv")
    (password,) = re.findall(r"password: (\S+)", out)
    assert code == 0
    assert password not in err
    assert len(password) >= people.SHORTEST
    assert "this once" in err
    made = user_named(place, "sari")
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
    assert [each.details for each in audit(place, "password")] == [
        {"user": user_named(place, "sari").id, "reset": True}
    ]


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
    said = [(each.office, each.details["user"], each.details.get("role")) for each in audit(place, "rights")]
    ids = {name: user_named(place, name).id for name in ("reviewer", "partner", "admin")}
    assert said == [
        ("00", ids["reviewer"], "supervisor"),
        ("61.01", ids["reviewer"], "approver"),
        ("00", ids["partner"], "none"),
        ("00", ids["admin"], None),
    ]
    bodies = " ".join(str(each.details) for each in audit(place))
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
    assert not audit(place, "rights", "password")


# ---- who asks


def test_before_the_first_account_the_operating_systems_counts(cli: Cli, place: Workplace) -> None:
    assert cli("search", "bakar")[0] == 0
    (entry,) = audit(place, "search")
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
    before = len(audit(place))
    code, out, err = cli(*arguments, *more)
    assert (code, out) == (2, "")
    assert says in err
    assert len(audit(place)) == before


@with_people
def test_the_name_may_stand_in_the_environment_but_no_closed_account(
    cli: Cli, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_USER", "reviewer")
    assert cli("search", "bakar")[0] == 0
    assert [each.actor for each in audit(place, "search")] == [user_named(place, "reviewer").id]
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
        before = len(audit(place))
        code, out, err = cli(*arguments, "--as", role)
        if role in _MAY[verb] or (role == FARAWAY and verb in ("ringkas", "chain")):
            assert code == 0, role
            assert json.loads(out)
        else:
            assert (code, out) == (2, ""), role
            assert "may not" in err or "there is no post" in err
            assert len(audit(place)) == before
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
    assert not audit(place, "erase", "read")


@with_people
def test_each_read_and_search_is_audited(cli: Cli, place: Workplace) -> None:
    flag_id = id_of(place, 1)
    assert cli("show", flag_id, "--as", "reviewer")[0] == 0
    assert cli("search", "nama", "orang", "--as", "approver")[0] == 0
    (read,), (search,) = audit(place, "read"), audit(place, "search")
    assert (read.actor, read.subject, read.payload) == (
        user_named(place, "reviewer").id,
        subject_of(flag_id),
        {"flag_id": flag_id},
    )
    assert (search.actor, search.payload) == (user_named(place, "approver").id, {"words": "nama orang"})
    assert cli("show", "x~none", "--as", "reviewer")[0] == 2
    assert len(audit(place, "read")) == 1
