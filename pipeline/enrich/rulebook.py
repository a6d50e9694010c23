"""Reads a file of word rules (topics, threats) and compiles it; what is wrong in it is named by file, entry and key.

not = ["..."]                   optional, at the top: phrases anywhere in a text that forbid all entries
known = ["..."]                 optional, at the top: ordinary words of your own that `topics check` does not know
[[topic]]                       or [[threat]]
code = "mass_gathering"         stable, English, snake_case
name = { id = "...", en = "..." }
protected = true                optional: never raises priority
enabled = true                  optional
not = ["..."]                   optional: phrases anywhere in the text that forbid all rules of this entry
[[topic.rule]]                  the entry matches if any of its rules does; a rule has exactly one of
any = ["...", "...*"]             any: one of the phrases (`*` ends a prefix)
all = ["...", "..."]              all: every phrase
needs = [["..."], ["..."]]        needs: one phrase of each group, by different words
near = 8                          optional: inside a window of so many words
ordered = true                    optional: the groups in the order in which they are listed
not = ["..."]                     optional: unless this stands in such a window (without `near`: anywhere)
clause = true                     optional, with near: no comma, full stop, ... between the words
view = "stem"                     optional: look at the stems instead of the words as written
[topic.examples]
hit = ["..."]
miss = ["..."]
"""

from __future__ import annotations

import difflib
import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import LANGUAGES, _
from pipeline.enrich.patterns import MAX_GROUPS, MAX_NEAR, Matcher, Phrase, Rule, Span, Tokenise, View, parse_phrase
from pipeline.text import NormalisedText, normalise

_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
_ENTRY_KEYS = ("code", "name", "protected", "enabled", "not", "rule", "examples")
_RULE_KEYS = ("any", "all", "needs", "near", "not", "view", "ordered", "clause")
_MAX_BYTES = 2_000_000
_VIEWS: tuple[View, ...] = ("raw", "stem")
_MARKS = frozenset('.,;:!?…)"”»|')


@dataclass(frozen=True, slots=True)
class Entry:
    """One topic or kind of threat: its words, and the sentences that show what it is and is not."""

    code: str
    name: Mapping[str, str]
    rules: tuple[Rule, ...]
    vetoes: tuple[Phrase, ...] = ()
    protected: bool = False
    enabled: bool = True
    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    capitals: tuple[str, ...] = ()  # words of its rules written like Names, for the lint


class RuleBook:
    """The entries of a file, compiled. `hash` names what they match: 12 hex characters, examples left out."""

    def __init__(self, entries: Sequence[Entry], known: Sequence[str] = ()) -> None:
        self.entries = tuple(entries)
        self.known = frozenset(known)
        self.hash = _hash(self.entries)
        rules = [(entry.code, rule) for entry in entries if entry.enabled for rule in entry.rules]
        self._finders = [_Finder(rules, view) for view in _VIEWS]
        vetoed = [entry for entry in entries if entry.enabled and entry.vetoes]
        self._vetoes = _Finder([(entry.code, Rule((entry.vetoes,))) for entry in vetoed], "raw")

    def find(self, text: NormalisedText) -> dict[str, tuple[Span, ...]]:
        """Code of every enabled entry that matches -> character spans in the original text, in its order."""
        found: dict[str, set[Span]] = {}
        for finder in self._finders:
            finder.look(text, found)
        if not found:
            return {}
        forbidden: dict[str, set[Span]] = {}
        self._vetoes.look(text, forbidden)
        return {
            entry.code: tuple(sorted(found[entry.code]))
            for entry in self.entries
            if entry.code in found and entry.code not in forbidden
        }


