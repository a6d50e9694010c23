"""The queue's page: who is given what and for how long, what the list shows, and that no sample stands out in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from lxml import html
from review.flags import make_flag, put_flags
from review.frame import Browser, Clock, PeopleOf

from pipeline.core.errors import StoreUnavailable
from pipeline.core.identity import subject_of
from pipeline.core.types import Flag, Reason, Region, Signal, Topic
from pipeline.ledger import items
from pipeline.ledger.counts import backlog
from pipeline.ledger.items import Item
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
BATCH = 5
HOLD = 20  # minutes

WEAK = (Signal("hate_group", 0.3, 0.5, "tfidf-1"), Signal("incitement", 0.1, 0.5, "tfidf-1"))
STRONG = (Signal("threat", 0.9, 0.5, "rules-1", (Reason(0, 5, 1.0),)), *WEAK)


def item_of(place: Workplace, key: str) -> Item:
    with place.ledger.read() as db:
        found = items.get(db, key, ["00", "61"], place.clock())
    assert found is not None
    return found


def held(place: Workplace, user_id: str) -> set[str]:
    with place.ledger.read() as db:
        return {item.key for item in items.holdings(db, user_id, place.clock())}


def listed(page: str) -> list[str]:
    """The keys in the page's lists, in their order."""
    return re.findall(r'<td [^>]*><a href="/butir/([0-9a-f]+)"', page)


def stats(page: str) -> list[str]:
    return [value.text_content() for value in html.fromstring(page).xpath('//*[@class="stat"]/dd')]


@pytest.fixture
def twelve(place: Workplace, people_of: PeopleOf) -> list[str]:
    """The keys of twelve items."""
    assert people_of
    return put_flags(place, *(make_flag(n, f"surat suara ke {n}", signals=STRONG) for n in range(12)))


# ---- claiming


def test_claiming_gives_a_batch_and_opens_its_first_item(
    client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str]
) -> None:
    answer = client("reviewer").submit("/antrean/ambil")
    mine = held(place, people_of["reviewer"].id)
    assert len(mine) == BATCH
    assert mine < set(twelve)
    assert answer.status_code == 303
    assert answer.headers["location"].removeprefix("/butir/") in mine


def test_two_people_are_never_given_the_same(
    client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str]
) -> None:
    for name in ("reviewer", "supervisor"):
        client(name).submit("/antrean/ambil")
    first, second = (held(place, people_of[name].id) for name in ("reviewer", "supervisor"))
    assert (len(first), len(second)) == (BATCH, BATCH)
    assert not first & second
    assert len(twelve) == 12


def test_claiming_again_only_fills_up(client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str]) -> None:
    browser = client("reviewer")
    browser.submit("/antrean/ambil")
    mine = held(place, people_of["reviewer"].id)
    browser.submit("/antrean/ambil")
    assert held(place, people_of["reviewer"].id) == mine
    done = min(mine)
    assert browser.submit(f"/butir/{done}/telaah", quick="criticism").status_code == 303
    browser.submit("/antrean/ambil")
    now = held(place, people_of["reviewer"].id)
    assert len(now) == BATCH
    assert now > mine - {done}
    assert twelve


def test_an_empty_queue_says_so(client: Client) -> None:
    browser = client("reviewer")
    assert browser.submit("/antrean/ambil").headers["location"] == "/antrean"
    page = browser.get("/antrean").text
    assert page.count("Nothing waits just now.") == 2
    assert stats(page) == ["0", "–", "0"]


def test_what_nobody_touches_goes_back_into_the_queue(
    client: Client, place: Workplace, people_of: PeopleOf, clock: Clock, twelve: list[str]
) -> None:
    client("reviewer").submit("/antrean/ambil")
    first = held(place, people_of["reviewer"].id)
    clock.move(minutes=HOLD - 1)
    assert held(place, people_of["reviewer"].id) == first
    clock.move(minutes=1)
    assert held(place, people_of["reviewer"].id) == set()
    client("supervisor").submit("/antrean/ambil")
    assert held(place, people_of["supervisor"].id) == first
    assert len(twelve) == 12


def test_reading_keeps_one_s_hold(
    client: Client, place: Workplace, people_of: PeopleOf, clock: Clock, twelve: list[str]
) -> None:
    browser = client("reviewer")
    key = browser.submit("/antrean/ambil").headers["location"].removeprefix("/butir/")
    for _time in range(4):
        clock.move(minutes=HOLD - 5)
        assert browser.get(f"/butir/{key}").status_code == 200
    assert held(place, people_of["reviewer"].id) == {key}
    assert client("supervisor").get(f"/butir/{key}").status_code == 200
    assert item_of(place, key).held_by == people_of["reviewer"].id  # who only looks takes nothing
    assert key in twelve


