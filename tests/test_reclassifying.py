"""After a promotion the last week is flagged again: nothing a person did is lost, nothing past its time is read."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from homes import (
    MOMENT,
    PARTITION,
    THREAT,
    Clock,
    decide,
    derived,
    file_of,
    id_of,
    place_at,
    queue,
    row,
    statuses,
    take,
)

from pipeline import claim_steps, erasing, reclassifying, steps
from pipeline.classify.artefact import Artefact, read_manifest, write_artefact
from pipeline.classify.features import Vocabulary
from pipeline.classify.heads import HEADS, MODEL_LABELS, LabelSettings
from pipeline.classify.promoted import Entry, State, write_state
from pipeline.core.config import ClaimSourceSettings
from pipeline.core.decisions import Verdict
from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.identity import subject_of
from pipeline.core.types import StepReport
from pipeline.ledger import items, verdicts
from pipeline.sources.registry import guess_source
from pipeline.text import normalise
from pipeline.workplace import Workplace

STRICT = {"KENTONGAN__POLICY__THRESHOLDS": '{"threat": 1.1, "hate_group": 1.1}'}
"""As a model that finds no threat."""
TEXTS = {
    1: f"{THREAT} di Kota Pontianak",
    2: "nanti malam kita bakar gudang logistik, bawa bensin",
    3: "minggu depan kita bakar kantor bawaslu, kumpulkan jeriken di simpang",
    4: "selamat pagi, hari ini cerah di kampung kita yang tenang",
}


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with three threats of one hour and one of the next; never written to."""
    folder = tmp_path_factory.mktemp("flagged")
    clock = Clock()
    place = place_at(folder / "home", clock)
    take(place, file_of(folder, *(row(number, text) for number, text in TEXTS.items())))
    clock.move(hours=1)
    take(place, file_of(folder, row(5, "lusa kita bakar kantor camat, parang jangan lupa dibawa"), name="lagi.csv"))
    place.close()
    return folder / "home"


@pytest.fixture
def home(flagged: Path, tmp_path: Path) -> Path:
    """That home, to write to."""
    shutil.copytree(flagged, tmp_path / "home")
    return tmp_path / "home"


def again(place: Workplace, days: int = 7, **options: Any) -> list[StepReport]:
    """All recent partitions, in order, as the verb and the scheduler do."""
    now = place.clock()
    return [steps.reclassify(place, each, now=now, **options) for each in reclassifying.recent(place, days, now)]


def outs(reports: list[StepReport]) -> dict[str, int]:
    names = {name for report in reports for name in report.counts}
    found = {name: sum(report.counts.get(name, 0) for report in reports) for name in sorted(names)}
    return {name: count for name, count in found.items() if count}


def later(home: Path, clock: Clock | None = None, **environ: str) -> Workplace:
    clock = clock or Clock()
    clock.move(hours=2)
    return place_at(home, clock, **environ)


def files(home: Path) -> dict[str, bytes]:
    """What stands in landing, derived, quarantine."""
    folders = (home / name for name in ("landing", "derived", "quarantine"))
    return {str(path): path.read_bytes() for each in folders for path in each.rglob("*") if path.is_file()}


def state(place: Workplace) -> tuple[Any, ...]:
    """Flags of both hours, queue and index."""
    flags = [
        (flag.id, flag.why, flag.fingerprint) for hour in (10, 11) for flag in derived(place, f"2026-11-21/{hour}")
    ]
    return flags, {key: each.status for key, each in queue(place).items()}, statuses(place)


# ---- new, gone, the same


def test_what_another_model_says_is_counted_and_stands_in_queue_and_index(home: Path) -> None:
    place = later(home, **STRICT)
    first, second = again(place)
    assert (first.partition, second.partition) == (PARTITION, "2026-11-21/11")
    assert first.counts == {"new_flags": 0, "still_flagged": 0, "gone_flags": 3, "kept_flags": 0}
    assert first.tables == {"flags": {"before": 3, "after": 0}}
    assert second.counts["gone_flags"] == 1
    assert queue(place) == statuses(place) == {}
    back = later(home)
    assert outs(again(back)) == {"new_flags": 4}
    assert len(queue(back)) == len(statuses(back)) == 4


