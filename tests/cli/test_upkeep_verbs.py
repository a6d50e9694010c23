"""The verbs of upkeep as their users meet them: retention, freshness, flags made anew; codes, messages, JSON."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import MOMENT, THREAT, Clock, file_of, place_at, row, take

from pipeline import purging
from pipeline.cli import main
from pipeline.ledger import people
from pipeline.workplace import Workplace

Cli = Callable[..., tuple[int, str, str]]
PASSWORD = "Empat kuda di pasar"
NAMES = ("--by", "pdp", "--and", "kabid")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one flag, a data protection officer and an approving officer; never written to."""
    folder = tmp_path_factory.mktemp("made")
    place = place_at(folder / "home", Clock())
    take(place, file_of(folder, row(1, THREAT), row(2, "selamat pagi, hari ini cerah di kampung")))
    with pytest.MonkeyPatch.context() as patched, place.ledger.write() as db:
        stored = people._hash(PASSWORD)
        patched.setattr(people, "_hash", lambda _password: stored)
        for name, role in {"pdp": "privacy", "kabid": "approver"}.items():
            people.add(db, name, "00", role, PASSWORD, MOMENT, must_change=False)
    place.close()
    return folder / "home"


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    """That home, to write to."""
    shutil.copytree(made, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that the command sees."""
    made = Clock()
    plain = Workplace.__init__
    monkeypatch.setattr(
        Workplace, "__init__", lambda self, settings, _clock=None, **more: plain(self, settings, made, **more)
    )
    return made


@pytest.fixture
def cli(home: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """The command in that home: (exit code, output, errors)."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    monkeypatch.setenv("KENTONGAN__OFFICE__LANGUAGE", "en")
    monkeypatch.setenv("KENTONGAN__POLICY__SAMPLE_SHARE", "0")
    monkeypatch.setenv("KENTONGAN__POLICY__TEACH_PER_DAY", "0")

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*arguments])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return run


# ---- retention


def test_a_period_is_lengthened_by_two_and_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN__RETENTION__RAW_SOCIAL", "60")
    code, _out, err = cli("purge")
    assert code == 2
    assert "kentongan privacy lengthen raw_social 60 --by NAME --and NAME --reason TEXT" in err
    code, out, _err = cli("privacy", "lengthen", "raw_social", "60", *NAMES, "--reason", "sengketa")
    assert (code, out) == (
        0,
        "retention.raw_social may now be up to 60 days (before: 30); write it into the settings\n",
    )
    assert cli("purge")[0] == 0
    code, out, _err = cli("privacy", "lengthen", "raw_social", "90", *NAMES, "--reason", "sengketa", "--json")
    assert (code, json.loads(out)) == (0, {"period": "raw_social", "days": 90, "before": 60})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("raw_social", "60", "--by", "pdp", "--reason", "x"), "Missing option"),
        (("raw_social", "60", *NAMES), "Missing option"),
        (("raw_social", "many", *NAMES, "--reason", "x"), "is not a valid integer"),
        (("raw_social", "60", "--by", "pdp", "--and", "pdp", "--reason", "x"), "it takes two people"),
        (("everything", "60", *NAMES, "--reason", "x"), "there is no period"),
        (("raw_social", "2", *NAMES, "--reason", "x"), "nobody needs to agree"),
    ],
)
def test_wrong_use_of_lengthen_is_said(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    code, _out, err = cli("privacy", "lengthen", *arguments)
    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_ingest_says_why_it_stops_and_a_purge_lets_it_go_on(cli: Cli, clock: Clock, tmp_path: Path) -> None:
    file = file_of(tmp_path, row(9, "kabar lain dari kampung"), name="lagi.csv")
    clock.move(days=31)
    for name in ("ingest", "run"):
        code, _out, err = cli(name, "--input", file)
        assert code == 1
        assert "nothing more is fetched" in err
        assert "kentongan purge" in err
    assert cli("ingest", "--input", file, "--dry-run")[0] == 0
    assert cli("purge")[0] == 0
    assert cli("run", "--input", file)[0] == 0


def test_a_demo_of_last_month_can_be_run_again(cli: Cli, clock: Clock, tmp_path: Path) -> None:
    demo = tmp_path / "demo"
    assert cli("demo", "--home", str(demo), "--json")[0] == 0
    (demo / "purged.json").write_text(json.dumps({"since": clock.now.isoformat(), "last": ""}))
    clock.move(days=40)
    assert purging.is_overdue(place_at(demo, clock), clock.now)
    assert cli("demo", "--home", str(demo), "--json")[0] == 0


# ---- freshness


def test_freshness_is_said_in_a_table_and_the_exit_code(cli: Cli, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    code, out, _err = cli("freshness")
    assert (code, out) == (0, "the config has no sources: nothing to judge\n")
    monkeypatch.setenv("KENTONGAN__SOURCES__WARGA-CSV", '{"kind": "export", "path": "warga.csv"}')
    code, out, _err = cli("freshness")
    assert code == 0
    assert "too young to judge" in out
    monkeypatch.setenv("KENTONGAN__SOURCES__PORTAL", '{"kind": "feed", "url": "https://portal.example/feed"}')
    code, out, _err = cli("freshness")
    assert code == 1
    assert "NEVER SEEN" in out
    assert "portal never gave anything" in out
    assert "warga-csv is silent" not in out
    code, out, _err = cli("freshness", "--json")
    told = json.loads(out)
    assert (code, told["alarms"]) == (1, ["portal"])
    assert {each["source"]: each["level"] for each in told["sources"]} == {"portal": "never", "warga-csv": "young"}
    assert json.loads((home / "freshness.json").read_text()) == told
    (home / "freshness.json").unlink()
    (home / "freshness.json").mkdir()
    code, out, err = cli("freshness", "--json")
    assert (code, out) == (2, "")
    assert "freshness.json is a folder" in err
    assert "move the folder away" in err


# ---- flags made anew


def test_reclassify_says_what_changed_and_that_a_dry_run_wrote_nothing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _err = cli("reclassify")
    assert code == 0
    assert "1 partitions with tfidf-" in out
    assert "1 flags before, 1 now\n0 new, 0 gone, 0 kept because a person took them up\n" in out
    monkeypatch.setenv("KENTONGAN__POLICY__THRESHOLDS", '{"threat": 1.1, "hate_group": 1.1}')
    code, out, _err = cli("reclassify", "--days", "2", "--dry-run")
    assert code == 0
    assert "1 flags before, 0 would be now; nothing written\n0 new, 1 gone, 0 kept" in out
    code, out, _err = cli("reclassify", "--partition", "2026-11-21/10", "--json")
    told = json.loads(out)
    assert (code, told["before"], told["after"], told["gone_flags"]) == (0, 1, 0, 1)
    assert told["reports"][0]["partition"] == "2026-11-21/10"
    assert json.loads(cli("reclassify", "--json")[1])["before"] == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--days", "8"), "is not in the range"),
        (("--days", "0"), "is not in the range"),
        (("--partition", "yesterday"), "is no partition"),
        (("--partition", "2026-11-20/10"), "nothing landed in 2026-11-20/10"),
    ],
)
def test_wrong_use_of_reclassify_is_said(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    code, _out, err = cli("reclassify", *arguments)
    assert code == 2
    assert says in err


def test_an_old_partition_is_not_flagged_again(cli: Cli, clock: Clock) -> None:
    clock.move(days=9)
    code, _out, err = cli("reclassify", "--partition", "2026-11-21/10")
    assert code == 2
    assert "more than 7 days old" in err
    assert "0 partitions" in cli("reclassify")[1]
