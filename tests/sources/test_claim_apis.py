"""The two interfaces that want a key, Google's and Mafindo's: pages, what is new, and a key that never shows."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from claimsources import KEY, NOW, FormSite, claim_source, json_page, reviews, serving_forms, taken
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from webserver import Page, serving

from pipeline.core.claims import RATINGS
from pipeline.core.errors import ConfigError, ItemError, KentonganError, SourceUnavailable
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.api import Key
from pipeline.sources.claims.google import GoogleClaims
from pipeline.sources.claims.yudistira import YudistiraClaims

ARTICLE = "https://periksa.example/2026/tps"


def path_of(**more: str) -> str:
    question = {"query": "TPS", "languageCode": "id", "maxAgeDays": "", "pageSize": "50"} | more
    return "/claims?" + urlencode({name: value for name, value in question.items() if value})


def claim(number: int = 1, **fields: Any) -> dict[str, Any]:
    review = {
        "publisher": {"name": "Periksa Contoh", "site": "periksa.example"},
        "url": f"{ARTICLE}-{number}",
        "title": f"[SALAH] TPS {number} Dipindah",
        "reviewDate": "2026-11-20T00:00:00Z",
        "textualRating": "Salah",
        "languageCode": "id",
    }
    made = {
        "text": f"TPS {number} dipindah ke kantor desa",
        "claimant": "Akun Warga",
        "claimDate": "2026-11-18T00:00:00Z",
    }
    return made | {"claimReview": [review | fields]}


def answer(*claims: object, **more: Any) -> Page:
    return json_page(json.dumps({"claims": list(claims)} | more))


def google(site: Any, state: Path, **given: Any) -> Any:
    return claim_source(
        state, kind="google", url=site.url + "/claims", query="TPS", checker_kind="independent", **given
    )


def test_pages_are_followed_with_the_key_in_a_header(tmp_path: Path) -> None:
    routes = {path_of(): answer(claim(1), nextPageToken="b"), path_of(pageToken="b"): answer(claim(2))}
    with serving(routes) as site:
        source = google(site, tmp_path)
        items = taken(source)
        found = reviews(source, items)
        assert site.paths == [path_of(), path_of(pageToken="b")]
        assert {headers["x-goog-api-key"] for _path, headers in site.asked} == {KEY}
    assert [each.claim for each in found] == ["TPS 1 dipindah ke kantor desa", "TPS 2 dipindah ke kantor desa"]
    first = found[0]
    assert (first.rating, first.original, first.checker, first.url) == (
        "false",
        "Salah",
        "Periksa Contoh",
        f"{ARTICLE}-1",
    )
    assert first.claimed_at == datetime(2026, 11, 18, tzinfo=UTC)
    assert "Akun Warga" not in json.dumps([item.payload for item in items])


def test_google_gives_nothing_twice_whatever_since_is(tmp_path: Path) -> None:
    routes: dict[str, Any] = {path_of(): [answer(claim(1)), answer(claim(1)), answer(claim(1, textualRating="Benar"))]}
    with serving(routes) as site:
        first = google(site, tmp_path)
        assert len(taken(first)) == 1
        first.commit()
        assert taken(google(site, tmp_path)) == []
        changed = google(site, tmp_path)
        assert [each.rating for each in reviews(changed, taken(changed))] == ["true"]
        changed.commit()
        site.routes[path_of(maxAgeDays="3")] = answer(claim(1, textualRating="Benar"), claim(2))
        since = google(site, tmp_path)
        assert len(taken(since, NOW - timedelta(days=2))) == 1
        since.commit()
        assert taken(google(site, tmp_path), NOW - timedelta(days=2)) == []


def test_an_age_is_the_lesser_of_what_is_set_and_asked(tmp_path: Path) -> None:
    with serving({path_of(maxAgeDays="2"): answer(), path_of(maxAgeDays="3"): answer()}) as site:
        assert taken(google(site, tmp_path, max_age_days=2), NOW - timedelta(days=9)) == []
        assert taken(google(site, tmp_path, max_age_days=9), NOW - timedelta(days=2)) == []


def test_one_article_with_several_claims_keeps_them_apart(tmp_path: Path) -> None:
    other = claim(1) | {"text": "Kotak suara hilang"}
    other["claimReview"][0]["url"] = f"{ARTICLE}-1/".replace("https://", "https://www.")
    with serving({path_of(): answer(claim(1), other)}) as site:
        source = google(site, tmp_path)
        assert len({each.key for each in reviews(source, taken(source))}) == 2


def test_what_is_broken_is_quarantined_and_the_rest_comes(tmp_path: Path) -> None:
    broken = [{}, 3, claim(7) | {"claimReview": "x"}, claim(8, url="javascript:x"), claim(9, title="") | {"text": ""}]
    with serving({path_of(): answer(*broken, claim(1) | {"claimReview": [3, *claim(1)["claimReview"]]})}) as site:
        found = list(google(site, tmp_path).fetch())
    assert [item.reason for item in found if isinstance(item, Quarantined)] == [
        *["the claim has no review with a web address"] * 3,
        f"{ARTICLE}-9: the fact-check states no claim",
    ]
    assert len([item for item in found if isinstance(item, RawItem)]) == 1


def test_a_question_may_be_the_site_of_a_publisher(tmp_path: Path) -> None:
    question = {"languageCode": "id", "reviewPublisherSiteFilter": "periksa.example", "pageSize": "50"}
    with serving({"/claims?" + urlencode(question): answer(claim(1))}) as site:
        source = claim_source(tmp_path, kind="google", url=site.url + "/claims", publisher="periksa.example")
        assert len(taken(source)) == 1
        assert KEY not in site.paths[0]


def test_more_pages_than_asked_for_are_told_and_unlisted_verdicts_too(tmp_path: Path) -> None:
    with serving({path_of(): answer(claim(1, textualRating="Agak meleset", title=""), nextPageToken="b")}) as site:
        source = google(site, tmp_path, max_pages=1)
        (found,) = reviews(source, taken(source))
    assert (found.rating, found.original) == ("unrated", "Agak meleset")
    assert source.notes == [
        "more than 1 pages; the rest was left (max_pages)",
        'verdict "Agak meleset" stands in no list: 1 reviews stay unrated',
    ]


# --- Mafindo -----------------------------------------------------------------------------------------------------


def entry(number: int, **fields: Any) -> dict[str, Any]:
    made = {
        "id": str(number),
        "authors": "Penulis Contoh",
        "status": "2",
        "classification": "False Context",
        "title": f"[SALAH] TPS {number} Dipindah",
        "content": "Akun Facebook “Warga Contoh” menulis: “TPS di pasar dipindah ke kantor desa besok”",
        "fact": "Tidak.",
        "references": "",
        "source_link": "https://fb.example/akunwarga",
        "tanggal": "2026-11-20",
        "conclusion": "Konteksnya salah.",
    }
    return made | fields


def gfd(entries: list[Any]) -> Callable[[FormSite], Callable[[Any], Page]]:
    """Answers with the page of the entries that the form asks for."""

    def make(site: FormSite) -> Callable[[Any], Page]:
        def page(_headers: Any) -> Page:
            form = site.forms[-1]
            start = int(form["offset"])
            return json_page(json.dumps(entries[start : start + int(form["limit"])]))

        return page

    return make


@pytest.fixture
def mafindo(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FormSite, list[Any]]]:
    """A site whose pages hold two entries, and the list that it shows."""
    monkeypatch.setattr("pipeline.sources.claims.yudistira.PAGE", 2)
    entries: list[Any] = []
    with serving_forms({}) as site:
        site.routes["/"] = gfd(entries)(site)
        yield site, entries


def yudistira(site: FormSite, state: Path, **given: Any) -> Any:
    return claim_source(state, kind="yudistira", url=site.url + "/", **given)


def ids(items: list[RawItem]) -> list[str]:
    return [item.payload["id"] for item in items]


def test_an_entry_becomes_a_review(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    entries.append(entry(7))
    source = yudistira(site, tmp_path)
    items = taken(source)
    (found,) = reviews(source, items)
    assert site.forms == [{"limit": "2", "offset": "0", "key": KEY}]
    assert found.url == "https://gfd.turnbackhoax.id/focus/7"
    assert (found.claim, found.rating, found.original) == ("TPS 7 Dipindah", "misleading", "False Context")
    assert found.wording == "TPS di pasar dipindah ke kantor desa besok"
    assert (found.checker, found.checker_kind) == ("TurnBackHoax (Mafindo)", "independent")
    landed = json.dumps([asdict(item) for item in items], default=str)
    for gone in ("Penulis Contoh", "fb.example", KEY):
        assert gone not in landed


@pytest.mark.parametrize(
    ("fields", "rating", "original"),
    [
        ({"classification": ""}, "false", "SALAH"),
        ({"classification": "", "title": "TPS Dipindah"}, "false", ""),
        ({"classification": "-", "title": "TPS Dipindah", "status": "1"}, "true", ""),
        ({"classification": "", "title": "TPS Dipindah", "status": "9"}, "unrated", ""),
        ({"classification": "Agak Meleset", "title": "TPS Dipindah", "status": "2"}, "unrated", "Agak Meleset"),
        ({"classification": None, "title": "[BENAR] TPS Dipindah"}, "true", "BENAR"),
    ],
)
def test_the_verdict_is_the_classification_else_the_title_else_the_status(
    mafindo: Any, tmp_path: Path, fields: dict[str, Any], rating: str, original: str
) -> None:
    site, entries = mafindo
    entries.append(entry(7, **fields))
    source = yudistira(site, tmp_path)
    (found,) = reviews(source, taken(source))
    assert (found.rating, found.original) == (rating, original)


def test_an_article_of_theirs_is_the_address_and_a_check_may_be_taken_back(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    own = "https://turnbackhoax.id/2026/11/20/tps"
    entries += [
        entry(1, references=f" {own}, https://lain.example", conclusion="Artikel ini telah ditarik."),
        entry(2, references="https://lain.example/x"),
    ]
    source = yudistira(site, tmp_path)
    first, second = reviews(source, taken(source))
    assert (first.url, first.withdrawn) == (own, True)
    assert second.url == "https://gfd.turnbackhoax.id/focus/2"


def test_broken_entries_are_quarantined_and_news_counted(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    entries += [entry(1, id="x/../y"), entry(2, title=""), {}, {}, 3, entry(4, title="[EDUKASI] Kelas"), entry(5)]
    site.routes["/"] = json_page(json.dumps(entries))
    source = yudistira(site, tmp_path, max_pages=1)
    found = list(source.fetch())
    assert ids([item for item in found if isinstance(item, RawItem)]) == ["5"]
    assert len([item for item in found if isinstance(item, Quarantined)]) == 3
    assert "1 entries are news or education, no claims" in source.notes


def test_pages_are_read_up_to_the_first_known_one(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    entries += [entry(number) for number in (5, 4, 3, 2, 1)]
    first = yudistira(site, tmp_path)
    assert ids(taken(first)) == ["5", "4", "3", "2", "1"]
    first.commit()
    site.forms.clear()
    entries.insert(0, entry(6))
    second = yudistira(site, tmp_path)
    assert ids(taken(second)) == ["6"]
    assert [form["offset"] for form in site.forms] == ["0", "2"]
    second.commit()
    entries[1] = entry(5, classification="Satire")
    third = yudistira(site, tmp_path)
    assert [each.rating for each in reviews(third, taken(third))] == ["satire"]


def test_a_long_list_is_read_in_several_runs(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    entries += [entry(number) for number in range(9, 0, -1)]
    for expected in (["9", "8"], ["7", "6"], ["5", "4"]):
        source = yudistira(site, tmp_path, max_pages=1)
        assert ids(taken(source)) == expected
        assert source.notes == ["more than 1 pages; the rest was left (max_pages)"]
        source.commit()
    last = yudistira(site, tmp_path, max_pages=9)
    assert ids(taken(last)) == ["3", "2", "1"]
    last.commit()
    site.forms.clear()
    assert taken(yudistira(site, tmp_path)) == []
    assert len(site.forms) == 1


def test_since_leaves_older_entries_and_an_earlier_since_fetches_them(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    entries += [entry(number, tanggal=f"2026-11-{10 + number}") for number in (5, 4, 3, 2, 1)]
    first = yudistira(site, tmp_path)
    assert ids(taken(first, datetime(2026, 11, 13, 12, tzinfo=UTC))) == ["5", "4"]
    first.commit()
    assert ids(taken(yudistira(site, tmp_path), datetime(2026, 11, 11, 12, tzinfo=UTC))) == ["3", "2"]


def test_a_site_that_gives_the_same_page_for_ever_ends_the_reading(mafindo: Any, tmp_path: Path) -> None:
    site, _entries = mafindo
    site.routes["/"] = json_page(json.dumps([entry(2), entry(1)]))
    for since in (None, NOW - timedelta(days=90)):
        source = yudistira(site, tmp_path)
        assert len(taken(source, since)) == (2 if since is None else 0)
        source.commit()
    assert len(site.forms) == 4


# --- keys and answers that are none ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["google", "yudistira"])
@pytest.mark.parametrize(
    ("page", "error"),
    [
        (json_page(f'{{"error": "API key {KEY} not valid"}}', 400), ConfigError),
        (json_page("{}", 401), ConfigError),
        (json_page("{}", 403), ConfigError),
        (json_page("{}", 404), SourceUnavailable),
        (json_page("{}", 503), SourceUnavailable),
        (json_page(f"kunci {KEY}"), SourceUnavailable),
        (json_page("[" * 100_000), SourceUnavailable),
        (json_page(f'{{"claims": "{KEY}"}}'), SourceUnavailable),
        (json_page('"x"'), SourceUnavailable),
        (Page(drop=True), SourceUnavailable),
        (json_page("{}", 302), SourceUnavailable),
    ],
    ids=["400", "401", "403", "404", "503", "text", "deep", "layout", "string", "drop", "redirect"],
)
def test_what_kind_of_error_it_is_and_no_message_or_log_holds_the_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str, page: Page, error: type[KentonganError]
) -> None:
    caplog.set_level(logging.DEBUG)
    with serving_forms({path_of(): page, "/": page}) as site, capture_logs() as logged:
        source = google(site, tmp_path) if kind == "google" else yudistira(site, tmp_path)
        with pytest.raises(error) as caught:
            list(source.fetch())
    assert type(caught.value) in (error, *error.__subclasses__())
    seen = [str(caught.value), repr(caught.value), repr(source), str(logged), caplog.text, *source.notes]
    assert not [text for text in seen if KEY in text]
    if error is ConfigError:
        assert "_KEY in the environment" in str(caught.value)


@pytest.mark.parametrize("kind", ["google", "yudistira"])
def test_a_busy_interface_says_when_to_come_again(tmp_path: Path, kind: str) -> None:
    busy = Page(status=429, headers={"Retry-After": "90"})
    with serving_forms({path_of(): busy, "/": busy}) as site:
        source = google(site, tmp_path) if kind == "google" else yudistira(site, tmp_path)
        with pytest.raises(SourceUnavailable) as caught:
            list(source.fetch())
    assert caught.value.retry_after == 90.0


def test_a_redirect_is_not_followed_so_the_key_goes_nowhere_else(tmp_path: Path) -> None:
    with serving_forms({"/": json_page("[]")}) as other:
        away = Page(status=302, headers={"Location": other.url.replace("127.0.0.1", "localhost") + "/"})
        with serving_forms({path_of(): away, "/": away}) as site:
            for source in (google(site, tmp_path), yudistira(site, tmp_path)):
                with pytest.raises(SourceUnavailable, match="302"):
                    list(source.fetch())
        assert other.asked == []


def test_an_answer_that_is_too_large_is_refused(tmp_path: Path) -> None:
    large = {path_of(): Page(b"x" * 3_000_000)}
    with serving(large) as site, pytest.raises(SourceUnavailable, match="larger than"):
        list(google(site, tmp_path).fetch())


def test_the_key_goes_to_no_other_host(tmp_path: Path) -> None:
    with serving({"/": json_page("[]")}) as site:
        other = site.host.replace("127.0.0.1", "localhost")
        with google(site, tmp_path, fetch={"allow_hosts": (other,)})._api as api:
            assert api.ask(f"http://{other}/") == []
        assert "x-goog-api-key" not in site.asked[0][1]


def test_an_echoed_key_neither_lands_nor_stays_on_disk(mafindo: Any, tmp_path: Path) -> None:
    site, entries = mafindo
    entries.append(entry(1, title=f"[SALAH] TPS {KEY} Dipindah"))
    source = yudistira(site, tmp_path)
    (item,) = taken(source)
    source.commit()
    assert item.payload["title"] == "[SALAH] TPS [key] Dipindah"
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or KEY not in path.read_text(encoding="utf-8")


def test_a_missing_or_wrong_key_is_told_by_its_name_at_once(tmp_path: Path) -> None:
    for kind, name in (("google", "KENTONGAN_GOOGLE_FACTCHECK_KEY"), ("yudistira", "KENTONGAN_YUDISTIRA_KEY")):
        with pytest.raises(ConfigError, match=f"set {name} in the environment"):
            claim_source(tmp_path, kind=kind, query="x", environ={})
        for wrong in ("pendek", "dua kata rahasia", "kunci-\u00e4-rahasia-123", "kunci\x7frahasia-123"):
            with pytest.raises(ConfigError, match="holds no key") as caught:
                claim_source(tmp_path, kind=kind, query="x", environ={name: wrong})
            assert wrong not in str(caught.value)


def test_a_key_may_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "kunci"
    path.write_text(f"{KEY}\nbaris lain\n", encoding="utf-8")
    key = Key("NAMA", {"NAMA_FILE": str(path)})
    assert key.value == KEY
    assert repr(key) == "Key(NAMA)"
    assert Key("NAMA", {"NAMA": "kunci-lain-123", "NAMA_FILE": str(path)}).value == "kunci-lain-123"
    for wrong in (tmp_path, tmp_path / "tidak-ada"):
        with pytest.raises(ConfigError, match="NAMA_FILE names a file that cannot be read"):
            Key("NAMA", {"NAMA_FILE": str(wrong)})
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigError, match="no text"):
        Key("NAMA", {"NAMA_FILE": str(path)})


def test_only_a_source_with_a_key_fetches() -> None:
    for source in (PARSERS["google"], PARSERS["yudistira"]):
        with pytest.raises(AssertionError, match="parsing only"):
            list(source.fetch())


# --- any text ----------------------------------------------------------------------------------------------------


def parser(kind: str) -> Any:
    return claim_source(Path("tidak-dipakai"), kind=kind, query="x", landed=True, environ={})


PARSERS: dict[str, GoogleClaims | YudistiraClaims] = {kind: parser(kind) for kind in ("google", "yudistira")}
TEXT = st.text(max_size=40) | st.sampled_from([ARTICLE, "Salah", "[SALAH] x", "2026-11-20", "\ud800"])


@given(st.dictionaries(st.sampled_from([*entry(1), "conclusion"]), TEXT))
def test_any_entry_is_read_or_refused(payload: dict[str, str]) -> None:
    try:
        found = PARSERS["yudistira"].parse(RawItem("pemeriksa", "claims-yudistira", NOW, "GFD 1", payload))
    except ItemError:
        return
    assert all(each.rating in RATINGS for each in found)


@given(TEXT, st.lists(st.dictionaries(st.sampled_from([*claim(1)["claimReview"][0]]), TEXT), max_size=3))
def test_any_claim_is_read_or_refused(text: str, listed: list[dict[str, str]]) -> None:
    payload = {"text": text, "claimDate": text, "claimReview": [{"url": ""} | each for each in listed]}
    try:
        found = PARSERS["google"].parse(RawItem("pemeriksa", "claims-google", NOW, "claim", payload))
    except ItemError:
        return
    assert all(each.claim for each in found)
