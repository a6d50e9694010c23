"""The second view of a token: its formal word where it is slang, and the stem of that."""

from __future__ import annotations

import re

from pipeline.text.slang import never_replaced, slang_map
from pipeline.text.stem import roots, stem

_TWICE = re.compile(r"([a-z]{2,})2(an|nya|ku|mu|lah|pun|in|kan|i)?")  # anak2, mudah2an, orang2nya
_ORDINAL = frozenset({"ke"})  # ke2 is kedua
_LAUGH = re.compile(r"[aw]?(?:h+[ae]+){2,}h*|(?:h+i+){2,}h*|(?:w+k+){2,}w*|(?:k+w+){2,}k*|(?:x+i+){2,}|h{4,}|k{4,}")
_PLAIN = re.compile(r"[a-z0-9-]+")
_DOUBLED = re.compile(r"([a-z])\1")
LAUGH = "haha"


def stem_form(token: str) -> str:
    """Slang and stem of a lower-case token; several words where slang stands for several.

    Slang is looked up once, never in its own result. Twice-signs are spelt out (`anak2` as `anak-anak`), laughter is
    one form, and a word with double letters that nobody knows is tried with single ones (`bangeet`).
    """
    if _LAUGH.fullmatch(token):
        return LAUGH
    formal = slang_map().get(token)
    if formal is not None:
        return _stems(formal)
    if token in never_replaced():
        return token
    if not _PLAIN.fullmatch(token):  # b*doh, emoji, other scripts: the stemmer would cut or lose them
        return token
    if "2" in token:
        twice = _TWICE.fullmatch(token)
        if twice and twice[1] not in _ORDINAL:
            return _twice(twice[1], twice[2] or "")
    found = stem(token)
    if found != token or token in roots() or not _DOUBLED.search(token):
        return found or token
    return _single_letters(token)


def _stems(formal: str) -> str:
    return " ".join(word if word in never_replaced() else stem(word) for word in formal.split())


def _twice(word: str, suffix: str) -> str:
    formal = slang_map().get(word, word)
    if " " in formal:
        return _stems(formal)
    found = stem(f"{formal}-{formal}{suffix}")
    return _stems(formal) if "-" in found or formal in never_replaced() else found


def _single_letters(token: str) -> str:
    single = _DOUBLED.sub(r"\1", token)
    if len(single) < 4 and single not in never_replaced():  # dll, off, doo: too short to guess
        return token
    formal = slang_map().get(single)
    if formal is not None:
        return _stems(formal)
    found = stem(single)
    return found if found != single or single in roots() or single in never_replaced() else token
