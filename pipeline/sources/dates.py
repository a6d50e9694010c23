"""Read the times that feeds, exports and forms write, in Indonesian or English, and say how precise they are.

One small grammar (date part, then time part, then zone) reads the known forms in microseconds; dateparser reads what is
left. Relative words ("kemarin", "2 jam lalu") are refused: their answer would depend on when the program runs.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.core.types import Precision

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

Parsed = tuple[datetime | None, Precision]
NOTHING: Parsed = (None, "none")
MAX_LENGTH = 80  # the longest known form, JavaScript's Date with its zone in words, has 62
YEARS = range(1900, 2101)
EPOCH = (788_918_400, 4_102_444_800)  # seconds: 1995 to 2100; outside it a bare number is no time

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan januari january",
            "feb febr februari february peb pebruari",
            "mar mrt maret march",
            "apr april",
            "mei may",
            "jun juni june",
            "jul juli july",
            "agu agt ags agst agust agustus aug august",
            "sep sept september",
            "okt oktober oct october",
            "nov november nop nopember",
            "des desember dec december",
        ),
        start=1,
    )
    for name in names.split()
}
_BEFORE = """hari tanggal tgl senin selasa rabu kamis jumat jum'at sabtu minggu ahad sen sel rab kam jum sab min
monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri sat sun"""
_WEEKDAYS = frozenset(_BEFORE.split())
# Hours east of Greenwich: Indonesia's three, and RFC 2822's obsolete names.
_ZONES = {"wib": 7, "wita": 8, "wit": 9, "utc": 0, "gmt": 0, "ut": 0, "z": 0}
_ZONES |= {"est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7}

_MONTH = "(?P<month_name>[a-z]{3,9})"
_DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?P<year>\d{4})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<day>\d{1,2})(?!\d)",
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?!\d)",
        r"(?P<year>\d{4})-?w(?P<week>\d{2})-?(?P<weekday>[1-7])(?!\d)",
        r"(?P<year>\d{4})-?(?P<ordinal>\d{3})(?!\d)",
        r"(?P<day>\d{1,2})(?P<sep>[-/.])(?P<month>\d{1,2})(?P=sep)(?P<year>\d{4}|\d{2})(?!\d)",
        rf"(?P<day>\d{{1,2}})[-/. ]*{_MONTH}[-/. ]*(?P<year>\d{{4}}|\d{{2}})(?!\d|[:.]\d)",
        rf"{_MONTH}\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)? (?P<year>\d{{4}})(?!\d)",
    )
)
_YEAR_LAST = re.compile(
    rf"{_MONTH} (?P<day>\d{{1,2}}) (?P<time>\d\d:\d\d(?::\d\d)?(?: \S+)?) (?P<year>\d{{4}})", re.ASCII
)
_MONTH_ONLY = re.compile(rf"(?:(?P<year>\d{{4}})[-/](?P<month>\d{{1,2}})|{_MONTH} (?P<year2>\d{{4}}))", re.ASCII)
_TIME = re.compile(
    r"[t ]*(?:-|\|)? ?(?P<word>pukul|pkl|jam|at)?[. ]*"
    r"(?P<hour>\d{1,2})(?:[:.]?(?P<minute>\d{2})(?:[:.]?(?P<second>\d{2})(?:[.,]\d{1,12})?)?)?"
    r" ?(?P<half>am|pm|a\.m\.|p\.m\.)? ?(?P<zone>(?:[a-z]{1,4})?(?: ?[+-]\d{1,2}(?::?\d{2})?)?)",
    re.ASCII,
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?", re.ASCII)
_COMMENT = re.compile(r" ?\([a-z ]*\)$", re.ASCII)
_STOPS = str.maketrans({",": " ", "(": " ", ")": " ", "\N{RIGHT SINGLE QUOTATION MARK}": "'"})
_NUMBER = re.compile(r"\d{10}(?:\.\d{1,9})?|\d{13}|\d{16}", re.ASCII)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)", re.ASCII)
_NUMBERS = re.compile(r"\d+", re.ASCII)
_CLOCK = re.compile(r"\d{1,2}[:.]\d{2}(?P<second>[:.]\d{2})?", re.ASCII)


def parse_time(text: str, zone: ZoneInfo) -> Parsed:
    """Read one time; without a zone of its own it is `zone`'s. Gives (UTC, precision) or (None, "none"); never raises.

    Days come before months (26/06/2020). Fractions of a second are dropped. Of a day or month the start is given.
    """
    if len(text) > MAX_LENGTH:
        return NOTHING
    if len(text) >= 19 and text[4:5] == "-" and text[13:14] == ":" and text[16:17] == ":":
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return _parse_any(text, zone)
        return _utc(moment, zone, "second")
    return _parse_any(text, zone)


@lru_cache(maxsize=8192)
def _parse_any(text: str, zone: ZoneInfo) -> Parsed:
    text = " ".join(text.lower().split())
    if _NUMBER.fullmatch(text):
        return _epoch(text)
    if len(text) == 14 and text.isascii() and text.isdigit():
        text = f"{text[:8]}t{text[8:]}"
    plain = _plain(text)
    for read in (_month_only, _year_last, _date_then_time):
        found = read(plain, zone)
        if found is not None:
            return found
    return _by_dateparser(text, zone)


def _plain(text: str) -> str:
    """Without a comment at the end ("(UTC)"), the weekday in front, commas and brackets."""
    text = " ".join(_COMMENT.sub("", text).translate(_STOPS).split())
    while True:
        word, _space, rest = text.partition(" ")
        if word.rstrip(".") not in _WEEKDAYS or not rest:
            return text
        text = rest


def _epoch(text: str) -> Parsed:
    whole = text.partition(".")[0]
    seconds = int(whole) // 10 ** (len(whole) - 10)
    if not EPOCH[0] <= seconds < EPOCH[1]:
        return NOTHING
    return datetime.fromtimestamp(seconds, UTC), "second"


def _month_only(text: str, zone: ZoneInfo) -> Parsed | None:
    match = _MONTH_ONLY.fullmatch(text)
    if match is None:
        return None
    month = int(match["month"]) if match["month"] else _MONTHS.get(match["month_name"], 0)
    return _at(_day(int(match["year"] or match["year2"]), month, 1), "", zone, "month")


def _year_last(text: str, zone: ZoneInfo) -> Parsed | None:
    match = _YEAR_LAST.fullmatch(text)
    if match is None:
        return None
    day = _day(int(match["year"]), _MONTHS.get(match["month_name"], 0), int(match["day"]))
    return _at(day, " " + match["time"], zone)


def _date_then_time(text: str, zone: ZoneInfo) -> Parsed | None:
    for pattern in _DATES:
        match = pattern.match(text)
        if match is not None:
            return _at(_date_of(match.groupdict()), text[match.end() :], zone)
    return None


def _date_of(parts: dict[str, str | None]) -> date | None:
    """The date that one of the patterns found; None where there is no such day."""
    year = int(parts["year"] or 0)
    year += 2000 if year < 100 else 0
    if parts.get("week"):
        return _day_of(year, f"{year}-W{parts['week']}-{parts['weekday']}")
    if parts.get("ordinal"):
        number = int(parts["ordinal"] or 0)
        if year not in YEARS or not 1 <= number <= 365 + calendar.isleap(year):
            return None
        return date(year, 1, 1) + timedelta(days=number - 1)
    name = parts.get("month_name")
    month = _MONTHS.get(name, 0) if name else int(parts.get("month") or 0)
    return _day(year, month, int(parts["day"] or 0))


def _day_of(year: int, iso: str) -> date | None:
    try:
        day = date.fromisoformat(iso)
    except ValueError:
        return None
    return day if year in YEARS else None


def _day(year: int, month: int, day: int) -> date | None:
    if year not in YEARS or not 1 <= month <= 12 or not 1 <= day <= calendar.monthrange(year, month)[1]:
        return None
    return date(year, month, day)


def _at(day: date | None, rest: str, zone: ZoneInfo, precision: Precision = "day") -> Parsed | None:
    """The moment on that day that the rest of the text gives; None where the rest is no time of day."""
    if day is None:
        return NOTHING
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - its zone is set in _utc
    if not rest.strip():
        return _utc(midnight, zone, precision)
    match = _TIME.fullmatch(rest)
    if match is None or not (match["minute"] or match["word"] or match["half"] or rest[0] == "t"):
        return None
    offset = _offset(match["zone"])
    clock = _clock(match)
    if clock is None or offset is None:
        return NOTHING
    given: Precision = "second" if match["second"] else "minute" if match["minute"] else "hour"
    return _utc((midnight + clock).replace(tzinfo=None if match["zone"] == "" else offset), zone, given)


def _clock(match: re.Match[str]) -> timedelta | None:
    """Time since midnight; 24.00 is the next day's start and a leap second is the second before it."""
    hour, minute, second = (int(match[name] or 0) for name in ("hour", "minute", "second"))
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"][0] == "p" else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and (minute or second)):
        return None
    return timedelta(hours=hour, minutes=minute, seconds=min(second, 59))