class _Finder:
    """The rules of one view, each with the code of its entry."""

    def __init__(self, rules: Sequence[tuple[str, Rule]], view: View) -> None:
        mine = [(code, rule) for code, rule in rules if rule.view == view]
        self._view = view
        self._codes = [code for code, _rule in mine]
        self._matcher = Matcher([rule for _code, rule in mine])

    def look(self, text: NormalisedText, found: dict[str, set[Span]]) -> None:
        """Add the character spans of the entries that match to `found`."""
        if not self._codes:
            return
        tokens = text.tokens if self._view == "raw" else text.stems
        for number, spans in self._matcher.match(tokens, lambda: clause_numbers(text)).items():
            places = {(text.spans[start][0], text.spans[end - 1][1]) for start, end in spans}
            found.setdefault(self._codes[number], set()).update(places)


def clause_numbers(text: NormalisedText) -> list[int]:
    """For each token the number of its clause: a new one begins after a piece that ends with a mark like , . ! ? ;"""
    ends = [end for piece, (_start, end) in zip(text.pieces, text.piece_spans, strict=True) if piece[-1] in _MARKS]
    numbers, clause = [], 0
    for start, _end in text.spans:
        while clause < len(ends) and ends[clause] <= start:
            clause += 1
        numbers.append(clause)
    return numbers


def read_rulebook(path: Path, table: str) -> RuleBook:
    """Read and compile the `[[table]]` entries of a TOML file; raises ConfigError with file, entry and key."""
    document = _load(path)
    _check_keys(document, (table, "not", "known"), path.name)
    vetoes = _phrases(document["not"], f"{path.name}: not", _raw) if "not" in document else ()
    entries = [
        _entry(item, f"{path.name}: {table} {number}", vetoes)
        for number, item in enumerate(_tables(document.get(table), f"{path.name}: {table}"), 1)
    ]
    codes = [entry.code for entry in entries]
    for code in codes:
        if codes.count(code) > 1:
            raise ConfigError(_("{where}: the code {code} stands there twice").format(where=path.name, code=code))
    known = _strings(document.get("known", []), f"{path.name}: known")
    return RuleBook(entries, [word for text in known for word in _raw(text)])


