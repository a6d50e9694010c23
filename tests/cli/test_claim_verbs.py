"""claims sync, match, show, fit, export as their users meet them: exit codes, JSON, messages."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.core.config import load_settings
from pipeline.ledger import chain
from pipeline.workplace import Workplace

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLE = ROOT / "data" / "sample"
TEXT = (
    "Assalamualaikum, pencoblosan tanggal 27 November ditunda sampai 4 Desember sebab surat suara di banyak kabupaten "
    "belum selesai dicetak"
)

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Call the command in English with a home of its own; gives exit code, standard output and standard error."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))

    def run(*arguments: str, stdin: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            main([*arguments, "--lang", "en"])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return int(stop.value.code or 0), out, err

    return run


@pytest.fixture
def synced(cli: Cli) -> Cli:
    """The command on a home that knows the claims of the sample."""
    assert cli("claims", "sync", "--input", str(SAMPLE / "klaim.json"))[0] == 0
    return cli


def answer(said: tuple[int, str, str]) -> Any:
    code, out, _err = said
    assert code == 0
    return json.loads(out)


def test_sync_counts_each_step_and_says_what_it_could_not_rate(cli: Cli) -> None:
    code, out, err = cli("claims", "sync", "--input", str(SAMPLE / "klaim.json"))
    assert code == 0
    assert "landed 15" in out
    assert "Masih ditelusuri" in err
    again = answer(cli("claims", "sync", "--input", str(SAMPLE / "klaim.json"), "--json"))
    assert [report["step"] for report in again["reports"]] == ["claims", "claims-read", "look-back"]
    assert [report["total"] for report in again["reports"]] == [0, 0, 0]
    assert "has not changed" in again["notes"][0]
    assert again["failed"] == {}
    read = answer(cli("claims", "sync", "--again", "--json"))["reports"][1]
    assert (read["total"], read["counts"]["unchanged"]) == (15, 15)


def test_sync_flags_posts_that_came_before_and_run_those_that_come_after(cli: Cli, tmp_path: Path) -> None:
    posts = tmp_path / "posts.csv"
    posts.write_text(f'text,published_at\n"{TEXT}",2024-11-20\n', encoding="utf-8")
    assert cli("run", "--input", str(posts))[0] == 0
    reports = answer(cli("claims", "sync", "--input", str(SAMPLE / "klaim.json"), "--json"))["reports"]
    assert [report["counts"]["raised"] for report in reports if report["step"] == "look-back"] == [1]
    posts.write_text(f'text,published_at\n"{TEXT}, sebarkan",2024-11-20\n', encoding="utf-8")
    assert cli("run", "--input", str(posts))[0] == 0
    listed = answer(cli("search", "label:hoax_claim", "--json"))
    assert listed["total"] == 2
    (claim,) = answer(cli("claims", "match", TEXT, "--limit", "1", "--json"))
    assert answer(cli("claims", "show", claim["id"], "--json"))["flags"] == 2
    assert "carried by 2 posts" in cli("claims", "show", claim["id"])[1]
    carried = list(csv.DictReader(io.StringIO(cli("claims", "export", "--carried")[1].lstrip("\ufeff"))))
    assert {row["claim_id"] for row in carried} == {claim["id"]}
    assert {row["checker"] for row in carried} == {"Pemeriksa Fakta Contoh", "Cek Klaim Contoh"}


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("sync",), 2, "there are no claims to fetch"),
        (("sync", "--source", "nothing"), 2, "no claim source nothing; it has none"),
        (("sync", "--input", "/nowhere/klaim.json"), 2, "cannot be read"),
        (("sync", "--input", "https://127.0.0.1:9/feed"), 1, "Source 127-0-0-1-9"),
        (("sync", "--since", "yesterday"), 2, "no day"),
        (("match", " "), 2, "there is no text"),
        (("show", "k000000000000"), 2, "there is no claim k000000000000"),
        (("fit",), 2, "no claim is known yet"),
        (("fit", "--match-rate", "0.5"), 2, "range"),
        (("export", "--format", "xml"), 2, "xml"),
    ],
)
def test_what_cannot_work_says_why(cli: Cli, arguments: tuple[str, ...], code: int, says: str) -> None:
    got, _out, err = cli(
        "claims", *arguments, *(("--input", str(SAMPLE / "klaim.json")) if "--since" in arguments else ())
    )
    assert (got, says in err) == (code, True), err


def test_match_shows_what_is_shared_and_what_differs(synced: Cli) -> None:
    found = answer(synced("claims", "match", TEXT, "--json"))
    assert (found[0]["level"], found[0]["standing"]) == ("match", "debunked")
    assert "4 Desember" in found[0]["shared"]
    (other,) = answer(synced("claims", "match", TEXT.replace("4 Desember", "9 Desember"), "--limit", "1", "--json"))
    assert other["level"] != "match"
    assert any("9" in words for words in other["differing"])
    code, out, _err = synced("claims", "match", stdin=TEXT)
    assert code == 0
    assert "matches" in out
    assert found[0]["id"] in out
    assert "%" not in out


@pytest.mark.parametrize(
    "text",
    [
        "Angka C Hasil paslon 01 di sebuah TPS berubah dari 87 menjadi 187, ini penjelasannya dari petugas",
        "Sembilan TPS di Demak dipindah karena banjir, warga diminta datang ke tempat yang baru",
        "Tinta pemilu rasa rendang dibagikan di semua TPS, petugas kehabisan stok sejak pagi tadi",
    ],
    ids=["clarified by an office", "disputed", "satire"],
)
def test_what_no_checker_debunked_matches_nothing(synced: Cli, text: str) -> None:
    assert {found["level"] for found in answer(synced("claims", "match", text, "--json"))} <= {"none"}


def test_a_text_that_resembles_nothing_says_how_many_claims_are_known(synced: Cli) -> None:
    code, _out, err = synced("claims", "match", "zzz")
    assert code == 0
    assert "Claims known: 13" in err
    assert answer(synced("claims", "match", "zzz", "--json")) == []


def test_show_names_every_checker(synced: Cli) -> None:
    (found,) = answer(synced("claims", "match", TEXT, "--limit", "1", "--json"))
    code, out, _err = synced("claims", "show", found["id"])
    assert code == 0
    assert all(name in out for name in ("Pemeriksa Fakta Contoh", "Cek Klaim Contoh", "Hoaks"))
    shown = answer(synced("claims", "show", found["id"], "--json"))
    assert (shown["standing"], shown["flags"], len(shown["reviews"])) == ("debunked", 0, 2)


def test_fit_shows_both_thresholds_and_why_they_stayed(synced: Cli, tmp_path: Path) -> None:
    code, out, err = synced("claims", "fit")
    assert code == 0
    assert "may match" in out
    assert "1000 are needed" in err
    file = tmp_path / "biasa.txt"
    file.write_text("".join(f"warga RT {at} kerja bakti membersihkan kali\n" for at in range(1_200)), encoding="utf-8")
    tried = answer(synced("claims", "fit", "--ordinary", str(file), "--dry-run", "--json"))
    assert tried["texts"] == 1_200
    assert tried["now"]["suggest"] != tried["before"]["suggest"]
    assert answer(synced("claims", "fit", "--ordinary", str(file), "--json"))["before"] == tried["before"]
    assert answer(synced("claims", "fit", "--ordinary", str(file), "--json"))["before"] == tried["now"]


@pytest.mark.parametrize("form", ["csv", "jsonld"])
def test_what_is_exported_can_be_taken_in_elsewhere(
    synced: Cli, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / f"klaim.{'csv' if form == 'csv' else 'json'}"
    code, _out, err = synced("claims", "export", "--format", form, "--out", str(out))
    assert code == 0
    assert "13 claims written" in err
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "elsewhere"))
    read = answer(synced("claims", "sync", "--input", str(out), "--json"))["reports"][1]
    assert read["counts"]["new"] == (15 if form == "csv" else 14)  # JSON-LD has no word for one that was taken back


def test_export_prints_json_for_programs(synced: Cli) -> None:
    graph = answer(synced("claims", "export", "--json"))["@graph"]
    assert {each["@type"] for each in graph} == {"ClaimReview"}


def test_looking_at_claims_is_audited_and_needs_a_right(synced: Cli, tmp_path: Path) -> None:
    settings, _origins = load_settings(None, {"KENTONGAN__PATHS__HOME": str(tmp_path / "home")})
    place = Workplace(settings)
    synced("claims", "export", "--out", str(tmp_path / "klaim.csv"))
    with place.ledger.read() as db:
        noted = [each.details for each in chain.entries(db, ["00"], actions=["export"])]
    assert noted == [{"what": "claims", "rows": 13}]
    assert synced("user", "add", "penelaah1", "--role", "reviewer")[0] == 0
    code, _out, err = synced("claims", "show", "k000000000000")
    assert code == 2
    assert "say who you are" in err
    place.close()


def test_the_demo_ends_with_the_claims_that_its_posts_carry(cli: Cli, tmp_path: Path) -> None:
    code, out, _err = cli("demo", "--home", str(tmp_path / "demo"))
    assert code == 0
    (line,) = (line for line in out.splitlines() if "a claim that was already checked" in line)
    assert int(line.split("│")[2]) >= 20
    carried = out.partition("Claims of fact-checkers that posts carry")[2]
    assert "Pencoblosan 27 November ditunda sampai 4 Desember" in carried
    assert "Penculik anak" in carried
    assert "Demak" not in carried, "two checkers disagree"
    assert "rendang" not in carried, "satire"
