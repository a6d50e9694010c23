"""Pseudonyms: accounts become keys that are good for "n accounts" and useless for a profile.

An author's key is HMAC-SHA256 over source and account with a secret made once per election period and destroyed at its
end; so keys of two sources, or of two periods, cannot be joined. A social post's id is an HMAC over its native id with
a secret of its own that lives as long as the home does (the id must not change).
"""

from __future__ import annotations

import csv
import hmac
import os
import secrets
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.files import scratch
from pipeline.core.i18n import _

_KEY_BYTES = 32
_DIGEST = 20  # hex characters kept: 80 bits, no collision to be expected below 10^11 posts


class Pseudonyms:
    """Makes author keys and item ids; `institutions` are the accounts (lower case, no @) that stay readable."""

    def __init__(self, author_secret: bytes, item_secret: bytes, institutions: frozenset[str] = frozenset()) -> None:
        self._author_secret = author_secret
        self._item_secret = item_secret
        self.institutions = institutions

    def author_key(self, source: str, account: str) -> str:
        """The key of an account within one source and election period."""
        return _digest(self._author_secret, source, _plain(account))

    def item_id(self, platform: str, native_id: str) -> str:
        """`platform~<20 hex>`: the id under which a social post is known here."""
        return f"{platform}~{_digest(self._item_secret, platform, native_id)}"

    def is_institution(self, account: str) -> bool:
        """Whether the account is on the list of institutions."""
        return _plain(account) in self.institutions


def subject_of(flag_id: str) -> str:
    """What stands for a post in the ledger: enough to know it again, and no address can be read from it."""
    return sha256(b"subject\0" + flag_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def open_pseudonyms(home: Path, period: str, institutions: frozenset[str]) -> Pseudonyms:
    """The pseudonyms of a home, whose secrets are made on first use in `secret/` with mode 0600."""
    folder = home / "secret"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Pseudonyms(_secret(folder / f"author-{period}.key"), _secret(folder / "item.key"), institutions)


def load_institutions(path: Path) -> frozenset[str]:
    """The accounts of a CSV with a column `account`; raises ConfigError if it cannot be read so."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return frozenset(_plain(row["account"]) for row in csv.DictReader(file))
    except (OSError, KeyError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            _("{name}: the list of institutions needs a column `account` ({error})").format(name=path.name, error=error)
        ) from error


def _plain(account: str) -> str:
    return account.strip().lstrip("@").casefold()


def _digest(secret: bytes, *parts: str) -> str:
    message = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hmac.new(secret, message, "sha256").hexdigest()[:_DIGEST]


def _secret(path: Path) -> bytes:
    """Read the secret, or make it: written whole beside and linked, so that two first runs agree on one."""
    try:
        return _checked(path)
    except FileNotFoundError:
        pass
    with scratch(path.parent) as aside:
        with aside.open("wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):  # another process was first: its secret is the one
            os.link(aside, path)
    return _checked(path)


def _checked(path: Path) -> bytes:
    secret = path.read_bytes()
    if len(secret) != _KEY_BYTES:
        raise ConfigError(
            _("secret/{name} is damaged ({size} bytes); put it back from the backup").format(
                name=path.name, size=len(secret)
            )
        )
    return secret
