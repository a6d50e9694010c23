"""Who is told what when a task fails or a run is late."""

from __future__ import annotations

import json
import os
import socketserver
import threading
import time
from collections.abc import Iterator
from email import message_from_string
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kentongan_alerts as alerts
import pytest
from airflow.sdk.execution_time.callback_supervisor import execute_callback
from homes import THREAT
from structlog import get_logger

SECRET = "jangan-sampai-terbaca"


def _context(source: str = "portal", error: Exception | None = None, tries: int = 4) -> dict[str, Any]:
    ti = SimpleNamespace(
        dag_id="ingest_feed",
        task_id="fetch",
        rendered_map_index=source,
        try_number=tries,
        log_url="http://127.0.0.1:1/dags/ingest_feed/runs/x/tasks/fetch",
    )
    return {"ti": ti, "exception": error or ValueError(f"{THREAT} {SECRET}")}


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def told(office: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that alerts go to."""
    path = tmp_path / "alerts.jsonl"
    monkeypatch.setenv("KENTONGAN_ALERT_FILE", str(path))
    return path


def test_one_thing_is_told_once_and_again_when_it_was_well_in_between(told: Path, office: Path) -> None:
    for _again in range(3):
        alerts.failed(_context())
    alerts.failed(_context("kanal"))
    assert [line["thing"] for line in _lines(told)] == ["ingest_feed fetch portal", "ingest_feed fetch kanal"]
    alerts.well(_context())
    alerts.failed(_context())
    assert len(_lines(told)) == 3
    for mark in (office / "state" / "alerts").iterdir():  # a day later
        os.utime(mark, (time.time() - 90_000,) * 2)
    alerts.failed(_context("kanal"))
    assert len(_lines(told)) == 4
    assert told.stat().st_mode & 0o777 == 0o600
    assert office.stat().st_mode & 0o777 == 0o700, "an alert may be the first thing that a home sees"


def test_an_alert_holds_a_link_and_no_word_of_a_post(told: Path) -> None:
    alerts.failed(_context())
    (line,) = _lines(told)
    assert line["link"].startswith("http://127.0.0.1:1/dags/ingest_feed/")
    assert "ValueError" in line["text"]
    assert "try 4" in line["text"]
    assert SECRET not in told.read_text()
    assert THREAT not in told.read_text()


def test_a_channel_that_fails_stops_no_other_and_the_thing_counts_as_told(
    told: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_ALERT_WEBHOOK", "http://127.0.0.1:1/nobody")
    alerts.failed(_context())
    alerts.failed(_context())
    assert len(_lines(told)) == 1


def test_what_nobody_took_is_told_later(told: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN_ALERT_FILE", str(told.parent / "no-folder" / "alerts.jsonl"))
    alerts.failed(_context())
    monkeypatch.setenv("KENTONGAN_ALERT_FILE", str(told))
    alerts.failed(_context())
    assert len(_lines(told)) == 1


def test_a_late_run_is_told(told: Path) -> None:
    """As the executor calls it: by its path, with what the deadline was made with."""
    made = alerts.late_after("flag_posts", minutes=60).callback
    context = {"dag_run": {"dag_run_id": "asset_triggered__1"}}
    well, says = execute_callback(made.path, {**made.kwargs, "context": context}, "", None, get_logger())
    assert well, says
    (line,) = _lines(told)
    assert (line["kind"], line["thing"]) == ("late", "flag_posts")
    assert line["link"].endswith("/dags/flag_posts/runs/asset_triggered__1")
    assert "60 minutes" in line["text"]


# ---- the other ways


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A webhook of ours: its address, and what came."""
    came: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/rahasia", came
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_webhook_gets_json(office: Path, hook: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, came = hook
    monkeypatch.setenv("KENTONGAN_ALERT_WEBHOOK", address)
    alerts.failed(_context())
    (message,) = came
    assert message["thing"] == "ingest_feed fetch portal"
    assert message["link"] in message["text"]


@pytest.fixture
def post_office() -> Iterator[tuple[str, list[str]]]:
    """An SMTP server of ours: its address, and the letters that came."""
    letters: list[str] = []

    class Post(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 kantor")
            for line in self.rfile:
                word = line.split()[0].upper().decode()
                if word == "DATA":
                    self._say("354 go on")
                    letters.append("".join(text.decode() for text in iter(self.rfile.readline, b".\r\n")))
                self._say("221 bye" if word == "QUIT" else "250 ok")
                if word == "QUIT":
                    return

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Post)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"smtp://127.0.0.1:{server.server_address[1]}", letters
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_letter_is_sent(office: Path, post_office: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    server, letters = post_office
    monkeypatch.setenv("KENTONGAN_ALERT_SMTP", server)
    monkeypatch.setenv("KENTONGAN_ALERT_TO", "piket@kesbangpol.example.go.id")
    alerts.failed(_context())
    (letter,) = map(message_from_string, letters)
    assert letter["To"] == letter["From"] == "piket@kesbangpol.example.go.id"
    assert "ingest_feed fetch portal" in letter["Subject"]
    assert "/dags/ingest_feed/" in letter.get_payload()


# ---- in the schedule


def test_a_source_that_fails_in_a_run_is_told_by_its_name(
    run: Any, told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN__SOURCES__KANAL__PATH", str(tmp_path / "nothing.jsonl"))
    run("ingest_export")
    run("ingest_export")
    assert [line["thing"] for line in _lines(told)] == ["ingest_export fetch kanal"]
