"""A home with people in it, as the tests of the verbs see it: who works there, and what the audit knows of them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from homes import THREAT

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

with_people = pytest.mark.parametrize("home", ["staffed"], indirect=True, ids=[""])
"""The test's home is the one in which each role has its person."""


def audit(place: Workplace, *actions: str) -> list[chain.Entry]:
    """The audit's entries of these actions."""
    with place.ledger.read() as db:
        return list(chain.entries(db, actions=actions))


def user_named(place: Workplace, name: str) -> people.User:
    """The account of that name."""
    with place.ledger.read() as db:
        found = people.find(db, name)
    assert found is not None
    return found
