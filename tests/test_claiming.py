"""Claims on a real disk with the shipped ranker: from the fact-checkers to the posts, again, and after a kill."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from homes import MOMENT, Clock, decide, derived, file_of, id_of, place_at, queue, row, statuses, tags, take

from pipeline import claim_steps, claiming, doctor, fitting, steps
from pipeline.core.claims import Claim
from pipeline.core.config import ClaimSourceSettings
from pipeline.core.decisions import Verdict, snapshot_of
from pipeline.core.errors import ConfigError, Conflict, ItemError
from pipeline.core.types import StepReport
from pipeline.ledger import audit, chain, claims, verdicts
from pipeline.workplace import Workplace

CLAIM = "Pencoblosan 27 November ditunda sampai 4 Desember karena surat suara belum selesai dicetak"
POST = (
    "Info dari grup sebelah, pencoblosan 27 November ditunda sampai 4 Desember karena surat suara di banyak kabupaten "
    "belum selesai dicetak, jangan datang ke TPS dulu"
)
OTHER = "Selamat pagi tetangga, hari ini kerja bakti membersihkan selokan mulai jam tujuh, bawa cangkul masing-masing"


def review(number: int = 1, **changes: Any) -> dict[str, Any]:
    """A row of a file of claims: a debunk of an independent checker, unless told."""
    values = {
        "url": f"https://periksa{number}-contoh.example/{number}",
        "checker": f"Pemeriksa {number}",
        "checker_kind": "independent",
        "claim": CLAIM,
        "original": "Salah",
        "rating": "false",
        "reviewed_at": "2026-11-20",
    }
    return values | changes


def sync(
    place: Workplace, folder: Path, *rows: dict[str, Any], name: str = "klaim", **options: Any
) -> list[StepReport]:
    """Take the reviews in, each call as a file of its own content."""
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"items": rows}), encoding="utf-8")
    sources = {name: ClaimSourceSettings(kind="file", path=str(path))}
    done, reports = claim_steps.sync_claims(place, sources, **options)
    assert not done.failed, [str(failed.error) for failed in done.failed]
    assert all(report.total == sum(report.counts.values()) for report in reports)
    return reports


def outs(report: StepReport) -> dict[str, int]:
    return {name: number for name, number in report.counts.items() if number}


def known(place: Workplace) -> list[Claim]:
    with place.ledger.read() as db:
        return list(claims.since(db))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def place(tmp_path: Path, clock: Clock) -> Workplace:
    """A home with two posts, one of which carries the claim."""
    place = place_at(tmp_path / "home", clock)
    take(place, file_of(tmp_path, row(1, POST), row(2, OTHER)))
    return place


# ---- from the fact-checkers to the posts


def test_a_new_debunk_raises_posts_that_came_before_it(place: Workplace, tmp_path: Path) -> None:
    assert statuses(place) == {}
    landed, read, back, index = sync(place, tmp_path, review())
    assert outs(landed) == {"landed": 1}
    assert outs(read) == {"new": 1}
    assert outs(back) == {"raised": 1, "unchanged": 1}
    assert outs(index) == {"new": 1}
    (claim,) = known(place)
    flag = next(flag for flag in derived(place) if flag.claims)
    assert (flag.why, flag.claims[0].id, flag.claims[0].level) == (("claim",), claim.id, "match")
    assert flag.signals[-1].over
    assert "4 Desember" in {flag.post.text[reason.start : reason.end] for reason in flag.signals[-1].reasons}
    assert statuses(place) == {id_of(place, 1): "open"}
    assert ("claim", claim.id) in tags(place, id_of(place, 1))


def test_a_new_post_carries_a_known_claim_and_says_the_same_as_a_look_back(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    other = place_at(tmp_path / "other")
    sync(other, tmp_path, review())
    take(other, file_of(tmp_path, row(1, POST), row(2, OTHER)))
    (before,), (after,) = ([flag for flag in derived(each) if flag.why] for each in (place, other))
    assert (before.why, before.signals, before.claims) == (after.why, after.signals, after.claims)
    assert before.post.expires_at == after.post.expires_at


def test_twice_is_once(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review(), review(2, claim="Bantuan 600 ribu dibagikan kepada semua pemilih di kelurahan"))
    flags, before, rev = derived(place), known(place), place.claim_index.rev
    for options in ({}, {"again": True}):
        reports = sync(place, tmp_path, review(), review(2, claim=before[1].text), **options)
        assert set().union(*map(outs, reports)) <= {"again", "unchanged"}
        assert (derived(place), known(place), place.claim_index.rev, len(place.claim_index)) == (flags, before, rev, 2)


def test_a_dry_run_writes_nothing(place: Workplace, tmp_path: Path) -> None:
    files = set(place.home.root.rglob("*"))
    (report,) = sync(place, tmp_path, review(), dry_run=True)
    assert outs(report) == {"landed": 1}
    assert set(place.home.root.rglob("*")) - files == {place.home.root / "lock" / "claims"}


def test_what_is_no_review_is_quarantined_with_its_reason(place: Workplace, tmp_path: Path) -> None:
    landed, read, *_rest = sync(place, tmp_path, review(), review(2, claim="", title=""))
    assert outs(landed) == {"landed": 1, "quarantined": 1}
    assert outs(read) == {"new": 1}


# ---- one claim, one id


def test_one_claim_of_two_checkers_has_one_id(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review(1), review(2))
    sync(place, tmp_path, review(3, claim=f"{CLAIM} semua"), name="lain")
    (claim,) = known(place)
    assert [each.checker for each in claim.reviews] == ["Pemeriksa 1", "Pemeriksa 2", "Pemeriksa 3"]


def test_another_number_name_or_a_negation_is_another_claim(place: Workplace, tmp_path: Path) -> None:
    texts = (CLAIM, CLAIM.replace("4 Desember", "11 Desember"), CLAIM.replace("ditunda", "tidak ditunda"))
    sync(place, tmp_path, *(review(number, claim=text) for number, text in enumerate(texts)))
    sync(place, tmp_path, review(9, claim=texts[1]), name="lain")
    assert sorted(len(claim.reviews) for claim in known(place)) == [1, 1, 2]


def test_claims_of_a_few_words_are_never_the_same(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review(1, claim="Video lama"), review(2, claim="Video lama"))
    assert len(known(place)) == 2


# ---- what makes no match


@pytest.mark.parametrize("kind", ["government", "interested"])
def test_a_denial_of_an_office_or_an_interested_party_never_matches(
    kind: str, place: Workplace, tmp_path: Path
) -> None:
    sync(place, tmp_path, review(checker_kind=kind))
    assert [claim.standing for claim in known(place)] == ["clarified"]
    assert [flag.claims for flag in derived(place)] == [(), ()]


def test_two_checkers_that_disagree_leave_it_disputed_and_unmatched(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    assert statuses(place)
    *_others, back, index = sync(place, tmp_path, review(2, rating="true", original="Benar"), name="lain")
    assert [claim.standing for claim in known(place)] == ["disputed"]
    assert (outs(back)["let_go"], index.total) == (1, 0)
    assert statuses(place) == {}


def test_a_post_that_denies_the_claim_does_not_carry_it(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    take(place, file_of(tmp_path, row(1, f"HOAKS, jangan percaya. {POST}, itu tidak benar kata KPU")))
    sync(place, tmp_path, review())
    (flag,) = derived(place)
    assert (flag.why, [match.level for match in flag.claims]) == ((), ["denial"])


# ---- taken back, back after long, too long ago


def test_a_debunk_that_was_taken_back_lets_go(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    sync(place, tmp_path, review(withdrawn=True))
    assert [claim.standing for claim in known(place)] == ["withdrawn"]
    assert len(place.claim_index) == 0
    assert [(flag.why, flag.claims) for flag in derived(place)] == [((), ()), ((), ())]
    assert statuses(place) == {}
    assert queue(place) == {}


def test_what_a_person_took_up_stays_when_its_debunk_is_taken_back(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    decide(place, id_of(place, 1), "fits", "confirmed")
    sync(place, tmp_path, review(withdrawn=True))
    assert statuses(place) == {id_of(place, 1): "confirmed"}
    assert list(queue(place)) == [id_of(place, 1)]


def test_an_old_claim_that_comes_back_says_so(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review(reviewed_at="2024-11-20"))
    assert [match.returned for flag in derived(place) for match in flag.claims] == [True]


def test_the_look_back_ends_after_90_days(tmp_path: Path, clock: Clock) -> None:
    place = place_at(tmp_path / "home", clock)
    for number, days in ((1, 20), (2, 75)):
        take(place, file_of(tmp_path, row(number, POST + " ya" * number), name=f"{number}.csv"))
        clock.move(days=days)
    sync(place, tmp_path, review())
    assert statuses(place) == {id_of(place, 2): "open"}


def test_a_text_that_spread_without_a_check_gets_one(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home", KENTONGAN__CLAIMS__SPREAD_COPIES="12")
    take(place, file_of(tmp_path, *(row(number, POST) for number in range(15))))
    assert [flag.why for flag in derived(place) if flag.why] == [("spread",)]
    sync(place, tmp_path, review())
    assert {flag.why for flag in derived(place)} == {("claim",)}
    sync(place, tmp_path, review(withdrawn=True))
    assert {flag.why for flag in derived(place)} == {()}


def test_replay_and_reindex_say_what_the_look_back_said(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    before, listed = [(flag.why, flag.signals, flag.claims) for flag in derived(place)], statuses(place)
    steps.replay(place, steps.landed(place))
    assert [(flag.why, flag.signals, flag.claims) for flag in derived(place)] == before
    place.close()
    (place.home.root / "index.db").unlink()
    again = place_at(place.home.root)
    steps.reindex(again)
    assert statuses(again) == listed


# ---- killed, lost, damaged


def _fail(*_args: object, **_named: object) -> None:
    raise InterruptedError("killed")


@pytest.mark.parametrize(
    ("room", "name"),
    [(claiming, "read"), (claiming, "_note"), (claiming, "catch_up"), (claiming, "look_back"), (claim_steps, "index")],
    ids=["landed", "read", "in the ledger", "in the index", "in derived"],
)
def test_a_sync_that_was_killed_loses_nothing(
    room: Any, name: str, place: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch, pytest.raises(InterruptedError):
        patch.setattr(room, name, _fail)
        sync(place, tmp_path, review())
    sync(place, tmp_path, review())
    assert statuses(place) == {id_of(place, 1): "open"}
    assert len(known(place)) == len(place.claim_index) == 1


def test_a_sync_beside_a_flag_run_goes_on_the_next_time(place: Workplace, tmp_path: Path) -> None:
    with place.home.lock("flag"), pytest.raises(Conflict):
        sync(place, tmp_path, review())
    sync(place, tmp_path, review())
    assert statuses(place) == {id_of(place, 1): "open"}


def test_a_claims_index_that_is_lost_or_damaged_is_made_again(place: Workplace, tmp_path: Path, clock: Clock) -> None:
    sync(place, tmp_path, review())
    folder = place.claim_index_folder
    for number, lose in enumerate((lambda: shutil.rmtree(folder), lambda: _spoil(folder)), start=3):
        place.close()
        lose()
        clock.move(hours=1)
        place = place_at(tmp_path / "home", clock)
        take(place, file_of(tmp_path, row(number, f"{POST} {'ya' * number}"), name=f"{number}.csv"))
        assert statuses(place)[id_of(place, number)] == "open"
        assert len(place.claim_index) == 1


def _spoil(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"no database" * 1_000)


def test_a_run_sees_what_another_process_brought_into_the_index(place: Workplace, tmp_path: Path, clock: Clock) -> None:
    sync(place, tmp_path, review(claim="Bantuan 600 ribu dibagikan kepada semua pemilih di kelurahan"))
    assert place.matcher is not None
    other = place_at(tmp_path / "home", clock)
    sync(other, tmp_path, review(2), name="lain")
    clock.move(hours=1)
    take(place, file_of(tmp_path, row(3, f"{POST} ya"), name="3.csv"))
    assert statuses(place)[id_of(place, 3)] == "open"


def test_a_damaged_part_stands_in_quarantine_and_the_others_are_read(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    (part,) = place.home.claims.glob("landing/*/*/*/part-*")
    part.write_bytes(part.read_bytes()[:-20])
    (place.home.claims / "read.json").write_text("no json")
    reports = sync(place, tmp_path, review(2), name="lain")
    assert outs(reports[1])["new"] == 1
    assert outs(reports[1])["quarantined"] == 1


def test_settings_that_a_part_landed_with_may_be_damaged(place: Workplace) -> None:
    with pytest.raises(ItemError, match="damaged"):
        place.claim_source_landed("klaim", {"kind": "nothing"})


# ---- the doctor


def test_the_doctor_names_a_source_that_fails_and_an_index_that_is_behind(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "klaim.csv")
    named = {"KENTONGAN__CLAIM_SOURCES__PERIKSA__KIND": "file", "KENTONGAN__CLAIM_SOURCES__PERIKSA__PATH": path}
    place = place_at(tmp_path / "home", clock, **named)
    sources = dict(place.settings.claim_sources)
    done, _reports = claim_steps.sync_claims(place, sources)
    assert steps.exit_code(done.failed) == 2
    assert "kentongan claims sync --source periksa" in _wrong(place)
    file = Path(path)
    file.write_text("url,claim,original\nhttps://periksa.example/1,Kotak suara dibuka di truk saat malam hari,Salah\n")
    claim_steps.sync_claims(place, sources)
    assert _wrong(place) == ""
    shutil.rmtree(place.claim_index_folder)
    assert "behind the ledger" in _wrong(place)
    place.forget_claims()
    assert not place.claim_index_folder.exists()
    claim_steps.sync_claims(place, sources)
    place.thresholds_file.write_text("{}")
    assert "holds no thresholds" in _wrong(place)


def _wrong(place: Workplace) -> str:
    return " ".join(each.says for each in doctor.examine(place) if each.code == "claims" and not each.well)


# ---- thresholds


def _ordinary(folder: Path, count: int) -> Path:
    """Texts of everyday life; one in a hundred shares some words with the claim."""
    days = ("Senin", "Selasa", "Rabu", "Kamis", "Jumat")
    lines = [f"{days[at % 5]} ini warga RT {at} gotong royong membersihkan kali nomor {at}" for at in range(count)]
    for at in range(0, count, 100):
        lines[at] = f"warga RT {at} menunggu surat suara untuk pencoblosan 27 November nanti di rumah nomor {at}"
    path = folder / "biasa.txt"
    path.write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    return path


def test_thresholds_are_fitted_to_ordinary_posts(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    file = _ordinary(tmp_path, 3_000)
    tried = claim_steps.fit_claims(place, [file], 0.02, 0.001, dry_run=True)
    assert not place.thresholds_file.exists()
    fitted = claim_steps.fit_claims(place, [file], 0.02, 0.001)
    assert fitted == tried
    assert (fitted.texts, fitted.notes) == (3_000, ())
    assert place.matcher is not None
    assert place.matcher.thresholds == fitted.now != fitted.before
    scores = place.matcher.top_scores(file.read_text().splitlines())
    assert sum(score >= fitted.now.suggest for score in scores) <= 60
    assert sum(score >= fitted.now.match for score in scores) <= 3
    with place.ledger.read() as db:
        newest = next(iter(chain.entries(db, ["00"], actions=["config"], newest=True, limit=1)))
        assert newest.details["changed"] == ["claim_thresholds"]
    with place.ledger.write() as db:
        assert audit.note_settings(db, "00", "program", MOMENT, place.watched()) == []


def test_few_ordinary_posts_do_not_lower_the_upper_threshold(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    fitted = claim_steps.fit_claims(place, [_ordinary(tmp_path, 1_000)], 0.01, 0.0001)
    assert fitted.now.match >= fitted.before.match
    assert "too few" in fitted.notes[0]
    with pytest.raises(ConfigError, match="too few"):
        claim_steps.fit_claims(place, [_ordinary(tmp_path, 999)])
    with pytest.raises(ConfigError, match="cannot be read"):
        claim_steps.fit_claims(place, [tmp_path / "nothing.txt"])


def test_an_office_with_few_posts_keeps_its_thresholds(place: Workplace, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no claim is known"):
        claim_steps.fit_claims(place)
    sync(place, tmp_path, review())
    fitted = claim_steps.fit_claims(place)
    assert (fitted.texts, fitted.now) == (1, fitted.before)
    assert "only 1 unflagged posts" in fitted.notes[0]


def test_reviewers_who_find_matches_wrong_raise_the_upper_threshold(tmp_path: Path) -> None:
    place = place_at(tmp_path / "home")
    sync(place, tmp_path, review())
    take(place, file_of(tmp_path, *(row(n, f"{POST} {OTHER[: 4 * n]}") for n in range(24))))
    flags = sorted((flag for flag in derived(place) if flag.claims), key=lambda flag: -flag.claims[0].score)
    assert len(flags) == 24
    with place.ledger.write() as db:
        for at, flag in enumerate(flags):
            code, right = f"claim:{flag.claims[0].id}", at < 12
            verdicts.record(
                db,
                Verdict(
                    flag.id,
                    *("00", "r1", MOMENT, {code: "fits" if right else "not"}, "confirmed" if right else "rejected"),
                    reasons=() if right else ("other_claim",),
                    snapshot=snapshot_of(flag, hidden=False),
                ),
            )
    fitted = claim_steps.fit_claims(place)
    assert (fitted.judged, fitted.wrong) == (24, 12)
    over = [at for at, flag in enumerate(flags) if flag.claims[0].score >= fitted.now.match]
    assert fitted.now.match > fitted.before.match
    assert 0 < len(over) <= 13


@pytest.mark.parametrize(
    ("judged", "threshold"),
    [
        ([(0.9, True)] * 19, 0.5),
        ([(0.9, False)] * 19, 0.5),  # too few to say anything
        ([(0.9, True)] * 18 + [(0.6, False)] * 2, 0.5),
        ([(0.9, True)] * 18 + [(0.6, False)] * 3, 0.9),
        ([(0.9, True)] * 18 + [(0.7, False)] * 2 + [(0.6, False)], 0.7),
        ([(0.9, False)] * 20, 0.9001),
        ([(0.9, True)] * 20 + [(0.4, False)] * 20, 0.5),  # under the threshold already
    ],
)
def test_how_far_reviewers_raise_it(judged: list[tuple[float, bool]], threshold: float) -> None:
    assert fitting._by_reviewers(judged, 0.5) == pytest.approx(threshold)


def test_damaged_thresholds_stop_with_what_to_do(place: Workplace, tmp_path: Path) -> None:
    sync(place, tmp_path, review())
    place.thresholds_file.write_text('{"suggest": 0.9, "match": 0.1}')
    place.forget_claims()
    with pytest.raises(ConfigError, match="claims fit"):
        take(place, file_of(tmp_path, row(5, POST), name="5.csv"))
