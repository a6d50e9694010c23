"""The fields of an index's mapping: which there are, of which type, and what they may be used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

_NUMBERS = frozenset(
    "byte short integer long unsigned_long half_float float double scaled_float".split(),
)
_DATES = frozenset({"date", "date_nanos"})
_WORDS = frozenset({"keyword", "constant_keyword", "wildcard", "boolean", "ip", "version"})
_TEXTS = frozenset({"text", "match_only_text", "search_as_you_type"})

USES = {
    "date": _DATES,
    "terms": _WORDS | _NUMBERS,
    "number": _NUMBERS,
    "extreme": _NUMBERS | _DATES,
    "value": _WORDS | _NUMBERS | _DATES,
    "geo": frozenset({"geo_point"}),
    "sort": _WORDS | _NUMBERS | _DATES,
    "compare": _NUMBERS | _DATES,
    "search": _WORDS | _NUMBERS | _DATES | _TEXTS,
    "show": _WORDS | _NUMBERS | _DATES | _TEXTS | {"geo_point"},
}
"""What a field can be used for, and which types it must then have."""

_FROM_COLUMNS = frozenset({"date", "terms", "number", "extreme", "value", "geo", "sort"})
_FROM_INDEX = frozenset({"search", "compare"})
_ALIAS = "alias of "


@dataclass(frozen=True, slots=True)
class Field:
    """One field: its type, whether it can be searched and counted, and whether it lies in a nested object."""

    name: str
    type: str
    searchable: bool = True
    countable: bool = True
    nested: bool = False

    def fits(self, use: str) -> bool:
        """Whether the field can be used so (a key of USES)."""
        if self.nested or self.type not in USES[use]:
            return False
        if use in _FROM_COLUMNS and not self.countable:
            return False
        return self.searchable or use not in _FROM_INDEX


class Fields:
    """All fields of a mapping, multi-fields and aliases among them."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        found = {field.name: field for field in _walk(_properties(mapping), "", nested=False)}
        for field in list(found.values()):
            if field.type.startswith(_ALIAS) and (meant := found.get(field.type.removeprefix(_ALIAS))):
                found[field.name] = replace(meant, name=field.name)
        self._by_name = found

    def __iter__(self) -> Iterator[Field]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Field | None:
        """The field of that name."""
        return self._by_name.get(name)

    def like(self, pattern: str) -> list[Field]:
        """The fields that a name with `*` stands for."""
        return [field for name, field in self._by_name.items() if fnmatchcase(name, pattern)]


def _properties(mapping: Mapping[str, Any]) -> Mapping[str, Any]:
    """The properties, whether this is a component template, an answer of `_mapping` or the mapping itself."""
    for key in ("template", "mappings"):
        mapping = mapping.get(key, mapping)
    found: Mapping[str, Any] = mapping.get("properties", {})
    return found


def _walk(properties: Mapping[str, Any], before: str, *, nested: bool) -> Iterator[Field]:
    for name, said in properties.items():
        full = f"{before}{name}"
        kind = said.get("type", "object")
        if kind == "alias":
            yield Field(full, f"{_ALIAS}{said['path']}", searchable=False, countable=False, nested=nested)
        elif kind in ("object", "nested"):
            inside = nested or kind == "nested"
            yield Field(full, kind, searchable=False, countable=False, nested=inside)
            if said.get("enabled", True):
                yield from _walk(said.get("properties", {}), f"{full}.", nested=inside)
        else:
            yield _leaf(full, kind, said, nested)
            for part, other in said.get("fields", {}).items():
                yield _leaf(f"{full}.{part}", other["type"], other, nested)


def _leaf(name: str, kind: str, said: Mapping[str, Any], nested: bool) -> Field:
    countable = said.get("doc_values", kind not in _TEXTS)
    return Field(name, kind, said.get("index", True), countable, nested)
