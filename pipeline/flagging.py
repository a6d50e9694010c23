"""One partition from landing to derived/, in chunks, with memory that does not grow with the texts."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc
import structlog

from pipeline.classify import teach
from pipeline.classify.policy import decide, may_ask, may_spread, sample_rank
from pipeline.classify.shadow import Comparison, unusable
from pipeline.core.batches import batched
from pipeline.core.clock import days_before, partition_start
from pipeline.core.errors import ItemError, ModelError
from pipeline.core.i18n import _
from pipeline.core.types import SHOWN_LABELS, Flag, Post, Quarantined, RawItem, StepReport
from pipeline.enrich.regions import only_other_offices
from pipeline.enrich.stages import stage_at
from pipeline.landing import near
from pipeline.landing.derived import (
    count_unflagged,
    earlier_signatures,
    replace_columns,
    signature_files,
    write_derived,
)
from pipeline.landing.growth import account_of, fast_clusters
from pipeline.landing.quarantine import Quarantine, quarantine
from pipeline.landing.raw import part_name, parts
from pipeline.matching import claims_of, with_claims
from pipeline.parsing import Parsers
from pipeline.text import normalise

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.workplace import Workplace

_log = structlog.get_logger()
_CHUNK = 1_000  # posts in memory at a time: about 10 MB with their signals
_TOP_CLUSTERS = 5
_OUTS = (
    "quarantined",
    "erased",
    "duplicate",
    "out_of_area",
    "expired",
    "unflagged",
    "flagged",
    "sampled",
    "taught",
)  # each item stands in one
_DAY = timedelta(days=1)
_FOREVER = 100_000  # days


class PartitionRun:
    """Flags one partition: `run` reads landing/<partition> and writes derived/<partition> and its quarantine whole."""

    def __init__(self, place: Workplace, partition: str, now: datetime, progress: Callable[[int], None]) -> None:
        self._place = place
        self._now = now
        self._partition = partition
        self._progress = progress
        self._office = place.settings.office
        self._near = place.settings.near_duplicates
        self._month = partition[:7].replace("-", ".")
        self._parts = parts(place.home.landing, partition)
        self._parsers = Parsers(place)
        self._never = place.never_again()
        place.renew_model()
        self._classifier, self._mark = place.classifier, place.fingerprint  # one model from the first post to the last
        self._beside = self._comparison()
        self._counts: Counter[str] = Counter()
        self._tables: dict[str, Counter[str]] = {
            name: Counter() for name in ("label", "topic", "province", "why", "cluster")
        }
        self._limits: dict[str, int] = {}
        self._quarantine = Quarantine(None)
        self._ids: list[str] = []
        self._identity: list[int] = []
        self._minhash: list[near.U32] = []
        self._counted: list[bool] = []  # towards a text that spreads fast
        self._accounts: list[int] = []
        self._samples: list[tuple[float, int]] = []
        self._teachers: list[teach.Candidate] = []
        self._seen: set[int] = set()
        self.ruled: dict[str, bool] = {}  # of a dry run: whether a rule flags the post

    def run(self, *, dry_run: bool = False) -> StepReport:
        """Do it; with `dry_run` count only, write nothing."""
        with quarantine(self._place.home.quarantine, self._partition, "flag", dry_run=dry_run) as self._quarantine:
            self._flag(dry_run=dry_run)
        return self._report()

    def _flag(self, *, dry_run: bool) -> None:
        home = self._place.home
        self._first = days_before(self._partition, self._near.days)
        self._known = self._earlier_identities()
        if dry_run:
            for flags in self._chunks():
                for flag in flags:
                    self._counts["flagged" if flag.why else "unflagged"] += 1
                    self.ruled[flag.id] = bool(flag.why)
        else:
            made_of = [part_name(path) for path in self._parts]
            to = (home.derived, self._partition, self._mark)
            write_derived(*to, self._chunks(), self._finish, made_of, shadow=self._said_beside)
            near.write_signatures(home.derived / self._partition / "signatures.parquet", self._signatures())

    def _report(self) -> StepReport:
        clusters = Counter({name: count for name, count in self._tables.pop("cluster").items() if count > 1})
        tables = {name: dict(table.most_common()) for name, table in self._tables.items()}
        tables["cluster"] = dict(clusters.most_common(_TOP_CLUSTERS))
        if self._beside is not None:
            for label, found in self._beside.counts.items():
                tables[f"shadow_{label}"] = dict(found)
        counts = {name: self._counts[name] for name in _OUTS}
        notes = tuple(f"{item.source}, {item.place}: {item.reason}" for item in self._quarantine.shown)
        notes += self._place.models.alarms + self._alarms
        return StepReport("flag", self._partition, self._counts["in"], counts, tables, notes)

    # ---- the way of a chunk

    def _chunks(self) -> Iterator[list[Flag]]:
        for chunk in batched(self._raws(), _CHUNK):
            posts = [post for raw in chunk if (post := self._parse(raw)) is not None]
            fresh = [post for post in posts if self._is_fresh(post)]
            flags = self._compared([flag for flag in self._decide(fresh) if self._in_area(flag)])
            self._sign(flags)
            self._progress(len(chunk))
            self._counts["in"] += len(chunk)
            if flags:
                yield flags

    def _raws(self) -> Iterator[RawItem]:
        for path in self._parts:
            try:
                yield from self._parsers.read(path)
            except ItemError as error:
                moment = partition_start(self._partition, self._office.zone)
                self._reject(path.parts[-4], path.name, str(error), moment)
                self._counts["in"] += 1  # the damaged rest of a part counts as one item

    def _parse(self, raw: RawItem) -> Post | None:
        try:
            post = self._parsers.parse(raw)
        except ItemError as error:
            self._reject(raw.source, raw.place, str(error), raw.fetched_at)
            return None
        if self._never is not None and self._never(post.id):
            self._counts["erased"] += 1
            return None
        limit = self._parsers.settings(raw.source, raw.connector).max_days or _FOREVER
        self._limits[raw.source] = min(limit, self._limits.get(raw.source, _FOREVER))
        return post if post.partition == self._partition else replace(post, partition=self._partition)

    def _is_fresh(self, post: Post) -> bool:
        """False for a post that already came with the same text, here or in the days that are compared with."""
        identity = near.identity_of(post)
        if identity in self._seen or _contains(self._known, identity):
            self._counts["duplicate"] += 1
            return False
        self._seen.add(identity)
        return True

    def _decide(self, posts: list[Post]) -> list[Flag]:
        place, zone = self._place, self._office.zone
        texts = [post.text for post in posts]
        scored, ruled = self._classifier.classify(texts, reasons=False), place.threats.classify(texts)
        carried = claims_of(place.matcher, posts)
        flags = []
        for post, by_model, by_rule, claims in zip(posts, scored, ruled, carried, strict=True):
            flag = Flag(post, (*by_model, *by_rule), fingerprint=self._fingerprint(post), month=self._month)
            flag = with_claims(flag, claims, place.matcher)
            for enricher in place.enrichers:
                flag = enricher.enrich(flag)
            stage = stage_at(post.published_at or post.fetched_at, flag.regions, place.calendar, zone)
            outside = only_other_offices(flag.regions, self._office.code)
            flags.append(decide(replace(flag, post=replace(post, stage=stage)), place.policy, out_of_area=outside))
        return self._with_reasons(flags)

    def _with_reasons(self, flags: list[Flag]) -> list[Flag]:
        """Reasons are for flagged posts: to find them costs ten times the scoring, and few posts are flagged."""
        flagged = [row for row, flag in enumerate(flags) if "signal" in flag.why]
        explained = self._classifier.classify([flags[row].post.text for row in flagged])
        for row, signals in zip(flagged, explained, strict=True):
            reasons = {signal.label: signal.reasons for signal in signals}
            flag = flags[row]
            told = tuple(replace(signal, reasons=reasons.get(signal.label, signal.reasons)) for signal in flag.signals)
            flags[row] = replace(flag, signals=told)
        return flags

    def _comparison(self) -> Comparison | None:
        shadow = self._place.shadow
        self._alarms = shadow.alarms
        if shadow.classifier is None or shadow.classifier.digest == self._classifier.digest:
            return None
        return Comparison(shadow.classifier, self._classifier.digest, self._place.policy)

    def _compared(self, flags: list[Flag]) -> list[Flag]:
        """The flags with what the candidate says otherwise; one that fails is an alarm, and the work goes on."""
        if self._beside is None:
            return flags
        try:
            return self._beside.beside(flags)
        except ModelError as error:
            self._beside = None
            self._alarms += (unusable(error),)
            return flags

    def _said_beside(self) -> dict[str, Any]:
        return self._beside.notes() if self._beside is not None else {}

    def _in_area(self, flag: Flag) -> bool:
        if "out_of_area" in flag.why_not:
            self._counts["out_of_area"] += 1
            return False
        return True

    def _sign(self, flags: list[Flag]) -> None:
        """Remember what the whole partition needs of each post: 64 minima, its id, whether people may be asked."""
        policy = self._place.policy
        for row, flag in enumerate(flags, start=len(self._ids)):
            rank = sample_rank(flag.id)
            if rank < policy.sample_share and may_ask(flag):
                self._samples.append((rank, row))
            if (teacher := teach.candidate(flag, policy, row)) is not None:
                self._teachers.append(teacher)
            self._identity.append(near.identity_of(flag.post))
            self._counted.append("claim" not in flag.why and may_spread(flag))
            self._accounts.append(account_of(flag.post.author_key))
        self._ids += [flag.id for flag in flags]
        if flags:
            texts = [" ".join(normalise(flag.post.text).tokens) for flag in flags]
            self._minhash.append(near.minhash(texts, self._near.min_letters))

    # ---- what only the whole partition knows

    def _finish(self, table: pa.Table, first_row: int) -> pa.Table:
        """Add clusters and samples to a row group, let older versions of an edited post go, and count."""
        if first_row == 0:
            self._settle()
        rows = range(first_row, first_row + len(table))
        why = table["why"].to_pylist()
        probability: list[float | None] = [None] * len(table)
        for at, row in enumerate(rows):
            if row in self._spreading:
                why[at] = [*why[at], "spread"]
            elif row in self._sampled:
                why[at], probability[at] = ["sample"], self._probability
            elif row in self._taught:
                why[at] = ["teach"]
        expires = [
            self._expiry(moment, bool(reasons), source)
            for moment, reasons, source in zip(
                table["fetched_at"].to_pylist(), why, table["source"].to_pylist(), strict=True
            )
        ]
        table = replace_columns(
            table,
            why=why,
            sample_probability=probability,
            expires_at=expires,
            cluster=self._clusters[first_row : rows.stop],
        )
        alive = np.array([moment > self._now for moment in expires], dtype=bool)
        kept = self._last[first_row : rows.stop] & alive
        self._counts["expired"] += int((self._last[first_row : rows.stop] & ~alive).sum())
        self._tables["cluster"].update(
            name for name, last in zip(self._clusters[first_row:], kept, strict=False) if last
        )
        table = table.filter(kept)
        flagged = table.filter(pc.greater(pc.list_value_length(table["why"]), 0))
        self._counts["unflagged"] += len(table) - len(flagged)
        for row in flagged.select(["why", "signals", "topics", "regions"]).to_pylist():
            self._count(row["why"], row["signals"], row["topics"], row["regions"])
        return table

    def _settle(self) -> None:
        own = np.concatenate([np.empty((0, near.PERMUTATIONS), np.uint32), *self._minhash])
        self._minhash = [own]  # not both: 256 bytes a post
        earlier = earlier_signatures(self._place.home.derived, self._partition, self._first)
        self._clusters = near.cluster(self._ids, own, earlier, self._near.threshold)
        self._last = _last_of_each(self._ids)
        self._counts["duplicate"] += int((~self._last).sum())
        policy = self._place.policy
        taken = count_unflagged(self._place.home.derived, self._partition, self._office.code)
        chosen = heapq.nsmallest(max(0, policy.sample_per_day - taken["sample"]), self._samples)
        self._sampled = {row for _rank, row in chosen}
        self._spreading = self._first_of_fast()
        self._probability = policy.sample_share * len(chosen) / max(1, len(self._samples))
        room = teach.room_at(policy.teach_per_day, int(self._partition[-2:]), taken["teach"])
        self._taught = teach.choose(self._teachers, room, self._may_teach)

    def _first_of_fast(self) -> set[int]:
        """The first row of each cluster that spreads fast and that no fact-checker wrote about."""
        claims = self._place.settings.claims
        fast = fast_clusters(
            *(claims, self._clusters, self._counted, self._accounts),
            derived=self._place.home.derived,
            partition=self._partition,
            days=self._near.days,
            zone=self._office.zone,
        )
        first = {
            name: row for row, name in reversed(list(enumerate(self._clusters))) if name in fast and self._last[row]
        }
        return set(first.values())

    def _may_teach(self, row: int) -> bool:
        """The first of its copies, in its newest version, and nobody is asked about it anyway."""
        alone = self._clusters[row] == self._ids[row] and self._last[row]
        return bool(alone) and row not in self._sampled and row not in self._spreading

    def _signatures(self) -> near.Signatures:
        if not self._ids:
            return near.Signatures(np.empty(0, np.uint64), np.empty((0, near.PERMUTATIONS), np.uint32), [])
        return near.Signatures(np.array(self._identity, dtype=np.uint64), self._minhash[0], self._clusters)

    def _expiry(self, fetched_at: datetime, flagged: bool, source: str) -> datetime:
        """Flags keep for `unreviewed` days, the others for `unflagged`; a source's own limit goes before."""
        retention = self._place.settings.retention
        days = retention.unreviewed if flagged else retention.unflagged
        return fetched_at + min(days, self._limits.get(source, days)) * _DAY

    # ---- small things

    def _count(self, why: Any, signals: Any, topics: Any, regions: Any) -> None:
        out = "sampled" if "sample" in why else "taught" if "teach" in why else "flagged"
        self._counts[out] += 1
        if out != "flagged":
            return
        self._tables["why"].update(why)
        over = (s["label"] for s in signals if s["score"] >= s["threshold"])
        self._tables["label"].update(label for label in over if label in SHOWN_LABELS)
        self._tables["topic"].update(topic["name"] for topic in topics)
        provinces = {region["code"][:2] for region in regions if region["how"] == "mention"}
        names = [self._place.gazetteer.places[code].name for code in sorted(provinces)]
        self._tables["province"].update(names or [_("unknown")])

    def _reject(self, source: str, place: str, reason: str, at: datetime) -> None:
        """The item itself stays in landing: quarantine says where, and holds no native id and no address."""
        self._counts["quarantined"] += 1
        _log.debug("quarantined", partition=self._partition, source=source, place=place)
        self._quarantine.add(Quarantined("flag", source, place, reason, at))

    def _fingerprint(self, post: Post) -> str:
        return sha256(f"{self._mark}\0{post.title}\0{post.text}".encode("utf-8", "replace")).hexdigest()[:16]

    def _earlier_identities(self) -> near.U64:
        earlier = signature_files(self._place.home.derived, self._partition, self._first)
        return np.unique(np.concatenate([np.empty(0, np.uint64), *map(near.read_identities, earlier)]))


def _contains(ordered: near.U64, value: int) -> bool:
    at = int(np.searchsorted(ordered, np.uint64(value)))
    return at < len(ordered) and int(ordered[at]) == value


def _last_of_each(ids: list[str]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask of the last row of each id: an edited post that came twice in an hour counts once, as it last was."""
    last = {flag_id: row for row, flag_id in enumerate(ids)}
    mask = np.zeros(len(ids), dtype=bool)
    mask[list(last.values())] = True
    return mask
