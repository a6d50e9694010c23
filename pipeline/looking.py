"""What people ask of the data, one function a question, and the trace that their looking leaves in the audit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pipeline.core.claims import Claim
from pipeline.core.decisions import Verdict
from pipeline.core.errors import ItemError
from pipeline.core.i18n import _
from pipeline.core.types import Flag, Query
from pipeline.landing.derived import derived_file, derived_partitions, read_derived, read_texts
from pipeline.ledger import audit, claims
from pipeline.store import query as store_query
from pipeline.workplace import Workplace

INDICATIONS = ("label", "claim", "fact_check")
"""The fields that tell what the machine thinks of a post."""

_EXPORTED = 100_000  # claims that an office's posts carry


@dataclass(frozen=True, slots=True)
class Likest:
    """A claim that resembles a text: how much, whether that is enough (`level`), and the words that say so.

    Only a debunked claim has another level than `none`.
    `shared` are words of the text that the claim has too, `differing` those of either that the other lacks and that
    make another statement of it.
    """

    id: str
    text: str
    level: str
    standing: str
    score: float
    shared: tuple[str, ...]
    differing: tuple[str, ...]


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


def hides(place: Workplace, actor: str, history: Sequence[Verdict]) -> bool:
    """Whether what the machine thinks of a post is kept from this person: until his own first decision on it."""
    return place.settings.review.hide_signals and not any(verdict.reviewer == actor for verdict in history)


def openly(query: Query, *, hide: bool) -> tuple[Query, tuple[str, ...]]:
    """The query without the fields that a reviewer may not ask for (the answer would tell them), and what to say of it.

    Never `why`: it would tell what was sampled from what was flagged. With `hide` no indication either.
    """
    closed = {"why", *(INDICATIONS if hide else ())}
    named = {field for field, _value in (*query.fields, *query.without_fields)}
    notes = []
    if "why" in named:
        notes.append(_("Why a post came into the queue cannot be searched; that part was left out."))
    if set(INDICATIONS) & named & closed:
        notes.append(_("Indications are hidden until somebody has decided; that part was left out."))
    fields = tuple(pair for pair in query.fields if pair[0] not in closed)
    without = tuple(pair for pair in query.without_fields if pair[0] not in closed)
    return replace(query, fields=fields, without_fields=without), tuple(notes)


def note_search(place: Workplace, actor: str, offices: Sequence[str], words: str) -> None:
    """Leave a trace of a search; the words may name a person and stand in the erasable payload."""
    with place.ledger.write() as db:
        for office in offices:
            audit.note(db, "search", office=office, actor=actor, at=place.clock(), payload={"words": words})


def note_read(place: Workplace, actor: str, found: Flag) -> None:
    """Leave a trace of a post that was read."""
    with place.ledger.write() as db:
        audit.note(db, "read", office=found.post.office, actor=actor, at=place.clock(), flag_id=found.id)


def likest_claims(place: Workplace, text: str, limit: int) -> list[Likest]:
    """The claims that a text resembles most, best first; none while no claim is known. Nothing is stored."""
    matcher = place.matcher
    if matcher is None:
        return []
    likest = []
    for found in matcher.likest(text, limit):
        document = matcher.index.document(found.number)
        told = matcher.explain(text, document.text)
        differing = (*_words(text, told.text_differs), *_words(document.text, told.claim_differs))
        likest.append(
            Likest(
                found.claim,
                document.text,
                found.level if document.standing == "debunked" else "none",
                document.standing,
                found.score,
                _words(text, told.text_shared),
                tuple(dict.fromkeys(differing)),
            )
        )
    return likest


def _words(text: str, spans: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(" ".join(text[start:end].split()) for start, end in spans))


def count_claims(place: Workplace) -> int:
    """How many claims are known."""
    with place.ledger.read() as db:
        return sum(claims.standings(db).values())


def carried_claims(place: Workplace, offices: Sequence[str], limit: int) -> list[claims.Listed]:
    """The claims that most flags of these offices carry."""
    with place.ledger.read() as db:
        return claims.listed(db, offices, carried=True, limit=limit)


def exported_claims(place: Workplace, actor: str, offices: Sequence[str], *, carried: bool) -> list[Claim]:
    """All claims, or those that flags of these offices carry, for a file; leaves a trace in the audit."""
    with place.ledger.read() as db:
        if carried:
            listed = claims.listed(db, offices, carried=True, limit=_EXPORTED)
            known = claims.get_many(db, [each.id for each in listed])
            found = [known[each.id] for each in listed]
        else:
            found = list(claims.since(db))
    with place.ledger.write() as db:
        for office in offices:
            details = {"what": "claims", "rows": len(found)}
            audit.note(db, "export", office=office, actor=actor, at=place.clock(), details=details)
    return found
