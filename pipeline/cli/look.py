"""classify, search, show: looking at texts and flags; nothing is written."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from pipeline import looking
from pipeline.cli.common import Actor, Call, acting, as_option, console, day_start, progress_bar, table, verb
from pipeline.core.batches import batched
from pipeline.core.codec import flag_to_dict
from pipeline.core.decisions import CLOSED
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.names import band_name, label_name, why_name, why_not_name
from pipeline.core.types import SHOWN_LABELS, Flag, Hit, Signal
from pipeline.ledger import items, verdicts
from pipeline.review.views import told_of
from pipeline.sources.readers import open_table
from pipeline.sources.rows import BadRow
from pipeline.workplace import Workplace

_BATCH = 1_000
_COUNTED = ("label", "topic", "region", "source", "status", "day")


@verb(
    "classify",
    _("The model alone: texts in, one JSON object a line out, in input order; nothing is stored."),
    "echo 'selamat pagi' | kentongan classify -",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@click.option("--column", default="", help=_("The text's column, if the file is CSV or JSON Lines."))
@click.option("--no-reasons", is_flag=True, help=_("Faster: no spans of the text."))
def classify(call: Call, file: str, column: str, no_reasons: bool) -> int:
    """Signals of the model and the threat rules."""
    place = call.workplace_without_home()
    with progress_bar() as progress:
        for batch in batched(_texts(file, column), _BATCH):
            scored = place.classifier.classify(batch, reasons=not no_reasons)
            ruled = place.threats.classify(batch, reasons=not no_reasons)
            for signals, rules in zip(scored, ruled, strict=True):
                click.echo(json.dumps(_classified((*signals, *rules), place.classifier.name, not no_reasons)))
            progress("classify", len(batch))
    return 0


@verb(
    "search",
    _('Search flags by words, "phrases", -not, field:value and dates.'),
    "kentongan search 'serangan fajar' wilayah:61",
)
@click.argument("words", nargs=-1)
@click.option("--since", default="", metavar="DAY", help=_("Published on or after this day."))
@click.option("--until", default="", metavar="DAY", help=_("Published before this day."))
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help=_("Hits on one page."))
@click.option("--after", default=None, metavar="TOKEN", help=_("The next page: the token that the last page gave."))
@click.option("--newest", is_flag=True, help=_("Newest first instead of most relevant first."))
@click.option("--facets", is_flag=True, help=_("Also count by label, topic, region, source, status and day."))
@as_option
def search(
    call: Call,
    words: tuple[str, ...],
    since: str,
    until: str,
    limit: int,
    after: str | None,
    newest: bool,
    facets: bool,
    as_name: str,
) -> int:
    """Find flags; audited."""
    place = call.workplace()
    actor = acting(call, place, as_name, "search")
    hide = actor.named and call.settings.review.hide_signals
    typed, days = " ".join(words), (day_start(since, call.settings), day_start(until, call.settings))
    query = looking.parse_query(place, typed, *days)
    if actor.named:
        query, notes = looking.openly(query, hide=hide)
        for note in notes:
            click.echo(note, err=True)
    query = looking.within(query, actor.offices)
    looking.note_search(place, actor.id, actor.offices, typed)
    page = place.store.search(query, limit=limit, after=after, order="newest" if newest else "relevance")
    counted = [field for field in _COUNTED if not (hide and field in looking.INDICATIONS)]
    found = place.store.facets(query, counted) if facets else {}
    if actor.named:
        page = replace(page, hits=tuple(_told(hit, hide=hide) for hit in page.hits))
    value = {
        "total": page.total,
        "next": page.next,
        "hits": [{"snippet": hit.snippet, "marks": hit.marks, **_values(hit.flag, actor)} for hit in page.hits],
        "facets": found,
    }
    call.show(value, _hits(page.hits, page.total), *(_facet(name, counts) for name, counts in found.items() if counts))
    if not page.total and not call.as_json:
        click.echo(
            _("Nothing found. It was read as: {query}").format(query=looking.explain_query(place, query)), err=True
        )
    if page.next and not call.as_json:
        click.echo(_("More: add --after {token}").format(token=page.next), err=True)
    return 0


@verb("show", _("One post, and why it was or was not flagged."), "kentongan show x~1f2e3d4c5b6a79880716")
@click.argument("flag_id", metavar="ID")
@as_option
def show(call: Call, flag_id: str, as_name: str) -> int:
    """Explain one post; audited."""
    place = call.workplace()
    actor = acting(call, place, as_name, "read")
    found = looking.find(place, flag_id)
    if found is None or found.post.office not in actor.offices or (actor.named and _is_closed(place, found)):
        raise ConfigError(
            _("there is no post {id} in the index or in derived/; it may be past its time").format(id=flag_id)
        )
    looking.note_read(place, actor.id, found)
    blind = actor.named and bool(found.why)  # what no rule flagged waits for nobody's decision
    with place.ledger.read() as db:
        hide = blind and looking.hides(place, actor.id, verdicts.history(db, flag_id))
    shown = told_of(found, hide=hide) if blind else found
    call.show(_values(shown, actor) if blind else flag_to_dict(shown))
    if not call.as_json:
        _explain(shown, hide=hide)
    return 0


VERBS = (classify, search, show)


def _told(hit: Hit, *, hide: bool) -> Hit:
    return replace(hit, flag=told_of(hit.flag, hide=hide, listed=True))


def _values(flag: Flag, actor: Actor) -> dict[str, Any]:
    """A flag as JSON; a reviewer gets bands as on the desk, and no score, threshold or reason for its coming."""
    value = flag_to_dict(flag)
    if not actor.named:
        return value
    for name in ("why_not", "sample_probability"):
        del value[name]
    value["signals"] = [
        {
            "label": signal.label,
            "band": signal.band,
            "model": signal.model,
            "reasons": [{"start": reason.start, "end": reason.end} for reason in signal.reasons],
        }
        for signal in flag.signals
    ]
    value["claims"] = [{name: each[name] for name in each if name != "score"} for each in value["claims"]]
    return value


def _is_closed(place: Workplace, flag: Flag) -> bool:
    """Whether the desk shows its text no more, though derived/ may still have it."""
    with place.ledger.read() as db:
        known = items.known(db, [flag.id], [flag.post.office], place.clock())
    return any(item.status in CLOSED for item in known.values())


def _texts(name: str, column: str) -> Iterator[str]:
    """One text a line, or the column of any file that `run` reads too; a row that cannot be read is an error."""
    if not column:
        with click.open_file(name, encoding="utf-8-sig", errors="surrogateescape") as file:
            yield from (line.rstrip("\r\n") for line in file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(name)
        if name == "-":
            path = Path(folder) / "stdin"
            path.write_bytes(sys.stdin.buffer.read())
        yield from _column(path, column)


def _column(path: Path, column: str) -> Iterator[str]:
    table = open_table(path)
    if column not in table.columns:
        raise ConfigError(
            _('there is no column "{column}"; the file has {names}').format(
                column=column, names=", ".join(table.columns)
            )
        )
    for row in table.rows():
        if isinstance(row, BadRow):
            raise ConfigError(_("{place} cannot be read: {reason}").format(place=row.place, reason=row.reason))
        value = row[1].get(column)
        yield "" if value is None else str(value)


def _classified(signals: tuple[Signal, ...], model: str, with_reasons: bool) -> dict[str, Any]:
    value: dict[str, Any] = {
        "labels": {
            signal.label: {
                "score": round(signal.score, 4),
                "threshold": round(signal.threshold, 4),
                "over": signal.over,
            }
            for signal in signals
        },
        "model": model,
    }
    if with_reasons:
        value["reasons"] = [
            {"label": s.label, "start": r.start, "end": r.end, "weight": round(r.weight, 3)}
            for s in signals
            for r in s.reasons
        ]
    return value


def _hits(hits: tuple[Hit, ...], total: int) -> Table:
    heading = _("1 post found") if total == 1 else _("{count} posts found").format(count=f"{total:,}")
    made = Table(title=heading, title_justify="left", header_style="bold")
    for column in (_("Published"), _("Indications and topics"), _("Regions"), _("Text"), "ID"):
        made.add_column(column, overflow="fold")
    for hit in hits:
        flag = hit.flag
        when = flag.post.published_at or flag.post.fetched_at
        labels = [label_name(s.label) for s in flag.signals if s.over and s.label in SHOWN_LABELS]
        regions = [region.name for region in flag.regions if region.how == "mention"]
        snippet = Text(hit.snippet)
        for start, end in hit.marks:
            snippet.stylize("bold reverse", start, end)
        made.add_row(
            f"{when:%Y-%m-%d}",
            Text("; ".join([*labels, *(topic.name for topic in flag.topics)])),
            Text(", ".join(regions) or _("unknown")),
            snippet,
            Text(flag.id),
        )
    return made


def _facet(name: str, counts: dict[str, int]) -> Table:
    titles = {
        "label": _("By indication"),
        "topic": _("By topic"),
        "region": _("By region"),
        "source": _("By source"),
        "status": _("By status"),
        "day": _("By day"),
    }
    made = table(titles[name], "", _("Count"))
    for value, number in counts.items():
        made.add_row(label_name(value) if name == "label" else value, f"{number:,}")
    return made


def _explain(flag: Flag, *, hide: bool) -> None:
    """Text with the reasons marked, then each indication in three bands, and why it is or is not a flag."""
    post, out = flag.post, console()
    text = Text(post.text)
    for signal in flag.signals:
        for reason in signal.reasons if signal.over else ():
            text.stylize("bold underline", reason.start, reason.end)
    out.print(
        Text(f"{post.id}  {post.source}  {post.published_at or post.fetched_at:%Y-%m-%d %H:%M} UTC  {post.stage}")
    )
    if post.title:
        out.print(Text(post.title, style="bold"))
    out.print(text)
    out.print(Text(_("The model's indications are shown after your decision.")) if hide else _indications(flag))
    for region in flag.regions:
        how = _("named") if region.how == "mention" else _("only the source suggests it")
        words = ", ".join(repr(post.text[start:end]) for start, end in region.spans)
        out.print(Text(_("Region: {name} ({how}) {words}").format(name=region.name, how=how, words=words)))
    for topic in flag.topics:
        words = ", ".join(repr(post.text[start:end]) for start, end in topic.spans)
        out.print(Text(_("Topic: {name} {words}").format(name=topic.name, words=words)))
    if flag.why:
        out.print(Text(_("Flagged because of: {why}").format(why="; ".join(map(why_name, flag.why))), style="bold"))
    if flag.why_not:
        reasons = "; ".join(map(why_not_name, flag.why_not))
        out.print(Text(_("Not flagged for: {why_not}").format(why_not=reasons), style="bold"))
    out.print(Text(_("Cluster: {cluster}").format(cluster=flag.cluster or flag.id)))


def _indications(flag: Flag) -> Table:
    made = Table(title=_("Indications"), title_justify="left", header_style="bold")
    for column in (_("Indication"), _("Band"), _("Words that say so"), _("Who says so")):
        made.add_column(column, overflow="fold")
    for signal in flag.signals:
        if signal.label in ("hate_speech", "hoax_style"):
            continue  # DOMAIN 3.1: the dataset's wide sense is never shown, and style only orders a queue
        words = ", ".join(repr(flag.post.text[r.start : r.end]) for r in signal.reasons)
        made.add_row(label_name(signal.label), band_name(signal.band), Text(words), signal.model)
    return made