def _offset(text: str) -> timezone | None:
    """The zone of "wib", "+07:00" or "gmt+7"; None if there is no such zone."""
    match = _OFFSET.search(text)
    name = text[: match.start()].strip() if match else text
    if name and name not in _ZONES:
        return None
    if match is None:
        return timezone(timedelta(hours=_ZONES.get(name, 0)))
    minutes = int(match["hours"]) * 60 + int(match["minutes"] or 0)
    if minutes > 14 * 60 or int(match["minutes"] or 0) > 59:
        return None
    return timezone(timedelta(minutes=-minutes if match["sign"] == "-" else minutes))


def _utc(moment: datetime, zone: tzinfo, precision: Precision) -> Parsed:
    if moment.year not in YEARS:
        return NOTHING
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(microsecond=0), precision


@cache
def _dateparser() -> DateDataParser:
    """Built once and late: importing dateparser takes half a second that most runs never need."""
    from dateparser.date import DateDataParser

    return DateDataParser(
        languages=["id", "en"],
        settings={
            "DATE_ORDER": "DMY",
            "PREFER_LOCALE_DATE_ORDER": False,
            "STRICT_PARSING": True,
            "PARSERS": ["absolute-time"],
        },
    )


def _by_dateparser(text: str, zone: ZoneInfo) -> Parsed:
    """What the grammar does not know. dateparser raises many kinds of errors on odd text; each means "no time"."""
    if not _YEAR.search(text) or len(_NUMBERS.findall(text)) < 2:  # it takes 2 ms a text: not for what is no date
        return NOTHING
    try:
        moment = _dateparser().get_date_data(text).date_obj
    except Exception:  # any failure of a foreign parser on hostile text is the answer "no time"
        return NOTHING
    if moment is None:
        return NOTHING
    clock = _CLOCK.search(text)
    if clock is None and (moment.hour or moment.minute):
        return _utc(moment, zone, "hour")
    return _utc(moment, zone, "day" if clock is None else "second" if clock["second"] else "minute")
