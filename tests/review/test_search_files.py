"""What was found as a file: who may have it, what stands in it and what never does, its trace in the audit."""

from __future__ import annotations

import csv
import io

import pytest
from openpyxl import load_workbook
from review.flags import make_flag, noted, put_flags

from pipeline.core.identity import subject_of
from pipeline.core.types import Reason, Region, Signal, Topic
from pipeline.review import search  # its pages are there once it is imported

KALBAR = Region("61", "Kalimantan Barat", "province", 0.9, "mention", ((0, 5),))
THREAT = Signal("threat", 0.9, 0.5, "rules-1", (Reason(0, 5, 1.0),))


def test_the_file_has_the_columns_of_the_list_and_no_account_score_or_address(place, client, people_of):
    flag = make_flag(
        1,
        "kotak suara hilang, anjing",
        signals=(THREAT,),
        regions=(KALBAR,),
        topics=(Topic("logistik", "Logistik", False),),
    )
    put_flags(place, flag, addresses={flag.id: "https://example.org/rahasia"})
    answer = client("approver").get("/cari/ekspor?q=kotak&bentuk=csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="kentongan-cari-2026-11-24.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    head, row = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert head == "Published,Indication,Topic,Region,Stage,Source,Copies,Status,Excerpt,Key".split(",")
    assert row[0] == "2026-11-23 10:01"
    assert row[1] == "Indication of a call to violence or a threat (high)"
    assert row[3:] == [
        "61 Kalimantan Barat",
        "",
        "public post · x",
        "1",
        "not reviewed",
        "kotak suara hilang, a·····",
        subject_of(flag.id),
    ]
    for secret in ("rahasia", "kunci-akun", "0.9", flag.id, people_of["approver"].id):
        assert secret not in answer.text


def test_a_workbook_says_the_same(place, client):
    put_flags(place, make_flag(1, "satu"), make_flag(2, "dua"))
    answer = client("reviewer").get("/cari/ekspor?q=&bentuk=xlsx")
    assert answer.headers["content-disposition"].endswith('"kentongan-cari-2026-11-24.xlsx"')
    rows = list(load_workbook(io.BytesIO(answer.content)).active.values)
    assert [row[8] for row in rows[:3]] == ["Excerpt", "dua", "satu"]


def test_a_file_is_noted_with_its_rows_and_words(place, client, people_of):
    put_flags(place, *(make_flag(number, "surat suara") for number in range(3)))
    client("reviewer").get("/cari/ekspor?q=surat&bentuk=xlsx")
    [entry] = noted(place, "export")
    assert entry.actor == people_of["reviewer"].id
    assert entry.details == {"what": "search", "form": "xlsx", "rows": 3}
    assert entry.payload == {"words": "surat"}
    assert noted(place, "search") == []


def test_a_post_cannot_become_a_formula(place, client):
    texts = ['=HYPERLINK("http://x")', "+62 nomor", "-1+1", "@SUM(A1)", "\t=1+1", "a;=1+1"]
    put_flags(place, *(make_flag(number, text) for number, text in enumerate(texts)))
    browser = client("reviewer")
    rows = list(csv.reader(io.StringIO(browser.get("/cari/ekspor?q=").content.decode("utf-8-sig"))))
    assert len(rows) == 1 + len(texts)
    assert all(not cell.lstrip().startswith(tuple("=+-@")) for row in rows for cell in row)
    book = load_workbook(io.BytesIO(browser.get("/cari/ekspor?q=&bentuk=xlsx").content))
    assert all(cell.data_type != "f" for row in book.active for cell in row)


def test_a_file_ends_at_its_limit(place, client, monkeypatch):
    monkeypatch.setattr(search, "EXPORTED", 5)
    monkeypatch.setattr(search, "_FETCHED", 2)
    put_flags(place, *(make_flag(number) for number in range(9)))
    assert len(client("reviewer").get("/cari/ekspor?q=").text.splitlines()) == 6


@pytest.mark.parametrize("review_settings", [{"KENTONGAN__OFFICE__NAME": "Kesbangpol (Data Contoh)"}])
def test_a_file_of_sample_data_says_so_in_its_name_and_first_column(place, client):
    put_flags(place, make_flag(1))
    answer = client("reviewer").get("/cari/ekspor?q=")
    assert "kentongan-DATA-CONTOH-cari-2026-11-24.csv" in answer.headers["content-disposition"]
    assert [row[0] for row in csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))] == ["DATA CONTOH"] * 2


@pytest.mark.parametrize("query", ["bentuk=pdf", "bentuk=", "dari=kemarin"])
def test_a_file_that_cannot_be_made_says_why(place, client, query):
    assert client("reviewer").get(f"/cari/ekspor?{query}").status_code == 400
    assert noted(place, "export") == []
