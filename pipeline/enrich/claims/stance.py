"""Whether a text says what a claim says: agreement of numbers, names and negation; and whether it denies or checks it.

Words alone cannot tell "Bupati menolak" from "Bupati menerima", nor a hoax from the article that debunks it. The rules
are plain lists, so that a reviewer can see why; what they miss stays a suggestion that a person looks at.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.resources import data_path
from pipeline.enrich.claims.terms import MAX_TOKENS
from pipeline.text import normalise

Weight = Callable[[str], float]
Span = tuple[int, int]

_NEGATORS = frozenset(
    "tidak tak tdk tidaklah bukan bkn belum blm jangan jgn tanpa gak ga gk nggak ngga enggak engga kagak kaga ndak nda "
    "ora mboten teu henteu dak not never".split()
)
_BETWEEN = frozenset(
    "akan lagi pernah jadi ada bisa perlu boleh dapat harus mungkin sedang sudah telah benar pula juga mau ingin "
    "dianggap dinyatakan otomatis serta di ke yang".split()
)
"""Words that may stand between a negation and what it negates: "tidak akan pernah ditunda"."""
_NUMBERS = {
    "dua": "2", "tiga": "3", "empat": "4", "lima": "5", "enam": "6", "tujuh": "7", "delapan": "8", "sembilan": "9",
    "sepuluh": "10", "sebelas": "11", "seratus": "100", "seribu": "1000", "sejuta": "1000000",
}  # fmt: skip
"""Without "satu", which is an article as often ("salah satu")."""
_AMOUNT = re.compile(r"(?:rp|no|nomor|tps|rt|rw)?(\d+)(?:rb|jt|k|an|%)?")
_CONTRARY = tuple(
    frozenset(pair.split("/"))
    for pair in (
        "tolak/terima tolak/dukung tolak/setuju dukung/tentang naik/turun menang/kalah buka/tutup panjang/tutup "
        "sah/batal tangkap/bebas penjara/bebas hidup/mati hidup/tinggal tambah/kurang masuk/keluar mulai/henti "
        "wajib/larang boleh/larang untung/rugi maju/mundur panjang/pendek cepat/lambat gratis/bayar aman/bahaya "
        "lulus/gagal aktif/nonaktif beri/cabut bangun/bongkar datang/pergi kaya/miskin benar/salah asli/palsu "
        "tunda/maju tunda/cepat lanjut/batal sembuh/sakit lantik/pecat angkat/pecat izin/larang laku/cabut laku/hapus "
        "sebelum/sudah sebelum/sejak pagi/malam muda/tua pria/wanita laki/perempuan utara/selatan timur/barat "
        "serah/sita cair/tahan lapor/cabut"
    ).split()
)
_ONE_OF = tuple(
    frozenset(words.split())
    for words in (
        "senin selasa rabu kamis jumat sabtu minggu ahad",
        "januari februari maret april mei juni juli agustus september oktober november desember",
        "kpu bawaslu dkpp polri tni polisi",
        "bupati gubernur wali presiden camat kades lurah",
    )
)
"""Sets of which a statement means one: another of the same set says something else."""
_SAME_SHARE = 0.8
"""Share of the weight of two claims' words that they must have in common to be one claim."""
_NAME_WEIGHT = 4.0  # idf of a word that may be a name: half of all tokens have less

_FILE = "claims/cues.toml"


@dataclass(frozen=True, slots=True)
class Cues:
    """What denies, what asks, and what undoes both ("bukan hoaks"), as patterns over a line of tokens."""

    denies: re.Pattern[str]
    asks: re.Pattern[str]
    tells: re.Pattern[str]


@cache
def load_cues() -> Cues:
    """The shipped cues; raises ConfigError that names a pattern which is none."""
    return read_cues(data_path(_FILE))


