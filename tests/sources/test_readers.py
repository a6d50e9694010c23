"""Opening files of posts: encodings, delimiters, broken rows, wrong kinds, bombs, and anything at all."""

from __future__ import annotations

import csv
import datetime as dt
import decimal
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.errors import ConfigError, KentonganError
from pipeline.sources import delimited, jsonfiles, xlsx
from pipeline.sources.readers import open_table, sheet_names
from pipeline.sources.rows import BadRow, RestrictedFile, Row


def read(path: Path, **options: Any) -> tuple[list[Row], list[BadRow]]:
    given_rows = list(open_table(path, **options).rows())
    return [row for row in given_rows if not isinstance(row, BadRow)], [
        row for row in given_rows if isinstance(row, BadRow)
    ]


def saved(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


TABLE = "teks{0}kota\n\u201cselamat pagi\u201d ujar caf\u00e9{0}Ambon\nsiang \u2014 sore{0}Ende\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
def test_csv_of_any_delimiter_and_encoding(tmp_path: Path, delimiter: str, encoding: str) -> None:
    path = saved(tmp_path / "a.csv", TABLE.format(delimiter).encode(encoding))
    rows, bad = read(path)
    assert bad == []
    assert [place for place, _cells in rows] == ["line 2", "line 3"]
    assert rows[0][1] == {"teks": "\u201cselamat pagi\u201d ujar caf\u00e9", "kota": "Ambon"}
    assert rows[1][1]["teks"] == "siang \u2014 sore"


def test_ragged_rows_are_bad_with_their_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", 'a,b\n1,2\n\n"dua\nbaris",4\n5,6,7\n8\n9,10,,\n')
    rows, bad = read(path)
    assert [cells for _place, cells in rows] == [
        {"a": "1", "b": "2"},
        {"a": "dua\nbaris", "b": "4"},
        {"a": "9", "b": "10"},
    ]
    assert [row.place for row in bad] == ["line 6", "line 7"]
    assert rows[-1][0] == "line 8"


@pytest.mark.parametrize("junk", ['2,"tak ditutup,x', '2,"a"b,x', '2,"a" ,x'])
def test_a_stray_quotation_mark_costs_one_row(tmp_path: Path, junk: str) -> None:
    lines = ["id,teks,kota", '1,"satu, ya",x', junk, "3,tiga,y", '4,"empat",z']
    rows, bad = read(saved(tmp_path / "a.csv", "\n".join(lines) + "\n"))
    assert [cells["id"] for _place, cells in rows] == ["1", "3", "4"]
    assert [row.place for row in bad] == ["line 3"]


def test_many_stray_quotation_marks_stay_cheap(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", "a,b\n" + '"x\n' * 30_000 + "1,2\n")
    rows, bad = read(path)
    assert len(bad) + len(rows) < 30_002
    assert bad


def test_backslash_quotes_and_excels_hint(tmp_path: Path) -> None:
    rows, bad = read(saved(tmp_path / "a.csv", 'sep=;\na;b\n"kata \\"orang\\"; begitu";2\n'))
    assert (bad, rows[0][1]) == ([], {"a": 'kata "orang"; begitu', "b": "2"})


def test_lines_above_the_header_are_passed_over(tmp_path: Path) -> None:
    head = "Laporan pantauan\nPeriode,16-29 November\n\n"
    rows, _bad = read(saved(tmp_path / "a.csv", head + "id,teks,kota\n1,a,b\n2,c,d\n3,e,f\n"))
    assert rows[0] == ("line 5", {"id": "1", "teks": "a", "kota": "b"})


def test_a_file_of_one_column_keeps_its_commas(tmp_path: Path) -> None:
    rows, bad = read(saved(tmp_path / "a.txt", "teks\nsatu, dua; tiga\nempat\tlima\n"))
    assert [cells["teks"] for _place, cells in rows] == ["satu, dua; tiga", "empat\tlima"]
    assert bad == []


def test_nul_bytes_and_bytes_of_another_charset(tmp_path: Path) -> None:
    good = "".join(f"baik \u00e9\u00e8 {n},x\n" for n in range(20)).encode()
    rows, bad = read(saved(tmp_path / "a.csv", b"a,b\n" + good + b"rus\xe9ak,x\nde\0ngan nol,y\n"))
    assert len(rows) == 21
    assert rows[-1][1]["a"] == "dengan nol"
    assert [row.place for row in bad] == ["line 22"]


def test_rows_and_cells_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MAX_RECORD", 5_000)
    rows, bad = read(saved(tmp_path / "a.csv", "a,b\n" + "x" * 50_000 + ",2\n3,4\n"))
    assert [cells for _place, cells in rows] == [{"a": "3", "b": "4"}]
    assert [row.place for row in bad] == ["line 2"]


def test_names_of_columns_are_made_whole(tmp_path: Path) -> None:
    table = open_table(saved(tmp_path / "a.csv", "a, a ,,\x07b\n1,2,3,4\n"))
    assert table.columns == ("a", "a (2)", "column 3", "b")


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\r\n\t\"'\\"), max_size=30)


