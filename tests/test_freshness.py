"""A source gone quiet is an alarm: against its own past, by weekday; young, rare and never seen; old items are none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homes import COLUMNS, MOMENT, Clock, address, native, place_at
from hypothesis import given
from hypothesis import strategies as st

from pipeline import doctor, freshness, steps
from pipeline.core.types import Flag, Post, RawItem
from pipeline.freshness import HISTORY, LONGEST, YOUNG, YOUNG_FEED, judge
from pipeline.landing.derived import write_derived
from pipeline.landing.raw import write_part
from pipeline.workplace import Workplace

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC).date().toordinal() * 24 + 9  # a Friday
DAY = 24
WEEKS = 5 * 7 * DAY

Publishes = Callable[[int], int]
"""Hour -> how many items come in it."""


def _weekday(hour: int) -> int:
    return (hour // DAY + 6) % 7  # of date.toordinal: Monday is 0


def around_the_clock(_hour: int) -> int:
    return 3


def by_day(hour: int) -> int:
    """A newsroom: from six to ten at night."""
    return 4 if 6 <= hour % DAY < 22 else 0


def on_workdays(hour: int) -> int:
    """A government's site: not on Saturday and Sunday."""
    return 2 if _weekday(hour) < 5 and 8 <= hour % DAY < 16 else 0


def quiet_on_sundays(hour: int) -> int:
    return 5 if _weekday(hour) != 6 and 7 <= hour % DAY < 18 else 0


def once_a_day(hour: int) -> int:
    return 500 if hour % DAY == 9 else 0


def once_a_week(hour: int) -> int:
    return 800 if hour % (7 * DAY) == 50 else 0


ALL: list[Publishes] = [around_the_clock, by_day, on_workdays, quiet_on_sundays, once_a_day, once_a_week]


def came(publishes: Publishes, until: int, *, since: int = NOW - 2 * WEEKS) -> dict[int, int]:
    return {hour: publishes(hour) for hour in range(since, until + 1) if publishes(hour)}


def level(counts: dict[int, int], now: int, first: int | None = None) -> str:
    return judge(counts, min(counts, default=None) if first is None else first, now).level


def first_alarm(publishes: Publishes, death: int) -> int:
    """How many hours after the last item a source that died is called silent; it stays so."""
    counts = came(publishes, death)
    last = max(counts)
    levels = [level(counts, last + hours) for hours in range(0, LONGEST + 9 * DAY, 7)]
    silent = levels.index("silent")
    assert set(levels[silent:]) == {"silent"}
    return silent * 7


# ---- the rule


@pytest.mark.parametrize("publishes", ALL, ids=lambda each: each.__name__)
def test_a_source_that_goes_on_is_never_an_alarm(publishes: Publishes) -> None:
    counts = came(publishes, NOW + WEEKS)
    said = {level({h: n for h, n in counts.items() if h <= now}, now) for now in range(NOW, NOW + 14 * DAY, 5)}
    assert said <= {"fresh", "rare"}
    assert ("rare" in said) == (publishes is once_a_week)


