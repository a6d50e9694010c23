"""The XLSX form for field reports (FKDM, Puskomin) and forwarded messages: its template, and reading it back.

There is no column for a sender, a group or an informant. Where the form has a list, only the list's words are kept:
a name typed there instead is left out and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pipeline.core.clock import Clock
from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.errors import ConfigError, KentonganError
from pipeline.core.i18n import _
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Post, Quarantined, RawItem
from pipeline.sources.delimited import looks_like_chat
from pipeline.sources.form_layout import SHEETS, Column, Sheet
from pipeline.sources.mappings import fold
from pipeline.sources.posts import PostMaker
from pipeline.sources.readers import open_table, sheet_names
from pipeline.sources.rows import BadRow, RestrictedFile, Table, plain_name, shown

REPEATED_NOTE = "diteruskan berkali-kali"  # stored with the post, so in one language
MAX_CELL = 300  # characters of any cell but the text


def write_template(path: Path, language: Literal["id", "en"]) -> None:
    """Write an empty form: a sheet of instructions and one sheet a kind, with lists to choose from."""
    from pipeline.sources.form_template import fill_template  # openpyxl takes a third of a second to load

    try:
        fill_template(language).save(path)
    except OSError as error:
        raise ConfigError(
            _("{name} cannot be written: {error}").format(name=shown(path), error=error.strerror)
        ) from error


def is_form(path: Path) -> bool:
    """Whether a file is this form; a file that cannot be read is none."""
    try:
        return path.suffix.lower() == ".xlsx" and bool(_sheets(path))
    except KentonganError:
        return False


def _sheets(path: Path) -> list[tuple[Sheet, Table, dict[str, Column]]]:
    """The form's sheets in a workbook, told by their columns, with the file's column name of each of ours."""
    found = []
    for title in sheet_names(path):
        try:
            table = open_table(path, sheet=title)
        except ConfigError:
            continue  # instructions, or a sheet of the office's own
        for sheet in SHEETS:
            columns = {name: column for name in table.columns if (column := sheet.column(fold(name))) is not None}
            fields = {column.field for column in columns.values()}
            if {column.field for column in sheet.columns if column.needed} <= fields:
                found.append((sheet, table, columns))
                break
    return found


class FormSource:
    """Reads a filled form; after `fetch`, `dropped` counts by column what was left out."""

    connector = "form"

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
        self._path = Path(settings.path)
        self._clock = clock
        self._maker = PostMaker(settings, pseudonyms, office, intake)
        self.mapping: dict[str, str] = {}
        self.dropped: Counter[str] = Counter()
        self.skipped: Counter[str] = Counter()
        self.refused = ""

    @property
    def notes(self) -> list[str]:
        """What was left out, for a person."""
        return [_("{count} rows not taken: {why}").format(count=n, why=why) for why, n in self.skipped.items()]

    def commit(self) -> None:
        """Nothing to remember: a file that was landed is known by what it holds."""

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield each filled row; one without its text, or with a whole chat in it, as Quarantined.

        Raises ConfigError if the file is not this form.
        """
        now = self._clock()
        self.dropped, self.skipped = Counter(), Counter()
        try:
            sheets = _sheets(self._path)
        except RestrictedFile as error:
            raise ConfigError(str(error)) from error
        if not sheets:
            raise ConfigError(
                _("{name} is not the report form; copy the rows into a new form").format(name=shown(self._path))
            )
        for sheet, table, columns in sheets:
            self.mapping |= {column.field: name for name, column in columns.items()}
            for row in table.rows():
                item = self._item(sheet, columns, row, now)
                published = self._maker.moment(item.payload)[0] if since is not None else None
                if since is not None and published is not None and published < since:
                    self.skipped["old"] += 1
                else:
                    yield item

    def _item(
        self, sheet: Sheet, columns: dict[str, Column], row: tuple[str, dict[str, object]] | BadRow, now: datetime
    ) -> RawItem | Quarantined:
        if isinstance(row, BadRow):
            return Quarantined("ingest", self.name, f"{sheet.kind} {row.place}", row.reason, now)
        place = f"{sheet.kind} {row[0]}"
        payload = self._payload(sheet, columns, row[1])
        if not payload.get("text"):
            return Quarantined(
                "ingest", self.name, place, _("the column of what happened, or of the text, is empty"), now
            )
        if looks_like_chat(payload["text"]):
            reason = _("a whole chat is not public; write the one message, without who sent it")
            return Quarantined("ingest", self.name, place, reason, now)
        return RawItem(self.name, self.connector, now, place, payload)

    def _payload(self, sheet: Sheet, columns: dict[str, Column], row: dict[str, object]) -> dict[str, Any]:
        """The form's own fields of a row, with the title that tells the place and how good the information is."""
        cells: dict[str, str] = {}
        for name, value in row.items():
            text = "" if value is None else str(value).strip()
            column = columns.get(name)
            kept = column.keep(text) if column else ""
            if kept:
                cells[column.field if column else ""] = kept if column and column.field == "text" else kept[:MAX_CELL]
            elif text:
                self.dropped[plain_name(name)] += 1
        area, _space, regency = cells.get("regency", "").partition(" ")
        if area.replace(".", "").isdigit():  # "61.04 Kab. ..." names the region by its code
            cells["region"], cells["regency"] = area, regency
        places = [cells[part] for part in ("village", "district", "regency") if cells.get(part)]
        value = cells.get("reliability", "") + cells.get("credibility", "")
        notes = [", ".join(places), value, REPEATED_NOTE if cells.get("repeated") == "yes" else ""]
        cells["title"] = " · ".join(note for note in notes if note)
        return {"kind": sheet.kind, "platform": "form", "visibility": "submitted"} | {
            k: v for k, v in cells.items() if v
        }

    def parse(self, raw: RawItem) -> Post:
        """Turn a row into a post; raises ItemError if it has no text."""
        return self._maker.post(raw)