@settings(deadline=None)
@given(st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12), st.sampled_from([",", ";", "\t"]))
def test_any_cells_survive_the_round_trip(tmp_path_factory: pytest.TempPathFactory, rows: Any, delimiter: str) -> None:
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([("teks", "kota", "hari"), *rows])
    found, bad = read(path)
    assert bad == []
    assert [tuple(cells.values()) for _place, cells in found] == [row for row in rows if any(row)]


def test_json_lines_pages_and_broken_lines(tmp_path: Path) -> None:
    lines = [
        '{"a": 1, "b": {"c": [1], "d": {"e": 2}}}',
        "",
        "{",
        '["x"]',
        '{"data": [{"a": 2}, 3]}',
        '{"data": {"a": 4}}',
    ]
    rows, bad = read(saved(tmp_path / "a.ndjson", "\n".join(lines)))
    assert [cells for _place, cells in rows] == [{"a": 1, "b.c": [1], "b.d.e": 2}, {"a": 2}, {"a": 4}]
    assert [row.place for row in bad] == ["line 3", "line 4", "line 5 item 2"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('[{"a": 1}, {"a": 2}]', 2),
        ('\ufeff  [\n{"a": 1},{"a": 2}]', 2),
        ('{"meta": {"x": 1}, "data": [{"a": 1}, {"a": 2}], "includes": {"users": []}}', 2),
        ('{"a": 1}', 1),
        ('{"a": 1}\n\n{"a": 2}', 2),
        ("[]", 0),
        ('{\n"a": 1\n}\n{\n"a": 2\n}', 2),
    ],
)
def test_json_documents(tmp_path: Path, text: str, count: int) -> None:
    rows, bad = read(saved(tmp_path / "a.json", text))
    assert [cells["a"] for _place, cells in rows] == list(range(1, count + 1))
    assert bad == []


def test_a_document_larger_than_the_buffer_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfiles, "CHUNK", 64)
    posts = [{"id": number, "text": "kata " * (number % 40)} for number in range(300)]
    rows, bad = read(saved(tmp_path / "a.json", json.dumps({"type": "x", "posts": posts})))
    assert [cells for _place, cells in rows] == posts
    assert bad == []


def test_a_cut_document_gives_what_came_before(tmp_path: Path) -> None:
    rows, bad = read(saved(tmp_path / "a.json", '[{"a": 1}, {"a": 2}, {"a": '))
    assert len(rows) == 2
    assert [row.place for row in bad] == ["item 3"]


def test_one_endless_element_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonfiles, "MAX_ITEM", 10_000)
    monkeypatch.setattr(jsonfiles, "CHUNK", 1_000)
    rows, bad = read(saved(tmp_path / "a.json", '[{"a": 1}, {"a": "' + "x" * 500_000 + '"}]'))
    assert (len(rows), len(bad)) == (1, 1)
    rows, bad = read(saved(tmp_path / "b.jsonl", '{"a": "' + "x" * 50_000 + '"}\n{"a": 2}\n'))
    assert ([cells["a"] for _place, cells in rows], len(bad)) == ([2], 1)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[1" + "0" * 5_000 + "]", '{"a": 1e999}'])
