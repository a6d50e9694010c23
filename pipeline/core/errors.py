"""The errors of the pipeline: the class tells the caller what to do.

KentonganError                 every error that we raise on purpose; its text is for a person
|-- ConfigError                stop, never retry: wrong use, setting or file          exit 2
|-- ItemError                  quarantine this one item with its reason, go on
|-- TransientError             the world may be better later: retry                   exit 1
|   |-- SourceUnavailable      a feed, file server or host did not answer well
|   |-- StoreUnavailable       the search index did not
|   `-- LedgerUnavailable      the ledger's database did not
|-- ModelError                 keep the last good model                               exit 1
|-- Conflict                   somebody was faster: show it, do not retry             exit 1
`-- Forbidden                  this role may not do that                            exit 2
"""

from __future__ import annotations

from dataclasses import dataclass


class KentonganError(Exception):
    """Parent of all errors raised on purpose; `str()` of it is a message for a person."""

    exit_code = 1


class ConfigError(KentonganError):
    """A setting, file or call is wrong; trying again cannot help."""

    exit_code = 2


class ItemError(KentonganError):
    """One item cannot be used; it goes to quarantine with this reason and the rest goes on."""


class TransientError(KentonganError):
    """Something outside failed for now; the same call may succeed later.

    `retry_after` is the number of seconds that the other side asked us to wait, if it said so.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SourceUnavailable(TransientError):
    """A source could not be read for now."""


class StoreUnavailable(TransientError):
    """The search index could not be read or written for now."""


class LedgerUnavailable(TransientError):
    """The ledger could not be read or written for now."""


class ModelError(KentonganError):
    """A model is missing, damaged or not vouched for; keep the last good one."""


class Conflict(KentonganError):
    """Somebody else changed the same thing first."""


class Forbidden(KentonganError):
    """Whoever asks may not do this; the message says what is missing, never what there is to see."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Failed:
    """A source or step that failed while others went on, and why."""

    source: str
    error: KentonganError
