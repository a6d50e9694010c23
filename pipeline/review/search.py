"""Cari: words, dates and facets over the posts of one's own offices, what is found as a file, saved searches."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from pipeline import looking
from pipeline.core.config import SAMPLE
from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.core.names import status_name
from pipeline.core.types import Hit, Query
from pipeline.ledger import items, people
from pipeline.report.sheets import Sheet, to_csv, to_xlsx
from pipeline.review.asking import Asked, Facet, conditions, facets, link, read_asked, typed_whole
from pipeline.review.downloads import XLSX
from pipeline.review.guard import Visit, page
from pipeline.review.views import Row, row_of

SHOWN = 20  # hits on a page
EXPORTED = 5_000  # rows of a file
_FETCHED = 1_000  # at once, for a file
_FORMS: dict[str, tuple[Callable[[Sheet], bytes], str]] = {
    "csv": (to_csv, "text/csv; charset=utf-8"),
    "xlsx": (to_xlsx, XLSX),
}
_RETRY = "30"  # seconds
_LONGEST_ADDRESS = 2_000  # guard.redirect goes on to no longer one


@dataclass(frozen=True, slots=True)
class Results:
    """A page of hits; `unknown` counts those that the queue does not know (erased, or not yet queued)."""

    total: int
    rows: tuple[Row, ...] = ()
    unknown: int = 0
    next: str = ""


@page("/cari", may="search")
def search_page(visit: Visit) -> Response:
    """The form, and what was found."""
    hide = visit.place.settings.review.hide_signals
    asked = read_asked(visit.place, visit.request.query_params, hide=hide)
    results: Results | None = None
    counted: list[Facet] = []
    error, status, away = asked.error, 400 if asked.error else 200, False
    try:
        if not error:
            if asked.begun:
                results = _search(visit, asked, hide=hide)
            counted = facets(visit.place, asked, visit.offices, hide=hide)
    except ConfigError as refused:
        error, status = str(refused), 400
    except StoreUnavailable:
        results, away, status = None, True, 503
    response = _draw(visit, asked, status, error=error, away=away, results=results, facets=counted, hide=hide)
    if away:
        response.headers["Retry-After"] = _RETRY
    return response


def _draw(visit: Visit, asked: Asked, status: int, **values: Any) -> Response:
    zone = visit.place.settings.office.zone
    orders = [
        (_("newest first"), link(asked.query, zone, urut="baru"), asked.order == "newest"),
        (_("best match first"), link(asked.query, zone, urut="cocok"), asked.order == "relevance"),
    ]
    order = _order_code(asked)
    files = [(form, link(asked.query, zone, "/cari/ekspor", bentuk=form, urut=order)) for form in _FORMS]
    return visit.render(
        "search.html",
        status_code=status,
        asked=asked,
        reading=looking.explain_query(visit.place, asked.query),
        conditions=conditions(visit.place, asked),
        orders=orders,
        files=files,
        most=EXPORTED,
        saved=_saved(visit),
        to_save=typed_whole(asked.query, zone),
        **values,
    )


# ---- searching


def _search(visit: Visit, asked: Asked, *, hide: bool) -> Results:
    """One page of hits, noted in the audit when it is the first of its search."""
    query = looking.within(asked.query, visit.offices)
    after = _opened(visit, asked.after) if asked.after else None
    found = visit.place.store.search(query, limit=SHOWN, after=after, order=asked.order)
    rows = _rows(visit, found.hits, hide=hide)
    if after is None:
        shown = Counter(hit.flag.post.office for hit, _row in rows)
        words = typed_whole(asked.query, visit.place.settings.office.zone)
        for office in visit.offices:
            visit.audit("search", office=office, details={"shown": shown[office]}, payload={"words": words})
    return Results(
        total=found.total,
        rows=tuple(row for _hit, row in rows),
        unknown=len(found.hits) - len(rows),
        next=_next(visit, asked, found.next),
    )


def _rows(visit: Visit, hits: Sequence[Hit], *, hide: bool) -> list[tuple[Hit, Row]]:
    """The lines of hits. The ledger is the truth: what it does not know is not shown, though the index has it."""
    with visit.place.ledger.read() as db:
        known = items.known(db, [hit.flag.id for hit in hits], visit.offices, visit.now)
    return [
        (hit, row_of(visit.place, known[hit.flag.id], hit.flag, hide=hide, snippet=hit.snippet, marks=hit.marks))
        for hit in hits
        if hit.flag.id in known
    ]


def _next(visit: Visit, asked: Asked, token: str | None) -> str:
    if token is None:
        return ""
    sealed = f"{_seal(visit, token)}.{token}"
    return link(asked.query, visit.place.settings.office.zone, urut=_order_code(asked), sesudah=sealed)


def _opened(visit: Visit, sealed: str) -> str:
    """The store's token. Only the session that was shown the first page may go on: a made-up one would go unaudited."""
    seal, _dot, token = sealed.partition(".")
    if not hmac.compare_digest(seal.encode("utf-8", "replace"), _seal(visit, token).encode()):
        raise ConfigError(_("the page token is damaged; start from the first page"))
    return token


