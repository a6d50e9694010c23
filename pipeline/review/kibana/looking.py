"""Looking at one saved object: what was found wrong with it, which fields it uses and how, what its queries ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.i18n import _
from pipeline.review.kibana import kql
from pipeline.review.kibana.fields import Fields

_LEAVES = ("match", "match_phrase", "term", "terms", "range", "prefix", "wildcard")


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, in which object and where in it."""

    object: str
    place: str
    says: str


@dataclass(slots=True)
class Looking:
    """The findings about one object; `used` are all fields that it names, `asked` all questions of its queries."""

    id: str
    fields: Fields
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    asked: list[kql.Clause] = field(default_factory=list)

    def problem(self, place: str, says: str) -> Problem:
        """A problem of this object."""
        return Problem(self.id, place, says)

    def add(self, place: str, says: str) -> None:
        """Note a problem."""
        self.problems.append(self.problem(place, says))

    def inner(self, attributes: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The JSON object that stands inside a text attribute; empty (and a problem) if there is none."""
        found = _json(attributes.get(name))
        if not isinstance(found, dict):
            self.add(name, _("is no JSON object"))
            return {}
        return found

    def inner_list(self, attributes: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
        """The same for a list of objects."""
        found = _json(attributes.get(name))
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            self.add(name, _("is no list of JSON objects"))
            return []
        return found

    def field(self, place: str, name: str, use: str) -> None:
        """Note that a field is used so; it must be in the mapping, with a type that fits."""
        self.used.add(name)
        known = self.fields.like(name) if "*" in name else [each for each in (self.fields.get(name),) if each]
        if not known:
            self.add(place, _("no field is called {name}").format(name=name or "-"))
        for each in known:
            if not each.fits(use):
                says = _("{name} is of type {type} and cannot be used for: {use}")
                self.add(place, says.format(name=each.name, type=each.type, use=use))

    def query(self, place: str, query: Any) -> kql.Node:
        """The tree of a query in Kibana's language; its fields are looked at."""
        said = query if isinstance(query, dict) else {}
        if said.get("language") != "kuery":
            self.add(place, _("a query must be written in KQL"))
            return kql.All(())
        return self.kql(place, str(said.get("query", "")))

    def kql(self, place: str, text: str) -> kql.Node:
        """The same for the query's text."""
        try:
            node = kql.parse(text)
        except kql.KqlError as error:
            self.add(place, _('the query "{text}" cannot be read: {error}').format(text=text, error=error))
            return kql.All(())
        for clause in kql.clauses(node):
            self.asked.append(clause)
            self.field(place, clause.field, "compare" if clause.compares else "search")
        return node

    def filters(self, place: str, filters: Any) -> None:
        """The fields of Kibana's filter pills."""
        for each in filters if isinstance(filters, list) else ():
            names = set(_filtered(each.get("query", {}))) | {each.get("meta", {}).get("key")}
            for name in sorted(name for name in names if name):
                self.field(place, name, "search")


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return None


def _filtered(query: Any) -> Iterator[str]:
    """The fields that an Elasticsearch query names."""
    if isinstance(query, list):
        for each in query:
            yield from _filtered(each)
    elif isinstance(query, dict):
        for key, inside in query.items():
            if key in _LEAVES and isinstance(inside, dict):
                yield from (name for name in inside if name != "boost")
            elif key == "exists" and isinstance(inside, dict):
                yield str(inside.get("field"))
            else:
                yield from _filtered(inside)
