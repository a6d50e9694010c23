"""How long things are kept: settings shorten, two named people lengthen, and without a purge nothing more comes in."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from homes import MOMENT, PARTITION, THREAT, Clock, file_of, place_at, row, take
from hypothesis import given
from hypothesis import strategies as st

from pipeline import claim_steps, doctor, keeping, purging, steps
from pipeline.core.config import SourceSettings, shipped_retention
from pipeline.core.config_retention import LONGEST
from pipeline.core.errors import ConfigError, Conflict, TransientError
from pipeline.landing.raw import parts
from pipeline.ledger import audit, chain, people
from pipeline.purging import Purged, check_purged, is_overdue, last_purge
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

PASSWORD = "Empat kuda di pasar"
REASON = "sengketa hasil pemilihan"
STAFF = {"pdp": "privacy", "pdp2": "privacy", "kabid": "approver", "kasubbid": "supervisor", "tik": "admin"}
LONG = {"KENTONGAN__RETENTION__RAW_SOCIAL": "60"}


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a flag and a post, and an account of each role that matters here; never written to."""
    folder = tmp_path_factory.mktemp("staffed")
    place = place_at(folder / "home")
    take(place, file_of(folder, row(1, THREAT), row(2, "selamat pagi, hari ini cerah")))
    with pytest.MonkeyPatch.context() as patched, place.ledger.write() as db:
        stored = people._hash(PASSWORD)
        patched.setattr(people, "_hash", lambda _password: stored)
        for name, role in STAFF.items():
            people.add(db, name, "00", role, PASSWORD, MOMENT, must_change=False)
        people.add(db, "jauh", "61", "approver", PASSWORD, MOMENT, must_change=False)
        gone = people.add(db, "pensiun", "00", "supervisor", PASSWORD, MOMENT, must_change=False)
        people.disable(db, gone.id, MOMENT)
    place.close()
    return folder / "home"


@pytest.fixture
def home(staffed: Path, tmp_path: Path) -> Path:
    """That home, to write to."""
    shutil.copytree(staffed, tmp_path / "home")
    return tmp_path / "home"


def _source(folder: Path, number: int = 9) -> dict[str, SourceSettings]:
    name, settings = guess_source(file_of(folder, row(number, f"kabar ke-{number}"), name="lagi.csv"), {})
    return {name: settings}


def _later(home: Path, days: float, **environ: str) -> Workplace:
    clock = Clock()
    clock.move(days=days)
    return place_at(home, clock, **environ)


# ---- who may lengthen a period


def test_two_people_may_lengthen_a_period_and_the_setting_then_holds(home: Path, tmp_path: Path) -> None:
    place = place_at(home, **LONG)
    with pytest.raises(ConfigError, match="privacy lengthen raw_social 60 --by NAME --and NAME --reason TEXT"):
        steps.ingest(place, _source(tmp_path))
    assert keeping.lengthen(place, "raw_social", 60, ("pdp", "kabid"), f"  {REASON} ") == 30
    assert not steps.ingest(place, _source(tmp_path)).failed
    with place.ledger.read() as db:
        (noted,) = chain.entries(db, actions=["lengthen"])
        names = people.named(db, [noted.actor, noted.details["user"]])
        assert not chain.verify(db).problems
    assert (names[noted.actor], names[noted.details["user"]]) == ("pdp", "kabid")
    assert noted.details["reason"] == REASON
    assert (noted.details["period"], noted.details["before"], noted.details["days"]) == ("raw_social", 30, 60)
    place.close()
    steps.purge(_later(home, 45, **LONG), now=MOMENT + timedelta(days=45))
    assert parts(home / "landing", PARTITION)
    steps.purge(_later(home, 60, **LONG), now=MOMENT + timedelta(days=60))
    assert not parts(home / "landing", PARTITION)


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("pdp", "pdp"), "it takes two people; pdp is one"),
        (("pdp", "pdp2"), "a supervisor or approver of office 00"),
        (("kabid", "kasubbid"), "the data protection officer"),
        (("pdp", "tik"), "a supervisor or approver of office 00"),
        (("pdp", "jauh"), "a supervisor or approver of office 00"),
        (("pdp", "pensiun"), "there is no user pensiun"),
        (("pdp", "tiada"), "there is no user tiada"),
        (("PDP; --", "kabid"), "there is no user PDP; --"),
    ],
)
def test_others_may_not(home: Path, names: tuple[str, str], says: str) -> None:
    place = place_at(home)
    with pytest.raises(ConfigError, match=says):
        keeping.lengthen(place, "raw_social", 60, names, REASON)
    assert keeping.longest(place) == shipped_retention().model_dump()


