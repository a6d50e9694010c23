"""Which claims a text carries, how surely, and what both say alike or otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.core.errors import ItemError
from pipeline.enrich.claims.encoder import Encoder
from pipeline.enrich.claims.index import ClaimIndex, Document
from pipeline.enrich.claims.likeness import Likeness
from pipeline.enrich.claims.ranker import Ranker, Thresholds, probabilities
from pipeline.enrich.claims.stance import Words, agree, denies, differing, says_the_same, words_of
from pipeline.enrich.claims.terms import stem_id, terms_of
from pipeline.text import normalise

Level = Literal["match", "suggest", "denial", "none"]
Span = tuple[int, int]

LEAST_TOKENS = 8
"""Shorter posts never match by themselves, they are suggested at most (the same bound as in Meedan's Alegre)."""
LEAST_WEIGHT = 18.0
"""Idf that a match shares with its claim, three or four telling words: a claim of stop words matches nothing."""
CANDIDATES = 30  # recall .881 of 2,641 posts and 10,679 claims; 100 give .897
COSINE = 0.1  # candidates under it are not looked at
_KEPT = 5  # claims of one post
_SPANS = 30
_DOUBT = 0.01  # best score of the words alone from which on a sentence model is asked: one ordinary post in twenty
_SLOPE, _MIDDLE = 6.0, 0.5
"""How a cosine of sentences moves the odds: not at all at a half, twentyfold at one. Chosen, not learnt: who turns a
sentence model on runs `kentongan claims fit`, which sets both thresholds for the scores that come out."""
_TELLING = 3.0  # idf from which on a shared word is marked


@dataclass(frozen=True, slots=True)
class Found:
    """A claim that a text may carry: likeness in [0, 1], its level, and where the shared words stand.

    `returned` says that it comes back long after its check; `number` names the wording in the index.
    """

    claim: str
    score: float
    level: Level
    returned: bool
    spans: tuple[Span, ...]
    number: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Half-open places in a text and in a claim: words that both share; numbers, names and negations of one alone."""

    text_shared: tuple[Span, ...]
    claim_shared: tuple[Span, ...]
    text_differs: tuple[Span, ...]
    claim_differs: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class _Scored:
    number: int
    score: float
    weight: float  # of the stems that both share


class ClaimMatcher:
    """Finds claims in an index, ranks them, and says at which level they stand."""

    def __init__(
        self,
        index: ClaimIndex,
        ranker: Ranker,
        thresholds: Thresholds,
        *,
        old_days: int = 180,
        encoder: Encoder | None = None,
    ) -> None:
        self.index, self.ranker, self.thresholds = index, ranker, thresholds
        self._encoder = encoder
        self._old_days = old_days
        self._likeness = Likeness(ranker.weights)

    @property
    def name(self) -> str:
        """The ranker's name, for signals; a sentence model beside it makes other scores, so it is named too."""
        return self.ranker.name + (f"+{self._encoder.digest}" if self._encoder else "")

    @property
    def digest(self) -> str:
        """Changes with the ranker, the thresholds and the claims."""
        parts = (self.ranker.digest, self.name, repr(self.thresholds), self._old_days, self.index.rev, len(self.index))
        return sha256(repr(parts).encode()).hexdigest()[:12]

    def match(self, texts: Sequence[str], days: Sequence[int | None]) -> list[tuple[Found, ...]]:
        """The debunked claims of each text, best first; `days` since 1970 say when each was posted, if known."""
        return [
            self._match(text, moment, self._scored(text, debunked=True))
            for text, moment in zip(texts, days, strict=True)
        ]

    def likest(self, text: str, limit: int) -> list[Found]:
        """The likest claims of any standing, also those under both thresholds."""
        found = self._match(text, None, self._scored(text), every=True)
        return list(found[:limit])

    def top_scores(self, texts: Sequence[str]) -> list[float]:
        """For each text the score of its best debunked claim, 0 without one: what thresholds are fitted by."""
        return [max((each.score for each in self._scored(text, debunked=True)), default=0.0) for text in texts]

    def alike(self, first: str, second: str) -> bool:
        """Whether two claims say the same: nearly the same words, and no number, name or negation apart."""
        return says_the_same(words_of(first), words_of(second), self._weight)

    def explain(self, text: str, wording: str) -> Explanation:
        """What a text and one wording of a claim share, and where they differ."""
        post, claim = words_of(text), words_of(wording)
        common = set(post.stems) & set(claim.stems)
        post_other, claim_other = differing(post, claim)
        return Explanation(
            self._spans(post, common), self._spans(claim, common), post.at(post_other), claim.at(claim_other)
        )

    # ---- scores

    def _scored(self, text: str, *, debunked: bool = False) -> list[_Scored]:
        """Documents near a text with their scores, best first."""
        terms = terms_of(normalise(text))
        numbers, _cosines, ids, owner, sums = self.index.near(terms, CANDIDATES, least=COSINE, debunked=debunked)
        if not len(numbers):
            return []
        rows = self._likeness(terms, ids, owner, sums)
        scores = self._second_opinion(text, numbers, self.ranker.scores(rows))
        shared = np.expm1(rows[:, 4])  # stem_shared
        order = np.argsort(-scores, kind="stable")
        return [_Scored(int(numbers[at]), float(scores[at]), float(shared[at])) for at in order]

    def _second_opinion(
        self, text: str, numbers: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The scores moved by how near the sentence model puts both texts, where the words leave any doubt."""
        if self._encoder is None or scores.max() < _DOUBT:
            return scores
        found = [self._document(int(number)) for number in numbers]
        vectors = self._encoder.encode([text, *(document.text if document else "" for document in found)])
        near = (vectors[1:] @ vectors[0]).astype(np.float64)
        inside = scores.clip(1e-9, 1 - 1e-9)
        odds = np.log(inside / (1 - inside))
        return probabilities(odds + _SLOPE * (near - _MIDDLE))

    def _match(
        self, text: str, moment: int | None, scored: Sequence[_Scored], *, every: bool = False
    ) -> tuple[Found, ...]:
        least = 0.0 if every else self.thresholds.suggest
        found: dict[str, Found] = {}
        post: Words | None = None
        for each in scored:
            if each.score < least or len(found) >= _KEPT * (4 if every else 1):
                break
            document = self._document(each.number)
            if document is None or document.claim in found:
                continue
            post = post or words_of(text)
            claim = words_of(document.text)
            returned = moment is not None and document.days is not None and moment - document.days > self._old_days
            spans = self._spans(post, set(post.stems) & set(claim.stems))
            level = self._level(post, claim, each)
            found[document.claim] = Found(document.claim, each.score, level, returned, spans, each.number)
        return tuple(found.values())

    def _document(self, number: int) -> Document | None:
        try:
            return self.index.document(number)
        except ItemError:  # a sync took it out meanwhile
            return None

    def _level(self, post: Words, claim: Words, scored: _Scored) -> Level:
        if scored.score < self.thresholds.suggest:
            return "none"
        if denies(post, claim):
            return "denial"
        long_enough = len(post.tokens) >= LEAST_TOKENS and scored.weight >= LEAST_WEIGHT
        if scored.score >= self.thresholds.match and long_enough and agree(post, claim, self._weight):
            return "match"
        return "suggest"

    def _weight(self, stem: str) -> float:
        return float(self.ranker.weights[stem_id(stem)])

    def _spans(self, words: Words, common: set[str]) -> tuple[Span, ...]:
        """The places of telling words that are shared; neighbours in one span."""
        marked = [at for at, stem in enumerate(words.stems) if stem in common and self._weight(stem) >= _TELLING]
        return words.at(marked)[:_SPANS]
