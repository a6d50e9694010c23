"""Claims from a file: a table with our own columns (data/claims/README.md), or schema.org ClaimReview as JSON-LD.

A file that has not changed since it landed is not read again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.core.claims import CHECKER_KINDS, MEDIA, RATINGS, ClaimReview
from pipeline.core.clock import Clock
from pipeline.core.config import Office
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ConfigError, ItemError
from pipeline.core.i18n import _
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.claim_review import found_of, reviews_in
from pipeline.sources.claims.maker import Found, ReviewMaker, address_of, place_of, unseen_notes
from pipeline.sources.claims.ratings import plain
from pipeline.sources.claims.state import Seen
from pipeline.sources.readers import open_table
from pipeline.sources.rows import BadRow, Row, Table, shown

MAX_FILE = 500_000_000  # bytes of a table, which is read row by row
MAX_JSON_LD = 50_000_000  # bytes of a JSON-LD file, which is read whole
_MAX_NODES = 5_000_000  # more objects than such a file can hold: of a file nothing is left out
_MAX_CELL = 20_000
_NAMES = {
    "url": "url tautan link alamat",
    "claim": "claim klaim",
    "rating": "rating penilaian",
    "original": "original verdict putusan hasil",
    "checker": "checker pemeriksa",
    "checker_kind": "checker_kind jenis_pemeriksa",
    "title": "title judul",
    "wording": "wording narasi",
    "reviewed_at": "reviewed_at tanggal date",
    "claimed_at": "claimed_at tanggal_klaim",
    "language": "language bahasa",
    "media": "media",
    "withdrawn": "withdrawn ditarik",
}
_COLUMNS = {plain(other): name for name, others in _NAMES.items() for other in others.split()}
_YES = frozenset({"true", "yes", "ya", "1", "benar", "y", "x"})
_NO = frozenset({"", "false", "no", "tidak", "0", "n", "none"})
_FORMULA = "=+-@＝＋－＠"  # what gets an apostrophe in our own CSV


class ClaimFile:
    """Reads one file; after `fetch` its `notes` name the columns that were not kept."""

    connector = "claims-file"

    def __init__(
        self,
        name: str,
        settings: ClaimSourceSettings,
        *,
        office: Office,
        state_dir: Path,
        clock: Clock,
    ) -> None:
        self.name = name
        self.notes: list[str] = []
        self._path, self._clock = Path(settings.path), clock
        self._maker = ReviewMaker(name, settings, office)
        self._state_path = state_dir / f"file-{name}.json"
        self._seen: Seen | None = None

    def fetch(self, since: datetime | None = None) -> Iterator[RawItem | Quarantined]:
        """Yield the rows or reviews; `since` is not asked, a file holds what somebody chose.

        Raises ConfigError if there is no such file or it holds no claims.
        """
        del since
        self.notes, now = [], self._clock()
        seen = self._seen = Seen(self._state_path, str(self._path))
        if not seen.is_new("file", self._state()):
            self.notes.append(_("{name} has not changed since the last time").format(name=shown(self._path)))
            return
        good = bad = 0
        for place, payload in self._payloads():
            if isinstance(payload, str):
                bad += 1
                yield Quarantined("claims", self.name, place, payload, now)
                continue
            raw = RawItem(self.name, self.connector, now, place, payload)
            try:
                self.parse(raw)
            except ItemError as error:
                bad += 1
                yield Quarantined("claims", self.name, place, str(error), now, payload)
                continue
            good += 1
            yield raw
        if not good:
            self.notes.insert(
                0, _("NOT ONE of {count} rows of {name} is a claim").format(count=bad, name=shown(self._path))
            )
        self.notes += unseen_notes(self._maker)

    def commit(self) -> None:
        """Remember that the file was read, once it has landed."""
        if self._seen is not None:
            self._seen.save()

    def parse(self, raw: RawItem) -> tuple[ClaimReview, ...]:
        """The review of a row; raises ItemError that names the column."""
        payload = raw.payload
        review = payload.get("review")
        if isinstance(review, dict):
            found = found_of(review, "", trust_number=True)
            return self._maker.reviews(raw, [replace(found, several=bool(payload.get("several")))])
        return self._maker.reviews(raw, [self._found(payload)])

    def _found(self, row: dict[str, Any]) -> Found:
        rating = _one_of("rating", RATINGS, row)
        if rating is None and row.get("rating") and not row.get("original"):
            row = row | {"original": row["rating"]}  # a verdict in words stands in the wrong column
        elif rating is None and row.get("rating"):
            raise ItemError(_wrong("rating", row["rating"], RATINGS))
        kind, media = _one_of("checker_kind", CHECKER_KINDS, row), _one_of("media", MEDIA, row)
        if kind is None and row.get("checker_kind"):
            raise ItemError(_wrong("checker_kind", row["checker_kind"], CHECKER_KINDS))
        if media is None and row.get("media"):
            raise ItemError(_wrong("media", row["media"], MEDIA))
        return Found(
            url=row.get("url", ""),
            claim=row.get("claim", ""),
            title=row.get("title", ""),
            verdict=row.get("original", ""),
            rating=rating,
            wording=row.get("wording", ""),
            reviewed=row.get("reviewed_at", ""),
            claimed=row.get("claimed_at", ""),
            language=row.get("language", ""),
            media=media,
            withdrawn=_is_true(row.get("withdrawn", "")),
            checker=row.get("checker", ""),
            checker_kind=kind or "",
            several=bool(row.get("several")),
        )

    def _state(self) -> dict[str, Any]:
        """What changes when the file does; raises ConfigError if it cannot be looked at or is too large."""
        try:
            state = self._path.stat()
        except (OSError, ValueError) as error:
            problem = (isinstance(error, OSError) and error.strerror) or type(error).__name__
            raise ConfigError(
                _("{name} cannot be read: {problem}").format(name=shown(self._path), problem=problem)
            ) from error
        if state.st_size > MAX_FILE:
            raise ConfigError(_("{path} is larger than {limit:,} bytes").format(path=shown(self._path), limit=MAX_FILE))
        return {"size": state.st_size, "time": state.st_mtime_ns}

    def _payloads(self) -> Iterator[tuple[str, dict[str, Any] | str]]:
        """Each row or review with its place; of one that cannot be read the reason."""
        reviews = _json_ld(self._path)
        if reviews:
            articles = Counter(_article(review) for review in reviews)
            for number, review in enumerate(reviews, start=1):
                several = articles[_article(review)] > 1
                yield f"review {number}", {"review": review} | ({"several": True} if several else {})
            return
        table = open_table(self._path)
        names = self._columns(table)
        rows = (row for row in table.rows() if not isinstance(row, BadRow))
        articles = Counter(_article(_payload(row, names)) for row in rows)
        for row in table.rows():
            if isinstance(row, BadRow):
                yield row.place, row.reason
                continue
            payload = _payload(row, names)
            several = articles[_article(payload)] > 1
            yield row[0], payload | ({"several": True} if several else {})

    def _columns(self, table: Table) -> dict[str, str]:
        """Which of the file's columns is which of ours; raises ConfigError if it has no address or nothing to check."""
        names = {column: _COLUMNS[plain(column)] for column in table.columns if plain(column) in _COLUMNS}
        if "url" not in names.values() or not {"claim", "title"} & set(names.values()):
            raise ConfigError(
                _(
                    "{name} has no columns url and claim (it has: {columns}); what belongs there stands in {readme}"
                ).format(name=table.name, columns=", ".join(table.columns[:20]), readme="data/claims/README.md")
            )
        others = [column for column in table.columns if column not in names and plain(column) not in _OURS]
        if others:
            self.notes.append(_("columns that are not kept: {columns}").format(columns=", ".join(others[:20])))
        return names


