"""Accounts, sign-in limits, sessions and saved searches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from ledgers import NOW, OFFICE, URL, later

from pipeline.core.errors import ConfigError
from pipeline.ledger import Ledger, people

PASSWORD = "kentongan di gardu 7"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hashing is slow on purpose; only one test needs the real cost. No cheap hash stays behind."""
    monkeypatch.setattr(people, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    people._nobody.cache_clear()
    yield
    people._nobody.cache_clear()


def _person(ledger: Ledger, name: str = "sari", role: str = "reviewer", *, must_change: bool = False) -> people.User:
    with ledger.write() as db:
        return people.add(db, name, OFFICE, role, PASSWORD, NOW, must_change=must_change)


def test_a_person_is_found_by_name_with_the_rights(ledger: Ledger) -> None:
    made = _person(ledger, must_change=True)
    with ledger.write() as db:
        people.set_right(db, made.id, "61.01", "supervisor")
        found = people.find(db, "sari")
        assert found is not None
        assert (found.rights, found.must_change) == ({OFFICE: "reviewer", "61.01": "supervisor"}, True)
        people.set_right(db, made.id, OFFICE, None)
        people.set_language(db, made.id, "en")
        assert [(one.language, one.rights) for one in people.everyone(db)] == [("en", {"61.01": "supervisor"})]
        assert people.named(db, [made.id, "?"]) == {made.id: "sari"}
        assert people.count(db) == 1
        assert people.find(db, "tono") is None


@pytest.mark.parametrize("name", ["", "a", "Sari", "sari tono", "-sari", "a" * 65, "sari\n"])
def test_a_name_is_short_small_and_plain(ledger: Ledger, name: str) -> None:
    with pytest.raises(ConfigError, match="is no user name"):
        _person(ledger, name)


def test_a_name_is_taken_once_and_a_role_and_an_office_must_exist(ledger: Ledger) -> None:
    made = _person(ledger)
    with pytest.raises(ConfigError, match="already"):
        _person(ledger)
    with pytest.raises(ConfigError, match="no role"):
        _person(ledger, "tono", "boss")
    with pytest.raises(ConfigError, match="no office"), ledger.write() as db:
        people.set_right(db, made.id, "Jakarta", "reviewer")
    with ledger.read() as db:
        assert people.count(db) == 1  # what failed left nothing


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", "sari-12345678", "SARI-12345678"])
def test_a_password_that_is_easy_to_guess_is_refused(ledger: Ledger, password: str) -> None:
    made = _person(ledger)
    with pytest.raises(ConfigError, match="password"), ledger.write() as db:
        people.set_password(db, made.id, password)


def test_a_password_is_kept_as_argon2id_and_stands_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    ledger = Ledger(URL.create("sqlite", database=str(tmp_path / "ledger.db")))
    _person(ledger)
    with ledger.read() as db:
        user_id, stored = people.password_hash(db, "sari")
        nobody, other = people.password_hash(db, "tono")
    assert user_id
    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert (nobody, other[:30]) == (None, stored[:30])  # takes as long to check
    assert people.password_matches(stored, PASSWORD)
    assert not people.password_matches(stored, PASSWORD + " ")
    assert not people.password_matches("no hash", PASSWORD)
    ledger.close()
    assert all(PASSWORD.encode() not in path.read_bytes() for path in tmp_path.iterdir())


def test_a_new_password_is_long_and_different_each_time() -> None:
    made = {people.new_password() for _ in range(50)}
    assert len(made) == 50
    for password in made:
        people.check_password(password, "sari")


def test_too_many_failures_by_name_or_by_address_are_refused_until_the_window_is_over(ledger: Ledger) -> None:
    keys = [("name:sari", people.TRIES_NAME), ("address:192.0.2.1", people.TRIES_ADDRESS)]
    names = [key for key, _tries in keys]
    with ledger.write() as db:
        for _ in range(people.TRIES_NAME - 1):
            people.note_failure(db, names, NOW)
        assert not people.refused(db, keys, NOW)
        people.note_failure(db, names, NOW)
        assert people.refused(db, keys, NOW)
        assert not people.refused(db, keys[1:], NOW)
        assert not people.refused(db, keys, NOW + people.WINDOW)
        people.forget_failures(db, "name:sari")
        assert not people.refused(db, keys, NOW)
        for n in range(people.TRIES_ADDRESS):
            people.note_failure(db, [f"name:{n}", "address:192.0.2.1"], NOW)
        assert people.refused(db, keys, NOW)


def test_a_session_ends_by_age_by_idleness_and_by_signing_out(ledger: Ledger) -> None:
    made = _person(ledger)
    with ledger.write() as db:
        cookie, csrf = people.start_session(db, made.id, NOW)
        opened = people.open_session(db, cookie, later(minutes=119), 10)
        assert opened is not None
        assert (opened.user.id, opened.csrf) == (made.id, csrf)
        assert people.open_session(db, csrf, NOW, 10) is None
        assert people.open_session(db, cookie, later(hours=2), 10) is None
        people.keep_session(db, cookie, later(hours=9, minutes=59))
        assert people.open_session(db, cookie, later(hours=9, minutes=59), 10)
        assert people.open_session(db, cookie, later(hours=10), 10) is None
        people.end_old_sessions(db, later(hours=13))
        assert people.open_session(db, cookie, later(hours=9, minutes=59), 10) is None
        cookie, _csrf = people.start_session(db, made.id, NOW)
        people.end_session(db, cookie)
        assert people.open_session(db, cookie, NOW, 10) is None


@pytest.mark.parametrize("how", ["disable", "right", "password"])
def test_a_session_ends_when_the_account_changes(ledger: Ledger, how: str) -> None:
    made, other = _person(ledger), _person(ledger, "tono")
    with ledger.write() as db:
        cookie, _csrf = people.start_session(db, made.id, NOW)
        kept, _csrf = people.start_session(db, other.id, NOW)
        if how == "disable":
            people.disable(db, made.id, NOW)
        elif how == "right":
            people.set_right(db, made.id, "62", "reviewer")
        else:
            people.set_password(db, made.id, PASSWORD + " baru", must_change=False)
        assert people.open_session(db, cookie, NOW, 10) is None
        assert people.open_session(db, kept, NOW, 10)
        assert (people.password_hash(db, "sari")[0] is None) == (how == "disable")


def test_a_password_that_was_handed_over_must_be_changed_once(ledger: Ledger) -> None:
    made = _person(ledger, must_change=True)
    with ledger.write() as db:
        people.set_password(db, made.id, PASSWORD + " baru")
        found = people.find(db, "sari")
    assert found is not None
    assert not found.must_change


def test_saved_searches_are_one_s_own(ledger: Ledger) -> None:
    mine, other = _person(ledger), _person(ledger, "tono")
    with ledger.write() as db:
        people.save(db, mine.id, OFFICE, "  logistik   TPS ", "surat suara")
        people.save(db, mine.id, OFFICE, "logistik TPS", "surat suara -rusak")
        (kept,) = people.saved(db, mine.id, OFFICE)
        assert (kept.name, kept.query) == ("logistik TPS", "surat suara -rusak")
        assert people.saved(db, other.id, OFFICE) == people.saved(db, mine.id, "62") == []
        people.unsave(db, other.id, kept.id)
        people.save(db, other.id, OFFICE, "logistik TPS", "lain")
        assert people.saved(db, mine.id, OFFICE) == [kept]
        people.unsave(db, mine.id, kept.id)
        assert people.saved(db, mine.id, OFFICE) == []
    with pytest.raises(ConfigError, match="a name"), ledger.write() as db:
        people.save(db, mine.id, OFFICE, "  ", "x")


def test_only_so_many_searches_are_saved_and_a_refused_one_loses_nothing(ledger: Ledger) -> None:
    made = _person(ledger)
    with ledger.write() as db:
        for n in range(50):
            people.save(db, made.id, OFFICE, f"n {n}", "x")
        people.save(db, made.id, OFFICE, "n 1", "y")
    with pytest.raises(ConfigError, match="saved already"), ledger.write() as db:
        people.save(db, made.id, OFFICE, "one more", "x")
    with ledger.read() as db:
        assert len(people.saved(db, made.id, OFFICE)) == 50


def test_the_window_forgets_old_failures(ledger: Ledger) -> None:
    with ledger.write() as db:
        people.note_failure(db, ["name:sari"] * 5, NOW - people.WINDOW - timedelta(seconds=1))
        people.note_failure(db, ["name:tono"], NOW)
        assert not people.refused(db, [("name:sari", 1)], NOW - people.WINDOW)
