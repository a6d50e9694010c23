"""What a page shows of a flag: never an account, a score or why it was sampled; coarse words softened in lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from pipeline.classify.policy import Policy, is_unsure
from pipeline.core.decisions import DECIDED_LABELS, SPREAD
from pipeline.core.names import band_name, kind_name, label_meaning, label_name
from pipeline.core.types import FLAGGING_LABELS, Flag, Reason, Signal
from pipeline.ledger.items import Item
from pipeline.report.soften import soften
from pipeline.summary import finest, region_name, stage_name, topic_name
from pipeline.workplace import Workplace

SNIPPET = 240  # characters (DOMAIN 2.1)
_UNSHOWN = re.compile("[\0\ud800-\udfff]")  # UTF-8 has no lone surrogates: one would break the page, and the queue


@dataclass(frozen=True, slots=True)
class Band:
    """An indication in one of three bands; `unsure` says that it is over its threshold and the model does not know."""

    label: str
    name: str
    band: str
    band_name: str
    unsure: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One flag in a list. `regions` is empty if none is known; `copies` counts the flags of its cluster.

    `unchecked` says that it spreads fast and that no fact-checker wrote about it.
    """

    key: str
    snippet: str
    marks: tuple[tuple[int, int], ...]
    band: Band | None
    unchecked: bool
    topics: tuple[str, ...]
    regions: tuple[str, ...]
    stage: str
    source: str
    copies: int
    published: datetime | None
    waits: timedelta
    status: str
    held: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text; `labels` are those whose reasons cover it."""

    text: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Indication:
    """One label on the page of a flag: what it means, its band, the words that say so, whether the model is unsure."""

    label: str
    name: str
    meaning: str
    band: str
    band_name: str
    words: tuple[str, ...]
    by_rule: bool
    unsure: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A region or topic with the words that say so; `hint` if only its source suggests it."""

    name: str
    words: tuple[str, ...]
    hint: bool = False


def row_of(
    place: Workplace,
    item: Item,
    flag: Flag | None,
    *,
    hide: bool,
    snippet: str = "",
    marks: tuple[tuple[int, int], ...] = (),
) -> Row:
    """The line of an item; `flag` is None while its text is out of reach, `hide` leaves the indications out."""
    text = visible(snippet) or (short(flag.post.text or flag.post.title) if flag else "")
    return Row(
        key=item.key,
        snippet=soften(text),
        marks=marks,
        band=None if hide or flag is None else top_band(flag, place.policy),
        unchecked=flag is not None and SPREAD in flag.why,
        topics=() if flag is None or hide else tuple(topic_name(place, topic.code) for topic in flag.topics),
        regions=() if flag is None else region_names(place, flag),
        stage=stage_name(place, flag.post.stage) if flag else "",
        source=source_of(item.kind, item.platform),
        copies=item.spread,
        published=item.published_at,
        waits=place.clock() - item.seen_at,
        status=item.status,
        held=bool(item.held_by),
    )


def visible(text: str) -> str:
    """The text as a page can hold it, of the same length: a NUL or half a character is shown as an unknown sign."""
    return _UNSHOWN.sub("\ufffd", text)


