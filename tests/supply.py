"""What the program is built of: `--write` lists licences in docs/supply.md, `--audit` asks for known vulnerabilities,
`--sbom FILE` writes the bill of materials (CycloneDX) of what `make demo` installs.
"""

from __future__ import annotations

import configparser
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
LOCKED = ROOT / "requirements"
DOCUMENT = ROOT / "docs" / "supply.md"
BEGIN, END = "<!-- begin: made by tests/supply.py --write -->", "<!-- end -->"
_PINNED = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)

# What packages write in place of an SPDX name
_NAMES = {
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD 2-Clause License": "BSD-2-Clause",
    "New BSD": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "The BSD 2-Clause License": "BSD-2-Clause",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "MIT -or- Apache License 2.0": "MIT OR Apache-2.0",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
}


def locked(name: str) -> dict[str, str]:
    """The packages of a locked file with their versions; a package that differs by Python version has the last one."""
    return dict(_PINNED.findall((LOCKED / f"{name}.txt").read_text(encoding="utf-8")))


def groups() -> dict[str, list[str]]:
    """Who needs which package: the program, its extras, who works on it, who fine-tunes a BERT, the schedule."""
    base, everything = set(locked("base")), {*locked("dev"), *locked("bootstrap")}
    extras = _needed(_extras()) & everything - base
    found = {"base": base, "extras": extras, "dev": everything - base - extras}
    found["indobert"] = set(locked("bert")) - everything
    found["airflow"] = set(locked("airflow")) - everything - found["indobert"]
    return {name: sorted(packages) for name, packages in found.items()}


def licence(name: str) -> str:
    """A package's licence as SPDX writes it; empty if it is not installed here, "?" if it does not say."""
    try:
        metadata = distribution(name).metadata
    except PackageNotFoundError:
        return ""
    classifiers = [line.split(" :: ")[-1] for line in metadata.get_all("Classifier") or [] if line.startswith("Licen")]
    for said in (metadata.get("License-Expression"), metadata.get("License"), *classifiers):
        if said and "\n" not in said and said != "UNKNOWN":
            return _NAMES.get(said, said)
    return "?"


def table() -> str:
    """The licences as they stand in the document; a package that is not installed here keeps the line it had."""
    before = DOCUMENT.read_text(encoding="utf-8").partition(BEGIN)[2] if DOCUMENT.exists() else ""
    extras = "Its extras `elastic`, `encoder`, `postgresql` and `train`"
    titles = {"base": "The program", "extras": extras, "dev": "Only for developers"}
    titles["indobert"] = "Its extra `indobert` (fine-tuning; an environment of its own, `.venv-bert`)"
    titles["airflow"] = "The schedule (Airflow; an environment of its own, `.venv-airflow`)"
    lines = []
    for group, names in groups().items():
        lines += [f"### {titles[group]}", "", "| package | licence |", "|---|---|"]
        for name in names:
            known = re.search(rf"^\| {re.escape(name)} \| .*\|$", before, re.MULTILINE)
            said = licence(name)
            lines.append(f"| {name} | {said or 'not on this platform'} |" if said or not known else known[0])
        lines.append("")
    return "\n".join(lines)


def written(text: str) -> str:
    """The document with its table made again."""
    head, _begin, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n\n{table()}\n{END}{rest.partition(END)[2]}"


def sbom(path: Path) -> None:
    """Write the bill of materials; the same lock gives the same bytes. The tool holds it against CycloneDX's schema."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    about = {key: config["metadata"][key] for key in ("name", "version", "description", "license")}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "pyproject.toml"
        project.write_text("[project]\n" + "".join(f"{key} = {json.dumps(said)}\n" for key, said in about.items()))
        options = ["--pyproject", str(project), "--output-reproducible", "--validate", "--short-PURLs"]
        # The warning: a locked file does not say which package needs which, so the bill is a list and no tree
        command = [sys.executable, "-W", "ignore::UserWarning", "-m", "cyclonedx_py", "requirements", *options]
        subprocess.run([*command, "-o", str(path.absolute()), "requirements/base.txt"], cwd=ROOT, check=True)


def audit() -> int:
    """0 nothing known, 1 vulnerabilities, 2 could not be asked. Ours, as pip-audit calls what it could not ask well."""
    options = ["--progress-spinner", "off", "--disable-pip", "--require-hashes", "--format", "json"]
    command = [sys.executable, "-m", "pip_audit", *options, "-r", "requirements/dev.txt"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return _say(2, "NOT AUDITED: the vulnerability service gave no answer", done.stderr.strip().split("\n")[-1])
    vulnerable, unasked = judged(found)
    if unasked:
        says = f"NOT AUDITED: PyPI's JSON API does not know {len(unasked)} of {len(found)} packages"
        return _say(2, says, "is this machine behind a mirror that has no JSON API? See docs/supply.md", *vulnerable)
    if vulnerable:
        return _say(1, f"{len(vulnerable)} known vulnerabilities in {len(found)} packages", *vulnerable)
    return _say(0, f"no known vulnerability in {len(found)} packages")


def judged(found: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """(known vulnerabilities, packages that could not be asked for) of what pip-audit said."""
    unasked = [str(package["name"]) for package in found if "skip_reason" in package]
    vulnerable = [
        f"{package['name']} {package['version']}: {fault['id']}, mended in {', '.join(fault['fix_versions']) or 'none'}"
        for package in found
        for fault in package.get("vulns", [])
    ]
    return vulnerable, unasked


def _extras() -> Iterator[str]:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    for extra, lines in config["options.extras_require"].items():
        if extra != "indobert":  # not installed where this runs: what it needs is what requirements/bert.txt has more
            yield from filter(None, lines.split("\n"))


def _needed(wanted: Iterator[str]) -> set[str]:
    """The names of these requirements and of all that they need, as the locked files write them."""
    found: set[str] = set()
    waiting = [Requirement(line) for line in wanted]
    while waiting:
        requirement = waiting.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found:
            continue
        found.add(name)
        waiting += _requirements(distribution(name), requirement.extras)
    return found


def _requirements(package: Distribution, extras: set[str]) -> Iterator[Requirement]:
    for line in package.requires or ():
        requirement = Requirement(line)
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": each}) for each in {*extras, ""}):
            yield requirement


def _say(code: int, *lines: str) -> int:
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--write"]:
            sys.path += map(str, ROOT.glob(".venv-*/lib/python*/site-packages"))  # what the other environments hold
            DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
        case ["--audit"]:
            sys.exit(audit())
        case ["--sbom", file]:
            sbom(Path(file))
        case _:
            sys.exit("--write, --audit or --sbom FILE")
