"""A search in Elasticsearch's query language; what was typed is always a value in it, never a part of the language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pipeline.core.types import Query
from pipeline.store.columns import microseconds
from pipeline.store.elastic.document import key
from pipeline.store.fields import grouped
from pipeline.store.words import Term, Terms

Clause = dict[str, Any]

NEWEST: list[dict[str, str]] = [{"at": "desc"}, {"flag.id": "asc"}]
"""The order of a list; no two flags are equal in it, so a page begins where the last one ended, whatever was added."""
BEST: list[dict[str, str]] = [{"_score": "desc"}, *NEWEST]

_OWN = {"status": "flag.status", "cluster": "flag.cluster", "id": "flag.id"}
_CODED = frozenset({"status"})  # found by its lower-case code


def condition(query: Query, terms: Terms, *, scored: bool) -> Clause:
    """The flags that match; with `scored` each has its relevance as score, else 0."""
    must = [_scored(term) for term in terms.must] if scored else []
    filters = [] if scored else [_matches(term) for term in terms.must]
    bounds = {"gte": query.since, "lt": query.until}
    between = {name: microseconds(moment) for name, moment in bounds.items() if moment is not None}
    if between:
        filters.append({"range": {"at": between}})
    filters += [_any(_having(field, values)) for field, values in grouped(query.fields).items()]
    without = [clause for field, values in grouped(query.without_fields).items() for clause in _having(field, values)]
    without += [_matches(term) for term in terms.must_not]
    return {"bool": {"must": must, "filter": filters, "must_not": without}}


def counted(fields: Iterable[str], limit: int) -> Clause:
    """Aggregations that count each field's values, the most frequent first, then by name.

    Each shard gives its 5,000 most frequent, so that the sum over shards is exact for every field that has fewer values
    in each; the ids of claims may have more, and then the rarest of them could be a little low.
    """
    order = [{"_count": "desc"}, {"_key": "asc"}]
    size = {"size": limit, "shard_size": max(limit, 5_000)}
    return {field: {"terms": {"field": f"flag.{field}", **size, "order": order}} for field in fields}


def _having(field: str, values: tuple[str, ...]) -> list[Clause]:
    values = tuple(map(sendable, values))
    if field in _OWN:
        return [{"terms": {_OWN[field]: [one.casefold() if field in _CODED else one for one in values]}}]
    clauses: list[Clause] = [{"terms": {"keys": [key(field, one) for one in values]}}]
    if field in {"region", "covers"}:
        clauses += [{"prefix": {"keys": f"{key(field, one)}."}} for one in values]
    return clauses


def _scored(term: Term) -> Clause:
    """The term with what it adds to the relevance: the best of where it stands (see `words.relevance`)."""
    typed = " ".join(term.written)
    places = [
        (_phrase("normal.title", typed), "rank.title"),
        (_phrase("normal.text", typed), "rank.text"),
        (_matches(term), "rank.form"),
    ]
    return {"dis_max": {"queries": [_worth(clause, field) for clause, field in places]}}


def _worth(clause: Clause, field: str) -> Clause:
    factor = {"field": field, "missing": 0}
    bare = {"bool": {"filter": [clause]}}
    return {"function_score": {"query": bare, "field_value_factor": factor, "boost_mode": "replace"}}


def _matches(term: Term) -> Clause:
    """See `words.Term.matches`."""
    typed = " ".join(term.written)
    if term.stems and len(term.written) == 1:
        written = _known(term.written[0])
    else:
        written = _any([_phrase("normal.title", typed), _phrase("normal.text", typed)])
    if not term.stems or term.stems == term.written[:1]:
        return written
    return _any([written, {"bool": {"filter": [_known(stem) for stem in term.stems]}}])


def _known(word: str) -> Clause:
    return _any([{"term": {f"normal.{view}": word}} for view in ("title", "text", "stems")])


def _phrase(field: str, typed: str) -> Clause:
    return {"match_phrase": {field: {"query": typed}}}


def _any(clauses: list[Clause]) -> Clause:
    return clauses[0] if len(clauses) == 1 else {"bool": {"should": clauses, "minimum_should_match": 1}}


def sendable(text: str) -> str:
    """The text without lone surrogates (a terminal's broken bytes), which are no UTF-8."""
    return text.encode("utf-8", "replace").decode()
