"""Which claims posts carry: what the matcher found, as a part of a flag.

Flagging asks for new posts and a look back for old ones; both put the answer into the flag in the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.core.clock import days_of
from pipeline.core.types import ClaimMatch, Flag, Post, Reason, Signal

if TYPE_CHECKING:
    from pipeline.enrich.claims import ClaimMatcher, Found

LABEL = "hoax_claim"


def claims_of(matcher: ClaimMatcher | None, posts: Sequence[Post]) -> list[tuple[ClaimMatch, ...]]:
    """The claims of each post, best first; none while no claim is known. Spans point into `Post.text`."""
    if matcher is None:
        return [()] * len(posts)
    found = matcher.match([text_of(post) for post in posts], [days_of(_moment(post)) for post in posts])
    return [tuple(_matches(matches, len(_heading(post)))) for post, matches in zip(posts, found, strict=True)]


def with_claims(flag: Flag, claims: tuple[ClaimMatch, ...], matcher: ClaimMatcher | None) -> Flag:
    """The flag with these claims; the best match makes its signal `hoax_claim`, whose reasons are the shared words."""
    signals = tuple(signal for signal in flag.signals if signal.label != LABEL)
    best = next((claim for claim in claims if claim.level == "match"), None)
    if best is not None and matcher is not None:
        reasons = tuple(Reason(start, end, 1.0) for start, end in best.spans)
        signals += (Signal(LABEL, best.score, matcher.thresholds.match, matcher.name, reasons),)
    return replace(flag, claims=claims, signals=signals)


def text_of(post: Post) -> str:
    """What of a post is compared with claims."""
    return _heading(post) + post.text


def _moment(post: Post) -> datetime:
    return post.published_at or post.fetched_at


def _heading(post: Post) -> str:
    return f"{post.title}\n" if post.title else ""


def _matches(found: Sequence[Found], shift: int) -> Iterator[ClaimMatch]:
    for each in found:
        if each.level != "none":
            spans = tuple((start - shift, end - shift) for start, end in each.spans if start >= shift)
            yield ClaimMatch(each.claim, round(each.score, 4), each.level, each.returned, spans)
