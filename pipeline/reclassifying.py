"""What another model makes of a partition that was flagged before: which flags are new, gone or the same.

Only of the last week: so long the signatures are kept from which it knows what was a duplicate then. Nothing is made of
raw items past their time, and what a person took up stays as it is, whatever the new model says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import get_args

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection

from pipeline.core.batches import batched
from pipeline.core.clock import partition_of, partition_start
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import BLIND, Flag, Status, StepReport, Why
from pipeline.flagging import PartitionRun
from pipeline.landing.derived import derived_file, derived_partitions, read_derived, read_ids, read_notes
from pipeline.landing.raw import part_names, partitions
from pipeline.landing.retention import AGAIN_DAYS, due_parts
from pipeline.ledger import items
from pipeline.ledger.verdicts import latest, standing
from pipeline.purging import decided
from pipeline.workplace import Workplace

_DAMAGE = (OSError, pa.ArrowException, KeyError, TypeError, ValueError)
_SPREAD = frozenset({"spread"})


@dataclass(frozen=True, slots=True)
class Flags:
    """A partition's posts that a rule flagged, with why, and how many people are asked about blindly (samples)."""

    why: Mapping[str, frozenset[str]]
    blind: int = 0


def recent(place: Workplace, days: int, now: datetime) -> list[str]:
    """The partitions of the last days that were flagged before, in the order in which to flag them again."""
    first = partition_of(now - timedelta(days=days), place.settings.office.zone)
    here = set(partitions(place.home.landing, first))
    return [each for each in derived_partitions(place.home.derived, first) if each in here]


def check_recent(place: Workplace, partition: str, now: datetime) -> None:
    """Raise ConfigError for a partition of which it cannot be told any more what was a duplicate then."""
    if partition_start(partition, place.settings.office.zone) < now - timedelta(days=AGAIN_DAYS, hours=1):
        text = _("{partition} is more than {days} days old: what was a copy then can no longer be told")
        raise ConfigError(text.format(partition=partition, days=AGAIN_DAYS))


def is_past(place: Workplace, partition: str, now: datetime) -> bool:
    """Whether a raw item of the partition is past its time, purged or not: it is not read again then."""
    keep, zone = place.settings.retention, place.settings.office.zone
    folders = [path for path in place.home.landing.glob("*") if path.is_dir()]
    return any(any(due_parts(folder, keep, now, zone, partition=partition)) for folder in folders)


def is_current(place: Workplace, partition: str) -> bool:
    """Whether the partition stands as the model in service and the rules of today say, with all that landed."""
    place.renew_model()
    path = derived_file(place.home.derived, partition)
    same = path is not None and path.name == f"posts-{place.fingerprint}.parquet"
    return same and set(read_notes(path).get("made_of", [])) == part_names(place.home.landing, partition)


def flags_of(place: Workplace, partition: str) -> Flags:
    """What stands in derived/; nothing if it was not flagged yet or the file is damaged (it is written anew)."""
    path = derived_file(place.home.derived, partition)
    found: dict[str, frozenset[str]] = {}
    blind = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=10_000, columns=["id", "why"]):
                for row in batch.to_pylist():
                    if BLIND.isdisjoint(row["why"]):
                        found |= {row["id"]: frozenset(row["why"])} if row["why"] else {}
                    else:
                        blind += 1
    except _DAMAGE:
        return Flags({})
    return Flags(found, blind)


def tried(
    place: Workplace, partition: str, before: Flags, now: datetime, progress: Callable[[int], None]
) -> frozenset[str]:
    """The posts that would be flagged now; nothing is written. What spreads fast does so under any model."""
    run = PartitionRun(place, partition, now, progress)
    with place.home.lock("flag"):
        run.run(dry_run=True)
    spreading = {flag_id for flag_id, why in before.why.items() if why == _SPREAD and flag_id in run.ruled}
    return frozenset({flag_id for flag_id, ruled in run.ruled.items() if ruled} | spreading)


def compared(place: Workplace, partition: str, before: Flags, after: frozenset[str], now: datetime) -> StepReport:
    """Every flag of before and of now in one count; `kept`: no rule flags it any more, but a person took it up."""
    gone = before.why.keys() - after
    with place.ledger.read() as db:
        found = items.known(db, sorted(gone), [place.settings.office.code], now)
    kept = {flag_id for flag_id, item in found.items() if item.status != "open" or item.held_by}
    counts = Counter(
        new_flags=len(after - before.why.keys()),
        still_flagged=len(after & before.why.keys()),
        gone_flags=len(gone - kept),
        kept_flags=len(kept),
    )
    tables = {"flags": {"before": len(before.why), "after": len(after)}}
    return StepReport("reclassify", partition, counts.total(), dict(counts), tables)


def bring_back(place: Workplace, partition: str, now: datetime) -> int:
    """Give an index that was lost what people decided on and no rule flags any more; returns how many it lacked."""
    path = derived_file(place.home.derived, partition)
    past, _held = decided(place, now)
    lacking: dict[str, Status] = {}
    for ids in batched(read_ids(path, flagged=False) if path else (), 10_000):
        with place.ledger.read() as db:
            found = items.known(db, ids, [place.settings.office.code], now)
        statuses = {flag_id: item.status for flag_id, item in found.items() if item.status != "open"}
        lacking |= {key: status for key, status in statuses.items() if key not in past and place.store.get(key) is None}
    if path and lacking:
        with place.ledger.read() as db:
            said = standing(db, lacking)
            flags = [_as_asked(db, flag) for flag in read_derived(path) if flag.id in lacking]
        place.store.put(flags)
        place.store.mirror(lacking, said)
    return len(lacking)


def _as_asked(db: Connection, flag: Flag) -> Flag:
    """The flag with the reason for which a person was asked, as the verdict keeps it; old verdicts do not."""
    last = latest(db, flag.id)
    saw = last.snapshot if last else {}
    given = saw.get("why")
    why = tuple(each for each in given if each in get_args(Why)) if isinstance(given, list) else ()
    chance = saw.get("sample_probability")
    return replace(flag, why=why or ("signal",), sample_probability=chance if isinstance(chance, float) else None)


def left_alone(partition: str, before: Flags) -> StepReport:
    """Of a partition with raw items past their time: it stays as it was flagged."""
    note = _("{partition}: raw items are past their time; it stays as it was flagged").format(partition=partition)
    count = len(before.why)
    return StepReport(
        *("reclassify", partition, count, {"left_alone": count}),
        tables={"flags": {"before": count, "after": count}},
        notes=(note,),
    )
