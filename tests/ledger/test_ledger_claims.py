"""Claims in the ledger: one id however many checkers, changes that are counted, and the flags that carry them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ledgers import NOW, OFFICE, add, later, together

from pipeline.core.claims import Claim, ClaimReview
from pipeline.core.errors import ConfigError
from pipeline.ledger import Ledger, claims
from pipeline.ledger.claims import Placed, Stored


def review(key: str = "r1", **changes: Any) -> ClaimReview:
    """A debunk of an independent checker, unless told."""
    values: dict[str, Any] = {
        "source": "contoh", "checker": "Pemeriksa Contoh", "checker_kind": "independent",
        "url": f"https://contoh.example/{key}", "claim": "TPS di pasar dipindah malam ini", "rating": "false",
        "original": "SALAH", "reviewed_at": NOW, "wording": "Info A1: TPS pasar pindah!",
    }  # fmt: skip
    return ClaimReview(key=key, **values | changes)


def put(ledger: Ledger, *reviews: ClaimReview, claim_id: str = "k1", words: str = "w1") -> Stored:
    """Store reviews of one claim."""
    with ledger.write() as db:
        return claims.put(db, [Placed(claim_id, each, words) for each in reviews])


def got(ledger: Ledger, claim_id: str = "k1") -> Claim:
    """The claim as it stands."""
    with ledger.read() as db:
        return claims.named(db, claim_id)


def test_two_checkers_of_one_claim_share_its_id_and_the_first_one_words_it(ledger: Ledger) -> None:
    late = review("r2", claim="TPS pasar pindah", reviewed_at=later(days=1), checker="Lain", wording="")
    assert put(ledger, late) == Stored(new=1, claims=("k1",))
    assert put(ledger, review()) == Stored(new=1, claims=("k1",))
    claim = got(ledger)
    assert claim.text == "TPS di pasar dipindah malam ini"
    assert claim.wordings == ("TPS di pasar dipindah malam ini", "Info A1: TPS pasar pindah!", "TPS pasar pindah")
    assert claim.reviews == (review(), late)
    assert (claim.standing, claim.first_at) == ("debunked", NOW)
    with ledger.read() as db:
        assert claims.known(db, ["r1", "r2", "r3"]) == {"r1": "k1", "r2": "k1"}
        assert claims.with_words(db, ["w1", "w2"]) == {"w1": "k1"}
        assert claims.checkers(db) == [("Lain", 1), ("Pemeriksa Contoh", 1)]


def test_the_same_review_again_changes_nothing_and_a_changed_one_replaces_the_old(ledger: Ledger) -> None:
    put(ledger, review())
    rev = got(ledger).rev
    assert put(ledger, review()) == Stored(unchanged=1)
    assert got(ledger).rev == rev
    assert put(ledger, review(rating="true", original="BENAR")) == Stored(changed=1, claims=("k1",))
    assert got(ledger).standing == "true"
    assert got(ledger).rev > rev


def test_checkers_that_contradict_each_other_and_debunks_that_were_taken_back(ledger: Ledger) -> None:
    put(ledger, review(), review("r2", rating="true"))
    assert got(ledger).standing == "disputed"
    put(ledger, review("r2", rating="true", withdrawn=True))
    assert got(ledger).standing == "debunked"
    put(ledger, review(withdrawn=True))
    assert got(ledger).standing == "withdrawn"


@pytest.mark.parametrize(
    ("kind", "rating", "standing"),
    [
        ("independent", "misleading", "debunked"),
        ("independent", "satire", "satire"),
        ("independent", "unrated", "unrated"),
        ("independent", "clarification", "clarified"),
        ("government", "false", "clarified"),
        ("interested", "false", "clarified"),
    ],
)
def test_only_independent_checkers_can_debunk(kind: Any, rating: Any, standing: str) -> None:
    assert Claim("k1", "x", (review(checker_kind=kind, rating=rating),)).standing == standing


def test_what_changed_since_a_number_comes_in_the_order_of_the_changes(ledger: Ledger) -> None:
    put(ledger, review())
    put(ledger, review("r2"), claim_id="k2", words="")
    with ledger.read() as db:
        everything = list(claims.since(db))
        newest = claims.newest_rev(db)
    assert [claim.id for claim in everything] == ["k1", "k2"]
    put(ledger, replace(review(), original="HOAKS"))
    with ledger.read() as db:
        assert [claim.id for claim in claims.since(db, newest)] == ["k1"]
        assert claims.standings(db) == {"debunked": 2}
        assert set(claims.get_many(db, ["k1", "k2", "k3"])) == {"k1", "k2"}
        with pytest.raises(ConfigError, match="k9"):
            claims.named(db, "k9")


def test_writers_at_the_same_moment_get_numbers_of_their_own(ledger: Ledger) -> None:
    together(lambda number: put(ledger, review(f"r{number}"), claim_id=f"k{number}"), 6)
    with ledger.read() as db:
        assert len({claim.rev for claim in claims.since(db)}) == 6


def test_which_flags_carry_a_claim_is_told_by_office_and_without_samples(ledger: Ledger) -> None:
    put(ledger, review())
    put(ledger, review("r2", reviewed_at=None), claim_id="k2")
    tags = frozenset({("claim", "k1"), ("province", "61")})
    add(ledger, "x~1", "x~2", tags=tags)
    add(ledger, "x~3", tags=tags, sample=True)
    add(ledger, "x~4", tags=tags, office="62")
    add(ledger, "x~5", tags=frozenset({("claim", "k1")}), seen_at=later(days=2))
    with ledger.read() as db:
        found = claims.listed(db, [OFFICE])
        assert [(each.id, each.flags, each.first_seen) for each in found] == [("k1", 3, NOW), ("k2", 0, None)]
        assert [each.id for each in claims.listed(db, [OFFICE], carried=True, checker="Pemeriksa Contoh")] == ["k1"]
        assert [each.flags for each in claims.listed(db, [OFFICE], carried=True, since=later(days=1))] == [1]
        assert claims.listed(db, [OFFICE], ids=["k2"], standing="true") == []
        assert [each.flag_id for each in claims.carriers(db, "k1", [OFFICE])] == ["x~1", "x~2", "x~5"]
        assert claims.provinces(db, "k1", [OFFICE]) == {"61": 2}
        assert set(claims.latest(db, ["k1", "k2"], [OFFICE], until=later(days=1))) == {"k1"}
        assert claims.latest(db, ["k1"], [OFFICE], until=NOW) == claims.latest(db, ["k1"], ["99"]) == {}
        assert (
            claims.latest(db, ["k1"], [OFFICE])["k1"] >= claims.latest(db, ["k1"], [OFFICE], until=later(days=1))["k1"]
        )
