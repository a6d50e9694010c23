"""The form: its template, reading it back, and what never comes through it."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import openpyxl
import pytest

from pipeline.core.config import Intake, Office, SourceSettings
from pipeline.core.errors import ConfigError
from pipeline.core.identity import Pseudonyms
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.form import FormSource, is_form, write_template
from pipeline.sources.form_layout import HEADER_ROW, SHEETS
from pipeline.sources.mappings import fold

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "tests" / "examples" / "form"
SAMPLE = ROOT / "data" / "sample" / "laporan-lapangan.xlsx"
OFFICE = Office(code="61", name="Kesbangpol", timezone="Asia/Jakarta", language="id", calendar="", institutions="")
INTAKE = Intake(one_person_share=0.3, one_person_rows=20, max_text=1000)
NOW = datetime(2024, 12, 1, 3, 0, tzinfo=UTC)


def source(path: Path) -> FormSource:
    return FormSource(
        "formulir",
        SourceSettings(kind="form", path=str(path), subject="field", visibility="submitted"),
        pseudonyms=Pseudonyms(b"a" * 32, b"i" * 32),
        office=OFFICE,
        intake=INTAKE,
        clock=lambda: NOW,
    )


def outcome(made: FormSource) -> dict[str, Any]:
    items = list(made.fetch())
    result = {
        "columns": made.mapping,
        "dropped": dict(made.dropped),
        "quarantined": [(item.place, item.reason) for item in items if isinstance(item, Quarantined)],
        "payloads": [item.payload for item in items if isinstance(item, RawItem)],
        "posts": [dataclasses.asdict(made.parse(item)) for item in items if isinstance(item, RawItem)],
    }
    return json.loads(json.dumps(result, default=str))


@pytest.mark.parametrize("folder", sorted(path.name for path in EXAMPLES.iterdir()))
def test_example(folder: str) -> None:
    """Each folder holds a filled form and what it must give; a missing expectation is written to be read."""
    found = outcome(source(EXAMPLES / folder / "input.xlsx"))
    expected = EXAMPLES / folder / "expected.json"
    if not expected.exists():
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        pytest.fail(f"{expected} was missing and has been written: read it, then commit it")
    assert found == json.loads(expected.read_text(encoding="utf-8"))


@pytest.mark.parametrize("language", ["id", "en"])
def test_the_template_is_a_form_without_rows(tmp_path: Path, language: Literal["id", "en"]) -> None:
    path = tmp_path / "formulir.xlsx"
    write_template(path, language)
    assert is_form(path)
    assert list(source(path).fetch()) == []
    book = openpyxl.load_workbook(path)
    assert len(book.worksheets) == 1 + len(SHEETS)
    for sheet in SHEETS:
        rules = book[sheet.title[language]].data_validations.dataValidation
        assert len(rules) == sum(bool(column.choices) for column in sheet.columns)
        assert all(len(rule.formula1) <= 257 for rule in rules)  # Excel's limit of a list is 255 and two marks


def test_there_is_no_column_for_a_sender_group_or_informant() -> None:
    headings = {fold(heading) for sheet in SHEETS for column in sheet.columns for heading in column.heading.values()}
    for word in ("nama", "name", "pengirim", "sender", "nomor", "phone", "telepon", "grup", "group", "akun"):
        assert not [heading for heading in headings if word in heading]


def test_the_sample_holds_eight_reports_and_four_messages() -> None:
    found = outcome(source(SAMPLE))
    kinds = [post["kind"] for post in found["posts"]]
    assert (kinds.count("field"), kinds.count("forwarded")) == (8, 4)
    assert (found["quarantined"], found["dropped"]) == ([], {})
    assert {post["visibility"] for post in found["posts"]} == {"submitted"}
    assert all("2024-11-16" <= post["published_at"][:10] <= "2024-11-29" for post in found["posts"])
    assert len({post["covers"][0][:2] for post in found["posts"]}) >= 10
    assert len({post["id"] for post in found["posts"]}) == 12
    for page in openpyxl.load_workbook(SAMPLE).worksheets:
        assert "DATA CONTOH" in str(page["A1"].value)


def test_since_leaves_out_older_rows() -> None:
    made = source(SAMPLE)
    items = list(made.fetch(since=datetime(2024, 11, 25, tzinfo=UTC)))
    assert len(items) + made.skipped["old"] == 12
    assert 0 < len(items) < 12


def test_another_workbook_is_no_form(tmp_path: Path) -> None:
    path = tmp_path / "lain.xlsx"
    book = openpyxl.Workbook()
    book.worksheets[0].append(["teks", "tanggal"])
    book.worksheets[0].append(["isi", "27/11/2024"])
    book.save(path)
    assert not is_form(path)
    with pytest.raises(ConfigError, match=r"lain\.xlsx is not the report form"):
        list(source(path).fetch())


def test_what_cannot_be_opened_is_no_form(tmp_path: Path) -> None:
    path = tmp_path / "rusak.xlsx"
    path.write_bytes(b"PK\x03\x04 rusak")
    assert not is_form(path)
    with pytest.raises(ConfigError, match="damaged"):
        list(source(path).fetch())


def test_a_form_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be written"):
        write_template(tmp_path / "tiada" / "formulir.xlsx", "id")


def test_the_header_may_move_and_columns_may_change_places(tmp_path: Path) -> None:
    path = tmp_path / "formulir.xlsx"
    write_template(path, "id")
    book = openpyxl.load_workbook(path)
    page = book["Laporan lapangan"]
    page.insert_rows(1, 2)
    page.move_range(f"A{HEADER_ROW + 2}:A{HEADER_ROW + 2}", cols=12)
    page.cell(HEADER_ROW + 3, 5, "Rapat koordinasi berlangsung tertib")
    page.cell(HEADER_ROW + 3, 13, "27/11/2024")
    book.save(path)
    [item] = source(path).fetch()
    assert isinstance(item, RawItem)
    assert (item.payload["text"], item.payload["published_at"]) == ("Rapat koordinasi berlangsung tertib", "27/11/2024")
