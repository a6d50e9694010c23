"""Komdigi's lists, as HTML and as JSON: what is an entry, where the list ends, and a layout that changed."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from claimsources import NOW, claim_source, reviews, taken
from hypothesis import given
from hypothesis import strategies as st
from webserver import Page, Site, serving

from pipeline.core.errors import ItemError, SourceUnavailable
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.komdigi import _from_html, _from_json

BASE = "https://www.komdigi.go.id/berita/berita-hoaks"


def card(slug: str, title: str, date: str = "20 November 2026") -> str:
    link = f"/berita/berita-hoaks/detail/{slug}"
    return (
        f'<div class="card"><a href="{link}"><img alt=""></a><p><a href="{link}">{title}</a></p>'
        f'<span>{date}</span><a href="{link}">Baca selengkapnya</a></div>'
    )


def listed(*cards: str) -> Page:
    return Page(f'<html><body><a href="/tentang/detail">Tentang</a><ul>{"".join(cards)}</ul></body></html>'.encode())


def source_of(site: Site, state: Path, **given: Any) -> Any:
    return claim_source(state, kind="komdigi", url=site.url + "/list", **given)


def titles(items: list[RawItem]) -> list[str]:
    return [item.payload["title"] for item in items]


def test_a_list_gives_clarifications_of_a_government(tmp_path: Path) -> None:
    page = listed(card("hoaks-tps", "[HOAKS] TPS di Pasar Dipindah"), card("isu-tinta", "Isu Tinta Pemilu Habis"))
    with serving({"/list": page, "/list?page=2": listed()}) as site:
        source = source_of(site, tmp_path, checker="Komdigi", checker_kind="independent")
        first, second = reviews(source, taken(source))
        assert first.url == site.url + "/berita/berita-hoaks/detail/hoaks-tps"
    assert (first.claim, first.rating, first.original) == ("TPS di Pasar Dipindah", "false", "HOAKS")
    assert (second.claim, second.rating) == ("Isu Tinta Pemilu Habis", "clarification")
    assert {each.checker_kind for each in (first, second)} == {"government"}
    assert first.reviewed_at == datetime(2026, 11, 19, 17, tzinfo=UTC)


def test_the_json_of_the_site_is_a_list_too(tmp_path: Path) -> None:
    rows = [
        {"title": "[HOAKS] TPS Dipindah", "slug": "hoaks-tps", "published_at": "2026-11-20T08:00:00+07:00", "x": "y"},
        {"title": "[HOAKS] Kotak <b>Suara</b> Hilang", "url": "https://www.komdigi.go.id/detail/kotak"},
        {"title": "[HOAKS] Tautan Aneh", "slug": "../../x"},
        {"title": "Baca", "slug": "baca-saja"},
        {"title": 3, "slug": "tiga-angka"},
        "x",
    ]
    page = Page(json.dumps({"response": {"data": rows}}).encode(), type="application/json")
    with serving({"/list": page}) as site:
        source = source_of(site, tmp_path)
        found = reviews(source, taken(source))
    assert [each.url for each in found] == [f"{BASE}/detail/hoaks-tps", "https://www.komdigi.go.id/detail/kotak"]
    assert [each.claim for each in found] == ["TPS Dipindah", "Kotak Suara Hilang"]
    assert found[0].checker == "Komdigi"
    assert source.notes == [f"the list ends at page 1: {site.url}/list answered with status 404"]


@pytest.mark.parametrize(
    "page", ["<html><body><div id='__next'></div></body></html>", "", "{", '{"response": {"data": "x"}}', "[]", "[3]"]
)
def test_a_list_without_entries_is_a_changed_layout(tmp_path: Path, page: str) -> None:
    with serving({"/list": Page(page.encode())}) as site, pytest.raises(SourceUnavailable, match="its layout changed"):
        list(source_of(site, tmp_path).fetch())


def test_pages_end_where_all_is_known(tmp_path: Path) -> None:
    routes: dict[str, Any] = {
        "/list": listed(card("a1a", "[HOAKS] TPS Dipindah"), card("b1b", "[HOAKS] Kotak Hilang")),
        "/list?page=2": listed(card("c1c", "[HOAKS] Tinta Habis di TPS")),
        "/list?page=3": listed(card("c1c", "[HOAKS] Tinta Habis di TPS")),  # it gives the last page for ever
    }
    with serving(routes) as site:
        first = source_of(site, tmp_path)
        assert len(taken(first)) == 3
        assert site.paths == ["/list", "/list?page=2", "/list?page=3"]
        first.commit()
        site.asked.clear()
        assert taken(source_of(site, tmp_path)) == []
        assert site.paths == ["/list"]
        site.routes["/list"] = listed(card("d1d", "[HOAKS] Bilik Roboh"), card("a1a", "[HOAKS] TPS Dipindah"))
        assert titles(taken(source_of(site, tmp_path))) == ["[HOAKS] Bilik Roboh"]


def test_a_long_list_is_read_in_several_runs(tmp_path: Path) -> None:
    pages = {f"/list?page={number}": listed(card(f"n{number}n", f"[HOAKS] Isu Nomor {number}")) for number in (2, 3)}
    with serving({"/list": listed(card("n1n", "[HOAKS] Isu Nomor 1"))} | pages) as site:
        for expected in ("[HOAKS] Isu Nomor 1", "[HOAKS] Isu Nomor 2"):
            source = source_of(site, tmp_path, max_pages=1)
            assert titles(taken(source)) == [expected]
            assert source.notes == ["more than 1 pages; the rest was left (max_pages)"]
            source.commit()
        assert titles(taken(source_of(site, tmp_path))) == ["[HOAKS] Isu Nomor 3"]


def test_since_leaves_older_entries_and_an_earlier_since_fetches_them(tmp_path: Path) -> None:
    page = listed(card("a1a", "[HOAKS] TPS Dipindah"), card("b1b", "[HOAKS] Kotak Hilang", "3 November 2026"))
    with serving({"/list": page, "/list?page=2": page}) as site:
        first = source_of(site, tmp_path)
        assert titles(taken(first, datetime(2026, 11, 10, tzinfo=UTC))) == ["[HOAKS] TPS Dipindah"]
        first.commit()
        assert titles(taken(source_of(site, tmp_path), datetime(2026, 11, 1, tzinfo=UTC))) == ["[HOAKS] Kotak Hilang"]


def test_news_is_left_out_and_a_title_that_states_nothing_is_quarantined(tmp_path: Path) -> None:
    page = listed(
        card("a1a", "[EDUKASI] Cara Mengecek Foto"), card("b1b", "[HOAKS] [SALAH] "), card("c1c", "[HOAKS] TPS")
    )
    with serving({"/list": page, "/list?page=2": listed()}) as site:
        found = list(source_of(site, tmp_path).fetch())
    assert [item.reason.partition(": ")[2] for item in found if isinstance(item, Quarantined)] == [
        "the fact-check states no claim"
    ]
    assert titles([item for item in found if isinstance(item, RawItem)]) == ["[HOAKS] TPS"]


def test_a_site_that_is_busy_or_gone(tmp_path: Path) -> None:
    with serving({"/list": Page(status=429, headers={"Retry-After": "60"})}) as site:
        with pytest.raises(SourceUnavailable) as caught:
            list(source_of(site, tmp_path).fetch())
        assert caught.value.retry_after == 60.0
        site.routes["/list"] = Page(status=404)
        with pytest.raises(SourceUnavailable, match="404"):
            list(source_of(site, tmp_path).fetch())
        site.routes |= {"/list": listed(card("a1a", "[HOAKS] TPS Dipindah")), "/list?page=2": Page(status=503)}
        with pytest.raises(SourceUnavailable, match="503"):
            list(source_of(site, tmp_path).fetch())


def test_a_date_belongs_to_the_report_beside_it(tmp_path: Path) -> None:
    page = "".join(
        [
            '<p>1 Januari 2020</p><div><div><a href="/detail/a">[HOAKS] TPS Dipindah</a><time datetime="2026-11-20">',
            "</time></div>",
            '<div><a href="/detail/b" title="[HOAKS] Kotak Suara Hilang di Jalan">Kotak</a></div>',
            '<div><a href="/detail/c">[HOAKS] Tinta Habis 2026-11-18</a></div></div>',
            '<a href="https://lain.example/detail/d">[HOAKS] Situs Lain</a><a href="/detail/e">Baca</a>',
            '<a href="http://[x/detail/f">[HOAKS] Rusak Alamatnya</a>',
        ]
    )
    assert _from_html(page, BASE) == [
        {"link": "https://www.komdigi.go.id/detail/a", "title": "[HOAKS] TPS Dipindah", "date": "2026-11-20"},
        {"link": "https://www.komdigi.go.id/detail/b", "title": "[HOAKS] Kotak Suara Hilang di Jalan"},
        {"link": "https://www.komdigi.go.id/detail/c", "title": "[HOAKS] Tinta Habis 2026-11-18", "date": "2026-11-18"},
    ]


def test_a_card_that_is_one_link_gives_its_heading_as_title() -> None:
    page = '<a href="/detail/a"><span>20 November 2026</span><h3>[HOAKS] TPS <b>Dipindah</b>!</h3><p>Ringkas.</p></a>'
    assert _from_html(page, BASE) == [
        {"link": "https://www.komdigi.go.id/detail/a", "title": "[HOAKS] TPS Dipindah!", "date": "20 November 2026"}
    ]


def test_a_hostile_page_takes_no_time() -> None:
    began = time.perf_counter()
    for page in (
        '<a href="/detail/a">TPS Dipindah</a>' * 20_000,
        "".join(f'<a href="/detail/{number}">TPS Dipindah</a>' for number in range(20_000)),
        "<div>" * 20_000 + '<a href="/detail/a">TPS Dipindah</a>',
        "<a " + "href=x " * 100_000,
        '<a href="/detail/a">' + "TPS " * 500_000,
    ):
        assert len(_from_html(page, BASE)) <= 2_000
    assert time.perf_counter() - began < 15


# --- any text ----------------------------------------------------------------------------------------------------

PARSER = claim_source(Path("tidak-dipakai"), kind="komdigi", url=BASE)
PARTS = (
    *('<a href="/detail/x">', '<a href="//[', "</a>", "<div>", "</div>", "[HOAKS] TPS Dipindah", "20 November 2026"),
    *('<time datetime="', '">', '{"data": [', '{"title": "', '"}', "]}", "\ud800", "\0"),
)
MARKUP = st.lists(st.text(max_size=20) | st.sampled_from(PARTS), max_size=12).map("".join)


@given(MARKUP)
def test_any_page_is_read(text: str) -> None:
    for entry in (*_from_html(text, BASE), *_from_json(text)):
        assert entry["link"].startswith("http")
        assert len(entry["title"]) >= 8


@given(st.text(max_size=60), MARKUP, st.text(max_size=30))
def test_any_entry_is_read_or_refused(link: str, title: str, date: str) -> None:
    for address in (link, f"{BASE}/detail/x"):
        payload = {"link": address, "title": title, "date": date}
        try:
            found = PARSER.parse(RawItem("pemeriksa", "claims-komdigi", NOW, "x", payload))
        except ItemError:
            continue
        assert {each.checker_kind for each in found} <= {"government"}
