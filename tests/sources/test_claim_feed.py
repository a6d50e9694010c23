"""A fact-checker's feed and its article pages: data, titles, changed layouts, checks that were taken back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from claimsources import NOW, claim_source, reviews, shown, taken
from hypothesis import given
from hypothesis import strategies as st
from webserver import Page, Site, serving

from pipeline.core.claims import RATINGS
from pipeline.core.errors import ConfigError, ItemError, SourceUnavailable
from pipeline.core.types import Quarantined, RawItem
from pipeline.sources.claims.again import AFTER_DAYS, PER_RUN, Again, Taken

Entry = tuple[str, str]
KNOWN = {"checker": "Periksa Contoh", "checker_kind": "independent"}


def rss(*entries: Entry, day: int = 20) -> Page:
    """A feed of entries: slug and title."""
    items = "".join(
        f"<item><title>{title}</title><link>/{slug}</link><guid>{slug}</guid>"
        f"<pubDate>{day} Nov 2026 08:00:00 +0700</pubDate></item>"
        for slug, title in entries
    )
    text = f'<?xml version="1.0"?><rss version="2.0"><channel><title>Periksa</title>{items}</channel></rss>'
    return Page(text.encode(), type="application/rss+xml")


def review(**fields: Any) -> dict[str, Any]:
    made = {
        "@type": "ClaimReview",
        "claimReviewed": "TPS di pasar dipindah ke kantor desa",
        "datePublished": "2026-11-19",
        "author": {"@type": "Person", "name": "Penulis Contoh"},
        "reviewRating": {"@type": "Rating", "alternateName": "Salah"},
    }
    return made | fields


def article(*data: dict[str, Any], body: str = "Faktanya TPS tetap di pasar.", title: str = "Periksa") -> Page:
    block = f'<script type="application/ld+json">{json.dumps(list(data))}</script>' if data else ""
    words = "".join(f"<p>{line}</p>" for line in body.splitlines())
    return Page(
        f"<html><head><title>{title}</title>{block}</head><body><article>{words}</article></body></html>".encode()
    )


def source_of(site: Site, state: Path, **given: Any) -> Any:
    return claim_source(state, kind="feed", url=site.url + "/feed", **KNOWN | given)


BODY = (
    "Kabar TPS beredar.\nNARASI:\n“Info dari RT, TPS di pasar dipindah ke kantor desa, bawa KTP.”\nPENJELASAN:\nTidak."
)


def test_a_page_with_data_gives_the_review_and_the_wording(tmp_path: Path) -> None:
    routes = {"/feed": rss(("a", "Cek Fakta: Benarkah TPS Dipindah?")), "/a": article(review(), body=BODY)}
    with serving(routes) as site:
        source = source_of(site, tmp_path)
        items = taken(source)
        (found,) = reviews(source, items)
        assert found.url == site.url + "/a"
    assert (found.claim, found.rating, found.original) == ("TPS di pasar dipindah ke kantor desa", "false", "Salah")
    assert (found.checker, found.checker_kind, found.source) == ("Periksa Contoh", "independent", "pemeriksa")
    assert found.wording == "Info dari RT, TPS di pasar dipindah ke kantor desa, bawa KTP."
    assert found.reviewed_at == datetime(2026, 11, 18, 17, tzinfo=UTC)
    assert found.title == "Cek Fakta: Benarkah TPS Dipindah?"
    assert items[0].connector == "claims-feed"
    assert source.notes == []
    assert "Penulis Contoh" not in json.dumps(items[0].payload)


@pytest.mark.parametrize(
    ("title", "rating", "claim", "media"),
    [
        ("[SALAH] TPS Dipindah ke Kantor Desa", "false", "TPS Dipindah ke Kantor Desa", "text"),
        ("[PENIPUAN] Tautan Bantuan Jari Bertinta", "false", "Tautan Bantuan Jari Bertinta", "text"),
        ("[SALAH] Video Kotak Suara Dibuka di Truk", "false", "Video Kotak Suara Dibuka di Truk", "video"),
        ("Menyesatkan, Foto Antrean di TPS Contoh", "misleading", "Foto Antrean di TPS Contoh", "image"),
    ],
)
def test_without_data_the_title_counts_and_a_note_tells_so(
    tmp_path: Path, title: str, rating: str, claim: str, media: str
) -> None:
    with serving({"/feed": rss(("a", title)), "/a": article()}) as site:
        source = source_of(site, tmp_path)
        (found,) = reviews(source, taken(source))
    assert (found.rating, found.claim, found.media, found.wording) == (rating, claim, media, "")
    assert source.notes == ["1 pages have no ClaimReview data; what their titles say was taken"]


def test_a_claim_that_is_only_a_video_keeps_what_carries_it(tmp_path: Path) -> None:
    data = review(claimReviewed="Rekaman kotak suara dibakar", itemReviewed={"@type": "VideoObject", "name": "x"})
    with serving({"/feed": rss(("a", "Cek Fakta")), "/a": article(data)}) as site:
        source = source_of(site, tmp_path)
        (found,) = reviews(source, taken(source))
    assert (found.media, found.wording) == ("video", "")


def test_news_and_education_are_counted_and_do_not_land(tmp_path: Path) -> None:
    feed = rss(("a", "[EDUKASI] Cara Mengecek Foto"), ("b", "[SALAH] TPS Dipindah"))
    with serving({"/feed": feed, "/a": article(), "/b": article()}) as site:
        source = source_of(site, tmp_path)
        assert [item.payload["title"] for item in taken(source)] == ["[SALAH] TPS Dipindah"]
    assert "1 entries are news or education, no claims" in source.notes


def test_a_layout_that_changed_is_told_first_and_nothing_is_lost(tmp_path: Path) -> None:
    entries = [(f"n{number}", f"Rapat Relawan Pekan {number}") for number in range(5)]
    with serving({"/feed": rss(*entries)} | {f"/{slug}": article() for slug, _title in entries}) as site:
        source = source_of(site, tmp_path)
        items = taken(source)
    assert len(items) == 5
    assert source.notes[0].startswith("NOT ONE of 5 entries holds a fact-check")
    assert "5 entries have neither ClaimReview data nor a verdict in their title" in source.notes
    with pytest.raises(ItemError, match="no ClaimReview data and its title no verdict"):
        source.parse(items[0])


def test_data_that_cannot_be_read_is_the_reason_given(tmp_path: Path) -> None:
    broken = Page(b'<html><script type="application/ld+json">{"@type": "ClaimReview", </script><p>Isi.</p></html>')
    with serving({"/feed": rss(("a", "TPS Dipindah")), "/a": broken}) as site:
        source = source_of(site, tmp_path)
        (item,) = taken(source)
    assert "Expecting" in shown(source, item)["reason"]


def test_a_verdict_that_nobody_listed_stays_unrated_in_its_own_words(tmp_path: Path) -> None:
    data = review(reviewRating={"@type": "Rating", "alternateName": "Agak Meleset", "ratingValue": "1"})
    routes = {"/feed": rss(("a", "Soal TPS"), ("b", "[SALAH] TPS Dipindah")), "/a": article(data), "/b": article(data)}
    with serving(routes) as site:
        source = source_of(site, tmp_path)
        first, second = reviews(source, taken(source))
    assert (first.rating, first.original) == ("unrated", "Agak Meleset")
    assert (second.rating, second.original) == ("false", "Agak Meleset")  # its title says what the word means
    assert 'verdict "Agak Meleset" stands in no list: 2 reviews stay unrated' in source.notes


def test_several_reviews_of_a_page_have_keys_of_their_own_and_no_wording(tmp_path: Path) -> None:
    page = article(review(), review(claimReviewed="Kotak suara hilang di jalan"), body=BODY)
    with serving({"/feed": rss(("a", "Hoaks Pekan Ini")), "/a": page}) as site:
        source = source_of(site, tmp_path)
        found = reviews(source, taken(source))
    assert len({each.key for each in found}) == 2
    assert {each.wording for each in found} == {""}


# --- what comes when ---------------------------------------------------------------------------------------------


def test_nothing_comes_twice_once_it_was_committed(tmp_path: Path) -> None:
    routes: dict[str, Any] = {"/feed": rss(("a", "[SALAH] TPS Dipindah")), "/a": article(), "/b": article()}
    with serving(routes) as site:
        first = source_of(site, tmp_path)
        assert len(taken(first)) == 1
        again = source_of(site, tmp_path)
        assert len(taken(again)) == 1  # a kill before the commit costs one more fetch
        again.commit()
        assert taken(source_of(site, tmp_path)) == []
        site.routes["/feed"] = rss(("b", "[SALAH] Kotak Suara Hilang"), ("a", "[SALAH] TPS Dipindah"))
        third = source_of(site, tmp_path)
        assert [item.payload["title"] for item in taken(third)] == ["[SALAH] Kotak Suara Hilang"]
        assert "1 entries were already taken" in third.notes


def test_since_leaves_older_entries(tmp_path: Path) -> None:
    with serving({"/feed": rss(("a", "[SALAH] TPS Dipindah"), day=18), "/a": article()}) as site:
        source = source_of(site, tmp_path)
        assert taken(source, datetime(2026, 11, 19, tzinfo=UTC)) == []
        source.commit()
        assert len(taken(source_of(site, tmp_path), datetime(2026, 11, 17, tzinfo=UTC))) == 1


def test_a_site_that_is_busy_says_when_and_a_wrong_address_is_refused(tmp_path: Path) -> None:
    with serving({"/feed": Page(status=429, headers={"Retry-After": "120"})}) as site:
        with pytest.raises(SourceUnavailable, match="429") as caught:
            list(source_of(site, tmp_path).fetch())
        assert caught.value.retry_after == 120.0
        with pytest.raises(SourceUnavailable):
            list(claim_source(tmp_path, kind="feed", url=site.url + "/tidak-ada").fetch())
    with pytest.raises(ConfigError):
        list(claim_source(tmp_path, kind="feed", url=str(tmp_path / "tidak-ada.xml")).fetch())


def test_an_article_that_fails_leaves_what_the_feed_says_and_is_tried_again(tmp_path: Path) -> None:
    routes: dict[str, Any] = {"/feed": rss(("a", "[SALAH] TPS Dipindah")), "/a": [Page(status=503), article(review())]}
    with serving(routes) as site:
        first = source_of(site, tmp_path)
        (item,) = taken(first)
        first.commit()
        assert "503" in item.payload["article_error"]
        assert reviews(first, [item])[0].claim == "TPS Dipindah"
        second = source_of(site, tmp_path)
        (item,) = taken(second)
    assert reviews(second, [item])[0].claim == "TPS di pasar dipindah ke kantor desa"


def test_a_broken_entry_is_quarantined_and_the_rest_comes(tmp_path: Path) -> None:
    text = json.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": "x",
            "items": [3, {"id": "a", "url": "https://periksa.example/a", "title": "[SALAH] TPS Dipindah"}],
        }
    )
    path = tmp_path / "feed.json"
    path.write_text(text, encoding="utf-8")
    found = list(claim_source(tmp_path / "state", kind="feed", url=str(path)).fetch())
    bad = [item for item in found if isinstance(item, Quarantined)]
    assert [(item.step, bool(item.reason)) for item in bad] == [("claims", True)]
    assert len(found) == 2


# --- checks that were taken back ---------------------------------------------------------------------------------


def later(site: Site, state: Path, days: float = 8) -> tuple[Any, list[RawItem]]:
    source = source_of(site, state, now=NOW + timedelta(days=days))
    items = taken(source)
    source.commit()
    return source, items


def first_fetch(site: Site, state: Path) -> list[Any]:
    source = source_of(site, state)
    items = taken(source)
    source.commit()
    return reviews(source, items)


@pytest.mark.parametrize(
    "then",
    [
        Page(status=404),
        Page(status=410),
        article(review(), body="Artikel ini <b>telah</b> ditarik redaksi."),
        article(body="Artikel cek fakta ini telah kami cabut."),
        article(review(), title="[RALAT] TPS Dipindah"),
        article(review(creativeWorkStatus="Retracted")),
    ],
    ids=["404", "410", "says so", "says so without data", "title", "data"],
)
def test_a_debunk_that_was_withdrawn_comes_again_as_withdrawn(tmp_path: Path, then: Page) -> None:
    with serving({"/feed": rss(("a", "[SALAH] TPS Dipindah")), "/a": [article(review()), then]}) as site:
        (before,) = first_fetch(site, tmp_path)
        assert not before.withdrawn
        assert later(site, tmp_path, days=3)[1] == []
        source, items = later(site, tmp_path)
        (after,) = reviews(source, items)
        assert (after.key, after.withdrawn, after.claim) == (before.key, True, before.claim)
        assert later(site, tmp_path)[1] == []


@pytest.mark.parametrize("then", [article(review()), Page(status=503), Page(status=403)], ids=["same", "503", "403"])
def test_a_page_that_stayed_or_cannot_be_seen_took_nothing_back(tmp_path: Path, then: Page) -> None:
    with serving({"/feed": rss(("a", "[SALAH] TPS Dipindah")), "/a": [article(review()), then]}) as site:
        first_fetch(site, tmp_path)
        assert later(site, tmp_path)[1] == []


def test_a_page_that_lost_its_data_keeps_what_it_said(tmp_path: Path) -> None:
    routes = {"/feed": rss(("a", "Soal TPS")), "/a": [article(review()), article(title="Tata Letak Baru")]}
    with serving(routes) as site:
        (before,) = first_fetch(site, tmp_path)
        source, items = later(site, tmp_path)
        (after,) = reviews(source, items)
    assert (after.claim, after.rating, after.withdrawn) == (before.claim, before.rating, False)


def test_a_verdict_that_was_changed_comes_again(tmp_path: Path) -> None:
    changed = article(review(reviewRating={"@type": "Rating", "alternateName": "Benar"}))
    with serving({"/feed": rss(("a", "Soal TPS")), "/a": [article(review()), changed]}) as site:
        (before,) = first_fetch(site, tmp_path)
        source, items = later(site, tmp_path)
        (after,) = reviews(source, items)
    assert (after.key, after.rating) == (before.key, "true")


def test_a_site_that_moved_took_nothing_back(tmp_path: Path) -> None:
    slugs = [f"n{number}" for number in range(6)]
    routes: dict[str, Any] = {"/feed": rss(*[(slug, f"[SALAH] TPS {slug} Dipindah") for slug in slugs])}
    with serving(routes | {f"/{slug}": [article(), Page(status=404)] for slug in slugs}) as site:
        assert len(first_fetch(site, tmp_path)) == 6
        source, items = later(site, tmp_path)
    assert items == []
    assert "6 of 6 pages looked at again are gone: the site moved; nothing was withdrawn" in source.notes


def page_taken(link: str = "https://periksa.example/a") -> Taken:
    return Taken(link, "[SALAH] x", "", [], "", NOW.isoformat())


def test_a_page_is_looked_at_three_times_and_then_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "again.json"
    again = Again(path)
    again.take(page_taken())
    for day in AFTER_DAYS:
        assert list(again.due(NOW + timedelta(days=day) - timedelta(hours=1))) == []
        assert len(list(again.due(NOW + timedelta(days=day)))) == 1
        again.take(page_taken())  # it stands in the feed still: that starts nothing anew
    assert list(again.due(NOW + timedelta(days=900))) == []
    again.save()
    assert json.loads(path.read_text()) == []


def test_no_run_looks_at_more_than_its_share_and_a_damaged_memory_costs_only_looks(tmp_path: Path) -> None:
    path = tmp_path / "again.json"
    again = Again(path)
    for number in range(PER_RUN + 5):
        again.take(page_taken(f"https://periksa.example/{number}"))
    again.save()
    assert len(list(Again(path).due(NOW + timedelta(days=10)))) == PER_RUN
    whole = json.loads(path.read_text())[0]
    for text in ("", "{", "3", '{"a": 1}', "[3, {}]", json.dumps([whole | {"since": "kemarin"}])):
        path.write_text(text)
        assert list(Again(path).due(NOW + timedelta(days=10))) == []


# --- any text ----------------------------------------------------------------------------------------------------

PARSER = claim_source(Path("tidak-dipakai"), kind="feed", url="https://periksa.example/feed", **KNOWN)
PARTS = (
    *("[SALAH] ", "NARASI:\n", "<p>", "</p>", "“", "”", "\n", '<script type="application/ld+json">', "</script>"),
    *(json.dumps(review()), "itemscope itemtype=ClaimReview", "<div ", ">", "\ud800", "\0"),
)
PIECES = st.lists(
    st.text(max_size=30) | st.sampled_from(PARTS),
    max_size=12,
).map("".join)


@given(st.sampled_from(["https://periksa.example/a", ""]) | st.text(max_size=40), PIECES, PIECES, st.text(max_size=30))
def test_any_entry_is_read_or_refused_with_a_reason(link: str, title: str, page: str, date: str) -> None:
    payload = {"link": link, "title": title, "html": page, "published": date, "language": date, "summary": page}
    try:
        found = PARSER.parse(RawItem("pemeriksa", "claims-feed", NOW, "entry 1", payload))
    except ItemError:
        return
    for each in found:
        assert each.claim
        assert each.rating in RATINGS
