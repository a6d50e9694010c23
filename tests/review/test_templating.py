"""How pages write times and numbers, in the language of whoever reads them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import UTC, datetime
from threading import Barrier
from zoneinfo import ZoneInfo

import pytest
from jinja2 import UndefinedError
from starlette.applications import Starlette

from pipeline.core.i18n import _, current_language, language
from pipeline.review.templating import navigation, written_day, written_number, written_time

MOMENT = datetime(2026, 8, 17, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "code", "written"),
    [
        ("Asia/Jakarta", "id", "18 Agu 2026 06.05 WIB"),
        ("Asia/Jakarta", "en", "18 Aug 2026 06:05 WIB"),
        ("Asia/Makassar", "id", "18 Agu 2026 07.05 WITA"),
        ("Asia/Jayapura", "id", "18 Agu 2026 08.05 WIT"),
    ],
)
def test_a_time_is_written_in_the_zone_of_the_office(zone: str, code: str, written: str) -> None:
    with language(code):
        assert written_time(MOMENT, ZoneInfo(zone)) == written
        assert written_time(int(MOMENT.timestamp()), ZoneInfo(zone)) == written
        assert written_time(None, ZoneInfo(zone)) == "–"


def test_a_day_is_written_from_what_the_ledger_keeps_too() -> None:
    with language("id"):
        assert [written_day(day) for day in ("2026-05-02", MOMENT.date(), None, "")] == [
            "2 Mei 2026",
            "17 Agu 2026",
            "–",
            "–",
        ]


def test_numbers_are_written_as_people_here_write_them() -> None:
    with language("id"):
        assert [written_number(12345), written_number(1234.56, 1), written_number(-7)] == ["12.345", "1.234,6", "-7"]
    with language("en"):
        assert [written_number(12345), written_number(1234.56, 1)] == ["12,345", "1,234.6"]


def test_a_language_holds_within_its_block_only() -> None:
    before = current_language()
    with language("id"):
        assert _("low") == "rendah"
        with language("en"):
            assert _("low") == "low"
        assert (_("low"), current_language()) == ("rendah", "id")
    assert (_("low"), current_language()) == ("low", before)


def test_two_threads_read_two_languages_at_once() -> None:
    together = Barrier(2, timeout=10)

    def read(code: str) -> str:
        with language(code):
            together.wait()
            return _("low")

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(read, ["id", "en"])) == ["rendah", "low"]


def test_a_worker_thread_that_copies_the_context_has_its_language() -> None:
    with language("id"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(copy_context().run, _, "low").result() == "rendah"
        assert pool.submit(_, "low").result() == "low"


def test_a_value_that_a_page_lacks_is_an_error_and_markup_is_text(app: Starlette) -> None:
    templates = app.state.templates
    assert templates.from_string("{{ x }}").render(x="<b>") == "&lt;b&gt;"
    with pytest.raises(UndefinedError):
        templates.from_string("{{ y }}").render()
    assert len({path for path, _permission, _name in navigation()}) == 10
