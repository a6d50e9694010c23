"""Words written so that a program does not read them: k4f1r, k.a.f.i.r, ka🔥fir; a person reads them at once.

Only what gives a known word is read so, and only where none of its parts is one: `orang2`, `tps01`, `anti-asing`,
`makan/minum` and `2019gantipresiden` stay as they are. Letters of other scripts that look like Latin ones are folded
before, in fold.py.
"""

from __future__ import annotations

import re
from itertools import product

from pipeline.text.slang import never_replaced, slang_map
from pipeline.text.stem import roots, stem

LONGEST = 40
"""Characters of a piece that is looked at: no word is longer, and a hostile one costs no more."""

_LEET = {"0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g"}
_LEET |= {"@": "a", "$": "s", "!": "i", "|": "il", "+": "t"}  # no 2: orang2 is a plural
_AMBIGUOUS = 4  # signs with two readings in one word
_EDGES = " \t\"'`.,;:?!…()[]{}<>«»“”‘’*_~^=/\\#&%-–—|+"
_WORDLIKE = re.compile(r"[a-z]")
_PARTS = re.compile(r"[a-z]+")
_SPACED = re.compile(r"(?<!\w)[^\W_](?:[ \t][^\W_]){2,}(?!\w)")
_LEAST = 4  # letters of a word that is believed; of three only those that are never replaced (pki, kpu)


def unveiled(piece: str) -> list[tuple[int, str]] | None:
    """(place, letter) of the word that a folded piece hides; None if it hides none."""
    core = piece.strip(_EDGES)
    if len(core) > LONGEST or len(core) < 3 or core.isalpha() or not _WORDLIKE.search(core):
        return None
    if any(is_word(part) for part in _PARTS.findall(core)):
        return None
    start = piece.index(core)
    signs = [(start + at, char) for at, char in enumerate(core) if char in _LEET or char.isalpha()]
    if sum(char.isalpha() for _at, char in signs) < 2:
        return None
    readings = [_LEET.get(char, char) for _at, char in signs]
    if sum(len(reading) > 1 for reading in readings) > _AMBIGUOUS:
        readings = [reading[0] for reading in readings]
    for letters in product(*readings):
        if is_word("".join(letters)):
            return [(at, letter) for (at, _char), letter in zip(signs, letters, strict=True)]
    return None


def joined_letters(text: str, filler: str) -> str:
    """The text with `filler` for the blanks inside a word whose letters stand apart (`k a f i r`), one for one."""
    return _SPACED.sub(lambda match: _joined(match[0], filler), text)


def _joined(found: str, filler: str) -> str:
    """Several words may stand in one row of letters: the longest known one from the left, then on."""
    letters = found[::2].lower()
    out, at = "", 0
    while at < len(letters):
        end = next((end for end in range(min(len(letters), at + LONGEST), at + 2, -1) if is_word(letters[at:end])), 0)
        if end:
            out += filler.join(found[2 * at : 2 * end : 2])
        else:
            end, out = at + 1, out + found[2 * at]
        if end < len(letters):
            out += found[2 * end - 1]
        at = end
    return out


def is_word(text: str) -> bool:
    """Whether somebody who reads Indonesian knows the word, as far as root words and slang can tell."""
    if len(text) < _LEAST or not text.isascii() or not text.isalpha():
        return text in never_replaced() and len(text) == 3
    return text in roots() or text in slang_map() or text in never_replaced() or stem(text) in roots()
