"""The gazetteer: provinces and kabupaten/kota, the names people give them, and the words that make a name a region."""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.resources import data_path
from pipeline.core.types import Region

Strength = Literal["plain", "capital", "cue", "verb", "level", "weak"]
"""What a name needs to count: nothing; a capital letter or a cue; a cue; a cue that no verb can follow; the word
kabupaten or kota or a body of it directly before; `weak` names always count, with a low confidence."""

WORD = re.compile(r"[^\W_]+")
_ISO = (
    "11 AC, 12 SU, 13 SB, 14 RI, 15 JA, 16 SS, 17 BE, 18 LA, 19 BB, 21 KR, 31 JK, 32 JB, 33 JT, 34 YO, 35 JI, 36 BT, "
    "51 BA, 52 NB, 53 NT, 61 KB, 62 KT, 63 KS, 64 KI, 65 KU, 71 SA, 72 ST, 73 SN, 74 SG, 75 GO, 76 SR, 81 MA, 82 MU, "
    "91 PA, 92 PB, 93 PS, 94 PT, 95 PE, 96 PD"
)
ISO_CODES = {code: f"ID-{letters}" for code, letters in (pair.split() for pair in _ISO.split(", "))}
"""Province code -> ISO 3166-2:ID code (as of November 2023, with the provinces that Papua was divided into)."""

_COLUMNS = ("code", "name", "base_name", "lat", "lon", "population")
_ALIAS_COLUMNS = ("alias", "codes", "strength", "note")
_CODE = re.compile(r"\d{2}(?:\.\d{2})?")


@dataclass(frozen=True, slots=True)
class Place:
    """A province ("32") or a kabupaten/kota ("32.73") by Kemendagri code; `lat`/`lon` in degrees of its centroid."""

    code: str
    name: str
    base_name: str
    lat: float
    lon: float
    population: int

    @property
    def level(self) -> Literal["province", "regency"]:
        """`regency` stands for kabupaten and kota alike."""
        return "province" if len(self.code) == 2 else "regency"

    @property
    def is_city(self) -> bool:
        """Whether it is a kota: their codes end in 71 and up."""
        return self.code[3:] >= "71"


@dataclass(frozen=True, slots=True)
class Name:
    """A name as lower-case tokens, the places that bear it, and what it needs to count as one of them."""

    tokens: tuple[str, ...]
    codes: tuple[str, ...]
    strength: Strength


@dataclass(frozen=True, slots=True)
class Contexts:
    """Lower-case words beside a name: see data/regions/contexts.toml."""

    city: frozenset[str]
    regency: frozenset[str]
    province: frozenset[str]
    body: frozenset[str]
    place: frozenset[str]
    not_before: frozenset[str]
    not_before_name: Mapping[str, frozenset[str]]
    not_after_name: Mapping[str, frozenset[str]]


class Gazetteer:
    """All places by code, and all names by their first token, the longest first."""

    def __init__(self, places: Iterable[Place], names: Iterable[Name], contexts: Contexts) -> None:
        self.places: dict[str, Place] = {place.code: place for place in places}
        self.contexts = contexts
        heads: dict[str, list[Name]] = {}
        for name in names:
            heads.setdefault(name.tokens[0], []).append(name)
        self.heads: dict[str, tuple[Name, ...]] = {
            head: tuple(sorted(found, key=lambda name: -len(name.tokens))) for head, found in heads.items()
        }

    @classmethod
    def load(cls, folder: Path | None = None) -> Gazetteer:
        """Read gazetteer.csv, aliases.csv and contexts.toml of the folder (default: the shipped one).

        Raises ConfigError naming the file and line or key that is wrong.
        """
        folder = folder or data_path("regions")
        places = {place.code: place for place in _read_places(folder / "gazetteer.csv")}
        names = {name.tokens: name for name in _base_names(places.values())}
        names |= {name.tokens: name for name in _read_aliases(folder / "aliases.csv", places)}
        return cls(places.values(), names.values(), _read_contexts(folder / "contexts.toml"))

    def region(
        self,
        code: str,
        confidence: float,
        how: Literal["mention", "source"] = "mention",
        spans: tuple[tuple[int, int], ...] = (),
    ) -> Region:
        """The place as a Region value."""
        place = self.places[code]
        return Region(code, place.name, place.level, confidence, how, spans)


