"""The page of one item: what it shows and hides, opening the source, assigning, and the index being away."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from lxml import html
from review.flags import make_flag, put_flags
from review.frame import Browser, Clock, PeopleOf

from pipeline.core.errors import StoreUnavailable
from pipeline.core.types import ClaimMatch, Flag, Reason, Region, Signal, Topic
from pipeline.landing.derived import write_derived
from pipeline.ledger import items, people
from pipeline.ledger.chain import Entry, entries
from pipeline.ledger.items import Item
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}<style>'
THREAT = Signal("threat", 0.9, 0.5, "rules-1", (Reason(0, 5, 1.0),))


def item_of(place: Workplace, key: str) -> Item:
    with place.ledger.read() as db:
        found = items.get(db, key, ["00", "61"], place.clock())
    assert found is not None
    return found


def noted(place: Workplace, *actions: str) -> list[Entry]:
    with place.ledger.read() as db:
        return list(entries(db, actions=actions))


def keep_derived(place: Workplace, *flags: Flag) -> None:
    """Put flags where the flow keeps them beside the index."""
    write_derived(place.home.derived, flags[0].post.partition, "a", [flags], lambda table, _first: table)


@contextmanager
def index_away(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def away(*_given: object, **_named: object) -> None:
        raise StoreUnavailable("the index does not answer")

    with monkeypatch.context() as patched:
        for name in ("get", "mirror", "search", "facets", "put"):
            patched.setattr(place.store, name, away)
        yield


# ---- what it shows


def test_the_page_shows_the_text_with_its_reasons_and_no_account(client: Client, place: Workplace) -> None:
    region = Region("61.01", "Sambas", "regency", 0.9, "mention", ((6, 12),))
    topic = Topic("logistik", "Logistik", False, ((13, 21),))
    flag = make_flag(1, "bakar Sambas logistik", signals=(THREAT,), regions=(region,), topics=(topic,))
    [key] = put_flags(place, flag, addresses={flag.id: "https://example.org/pos/77"})
    page = client("reviewer").get(f"/butir/{key}").text
    assert re.search(r'<mark class="mark-threat ?"[^>]*>bakar</mark> Sambas logistik', page)
    for word in ("<q>bakar</q>", "Sambas</q>", "<q>logistik</q>", "Only this text is known here"):
        assert word in page
    for hidden in ("kunci-akun", "x~0001", "example.org", "0.9", "contoh"):
        assert hidden not in page


def test_each_reading_is_noted_once(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    [key] = put_flags(place, make_flag(1))
    browser = client("reviewer")
    for times in (1, 2):
        browser.get(f"/butir/{key}")
        read = noted(place, "read")
        assert len(read) == times
        assert (read[-1].actor, read[-1].subject) == (people_of["reviewer"].id, key)
        assert read[-1].payload == {"flag_id": "x~0001"}


def test_a_page_that_says_what_was_wrong_shows_the_text_and_is_noted_too(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, make_flag(1, "kata rahasia"))
    answer = client("reviewer").submit(f"/butir/{key}/telaah")
    assert answer.status_code == 400
    assert "kata rahasia" in answer.text
    assert len(noted(place, "read")) == 1


def test_an_item_that_there_is_not_is_no_page_and_leaves_no_trace(client: Client, place: Workplace) -> None:
    [there] = put_flags(place, make_flag(1, "rahasia", office="61"))
    browser = client("reviewer")
    for key in (there, "0" * 64, "ü", "x" * 3_000, "'"):
        answer = browser.get(f"/butir/{key}")
        assert answer.status_code == 404
        assert "rahasia" not in answer.text
    assert browser.get("/butir/%00").status_code == 400
    assert not noted(place, "read")


def test_copies_are_counted_and_listed(client: Client, place: Workplace) -> None:
    flags = [make_flag(n, "salinan", cluster="x~0000", author_key=f"k{n % 2}") for n in range(15)]
    keys = put_flags(place, *flags)
    page = client("reviewer").get(f"/butir/{keys[0]}").text
    assert "<dt>Copies</dt><dd>15 (accounts: &lt; 5)</dd>" in page
    assert len(re.findall(r'<li><a href="/butir/', page)) == 12


def test_who_may_not_decide_sees_no_form(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, make_flag(1), addresses={"x~0001": "https://example.org/a"})
    page = client("approver").get(f"/butir/{key}").text
    assert re.findall(r'action="/butir/[^"]+"', page) == []


def test_what_enter_presses_in_a_field_saves_what_was_chosen(client: Client, place: Workplace) -> None:
    """Browsers press a form's first button: it must not be one that rejects everything."""
    [key] = put_flags(place, make_flag(1))
    page = html.fromstring(client("reviewer").get(f"/butir/{key}").text)
    [form] = page.xpath('//form[contains(@action, "/telaah")]')
    first = form.xpath(".//button")[0]
    assert first.get("name") is None
    assert first.get("formnovalidate") is None


