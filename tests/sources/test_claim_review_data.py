"""schema.org ClaimReview in pages: wherever it is nested, however it is broken, and what of it is never kept."""

from __future__ import annotations

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.claims.claim_review import MAX_REVIEWS, found_of, kept, loaded, reviews_in, reviews_in_page

PAGE = "https://periksa.example/2026/tps-dipindah"
REVIEW: dict[str, Any] = {
    "@context": "https://schema.org",
    "@type": "ClaimReview",
    "url": PAGE,
    "claimReviewed": "TPS di pasar dipindah ke hutan",
    "datePublished": "2026-11-20",
    "author": {"@type": "Organization", "name": "Periksa Contoh", "url": "https://periksa.example"},
    "reviewRating": {"@type": "Rating", "ratingValue": 1, "bestRating": 5, "worstRating": 1, "alternateName": "Salah"},
    "itemReviewed": {
        "@type": "Claim",
        "datePublished": "2026-11-18",
        "author": {"@type": "Person", "name": "Akun Warga"},
        "appearance": {"@type": "CreativeWork", "url": "https://fb.example/akunwarga/1"},
    },
}


def page(*documents: object, script: str = '<script type="application/ld+json">') -> str:
    blocks = "".join(f"{script}{each if isinstance(each, str) else json.dumps(each)}</script>" for each in documents)
    return f"<html><head><title>x</title>{blocks}</head><body><p>Isi.</p></body></html>"


def claims(text: str) -> list[str]:
    return [review["claimReviewed"] for review in reviews_in_page(text)[0]]


@pytest.mark.parametrize(
    "document",
    [
        REVIEW,
        [REVIEW],
        {"@graph": [{"@type": "WebPage"}, REVIEW]},
        {"@graph": {"mainEntity": {"review": [REVIEW]}}},
        REVIEW | {"@type": ["Article", "ClaimReview"]},
        REVIEW | {"@type": "http://schema.org/ClaimReview"},
        REVIEW | {"@type": "schema:ClaimReview"},
        REVIEW | {"claimReviewed": ["TPS di pasar dipindah ke hutan"]},
        REVIEW | {"claimReviewed": {"@value": "TPS di pasar dipindah ke hutan", "@language": "id"}},
        "<!--\n" + json.dumps(REVIEW) + "\n-->",
        "//<![CDATA[\n" + json.dumps(REVIEW) + "\n//]]>",
        json.dumps(REVIEW).replace('"', "&quot;"),
        json.dumps(REVIEW).replace("}}", "},}"),
        json.dumps(REVIEW).replace("ke hutan", "ke\nhutan").replace("ke\nhutan", "ke hutan\t"),
        "\ufeff" + json.dumps(REVIEW),
    ],
    ids=str,
)
def test_a_review_is_found_wherever_it_is_and_however_it_is_wrapped(document: object) -> None:
    assert claims(page(document)) == ["TPS di pasar dipindah ke hutan"]


def test_several_reviews_of_a_page_keep_their_order_and_doubles_go() -> None:
    other = REVIEW | {"claimReviewed": "Kotak suara hilang"}
    assert claims(page({"@graph": [REVIEW, other]}, REVIEW)) == ["TPS di pasar dipindah ke hutan", "Kotak suara hilang"]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ('{"@type": "ClaimReview", ', "Expecting"),
        ("ClaimReview", "Expecting value"),
        ('{"@type":"ClaimReview","x":' + "[" * 100_000, ""),
        ('"ClaimReview' + "x" * 1_000_001 + '"', "too long"),
    ],
)
def test_broken_data_is_told_and_nothing_is_made_of_it(block: str, problem: str) -> None:
    found, told = reviews_in_page(page(block))
    assert found == []
    assert told
    assert problem in told


@pytest.mark.parametrize(
    "wrong",
    [
        {"reviewRating": 3},
        {"reviewRating": [None]},
        {"reviewRating": "Salah"},
        {"itemReviewed": "x"},
        {"itemReviewed": [[]]},
        {"author": 3, "publisher": [None, {"@type": 4}]},
        {"url": {"@id": "x"}},
        {"@type": ["ClaimReview", None, 4, {}]},
        {"claimReviewed": None, "itemReviewed": {"@type": "Claim", "name": "TPS di pasar dipindah ke hutan"}},
        {"inLanguage": {"@type": "Language", "name": "id"}},
        {"datePublished": 20261120},
    ],
    ids=str,
)
def test_wrong_types_in_a_field_spoil_only_that_field(wrong: dict[str, Any]) -> None:
    review = reviews_in([REVIEW | wrong])
    assert len(review) == 1
    assert found_of(review[0], PAGE).claim == "TPS di pasar dipindah ke hutan"


