"""The daily summary (Ringkasan harian): its values, its text for WhatsApp and its tables.

Somebody else fills the values; what may be printed of them, and in how much room, is decided here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from pipeline.core.i18n import _
from pipeline.report.sheets import Sheet
from pipeline.report.words import FEW, age_words, clip, day_words, decimal, few, moment_words, safe, units, unmarked

MAX_PROMINENT = 5
MAX_CLAIMS = 5
MEAN_DAYS = 28
_LONG, _MIDDLE, _SHORT = 140, 80, 40  # characters of one value in the text
_MAX_LINES = 15  # of one section in the text
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(/[A-Za-z0-9/._?=&%#+-]*)?")
_SHRINKING = (
    *(("prominent", 3), ("rises", 3), ("labels", 3), ("claims", 3), ("unseen", 4)),
    *(("rises", 1), ("prominent", 1), ("labels", 1), ("claims", 1)),
    *(("rises", 0), ("labels", 0), ("claims", 0), ("unseen", 2), ("prominent", 0), ("unseen", 1)),
)
"""Which section loses lines first when the text is too long, and down to how many; links to fact-checks go before."""


@dataclass(frozen=True, slots=True)
class Prominent:
    """One situation that stands out, in a person's words; `copies` are counted by the machine."""

    what: str
    where: str
    when: str
    source: str
    status: str
    copies: int


@dataclass(frozen=True, slots=True)
class Rise:
    """A topic in a region today beside its mean of the 28 days before; counted by the machine, reviewed by nobody."""

    topic: str
    region: str
    today: int
    mean: float
    accounts: str
    media: int


@dataclass(frozen=True, slots=True)
class Circulating:
    """A claim that went round: what the checkers say and where, its copies, and how many of them a person reviewed."""

    claim: str
    status: str
    link: str
    copies: int
    reviewed: int


@dataclass(frozen=True, slots=True)
class Queue:
    """What the review desk took in, reviewed and has left; `oldest` is how long the oldest one waits."""

    new: int
    reviewed: int
    waiting: int
    oldest: timedelta | None


@dataclass(frozen=True, slots=True)
class Daily:
    """One office's day. `labels` are (name, flagged, of these reviewed, of these confirmed); `criticism` is how many
    were rejected as criticism; `unchecked` counts texts that spread fast without a fact-check; `unseen` is what the
    office could not see. Times are aware, in the zone to print."""

    office: str
    day: date
    since: datetime
    until: datetime
    stage_today: str
    stage_tomorrow: str
    prominent: tuple[Prominent, ...]
    rises: tuple[Rise, ...]
    labels: tuple[tuple[str, int, int, int], ...]
    queue: Queue
    unseen: tuple[str, ...]
    criticism: int
    claims: tuple[Circulating, ...] = ()
    unchecked: int = 0
    sample: bool = False


