"""The message catalogue: `--update` collects the messages and compiles, `--check` fails if something is missing.

English is the language of the messages in the code; `pipeline/locale/id/` holds the Indonesian ones.
"""

from __future__ import annotations

import io
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "pipeline" / "locale" / "id" / "LC_MESSAGES" / "kentongan.po"
MO = PO.with_suffix(".mo")
_METHODS = [("**.py", "python"), ("**.html", "jinja2")]
_OPTIONS = {"**.html": {"silent": "false"}}  # a page that cannot be parsed is an error, not a page without messages
_HOLES = re.compile(r"\{[^{}]*\}")


def extracted() -> Catalog:
    """All messages of code and pages, sorted, without line numbers (they would change with every edit)."""
    catalog = Catalog(project="kentongan", charset="utf-8")
    found = extract_from_dir(str(ROOT / "pipeline"), method_map=_METHODS, options_map=_OPTIONS, keywords={"_": None})
    for name, _line, message, _comments, _context in sorted(found, key=lambda item: (item[0], item[1])):
        catalog.add(message, locations=[(f"pipeline/{name}", None)])
    return catalog


def current() -> Catalog:
    """The Indonesian catalogue as it stands."""
    if not PO.exists():
        return Catalog(locale="id", project="kentongan", charset="utf-8")
    with PO.open("rb") as file:
        return read_po(file, locale="id")


def compiled(catalog: Catalog) -> bytes:
    """The catalogue as the program reads it."""
    catalog.creation_date = catalog.revision_date = datetime(2026, 1, 1, tzinfo=UTC)  # the .mo must not hold the time
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def problems() -> list[str]:
    """What is missing, fuzzy, superfluous, differs in its holes, or is not compiled."""
    catalog, wanted = current(), extracted()
    found = []
    for message in wanted:
        if not message.id:
            continue
        mine = catalog.get(message.id)
        if mine is None or not mine.string or mine.fuzzy:
            found.append(f"not translated: {message.id!r}")
        elif sorted(_HOLES.findall(str(message.id))) != sorted(_HOLES.findall(str(mine.string))):
            found.append(f"other holes: {message.id!r}")
    found += [f"no longer used: {message.id!r}" for message in catalog if message.id and wanted.get(message.id) is None]
    if not MO.exists() or MO.read_bytes() != compiled(catalog):
        found.append("kentongan.mo is not what kentongan.po compiles to: run make locale")
    return found


def update() -> None:
    """Bring the catalogue up to the code, keeping translations, and compile it."""
    catalog = current()
    catalog.update(extracted(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalog, omit_header=False, width=120, sort_by_file=True, ignore_obsolete=True)
    text = re.sub(
        r'"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By)[^\n]*\n',
        "",
        PO.read_text("utf-8"),
    )
    PO.write_text(text, encoding="utf-8")
    MO.write_bytes(compiled(current()))


if __name__ == "__main__":
    if "--update" in sys.argv:
        update()
    for problem in problems():
        print(problem)
    sys.exit(bool(problems()) and "--check" in sys.argv)
