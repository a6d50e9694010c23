"""The grammar engine: finds groups of words in a list of tokens, in time that grows with the tokens only.

A rule matches when each of its groups matches by different words, inside a window of `near` words if it has one, and
none of its vetoes stands there. Rules are compiled once; a token costs one look-up, whatever the number of rules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

View = Literal["raw", "stem"]
Span = tuple[int, int]
Tokenise = Callable[[str], Sequence[str]]

MAX_NEAR = 50  # words of the widest window
MAX_GROUPS = 4  # groups of one rule: the search for different words is exponential in them only
MAX_SPANS = 32  # spans told of one rule in one text
_MAX_HITS = 64  # occurrences of a group that are looked at where a rule has no window
_MAX_WINDOW = 400  # occurrences that are looked at in one window: eight phrases a word in the widest one
_MEMO = 65_536  # tokens remembered: about 6 MB


@dataclass(frozen=True, slots=True)
class Word:
    """One token of a phrase; with `prefix` it stands for every token that begins so."""

    text: str
    prefix: bool = False

    def fits(self, token: str) -> bool:
        """Whether the token is this word."""
        return token.startswith(self.text) if self.prefix else token == self.text

    def __str__(self) -> str:
        return self.text + "*" * self.prefix


Phrase = tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Groups of phrases that must all match by different words, and phrases that forbid it.

    With `near` the words stand in a window of so many tokens, and a veto counts if it would fit into such a window
    too; without it the window is the whole text. With `ordered` the groups follow each other as they are listed. With
    `clause` (which needs `near`) the words of the groups, not the vetoes, stand in one clause.
    """

    groups: tuple[tuple[Phrase, ...], ...]
    near: int | None = None
    vetoes: tuple[Phrase, ...] = ()
    view: View = "raw"
    ordered: bool = False
    clause: bool = False


def parse_phrase(text: str, tokenise: Tokenise) -> Phrase:
    """Words as the tokeniser gives them; `*` at the end of a word makes it a prefix. Empty if no word is left."""
    phrase: list[Word] = []
    for part in text.split():
        tokens = tokenise(part.rstrip("*"))
        phrase.extend(Word(token) for token in tokens)
        if part.endswith("*") and tokens:
            phrase[-1] = Word(tokens[-1], prefix=True)
    return tuple(phrase)


class _Hit(NamedTuple):
    """One place where a phrase of a group stands."""

    start: int
    end: int
    group: int


class _Heads(NamedTuple):
    """The phrases that may begin with a token: of that word alone, by their second word, and with a prefix there."""

    alone: tuple[int, ...]
    pairs: dict[str, list[tuple[Phrase, int]]]
    others: tuple[tuple[Phrase, int], ...]


