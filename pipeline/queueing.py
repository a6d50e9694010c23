"""From flags to the reviewers' queue in the ledger, and from the ledger's statuses back into the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING

from pipeline.classify.priority import base_priority
from pipeline.core.decisions import SPREAD
from pipeline.core.types import BLIND, SHOWN_LABELS, Flag, Quarantined, Refused, Status
from pipeline.landing.quarantine import Quarantine
from pipeline.landing.raw import parts
from pipeline.ledger import erasure, items
from pipeline.ledger.items import NewItem
from pipeline.ledger.mirror import mirrored, unmirrored
from pipeline.ledger.verdicts import standing
from pipeline.parsing import Parsers

if TYPE_CHECKING:
    from pipeline.classify.policy import Policy
    from pipeline.workplace import Workplace


def enqueue(place: Workplace, flags: Sequence[Flag], addresses: Mapping[str, str]) -> int:
    """Put flags into the queue, or bring them up to date there; returns how many are new."""
    if not flags:
        return 0
    with place.ledger.write() as db:
        return items.put(db, [_item(flag, addresses, place.policy) for flag in flags])


def without_refused(flags: Sequence[Flag], refused: Iterable[Refused], bad: Quarantine, now: datetime) -> list[Flag]:
    """Quarantine what the index refused for what it is, with its reason; returns the flags that it took."""
    reasons = {each.flag_id: each.reason for each in refused}
    for flag in flags:
        if flag.id in reasons:
            bad.add(Quarantined("index", flag.post.source, flag.id, reasons[flag.id], now))
    return [flag for flag in flags if flag.id not in reasons]


def dequeue(place: Workplace, flag_ids: Iterable[str]) -> int:
    """Take out what no rule flags any more, unless a person took it up; returns how many."""
    with place.ledger.write() as db:
        return erasure.withdraw(db, flag_ids)


def original_addresses(place: Workplace, partition: str, wanted: Set[str]) -> dict[str, str]:
    """Post id -> address, for those posts of a partition that have one, read again from landing.

    The index and derived/ never hold the address of a social post: the ledger keeps that of a flag, for "Buka sumber".
    """
    found: dict[str, str] = {}
    parsers = Parsers(place)
    for part in parts(place.home.landing, partition) if wanted else ():
        for raw, post in parsers.posts(part):
            address = raw.payload.get("url") or raw.payload.get("link")
            if post is not None and address and post.id in wanted:
                found[post.id] = str(address)
    return found


def mirror(place: Workplace) -> int:
    """Bring the statuses that the index does not know yet into it; returns how many it was told.

    Raises StoreUnavailable if the index is away: nothing is lost then, the next call tells it.
    """
    told = 0
    while True:
        with place.ledger.write() as db:
            waiting = unmirrored(db, place.clock())
            statuses: dict[str, Status] = {flag_id: status for _key, flag_id, status, _rev in waiting}
            decided = standing(db, statuses)
        if not waiting:
            return told
        place.store.mirror(statuses, decided)
        with place.ledger.write() as db:
            mirrored(db, waiting)
        told += len(waiting)


def _item(flag: Flag, addresses: Mapping[str, str], policy: Policy) -> NewItem:
    post, blind = flag.post, not BLIND.isdisjoint(flag.why)
    cluster = flag.cluster or flag.id
    address = None if blind else post.url or addresses.get(post.id)
    return NewItem(
        flag_id=post.id,
        office=post.office,
        partition=post.partition,
        source=post.source,
        kind=post.kind,
        platform=post.platform,
        published_at=post.published_at,
        seen_at=post.fetched_at,
        cluster=cluster,
        account=_within(cluster, post.author_key),
        base=base_priority(flag, policy),
        sample=blind,
        teach="teach" in flag.why,
        address=address,
        tags=frozenset(_tags(flag)),
    )


def _tags(flag: Flag) -> Iterable[tuple[str, str]]:
    for signal in flag.signals:
        if signal.over and signal.label in SHOWN_LABELS:
            yield "label", signal.label
    for topic in flag.topics:
        yield "topic", topic.code
    for match in flag.claims:
        if match.level == "match":
            yield "claim", match.id
    if SPREAD in flag.why:
        yield "fact_check", "missing"
    for region in flag.regions:
        if region.how == "mention":
            yield "region", region.code
            yield "province", region.code[:2]


def _within(cluster: str, author_key: str | None) -> str:
    """Tells the accounts of one cluster apart; the same account has another value in the next cluster."""
    if not author_key:
        return ""
    return blake2b(f"{cluster}\0{author_key}".encode("utf-8", "replace"), digest_size=8).hexdigest()
