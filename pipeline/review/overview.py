"""Ikhtisar: what came in and what was done with it, in counts, and beside it what was not seen."""

from __future__ import annotations

from starlette.responses import Response

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.names import label_name
from pipeline.report.sheets import Sheet
from pipeline.report.words import age_words
from pipeline.review.downloads import workbook
from pipeline.review.figures import FIGURED, PERIODS, Figures, Group, Stretch, figures
from pipeline.review.guard import Visit, page
from pipeline.review.provinces import LEVELS, outline
from pipeline.review.templating import written_day, written_time
from pipeline.summary import region_name


@page("/ikhtisar", "overview")
def overview(visit: Visit) -> Response:
    """The figures of a period."""
    found = _figures(visit)
    return visit.render(
        "overview.html",
        found=found,
        periods=PERIODS,
        labels=FIGURED,
        oldest=_oldest(visit, found),
        outline=outline(),
        names={code: region_name(visit.place, code) for code in outline().paths},
        levels=LEVELS,
        shapes={group.code: group for group in found.provinces},
        stretch_name=stretch_name,
    )


@page("/ikhtisar/ekspor", "export")
def export_overview(visit: Visit) -> Response:
    """The same tables as a workbook."""
    found = _figures(visit)
    name = f"ikhtisar-{found.first}-{found.last}"
    return workbook(visit, "overview", name, *sheets(visit, found))


def _figures(visit: Visit) -> Figures:
    typed = visit.request.query_params.get("hari", str(PERIODS[0]))
    if typed not in map(str, PERIODS):
        raise ConfigError(_("choose a period of {days} days").format(days=", ".join(map(str, PERIODS))))
    return figures(visit.place, visit.offices, int(typed), visit.now)


def _oldest(visit: Visit, found: Figures) -> str:
    """How long the oldest flag waits; empty if none does."""
    return age_words(visit.now - found.backlog.oldest) if found.backlog.oldest else ""


def stretch_name(stretch: Stretch) -> str:
    """A day, or a week as its first and last day."""
    if stretch.first == stretch.last:
        return written_day(stretch.first)
    return f"{written_day(stretch.first)} – {written_day(stretch.last)}"


# ---- the workbook


def sheets(visit: Visit, found: Figures) -> tuple[Sheet, ...]:
    """All tables of the page."""
    unreviewed = _("Figures counted by the machine: not yet reviewed")
    few = _("Counts under 5 by region or topic are printed as < 5.")
    names = tuple(label_name(label) for label in FIGURED)
    stretches = tuple(
        (stretch_name(stretch), stretch.arrived, *(stretch.labels[label] for label in FIGURED))
        for stretch in found.stretches
    )
    labels = tuple(
        (label_name(t.value), t.flags, t.reviewed, t.confirmed, max(0, t.flags - t.reviewed)) for t in found.labels
    )
    counted = (_("Flagged"), _("Reviewed"), _("Meet the criteria"))
    return (
        _sheet(visit, _("Overview"), (_("Subject"), _("Content")), _tiles(visit, found)),
        _sheet(
            visit, _("Flagged by indication"), (_("Indication"), *counted, _("Not yet reviewed")), labels, unreviewed
        ),
        _sheet(visit, _("By day"), (_("Day"), _("Came in"), *names), stretches, unreviewed),
        _sheet(visit, _("By province"), (_("Code"), _("Province"), *counted), _rows(found.provinces), few, unreviewed),
        _sheet(visit, _("By topic"), (_("Code"), _("Topic"), *counted), _rows(found.topics), few, unreviewed),
        _sheet(
            visit,
            _("Claims going round"),
            (_("Number"), _("Claim"), _("Fact-check status"), *counted, _("Provinces named")),
            tuple(
                (c.id, c.text, c.status, *map(_number, (c.flags, c.reviewed, c.confirmed)), "; ".join(c.provinces))
                for c in found.claims
            ),
            few,
            unreviewed,
        ),
        _sheet(visit, _("Not seen"), (_("What could not be seen"),), tuple((line,) for line in _missed(visit, found))),
    )


def _tiles(visit: Visit, found: Figures) -> tuple[tuple[object, ...], ...]:
    criticism = _("{count} of {total}").format(count=found.criticism, total=found.reviewed)
    return (
        (_("Office"), visit.place.settings.office.name),
        (_("Covered from"), written_day(found.first)),
        (_("Covered until"), written_time(visit.now, visit.place.settings.office.zone)),
        (_("Came in"), found.arrived),
        (_("Reviewed"), found.reviewed),
        (_("Waiting"), found.backlog.waiting),
        (_("Oldest in the queue"), _oldest(visit, found) or _("Nil")),
        (_("In somebody's hands"), found.backlog.held),
        (_("Rejected as criticism/aspiration"), criticism),
        (_("Texts that spread fast, no fact-check yet"), found.unchecked),
    )


def _rows(groups: tuple[Group, ...]) -> tuple[tuple[object, ...], ...]:
    return tuple((g.code, g.name, *map(_number, (g.flags, g.reviewed, g.confirmed))) for g in groups)


def _number(printed: str) -> object:
    return int(printed) if printed.isdecimal() else printed


def _missed(visit: Visit, found: Figures) -> list[str]:
    zone = visit.place.settings.office.zone
    silent = [
        _("{source}: silent, last heard {when}").format(source=name, when=written_time(heard, zone))
        if heard
        else _("{source}: never heard").format(source=name)
        for name, heard in found.silent
    ]
    unreviewed = _("{count} of {total} flags are not reviewed")
    return [*silent, unreviewed.format(count=found.unseen.unreviewed, total=found.unseen.flags), *found.unseen_lines]


def _sheet(
    visit: Visit, title: str, columns: tuple[str, ...], rows: tuple[tuple[object, ...], ...], *notes: str
) -> Sheet:
    rows = rows or ((_("Nil"), *("" for _column in columns[1:])),)
    sample = visit.place.settings.office.is_sample
    return Sheet(title, columns, rows, (*((_("SAMPLE DATA"),) if sample else ()), *notes))
