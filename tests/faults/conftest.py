"""The homes of these tests; the scripts in benchmarks/ that kills and faults share are found here."""

from __future__ import annotations

import random
import shutil
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from homes import THREAT, file_of, row

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from homestate import State
from runs import ROWS, here, stands, taking


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A file whose posts are all flagged and do not compress well."""
    chance = random.Random(1)
    words = ("".join(chance.choices(string.ascii_lowercase, k=800)) for _each in range(ROWS))
    rows = [row(number, f"{THREAT} {word}") for number, word in enumerate(words, start=1)]
    return file_of(tmp_path_factory.mktemp("rows"), *rows)


@pytest.fixture(scope="module")
def well(tmp_path_factory: pytest.TempPathFactory, file: str) -> Path:
    """A home that nobody disturbed; never written to."""
    home = tmp_path_factory.mktemp("well") / "home"
    assert here(home, *taking(file)) == 0
    return home


@pytest.fixture(scope="module")
def whole(well: Path) -> State:
    """What stands in it."""
    return stands(well)


@pytest.fixture
def home(well: Path, tmp_path: Path) -> Iterator[Path]:
    """An empty home with the same secrets."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    shutil.copytree(well / "secret", home / "secret")
    yield home
    _open(home)


@pytest.fixture
def filled(well: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of the home that nobody disturbed."""
    home = tmp_path / "filled"
    shutil.copytree(well, home)
    yield home
    _open(home)


def _open(home: Path) -> None:
    """Give back all rights, so that the folder can be removed."""
    if home.exists():
        home.chmod(0o700)
        for path in home.rglob("*"):
            path.chmod(0o700)