def _shown_rises(daily: Daily) -> tuple[Rise, ...]:
    """The rises that count: at least five posts today, and more than the mean."""
    return tuple(rise for rise in daily.rises if rise.today >= FEW and rise.today > rise.mean)


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and its lines, of which the last ones may go; `total` is how many there were."""

    heading: str
    lines: tuple[str, ...]
    total: int

    def text(self) -> str:
        """The section as printed: what is missing is counted, nothing at all is said so."""
        if not self.total:
            return f"{self.heading}: " + _("Nil")
        missing = self.total - len(self.lines)
        more = ("… " + _("and {count} more").format(count=missing),) if missing else ()
        return "\n".join((self.heading, *self.lines, *more))


def daily_text(daily: Daily, limit: int = 1500) -> str:
    """The summary in at most `limit` characters (UTF-16 units too, which is how phones count).

    Too long, it loses lines, the least important first (_SHRINKING). Head, queue and "not seen" stay; with a limit
    under about 1,200 the end may be cut.
    """
    sections = _sections(daily)
    text = _joined(daily, sections)
    if units(text) > limit:
        sections = _sections(daily, links=False)
        text = _joined(daily, sections)
    for name, least in _SHRINKING:
        while units(text) > limit and len(sections[name].lines) > least:
            sections[name] = replace(sections[name], lines=sections[name].lines[:-1])
            text = _joined(daily, sections)
    return clip(text, limit)


def _joined(daily: Daily, sections: dict[str, _Section]) -> str:
    criticism = _("Rejected as criticism/aspiration") + f": {daily.criticism}"
    return "\n\n".join(
        (
            _head(daily),
            sections["prominent"].text(),
            sections["rises"].text(),
            sections["claims"].text(),
            f"{sections['labels'].text()}\n{criticism}",
            _bold(_("Queue")) + f": {_queue_words(daily.queue)}",
            sections["unseen"].text(),
        )
    )


def _head(daily: Daily) -> str:
    lines = [
        _bold(_("DAILY SUMMARY")),
        unmarked(daily.office, _LONG),
        day_words(daily.day),
        _("Covers {since} to {until}").format(since=moment_words(daily.since), until=moment_words(daily.until)),
        _("Stage today: {today}; tomorrow: {tomorrow}").format(
            today=unmarked(daily.stage_today, _MIDDLE) or _("Nil"),
            tomorrow=unmarked(daily.stage_tomorrow, _MIDDLE) or _("Nil"),
        ),
    ]
    if daily.sample:
        lines.insert(0, _bold(_("SAMPLE DATA")))
    return "\n".join(line for line in lines if line)


def _sections(daily: Daily, *, links: bool = True) -> dict[str, _Section]:
    prominent, rises = daily.prominent[:MAX_PROMINENT], _shown_rises(daily)
    labels, unseen, claims = daily.labels, daily.unseen, daily.claims[:MAX_CLAIMS]
    copies, unreviewed = _("number of copies: not yet reviewed"), _("not yet reviewed")
    return {
        "prominent": _Section(
            _bold(_("Prominent situations")) + f" ({copies})", tuple(map(_prominent_line, prominent)), len(prominent)
        ),
        "rises": _Section(
            _bold(_("Rising topics")) + f" ({unreviewed})", tuple(map(_rise_line, rises[:_MAX_LINES])), len(rises)
        ),
        "claims": _Section(
            _bold(_("Claims going round")) + (f" ({copies})" if claims else ""),
            (*_unchecked_lines(daily), *(_claim_line(claim, link=links) for claim in claims)),
            len(daily.claims) + len(_unchecked_lines(daily)),
        ),
        "labels": _Section(
            _bold(_("Flagged by indication")), tuple(map(_label_line, labels[:_MAX_LINES])), len(labels)
        ),
        "unseen": _Section(_bold(_("Not seen")), tuple(map(_unseen_line, unseen[:_MAX_LINES])), len(unseen)),
    }


def _prominent_line(item: Prominent) -> str:
    words = [unmarked(item.what, _LONG), unmarked(item.where, _MIDDLE), unmarked(item.when, _SHORT)]
    words += [
        _("source: {source}").format(source=unmarked(item.source, _MIDDLE) or "?"),
        _("verification: {status}").format(status=unmarked(item.status, _SHORT) or "?"),
        _("{copies} copies").format(copies=few(item.copies)),
    ]
    return "- " + "; ".join(word for word in words if word)


def _rise_line(rise: Rise) -> str:
    return "- " + _(
        "{topic}, {region}: {today} today, mean of 28 days {mean} ({ratio}); {accounts} accounts, {media} media"
    ).format(
        topic=unmarked(rise.topic, _SHORT),
        region=unmarked(rise.region, _SHORT),
        today=rise.today,
        mean=_mean_shown(rise),
        ratio=_ratio_shown(rise),
        accounts=unmarked(_accounts_shown(rise), _SHORT),
        media=rise.media,
    )


def _claim_line(claim: Circulating, *, link: bool) -> str:
    words = [
        unmarked(claim.claim, _LONG),
        _("fact-check: {status}").format(status=unmarked(claim.status, _MIDDLE) or "?"),
        _("{copies} copies").format(copies=few(claim.copies)),
        *([_plain_link(claim.link)] if link else []),
    ]
    return "- " + "; ".join(word for word in words if word)


def _unchecked_lines(daily: Daily) -> tuple[str, ...]:
    if not daily.unchecked:
        return ()
    return ("- " + _("texts that spread fast, no fact-check yet: {count}").format(count=daily.unchecked),)


def _plain_link(address: str) -> str:
    """A checker's address if it is a plain one: no account, nothing that WhatsApp would read as markup."""
    return address if len(address) <= _LONG and _LINK.fullmatch(address) else ""


def _label_line(label: tuple[str, int, int, int]) -> str:
    name, *counts = label
    return f"- {unmarked(name, _MIDDLE)}: " + _label_words(*counts)


def _unseen_line(line: str) -> str:
    return f"- {unmarked(line, _MIDDLE)}"


def _bold(text: str) -> str:
    return f"*{text}*"


def _accounts_shown(rise: Rise) -> str:
    """How many accounts, never fewer than five by number."""
    text = safe(rise.accounts)
    return few(int(text)) if text.isascii() and text.isdigit() and len(text) <= len("1000000000") else text


def _mean_shown(rise: Rise) -> str:
    """The mean with one decimal; a mean made of fewer than five posts is not told."""
    return "< " + decimal(0.2) if _is_new(rise) else decimal(rise.mean)


