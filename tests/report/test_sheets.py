"""Tables as CSV and XLSX: what comes from outside stays text, whatever program opens it."""

from __future__ import annotations

import csv
import io
import re
import time
from datetime import UTC, datetime
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError
from pipeline.report import sheets
from pipeline.report.sheets import Sheet, to_csv, to_xlsx

JAKARTA = ZoneInfo("Asia/Jakarta")
ATTACKS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "−1",
    " =1",
    "\u200b=1",
    '"=1',
    '=HYPERLINK("https://a.example")',
    "=cmd|' /C calc'!A0",
]
HOSTILE = st.one_of(
    st.text(alphabet=st.characters()),
    st.lists(
        st.one_of(st.sampled_from([*ATTACKS, ";", "\t", "\r\n", '"', "\ud800", "\x00", "😀"]), st.text(max_size=3))
    ).map("".join),
)
VALUES = st.one_of(HOSTILE, st.integers(), st.floats(), st.none(), st.booleans())
TABLES = st.lists(st.tuples(VALUES, VALUES), max_size=4).map(tuple)


def _read_csv(content: bytes, delimiter: str = ",") -> list[list[str]]:
    text = content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))


def _cells(content: bytes, page: int = 0) -> list[list[Any]]:
    book = openpyxl.load_workbook(io.BytesIO(content))
    return [list(row) for row in book.worksheets[page].iter_rows()]


def _begins_a_formula(cell: str) -> bool:
    return re.match('[\\s"\u200b\ufeff]*[=+\\-@＝＋－＠−]', cell) is not None


def test_a_csv_is_what_spreadsheets_and_programs_both_read() -> None:
    content = to_csv(Sheet("T", ("Apa", "Jumlah"), (('a, "b"', 3), ("baris\nkedua", -1.5), (None, True)), ("catatan",)))
    assert content == ('\ufeffApa,Jumlah\r\n"a, ""b""",3\r\n"baris\nkedua",-1.5\r\n,TRUE\r\n'.encode())
    assert _read_csv(content)[1] == ['a, "b"', "3"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_begins_a_formula_in_a_csv(attack: str) -> None:
    row = _read_csv(to_csv(Sheet("T", ("a", "b"), ((attack, f"x;{attack}"),))))[1]
    assert row[0].startswith("'")
    assert not any(_begins_a_formula(part) for part in re.split("[;\t\n]", row[1]))


def test_a_column_title_is_no_formula_either() -> None:
    assert to_csv(Sheet("T", ("=1",), ())) == "\ufeff'=1\r\n".encode()
    assert _cells(to_xlsx(Sheet("T", ("=1",), ())))[0][0].data_type == "s"


def test_real_numbers_stay_numbers_and_long_ones_stay_whole() -> None:
    sheet = Sheet("T", ("n",) * 5, ((-5, -0.5, 10**20, float("nan"), float("-inf")),))
    assert _read_csv(to_csv(sheet))[1] == ["-5", "-0.5", "1" + "0" * 20, "nan", "'-inf"]
    assert [cell.value for cell in _cells(to_xlsx(sheet))[1]] == [-5, -0.5, "1" + "0" * 20, "nan", "-inf"]


@pytest.mark.parametrize("attack", [*ATTACKS, "#N/A", "{=1}"])
def test_every_text_stays_text_in_a_workbook(attack: str) -> None:
    cell = _cells(to_xlsx(Sheet("T", ("a",), ((attack,),))))[1][0]
    assert cell.data_type == "s"
    assert cell.value == attack.replace("\r", "\n")


def test_a_text_that_looks_like_a_formula_stays_text_when_somebody_edits_it() -> None:
    cells = _cells(to_xlsx(Sheet("T", ("a", "b"), (("=1", "plain"),))))[1]
    assert [bool(cell.quotePrefix) for cell in cells] == [True, False]


def test_what_a_workbook_refuses_is_replaced_and_long_cells_are_cut() -> None:
    sheet = Sheet("T", ("a", "b", "c"), (("a\x00b\x1f\ufffe\ud800", "x" * 40_000, "😀" * 20_000),))
    first, long, wide = (cell.value for cell in _cells(to_xlsx(sheet))[1])
    assert first == "a�b���"
    assert long == "x" * 32_767
    assert wide == "😀" * 16_383
    assert [len(cell) for cell in _read_csv(to_csv(sheet))[1]] == [6, 32_767, 16_383]


def test_times_are_text_in_the_zone_that_they_carry() -> None:
    moment = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
    sheet = Sheet("T", ("a", "b"), ((moment.astimezone(JAKARTA), moment),))
    assert _read_csv(to_csv(sheet))[1] == ["2026-11-24 07:30", "2026-11-24 00:30"]
    assert _cells(to_xlsx(sheet))[1][0].value == "2026-11-24 07:30"


def test_a_page_has_a_bold_frozen_heading_widths_and_notes_under_the_table() -> None:
    content = to_xlsx(Sheet("T", ("Apa", "n"), (("x" * 30, 1), ("y" * 500, 2)), ("=DATA CONTOH",)))
    page = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    assert page.freeze_panes == "A2"
    assert page["A1"].font.bold
    assert not page["A2"].font.bold
    assert (page.column_dimensions["A"].width, page.column_dimensions["B"].width) == (60, 8)
    assert [row[0].value for row in page.iter_rows(min_row=3)] == ["y" * 500, None, "=DATA CONTOH"]
    assert page["A5"].data_type == "s"


def test_pages_get_legal_and_distinct_names() -> None:
    titles = ["a/b:c*d?[e]", "", "History", "'quoted'", "x" * 40, "x" * 41, "ISU", "isu", "😀" * 31, "", "a\x00b"]
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(*(Sheet(title, ("a",), ()) for title in titles))))
    assert book.sheetnames == [
        *("a b c d e", "1", "History 2", "quoted", "x" * 31, "x" * 29 + " 2", "ISU", "isu 2"),
        *("😀" * 15, "1 2", "a�b"),
    ]


