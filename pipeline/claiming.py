"""Claims from the fact-checkers to the posts.

fetch      claim sources -> claims/landing, as it was given, so that it can be read again
read       landed items -> reviews -> one id a claim -> the ledger
           (and from there to the claims index: `claim_index`)
look_back  what changed -> the posts of the last 90 days that carry it

Each goes on from where it was stopped: a part is read until its name is noted, the index knows how far it has come, and
so does the look back.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from pipeline.claim_index import catch_up, documents_of
from pipeline.classify.policy import decide
from pipeline.core.batches import batched
from pipeline.core.claims import ClaimReview
from pipeline.core.clock import partition_of
from pipeline.core.errors import Failed, ItemError, KentonganError
from pipeline.core.files import remove_leftovers, written_aside
from pipeline.core.types import BLIND, ClaimMatch, Flag, Quarantined, RawItem
from pipeline.enrich.claims import Document
from pipeline.enrich.regions import only_other_offices
from pipeline.landing.derived import change_rows, derived_file, derived_partitions, read_derived, to_be_indexed
from pipeline.landing.quarantine import Quarantine, quarantine
from pipeline.landing.raw import partitions, parts, read_header, read_part, write_part
from pipeline.ledger import claims
from pipeline.ledger.claims import Placed
from pipeline.matching import claims_of, with_claims
from pipeline.text import normalise

if TYPE_CHECKING:
    from pipeline.core.config import ClaimSourceSettings
    from pipeline.enrich.claims import ClaimMatcher
    from pipeline.sources.claims.registry import ClaimSource
    from pipeline.workplace import Workplace

_log = structlog.get_logger()
_PART_ITEMS = 1_000
_REVIEWS = 500  # placed at a time: what comes later is compared with them through the index
_LEAST_WORDS = 3  # a claim of fewer words ("Foto", "Hoaks vaksin") is the same as no other
_ROWS = 1_000  # derived posts looked back at together
_ALIKE = 5  # claims that are compared with a new one
_FEW = 2_000  # changed claims that get an index of their own for the look back; more are sought in the whole one


@dataclass
class Synced:
    """What a sync did: counts of each stage, sources that failed, notes for people, and the partitions that it changed.

    `fetched` counts items, `read` reviews and items that are none, `back` posts; each stands in one count.
    """

    fetched: Counter[str] = field(default_factory=Counter)
    read: Counter[str] = field(default_factory=Counter)
    back: Counter[str] = field(default_factory=Counter)
    failed: list[Failed] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    partitions: list[str] = field(default_factory=list)


# ---- from the world to landing


def fetch(
    place: Workplace,
    sources: Mapping[str, ClaimSourceSettings],
    partition: str,
    done: Synced,
    *,
    since: datetime | None = None,
    dry_run: bool = False,
) -> None:
    """Land what each source has new; one that fails does not stop the others, and is remembered for the doctor."""
    noted = place.home.claims / "failing.json"
    failing = {name: says for name, says in _state(noted, {}).items() if name not in sources}
    for name, settings in sources.items():
        try:
            source = place.claim_source(name, settings)
            landed_with = settings.model_dump(mode="json", exclude={"url", "path"})
            with quarantine(place.home.quarantine, partition, "claims", name=name, dry_run=dry_run) as bad:
                _land(place, source, landed_with, partition, since, dry_run, bad, done)
        except KentonganError as error:
            done.failed.append(Failed(name, error))
            failing[name] = str(error)
            _log.info("claim_source_failed", source=name, error=type(error).__name__)
    if not dry_run and failing != _state(noted, {}):
        _note(noted, failing)


def failing_sources(place: Workplace) -> dict[str, str]:
    """The claim sources of the config that gave nothing at the last sync, with what they said."""
    failing: dict[str, str] = _state(place.home.claims / "failing.json", {})
    return {name: says for name, says in failing.items() if name in place.settings.claim_sources}


def _land(
    place: Workplace,
    source: ClaimSource,
    landed_with: dict[str, Any],
    partition: str,
    since: datetime | None,
    dry_run: bool,
    bad: Quarantine,
    done: Synced,
) -> None:
    for batch in batched(source.fetch(since), _PART_ITEMS):
        raws = [item for item in batch if isinstance(item, RawItem)]
        for item in batch:
            if isinstance(item, Quarantined):
                bad.add(item)
        if raws:
            new = dry_run or write_part(place.home.claims / "landing", partition, raws, landed_with)
            done.fetched["landed" if new else "again"] += len(raws)
    done.fetched["quarantined"] += bad.count
    done.notes += [f"{source.name}, {item.place}: {item.reason}" for item in bad.shown]
    done.notes += [f"{source.name}: {note}" for note in source.notes]
    if not dry_run:
        source.commit()


# ---- from landing to the ledger


def read(place: Workplace, done: Synced, *, again: bool = False) -> None:
    """Read the landed parts that were not read yet, or all of them `again` (after a parser was mended)."""
    landing, noted = place.home.claims / "landing", place.home.claims / "read.json"
    remove_leftovers(landing)
    known = set() if again else set(_state(noted, []))
    names: list[str] = []
    sources: dict[str, ClaimSource] = {}
    for partition in partitions(landing):
        for path in parts(landing, partition):
            name = "/".join(path.parts[-4:])
            if name not in known:
                _read_part(place, path, partition, sources, done)
            names.append(name)
    _note(noted, names)


def _read_part(place: Workplace, path: Path, partition: str, sources: dict[str, ClaimSource], done: Synced) -> None:
    with quarantine(place.home.quarantine, partition, "claims-read", name=path.name[:24]) as bad:
        for batch in batched(_reviews(place, path, sources, bad), _REVIEWS):
            stored = store_reviews(place, batch)
            done.read.update(new=stored.new, updated=stored.changed, unchanged=stored.unchanged)
    done.read["quarantined"] += bad.count
    done.notes += [f"{item.source}, {item.place}: {item.reason}" for item in bad.shown]


def _reviews(place: Workplace, path: Path, sources: dict[str, ClaimSource], bad: Quarantine) -> Iterator[ClaimReview]:
    """The reviews of a part; what is none stands in quarantine, what is damaged ends the part."""
    header = read_header(path)
    source_name = str(header.get("source", path.parts[-4]))
    try:
        for raw in read_part(path):
            try:
                if raw.source not in sources:
                    sources[raw.source] = place.claim_source_landed(raw.source, header.get("settings") or {})
                yield from sources[raw.source].parse(raw)
            except ItemError as error:
                bad.add(Quarantined("claims", raw.source, raw.place, str(error), raw.fetched_at))
    except ItemError as error:
        bad.add(Quarantined("claims", source_name, path.name, str(error), place.clock()))


def store_reviews(place: Workplace, reviews: Sequence[ClaimReview]) -> claims.Stored:
    """Give each review its claim and keep both: one claim has one id however many checkers wrote about it."""
    latest = {review.key: review for review in reviews}
    placed = _placed(place, list(latest.values()))
    with place.ledger.write() as db:
        stored = claims.put(db, placed)
    catch_up(place)
    return stored


def _placed(place: Workplace, reviews: Sequence[ClaimReview]) -> list[Placed]:
    """A review belongs to the claim it always belonged to, else to one of the same words, else to one alike."""
    words = {review.key: _words_of(review.claim) for review in reviews}
    with place.ledger.read() as db:
        known = claims.known(db, words)
        same = claims.with_words(db, [each for each in words.values() if each])
    new = [review for review in reviews if review.key not in known and words[review.key] not in same]
    alike = _Alike(place, new)
    placed = []
    for review in reviews:
        own = words[review.key]
        claim_id = known.get(review.key) or (same.get(own) if own else "") or (alike.claim_of(review) if own else "")
        claim_id = claim_id or claims.id_of(review.key)
        if own:
            same.setdefault(own, claim_id)
        alike.settle(review, claim_id)
        placed.append(Placed(claim_id, review, own))
    return placed


class _Alike:
    """Finds the claim that a review's claim restates, among those indexed and those of the same batch."""

    def __init__(self, place: Workplace, batch: Sequence[ClaimReview]) -> None:
        self._claims: dict[str, str] = {}
        documents = [Document(review.key, review.claim, None, "unrated") for review in batch]
        self._here = place.matcher_on(place.claim_index_of(documents)) if len(batch) > 1 else None
        self._known = place.matcher

    def settle(self, review: ClaimReview, claim_id: str) -> None:
        """Remember where a review of the batch went."""
        self._claims[review.key] = claim_id

    def claim_of(self, review: ClaimReview) -> str:
        """The id of the claim, or empty."""
        known = _alike_in(self._known, review.claim)
        if known:
            return known[0]
        return next((self._claims[key] for key in _alike_in(self._here, review.claim) if key in self._claims), "")


