"""Mutu model: the desk shows what `kentongan drift` wrote, in figures that may be shown, to its own office alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from review.frame import Browser, PeopleOf

from pipeline.comparing import Compared, NewWord, SourceDrift
from pipeline.drift import LabelDrift, Report, drift_folder
from pipeline.ledger import people
from pipeline.weeks import MEASURED, write_json
from pipeline.workplace import Workplace

Client = Callable[[str], Browser]
WEEK = "2026-W47"


def report(**changes: Any) -> dict[str, Any]:
    """A report of one source with an alarm."""
    steady, alarm = Compared(0.03, "steady", 0.1, 0.1, "own"), Compared(0.61, "alarm", 0.4, 0.1, "own")
    scores = dict.fromkeys(MEASURED, steady) | {
        "hate_group": alarm,
        "hate_speech": Compared(0.77, "alarm", 0.4, 0.1, "own"),
    }
    source = SourceDrift(
        WEEK, "sumberuji", 1234, 1234, 1234, scores, {}, steady, Compared(None, "unknown", None, None, "own")
    )
    label = LabelDrift(WEEK, "threat", 40, 10, (0.14, 0.4), 100, 70, (0.6, 0.78), "alarm")
    told = [
        {"week": WEEK, "source": "sumberuji", "what": "scores", "label": name} for name in ("hate_group", "hate_speech")
    ]
    values: dict[str, Any] = {
        "office": "00", "model": "tfidf-2026-11-24", "against": "own", "made_at": "2026-11-23T00:30:00+00:00",
        "weeks": (WEEK,), "sources": (source,), "labels": (label,),
        "words": (NewWord(WEEK, "blorengan", 25, 0.1, 0.0),), "alarms": tuple(told), "notes": (),
    }  # fmt: skip
    return asdict(Report(**values | changes))


def put(place: Workplace, **changes: Any) -> None:
    """Write the report as `kentongan drift` does."""
    place.home.make()
    write_json(drift_folder(place) / "report.json", report(**changes))


def test_the_page_shows_figures_alarms_and_new_words(client: Client, place: Workplace) -> None:
    put(place)
    text = client("scientist").get("/mutu").text
    for word in ("sumberuji", "1.234", "0.61 ALARM", "0.03 steady", "nothing to compare with", "blorengan", WEEK):
        assert word in text.replace("1,234", "1.234"), word
    assert "0.25 (0.14–0.40)" in text
    assert "first four weeks of the same source" in text


def test_labels_that_may_be_no_figure_are_not_shown(client: Client, place: Workplace) -> None:
    put(place)
    text = client("reviewer").get("/mutu").text
    assert "0.77" not in text
    assert text.count("<strong>2026-W47</strong>") == 1


@pytest.mark.parametrize("content", [None, "", "{", "[]", '{"made_at": "2026-11-23"}'])
def test_without_a_report_it_says_how_to_get_one(client: Client, place: Workplace, content: str | None) -> None:
    put(place)
    path = drift_folder(place) / "report.json"
    path.unlink() if content is None else path.write_text(content)
    answer = client("supervisor").get("/mutu")
    assert answer.status_code == 200
    assert "kentongan drift" in answer.text


def test_another_office_sees_nothing_of_it(client: Client, place: Workplace, people_of: PeopleOf) -> None:
    put(place)
    with place.ledger.write() as db:
        people.set_right(db, people_of["reviewer"].id, "00", None)
        people.set_right(db, people_of["reviewer"].id, "61", "reviewer")
    text = client("reviewer").get("/mutu").text
    assert "sumberuji" not in text
    assert "0.61" not in text


def test_who_sees_no_figures_may_not_open_it(client: Client, place: Workplace) -> None:
    put(place)
    assert [client(role).get("/mutu").status_code for role in ("admin", "partner")] == [403, 403]


def test_a_name_of_a_source_is_text(client: Client, place: Workplace) -> None:
    told = {"week": WEEK, "source": "<script>x</script>", "what": "words", "label": ""}
    put(place, alarms=(told,))
    assert "<script>x" not in client("reviewer").get("/mutu").text
