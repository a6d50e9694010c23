"""Logs at their most talkative, of the whole job and the desk: names, counts, partitions, posts' keys; no content."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from homes import Clock, decide, file_of, id_of, place_at, row, take
from review.frame import BASE, PASSWORD, Browser

from pipeline import ingesting, steps
from pipeline.cli import app as cli
from pipeline.core.config import Log
from pipeline.core.errors import LedgerUnavailable
from pipeline.core.identity import subject_of
from pipeline.core.log import configure_logs
from pipeline.landing.raw import partitions, parts, read_part
from pipeline.ledger import people
from pipeline.review.app import build_app
from pipeline.sources.registry import guess_source
from pipeline.workplace import Workplace

TEXT = "besok kita bakar kantor KPU ramai-ramai, zebrabelang siapkan bensin"
NOTE, WORD, HANDLE = "kudanilbiru", "gajahabu", "akun1"
HIDDEN = ("zebrabelang", NOTE, WORD, "1860000000000000001", "x.com/", HANDLE)
Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lines]:
    """Logs as JSON at DEBUG; `lines()` gives those since the last call, and none may hold what is hidden."""
    before = list(logging.getLogger().handlers)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)

    def logged() -> list[dict[str, Any]]:
        said = stream.getvalue()
        stream.seek(0)
        stream.truncate()
        for word in HIDDEN:
            assert word not in said, said
        return [json.loads(line) for line in said.splitlines() if line.startswith("{")]

    configure_logs(Log(level="DEBUG", format="json"))
    yield logged
    structlog.reset_defaults()
    logging.getLogger().handlers = before


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    made = place_at(tmp_path / "home", Clock())
    yield made
    made.close()


# ---- the whole job


def _contents(home: Path) -> Iterator[str]:
    """Pieces of all that the sample's posts hold: three words in a row, names, addresses, long numbers."""
    for partition in partitions(home / "landing"):
        for path in parts(home / "landing", partition):
            for raw in read_part(path):
                for value in raw.payload.values():
                    words = str(value).split()
                    yield from (" ".join(words[at : at + 3]) for at in range(len(words) - 2))
                    yield from (word for word in words if len(word) > 9 or word.startswith("@"))


def test_the_whole_job_logs_no_content(tmp_path: Path) -> None:
    environ = os.environ | {
        "KENTONGAN__LOG__LEVEL": "DEBUG",
        "KENTONGAN__LOG__FORMAT": "json",
        "KENTONGAN__PATHS__HOME": str(tmp_path / "home"),
    }

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline", *arguments]
        return subprocess.run(command, capture_output=True, text=True, env=environ, check=False)

    first = run("demo", "--home", str(tmp_path / "home"), "--json")
    assert first.returncode == 0, first.stderr
    others = [
        run(*words)
        for words in (
            ("replay",),
            ("reindex",),
            ("search", "gudang logistik"),
            ("ringkas",),
            ("purge",),
            ("ledger", "verify"),
            ("doctor",),
        )
    ]
    assert [done.stderr for done in others if "Traceback" in done.stderr] == []
    logged = "\n".join(done.stderr for done in (first, *others))
    events = [json.loads(line) for line in logged.splitlines() if line.startswith("{")]
    assert {event["event"] for event in events} >= {"step_done", "quarantined"}
    said = json.dumps(events, ensure_ascii=False)  # beside them, people are told which file has which fault
    pieces = {*_contents(tmp_path / "home")} - {"laporan-lapangan"}  # which is the name of a source too
    assert len(pieces) > 1_000
    assert sorted(piece for piece in pieces if piece in said) == []
    assert not [event for event in events if "partition" not in event], "each line is about a partition"