# ---- odd texts


def elements(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Each element of a page with the names of its attributes."""
    return [(str(each.tag), tuple(each.attrib)) for each in html.fromstring(page).iter()]


def odd(number: int, text: str) -> Flag:
    """A flag in which every field that a source or operator fills says the same."""
    region = Region(text, text, "regency", 0.9, "mention", ((0, 20),))
    return make_flag(
        number,
        text,
        title=text,
        platform=text[:60],
        source=text[:40],
        stage=text,
        kind="field",
        signals=(THREAT,),
        regions=(region,),
        topics=(Topic(text[:50], text, False, ((0, 20),)),),
        publisher_class=text,
        institution=text,
        claims=(ClaimMatch(text, 0.6, "suggest", spans=((0, 20),)),),
    )


def test_markup_in_any_field_is_text(client: Client, place: Workplace) -> None:
    """The page has the elements that it has for plain words, and no others."""
    plain, hostile = put_flags(place, odd(1, "kata " * 17), odd(2, HOSTILE))
    browser = client("reviewer")
    for key in (plain, hostile):
        sent = {f"decision:{code}": "not" for code in ("hate_group", "incitement", "threat")}
        topic = "kata " * 10 if key == plain else HOSTILE[:50]
        sent |= {f"decision:topic:{topic}": "unsure", "reason": "satire", "note": topic}
        assert browser.submit(f"/butir/{key}/telaah", **sent).status_code == 303
    browser.get("/antrean")  # takes the notice
    pages = [browser.get(f"/butir/{key}").text for key in (plain, hostile)]
    assert elements(pages[0]) == elements(pages[1])
    assert "{{7*7}}" in pages[1]
    for page in (*pages, client("supervisor").get("/antrean").text, browser.get("/antrean").text):
        assert not {"style", "iframe"} & {tag for tag, _names in elements(page)}
        assert [e.get("src")[:8] for e in html.fromstring(page).iter("script", "img")] == ["/static/"] * 2
        assert not [name for _tag, names in elements(page) for name in names if name.startswith("on")]


def test_markup_in_the_list_is_text(client: Client, place: Workplace) -> None:
    [_key] = put_flags(place, odd(1, HOSTILE))
    page = client("reviewer").get("/antrean").text
    cell = html.fromstring(page).xpath('//td[@data-label="Excerpt"]')[0]
    assert "<script>" in cell.text_content()
    assert [each.tag for each in cell.iter()] == ["td", "a", "bdi"]


ODD = {
    "emoji": "\U0001f525\U0001f1ee\U0001f1e9 api \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "directions": "\u202eterbalik\u202c \u2067kanan\u2069 \u200f",
    "nul": "nol\0nol",
    "halves": "separuh \udcff\ud83d emoji",
    "controls": "kontrol \x01\x1b[31m\x7f \ufffe",
    "scripts": "ꦲꦏ꧀ꦱꦫ ᬅᬓ᭄ᬱᬭ اللغة",
    "lines": "satu\u2028dua\r\ntiga\ttiga",
    "blanks": " " * 5_000 + "ujung",
    "marks": "e" + "\u0301" * 500,
}


@pytest.mark.parametrize("kind", sorted(ODD))
def test_odd_signs_are_shown_and_break_nothing(client: Client, place: Workplace, kind: str) -> None:
    [key] = put_flags(place, make_flag(1, ODD[kind], title=ODD[kind], signals=(THREAT,)))
    browser = client("reviewer")
    for path in (f"/butir/{key}", "/antrean"):
        answer = browser.get(path)
        assert answer.status_code == 200
        assert "text not at hand" not in answer.text
        assert "\0" not in answer.text
    assert browser.submit(f"/butir/{key}/telaah", quick="satire").status_code == 303


def test_a_very_long_text_is_whole_on_its_page_and_short_in_the_list(client: Client, place: Workplace) -> None:
    text = "surat suara kurang " * 5_263  # 99,997 characters
    [key] = put_flags(place, make_flag(1, text, signals=(THREAT,)), *(make_flag(n, text) for n in range(2, 15)))[:1]
    browser = client("reviewer")
    page, queue = browser.get(f"/butir/{key}"), browser.get("/antrean")
    assert " suara kurang " * 2 not in queue.text
    assert text[5:].strip() in page.text
    assert len(page.content) < 200_000
    assert len(queue.content) < 100_000


def test_spans_that_do_not_fit_the_text_are_left_out(client: Client, place: Workplace) -> None:
    reasons = tuple(Reason(start, end, 1.0) for start, end in ((-3, 2), (4, 4), (3, 900), (2, 1), (0, 5)))
    flag = make_flag(1, "bakar dia", signals=(Signal("threat", 0.9, 0.5, "rules-1", reasons),))
    [key] = put_flags(place, flag)
    assert client("reviewer").get(f"/butir/{key}").text.count("<mark") == 1


# ---- the index is away


def test_reading_and_deciding_go_on_while_the_index_is_away(
    client: Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = make_flag(1, "kata dari berkas")
    [key, other] = put_flags(place, flag, make_flag(2))
    keep_derived(place, flag, make_flag(2))
    browser = client("reviewer")
    with index_away(place, monkeypatch):
        page = browser.get(f"/butir/{key}")
        assert page.status_code == 200
        assert "kata dari berkas" in page.text
        assert "The search index is away" in page.text
        assert browser.submit(f"/butir/{key}/telaah", quick="satire").status_code == 303
        assert "will be told later" in browser.get("/antrean").text
        assert item_of(place, key).status == "rejected"
    kept = place.store.get(flag.id)
    assert kept is not None
    assert kept.status == "open"
    browser.submit(f"/butir/{other}/ambil")  # the next thing that anybody does tells the index
    told = place.store.get(flag.id)
    assert told is not None
    assert told.status == "rejected"


def test_without_index_and_without_file_the_page_says_that_the_text_is_gone(
    client: Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    [key] = put_flags(place, make_flag(1, "surat suara kurang"))
    browser = client("reviewer")
    with index_away(place, monkeypatch):
        page = browser.get(f"/butir/{key}")
        assert page.status_code == 200
        assert "/telaah" not in page.text
        assert browser.submit(f"/butir/{key}/telaah", quick="satire").status_code == 409
    assert item_of(place, key).status == "open"


def test_a_closed_item_shows_no_text_even_if_a_file_still_has_it(
    client: Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = make_flag(1, "kata lama")
    [key] = put_flags(place, flag)
    keep_derived(place, flag)
    close(place, key)
    browser = client("reviewer")
    with index_away(place, monkeypatch):
        assert "kata lama" not in browser.get(f"/butir/{key}").text
    assert "kata lama" not in browser.get(f"/butir/{key}").text


def close(place: Workplace, key: str) -> None:
    """As retention does with what nobody reviewed in time."""
    place.store.expire(["x~0001"])
    with place.ledger.write() as db:
        db.exec_driver_sql("UPDATE item SET status = 'expired' WHERE subject = ?", (key,))


# ---- opening the source


def test_the_source_is_opened_for_a_reason_and_noted(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    [key] = put_flags(place, make_flag(1), addresses={"x~0001": "https://example.org/pos/1?a=1&b=<2>"})
    page = html.fromstring(client("reviewer").submit(f"/butir/{key}/sumber", reason="copies").text)
    [link] = page.xpath("//main//a[@rel]")
    assert link.get("href") == "https://example.org/pos/1?a=1&b=<2>"
    assert link.get("rel") == "noopener noreferrer nofollow"
    [entry] = noted(place, "open_source")
    assert (entry.actor, entry.subject, dict(entry.details)) == (people_of["reviewer"].id, key, {"reason": "copies"})
    assert "example.org" not in str(entry.payload)


@pytest.mark.parametrize("reason", ["", "because", "context\n", "CONTEXT"])
def test_without_a_reason_no_source_is_opened(client: Client, place: Workplace, reason: str) -> None:
    [key] = put_flags(place, make_flag(1), addresses={"x~0001": "https://example.org/pos/1"})
    answer = client("reviewer").submit(f"/butir/{key}/sumber", reason=reason)
    assert answer.status_code == 400
    assert "example.org" not in answer.text
    assert not noted(place, "open_source")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "//example.org/a",
        "file:///etc/passwd",
        "http://[::1",
        "vbscript:x",
        "",
    ],
)
def test_only_web_addresses_become_links(client: Client, place: Workplace, address: str) -> None:
    [key] = put_flags(place, make_flag(1), addresses={"x~0001": address})
    answer = client("reviewer").submit(f"/butir/{key}/sumber", reason="context")
    assert answer.status_code == 200
    assert "No address is known" in answer.text
    assert {link.get("href") for link in html.fromstring(answer.text).xpath("//main//a")} == {f"/butir/{key}"}


def test_a_sample_has_no_source_and_an_item_of_another_office_neither(client: Client, place: Workplace) -> None:
    sample = make_flag(1, why=("sample",))
    addresses = {f"x~000{n}": "https://example.org/pos" for n in (1, 2)}
    [key, other] = put_flags(place, sample, make_flag(2, office="61"), addresses=addresses)
    browser = client("reviewer")
    assert "No address is known" in browser.submit(f"/butir/{key}/sumber", reason="context").text
    answer = browser.submit(f"/butir/{other}/sumber", reason="context")
    assert answer.status_code == 404
    assert "example.org" not in answer.text


# ---- taking and assigning


def test_an_item_that_was_found_can_be_taken_unless_somebody_has_it(
    client: Client, place: Workplace, people_of: PeopleOf
) -> None:
    [key] = put_flags(place, make_flag(1))
    assert client("reviewer").submit(f"/butir/{key}/ambil").status_code == 303
    assert item_of(place, key).held_by == people_of["reviewer"].id
    assert client("supervisor").submit(f"/butir/{key}/ambil").status_code == 409
    assert "somebody else is reviewing" in client("supervisor").get(f"/butir/{key}").text


def test_a_closed_item_cannot_be_taken(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, make_flag(1))
    close(place, key)
    assert client("reviewer").submit(f"/butir/{key}/ambil").status_code == 409
    assert item_of(place, key).held_by == ""


def test_a_supervisor_puts_an_item_into_a_reviewer_s_hands_for_the_day(
    client: Client, place: Workplace, people_of: PeopleOf, clock: Clock
) -> None:
    [key] = put_flags(place, make_flag(1))
    supervisor, to = client("supervisor"), people_of["reviewer"].id
    supervisor.submit(f"/butir/{key}/ambil")  # what one holds oneself may be handed on
    assert supervisor.submit(f"/butir/{key}/tugaskan", reviewer=to).status_code == 303
    assert item_of(place, key).held_by == to
    [entry] = noted(place, "assign")
    assert (entry.subject, dict(entry.details)) == (key, {"to": to})
    reviewer = client("reviewer")
    reviewer.get(f"/butir/{key}")  # reading never shortens the day to a claim's minutes
    clock.move(hours=1)
    assert item_of(place, key).held_by == to
    clock.move(hours=7)
    assert item_of(place, key).held_by == ""


def test_nobody_is_given_what_they_could_not_decide(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    [key, second] = put_flags(place, make_flag(1), make_flag(2))
    with place.ledger.write() as db:
        people.disable(db, people_of["privacy"].id, place.clock())
    supervisor = client("supervisor")
    for name in ("approver", "admin", "privacy", "reviewer61"):
        assert supervisor.submit(f"/butir/{key}/tugaskan", reviewer=people_of[name].id).status_code == 400
    every = {f"decision:{code}": "second" for code in ("hate_group", "incitement", "threat")}
    client("reviewer").submit(f"/butir/{second}/telaah", **every)
    assert people_of["reviewer"].id not in supervisor.get(f"/butir/{second}").text
    asked = supervisor.submit(f"/butir/{second}/tugaskan", reviewer=people_of["reviewer"].id)
    assert asked.status_code == 400
    assert not noted(place, "assign")


def test_what_somebody_works_on_is_not_assigned_away(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    [key] = put_flags(place, make_flag(1))
    client("reviewer").submit(f"/butir/{key}/ambil")
    answer = client("supervisor").submit(f"/butir/{key}/tugaskan", reviewer=people_of["supervisor"].id)
    assert answer.status_code == 409
    assert item_of(place, key).held_by == people_of["reviewer"].id
