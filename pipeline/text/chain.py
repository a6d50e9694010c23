"""The chain itself: leaks out, cut into pieces and tokens, folded; slang and stem beside each token."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from sys import intern

from pipeline.text.fold import Place, fold
from pipeline.text.forms import stem_form
from pipeline.text.mask import PLACEHOLDERS
from pipeline.text.personal import replace_personal
from pipeline.text.unveil import is_word, joined_letters, unveiled

TEXT_VERSION = "2"
"""Goes up with every change of what `normalise` answers for any text; models and flags carry it."""

MEMO_PIECES = 65_536
"""Pieces remembered: 13,169 tweets have 50,495 different ones. Some 30 MB when full, with the stems behind them."""

MEMO_LETTERS = 64
"""Longer pieces are not remembered, so that a hostile text cannot fill the memory with them."""

MEMO_TEXTS = 4_096
"""Whole results remembered: several rooms normalise the posts of one batch, one after the other."""

MEMO_TEXT_LETTERS = 1_000
"""Longer texts (articles) are not remembered whole. A result takes some 25 bytes a letter: at most 100 MB in all."""


@dataclass(frozen=True, slots=True)
class NormalisedText:
    """One text as models and rules read it.

    tokens       words, numbers and emoji, lower-case and folded; no punctuation, no handles, links or long numbers.
                 `Orang-orang` is one token, `anti-asing` two; `rumah-nya` reads `rumahnya`, `jum'at` reads `jumat`;
                 a letter repeated three times or more stands twice. Word n-grams of the raw view come from here.
    spans        half-open place of each token in the original text; increasing, never overlapping.
    stems        one slang + stem form per token, with blanks where slang stands for several words.
                 Word n-grams of the second view come from `" ".join(stems).split()`.
    pieces       what white space separates, punctuation and emoji included, lower-case and folded.
                 char_wb n-grams come from here: they depend on the piece alone, so that they can be remembered.
    piece_spans  half-open place of each piece in the original text.
    """

    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    stems: tuple[str, ...]
    pieces: tuple[str, ...]
    piece_spans: tuple[tuple[int, int], ...]


_EDGES = " \t\r\n\f\v'\"‘’‚‛“”„‟«»`´"
_OUT = "\ue000"  # put, one for one, where something personal stood; a private character, which fold drops anyway
_RETWEET = re.compile(rf"(?<!\w)[Rr][Tt]\s+(?:{_OUT}+|USER\b)\s?:?|^\s*RT\b(?!\s*\d)")  # "RT 05" is a neighbourhood
_MARKER = re.compile(r"(?<!\w)(?:USER|URL|EMAIL|PHONE|NUMBER)(?!\w)")  # what public datasets put for masked things
_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))
_REPEATED = re.compile(r"([^\d\s])\1{2,}")
_TOKEN = re.compile(
    r"[^\W_]+(?:(?:'|\*+)[^\W_]+)*(?:-[^\W_]+)*"  # words; jum'at; b*doh; hyphenated ones are looked at again
    "|[\U0001f1e6-\U0001f1ff]{2}"  # flags
    r"|([^\w\s!-~¡-¿‐-⁞])\1*"  # emoji and other symbols, a run of the same one being one token
)
_PART = re.compile(r"\S+")
_CLITICS = frozenset({"nya", "ku", "mu", "lah", "kah", "tah", "pun"})

_Piece = tuple[tuple[str, ...], tuple[Place, ...], tuple[str, ...], tuple[str, ...], tuple[Place, ...]]


def normalise(text: str) -> NormalisedText:
    """Clean, fold, cut, map and stem any text; never raises.

    `normalise(mask(text))` has the same tokens and pieces as `normalise(text)`.
    """
    return _remembered_text(text) if len(text) <= MEMO_TEXT_LETTERS else _normalise(text)


def _normalise(text: str) -> NormalisedText:
    plain = _without_leaks(text)
    tokens: list[str] = []
    spans: list[Place] = []
    stems: list[str] = []
    pieces: list[str] = []
    piece_spans: list[Place] = []
    at = 0
    for raw in plain.split():
        at = plain.index(raw, at)
        words, places, forms, parts, part_places = _remembered_piece(raw) if len(raw) <= MEMO_LETTERS else _cut(raw)
        tokens += words
        stems += forms
        pieces += parts
        for start, end in places:  # loops: a comprehension is a call of its own before Python 3.12
            spans.append((at + start, at + end))
        for start, end in part_places:
            piece_spans.append((at + start, at + end))
        at += len(raw)
    return NormalisedText(tuple(tokens), tuple(spans), tuple(stems), tuple(pieces), tuple(piece_spans))


_remembered_text = lru_cache(maxsize=MEMO_TEXTS)(_normalise)


def _without_leaks(text: str) -> str:
    """The text with blanks, one for one, where it says how it was collected or names an account, address or number."""
    text = replace_personal(text, lambda _kind, found: _OUT * len(found))
    if "[" in text:
        text = _PLACEHOLDER.sub(lambda match: _OUT * len(match[0]), text)
    if "RT" in text or "rt " in text:
        text = _RETWEET.sub(_blank, text)
    if "USER" in text or "URL" in text or "EMAIL" in text or "PHONE" in text or "NUMBER" in text:
        text = _MARKER.sub(_blank, text)
    text = joined_letters(text.replace(_OUT, " "), _OUT)
    begun = text.lstrip(_EDGES)
    begun = " " * (len(text) - len(begun)) + begun
    return begun.rstrip(_EDGES)


def _blank(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _calm(word: str) -> str:
    """A letter that stands three times or more stands twice, or once where only that is a word (`baaakar`)."""
    short = _REPEATED.sub(_two, word)
    if short == word:
        return word
    single = _REPEATED.sub(r"\1", word)
    return single if is_word(single) and not is_word(short) else short


def _two(match: re.Match[str]) -> str:
    return match[1] * 2


def _cut(raw: str) -> _Piece:
    """What one piece between white space gives: tokens, their places in it, stems, pieces, their places."""
    if raw.isascii() and raw.isalpha():  # two pieces of three; the general way gives the same at twice the time
        word = (intern(_calm(raw.lower())),)
        return _shared(word, _one_place(0, len(raw)), (intern(stem_form(word[0])),), word, _one_place(0, len(raw)))
    plain, places = fold(raw)
    hidden = unveiled(plain)
    if hidden is not None:
        plain, places = _as_read(plain, places, hidden)
    found = [token for match in _TOKEN.finditer(plain) for token in _tokens(match)]
    tokens = tuple(intern(token) for token, _start, _end in found)
    parts = tuple(_REPEATED.sub(_two, part) for part in plain.split())
    token_places = tuple((start, end) for _token, start, end in found)
    part_places = _part_places(plain)
    if places is not None:
        token_places = _in_original(token_places, places)
        part_places = _in_original(part_places, places)
    return _shared(tokens, token_places, tuple(intern(stem_form(token)) for token in tokens), parts, part_places)


def _as_read(plain: str, places: list[Place] | None, hidden: list[tuple[int, str]]) -> tuple[str, list[Place]]:
    """A folded piece with the word that it hides in the place of its signs."""
    first, last = hidden[0][0], hidden[-1][0]
    kept = [(at, plain[at]) for at in range(first)]
    kept += hidden
    kept += [(at, plain[at]) for at in range(last + 1, len(plain))]
    where = places or [(at, at + 1) for at in range(len(plain))]
    return "".join(char for _at, char in kept), [where[at] for at, _char in kept]


def _part_places(plain: str) -> tuple[Place, ...]:
    return tuple(match.span() for match in _PART.finditer(plain))


def _in_original(found: tuple[Place, ...], places: list[Place]) -> tuple[Place, ...]:
    return tuple((places[start][0], places[end - 1][1]) for start, end in found)


def _shared(
    tokens: tuple[str, ...],
    places: tuple[Place, ...],
    stems: tuple[str, ...],
    parts: tuple[str, ...],
    part_places: tuple[Place, ...],
) -> _Piece:
    """The same five, equal ones being one object: most pieces are one plain word, and memory decides the speed here."""
    if stems == tokens:
        stems = tokens
    if parts == tokens:
        parts = tokens
    places = _one_place(*places[0]) if len(places) == 1 else places
    part_places = _one_place(*part_places[0]) if len(part_places) == 1 else part_places
    return tokens, places, stems, parts, part_places


@lru_cache(maxsize=2_080)  # the places that a piece of 64 letters has room for
def _one_place(start: int, end: int) -> tuple[Place, ...]:
    return ((start, end),)


_remembered_piece = lru_cache(maxsize=MEMO_PIECES)(_cut)


def _tokens(match: re.Match[str]) -> list[tuple[str, int, int]]:
    """The tokens of one match with their places: one, or several where a hyphen joins what are two words."""
    found, start, end = match[0], match.start(), match.end()
    if match[1]:
        return [(match[1], start, end)] if unicodedata.category(match[1])[0] == "S" else []
    token = _calm(found.replace("'", ""))
    if "-" not in token:
        return [(token, start, end)]
    first, _hyphen, last = token.partition("-")
    if last in _CLITICS:
        return [(first + last, start, end)]
    alike = first.isalpha() and (first[:3] == last[:3] or first[-3:] == last[-3:])  # sayur-mayur, orang-orang
    if alike or stem_form(token) != token:
        return [(token, start, end)]
    parts = []
    for word in re.finditer(r"[^-]+", found):
        plain = _calm(word[0].replace("'", ""))
        parts.append((plain, start + word.start(), start + word.end()))
    return parts