def test_deep_and_huge_json_is_no_crash(tmp_path: Path, text: str) -> None:
    path = saved(tmp_path / "a.json", text)
    if "e999" in text:
        assert len(read(path)[0]) == 1
        return
    with pytest.raises(ConfigError, match=r"a\.json"):
        read(path)


def workbook(path: Path, rows: list[list[Any]], title: str = "Lembar", hidden: bool = False) -> Path:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    if hidden:
        page.sheet_state = "hidden"
        page = book.create_sheet()
    page.title = title
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def test_xlsx_values_formulas_dates_and_long_numbers(tmp_path: Path) -> None:
    when = dt.datetime(2024, 11, 27, 8, 30)  # noqa: DTZ001 - spreadsheets have no zones
    rows = [
        ["DATA CONTOH"],
        ["teks", "tanggal", "id", "n", "ya", "rumus"],
        ["isi", when, 1.858e18, 3.0, True, "=1+1"],
        [None] * 6,
        ["dua", dt.date(2024, 11, 27), 12345, 2.5, None, None],
        ["tiga", None, None, None, None, None, "lebih"],
    ]
    found, bad = read(workbook(tmp_path / "a.xlsx", rows, hidden=True))
    assert found[0] == (
        "row 3",
        {"teks": "isi", "tanggal": "2024-11-27T08:30:00", "id": None, "n": 3, "ya": True, "rumus": None},
    )
    assert found[1][0] == "row 5"
    assert found[1][1]["tanggal"] == "2024-11-27"
    assert [row.place for row in bad] == ["row 6"]


def test_xlsx_sheets_by_name(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [["a", "b"], ["1", "2"]], title="Data")
    assert sheet_names(path) == ("Data",)
    assert len(read(path, sheet="data")[0]) == 1
    with pytest.raises(ConfigError, match='no sheet "lain"; it has: Data'):
        open_table(path, sheet="lain")


