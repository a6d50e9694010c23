"""Reads a text once: which names in it are regions, and which of the places that bear the name are meant."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pipeline.enrich.gazetteer import WORD, Gazetteer, Name, Strength

# Confidences, set by hand. In brackets: right, of the matches that were read by eye in tweets, reviews, headlines and
# news (data/regions/README.md): the numbers order the matches and are no calibrated probabilities.
EXPLICIT = 0.95  # "Kota Bandung", "Gubernur Papua", "Jawa Barat" (100 of 100)
PLAIN = 0.9  # an unambiguous name, capital in mixed-case text or after a word of place: "di surabaya" (99 of 100)
BARE = 0.8  # an unambiguous name and nothing else: "surabaya panas banget" (96 of 100)
CUED = 0.75  # an ordinary word with a cue: "di Batu", "warga Pati" (93 of 96)
NEAR = 0.7  # an ordinary word beside a place of its province: "Batu, Jawa Timur" (27 of 31)
HINTED = 0.6  # the source's own region decides between two
WEAK = 0.4  # "Papua" alone (six provinces); "JAKARTA -" at the head of a news story (where the newsroom is)
IMPLIED = 0.05  # so much less for the province of a named kabupaten/kota

_NEAR_WORDS = 8
_CASE_WORDS = 2_000  # so many words say whether a text has mixed case
_ADDRESS_REACH = 100  # characters looked at on either side for a link or site name
_CAPITAL = "31"
_STREETS = frozenset({"jalan", "jl", "jln"})
_LEVEL_NOUNS = frozenset({"kota", "kabupaten", "kab", "kotamadya", "kodya"})
_ABBREVIATIONS = frozenset({"kab", "kec", "kel", "prov", "kep", "jl", "jln", "gg", "d", "i", "rm"})
_TIES = frozenset({"dan", "serta"})
_TITLES = frozenset({"wali", "wakil", "calon"})
_DATELINE = re.compile(r"\s?(?:[,(/]\s?[\w. ]{2,30}\)?)?\s{1,3}[-–—]{1,2}\s")
_PUBLISHER = re.compile(r"\S{1,40}\.(?:com|co\.id|id|net|org)[,\s]+")
_ADDRESS = re.compile(r"://|www\.|@|\.(?:com|co|id|net|org|tv|go|ac)\b", re.IGNORECASE)


@dataclass(slots=True)
class Mention:
    """A name at a place in the text: tokens [first, last), characters [start, end). Confidence 0: not settled yet."""

    name: Name
    first: int
    last: int
    start: int
    end: int
    level: str = ""  # city, regency, both, province
    confidence: float = 0.0
    distinct: bool = False  # a capital letter that tells: mixed case, not at the head of a sentence

    @property
    def provinces(self) -> frozenset[str]:
        return frozenset(code[:2] for code in self.name.codes)


class Reader:
    """Reads one text once: finds names, settles which are regions, and which ones."""

    def __init__(self, text: str, gazetteer: Gazetteer, hints: tuple[str, ...]) -> None:
        self._text = text
        self._gazetteer = gazetteer
        self._contexts = gazetteer.contexts
        self._hints = hints
        self._words: list[str] = []
        self._spots: list[tuple[int, int]] = []
        self._mixed: bool | None = None

    def read(self) -> list[tuple[Mention, list[tuple[str, float]]]]:
        """Each settled mention with its (code, confidence) pairs, in text order."""
        if self._gazetteer.heads.keys().isdisjoint(WORD.findall(self._text.lower())):
            return []
        matches = list(WORD.finditer(self._text))
        self._words = [match[0].lower() for match in matches]
        self._spots = [match.span() for match in matches]
        mentions = [mention for mention in self._candidates() if not self._is_something_else(mention)]
        for mention in mentions:
            self._settle(mention)
        self._look_around(mentions)
        settled = [mention for mention in mentions if mention.confidence]
        named = {code for mention in settled if mention.level for code, _ in self._codes(mention, frozenset(), ())}
        read = []
        for number, mention in enumerate(settled):
            beside = [other for other in settled[max(0, number - 2) : number + 3] if other is not mention]
            codes = self._codes(mention, named, beside)
            if codes:
                read.append((mention, codes))
        return read

    def _candidates(self) -> list[Mention]:
        """The names in the text, longest first, none over another."""
        words, heads = self._words, self._gazetteer.heads
        found = []
        index = 0
        while index < len(words):
            for name in heads.get(words[index], ()):
                last = index + len(name.tokens)
                if tuple(words[index:last]) == name.tokens and all(map(self._joined, range(index + 1, last))):
                    found.append(Mention(name, index, last, self._spots[index][0], self._spots[last - 1][1]))
                    index = last - 1
                    break
            index += 1
        return found

    def _joined(self, index: int) -> bool:
        """Whether nothing but a blank, hyphen, slash or the dot of an abbreviation parts a word from the one before."""
        if not 0 < index < len(self._words):
            return False
        gap = self._text[self._spots[index - 1][1] : self._spots[index][0]]
        if "." in gap and self._words[index - 1] not in _ABBREVIATIONS:
            return False
        return len(gap) <= 3 and not gap.strip(" \t\r\n\xa0-/.")

    def _before(self, mention: Mention, back: int = 1) -> str:
        index = mention.first - back
        return self._words[index] if index >= 0 and self._joined(index + 1) else ""

    def _behind(self, mention: Mention) -> list[str]:
        """The words before the one before a name, the nearest first, at most four and none over a gap."""
        words = []
        for back in range(2, 6):
            word = self._before(mention, back)
            if not word:
                break
            words.append(word)
        return words

    def _after(self, mention: Mention) -> str:
        return self._words[mention.last] if self._joined(mention.last) else ""

    def _is_something_else(self, mention: Mention) -> bool:
        contexts, name = self._contexts, " ".join(mention.name.tokens)
        before, after = self._before(mention), self._after(mention)
        further = self._before(mention, 2) if before else ""
        if before in contexts.not_before and further != before:  # "jalan-jalan Bandung" is no street
            return True
        if before == "raya" and further in _STREETS:
            return True
        if before in contexts.not_before_name.get(name, ()) or after in contexts.not_after_name.get(name, ()):
            return True
        if mention.name.strength != "plain" and self._doubled(mention, before, after):
            return True
        return self._whole_country(mention, name) or self._in_address(mention)

    def _doubled(self, mention: Mention, before: str, after: str) -> bool:
        """Reduplication: batu-batu, terburu-buru, serang-menyerang."""
        word, text = mention.name.tokens[-1], self._text
        return (text[mention.end : mention.end + 1] == "-" and after.endswith(word)) or (
            text[mention.start - 1 : mention.start] == "-" and before.endswith(word)
        )

    def _whole_country(self, mention: Mention, name: str) -> bool:
        """ "Dari Sabang sampai Merauke" means all of Indonesia."""
        if name == "sabang":
            return "merauke" in self._words[mention.last : mention.last + 4]
        return name == "merauke" and "sabang" in self._words[max(0, mention.first - 4) : mention.first]

    def _in_address(self, mention: Mention) -> bool:
        """Whether the name is part of a link, mail address, handle or site name."""
        text = self._text
        if not (text[mention.start - 1 : mention.start] + text[mention.end : mention.end + 1]).strip(" ,-"):
            return False
        left = text[max(0, mention.start - _ADDRESS_REACH) : mention.start]
        right = text[mention.start : mention.end + _ADDRESS_REACH]
        chunk = ("" if left[-1:].isspace() or not left else left.split()[-1]) + right.split(maxsplit=1)[0]
        return _ADDRESS.search(chunk) is not None

    def _is_mixed(self) -> bool:
        """Whether capital letters tell something: not in a headline, not in capitals only, not in lower case only."""
        if self._mixed is None:
            capitals = small = 0
            for start, _ in self._spots[1:_CASE_WORDS]:
                letter = self._text[start]
                capitals += letter.isupper()
                small += letter.islower()
            self._mixed = small >= 1 and small >= capitals
        return self._mixed

    def _heads_sentence(self, mention: Mention) -> bool:
        ahead = self._text[max(0, mention.start - 3) : mention.start].rstrip(" \t\"'“‘(")
        return not ahead or ahead[-1] in ".!?:\n"

    def _is_dateline(self, mention: Mention) -> bool:
        """ "MEDAN, KOMPAS.com - ...", "Liputan6.com, Jakarta ..." at the head of a story."""
        if mention.start > 60:
            return False
        return bool(_PUBLISHER.fullmatch(self._text, 0, mention.start)) or bool(
            _DATELINE.match(self._text, mention.end) and (mention.first == 0 or self._text[: mention.start].isupper())
        )

    def _level(self, mention: Mention) -> str:
        """Which level the words beside the name say."""
        contexts, before = self._contexts, self._before(mention)
        if before in _LEVEL_NOUNS and mention.name.tokens[0] in _LEVEL_NOUNS:
            return ""  # "tiap kabupaten/kota baru"
        level = next((level for level in ("city", "regency", "province") if before in getattr(contexts, level)), "")
        if level in {"city", "regency"}:
            other = contexts.regency if level == "city" else contexts.city
            further = [word for word in self._behind(mention) if word not in _TITLES] + ["", ""]
            if further[0] in other:  # Kabupaten/Kota Bandung: either
                return "either"
            if further[0] in _TIES and further[1] in other:  # Bupati dan Wali Kota Bandung
                return "both"
        if level == "province" and not any(len(code) == 2 for code in mention.name.codes):
            return ""  # Polda Metro: no word of level for a city
        if not level and self._after(mention) == "kota" and len(mention.name.codes) > 1:
            return "city"  # Polres Malang Kota
        return level

    def _settle(self, mention: Mention) -> None:
        contexts, before, strength = self._contexts, self._before(mention), mention.name.strength
        level = self._level(mention)
        mention.level = level if level != "either" else ""
        capital = self._text[mention.start].isupper() and self._is_mixed()
        mention.distinct = capital and not self._heads_sentence(mention)
        dateline = self._is_dateline(mention)
        cued = before in contexts.body or dateline
        placed = before in contexts.place and not (strength == "cue" and self._runs_on(mention))
        if dateline and mention.name.codes == (_CAPITAL,):
            mention.confidence = WEAK
        elif strength == "plain":
            sure = level or len(mention.name.tokens) > 1
            mention.confidence = EXPLICIT if sure else PLAIN if capital or cued or placed else BARE
        elif strength == "weak":
            mention.confidence = EXPLICIT if level == "province" else WEAK
        elif level and (strength != "verb" or mention.distinct or self._is_named_so(mention)):
            mention.confidence = EXPLICIT if mention.level else CUED
        elif _is_cued(strength, mention.distinct, cued, placed):
            mention.confidence = CUED

    def _is_named_so(self, mention: Mention) -> bool:
        """Kota or kabupaten before a name that is a verb; "wali kota serang" may be an attack by the mayor."""
        return self._before(mention) in _LEVEL_NOUNS and self._before(mention, 2) != "wali"

    def _runs_on(self, mention: Mention) -> bool:
        """Whether a capital word that begins no other name follows: Batu Mbelin, Kuningan Central."""
        if not self._joined(mention.last):
            return False
        start = self._spots[mention.last][0]
        return self._text[start].isupper() and self._words[mention.last] not in self._gazetteer.heads

    def _look_around(self, mentions: list[Mention]) -> None:
        """Settle by what stands near: a place of the same province speaks for a name, "Batu, Jakarta" against it."""
        sure = [mention.confidence > 0 for mention in mentions]
        for number, mention in enumerate(mentions):
            if mention.name.strength not in {"cue", "level", "verb"} or mention.level:
                continue
            after = mentions[number + 1] if number + 1 < len(mentions) and sure[number + 1] else None
            if mention.confidence and after and self._lies_in_other(mention, after):
                mention.confidence, sure[number] = 0.0, False
        for number, mention in enumerate(mentions):
            if mention.confidence:
                continue
            others = [mentions[index] for index in _around(number, len(mentions)) if sure[index]]
            if any(self._speaks_for(other, mention) for other in others):
                mention.confidence = NEAR
            elif mention.distinct and any(_within(code, hint) for hint in self._hints for code in mention.name.codes):
                mention.confidence = HINTED

    def _lies_in_other(self, mention: Mention, after: Mention) -> bool:
        gap = self._text[mention.end : after.start].strip()
        return after.first == mention.last and gap in {"", ",", "("} and mention.provinces.isdisjoint(after.provinces)

    def _speaks_for(self, other: Mention, mention: Mention) -> bool:
        if other.name is mention.name or mention.provinces.isdisjoint(other.provinces):
            return False
        if other.first == mention.last and len(self._text[mention.end : other.start].strip()) <= 1:
            return mention.name.strength != "level" or mention.distinct  # "batu, jawa timur" in any case
        distance = max(other.first - mention.last, mention.first - other.last)
        return mention.distinct and distance <= _NEAR_WORDS

    def _codes(self, mention: Mention, named: Iterable[str], beside: Sequence[Mention]) -> list[tuple[str, float]]:
        """Which of the places that bear the name are meant, with provinces; empty if that cannot be said."""
        confidence = mention.confidence
        chosen = self._chosen(mention)
        if not chosen:
            both = [code for code in mention.name.codes if len(code) > 2]
            known = [code for code in both if code in named]
            if len(known) == 1:
                chosen = known
            elif len(mention.provinces) > 1:  # Banjar
                near = {code for other in beside for code in other.provinces} or {hint[:2] for hint in self._hints}
                chosen = [code for code in both if code[:2] in near]
                chosen = chosen if len(chosen) == 1 else []
            else:
                hinted = [code for code in both if code in self._hints]
                extra = [(hinted[0], min(HINTED, confidence))] if len(hinted) == 1 else []
                return [(both[0][:2], confidence), *extra]
        provinces = dict.fromkeys(code[:2] for code in chosen if len(code) > 2)
        implied = [(code, max(confidence - IMPLIED, 0.05)) for code in provinces]
        return [(code, confidence) for code in chosen] + implied

    def _chosen(self, mention: Mention) -> list[str]:
        """The codes that the name and the level beside it settle; empty if several are left."""
        places = [self._gazetteer.places[code] for code in mention.name.codes]
        regencies = [place for place in places if place.level == "regency"]
        picked = []
        if mention.level == "both":
            picked = regencies
        elif mention.level in {"city", "regency"}:
            picked = [place for place in regencies if place.is_city == (mention.level == "city")]
        picked = picked or [place for place in places if place.level == "province"] or regencies
        return [place.code for place in picked] if len(picked) == 1 or mention.level == "both" else []


def _is_cued(strength: Strength, distinct: bool, cued: bool, placed: bool) -> bool:
    if strength == "capital":
        return distinct or cued or placed
    if strength == "cue":
        return cued or (placed and distinct)
    return strength == "verb" and distinct and (cued or placed)


def _around(number: int, count: int) -> list[int]:
    """The three places before and after a number."""
    return [index for index in range(max(0, number - 3), min(count, number + 4)) if index != number]


def _within(code: str, area: str) -> bool:
    return code == area or (len(area) == 2 and code[:2] == area)
