"""A file of posts that some tool exported: allow-listed columns in, raw items out, authors already pseudonyms.

The file is read twice as a stream: first to count accounts (a file about one person is refused whole), then to give
its rows. Of columns that are not mapped only the names and the numbers of values are kept.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.core.clock import Clock
from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Post, Quarantined, RawItem
from pipeline.sources.mappings import Columns, find_columns, is_telegram
from pipeline.sources.platforms import NAMES, platform_name, read_address
from pipeline.sources.posts import OPEN, PostMaker
from pipeline.sources.readers import open_table
from pipeline.sources.rows import BadRow, RestrictedFile, Table, plain_name, shown, unreadable

MAX_DROPPED = 300  # names of dropped columns that are counted one by one
SHORT_FIELDS = ("title", "id", "url", "visibility", "region", "language")
MAX_FIELD = 2_000  # characters of any field but the text
MAX_ACCOUNT = 200  # characters of an account's name
COUNTED_ACCOUNTS = 20_000  # accounts counted exactly; beyond it the shares are too low by at most 1/20,000

# What a row may call itself; only forms and the settings make field reports and forwarded messages.
_KINDS = {
    "post": "post",
    "tweet": "post",
    "unggahan": "post",
    "comment": "comment",
    "komentar": "comment",
    "balasan": "comment",
    "reply": "comment",
    "news": "news",
    "berita": "news",
    "artikel": "news",
    "article": "news",
}
_YES = frozenset({"true", "1", "yes", "ya", "y", "t"})
_SURROGATE = re.compile("[\ud800-\udfff]")


class ExportSource:
    """Reads one exported file; after `fetch` its attributes say how it was read.

    `mapping`: our field -> columns, and `mapping_name` the ready one ("names" if guessed by column names);
    `dropped`: column -> number of values that were left out; `skipped`: why -> number of rows that were not taken;
    `cut`: texts over the limit; `refused`: why the whole file was refused, if it was.
    """

    connector = "export"

    def __init__(
        self,
        name: str,
        settings: SourceSettings,
        *,
        pseudonyms: Pseudonyms,
        office: Office,
        intake: Intake,
        clock: Clock,
    ) -> None:
        self.name = name
        self._settings = settings
        self._pseudonyms = pseudonyms
        self._intake = intake
        self._clock = clock
        self._maker = PostMaker(settings, pseudonyms, office, intake)
        self._columns = Columns("", {})
        self._telegram, self._chat = False, ""
        self._short_fields: tuple[str, ...] = ()
        self._names: dict[str, str] = {}
        self.mapping: dict[str, str] = {}
        self.mapping_name = ""
        self.dropped: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.cut = 0
        self.refused = ""

    @property
    def skipped_old(self) -> int:
        """Rows that were published before the `since` of the last fetch."""
        return self.skipped["old"]

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield the file's rows; one Quarantined for the file if it is refused whole, one for each row that is broken.

        Raises ConfigError if the file cannot be read or no text column is known.
        """
        path = Path(self._settings.path)
        now = self._clock()
        self.dropped, self.skipped, self._names, self.cut, self.refused = Counter(), Counter(), {}, 0, ""
        try:
            table = self._open(path)
            self._refuse_one_person(table)
        except RestrictedFile as error:
            self.refused = str(error)
            yield Quarantined("ingest", self.name, shown(path), self.refused, now)
            return
        except OSError as error:
            raise unreadable(path, error.strerror or type(error).__name__) from error
        yield from self._items(table, since, now)

    def _items(self, table: Table, since: datetime | None, now: datetime) -> Iterator[RawItem | Quarantined]:
        rows = table.rows()
        while True:
            try:
                row = next(rows, None)
            except OSError as error:
                raise unreadable(Path(table.name), error.strerror or type(error).__name__) from error
            if row is None:
                return
            if isinstance(row, BadRow):
                yield Quarantined("ingest", self.name, row.place, row.reason, now)
                continue
            payload = self._payload(row[1], since)
            if payload is not None:
                yield RawItem(self.name, self.connector, now, row[0], payload)

    @property
    def notes(self) -> list[str]:
        """How the columns were read, and what was left out, for a person."""
        columns = ", ".join(f"{field} <- {column}" for field, column in self.mapping.items())
        how = _("guessed by their names") if self.mapping_name == "names" else self.mapping_name
        notes = [_("columns ({how}): {columns}").format(how=how, columns=columns)] if columns else []
        notes += [_("{count} rows not taken: {why}").format(count=n, why=why) for why, n in self.skipped.items()]
        if self.cut:
            notes.append(_("{count} texts were too long and were cut").format(count=self.cut))
        return notes

    def commit(self) -> None:
        """Nothing to remember: a file that was landed is known by what it holds."""

    def _open(self, path: Path) -> Table:
        table = open_table(path)
        self._telegram = self._settings.mapping == "telegram" or is_telegram(table.columns)
        if self._telegram:
            _refuse_private_chat(table)
        columns = find_columns(table.columns, self._settings.mapping, self._settings.columns, table.name)
        self._columns, self.mapping, self.mapping_name = columns, columns.shown(), columns.name
        self._chat = table.meta.get("id", "")
        self._short_fields = tuple(field for field in SHORT_FIELDS if field in columns.fields)
        return table

    def _refuse_one_person(self, table: Table) -> None:
        """Count the accounts of the whole file before any row leaves it (DOMAIN, section 4.3)."""
        counts: Counter[str] = Counter()
        rows = 0
        for row in table.rows():
            if isinstance(row, BadRow):
                continue
            rows += 1
            accounts = self._accounts(row[1])
            if accounts and not any(map(self._pseudonyms.is_institution, accounts)):
                counts[accounts[0].casefold()] += 1
                if len(counts) > COUNTED_ACCOUNTS:  # Misra and Gries 1982: bounded memory, no heavy account is lost
                    counts = Counter({account: count - 1 for account, count in counts.items() if count > 1})
        most = max(counts.values(), default=0)
        if rows >= self._intake.one_person_rows and most > self._intake.one_person_share * rows:
            raise RestrictedFile(
                _(
                    "a source about one person: one account wrote {most} of {rows} rows; "
                    "collect by area or topic, or list the account if it is an institution's"
                ).format(most=most, rows=rows)
            )

    def _take(self, row: dict[str, object], field: str) -> str:
        """The first cell of the field's columns that is not empty, as text."""
        for column in self._columns.fields.get(field, ()):
            value = row.get(column)
            if value is not None and value != "":
                text = _text(value).strip()
                if text:
                    return text
        return ""

    def _accounts(self, row: dict[str, object]) -> list[str]:
        """The names of the account that wrote a row, if it is not news; of its address where there is no column."""
        if self._telegram or self._kind(row) == "news":
            return []
        columns = self._columns.fields.get("author", ())
        names = [text for column in columns if (text := _text(row.get(column)).strip()[:MAX_ACCOUNT])]
        if names:
            return names
        account = read_address(self._take(row, "url")).account
        return [account] if account else []

    def _kind(self, row: dict[str, object]) -> str:
        fields = self._columns.fields
        told = _KINDS.get(self._take(row, "kind").casefold()) if "kind" in fields else None
        own = self._settings.item_kind or self._columns.kind
        if told or own or "platform" not in fields:
            return told or own or "post"
        return "news" if platform_name(self._take(row, "platform")) == "web" else "post"

    def _payload(self, row: dict[str, object], since: datetime | None) -> dict[str, Any] | None:
        """The allow-listed fields of a row; None (and counted) if it is not public, too old or no post."""
        self._count_dropped(row)
        payload: dict[str, Any] = {}
        for field in self._short_fields:
            value = self._take(row, field)
            if value:
                payload[field] = value[:MAX_FIELD]
        text, published = self._take(row, "text"), self._published(row)
        payload |= {"text": self._bounded(text), "kind": self._kind(row), "platform": self._platform(row, payload)}
        if published:
            payload["published_at"] = published
        if self._columns.zone:
            payload["zone"] = self._columns.zone
        why_not = self._why_not(row, payload, since)
        if why_not:
            self.skipped[why_not] += 1
            return None
        if self._telegram and self._chat and "id" in payload:
            payload["id"] = f"{self._chat}/{payload['id']}"
        self._add_author(payload, self._accounts(row))
        return payload

    def _why_not(self, row: dict[str, object], payload: dict[str, Any], since: datetime | None) -> str:
        told = payload.get("visibility", "")
        if told and told.casefold() not in OPEN:
            return "restricted"  # an unknown word for who may see it is not taken for "everybody"
        if any(_text(row.get(column)).casefold() in _YES for column in self._columns.protected):
            return "restricted"
        if "url" in payload and read_address(payload["url"]).private:
            return "restricted"
        if self._telegram and (row.get("type") != "message" or not payload["text"]):
            return "no post"  # "channel created", or a picture alone
        if since is not None:
            published = self._maker.moment(payload)[0]
            return "old" if published is not None and published < since else ""
        return ""

    def _published(self, row: dict[str, object]) -> str:
        if not self._columns.day_and_time:
            return self._take(row, "published_at")[:100]
        day, hour = (_text(row.get(column)).strip() for column in self._columns.fields["published_at"])
        if len(hour) > 12 or not day:  # the column of the hour holds the day, too
            return hour[:100]
        return f"{day.removesuffix('T00:00:00')} {hour}".strip()[:100]

    def _bounded(self, text: str) -> str:
        if len(text) <= self._intake.max_text:
            return text
        self.cut += 1
        return text[: self._intake.max_text]

    def _platform(self, row: dict[str, object], payload: dict[str, Any]) -> str:
        told = platform_name(self._take(row, "platform")) if "platform" in self._columns.fields else ""
        by_address = read_address(payload["url"]).platform if "url" in payload else ""
        if told in NAMES.values():
            return told
        return by_address or self._settings.platform or self._columns.platform or told

    def _add_author(self, payload: dict[str, Any], accounts: list[str]) -> None:
        """The account as a key, or by its name if it is an institution's; it goes no further than here."""
        institution = next(filter(self._pseudonyms.is_institution, accounts), None)
        if institution is not None:
            payload["institution"] = institution.strip().lstrip("@").casefold()
        elif accounts:
            payload["author_key"] = self._pseudonyms.author_key(self.name, accounts[0])

    def _count_dropped(self, row: dict[str, object]) -> None:
        used, names = self._columns.used, self._names
        for column, value in row.items():
            if column not in used and value is not None and value != "":
                name = names.get(column)
                if name is None:
                    name = plain_name(column) if len(names) < MAX_DROPPED else "..."
                    if len(names) < MAX_DROPPED:
                        names[column] = name
                self.dropped[name] += 1

    def parse(self, raw: RawItem) -> Post:
        """Turn a row into a post; raises ItemError if it has no text."""
        return self._maker.post(raw)


def _refuse_private_chat(table: Table) -> None:
    """Of Telegram only what is known to be a public channel is taken; groups are not public to their members."""
    chat = table.meta.get("type", "")
    if chat != "public_channel":
        raise RestrictedFile(
            _('Telegram chat of type "{type}": only exports of public channels are taken').format(
                type=plain_name(chat) or _("unknown")
            )
        )


def _text(value: object) -> str:
    """A cell as text that can be written as UTF-8; of Telegram's lists of entities the texts in order."""
    if isinstance(value, str):
        return value if value.isascii() or not _SURROGATE.search(value) else _SURROGATE.sub("\ufffd", value)
    if value is None or isinstance(value, dict):
        return ""
    if isinstance(value, list):
        parts = (part.get("text") if isinstance(part, dict) else part for part in value)
        return "".join(_text(part) for part in parts if isinstance(part, str))
    return str(value)
