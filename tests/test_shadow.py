"""A candidate beside the model in service: what is counted, who is asked first, and that it decides nothing."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from pipeline import doctor, shadowing, steps
from pipeline.classify.policy import Policy
from pipeline.classify.priority import base_priority
from pipeline.classify.promoted import SHADOW, Entry, read_shadow, write_shadow
from pipeline.classify.shadow import COMPARED, Comparison
from pipeline.cli.app import call
from pipeline.cli.flow import tell_notes
from pipeline.core.decisions import Decision, Verdict
from pipeline.core.errors import ConfigError, ItemError, ModelError
from pipeline.core.types import Flag, Post, Signal, Status
from pipeline.landing.derived import derived_file, read_notes
from pipeline.ledger import verdicts
from pipeline.ledger.chain import entries
from pipeline.train import promotion
from pipeline.workplace import Workplace
from tests.homes import (
    PARTITION,
    SHIPPED,
    THREAT,
    Clock,
    candidate,
    derived,
    file_of,
    id_of,
    place_at,
    queue,
    row,
    take,
)

EAGER = {"hate_group": 1e-9}  # flags everything for hatred against a group
CALM = [f"pasar {name} ramai, harga {name} turun lagi hari ini" for name in ("bawang", "cabai", "telur")]
ASKED = {"KENTONGAN__POLICY__TEACH_PER_DAY": "48"}


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return place_at(tmp_path / "home", Clock(), **ASKED)


def _posts(folder: Path) -> str:
    return file_of(folder, *(row(n, text) for n, text in enumerate([THREAT, *CALM])))


def _notes(place: Workplace) -> dict[str, Any]:
    found: dict[str, Any] = read_notes(derived_file(place.home.derived, PARTITION)).get("shadow", {})
    return found


def test_a_candidate_is_counted_and_decides_nothing(place: Workplace, tmp_path: Path) -> None:
    alone = place_at(tmp_path / "alone", Clock(), KENTONGAN__POLICY__TEACH_PER_DAY="0")
    take(alone, _posts(tmp_path))
    folder = candidate(tmp_path / "out", thresholds=EAGER)
    assert promotion.set_shadow(place, str(folder), "u1") == folder.name
    _ingest, flag, _index = take(place, _posts(tmp_path))
    assert flag.tables["shadow_hate_group"] == {"both": 0, "served": 0, "candidate": 4, "neither": 0}
    assert flag.tables["shadow_incitement"]["neither"] == 4
    assert (flag.counts["flagged"], flag.counts["taught"]) == (1, 3)
    notes = _notes(place)
    assert (notes["name"], notes["posts"], notes["served"]) == (folder.name, 4, place.classifier.digest)
    assert notes["labels"]["hate_group"]["distance"] == 0  # the same scores, another threshold
    flags = {row.post.text: row for row in derived(place)}
    assert {text: row.differs for text, row in flags.items()} == dict.fromkeys(flags, ("hate_group",))
    before = {row.post.text: row for row in derived(alone)}
    for text, found in flags.items():  # fingerprints, signals and what is flagged are those of the model in service
        assert found.signals == before[text].signals
        assert found.why in (before[text].why, ("teach",))
    assert place.fingerprint == place_at(_home(place), Clock(), **ASKED).fingerprint
    assert SHIPPED.name == place.classifier.name


def _home(place: Workplace) -> Path:
    return place.home.root


def test_a_replay_says_the_same(place: Workplace, tmp_path: Path) -> None:
    promotion.set_shadow(place, str(candidate(tmp_path / "out", thresholds=EAGER)), "u1")
    take(place, _posts(tmp_path))
    first, noted = derived(place), _notes(place)
    steps.replay(place, [PARTITION])
    assert (derived(place), _notes(place)) == (first, noted)


def test_without_a_candidate_nothing_is_noted_and_the_next_partition_forgets_it(
    place: Workplace, tmp_path: Path
) -> None:
    take(place, _posts(tmp_path))
    assert _notes(place) == {}
    promotion.set_shadow(place, str(candidate(tmp_path / "out", thresholds=EAGER)), "u1")
    steps.replay(place, [PARTITION])
    assert _notes(place)
    assert promotion.set_shadow(place, "", "u1") == ""
    steps.replay(place, [PARTITION])
    assert _notes(place) == {}
    assert {row.differs for row in derived(place)} == {()}


def test_people_say_which_of_the_two_is_right(place: Workplace, tmp_path: Path) -> None:
    promotion.set_shadow(place, str(candidate(tmp_path / "out", thresholds=EAGER)), "u1")
    take(place, _posts(tmp_path))
    ids = [id_of(place, number) for number in range(4)]
    assert set(queue(place)) == set(ids)
    _judge(place, ids[1], {"hate_group": "fits"}, "confirmed")
    _judge(place, ids[2], {"hate_group": "not"}, "rejected", "satire")
    found = shadowing.report(place, 7)
    assert (found.partitions, found.posts) == (1, 4)
    hate = found.labels["hate_group"]
    assert (hate.candidate, hate.right_candidate, hate.right_served, hate.undecided) == (4, 1, 1, 2)
    assert promotion.set_shadow(place, "", "u1") == ""
    assert shadowing.report(place, 7) == found  # of the last one, when it was taken away


def _judge(place: Workplace, flag_id: str, decisions: dict[str, Decision], status: Status, *reasons: str) -> None:
    with place.ledger.write() as db:
        verdict = Verdict(flag_id, place.settings.office.code, "r1", place.clock(), decisions, status, reasons=reasons)
        verdicts.record(db, verdict)


def test_two_models_in_service_are_two_comparisons(place: Workplace, tmp_path: Path) -> None:
    promotion.set_shadow(place, str(candidate(tmp_path / "out", thresholds=EAGER)), "u1")
    take(place, _posts(tmp_path))
    first = shadowing.report(place, 7)
    assert first.served == place.classifier.digest
    other = candidate(tmp_path / "other", name="tfidf-2027-02-02")
    assert promotion.promote(place, str(other), "u1").changed
    assert isinstance(place.clock, Clock)
    place.clock.move(hours=1)
    take(place, file_of(tmp_path, row(9, "jalan desa sudah diaspal lagi"), name="lagi.csv"))
    found = shadowing.report(place, 7)
    assert (found.served, found.partitions, found.posts) == (place.classifier.digest, 1, 1)


def test_a_damaged_partition_is_told_and_not_left_out(place: Workplace, tmp_path: Path) -> None:
    promotion.set_shadow(place, str(candidate(tmp_path / "out", thresholds=EAGER)), "u1")
    take(place, _posts(tmp_path))
    path = derived_file(place.home.derived, PARTITION)
    assert path is not None
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ItemError, match="kentongan replay"):
        shadowing.report(place, 7)


def test_what_is_disputed_stands_first(place: Workplace) -> None:
    flag = replace(_plain(0.9), why=("signal",))
    policy = Policy({}, 0.01, 50)
    assert base_priority(replace(flag, differs=("hate_group",)), policy) == base_priority(flag, policy) + 1
    unflagged = [replace(_plain(0.2), why=("teach",), post=replace(flag.post, id=f"x~{n}")) for n in range(100)]
    places = [base_priority(replace(each, differs=("hate_group",)), policy) for each in unflagged]
    assert min(places) >= 2 + 5.75 / 2
    assert max(places) <= 7.75


def _plain(score: float) -> Flag:
    post = Post("x~1", "s", "61", "post", "broadcast", "x", "x", Clock().now, PARTITION)
    return Flag(post, (Signal("hate_group", score, 0.6, "m"),))


class _Fixed:
    """A model that says what it was told."""

    name, digest = "fixed", "f" * 64

    def __init__(self, *scores: float) -> None:
        self.scores = scores

    def classify(self, texts: Any, *, reasons: bool = True) -> list[list[Signal]]:
        return [[Signal("hate_group", score, 0.5, "f")] for score, _text in zip(self.scores, texts, strict=True)]


@pytest.mark.parametrize(
    ("mine", "theirs", "outcome", "differs"),
    [
        (0.7, 0.8, "both", ()),
        (0.7, 0.4, "served", ("hate_group",)),
        (0.4, 0.5, "candidate", ("hate_group",)),
        (0.1, 0.2, "neither", ()),
    ],
)
def test_each_post_has_one_outcome(mine: float, theirs: float, outcome: str, differs: tuple[str, ...]) -> None:
    comparison = Comparison(_Fixed(theirs), "served", Policy({}, 0.01, 50))  # type: ignore[arg-type]  # only classify is asked
    (flag,) = comparison.beside([_plain(mine)])
    assert flag.differs == differs
    assert comparison.counts["hate_group"] == dict.fromkeys(("both", "served", "candidate", "neither"), 0) | {
        outcome: 1
    }
    assert comparison.distance["hate_group"] == pytest.approx(abs(mine - theirs))
    strict = Comparison(_Fixed(theirs), "served", Policy({"hate_group": 0.99}, 0.01, 50))  # type: ignore[arg-type]  # as above
    assert strict.beside([_plain(mine)])[0].differs == (("hate_group",) if mine >= 0.6 else ())


# ---- damage


def test_a_damaged_candidate_is_an_alarm_and_the_work_goes_on(place: Workplace, tmp_path: Path) -> None:
    folder = candidate(tmp_path / "out", thresholds=EAGER)
    promotion.set_shadow(place, str(folder), "u1")
    weights = _home(place) / "models" / folder.name / "weights.npz"
    weights.write_bytes(weights.read_bytes()[:-1])
    again = place_at(_home(place), Clock(), **ASKED)
    flag = take(again, _posts(tmp_path))[1]
    assert flag.counts["flagged"] == 1
    assert _notes(again) == {}
    assert any("no candidate scores beside" in note for note in flag.notes)
    assert any("no candidate scores beside" in each.says for each in doctor.examine(again) if not each.well)
    shutil.copyfile(folder / "weights.npz", weights)
    steps.replay(again, [PARTITION])
    assert _notes(again)["name"] == folder.name


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format": 9}', b'{"format": 1, "shadow": {"name": "../x"}}'])
def test_a_damaged_pointer_is_an_alarm(place: Workplace, tmp_path: Path, content: bytes) -> None:
    place.home.make()
    (_home(place) / "models").mkdir(parents=True, exist_ok=True)
    (_home(place) / "models" / SHADOW).write_bytes(content)
    flag = take(place, _posts(tmp_path))[1]
    assert flag.counts["flagged"] == 1
    assert "shadow.json is damaged" in " ".join(flag.notes)


def test_an_alarm_is_told_once_however_many_partitions_there_are(
    place: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.home.make()
    (_home(place) / "models").mkdir(exist_ok=True)
    (_home(place) / "models" / SHADOW).write_bytes(b"{")
    with capture_logs() as logs:
        reports = [*take(place, _posts(tmp_path))]
        reports += steps.replay(place, [PARTITION])
    assert [each["event"] for each in logs].count("model_alarm") == 1
    tell_notes(reports)
    assert capsys.readouterr().err.count("shadow.json is damaged") == 1


def test_a_candidate_outside_of_the_home_is_none(place: Workplace) -> None:
    write_shadow(_home(place) / "models", Entry(SHIPPED.name, "0" * 64, "shipped"))
    with pytest.raises(ModelError, match="outside of this home"):
        read_shadow(_home(place) / "models")


def test_a_folder_or_a_closed_file_in_its_place_is_said(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.home.make()
    path = _home(place) / "models" / SHADOW
    path.mkdir(parents=True)
    with pytest.raises(ModelError, match=r"shadow\.json is a folder"):
        read_shadow(path.parent)
    folder = candidate(tmp_path / "out", thresholds=EAGER)
    for wanted in (str(folder), ""):
        with pytest.raises(ConfigError, match=r"shadow\.json is a folder.*move the folder away"):
            promotion.set_shadow(place, wanted, "u1")
    path.rmdir()
    path.write_text("{}")

    def closed(*_args: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", closed)  # root may read what nobody else may
    with pytest.raises(ModelError, match=r"shadow\.json cannot be read; check owner and rights"):
        read_shadow(path.parent)


def test_a_candidate_that_fails_while_it_scores_stops_nothing(
    place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promotion.set_shadow(place, str(candidate(tmp_path / "out", thresholds=EAGER)), "u1")

    def fail(_self: Comparison, _flags: Any) -> list[Flag]:
        raise ModelError("it broke")

    monkeypatch.setattr(Comparison, "beside", fail)
    flag = take(place, _posts(tmp_path))[1]
    assert flag.counts["flagged"] == 1
    assert _notes(place) == {}
    assert any("it broke" in note for note in flag.notes)


def test_the_model_in_service_or_a_damaged_one_is_no_candidate(place: Workplace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is the model in service"):
        promotion.set_shadow(place, SHIPPED.name, "u1")
    folder = candidate(tmp_path / "out", thresholds=EAGER)
    (folder / "weights.npz").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"weights\.npz"):
        promotion.set_shadow(place, str(folder), "u1")
    with pytest.raises(ConfigError, match="scores no posts"):
        promotion.set_shadow(place, "claims-2026-11-25", "u1")
    with pytest.raises(ConfigError, match="there is no model"):
        promotion.set_shadow(place, "tfidf-2031-01-01", "u1")


# ---- the verbs


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ASKED | {"KENTONGAN__PATHS__HOME": str(tmp_path / "home")}).items():
        monkeypatch.setenv(name, value)
    folder = candidate(tmp_path / "out", thresholds=EAGER)
    assert call(["models", "diff", "--shadow", "--lang", "en"]) == 2
    assert "no candidate scored a partition" in capsys.readouterr().err
    for wrong in (["shadow"], ["shadow", "x", "--off"], ["diff"], ["diff", "a"], ["diff", "a", "b", "--shadow"]):
        assert call(["models", *wrong, "--lang", "en"]) == 2
    assert call(["models", "shadow", str(folder), "--lang", "en"]) == 0
    assert "decides nothing" in capsys.readouterr().out
    assert call(["models", "list", "--json", "--lang", "en"]) == 0
    assert "in the shadow" in capsys.readouterr().out
    assert call(["run", "--input", _posts(tmp_path), "--lang", "en"]) == 0
    assert "A candidate beside" in capsys.readouterr().out
    assert call(["models", "diff", "--shadow", "--json", "--lang", "en"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["labels"]) == set(COMPARED)
    assert found["posts"] == 4
    assert call(["models", "diff", "--shadow", "--lang", "en"]) == 0
    assert folder.name in capsys.readouterr().out
    assert call(["user", "add", "penelaah1", "--role", "reviewer", "--lang", "en"]) == 0
    assert call(["user", "add", "ilmuwan1", "--role", "scientist", "--lang", "en"]) == 0
    capsys.readouterr()
    assert call(["models", "diff", "--shadow", "--lang", "en"]) == 2, "it counts what people decided"
    assert "say who you are" in capsys.readouterr().err
    assert call(["models", "diff", "--shadow", "--as", "penelaah1", "--lang", "en"]) == 2
    assert "may not do this" in capsys.readouterr().err
    assert call(["models", "diff", "--shadow", "--as", "ilmuwan1", "--lang", "en"]) == 0
    assert call(["models", "shadow", "--off", "--as", "ilmuwan1", "--lang", "en"]) == 0
    place = place_at(tmp_path / "home", Clock())
    with place.ledger.read() as db:
        noted = [dict(each.details) for each in entries(db, actions=("shadow",))]
    assert [each["model"] for each in noted] == [folder.name, ""]


def test_a_candidate_that_is_promoted_leaves_the_shadow(place: Workplace, tmp_path: Path) -> None:
    folder = candidate(tmp_path / "out")
    promotion.set_shadow(place, str(folder), "u1")
    assert promotion.promote(place, folder.name, "u1").changed
    assert not (_home(place) / "models" / SHADOW).exists()
    take(place, _posts(tmp_path))
    assert _notes(place) == {}
