"""What every store agrees on about flags and their review: what may be put, which statuses there are, who decided."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import get_args

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import Flag, Status

STATUSES: tuple[str, ...] = get_args(Status)

UNDECIDED = ("open", "claimed", "second_review", "unsure")
"""Flags of these statuses expire at their time; decided ones are kept by periods that the ledger knows (DOMAIN 4.6)."""


def check_put(flag: Flag) -> None:
    """Raise ConfigError for a candidate: what no rule flagged stays in derived/."""
    if not flag.why:
        raise ConfigError(_("{id} is no flag (its `why` is empty) and does not belong in the index").format(id=flag.id))


def put_batches(flags: Iterable[Flag], size: int) -> Iterator[list[Flag]]:
    """Batches of at most `size` flags in which no id stands twice; raises ConfigError for a candidate."""
    batch: dict[str, Flag] = {}
    for flag in flags:
        check_put(flag)
        if flag.id in batch or len(batch) == size:
            yield list(batch.values())
            batch = {}
        batch[flag.id] = flag
    if batch:
        yield list(batch.values())


def check_statuses(statuses: Mapping[str, str]) -> None:
    """Raise ConfigError for a status that there is not."""
    for flag_id, status in statuses.items():
        if status not in STATUSES:
            raise ConfigError(_('{id} cannot have the status "{status}"').format(id=flag_id, status=status))
