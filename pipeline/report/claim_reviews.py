"""Claims as files for others: schema.org's ClaimReview as JSON-LD, and the same as a table.

https://schema.org/ClaimReview; ratings run from 1 (false) to 5 (true), as Google's fact-check data does it. What is
written here can be read by a claim source of kind `file`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from pipeline.core.claims import Claim, ClaimReview, Rating

COLUMNS = (
    *("claim_id", "standing", "claim", "rating", "original", "checker", "checker_kind", "url", "title", "wording"),
    *("reviewed_at", "claimed_at", "language", "media", "withdrawn"),
)
_AUTHORS = {"government": "GovernmentOrganization"}
_VALUES: dict[Rating, int] = {"false": 1, "misleading": 2, "partly_false": 3, "true": 5}


def json_ld(claims: Iterable[Claim]) -> dict[str, Any]:
    """The reviews of claims as one JSON-LD graph; a withdrawn review is left out, as its checker no longer says so."""
    reviews = [_review(claim, review) for claim in claims for review in claim.reviews if not review.withdrawn]
    return {"@context": "https://schema.org", "@graph": reviews}


def _review(claim: Claim, review: ClaimReview) -> dict[str, Any]:
    rating: dict[str, Any] = {"@type": "Rating", "alternateName": review.original or review.rating}
    if review.rating in _VALUES:
        rating |= {"ratingValue": _VALUES[review.rating], "bestRating": 5, "worstRating": 1}
    item: dict[str, Any] = {"@type": "Claim", "identifier": claim.id}
    if review.claimed_at:
        item["datePublished"] = review.claimed_at.date().isoformat()
    made: dict[str, Any] = {
        "@type": "ClaimReview",
        "url": review.url,
        "claimReviewed": review.claim,
        "inLanguage": review.language,
        "author": {"@type": _AUTHORS.get(review.checker_kind, "Organization"), "name": review.checker},
        "reviewRating": rating,
        "itemReviewed": item,
    }
    if review.title:
        made["name"] = review.title
    if review.reviewed_at:
        made["datePublished"] = review.reviewed_at.date().isoformat()
    return made


def rows(claims: Iterable[Claim]) -> Iterator[tuple[str, ...]]:
    """One row a review, in the order of COLUMNS; times as ISO text, UTC."""
    for claim in claims:
        for review in claim.reviews:
            values: dict[str, Any] = {"claim_id": claim.id, "standing": claim.standing}
            values |= {name: getattr(review, name) for name in COLUMNS if name not in values}
            yield tuple(_text(values[name]) for name in COLUMNS)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