@pytest.mark.parametrize(
    ("period", "days", "reason", "says"),
    [
        ("ledger", 60, REASON, 'there is no period "ledger"; there are raw_social'),
        ("raw_social", 29, REASON, "raw_social: 30 to 730 days; to keep it shorter nobody needs to agree"),
        ("confirmed", LONGEST + 1, REASON, "confirmed: 365 to 730 days"),
        ("raw_social", 60, " \n", "say why, in at most 500 characters"),
        ("raw_social", 60, "a" * 501, "say why, in at most 500 characters"),
    ],
)
def test_what_may_not_be_lengthened(home: Path, period: str, days: int, reason: str, says: str) -> None:
    place = place_at(home)
    with pytest.raises(ConfigError, match=says):
        keeping.lengthen(place, period, days, ("pdp", "kabid"), reason)
    assert keeping.longest(place) == shipped_retention().model_dump()


def test_a_longer_period_can_be_taken_back(home: Path, tmp_path: Path) -> None:
    place = place_at(home, **LONG)
    keeping.lengthen(place, "raw_social", 90, ("kasubbid", "pdp"), REASON)
    keeping.check_periods(place)
    assert keeping.lengthen(place, "raw_social", 30, ("pdp", "kasubbid"), "sengketa selesai") == 90
    for work in _work(place, tmp_path):
        with pytest.raises(ConfigError, match="raw_social = 60 is longer than the 30 days"):
            work()


def _work(place: Workplace, folder: Path) -> list[Callable[[], object]]:
    return [
        lambda: steps.ingest(place, _source(folder)),
        lambda: steps.ingest(place, _source(folder), dry_run=True),
        lambda: steps.flag(place, PARTITION, now=MOMENT),
        lambda: steps.purge(place, now=MOMENT),
        lambda: claim_steps.sync_claims(place, {}),
    ]


def test_a_longer_setting_stops_all_that_it_would_reach_and_takes_nothing_away(home: Path, tmp_path: Path) -> None:
    place = place_at(home, **LONG, KENTONGAN__RETENTION__CONFIRMED="366")
    before = {path: path.read_bytes() for path in (home / "landing").rglob("*") if path.is_file()}
    for work in _work(place, tmp_path):
        with pytest.raises(ConfigError) as caught:
            work()
        assert str(caught.value).count("kentongan privacy lengthen") == 2, "each period is named"
    assert {path: path.read_bytes() for path in (home / "landing").rglob("*") if path.is_file()} == before
    said = {found.code: found.says for found in doctor.examine(place) if not found.well}
    assert "raw_social = 60 is longer than the 30 days allowed" in said["retention"]


def test_what_another_office_of_the_ledger_agreed_to_is_not_ours(home: Path) -> None:
    place = place_at(home, **LONG)
    with place.ledger.write() as db:
        details = {"period": "raw_social", "days": 60}
        audit.note(db, "lengthen", office="61", actor="x", at=MOMENT, details=details)
    with pytest.raises(ConfigError, match="longer than the 30 days"):
        keeping.check_periods(place)


def test_shortening_needs_nobody(tmp_path: Path) -> None:
    shorter = {f"KENTONGAN__RETENTION__{name.upper()}": "1" for name in shipped_retention().model_dump()}
    place = place_at(tmp_path / "home", **shorter)
    take(place, file_of(tmp_path, row(1, THREAT)))
    keeping.check_periods(place_at(tmp_path / "none", **shorter))
    assert not (tmp_path / "none").exists(), "no ledger is opened for it"


@given(
    noted=st.lists(
        st.tuples(st.sampled_from([*shipped_retention().model_dump(), "unknown"]), st.integers(-5, 2_000)), max_size=12
    )
)
def test_the_last_note_of_a_period_holds_within_its_bounds(noted: list[tuple[str, int]]) -> None:
    said = [SimpleNamespace(details={"period": period, "days": days}) for period, days in noted]
    shipped, last = shipped_retention().model_dump(), dict(noted)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keeping, "entries", lambda *_args, **_options: said)
        found = keeping._longest(None, "00", shipped)  # type: ignore[arg-type]
    assert set(found) == set(shipped)
    for period, days in shipped.items():
        assert found[period] == max(days, min(LONGEST, last.get(period, days)))


# ---- without a purge nothing more comes in


def test_the_first_run_counts_as_the_start_and_a_young_home_is_not_refused(home: Path, tmp_path: Path) -> None:
    assert last_purge(place_at(home)) == Purged(MOMENT.isoformat())
    for days in (1, 10, 29.5):
        assert not steps.ingest(_later(home, days), _source(tmp_path)).failed, "nothing is past its time yet"