def read_cues(path: Path) -> Cues:
    """The cues of a file; raises ConfigError."""
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
        words = {name: f"(?:{'|'.join(listed.split())})" for name, listed in found["words"].items()}
        return Cues(*(_pattern(found[part]["patterns"], words) for part in ("denies", "asks", "tells")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, re.error) as error:
        raise ConfigError(_("{path} cannot be used: {error}").format(path=path, error=error)) from error


def _pattern(patterns: list[str], words: dict[str, str]) -> re.Pattern[str]:
    joined = "|".join(patterns)
    for name, listed in words.items():
        joined = joined.replace(f"{{{name}}}", listed)
    return re.compile(rf"\b(?:{joined})\b")


@dataclass(frozen=True)
class Words:
    """A text's tokens, one stem for each, and their places."""

    tokens: tuple[str, ...]
    stems: tuple[str, ...]
    spans: tuple[Span, ...]
    capital: tuple[bool, ...]

    @cached_property
    def plain(self) -> str:
        """The tokens as one line, for rules about phrases."""
        return " ".join(self.tokens)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """Where each stem stands."""
        found: dict[str, list[int]] = {}
        for at, stem in enumerate(self.stems):
            found.setdefault(stem, []).append(at)
        return found

    @cached_property
    def numbers(self) -> dict[int, str]:
        """Where numbers stand, and which."""
        return {at: number for at, token in enumerate(self.tokens) if (number := _number(token))}

    def negated(self, at: int) -> bool:
        """Whether the token there is negated: "tidak (akan) ditunda"."""
        for before in range(at - 1, max(-1, at - 4), -1):
            if self.tokens[before] in _NEGATORS:
                return True
            if self.tokens[before] not in _BETWEEN:
                return False
        return False

    def perhaps_negated(self, at: int) -> bool:
        """Whether any negation stands within four tokens before: "belum selesai dicetak"."""
        return not _NEGATORS.isdisjoint(self.tokens[max(0, at - 4) : at])

    def around(self, at: int) -> tuple[set[str], set[str]]:
        """The words, numbers as such, up to five before and five after a token."""
        said = [self.numbers.get(place, stem) for place, stem in enumerate(self.stems)]
        return set(said[max(0, at - 5) : at]), set(said[at + 1 : at + 6])

    def at(self, indexes: Iterable[int]) -> tuple[Span, ...]:
        """The places of these tokens in the text, neighbours joined."""
        found: list[Span] = []
        last = -2
        for index in sorted(set(indexes)):
            start, end = self.spans[index]
            if index == last + 1 and found:
                found[-1] = (found[-1][0], end)
            else:
                found.append((start, end))
            last = index
        return tuple(found)


def words_of(text: str) -> Words:
    """The words of a text; capitals say nothing in one that writes all words with them."""
    normal = normalise(text)
    tokens, spans = normal.tokens[:MAX_TOKENS], normal.spans[:MAX_TOKENS]
    stems = tuple((stem.split() or [token])[0] for stem, token in zip(normal.stems, tokens, strict=False))
    written = [text[start:end] for start, end in spans]
    titled = [word[:1].isupper() for word in written]
    upper = [len(word) > 1 and word.isupper() for word in written]
    named = (
        titled if sum(titled) * 2 <= len(titled) else upper if sum(upper) * 2 <= len(upper) else [False] * len(upper)
    )
    return Words(tokens, stems, spans, tuple(named))


def denies(post: Words, claim: Words) -> bool:
    """Whether a text denies, checks or asks about a claim instead of telling it."""
    if _negates(post, claim):
        return True
    cues, own = load_cues(), claim.plain
    if cues.tells.search(post.plain):
        return False
    return any(match[0] not in own for match in cues.denies.finditer(post.plain)) or bool(cues.asks.search(post.plain))


def agree(post: Words, claim: Words, weight: Weight) -> bool:
    """Whether numbers, names, negation and contrary verbs of a claim are those of a text that shares its words."""
    return not (
        _other_numbers(post, claim)
        or _negates(claim, post)
        or _negates(post, claim)
        or _contrary(post, claim)
        or _swapped(post, claim)
        or any(_other_names(post, claim, weight))
    )


def says_the_same(first: Words, second: Words, weight: Weight) -> bool:
    """Whether two claims are one: nearly the same words in both, the same numbers, nothing negated in one alone."""
    mine, yours = set(first.stems), set(second.stems)
    both = sum(map(weight, mine & yours))
    every = sum(map(weight, mine | yours))
    if not every or both / every < _SAME_SHARE:
        return False
    if set(first.numbers.values()) != set(second.numbers.values()):
        return False
    return agree(first, second, weight) and agree(second, first, weight)


def differing(post: Words, claim: Words) -> tuple[list[int], list[int]]:
    """The numbers, names and negations of each that the other does not have, as places among its tokens."""
    return _only_in(post, claim), _only_in(claim, post)


def _only_in(one: Words, other: Words) -> list[int]:
    theirs = set(other.numbers.values())
    found = [at for at, number in one.numbers.items() if number not in theirs]
    found += [
        at
        for at, stem in enumerate(one.stems)
        if one.capital[at] and stem not in other.places and at not in one.numbers and at > 0
    ]
    for stem in _negated_alone(one, other):
        found += [at - 1 for at in one.places[stem] if one.negated(at)]
    for pair in _CONTRARY:
        mine, yours = pair & one.places.keys(), pair & other.places.keys()
        if len(mine) == 1 and len(yours) == 1 and mine != yours:
            found += one.places[next(iter(mine))]
    return found


def _number(token: str) -> str:
    if token in _NUMBERS:
        return _NUMBERS[token]
    found = _AMOUNT.fullmatch(token) if token[-1:].isdigit() or token[:1].isdigit() else None
    return (found[1].lstrip("0")) if found else ""  # 000 is a part of 600.000


def _other_numbers(post: Words, claim: Words) -> bool:
    """A number of the claim is missing, and another stands where it should (or anywhere, in a short text)."""
    here, theirs = set(post.numbers.values()), set(claim.numbers.values())
    missing = {at: number for at, number in claim.numbers.items() if number not in here}
    others = {at for at, number in post.numbers.items() if number not in theirs}
    if not missing or not others:
        return False
    if len(post.tokens) <= 40:
        return True
    return any(
        abs(place - at) <= 2
        for number_at in missing
        for beside in (number_at - 1, number_at + 1)
        if 0 <= beside < len(claim.stems)
        for place in post.places.get(claim.stems[beside], ())
        for at in others
    )


def _negates(one: Words, other: Words) -> bool:
    return any(True for _stem in _negated_alone(one, other))


def _negated_alone(one: Words, other: Words) -> Iterator[str]:
    """Stems that both share and that are negated in one wherever they stand, and nowhere in the other."""
    for stem, places in one.places.items():
        theirs = other.places.get(stem)
        if not theirs or len(stem) <= 2 or stem in _NEGATORS or stem in _BETWEEN:
            continue
        if all(one.negated(at) for at in places) and not any(other.perhaps_negated(at) for at in theirs):
            yield stem


def _contrary(post: Words, claim: Words) -> bool:
    for pair in _CONTRARY:
        mine, yours = pair & post.places.keys(), pair & claim.places.keys()
        if len(mine) == 1 and len(yours) == 1 and mine != yours:
            return True
    for words in _ONE_OF:
        mine, yours = words & set(post.tokens), words & set(claim.tokens)
        if mine and yours and not mine & yours:
            return True
    return False


def _swapped(post: Words, claim: Words) -> bool:
    """Who does it and to whom it is done changed places around a verb: "A menggugat B", "B menggugat A"."""
    for at, token in enumerate(claim.tokens):
        there = post.places.get(claim.stems[at], ())
        if token.startswith("me") and len(there) == 1 and post.tokens[there[0]].startswith("me"):
            before, after = claim.around(at)
            post_before, post_after = post.around(there[0])
            if before & post_after - after - post_before and after & post_before - before - post_after:
                return True
    return False


def _other_names(post: Words, claim: Words, weight: Weight) -> Iterator[str]:
    """Words of the claim in whose place the text has another name: "Jokowi menolak", "Prabowo menolak"."""
    for at, stem in enumerate(claim.stems):
        if stem in post.places or at in claim.numbers or weight(stem) < _NAME_WEIGHT:
            continue
        for beside, step in ((at + 1, -1), (at - 1, 1)):
            if not 0 <= beside < len(claim.stems):
                continue
            for place in post.places.get(claim.stems[beside], ()):
                there = place + step
                if 0 <= there < len(post.stems) and _is_name(post, there, claim, weight):
                    yield stem


def _is_name(post: Words, at: int, claim: Words, weight: Weight) -> bool:
    stem = post.stems[at]
    return post.capital[at] and at not in post.numbers and stem not in claim.places and weight(stem) >= _NAME_WEIGHT