def _seal(visit: Visit, token: str) -> str:
    return hmac.digest(visit.csrf.encode(), token.encode("utf-8", "replace"), "sha256").hex()[:32]


def _order_code(asked: Asked) -> str:
    return "baru" if asked.order == "newest" else "cocok"


# ---- as a file


@page("/cari/ekspor", may="export")
def export_search(visit: Visit) -> Response:
    """What was found, as a file for a spreadsheet: no account, address, score or reviewer."""
    place, params = visit.place, visit.request.query_params
    form = params.get("bentuk", "csv")
    if form not in _FORMS:
        raise ConfigError(_('there is no file format "{name}"; use csv or xlsx').format(name=form[:40]))
    asked = read_asked(place, params, hide=place.settings.review.hide_signals)
    if asked.error:
        raise ConfigError(asked.error)
    found = list(_exported(visit, asked))
    write, kind = _FORMS[form]
    body = write(_sheet(visit, asked, [row for _office, row in found]))
    counts = Counter(office for office, _row in found)
    words = typed_whole(asked.query, place.settings.office.zone)
    for office in visit.offices:
        details = {"what": "search", "form": form, "rows": counts[office]}
        visit.audit("export", office=office, details=details, payload={"words": words})
    sample = "-DATA-CONTOH" if visit.place.settings.office.is_sample else ""
    name = f"kentongan{sample}-cari-{visit.now.astimezone(place.settings.office.zone):%Y-%m-%d}.{form}"
    return Response(body, headers={"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'})


def _exported(visit: Visit, asked: Asked) -> Iterator[tuple[str, Row]]:
    """(office, line) of what was found, up to the limit."""
    query: Query = looking.within(asked.query, visit.offices)
    hide, after, left = visit.place.settings.review.hide_signals, None, EXPORTED
    while left:
        found = visit.place.store.search(query, limit=min(left, _FETCHED), after=after, order=asked.order)
        for hit, row in _rows(visit, found.hits, hide=hide):
            yield hit.flag.post.office, row
        after, left = found.next, left - len(found.hits)
        if after is None:
            return


def _sheet(visit: Visit, asked: Asked, rows: Sequence[Row]) -> Sheet:
    zone = visit.place.settings.office.zone
    columns = (
        *(_("Published"), _("Indication"), _("Topic"), _("Region"), _("Stage"), _("Source")),
        *(_("Copies"), _("Status"), _("Excerpt"), _("Key")),
    )
    values = [
        (
            row.published.astimezone(zone) if row.published else "",
            _indications(row),
            "; ".join(row.topics),
            "; ".join(row.regions) or _("unknown"),
            row.stage,
            row.source,
            row.copies,
            status_name(row.status),
            row.snippet,
            row.key,
        )
        for row in rows
    ]
    sample = (SAMPLE,) if visit.place.settings.office.is_sample else ()
    notes = (
        looking.explain_query(visit.place, asked.query),
        _("Times are in the zone {zone}. An indication is no decision.").format(zone=zone.key),
        _("At most {count} rows.").format(count=EXPORTED),
    )
    return Sheet(_("Search"), (*sample, *columns), tuple((*sample, *row) for row in values), tuple(filter(None, notes)))


def _indications(row: Row) -> str:
    """The strongest indication in its band, and that a text spreads without a fact-check."""
    band = f"{row.band.name} ({row.band.band_name})" if row.band else ""
    return "; ".join(filter(None, (band, _("no fact-check yet") if row.unchecked else "")))


# ---- saved searches


def _saved(visit: Visit) -> list[people.SavedSearch]:
    """The visitor's own, in the offices in which the visitor may still search."""
    with visit.place.ledger.read() as db:
        return [one for office in visit.offices for one in people.saved(db, visit.user.id, office)]


@page("/cari/simpan", may="search", method="POST")
def save_search(visit: Visit) -> Response:
    """Save a search under a name."""
    place, zone = visit.place, visit.place.settings.office.zone
    params = QueryParams({"q": str(visit.form.get("q", ""))})
    query = read_asked(place, params, hide=place.settings.review.hide_signals).query
    text = typed_whole(query, zone)
    if not text:
        raise ConfigError(_("there is nothing to save: write what to search for first"))
    with place.ledger.write() as db:
        people.save(db, visit.user.id, visit.offices[0], str(visit.form.get("nama", "")), text)
    here = link(query, zone)
    return visit.redirect(here if len(here) < _LONGEST_ADDRESS else "/cari", _("The search was saved."))


@page("/cari/hapus", may="search", method="POST")
def remove_search(visit: Visit) -> Response:
    """Remove a saved search of one's own."""
    number = str(visit.form.get("id", ""))
    if not (number.isascii() and number.isdigit() and len(number) < 18):
        raise ConfigError(_("there is no such saved search"))
    with visit.place.ledger.write() as db:
        people.unsave(db, visit.user.id, int(number))
    return visit.redirect("/cari", _("The saved search was removed."))