def _alike_in(matcher: ClaimMatcher | None, text: str) -> list[str]:
    """The claims of an index that say the same, best first."""
    if matcher is None:
        return []
    found = [matcher.index.document(each.number) for each in matcher.index.search([normalise(text)], _ALIKE)[0]]
    return list(dict.fromkeys(document.claim for document in found if matcher.alike(text, document.text)))


def _words_of(text: str) -> str:
    tokens = normalise(text).tokens
    return sha256(" ".join(tokens).encode()).hexdigest() if len(tokens) >= _LEAST_WORDS else ""


# ---- back to the posts


def look_back(place: Workplace, now: datetime, done: Synced, progress: Callable[[int], None]) -> None:
    """Seek what changed since the last look back in the posts of the last `back_days`, and flag what carries it.

    A debunk that was taken back, or is disputed by now, is let go of in the same way; `sample`, `teach`
    and `spread` stay. Raises Conflict while another run flags; the next look back then begins with the same claims.
    """
    noted = place.home.claims / "back.json"
    last = int(_state(noted, {"rev": 0}).get("rev", 0))
    with place.ledger.read() as db:
        newest = claims.newest_rev(db)
        changed = list(claims.since(db, last)) if newest > last else []
    if changed:
        ids = {claim.id for claim in changed}
        index = place.claim_index_of(documents_of(changed)) if len(changed) <= _FEW else place.claim_index
        matcher = place.matcher_on(index) if len(index) else None
        since = partition_of(now - timedelta(days=place.settings.claims.back_days), place.settings.office.zone)
        with place.home.lock("flag"):  # a flag run that began with the index of before would be passed over
            flagged = derived_partitions(place.home.derived, since)
        for partition in flagged:
            before = done.back.total()
            with place.home.lock("flag"):
                if _look_back_at(place, partition, matcher, ids, done):
                    done.partitions.append(partition)
            progress(done.back.total() - before)
    _note(noted, {"rev": newest})


