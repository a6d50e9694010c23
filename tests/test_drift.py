"""Drift: what a week is compared with, when it alarms and when it must not, and that no person can be found in it."""

from __future__ import annotations

import functools
import json
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from homes import Clock, place_at

from pipeline import drift
from pipeline.classify import tfidf
from pipeline.classify.artefact import read_artefact
from pipeline.classify.registry import list_models
from pipeline.classify.shift import known_shares
from pipeline.cli.app import call
from pipeline.core.decisions import Verdict
from pipeline.core.errors import ConfigError
from pipeline.core.resources import models_path
from pipeline.core.types import Flag, Post, Signal
from pipeline.landing.derived import derived_file, rewrite, with_notes, write_derived
from pipeline.ledger import verdicts
from pipeline.queueing import enqueue
from pipeline.text import normalise
from pipeline.train.reference import reference_of
from pipeline.workplace import Workplace

SHIPPED = list_models(models_path(), "tfidf")[-1]
MODEL = SHIPPED.name
MONDAY = datetime(2026, 9, 7, 3, tzinfo=UTC)  # of 2026-W37
LABELS = ("hate_group", "incitement", "hate_speech")
USUAL = ("warga desa rapat soal jalan", "harga beras naik lagi", "pemilu sebentar lagi", "pasar ramai hari ini")
READ = functools.cache(read_artefact)
LATE = 5  # the first week after the four that others are compared with
PRIVATE = "namapribadi"


def week_name(number: int) -> str:
    return f"2026-W{37 + number}"


def scores_of(count: int, mean: float, seed: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).beta(20 * mean, 20 * (1 - mean), count)


def posts(number: int, count: int = 250, mean: float = 0.1, texts: Sequence[str] = USUAL, **changes: Any) -> list[Flag]:
    """The posts of a source in the week of that number."""
    moment = MONDAY + timedelta(weeks=number)
    source, model, authors = changes.get("source", "warga"), changes.get("model", MODEL), changes.get("authors", 40)
    found = []
    for at, score in enumerate(scores_of(count, mean, number).tolist()):
        post = Post(
            id=f"{source}~{number}-{at}", source=source, office="00", kind="post", visibility="broadcast", platform="x",
            text=texts[at % len(texts)], fetched_at=moment, partition=f"{moment:%Y-%m-%d}/10",
            author_key=f"rahasia{at % authors}",
        )  # fmt: skip
        found.append(Flag(post, tuple(Signal(label, score, 0.5, model) for label in LABELS), fingerprint="a"))
    return found


def put(place: Workplace, flags: Sequence[Flag]) -> Path:
    """Write a week's posts as `flag` does."""
    return write_derived(place.home.derived, flags[0].post.partition, "a", [flags], lambda table, _first: table)


@pytest.fixture(autouse=True)
def _read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped model's files are read once for all tests."""
    for module in (drift, tfidf):
        monkeypatch.setattr(module, "read_artefact", READ)


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    made = place_at(tmp_path / "home", KENTONGAN__OFFICE__LANGUAGE="en")
    made.home.make()
    return made


def with_weeks(place: Workplace, *last: Sequence[Flag]) -> drift.Report:
    """Five usual weeks, then these."""
    for number in range(LATE):
        put(place, posts(number))
    for flags in last:
        put(place, flags)
    return drift.look(place, 8)


def of(report: drift.Report, number: int, source: str = "warga") -> Any:
    return next(each for each in report.sources if (each.week, each.source) == (week_name(number), source))


# ---- against a source's own first weeks


def test_a_source_that_stays_as_it_was_is_steady(place: Workplace) -> None:
    report = with_weeks(place, posts(LATE))
    assert (report.against, report.notes) == ("own", ())
    assert report.weeks == tuple(map(week_name, range(LATE + 1)))
    assert [of(report, number).scores["hate_group"].level for number in range(LATE + 1)] == ["baseline"] * 4 + [
        "steady"
    ] * 2
    assert of(report, LATE).stems.level == of(report, LATE).unknown.level == "steady"
    assert not report.alarms
    assert not report.words


def test_scores_that_rise_are_an_alarm_with_means_and_shares(place: Workplace) -> None:
    report = with_weeks(place, posts(LATE, mean=0.5))
    found = of(report, LATE).scores["hate_group"]
    assert found.level == "alarm"
    assert found.psi > 0.25
    assert (round(found.before, 1), round(found.mean, 1)) == (0.1, 0.5)
    assert 0.3 < of(report, LATE).over["hate_group"] < 0.7
    told = [(alarm["what"], alarm["label"]) for alarm in report.alarms]
    assert told == [("scores", label) for label in ("hate_group", "incitement", "hate_speech")]
    assert of(report, LATE).scores["threat"].level == "steady"  # a rule that found nothing


