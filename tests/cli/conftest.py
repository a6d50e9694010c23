"""Homes and the command in them, for the tests of people and of the ledger; other modules bring their own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import Clock, decide, file_of, id_of, place_at, row, take
from staff import FARAWAY, PASSWORD, TEXTS, Cli

from pipeline.cli import main
from pipeline.core.roles import ROLES
from pipeline.ledger import people
from pipeline.workplace import Workplace


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
