"""Claims as files for others: what stands in the JSON-LD and in the table, and what is left out."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

from pipeline.core.claims import Claim, ClaimReview
from pipeline.report.claim_reviews import COLUMNS, json_ld, rows

REVIEW = ClaimReview(
    key="a1",
    source="contoh",
    checker="Pemeriksa Contoh",
    checker_kind="independent",
    url="https://periksa.example/tps",
    claim="TPS di pasar dipindah",
    rating="false",
    original="SALAH",
    title="[SALAH] TPS dipindah",
    reviewed_at=datetime(2024, 11, 20, 3, tzinfo=UTC),
    claimed_at=datetime(2024, 11, 18, tzinfo=UTC),
)
CLARIFIED = replace(
    REVIEW, key="b", checker="Dinas Contoh", checker_kind="government", rating="clarification", title=""
)
WITHDRAWN = replace(REVIEW, key="c", withdrawn=True)
CLAIM = Claim("k0123456789ab", "TPS di pasar dipindah", (REVIEW, CLARIFIED, WITHDRAWN))


def test_a_review_is_one_claim_review_of_schema_org() -> None:
    graph = json.loads(json.dumps(json_ld([CLAIM])))
    assert graph["@context"] == "https://schema.org"
    assert graph["@graph"][0] == {
        "@type": "ClaimReview",
        "url": "https://periksa.example/tps",
        "claimReviewed": "TPS di pasar dipindah",
        "inLanguage": "id",
        "author": {"@type": "Organization", "name": "Pemeriksa Contoh"},
        "reviewRating": {
            "@type": "Rating",
            "alternateName": "SALAH",
            "ratingValue": 1,
            "bestRating": 5,
            "worstRating": 1,
        },
        "itemReviewed": {"@type": "Claim", "identifier": "k0123456789ab", "datePublished": "2024-11-18"},
        "name": "[SALAH] TPS dipindah",
        "datePublished": "2024-11-20",
    }


def test_a_clarification_has_no_number_and_what_was_taken_back_is_left_out() -> None:
    _first, second = json_ld([CLAIM])["@graph"]
    assert second["author"] == {"@type": "GovernmentOrganization", "name": "Dinas Contoh"}
    assert second["reviewRating"] == {"@type": "Rating", "alternateName": "SALAH"}
    assert "name" not in second


def test_the_table_holds_every_review_with_what_it_is() -> None:
    table = [dict(zip(COLUMNS, row, strict=True)) for row in rows([CLAIM])]
    assert [row["withdrawn"] for row in table] == ["false", "false", "true"]
    assert [row["checker_kind"] for row in table] == ["independent", "government", "independent"]
    assert table[0]["reviewed_at"] == "2024-11-20T03:00:00+00:00"
    assert {row["claim_id"] for row in table} == {CLAIM.id}
    assert {row["standing"] for row in table} == {"debunked"}


def test_days_that_nobody_knows_are_empty_cells() -> None:
    undated = replace(REVIEW, reviewed_at=None, claimed_at=None)
    [row] = rows([replace(CLAIM, reviews=(undated,))])
    told = dict(zip(COLUMNS, row, strict=True))
    assert (told["reviewed_at"], told["claimed_at"]) == ("", "")
