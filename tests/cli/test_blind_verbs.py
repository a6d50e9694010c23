"""What a named reviewer learns at the command line is no more than the desk tells: no score, no reason for coming."""

from __future__ import annotations

import json

import pytest
from homes import decide, id_of
from sqlalchemy import update
from staff import Cli, user_named, with_people

from pipeline.ledger.schema import item
from pipeline.workplace import Workplace

AS = ("--as", "reviewer")
CLOSED = ("score", "threshold", "weight", "why_not", "sample_probability")


@pytest.fixture
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """The office lets its reviewers decide before they see what the machine thinks."""
    monkeypatch.setenv("KENTONGAN__REVIEW__HIDE_SIGNALS", "true")


@with_people
@pytest.mark.parametrize("words", ["why:teach", "alasan:sampel", "bakar -why:signal"])
def test_why_a_post_came_cannot_be_searched(cli: Cli, words: str) -> None:
    code, out, err = cli("search", words, "--json", *AS)
    assert code == 0
    assert json.loads(out)["total"] == 4, "as if nothing had been asked"
    assert "that part was left out" in err


def test_who_has_no_account_yet_may_ask_for_all(cli: Cli, place: Workplace) -> None:
    assert json.loads(cli("search", "--json", "why:teach")[1])["total"] == 0
    found = json.loads(cli("show", id_of(place, 1), "--json")[1])
    assert found["why"] == ["signal"]
    assert all("score" in signal for signal in found["signals"])


@with_people
def test_bands_are_told_and_never_a_score_or_why(cli: Cli, place: Workplace) -> None:
    found = json.loads(cli("show", id_of(place, 1), "--json", *AS)[1])
    (hit, *_others) = json.loads(cli("search", "label:threat", "--json", *AS)[1])["hits"]
    for told in (found, hit):
        assert "threat" in {signal["label"] for signal in told["signals"]}
        assert all(signal["band"] for signal in told["signals"])
        assert told["why"] == []
        assert not any(f'"{name}"' in json.dumps(told) for name in CLOSED)
    out = cli("show", id_of(place, 1), *AS)[1]
    assert "Indication of a call to violence" in out
    assert "Flagged because of" not in out


@with_people
@pytest.mark.usefixtures("hidden")
def test_hidden_indications_can_neither_be_searched_nor_counted_nor_seen(cli: Cli, place: Workplace) -> None:
    code, out, err = cli("search", "label:hate_group", "--facets", "--json", *AS)
    page = json.loads(out)
    assert (code, page["total"]) == (0, 4)
    assert "Indications are hidden" in err
    assert "label" not in page["facets"]
    assert all(hit["signals"] == hit["claims"] == hit["topics"] == [] for hit in page["hits"])
    listed = cli("search", "bakar", "--facets", *AS)[1]
    assert "posts found" in listed
    assert "Indication of" not in listed
    shown = cli("show", id_of(place, 1), *AS)[1]
    assert "shown after your decision" in shown
    assert "Indication of" not in shown


@with_people
@pytest.mark.usefixtures("hidden")
def test_they_are_shown_after_ones_own_decision(cli: Cli, place: Workplace) -> None:
    flag_id = id_of(place, 4)
    assert json.loads(cli("show", flag_id, "--json", *AS)[1])["signals"] == []
    decide(place, flag_id, "fits", "confirmed", by=user_named(place, "reviewer").id)
    assert json.loads(cli("show", flag_id, "--json", *AS)[1])["signals"]
    assert json.loads(cli("show", flag_id, "--json", "--as", "supervisor")[1])["signals"] == []


@with_people
def test_the_text_of_a_closed_item_is_told_no_more(cli: Cli, place: Workplace) -> None:
    flag_id = id_of(place, 4)
    with place.ledger.write() as db:
        db.execute(update(item).where(item.c.flag_id == flag_id).values(status="expired"))
    code, out, err = cli("show", flag_id, *AS)
    assert (code, out) == (2, "")
    assert "past its time" in err
