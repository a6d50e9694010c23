"""Claims that posts carry: an index of what fact-checkers wrote, a ranker, and rules for who denies and what agrees."""

from pipeline.enrich.claims.encoder import Encoder, load_encoder
from pipeline.enrich.claims.index import ClaimIndex, Document, Hit
from pipeline.enrich.claims.matcher import ClaimMatcher, Explanation, Found
from pipeline.enrich.claims.ranker import Ranker, Thresholds, load_ranker, write_ranker

__all__ = [
    "ClaimIndex",
    "ClaimMatcher",
    "Document",
    "Encoder",
    "Explanation",
    "Found",
    "Hit",
    "Ranker",
    "Thresholds",
    "load_encoder",
    "load_ranker",
    "write_ranker",
]
