"""A source gone quiet: what each gave of late, against its own past; the worst failure is the one nobody sees.

What counts is what was new: posts of derived/, that is without copies that came before, and where a source usually
brings new posts only those of the week before they were fetched. Hours and days are the office's.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.core.clock import partition_of
from pipeline.core.errors import ItemError
from pipeline.core.files import written_aside
from pipeline.core.i18n import _
from pipeline.landing.derived import derived_file, derived_partitions, read_notes
from pipeline.landing.raw import part_name, partitions, read_part
from pipeline.workplace import Workplace

ALARMS = ("never", "silent", "old", "low")
REPORT = "freshness.json"
WEEKS = 4
"""A day is compared with the same weekday of so many weeks before."""
YOUNG = 15 * 24
"""Hours in which a source has no past yet to be held against: two weeks, so that each weekday came twice."""
SPAN = 28 * 24  # hours before the last one heard: the past
LONGEST = 28 * 24
"""Hours after which any source is silent, and a source that came too rarely for a pause to be unusual."""
HISTORY = SPAN + LONGEST
FEW_PAUSES = 5  # with fewer it came too rarely
YOUNG_FEED = 66  # hours that a young feed may be quiet: from Friday evening to Monday morning
YOUNG_FILE = 8 * 24  # and a young file, which may come once a week
SURE = 5  # items that usually came on such a day: none at all is no chance then (Poisson: 0.7 %)
MANY = 20  # from here on a count says something ...
SHARE = 5  # ... if it fell under a fifth
_RECENT = timedelta(days=7)  # older than that when it was fetched, a post is an old one


@dataclass(frozen=True, slots=True)
class Judged:
    """A source's level; `quiet`: hours since it gave something new; `day`: items of the last whole day; `usual`: of
    such weekdays before, None while there are not two of them."""

    level: str
    quiet: int | None
    day: int
    usual: int | None


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """A configured source. `level`: fresh, young or rare (not judged yet), or one of ALARMS; `last`: a partition."""

    source: str
    kind: str
    level: str
    last: str
    quiet_hours: int | None
    day: int
    usual: int | None


@dataclass(frozen=True, slots=True)
class Report:
    """What `look` found; `alarms` are the names of the sources that somebody should look at."""

    office: str
    made_at: str
    sources: tuple[SourceFreshness, ...]
    alarms: tuple[str, ...]


@dataclass(slots=True)
class _Came:
    """What a source gave, by hour: all that was new, and of that what was published of late; parts that landed."""

    new: Counter[int] = field(default_factory=Counter)
    recent: Counter[int] = field(default_factory=Counter)
    landed: set[int] = field(default_factory=set)

    def add(self, partition: str, new: int, recent: int) -> None:
        """Count what came in an hour."""
        if new:
            self.new[_hour(partition)] += new
        if recent:
            self.recent[_hour(partition)] += recent

    def series(self) -> Counter[int]:
        """What to judge by: a source of which most posts are old when they come is no worse for it."""
        return self.recent if self.recent.total() * 2 >= self.new.total() else self.new


def look(place: Workplace, now: datetime) -> Report:
    """Judge all configured sources, and keep what was found for the desk's metrics."""
    found = measure(place, now)
    with written_aside(place.home.root / REPORT) as aside:
        aside.write_text(json.dumps(asdict(found), ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    return found


def measure(place: Workplace, now: datetime) -> Report:
    """The same, and nothing is written."""
    hour = _hour(partition_of(now, place.settings.office.zone))
    came = _came(place, hour)
    sources = tuple(
        _judged(name, settings.kind, came[name], hour) for name, settings in sorted(place.settings.sources.items())
    )
    return Report(
        office=place.settings.office.code,
        made_at=now.astimezone(UTC).isoformat(),
        sources=sources,
        alarms=tuple(each.source for each in sources if each.level in ALARMS),
    )


def last_report(place: Workplace) -> dict[str, Any] | None:
    """What `look` found last, as JSON has it; None if it never looked, or the file is damaged."""
    try:
        told = json.loads((place.home.root / REPORT).read_text(encoding="utf-8"))
        whole = set(told) == set(Report.__slots__) and isinstance(told["alarms"], list)
        whole = whole and datetime.fromisoformat(told["made_at"]).tzinfo is not None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None
    return told if whole else None


def told(found: SourceFreshness) -> str:
    """A source's state in words."""
    texts = {
        "never": _("{name} never gave anything"),
        "silent": _("{name} is silent: last seen {when}"),
        "old": _("{name} answers, but gives only what is old or known; last new: {when}"),
        "low": _("{name} gave {count} new items yesterday, on such a day usually {usual}"),
    }
    text = texts.get(found.level, _("{name}: heard of late"))
    return text.format(name=found.source, when=found.last or _("never"), count=found.day, usual=found.usual)


# ---- the rule


def judge(counts: Mapping[int, int], first: int | None, now: int, young: int = YOUNG_FEED) -> Judged:
    """Judge by the number of new items of each hour (hours are counted from one midnight on; `now` still runs).

    `first`: the hour in which the source was first heard, None if it never was; `young`: how long it may be quiet while
    it has no past. One bad day or pause of the past does not hide the next one, and who is silent stays so until
    something comes.
    """
    if first is None:
        return Judged("never", None, 0, None)
    heard = sorted(hour for hour, count in counts.items() if count > 0 and now - HISTORY <= hour <= now)
    last = heard[-1] if heard else first
    day, usual = _day(counts, first, now // 24 - 1)
    pauses = sorted(later - hour for hour, later in itertools.pairwise(hour for hour in heard if hour >= last - SPAN))
    if last - first < YOUNG:
        level = "silent" if now - last > min(young, LONGEST) else "young"
    elif now - last > _limit(pauses) or _missed(counts, first, last, now):
        level = "silent"
    elif usual is not None and usual >= MANY and day * SHARE < usual:
        level = "low"
    else:
        level = "fresh" if len(pauses) >= FEW_PAUSES else "rare"
    return Judged(level, now - last, day, usual)


def _limit(pauses: Sequence[int]) -> int:
    """How long a source may be quiet: twice its second longest pause (the longest may be a failure), a day at least."""
    return min(LONGEST, max(24, 2 * pauses[-2])) if len(pauses) >= FEW_PAUSES else LONGEST


def _missed(counts: Mapping[int, int], first: int, last: int, now: int) -> bool:
    """Whether since the last item a whole day passed on which something usually comes for sure."""
    days = range(last // 24 + 1, min(now, last + LONGEST) // 24)
    return any((_day(counts, first, day)[1] or 0) >= SURE for day in days)


def _day(counts: Mapping[int, int], first: int, day: int) -> tuple[int, int | None]:
    """The items of a whole day, and how many usually come on that weekday: the lower median of the weeks before."""
    past = [day - 7 * weeks for weeks in range(1, WEEKS + 1) if day - 7 * weeks > first // 24]
    before = sorted(_of_day(counts, each) for each in past)
    return _of_day(counts, day), before[(len(before) - 1) // 2] if len(before) >= 2 else None


def _of_day(counts: Mapping[int, int], day: int) -> int:
    return sum(counts.get(hour, 0) for hour in range(day * 24, day * 24 + 24))


def _judged(name: str, kind: str, came: _Came, now: int) -> SourceFreshness:
    series = came.series()
    young = YOUNG_FEED if kind == "feed" else YOUNG_FILE
    found = judge(series, min((*came.new, *came.landed), default=None), now, young)
    before = [hour for hour in came.landed if hour < now - HISTORY]  # what was new then nobody knows any more
    last = max([hour for hour, count in series.items() if count and hour <= now] or before, default=None)
    answers = max((*came.new, *came.landed), default=0) > (last or 0)
    level = "old" if found.level == "silent" and answers else found.level
    heard = "" if last is None else _partition(last)
    return SourceFreshness(name, kind, level, heard, found.quiet, found.day, found.usual)


# ---- what came


def _came(place: Workplace, now: int) -> dict[str, _Came]:
    """What each configured source gave in the hours that count; of partitions not flagged yet, all that landed."""
    landing, derived = place.home.landing, place.home.derived
    found = {name: _Came() for name in place.settings.sources}
    since, known = _partition(now - HISTORY), dict[str, set[str]]()
    for partition in derived_partitions(derived, since):
        path = derived_file(derived, partition)
        notes = read_notes(path)
        known[partition] = set(notes.get("made_of", []))
        for name, (new, recent) in _posts(path, notes.get("counts", {})).items():
            if name in found:
                found[name].add(partition, new, recent)
    for name, came in found.items():
        for partition in partitions(landing, source=name):
            came.landed.add(_hour(partition))
            if partition >= since:
                waiting = _waiting(landing / name / partition, known.get(partition, set()))
                came.add(partition, waiting, waiting)
    return found


def _posts(path: Path | None, gone: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Source -> posts of a derived file, with those that are only counted by now, and those not old when they came."""
    try:
        table = pq.read_table(path, columns=["source", "fetched_at", "published_at"])
    except (OSError, pa.ArrowException):  # damaged, or written anew in this moment; the doctor sees to it
        return {}
    counts = Counter({key.removeprefix("source:"): n for key, n in gone.items() if key.startswith("source:")})
    age = pc.subtract(table["fetched_at"], table["published_at"])
    late = pc.fill_null(pc.less_equal(age, pa.scalar(_RECENT, pa.duration("us"))), True)
    new, recent = counts + _counted(table["source"]), counts + _counted(table["source"].filter(late))
    return {name: (count, recent[name]) for name, count in new.items()}


def _counted(column: pa.ChunkedArray) -> Counter[str]:
    return Counter({str(pair["values"]): int(pair["counts"]) for pair in pc.value_counts(column).to_pylist()})


def _waiting(folder: Path, known: set[str]) -> int:
    """How many items of one source and partition wait to be flagged."""
    return sum(_items(path) for path in folder.glob("part-*.jsonl.gz") if part_name(path) not in known)


def _items(path: Path) -> int:
    count = 0
    try:
        for _item in read_part(path):
            count += 1
    except ItemError:
        pass  # what is before the damage counts
    return count


def _hour(partition: str) -> int:
    """A partition as a number of hours; a day's midnight can be divided by 24."""
    return date.fromisoformat(partition[:10]).toordinal() * 24 + int(partition[11:])


def _partition(hour: int) -> str:
    return f"{date.fromordinal(hour // 24)}/{hour % 24:02}"
