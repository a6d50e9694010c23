"""Klaim yang mirip: the claims that a post may carry, with what both texts share and where they differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.core.claims import Claim
from pipeline.core.decisions import CLAIM
from pipeline.core.errors import KentonganError
from pipeline.core.i18n import _
from pipeline.core.names import level_name, verdict_name
from pipeline.core.types import ClaimMatch, Flag
from pipeline.review.claim_views import TEXT, Reviewed, reviewed, text_of
from pipeline.review.templating import written_day
from pipeline.review.views import short, visible
from pipeline.summary import claim_status, judge_of
from pipeline.workplace import Workplace

if TYPE_CHECKING:
    from pipeline.enrich.claims import ClaimMatcher

SHOWN = 6  # claims of one post
_WORDINGS = 4  # of a claim that are compared with the post; the likest is shown
_AROUND = 700  # characters of the post that are shown beside a claim
_BEFORE = 120  # of these before the first shared word
_LISTED = 12  # words of one side that are named as different

Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Marked:
    """A piece of a text: `kind` is "shared", "differs" or empty."""

    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class MatchView:
    """One claim beside the post; `only_post` and `only_claim` are numbers, names and negations of one text alone."""

    id: str
    known: bool
    level: str
    level_name: str
    says: str
    status: str
    returned: bool
    post: tuple[Marked, ...]
    claim: tuple[Marked, ...]
    only_post: tuple[str, ...]
    only_claim: tuple[str, ...]
    reviews: tuple[Reviewed, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A post and one wording of a claim: shared words in both, and what stands in one only."""

    wording: str
    post_shared: tuple[Span, ...] = ()
    claim_shared: tuple[Span, ...] = ()
    post_differs: tuple[Span, ...] = ()
    claim_differs: tuple[Span, ...] = ()


def match_views(
    place: Workplace, flag: Flag, known: Mapping[str, Claim], *, only: Sequence[str] | None = None
) -> list[MatchView]:
    """The claims of a post, those that it surely carries first; `only` those that these questions are about."""
    order = {"match": 0, "suggest": 1, "denial": 2}
    shown = [match for match in flag.claims if only is None or f"{CLAIM}{match.id}" in only]
    ranked = sorted(shown, key=lambda match: (order[match.level], -match.score))
    return [_view(place, flag, match, known.get(match.id)) for match in ranked[:SHOWN]]


def _view(place: Workplace, flag: Flag, match: ClaimMatch, claim: Claim | None) -> MatchView:
    text = flag.post.text or flag.post.title
    compared = Compared("", match.spans) if claim is None else _compared(place, text, match, claim)
    start, end = _window(len(text), compared.post_shared)
    whole = visible(text)
    wording = visible(compared.wording)
    return MatchView(
        id=match.id,
        known=claim is not None,
        level=match.level,
        level_name=level_name(match.level),
        says=_sentence(match, claim),
        status="" if claim is None else claim_status(claim),
        returned=match.returned,
        post=tuple(_marked(whole, compared.post_shared, compared.post_differs, start, end)),
        claim=tuple(_marked(wording, compared.claim_shared, compared.claim_differs, 0, len(wording))),
        only_post=_words(whole, compared.post_differs),
        only_claim=_words(wording, compared.claim_differs),
        reviews=() if claim is None else tuple(reviewed(claim)),
    )


def _sentence(match: ClaimMatch, claim: Claim | None) -> str:
    """Who judged the claim how and when (DOMAIN 3.1): what the checker said, not what the program thinks."""
    review = None if claim is None else judge_of(claim)
    if review is None:
        return _("Claim #{id} is not in the ledger any more.").format(id=match.id)
    texts = {
        "match": _("The same as claim #{id}, which {checker} judged “{verdict}” on {day}."),
        "suggest": _("May be the same as claim #{id}, which {checker} judged “{verdict}” on {day}."),
        "denial": _("Denies or checks claim #{id}, which {checker} judged “{verdict}” on {day}."),
    }
    return texts[match.level].format(
        id=match.id,
        checker=short(review.checker, 80),
        verdict=verdict_name(review.rating, review.checker_kind),
        day=written_day(review.reviewed_at.date()) if review.reviewed_at else _("an unknown day"),
    )


# ---- what is shared, what differs


def _compared(place: Workplace, text: str, match: ClaimMatch, claim: Claim) -> Compared:
    """The wording of the claim that shares most with the post; without a ranker only what the flag itself keeps."""
    plain = Compared(text_of(claim), match.spans)
    try:
        matcher = place.matcher_on(place.claim_index_of(()))  # two texts are compared without any index
        found = [_explained(matcher, text, wording[:TEXT]) for wording in claim.wordings[:_WORDINGS]]
    except KentonganError:  # told by doctor; the page needs it for the marks only
        return plain
    return max(found, key=lambda each: sum(end - start for start, end in each.claim_shared), default=plain)


def _explained(matcher: ClaimMatcher, text: str, wording: str) -> Compared:
    found = matcher.explain(text, wording)
    return Compared(wording, found.text_shared, found.claim_shared, found.text_differs, found.claim_differs)


def _window(length: int, spans: Sequence[Span]) -> Span:
    """The part of a long post around what it shares with the claim."""
    if length <= _AROUND:
        return 0, length
    first = min((start for start, _end in spans), default=0)
    start = max(0, min(first - _BEFORE, length - _AROUND))
    return start, start + _AROUND


def _marked(text: str, shared: Iterable[Span], differs: Iterable[Span], start: int, end: int) -> list[Marked]:
    """text[start:end] cut where marks begin and end; what differs wins over what is shared."""
    marks = [
        (a, b, kind) for spans, kind in ((shared, "shared"), (differs, "differs")) for a, b in _inside(spans, text)
    ]
    cuts = {start, end, *(at for a, b, _kind in marks for at in (a, b) if start < at < end)}
    found = []
    for a, b in pairwise(sorted(cuts)):
        kinds = {kind for left, right, kind in marks if left <= a and b <= right}
        found.append(Marked(text[a:b], "differs" if "differs" in kinds else "shared" if kinds else ""))
    if found and start > 0:
        found.insert(0, Marked("… ", ""))
    if found and end < len(text):
        found.append(Marked(" …", ""))
    return found


def _words(text: str, spans: Iterable[Span]) -> tuple[str, ...]:
    words = (short(text[start:end], 60) for start, end in _inside(spans, text))
    return tuple(dict.fromkeys(word for word in words if word))[:_LISTED]


def _inside(spans: Iterable[Span], text: str) -> list[Span]:
    return [(start, end) for start, end in spans if 0 <= start < end <= len(text)][:200]
