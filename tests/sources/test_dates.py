"""Times as feeds, exports and people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.dates import MAX_LENGTH, YEARS, parse_time

JAKARTA = ZoneInfo("Asia/Jakarta")
AT = datetime(2020, 6, 26, 7, 5, tzinfo=UTC)  # 14.05 WIB


@pytest.mark.parametrize(
    ("text", "moment", "precision"),
    [
        ("2020-06-26T14:05:09+07:00", AT.replace(second=9), "second"),
        ("2020-06-26T07:05:09Z", AT.replace(second=9), "second"),
        ("2020-06-26T07:05:09.987Z", AT.replace(second=9), "second"),
        ("2020-06-26 14:05:09", AT.replace(second=9), "second"),
        ("2020-06-26 14:05:09+0700", AT.replace(second=9), "second"),
        ("2020-06-26T14:05", AT, "minute"),
        ("2020-06-26 14.05", AT, "minute"),
        ("2020/06/26 14:05", AT, "minute"),
        ("20200626T0705Z", AT, "minute"),
        ("20200626140509", AT.replace(second=9), "second"),
        ("2020-06-26T14", AT.replace(minute=0), "hour"),
        ("2020-06-25T24:00", datetime(2020, 6, 25, 17, tzinfo=UTC), "minute"),
        ("2020-06-26T07:04:60Z", AT.replace(minute=4, second=59), "second"),
        ("2020-06-26", datetime(2020, 6, 25, 17, tzinfo=UTC), "day"),
        ("20200626", datetime(2020, 6, 25, 17, tzinfo=UTC), "day"),
        ("2020-W26-5", datetime(2020, 6, 25, 17, tzinfo=UTC), "day"),
        ("2020-178", datetime(2020, 6, 25, 17, tzinfo=UTC), "day"),
        ("2020-06", datetime(2020, 5, 31, 17, tzinfo=UTC), "month"),
        ("Juni 2020", datetime(2020, 5, 31, 17, tzinfo=UTC), "month"),
        ("Fri, 26 Jun 2020 14:05:00 +0700", AT, "second"),
        ("Fri, 26 Jun 2020 07:05:00 GMT", AT, "second"),
        ("Fri, 26 Jun 2020 07:05:00 +0000 (UTC)", AT, "second"),
        ("26 Jun 20 02:05 EST", AT, "minute"),
        ("Fri Jun 26 2020 14:05:00 GMT+0700 (Western Indonesia Time)", AT, "second"),
        ("Mon Sep 24 03:35:21 +0000 2012", datetime(2012, 9, 24, 3, 35, 21, tzinfo=UTC), "second"),
        ("1593155100", AT, "second"),
        ("1593155100.7", AT, "second"),
        ("1593155100123", AT, "second"),
        ("26/06/2020 14:05", AT, "minute"),
        ("26-06-2020 14.05.00", AT, "second"),
        ("26/6/20", datetime(2020, 6, 25, 17, tzinfo=UTC), "day"),
        ("Jumat, 26 Juni 2020 14.05 WIB", AT, "minute"),
        ("Jum'at, 26 Juni 2020 | 15:05 WITA", AT, "minute"),
        ("Jumat (26/6/2020) pukul 16.05 WIT", AT, "minute"),
        ("hari Jumat tanggal 26 Juni 2020 jam 14", AT.replace(minute=0), "hour"),
        ("26 Agt 2024", datetime(2024, 8, 25, 17, tzinfo=UTC), "day"),
        ("9 Nopember 2024 07.00 WIB", datetime(2024, 11, 9, tzinfo=UTC), "minute"),
        ("26-Jun-20", datetime(2020, 6, 25, 17, tzinfo=UTC), "day"),
        ("June 26, 2020 2:05 PM", AT, "minute"),
        ("14:05 26/06/2020", AT, "minute"),
        ("2:05 PM, 26 June 2020", AT, "minute"),
    ],
)
def test_reads(text: str, moment: datetime, precision: str) -> None:
    assert parse_time(text, JAKARTA) == (moment, precision)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "kemarin",
        "2 jam yang lalu",
        "26 Juni",
        "2020",
        "123",
        "9999999999",
        "31/02/2020",
        "06/26/2020",  # days come first; a guess here would swap day and month of the file's other rows
        "2020-13-01",
        "2020-06-26T25:00:00",
        "2020-06-26T14:05:09+99:00",
        "2020-06-26 14:05 XYZ",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-10:00",
        "26 ramadan 1441",
        "nomor 081234567890",
        "9" * (MAX_LENGTH + 1),
    ],
)
def test_nonsense_is_no_time(text: str) -> None:
    assert parse_time(text, JAKARTA) == (None, "none")


def test_a_time_without_a_zone_is_the_offices() -> None:
    for zone, hour in (("Asia/Jakarta", 7), ("Asia/Makassar", 6), ("Asia/Jayapura", 5)):
        moment, _precision = parse_time("26/06/2020 14:05", ZoneInfo(zone))
        assert moment is not None
        assert moment.hour == hour


@given(st.text(max_size=100))
def test_any_text_gives_a_moment_in_utc_or_nothing(text: str) -> None:
    moment, precision = parse_time(text, JAKARTA)
    assert (moment is None) == (precision == "none")
    assert moment is None or (moment.tzinfo is UTC and moment.microsecond == 0)


@given(
    st.from_regex(r"[0-9]{1,4}[-/. ][0-9a-z]{1,4}[-/. ][0-9]{1,5}[T ][0-9:.]{0,9} ?[a-zA-Z0-9:+-]{0,6}", fullmatch=True)
)
def test_near_times_never_raise(text: str) -> None:
    moment, _precision = parse_time(text, JAKARTA)
    assert moment is None or moment.year in range(YEARS.start - 1, YEARS.stop + 1)


# From 2001-09-10 on the seconds since 1970 have ten digits; with fewer they are not told from other numbers.
MOMENTS = st.datetimes(datetime(2001, 9, 10), datetime(2099, 12, 30), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds must be naive
    lambda moment: moment.replace(microsecond=0)
)


@given(
    MOMENTS, st.sampled_from(["%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H.%M.%S", "%Y-%m-%d %H:%M:%S", "%a, %d %b %Y %H:%M:%S"])
)
def test_written_local_times_are_read_back(moment: datetime, form: str) -> None:
    assert parse_time(moment.astimezone(JAKARTA).strftime(form), JAKARTA) == (moment, "second")


@given(MOMENTS)
def test_iso_and_epoch_are_read_back(moment: datetime) -> None:
    seconds = int(moment.timestamp())
    for text in (moment.isoformat(), moment.astimezone(JAKARTA).isoformat(), str(seconds), str(seconds * 1000)):
        assert parse_time(text, JAKARTA) == (moment, "second")
