"""What people ask of the data, one function a question, and the trace that their looking leaves in the audit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from pipeline.core.errors import ItemError
from pipeline.core.types import Flag, Query
from pipeline.landing.derived import derived_file, derived_partitions, read_derived, read_texts
from pipeline.ledger import audit
from pipeline.store import query as store_query
from pipeline.workplace import Workplace


def find(place: Workplace, flag_id: str) -> Flag | None:
    """A post with all that was found about it, flagged or not, from the index or else from derived/ (newest first)."""
    found = place.store.get(flag_id)
    if found is not None:
        return found
    for partition in reversed(derived_partitions(place.home.derived)):
        path = derived_file(place.home.derived, partition)
        try:
            for candidate in read_derived(path) if path else ():
                if candidate.id == flag_id:
                    return candidate
        except ItemError:
            continue
    return None


def find_in(place: Workplace, partition: str, flag_id: str) -> Flag | None:
    """A post of a partition from derived/, while the index is away."""
    path = derived_file(place.home.derived, partition)
    try:
        return next((flag for flag in read_derived(path) if flag.id == flag_id), None) if path else None
    except ItemError:
        return None


def first_words(place: Workplace, partition: str, ids: list[str], letters: int = 70) -> dict[str, str]:
    """The beginnings of some posts of a partition, on one line each, to tell clusters apart."""
    path = derived_file(place.home.derived, partition)
    texts = read_texts(path, ids) if path else {}
    return {flag_id: " ".join(text.split())[:letters] for flag_id, text in texts.items()}


def parse_query(place: Workplace, text: str, since: datetime | None = None, until: datetime | None = None) -> Query:
    """What a person typed, as data; anything typed is safe."""
    return store_query.parse_query(text, zone=place.settings.office.zone, since=since, until=until)


def explain_query(place: Workplace, query: Query) -> str:
    """How a search was read, in words."""
    return store_query.explain_query(query, zone=place.settings.office.zone)


def within(query: Query, offices: Sequence[str]) -> Query:
    """The query, bounded to the posts of these offices: whatever else it names, it finds no others."""
    named = [value for field, value in query.fields if field == "office"]
    allowed = [office for office in offices if not named or office in named] or ["-"]
    others = tuple(pair for pair in query.fields if pair[0] != "office")
    return replace(query, fields=(*others, *(("office", office) for office in allowed)))


def note_search(place: Workplace, actor: str, offices: Sequence[str], words: str) -> None:
    """Leave a trace of a search; the words may name a person and stand in the erasable payload."""
    with place.ledger.write() as db:
        for office in offices:
            audit.note(db, "search", office=office, actor=actor, at=place.clock(), payload={"words": words})


def note_read(place: Workplace, actor: str, found: Flag) -> None:
    """Leave a trace of a post that was read."""
    with place.ledger.write() as db:
        audit.note(db, "read", office=found.post.office, actor=actor, at=place.clock(), flag_id=found.id)
