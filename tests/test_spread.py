"""A text that spreads fast and that no fact-checker wrote about becomes one flag; what may not count never does."""

from __future__ import annotations

from pathlib import Path

import pytest
from homes import Clock, address, file_of, native, place_at, take

from pipeline.core.types import Flag
from pipeline.landing.derived import derived_file, derived_partitions, read_derived
from pipeline.landing.growth import account_of
from pipeline.workplace import Workplace

RUMOUR = "Info dari grup sebelah: gudang logistik di pelabuhan lama kemasukan air, kotak suara basah semua, sebarkan"
PROTEST = "Besok kita unjuk rasa damai di depan kantor bupati menolak tambang, bawa bendera dan payung, jaga ketertiban"


def _row(number: int, text: str, account: int) -> str:
    return f'{native(number)},"{text}",2026-11-20 08:00,akun{account},{address(number)}'


def _copies(text: str, first: int, count: int, accounts: int = 1_000) -> list[str]:
    """Copies of a text, each with a small change, from so many accounts."""
    return [_row(n, f"{text} {'!' * (n % 3)} {n}", n % accounts) for n in range(first, first + count)]


def _place(tmp_path: Path, clock: Clock | None = None, **environ: str) -> Workplace:
    limits = {"SPREAD_COPIES": "6", "SPREAD_ACCOUNTS": "5", **environ}
    return place_at(tmp_path / "home", clock, **{f"KENTONGAN__CLAIMS__{name}": value for name, value in limits.items()})


def _spreading(place: Workplace) -> list[Flag]:
    found = []
    for partition in derived_partitions(place.home.derived):
        path = derived_file(place.home.derived, partition)
        found += [flag for flag in read_derived(path) if "spread" in flag.why] if path else []
    return found


def test_one_flag_stands_for_all_copies_and_reaches_the_index(tmp_path: Path) -> None:
    place = _place(tmp_path)
    reports = take(place, file_of(tmp_path, *_copies(RUMOUR, 1, 8)))
    (flag,) = _spreading(place)
    assert flag.why == ("spread",)
    assert flag.cluster == flag.id
    assert reports[1].tables["why"] == {"spread": 1}
    assert place.store.get(flag.id) is not None


@pytest.mark.parametrize(
    ("rows", "environ"),
    [
        (_copies(RUMOUR, 1, 5), {}),
        (_copies(RUMOUR, 1, 8, accounts=3), {}),
        (_copies(PROTEST, 1, 8), {}),
        (_copies(RUMOUR, 1, 8), {"SPREAD_COPIES": "0"}),
        ([_row(n, f"selamat pagi semua {n}", n) for n in range(1, 9)], {}),
    ],
    ids=["too few copies", "too few accounts", "a protected topic", "switched off", "too short to be copies"],
)
def test_what_is_no_fast_spread_is_none(tmp_path: Path, rows: list[str], environ: dict[str, str]) -> None:
    place = _place(tmp_path, **environ)
    take(place, file_of(tmp_path, *rows))
    assert _spreading(place) == []


def test_copies_of_several_hours_add_up_and_flag_once(tmp_path: Path) -> None:
    clock = Clock()
    place = _place(tmp_path, clock)
    for hour in range(4):
        take(place, file_of(tmp_path, *_copies(RUMOUR, 1 + 4 * hour, 4), name=f"jam{hour}.csv"))
        clock.move(hours=1)
    (flag,) = _spreading(place)
    assert flag.post.partition.endswith("/11")  # the hour in which the eighth copy came


def test_copies_that_came_too_long_ago_do_not_count(tmp_path: Path) -> None:
    clock = Clock()
    place = _place(tmp_path, clock)
    for day in range(3):
        take(place, file_of(tmp_path, *_copies(RUMOUR, 1 + 4 * day, 4), name=f"hari{day}.csv"))
        clock.move(days=1, hours=1)
    assert _spreading(place) == []


def test_an_account_is_a_number_and_nobody_is_none() -> None:
    assert account_of(None) == account_of("") == 0
    assert account_of("a") != account_of("b") != 0
