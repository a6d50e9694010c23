"""Erasing one post everywhere, and showing that nothing of what was erased is left (DESIGN, section 3).

The do-not-take-again list comes first: a kill between two places leaves something that `privacy verify` finds and that
erasing again removes, never something that comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.core.identity import subject_of
from pipeline.core.types import Flag, Hit, Query
from pipeline.landing import near
from pipeline.landing.derived import derived_file, derived_partitions, read_derived, rewrite_derived
from pipeline.landing.near import identity_of
from pipeline.landing.raw import rewrite_part
from pipeline.ledger import erasure
from pipeline.parsing import Parsers
from pipeline.queueing import enqueue

if TYPE_CHECKING:
    from pipeline.workplace import Workplace

_PAGE = 500
_SIGNATURES = "signatures.parquet"


@dataclass(frozen=True, slots=True)
class Left:
    """Where something of an erased post still lies."""

    where: str
    what: str


def erase(place: Workplace, flag_id: str, *, actor: str, reason: str) -> dict[str, int]:
    """Erase a post everywhere; returns how many raw items, derived rows, index documents and payloads went."""
    home, office = place.home, place.settings.office.code
    counts: dict[str, int] = {}
    with ExitStack() as locks:
        for folder in sorted(path for path in home.landing.glob("*") if path.is_dir()):
            locks.enter_context(home.lock(f"ingest-{folder.name}"))
        locks.enter_context(home.lock("flag"))
        locks.enter_context(home.lock("index"))
        with place.ledger.write() as db:
            counts["payloads"] = erasure.erase(db, flag_id, office=office, actor=actor, at=place.clock(), reason=reason)
        heir, identities = _rename_copies(place, flag_id)
        counts["index"] = place.store.erase([flag_id])
        counts["derived"] = _erase_derived(place, flag_id, heir, identities)
        counts["raw"] = _erase_raw(place, flag_id)  # last: only from here is it known again after a kill
        place.ledger.shed()
    return counts


def _rename_copies(place: Workplace, flag_id: str) -> tuple[str, set[int]]:
    """Call the copies that were named after it after their next earliest, in queue and index.

    Returns that one's id and the identities of all versions of the post.
    """
    identities = set(_raw_identities(place, flag_id))
    copies: list[Flag] = []
    for _partition, path in _derived(place):
        for flag in read_derived(path):
            if flag.id == flag_id:
                identities.add(identity_of(flag.post))
            elif flag.cluster == flag_id:
                copies.append(flag)
    named = [hit.flag for hit in _hits(place, Query(fields=(("cluster", flag_id),))) if hit.flag.id != flag_id]
    named.sort(key=lambda flag: (flag.post.fetched_at, flag.id))
    heir = next((flag.id for flag in (*copies, *named)), "")
    known = {flag.id for flag in named}
    # The queue first: it needs what derived/ alone knows, and the index says after a kill whom it is about.
    enqueue(place, [replace(flag, cluster=heir) for flag in copies if flag.why and flag.id in known], {})
    place.store.put([replace(flag, cluster=heir) for flag in named])
    return heir, identities


def _erase_derived(place: Workplace, flag_id: str, heir: str, identities: set[int]) -> int:
    """Take its rows out of derived/ and rename its copies there; returns how many rows went.

    The latest partition goes first: after a kill the earliest copy still bears the old name, and is the heir again.
    """
    count = 0
    for _partition, path in reversed(_derived(place)):
        near.rewrite_signatures(path.with_name(_SIGNATURES), identities, flag_id, heir)
        count += rewrite_derived(path, flag_id, heir)
    return count


def _raw_identities(place: Workplace, flag_id: str) -> Iterator[int]:
    """The identities of all its versions that landed."""
    parsers = Parsers(place)
    for part in _parts(place):
        for _raw, post in parsers.posts(part):
            if post is not None and post.id == flag_id:
                yield identity_of(post)


def _erase_raw(place: Workplace, flag_id: str) -> int:
    """Take the post's raw items out of landing; returns how many."""
    parsers, count = Parsers(place), 0
    for part in _parts(place):
        found = list(parsers.posts(part))
        kept = [raw for raw, post in found if post is None or post.id != flag_id]
        if len(kept) < len(found):  # an empty part stays: its partition's derived posts name it, and are made again
            rewrite_part(part, kept, keep_empty=True)
        count += len(found) - len(kept)
    return count


def left_behind(place: Workplace, flag_id: str = "") -> Iterator[Left]:
    """Yield what is left of erased posts (or of one post): there should be nothing."""
    with place.ledger.read() as db:
        keys = frozenset({subject_of(flag_id)}) if flag_id else erasure.erased_keys(db)
        for key in erasure.left_of(db, keys):
            yield Left("ledger", key)
    if not keys:
        return
    parsers = Parsers(place)
    for part in _parts(place):
        for raw, post in parsers.posts(part):
            if post is not None and subject_of(post.id) in keys:
                yield Left(str(part.relative_to(place.home.root)), raw.place)
    for partition, path in _derived(place):
        for flag in read_derived(path):
            for found in _of(flag, keys):
                yield Left(f"derived/{partition}", found)
        signatures = near.read_signatures(path.with_name(_SIGNATURES))
        for name in sorted({str(name) for name in signatures.cluster} if signatures else ()):
            if subject_of(name) in keys:
                yield Left(f"derived/{partition}/{_SIGNATURES}", name)
    for hit in _hits(place, Query()):
        for found in _of(hit.flag, keys):
            yield Left("index", found)


def _hits(place: Workplace, query: Query) -> Iterator[Hit]:
    """All hits of a query, page after page."""
    after = None
    while True:
        page = place.store.search(query, limit=_PAGE, after=after, order="newest")
        yield from page.hits
        if page.next is None:
            return
        after = page.next


def _of(flag: Flag, keys: frozenset[str]) -> Iterator[str]:
    """The post itself, or a copy that still bears its name."""
    if subject_of(flag.id) in keys:
        yield flag.id
    elif flag.cluster and subject_of(flag.cluster) in keys:
        yield flag.cluster


def _parts(place: Workplace) -> list[Path]:
    return sorted(place.home.landing.glob("*/*/*/part-*.jsonl.gz"))


def _derived(place: Workplace) -> list[tuple[str, Path]]:
    """(partition, file) of all derived posts, in order."""
    partitions = derived_partitions(place.home.derived)
    return [(name, path) for name in partitions if (path := derived_file(place.home.derived, name)) is not None]