def short(text: str, limit: int = SNIPPET) -> str:
    """The beginning of a text on one line."""
    line = " ".join(visible(text).lstrip()[: 4 * limit].split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def source_of(kind: str, platform: str) -> str:
    """Kind and platform; never the account."""
    return f"{kind_name(kind)} · {platform}" if platform else kind_name(kind)


def top_band(flag: Flag, policy: Policy) -> Band | None:
    """The strongest indication of those that may flag, in its band; none of news unless it was flagged for one.

    A post that no rule flagged has one too, in the lower band: so nothing in the list marks what was sampled.
    """
    if flag.post.kind == "news" and "signal" not in flag.why:
        return None
    signals = [signal for signal in flag.signals if signal.label in FLAGGING_LABELS]
    if not signals:
        return None
    first = max(signals, key=lambda signal: (signal.over, signal.score - signal.threshold))
    return Band(first.label, label_name(first.label), first.band, band_name(first.band), _is_unsure(first, policy))


def region_names(place: Workplace, flag: Flag) -> tuple[str, ...]:
    """ "61.01 Kabupaten ..." of the regions that the text names; a province is left out where its regency is named."""
    codes = [region.code for region in flag.regions if region.how == "mention"]
    return tuple(f"{code} {region_name(place, code)}" for code in finest(codes))


def indications(flag: Flag, policy: Policy) -> list[Indication]:
    """What the page of a flag tells of its labels: those that may flag always, further ones if they are over."""
    shown = [s for s in flag.signals if s.label in DECIDED_LABELS or (s.over and s.label in _TOLD)]
    return [_indication(flag, signal, policy) for signal in sorted(shown, key=_rank)]


_TOLD = ("insult_person", "abusive", "ground_religion", "ground_race", "ground_gender", "ground_physical", "hoax_claim")


def told_of(flag: Flag, *, hide: bool, listed: bool = False) -> Flag:
    """The flag with what the desk tells a reviewer of it, for who asks at the command line instead.

    Never why it came (spreading aside, which is asked); with `hide` no indication, and in a list no topic either.
    """
    shown = [s for s in flag.signals if s.label in DECIDED_LABELS or (s.over and s.label in _TOLD)]
    return replace(
        flag,
        signals=() if hide else tuple(s if s.over else replace(s, reasons=()) for s in shown),
        claims=() if hide else flag.claims,
        topics=() if hide and listed else flag.topics,
        why=(SPREAD,) if SPREAD in flag.why else (),
        why_not=(),
        sample_probability=None,
    )


def _rank(signal: Signal) -> int:
    order = (*DECIDED_LABELS, *_TOLD)
    return order.index(signal.label)


def _indication(flag: Flag, signal: Signal, policy: Policy) -> Indication:
    return Indication(
        label=signal.label,
        name=label_name(signal.label),
        meaning=label_meaning(signal.label),
        band=signal.band,
        band_name=band_name(signal.band),
        words=_words(flag.post.text, [(r.start, r.end) for r in signal.reasons]) if signal.over else (),
        by_rule=signal.label == "threat",
        unsure=_is_unsure(signal, policy),
    )


def _is_unsure(signal: Signal, policy: Policy) -> bool:
    """Said of what is over its threshold only: under it, it would tell what was chosen to teach from what was drawn."""
    return signal.over and is_unsure(signal, policy)


def pieces(flag: Flag, *, hide: bool) -> list[Piece]:
    """The text cut where the reasons of its indications begin and end; one piece if they are hidden."""
    text = visible(flag.post.text)
    if hide:
        return [Piece(text, ())]
    spans = [
        (reason.start, reason.end, signal.label)
        for signal in flag.signals
        if signal.over and signal.label in DECIDED_LABELS
        for reason in _inside(signal.reasons, len(text))
    ]
    cuts = sorted({0, len(text), *(start for start, _e, _l in spans), *(end for _s, end, _l in spans)})
    found = []
    for start, end in pairwise(cuts):
        labels = tuple(sorted({label for s, e, label in spans if s <= start and end <= e}))
        found.append(Piece(text[start:end], labels))
    return found


def regions(place: Workplace, flag: Flag) -> list[Named]:
    """The regions of a flag with the words that name them."""
    return [
        Named(
            f"{region.code} {region_name(place, region.code)}",
            _words(flag.post.text, region.spans),
            hint=region.how != "mention",
        )
        for region in flag.regions
    ]


def topics(place: Workplace, flag: Flag) -> list[Named]:
    """The topics of a flag with the words that match."""
    return [Named(topic_name(place, topic.code), _words(flag.post.text, topic.spans)) for topic in flag.topics]


def _words(text: str, spans: Iterable[Sequence[int]]) -> tuple[str, ...]:
    words = (text[start:end].strip() for start, end in spans)
    return tuple(dict.fromkeys(short(word, 60) for word in words if word))[:8]


def _inside(reasons: Sequence[Reason], length: int) -> list[Reason]:
    return [reason for reason in reasons if 0 <= reason.start < reason.end <= length]
