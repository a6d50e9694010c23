"""Canonical addresses and the hosts that a typed address trusts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.sources.address import canonical_address, is_local_path, is_web_address, typed_hosts


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://Kabar.Example/Daerah/Banjir", "https://kabar.example/Daerah/Banjir"),
        ("https://kabar.example", "https://kabar.example/"),
        ("https://kabar.example:443/a#komentar", "https://kabar.example/a"),
        ("http://kabar.example.:8080/a", "http://kabar.example:8080/a"),
        ("https://kabar.example/a?utm_source=x&id=7&fbclid=y&UTM_Medium=z", "https://kabar.example/a?id=7"),
        ("https://kabar.example/a/amp/", "https://kabar.example/a"),
        ("https://kabar.example/a/amp?amp=1&outputType=amp", "https://kabar.example/a"),
        ("https://kabar.example/amplop", "https://kabar.example/amplop"),
        ("https://kabar.example/?p=12&page=2", "https://kabar.example/?p=12&page=2"),
        ("https://kabar.example/a b/ä?q=ä", "https://kabar.example/a%20b/%C3%A4?q=%C3%A4"),
        ("https://kabar.example/a%20b", "https://kabar.example/a%20b"),
        ("  https://kabar.example/a\n", "https://kabar.example/a"),
        ("https://müller.example/a", "https://xn--mller-kva.example/a"),
        ("http://[2001:DB8::1]:80/a", "http://[2001:db8::1]/a"),
    ],
)
def test_canonical_address(address: str, expected: str) -> None:
    assert canonical_address(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "kabar.example/a",
        "ftp://kabar.example/a",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https://.",
        "https://a:b@kabar.example/",
        "https://kabar.example:99999/",
        "http://[::1/",
        "https://kabar.example/" + "a" * 2_000,
    ],
)
def test_what_is_no_address_of_a_page(address: str) -> None:
    assert not is_web_address(address)
    with pytest.raises(ValueError, match=r"."):
        canonical_address(address)


@given(st.text(max_size=60), st.sampled_from(["", "https://kabar.example/", "http://Kabar.example:80", "//"]))
def test_canonical_is_idempotent_and_raises_only_value_errors(tail: str, head: str) -> None:
    try:
        once = canonical_address(head + tail)
    except ValueError:
        return
    assert canonical_address(once) == once
    assert once.isascii()
    assert "#" not in once
    assert "@" not in once.split("/")[2]


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("https://kabar.example/feed", {"kabar.example:80", "kabar.example:443"}),
        ("http://Kabar.Example.:8080/feed", {"kabar.example:8080"}),
        ("http://127.0.0.1:8000/feed", {"127.0.0.1:8000"}),
        ("http://[::1]:8000/feed", {"::1:8000"}),
        ("contoh/berita.rss", set()),
        ("-", set()),
    ],
)
def test_typed_hosts(address: str, hosts: set[str]) -> None:
    assert typed_hosts(address) == hosts
    assert is_local_path(address) == (not hosts)


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("file:///etc/passwd", "https://host/path"),
        ("ftp://kabar.example/feed", "https://host/path"),
        ("https://", "https://host/path"),
        ("https://kabar.example:port/", "not a web address"),
        ("http://[::1/", "not a web address"),
        ("https://budi:rahasia@kabar.example/feed", "remove it"),
    ],
)
def test_a_wrong_typed_address_says_so_and_shows_no_password(address: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        typed_hosts(address)
    assert "rahasia" not in str(caught.value)