def _ratio_shown(rise: Rise) -> str:
    """How many times the mean, as in "3.2x"; no number where the 28 days before had fewer than five posts."""
    return _("not seen before") if _is_new(rise) else decimal(rise.today / rise.mean) + "x"


def _is_new(rise: Rise) -> bool:
    return rise.mean * MEAN_DAYS < FEW


def _label_words(flagged: int, reviewed: int, confirmed: int) -> str:
    """A label's figures, of which those that nobody reviewed are named."""
    words = _("{flagged} flagged, {reviewed} reviewed, {confirmed} meet the criteria").format(
        flagged=flagged, reviewed=reviewed, confirmed=confirmed
    )
    if flagged > reviewed:
        words += "; " + _("{count} not yet reviewed").format(count=flagged - reviewed)
    return words


def _queue_words(queue: Queue) -> str:
    """The review desk's day in one line."""
    words = _("{new} came in, {reviewed} reviewed, {waiting} not yet reviewed").format(
        new=queue.new, reviewed=queue.reviewed, waiting=queue.waiting
    )
    if queue.oldest is not None and queue.waiting:
        words += "; " + _("oldest {age}").format(age=age_words(queue.oldest))
    return words


def daily_sheets(daily: Daily) -> tuple[Sheet, ...]:
    """The same day as tables for a workbook; every page of sample data says so."""
    unreviewed = _("Figures counted by the machine: not yet reviewed")
    return (
        _sheet(daily, _("Summary"), (_("Subject"), _("Content")), _head_rows(daily)),
        _sheet(
            daily,
            _("Prominent situations"),
            (_("What"), _("Where"), _("When"), _("Source"), _("Verification"), _("Copies")),
            tuple(
                (*map(safe, (item.what, item.where, item.when, item.source, item.status)), _cell(item.copies))
                for item in daily.prominent[:MAX_PROMINENT]
            ),
            _("Number of copies: not yet reviewed"),
        ),
        _sheet(
            daily,
            _("Rising topics"),
            (_("Topic"), _("Region"), _("Today"), _("Mean of 28 days"), _("Times"), _("Accounts"), _("Media")),
            tuple(map(_rise_row, _shown_rises(daily))),
            unreviewed,
        ),
        _sheet(
            daily,
            _("Claims going round"),
            (_("Claim"), _("Fact-check status"), _("Link"), _("Copies"), _("Of these reviewed")),
            tuple(
                (safe(each.claim), safe(each.status), _plain_link(each.link), _cell(each.copies), _cell(each.reviewed))
                for each in daily.claims
            ),
            unreviewed,
        ),
        _sheet(
            daily,
            _("Flagged by indication"),
            (_("Indication"), _("Flagged"), _("Reviewed"), _("Meet the criteria"), _("Not yet reviewed")),
            tuple((safe(name), *counts, max(0, counts[0] - counts[1])) for name, *counts in daily.labels),
        ),
        _sheet(daily, _("Not seen"), (_("What could not be seen"),), tuple((safe(line),) for line in daily.unseen)),
    )


def _rise_row(rise: Rise) -> tuple[object, ...]:
    figures = (rise.today, _mean_shown(rise), _ratio_shown(rise), _accounts_shown(rise), rise.media)
    return (safe(rise.topic), safe(rise.region), *figures)


def _head_rows(daily: Daily) -> tuple[tuple[object, ...], ...]:
    queue = daily.queue
    return (
        (_("Office"), safe(daily.office)),
        (_("Day"), day_words(daily.day)),
        (_("Covered from"), moment_words(daily.since)),
        (_("Covered until"), moment_words(daily.until)),
        (_("Stage today"), safe(daily.stage_today) or _("Nil")),
        (_("Stage tomorrow"), safe(daily.stage_tomorrow) or _("Nil")),
        (_("Came in"), queue.new),
        (_("Reviewed"), queue.reviewed),
        (_("Not yet reviewed"), queue.waiting),
        (_("Oldest in the queue"), _("Nil") if queue.oldest is None else age_words(queue.oldest)),
        (_("Rejected as criticism/aspiration"), daily.criticism),
        (_("Texts that spread fast, no fact-check yet"), daily.unchecked),
    )


def _sheet(
    daily: Daily, title: str, columns: tuple[str, ...], rows: tuple[tuple[object, ...], ...], *notes: str
) -> Sheet:
    rows = rows or ((_("Nil"), *("" for _column in columns[1:])),)
    return Sheet(title, columns, rows, (*((_("SAMPLE DATA"),) if daily.sample else ()), *notes))


def _cell(count: int) -> object:
    return few(count) if 0 < count < FEW else count
