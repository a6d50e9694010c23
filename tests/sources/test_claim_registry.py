"""Which claim source the settings ask for, what settings are refused, and what a source remembers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from claimsources import claim_source
from pydantic import ValidationError

from pipeline.core.config_sources import ClaimSourceSettings, check_names
from pipeline.core.resources import data_path
from pipeline.sources.claims.feed import ClaimFeed
from pipeline.sources.claims.files import ClaimFile
from pipeline.sources.claims.google import ADDRESS as GOOGLE
from pipeline.sources.claims.google import GoogleClaims
from pipeline.sources.claims.komdigi import KomdigiClaims
from pipeline.sources.claims.ratings import plain
from pipeline.sources.claims.registry import guess_claim_source
from pipeline.sources.claims.state import MAX_SEEN, Seen
from pipeline.sources.claims.yudistira import ADDRESS as YUDISTIRA
from pipeline.sources.claims.yudistira import YudistiraClaims

SETTINGS: list[tuple[type, dict[str, Any]]] = [
    (ClaimFeed, {"kind": "feed", "url": "https://periksa.example/feed"}),
    (GoogleClaims, {"kind": "google", "query": "pemilu"}),
    (YudistiraClaims, {"kind": "yudistira"}),
    (KomdigiClaims, {"kind": "komdigi", "url": "https://www.komdigi.go.id/berita/berita-hoaks"}),
    (ClaimFile, {"kind": "file", "path": "klaim.csv"}),
]


@pytest.mark.parametrize(("kind", "settings"), SETTINGS, ids=lambda each: getattr(each, "__name__", ""))
def test_each_kind_is_made_and_one_that_only_parses_needs_no_key(
    kind: type, settings: dict[str, Any], tmp_path: Path
) -> None:
    assert type(claim_source(tmp_path, **settings)) is kind
    assert type(claim_source(tmp_path, environ={}, landed=True, **settings)) is kind
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({"kind": "feed"}, "needs a url"),
        ({"kind": "komdigi"}, "needs a url"),
        ({"kind": "file"}, "needs a path"),
        ({"kind": "google"}, "needs a query or a publisher"),
        ({"kind": "google", "publisher": "https://turnbackhoax.id/x"}, "write the site of a publisher"),
        ({"kind": "rss", "url": "x"}, "kind"),
        ({"kind": "yudistira", "key": "rahasia"}, "key"),
        ({"kind": "yudistira", "checker_kind": "friend"}, "checker_kind"),
        ({"kind": "yudistira", "language": "Indonesia"}, "language"),
        ({"kind": "yudistira", "max_pages": 0}, "max_pages"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], part: str) -> None:
    with pytest.raises(ValidationError, match=part):
        ClaimSourceSettings(**settings)


def test_a_source_is_named_as_a_folder() -> None:
    check_names(["turnbackhoax", "a-1_b"])
    for name in ("", "A", "a/b", "..", "a" * 41):
        with pytest.raises(ValueError, match="source name"):
            check_names([name])


@pytest.mark.parametrize(
    ("address", "name", "kind"),
    [
        ("https://www.periksa.example/feed?x=1", "www-periksa-example", "feed"),
        ("data/Klaim Kami.CSV", "klaim-kami-csv", "file"),
        ("https://", "claims", "feed"),
        ("???", "claims", "file"),
        ("x" * 60 + ".csv", "x" * 40, "file"),
    ],
)
def test_an_address_is_a_feed_and_anything_else_a_file(address: str, name: str, kind: str) -> None:
    guessed, settings = guess_claim_source(address)
    assert (guessed, settings.kind) == (name, kind)
    assert address in (settings.url, settings.path)
    check_names([guessed])


def test_the_interfaces_of_others_are_called_over_https() -> None:
    assert GOOGLE.startswith("https://")
    assert YUDISTIRA.startswith("https://")


def test_what_was_given_is_remembered_for_one_address_only(tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    first = Seen(path, "a")
    assert first.is_new("x", {"v": 1})
    assert not first.is_new("x", {"v": 1})
    assert first.is_new("x", {"v": 2})
    first.cut = True
    first.save()
    again = Seen(path, "a")
    assert again.was_cut
    assert not again.is_new("x", {"v": 2})
    assert again.is_new("x", {"v": 1})
    again.save()
    assert not Seen(path, "a").was_cut
    assert Seen(path, "b").is_new("x", {"v": 1})
    path.write_text("{", encoding="utf-8")
    assert Seen(path, "a").is_new("x", {"v": 1})


def test_what_stands_on_pages_not_asked_for_is_remembered_too(tmp_path: Path) -> None:
    path = tmp_path / "seen.json"
    first = Seen(path, "a")
    for number in range(MAX_SEEN + 10):
        first.is_new(str(number), {})
    first.save()
    second = Seen(path, "a")
    second.is_new("0", {})
    second.save()
    assert len(json.loads(path.read_text(encoding="utf-8"))["seen"]) == MAX_SEEN
    third = Seen(path, "a")
    assert not third.is_new("0", {})
    assert not third.is_new(str(MAX_SEEN + 9), {})
    assert third.is_new("1", {})


def test_the_lists_are_written_as_they_are_looked_up() -> None:
    rows = data_path("claims", "ratings.csv").read_text(encoding="utf-8").splitlines()[1:]
    words = [row.split(",")[0] for row in rows]
    assert [word for word in words if plain(word) != word] == []
    assert len(set(words)) == len(words)
    assert {row.count(",") for row in rows} == {3}
    checkers = data_path("claims", "checkers.csv").read_text(encoding="utf-8").splitlines()[1:]
    hosts = [row.split(",")[0] for row in checkers]
    assert [host for host in hosts if host != host.lower() or host.startswith("www.") or "/" in host] == []
    assert {row.count(",") for row in checkers} == {3}
