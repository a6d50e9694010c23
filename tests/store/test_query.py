"""What a person types is read as words, phrases, fields and days, and never as anything else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.types import Query
from pipeline.store.query import MAX_PARTS, day_range, explain_query, parse_query

ZONE = ZoneInfo("Asia/Jayapura")


def parse(text: str) -> Query:
    return parse_query(text, zone=ZONE)


def utc(*when: int) -> datetime:
    return datetime(*when, tzinfo=ZONE).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ("  \n ", Query()),
        ("banjir rob", Query(words=("banjir", "rob"))),
        ('"surat suara" kurang', Query(words=("kurang",), phrases=("surat suara",))),
        ("“surat suara”", Query(phrases=("surat suara",))),
        ('"tidak ditutup', Query(phrases=("tidak ditutup",))),
        ('banjir -rob -"air laut"', Query(words=("banjir",), without=("rob", "air laut"))),
        ("jum'at c1-plano", Query(words=("jum'at", "c1-plano"))),
        ('a"b c"d', Query(words=("a", "d"), phrases=("b c",))),
        ("label:threat topic:logistik", Query(fields=(("label", "threat"), ("topic", "logistik")))),
        ("Indikasi:Ancaman ISU:logistik", Query(fields=(("label", "threat"), ("topic", "logistik")))),
        ('wilayah:"61.01" -wilayah:62', Query(fields=(("region", "61.01"),), without_fields=(("region", "62"),))),
        ('status:"Tidak sesuai"', Query(fields=(("status", "rejected"),))),
        ("status:second-review alasan:sampel", Query(fields=(("status", "second_review"), ("why", "sample")))),
        ("id:url:https://example.org/a?b=c", Query(fields=(("id", "url:https://example.org/a?b=c"),))),
        ("hari:16/11/2024", Query(fields=(("day", "2024-11-16"),))),
        ("-hari:2024-11-16", Query(without_fields=(("day", "2024-11-16"),))),
        ("hari:2024-11", Query(words=("hari:2024-11",))),
        ("sejak:2024-11-16", Query(since=utc(2024, 11, 16))),
        ("sampai:2024-11-16", Query(until=utc(2024, 11, 17))),
        ("since:2024-11 until:2024-11", Query(since=utc(2024, 11, 1), until=utc(2024, 12, 1))),
        ("sejak:2024 sejak:2025", Query(since=utc(2025, 1, 1))),
        ("sampai:2024 sampai:2025", Query(until=utc(2025, 1, 1))),
        ("sejak:kemarin", Query(words=("sejak:kemarin",))),
        ("-sejak:2024", Query(without=("sejak:2024",))),
        ("sejak:2024-02-30", Query(words=("sejak:2024-02-30",))),
        ("warna:merah", Query(words=("warna:merah",))),
        ('warna:"merah tua" -warna:biru', Query(phrases=("warna:merah tua",), without=("warna:biru",))),
        ("pukul 08:30", Query(words=("pukul", "08:30"))),
        ("https://example.org/a", Query(words=("https://example.org/a",))),
        ("label:", Query(words=("label:",))),
        ('label:""', Query(phrases=("label:",))),
        ("- -- *** \U0001f525 ()", Query()),
        ("a AND b OR NOT c", Query(words=("a", "AND", "b", "OR", "NOT", "c"))),
        ("words:x stems:y rowid:1", Query(words=("words:x", "stems:y", "rowid:1"))),
    ],
)
def test_reading(text: str, query: Query) -> None:
    assert parse(text) == query


def test_bounds_of_the_page_and_of_the_text_both_hold() -> None:
    since, until = utc(2024, 11, 10), utc(2024, 11, 20)
    query = parse_query("sejak:2024-11-01 sampai:2024-11-15", zone=ZONE, since=since, until=until)
    assert (query.since, query.until) == (since, utc(2024, 11, 16))
    assert parse_query("", zone=ZONE, since=since, until=until) == Query(since=since, until=until)


def test_a_pasted_text_is_cut() -> None:
    assert len(parse("kata " * 1_000).words) == MAX_PARTS
    assert len(parse("a" * 100_000).words[0]) == 2_000


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("2024-2-9", (date(2024, 2, 9), date(2024, 2, 10))),
        ("9.2.2024", (date(2024, 2, 9), date(2024, 2, 10))),
        ("2024-12", (date(2024, 12, 1), date(2025, 1, 1))),
        ("2199-12-31", (date(2199, 12, 31), date(2200, 1, 1))),
        ("1969-12-31", None),
        ("2200", None),
        ("31-2-2024", None),
        ("2024-13", None),
        ("２０２４", (date(2024, 1, 1), date(2025, 1, 1))),
        ("16-11", None),
        ("", None),
    ],
)
def test_days(text: str, days: tuple[date, date] | None) -> None:
    assert day_range(text) == days


@given(st.text(max_size=60) | st.text(alphabet='-": abisu2024():*\ud800', max_size=40))
def test_anything_typed_is_safe(text: str) -> None:
    query = parse(text)
    for value in (*query.words, *query.phrases, *query.without):
        assert any(letter.isalnum() for letter in value)
    repr(explain_query(query, zone=ZONE)).encode()


def test_the_page_can_say_how_it_was_understood() -> None:
    query = parse(
        'banjir "surat suara" -rob isu:a isu:b -jenis:berita sejak:2024-11-16 sampai:2024-11-16 warna:merah hari:x'
    )
    assert explain_query(query, zone=ZONE) == (
        "word: banjir · word: warna:merah (there is no field warna) · word: hari:x (x is not understood here) · "
        'exactly: "surat suara" · not: rob · topic = a or b · not kind = news · '
        "from 2024-11-16 00:00 · before 2024-11-17 00:00"
    )
    assert explain_query(Query()) == ""
    assert explain_query(Query(since=datetime.min.replace(tzinfo=UTC)), zone=ZoneInfo("America/New_York")) == (
        "from 1-01-01 00:00"
    )
