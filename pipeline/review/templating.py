"""How a page is drawn: Jinja2 with autoescape, names of codes, times and numbers as people write them, asset addresses.

Pages carry no inline style or script: the content security policy forbids them.
"""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.core import names
from pipeline.core.config import Settings
from pipeline.core.i18n import LANGUAGES, _, current_language
from pipeline.core.roles import Permission, role_name

_HERE = Path(__file__).resolve().parent
_MONTHS = {
    "id": ("Jan", "Feb", "Mar", "Apr", "Mei", "Jun", "Jul", "Agu", "Sep", "Okt", "Nov", "Des"),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file in memory; `version` is a part of its address, so that browsers may keep it for ever."""

    version: str
    type: str
    body: bytes


def load_assets(folder: Path = _HERE / "static") -> dict[str, Asset]:
    """All static files by name; there are few, and they are small."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            body = path.read_bytes()
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            found[path.relative_to(folder).as_posix()] = Asset(sha256(body).hexdigest()[:12], kind, body)
    return found


def navigation() -> list[tuple[str, Permission, str]]:
    """(path, what one must be allowed to, name) of the pages that stand in every header."""
    return [
        ("/antrean", "queue", _("Queue")),
        ("/cari", "search", _("Search")),
        ("/klaim", "read", _("Claims")),
        ("/ikhtisar", "overview", _("Overview")),
        ("/mutu", "overview", _("Model quality")),
        ("/ringkasan", "daily", _("Daily summary")),
        ("/terbitan", "published", _("Publications")),
        ("/jejak", "audit", _("Audit trail")),
        ("/pengguna", "users", _("Users")),
        ("/akun", "account", _("Account")),
    ]


def build_templates(settings: Settings, assets: dict[str, Asset]) -> Environment:
    """The environment in which all pages are drawn."""
    made = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def asset(name: str) -> str:
        return f"/static/{assets[name].version}/{name}"

    def time(moment: datetime | int | None) -> str:
        return written_time(moment, settings.office.zone)

    made.globals |= {name: function for name, function in vars(names).items() if name.endswith("_name")}
    made.globals |= {
        "_": _,
        "label_meaning": names.label_meaning,
        "role_name": role_name,
        "asset": asset,
        "navigation": navigation,
        "current_language": current_language,
        "languages": LANGUAGES,
        "office_name": settings.office.name,
        "sample": settings.office.is_sample,
    }
    made.filters |= {
        "breakable": breakable,
        "reason": names.reason_name,
        "time": time,
        "day": written_day,
        "number": written_number,
    }
    return made


def breakable(text: str) -> Markup:
    """The text, which a browser may break after a slash ("kutipan/pemberitaan")."""
    return Markup("/<wbr>").join(text.split("/"))


def written_time(moment: datetime | int | None, zone: ZoneInfo) -> str:
    """A moment (or seconds since 1970) in the office's zone, as in "24 Nov 2026 07.30 WIB"; a dash for none."""
    if moment is None:
        return "–"
    if isinstance(moment, int):
        moment = datetime.fromtimestamp(moment, UTC)
    local = moment.astimezone(zone)
    sign = "." if _language() == "id" else ":"
    return f"{written_day(local.date())} {local:%H}{sign}{local:%M} {local.tzname()}"


def written_day(day: date | str | None) -> str:
    """A day (or its ISO form) as in "24 Nov 2026"; a dash for none."""
    if not day:
        return "–"
    if isinstance(day, str):
        day = date.fromisoformat(day)
    return f"{day.day} {_MONTHS[_language()][day.month - 1]} {day.year}"


def written_number(number: float, places: int = 0) -> str:
    """12.345,6 in Indonesian, 12,345.6 in English."""
    text = f"{number:,.{places}f}"
    return text.translate(str.maketrans(",.", ".,")) if _language() == "id" else text


def _language() -> str:
    return current_language() if current_language() in _MONTHS else "en"