def test_a_source_that_fails_is_logged_with_its_partition_and_without_its_words(
    place: Workplace, tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(place, file_of(tmp_path, row(1, TEXT), "2,,x"))
    before = lines()
    assert {event["event"] for event in before} == {"quarantined", "step_done"}
    assert {event["partition"] for event in before} == {"2026-11-21/10"}
    assert all(event["source"] == "warga-csv" for event in before if event["event"] == "quarantined")

    def warn(*_: object) -> None:
        logging.getLogger("somelibrary").error("cannot read %s", TEXT)
        raise LedgerUnavailable(TEXT)

    monkeypatch.setattr(ingesting, "land", warn)
    name = "warga-csv"
    steps.ingest(place, {name: guess_source(str(tmp_path / "warga.csv"), {})[1]})
    library, failed = [event for event in lines() if event["event"] in ("library", "source_failed")]
    assert (library["library"], library["partition"], library["source"]) == ("somelibrary", "2026-11-21/10", name)
    assert (failed["error"], failed["partition"], failed["source"]) == ("LedgerUnavailable", "2026-11-21/10", name)


def test_an_internal_error_is_logged_by_name_and_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KENTONGAN__LOG__FORMAT", "json")

    def bug(*_: object, **__: object) -> None:
        raise RuntimeError(TEXT) from KeyError(TEXT)

    monkeypatch.setattr(steps, "reindex", bug)
    assert cli.call(["reindex", "-vv"]) == 1
    said = capsys.readouterr().err
    assert "zebrabelang" not in said
    (event,) = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert event["event"] == "internal_error"
    assert (event["error"], event["cause"]) == ("RuntimeError", "KeyError")
    assert event["where"].startswith("app.py:")
    assert "flow.py:" in event["where"]


# ---- the desk


@pytest.fixture
def browser(place: Workplace, tmp_path: Path, lines: Lines) -> Browser:
    """A supervisor at the desk of an office with one flag."""
    take(place, file_of(tmp_path, row(1, TEXT)))
    with place.ledger.write() as db:
        user = people.add(db, "penyelia", "00", "supervisor", PASSWORD, place.clock(), must_change=False)
        token, csrf = people.start_session(db, user.id, place.clock())
    made = Browser(build_app(place), base_url=BASE, follow_redirects=False, raise_server_exceptions=False)
    made.cookies.set("kentongan-sesi", token, domain="127.0.0.1")
    made.csrf = csrf
    lines()
    return made


def test_the_desk_logs_pages_and_posts_keys_and_no_content(place: Workplace, browser: Browser, lines: Lines) -> None:
    key = subject_of(id_of(place, 1))
    browser.get("/antrean")
    browser.get(f"/butir/{key}")
    browser.get(f"/butir/{NOTE}")
    browser.get(f"/cari?q={WORD}")
    browser.get(f"/tiada/{WORD}")
    browser.submit("/cari/simpan", q=WORD, nama=NOTE)
    browser.submit(f"/butir/{key}/sumber", reason="context")
    assert browser.submit(f"/butir/{key}/telaah", quick="criticism", note=NOTE).status_code == 303
    browser.submit("/masuk", name=HANDLE, password=WORD)
    logged = lines()
    assert {event["event"] for event in logged} == {"answered"}
    assert {"page", "method", "status", "level", "timestamp"} <= set.intersection(*map(set, logged))
    assert len([event for event in logged if event.get("post") == key]) == 3
    assert all(event.get("post") in (None, key) for event in logged)


def test_an_error_on_a_page_is_logged_with_the_post_and_without_what_it_says(
    place: Workplace, browser: Browser, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = subject_of(id_of(place, 1))

    def bug(*_: object) -> None:
        raise ValueError(TEXT)

    monkeypatch.setattr(type(place.store), "get", bug)
    assert browser.get(f"/butir/{key}").status_code == 500
    failed, answered = lines()
    assert (failed["event"], failed["level"], failed["error"]) == ("page_failed", "error", "ValueError")
    assert failed["post"] == answered["post"] == key
    assert "desk.py:" in failed["where"] or "item.py:" in failed["where"]


def test_what_a_server_or_library_says_of_an_error_is_not_repeated(lines: Lines) -> None:
    error = ValueError(TEXT)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application: %s", WORD, exc_info=error)
    logging.getLogger("other").info(NOTE)
    (event,) = lines()
    assert (event["event"], event["library"], event["error"]) == ("library", "uvicorn.error", "ValueError")
    assert event["line"].startswith("test_logs.py:")


def test_logs_configured_twice_say_each_thing_once(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    for _time in range(2):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        configure_logs(Log(level="DEBUG", format="json"))
        logging.getLogger("other").warning(NOTE)
        assert len(stream.getvalue().splitlines()) == 1
    assert lines() == []


def test_a_verdict_by_the_program_leaves_no_note_in_the_log(place: Workplace, tmp_path: Path, lines: Lines) -> None:
    take(place, file_of(tmp_path, row(1, TEXT)))
    decide(place, id_of(place, 1), "fits", "confirmed", note=NOTE)
    steps.index(place, "2026-11-21/10", now=place.clock())
    assert {event["event"] for event in lines()} == {"step_done"}


def test_a_line_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", closed)
    configure_logs(Log(level="WARNING", format="text"))
    closed.close()
    structlog.get_logger().error("nobody_reads_this")
    structlog.reset_defaults()
