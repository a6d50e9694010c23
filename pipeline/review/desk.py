"""What the pages of the queue and of one flag share: finding an item and its flag, telling the index."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException

from pipeline import looking, queueing
from pipeline.core.decisions import CLOSED
from pipeline.core.errors import StoreUnavailable
from pipeline.core.types import Flag
from pipeline.ledger import items
from pipeline.ledger.items import Item
from pipeline.review.guard import Visit
from pipeline.workplace import Workplace


def item_here(visit: Visit) -> Item:
    """The item of the address, if it is of an office in which this page is allowed; else there is none."""
    with visit.place.ledger.read() as db:
        found = items.get(db, str(visit.request.path_params["key"]), visit.offices, visit.now)
    if found is None:
        raise HTTPException(404)
    return found


def flag_here(visit: Visit, item: Item) -> tuple[Flag | None, bool]:
    """The flag, from the index or else from derived/; and whether the index is away."""
    if item.status in CLOSED:
        return None, False  # derived/ may still have what is past its time
    away = False
    try:
        flag = visit.place.store.get(item.flag_id)
    except StoreUnavailable:
        flag, away = None, True
    if flag is None:
        flag = looking.find_in(visit.place, item.partition, item.flag_id)
    return (flag if flag is not None and (flag.post.text or flag.post.title) else None), away


def flags_of(place: Workplace, wanted: Sequence[Item]) -> tuple[dict[str, Flag], bool]:
    """The flags of some items from the index, and whether it is away."""
    try:
        return place.store.get_many(item.flag_id for item in wanted), False
    except StoreUnavailable:
        return {}, True


def told(visit: Visit) -> bool:
    """Tell the index the new statuses; False if it is away (it is told later, nothing is lost)."""
    try:
        queueing.mirror(visit.place)
    except StoreUnavailable:
        return False
    return True
