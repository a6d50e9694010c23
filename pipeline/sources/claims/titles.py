"""What a fact-check's title says beside its claim: tags such as [SALAH], "Hoaks! ...", "Cek Fakta: Tidak Benar ..."."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.core.claims import Media, Rating
from pipeline.sources.claims.ratings import Meaning, Scale, plain

MAX_TITLE = 1_000
_TAG = re.compile(r"\s*([\[(【])\s*([^\[\]()【】]{1,60}?)\s*[\])】]\s*[:\-–—]?")
_TAGS = 4
_PARTS = re.compile(r"[+/,;&]|\bdan\b", re.IGNORECASE)
_HEAD = re.compile(r"\s*([^:!,?\-–—]{3,40}?)\s*(?:[:!]+|,|\s[\-–—]\s)\s*(?=\S)")
_HEADS = 3
_BARE = re.compile(r"\s*(tidak benar|hoaks|hoax|menyesatkan|keliru)[!,:]?\s+(?!atau\b)(?=\S)", re.IGNORECASE)
_TAIL = re.compile(
    r"\s*[,:;?!–—-]\s*(?:(?:itu|ini|adalah|dipastikan|ternyata)\s+){0,2}(hoaks|hoax|tidak benar|salah|keliru)[\s.!]*$",
    re.IGNORECASE,
)
_LEAD = re.compile(r"^(?:(?:bahwa|jika|ini|klaim\s+bahwa)\s+)+", re.IGNORECASE)
_TOP = re.compile(r"top \d+")  # the week's five most read checks
_MEDIA_WORDS: tuple[tuple[Media, str], ...] = (
    ("video", "video|rekaman video|siaran langsung"),
    ("image", "foto|gambar|tangkapan layar|poster|infografi[sk]|meme|dokumentasi foto|photo|image|screenshot"),
    ("audio", "audio|rekaman suara|pesan suara|suara rekaman|voice note"),
)
_BEFORE_MEDIA = r"(?:(?:cuplikan|potongan|kumpulan|unggahan|beredar|sebuah) )*"
_MEDIA = tuple((kind, re.compile(rf"{_BEFORE_MEDIA}(?:{words})\b", re.IGNORECASE)) for kind, words in _MEDIA_WORDS)
_WORST: tuple[Rating, ...] = ("false", "partly_false", "misleading", "satire", "clarification", "true", "unrated")


@dataclass(frozen=True, slots=True)
class Title:
    """A title taken apart. `rating` is None where it holds no verdict; `checked` if it says that it is a fact-check.

    `editorial`: by its tag it is news or education, no claim. `original` are the checker's words of the verdict.
    """

    claim: str
    rating: Rating | None = None
    original: str = ""
    editorial: bool = False
    withdrawn: bool = False
    checked: bool = False


def read_title(title: str, scale: Scale) -> Title:
    """Take a title apart; never raises."""
    rest = " ".join(title[: 4 * MAX_TITLE].split())[:MAX_TITLE]
    meanings: list[Meaning] = []
    words: list[str] = []
    rest = _without_tags(rest, scale, meanings, words)
    rest = _without_heads(rest, scale, meanings, words)
    if _rating(meanings) is None and "none" not in meanings:
        bare = _BARE.match(rest) if "topic" in meanings else None
        tail = _TAIL.search(rest)
        if bare or tail:
            found = bare or tail
            word = found[1] if found else ""
            rest = rest[bare.end() :] if bare else rest[: tail.start()] if tail else rest
            meanings += [meaning for meaning in (scale.meaning(word),) if meaning]
            words.append(word)
    return Title(
        claim=_LEAD.sub("", rest).strip(" :-–—") or rest.strip(),
        rating=_rating(meanings),
        original=", ".join(words)[:200],
        editorial="none" in meanings,
        withdrawn="withdrawn" in meanings,
        checked="topic" in meanings,
    )


def media_of(claim: str) -> Media:
    """What carries a claim, by the words that it begins with."""
    start = claim.lstrip(" \"“‘'")[:80]
    return next((kind for kind, pattern in _MEDIA if pattern.match(start)), "text")


def _without_tags(rest: str, scale: Scale, meanings: list[Meaning], words: list[str]) -> str:
    """Cut the tags at the start; of those in round brackets only such as stand in the list."""
    for _number in range(_TAGS):
        match = _TAG.match(rest)
        if match is None:
            break
        found = _of_tag(match[2], scale)
        if not found and (match[1] == "(" or match.end() == len(rest)):
            break
        meanings += found
        if any(each not in ("topic", "none", "withdrawn") for each in found):
            words.append(match[2].strip())
        rest = rest[match.end() :]
    return rest


def _of_tag(tag: str, scale: Scale) -> list[Meaning]:
    whole = scale.meaning(tag)
    if whole:
        return [whole]
    if _TOP.fullmatch(plain(tag)):
        return ["none"]
    return [meaning for part in _PARTS.split(tag) if (meaning := scale.meaning(part))]


def _without_heads(rest: str, scale: Scale, meanings: list[Meaning], words: list[str]) -> str:
    """Cut the verdict words that stand before a sign at the start: "Cek Fakta: ", "Hoaks! ", "Keliru, "."""
    for _number in range(_HEADS):
        match = _HEAD.match(rest)
        key = plain(match[1]) if match else ""
        meaning = scale.words[key] if key in scale.titles else "none"
        if match is None or meaning == "none":  # "Info: ..." may be how a claim begins
            break
        meanings.append(meaning)
        if meaning not in ("topic", "withdrawn"):
            words.append(match[1].strip())
        rest = rest[match.end() :]
    return rest


def _rating(meanings: Iterable[Meaning]) -> Rating | None:
    """The gravest of several."""
    found = set(meanings)
    return next((rating for rating in _WORST if rating in found), None)
