"""What the tests of hostile input share: one run of the program on a file or address, and what it left behind."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline import steps
from pipeline.cli import main
from pipeline.core.config import SourceSettings, load_settings
from pipeline.landing.quarantine import read_quarantine
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

NS = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@dataclass(frozen=True)
class Done:
    """How a run ended: exit code, what was said, counts of each step, reasons in quarantine, texts in derived/."""

    code: int
    said: str
    counts: dict[str, dict[str, int]]
    quarantined: list[tuple[str, str]]
    texts: list[str]


def run(home: Path, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Done:
    """`kentongan run --input`, in English, in a home of its own."""
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(home))
    monkeypatch.setenv("KENTONGAN__FETCH__PACE", "0")
    monkeypatch.setenv("KENTONGAN__FETCH__RETRIES", "0")
    capsys.readouterr()
    with pytest.raises(SystemExit) as stop:
        main(["run", "--input", address, "--json", "--lang", "en"])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    assert not list(home.rglob("*.tmp-*")), "a temporary file stayed"
    report = json.loads(out) if out else {}
    counts = {step["step"]: step["counts"] for step in report.get("reports", [])}
    place = Workplace(load_settings()[0])
    kept = [(item.place, item.reason) for item in read_quarantine(home / "quarantine")]
    return Done(int(stop.value.code or 0), err, counts, kept, texts(place))


def texts(place: Workplace) -> list[str]:
    """The texts of all derived posts, flagged or not."""
    from pipeline.landing.derived import derived_file, derived_partitions, read_derived

    found = []
    for partition in derived_partitions(place.home.derived):
        path = derived_file(place.home.derived, partition)
        found += [flag.post.text for flag in read_derived(path)] if path else []
    return found


def ingested(place: Workplace, address: str) -> steps.Ingested:
    """Only the first step, for files whose scoring would take longer than a test may."""
    name, settings = guess_source(address, {})
    return steps.ingest(place, {name: settings})


def place_in(home: Path, **environ: str) -> Workplace:
    """The workplace of a home with these settings."""
    return Workplace(load_settings(None, {"KENTONGAN__PATHS__HOME": str(home)} | environ)[0])


def feed_settings(url: str) -> dict[str, SourceSettings]:
    """One feed as a source."""
    return {"portal": SourceSettings(kind="feed", url=url, subject="media", visibility="media")}


def workbook(
    path: Path, sheet: Iterable[bytes], strings: Iterable[bytes] = (), name: str = "sharedStrings.xml"
) -> Path:
    """An XLSX made by hand: its one worksheet and its table of texts as given, in blocks."""
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    sheets = "application/vnd.openxmlformats-officedocument.spreadsheetml."
    types = {"workbook.xml": "sheet.main+xml", "worksheets/sheet1.xml": "worksheet+xml", name: "sharedStrings+xml"}
    overrides = "".join(
        f'<Override PartName="/xl/{part}" ContentType="{sheets}{kind}"/>' for part, kind in types.items()
    )
    link = f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/%s" Target="%s"/>'
    link += "</Relationships>"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
        f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{overrides}</Types>',
        "_rels/.rels": link % ("officeDocument", "xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": link % ("worksheet", "worksheets/sheet1.xml"),
        "xl/workbook.xml": f'<workbook {NS.decode()} xmlns:r="{office}"><sheets><sheet name="S" sheetId="1" '
        'r:id="r1"/></sheets></workbook>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
        for part, root, blocks in (("worksheets/sheet1.xml", b"worksheet", sheet), (name, b"sst", strings)):
            with archive.open(f"xl/{part}", "w") as file:
                file.write(b"<" + root + b" " + NS + b">")
                for block in blocks:
                    file.write(block)
                file.write(b"</" + root + b">")
    return path


def row(*cells: str) -> bytes:
    """A worksheet's row of these texts."""
    return b"<row>" + b"".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>'.encode() for cell in cells) + b"</row>"


def zipped(**files: bytes) -> bytes:
    """A ZIP of these files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()
