"""A workbook as an answer: a file to keep, noted in the audit of each office whose figures are in it."""

from __future__ import annotations

from starlette.responses import Response

from pipeline.report.sheets import Sheet, to_xlsx
from pipeline.review.guard import Visit

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def workbook(visit: Visit, what: str, name: str, *sheets: Sheet, offices: tuple[str, ...] = ()) -> Response:
    """The tables as `name`.xlsx; `what` says in the audit which page they are from."""
    body = to_xlsx(*sheets)
    rows = sum(len(sheet.rows) for sheet in sheets)
    for office in offices or visit.offices:
        visit.audit("export", office=office, details={"what": what, "form": "xlsx", "rows": rows})
    return Response(body, media_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}.xlsx"'})
