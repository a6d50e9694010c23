"""Klaim: what fact-checkers wrote, those first that posts of one's own offices carry; and the card of one claim."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select
from starlette.exceptions import HTTPException
from starlette.responses import Response

from pipeline.core.claims import STANDINGS, Claim
from pipeline.core.config import SAMPLE
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.names import checker_kind_name, standing_name, verdict_name
from pipeline.ledger import claims
from pipeline.ledger.claims import Listed
from pipeline.ledger.schema import claim as claim_table
from pipeline.report.sheets import Sheet, to_csv, to_xlsx
from pipeline.review import views
from pipeline.review.claim_card import MOST, carried
from pipeline.review.claim_views import differing, reviewed, text_of
from pipeline.review.desk import flags_of
from pipeline.review.downloads import XLSX
from pipeline.review.guard import Visit, page
from pipeline.summary import came_back, claim_status
from pipeline.workplace import Workplace

SHOWN = 25  # claims on a page
EXPORTED = 5_000  # rows of a file
_LAST_PAGE = 400
_WORDS = 8  # of a search; what follows is left out
_FOUND = 2_000  # claims that words may find
_TYPED = 200  # characters that are read
_CHECKERS = 100  # in the list to choose from
_ID = re.compile(r"#?(k[0-9a-f]{12})")
_FORMS: dict[str, tuple[Callable[[Sheet], bytes], str]] = {
    "csv": (to_csv, "text/csv; charset=utf-8"),
    "xlsx": (to_xlsx, XLSX),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for."""

    words: str
    standing: str
    checker: str
    carried: bool
    page: int

    def link(self, path: str = "/klaim", **more: str) -> str:
        """The address of the list with these conditions."""
        values = {"q": self.words, "status": self.standing, "pemeriksa": self.checker}
        values |= {"beredar": "1" if self.carried else ""} | more
        told = {name: value for name, value in values.items() if value}
        return f"{path}?{urlencode(told, errors='replace')}" if told else path


@dataclass(frozen=True, slots=True)
class Line:
    """A claim in the list."""

    listed: Listed
    text: str
    status: str
    checkers: str
    returned: bool
    claim: Claim | None


# ---- the list


@page("/klaim", "read")
def claims_page(visit: Visit) -> Response:
    """The list with its filters."""
    asked = _asked(visit)
    found = _listed(visit, asked, limit=SHOWN + 1, offset=SHOWN * (asked.page - 1))
    with visit.place.ledger.read() as db:
        checkers = [name for name, _count in claims.checkers(db)[:_CHECKERS]]
        standings = claims.standings(db)
    _note(visit, asked, shown=min(len(found), SHOWN))
    return visit.render(
        "claims.html",
        asked=asked,
        lines=found[:SHOWN],
        before=asked.link(hal=str(asked.page - 1)) if asked.page > 1 else "",
        after=asked.link(hal=str(asked.page + 1)) if len(found) > SHOWN and asked.page < _LAST_PAGE else "",
        files=[(form, asked.link("/klaim/ekspor", bentuk=form)) for form in _FORMS],
        checkers=checkers,
        standings=[(code, standing_name(code), standings.get(code, 0)) for code in STANDINGS],
        known=sum(standings.values()),
        most=EXPORTED,
    )


@page("/klaim/ekspor", "export")
def export_claims(visit: Visit) -> Response:
    """The same list as a file: public fact-checks and counts, no post."""
    asked, form = _asked(visit), visit.request.query_params.get("bentuk", "csv")
    if form not in _FORMS:
        raise ConfigError(_('there is no file format "{name}"; use csv or xlsx').format(name=form[:40]))
    found = _listed(visit, asked, limit=EXPORTED)
    write, kind = _FORMS[form]
    body = write(_sheet(visit, found))
    for office in visit.offices:
        details = {"what": "claims", "form": form, "rows": len(found)}
        visit.audit("export", office=office, details=details, payload={"words": asked.words} if asked.words else None)
    office_settings = visit.place.settings.office
    sample = "-DATA-CONTOH" if office_settings.is_sample else ""
    name = f"kentongan{sample}-klaim-{visit.now.astimezone(office_settings.zone):%Y-%m-%d}.{form}"
    return Response(body, headers={"Content-Type": kind, "Content-Disposition": f'attachment; filename="{name}"'})


def _asked(visit: Visit) -> Asked:
    """Read the address; raises ConfigError for what nobody can mean."""
    params: Mapping[str, str] = visit.request.query_params
    standing, typed = params.get("status", ""), params.get("hal", "1")
    if standing and standing not in STANDINGS:
        raise ConfigError(_('there is no standing of a claim called "{name}"').format(name=standing[:40]))
    if not re.fullmatch("[1-9][0-9]{0,3}", typed) or int(typed) > _LAST_PAGE:
        raise ConfigError(_("there is no such page of the list"))
    words = " ".join(params.get("q", "")[:_TYPED].replace("\0", " ").split())
    return Asked(words, standing, params.get("pemeriksa", "")[:_TYPED], params.get("beredar") == "1", int(typed))


