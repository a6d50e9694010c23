"""The page of the people: names, roles, states and last sign-ins of one's own offices, and nothing of any post."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner
from review.flags import make_flag, put_flags
from review.frame import ELSEWHERE, Browser, Clock, PeopleOf

from pipeline.cli.app import app as cli
from pipeline.ledger import audit, people
from pipeline.review import accounts
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]


def test_names_roles_states_and_last_sign_ins_are_shown(
    place: Workplace, client: Client, clock: Clock, people_of: PeopleOf
) -> None:
    with place.ledger.write() as db:
        audit.note(db, "sign_in", office="00", actor=people_of["reviewer"].id, at=clock())
        people.disable(db, people_of["scientist"].id, clock())
    clock.move(hours=1)
    with place.ledger.write() as db:
        audit.note(db, "sign_in", office="00", actor=people_of["reviewer"].id, at=clock())
    page = client("admin").get("/pengguna").text
    assert "Data protection officer (00)" in page
    assert "24 Nov 2026 08:30 WIB" in page
    assert "24 Nov 2026 07:30 WIB" not in page
    assert page.count(">closed<") == 1
    assert "never" in page


def test_people_of_other_offices_are_not_shown_nor_roles_there(
    place: Workplace, client: Client, people_of: PeopleOf
) -> None:
    with place.ledger.write() as db:
        people.set_right(db, people_of["approver"].id, "61", "supervisor")
    page = client("admin").get("/pengguna").text
    assert ELSEWHERE not in page
    assert "(61)" not in page


def test_who_lost_every_role_is_still_shown(place: Workplace, client: Client, people_of: PeopleOf) -> None:
    with place.ledger.write() as db:
        people.set_right(db, people_of["partner"].id, "00", None)
    assert "no role" in client("admin").get("/pengguna").text


def test_no_content_stands_on_the_page(place: Workplace, client: Client) -> None:
    keys = put_flags(place, make_flag(1))
    page = client("admin").get("/pengguna").text
    assert not [secret for secret in ("surat suara", "x~0001", *keys) if secret in page]


@pytest.mark.parametrize("role", ["reviewer", "supervisor", "approver", "privacy", "scientist", "partner"])
def test_only_the_administrator_sees_the_page(client: Client, role: str) -> None:
    assert client(role).get("/pengguna").status_code == 403


def test_the_commands_it_names_are_there() -> None:
    for _wish, command in accounts.hints("00"):
        words = command.split()
        answer = CliRunner().invoke(cli, [*words[1:3], "--help"])
        assert answer.exit_code == 0
        for option in (word for word in words if word.startswith("--")):
            assert option in answer.output
