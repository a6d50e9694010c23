"""How the reports write words, counts, dates and spans of time, and what they never let through."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta

from pipeline.core.i18n import _
from pipeline.report.soften import soften
from pipeline.text import mask

FEW = 5
"""Counts of posts by region or topic under this are printed "< 5" (DOMAIN 4.3)."""
_MARKUP = str.maketrans({"*": None, "`": None, "~": "-"})


def safe(text: str) -> str:
    """Words from outside on one line, without accounts, links, numbers of persons, and coarse words."""
    plain = "".join(char if char.isprintable() else _instead(char) for char in text)
    return " ".join(soften(mask(plain)).split())


def _instead(char: str) -> str:
    """Nothing for an invisible mark (it would hide a word from the other rules), a blank for the rest."""
    return "" if unicodedata.category(char) == "Cf" else " "


def unmarked(text: str, limit: int) -> str:
    """`safe` words of at most `limit` UTF-16 units, without what WhatsApp reads as bold, italic, struck or code."""
    return clip(" ".join(safe(text.translate(_MARKUP)).replace("_", " ").split()), limit)


def few(count: int) -> str:
    """A count of posts in a cell: exact from five on, and zero is zero."""
    return f"< {FEW}" if 0 < count < FEW else str(count)


def decimal(number: float) -> str:
    """A number with one decimal, with the sign of the language between."""
    whole, tenths = f"{number:.1f}".split(".")
    return _("{whole}.{tenths}").format(whole=whole, tenths=tenths)


def day_words(day: date) -> str:
    """A date in words, as in "Tuesday, 24 November 2026"."""
    weekdays = (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday"))
    return _("{weekday}, {date}").format(weekday=weekdays[day.weekday()], date=_date_words(day))


def moment_words(moment: datetime) -> str:
    """A moment in words, in the zone it carries, as in "24 November 2026 07:30 WIB"."""
    return (
        _("{date} {hour}:{minute} {zone}")
        .format(
            date=_date_words(moment),
            hour=f"{moment.hour:02}",
            minute=f"{moment.minute:02}",
            zone=moment.tzname() or "",
        )
        .strip()
    )


def _date_words(day: date) -> str:
    months = (
        *(_("January"), _("February"), _("March"), _("April"), _("May"), _("June")),
        *(_("July"), _("August"), _("September"), _("October"), _("November"), _("December")),
    )
    return f"{day.day} {months[day.month - 1]} {day.year}"


def age_words(age: timedelta) -> str:
    """How long ago, in the two largest units: "2 days 3 hours", "40 minutes"."""
    minutes = max(0, int(age.total_seconds() // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return _("{days} d {hours} h").format(days=days, hours=hours)
    return _("{hours} h {minutes} min").format(hours=hours, minutes=minutes % 60)


def units(text: str) -> int:
    """How long the text is in UTF-16 units: an emoji counts two."""
    return len(text) + sum(char > "\uffff" for char in text)


def clip(text: str, limit: int) -> str:
    """The text in at most `limit` UTF-16 units, with an ellipsis where it was cut."""
    if units(text) <= limit:
        return text
    kept = text[: max(0, limit - 1)]
    while kept and units(kept) > limit - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…" if limit > 0 else ""
