"""Claims from files: tables, JSON-LD, what the program itself exports, and broken rows that cost nothing else."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from claimsources import NOW, claim_source, reviews, taken
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.claims import RATINGS, Claim, ClaimReview
from pipeline.core.errors import ConfigError, ItemError
from pipeline.core.types import Quarantined, RawItem
from pipeline.report.claim_reviews import COLUMNS, json_ld, rows

SAMPLE = Path(__file__).parent.parent.parent / "data" / "sample" / "klaim.json"
URL = "https://periksa.example/2026/tps-dipindah"


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def source_of(path: Path, **given: Any) -> Any:
    return claim_source(path.parent / "state", kind="file", path=str(path), **given)


def read(path: Path, **given: Any) -> list[ClaimReview]:
    source = source_of(path, **given)
    return reviews(source, taken(source))


def reasons(path: Path) -> tuple[list[str], int]:
    found = list(source_of(path).fetch())
    bad = [f"{item.place}: {item.reason}" for item in found if isinstance(item, Quarantined)]
    return bad, len(found) - len(bad)


def test_the_sample_reads_whole_and_its_unlisted_verdict_is_told(tmp_path: Path) -> None:
    source = claim_source(tmp_path, kind="file", path=str(SAMPLE))
    items = taken(source)
    assert len(items) == len(json.loads(SAMPLE.read_text(encoding="utf-8"))["items"])
    found = reviews(source, items)
    assert {each.rating for each in found} >= {"false", "satire", "true", "unrated"}
    assert source.notes == ['verdict "Masih ditelusuri" stands in no list: 1 reviews stay unrated']


def test_a_table_with_indonesian_columns(tmp_path: Path) -> None:
    path = written(
        tmp_path / "klaim.csv",
        "Tautan;Judul;Klaim;Putusan;Tanggal;Narasi;Jenis Pemeriksa;Pemeriksa;Ditarik;Penulis\n"
        f"{URL};[SALAH] TPS Dipindah;;;20 November 2026;Info, TPS dipindah;independent;Periksa Contoh;tidak;Budi\n"
        f"{URL}-2;;Kotak suara hilang;Sebagian Benar;2026-11-19T08:00:00+07:00;;independent;;ya;\n",
    )
    source = source_of(path)
    first, second = reviews(source, taken(source))
    assert (first.claim, first.rating, first.original, first.wording) == (
        "TPS Dipindah",
        "false",
        "SALAH",
        "Info, TPS dipindah",
    )
    assert (first.checker, first.checker_kind, first.withdrawn) == ("Periksa Contoh", "independent", False)
    assert (second.rating, second.original, second.withdrawn) == ("partly_false", "Sebagian Benar", True)
    assert second.reviewed_at == datetime(2026, 11, 19, 1, tzinfo=UTC)
    assert second.checker == "periksa.example"
    assert source.notes == ["columns that are not kept: Penulis"]


def test_a_workbook_with_dates_and_numbers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["url", "claim", "rating", "reviewed_at", "withdrawn", "media"])
    book.active.append([URL, "TPS dipindah", "FALSE", datetime(2026, 11, 20, 8), 1, "Image"])  # noqa: DTZ001
    path = tmp_path / "klaim.xlsx"
    book.save(path)
    (found,) = read(path)
    assert (found.rating, found.media, found.withdrawn) == ("false", "image", True)
    assert found.reviewed_at == datetime(2026, 11, 20, 1, tzinfo=UTC)


def test_a_verdict_in_words_in_the_wrong_column(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "k.csv", f"url,claim,rating\n{URL},TPS dipindah,Menyesatkan\n"))
    assert (found.rating, found.original) == ("misleading", "Menyesatkan")


def test_broken_rows_are_told_with_their_place_and_the_rest_is_read(tmp_path: Path) -> None:
    path = written(
        tmp_path / "k.csv",
        "url,claim,rating,original,checker_kind,media,withdrawn\n"
        f"{URL},TPS dipindah,false,,,,\n"
        ",Tanpa alamat,false,,,,\n"
        f"{URL}-3,,false,,,,\n"
        f"{URL}-4,Klaim,ngawur,Salah,,,\n"
        f"{URL}-5,Klaim,false,,teman,,\n"
        f"{URL}-6,Klaim,false,,,hologram,\n"
        f"{URL}-7,Klaim,false,,,,mungkin\n"
        "javascript:alert(1),Klaim,false,,,,\n"
        f"{URL}-9,Kotak suara hilang,true,,,,\n",
    )
    bad, good = reasons(path)
    assert good == 2
    for text, part in zip(
        bad,
        (
            "line 3: no web address",
            "line 4: https://periksa.example/2026/tps-dipindah-3: the fact-check states no claim",
            'line 5: column rating holds "ngawur"',
            'line 6: column checker_kind holds "teman"',
            'line 7: column media holds "hologram"',
            'line 8: column withdrawn holds "mungkin"',
            "line 9: no web address",
        ),
        strict=True,
    ):
        assert text.startswith(part)


def test_lines_of_json_one_of_them_broken(tmp_path: Path) -> None:
    row = {"url": URL, "claim": "TPS dipindah", "rating": "false", "tags": ["a"], "checker": {"name": "x"}}
    text = f"{json.dumps(row)}\n{{broken\n{json.dumps(row | {'url': URL + '-2'})}\n"
    bad, good = reasons(written(tmp_path / "k.jsonl", text))
    assert (len(bad), good) == (1, 2)
    assert bad[0].startswith("line 2")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("k.csv", "nama,umur\nx,3\n"),
        ("k.csv", "url,judul_lain\nx,3\n"),
        ("k.json", '{"a": [{"b": 1}]}'),
        ("k.json", '[{"@type": "ClaimReview", '),
        ("k.csv", ""),
        ("k.html", "<html><body>ClaimReview</body></html>"),
    ],
)
def test_a_file_without_claims_is_a_wrong_setting(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(ConfigError):
        list(source_of(written(tmp_path / name, text)).fetch())


def test_a_file_that_is_not_there_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"tidak-ada\.csv cannot be read: No such file"):
        list(source_of(tmp_path / "tidak-ada.csv").fetch())
    with pytest.raises(ConfigError, match="cannot be read"):
        list(claim_source(tmp_path, kind="file", path="a\0b").fetch())
    monkeypatch.setattr("pipeline.sources.claims.files.MAX_FILE", 10)
    with pytest.raises(ConfigError, match="larger than 10 bytes"):
        list(source_of(written(tmp_path / "k.csv", f"url,claim\n{URL},x\n")).fetch())


def test_a_file_of_which_no_row_is_a_claim_says_so_first(tmp_path: Path) -> None:
    source = source_of(written(tmp_path / "k.csv", "url,claim\nx,\ny,\n"))
    list(source.fetch())
    assert source.notes[0] == "NOT ONE of 2 rows of k.csv is a claim"


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = written(tmp_path / "k.csv", f"url,claim\n{URL},TPS dipindah\n")
    first = source_of(path)
    assert len(taken(first)) == 1
    assert len(taken(source_of(path))) == 1  # not committed
    first.commit()
    second = source_of(path)
    assert taken(second) == []
    assert second.notes == ["k.csv has not changed since the last time"]
    path.write_text(f"url,claim\n{URL},TPS dipindah\n{URL}-2,Kotak suara hilang\n", encoding="utf-8")
    assert len(taken(source_of(path))) == 2


def test_articles_with_several_claims_keep_them_apart_in_whatever_order(tmp_path: Path) -> None:
    lines = [f"{URL},TPS dipindah\n", f"{URL.replace('https://', 'https://www.')}/,Kotak suara hilang\n"]
    first = read(written(tmp_path / "a.csv", "url,claim\n" + "".join(lines)))
    second = read(written(tmp_path / "b.csv", "url,claim\n" + "".join(reversed(lines))))
    assert len({each.key for each in first}) == 2
    assert {each.key: each.claim for each in first} == {each.key: each.claim for each in second}


@pytest.mark.parametrize(
    ("cell", "setting", "kind"),
    [
        ("", "", "interested"),
        ("independent", "", "independent"),
        ("", "independent", "independent"),
        ("independent", "interested", "interested"),
        ("government", "independent", "government"),
    ],
)
def test_who_is_no_independent_checker_by_the_row_or_the_setting_is_none(
    tmp_path: Path, cell: str, setting: str, kind: str
) -> None:
    path = written(tmp_path / "k.csv", f"url,claim,checker_kind\n{URL},TPS dipindah,{cell}\n")
    assert [each.checker_kind for each in read(path, checker_kind=setting)] == [kind]


def test_accounts_in_a_claim_are_masked_but_for_institutions(tmp_path: Path) -> None:
    (found,) = read(written(tmp_path / "k.csv", f"url,claim\n{URL},Akun @KPU_ID dan @wargacontoh bilang TPS pindah\n"))
    assert found.claim == "Akun @KPU_ID dan [akun] bilang TPS pindah"
    other = claim_source(tmp_path / "lain", kind="file", path=str(tmp_path / "k.csv"))
    assert [each.claim for each in reviews(other, taken(other))] == [found.claim]


@pytest.mark.parametrize("wrap", [lambda each: each, lambda each: [each], lambda each: {"@graph": [each]}])
def test_json_ld_alone_in_a_list_or_in_a_graph(tmp_path: Path, wrap: Any) -> None:
    data = {
        "@type": "ClaimReview",
        "url": URL,
        "claimReviewed": "TPS dipindah",
        "reviewRating": {"ratingValue": 2, "bestRating": 5, "worstRating": 1, "alternateName": "Agak Meleset"},
        "itemReviewed": {"@type": "ImageObject", "author": {"@type": "Person", "name": "Akun Warga"}},
    }
    path = written(tmp_path / "k.json", json.dumps(wrap(data)))
    source = source_of(path)
    items = taken(source)
    (found,) = reviews(source, items)
    assert (found.rating, found.original, found.media) == ("misleading", "Agak Meleset", "image")
    assert "Akun Warga" not in json.dumps(items[0].payload)


def test_a_json_ld_file_of_many_claims_is_read_whole(tmp_path: Path) -> None:
    data = [
        {"@type": "ClaimReview", "url": f"{URL}-{number}", "claimReviewed": f"Klaim {number}"}
        | {"reviewRating": {"alternateName": "Salah"}, "author": {"@type": "Organization", "name": "x"}}
        for number in range(8_000)
    ]
    assert len(read(written(tmp_path / "k.json", json.dumps({"@graph": data})))) == 8_000


def test_a_broken_review_of_json_ld_costs_only_itself(tmp_path: Path) -> None:
    good = {"@type": "ClaimReview", "url": URL, "claimReviewed": "TPS dipindah"}
    bad, count = reasons(
        written(tmp_path / "k.json", json.dumps([good | {"url": "x"}, good, {"@type": "ClaimReview"}]))
    )
    assert count == 1
    assert [text.split(":")[0] for text in bad] == ["review 1", "review 3"]


# --- what the program exports ------------------------------------------------------------------------------------


def exported() -> list[Claim]:
    base = ClaimReview(
        key="k",
        source="s",
        checker="Periksa Contoh",
        checker_kind="independent",
        url=URL,
        claim="TPS dipindah ke kantor desa",
        rating="false",
        original="Salah",
        title="[SALAH] TPS Dipindah ke Kantor Desa",
        wording="Info, TPS dipindah",
        reviewed_at=datetime(2026, 11, 20, 1, tzinfo=UTC),
        claimed_at=datetime(2026, 11, 18, 17, tzinfo=UTC),
    )
    office = replace(base, checker_kind="government", title="")
    ratings = [
        replace(base, url=f"{URL}-{rating}", claim=f"Klaim {rating} itu", rating=rating, original="", title="")
        for rating in RATINGS
    ]
    others = [
        replace(base, url=f"{URL}-formula", claim="=1+1 adalah hasil suara", original="Keliru", title="", wording=""),
        replace(base, url=f"{URL}-words", claim="Kotak suara hilang", rating="misleading", original="Agak meleset"),
        replace(base, url=f"{URL}-video", claim="Kotak suara dibuka", media="video", language="en"),
        replace(base, url=f"{URL}-gone", claim="Bilik suara roboh", withdrawn=True),
        replace(base, url=f"{URL}-two", claim="Tinta habis", title=""),
        replace(base, url=f"{URL}-two", claim="Bantalan hilang", title="", rating="true", original="Benar"),
        replace(office, url="https://www.komdigi.go.id/x", claim="Isu TPS pindah", checker="Komdigi"),
        replace(office, url="https://dinas.example/x", claim="Isu tinta habis", checker="Dinas Contoh"),
    ]
    return [Claim(f"c{number}", each.claim, (each,)) for number, each in enumerate([base, *ratings, *others])]


def said(review: ClaimReview, *left_out: str) -> dict[str, Any]:
    """What a review says, apart from what depends on where it was read."""
    left = {"key", "source", *left_out}
    return {name: getattr(review, name) for name in ClaimReview.__slots__ if name not in left}


def test_the_csv_that_we_export_reads_the_same(tmp_path: Path) -> None:
    claims = exported()
    path = tmp_path / "klaim.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows(claims):
            writer.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in row])
    source = source_of(path)
    found = reviews(source, taken(source))
    assert [said(each) for each in found] == [said(each) for claim in claims for each in claim.reviews]
    assert len({each.key for each in found}) == len(found)
    assert [note for note in source.notes if "not kept" in note] == []


def test_the_json_ld_that_we_export_reads_the_same_but_for_what_schema_org_has_no_field(tmp_path: Path) -> None:
    claims = exported()
    path = written(tmp_path / "klaim.json", json.dumps(json_ld(claims)))
    found = {(each.url, each.claim): each for each in read(path, checker_kind="independent")}
    alive = [each for claim in claims for each in claim.reviews if not each.withdrawn]
    assert found.keys() == {(each.url, each.claim) for each in alive}
    for each in alive:
        again = found[each.url, each.claim]
        left = ("wording", "media", "reviewed_at", "claimed_at", "original")
        assert said(again, *left) == said(each, *left)
        assert again.original in (each.original, each.rating) or each.rating == "unrated"
        assert again.reviewed_at is not None
        assert each.reviewed_at is not None
        assert abs((again.reviewed_at - each.reviewed_at).days) <= 1


# --- any text ----------------------------------------------------------------------------------------------------

PARSER = claim_source(Path("tidak-dipakai"), kind="file", path="tidak-dipakai.csv")
CELL = st.text(max_size=40) | st.sampled_from([URL, "false", "Salah", "independent", "video", "ya", "2026-11-20"])


@given(st.dictionaries(st.sampled_from(COLUMNS), CELL))
def test_any_row_is_read_or_refused_with_a_reason(row: dict[str, str]) -> None:
    try:
        (found,) = PARSER.parse(RawItem("pemeriksa", "claims-file", NOW, "line 2", row))
    except ItemError:
        return
    assert found.claim
    assert found.rating in RATINGS


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"url,claim\n{text}".encode("utf-8", "replace"))
)
def test_any_file_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("k") / "k.csv"
    path.write_bytes(content)
    source = source_of(path)
    try:
        for item in source.fetch():
            assert isinstance(item, RawItem | Quarantined)
    except ConfigError:
        return
