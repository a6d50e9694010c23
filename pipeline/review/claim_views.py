"""What a page shows of a claim: who judged it how, in the words of DOMAIN 3.1, and no judgement of ours.

All that checkers write comes from outside: it is text here, and an address is a link only if it is one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipeline.core.claims import Claim, ClaimReview
from pipeline.core.i18n import _
from pipeline.core.names import checker_kind_name, media_name, verdict_name
from pipeline.review.links import host_of, open_address
from pipeline.review.views import short, visible

TEXT = 2_000  # characters of a claim that a page shows
_WORDS = 200  # of a verdict, a checker's name, a title


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One checker's article as a line; `href` is empty where a browser should not be led there."""

    checker: str
    kind: str
    verdict: str
    original: str
    title: str
    at: datetime | None
    href: str
    host: str
    media: str
    withdrawn: bool


def reviewed(claim: Claim) -> list[Reviewed]:
    """All reviews of a claim, those that were taken back last."""
    return [_line(review) for review in claim.reviews]


def _line(review: ClaimReview) -> Reviewed:
    href = open_address(review.url)
    return Reviewed(
        checker=short(review.checker, _WORDS) or _("unknown"),
        kind=checker_kind_name(review.checker_kind),
        verdict=verdict_name(review.rating, review.checker_kind),
        original=short(review.original, _WORDS),
        title=short(review.title, _WORDS),
        at=review.reviewed_at,
        href=href,
        host=host_of(href),
        media="" if review.media == "text" else media_name(review.media),
        withdrawn=review.withdrawn,
    )


def differing(claim: Claim) -> str:
    """How its checkers differ, in one sentence; empty if they do not."""
    said: dict[str, list[str]] = {}
    for review in claim.reviews:
        if review.withdrawn:
            continue
        verdict = verdict_name(review.rating, review.checker_kind)
        said.setdefault(verdict, []).append(short(review.checker, _WORDS))
    if len(said) < 2:
        return ""
    parts = (f"{verdict}: {', '.join(dict.fromkeys(checkers))}" for verdict, checkers in said.items())
    return _("The checkers do not say the same. {parts}.").format(parts="; ".join(parts))


def text_of(claim: Claim) -> str:
    """The claim, as long as a page may show it."""
    text = visible(claim.text)
    return text if len(text) <= TEXT else text[: TEXT - 1].rstrip() + "…"
