"""The layout that DESIGN section 2 asks for, held by tests; the floors themselves are import-linter's."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "pipeline").rglob("*.py"))
PACKAGES = {".".join(path.parent.relative_to(ROOT).parts) for path in FILES if path.name == "__init__.py"}


def _config() -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    return config


def test_the_wheel_lists_every_room_and_the_data_it_reads() -> None:
    listed = set(_config()["options"]["packages"].split())
    assert listed >= PACKAGES
    assert {"pipeline._shipped.data", "pipeline._shipped.models"} <= listed


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_begins_with_what_it_is_for_and_stays_short(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert ast.get_docstring(tree), "the first line says what the file is for"
    if path.parent.name == "versions":
        return  # a migration is a record: written once, never read for its shape
    if path.name != "frames.py":  # nothing but lists of sentences
        assert len(source.splitlines()) <= 400, "usual is 60 to 250 lines: is this one room or two?"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno <= 60, f"{node.name} is long: what is its one duty?"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_public_functions_and_classes_say_what_they_are_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    public = [
        node
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_") and node.name != "_"
    ]
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def test_no_pickle_and_no_scheduler_in_the_package() -> None:
    forbidden = {"pickle", "joblib", "shelve", "marshal", "dill", "airflow"}
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[0] for name in names} & forbidden, path


def test_the_command_loads_nothing_that_only_training_needs() -> None:
    code = "import sys, pipeline.cli.app; print([m for m in ('sklearn', 'torch', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_the_command_line_prints_or_exits() -> None:
    for path in FILES:
        if "cli" in path.parts or path.name == "__main__.py":
            continue
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert not calls & {"print", "exit", "quit"}, path


def _imported(room: str = "") -> set[str]:
    """The top-level modules that the package imports from outside the standard library and itself."""
    names: set[str] = set()
    for path in FILES:
        if room and room not in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names.add((node.module or "").split(".")[0])
    return names - set(sys.stdlib_module_names) - {"pipeline"}


def test_what_is_imported_is_declared_and_what_is_declared_is_used() -> None:
    """Three are not imported: zoneinfo reads tzdata, the stemmer PySastrawi's word list, openpyxl uses defusedxml."""
    extras = _config()["options.extras_require"]
    asked = ("elastic", "encoder", "indobert", "train")
    options = "\n".join((_config()["options"]["install_requires"], *(extras[name] for name in asked)))
    declared = {re.split(r"[^\w-]", line)[0].lower() for line in options.split("\n") if line}
    modules = packages_distributions()
    # torch and what comes with it are not installed here; those packages are called as they are imported
    used = {modules.get(name, [name])[0].lower().replace("_", "-") for name in _imported()}
    assert used == declared - {"tzdata", "pysastrawi", "defusedxml"}


def test_each_tool_for_developers_is_used() -> None:
    """Each is run by a target, imported by a test or script, plugged into pytest, or has types for mypy."""
    folders = (ROOT / name for name in ("tests", "docs", "benchmarks"))
    files = [
        ROOT / "Makefile",
        *(path for each in folders for path in each.rglob("*.py") if "node_modules" not in path.parts),
    ]
    text = " ".join(" ".join(path.read_text(encoding="utf-8").split()) for path in files) + " "
    modules = packages_distributions()
    for name in (ROOT / "requirements" / "dev.in").read_text(encoding="utf-8").split():
        points = distribution(name).entry_points
        used = [f"$(BIN)/{each} " for each in (name, *points.select(group="console_scripts").names)]
        for module in (
            each for each, names in modules.items() if name in {other.lower().replace("_", "-") for other in names}
        ):
            used += [f"import {module}", f"from {module}", f"-m {module}", f'"-m", "{module}"']
        known = name.startswith("types-") or name == "pre-commit"  # the hook is for those who want it
        assert known or points.select(group="pytest11") or any(each in text for each in used), name
