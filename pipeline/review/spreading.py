"""A text that spreads fast and that no fact-checker wrote about: how far it went, and the request for a fact-check.

The copies are counted in derived/, since most of them are no flags. Accounts are told apart there and nowhere else: out
of here come counts, and those under five as "< 5".
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipeline.core.clock import partition_of, partition_start
from pipeline.core.config import SAMPLE
from pipeline.core.errors import ConfigError, Conflict
from pipeline.core.i18n import _, language
from pipeline.core.types import Flag
from pipeline.landing.derived import derived_file, derived_partitions
from pipeline.landing.growth import account_of
from pipeline.ledger.items import Item
from pipeline.report.sheets import Sheet, to_csv
from pipeline.report.words import FEW, few
from pipeline.review.desk import flag_here, item_here
from pipeline.review.guard import Visit, page
from pipeline.review.templating import written_time
from pipeline.review.views import source_of, visible
from pipeline.summary import region_name
from pipeline.text import mask
from pipeline.workplace import Workplace

_COLUMNS = ["cluster", "fetched_at", "author_key", "kind", "platform", "regions"]
_FORMS = {"txt": "text/plain; charset=utf-8", "csv": "text/csv; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Growth:
    """How far a text went around the hour in which it was flagged; counts of accounts and by region may be "< 5".

    `copies` is 0 where derived/ no longer has them.
    """

    copies: int
    hours: int
    accounts: str
    first_seen: datetime
    provinces: tuple[tuple[str, str], ...]
    channels: tuple[tuple[str, int], ...]


def growth_of(place: Workplace, item: Item, flag: Flag) -> Growth:
    """The copies of a flag's cluster in the hours before and after it."""
    rows = _copies(place, flag.cluster or flag.id, item.partition)
    moments = [row["fetched_at"] for row in rows] or [item.seen_at]
    accounts = {account for row in rows if (account := account_of(row["author_key"]))}
    provinces: Counter[str] = Counter()
    for row in rows:
        provinces.update({region["code"][:2] for region in row["regions"] or () if region["how"] == "mention"})
    channels = Counter(source_of(row["kind"], row["platform"]) for row in rows)
    ordered = sorted(provinces.items(), key=lambda pair: (-pair[1] if pair[1] >= FEW else 0, pair[0]))
    span = max(moments) - min(moments)
    return Growth(
        copies=len(rows),
        hours=max(1, -(-span // timedelta(hours=1))),
        accounts=few(len(accounts)) if rows else _("unknown"),
        first_seen=min(moments),
        provinces=tuple((region_name(place, code), few(count)) for code, count in ordered),
        channels=tuple(channels.most_common()) or ((source_of(item.kind, item.platform), 1),),
    )


def copies_words(growth: Growth) -> str:
    """How many copies came in how many hours."""
    if not growth.copies:
        return _("the copies are no longer kept")
    return _("{copies} within {hours} hours").format(copies=growth.copies, hours=growth.hours)


def _copies(place: Workplace, cluster: str, partition: str) -> list[dict[str, Any]]:
    zone, hours = place.settings.office.zone, place.settings.claims.spread_hours
    began = partition_start(partition, zone)
    first, last = (partition_of(began + timedelta(hours=number), zone) for number in (-hours, hours))
    found: list[dict[str, Any]] = []
    for each in derived_partitions(place.home.derived, first):
        path = derived_file(place.home.derived, each) if each <= last else None
        try:
            table = pq.read_table(path, columns=_COLUMNS, filters=[("cluster", "=", cluster)]) if path else None
        except (OSError, pa.ArrowException):
            continue  # a damaged hour is told by doctor
        found += table.to_pylist() if table is not None else []
    return found


# ---- the request


@page("/butir/{key}/cek-fakta", "export")
def request_check(visit: Visit) -> Response:
    """What a fact-checker needs to begin, as a file: the text with handles masked, no account, no address."""
    item = item_here(visit)
    form = visit.request.query_params.get("bentuk", "txt")
    if form not in _FORMS:
        raise ConfigError(_('there is no file format "{name}"; use txt or csv').format(name=form[:40]))
    flag, _away = flag_here(visit, item)
    if flag is None:
        raise Conflict(_("the text of this item is gone; there is nothing to send"))
    if "spread" not in flag.why:
        raise HTTPException(404)
    with language(visit.place.settings.office.language):
        lines = _lines(visit.place, item, flag)
        body = _text(lines) if form == "txt" else _csv(lines)
    visit.audit("export", office=item.office, flag_id=item.flag_id, details={"what": "fact_check", "form": form})
    name = f"cek-fakta-{item.key[:8]}.{form}"
    return Response(
        body, headers={"Content-Type": _FORMS[form], "Content-Disposition": f'attachment; filename="{name}"'}
    )


def _lines(place: Workplace, item: Item, flag: Flag) -> list[tuple[str, str]]:
    """(what, its value), in the order in which it is written."""
    growth, office = growth_of(place, item, flag), place.settings.office
    text = "\n".join(filter(None, (flag.post.title, flag.post.text)))
    rows = [(SAMPLE, "")] if office.is_sample else []
    return [
        *rows,
        (_("Office"), office.name),
        (_("Item"), item.key[:8]),
        (_("First seen"), written_time(growth.first_seen, office.zone)),
        (_("Copies"), copies_words(growth)),
        (_("Accounts"), growth.accounts),
        (_("Regions named"), "; ".join(f"{name} {count}" for name, count in growth.provinces) or _("unknown")),
        (_("Channels"), "; ".join(f"{name} {count}" for name, count in growth.channels)),
        (_("Fact-check status"), _("no fact-check yet")),
        (_("Text"), mask(visible(text))),
    ]


def _text(lines: list[tuple[str, str]]) -> bytes:
    *facts, (name, text) = lines
    head = "\n".join(f"{what}: {value}" if value else what for what, value in facts)
    title = _("REQUEST FOR A FACT-CHECK")
    note = _("Counted by the machine, not yet reviewed. Accounts and addresses are left out on purpose.")
    return f"{title}\n\n{head}\n\n{name}:\n{text}\n\n{note}\n".encode("utf-8", "replace")


def _csv(lines: list[tuple[str, str]]) -> bytes:
    columns = tuple(what for what, _value in lines)
    return to_csv(Sheet(_("Request for a fact-check"), columns, (tuple(value for _what, value in lines),)))