def test_what_stands_as_the_model_says_is_passed_over(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = later(home)
    before = files(home)
    monkeypatch.setattr(steps, "flag", None)
    monkeypatch.setattr(steps, "index", None)
    assert outs(again(place)) == {"still_flagged": 4}
    assert files(home) == before


def _promote(home: Path) -> str:
    """Put a model in service that finds hatred in everything; its name."""
    texts = ("selamat pagi hari ini cerah", "pasar ramai")
    vocabulary = Vocabulary.learn([normalise(text) for text in texts], (1, 1, 1))
    weights = np.zeros((vocabulary.size, len(HEADS)), np.float32)
    labels = {label: LabelSettings(1.0, 0.0, 0.3, 0.1, "a test") for label in MODEL_LABELS}
    folder = home / "models" / "tfidf-2027-01-01"
    folder.mkdir(parents=True)
    made = Artefact(folder.name, vocabulary, weights, np.zeros(len(HEADS), np.float32), labels)
    write_artefact(made, folder, metrics={"labels": {}}, card="# card\n")
    entry = Entry(folder.name, read_manifest(folder)[1], "home", "2026-11-21T00:00:00+00:00", "u1")
    write_state(home / "models", State(entry, ()))
    return folder.name


def test_a_model_that_was_promoted_meanwhile_is_taken_up_by_a_running_worker(home: Path) -> None:
    place = later(home)
    assert outs(again(place)) == {"still_flagged": 4}
    name = _promote(home)
    assert outs(again(place)) == {"still_flagged": 4, "new_flags": 1}
    assert id_of(place, 4) in statuses(place)
    assert {signal.model for flag in derived(place) for signal in flag.signals} >= {name}
    assert outs(again(place)) == {"still_flagged": 5}


def test_a_dry_run_says_the_same_and_writes_nothing(home: Path) -> None:
    place = later(home, **STRICT)
    decide(place, id_of(place, 1), "fits", "confirmed")
    before = files(home), queue(place), statuses(place)
    said = again(place, dry_run=True)
    assert (files(home), queue(place), statuses(place)) == before
    assert [(each.counts, each.tables) for each in said] == [(each.counts, each.tables) for each in again(place)]
    assert outs(said) == {"gone_flags": 3, "kept_flags": 1}
    back = later(home)
    assert [each.counts for each in again(back, dry_run=True)] == [each.counts for each in again(back)]


# ---- what people did


def test_what_a_person_took_up_stays_as_it_is(home: Path) -> None:
    clock = Clock()
    place = later(home, clock, **STRICT)
    confirmed, rejected, held, free = (id_of(place, number) for number in (1, 2, 3, 5))
    decide(place, confirmed, "fits", "confirmed", note="catatan")
    decide(place, rejected, "not", "rejected", "criticism")
    with place.ledger.write() as db:
        assert items.hold(db, subject_of(held), "r2", clock.now, 20)
    for _time in range(2):
        found = outs(again(place))
        assert statuses(place) == {confirmed: "confirmed", rejected: "rejected", held: "claimed"}
    assert found == {}, "the second time nothing is left to say"
    assert free not in queue(place)
    text = place.store.get(confirmed)
    assert text is not None
    assert text.post.text == TEXTS[1], "what the reviewer saw stays readable"
    with place.ledger.read() as db:
        assert [each.note for each in verdicts.history(db, confirmed)] == ["catatan"]
    clock.move(minutes=21)
    steps.index(place, PARTITION, now=clock.now)
    assert set(queue(place)) == {confirmed, rejected}, "held for too long and decided by nobody: it goes too"
    back = later(home, clock)
    assert outs(again(back)) == {"new_flags": 4}
    assert statuses(back) == {confirmed: "confirmed", rejected: "rejected", held: "open", free: "open"}


def _decide_on(place: Workplace, flag_id: str) -> None:
    """As the desk does: the verdict says why the reviewer was asked."""
    snapshot = {"why": ["claim", "no such reason"], "sample_probability": None}
    given = Verdict(flag_id, "00", "r1", place.clock(), {"threat": "fits"}, "confirmed", snapshot=snapshot)
    with place.ledger.write() as db:
        verdicts.record(db, given)


def test_an_index_that_is_made_again_has_what_was_decided_though_no_rule_flags_it_any_more(home: Path) -> None:
    clock = Clock()
    place = later(home, clock, **STRICT)
    _decide_on(place, id_of(place, 1))
    decide(place, id_of(place, 2), "not", "rejected", "criticism")
    again(place)
    before = statuses(place)
    assert set(before.values()) == {"confirmed", "rejected"}
    for _time in range(2):
        place.close()
        for path in home.glob("index.db*"):
            path.unlink()
        place = later(home, clock, **STRICT)
        steps.reindex(place)
        assert statuses(place) == before
    found = place.store.get(id_of(place, 1))
    assert found is not None
    assert (found.post.text, found.why) == (TEXTS[1], ("claim",)), "for what a person was asked then"
    clock.move(days=30)
    steps.reindex(later(home, clock, **STRICT))
    for path in home.glob("index.db*"):
        path.unlink()
    place = later(home, clock, **STRICT)
    steps.reindex(place)
    assert statuses(place) == {id_of(place, 1): "confirmed"}, "a text past its time does not come back"


def test_the_text_of_what_was_decided_outlives_its_flag_as_long_as_it_would_have(home: Path) -> None:
    clock = Clock()
    place = later(home, clock, **STRICT)
    decide(place, id_of(place, 1), "fits", "confirmed")
    again(place)
    clock.move(days=300)
    steps.purge(place, now=clock.now)
    assert [flag.id for flag in derived(place)] == [id_of(place, 1)]
    found = place.store.get(id_of(place, 1))
    assert found is not None
    assert found.post.text == TEXTS[1]
    clock.move(days=66)
    steps.purge(place, now=clock.now)
    assert derived(place) == []
    found = place.store.get(id_of(place, 1))
    assert found is not None
    assert found.post.text == ""


def test_samples_are_drawn_again_the_same_and_their_decisions_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.flagging.sample_rank", lambda flag_id: sum(map(ord, flag_id)) % 100 / 10_000)
    asked = {"KENTONGAN__POLICY__SAMPLE_SHARE": "0.01", "KENTONGAN__POLICY__SAMPLE_PER_DAY": "3"}
    clock = Clock()
    place = place_at(tmp_path / "home", clock, **asked)
    words = "satu dua tiga empat lima enam tujuh delapan".split()
    take(place, file_of(tmp_path, *(row(n, f"kabar {words[n]} dari kampung") for n in range(8)), row(9, THREAT)))
    samples = {flag.id for flag in derived(place) if "sample" in flag.why}
    assert len(samples) == 3
    first = min(samples)
    decide(place, first, "not", "rejected", "report")
    for environ in (STRICT, {}):
        place = later(tmp_path / "home", clock, **asked, **environ)
        (report,) = again(place)
        assert report.tables["flags"] == {"before": 0 if not environ else 1, "after": 1 if not environ else 0}
        assert len([flag for flag in derived(place) if "sample" in flag.why]) == 3
        assert queue(place)[first].status == "rejected"
        assert sum(each.sample for each in queue(place).values()) <= 4, "one was decided, three are asked about"
    assert {flag.id for flag in derived(place) if "sample" in flag.why} == samples


def test_a_claim_that_came_after_the_post_stays_with_it(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    post = (
        "Info dari grup sebelah, pencoblosan 27 November ditunda sampai 4 Desember karena surat suara di banyak "
        "kabupaten belum selesai dicetak, jangan datang ke TPS dulu"
    )
    take(place, file_of(tmp_path, row(1, post), row(2, THREAT)))
    claim = "Pencoblosan 27 November ditunda sampai 4 Desember karena surat suara belum selesai dicetak"
    review = {"url": "https://periksa.example/1", "checker": "Pemeriksa", "checker_kind": "independent"}
    review |= {"claim": claim, "original": "Salah", "rating": "false", "reviewed_at": "2026-11-20"}
    (tmp_path / "klaim.json").write_text(json.dumps({"items": [review]}), encoding="utf-8")
    claim_steps.sync_claims(place, {"klaim": ClaimSourceSettings(kind="file", path=str(tmp_path / "klaim.json"))})
    before = {flag.id: (flag.why, flag.claims) for flag in derived(place) if flag.why}
    assert {why for why, _claims in before.values()} == {("claim",), ("signal",)}
    place = later(tmp_path / "home", clock, **STRICT)
    assert outs(again(place)) == {"gone_flags": 1, "still_flagged": 1}
    left = {flag.id: (flag.why, flag.claims) for flag in derived(place) if flag.why}
    assert left == {id_of(place, 1): before[id_of(place, 1)]}
    assert statuses(place) == {id_of(place, 1): "open"}


def test_an_erased_post_does_not_come_back(home: Path) -> None:
    place = later(home)
    gone = id_of(place, 1)
    erasing.erase(place, gone, actor="pdp", reason="request")
    strict = later(home, **STRICT)
    again(strict)
    back = later(home)
    assert outs(again(back)) == {"new_flags": 3}
    assert gone not in {*queue(back), *statuses(back), *(flag.id for flag in derived(back))}


# ---- killed, and past its time


@pytest.mark.parametrize("at", ["index", "withdraw", "second"])
def test_what_was_killed_goes_on_where_it_was(
    home: Path, tmp_path: Path, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(home, tmp_path / "undisturbed")
    for folder in (home, tmp_path / "undisturbed"):
        decide(later(folder), id_of(later(folder), 1), "fits", "confirmed")
    undisturbed = later(tmp_path / "undisturbed", **STRICT)
    again(undisturbed)
    place = later(home, **STRICT)
    with monkeypatch.context() as patched, pytest.raises(StoreUnavailable):
        _breaks(place, at, patched)
        again(place)
    again(later(home, **STRICT))
    assert state(later(home, **STRICT)) == state(undisturbed)
    assert outs(again(later(home, **STRICT))) == {}


def _breaks(place: Workplace, at: str, patched: pytest.MonkeyPatch) -> None:
    """The store goes away at that moment."""

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    if at == "index":
        patched.setattr(steps, "index", away)
    elif at == "second":
        plain: Callable[..., StepReport] = steps.flag
        patched.setattr(
            steps, "flag", lambda place, hour, **o: plain(place, hour, **o) if hour == PARTITION else away()
        )
    else:
        patched.setattr(type(place.store), "withdraw", away)


def test_raw_items_past_their_time_are_not_read_again_though_nobody_purged(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    name, settings = guess_source(file_of(tmp_path, row(1, THREAT)), {})
    steps.run(place, {name: settings.model_copy(update={"max_days": 3})})
    clock.move(days=2.9)
    assert outs(again(place_at(tmp_path / "home", clock, **STRICT), dry_run=True)) == {"gone_flags": 1}
    clock.move(days=0.2)
    strict = place_at(tmp_path / "home", clock, **STRICT)
    before = files(tmp_path / "home")
    for dry in (True, False):
        (report,) = again(strict, dry_run=dry)
        assert report.counts == {"left_alone": 1}
        assert report.notes == (f"{PARTITION}: raw items are past their time; it stays as it was flagged",)
    assert files(tmp_path / "home") == before
    steps.purge(strict, now=clock.now)
    assert again(strict) == [], "nothing landed is left"


def test_a_partition_that_was_purged_in_part_stays_as_it_was(tmp_path: Path) -> None:
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    short, settings = guess_source(file_of(tmp_path, row(1, THREAT), name="singkat.csv"), {})
    name, longer = guess_source(file_of(tmp_path, row(2, TEXTS[2]), name="lama.csv"), {})
    steps.run(place, {short: settings.model_copy(update={"max_days": 3}), name: longer})
    clock.move(days=4)
    steps.purge(place, now=clock.now)
    strict = place_at(tmp_path / "home", clock, **STRICT)
    assert outs(again(strict)) == {"left_alone": 1}
    assert statuses(strict)[id_of(strict, 2)] == "open"


def test_more_than_a_week_back_is_refused(home: Path) -> None:
    clock = Clock()
    clock.move(days=7)
    place = place_at(home, clock)
    assert again(place)
    clock.move(hours=3)
    place = place_at(home, clock)
    assert reclassifying.recent(place, 7, clock.now) == []
    with pytest.raises(ConfigError, match="2026-11-21/10 is more than 7 days old: what was a copy then can no longer"):
        steps.reclassify(place, PARTITION, now=clock.now)


def test_what_was_a_copy_a_week_before_is_one_again_after_a_purge(tmp_path: Path) -> None:
    """A week that is flagged anew gives the flags that its days gave: signatures stay as long as it needs them."""
    clock = Clock()
    place = place_at(tmp_path / "home", clock)
    take(place, file_of(tmp_path, row(1, THREAT)))
    clock.move(days=6.9)
    take(place, file_of(tmp_path, row(1, THREAT), row(2, TEXTS[2]), name="lagi.csv"))
    clock.move(days=6.9)
    steps.purge(place, now=clock.now)
    before = statuses(place)
    for environ in (STRICT, {}):
        other = place_at(tmp_path / "home", clock, **environ)
        (report,) = again(other)
        assert report.total == 1, "the copy is none of its flags"
    assert statuses(place_at(tmp_path / "home", clock)) == before


def test_recent_is_what_was_flagged_before_in_order(home: Path, tmp_path: Path) -> None:
    clock = Clock()
    clock.move(hours=5)
    place = place_at(home, clock)
    name, settings = guess_source(file_of(tmp_path, row(8, "kabar"), name="baru.csv"), {})
    steps.ingest(place, {name: settings})
    assert steps.landed(place)[-1] == "2026-11-21/15"
    assert reclassifying.recent(place, 7, clock.now) == [PARTITION, "2026-11-21/11"]
    assert reclassifying.recent(place, 1, MOMENT + timedelta(days=1, hours=1)) == ["2026-11-21/11"]


def test_a_damaged_file_of_before_is_written_anew(home: Path) -> None:
    place = later(home, **STRICT)
    next((home / "derived" / PARTITION).glob("posts-*")).write_bytes(b"damaged")
    again(place)
    assert len(derived(place)) == 4
