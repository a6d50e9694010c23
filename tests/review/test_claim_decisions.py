"""An item that carries claims: what is shown of them, what is asked, and what a decision keeps; a text that spreads."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from lxml import html
from review.flags import START, make_claim, make_flag, noted, put_claims, put_flags
from review.frame import Browser
from review.saying import item_of, said_of, shown, status_in_index

from pipeline.core.errors import ModelError
from pipeline.core.types import ClaimMatch, Flag, Region, Topic
from pipeline.landing.derived import write_derived
from pipeline.review.matches import _window
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
PINDAH, MAYBE, DENIED = "k000000000001", "k000000000002", "k000000000003"
LABELS = {f"decision:{code}": "not" for code in ("hate_group", "incitement", "threat")} | {"reason": "satire"}
MATCH = ClaimMatch(PINDAH, 0.91234, "match", spans=((5, 8),))
TEXT = "info TPS 5 pasar tidak pindah"


@dataclass
class Explanation:
    """What a matcher says of two texts."""

    text_shared: tuple[tuple[int, int], ...] = ((5, 8),)
    claim_shared: tuple[tuple[int, int], ...] = ((0, 3),)
    text_differs: tuple[tuple[int, int], ...] = ((9, 10), (17, 22))
    claim_differs: tuple[tuple[int, int], ...] = ()


class Matcher:
    """A matcher that explains all alike."""

    def explain(self, _text: str, _claim: str) -> Explanation:
        return Explanation()


@pytest.fixture(autouse=True)
def known(place: Workplace) -> None:
    put_claims(
        place,
        make_claim(PINDAH, "TPS di pasar dipindah malam ini"),
        make_claim(MAYBE, "TPS di sekolah ditutup", rating="misleading"),
        make_claim(DENIED, "Pemilu ditunda", rating="partly_false"),
    )
    place.__dict__["matcher_on"] = lambda _index: Matcher()


def carrying(number: int = 1, text: str = TEXT, *more: ClaimMatch, **changes: Any) -> Flag:
    return make_flag(number, text, **{"claims": (MATCH, *more), "why": ("claim",), **changes})


def decide(browser: Browser, key: str, **sent: str) -> httpx.Response:
    return browser.submit(f"/butir/{key}/telaah", **(LABELS | {"supersedes": shown(browser, key)} | sent))


def claims_of(page: str) -> list[str]:
    """The claims section, one line an article."""
    found = html.fromstring(page).xpath("//section[@aria-labelledby='h-claims']//article")
    return [" ".join(each.text_content().split()) for each in found]


def facts(page: str, section: str) -> dict[str, str]:
    """The names and values that a section tells."""
    [found] = html.fromstring(page).xpath(f"//section[@aria-labelledby='{section}']")
    names, values = (found.xpath(f".//{tag}") for tag in ("dt", "dd"))
    says = (" ".join(each.text_content().split()) for each in (*names, *values))
    texts = list(says)
    return dict(zip(texts[: len(names)], texts[len(names) :], strict=True))


def names_of(page: str) -> list[str]:
    """What the form asks."""
    names = html.fromstring(page).xpath("//form//input[@type='radio']/@name")
    return list(dict.fromkeys(names))


# ---- what is shown


def test_each_claim_says_who_judged_it_how_and_when_and_how_surely(client: Client, place: Workplace) -> None:
    maybe = ClaimMatch(MAYBE, 0.99, "suggest")
    denial = ClaimMatch(DENIED, 0.8, "denial", returned=True)
    [key] = put_flags(place, carrying(1, TEXT, denial, maybe))
    page = client("reviewer").get(f"/butir/{key}").text
    first, second, third = claims_of(page)
    assert f"The same as claim #{PINDAH}, which Pemeriksa Contoh judged “False” on 3 Nov 2026." in first
    assert " matches " in first
    assert f"May be the same as claim #{MAYBE}, which Pemeriksa Contoh judged “Misleading” on 3 Nov 2026." in second
    assert f"Denies or checks claim #{DENIED}" in third
    assert "old claim that goes round again" in third
    assert "old claim" not in first + second
    assert not re.search(r"0[.,]9|\d\s*%", html.fromstring(page).xpath("string(//main)"))
    links = html.fromstring(page).xpath("//section[@aria-labelledby='h-claims']//a[@target]")
    assert {link.get("rel") for link in links} == {"noopener noreferrer nofollow"}
    assert links[0].get("href") == f"https://periksa.example/{PINDAH}"


def test_shared_words_and_differences_are_marked_in_both_texts_and_named(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, carrying())
    page = client("reviewer").get(f"/butir/{key}").text
    shared, differs = '<mark class="mark-shared">TPS</mark>', '<mark class="mark-differs">5</mark>'
    assert f'info {shared} {differs} pasar <mark class="mark-differs">tidak</mark> pindah' in page
    assert f"<bdi>{shared} di pasar dipindah malam ini</bdi>" in page
    assert facts(page, "h-claims")["Only in the post"] == "5, tidak"
    assert "Only in the claim" not in facts(page, "h-claims")


def test_without_a_ranker_the_words_that_the_flag_keeps_are_marked(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, carrying())

    class Damaged:
        def explain(self, _text: str, _claim: str) -> Explanation:
            raise ModelError("the ranker is damaged")

    place.__dict__["matcher_on"] = lambda _index: Damaged()
    page = client("reviewer").get(f"/butir/{key}").text
    assert 'info <mark class="mark-shared">TPS</mark> 5 pasar tidak pindah' in page
    assert "TPS di pasar dipindah malam ini" in page


def test_the_shipped_ranker_marks_what_both_say_and_the_negation(client: Client, place: Workplace) -> None:
    del place.__dict__["matcher_on"]
    [key] = put_flags(place, carrying(1, "info dari lapangan, TPS 5 di pasar tidak dipindah"))
    page = client("reviewer").get(f"/butir/{key}").text
    assert '<mark class="mark-shared">TPS</mark> <mark class="mark-differs">5</mark> di' in page
    assert "tidak" in facts(page, "h-claims")["Only in the post"]


def test_spans_that_lie_nowhere_and_endless_texts_break_nothing(client: Client, place: Workplace) -> None:
    spans = ((5, 3), (-9, 4), (0, 10**9), (19_990, 19_999), (0, 0))
    long = carrying(1, "kata " * 4_000 + HOSTILE, claims=(replace(MATCH, spans=spans),))
    nowhere = carrying(2, "pendek", claims=(replace(MATCH, id="k999999999999", spans=spans),))
    for key in put_flags(place, long, nowhere):
        answer = client("reviewer").get(f"/butir/{key}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    assert "is not in the ledger any more" in answer.text
    assert _window(5_000, ((4_990, 4_995),)) == (4_300, 5_000)
    assert _window(10, ((4, 5),)) == (0, 10)


HOSTILE = '"><script>alert(1)</script>'


def test_while_indications_are_hidden_only_claims_that_are_asked_are_shown(
    client: Client, place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = place.settings.review.model_copy(update={"hide_signals": True})
    monkeypatch.setattr(place, "settings", place.settings.model_copy(update={"review": hidden}))
    suggestion = ClaimMatch(MAYBE, 0.6, "suggest")
    asked, sample = put_flags(place, carrying(), make_flag(2, claims=(suggestion,), why=("sample",)))
    browser = client("reviewer")
    assert len(claims_of(browser.get(f"/butir/{asked}").text)) == 1
    assert claims_of(browser.get(f"/butir/{sample}").text) == []


# ---- what is asked


def test_a_match_is_asked_beside_the_labels_and_must_be_answered(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, carrying())
    browser = client("reviewer")
    page = browser.get(f"/butir/{key}").text
    assert names_of(page)[-1] == f"decision:claim:{PINDAH}"
    assert len(names_of(page)) == 4
    for word in ("The match is right", "The match is wrong", "another claim/not this claim", "denial/clarification"):
        assert word in html.fromstring(page).text_content()
    assert decide(browser, key).status_code == 400
    assert decide(browser, key, **{f"decision:claim:{PINDAH}": "yes"}).status_code == 400
    assert said_of(place) == []
    assert decide(browser, key, **{f"decision:claim:{PINDAH}": "fits"}).status_code == 303
    [said] = said_of(place)
    assert said.decisions[f"claim:{PINDAH}"] == "fits"
    assert said.status == "confirmed"
    assert said.snapshot["claims"] == {PINDAH: {"level": "match", "score": 0.9123, "returned": False}}
    assert "match is right" in browser.get(f"/butir/{key}").text


def test_a_wrong_match_says_why(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, carrying())
    browser = client("reviewer")
    assert decide(browser, key, **{f"decision:claim:{PINDAH}": "not"}, reason="other_claim").status_code == 303
    [said] = said_of(place)
    assert (said.status, said.reasons) == ("rejected", ("other_claim",))
    assert "another claim/not this claim" in browser.get(f"/butir/{key}").text


def test_a_suggestion_may_be_left_open_and_is_asked_only_beside_a_match(client: Client, place: Workplace) -> None:
    maybe = ClaimMatch(MAYBE, 0.6, "suggest")
    flags = [
        carrying(1, TEXT, maybe),
        carrying(2, TEXT, maybe),
        make_flag(3, claims=(maybe,)),
        make_flag(4, claims=(maybe,), why=("sample",)),
        make_flag(5, claims=(ClaimMatch(DENIED, 0.9, "denial"),)),
    ]
    first, second, *others = put_flags(place, *flags)
    browser = client("reviewer")
    match, suggestion = f"decision:claim:{PINDAH}", f"decision:claim:{MAYBE}"
    assert suggestion in names_of(browser.get(f"/butir/{first}").text)
    for key in others:
        assert not [name for name in names_of(browser.get(f"/butir/{key}").text) if "claim:" in name]
    assert decide(browser, first, **{match: "fits", suggestion: ""}).status_code == 303
    assert f"claim:{MAYBE}" not in said_of(place)[0].decisions
    assert decide(browser, second, **{match: "fits", suggestion: "maybe"}).status_code == 400
    assert decide(browser, second, **{match: "not", suggestion: "fits"}, reason="other_claim").status_code == 303
    [said] = said_of(place, "x~0002")
    assert (said.decisions[f"claim:{MAYBE}"], said.decisions[f"claim:{PINDAH}"]) == ("fits", "not")


def test_news_is_asked_its_topics_and_claims_and_no_label(client: Client, place: Workplace) -> None:
    topic = Topic("logistik", "Logistik", False)
    [news, bare] = put_flags(
        place,
        carrying(1, TEXT, kind="news", topics=(topic,), why=("claim", "topic")),
        carrying(2, TEXT, kind="news"),
    )
    browser = client("reviewer")
    assert names_of(browser.get(f"/butir/{news}").text) == ["decision:topic:logistik", f"decision:claim:{PINDAH}"]
    assert names_of(browser.get(f"/butir/{bare}").text) == [f"decision:claim:{PINDAH}"]


def test_one_button_rejects_the_match_too_and_leaves_suggestions_open(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, carrying(1, TEXT, ClaimMatch(MAYBE, 0.6, "suggest")))
    browser = client("reviewer")
    assert 'value="other_claim" formnovalidate' in browser.get(f"/butir/{key}").text
    assert browser.submit(f"/butir/{key}/telaah", quick="other_claim").status_code == 303
    [said] = said_of(place)
    assert set(said.decisions) == {"hate_group", "incitement", "threat", f"claim:{PINDAH}"}
    assert said.reasons == ("other_claim",)


def test_an_item_without_a_claim_offers_no_reason_for_one(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, make_flag(1))
    assert "other_claim" not in client("reviewer").get(f"/butir/{key}").text


# ---- races, second looks, copies


def test_a_claim_that_comes_in_while_one_reads_is_not_decided_unseen(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, make_flag(1, TEXT))
    browser = client("reviewer")
    seen = re.findall(r'name="seen" value="([^"]+)"', browser.get(f"/butir/{key}").text)[0]
    put_flags(place, replace(carrying(), fingerprint="b"))
    assert browser.submit(f"/butir/{key}/telaah", quick="satire", seen=seen).status_code == 409
    assert said_of(place) == []


def test_a_decision_on_a_match_is_taken_back_and_settled_as_any_other(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, carrying())
    reviewer, supervisor, match = client("reviewer"), client("supervisor"), f"decision:claim:{PINDAH}"
    assert decide(reviewer, key, **{match: "second"}).status_code == 303
    assert item_of(place, key).status == "second_review"
    assert decide(reviewer, key, **{match: "fits"}).status_code == 403
    assert decide(supervisor, key, **{match: "fits"}).status_code == 303
    assert supervisor.submit(f"/butir/{key}/batal", supersedes=said_of(place)[-1].id).status_code == 303
    assert item_of(place, key).status == "second_review"
    stale = reviewer.submit(f"/butir/{key}/telaah", **LABELS, **{match: "fits"}, supersedes="")
    assert stale.status_code in (403, 409)


def test_copies_with_the_same_questions_are_decided_alike(client: Client, place: Workplace) -> None:
    maybe = ClaimMatch(MAYBE, 0.6, "suggest")
    flags = [
        carrying(1, TEXT, maybe, cluster="a", why=("claim", "spread")),
        carrying(2, TEXT, cluster="a"),
        carrying(3, TEXT, cluster="a", claims=()),
        carrying(4, TEXT, cluster="a", claims=(replace(MATCH, id=DENIED),)),
    ]
    [key, *_others] = put_flags(place, *flags)
    sent = {f"decision:claim:{PINDAH}": "not", f"decision:claim:{MAYBE}": "fits", "decision:spread": "fits"}
    answer = decide(client("reviewer"), key, **sent, reason="other_claim", ground="race", bulk="1")
    assert answer.status_code == 303
    assert said_of(place)[0].status == "confirmed"
    [copy] = said_of(place, "x~0002")
    assert copy.decisions == {"hate_group": "not", "incitement": "not", "threat": "not", f"claim:{PINDAH}": "not"}
    assert (copy.status, copy.reasons, copy.grounds, copy.bulk) == ("rejected", ("other_claim",), (), True)
    assert status_in_index(place, "x~0002") == "rejected"
    assert said_of(place, "x~0003") == said_of(place, "x~0004") == []


def test_a_copy_that_spreads_is_not_decided_by_one_that_does_not(client: Client, place: Workplace) -> None:
    [key, _other] = put_flags(place, carrying(1, cluster="a"), carrying(2, cluster="a", why=("claim", "spread")))
    decide(client("reviewer"), key, **{f"decision:claim:{PINDAH}": "fits"}, bulk="1")
    assert len(said_of(place)) == 1
    assert said_of(place, "x~0002") == []


# ---- a text that spreads fast


SPREADING = "Kabar dari @orang_biasa: TPS pindah, hubungi 081234567890 atau https://a.example/x\n=cek"


@pytest.fixture
def spreading(place: Workplace) -> str:
    """A flag whose 24 copies by 12 accounts lie in derived/, one of them in the hour before; its key."""
    region = Region("61", "Kalimantan Barat", "province", 0.9, "mention")
    rows = [
        make_flag(
            n,
            SPREADING,
            cluster="x~0001",
            why=("spread",) if n == 1 else (),
            author_key=f"kunci-{n % 12}",
            regions=(region,) if n % 2 else (Region("62", "Kalimantan Tengah", "province", 0.9, "mention"),) * (n < 6),
        )
        for n in range(1, 25)
    ]
    early = make_flag(99, SPREADING, cluster="x~0001", why=(), fetched_at=START - timedelta(minutes=90), regions=())
    early = replace(early, post=replace(early.post, partition="2026-11-23/08"))
    for flags in (rows, [early]):
        write_derived(place.home.derived, flags[0].post.partition, "a", [flags], lambda table, _first: table)
    [key] = put_flags(place, rows[0])
    return key


def test_a_text_that_spreads_says_so_with_counts(client: Client, place: Workplace, spreading: str) -> None:
    page = client("reviewer").get(f"/butir/{spreading}").text
    says = facts(page, "h-growth")
    assert (says["Copies"], says["Accounts"]) == ("25 within 2 hours", "13")
    assert says["Regions named"] == "Kalimantan Barat 12; Kalimantan Tengah < 5"
    assert says["First seen"] == "23 Nov 2026 08:30 WIB"
    assert "decision:spread" in names_of(page)
    assert not re.search("kunci-", page)


def test_it_asks_whether_a_fact_check_is_needed(client: Client, place: Workplace, spreading: str) -> None:
    browser = client("reviewer")
    assert decide(browser, spreading).status_code == 400
    assert decide(browser, spreading, **{"decision:spread": "fits"}, follow_up="fact_check").status_code == 303
    [said] = said_of(place)
    assert (said.decisions["spread"], said.status, said.follow_up) == ("fits", "confirmed", "fact_check")
    assert "spreads fast, no fact-check yet: Fits the criteria" in " ".join(
        browser.get(f"/butir/{spreading}").text.split()
    )


def test_few_accounts_are_not_told_and_lost_copies_are_not_made_up(client: Client, place: Workplace) -> None:
    [key] = put_flags(place, make_flag(1, why=("spread",)))
    says = facts(client("reviewer").get(f"/butir/{key}").text, "h-growth")
    assert (says["Copies"], says["Accounts"]) == ("the copies are no longer kept", "unknown")
    flags = [make_flag(n, cluster="x~0001", author_key=f"kunci-{n}") for n in range(1, 5)]
    write_derived(place.home.derived, flags[0].post.partition, "a", [flags], lambda table, _first: table)
    says = facts(client("reviewer").get(f"/butir/{key}").text, "h-growth")
    assert (says["Copies"], says["Accounts"]) == ("4 within 1 hours", "< 5")


def test_the_request_holds_the_text_without_accounts_or_addresses(
    client: Client, place: Workplace, spreading: str
) -> None:
    answer = client("approver").get(f"/butir/{spreading}/cek-fakta")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="cek-fakta-{spreading[:8]}.txt"'
    for wanted in (
        "Kabar dari [akun]: TPS pindah",
        "25 within 2 hours",
        "Kalimantan Barat 12",
        "13",
        "no fact-check yet",
    ):
        assert wanted in answer.text, wanted
    for hidden in ("orang_biasa", "0812", "a.example", "kunci-", "x~0001", spreading):
        assert hidden not in answer.text, hidden
    [entry] = noted(place, "export")
    assert (entry.details, entry.subject) == ({"what": "fact_check", "form": "txt"}, spreading)
    table = client("approver").get(f"/butir/{spreading}/cek-fakta?bentuk=csv")
    rows = list(csv.reader(io.StringIO(table.content.decode("utf-8-sig"))))
    assert len(rows) == 2
    assert "\n'=cek" in rows[1][-1]
    assert client("approver").get(f"/butir/{spreading}/cek-fakta?bentuk=exe").status_code == 400


def test_only_what_spreads_can_be_sent_and_only_by_who_may_export(
    client: Client, place: Workplace, spreading: str
) -> None:
    [other] = put_flags(place, make_flag(50))
    assert client("reviewer").get(f"/butir/{other}/cek-fakta").status_code == 404
    assert client("reviewer61").get(f"/butir/{spreading}/cek-fakta").status_code == 404
    assert client("privacy").get(f"/butir/{spreading}/cek-fakta").status_code == 403
    assert noted(place, "export") == []