@pytest.mark.parametrize(
    ("publishes", "hours"),
    [
        (around_the_clock, 31),
        (by_day, 31),
        (on_workdays, 4 * DAY),
        (quiet_on_sundays, 3 * DAY),
        (once_a_day, 2 * DAY),
        (once_a_week, 9 * DAY),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_how_soon_a_source_that_died_is_called_silent(publishes: Publishes, hours: int) -> None:
    assert max(first_alarm(publishes, NOW + later) for later in range(0, 7 * DAY, 11)) <= hours


def test_a_weekend_is_no_silence_and_the_monday_after_it_is() -> None:
    friday = NOW - NOW % DAY
    counts = came(on_workdays, friday + 15)
    for hours in range(15, 3 * DAY + DAY):
        assert level(counts, friday + hours) == "fresh", hours
    assert level(counts, friday + 4 * DAY) == "silent", "nothing on the whole Monday"


def test_one_failure_of_the_past_does_not_hide_the_next() -> None:
    gap = range(NOW - 20 * DAY, NOW - 14 * DAY)
    counts = {hour: n for hour, n in came(around_the_clock, NOW).items() if hour not in gap}
    assert level(counts, NOW + 24) == "fresh"
    assert level(counts, NOW + 25) == "silent"


def test_much_less_than_usual_on_such_a_day_is_an_alarm() -> None:
    thursday = range(NOW - NOW % DAY - DAY, NOW - NOW % DAY)
    whole = came(by_day, NOW)
    few = {hour: n for hour, n in whole.items() if hour not in thursday} | {thursday[8]: 12}
    found = judge(few, min(few), NOW)
    assert (found.level, found.day, found.usual) == ("low", 12, 64)
    enough = {hour: n for hour, n in whole.items() if hour not in thursday} | {thursday[8]: 13}
    assert judge(enough, min(enough), NOW).level == "fresh"


def test_a_sunday_with_less_than_a_saturday_is_usual() -> None:
    monday = NOW + 3 * DAY
    assert judge(came(quiet_on_sundays, monday), NOW - 2 * WEEKS, monday) == judge(
        came(quiet_on_sundays, monday), NOW - 2 * WEEKS, monday
    )
    found = judge(came(quiet_on_sundays, monday), NOW - 2 * WEEKS, monday)
    assert (found.level, found.day, found.usual) == ("fresh", 0, 0)


def test_a_source_of_two_weeks_has_no_past_but_may_not_be_quiet_over_a_weekend_and_longer() -> None:
    counts = {NOW: 5}
    for hours in range(YOUNG_FEED + 1):
        assert level(counts, NOW + hours) == "young"
    assert level(counts, NOW + YOUNG_FEED + 1) == "silent"
    regular = came(by_day, NOW, since=NOW - YOUNG + 1)
    assert level(regular, NOW) == "young"
    assert judge(regular, min(regular), NOW).usual is None


def test_a_source_that_was_never_heard() -> None:
    assert judge({}, None, NOW) == freshness.Judged("never", None, 0, None)


def test_a_source_of_which_nothing_was_ever_new_is_silent() -> None:
    assert level({}, NOW, first=NOW - 20 * DAY) == "silent"
    assert level({}, NOW, first=NOW - DAY) == "young"


counts_of = st.dictionaries(st.integers(NOW - HISTORY - 50, NOW), st.integers(0, 300), max_size=60)
firsts = st.integers(NOW - 2 * HISTORY, NOW)


@given(counts=counts_of, first=firsts, factor=st.integers(1, 50))
def test_what_came_just_now_is_never_silent_and_quiet_is_never_less_than_the_silence(
    counts: dict[int, int], first: int, factor: int
) -> None:
    first = min([first, *counts])
    found = judge(counts, first, NOW)
    heard = [hour for hour, count in counts.items() if count and hour >= NOW - HISTORY]
    assert found.quiet == NOW - max(heard, default=first)
    assert judge(counts | {NOW: 1}, first, NOW).level != "silent"
    assert found.day == sum(n for hour, n in counts.items() if hour // DAY == NOW // DAY - 1)
    assert found.usual is None or found.usual <= max(counts.values(), default=0) * DAY
    busier = judge({hour: n * factor for hour, n in counts.items()}, first, NOW)
    assert (busier.day, busier.quiet) == (found.day * factor, found.quiet), "counts scale, pauses do not"


@given(counts=counts_of, first=firsts, hours=st.integers(0, 2 * LONGEST), young=st.sampled_from([YOUNG_FEED, 192]))
def test_who_is_silent_stays_so_until_something_comes(
    counts: dict[int, int], first: int, hours: int, young: int
) -> None:
    first = min([first, *counts])
    if judge(counts, first, NOW, young).level == "silent":
        assert judge(counts, first, NOW + hours, young).level == "silent"
    assert judge(counts, first, NOW + LONGEST + 1 + hours, young).level == "silent", "four weeks of nothing"


# ---- from what landed and was flagged


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _with(home: Path, clock: Clock, *names: str) -> Workplace:
    sources = {f"KENTONGAN__SOURCES__{name.upper()}": '{"kind": "feed", "url": "https://x.example"}' for name in names}
    place = place_at(home, clock, **sources)
    place.home.make()
    return place


def _partition(place: Workplace, moment: datetime) -> str:
    return f"{moment.astimezone(place.settings.office.zone):%Y-%m-%d/%H}"


def _flagged(place: Workplace, moment: datetime, *posts: tuple[str, timedelta | None], land: bool = True) -> None:
    """Landing and derived/ as they are after an hour's fetch: (source, how old each post was) for each."""
    partition, flags = _partition(place, moment), []
    for number, (source, age) in enumerate(posts):
        published = None if age is None else moment - age
        post = Post(f"x~{partition}{number}", source, "00", "news", "media", "", "teks", moment, partition)
        flags.append(Flag(replace(post, published_at=published)))
        if land:
            raw = RawItem(source, "feed", moment, f"entry {number}", {"text": f"{partition} {number}"})
            write_part(place.home.landing, partition, [raw], {"visibility": "media"})
    made_of = [
        f"{path.parts[-4]}/{path.name.removesuffix('.jsonl.gz')}"
        for path in place.home.landing.glob(f"*/{partition}/part-*")
    ]
    write_derived(place.home.derived, partition, "f", [flags], lambda table, _row: table, made_of)


def _landed(place: Workplace, moment: datetime, source: str, count: int = 1) -> None:
    raws = [RawItem(source, "feed", moment, f"entry {n}", {"text": f"{moment} {n}"}) for n in range(count)]
    write_part(place.home.landing, _partition(place, moment), raws, {"visibility": "media"})


def _levels(place: Workplace) -> dict[str, str]:
    return {each.source: each.level for each in freshness.measure(place, place.clock()).sources}


def _days(count: int) -> list[datetime]:
    """Moments of the last days, two a day, the last one an hour ago."""
    return [MOMENT - timedelta(hours=1 + 12 * each) for each in range(2 * count)]


NEW, OLD = timedelta(hours=3), timedelta(days=9)


def test_each_source_is_judged_by_its_own_past(tmp_path: Path, clock: Clock) -> None:
    place = _with(tmp_path / "home", clock, "segar", "diam", "tua", "muda", "tiada", "usang", "arsip")
    for moment in _days(34):
        ago = MOMENT - moment
        posts: list[tuple[str, timedelta | None]] = [("segar", NEW), ("segar", None), ("arsip", OLD)]
        posts += [("diam", NEW)] * (2 if ago > timedelta(days=3) else 0)
        posts += [("tua", NEW if ago > timedelta(days=3) else OLD)]
        posts += [("muda", NEW)] * (1 if ago < timedelta(days=4) else 0)
        posts += [("usang", NEW)] * (1 if ago > timedelta(days=3) else 0)
        _flagged(place, moment, *posts, land=ago <= timedelta(days=3))
        if ago <= timedelta(days=3):  # it answers with what is known: parts land, and no post is new
            write_part(
                place.home.landing,
                _partition(place, moment),
                [RawItem("usang", "feed", moment, "entry", {"text": "yang lama"})],
                {},
            )
            _flagged(place, moment, *posts, land=False)
    assert _levels(place) == {
        "segar": "fresh",
        "arsip": "fresh",
        "diam": "silent",
        "tua": "old",
        "muda": "young",
        "tiada": "never",
        "usang": "old",
    }
    found = steps.check_freshness(place, now=place.clock())
    assert set(found.alarms) == {"diam", "tua", "tiada", "usang"}
    assert found == freshness.measure(place, place.clock()), "twice is once"
    kept = freshness.last_report(place)
    assert kept == json.loads(json.dumps(asdict(found)))
    said = {each.source: freshness.told(each) for each in found.sources}
    assert said["tiada"] == "tiada never gave anything"
    assert said["diam"] == "diam is silent: last seen 2026-11-18/09"
    assert said["tua"].startswith("tua answers, but gives only what is old or known; last new: 2026-11-18/")
    wrong = [each.says for each in doctor.examine(place) if each.code == "sources" and not each.well]
    assert len(wrong) == 4
    assert all("kentongan ingest --source" in says for says in wrong)


def test_posts_that_are_only_counted_by_now_are_its_past_too(tmp_path: Path, clock: Clock) -> None:
    place = _with(tmp_path / "home", clock, "portal")
    for moment in _days(34):
        _flagged(place, moment, *[("portal", NEW)] * 10, land=False)
    before = freshness.measure(place, MOMENT).sources[0]
    assert (before.level, before.day, before.usual) == ("fresh", 20, 20)
    shorter = place_at(
        tmp_path / "home",
        clock,
        KENTONGAN__SOURCES__PORTAL='{"kind": "feed", "url": "https://x.example"}',
        KENTONGAN__RETENTION__UNFLAGGED="3",
    )
    assert steps.purge(shorter, now=MOMENT).counts["posts_to_counts"] > 500
    assert freshness.measure(shorter, MOMENT).sources[0] == before


def test_what_landed_and_waits_to_be_flagged_was_heard(tmp_path: Path, clock: Clock) -> None:
    place = _with(tmp_path / "home", clock, "portal")
    for moment in _days(34):
        if MOMENT - moment > timedelta(days=2):
            _flagged(place, moment, ("portal", NEW), ("portal", NEW), land=False)
        else:
            _landed(place, moment, "portal", 2)
    assert _levels(place) == {"portal": "fresh"}
    (found,) = freshness.measure(place, MOMENT).sources
    assert (found.day, found.usual) == (4, 4)
    (part,) = place.home.landing.glob(f"portal/{_partition(place, _days(1)[0])}/part-*")
    part.write_bytes(part.read_bytes()[:-12])
    assert _levels(place) == {"portal": "fresh"}, "damage does not break it"


def test_a_damaged_derived_file_is_passed_over(tmp_path: Path, clock: Clock) -> None:
    place = _with(tmp_path / "home", clock, "portal")
    for moment in _days(34):
        _flagged(place, moment, ("portal", NEW), land=False)
    next(place.home.derived.glob("2026-11-10/*/posts-*")).write_bytes(b"damaged")
    assert _levels(place) == {"portal": "fresh"}


def test_no_sources_are_no_alarm_and_measuring_writes_nothing(tmp_path: Path, clock: Clock) -> None:
    place = _with(tmp_path / "home", clock)
    before = sorted(place.home.root.rglob("*"))
    found = freshness.measure(place, MOMENT)
    assert (found.sources, found.alarms) == ((), ())
    assert sorted(place.home.root.rglob("*")) == before
    assert freshness.last_report(place) is None


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", '{"made_at": 1}', "[" * 10_000])
def test_a_damaged_report_is_none(tmp_path: Path, clock: Clock, damage: str) -> None:
    place = _with(tmp_path / "home", clock)
    (place.home.root / freshness.REPORT).write_text(damage)
    assert freshness.last_report(place) is None


def test_a_source_goes_the_whole_way_and_falls_silent(tmp_path: Path, clock: Clock) -> None:
    """An export that is read again every six hours, and to which nobody adds any more."""
    path = tmp_path / "warga.csv"
    place = place_at(
        tmp_path / "home",
        clock,
        KENTONGAN__SOURCES__WARGA=json.dumps({"kind": "export", "path": str(path)}),
    )
    sources = dict(place.settings.sources)
    for day in (0, 1, 2, 3, 5, 7, 9, 11, 12):
        known = day < 3
        published = f"{clock.now - timedelta(hours=2):%Y-%m-%d %H:%M}" if known else ""
        number = min(day, 2)
        row = f'{native(number)},"kabar kampung nomor {number} tentang jalan desa",{published},akun,{address(number)}\n'
        if known:
            path.write_text(COLUMNS + row, encoding="utf-8")
        done, _reports = steps.run(place, sources)
        assert not done.failed
        found = freshness.measure(place, clock.now).sources[0]
        quiet = max(0, day - 2) * DAY
        assert (found.level, found.quiet_hours) == ("young" if quiet <= 8 * DAY else "old", quiet), day
        clock.move(days=(2 if 3 <= day < 11 else 1))
    assert place.home.landing.joinpath("warga").is_dir()
