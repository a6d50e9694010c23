"""Claims and a matcher with the shipped ranker, for tests; all texts are invented."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from pipeline.core.resources import models_path
from pipeline.enrich.claims import ClaimIndex, ClaimMatcher, Document, Ranker, load_ranker

MOVED = "TPS Pasar Kemiri dipindah ke Balai Desa Sumberarum karena banjir"
POSTPONED = "KPU Kabupaten Wanasari menunda pencoblosan sampai 4 Desember karena surat suara terbakar"
TOKENS = "Token listrik gratis enam bulan dibagikan dengan mengirim nomor meter ke Telegram"
CARRIES = (
    "Info penting warga, katanya pencoblosan di Wanasari ditunda sampai 4 Desember, surat suaranya terbakar semua. "
    "Kabar dari petugas KPU Kabupaten."
)
DAY = 20_500


@cache
def ranker() -> Ranker:
    """The shipped ranker."""
    return load_ranker(max(models_path().glob("claims-*")))


def documents(*texts: str, standing: str = "debunked", days: int | None = DAY) -> list[Document]:
    """A claim of each text, named k0, k1 ..."""
    return [Document(f"k{at}", text, days, standing) for at, text in enumerate(texts)]


def matcher_of(found: Iterable[Document]) -> ClaimMatcher:
    """A matcher on an index in memory, with the shipped thresholds."""
    return ClaimMatcher(ClaimIndex.in_memory(found, ranker().weights), ranker(), ranker().thresholds)
