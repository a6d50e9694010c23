"""The election's steps (tahapan): which one a moment falls into, by a calendar that the office edits."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from pathlib import Path
from typing import Any

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.resources import data_path
from pipeline.core.types import Region

EVERYWHERE = "*"

_ELECTION_KEYS = frozenset({"code", "name_id", "name_en", "source", "steps"})
_STEP_KEYS = frozenset({"code", "name_id", "name_en", "from", "to", "scope"})
_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_SCOPE = re.compile(r"\*|\d{2}(?:\.\d{2})?")


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an election: `code` is "election/step"; both days count, in the office's zone."""

    code: str
    name_id: str
    name_en: str
    first: date
    last: date
    scope: tuple[str, ...]

    def covers(self, day: date, regions: Iterable[str]) -> bool:
        """Whether the step runs on that day in one of the regions (any region for the scope "*")."""
        if not self.first <= day <= self.last:
            return False
        return EVERYWHERE in self.scope or any(_within(code, area) for code in regions for area in self.scope)


@dataclass(frozen=True, slots=True)
class Calendar:
    """All steps, in the order in which they are tried: the shortest first, then as written."""

    steps: tuple[Step, ...]

    def step(self, code: str) -> Step | None:
        """The step with that code, or None."""
        return next((step for step in self.steps if step.code == code), None)


def stage_at(moment: datetime, regions: Iterable[Region], calendar: Calendar, zone: tzinfo) -> str:
    """The code of the step at that moment (aware) in those regions; "" if there is none.

    The day is the office's. Of overlapping steps the shortest wins, so that polling day is not lost in the count.
    """
    day = moment.astimezone(zone).date()
    codes = tuple(region.code for region in regions)
    return next((step.code for step in calendar.steps if step.covers(day, codes)), "")


def load_calendar(path: Path | None = None) -> Calendar:
    """Read a calendar (default: the shipped one); raises ConfigError naming the file and key that is wrong."""
    path = path or data_path("calendar.toml")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(_("cannot read the calendar {path}: {error}").format(path=path, error=error)) from error
    except ValueError as error:  # not UTF-8 or not TOML
        raise ConfigError(_("the calendar {path} is no valid TOML: {error}").format(path=path, error=error)) from error
    reader = _Reader(path)
    reader.check_keys(table, frozenset({"elections"}), "")
    steps = [
        step
        for number, election in enumerate(reader.tables(table, "elections", ""))
        for step in reader.election(election, f"elections[{number}]")
    ]
    seen: set[str] = set()
    for step in steps:
        if step.code in seen:
            raise reader.wrong("elections", _("the step {code} stands twice").format(code=step.code))
        seen.add(step.code)
    return Calendar(tuple(sorted(steps, key=lambda step: step.last - step.first)))


class _Reader:
    """Checks the tables of one calendar file; every error names the key."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def wrong(self, key: str, what: str) -> ConfigError:
        return ConfigError(_("calendar {path}, {key}: {what}").format(path=self._path, key=key, what=what))

    def check_keys(self, table: Mapping[str, Any], known: frozenset[str], place: str) -> None:
        for key in table:
            if key not in known:
                near = difflib.get_close_matches(key, sorted(known), n=1, cutoff=0.0)[0]
                raise self.wrong(_join(place, key), _("unknown key; did you mean {near}?").format(near=near))

    def tables(self, table: Mapping[str, Any], key: str, place: str) -> list[dict[str, Any]]:
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
            raise self.wrong(_join(place, key), _("must be a list of tables"))
        return found

    def election(self, table: Mapping[str, Any], place: str) -> list[Step]:
        self.check_keys(table, _ELECTION_KEYS, place)
        code = self._code(table, place)
        for key in ("name_id", "name_en", "source"):
            self._text(table, key, place)
        steps = self.tables(table, "steps", place)
        return [self._step(step, code, f"{place}.steps[{number}]") for number, step in enumerate(steps)]

    def _step(self, table: Mapping[str, Any], election: str, place: str) -> Step:
        self.check_keys(table, _STEP_KEYS, place)
        first, last = self._date(table, "from", place), self._date(table, "to", place)
        if last < first:
            raise self.wrong(_join(place, "to"), _("is before `from`"))
        name_id, name_en = self._text(table, "name_id", place), self._text(table, "name_en", place)
        code = f"{election}/{self._code(table, place)}"
        return Step(code, name_id, name_en, first, last, self._scope(table, place))

    def _text(self, table: Mapping[str, Any], key: str, place: str) -> str:
        value = table.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(_join(place, key), _("must be a text"))
        return value

    def _code(self, table: Mapping[str, Any], place: str) -> str:
        value = self._text(table, "code", place)
        if not _CODE.fullmatch(value):
            raise self.wrong(_join(place, "code"), _("must be small letters, digits and hyphens, like masa-tenang"))
        return value

    def _date(self, table: Mapping[str, Any], key: str, place: str) -> date:
        value = table.get(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.wrong(_join(place, key), _("must be a date like 2024-11-27, without quotation marks"))
        return value

    def _scope(self, table: Mapping[str, Any], place: str) -> tuple[str, ...]:
        value = table.get("scope")
        if not isinstance(value, list) or not value:
            raise self.wrong(_join(place, "scope"), _('must be a list like ["*"] or ["61", "61.01"]'))
        for code in value:
            if not isinstance(code, str) or not _SCOPE.fullmatch(code):
                raise self.wrong(_join(place, "scope"), _("{code} is no region code").format(code=code))
        return tuple(value)


def _join(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _within(code: str, area: str) -> bool:
    """Whether the region is the area or a kabupaten/kota of it.

    Not the other way round: every named kabupaten/kota brings its province, which says nothing of its neighbours.
    """
    return code == area or code.startswith(area + ".")
