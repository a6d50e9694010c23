"""The overview: its figures, what it hides, what it says was not seen, its map and its workbook."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from openpyxl import load_workbook
from review.flags import START, make_flag, put_flags
from review.frame import ELSEWHERE, Browser, Clock, PeopleOf

from pipeline.core.decisions import Verdict
from pipeline.core.types import Flag, Region, Signal, Topic
from pipeline.ledger import verdicts
from pipeline.ledger.chain import entries
from pipeline.review import provinces
from pipeline.review.figures import FIGURED, figures
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
KALBAR = Region("61", "Kalimantan Barat", "province", 0.9, "mention", ((0, 1),))


def over(label: str) -> Signal:
    return Signal(label, 0.9, 0.5, "m")


def flagged(number: int, **changes: object) -> Flag:
    return make_flag(number, **{"signals": (over("hate_group"),), "regions": (KALBAR,), **changes})


def decide(place: Workplace, flag: Flag, user: str, *reasons: str) -> None:
    decision = "not" if reasons else "fits"
    status = "rejected" if reasons else "confirmed"
    with place.ledger.write() as db:
        made = Verdict(flag.id, flag.post.office, user, place.clock(), {"hate_group": decision}, status, reasons)
        verdicts.record(db, made)


def text_of(html: str) -> str:
    """The page without its tags, on one line."""
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_each_day_province_and_indication_has_its_count(place: Workplace, clock: Clock, people_of: PeopleOf) -> None:
    flags = [flagged(number) for number in range(6)]
    flags.append(flagged(9, fetched_at=START - timedelta(days=3), regions=(), signals=(over("threat"),)))
    put_flags(place, *flags)
    decide(place, flags[0], people_of["reviewer"].id)
    decide(place, flags[1], people_of["reviewer"].id, "criticism")
    found = figures(place, ["00"], 7, clock())
    assert (found.arrived, found.reviewed, found.criticism) == (7, 2, 1)
    assert (found.first, found.last) == (date(2026, 11, 18), date(2026, 11, 24))
    assert [stretch.arrived for stretch in found.stretches] == [0, 6, 0, 0, 1, 0, 0]  # the newest first
    assert found.stretches[1].labels == {"hate_group": 6, "incitement": 0, "threat": 0, "hoax_claim": 0}
    by_label = {tally.value: tally for tally in found.labels}
    assert (by_label["hate_group"].flags, by_label["hate_group"].reviewed, by_label["hate_group"].confirmed) == (
        6,
        2,
        1,
    )
    assert [(group.code, group.flags, group.reviewed, group.level) for group in found.provinces] == [
        ("61", "6", "< 5", 2)
    ]
    assert found.unseen.without_region == 1


def test_ninety_days_are_told_by_week_and_lose_nothing(place: Workplace, clock: Clock) -> None:
    put_flags(place, *(flagged(number, fetched_at=START - timedelta(days=number)) for number in range(0, 89, 8)))
    found = figures(place, ["00"], 90, clock())
    assert sum(stretch.arrived for stretch in found.stretches) == found.arrived == 12
    assert len(found.stretches) <= 28
    assert found.stretches[0].first.weekday() == 0
    assert found.stretches[-1].first == found.first
    for newer, older in zip(found.stretches, found.stretches[1:], strict=False):
        assert newer.first - older.last == timedelta(days=1)


def test_only_labels_that_flag_by_themselves_are_figures() -> None:
    assert set(FIGURED) == {"hate_group", "incitement", "threat", "hoax_claim"}


def test_counts_under_five_by_region_and_topic_are_not_told(place: Workplace, client: Client) -> None:
    topic = Topic("logistik", "Logistik", False, ((0, 1),))
    put_flags(place, *(flagged(number, topics=(topic,)) for number in range(3)))
    html = client("reviewer").get("/ikhtisar").text
    assert "Kalimantan Barat: &lt; 5, not yet reviewed" in html  # the map's title
    said = text_of(html)
    assert "Kalimantan Barat &lt; 5 not yet reviewed 0" in said
    assert "logistik" in said.lower()
    assert not re.search(r"Kalimantan Barat:? 3", said)


def test_samples_are_in_no_figure(place: Workplace, clock: Clock) -> None:
    put_flags(place, flagged(1, why=("sample",), sample_probability=0.01))
    found = figures(place, ["00"], 7, clock())
    assert (found.arrived, found.backlog.waiting) == (0, 0)
    assert found.provinces == ()
    assert all(tally.flags == 0 for tally in found.labels)


def test_other_offices_are_in_no_figure(place: Workplace, client: Client) -> None:
    put_flags(place, *(flagged(number) for number in range(7)))
    page = client(ELSEWHERE).get("/ikhtisar").text
    assert "<dt>Came in</dt><dd>0</dd>" in page
    assert page.count("Kalimantan Barat") == page.count("Kalimantan Barat: 0") == 1  # the map's title


def test_what_was_not_seen_stands_beside_the_figures(place: Workplace, client: Client) -> None:
    put_flags(place, flagged(1, regions=()))
    page = text_of(client("supervisor").get("/ikhtisar").text)
    for said in ("What was not seen", "1 of 1 flags are not reviewed", "1 of 1 flags name no region", "closed groups"):
        assert said in page


@pytest.fixture
def review_settings() -> dict[str, str]:
    return {
        "KENTONGAN__SOURCES__KABAR__KIND": "feed",
        "KENTONGAN__SOURCES__KABAR__URL": "https://example.org/feed.xml",
    }


def test_a_silent_source_is_named_with_when_it_was_last_heard(place: Workplace, client: Client) -> None:
    assert "Silent: kabar, never heard so far" in text_of(client("privacy").get("/ikhtisar").text)
    folder = place.home.landing / "kabar" / "2026-11-20" / "05"
    folder.mkdir(parents=True)
    (folder / ("part-" + "0" * 16 + ".jsonl.gz")).touch()
    assert "Silent: kabar, last heard 20 Nov 2026 05:00 WIB" in text_of(client("privacy").get("/ikhtisar").text)


def test_links_to_the_search_are_only_for_those_who_may_search(place: Workplace, client: Client) -> None:
    put_flags(place, flagged(1))
    assert "/cari?q=wilayah%3A61" in client("reviewer").get("/ikhtisar").text
    for role in ("privacy", "scientist"):
        page = client(role).get("/ikhtisar").text
        assert "/cari" not in page
        assert "/ikhtisar/ekspor" not in page


@pytest.mark.parametrize("role", ["admin", "partner"])
def test_who_may_not_see_counts_gets_none(client: Client, role: str) -> None:
    assert client(role).get("/ikhtisar").status_code == 403


def test_a_period_that_is_not_offered_is_refused_in_words(client: Client) -> None:
    answer = client("reviewer").get("/ikhtisar?hari=8%27%3Cscript%3E")
    assert answer.status_code == 400
    assert "7, 28, 90" in answer.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(("count", "level"), [(0, 0), (1, 1), (4, 1), (5, 2), (20, 3), (100, 4), (499, 4), (500, 5)])
def test_the_map_has_five_classes(count: int, level: int) -> None:
    assert provinces.level_of(count) == level


def test_the_map_has_a_shape_for_each_province_of_the_gazetteer(place: Workplace) -> None:
    known = {code for code in place.gazetteer.places if len(code) == 2}
    assert set(provinces.outline().paths) == known
    assert len(known) == 38


def test_the_page_is_small_even_with_all_provinces_and_ninety_days(place: Workplace, client: Client) -> None:
    codes = sorted(provinces.outline().paths)
    put_flags(place, *(flagged(n, regions=(replace(KALBAR, code=code),)) for n, code in enumerate(codes)))
    assert len(client("reviewer").get("/ikhtisar?hari=90").content) < 150_000


def test_the_workbook_holds_the_tables_and_is_audited(place: Workplace, client: Client, people_of: PeopleOf) -> None:
    put_flags(place, *(flagged(number) for number in range(6)))
    answer = client("reviewer").get("/ikhtisar/ekspor?hari=28")
    assert answer.headers["content-disposition"] == 'attachment; filename="ikhtisar-2026-10-28-2026-11-24.xlsx"'
    book = load_workbook(io.BytesIO(answer.content))
    assert [cell.value for cell in book["By province"][2]] == ["61", "Kalimantan Barat", 6, 0, 0]
    assert len(book.worksheets) == 7
    with place.ledger.read() as db:
        noted = list(entries(db, ["00"], actions=["export"]))
    assert [(entry.actor, entry.details["what"]) for entry in noted] == [(people_of["reviewer"].id, "overview")]
    assert client("privacy").get("/ikhtisar/ekspor").status_code == 403
