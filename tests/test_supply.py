"""What is installed beside the program: licences that go with ours, a true list of them, a bill of materials."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import supply

# What may be distributed beside code under Apache-2.0 without further thought
ALLOWED = {
    *("MIT", "MIT-0", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "PSF-2.0", "ISC", "Zlib", "CC0-1.0"),
    "MIT-CMU",  # pillow: the old MIT licence, with a line on advertising
    *("Unlicense", "MPL-2.0"),
}
EXCEPTIONS = {  # docs/supply.md gives the reasons, and those of what lies inside packages or comes with the program
    "regex": "Apache-2.0 AND CNRI-Python",
    "tld": "MPL-1.1 OR GPL-2.0-only OR LGPL-2.1-or-later",
    "psycopg": "LGPL-3.0-only",
    "psycopg-binary": "LGPL-3.0-only",
    "psycopg2-binary": "LGPL with exceptions",
    "text-unidecode": "Artistic License",
}
GROUPS = supply.groups()
DOCUMENT = supply.DOCUMENT.read_text(encoding="utf-8")


def _allowed(expression: str) -> bool:
    """Whether one of the choices asks for nothing but allowed licences."""
    inner = re.search(r"\(([^()]*)\)", expression)
    if inner:
        return _allowed(expression.replace(inner[0], "MIT" if _allowed(inner[1]) else "none"))
    return any(set(choice.split(" AND ")) <= ALLOWED for choice in expression.split(" OR "))


@pytest.mark.parametrize("name", GROUPS["base"] + GROUPS["extras"])
def test_a_package_that_the_program_needs_has_a_licence_that_goes_with_ours(name: str) -> None:
    said = supply.licence(name)
    if name in EXCEPTIONS:
        assert said in ("", EXCEPTIONS[name]), "the licence changed: think again, then change docs/supply.md"
    else:
        assert not said or _allowed(said), f"{said}: find another package, or name the reason in docs/supply.md"


@pytest.mark.parametrize("name", GROUPS["airflow"])
def test_a_package_that_the_schedule_needs_has_one_too(name: str) -> None:
    """Airflow is installed elsewhere: the list of the document stands for it."""
    said = re.search(rf"^\| {re.escape(name)} \| ([^|]*) \|$", DOCUMENT, re.MULTILINE)
    assert said, "run: .venv/bin/python tests/supply.py --write"
    assert said[1] in (EXCEPTIONS.get(name), "not on this platform") or _allowed(said[1]), said[1]


def test_each_exception_is_needed_and_has_its_reason() -> None:
    assert set(EXCEPTIONS) <= {*GROUPS["base"], *GROUPS["extras"], *GROUPS["airflow"]}
    assert not [name for name, said in EXCEPTIONS.items() if _allowed(said)]
    reasons = DOCUMENT.partition(supply.BEGIN)[0]
    for name in (*EXCEPTIONS, "certifi", "PySastrawi's word list", "models/"):
        assert f"| {name} | " in reasons or f", {name} | " in reasons or f"| {name}, " in reasons


def test_what_only_extras_and_developers_need_is_told_apart() -> None:
    assert {"psycopg", "psycopg-binary", "scikit-learn"} <= set(GROUPS["extras"])
    assert {"pytest", "pip-audit", "cyclonedx-bom"} <= set(GROUPS["dev"])
    assert {"jinja2", "lxml", "pysastrawi"} <= set(GROUPS["base"])


def test_a_developers_package_says_its_licence_too() -> None:
    assert not [name for name in GROUPS["dev"] if supply.licence(name) == "?"]


def test_the_list_of_licences_is_that_of_the_locked_packages() -> None:
    assert supply.written(DOCUMENT) == DOCUMENT, "run: .venv/bin/python tests/supply.py --write"


def test_what_an_office_installs_is_what_was_tested() -> None:
    assert supply.locked("base").items() <= supply.locked("dev").items()


def test_no_locked_file_names_an_address_and_each_package_has_its_hash() -> None:
    for path in supply.LOCKED.glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text
        lines = text.split("\n")
        pinned = [at for at, line in enumerate(lines) if "==" in line and not line.startswith((" ", "#"))]
        assert pinned
        assert all("--hash=sha256:" in lines[at + 1] for at in pinned)


def test_the_bill_of_materials_holds_each_package_and_is_the_same_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        supply.sbom(tmp_path / name / "sbom.cdx.json")
    first = (tmp_path / "one" / "sbom.cdx.json").read_bytes()
    assert first == (tmp_path / "two" / "sbom.cdx.json").read_bytes()
    bill = json.loads(first)
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "kentongan")
    assert {part["name"] for part in bill["components"]} == set(supply.locked("base"))
    assert all(part["externalReferences"][0]["hashes"] for part in bill["components"])


def _answered(monkeypatch: pytest.MonkeyPatch, stdout: str, stderr: str = "") -> None:
    done = subprocess.CompletedProcess([], 0, stdout, stderr)
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_options: done)


def test_an_audit_that_could_ask_nobody_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """pip-audit itself ends well when a mirror knows none of the packages."""
    _answered(monkeypatch, json.dumps({"dependencies": [{"name": "a", "skip_reason": "not found on PyPI"}]}))
    assert supply.audit() == 2
    assert "NOT AUDITED" in capsys.readouterr().err
    _answered(monkeypatch, "", "Traceback ...\nConnectionError: no such host\n")
    assert supply.audit() == 2
    assert "no such host" in capsys.readouterr().err


def test_an_audit_names_what_it_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    fault = {"id": "PYSEC-1", "fix_versions": ["1.1"], "aliases": [], "description": "long"}
    package = {"name": "a", "version": "1.0", "vulns": [fault]}
    _answered(monkeypatch, json.dumps({"dependencies": [package]}))
    assert supply.audit() == 1
    assert "a 1.0: PYSEC-1, mended in 1.1" in capsys.readouterr().err
    _answered(monkeypatch, json.dumps({"dependencies": [package | {"vulns": []}]}))
    assert supply.audit() == 0
