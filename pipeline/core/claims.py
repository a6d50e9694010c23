"""The words of claims: what fact-checkers said of a statement, on one scale, and what that lets the program do.

A `ClaimReview` is one article of one checker (schema.org's word), a `Claim` is what its reviews have in common. The
program judges no claim itself: it repeats who said what, and where.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

Rating = Literal["false", "partly_false", "misleading", "satire", "true", "clarification", "unrated"]
"""One scale for all checkers; `unrated` is a verdict that nobody has mapped yet. The original stays beside it."""
RATINGS: tuple[Rating, ...] = get_args(Rating)

CheckerKind = Literal["independent", "government", "interested"]
"""An office's word about a claim against that office is no fact-check (DOMAIN, section 3)."""
CHECKER_KINDS: tuple[CheckerKind, ...] = get_args(CheckerKind)

Media = Literal["text", "image", "video", "audio"]
MEDIA: tuple[Media, ...] = get_args(Media)

Standing = Literal["debunked", "disputed", "clarified", "satire", "true", "unrated", "withdrawn"]
"""What all reviews of a claim say together; only `debunked` may make a match."""
STANDINGS: tuple[Standing, ...] = get_args(Standing)

_WRONG = frozenset({"false", "partly_false", "misleading"})


@dataclass(frozen=True, slots=True)
class ClaimReview:
    """One checker's article about one claim.

    `key` names it for good: it depends on the checker's address (and the place on a page that has several). `claim` is
    the statement without tags such as [SALAH]; `wording` how posts word it, where the article quotes that; `original`
    the verdict as the checker wrote it. `withdrawn` says that the checker took the article back.
    """

    key: str
    source: str
    checker: str
    checker_kind: CheckerKind
    url: str
    claim: str
    rating: Rating
    original: str
    title: str = ""
    wording: str = ""
    reviewed_at: datetime | None = None
    claimed_at: datetime | None = None
    language: str = "id"
    media: Media = "text"
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that checkers wrote about, under one id however many did; `text` is the wording of the first."""

    id: str
    text: str
    reviews: tuple[ClaimReview, ...]
    rev: int = 0

    @property
    def standing(self) -> Standing:
        """What its reviews say together."""
        return standing_of(self.reviews)

    @property
    def first_at(self) -> datetime | None:
        """When the first checker wrote about it, if any says when."""
        return min((review.reviewed_at for review in self.reviews if review.reviewed_at), default=None)

    @property
    def wordings(self) -> tuple[str, ...]:
        """All that a post may be compared with: the claim in each checker's words, and as posts word it; each once."""
        alive = [review for review in self.reviews if not review.withdrawn] or self.reviews
        texts = [self.text, *(text for review in alive for text in (review.claim, review.wording))]
        return tuple(dict.fromkeys(text for text in texts if text))


def standing_of(reviews: Iterable[ClaimReview]) -> Standing:
    """What reviews say together.

    Only independent checkers can debunk: what a government or an interested party says is a clarification. Two that
    contradict each other leave it disputed; a verdict that nobody has mapped says nothing.
    """
    alive = [review for review in reviews if not review.withdrawn]
    if not alive:
        return "withdrawn"
    independent = {review.rating for review in alive if review.checker_kind == "independent"} - {"unrated"}
    if independent & _WRONG:
        return "disputed" if "true" in independent else "debunked"
    if "satire" in independent:
        return "satire"
    if "true" in independent:
        return "true"
    if independent or any(review.checker_kind != "independent" for review in alive):
        return "clarified"
    return "unrated"