def _look_back_at(place: Workplace, partition: str, matcher: ClaimMatcher | None, ids: set[str], done: Synced) -> bool:
    path = derived_file(place.home.derived, partition)
    if path is None:
        return False
    changed: dict[int, Flag] = {}
    try:
        first = 0
        for flags in batched(read_derived(path), _ROWS):
            found = claims_of(matcher, [flag.post for flag in flags])
            for row, (flag, own) in enumerate(zip(flags, found, strict=True), first):
                renewed = _renewed(place, flag, _merged(flag.claims, own, ids))
                done.back[_outcome(flag, renewed)] += 1
                if renewed is not None:
                    changed[row] = renewed
            first += len(flags)
    except ItemError as error:
        done.notes.append(str(error))
        return False
    if changed:
        with to_be_indexed(place.home.derived, partition, dry_run=False):
            change_rows(path, changed)
    return bool(changed)


def _outcome(flag: Flag, renewed: Flag | None) -> str:
    if renewed is None:
        return "unchanged"
    before, now = "claim" in flag.why, "claim" in renewed.why
    return "updated" if before == now else "raised" if now else "let_go"


def _merged(before: tuple[ClaimMatch, ...], found: tuple[ClaimMatch, ...], ids: set[str]) -> tuple[ClaimMatch, ...]:
    """What was found of the changed claims beside what is known of the others."""
    kept = [match for match in before if match.id not in ids]
    return tuple(sorted((*kept, *(match for match in found if match.id in ids)), key=lambda match: -match.score))


def _renewed(place: Workplace, flag: Flag, carried: tuple[ClaimMatch, ...]) -> Flag | None:
    """The flag with other claims, decided anew; None if nothing changed."""
    if carried == flag.claims:
        return None
    matcher = place.matcher
    outside = only_other_offices(flag.regions, place.settings.office.code)
    renewed = decide(with_claims(flag, carried, matcher), place.policy, out_of_area=outside)
    if "claim" not in renewed.why:
        kept = [why for why in flag.why if why == "spread" or (why in BLIND and not renewed.why)]
        renewed = replace(renewed, why=(*renewed.why, *kept))
    keep, post = place.settings.retention, renewed.post
    if renewed.why and post.expires_at == post.fetched_at + timedelta(days=keep.unflagged):  # no limit of its source
        longer = post.fetched_at + timedelta(days=max(keep.unreviewed, keep.unflagged))
        renewed = replace(renewed, post=replace(post, expires_at=longer))
    mark = f"{flag.fingerprint}\0{matcher.digest if matcher else ''}"
    return replace(renewed, fingerprint=sha256(mark.encode()).hexdigest()[:16])


# ---- small things


def _state(path: Path, otherwise: Any) -> Any:
    """What a file of ours says; losing it costs one more reading."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return otherwise
    return found if isinstance(found, type(otherwise)) else otherwise


def _note(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with written_aside(path) as aside:
        aside.write_text(json.dumps(value), encoding="utf-8")