@lru_cache(maxsize=1)
def shipped() -> Gazetteer:
    """The shipped gazetteer, read once a process."""
    return Gazetteer.load()


def tokens_of(text: str) -> tuple[str, ...]:
    """Lower-case words and numbers of a name."""
    return tuple(word.lower() for word in WORD.findall(text))


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(_("cannot read {path}: {error}").format(path=path, error=error)) from error
    reader = csv.DictReader(text.splitlines(), strict=True)
    if tuple(reader.fieldnames or ()) != columns:
        raise ConfigError(_("{path}: the columns must be {columns}").format(path=path, columns=", ".join(columns)))
    try:
        for number, row in enumerate(reader, start=2):
            if None in row or None in row.values():
                raise _wrong(path, number, _("not {count} columns").format(count=len(columns)))
            yield number, row
    except csv.Error as error:
        raise _wrong(path, reader.line_num, str(error)) from error


def _wrong(path: Path, line: int, what: str) -> ConfigError:
    return ConfigError(_("{path}, line {line}: {what}").format(path=path, line=line, what=what))


def _read_places(path: Path) -> Iterator[Place]:
    for number, row in _rows(path, _COLUMNS):
        if not _CODE.fullmatch(row["code"]) or not tokens_of(row["base_name"]):
            raise _wrong(path, number, _("the code must be like 32 or 32.73, and the base name not empty"))
        try:
            lat, lon, population = float(row["lat"]), float(row["lon"]), int(row["population"])
        except ValueError as error:
            raise _wrong(path, number, str(error)) from error
        yield Place(row["code"], row["name"], row["base_name"], lat, lon, population)


def _base_names(places: Iterable[Place]) -> Iterator[Name]:
    """Each base name with all places that bear it; aliases.csv regrades those that are also ordinary words."""
    codes: dict[tuple[str, ...], list[str]] = {}
    for place in places:
        codes.setdefault(tokens_of(place.base_name), []).append(place.code)
    return (Name(tokens, tuple(found), "plain") for tokens, found in codes.items())


def _read_aliases(path: Path, places: Mapping[str, Place]) -> Iterator[Name]:
    seen: set[tuple[str, ...]] = set()
    for number, row in _rows(path, _ALIAS_COLUMNS):
        tokens, codes = tokens_of(row["alias"]), tuple(row["codes"].split())
        unknown = [code for code in codes if code not in places]
        if unknown or not codes:
            raise _wrong(path, number, _("unknown region code {code}").format(code=", ".join(unknown) or "(empty)"))
        if row["strength"] not in get_args(Strength):
            known = ", ".join(get_args(Strength))
            raise _wrong(path, number, _("strength must be one of {known}").format(known=known))
        if not tokens or tokens in seen:
            raise _wrong(path, number, _("the alias {alias} is empty or stands twice").format(alias=row["alias"]))
        seen.add(tokens)
        strength: Strength = row["strength"]  # type: ignore[assignment]  # checked against the Literal above
        yield Name(tokens, codes, strength)


def _read_contexts(path: Path) -> Contexts:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8 or not TOML
        raise ConfigError(_("cannot read {path}: {error}").format(path=path, error=error)) from error

    def words(*keys: str) -> frozenset[str]:
        found: Any = table
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        if not isinstance(found, list) or not all(isinstance(word, str) and word == word.lower() for word in found):
            raise ConfigError(
                _("{path}: {key} must be a list of lower-case words").format(path=path, key=".".join(keys))
            )
        return frozenset(found)

    def by_name(key: str) -> dict[str, frozenset[str]]:
        found = table.get("not", {}).get(key)
        if not isinstance(found, dict):
            raise ConfigError(_("{path}: the table not.{key} is missing").format(path=path, key=key))
        return {name: words("not", key, name) for name in found}

    level = {key: words("level", key) for key in ("city", "regency", "province")}
    cue = {key: words("cue", key) for key in ("body", "place")}
    return Contexts(
        **level,
        **cue,
        not_before=words("not", "before"),
        not_before_name=by_name("before_name"),
        not_after_name=by_name("after_name"),
    )