_OURS = frozenset({"claim id", "standing"})  # what `claims export` writes beside: made anew when it is read


def _payload(row: Row, names: dict[str, str]) -> dict[str, Any]:
    """The cells of our columns as text; of two columns for one thing the first that is filled."""
    payload: dict[str, Any] = {}
    for column, cell in row[1].items():
        name = names.get(column)
        if name is None or name in payload or cell is None or isinstance(cell, list | dict):
            continue
        text = cell.isoformat() if isinstance(cell, datetime) else str(cell)
        text = text[:_MAX_CELL].strip()
        if text[:1] == "'" and text[1:2] in _FORMULA:
            text = text[1:]
        if text:
            payload[name] = text
    return payload


def _article(row: dict[str, Any]) -> str:
    """What article a row or review is about; one that stands more than once has several claims."""
    return place_of(address_of(row.get("url", "")))


def _json_ld(path: Path) -> list[dict[str, Any]]:
    """The ClaimReview objects of a JSON file; none if it is no such file."""
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
            if b"ClaimReview" not in head or path.stat().st_size > MAX_JSON_LD:
                return []
            content = head + file.read()
    except OSError:
        return []
    try:
        document = json.loads(content.decode("utf-8-sig", "replace"), parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        return []
    return reviews_in(document, _MAX_NODES)


def _one_of(name: str, known: tuple[Any, ...], row: dict[str, Any]) -> Any:
    told = str(row.get(name, "")).strip().lower()
    return next((each for each in known if each == told), None)


def _wrong(name: str, told: object, known: tuple[str, ...]) -> str:
    return _('column {name} holds "{told}"; known are {known}').format(
        name=name, told=str(told)[:40], known=", ".join(known)
    )


def _is_true(told: str) -> bool:
    text = told.strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise ItemError(_wrong("withdrawn", told, ("true", "false")))
