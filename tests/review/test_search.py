"""The search page: what it finds and for whom, its trace in the audit, saved searches, odd input."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from review.flags import START, make_flag, noted, put_flags

from pipeline.core.errors import StoreUnavailable
from pipeline.core.types import Reason, Region, Signal, Topic
from pipeline.ledger import items, people
from pipeline.review import search  # noqa: F401  # its pages are there once it is imported
from pipeline.review.asking import typed, typed_whole
from pipeline.store.query import parse_query

EVERYTHING = "/cari?q="
KALBAR = Region("61", "Kalimantan Barat", "province", 0.9, "mention", ((0, 5),))
KALTENG = Region("62", "Kalimantan Tengah", "province", 0.9, "mention")
THREAT = Signal("threat", 0.9, 0.5, "rules-1", (Reason(0, 5, 1.0),))


def links(page: str, text: str) -> list[str]:
    """The addresses of links in which that text stands."""
    found = re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', page, re.DOTALL)
    return [html.unescape(href) for href, inside in found if text in inside]


# ---- finding


def test_a_page_that_was_only_opened_shows_no_post_and_leaves_no_trace(place, client):
    put_flags(place, make_flag(1, "surat suara kurang"))
    page = client("reviewer").get("/cari")
    assert page.status_code == 200
    assert "Nothing searched yet" in page.text
    assert "surat suara kurang" not in page.text
    assert noted(place, "search") == []


def test_hits_lead_to_their_pages_with_the_matched_words_marked(place, client):
    [key] = put_flags(place, make_flag(1, "kotak suara hilang di gudang", regions=(KALBAR,)))
    page = client("reviewer").get("/cari?q=gudang").text
    assert f'href="/butir/{key}"' in page
    assert '<mark class="mark-search">gudang</mark>' in page
    assert "1 post found" in page
    assert "Kalimantan Barat" in page
    assert "word: gudang" in page


def test_coarse_words_are_softened_and_marks_stay_in_place(place, client):
    put_flags(place, make_flag(1, "dasar anjing, gudang kosong"))
    page = client("reviewer").get("/cari?q=gudang").text
    assert "anjing" not in page
    assert 'dasar a·····, <mark class="mark-search">gudang</mark> kosong' in page


def test_posts_of_other_offices_are_in_no_hit_count_facet_or_file(place, client):
    put_flags(
        place,
        make_flag(1, "gudang kita", regions=(KALBAR,)),
        make_flag(2, "gudang mereka", office="61", platform="lain", regions=(KALTENG,)),
    )
    browser = client("reviewer")
    for asked in ("", "gudang", "kantor:61", "kantor:61 kantor:00", "mereka", "-kantor:00"):
        page = browser.get("/cari", params={"q": asked}).text
        assert "mereka</mark>" not in page
        assert "gudang mereka" not in page
        assert "2 posts" not in page
        assert "Kalimantan Tengah" not in page
        file = browser.get("/cari/ekspor", params={"q": asked}).text
        assert "mereka" not in file
    assert "1 post found" in client("reviewer61").get(EVERYTHING).text


@pytest.mark.parametrize("path", ["/cari", "/cari/ekspor"])
@pytest.mark.parametrize("name", ["reviewer", "supervisor", "approver", "privacy", "scientist", "admin", "partner"])
def test_only_roles_that_read_posts_may_search(client, path, name):
    may = name in {"reviewer", "supervisor", "approver"}
    assert client(name).get(path).status_code == (200 if may else 403)


@pytest.mark.parametrize("path", ["/cari/simpan", "/cari/hapus"])
def test_only_roles_that_read_posts_may_save_searches(client, path):
    assert client("admin").submit(path, q="a", nama="b", id="1").status_code == 403


def test_pages_follow_each_other_without_gap_or_repeat(place, client):
    keys = put_flags(place, *(make_flag(number, f"surat suara nomor {number}") for number in range(45)))
    browser, address, seen = client("reviewer"), "/cari?q=surat&urut=baru", []
    while address:
        page = browser.get(address).text
        seen += re.findall(r'href="/butir/(\w+)"', page)
        put_flags(place, make_flag(100 + len(seen), "surat yang lebih baru"))  # what comes in meanwhile moves nothing
        address = next(iter(links(page, "Next page")), "")
    assert seen == keys[::-1]


def test_newest_first_or_best_match_first(place, client):
    old, new = put_flags(place, make_flag(1, "gudang gudang gudang"), make_flag(2, "gudang " + "kosong sekali " * 9))
    browser = client("reviewer")
    pages = {order: browser.get(f"/cari?q=gudang&urut={order}").text for order in ("baru", "cocok", "aneh")}
    found = {order: re.findall(r'href="/butir/(\w+)"', page) for order, page in pages.items()}
    assert found == {"baru": [new, old], "cocok": [old, new], "aneh": [old, new]}


def test_dates_bound_the_search_to_whole_days_of_the_office(place, client):
    put_flags(place, *(make_flag(n, f"hari ke-{n}", published_at=START + timedelta(days=n)) for n in range(4)))
    page = client("reviewer").get("/cari?q=&dari=2026-11-24&sampai=2026-11-25").text
    assert [n for n in range(4) if f"hari ke-{n}" in page] == [1, 2]
    assert 'value="2026-11-24"' in page


def test_what_is_held_is_said_to_be_under_review(place, client, people_of):
    [key] = put_flags(place, make_flag(1))
    with place.ledger.write() as db:
        assert items.hold(db, key, people_of["supervisor"].id, place.clock(), 20)
    page = client("reviewer").get(EVERYTHING).text
    assert "in somebody&#39;s hands" in page
    assert people_of["supervisor"].id not in page


def test_what_the_ledger_does_not_know_is_not_shown(place, client):
    put_flags(place, make_flag(1, "di antrean"))
    place.store.put([make_flag(2, "hanya di indeks")])
    page = client("reviewer").get(EVERYTHING).text
    assert "di antrean" in page
    assert "hanya di indeks" not in page
    assert "1 of these are not shown" in page


# ---- facets


def test_facets_add_and_take_away_one_condition(place, client):
    logistics = (Topic("logistik", "Logistik", False),)
    put_flags(place, make_flag(1, "satu", topics=logistics, regions=(KALBAR,)), make_flag(2, "dua", regions=(KALTENG,)))
    browser = client("reviewer")
    [add] = links(browser.get("/cari?q=").text, "61 Kalimantan Barat")
    assert "wilayah%3A61" in add
    narrowed = browser.get(add).text
    assert "1 post found" in narrowed
    assert "62 Kalimantan Tengah" in narrowed  # the other choices of the field stay in sight
    for away in links(narrowed, "61 Kalimantan Barat"):
        assert "2 posts found" in browser.get(away).text
    [both] = links(narrowed, "62 Kalimantan Tengah")
    assert "2 posts found" in browser.get(both).text


def test_every_facet_leads_to_as_many_posts_as_it_counts(place, client):
    put_flags(
        place,
        make_flag(1, "satu", signals=(THREAT,), regions=(KALBAR,), platform="kanal dua"),
        make_flag(2, "dua", kind="news", platform="", topics=(Topic("logistik", "Logistik", False),)),
        make_flag(3, "tiga", published_at=START - timedelta(days=1)),
    )
    browser = client("reviewer")
    page = browser.get(EVERYTHING).text
    aside = page[page.index('id="saring"') :]
    choices = re.findall(r'<a href="([^"]*)"[^>]*>.*?<span class="number muted">(\d+)</span>', aside, re.DOTALL)
    assert len(choices) >= 9
    for href, count in choices:
        expected = "1 post found" if count == "1" else f"{count} posts found"
        assert expected in browser.get(html.unescape(href)).text


def test_why_a_post_was_flagged_can_neither_be_asked_for_nor_counted(place, client):
    put_flags(place, make_flag(1, "terpilih acak", why=("sample",)), make_flag(2, "melewati batas"))
    browser = client("reviewer")
    for asked in ("why:sample", "alasan:sampel", "-sebab:sampel"):
        page = browser.get("/cari", params={"q": asked}).text
        assert "2 posts found" in page
        assert "that part was left out" in page
        assert "a sample of what" not in page
        assert 'id="h-why"' not in page
        assert len(browser.get("/cari/ekspor", params={"q": asked}).text.splitlines()) == 3


# ---- hidden indications


@pytest.mark.parametrize("review_settings", [{"KENTONGAN__REVIEW__HIDE_SIGNALS": "true"}])
def test_hidden_indications_are_in_no_hit_facet_filter_or_file(place, client):
    put_flags(place, make_flag(1, "satu", signals=(THREAT,)), make_flag(2, "dua"))
    browser = client("reviewer")
    page = browser.get("/cari?q=indikasi:ancaman").text
    assert "2 posts found" in page
    assert "Indications are hidden" in page
    assert "violence" not in page
    assert "band-" not in page
    assert "violence" not in browser.get("/cari/ekspor?q=-label:threat").text


def test_shown_indications_can_be_searched(place, client):
    put_flags(place, make_flag(1, "satu", signals=(THREAT,)), make_flag(2, "dua"))
    page = client("reviewer").get("/cari?q=indikasi:ancaman").text
    assert "1 post found" in page
    assert "Indication of a call to violence or a threat" in page


# ---- audit


def test_a_search_is_noted_once_with_its_words_and_how_many_posts_were_shown(place, client, people_of):
    put_flags(place, *(make_flag(number, "surat suara") for number in range(25)))
    browser = client("reviewer")
    [following] = links(browser.get("/cari?q=surat&dari=2026-11-01").text, "Next page")
    assert "Next page" not in browser.get(following).text
    [entry] = noted(place, "search")
    assert entry.actor == people_of["reviewer"].id
    assert entry.details == {"shown": 20}
    assert entry.payload == {"words": "surat sejak:2026-11-01"}


def test_nobody_can_make_up_the_token_of_a_further_page_to_read_without_a_trace(place, client):
    put_flags(place, *(make_flag(number, "surat suara") for number in range(25)))
    [following] = links(client("reviewer").get("/cari?q=surat").text, "Next page")
    page = client("supervisor").get(following)  # another session
    assert page.status_code == 400
    assert "/butir/" not in page.text


# ---- saved searches


def test_a_search_is_saved_and_removed_by_its_owner_alone(place, client, people_of):
    mine, other = client("reviewer"), client("supervisor")
    answer = mine.submit("/cari/simpan", q="surat wilayah:61 sejak:2026-11-01", nama="Surat <b>suara</b>")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/cari?q=surat+wilayah%3A61&dari=2026-11-01"
    page = mine.get("/cari").text
    assert "Surat &lt;b&gt;suara&lt;/b&gt;" in page
    assert links(page, "suara") == ["/cari?q=surat+wilayah%3A61+sejak%3A2026-11-01"]
    assert "Saved searches" not in other.get("/cari").text
    with place.ledger.read() as db:
        [saved] = people.saved(db, people_of["reviewer"].id, "00")
    other.submit("/cari/hapus", id=str(saved.id))
    assert "&lt;b&gt;suara" in mine.get("/cari").text
    assert mine.submit("/cari/hapus", id=str(saved.id)).status_code == 303
    with place.ledger.read() as db:
        assert people.saved(db, people_of["reviewer"].id, "00") == []


def test_searches_saved_in_an_office_are_gone_with_the_right_in_it(place, client, people_of):
    with place.ledger.write() as db:
        people.save(db, people_of["reviewer"].id, "61", "Dari kantor lama", "surat")
    assert "Dari kantor lama" not in client("reviewer").get("/cari").text


@pytest.mark.parametrize(
    "fields", [{"q": "", "nama": "a"}, {"q": "why:sample", "nama": "a"}, {"q": "a", "nama": " "}, {}]
)
def test_a_search_without_words_or_name_is_not_saved(client, fields):
    assert client("reviewer").submit("/cari/simpan", **fields).status_code == 400


@pytest.mark.parametrize("number", ["", "x", "-1", "1" * 30, "²"])
def test_a_saved_search_that_is_none_cannot_be_removed(client, number):
    assert client("reviewer").submit("/cari/hapus", id=number).status_code == 400


def test_forms_without_the_token_change_nothing(place, client, people_of):
    browser = client("reviewer")
    browser.post("/cari/simpan", data={"q": "a", "nama": "b"}, headers={"Origin": str(browser.base_url)})
    with place.ledger.read() as db:
        assert people.saved(db, people_of["reviewer"].id, "00") == []


# ---- when something is amiss


def test_without_the_index_the_page_says_so_and_keeps_the_form_and_saved_searches(place, client, monkeypatch):
    browser = client("reviewer")
    browser.submit("/cari/simpan", q="surat", nama="Surat suara")

    def away(*_args, **_options):
        raise StoreUnavailable("http://10.0.0.7:9200 does not answer")

    for name in ("search", "facets"):
        monkeypatch.setattr(place.store, name, away)
    for address in ("/cari", "/cari?q=surat"):
        page = browser.get(address)
        assert page.status_code == 503
        assert page.headers["retry-after"] == "30"
        assert "cannot be reached just now" in page.text
        assert 'href="/antrean"' in page.text
        assert "Surat suara" in page.text
        assert 'name="q"' in page.text
        assert "10.0.0.7" not in page.text
    assert browser.get("/cari/ekspor?q=surat").status_code == 503


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("q=" + "banjir+" * 1_500, 200),
        ("q=" + "x" * 10_000, 200),
        ("q=isu:tidak-ada+wilayah:99+status:entah+jenis:%22a+b%22+hari:2024-13-45+tahapan:x+liputan:y", 200),
        ("q=a&sesudah=rusak", 400),
        ("q=a&sesudah=.", 400),
        ("q=a&sesudah=%ff.%ff", 400),
        ("q=a&dari=kemarin", 400),
        ("q=a&sampai=2024-02-31", 400),
        ("dari=0001-01-01", 400),
        ("sampai=9999-12-31", 400),
        ("q=a&dari=2026-11-24&sampai=2026-11-01", 200),
        ("q=%ED%A0%80+%FF", 200),
        ("q=a%00b", 400),
        ("q=a&q=b&urut=x&urut=y", 200),
        ("q=%22%22+-+--+%3A+%22", 200),
        ("q=butir:x~0001+klaster:%3C+kantor:%27--", 200),
    ],
)
def test_odd_input_is_answered_with_a_page(place, client, query, status):
    put_flags(place, make_flag(1, "banjir di gudang"))
    answer = client("reviewer").get(f"/cari?{query}")
    assert answer.status_code == status
    assert "<h1>" in answer.text


def test_html_in_every_field_is_shown_as_text(place, client):
    evil = '"><script>alert(1)</script>'
    put_flags(
        place,
        make_flag(1, f"{evil} gudang", platform="<script>p", stage="<script>s"),
        make_flag(2, "gudang", topics=(Topic("<script>t", "<script>t", False),), source="<script>q"),
    )
    browser = client("reviewer")
    browser.submit("/cari/simpan", q=f"gudang {evil}", nama=evil)
    pages = [browser.get("/cari", params={name: evil}) for name in ("q", "dari", "sampai", "urut", "sesudah")]
    pages.append(browser.get("/cari", params={"q": 'gudang isu:<script> -kanal:"<script> x" "<script>"'}))
    pages.append(browser.get("/cari", params={"q": "gudang", "urut": evil}))
    for page in pages:
        assert "<script>" not in page.text
        assert page.text.count("<script ") == 1  # the desk's own


# ---- the language


PARTS = """banjir|-banjir|"surat suara"|-"surat suara"|isu:a|isu:"a b"|-wilayah:61|a:b|-a:b|http://a.b|:x|x:|-|--|"
|status:sesuai|status:"tidak sesuai"|hari:2024-11-18|hari:x|kanal:İ|"a:b"|-"a:b"|butir:x~1|isu:""|sejak:2024""".split(
    "|"
)
typings = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PARTS), max_size=6).map(" ".join))


@given(typings)
def test_a_query_written_again_is_read_as_the_same(text):
    zone = ZoneInfo("Asia/Jakarta")
    query = parse_query(text, zone=zone)
    assume("why" not in {field for field, _value in (*query.fields, *query.without_fields)})
    assert parse_query(typed(query), zone=zone, since=query.since, until=query.until) == query
    assert parse_query(typed_whole(query, zone), zone=zone) == query