def test_the_same_tables_give_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = Sheet("T", ("a",), (("b",), (3,)), ("n",))
    first = to_xlsx(sheet)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert to_xlsx(sheet) == first
    with ZipFile(io.BytesIO(first)) as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert b"2026-01-01T00:00:00Z" in archive.read("docProps/core.xml")


def test_a_table_longer_than_a_page_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MAX_ROWS", 3)
    to_xlsx(Sheet("T", ("a",), ((1,), (2,))))
    with pytest.raises(ConfigError, match=r'"T" has 2 rows.*use CSV'):
        to_xlsx(Sheet("T", ("a",), ((1,), (2,)), ("note",)))


def test_a_row_that_does_not_fit_the_columns_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="T: 1 values for 2 columns"):
        Sheet("T", ("a", "b"), (("x",),))
    with pytest.raises(AssertionError, match="needs a sheet"):
        to_xlsx()


@given(TABLES)
def test_any_table_as_csv_reads_back_and_holds_no_formula(rows: tuple[tuple[object, object], ...]) -> None:
    content = to_csv(Sheet("T", ("a", "b"), rows))
    read = _read_csv(content)
    assert len(read) == len(rows) + 1
    assert {len(row) for row in read} == {2}
    for given_row, read_row in zip(rows, read[1:], strict=True):
        for value, cell in zip(given_row, read_row, strict=True):
            if isinstance(value, str):
                assert not any(_begins_a_formula(part) for part in re.split("[;\t\n]", cell))


@given(st.lists(st.tuples(HOSTILE, TABLES, HOSTILE), min_size=1, max_size=3))
def test_any_tables_as_a_workbook_read_back_without_a_formula(
    pages: list[tuple[str, tuple[tuple[object, object], ...], str]],
) -> None:
    content = to_xlsx(*(Sheet(title, ("a", "b"), rows, (note,)) for title, rows, note in pages))
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert len({name.casefold() for name in book.sheetnames}) == len(pages)
    assert all(0 < len(name.encode("utf-16-le")) // 2 <= 31 for name in book.sheetnames)
    for page in book.worksheets:
        assert {cell.data_type for row in page.iter_rows() for cell in row} <= {"s", "n", "b"}


@pytest.mark.parametrize("text", ["\n" * 100_000, " " * 100_000, ";" * 100_000, '"' * 100_000, "\t " * 50_000])
def test_a_cell_made_to_be_slow_is_not(text: str) -> None:
    start = time.process_time()
    to_csv(Sheet("T", ("a",), ((text,),)))
    assert time.process_time() - start < 5
