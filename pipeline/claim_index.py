"""The claims index, kept up to what the ledger says: only what changed, or all of it again if it is lost or damaged."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import structlog

from pipeline.core.batches import batched
from pipeline.core.claims import Claim
from pipeline.core.clock import days_of
from pipeline.core.errors import Conflict, ItemError
from pipeline.enrich.claims import Document
from pipeline.ledger import claims

if TYPE_CHECKING:
    from pipeline.enrich.claims import ClaimIndex
    from pipeline.workplace import Workplace

_log = structlog.get_logger()
_CLAIMS = 500  # brought into the index at a time
_WORDING = 2_000  # characters of one wording that are indexed


def catch_up(place: Workplace) -> int:
    """Bring the claims index up to what the ledger says; returns how many claims changed in it."""
    index, changed = _open_index(place), 0
    with place.ledger.read() as db:
        if index.rev > claims.newest_rev(db):  # the ledger was put back from a backup
            index = _new_index(place)
        for batch in batched(claims.since(db, index.rev), _CLAIMS):
            index.remove(claim.id for claim in batch)
            index.add(documents_of(batch), rev=batch[-1].rev)  # a kill before this: the same claims come again
            changed += len(batch)
    if changed:
        place.claims_changed()
    return changed


def ensure_index(place: Workplace) -> None:
    """Before posts are matched: what another process brought into the index is seen, what was lost is made again.

    While a sync is at work the index may lag: its look back comes after.
    """
    with place.ledger.read() as db:
        newest = claims.newest_rev(db)
    if (not newest and not place.claim_index_folder.is_dir()) or _open_index(place).rev == newest:
        return
    place.forget_claims()
    try:
        with place.home.lock("claims"):
            catch_up(place)
    except Conflict:
        _log.info("claims_index_behind", rev=_open_index(place).rev, newest=newest)


def documents_of(found: Iterable[Claim]) -> Iterator[Document]:
    """What posts are compared with: each wording of each claim that somebody still stands by."""
    for claim in found:
        if claim.standing != "withdrawn":
            for wording in claim.wordings:
                yield Document(claim.id, wording[:_WORDING], days_of(claim.first_at), claim.standing)


def _open_index(place: Workplace) -> ClaimIndex:
    try:
        return place.claim_index
    except ItemError as error:
        _log.warning("claims_index_made_again", reason=str(error))
        return _new_index(place)


def _new_index(place: Workplace) -> ClaimIndex:
    place.forget_claims()
    shutil.rmtree(place.claim_index_folder, ignore_errors=True)
    return place.claim_index