def test_other_words_are_an_alarm(place: Workplace) -> None:
    report = with_weeks(place, posts(LATE, texts=["qwyx zzkp fnord blarg", "qwyx vlimp jrunk"]))
    found = of(report, LATE)
    assert found.unknown.level == found.stems.level == "alarm"
    assert found.unknown.mean > 0.9 > 0.1 > found.unknown.before
    assert {alarm["what"] for alarm in report.alarms} == {"unknown_words", "words"}


def test_few_posts_have_no_level_and_no_say_in_what_others_are_compared_with(place: Workplace) -> None:
    put(place, posts(0, count=199, mean=0.9))
    for number in range(1, LATE):
        put(place, posts(number))
    put(place, posts(LATE, count=199, mean=0.9))
    report = drift.look(place, 8)
    assert of(report, 0).scores["hate_group"].level == of(report, LATE).scores["hate_group"].level == "too_few"
    assert [of(report, number).scores["hate_group"].level for number in range(1, LATE)] == ["baseline"] * 4
    assert not report.alarms


def test_sources_are_told_apart(place: Workplace) -> None:
    for number in range(LATE):
        put(place, [*posts(number), *posts(number, mean=0.6, source="portal")])
    put(place, [*posts(LATE), *posts(LATE, mean=0.1, source="portal")])
    report = drift.look(place, 8)
    assert {(alarm["source"], alarm["what"]) for alarm in report.alarms} == {("portal", "scores")}


def test_scores_of_another_model_are_not_mixed_in(place: Workplace) -> None:
    report = with_weeks(place, posts(LATE, mean=0.9, model="tfidf-2020-01-01"))
    found = of(report, LATE)
    assert (found.posts, found.scored) == (250, 0)
    assert found.scores["hate_group"].level == "unknown"
    assert found.unknown.level == "steady"  # its words are those of the posts, whatever the model


def test_alarms_are_of_the_last_two_weeks_only(place: Workplace) -> None:
    report = with_weeks(place, posts(LATE, mean=0.9), posts(LATE + 1), posts(LATE + 2))
    assert of(report, LATE).scores["hate_group"].level == "alarm"
    assert not report.alarms
    assert drift.look(place, 8, week_name(LATE)).alarms


# ---- against the training texts


def with_reference(folder: Path, mean: float, *, wanted: bool = True) -> Path:
    """The shipped model with a reference of usual texts with such scores, or with none."""
    shutil.copytree(SHIPPED, folder / MODEL)
    texts = [normalise(text) for text in USUAL * 250]
    scores = scores_of(len(texts), mean, 99)[:, None].repeat(len(LABELS), axis=1)
    truth = {label: np.arange(len(texts)) % 10 == 0 for label in LABELS}
    vocabulary = READ(SHIPPED).vocabulary
    reference = reference_of(texts, scores, truth, known_shares(vocabulary, texts), LABELS)
    metrics = json.loads((SHIPPED / "metrics.json").read_text()) | {"reference": reference}
    if not wanted:
        del metrics["reference"]
    content = json.dumps(metrics).encode()
    manifest = json.loads((SHIPPED / "manifest.json").read_text())
    manifest["files"]["metrics.json"] = {"sha256": sha256(content).hexdigest(), "bytes": len(content)}
    (folder / MODEL / "metrics.json").write_bytes(content)
    (folder / MODEL / "manifest.json").write_text(json.dumps(manifest))
    return folder / MODEL


@pytest.mark.parametrize(("mean", "level"), [(0.1, "steady"), (0.5, "alarm")])
def test_a_model_with_a_reference_is_the_measure_from_the_first_week(tmp_path: Path, mean: float, level: str) -> None:
    model = with_reference(tmp_path, 0.1)
    place = place_at(tmp_path / "home", KENTONGAN__MODELS__FOLDER=str(model), KENTONGAN__DRIFT__AGAINST="training")
    place.home.make()
    put(place, posts(0, mean=mean))
    report = drift.look(place, 8)
    found = of(report, 0)
    assert (report.against, report.notes) == ("training", ())
    assert (found.scores["hate_group"].against, found.scores["hate_group"].level) == ("training", level)
    assert found.unknown.level == found.stems.level == "steady"
    assert found.scores["threat"].against == "own"  # the model says nothing of it


