"""Addresses that came from outside: where a browser may be led, and the host that a person should see before."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\\\ud800-\udfff]|\s")  # a browser reads a backslash as the end of a host


def open_address(address: str) -> str:
    """The address if a browser may be led there, else nothing: what a source calls an address can be anything."""
    try:
        parts = urlsplit(address)
        leads = parts.scheme in ("http", "https") and bool(parts.hostname) and not _UNSEEN.search(address)
    except ValueError:
        return ""
    return address if leads else ""


def host_of(address: str) -> str:
    """The host that an address leads to, whatever stands before it ("https://bank.example@other.example/")."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
