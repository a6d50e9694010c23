"""The pages of claims: the list with its filters and files, and the card of one claim with the posts that carry it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from lxml import html
from openpyxl import load_workbook
from review.flags import START, make_claim, make_flag, noted, put_claims, put_flags
from review.frame import Browser

from pipeline.core.types import ClaimMatch, Flag, Region, Signal
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
PINDAH, VAKSIN, RUSAK = "k000000000001", "k000000000002", "k000000000003"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}'
KALBAR = Region("61", "Kalimantan Barat", "province", 0.9, "mention", ((0, 1),))


def carrying(number: int, claim_id: str = PINDAH, text: str = "info TPS pasar pindah", **changes: Any) -> Flag:
    """A flag that carries a claim."""
    match = ClaimMatch(claim_id, 0.9, "match", spans=((5, 8),))
    signal = Signal("hoax_claim", 0.9, 0.5, "claims-1")
    return make_flag(number, text, claims=(match,), signals=(signal,), why=("claim",), **changes)


@pytest.fixture
def known(place: Workplace) -> None:
    """Three claims: one debunked, one that a ministry clarified, one whose debunk was taken back."""
    put_claims(
        place,
        make_claim(PINDAH, "TPS di pasar dipindah malam ini"),
        make_claim(VAKSIN, "Vaksin dibagikan di TPS", checker="Kementerian Contoh", checker_kind="government"),
        make_claim(RUSAK, "100% surat_suara rusak", withdrawn=True, checker="Periksa Lain"),
    )


def cells(page: str) -> list[list[str]]:
    """The rows of the first table, each cell on one line."""
    rows = html.fromstring(page).xpath("//table[1]/tbody/tr")
    return [[" ".join(cell.text_content().split()) for cell in row] for row in rows]


def text_of(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def links_out(page: str) -> list[Any]:
    return [link for link in html.fromstring(page).xpath("//main//a") if not link.get("href").startswith("/")]


# ---- the list


def test_claims_that_posts_here_carry_come_first_with_their_standing(
    client: Client, place: Workplace, known: None
) -> None:
    put_flags(place, carrying(1, VAKSIN), carrying(2, VAKSIN), carrying(3, PINDAH), carrying(4, RUSAK, office="61"))
    rows = cells(client("reviewer").get("/klaim").text)
    assert [(row[0].split("#")[0], row[1], row[2], row[4]) for row in rows] == [
        ("Vaksin dibagikan di TPS", "Official clarification", "Kementerian Contoh", "2"),
        ("TPS di pasar dipindah malam ini", "False", "Pemeriksa Contoh", "1"),
        ("100% surat_suara rusak", "withdrawn", "Periksa Lain", "0"),
    ]
    assert rows[0][5].startswith("23 Nov 2026 10:01")
    assert rows[2][5] == "–"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", {PINDAH, VAKSIN, RUSAK}),
        ("?q=tps", {PINDAH, VAKSIN}),
        ("?q=TPS+pasar", {PINDAH}),
        ("?q=100%25", {RUSAK}),
        ("?q=%25", {RUSAK}),
        ("?q=u_t", set()),
        ("?q=surat_suara", {RUSAK}),
        ("?q=%5C", set()),
        ("?q=' OR 1=1 --", set()),
        (f"?q={VAKSIN}", {VAKSIN}),
        (f"?q=%23{VAKSIN}", {VAKSIN}),
        ("?status=debunked", {PINDAH}),
        ("?status=withdrawn", {RUSAK}),
        ("?pemeriksa=Kementerian+Contoh", {VAKSIN}),
        ("?pemeriksa=tidak+ada", set()),
        ("?beredar=1", {PINDAH}),
        ("?beredar=1&status=withdrawn", set()),
        ("?hal=2", set()),
    ],
)
def test_the_list_is_narrowed(client: Client, place: Workplace, known: None, asked: str, found: set[str]) -> None:
    put_flags(place, carrying(1))
    answer = client("reviewer").get(f"/klaim{asked}")
    assert answer.status_code == 200
    links = html.fromstring(answer.text).xpath("//table//a/@href")
    assert {link.removeprefix("/klaim/") for link in links} == found


@pytest.mark.parametrize("asked", ["status=lain", "hal=0", "hal=x", "hal=99999", "hal=-1", "hal=1%00"])
def test_what_the_list_cannot_mean_is_refused_in_words(client: Client, asked: str) -> None:
    assert client("reviewer").get(f"/klaim?{asked}").status_code == 400


def test_pages_follow_each_other_without_gap_or_repeat(client: Client, place: Workplace) -> None:
    put_claims(place, *(make_claim(f"k{number:012x}", f"klaim nomor {number}") for number in range(60)))
    browser, address, seen = client("reviewer"), "/klaim?q=klaim", []
    while address:
        tree = html.fromstring(browser.get(address).text)
        seen += tree.xpath("//table//a/@href")
        address = next(iter(tree.xpath("//a[@rel='next']/@href")), "")
    assert len(seen) == len(set(seen)) == 60


def test_seeking_words_is_noted_and_opening_the_list_is_not(client: Client, place: Workplace, known: None) -> None:
    browser = client("reviewer")
    browser.get("/klaim?status=debunked")
    assert noted(place, "search") == []
    browser.get("/klaim?q=TPS")
    [entry] = noted(place, "search")
    assert (entry.details, entry.payload) == ({"what": "claims", "shown": 2}, {"words": "TPS"})


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_list_goes_out_as_a_file_with_no_post_in_it(
    client: Client, place: Workplace, known: None, form: str
) -> None:
    put_flags(place, carrying(1, text="kalimat warga yang tidak boleh keluar"))
    put_claims(place, make_claim("k000000000009", "=HYPERLINK(1)", checker="+Periksa", original="@SALAH"))
    answer = client("approver").get(f"/klaim/ekspor?bentuk={form}")
    assert "attachment" in answer.headers["content-disposition"]
    if form == "csv":
        rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    else:
        page = load_workbook(io.BytesIO(answer.content)).worksheets[0]
        rows = [[str(value or "") for value in row] for row in page.iter_rows(values_only=True)]
    first = rows[1]
    assert first[:4] == [PINDAH, "TPS di pasar dipindah malam ini", "False", "Pemeriksa Contoh (independent): False"]
    assert first[6:8] == [f"https://periksa.example/{PINDAH}", "1"]
    everything = str(rows)
    assert "kalimat warga" not in everything
    assert "kunci-akun" not in everything
    if form == "csv":
        assert "'=HYPERLINK(1)" in everything
        assert "'+Periksa" in everything
    [entry] = noted(place, "export")
    assert entry.details == {"what": "claims", "form": form, "rows": 4}
    assert client("approver").get("/klaim/ekspor?bentuk=exe").status_code == 400


def test_without_a_claim_the_page_says_how_they_come_in(client: Client) -> None:
    assert "kentongan claims sync" in client("reviewer").get("/klaim").text


# ---- the card


def card(client: Client, claim_id: str = PINDAH, name: str = "reviewer") -> httpx.Response:
    return client(name).get(f"/klaim/{claim_id}")


def test_the_card_says_who_judged_it_how_and_how_the_checkers_differ(client: Client, place: Workplace) -> None:
    put_claims(
        place,
        make_claim(PINDAH),
        make_claim(PINDAH, key="b", checker="Periksa Dua", rating="misleading", original="MENYESATKAN", media="video"),
        make_claim(PINDAH, key="c", checker="KPU Contoh", checker_kind="interested", rating="clarification"),
        make_claim(PINDAH, key="d", checker="Periksa Tiga", rating="true", withdrawn=True),
    )
    page = card(client).text
    rows = {row[0]: row[1:] for row in cells(page)}
    assert rows["Pemeriksa Contoh"][:4] == ["independent", "False", "SALAH", "3 Nov 2026 10:00 WIB"]
    assert rows["Periksa Dua (video)"][:3] == ["independent", "Misleading", "MENYESATKAN"]
    assert rows["KPU Contoh"][0] == "interested party"
    assert rows["Periksa Tiga"][1] == "True withdrawn"
    assert "<s>True</s>" in page
    assert "say the same. Misleading: Periksa Dua; Official clarification: KPU Contoh; False: Pemeriksa" in text_of(
        page
    )
    assert "True: Periksa Tiga" not in text_of(page)
    assert "False / Misleading" in page
    for link in links_out(page):
        assert link.get("rel") == "noopener noreferrer nofollow"
        assert "(periksa.example)" in " ".join(link.getparent().text_content().split())


def test_a_governments_word_is_a_clarification_whatever_it_says(client: Client, place: Workplace, known: None) -> None:
    rows = cells(card(client, VAKSIN).text)
    assert rows[0][:4] == ["Kementerian Contoh", "government", "Official clarification", "SALAH"]


def test_posts_are_folded_with_their_copies_over_time_and_region(client: Client, place: Workplace, known: None) -> None:
    fold = [carrying(n, cluster="a", regions=(KALBAR,), author_key=f"akun{n}") for n in range(1, 7)]
    late = carrying(9, published_at=START + timedelta(days=1), author_key="akun9", platform="lain")
    there = carrying(10, office="61", text="hanya di kantor lain", cluster="z")
    sample = carrying(11, cluster="s")
    keys = put_flags(place, *fold, late, there, make_flag(12, claims=sample.claims, why=("sample",)))
    page = card(client).text
    tree = html.fromstring(page)
    posts = tree.xpath("//section[@aria-labelledby='h-posts']//tbody/tr")
    shown = [[" ".join(cell.text_content().split()) for cell in row] for row in posts]
    assert [row[2:4] for row in shown] == [["6", "6"], ["1", "< 5"]]
    assert [row.xpath(".//a/@href")[0] for row in posts] == [f"/butir/{keys[0]}", f"/butir/{keys[6]}"]
    days = tree.xpath("//section[@aria-labelledby='h-time']//tbody/tr")
    assert [" ".join(row.text_content().split()) for row in days] == ["24 Nov 20261", "23 Nov 20266"]
    regions = tree.xpath("//section[@aria-labelledby='h-regions']//tbody/tr")
    assert [" ".join(row.text_content().split()) for row in regions] == ["Kalimantan Barat6"]
    assert "x 6; lain 1" in text_of(page)
    for hidden in ("kunci-akun", "akun9", "x~0001", "hanya di kantor lain", keys[7], keys[8]):
        assert hidden not in page


def test_small_counts_by_region_and_of_accounts_are_not_told(client: Client, place: Workplace, known: None) -> None:
    put_flags(place, *(carrying(n, cluster="a", regions=(KALBAR,), author_key=f"akun{n}") for n in range(4)))
    tree = html.fromstring(card(client).text)
    assert "".join(tree.xpath("//section[@aria-labelledby='h-regions']//td/text()")) == "< 5"
    assert tree.xpath("//section[@aria-labelledby='h-posts']//tbody/tr/td[4]/text()") == ["< 5"]


def test_a_claim_that_comes_back_long_after_its_check_says_so(client: Client, place: Workplace) -> None:
    old = place.settings.claims.old_days
    put_claims(place, make_claim(PINDAH, reviewed_at=START - timedelta(days=old + 1)))
    put_claims(place, make_claim(VAKSIN, reviewed_at=START - timedelta(days=old - 1)))
    put_flags(place, carrying(1), carrying(2, VAKSIN))
    assert "old claim that goes round again" in card(client).text
    assert "old claim that goes round again" not in card(client, VAKSIN).text


def test_of_a_claim_that_very_many_carry_the_earliest_are_looked_at(
    client: Client, place: Workplace, known: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.review.claim_card.MOST", 3)
    put_flags(place, *(carrying(n, cluster=f"c{n}") for n in range(1, 6)))
    page = card(client).text
    assert "What follows is of the first 3 of them." in page
    tiles = html.fromstring(page).xpath("//section[@aria-labelledby='h-posts']//dl//dd/text()")
    assert tiles == ["5", "3", "23 Nov 2026 10:01 WIB", "23 Nov 2026 10:05 WIB"]


def test_excerpts_on_a_card_are_noted_softened_and_short(client: Client, place: Workplace, known: None) -> None:
    put_flags(place, carrying(1, text="dasar anjing " + "kata " * 200 + "ujung"), carrying(2, cluster="b", office="61"))
    page = card(client).text
    assert "anjing" not in page
    assert "ujung" not in page
    [entry] = noted(place, "search")
    assert (entry.details, entry.payload) == ({"what": "claim", "shown": 1}, {"words": PINDAH})
    assert noted(place, "search", "61") == []


def test_another_office_sees_the_claim_and_none_of_these_posts(client: Client, place: Workplace, known: None) -> None:
    put_flags(place, carrying(1, text="kalimat kantor ini"))
    page = card(client, name="reviewer61").text
    assert "TPS di pasar dipindah malam ini" in page
    assert "No post of this office is known to carry it." in page
    assert "kalimat kantor ini" not in page


@pytest.mark.parametrize("claim_id", ["k000000000099", "x", "k" * 300, "..%2f..", "%27", "%ff"])
def test_a_claim_that_there_is_not_is_not_found(client: Client, known: None, claim_id: str) -> None:
    assert card(client, claim_id).status_code == 404


def test_markup_in_whatever_a_checker_writes_is_text(client: Client, place: Workplace) -> None:
    said = dict.fromkeys(("checker", "original", "title", "source"), HOSTILE)
    put_claims(place, make_claim(PINDAH, HOSTILE, **said), make_claim(VAKSIN, "kata " * 9, title="kata"))
    put_flags(place, carrying(1), carrying(2, VAKSIN, text="info lain lagi"))
    reviewer = client("reviewer")
    for path in ("/klaim", f"/klaim/{PINDAH}", "/ikhtisar", "/cari?q=", "/ringkasan"):
        tree = html.fromstring(reviewer.get(path).text)
        assert [each.get("src")[:8] for each in tree.iter("script", "img")] == ["/static/"] * 2, path
        assert not [name for each in tree.iter() for name in each.attrib if name.startswith("on")], path
    assert "{{7*7}}" in reviewer.get(f"/klaim/{PINDAH}").text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " https://a.example/",
        "data:text/html,x",
        "//a.example/",
        "https://",
        "https://jahat.example\\@periksa.example/",
        "http://[::1",
        "https://a.example/\u202e",
        "",
    ],
)
def test_an_address_that_is_none_is_no_link(client: Client, place: Workplace, address: str) -> None:
    put_claims(place, make_claim(PINDAH, url=address))
    out = links_out(card(client).text)
    assert [link.get("href") for link in out] in ([], [address] if address.endswith("\u202e") else [])


def test_the_host_that_is_shown_is_the_one_that_the_link_leads_to(client: Client, place: Workplace) -> None:
    put_claims(place, make_claim(PINDAH, url="https://turnbackhoax.id@jahat.example/cek", title="cek"))
    [link] = links_out(card(client).text)
    assert "(jahat.example)" in link.getparent().text_content()


def test_odd_signs_in_a_claim_break_no_page(client: Client, place: Workplace) -> None:
    for number, text in enumerate(["nol\0nol", "\u202eterbalik", "x" * 50_000, "", "😀" * 3_000]):
        claim_id = f"k{number:012x}"
        put_claims(place, make_claim(claim_id, text, original="separuh \ud83d"))
        put_flags(place, carrying(number, claim_id))
        for path in ("/klaim", f"/klaim/{claim_id}", "/ikhtisar", "/ringkasan", "/klaim/ekspor", "/cari?q="):
            answer = client("reviewer").get(path)
            assert answer.status_code == 200, (path, ascii(text[:20]))
            assert len(answer.content) < 200_000


# ---- other pages


def test_the_overview_tells_the_claims_that_go_round(client: Client, place: Workplace, known: None) -> None:
    put_flags(place, *(carrying(n, regions=(KALBAR,)) for n in range(6)), carrying(9, VAKSIN))
    put_flags(place, carrying(10, RUSAK, fetched_at=START - timedelta(days=20)), make_flag(11, why=("spread",)))
    tree = html.fromstring(client("reviewer").get("/ikhtisar").text)
    rows = tree.xpath("//section[@aria-labelledby='h-claims']//tbody/tr")
    shown = [[" ".join(cell.text_content().split()) for cell in row] for row in rows]
    assert shown == [
        ["TPS di pasar dipindah malam ini", "False", "6", "not yet reviewed", "Kalimantan Barat 6"],
        ["Vaksin dibagikan di TPS", "Official clarification", "< 5", "not yet reviewed", "unknown"],
    ]
    assert rows[0].xpath(".//a/@href") == [f"/klaim/{PINDAH}"]
    assert "Texts that spread fast, no fact-check yet: 1" in text_of(html.tostring(tree, encoding="unicode"))
    assert "/klaim/" not in client("scientist").get("/ikhtisar").text
    assert "100% surat_suara rusak" in client("reviewer").get("/ikhtisar?hari=28").text


def test_the_daily_summary_tells_them_with_status_link_and_copies(
    client: Client, place: Workplace, known: None
) -> None:
    put_flags(place, *(carrying(n, fetched_at=place.clock() - timedelta(minutes=9), cluster="a") for n in range(6)))
    text = html.fromstring(client("reviewer").get("/ringkasan").text).xpath("string(//textarea)")
    assert "*Klaim beredar*" in text or "*Claims going round*" in text
    assert "- TPS di pasar dipindah malam ini; " in text
    assert f"https://periksa.example/{PINDAH}" in text


def test_posts_are_found_by_claim_and_the_facet_shows_its_words(client: Client, place: Workplace, known: None) -> None:
    suggestion = (ClaimMatch(PINDAH, 0.4, "suggest"),)
    put_flags(place, carrying(1), carrying(2), make_flag(3, "lain sekali", claims=suggestion))
    browser = client("reviewer")
    page = browser.get(f"/cari?q=klaim:{PINDAH}").text
    assert "2 posts found" in page
    assert "Claim: TPS di pasar dipindah malam ini (False)" in text_of(page)
    facet = html.fromstring(browser.get("/cari?q=").text).xpath("//section[@aria-labelledby='h-claim']//li")
    assert [" ".join(each.text_content().split()) for each in facet] == ["TPS di pasar dipindah malam ini (False) 2"]
    assert "klaim" in browser.get("/cari?q=klaim:tidakada").text


def test_posts_are_found_by_how_they_stand_to_checked_claims(client: Client, place: Workplace, known: None) -> None:
    put_flags(
        place,
        make_flag(1, claims=(ClaimMatch(PINDAH, 0.9, "match", returned=True),), why=("claim",)),
        make_flag(2, claims=(ClaimMatch(PINDAH, 0.4, "suggest"), ClaimMatch(RUSAK, 0.5, "denial"))),
        make_flag(3, why=("spread",)),
        make_flag(4),
    )
    browser = client("reviewer")
    facet = html.fromstring(browser.get("/cari?q=").text).xpath("//section[@aria-labelledby='h-fact_check']//li")
    names = sorted(" ".join(each.text_content().split()) for each in facet)
    assert names == [
        *("denies or checks the claim 1", "matches 1", "may match 1", "no fact-check yet 1"),
        "old claim that goes round again 1",
    ]
    for value in ("sama", "mungkin_sama", "bantahan", "klaim_lama", '"belum ada"'):
        assert "1 post found" in browser.get("/cari", params={"q": f"cek_fakta:{value}"}).text, value


def test_a_claim_that_came_back_is_an_old_one_wherever_it_is_counted(client: Client, place: Workplace) -> None:
    long_ago = START - timedelta(days=place.settings.claims.old_days + 30)
    put_claims(place, make_claim(PINDAH, reviewed_at=long_ago), make_claim(VAKSIN, "Vaksin", reviewed_at=long_ago))
    put_flags(place, *(carrying(n, fetched_at=place.clock() - timedelta(minutes=9)) for n in range(6)))
    old = {"fetched_at": place.clock(), "published_at": long_ago + timedelta(days=3)}
    put_flags(place, *(carrying(n, VAKSIN, **old) for n in range(10, 15)))  # it came in late, and is no newer for that
    reviewer = client("reviewer")
    listed = {row[0].split("#")[0]: row[1] for row in cells(reviewer.get("/klaim").text)}
    assert listed["Vaksin"] == "False"
    assert listed["TPS di pasar dipindah malam ini"] == "False old claim that goes round again"
    overview = html.fromstring(reviewer.get("/ikhtisar").text).xpath("string(//section[@aria-labelledby='h-claims'])")
    assert overview.count("False; old claim that goes round again") == 1
    text = html.fromstring(reviewer.get("/ringkasan").text).xpath("string(//textarea)")
    assert "old claim that goes round again" in text


def test_what_spreads_without_a_fact_check_says_so_in_every_list(client: Client, place: Workplace) -> None:
    put_flags(place, make_flag(1, why=("spread",)), make_flag(2, "lain"))
    reviewer = client("reviewer")
    for path in ("/antrean", "/cari?q="):
        rows = html.fromstring(reviewer.get(path).text).xpath("//tbody/tr")
        assert sorted("no fact-check yet" in row.text_content() for row in rows) == [False, True], path