def test_xlsx_without_column_names(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no row with column names"):
        open_table(workbook(tmp_path / "a.xlsx", [[1, 2], [3, 4]]))


def rezip(path: Path, part: str, change: Any) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts.get(part, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def test_xlsx_with_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = rezip(workbook(tmp_path / "a.xlsx", [["a"], ["b"]]), "xl/bom.bin", lambda _old: b"\0" * 20_000_000)
    with pytest.raises(ConfigError, match="ZIP bomb"):
        open_table(path)


def test_xlsx_with_entities_is_refused(tmp_path: Path) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><s>&b;</s>'
    path = rezip(workbook(tmp_path / "a.xlsx", [["a"], ["b"]]), "xl/worksheets/sheet1.xml", lambda _old: bomb)
    with pytest.raises(ConfigError, match="damaged"):
        open_table(path)


def test_xlsx_with_a_row_far_away_ends(tmp_path: Path) -> None:
    def far(old: bytes) -> bytes:
        return old.replace(b'<row r="3"', b'<row r="900000000"').replace(b'r="A3"', b'r="A900000000"')

    path = workbook(tmp_path / "a.xlsx", [["a", "b"], ["1", "2"], ["3", "4"]])
    rows, bad = read(rezip(path, "xl/worksheets/sheet1.xml", far))
    assert (len(rows), bad) == (1, [])


def test_parquet_of_odd_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "teks": ["a", None],
            "uang": [decimal.Decimal("1.50"), None],
            "nano": pa.array([1, 2**62], pa.timestamp("ns")),
            "hari": [dt.date(2024, 11, 27), None],
            "biner": [b"\xff\x00", b"b"],
            "dalam": [{"nama": "x", "n": 1}, {"nama": "y", "n": 2}],
            "daftar": [[1, 2], []],
            "lama": pa.array([5, 6], pa.duration("s")),
            "kamus": pa.array(["p", "q"]).dictionary_encode(),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    rows, bad = read(tmp_path / "a.parquet")
    assert bad == []
    assert rows[0][1]["teks"] == "a"
    assert rows[0][1]["dalam.nama"] == "x"
    assert str(rows[1][1]["nano"]).startswith("2116-02-20")
    for _place, cells in rows:
        json.dumps(cells)


def test_parquet_cut_in_the_middle(tmp_path: Path) -> None:
    pq.write_table(pa.table({"teks": ["kata " * 50] * 2_000}), tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(ConfigError, match="footer"):
        open_table(saved(tmp_path / "b.parquet", content[:-20]))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.xls", b"\xd0\xcf\x11\xe0" + b"\0" * 600, "old Excel"),
        ("a.pdf", b"%PDF-1.7 ...", "a PDF"),
        ("a.csv.gz", b"\x1f\x8b\x08", "compressed"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\n \n", "is empty"),
        ("a.html", b"<!DOCTYPE html><p>x", "HTML or XML"),
        ("a.csv", bytes(range(1, 32)) * 20, "no text file"),
        ("a.xlsx", b"PK\x03\x04 broken", "ZIP container is damaged"),
        ("a.parquet", b"PAR1 broken PAR1", "footer is damaged"),
        ("a.json", b"{" * 50, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        open_table(saved(tmp_path / name, content))
    assert words in str(caught.value)
    assert name in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_folders_pipes_and_missing_files(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "tiada.csv", Path("/dev/null"), Path("a\0b")):
        with pytest.raises(ConfigError):
            open_table(path)


def zipped(**files: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("_dot_", "."), text)
    return content.getvalue()


def test_other_archives_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Word document"):
        open_table(saved(tmp_path / "a.docx", zipped(**{"word/document.xml": "x"})))
    with pytest.raises(ConfigError, match="ODS sheet"):
        open_table(saved(tmp_path / "a.ods", zipped(**{"content.xml": "x"})))
    with pytest.raises(RestrictedFile, match="WhatsApp"):
        open_table(saved(tmp_path / "chat.zip", zipped(**{"_chat.txt": "x"})))


@pytest.mark.parametrize(
    "line",
    [
        "16/11/24 06.31 - Ibu Warung: besok libur ya",
        "[16/11/24 06.31.05] Pak RT: siap",
        "\u200e[16/11/2024, 6:31:05\u202fAM] Pak RT: siap",
        "2024-11-16, 06:31 - +62 812-0000-0000: siap",
    ],
)
def test_whatsapp_chats_are_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(RestrictedFile):
        open_table(saved(tmp_path / "chat.txt", f"{line}\nlanjutan pesan\n{line}\n"))


HEADS = [b"", b"PK\x03\x04", b"PAR1", b"{", b"[", b"[{", b"a,b\n", b"\xff\xfe", b"\xef\xbb\xbf", b'sep=;\n"']
NAMES = ["a.csv", "a.jsonl", "a.json", "a.xlsx", "a.parquet", "a.txt", "a"]


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.sampled_from(HEADS), st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_rows_or_our_errors(
    tmp_path_factory: pytest.TempPathFactory, name: str, head: bytes, rest: bytes
) -> None:
    path = saved(tmp_path_factory.mktemp("any") / name, head + rest)
    try:
        rows, bad = read(path)
    except KentonganError:
        return
    assert all(place for place, _cells in rows)
    assert all(row.reason for row in bad)


PART = st.floats(0, 1, exclude_max=True)


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["xlsx", "parquet", "json"]), st.lists(st.tuples(PART, st.integers(0, 255)), max_size=8), PART)
def test_any_damage_to_a_good_file_gives_rows_or_our_errors(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[float, int]], cut: float
) -> None:
    path = tmp_path_factory.mktemp("damage") / f"a.{kind}"
    if kind == "xlsx":
        workbook(path, [["teks", "kota"], ["isi", "Ende"], ["lain", "Bau-Bau"]])
    elif kind == "parquet":
        pq.write_table(pa.table({"teks": ["isi", "lain"], "n": [1, 2]}), path)
    else:
        saved(path, json.dumps({"type": "x", "data": [{"teks": "isi"}, {"teks": "lain"}]}))
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[int(place * len(content))] = value
    path.write_bytes(content[: int(cut * len(content)) + 1] if cut > 0.5 else content)
    try:
        rows, _bad = read(path)
    except KentonganError:
        return
    json.dumps([cells for _place, cells in rows])


def test_the_xml_of_spreadsheets_is_read_by_defusedxml() -> None:
    assert xlsx.DEFUSEDXML is True
