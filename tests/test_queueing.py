"""From flags to the reviewers' queue and back: what stands there, that nothing is lost, what comes again."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from homes import (
    MOMENT,
    PARTITION,
    THREAT,
    Clock,
    address,
    decide,
    derived,
    file_of,
    id_of,
    place_at,
    queue,
    row,
    statuses,
    tags,
    take,
)
from sqlalchemy import delete, select, update

from pipeline import queueing, steps, summary
from pipeline.classify.policy import Policy, sample_rank
from pipeline.classify.priority import base_priority
from pipeline.core.errors import StoreUnavailable
from pipeline.core.identity import subject_of
from pipeline.core.types import Flag, Post, Region, Signal, Status, Topic, Why
from pipeline.ledger import chain, items, mirror, verdicts
from pipeline.ledger.schema import entry, item, item_tag
from pipeline.workplace import Workplace

FIRST = f"{THREAT} di Kota Pontianak"
OTHER = "nanti malam kita bakar gudang logistik, bawa bensin"
STRICT = {"KENTONGAN__POLICY__THRESHOLDS": '{"threat": 1.1, "hate_group": 1.1}'}


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two copies of a threat, another threat and a post that nothing flags; never written to."""
    folder = tmp_path_factory.mktemp("flagged")
    place = place_at(folder / "home")
    rows = [row(1, FIRST), row(2, f"{FIRST} ya"), row(3, OTHER), row(4, "selamat pagi, hari ini cerah di kampung")]
    take(place, file_of(folder, *rows))
    place.close()
    return folder


@pytest.fixture
def home(flagged: Path, tmp_path: Path) -> Path:
    """That home, to write to."""
    shutil.copytree(flagged / "home", tmp_path / "home")
    return tmp_path / "home"


def _again(place: Workplace, flagged: Path) -> None:
    take(place, str(flagged / "warga.csv"))


# ---- into the queue


def test_a_run_puts_flags_into_the_queue_with_all_that_the_desk_orders_by(home: Path) -> None:
    place = place_at(home)
    first, second, third = (id_of(place, number) for number in (1, 2, 3))
    rows = queue(place)
    assert set(rows) == {first, second, third}
    assert {rows[key].status for key in rows} == {"open"}
    assert {rows[key].office for key in rows} == {"00"}
    assert rows[first].cluster == rows[second].cluster == subject_of(first)
    assert rows[third].cluster == subject_of(third)
    assert (rows[first].spread, rows[third].spread) == (2, 1)
    assert rows[first].account != rows[second].account != ""
    assert rows[first].address == address(1)
    assert rows[first].base == 7.5 > rows[third].base
    assert (rows[first].partition, rows[first].kind, rows[first].platform) == (PARTITION, "post", "x")
    assert {("label", "threat"), ("province", "61"), ("region", "61.71")} <= tags(place, first)
    assert ("topic", "election_body_violence") in tags(place, first)


def test_no_address_of_a_post_and_no_key_of_an_account_is_in_the_index(home: Path) -> None:
    place = place_at(home)
    found = place.store.get(id_of(place, 1))
    assert found is not None
    assert found.post.url is None
    assert found.post.author_key is None
    keys = {flag.post.author_key for flag in derived(place)}
    assert not keys & {row.account for row in queue(place).values()}


def test_nothing_comes_into_the_queue_a_second_time(home: Path, flagged: Path) -> None:
    clock = Clock()
    place = place_at(home, clock)
    first = id_of(place, 1)
    decide(place, first, "fits", "confirmed")
    before = {key: (row.status, row.spread, row.address, row.base) for key, row in queue(place).items()}
    labels = tags(place, first)
    _again(place, flagged)
    steps.index(place, PARTITION, now=clock.now)
    clock.move(hours=1)
    _again(place, flagged)
    steps.replay(place, steps.landed(place))
    assert {key: (row.status, row.spread, row.address, row.base) for key, row in queue(place).items()} == before
    assert tags(place, first) == labels
    assert statuses(place)[first] == "confirmed"


def test_an_address_that_is_known_stays_when_landing_is_past_its_time(home: Path) -> None:
    clock = Clock()
    place = place_at(home, clock)
    clock.move(days=31)
    steps.purge(place, now=clock.now)
    steps.reindex(place)
    assert queue(place)[id_of(place, 1)].address == address(1)


