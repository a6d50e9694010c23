"""The daily summary: what it prints, what it never prints, and that it fits whatever the values hold."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.daily import Circulating, Daily, Prominent, Queue, Rise, daily_sheets, daily_text
from pipeline.report.sheets import to_xlsx
from pipeline.report.words import age_words, clip, day_words, decimal, few, moment_words, safe, units, unmarked

ZONE = ZoneInfo("Asia/Jakarta")
UNTIL = datetime(2026, 11, 24, 0, 30, tzinfo=UTC).astimezone(ZONE)
FULL = Daily(
    office="Badan Kesbangpol Provinsi Contoh",
    day=date(2026, 11, 24),
    since=UNTIL - timedelta(days=1),
    until=UNTIL,
    stage_today="Kampanye",
    stage_tomorrow="Masa tenang",
    prominent=(Prominent("Surat suara tertukar", "Kabupaten Contoh", "23 November", "portal", "belum", 12),),
    rises=(Rise("Logistik", "Kota Contoh", 16, 5.0, "3", 2), Rise("Politik uang", "Kota Contoh", 4, 0.5, "9", 1)),
    labels=(("Indikasi kebencian terhadap kelompok", 12, 8, 5), ("Indikasi ancaman", 2, 2, 1)),
    queue=Queue(20, 12, 8, timedelta(days=2, hours=3)),
    unseen=("video dan audio", "grup tertutup"),
    criticism=7,
    claims=(Circulating("TPS pasar dipindah", "Salah", "https://periksa.example/tps-pasar", 12, 3),),
)
NOTHING = replace(
    FULL, prominent=(), rises=(), labels=(), claims=(), unseen=(), queue=Queue(0, 0, 0, None), criticism=0
)

WORDS = st.one_of(
    st.text(alphabet=st.characters(), max_size=60),
    st.sampled_from(["x" * 5_000, "😀" * 900, "*_~`", "@akun_orang", "a\nb\u2028c", "\ud800", "kasar anjing"]),
)
COUNTS = st.integers(0, 10**9)
DAILIES = st.builds(
    Daily,
    office=WORDS,
    day=st.dates(),
    since=st.just(FULL.since),
    until=st.just(FULL.until),
    stage_today=WORDS,
    stage_tomorrow=WORDS,
    prominent=st.lists(st.builds(Prominent, WORDS, WORDS, WORDS, WORDS, WORDS, COUNTS), max_size=7).map(tuple),
    rises=st.lists(st.builds(Rise, WORDS, WORDS, COUNTS, st.floats(), WORDS, COUNTS), max_size=9).map(tuple),
    labels=st.lists(st.tuples(WORDS, COUNTS, COUNTS, COUNTS), max_size=9).map(tuple),
    queue=st.builds(Queue, COUNTS, COUNTS, COUNTS, st.none() | st.timedeltas()),
    unseen=st.lists(WORDS, max_size=20).map(tuple),
    criticism=COUNTS,
    claims=st.lists(st.builds(Circulating, WORDS, WORDS, WORDS, COUNTS, COUNTS), max_size=20).map(tuple),
    unchecked=COUNTS,
    sample=st.booleans(),
)


def test_the_text_is_one_page_to_send() -> None:
    assert daily_text(FULL) == (
        "*DAILY SUMMARY*\n"
        "Badan Kesbangpol Provinsi Contoh\n"
        "Tuesday, 24 November 2026\n"
        "Covers 23 November 2026 07:30 WIB to 24 November 2026 07:30 WIB\n"
        "Stage today: Kampanye; tomorrow: Masa tenang\n"
        "\n"
        "*Prominent situations* (number of copies: not yet reviewed)\n"
        "- Surat suara tertukar; Kabupaten Contoh; 23 November; source: portal; verification: belum; 12 copies\n"
        "\n"
        "*Rising topics* (not yet reviewed)\n"
        "- Logistik, Kota Contoh: 16 today, mean of 28 days 5.0 (3.2x); < 5 accounts, 2 media\n"
        "\n"
        "*Claims going round* (number of copies: not yet reviewed)\n"
        "- TPS pasar dipindah; fact-check: Salah; 12 copies; https://periksa.example/tps-pasar\n"
        "\n"
        "*Flagged by indication*\n"
        "- Indikasi kebencian terhadap kelompok: 12 flagged, 8 reviewed, 5 meet the criteria; 4 not yet reviewed\n"
        "- Indikasi ancaman: 2 flagged, 2 reviewed, 1 meet the criteria\n"
        "Rejected as criticism/aspiration: 7\n"
        "\n"
        "*Queue*: 20 came in, 12 reviewed, 8 not yet reviewed; oldest 2 d 3 h\n"
        "\n"
        "*Not seen*\n"
        "- video dan audio\n"
        "- grup tertutup"
    )


def test_nothing_is_said_so() -> None:
    text = daily_text(NOTHING)
    for heading in ("Prominent situations", "Rising topics", "Claims going round", "Flagged by indication", "Not seen"):
        assert re.search(rf"\*{heading}\*.*: Nil", text), heading
    assert "*Queue*: 0 came in, 0 reviewed, 0 not yet reviewed\n" in text


def test_sample_data_says_so_on_every_page() -> None:
    sample = replace(FULL, sample=True)
    assert daily_text(sample).startswith("*SAMPLE DATA*\n")
    assert all("SAMPLE DATA" in sheet.notes for sheet in daily_sheets(sample))
    assert "SAMPLE DATA" not in daily_text(FULL)
    assert not any("SAMPLE DATA" in sheet.notes for sheet in daily_sheets(FULL))


def test_small_counts_of_posts_are_not_told() -> None:
    daily = replace(
        FULL, prominent=(replace(FULL.prominent[0], copies=4),), rises=(Rise("Isu", "Kota", 5, 0.1, "4", 1),)
    )
    text = daily_text(daily)
    assert "< 5 copies" in text
    assert "5 today, mean of 28 days < 0.2 (not seen before); < 5 accounts" in text
    assert (few(0), few(1), few(4), few(5)) == ("0", "< 5", "< 5", "5")
    tables = {sheet.title: sheet for sheet in daily_sheets(daily)}
    assert tables["Prominent situations"].rows[0][-1] == "< 5"
    assert tables["Rising topics"].rows == (("Isu", "Kota", 5, "< 0.2", "not seen before", "< 5", 1),)


@pytest.mark.parametrize(("today", "mean"), [(4, 0.0), (9, 9.0), (9, float("nan")), (9, float("inf"))])
def test_what_is_no_rise_is_not_shown(today: int, mean: float) -> None:
    assert "*Rising topics* (not yet reviewed): Nil" in daily_text(
        replace(FULL, rises=(Rise("Isu", "Kota", today, mean, "9", 1),))
    )


def test_at_most_five_situations_are_shown() -> None:
    daily = replace(FULL, prominent=tuple(replace(FULL.prominent[0], what=f"hal {n}") for n in range(7)))
    assert re.findall(r"hal \d", daily_text(daily)) == [f"hal {n}" for n in range(5)]
    assert len(daily_sheets(daily)[1].rows) == 5


def test_no_account_coarse_word_or_markup_gets_through() -> None:
    what = "@warga_biasa bilang an\u200bjing *tebal*: https://media.example/a 081234567890"
    daily = replace(FULL, prominent=(replace(FULL.prominent[0], what=what),))
    assert "- [akun] bilang a····· tebal: [tautan] [telepon]; Kabupaten" in daily_text(daily)
    assert daily_sheets(daily)[1].rows[0][0] == "[akun] bilang a····· *tebal*: [tautan] [telepon]"
    assert unmarked("@*warga_biasa dan an*jing", 80) == "[akun] dan a·····"
    assert "%" not in daily_text(FULL)


def test_too_long_it_loses_the_least_important_lines_and_says_how_many() -> None:
    many = replace(
        FULL,
        office="K" * 500,
        stage_today="T" * 500,
        stage_tomorrow="B" * 500,
        prominent=tuple(Prominent("p" * 300, "w" * 300, "t" * 300, "s" * 300, "v" * 300, 9) for n in range(5)),
        rises=tuple(Rise(f"isu {n}", "Kota", 9, 1.0, "9", 1) for n in range(30)),
        claims=(),
        unseen=tuple("u" * n for n in range(90, 130)),
    )
    text = daily_text(many)
    assert 1000 < len(text) <= 1500
    assert "*Rising topics* (not yet reviewed)\n… and 30 more\n" in text
    assert "*Queue*: 20 came in" in text
    assert text.startswith("*DAILY SUMMARY*\nKKK")
    assert len(re.findall(r"^- p+…; w", text, re.MULTILINE)) == 1
    assert re.search(r"\*Not seen\*\n(- u+…\n){2,4}… and 3[678] more$", text)


def test_links_to_fact_checks_go_before_any_line_and_only_plain_ones_are_printed() -> None:
    text = daily_text(FULL)
    shorter = daily_text(FULL, len(text) - 1)
    assert shorter == text.replace("; https://periksa.example/tps-pasar", "")
    odd = ("javascript:alert(1)", "https://a.example/@akun", "https://a.example/*b*", "https://a.example/" + "x" * 200)
    for link in odd:
        daily = replace(FULL, claims=(replace(FULL.claims[0], link=link),))
        assert link not in daily_text(daily)
        assert daily_sheets(daily)[3].rows[0][2] == ""


def test_claims_are_told_with_few_copies_hidden_and_five_lines_at_most() -> None:
    claims = tuple(Circulating(f"klaim {n}", "Salah", "", 4 if n else 9, 0) for n in range(7))
    daily = replace(FULL, claims=claims)
    text = daily_text(daily)
    assert "- klaim 1; fact-check: Salah; < 5 copies\n" in text
    assert "klaim 5" not in text
    assert "… and 2 more" in text
    assert daily_sheets(daily)[3].rows[:2] == (("klaim 0", "Salah", "", 9, 0), ("klaim 1", "Salah", "", "< 5", 0))
    assert len(daily_sheets(daily)[3].rows) == 7


def test_texts_that_spread_without_a_fact_check_are_counted_before_the_claims() -> None:
    text = daily_text(replace(FULL, unchecked=3))
    assert "reviewed)\n- texts that spread fast, no fact-check yet: 3\n- TPS pasar dipindah; " in text
    assert "*Claims going round*\n- texts that spread fast, no fact-check yet: 3\n\n" in daily_text(
        replace(NOTHING, unchecked=3)
    )
    assert dict(daily_sheets(replace(FULL, unchecked=3))[0].rows)["Texts that spread fast, no fact-check yet"] == 3


def test_rises_go_before_labels_and_those_before_situations() -> None:
    rises = tuple(Rise(f"isu {n}", "Kota", 9, 1.0, "9", 1) for n in range(3))
    daily = replace(FULL, rises=rises, claims=())
    shorter = daily_text(daily, len(daily_text(daily)) - 1)
    assert "isu 1" in shorter
    assert "isu 2" not in shorter
    assert "… and 1 more" in shorter
    shortest = daily_text(daily, 650)
    assert "isu 0" not in shortest
    assert "Indikasi ancaman" not in shortest
    assert "Surat suara tertukar" in shortest


@given(DAILIES, st.integers(1, 3_000))
def test_any_day_fits_any_limit(daily: Daily, limit: int) -> None:
    text = daily_text(daily, limit)
    assert len(text) <= limit
    assert len(text.encode("utf-16-le")) // 2 <= limit


@given(DAILIES)
def test_head_queue_and_what_was_not_seen_always_stay(daily: Daily) -> None:
    text = daily_text(daily)
    assert len(text) <= 1500
    assert "*DAILY SUMMARY*" in text
    assert f"*Queue*: {daily.queue.new} came in" in text
    assert "\n*Not seen*" in text
    assert ("*SAMPLE DATA*" in text) == daily.sample
    assert len(re.findall(r"^\*", text, re.MULTILINE)) == 7 + daily.sample
    assert text.count("*") % 2 == 0


@given(DAILIES)
def test_any_day_makes_a_workbook(daily: Daily) -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(*daily_sheets(daily))))
    assert len(book.sheetnames) == 6


def test_the_workbook_holds_the_same_figures() -> None:
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(*daily_sheets(FULL))))
    assert book.sheetnames == [
        *("Summary", "Prominent situations", "Rising topics", "Claims going round", "Flagged by indication", "Not seen")
    ]
    summary: dict[Any, Any] = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert summary["Covered from"] == "23 November 2026 07:30 WIB"
    assert summary["Not yet reviewed"] == 8
    assert summary["Oldest in the queue"] == "2 d 3 h"
    labels = list(book["Flagged by indication"].iter_rows(values_only=True))
    assert labels[1] == ("Indikasi kebencian terhadap kelompok", 12, 8, 5, 4)
    nothing = daily_sheets(NOTHING)
    assert [sheet.rows[0][0] for sheet in nothing[1:]] == ["Nil"] * 5


def test_dates_times_and_spans_are_words() -> None:
    assert day_words(date(2026, 11, 24)) == "Tuesday, 24 November 2026"
    assert day_words(date(2027, 1, 3)) == "Sunday, 3 January 2027"
    assert moment_words(UNTIL) == "24 November 2026 07:30 WIB"
    assert moment_words(UNTIL.astimezone(UTC)) == "24 November 2026 00:30 UTC"
    assert age_words(timedelta(minutes=70)) == "1 h 10 min"
    assert age_words(timedelta(days=-1)) == "0 h 0 min"
    assert decimal(3.25) == "3.2"


def test_cutting_counts_as_phones_do() -> None:
    assert clip("abcdef", 4) == "abc…"
    assert clip("😀😀😀", 4) == "😀…"
    assert clip("abc", 0) == ""
    assert units("a😀") == 3
    assert safe("a\nb\tc\x00d") == "a b c d"
