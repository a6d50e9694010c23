"""The ports: small Protocols between the flow and the rooms.

A fake is product code and passes the same contract tests as the real part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pipeline.core.types import Decided, Flag, Page, Post, PutCount, Quarantined, Query, RawItem, Signal, Status


class Source(Protocol):
    """Where posts come from. `fetch` touches the world, `parse` never does, so that a day can be replayed."""

    name: str

    @property
    def notes(self) -> Sequence[str]:
        """After `fetch`: what a person should know (columns that were guessed, entries left out)."""
        ...

    @property
    def dropped(self) -> Mapping[str, int]:
        """After `fetch`: columns that are not on the allow-list, with how many values were left out."""
        ...

    @property
    def refused(self) -> str:
        """After `fetch`: why the source was refused as a whole (a private chat, one person's posts), else empty."""
        ...

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield what is new at the source; a broken item is yielded as Quarantined and the rest goes on.

        Raises SourceUnavailable (try later) or ConfigError (never).
        """
        ...

    def commit(self) -> None:
        """Remember what was fetched, once it has landed; before that a kill costs only one more fetch."""
        ...

    def parse(self, raw: RawItem) -> Post:
        """Turn one raw item into a post; raises ItemError if it is not one."""
        ...


class Classifier(Protocol):
    """Text in, signals out; knows nothing of policy. `digest` changes with anything that can change a signal."""

    name: str
    digest: str

    def classify(self, texts: Sequence[str], *, reasons: bool = True) -> list[tuple[Signal, ...]]:
        """Return the signals of each text, in input order; never raises on any text."""
        ...


class Enricher(Protocol):
    """Adds regions, topics or claims to a flag."""

    def enrich(self, flag: Flag) -> Flag:
        """Return a new flag with what was found."""
        ...


class Store(Protocol):
    """The search index of flags; it can always be made again from derived/ and the ledger."""

    def put(self, flags: Iterable[Flag]) -> PutCount:
        """Create, update (another fingerprint) or leave (the same) each flag; never touches the review fields.

        What the index refuses for what it is stands in the count with the reason; the others are written.
        """
        ...

    def search(self, query: Query, *, limit: int = 20, after: str | None = None, order: str = "relevance") -> Page:
        """Return a page; `after` is `Page.next`; pages are stable while documents are added."""
        ...

    def get(self, flag_id: str) -> Flag | None:
        """Return the flag with that id, or None."""
        ...

    def get_many(self, flag_ids: Iterable[str]) -> dict[str, Flag]:
        """Return those of the flags that are there, by id."""
        ...

    def facets(self, query: Query, fields: Sequence[str], *, limit: int = 50) -> dict[str, dict[str, int]]:
        """Return, for each field (label, topic, region, source, status, day and more): value -> number of flags."""
        ...

    def mirror(self, statuses: Mapping[str, Status], decided: Mapping[str, Decided] | None = None) -> int:
        """Set review statuses (the ledger is their truth); returns how many changed. Never touches signal fields.

        `decided` says when and why, of those that are decided: only an index that draws figures keeps it.
        """
        ...

    def erase(self, ids: Iterable[str]) -> int:
        """Remove flags so that `put` refuses them later; returns how many were there."""
        ...

    def withdraw(self, ids: Iterable[str]) -> int:
        """Remove those that are still open (no rule flags them any more); what a person decided on stays."""
        ...

    def due(self, now: datetime) -> list[str]:
        """The ids of undecided flags that are past their `expires_at` and still have their text."""
        ...

    def expire(self, ids: Iterable[str], *, keep_status: bool = False) -> int:
        """Remove the text of flags for good; the row stays, as `expired` unless `keep_status`. Returns how many."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
