"""`kentongan topics check`: refuses topics that watch people for who they are or for lawful criticism.

What it cannot see: a person's name made of ordinary words only, in small letters ("bintang surya"). So the list of
topics is also read by a person whenever its hash changes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from itertools import chain, pairwise

from pipeline.core.i18n import _
from pipeline.core.resources import data_path
from pipeline.enrich.patterns import Phrase, Rule, Word, parse_phrase
from pipeline.enrich.rulebook import Entry, RuleBook
from pipeline.text import normalise

EXAMPLES = 6  # hits, and misses, that each topic needs at least
MIN_PREFIX = 3  # letters before a *
_WHO_KINDS = frozenset({"faith", "ethnic", "party", "organisation"})
_STOP_KINDS = _WHO_KINDS | {"stop_list"}


@dataclass(frozen=True, slots=True)
class _Guard:
    """The guarded phrases by kind, the words that add nothing to them, and all words that may be used at all."""

    guarded: tuple[tuple[tuple[str, ...], str], ...]
    filler: frozenset[str]
    titles: frozenset[str]
    offices: frozenset[str]
    known: frozenset[str]


def lint_topics(book: RuleBook) -> list[str]:
    """What is wrong with the topics, one message each; empty if they may be used."""
    shipped = _guard()
    guard = replace(shipped, known=shipped.known | book.known)
    return [message for entry in book.entries for message in _lint(entry, guard)]


def _lint(entry: Entry, guard: _Guard) -> Iterator[str]:
    for number, rule in enumerate(entry.rules, 1):
        where = _("{topic}, rule {number}").format(topic=entry.code, number=number)
        for message in _lint_rule(rule, guard):
            yield f"{where}: {message}"
    phrases = chain(entry.vetoes, *(chain(rule.vetoes, *rule.groups) for rule in entry.rules))
    unknown = {str(word) for phrase in phrases for word in phrase if not _is_known(word, guard)}
    if unknown:
        yield _(
            "{topic}: no word list knows {words}; a person's name may not be listed. If it is an ordinary word, add it "
            "to `known` at the top of the file"
        ).format(topic=entry.code, words=", ".join(sorted(unknown)))
    if entry.capitals:
        yield _("{topic}: {words} look like names; write ordinary words in small letters").format(
            topic=entry.code, words=", ".join(entry.capitals)
        )
    yield from _lint_examples(entry)


def _lint_rule(rule: Rule, guard: _Guard) -> Iterator[str]:
    kinds = _STOP_KINDS if len(rule.groups) == 1 else _WHO_KINDS
    alone = [next((phrase for phrase in group if _is_only(phrase, kinds, guard)), None) for group in rule.groups]
    if all(phrase is not None for phrase in alone):
        yield _(
            "{words} alone would match; a faith, people, party, organisation or word of the stop list needs other "
            "words beside it"
        ).format(words=" + ".join(_text(phrase) for phrase in alone if phrase))
    for phrase in chain(*rule.groups):
        if any(word.prefix and len(word.text) < MIN_PREFIX for word in phrase):
            yield _("{words}: at least {least} letters before the *").format(words=_text(phrase), least=MIN_PREFIX)
        if _is_title_and_name(phrase, guard):
            yield _("{words} looks like a title and a name; a person may not be a topic").format(words=_text(phrase))


def _lint_examples(entry: Entry) -> Iterator[str]:
    alone = RuleBook([replace(entry, enabled=True)])
    for kind, sentences, expected in (("hit", entry.hits, True), ("miss", entry.misses, False)):
        if len(sentences) < EXAMPLES:
            yield _("{topic}: {found} examples of `{kind}`, at least {least} are needed").format(
                topic=entry.code, found=len(sentences), kind=kind, least=EXAMPLES
            )
        for sentence in sentences:
            if bool(alone.find(normalise(sentence))) != expected:
                message = _("should match and does not") if expected else _("should not match and does")
                yield f"{entry.code}: {message}: {sentence!r}"


def _is_only(phrase: Phrase, kinds: frozenset[str], guard: _Guard) -> bool:
    """Whether guarded words of these kinds, with nothing but filler beside them, can satisfy the phrase.

    Of the stop list one word alone is refused: two of them already say something of their own.
    """
    words = tuple(word for word in phrase if word.prefix or word.text not in guard.filler)
    if _is_guarded(words, kinds, guard) or not words:
        return True
    return len(words) > 1 and all(_is_guarded((word,), _WHO_KINDS, guard) for word in words)


def _is_guarded(words: Phrase, kinds: frozenset[str], guard: _Guard) -> bool:
    return any(
        kind in kinds
        and len(guarded) == len(words)
        and all(word.fits(text) for word, text in zip(words, guarded, strict=True))
        for guarded, kind in guard.guarded
    )


def _is_title_and_name(phrase: Phrase, guard: _Guard) -> bool:
    pairs = pairwise(phrase)
    return any(
        first.text in guard.titles and second.text not in guard.offices and not second.prefix for first, second in pairs
    )


def _is_known(word: Word, guard: _Guard) -> bool:
    """Whether a word list knows the word, its stem, or (of a prefix) a word that begins so."""
    if word.text.isdigit() or word.text in guard.known:
        return True
    if word.prefix and any(known.startswith(word.text) for known in guard.known):
        return True
    parts = [part for stem in normalise(word.text).stems for part in stem.replace("-", " ").split()]
    return bool(parts) and all(part in guard.known for part in parts)


def _text(phrase: Phrase) -> str:
    return "`" + " ".join(str(word) for word in phrase) + "`"


@lru_cache(maxsize=1)
def _guard() -> _Guard:
    document = tomllib.loads(data_path("guarded_words.toml").read_text(encoding="utf-8"))
    lists = dict(document["guarded"])
    filler = frozenset(lists.pop("filler"))
    guarded = [
        (tuple(word.text for word in parse_phrase(text, lambda part: normalise(part).tokens)), kind)
        for kind, texts in lists.items()
        for text in texts
    ]
    words = {word for phrase, _kind in guarded for word in phrase} | set(document["known"]["words"]) | filler
    titles, offices = frozenset(document["person"]["titles"]), frozenset(document["person"]["offices"])
    return _Guard(tuple(guarded), filler, titles, offices, frozenset(words | _roots() | titles | offices))


def _roots() -> frozenset[str]:
    """The root words of PySastrawi, read from the installed package (CC-BY-NC-SA: not copied)."""
    text = files("Sastrawi.Stemmer.data").joinpath("kata-dasar.txt").read_text(encoding="utf-8")
    return frozenset(text.split())