def test_a_model_without_a_reference_is_compared_with_own_weeks_and_that_is_said(tmp_path: Path) -> None:
    model = with_reference(tmp_path, 0.1, wanted=False)
    place = place_at(
        tmp_path / "home",
        KENTONGAN__MODELS__FOLDER=str(model),
        KENTONGAN__DRIFT__AGAINST="training",
        KENTONGAN__OFFICE__LANGUAGE="en",
    )
    place.home.make()
    report = with_weeks(place, posts(LATE))
    assert report.against == "own"
    assert f"the model {MODEL} has no reference" in report.notes[0]


def test_the_office_s_own_weeks_count_even_beside_a_reference(tmp_path: Path) -> None:
    model = with_reference(tmp_path, 0.9)
    place = place_at(tmp_path / "home", KENTONGAN__MODELS__FOLDER=str(model), KENTONGAN__DRIFT__AGAINST="own")
    place.home.make()
    report = with_weeks(place, posts(LATE))
    assert (report.against, report.alarms, report.notes) == ("own", (), ())


# ---- new words


def test_a_word_that_many_say_of_late_is_told(place: Workplace) -> None:
    report = with_weeks(place, posts(LATE, texts=[*USUAL, "harga blorengan lagi"]))
    [word] = report.words
    assert (word.week, word.word, word.posts, word.share, word.before) == (week_name(LATE), "blorengan", 50, 0.2, 0.0)


def test_a_word_of_few_authors_or_few_posts_stands_nowhere(place: Workplace, tmp_path: Path) -> None:
    few_authors = posts(LATE, count=50, texts=[PRIVATE], authors=4, source="sedikit")
    few_posts = posts(LATE, count=19, texts=[PRIVATE + "lain"], source="jarang")
    report = with_weeks(place, [*posts(LATE), *few_authors, *few_posts])
    assert not report.words
    for path in (place.home.root / "drift").iterdir():
        assert PRIVATE not in path.read_text()


def test_nothing_that_is_kept_or_told_names_an_account_or_a_post(place: Workplace) -> None:
    report = with_weeks(
        place, posts(LATE, texts=["@akunseseorang kabar blorengan 0812345678 https://contoh.example/x"])
    )
    kept = "".join(path.read_text() for path in (place.home.root / "drift").iterdir()) + repr(report)
    for word in ("akunseseorang", "rahasia", "0812345678", "contoh.example", "warga~", "kabar blorengan"):
        assert word not in kept
    assert "blorengan" in kept


# ---- what stays when posts go


def empty(place: Workplace, number: int, rows: int) -> None:
    """Let all but some of a week's posts be past their time, as `purge` does."""
    path = derived_file(place.home.derived, posts(number, 1)[0].post.partition)
    assert path
    schema = with_notes(pq.read_schema(path), counts={"posts": 250 - rows})
    rewrite(path, lambda table: table.slice(0, rows), schema)


def test_figures_stay_when_the_posts_are_past_their_time(place: Workplace) -> None:
    before = with_weeks(place, posts(LATE, mean=0.5))
    for number in range(LATE):
        empty(place, number, 20)
    after = drift.look(place, 8)
    assert (after.sources, after.alarms) == (before.sources, before.alarms)
    shutil.rmtree(place.home.derived)
    assert drift.look(place, 8).sources == before.sources


def test_a_week_that_was_flagged_again_with_fewer_posts_counts_as_it_is_now(place: Workplace) -> None:
    with_weeks(place, posts(LATE, mean=0.5))
    put(place, posts(LATE, count=240))
    report = drift.look(place, 8)
    assert (of(report, LATE).posts, report.alarms) == (240, ())


def test_each_model_has_its_own_figures(tmp_path: Path, place: Workplace) -> None:
    before = with_weeks(place)
    model = with_reference(tmp_path, 0.1)
    other = place_at(place.home.root, KENTONGAN__MODELS__FOLDER=str(model), KENTONGAN__DRIFT__AGAINST="training")
    assert drift.look(other, 8).against == "training"
    shutil.rmtree(place.home.derived)
    assert drift.look(place, 8).sources == before.sources


def test_what_is_left_of_a_week_that_was_never_measured_says_nothing(place: Workplace) -> None:
    for number in range(LATE + 1):
        put(place, posts(number, mean=0.1 if number else 0.9))
    empty(place, 0, 230)
    report = drift.look(place, 8)
    assert of(report, 0).scores["hate_group"].level == "gone"
    assert of(report, LATE).scores["hate_group"].level == "steady"


