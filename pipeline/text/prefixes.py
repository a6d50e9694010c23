"""One prefix off a word: the rules 1 to 42 of PySastrawi, chosen by its first letters instead of tried in turn."""

from __future__ import annotations

from collections.abc import Callable

_Rule = Callable[[str, frozenset[str]], str | None]

_VOWELS = frozenset("aiueo")
_CONSONANTS = frozenset("bcdfghjklmnpqrstvwxyz")
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_INFIXES = frozenset({"er", "el", "em", "in"})


def strip_prefix(word: str, known: frozenset[str], *, plain_only: bool = False) -> str:
    """The word without its first prefix, or the word itself; `known` settles which of several readings is right.

    `plain_only` takes di-, ke- and se- only. They come off root words too, the others do not, as in the stock stemmer.
    """
    head = word[:2]
    if head in ("di", "ke", "se"):
        return word[2:]
    if plain_only or word in known:
        return word
    rule = _RULES.get(head)
    result = rule(word, known) if rule else None
    if result is not None:
        return result
    if word[1:3] in _INFIXES and word[3:4] in _VOWELS and word[0] in _CONSONANTS:  # rules 37 to 40
        return word[0] + word[3:]
    return word


def _first_known(known: frozenset[str], *candidates: str) -> str:
    """The first candidate that is a root word, else the last one."""
    for candidate in candidates:
        if candidate in known:
            return candidate
    return candidates[-1]


def _ber(word: str, known: frozenset[str]) -> str | None:
    """Rules 1 to 5."""
    third, fourth = word[2:3], word[3:4]
    if third == "r":
        if fourth in _VOWELS:
            return _first_known(known, word[3:], word[2:])
        if fourth in _CONSONANTS and word[4:5] in _LETTERS:
            return None if _er_without_vowel(word, fourth) else word[3:]
        return None
    if word == "belajar":
        return "ajar"
    return word[2:] if third in _CONSONANTS and _er_consonant(word, 3) else None


def _er_without_vowel(word: str, consonant: str) -> bool:
    """What rules 2 and 3 (and 23 and 24) together leave alone: xxxCAer, unless a vowel follows and C is not r."""
    return word[5:7] == "er" and (consonant == "r" or word[7:8] not in _VOWELS)


def _er_consonant(word: str, at: int) -> bool:
    return word[at : at + 2] == "er" and word[at + 2 : at + 3] in _CONSONANTS


def _ter(word: str, known: frozenset[str]) -> str | None:
    """Rules 6 to 9 and 35."""
    third, fourth = word[2:3], word[3:4]
    if third != "r":
        return word[2:] if third in _CONSONANTS and _er_consonant(word, 3) else None
    if fourth in _VOWELS:
        return _first_known(known, word[3:], word[2:])
    if fourth not in _CONSONANTS or fourth == "r":
        return None
    if word[4:6] != "er" or word[6:7] in _VOWELS:
        return word[3:]
    return word[3:] if fourth not in "lmnwy" and word[6:7] in _CONSONANTS else None


def _me(word: str, known: frozenset[str]) -> str | None:
    """Rules 10 to 19."""
    third, fourth = word[2:3], word[3:4]
    if third == "m":
        if fourth in _VOWELS:
            return _first_known(known, word[2:], "p" + word[3:])
        fits = fourth in ("b", "f", "v") or (fourth == "p" and word[4:5] in _LETTERS and word[4] != "n")
        return word[3:] if fits else None
    if third == "n":
        return _men(word, known)
    return word[2:] if third in ("l", "r", "w", "y") and fourth in _VOWELS else None


def _men(word: str, known: frozenset[str]) -> str | None:
    """Rules 14 to 18."""
    fourth, fifth = word[3:4], word[4:5]
    if fourth in _VOWELS:
        return _first_known(known, word[2:], "t" + word[3:])
    if fourth in ("c", "d", "j", "s", "t", "z"):
        return word[3:]
    if fourth == "g" and fifth in _VOWELS:
        without_e = (word[5:],) if fifth == "e" else ()
        return _first_known(known, word[4:], "k" + word[4:], *without_e, word[2:])
    if fourth == "g":
        return word[4:] if fifth in ("g", "h", "q", "k") else None
    return _first_known(known, word[2:], "s" + word[4:]) if fourth == "y" and fifth in _VOWELS else None


def _pe(word: str, known: frozenset[str]) -> str | None:
    """Rules 20 to 34 and 36; where the closer ones do not fit, pe- alone comes off (rules 34 and 36)."""
    if word == "pelajar":
        return "ajar"
    closer = _PE_RULES.get(word[2:3])
    result = closer(word, known) if closer else None
    if result is not None:
        return result
    third, fourth = word[2:3], word[3:4]
    if third not in _CONSONANTS:
        return None
    if word[3:5] != "er" or (third not in "rwylmn" and word[5:6] in _CONSONANTS):
        return word[2:]
    return word[2:] if third in "wyl" and fourth in _VOWELS else None  # rules 20 and 32


def _per(word: str, known: frozenset[str]) -> str | None:
    """Rules 21 to 24."""
    fourth = word[3:4]
    if fourth in _VOWELS:
        return _first_known(known, word[3:], word[2:])
    if fourth in _CONSONANTS and word[4:5] in _LETTERS and not _er_without_vowel(word, fourth):
        return word[3:]
    return None


def _pem(word: str, known: frozenset[str]) -> str | None:
    """Rules 25 and 26."""
    if word[3:4] in _VOWELS:
        return _first_known(known, word[2:], "p" + word[3:])
    return word[3:] if word[3:4] in ("b", "f", "v") else None


def _pen(word: str, known: frozenset[str]) -> str | None:
    """Rules 27 to 31."""
    fourth, fifth = word[3:4], word[4:5]
    if fourth in _VOWELS:
        return _first_known(known, word[2:], "t" + word[3:])
    if fourth in ("c", "d", "j", "s", "t", "z"):
        return word[3:]
    if fourth == "g" and fifth in _CONSONANTS:
        return word[4:]
    if fourth == "g" and fifth == "e":
        return _first_known(known, word[4:], "k" + word[4:], word[5:])
    if fourth == "g" and fifth in _VOWELS:  # rule 30 ends on its e-only reading: neither root known, it does not fit
        return next((reading for reading in (word[4:], "k" + word[4:]) if reading in known), None)
    return _first_known(known, word[2:], "s" + word[4:]) if fourth == "y" and fifth in _VOWELS else None


def _ku(word: str, _known: frozenset[str]) -> str | None:
    return word[2:]


def _kau(word: str, _known: frozenset[str]) -> str | None:
    return word[3:] if word.startswith("kau") else None


_PE_RULES: dict[str, _Rule] = {"r": _per, "m": _pem, "n": _pen}
_RULES: dict[str, _Rule] = {"be": _ber, "te": _ter, "me": _me, "pe": _pe, "ku": _ku, "ka": _kau}
