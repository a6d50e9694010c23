"""Reading landed items as posts: with today's settings or those they landed with, and past what is damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from homes import MOMENT, PARTITION, Clock, address, file_of, id_of, place_at, row, take

from pipeline import queueing, steps
from pipeline.core.config import SourceSettings
from pipeline.core.types import RawItem
from pipeline.landing.raw import parts, write_part
from pipeline.parsing import Parsers
from pipeline.workplace import Workplace


def _land(place: Workplace, text: str, **settings: Any) -> None:
    raw = RawItem("warga", "export", MOMENT, "row 2", {"text": text, "platform": "x", "kind": "post"})
    landed_with = SourceSettings(kind="export", path="-", **settings).model_dump(mode="json", exclude={"url", "path"})
    write_part(place.home.landing, PARTITION, [raw], landed_with)


def _found(place: Workplace) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Text -> visibility and regions covered, of all posts."""
    parsers = Parsers(place)
    found = [post for part in parts(place.home.landing, PARTITION) for _raw, post in parsers.posts(part)]
    return {post.text: (post.visibility, post.covers) for post in found if post is not None}


def test_a_source_that_is_not_configured_is_read_as_each_of_its_parts_landed(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    _land(place, "satu", covers=("61",))
    _land(place, "dua", covers=("62",), visibility="submitted")
    _land(place, "tiga", covers=("61",))
    assert _found(place) == {
        "satu": ("broadcast", ("61",)),
        "dua": ("submitted", ("62",)),
        "tiga": ("broadcast", ("61",)),
    }


def test_a_configured_source_is_read_with_its_settings_of_today(tmp_path: Path) -> None:
    place = place_at(
        tmp_path / "home", KENTONGAN__SOURCES__WARGA='{"kind": "export", "path": "x.csv", "covers": ["31"]}'
    )
    _land(place, "satu", covers=("61",))
    _land(place, "dua", covers=("62",))
    assert {covers for _visibility, covers in _found(place).values()} == {("31",)}
    other = place_at(tmp_path / "home", KENTONGAN__SOURCES__WARGA='{"kind": "feed", "url": "https://x.example/feed"}')
    assert {covers for _visibility, covers in _found(other).values()} == {("61",), ("62",)}


def test_what_is_no_post_is_none_and_what_is_damaged_is_passed_over(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    _land(place, "satu")
    _land(place, "")
    (whole, empty) = sorted(
        parts(place.home.landing, PARTITION),
        key=lambda part: [post is None for _raw, post in Parsers(place).posts(part)],
    )
    assert [post for _raw, post in Parsers(place).posts(empty)] == [None]
    whole.write_bytes(whole.read_bytes()[:-20])
    assert _found(place) in ({}, {"satu": ("broadcast", ())})


def test_addresses_are_read_for_those_posts_that_are_asked_for(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    take(place, file_of(tmp_path, row(1, "halo semua"), row(2, "halo warga")))
    assert queueing.original_addresses(place, PARTITION, {id_of(place, 2)}) == {id_of(place, 2): address(2)}
    assert queueing.original_addresses(place, PARTITION, set()) == {}
    assert queueing.original_addresses(place, "2026-11-20/00", {id_of(place, 2)}) == {}
    assert steps.landed(place) == [PARTITION]
