"""Kibana's query language, as much of it as our saved objects use: what a query asks of which field.

A query that this parser does not know is refused: free words (they would search every field), values of several words
without quotes, and nested groups.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.core.i18n import _

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(<=|>=|[:<>(){}])|([^\s:<>(){}"]+))')


class KqlError(ValueError):
    """The query cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One question to a field: any of these values, or (`compares`) a comparison with one; `*` asks for any value."""

    field: str
    values: tuple[str, ...]
    compares: bool = False


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be."""

    part: Node


@dataclass(frozen=True, slots=True)
class All:
    """All of these."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Any of these."""

    parts: tuple[Node, ...]


Node = Clause | Not | All | Any


def parse(text: str) -> Node:
    """The query as a tree; an empty query is `All(())`. Raises KqlError."""
    tokens = _Tokens(text)
    if tokens.kind == "end":
        return All(())
    node = _any(tokens)
    if tokens.kind != "end":
        raise KqlError(_('"{word}" stands where nothing is expected').format(word=tokens.text))
    return node


def clauses(node: Node) -> Iterator[Clause]:
    """All questions in the query, wherever they stand."""
    if isinstance(node, Clause):
        yield node
    elif isinstance(node, Not):
        yield from clauses(node.part)
    else:
        for part in node.parts:
            yield from clauses(part)


def required(node: Node) -> tuple[Node, ...]:
    """What every hit of the query must fulfil."""
    if isinstance(node, All):
        return tuple(each for part in node.parts for each in required(part))
    return (node,)


class _Tokens:
    """The words of a query, one at a time."""

    def __init__(self, text: str) -> None:
        self._found: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise KqlError(_("a quotation mark is not closed"))
            quoted, sign, word = match.groups()
            kind = "text" if quoted is not None else sign or ("word" if word.lower() not in _JOINS else word.lower())
            self._found.append((kind, quoted if quoted is not None else sign or word))
            at = match.end()
        self._found.append(("end", ""))

    @property
    def kind(self) -> str:
        """What the next word is: `text` (quoted), `word`, `and`, `or`, `not`, `end`, or a sign itself."""
        return self._found[0][0]

    @property
    def text(self) -> str:
        """The next word."""
        return self._found[0][1]

    def take(self, *kinds: str) -> str:
        """The next word, which must be of these kinds; goes on to the one after it."""
        if self.kind not in kinds:
            raise KqlError(_('"{word}" stands where another word is expected').format(word=self.text or _("the end")))
        return self._found.pop(0)[1]


_JOINS = ("and", "or", "not")


def _any(tokens: _Tokens) -> Node:
    parts = [_all(tokens)]
    while tokens.kind == "or":
        tokens.take("or")
        parts.append(_all(tokens))
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def _all(tokens: _Tokens) -> Node:
    parts = [_one(tokens)]
    while tokens.kind == "and":
        tokens.take("and")
        parts.append(_one(tokens))
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def _one(tokens: _Tokens) -> Node:
    if tokens.kind == "not":
        tokens.take("not")
        return Not(_one(tokens))
    if tokens.kind == "(":
        tokens.take("(")
        node = _any(tokens)
        tokens.take(")")
        return node
    field = tokens.take("word", "text")
    sign = tokens.take(":", "<", ">", "<=", ">=")
    if sign != ":":
        return Clause(field, (tokens.take("word", "text"),), compares=True)
    if tokens.kind != "(":
        return Clause(field, (tokens.take("word", "text"),))
    tokens.take("(")
    values = [tokens.take("word", "text")]
    while tokens.kind == "or":
        tokens.take("or")
        values.append(tokens.take("word", "text"))
    tokens.take(")")
    return Clause(field, tuple(values))