def test_a_week_is_measured_again_only_when_its_files_changed(
    place: Workplace, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = with_weeks(place)
    measured: list[str] = []
    real = drift.measured.__globals__["_measure"]
    monkeypatch.setitem(
        drift.measured.__globals__, "_measure", lambda week, *rest: (measured.append(week), real(week, *rest))[1]
    )
    assert drift.look(place, 8).sources == before.sources
    assert measured == []
    put(place, posts(LATE - 1, count=260))
    assert of(drift.look(place, 8), LATE - 1).posts == 260
    assert measured == [week_name(LATE - 1)]


# ---- what is damaged


def test_damaged_files_are_said_or_made_anew_and_stop_nothing(place: Workplace) -> None:
    before = with_weeks(place)
    folder = place.home.root / "drift"
    for content in ("", "[]", '{"week": 1}', '{"sources": {"a": 3}}', "\x00"):
        next(folder.glob(f"{week_name(0)}-*.json")).write_text(content)
        assert drift.look(place, 8).sources == before.sources
    (folder / "report.json").write_text("{")
    assert drift.last_report(place) is None
    broken = derived_file(place.home.derived, posts(LATE - 1, 1)[0].post.partition)
    assert broken
    broken.write_bytes(b"PAR1 nothing")
    shutil.rmtree(folder)
    report = drift.look(place, 8)
    assert report.weeks == tuple(map(week_name, range(LATE - 1)))
    assert "is damaged and left out" in report.notes[0]


# ---- what reviewers decide


def decide(place: Workplace, number: int, fits: int, of_all: int, **snapshot: Any) -> None:
    """So many decisions in a week, of which some say that it fits."""
    moment = MONDAY + timedelta(weeks=number)
    flags = posts(number, of_all, source=f"ulasan{len(snapshot)}")
    enqueue(place, flags, {})
    with place.ledger.write() as db:
        for at, flag in enumerate(flags):
            said, status = ("fits", "confirmed") if at < fits else ("not", "rejected")
            reasons = () if at < fits else ("criticism",)
            verdicts.record(
                db, Verdict(flag.id, "00", "u", moment, {"hate_group": said}, status, reasons, snapshot=snapshot)
            )


@pytest.mark.parametrize(("fits", "level"), [(20, "steady"), (14, "watch"), (5, "alarm")])
def test_decisions_are_compared_with_those_of_the_weeks_before(place: Workplace, fits: int, level: str) -> None:
    for number in range(4):
        decide(place, number, 20, 30)
    decide(place, 4, fits, 30)
    decide(place, 4, 0, 30, sample_probability=0.01)  # samples are no flags of the model
    put(place, posts(4))
    [found] = drift.look(place, 8).labels
    assert (found.label, found.decided, found.fits, found.before_decided, found.before_fits) == (
        "hate_group",
        30,
        fits,
        120,
        80,
    )
    assert found.level == level
    assert [alarm["what"] for alarm in drift.look(place, 8).alarms] == (["decisions"] if level == "alarm" else [])


def test_a_decision_that_was_taken_back_does_not_count(place: Workplace) -> None:
    decide(place, 0, 1, 1)
    put(place, posts(0))
    with place.ledger.write() as db:
        last = verdicts.latest(db, "ulasan0~0-0")
        assert last
        verdicts.record(db, Verdict(last.flag_id, "00", "u", MONDAY, {}, "open", supersedes=last.id))
    assert drift.look(place, 8).labels == ()


# ---- the verb


def test_the_verb_prints_tables_or_json_and_ends_well_even_with_alarms(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_weeks(place, posts(LATE, mean=0.5))
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(place.home.root))
    monkeypatch.setenv("KENTONGAN__OFFICE__LANGUAGE", "en")
    assert call(["drift", "--json", "--weeks", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["weeks"] == [week_name(LATE - 1), week_name(LATE)]
    assert {alarm["label"] for alarm in told["alarms"]} == set(LABELS)
    assert drift.last_report(place) == told
    assert call(["drift"]) == 0
    assert f"ALARM {week_name(LATE)} warga: the scores of" in " ".join(capsys.readouterr().out.split())
    assert call(["drift", "--week", "2020-W01"]) == 2
    assert f"there are {week_name(0)} to {week_name(LATE)}" in capsys.readouterr().err
    assert call(["drift", "--weeks", "0"]) == 2


def test_an_empty_home_has_nothing_to_compare(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(place.home.root))
    assert call(["drift", "--lang", "en"]) == 0
    assert "nothing to compare" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no posts of the week"):
        drift.look(place, 8, "2026-W37")


def test_an_alarm_lies_over_what_is_to_be_watched(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"drift\.alarm"):
        place_at(tmp_path, Clock(), KENTONGAN__DRIFT__WATCH="0.3")