def test_all_can_be_put_back(client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str]) -> None:
    browser = client("reviewer")
    browser.submit("/antrean/ambil")
    assert browser.submit("/antrean/lepas").headers["location"] == "/antrean"
    assert held(place, people_of["reviewer"].id) == set()
    assert "5 items were put back" in browser.get("/antrean").text
    assert {flag.status for flag in map(place.store.get, (f"x~{n:04d}" for n in range(12))) if flag} == {"open"}
    assert len(twelve) == 12


def test_the_index_knows_at_once_what_is_in_somebody_s_hands(
    client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str]
) -> None:
    client("reviewer").submit("/antrean/ambil")
    mine = held(place, people_of["reviewer"].id)
    for number, key in enumerate(twelve):
        flag = place.store.get(f"x~{number:04d}")
        assert flag is not None
        assert flag.status == ("claimed" if key in mine else "open")


def test_of_copies_only_the_earliest_is_offered(client: Client, place: Workplace) -> None:
    keys = put_flags(place, *(make_flag(n, "salinan", signals=STRONG, cluster="x~0000") for n in range(4)))
    page = client("reviewer").get("/antrean").text
    assert listed(page) == keys[:1]
    assert stats(page)[0] == "1"


# ---- the page


def test_the_list_shows_what_one_holds_and_what_comes_next(
    client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str]
) -> None:
    browser = client("reviewer")
    browser.submit("/antrean/ambil")
    page = browser.get("/antrean").text
    shown = listed(page)
    assert set(shown) == set(twelve)
    assert set(shown[:BATCH]) == held(place, people_of["reviewer"].id)
    assert stats(page) == ["12", "21 hours", "5"]
    other = client("supervisor").get("/antrean").text
    assert other.count("in somebody&#39;s hands") == BATCH


