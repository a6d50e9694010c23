"""The doctor finds each fault that an operator can mend, says what to do, and breaks nothing by looking."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner
from homes import MOMENT, PARTITION, THREAT, Clock, file_of, place_at, row, take

from pipeline import doctor, drift, steps
from pipeline.cli.app import app
from pipeline.core.types import Quarantined
from pipeline.landing.quarantine import write_quarantine
from pipeline.ledger.chain import append, verify_tail
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

CODES = [
    *("home", "disk", "clock", "secret", "model", "topics", "threats", "calendar", "office"),
    *("partitions", "quarantine", "inbox", "ledger", "retention", "queue", "index", "claims", "drift"),
]
WRITERS = {
    "secret",
    "ledger",
    "retention",
    "queue",
    "index",
    "claims",
}  # what is not looked at while the home is not in order


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path: Path, clock: Clock) -> Path:
    """A home with two flags in queue and index."""
    place = place_at(tmp_path / "home", clock)
    take(place, file_of(tmp_path, row(1, THREAT), row(2, "nanti malam kita bakar kantor KPU, bawa bensin")))
    place.close()
    return tmp_path / "home"


def wrong(home: Path, clock: Clock, **environ: str) -> dict[str, str]:
    """What is not well: code -> what the doctor says."""
    place = place_at(home, clock, **environ)
    found = doctor.examine(place)
    place.close()
    return {finding.code: finding.says for finding in found if not finding.well}


def test_a_home_in_order_is_well_in_each_point(home: Path, clock: Clock) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".db"}
    place = place_at(home, clock)
    found = doctor.examine(place)
    place.close()
    assert [finding.code for finding in found] == CODES
    assert not [finding.says for finding in found if not finding.well]
    after = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix != ".db"}
    assert after == before


def test_a_home_that_is_not_there_yet_is_well_and_is_not_made(tmp_path: Path, clock: Clock) -> None:
    assert wrong(tmp_path / "new", clock) == {}
    assert not (tmp_path / "new").exists()


def test_a_monitor_reads_codes_that_are_the_same_in_each_language(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    found = {}
    for language in ("id", "en"):
        done = CliRunner().invoke(app, ["doctor", "--json", "--lang", language], standalone_mode=False)
        found[language] = json.loads(done.stdout)
        assert done.return_value == (0 if all(each["well"] for each in found[language]) else 1)
    assert all(set(each) == {"code", "what", "well", "says"} for each in found["id"])
    assert [each["code"] for each in found["id"]] == [each["code"] for each in found["en"]]


def test_the_exit_code_says_whether_all_is_well(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    (home / "index.db").unlink()
    done = CliRunner().invoke(app, ["doctor", "--lang", "en"], standalone_mode=False)
    assert done.return_value == 1
    assert "WRONG  index: " in done.stdout


# ---- the machine and the home


def test_a_full_disk(home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage(NamedTuple):
        free: int

    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1_000_000))
    assert wrong(home, clock) == {"disk": "0.0 GB free; make room before the next run"}


def test_a_clock_that_was_set_back(home: Path, clock: Clock) -> None:
    clock.move(days=-3)
    assert "the clock says 2026-11-18" in wrong(home, clock)["clock"]


def test_a_home_that_others_may_read_is_looked_at_without_opening_a_database(home: Path, clock: Clock) -> None:
    (home / "ledger.db").unlink()
    home.chmod(0o755)
    place = place_at(home, clock)
    found = doctor.examine(place)
    assert [finding.code for finding in found] == [code for code in CODES if code not in WRITERS]
    assert "chmod 700" in found[0].says
    assert not (home / "ledger.db").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away; run as root")
def test_a_file_that_a_run_as_another_user_left(home: Path, clock: Clock) -> None:
    os.chown(home / "index.db", 4711, -1)
    assert wrong(home, clock)["home"].startswith("index.db in ")
    os.chown(home, 4711, -1)
    assert "belongs to another user" in wrong(home, clock)["home"]


def test_a_folder_that_cannot_be_read(home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", str(home / "landing"))

    monkeypatch.setattr(doctor, "unflagged", refuse)
    assert wrong(home, clock)["partitions"] == (
        f"{home}/landing cannot be read: Permission denied; check the disk, owner and rights"
    )


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(
    home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(*_: object) -> None:
        raise RuntimeError("a post's text")

    monkeypatch.setattr(doctor, "unflagged", bug)
    found = wrong(home, clock)
    assert list(found) == ["partitions"]
    assert "RuntimeError" in found["partitions"]
    assert "a post's text" not in found["partitions"]


def test_a_lost_secret(home: Path, clock: Clock) -> None:
    (home / "secret" / "item.key").unlink()
    assert "item.key is gone: posts would get other ids" in wrong(home, clock)["secret"]
    assert not (home / "secret" / "item.key").exists()
    (home / "secret" / "item.key").write_bytes(b"short")
    assert "put it back from the backup" in wrong(home, clock)["secret"]


# ---- what it judges by


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ("POLICY__TOPICS", "topics"),
        ("POLICY__THREATS", "threats"),
        ("OFFICE__CALENDAR", "calendar"),
        ("OFFICE__INSTITUTIONS", "office"),
    ],
)
def test_a_file_of_the_operator_that_is_missing_or_damaged(
    home: Path, clock: Clock, tmp_path: Path, setting: str, code: str
) -> None:
    path = tmp_path / "own.file"
    environ = {f"KENTONGAN__{setting}": str(path)}
    assert "own.file" in wrong(home, clock, **environ)[code]
    path.write_bytes(b"[[\xff broken")
    assert "own.file" in wrong(home, clock, **environ)[code]


def test_an_office_in_no_region(home: Path, clock: Clock) -> None:
    assert "office.code 99 is no region" in wrong(home, clock, KENTONGAN__OFFICE__CODE="99")["office"]


def test_a_model_that_is_missing_or_damaged(home: Path, clock: Clock, tmp_path: Path) -> None:
    missing = wrong(home, clock, KENTONGAN__MODELS__FOLDER=str(tmp_path / "none"))["model"]
    assert "kentongan models list" in missing
    place = place_at(home, clock)
    shutil.copytree(place.model_folder, tmp_path / "model")
    for path in (tmp_path / "model").iterdir():
        if path.is_file() and path.suffix not in (".json", ".md"):
            path.write_bytes(path.read_bytes()[:100])
    damaged = wrong(home, clock, KENTONGAN__MODELS__FOLDER=str(tmp_path / "model"))["model"]
    assert "install or train the model again" in damaged


# ---- what came in


def test_partitions_that_were_not_flagged_or_not_indexed(home: Path, clock: Clock, tmp_path: Path) -> None:
    clock.move(hours=1)
    place = place_at(home, clock)
    name, settings = guess_source(file_of(tmp_path, row(3, "kabar lain"), name="lain.csv"), {})
    steps.ingest(place, {name: settings})
    assert "1 landed partitions are not flagged; run: kentongan flag" in wrong(home, clock)["partitions"]
    steps.flag(place, "2026-11-21/11", now=clock())
    assert "1 flagged partitions are not in the index; run: kentongan index" in wrong(home, clock)["partitions"]
    steps.index(place, "2026-11-21/11", now=clock())
    assert wrong(home, clock) == {}


def _reject(home: Path, clock: Clock, count: int, partition: str = PARTITION, source: str = "warga-csv") -> None:
    items = [Quarantined("flag", source, f"row {number}", "no text", clock()) for number in range(count)]
    write_quarantine(home / "quarantine", partition, "flag", items)


def test_a_source_of_which_too_much_is_of_no_use(home: Path, clock: Clock) -> None:
    _reject(home, clock, 19)
    assert wrong(home, clock) == {}
    _reject(home, clock, 20)
    says = wrong(home, clock)["quarantine"]
    assert says.startswith("20 items in the last 7 days, of 22; the 7 days before 0. Most (20) come from warga-csv")
    assert says.endswith(str(home / "quarantine"))


def test_a_quarantine_that_grew_tenfold(home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "count_rows", lambda _path: 100_000)
    _reject(home, clock, 29)
    assert wrong(home, clock)["quarantine"].startswith("29 items in the last 7 days, of 100029")
    clock.move(days=-10)
    _reject(home, clock, 3, "2026-11-11/10")
    clock.move(days=10)
    assert "quarantine" not in wrong(home, clock)


def test_the_same_item_refused_at_each_fetch_counts_once_a_day(home: Path, clock: Clock) -> None:
    for hour in range(11, 24):
        clock.move(minutes=5)
        write = [Quarantined("flag", "portal", "entry 7", f"no date at {hour}", clock()), *_many(clock, 5)]
        write_quarantine(home / "quarantine", f"2026-11-21/{hour}", "flag", write)
    assert "quarantine" not in wrong(home, clock)


def _many(clock: Clock, count: int) -> list[Quarantined]:
    return [Quarantined("flag", "portal", f"entry {number}", "no date", clock()) for number in range(count)]


def test_a_file_that_the_inbox_refused(home: Path, clock: Clock) -> None:
    (home / "inbox" / "refused").mkdir()
    (home / "inbox" / "refused" / "0123-laporan.csv").write_bytes(b"\0")
    assert wrong(home, clock)["inbox"].startswith("1 files could not be read and lie in ")


def test_a_silent_source_and_what_to_try(home: Path, clock: Clock) -> None:
    sources = {
        "KENTONGAN__SOURCES__PORTAL": '{"kind": "feed", "url": "x.rss"}',
        "KENTONGAN__SOURCES__WARGA-CSV": '{"kind": "export", "path": "warga.csv"}',
    }
    place = place_at(home, clock, **sources)
    said = {finding.says: finding.well for finding in doctor.examine(place) if finding.code == "sources"}
    assert said == {
        "portal never gave anything; open its address, then try: kentongan ingest --source portal": False,
        "warga-csv: heard of late": True,
    }
    clock.move(days=9)
    assert (
        "is there a new file at warga.csv? Then: kentongan run --source warga-csv"
        in wrong(home, clock, **sources)["sources"]
    )


# ---- ledger, queue and index


def test_a_lost_ledger_is_not_made_anew(home: Path, clock: Clock) -> None:
    for path in home.glob("ledger.db*"):
        path.unlink()
    found = wrong(home, clock)
    assert list(found) == ["ledger"]
    assert "put it back from the backup before the next run" in found["ledger"]
    assert not (home / "ledger.db").exists()


def test_a_damaged_ledger(home: Path, clock: Clock) -> None:
    for path in home.glob("ledger.db-*"):
        path.unlink()
    (home / "ledger.db").write_bytes(b"no database at all, " * 1000)
    assert "put it back from the backup" in wrong(home, clock)["ledger"]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entry SET actor = 'somebody' WHERE seq = (SELECT max(seq) FROM entry)",
        "DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)",
        "UPDATE entry SET prev_hash = 'x' WHERE seq = (SELECT max(seq) FROM entry)",
        "DELETE FROM entry",
    ],
)
def test_a_chain_that_somebody_changed(home: Path, clock: Clock, change: str) -> None:
    with sqlite3.connect(home / "ledger.db") as db:
        db.execute(change)
    db.close()
    says = wrong(home, clock)["ledger"]
    assert says.startswith("the chain of office 00 is broken at ")
    assert says.endswith("run: kentongan ledger verify")


def test_only_the_end_of_a_long_chain_is_walked_along(home: Path, clock: Clock) -> None:
    place = place_at(home, clock)
    with place.ledger.write() as db:
        for _number in range(30):
            append(db, office="00", kind="audit", action="sign_out", at=MOMENT, actor="r1")
        for links in (1, 5, 10_000):
            assert verify_tail(db, links) == ()
    with sqlite3.connect(home / "ledger.db") as raw:
        raw.execute("UPDATE entry SET actor = 'somebody' WHERE number = 20")
    raw.close()
    with place.ledger.read() as db:
        assert verify_tail(db, 5) == ()
        assert [problem.number for problem in verify_tail(db, 20)] == [20]
    place.close()


def test_flags_that_wait_for_more_than_a_week(home: Path, clock: Clock) -> None:
    clock.move(days=7)
    assert "queue" not in wrong(home, clock)
    clock.move(days=2)
    assert wrong(home, clock)["queue"] == (
        "2 flags wait, the oldest for 9 days; after 90 days it is closed unseen: more reviewers?"
    )


def _no_file(home: Path) -> None:
    for path in home.glob("index.db*"):
        path.unlink()


def _no_index(home: Path) -> None:
    _no_file(home)
    (home / "index.db").write_bytes(b"no database at all, " * 1000)


def _empty(home: Path) -> None:
    _no_file(home)
    place = place_at(home)
    assert place.store.get("-") is None  # as a program that opened it would
    place.close()


@pytest.mark.parametrize(
    ("damage", "says"), [(_no_file, "is gone; make it again"), (_no_index, ""), (_empty, "lacks flags that wait")]
)
def test_an_index_that_is_gone_damaged_or_empty(
    home: Path, clock: Clock, damage: Callable[[Path], None], says: str
) -> None:
    damage(home)
    found = wrong(home, clock)
    assert list(found) == ["index"]
    assert says in found["index"]
    assert "kentongan reindex" in found["index"]


def test_an_index_that_does_not_know_what_was_decided(home: Path, clock: Clock) -> None:
    place: Workplace = place_at(home, clock)
    with place.ledger.write() as db:
        db.exec_driver_sql("UPDATE item SET dirty = 1")
    place.close()
    assert wrong(home, clock) == {"index": "the index does not know 2 statuses yet; run: kentongan index"}


def test_an_index_in_memory_has_no_file_to_lose(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "new").mkdir(mode=0o700)
    assert wrong(tmp_path / "new", clock, KENTONGAN__STORE__KIND="memory") == {}
    assert not (tmp_path / "new" / "index.db").exists()


def test_drift_is_told_where_somebody_measured_it(home: Path, clock: Clock) -> None:
    place = place_at(home, clock)
    report = asdict(drift.look(place, 8))
    assert "drift" not in wrong(home, clock)
    clock.move(days=15)
    assert wrong(home, clock)["drift"].startswith("was measured 15 days ago")
    report["alarms"] = [{"week": "2026-W47", "source": "warga", "what": "words", "label": ""}]
    (home / "drift" / "report.json").write_text(json.dumps(report))
    assert wrong(home, clock)["drift"].startswith("1 alarms")
    place.close()
