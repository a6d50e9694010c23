"""dataset import, build and show as their users meet them: codes, messages, JSON, audit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from homes import decide, file_of, id_of, place_at, row, take

from pipeline.cli import main
from pipeline.ledger import chain

Cli = Callable[..., tuple[int, str, str]]
NAMES = "gudang camat ronda bawaslu balai".split()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with four decisions and settings under which that is enough."""
    place = place_at(tmp_path / "home")  # the verbs go by the real clock: so do the decisions
    texts = [f"besok kita bakar kantor {name} {name * 3}, siapkan bensin dan parang" for name in NAMES]
    take(place, file_of(tmp_path, *(row(number, text) for number, text in enumerate(texts))))
    for number in range(4):
        fits = number < 2
        decide(place, id_of(place, number), "fits" if fits else "not", "confirmed" if fits else "rejected", "satire")
    place.close()
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KENTONGAN__DATASET__MIN_POSITIVES", "2")
    monkeypatch.setenv("KENTONGAN__DATASET__MAPS__POLOS", json.dumps({"text": "isi", "labels": {"threat": "ancaman"}}))
    return tmp_path / "home"


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a verb; gives its exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exited:
            main([*arguments, "--lang", "en"])
        out, err = capsys.readouterr()
        return int(exited.value.code or 0), out, err

    return run


def test_import_build_show(home: Path, cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "data.csv"
    file.write_text("isi,ancaman\nawas nanti kubakar rumahmu,1\nselamat pagi semua,0\n", encoding="utf-8")
    code, out, err = cli("dataset", "import", str(file), "--name", "polos", "--licence", "CC0")
    assert (code, err) == (0, "")
    assert "polos" in out
    code, out, _err = cli("dataset", "build", "--with", "polos", "--json")
    built = json.loads(out)
    assert code == 0
    assert built["labels"]["threat"]["true"] == built["labels"]["threat"]["false"] == 3
    assert built["inputs"]["files"][0]["licence"] == "CC0"
    name = Path(built["dataset"]).name
    assert name in cli("dataset", "show")[1]
    assert "Forbidden use" in cli("dataset", "show", name)[1]
    assert json.loads(cli("dataset", "show", name, "--json")[1])["hash"].startswith(name[-12:])
    assert "stands there already" in cli("dataset", "build", "--with", "polos")[1]


def test_a_build_is_audited_and_a_dry_run_is_not(home: Path, cli: Cli) -> None:
    def exports() -> int:
        place = place_at(home)
        with place.ledger.read() as db:
            found = sum(entry.action == "export" for entry in chain.entries(db, ["00"]))
        place.close()
        return found

    assert cli("dataset", "build", "--dry-run")[0] == 0
    assert exports() == 0
    assert cli("dataset", "build")[0] == 0
    assert exports() == 1


def test_refusals_are_wrong_use_and_say_what_to_do(home: Path, cli: Cli, tmp_path: Path) -> None:
    file = str(tmp_path / "none.csv")
    for arguments, says in (
        (("import", file, "--name", "polos", "--licence", "CC0"), "does not exist"),
        (("import", file, "--name", "lain", "--licence", "CC0"), "[dataset.maps.lain]"),
        (("import", file, "--name", "polos", "--licence", " "), "--licence"),
        (("build", "--with", "lain"), "kentongan dataset import FILE --name lain"),
        (("build", "--name", "../x"), "cannot name a dataset"),
        (("show", "lain"), "is no dataset"),
    ):
        code, out, err = cli("dataset", *arguments)
        assert (code, out) == (2, "")
        assert says in err.replace("\n", " ")
