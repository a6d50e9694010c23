"""Which provinces and kabupaten/kota a text names, how surely, and by which words; "unknown" (nothing) is an answer.

A name that two places bear gives the province they share, unless kota, kabupaten or the like stands before it. A name
that is also an ordinary word counts only with a cue: a word before it, a capital letter, a place of the same province
beside it. A source's own region is a weaker, separate hint and never a mention.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from pipeline.core.types import NATIONAL, Flag, Region
from pipeline.enrich.gazetteer import Gazetteer, shipped
from pipeline.enrich.mentions import Reader

SOURCE = 0.3  # the confidence of what the source covers, shared out among its regions
SURE = 0.5  # from here on a mention may send a post out of the area

_MAX_SPANS = 32  # told for one region
_PAPUAS = frozenset({"91", "92", "93", "94", "95", "96"})


@dataclass(slots=True)
class _Found:
    confidence: float = 0.0
    spans: list[tuple[int, int]] = field(default_factory=list)


def find_regions(text: str, gazetteer: Gazetteer, hints: Sequence[str] = (), title: str = "") -> tuple[Region, ...]:
    """The regions that a text and its title name, surest first; `hints` are the codes of the regions the source covers.

    Spans are places in `text`; what only the title names has none. A kabupaten/kota brings its province with it. If
    nothing is named, the hints come back with `how="source"`. Time grows with the length of the text only.
    """
    hints = tuple(code for code in hints if code in gazetteer.places)
    found: dict[str, _Found] = {}
    for part, told in ((text, True), (title, False)):
        for mention, codes in Reader(part, gazetteer, hints).read():
            for code, confidence in codes:
                region = found.setdefault(code, _Found())
                region.confidence = max(region.confidence, confidence)
                if told and len(region.spans) < _MAX_SPANS and (mention.start, mention.end) not in region.spans[-1:]:
                    region.spans.append((mention.start, mention.end))
    if not found:
        share = max(0.05, round(SOURCE / len(hints), 2)) if hints else 0.0
        return tuple(gazetteer.region(code, share, "source") for code in dict.fromkeys(hints))
    ordered = sorted(
        found.items(), key=lambda item: (-item[1].confidence, item[1].spans[:1] or [(len(text), 0)], item[0])
    )
    return tuple(
        gazetteer.region(code, round(region.confidence, 2), spans=tuple(region.spans)) for code, region in ordered
    )


class RegionEnricher:
    """The Enricher port for regions."""

    def __init__(self, gazetteer: Gazetteer | None = None) -> None:
        self._gazetteer = gazetteer or shipped()

    def enrich(self, flag: Flag) -> Flag:
        """A new flag with the regions that the post's title and text name, or that its source covers."""
        post = flag.post
        return replace(flag, regions=find_regions(post.text, self._gazetteer, post.covers, post.title))


def only_other_offices(regions: Iterable[Region], office_code: str) -> bool:
    """Whether the text surely names a region, and none in the office's area: then the post is out of its area.

    A province's area has its kabupaten/kota. A kabupaten/kota is also meant where its province alone is named, that is
    surer than any other kabupaten/kota of it. A doubtful "Papua" may be any of its six provinces.
    """
    if office_code == NATIONAL:
        return False
    named = [region for region in regions if region.how == "mention"]
    province = office_code[:2]
    surest = max((region.confidence for region in named if region.code[:3] == province + "."), default=0.0)
    for region in named:
        if region.code == office_code or (len(office_code) == 2 and region.code[:2] == province):
            return False
        if region.code == province and region.confidence > surest:
            return False
        if region.code == "91" and region.confidence < SURE and province in _PAPUAS:
            return False
    return any(region.confidence >= SURE for region in named)