def test_the_list_shows_what_the_office_asked_for(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    regions = (
        Region("61", "Kalimantan Barat", "province", 0.9, "mention"),
        Region("61.01", "Sambas", "regency", 0.9, "mention"),
        Region("62", "Kalimantan Tengah", "province", 0.9, "source"),
    )
    put_flags(place, make_flag(1, "surat suara " * 100, signals=STRONG, regions=regions, stage="kampanye"))
    row = html.fromstring(client("reviewer").get("/antrean").text).xpath("//tbody/tr")[0]
    cells = {cell.get("data-label"): cell.text_content().strip() for cell in row.xpath("td")}
    assert len(cells["Excerpt"]) <= 240
    assert cells["Indication"].endswith("high")
    assert "61.01" in cells["Region"]
    assert "62" not in cells["Region"]
    assert cells["Copies"] == "1"
    assert cells["Waits"] == "21 hours"
    assert "kunci-akun" not in html.tostring(row).decode()
    assert "contoh" not in cells["Source"]
    assert people_of


def test_no_score_is_shown_in_the_list(client: Client, place: Workplace, twelve: list[str]) -> None:
    page = html.fromstring(client("reviewer").get("/antrean").text).text_content()
    assert not re.search(r"0[.,]9|%", page)
    assert twelve


def test_what_was_decided_last_can_be_taken_back_from_the_list(
    client: Client, place: Workplace, twelve: list[str]
) -> None:
    browser = client("reviewer")
    browser.submit(f"/butir/{twelve[0]}/telaah", quick="satire")
    page = html.fromstring(browser.get("/antrean").text)
    [field] = page.xpath('//form[contains(@action, "/batal")]/input[@name="supersedes"]')
    assert browser.submit(f"/butir/{twelve[0]}/batal", supersedes=field.get("value")).status_code == 303
    assert item_of(place, twelve[0]).status == "open"
    assert "/batal" not in browser.get("/antrean").text


def test_the_list_works_while_the_index_is_away(
    client: Client, place: Workplace, people_of: PeopleOf, twelve: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_given: object) -> None:
        raise StoreUnavailable("away")

    browser = client("reviewer")
    with monkeypatch.context() as patched:
        for name in ("get", "mirror", "search"):
            patched.setattr(place.store, name, away)
        assert browser.submit("/antrean/ambil").status_code == 303
        page = browser.get("/antrean")
        assert page.status_code == 200
        assert "The search index is away" in page.text
        assert set(listed(page.text)) == set(twelve)
        assert browser.submit("/antrean/lepas").status_code == 303
        browser.submit("/antrean/ambil")
    mine = held(place, people_of["reviewer"].id)
    assert client("supervisor").submit("/antrean/lepas").status_code == 303  # whatever anybody does next tells it
    told = {n for n in range(12) if (flag := place.store.get(f"x~{n:04d}")) and flag.status == "claimed"}
    assert {subject_of(f"x~{n:04d}") for n in told} == mine


# ---- samples


def shape(page: str, key: str) -> str:
    """The page without what belongs to the item itself, so that two pages can be compared."""
    page = re.sub(r'name="csrf" value="[^"]+"', "", page.replace(key, "KEY").replace(key[:8], "KEY"))
    return re.sub(r'name="seen" value="[^"]+"', "", page)


def twins() -> tuple[Flag, Flag]:
    """A post that a rule flagged and one that was only sampled, of which everything else is the same."""
    flagged = make_flag(1, signals=WEAK, published_at=None)
    sample = replace(flagged, post=replace(flagged.post, id="x~0002"), cluster="x~0002")
    return flagged, replace(sample, why=("sample",), sample_probability=0.01)


def test_nothing_on_a_page_tells_a_sample_from_a_flag(client: Client, place: Workplace) -> None:
    flagged, sample = twins()
    browser = client("reviewer")
    addresses = {each.id: f"https://example.org/{each.id}" for each in (flagged, sample)}
    keys = put_flags(place, flagged, sample, addresses=addresses)
    pages = [shape(browser.get(f"/butir/{key}").text, key) for key in keys]
    assert pages[0] == pages[1]
    rows = [
        re.sub(r"<a [^>]*>", "", row) for row in re.findall(r"<tr>.*?</tr>", browser.get("/antrean").text, re.S)[1:]
    ]
    assert len(rows) == 2
    assert rows[0] == rows[1]
    for key in keys:
        assert browser.submit(f"/butir/{key}/ambil").status_code == 303
    taken = [shape(browser.get(f"/butir/{key}").text, key) for key in keys]
    assert taken[0] == taken[1]
    for text in (*pages, *taken, browser.get("/antrean").text):
        assert not re.search(r"sample|contoh|0[.,]01", text, re.IGNORECASE)


def test_nothing_tells_what_was_chosen_to_teach_and_it_is_in_no_figure(client: Client, place: Workplace) -> None:
    flagged, sample = twins()
    taught = replace(sample, why=("teach",), sample_probability=None)
    browser = client("reviewer")
    keys = put_flags(place, flagged, taught)
    pages = [shape(browser.get(f"/butir/{key}").text, key) for key in keys]
    assert pages[0] == pages[1]
    with place.ledger.read() as db:
        assert backlog(db, ["00"], place.clock()).waiting == 1


def test_where_the_model_is_unsure_the_page_says_so(client: Client, place: Workplace) -> None:
    sure = make_flag(1, signals=(Signal("hate_group", 0.71, 0.53, "m"),))
    unsure = make_flag(2, signals=(Signal("hate_group", 0.69, 0.53, "m"),))
    keys = put_flags(place, sure, unsure)
    browser = client("reviewer")
    says = ["the model is unsure" in browser.get(f"/butir/{key}").text for key in keys]
    assert says == [False, True]
    rows = re.findall(r"<tr>.*?</tr>", browser.get("/antrean").text, re.S)[1:]
    assert ["the model is unsure" in row for row in rows] == [True, False]  # and it stands first


def test_the_counts_of_the_queue_do_not_tell_a_sample(client: Client, place: Workplace) -> None:
    browser = client("reviewer")
    _flagged, sample = twins()
    [key] = put_flags(place, sample)
    assert stats(browser.get("/antrean").text) == ["1", "21 hours", "0"]
    browser.submit(f"/butir/{key}/ambil")
    assert stats(browser.get("/antrean").text) == ["1", "21 hours", "1"]


def test_samples_stand_among_the_others(client: Client, place: Workplace) -> None:
    flags = [
        make_flag(n, signals=STRONG if n % 2 else WEAK, why=("signal",) if n % 2 else ("sample",)) for n in range(14)
    ]
    keys = put_flags(place, *flags)
    order = listed(client("reviewer").get("/antrean").text)
    assert sorted(order) == sorted(keys)
    at = [order.index(key) for key, flag in zip(keys, flags, strict=True) if flag.why == ("sample",)]
    assert at != list(range(7))
    assert at != list(range(7, 14))
    assert min(at) < 7


class TestHiddenSignals:
    """The desk of an office that shows indications only after the first decision."""

    @pytest.fixture
    def review_settings(self) -> dict[str, str]:
        return {"KENTONGAN__REVIEW__HIDE_SIGNALS": "true"}

    def test_the_list_shows_no_indication(self, client: Client, place: Workplace) -> None:
        put_flags(place, make_flag(1, signals=STRONG, topics=(Topic("logistik", "Logistik pemilu", False),)))
        page = client("reviewer").get("/antrean").text
        assert "band-" not in page
        assert "unsure" not in page
        assert "Logistik pemilu" not in page

    def test_an_item_shows_them_once_one_has_decided(self, client: Client, place: Workplace) -> None:
        [key] = put_flags(place, make_flag(1, signals=STRONG))
        browser = client("reviewer")
        before = browser.get(f"/butir/{key}").text
        assert "band-" not in before
        assert "<mark" not in before
        assert "shown after your decision" in before
        browser.submit(f"/butir/{key}/telaah", quick="satire")
        after = browser.get(f"/butir/{key}").text
        assert "band-high" in after
        assert "mark-threat" in after
        assert "band-" not in client("supervisor").get(f"/butir/{key}").text
