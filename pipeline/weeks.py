"""What the posts of an ISO week were like, by source: scores and words in counts, which stay when the posts are gone.

Nothing here is about an account, and no text and no rare word is kept: of the words only those of the model's training
texts, and what stands in WORD_POSTS posts of WORD_AUTHORS authors.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.classify.features import Vocabulary
from pipeline.classify.heads import MODEL_LABELS
from pipeline.classify.shift import BINS, KNOWN, histogram, known_shares, stems_of
from pipeline.core.files import written_aside
from pipeline.landing.derived import derived_file, derived_partitions, read_notes
from pipeline.text import normalise

MEASURED = ("hate_group", "incitement", "threat", "hoax_claim", "hate_speech")
"""The labels that flag, and beside them `hate_speech`: it moves first, for it has the most posts over any score."""
SAMPLE = 2_000
"""Posts of a source and week whose words are read, evenly drawn: 0.1 s, and a share is off by 2 in 100 at most."""
WORD_POSTS = 20
WORD_AUTHORS = 5
_DAMAGE = (OSError, pa.ArrowException, KeyError, TypeError, ValueError)
_ROWS = 10_000  # posts in memory at a time
_COLUMNS = (
    "source",
    "text",
    "author_key",
    *(f"signals.list.element.{n}" for n in ("label", "score", "threshold", "model")),
)
_BY_MODEL = frozenset(MEASURED) & frozenset(MODEL_LABELS)


@dataclass(frozen=True, slots=True)
class Yardstick:
    """What a week is measured with: the model in service, its vocabulary (None: it has none), the stems to count."""

    name: str
    digest: str
    vocabulary: Vocabulary | None
    stems: tuple[str, ...]


@dataclass(slots=True)
class SourceWeek:
    """A source in a week. `counts`, `sums`, `over`: by label; `known`: by kind, in bins; `stems`: texts that have each.

    `scored` posts have scores of the model in service; the words are those of `sampled` posts.
    """

    posts: int = 0
    scored: int = 0
    sampled: int = 0
    counts: dict[str, list[int]] = field(default_factory=dict)
    sums: dict[str, float] = field(default_factory=dict)
    over: dict[str, int] = field(default_factory=dict)
    known: dict[str, list[int]] = field(default_factory=dict)
    known_sum: float = 0.0
    known_texts: int = 0
    stems: dict[str, int] = field(default_factory=dict)
    mentions: int = 0


@dataclass(slots=True)
class Week:
    """A week of all sources. `gone`: posts that were past their time before they were measured.

    `words`: how many of the sampled posts have each word that stands in WORD_POSTS of them, by WORD_AUTHORS authors.
    """

    week: str
    digest: str
    made_of: str
    gone: int
    sampled: int
    sources: dict[str, SourceWeek]
    words: dict[str, int]

    @property
    def posts(self) -> int:
        """How many posts were measured."""
        return sum(source.posts for source in self.sources.values())


def week_of(day: date) -> str:
    """The ISO week of a day, as in "2026-W47"."""
    year, week, _day = day.isocalendar()
    return f"{year}-W{week:02}"


def files_by_week(derived: Path) -> dict[str, list[Path]]:
    """The files of each week's posts, both in order; partitions are cut in the office's zone."""
    found: dict[str, list[Path]] = {}
    for partition in derived_partitions(derived):
        path = derived_file(derived, partition)
        if path is not None:
            found.setdefault(week_of(date.fromisoformat(partition[:10])), []).append(path)
    return found


def measured(folder: Path, week: str, files: Sequence[Path], yardstick: Yardstick) -> tuple[Week, list[str]]:
    """The week's figures, measured anew if its files changed, and the names of damaged files; kept in `folder`.

    They are kept for each model, so that a rollback finds its own, and stay as they were when posts were past their
    time since: after 30 days these leave derived/.
    """
    path = folder / f"{week}-{_mark(yardstick)}.json"
    kept = read_week(path)
    made_of = _made_of(files)
    if kept is not None and kept.digest == yardstick.digest and (kept.made_of == made_of or not files):
        return kept, []
    found, damaged = _measure(week, made_of, files, yardstick)
    if kept is not None and kept.digest == yardstick.digest and found.gone > kept.gone and kept.posts > found.posts:
        kept.made_of = made_of
        found = kept
    if not damaged:
        write_json(path, asdict(found))
    return found, damaged


def kept_weeks(folder: Path, yardstick: Yardstick) -> list[str]:
    """The weeks whose figures under this model are kept, in order."""
    end = f"-{_mark(yardstick)}.json"
    return sorted(path.name.removesuffix(end) for path in folder.glob(f"[0-9]*-W[0-9]*{end}"))


def _mark(yardstick: Yardstick) -> str:
    return yardstick.digest[:12]


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write it aside and rename; the same value gives the same bytes."""
    with written_aside(path) as aside:
        aside.write_text(json.dumps(value, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def read_week(path: Path) -> Week | None:
    """The kept figures of a week; None if there are none or the file is damaged (then they are measured anew)."""
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        told["sources"] = {name: SourceWeek(**source) for name, source in told["sources"].items()}
        week = Week(**told)
        binned = [
            counts for source in week.sources.values() for counts in (*source.counts.values(), *source.known.values())
        ]
        whole = week.posts >= 0 and all(len(counts) == BINS and sum(counts) >= 0 for counts in binned)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return week if whole else None


def _made_of(files: Sequence[Path]) -> str:
    stats = [(path.parts[-3:], *_stat(path)) for path in files]
    return sha256(repr(stats).encode()).hexdigest()[:16]


def _stat(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except FileNotFoundError:  # flagged anew in this moment: the next run measures it
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _measure(week: str, made_of: str, files: Sequence[Path], yardstick: Yardstick) -> tuple[Week, list[str]]:
    whole: list[Path] = []
    damaged: list[str] = []
    totals: Counter[str] = Counter()
    gone = 0
    for path in files:
        try:
            totals.update(_sources(path))
            whole.append(path)
        except _DAMAGE:
            damaged.append("/".join(path.parts[-3:-1]))
        gone += int(read_notes(path).get("counts", {}).get("posts", 0))
    tally = _Tally(yardstick, totals)
    for path in whole:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=_ROWS, columns=list(_COLUMNS)):
                    tally.add(batch)
        except _DAMAGE:
            damaged.append("/".join(path.parts[-3:-1]))
    return Week(week, yardstick.digest, made_of, gone, *tally.done()), damaged


def _sources(path: Path) -> dict[str, int]:
    column = pc.fill_null(pq.read_table(path, columns=["source"])["source"], "?")
    return {str(pair["values"]): int(pair["counts"]) for pair in pc.value_counts(column).to_pylist()}


class _Tally:
    """Counts batches of posts; each post is touched by compute kernels only, but for the sampled texts."""

    def __init__(self, yardstick: Yardstick, totals: Mapping[str, int]) -> None:
        self._yardstick = yardstick
        self._listed = frozenset(yardstick.stems)
        self._stride = {name: math.ceil(total / SAMPLE) for name, total in totals.items()}
        self._sources = {name: SourceWeek() for name in sorted(totals)}
        self._words: Counter[str] = Counter()
        self._authors: dict[str, set[str]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch."""
        encoded = pc.fill_null(batch.column("source"), "?").dictionary_encode()
        places = encoded.indices.to_numpy(zero_copy_only=False)
        names = [str(name) for name in encoded.dictionary.to_pylist()]
        self._scores(batch.column("signals"), places, names)
        for at, name in enumerate(names):
            rows = np.flatnonzero(places == at)
            drawn = rows[(self._sources[name].posts + np.arange(len(rows))) % self._stride[name] == 0]
            self._sources[name].posts += len(rows)
            if len(drawn):
                texts = batch.column("text").take(pa.array(drawn)).to_pylist()
                authors = batch.column("author_key").take(pa.array(drawn)).to_pylist()
                self._read(name, texts, authors)

    def _scores(self, signals: pa.ListArray, places: np.ndarray[Any, Any], names: Sequence[str]) -> None:
        flat, parents = pc.list_flatten(signals), pc.list_parent_indices(signals).to_numpy(zero_copy_only=False)
        label = pc.index_in(flat.field("label"), value_set=pa.array(MEASURED))
        ours = pc.or_(
            pc.equal(flat.field("model"), self._yardstick.name),
            pc.invert(pc.is_in(flat.field("label"), value_set=pa.array(sorted(_BY_MODEL)))),
        )
        mask = pc.fill_null(pc.and_(pc.is_valid(label), ours), False).to_numpy(zero_copy_only=False)
        score = np.nan_to_num(flat.field("score").to_numpy(zero_copy_only=False)[mask])
        over = score >= flat.field("threshold").to_numpy(zero_copy_only=False)[mask]
        bins = np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
        cell = places[parents[mask]].astype(np.int64) * len(MEASURED) + label.to_numpy(zero_copy_only=False)[
            mask
        ].astype(np.int64)
        cells, shape = len(names) * len(MEASURED), (len(names), len(MEASURED))
        counts = np.bincount(cell * BINS + bins, minlength=cells * BINS).reshape(*shape, BINS)
        sums = np.bincount(cell, weights=score, minlength=cells).reshape(shape)
        overs = np.bincount(cell[over], minlength=cells).reshape(shape)
        for at, name in enumerate(names):
            self._sources[name].scored += int(counts[at, MEASURED.index("hate_speech")].sum())
            for number, which in enumerate(MEASURED):
                _add(self._sources[name].counts, which, counts[at, number])
                self._sources[name].sums[which] = self._sources[name].sums.get(which, 0.0) + float(sums[at, number])
                self._sources[name].over[which] = self._sources[name].over.get(which, 0) + int(overs[at, number])

    def _read(self, name: str, texts: Sequence[str | None], authors: Sequence[str | None]) -> None:
        """Words of sampled posts; who wrote them is looked at only to ask whether they are WORD_AUTHORS or more."""
        source = self._sources[name]
        read = [normalise(text or "") for text in texts]
        source.sampled += len(read)
        for text, author in zip(read, authors, strict=True):
            stems = stems_of(text)
            source.mentions += len(stems)
            for stem in stems & self._listed:
                source.stems[stem] = source.stems.get(stem, 0) + 1
            self._words.update(stems)
            for stem in stems:
                known = self._authors.setdefault(stem, set())
                if len(known) < WORD_AUTHORS:
                    known.add(f"{name}\0{author or ''}")
        if self._yardstick.vocabulary is None:
            return
        shares = known_shares(self._yardstick.vocabulary, read)
        for at, kind in enumerate(KNOWN):
            _add(source.known, kind, histogram(shares[:, at]))
        finite = shares[np.isfinite(shares[:, 0]), 0]
        source.known_sum += float(finite.sum())
        source.known_texts += len(finite)

    def done(self) -> Iterator[Any]:
        """Sampled posts, sources, and the words that many authors use."""
        for source in self._sources.values():
            for label in set(MEASURED) - _BY_MODEL:  # a rule or a match says something only where it finds something
                counts = source.counts.setdefault(label, [0] * BINS)
                counts[0] += source.posts - sum(counts)
        yield sum(source.sampled for source in self._sources.values())
        yield self._sources
        many = (
            (stem, count)
            for stem, count in self._words.items()
            if count >= WORD_POSTS and len(self._authors[stem]) >= WORD_AUTHORS
        )
        yield dict(sorted(many, key=lambda pair: (-pair[1], pair[0])))


def _add(into: dict[str, list[int]], key: str, counts: np.ndarray[Any, Any]) -> None:
    into[key] = (np.array(into.get(key, [0] * BINS)) + counts).tolist()
