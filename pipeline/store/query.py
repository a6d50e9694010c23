"""What a person types into the search box, as a `Query`: everything typed is data, nothing is a query language.

    banjir "surat suara" -hoaks wilayah:61 isu:logistik -jenis:berita sejak:2024-11-16 sampai:2024-11-20

Words must match (any inflected form), phrases must stand as they are, `-` excludes; of one field any value may match.
`hari:` is one day. An unknown field, or a date that is none, is searched as plain words.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, tzinfo

from pipeline.core.i18n import _
from pipeline.core.types import Query
from pipeline.store.fields import SINCE, UNTIL, field_named, field_value, grouped
from pipeline.store.words import fold

MAX_TYPED = 2_000
"""Characters that are read; more is no search but a pasted text."""
MAX_PARTS = 40
"""Parts (words, phrases, fields) that are used; each costs a look-up."""

_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_PART = re.compile(r'(-)?(?:([^\W\d_]\w*):)?(?:"([^"]*)"?|([^\s"]+))')
_ISO = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?")
_LOCAL = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})")


def parse_query(text: str, *, zone: tzinfo, since: datetime | None = None, until: datetime | None = None) -> Query:
    """Read what was typed; never raises. Days are those of `zone`; `since`/`until` bound the query further."""
    query = _Builder(zone, since, until)
    readable = text[:MAX_TYPED].encode("utf-8", "replace").decode().translate(_QUOTES)
    for match in list(_PART.finditer(readable))[:MAX_PARTS]:
        query.add(match)
    return query.build()


class _Builder:
    def __init__(self, zone: tzinfo, since: datetime | None, until: datetime | None) -> None:
        self.zone = zone
        self.since, self.until = since, until
        self.words: list[str] = []
        self.phrases: list[str] = []
        self.without: list[str] = []
        self.fields: list[tuple[str, str]] = []
        self.without_fields: list[tuple[str, str]] = []

    def add(self, match: re.Match[str]) -> None:
        minus, field, quoted, plain = match.groups()
        value = (quoted if quoted is not None else plain).strip()
        if field is not None and self._add_field(field, value, bool(minus)):
            return
        self._add_words(f"{field}:{value}" if field is not None else value, bool(minus), quoted is not None)

    def _add_field(self, name: str, value: str, minus: bool) -> bool:
        """Whether the part was a field that we know, with a value that it can have."""
        lowered = name.casefold()
        if lowered in SINCE | UNTIL:
            return not minus and self._add_bound(lowered in SINCE, value)
        field = field_named(name)
        if field == "day":
            days = day_range(value)
            if days is None or days[1] - days[0] != timedelta(days=1):
                return False
            value = days[0].isoformat()
        if field is None or not value:
            return False
        (self.without_fields if minus else self.fields).append((field, field_value(field, value)))
        return True

    def _add_bound(self, is_since: bool, value: str) -> bool:
        days = day_range(value)
        if days is None:
            return False
        if is_since:
            start = self._midnight(days[0])
            self.since = start if self.since is None else max(self.since, start)
        else:
            end = self._midnight(days[1])
            self.until = end if self.until is None else min(self.until, end)
        return True

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC)

    def _add_words(self, text: str, minus: bool, quoted: bool) -> None:
        if not fold(text):
            return  # nothing but signs
        if minus:
            self.without.append(text)
        else:
            (self.phrases if quoted else self.words).append(text)

    def build(self) -> Query:
        return Query(
            words=tuple(self.words),
            phrases=tuple(self.phrases),
            without=tuple(self.without),
            fields=tuple(self.fields),
            without_fields=tuple(self.without_fields),
            since=self.since,
            until=self.until,
        )


def day_range(text: str) -> tuple[date, date] | None:
    """The half-open range of days that `2024`, `2024-11`, `2024-11-16` or `16-11-2024` means, or None."""
    iso, local = _ISO.fullmatch(text), _LOCAL.fullmatch(text)
    if iso:
        year, month, day = (int(part) if part else None for part in iso.groups())
    elif local:
        day, month, year = (int(part) for part in local.groups())
    else:
        return None
    if year is None or not 1970 <= year <= 2199:  # keeps every zone and every "day after" inside what datetime holds
        return None
    try:
        start = date(year, month or 1, day or 1)
    except ValueError:
        return None
    if day:
        return start, start + timedelta(days=1)
    if month:
        return start, (start + timedelta(days=32)).replace(day=1)
    return start, date(year + 1, 1, 1)


def explain_query(query: Query, *, zone: tzinfo = UTC) -> str:
    """One line that tells a person how the search was understood; empty for the empty query."""
    parts = [_("word: {text}").format(text=word) + _unknown_field(word) for word in query.words]
    parts += [_('exactly: "{text}"').format(text=phrase) for phrase in query.phrases]
    parts += [_("not: {text}").format(text=word) for word in query.without]
    either = " " + _("or") + " "
    for field, values in grouped(query.fields).items():
        parts.append(f"{field} = {either.join(values)}")
    for field, values in grouped(query.without_fields).items():
        parts.append(_("not {field} = {values}").format(field=field, values=either.join(values)))
    if query.since is not None:
        parts.append(_("from {time}").format(time=_local(query.since, zone)))
    if query.until is not None:
        parts.append(_("before {time}").format(time=_local(query.until, zone)))
    return " · ".join(parts)


def _unknown_field(word: str) -> str:
    name, colon, value = word.partition(":")
    if not colon or not value or not name.isidentifier():
        return ""
    if name.casefold() in SINCE | UNTIL or field_named(name):
        return " " + _("({value} is not understood here)").format(value=value)
    return " " + _("(there is no field {name})").format(name=name)


def _local(moment: datetime, zone: tzinfo) -> str:
    try:
        return moment.astimezone(zone).strftime("%Y-%m-%d %H:%M")
    except OverflowError:
        return moment.strftime("%Y-%m-%d %H:%M")