def _load(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(_("{path}: larger than {size} bytes").format(path=path, size=_MAX_BYTES))
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(_("{path} cannot be read: {error}").format(path=path, error=error.strerror)) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(_("{path} is not valid TOML: {error}").format(path=path, error=error)) from error


def _entry(item: Mapping[str, Any], where: str, vetoes: tuple[Phrase, ...]) -> Entry:
    code = item.get("code")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise ConfigError(_("{where}: `code` must be lower-case words like mass_gathering").format(where=where))
    where = f"{where} ({code})"
    _check_keys(item, _ENTRY_KEYS, where)
    examples = _table(item.get("examples", {}), f"{where}: examples")
    _check_keys(examples, ("hit", "miss"), f"{where}: examples")
    rules = _tables(item.get("rule"), f"{where}: rule")
    return Entry(
        code=code,
        name=_name(item.get("name"), f"{where}: name"),
        rules=tuple(_rule(rule, f"{where}, rule {number}") for number, rule in enumerate(rules, 1)),
        vetoes=vetoes + (_phrases(item["not"], f"{where}: not", _raw) if "not" in item else ()),
        protected=_flag(item, "protected", False, where),
        enabled=_flag(item, "enabled", True, where),
        hits=_strings(examples.get("hit", []), f"{where}: examples.hit"),
        misses=_strings(examples.get("miss", []), f"{where}: examples.miss"),
        capitals=tuple(_capitals([item.get("not"), *(list(rule.values()) for rule in rules)])),
    )


def _rule(item: Mapping[str, Any], where: str) -> Rule:
    _check_keys(item, _RULE_KEYS, where)
    view = item.get("view", "raw")
    if view not in _VIEWS:
        raise ConfigError(_("{where}: `view` must be raw or stem").format(where=where))
    near = item.get("near")
    if near is not None and (type(near) is not int or not 1 <= near <= MAX_NEAR):
        raise ConfigError(
            _("{where}: `near` must be a whole number from 1 to {most}").format(where=where, most=MAX_NEAR)
        )
    tokenise = _raw if view == "raw" else _stem
    groups = _groups(item, where, tokenise)
    vetoes = _phrases(item["not"], f"{where}: not", tokenise) if "not" in item else ()
    ordered, clause = _flag(item, "ordered", False, where), _flag(item, "clause", False, where)
    if clause and near is None:
        raise ConfigError(_("{where}: `clause` needs `near`").format(where=where))
    return Rule(groups=groups, near=near, vetoes=vetoes, view=cast("View", view), ordered=ordered, clause=clause)


def _groups(item: Mapping[str, Any], where: str, tokenise: Tokenise) -> tuple[tuple[Phrase, ...], ...]:
    kinds = [key for key in ("any", "all", "needs") if key in item]
    if len(kinds) != 1:
        raise ConfigError(_("{where}: a rule has exactly one of any, all, needs").format(where=where))
    kind, value = kinds[0], item[kinds[0]]
    at = f"{where}: {kind}"
    if kind == "any":
        return (_phrases(value, at, tokenise),)
    groups: tuple[tuple[Phrase, ...], ...]
    if kind == "all":
        groups = tuple((phrase,) for phrase in _phrases(value, at, tokenise))
    else:
        if not isinstance(value, list) or not value:
            raise ConfigError(_("{where}: must be a list of groups of phrases").format(where=at))
        groups = tuple(_phrases(group, f"{at}, {number}", tokenise) for number, group in enumerate(value, 1))
    if len(groups) > MAX_GROUPS:
        raise ConfigError(_("{where}: more than {most} groups").format(where=at, most=MAX_GROUPS))
    return groups


def _phrases(value: object, where: str, tokenise: Tokenise) -> tuple[Phrase, ...]:
    strings = _strings(value, where)
    if not strings:
        raise ConfigError(_("{where}: must not be empty").format(where=where))
    phrases = [parse_phrase(string, tokenise) for string in strings]
    for string, phrase in zip(strings, phrases, strict=True):
        if not phrase:
            raise ConfigError(_("{where}: {phrase} holds no word").format(where=where, phrase=repr(string)))
    return tuple(phrases)


def _capitals(value: object) -> Iterator[str]:
    """The words of all strings inside that begin with a capital and are no short form like KPU."""
    if isinstance(value, list):
        for part in value:
            yield from _capitals(part)
    elif isinstance(value, str):
        yield from (word for word in value.split() if word[0].isupper() and not word.isupper())


def _raw(text: str) -> Sequence[str]:
    return normalise(text).tokens


def _stem(text: str) -> Sequence[str]:
    return normalise(text).stems


def _name(value: object, where: str) -> Mapping[str, str]:
    names = _table(value, where)
    _check_keys(names, LANGUAGES, where)
    for language in LANGUAGES:
        if not isinstance(names.get(language), str) or not names[language].strip():
            raise ConfigError(_("{where}: a name in `{language}` is missing").format(where=where, language=language))
    return dict(names)


def _flag(item: Mapping[str, Any], key: str, default: bool, where: str) -> bool:
    value = item.get(key, default)
    if not isinstance(value, bool):
        raise ConfigError(_("{where}: `{key}` must be true or false").format(where=where, key=key))
    return value


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(_("{where}: must be a table").format(where=where))
    return value


def _tables(value: object, where: str) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise ConfigError(_("{where}: must be one or more tables").format(where=where))
    return value


def _strings(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(_("{where}: must be a list of texts in quotes").format(where=where))
    return tuple(value)


def _check_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key in known:
            continue
        nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.0)
        raise ConfigError(
            _("{where}: unknown key `{key}`; did you mean `{nearest}`?").format(
                where=where, key=key, nearest=nearest[0]
            )
        )


def _hash(entries: Sequence[Entry]) -> str:
    lines = [
        repr((entry.code, sorted(entry.name.items()), entry.protected, entry.vetoes, entry.rules))
        for entry in entries
        if entry.enabled
    ]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