def test_ingest_stops_when_things_are_past_their_time_and_nobody_purges(home: Path, tmp_path: Path) -> None:
    place = _later(home, 30.5)
    with pytest.raises(TransientError, match=r"no purge succeeded since 2026-11-21 10:10, more than 48 hours ago; run"):
        steps.ingest(place, _source(tmp_path))
    with pytest.raises(TransientError, match="kentongan purge"):
        steps.run(place, _source(tmp_path))
    assert not parts(home / "landing", "2026-12-21/22")
    assert steps.ingest(place, _source(tmp_path), dry_run=True).report.total == 1, "to count is not to take in"
    said = {found.code: found.says for found in doctor.examine(place) if not found.well}
    assert said["retention"].startswith("things are past their time and no purge succeeded for 48 hours")
    steps.purge(place, now=place.clock(), dry_run=True)
    with pytest.raises(TransientError):
        steps.ingest(place, _source(tmp_path))
    steps.purge(place, now=place.clock())
    assert not steps.ingest(place, _source(tmp_path)).failed
    assert last_purge(place) == Purged(MOMENT.isoformat(), place.clock().isoformat())
    well = {found.code: found.says for found in doctor.examine(place) if found.well}
    assert well["retention"] == "purged on 2026-12-21 22:10"


def test_a_purge_that_fails_is_none(home: Path, tmp_path: Path) -> None:
    place = _later(home, 40)
    with place.home.lock("flag"), pytest.raises(Conflict):
        steps.purge(place, now=place.clock())
    with pytest.raises(TransientError):
        steps.ingest(place, _source(tmp_path))


def test_a_home_of_before_this_rule_counts_from_the_first_sight(home: Path, tmp_path: Path) -> None:
    (home / "purged.json").unlink()
    assert not steps.ingest(_later(home, 40), _source(tmp_path)).failed
    assert not steps.ingest(_later(home, 42), _source(tmp_path)).failed
    with pytest.raises(TransientError):
        steps.ingest(_later(home, 42.1), _source(tmp_path))


@pytest.mark.parametrize("damage", ["", "{}", "[]", '{"since": 7}', '{"since": "2026-11-21"}', "[" * 10_000])
def test_a_damaged_record_gives_no_further_hours(home: Path, tmp_path: Path, damage: str) -> None:
    (home / "purged.json").write_text(damage)
    place = _later(home, 40)
    with pytest.raises(TransientError, match="run: kentongan purge"):
        steps.ingest(place, _source(tmp_path))
    steps.purge(place, now=place.clock())
    assert not steps.ingest(place, _source(tmp_path)).failed
    known = last_purge(place)
    assert known is not None
    assert known.last == place.clock().isoformat()


def test_a_purge_of_the_future_counts_as_none(home: Path) -> None:
    place = place_at(home)
    purging._note(place, Purged((MOMENT + timedelta(days=900)).isoformat()))
    check_purged(place, MOMENT)
    assert last_purge(place) == Purged(MOMENT.isoformat())


@given(hours=st.floats(0, 400, allow_nan=False), due=st.booleans(), ever=st.booleans())
def test_overdue_is_more_than_two_days_and_something_past_its_time(
    hours: float, due: bool, ever: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = place_at(tmp_path_factory.mktemp("overdue") / "home")
    place.home.make()
    start = MOMENT.isoformat()
    purging._note(place, Purged((MOMENT - timedelta(days=99)).isoformat(), start) if ever else Purged(start))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(purging, "_anything_due", lambda *_: due)
        assert is_overdue(place, MOMENT + timedelta(hours=hours)) is (due and timedelta(hours=hours) > purging.LATEST)


@pytest.mark.parametrize("days", [30.5, 61, 91, 400])
def test_after_a_purge_nothing_is_past_its_time(home: Path, days: float) -> None:
    now: datetime = MOMENT + timedelta(days=days)
    place = _later(home, days)
    assert purging._anything_due(place, now)
    steps.purge(place, now=now)
    assert not purging._anything_due(place, now)


def test_each_kind_of_thing_past_its_time_stops_ingest(home: Path) -> None:
    now = MOMENT + timedelta(days=31)
    place = _later(home, 31)
    steps.purge(place, now=now)
    assert not purging._anything_due(place, now)
    waste = home / "quarantine" / "2026-11-21" / "10" / "flag.jsonl"
    waste.parent.mkdir(parents=True)
    waste.write_text("{}\n")
    assert purging._anything_due(place, now)
    waste.unlink()
    part = home / "claims" / "landing" / "klaim" / "2026-08-21" / "10" / "part-1.jsonl.gz"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"damaged")
    assert purging._anything_due(place, now)
    part.unlink()
    refused = home / "inbox" / "refused" / "a.csv"
    refused.parent.mkdir()
    refused.write_text("x")
    assert purging._anything_due(place, datetime.now(MOMENT.tzinfo) + timedelta(days=31))