def test_a_sample_comes_without_an_address_and_with_a_priority_among_the_others(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home", KENTONGAN__POLICY__SAMPLE_SHARE="0.01")
    place.home.make()
    numbers = _samples(place, 2)
    rows = [row(number, f"panen cabai nomor {number} di kebun belakang") for number in numbers]
    report = take(place, file_of(tmp_path, *rows))[1]
    assert report.counts["sampled"] == 2
    for found in queue(place).values():
        assert found.sample
        assert found.address is None
        assert 2 <= found.base <= 7.5


def _samples(place: Workplace, count: int) -> list[int]:
    """Numbers of posts that are drawn as samples in this home."""
    drawn = (number for number in range(10_000) if sample_rank(id_of(place, number)) < 0.01)
    return [next(drawn) for _n in range(count)]


# ---- the same again


def _review(place: Workplace) -> dict[str, str]:
    """Decide in each way that there is; returns the statuses that must come again."""
    first, second, third = (id_of(place, number) for number in (1, 2, 3))
    decide(place, first, "fits", "confirmed", note="catatan")
    decide(place, second, "not", "rejected", "criticism")
    decide(place, second, "fits", "escalated", by="r2")
    decide(place, third, "second", "second_review")
    return {first: "confirmed", second: "escalated", third: "second_review"}


def test_an_index_that_was_lost_comes_again_with_its_statuses(home: Path) -> None:
    place = place_at(home)
    said = _review(place)
    place.close()
    (home / "index.db").unlink()
    fresh = place_at(home)
    steps.reindex(fresh)
    assert statuses(fresh) == said


def test_a_queue_that_was_lost_comes_again_from_derived_and_the_chain(home: Path) -> None:
    place = place_at(home)
    said = _review(place)
    before = queue(place)
    with place.ledger.write() as db:
        db.execute(delete(item_tag))
        db.execute(delete(item))
    steps.reindex(place)
    after = queue(place)
    assert {key: row.status for key, row in after.items()} == said == statuses(place)
    for key in said:
        kept = ("cluster", "spread", "base", "address", "account", "decided_by", "decided_at", "sample")
        assert [getattr(after[key], name) for name in kept] == [getattr(before[key], name) for name in kept]


def test_a_verdict_that_was_taken_back_comes_again_as_open(home: Path) -> None:
    place = place_at(home)
    key = id_of(place, 1)
    last = decide(place, key, "fits", "confirmed")
    with place.ledger.write() as db:
        verdicts.record(db, replace(last, decisions={}, status="open", supersedes=last.id))
        db.execute(delete(item_tag))
        db.execute(delete(item))
    steps.reindex(place)
    assert (queue(place)[key].status, queue(place)[key].decided_by) == ("open", "")
    assert statuses(place)[key] == "open"


# ---- the mirror


class _Away:
    """A store that does not answer when it is told statuses."""

    def __init__(self, place: Workplace) -> None:
        self._store = place.store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def mirror(self, statuses: Mapping[str, Status], decided: object) -> int:
        raise StoreUnavailable(f"away, with {len(statuses)} statuses")


def test_a_store_that_is_away_loses_no_status(home: Path) -> None:
    place = place_at(home)
    said = _review(place)
    away = place_at(home)
    away.__dict__["store"] = _Away(place)
    for _time in range(2):
        with pytest.raises(StoreUnavailable):
            queueing.mirror(away)
    with pytest.raises(StoreUnavailable):
        steps.index(away, PARTITION, now=MOMENT)
    assert queueing.mirror(place) == len(said)
    assert statuses(place) == said
    assert queueing.mirror(place) == 0


def test_a_held_item_is_claimed_in_the_index_and_free_again_when_its_time_is_over(home: Path) -> None:
    clock = Clock()
    place = place_at(home, clock)
    with place.ledger.write() as db:
        held = items.claim(db, ["00"], "r1", clock.now, limit=1, minutes=20)
    queueing.mirror(place)
    assert statuses(place)[held[0].flag_id] == "claimed"
    clock.move(minutes=21)
    queueing.mirror(place)
    assert set(statuses(place).values()) == {"open"}


def test_many_statuses_are_mirrored_in_several_goes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_at(home)
    said = _review(place)
    monkeypatch.setattr(queueing, "unmirrored", lambda db, now: mirror.unmirrored(db, now, 2))
    assert queueing.mirror(place) == 3
    assert statuses(place) == said


# ---- out of the queue


def test_what_a_mended_rule_no_longer_flags_leaves_the_queue(home: Path) -> None:
    stricter = place_at(home, **STRICT)
    steps.replay(stricter, steps.landed(stricter))
    assert queue(stricter) == statuses(stricter) == {}
    mended = place_at(home)
    steps.replay(mended, steps.landed(mended))
    assert set(queue(mended)) == set(statuses(mended)) == {id_of(mended, number) for number in (1, 2, 3)}


def test_what_a_person_took_up_stays_in_queue_and_index_though_the_index_was_not_told(home: Path) -> None:
    clock = Clock()
    place = place_at(home, clock, **STRICT)
    first, _second, third = (id_of(place, number) for number in (1, 2, 3))
    decide(place, first, "fits", "confirmed")
    with place.ledger.write() as db:
        assert items.hold(db, subject_of(third), "r2", clock.now, 20)
    assert statuses(place)[first] == statuses(place)[third] == "open", "nobody told the index"
    steps.replay(place, steps.landed(place))
    assert set(queue(place)) == {first, third}
    assert statuses(place) == {first: "confirmed", third: "claimed"}
    assert queue(place)[first].spread == 1


# ---- the order


def _flag(why: Why = "signal", *signals: tuple[str, float], topics: Iterable[bool] = (), region: str = "") -> Flag:
    post = Post("x~1", "s", "00", "post", "broadcast", "x", "teks", MOMENT, PARTITION)
    return Flag(
        post,
        tuple(Signal(label, score, 0.5, "m") for label, score in signals),
        (Region("61", "Kalimantan Barat", "province", 1.0, "mention" if region == "mention" else "source"),),
        tuple(Topic(f"t{n}", "T", protected) for n, protected in enumerate(topics)),
        why=(why,),
    )


def test_what_is_more_urgent_stands_first() -> None:
    sure, threat = _flag("signal", ("threat", 0.9)), _flag("signal", ("threat", 0.6))
    hate, topic = _flag("signal", ("hate_group", 0.6)), _flag("topic", topics=[True])
    assert _base(sure) > _base(threat) > _base(hate) > _base(topic) == 2
    assert _base(_flag("signal", ("incitement", 0.6))) == _base(threat)
    assert _base(_flag("claim", ("hoax_claim", 0.6))) == _base(hate)


def _base(flag: Flag) -> float:
    return base_priority(flag, Policy({}, 0.01, 50, unsure=(0.5, 0.5)))


def test_protected_topics_and_regions_of_the_source_do_not_raise_it() -> None:
    plain = _base(_flag("signal", ("hate_group", 0.6)))
    assert _base(_flag("signal", ("hate_group", 0.6), topics=[True, True])) == plain
    assert _base(_flag("signal", ("hate_group", 0.6), region="source")) == plain
    assert _base(_flag("signal", ("hate_group", 0.6), topics=[True, False])) == plain + 1
    assert _base(_flag("signal", ("hate_group", 0.6), topics=[False, False])) == plain + 1
    assert _base(_flag("signal", ("hate_group", 0.6), region="mention")) == plain + 0.5


def test_labels_that_never_flag_and_scores_under_the_threshold_do_not_raise_it() -> None:
    quiet = _flag("topic", ("abusive", 0.99), ("insult_person", 0.99), ("threat", 0.49))
    assert _base(quiet) == _base(_flag("topic")) == 2
    most = _flag("signal", ("threat", 0.99), ("hate_group", 0.99), topics=[False], region="mention")
    assert _base(most) == 7.5


def test_of_two_equals_the_one_of_which_the_model_is_unsure_stands_first() -> None:
    policy = Policy({}, 0.01, 50, unsure=(0.3, 0.7))
    unsure, sure = _flag("signal", ("hate_group", 0.69)), _flag("signal", ("hate_group", 0.7))
    assert base_priority(unsure, policy) == base_priority(sure, policy) + 0.25
    rule = _flag("signal", ("threat", 0.6))
    assert base_priority(rule, policy) == _base(rule)
    under = _flag("topic", ("hate_group", 0.4))
    assert base_priority(under, policy) == _base(under)


@pytest.mark.parametrize("why", ["sample", "teach"])
def test_what_no_rule_flagged_stands_anywhere_in_the_range_and_always_there(why: Why) -> None:
    sample = _flag(why)
    found = [_base(replace(sample, post=replace(sample.post, id=f"x~{n}"))) for n in range(300)]
    assert 2 <= min(found) < 2.3 < 7.4 < max(found) <= 7.75
    assert found == [_base(replace(sample, post=replace(sample.post, id=f"x~{n}"))) for n in range(300)]


# ---- the trace of changed settings


def _changes(place: Workplace) -> list[list[str]]:
    with place.ledger.read() as db:
        return [each.details["changed"] for each in chain.entries(db, actions=["config"])]


def test_changed_settings_leave_exactly_one_trace_each(home: Path, flagged: Path, tmp_path: Path) -> None:
    place = place_at(home)
    assert _changes(place) == [["policy", "sources", "topics"]]
    _again(place, flagged)
    steps.replay(place, steps.landed(place))
    assert len(_changes(place)) == 1

    topics = tmp_path / "topics.toml"
    topics.write_text(
        '[[topic]]\ncode = "road"\nname = {id = "X", en = "X"}\n[[topic.rule]]\nany = ["jalan berlubang"]\n'
    )
    source = '{"kind": "export", "path": "x.csv"}'
    changes: dict[str, dict[str, str]] = {
        "topics": {"KENTONGAN__POLICY__TOPICS": str(topics)},
        "sources": {"KENTONGAN__SOURCES__WARGA": source},
        "policy": {"KENTONGAN__POLICY__SAMPLE_PER_DAY": "7"},
    }
    environ: dict[str, str] = {}
    for count, (name, change) in enumerate(changes.items(), start=2):
        environ |= change
        for _time in range(2):
            steps.note_settings(place_at(home, **environ))
        assert len(_changes(place)) == count
        assert _changes(place)[-1] == [name]
    with place.ledger.read() as db:
        assert not chain.verify(db).problems
        last = list(chain.entries(db, actions=["config"]))[-1]
        assert set(last.details["hashes"]) == {"topics", "sources", "policy"}
        assert last.actor == "program"


def test_a_dry_run_leaves_no_trace(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    take(place, file_of(tmp_path, row(1, THREAT)), dry_run=True)
    with place.ledger.read() as db:
        assert db.execute(select(entry)).first() is None


# ---- figures


def _sampled(place: Workplace) -> None:
    """Make all that stands in the queue samples, as it could have been drawn."""
    with place.ledger.write() as db:
        db.execute(update(item).values(sample=True))


def test_the_summary_counts_flags(home: Path) -> None:
    clock = Clock()
    place = place_at(home, clock)
    clock.move(hours=2)
    decide(place, id_of(place, 1), "fits", "confirmed")
    clock.move(seconds=1)
    daily = summary.daily(place, summary.day_of(place, clock.now), ["00"])
    assert daily.queue.new == 3
    assert (daily.queue.reviewed, daily.queue.waiting) == (1, 2)
    assert daily.queue.oldest == timedelta(hours=2, seconds=1)
    assert [(flags, reviewed, confirmed) for _name, flags, reviewed, confirmed in daily.labels] == [(3, 1, 1)]
    assert [found.copies for found in daily.prominent] == [2, 1]
    assert daily.rises[0].today >= 2
    assert daily.rises[0].accounts == "< 5"
    assert summary.daily(place, summary.day_of(place, clock.now), ["31"]).queue.new == 0


def test_samples_stand_in_no_figure_of_the_summary(home: Path) -> None:
    clock = Clock()
    place = place_at(home, clock)
    clock.move(hours=2)
    decide(place, id_of(place, 1), "not", "rejected", "criticism")
    clock.move(seconds=1)
    _sampled(place)
    daily = summary.daily(place, summary.day_of(place, clock.now), ["00"])
    assert daily.prominent == daily.rises == daily.labels == ()
    assert (daily.queue.new, daily.queue.reviewed, daily.queue.waiting, daily.queue.oldest) == (0, 0, 0, None)
    assert daily.criticism == 0


def test_a_day_ends_when_the_office_says(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home", KENTONGAN__REVIEW__DAY_ENDS="07:30")
    day = summary.day_of(place, MOMENT)  # 10.10 in the office's zone: past the end of that day's summary
    since, until = summary.span_of(place, day)
    assert day.isoformat() == "2026-11-22"
    assert since <= MOMENT < until
    assert until - since == timedelta(days=1)
    assert summary.day_of(place, until) == day + timedelta(days=1)
    assert summary.day_of(place, until - timedelta(seconds=1)) == day
