"""Counts for the overview: days are the office's, samples are in none, and nothing is counted by account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ledgers import NOW, OFFICE, add, decide, later

from pipeline.core.identity import subject_of
from pipeline.ledger import Ledger, audit, counts, items

START, END = NOW - timedelta(days=1), NOW + timedelta(days=1)
SPAN = ([OFFICE], START, END)


def _fill(ledger: Ledger) -> None:
    tags = frozenset({("label", "threat"), ("topic", "logistik"), ("province", "61")})
    add(ledger, "x~1", tags=tags, account="a", cluster="x~1")
    add(ledger, "x~2", tags=tags, account="b", cluster="x~1", seen_at=later(minutes=1))
    add(ledger, "x~3", tags=frozenset({("label", "hate_group"), ("topic", "logistik")}), kind="news", account="")
    add(ledger, "sample", tags=tags, sample=True)
    add(ledger, "old", tags=tags, seen_at=START - timedelta(seconds=1))
    add(ledger, "other", tags=tags, office="62")
    with ledger.write() as db:
        decide(db, "x~1")
        decide(db, "x~3", "rejected", decisions={"hate_group": "not"}, reasons=("criticism",))


def test_small_known_data_is_counted_right(ledger: Ledger) -> None:
    _fill(ledger)
    with ledger.read() as db:
        assert counts.arrived(db, *SPAN) == 3
        assert counts.statuses(db, *SPAN) == {"confirmed": 1, "rejected": 1, "open": 1}
        assert counts.tallies(db, "label", *SPAN) == [
            counts.Tally("threat", 2, 1, 1),
            counts.Tally("hate_group", 1, 1, 0),
        ]
        assert counts.rises(db, *SPAN) == {("logistik", "61"): (2, 2, 0), ("logistik", ""): (1, 0, 1)}
        assert counts.without(db, "province", *SPAN) == 1
        assert counts.decided(db, *SPAN) == (2, 1)
        assert counts.tags(db, "x~3") == {"label": ["hate_group"], "topic": ["logistik"]}
        assert [(row.flag_id, copies) for row, copies in counts.prominent(db, *SPAN)] == [("x~1", 2)]


def test_the_backlog_has_no_samples_and_knows_the_oldest_and_what_is_held(ledger: Ledger) -> None:
    _fill(ledger)
    with ledger.write() as db:
        items.hold(db, subject_of("x~2"), "a", NOW, 20)
        assert counts.backlog(db, [OFFICE], NOW) == counts.Backlog(2, START - timedelta(seconds=1), 1)
        assert counts.backlog(db, [OFFICE], later(minutes=20)).held == 0
        assert counts.backlog(db, ["63"], NOW) == counts.Backlog(0, None, 0)


def test_days_are_cut_in_the_office_s_zone(ledger: Ledger) -> None:
    zone = ZoneInfo("Asia/Jayapura")
    for n, minute in enumerate((29, 30, 59, 0)):
        add(ledger, f"x~{n}", seen_at=datetime(2024, 11, 20, 14 if n < 3 else 15, minute, tzinfo=UTC))
    add(ledger, "x~9", seen_at=datetime(2024, 11, 20, 15, 30, tzinfo=UTC))
    span = ([OFFICE], datetime(2024, 11, 20, tzinfo=UTC), datetime(2024, 11, 21, tzinfo=UTC))
    with ledger.read() as db:
        found = counts.by_day(db, "label", *span, zone)
    assert found == {("2024-11-20", "threat"): 3, ("2024-11-21", "threat"): 2}
    assert counts.days(span[1], span[2], zone) == ["2024-11-20", "2024-11-21"]
    assert counts.days(span[1], span[1] + timedelta(hours=15), zone) == ["2024-11-20"]


def test_changed_settings_leave_a_trace_also_when_one_is_removed(ledger: Ledger) -> None:
    with ledger.write() as db:
        assert audit.note_settings(db, OFFICE, "a", NOW, {"topics": "1", "policy": "1"}) == ["policy", "topics"]
        assert audit.note_settings(db, OFFICE, "a", NOW, {"topics": "1", "policy": "1"}) == []
        assert audit.note_settings(db, OFFICE, "a", NOW, {"topics": "2", "policy": "1"}) == ["topics"]
        assert audit.note_settings(db, OFFICE, "a", NOW, {"topics": "2"}) == ["policy"]


def test_what_was_published_stays_and_a_second_version_comes_first(ledger: Ledger) -> None:
    with ledger.write() as db:
        audit.publish(db, OFFICE, "a", NOW, NOW.date(), "satu")
        audit.publish(db, OFFICE, "a", later(hours=1), NOW.date(), "dua")
        assert [text for _day, _at, text in audit.published(db, OFFICE)] == ["dua", "satu"]
        assert audit.published(db, "62") == []
