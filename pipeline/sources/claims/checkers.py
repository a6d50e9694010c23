"""Who checks: the sites of data/claims/checkers.csv by host, and how far a checker's word may go."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.core.claims import CHECKER_KINDS, CheckerKind
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.resources import data_path

UNKNOWN: CheckerKind = "interested"
"""What a checker is of whom nobody said what it is: its word never makes a match."""


@dataclass(frozen=True, slots=True)
class Checker:
    """A site whose people check claims; `name` is empty for a whole domain such as go.id."""

    host: str
    name: str
    kind: CheckerKind
    language: str


@dataclass(frozen=True, slots=True)
class Checkers:
    """The known checkers by host."""

    by_host: Mapping[str, Checker]

    def of(self, address: str) -> Checker | None:
        """The checker whose site an address belongs to: of its host, else of the nearest domain above it."""
        labels = host_of(address).split(".")
        for start in range(len(labels)):
            found = self.by_host.get(".".join(labels[start:]))
            if found is not None:
                return found
        return None

    def kind_of(self, address: str, told: str = "") -> CheckerKind:
        """What the checker of an address is.

        What the list says of a government or an interested party stands whatever is `told`; else what is told counts.
        """
        known = self.of(address)
        if known is not None and (known.kind != "independent" or told not in CHECKER_KINDS):
            return known.kind
        return next((kind for kind in CHECKER_KINDS if kind == told), UNKNOWN)

    def name_of(self, address: str, told: str = "") -> str:
        """The checker's name: as the list has it, else as it is told, else its host."""
        known = self.of(address)
        return (known.name if known is not None else "") or " ".join(told.split())[:120] or host_of(address)


def host_of(address: str) -> str:
    """The host of a web address in small letters, without www; empty if it is none."""
    try:
        host = urlsplit(address.strip()).hostname or ""
    except ValueError:
        return ""
    return host.rstrip(".").lower().removeprefix("www.")


@cache
def load_checkers() -> Checkers:
    """The list that is shipped."""
    return read_checkers(data_path("claims", "checkers.csv"))


def read_checkers(path: Path) -> Checkers:
    """The checkers of a file; raises ConfigError that names the line."""
    found: dict[str, Checker] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            host, kind = (row.get("host") or "").strip().lower(), row.get("kind") or ""
            known = next((each for each in CHECKER_KINDS if each == kind), None)
            if not host or known is None or host in found:
                raise ConfigError(
                    _("{name}, line {number}: a host, once, and one kind of {known}").format(
                        name=path.name, number=number, known=", ".join(CHECKER_KINDS)
                    )
                )
            found[host] = Checker(host, row.get("name") or "", known, row.get("language") or "id")
    return Checkers(found)