def _listed(visit: Visit, asked: Asked, *, limit: int, offset: int = 0) -> list[Line]:
    with visit.place.ledger.read() as db:
        rows = claims.listed(
            db,
            visit.offices,
            ids=_with_words(db, asked.words) if asked.words else None,
            standing=asked.standing,
            checker=asked.checker,
            carried=asked.carried,
            limit=limit,
            offset=offset,
        )
        known = claims.get_many(db, [row.id for row in rows])
        latest = claims.latest(db, [row.id for row in rows if row.flags], visit.offices)
    return [_line(visit.place, row, known.get(row.id), latest.get(row.id)) for row in rows]


def _line(place: Workplace, row: Listed, claim: Claim | None, latest: datetime | None) -> Line:
    status = standing_name(row.standing) if claim is None else claim_status(claim)
    names = dict.fromkeys(views.short(review.checker, 80) for review in claim.reviews) if claim else {}
    text = views.short(row.text, views.SNIPPET) or _("(no text)")
    returned = claim is not None and came_back(place, claim, latest)
    return Line(row, text, status, ", ".join(names), returned, claim)


def _with_words(db: Any, words: str) -> list[str]:
    """Ids of claims that hold all these words, or the claim of that number; a sign is a sign, never a wildcard."""
    number = _ID.fullmatch(words.casefold())
    if number:
        return [number[1]]
    query = select(claim_table.c.id)
    for word in words.casefold().split()[:_WORDS]:
        pattern = re.sub(r"([\\%_])", r"\\\1", word)
        query = query.where(func.lower(claim_table.c.text).like(f"%{pattern}%", escape="\\"))
    order = (func.coalesce(claim_table.c.first_at, 0).desc(), claim_table.c.id)
    return list(db.scalars(query.order_by(*order).limit(_FOUND)))


def _note(visit: Visit, asked: Asked, *, shown: int) -> None:
    """Who sought which words: they may name a person, so they stand in the payload that can be erased."""
    if asked.words and asked.page == 1:
        for office in visit.offices:
            details = {"what": "claims", "shown": shown}
            visit.audit("search", office=office, details=details, payload={"words": asked.words})


def _sheet(visit: Visit, lines: Sequence[Line]) -> Sheet:
    zone = visit.place.settings.office.zone
    columns = (
        *(_("Number"), _("Claim"), _("Fact-check status"), _("Checkers"), _("In their words"), _("First check")),
        *(_("Links"), _("Flags"), _("First seen here")),
    )
    rows = tuple(
        (
            line.listed.id,
            line.listed.text,
            line.status,
            "; ".join(_said(line.claim)),
            "; ".join(dict.fromkeys(review.original for review in line.claim.reviews)) if line.claim else "",
            line.listed.first_at.astimezone(zone) if line.listed.first_at else "",
            "\n".join(each.href for each in reviewed(line.claim) if each.href) if line.claim else "",
            line.listed.flags,
            line.listed.first_seen.astimezone(zone) if line.listed.first_seen else "",
        )
        for line in lines
    )
    sample = (SAMPLE,) if visit.place.settings.office.is_sample else ()
    notes = (_("Flags are counted by the machine. At most {count} rows.").format(count=EXPORTED),)
    return Sheet(_("Claims"), (*sample, *columns), tuple((*sample, *row) for row in rows), notes)


def _said(claim: Claim | None) -> list[str]:
    return [
        _("{checker} ({kind}): {verdict}").format(
            checker=review.checker,
            kind=checker_kind_name(review.checker_kind),
            verdict=_("withdrawn") if review.withdrawn else verdict_name(review.rating, review.checker_kind),
        )
        for review in (claim.reviews if claim else ())
    ]


# ---- the card


@page("/klaim/{id}", "read")
def claim_page(visit: Visit) -> Response:
    """One claim: who judged it how, and the posts of one's own offices that carry it."""
    place, now = visit.place, visit.now
    typed = str(visit.request.path_params["id"])
    with place.ledger.read() as db:
        claim = claims.get(db, typed) if len(typed) < 40 and "\0" not in typed else None
        if claim is None:
            raise HTTPException(404)
        own = carried(place, db, claim, visit.offices, now)
    flags, away = flags_of(place, [fold.first for fold in own.folds])
    hide = place.settings.review.hide_signals
    rows = [views.row_of(place, fold.first, flags.get(fold.first.flag_id), hide=hide) for fold in own.folds]
    for office in sorted({fold.first.office for fold in own.folds}):
        shown = sum(fold.first.office == office for fold in own.folds)
        visit.audit("search", office=office, details={"what": "claim", "shown": shown}, payload={"words": claim.id})
    return visit.render(
        "claim.html",
        claim=claim,
        text=text_of(claim),
        status=claim_status(claim),
        reviews=reviewed(claim),
        differing=differing(claim),
        own=own,
        folds=list(zip(own.folds, rows, strict=True)),
        most=MOST,
        away=away,
    )