class Matcher:
    """Many rules, compiled to be looked for at once.

    Every phrase of all rules is looked up by its first words. A rule is looked at only if a phrase of its anchor stands
    in the text: the group that should be rarest, of few and long phrases that no other rule uses.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = tuple(rules)
        numbers: dict[Phrase, int] = {}
        self._groups = [tuple(_numbered(group, numbers) for group in rule.groups) for rule in rules]
        self._vetoes = [_numbered(rule.vetoes, numbers) for rule in rules]
        self._anchored = _anchors(self._groups, list(numbers))
        self._exact: dict[str, list[tuple[Phrase, int]]] = {}
        self._prefixes: dict[str, list[tuple[Phrase, int]]] = {}
        for phrase, number in numbers.items():
            heads = self._prefixes if phrase[0].prefix else self._exact
            heads.setdefault(phrase[0].text, []).append((phrase[1:], number))
        self._lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._memo: dict[str, _Heads | None] = {}

    def match(
        self, tokens: Sequence[str], clauses: Callable[[], Sequence[int]] | None = None
    ) -> dict[int, tuple[Span, ...]]:
        """The rules (by index) that match, each with the half-open token spans of its words, in text order.

        `clauses` gives the number of the clause of each token; it is called only if a rule asks for it, and without it
        the text is one clause.
        """
        seen = self._seen(tokens)
        asked = sorted({rule for phrase in seen for rule in self._anchored[phrase]}) if seen else ()
        found = {rule: self._decide(rule, seen, clauses) for rule in asked}
        return {rule: spans for rule, spans in found.items() if spans}

    def _seen(self, tokens: Sequence[str]) -> dict[int, list[Span]]:
        """Number of every phrase that stands in the text -> where."""
        seen: dict[int, list[Span]] = {}
        memo, last = self._memo, len(tokens) - 1
        for start, token in enumerate(tokens):
            known = memo[token] if token in memo else self._heads(token)
            if known is None:
                continue
            alone, pairs, others = known
            for phrase in alone:
                seen.setdefault(phrase, []).append((start, start + 1))
            if pairs and start < last:
                for rest, phrase in pairs.get(tokens[start + 1], ()):
                    if not rest or _follows(tokens, start + 2, rest):
                        seen.setdefault(phrase, []).append((start, start + 2 + len(rest)))
            for rest, phrase in others:
                if _follows(tokens, start + 1, rest):
                    seen.setdefault(phrase, []).append((start, start + 1 + len(rest)))
        return seen

    def _heads(self, token: str) -> _Heads | None:
        """The phrases that may begin with this token, remembered; None, as for most tokens, if there is none."""
        heads = list(self._exact.get(token, ()))
        for length in self._lengths:
            heads += self._prefixes.get(token[:length], ()) if length <= len(token) else ()
        pairs: dict[str, list[tuple[Phrase, int]]] = {}
        for rest, phrase in heads:
            if rest and not rest[0].prefix:
                pairs.setdefault(rest[0].text, []).append((rest[1:], phrase))
        if len(self._memo) >= _MEMO:
            self._memo.clear()
        others = tuple((rest, phrase) for rest, phrase in heads if rest and rest[0].prefix)
        alone = tuple(phrase for rest, phrase in heads if not rest)
        known = self._memo[token] = _Heads(alone, pairs, others) if heads else None
        return known

    def _decide(
        self, number: int, seen: dict[int, list[Span]], clauses: Callable[[], Sequence[int]] | None
    ) -> tuple[Span, ...]:
        groups, rule = self._groups[number], self._rules[number]
        if any(group.isdisjoint(seen) for group in groups):
            return ()
        words = sorted(
            _Hit(start, end, index)
            for index, group in enumerate(groups)
            for phrase in group.intersection(seen)
            for start, end in seen[phrase]
        )
        vetoes = sorted(span for phrase in self._vetoes[number].intersection(seen) for span in seen[phrase])
        if rule.near is None:
            return () if vetoes else _anywhere(words, rule)
        return _in_windows(words, vetoes, rule, clauses() if rule.clause and clauses else None)


def _numbered(phrases: Sequence[Phrase], numbers: dict[Phrase, int]) -> frozenset[int]:
    return frozenset(numbers.setdefault(phrase, len(numbers)) for phrase in phrases)


def _anchors(groups: Sequence[tuple[frozenset[int], ...]], phrases: Sequence[Phrase]) -> list[tuple[int, ...]]:
    """For each phrase the rules whose anchor it belongs to."""
    weights = [0.0] * len(phrases)
    for phrase in (phrase for rule in groups for group in rule for phrase in group):
        weights[phrase] += 1 / len(phrases[phrase]) ** 2
    anchored: list[list[int]] = [[] for _ in phrases]
    for number, rule in enumerate(groups):
        for phrase in min(rule, key=lambda group: sum(weights[phrase] for phrase in group)):
            anchored[phrase].append(number)
    return [tuple(rules) for rules in anchored]


def _follows(tokens: Sequence[str], start: int, rest: Phrase) -> bool:
    if start + len(rest) > len(tokens):
        return False
    return all(word.fits(tokens[start + offset]) for offset, word in enumerate(rest))


def _anywhere(words: list[_Hit], rule: Rule) -> tuple[Span, ...]:
    """The spans of a rule without a window: all of its words, if different ones can serve the groups."""
    counts = [0] * len(rule.groups)
    tried = []
    for hit in words:
        counts[hit.group] += 1
        if rule.ordered or counts[hit.group] <= _MAX_HITS:
            tried.append(hit)
    if len(rule.groups) > 1 and _choose(tried, None, rule) is None:
        return ()
    return tuple(dict.fromkeys((hit.start, hit.end) for hit in words[:MAX_SPANS]))


def _in_windows(words: list[_Hit], vetoes: list[Span], rule: Rule, clauses: Sequence[int] | None) -> tuple[Span, ...]:
    """The spans of a rule with a window: each word may open one, with the nearest words of the other groups."""
    near = rule.near or MAX_NEAR
    spans: dict[Span, None] = {}
    first_veto = 0
    for number, first in enumerate(words):
        while first_veto < len(vetoes) and vetoes[first_veto][1] <= first.start - near:
            first_veto += 1
        if _forbidden((first,), vetoes, first_veto, near, inside=True):
            continue
        window = _window(words, number, first.start + near)
        if clauses is not None:
            window = [hit for hit in window if clauses[hit.start] == clauses[hit.end - 1] == clauses[first.start]]
        chosen = _choose(window, first, rule) if first in window else None
        if chosen is None or _forbidden(chosen, vetoes, first_veto, near):
            continue
        spans.update(dict.fromkeys((hit.start, hit.end) for hit in chosen))
        if len(spans) >= MAX_SPANS:
            break
    return tuple(sorted(spans))


def _window(words: list[_Hit], number: int, limit: int) -> list[_Hit]:
    """The hits from that one on that end within the limit."""
    window = []
    for index in range(number, min(len(words), number + _MAX_WINDOW)):
        hit = words[index]
        if hit.start >= limit:
            break
        if hit.end <= limit:
            window.append(hit)
    return window


def _choose(window: list[_Hit], first: _Hit | None, rule: Rule) -> tuple[_Hit, ...] | None:
    """One hit for each group (`first` for its own) so that no two share a word; None if there is no such choice."""
    groups = range(len(rule.groups))
    if rule.ordered:
        return _in_order(window, groups) if first is None or first.group == 0 else None
    if first is None:
        return _apart(window, groups, ())
    return _apart(window, [group for group in groups if group != first.group], (first,))


def _in_order(window: list[_Hit], groups: Sequence[int]) -> tuple[_Hit, ...] | None:
    """For each group in turn the hit that ends first after the one before it: no other choice can do better."""
    chosen: tuple[_Hit, ...] = ()
    for group in groups:
        after = chosen[-1].end if chosen else 0
        fitting = [hit for hit in window if hit.group == group and hit.start >= after]
        if not fitting:
            return None
        chosen = (*chosen, min(fitting, key=lambda hit: (hit.end, -hit.start)))
    return chosen


def _apart(window: list[_Hit], groups: Sequence[int], chosen: tuple[_Hit, ...]) -> tuple[_Hit, ...] | None:
    """The nearest hits that share no word, the group with the fewest hits first so that a dead end shows at once."""
    if not groups:
        return chosen
    free = {
        group: [hit for hit in window if hit.group == group and all(_apart_from(hit, other) for other in chosen)]
        for group in groups
    }
    scarcest = min(groups, key=lambda group: len(free[group]))
    rest = [group for group in groups if group != scarcest]
    for hit in free[scarcest]:
        found = _apart(window, rest, (*chosen, hit))
        if found is not None:
            return found
    return None


def _apart_from(hit: _Hit, other: _Hit) -> bool:
    return hit.end <= other.start or hit.start >= other.end


def _forbidden(chosen: Sequence[_Hit], vetoes: list[Span], first: int, near: int, *, inside: bool = False) -> bool:
    """Whether a veto and the chosen words would fit into one window; `inside`: whatever is chosen after these words."""
    start, end = min(hit.start for hit in chosen), max(hit.end for hit in chosen)
    for index in range(first, len(vetoes)):
        veto_start, veto_end = vetoes[index]
        if inside and veto_start < start:
            continue
        if veto_start >= start + near:
            return False
        if max(end, veto_end) - min(start, veto_start) <= near:
            return True
    return False
