"""Ringkasan harian: one day on one page and as a text to send; what of it was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from starlette.responses import Response

from pipeline.core.errors import ConfigError, Forbidden
from pipeline.core.i18n import _, language
from pipeline.core.roles import may
from pipeline.ledger import audit
from pipeline.report.daily import Daily, daily_sheets, daily_text
from pipeline.report.words import units
from pipeline.review.downloads import workbook
from pipeline.review.guard import Visit, page
from pipeline.review.templating import written_day, written_time
from pipeline.summary import daily, day_of, span_of

LIMIT = 1500  # characters of the text (DOMAIN 2.2)
_FIRST = date(2000, 1, 1)
_SHOWN = 60  # publications of an office


@dataclass(frozen=True, slots=True)
class Publication:
    """A published text; `replaced` if a newer one of the same day and office went out after it."""

    office: str
    day: str
    at: int
    text: str
    replaced: bool


@page("/ringkasan", "daily")
def daily_page(visit: Visit) -> Response:
    """The day's tables, and the text that goes out, in the language of the office."""
    office, day = _office(visit, visit.request.query_params), _day(visit, visit.request.query_params)
    text = _text(visit, office, day)
    with visit.place.ledger.read() as db:
        sent = [at for said, at, _text_ in audit.published(db, office, _SHOWN) if said == day.isoformat()]
    head, *tables = daily_sheets(_daily(visit, office, day))
    return visit.render(
        "daily.html",
        office=office,
        day=day,
        before=day - timedelta(days=1) if day > _FIRST else None,
        after=day + timedelta(days=1) if day < _newest(visit) else None,
        unfinished=span_of(visit.place, day)[1] > visit.now,
        newest=_newest(visit),
        head=head,
        tables=tables,
        text=text,
        length=units(text),
        limit=LIMIT,
        sent=[written_time(at, visit.place.settings.office.zone) for at in sent],
        may_publish=may(visit.role_in(office), "publish"),
    )


@page("/ringkasan/ekspor", "export")
def export_daily(visit: Visit) -> Response:
    """The day's tables as a workbook, in the language of the office."""
    office, day = _office(visit, visit.request.query_params), _day(visit, visit.request.query_params)
    with language(visit.place.settings.office.language):
        tables = daily_sheets(_daily(visit, office, day))
        return workbook(visit, "daily", f"ringkasan-{day}", *tables, offices=(office,))


@page("/ringkasan/terbitkan", "publish", "POST")
def publish_daily(visit: Visit) -> Response:
    """Keep the text as it goes out, made again here: nobody publishes words that the program did not write."""
    office, day = _office(visit, visit.form), _day(visit, visit.form)
    text = _text(visit, office, day)
    with visit.place.ledger.write() as db:
        audit.publish(db, office, visit.user.id, visit.now, day, text)
    return visit.redirect("/terbitan", _("Published: the summary of {day}.").format(day=written_day(day)))


@page("/terbitan", "published")
def published(visit: Visit) -> Response:
    """What was published for the user's offices, the newest first."""
    found, seen = [], set()
    with visit.place.ledger.read() as db:
        for office in visit.offices:
            for day, at, text in audit.published(db, office, _SHOWN):
                found.append(Publication(office, day, at, text, (office, day) in seen))
                seen.add((office, day))
    found.sort(key=lambda each: (each.day, each.at), reverse=True)
    return visit.render("published.html", publications=found)


def _daily(visit: Visit, office: str, day: date) -> Daily:
    """The day's facts; the settings know the name of the desk's own office only."""
    made = daily(visit.place, day, [office])
    if office == visit.place.settings.office.code:
        return made
    return replace(made, office=_("Office {code}").format(code=office))


def _text(visit: Visit, office: str, day: date) -> str:
    with language(visit.place.settings.office.language):
        return daily_text(_daily(visit, office, day), LIMIT)


def _office(visit: Visit, sent: Mapping[str, object]) -> str:
    """The office that was asked for, else the desk's own, else the user's first."""
    asked = str(sent.get("kantor", ""))
    if asked:
        if asked not in visit.offices:
            raise Forbidden(_("you have no role in the office {office}").format(office=asked))
        return asked
    own = visit.place.settings.office.code
    return own if own in visit.offices else visit.offices[0]


def _day(visit: Visit, sent: Mapping[str, object]) -> date:
    """The day that was asked for, else the one that runs; raises ConfigError for one that is none or has not begun."""
    asked = str(sent.get("hari", ""))
    if not asked:
        return _newest(visit)
    try:
        day = date.fromisoformat(asked)
    except ValueError as error:
        raise ConfigError(_('"{text}" is no day; write it as 2026-11-24').format(text=asked[:40])) from error
    if not _FIRST <= day <= _newest(visit):
        raise ConfigError(_("there is no summary of that day; choose one that has begun"))
    return day


def _newest(visit: Visit) -> date:
    return day_of(visit.place, visit.now)