def test_who_wrote_it_who_claimed_it_and_links_to_posts_are_never_kept() -> None:
    whole = REVIEW | {"author": [{"@type": "Person", "name": "Penulis Contoh"}, REVIEW["author"]], "sharedBy": "x"}
    text = json.dumps(kept(whole))
    for gone in ("Penulis Contoh", "Akun Warga", "fb.example", "sharedBy"):
        assert gone not in text
    assert kept(whole)["checker"] == "Periksa Contoh"


def test_a_government_that_calls_itself_one_is_kept_as_such() -> None:
    office = {"@type": "GovernmentOrganization", "name": "Dinas Contoh"}
    found = found_of(kept(REVIEW | {"author": {"@type": "Person", "name": "x"}, "publisher": office}), PAGE)
    assert (found.checker, found.checker_kind) == ("Dinas Contoh", "government")
    assert found_of(kept(REVIEW), PAGE).checker_kind == ""


def test_no_site_speaks_for_another() -> None:
    foreign = kept(REVIEW | {"url": "https://turnbackhoax.id/2026/asli"})
    assert found_of(foreign, PAGE).url == PAGE
    assert (
        found_of(kept(REVIEW | {"url": "https://www.periksa.example/lain"}), PAGE).url
        == "https://www.periksa.example/lain"
    )
    assert found_of(kept(REVIEW | {"url": "javascript:alert(1)"}), PAGE).url == PAGE
    assert found_of(foreign, "").url == "https://turnbackhoax.id/2026/asli"


def test_a_number_alone_is_a_verdict_and_beside_words_only_in_a_file() -> None:
    number = {"@type": "Rating", "ratingValue": "1", "bestRating": "5", "worstRating": "1"}
    alone = kept(REVIEW | {"reviewRating": number})
    assert found_of(alone, PAGE).rating == "false"
    beside = kept(REVIEW | {"reviewRating": number | {"alternateName": "Meleset"}})
    assert (found_of(beside, PAGE).rating, found_of(beside, PAGE).verdict) == (None, "Meleset")
    assert found_of(beside, PAGE, trust_number=True).rating == "false"


def test_media_and_withdrawal_are_read() -> None:
    video = kept(REVIEW | {"itemReviewed": {"@type": "VideoObject"}, "creativeWorkStatus": "Retracted"})
    assert found_of(video, PAGE).media == "video"
    assert found_of(video, PAGE).withdrawn


def test_microdata_is_read_too() -> None:
    text = """<div itemscope itemtype="https://schema.org/ClaimReview">
    <a itemprop="url" href="https://periksa.example/m">x</a>
    <p itemprop="claimReviewed">TPS <b>dipindah</b> ke hutan</p><meta itemprop="datePublished" content="2026-11-20">
    <div itemprop="reviewRating" itemscope itemtype="https://schema.org/Rating">
    <span itemprop="alternateName">Salah</span><meta itemprop="ratingValue" content="1"></div>
    <div itemprop="author" itemscope itemtype="https://schema.org/Person">
    <span itemprop="name">Penulis Contoh</span></div></div>"""
    found, _problem = reviews_in_page(text)
    assert found_of(found[0], "https://periksa.example/m").claim == "TPS dipindah ke hutan"
    assert found_of(found[0], "https://periksa.example/m").verdict == "Salah"
    assert "Penulis" not in json.dumps(found)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["ClaimReview", "Salah"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                [
                    "@type",
                    "@graph",
                    "url",
                    "claimReviewed",
                    "reviewRating",
                    "itemReviewed",
                    "author",
                    "name",
                    "ratingValue",
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(JSON, JSON)
def test_any_json_is_read_without_an_error(document: object, field: object) -> None:
    for each in (
        document,
        {"@type": "ClaimReview", "claimReviewed": field, "reviewRating": document, "itemReviewed": field},
    ):
        for review in reviews_in(each):
            found_of(review, PAGE)
            found_of(review, "", trust_number=True)
            json.dumps(review, allow_nan=False)


@given(st.text(max_size=300))
def test_any_page_is_read_without_an_error(text: str) -> None:
    reviews_in_page(text)
    reviews_in_page(page(text + '"ClaimReview"'))
    with contextlib.suppress(ValueError):
        loaded(text)


def test_hostile_pages_take_no_time() -> None:
    began = time.perf_counter()
    opening = '<script type="application/ld+json">'
    for text in (
        "ClaimReview" + opening * 100_000,
        "ClaimReview" + "<script " * 200_000,
        page({"@graph": [REVIEW | {"claimReviewed": str(number)} for number in range(2_000)]}),
        page(*[REVIEW | {"claimReviewed": str(number)} for number in range(2_000)]),
        "ClaimReview itemtype " + "<div itemscope itemtype='https://schema.org/ClaimReview'>" * 3_000,
        "ClaimReview <a " + "itemtype=x " * 200_000 + ">",
        page('{"@type":"ClaimReview","a":' + "&" * 900_000),
    ):
        assert len(reviews_in_page(text)[0]) <= MAX_REVIEWS
    assert time.perf_counter() - began < 15
