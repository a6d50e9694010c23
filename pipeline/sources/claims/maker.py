"""From what a source found of a fact-check to a ClaimReview: key, rating, checker, times, masked texts."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path

from pipeline.core.claims import ClaimReview, Media, Rating
from pipeline.core.config import Office
from pipeline.core.config_sources import ClaimSourceSettings
from pipeline.core.errors import ItemError
from pipeline.core.i18n import _
from pipeline.core.identity import load_institutions
from pipeline.core.resources import data_path
from pipeline.core.types import RawItem
from pipeline.sources.address import canonical_address
from pipeline.sources.claims.checkers import Checkers, load_checkers
from pipeline.sources.claims.ratings import Scale, load_scale
from pipeline.sources.claims.titles import Title, media_of, read_title
from pipeline.sources.claims.wording import MAX_WORDING, masked
from pipeline.sources.dates import parse_time
from pipeline.sources.posts import EARLIEST, FUTURE
from pipeline.text import normalise

MAX_CLAIM = 1_000
MAX_TITLE = 500
MAX_ORIGINAL = 200
_KEY = 24  # hex characters: 96 bits, no collision among any number of articles that there will be
_LANGUAGE = re.compile(r"[a-z]{2,3}(?=$|[-_])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class Found:
    """What a source found of one review, as it is written there.

    `rating` None: `verdict` is looked up; without one the title's own verdict counts. An empty `claim` is the title's.
    `several`: its article holds further reviews, which may come apart from this one.
    """

    url: str
    claim: str = ""
    title: str = ""
    verdict: str = ""
    rating: Rating | None = None
    wording: str = ""
    reviewed: str = ""
    claimed: str = ""
    language: str = ""
    media: Media | None = None
    withdrawn: bool = False
    checker: str = ""
    checker_kind: str = ""
    several: bool = False


class ReviewMaker:
    """Makes the reviews of one source; `unseen`: verdict that nobody listed -> keys of its reviews."""

    def __init__(self, source: str, settings: ClaimSourceSettings, office: Office) -> None:
        self._source, self._settings, self._office = source, settings, office
        self.unseen: defaultdict[str, set[str]] = defaultdict(set)

    @cached_property
    def scale(self) -> Scale:
        """What verdict words mean."""
        return load_scale()

    @cached_property
    def checkers(self) -> Checkers:
        """The known checkers."""
        return load_checkers()

    def title(self, text: str) -> Title:
        """A title taken apart."""
        return read_title(text, self.scale)

    def reviews(self, raw: RawItem, found: Sequence[Found]) -> tuple[ClaimReview, ...]:
        """The reviews of one item; raises ItemError if one has no address or says nothing."""
        several = Counter(place_of(address_of(each.url)) for each in found)
        made = {review.key: review for each in found for review in (self._review(raw, each, several),)}
        return tuple(made.values())

    def _review(self, raw: RawItem, found: Found, several: Counter[str]) -> ClaimReview:
        address = address_of(found.url)
        if not address:
            raise ItemError(
                _('no web address of the fact-check ("{url}"): a claim without its article cannot be shown').format(
                    url=found.url[:80]
                )
            )
        head, stated = self.title(found.title), self.title(found.claim)
        text = self._text(stated.claim or head.claim, MAX_CLAIM)
        if not text:
            raise ItemError(_("{url}: the fact-check states no claim").format(url=address[:120]))
        alone = several[place_of(address)] == 1 and not found.several
        key = key_of(address, "" if alone else text)
        rating, original = self._judged(found, (stated, head) if alone else (stated,), key)
        settings = self._settings
        told = (settings.checker_kind, found.checker_kind)  # of two, the one that is no independent checker's stands
        language = _LANGUAGE.match(found.language.strip().lower())
        return ClaimReview(
            key=key,
            source=self._source,
            checker=self.checkers.name_of(address, settings.checker or _clean(found.checker)),
            checker_kind=self.checkers.kind_of(address, min(filter(None, told), key=_is_independent, default="")),
            url=address,
            claim=text,
            rating=rating,
            original=original,
            title=self._text(found.title, MAX_TITLE),
            wording=self._text(found.wording, MAX_WORDING, lines=True),
            reviewed_at=self._moment(found.reviewed, raw.fetched_at),
            claimed_at=self._moment(found.claimed, raw.fetched_at),
            language=language[0] if language else settings.language,
            media=found.media or media_of(text),
            withdrawn=found.withdrawn or head.withdrawn or stated.withdrawn,
        )

    def _judged(self, found: Found, titles: Sequence[Title], key: str) -> tuple[Rating, str]:
        """The rating and the checker's own words: what the source says, else what the titles say."""
        verdict = self._text(found.verdict, MAX_ORIGINAL)
        if found.rating is not None:
            return found.rating, verdict
        told = next((each for each in titles if each.rating is not None), None)
        rating = self.scale.rate(verdict) if verdict else None
        if verdict and rating is None:
            self.unseen[verdict[:60]].add(key)
        if rating is None and told is not None:
            rating = told.rating
        return rating or "unrated", verdict or (told.original if told is not None else "")

    def _text(self, text: str, limit: int, *, lines: bool = False) -> str:
        """A text of theirs as it may be kept: masked, of bounded length, on one line unless it is a wording."""
        clean = _clean(text[: 4 * limit])
        whole = masked(clean, self._institutions if "@" in clean else frozenset())
        return (whole if lines else " ".join(whole.split()))[:limit].strip()

    def _moment(self, text: str, fetched_at: datetime) -> datetime | None:
        moment = parse_time(text[:80], self._office.zone)[0] if text else None
        return moment if moment is not None and EARLIEST <= moment <= fetched_at + FUTURE else None

    @cached_property
    def _institutions(self) -> frozenset[str]:
        own = self._office.institutions
        return load_institutions(Path(own) if own else data_path("institutions.csv"))


def unseen_notes(maker: ReviewMaker) -> list[str]:
    """One note for each verdict that nobody listed, the commonest first."""
    counted = [(verdict, len(keys)) for verdict, keys in maker.unseen.items()]
    found = [
        _('verdict "{verdict}" stands in no list: {count} reviews stay unrated').format(verdict=verdict, count=count)
        for verdict, count in sorted(counted, key=lambda pair: -pair[1])[:20]
    ]
    maker.unseen.clear()
    return found


def address_of(url: str) -> str:
    """The canonical address of an article, empty if it is none."""
    try:
        return canonical_address(url)
    except ValueError:
        return ""


def place_of(address: str) -> str:
    """What makes an article: http and https, with and without www or a last slash are one."""
    return address.partition("://")[2].removeprefix("www.").rstrip("/")


def key_of(address: str, claim: str = "") -> str:
    """The key of a review: of its article's address, and of the claim's words where an article has several."""
    words = " ".join(normalise(claim).tokens) or claim if claim else ""
    return sha256(f"{place_of(address)}\0{words}".encode("utf-8", "replace")).hexdigest()[:_KEY]


def _is_independent(kind: str) -> bool:
    return kind == "independent"


def _clean(text: str) -> str:
    return _CONTROL.sub("", text)
