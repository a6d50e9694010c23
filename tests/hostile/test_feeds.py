"""Hostile feeds and sites through the program: every one ends soon, with a message, and what is good is kept."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import hostile
import pytest
from sources.webserver import Page, Site, serving

from pipeline import steps
from pipeline.sources.fetch import Fetcher

GOOD = "Jembatan gantung di Sintang selesai diperbaiki warga"
ITEM = "<item><title>{title}</title><guid>{guid}</guid></item>"


def rss(*titles: str, extra: str = "") -> bytes:
    """A feed with these titles."""
    items = "".join(ITEM.format(title=title, guid=f"g{number}") for number, title in enumerate(titles))
    return f'<?xml version="1.0"?><rss version="2.0"><channel>{items}{extra}</channel></rss>'.encode()


@pytest.fixture
def site() -> Iterator[Site]:
    """A site that can be told what to answer."""
    with serving({}) as made:
        yield made


SPACES, GZIP = b" " * 60_000_000, {"Content-Encoding": "gzip"}
ENDS = {
    "berputar": (Page(status=302, headers={"Location": "/a"}), 1, "redirects more than"),
    "ke-diri": (Page(status=301, headers={"Location": "/feed"}), 1, "redirects more than"),
    "ke-dalam": (Page(status=302, headers={"Location": "http://169.254.169.254/x"}), 1, "internal address"),
    "ke-berkas": (Page(status=302, headers={"Location": "file:///etc/passwd"}), 1, "not a web address|no good answer"),
    "besar": (Page(b"x", headers={"Content-Length": "999999999999"}), 1, "larger than"),
    "bom": (Page(gzip.compress(SPACES), headers=GZIP), 1, "larger than"),
    "bom-berkas": (Page(gzip.compress(SPACES), type="application/gzip"), 1, "more than"),
    "bom-ganda": (Page(gzip.compress(gzip.compress(SPACES)), headers=GZIP), 1, "more than"),
    "asing": (Page(rss(GOOD), headers={"Content-Encoding": "br"}), 1, "packed as"),
    "rusak": (Page(b"\x1f\x8b\x08rusak", headers={"Content-Encoding": "gzip"}), 1, "packed badly|cut off"),
    "tawa": (Page(b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><rss><channel><item><title>&b;'), 1, "entities"),
    "kuadrat": (Page(b'<!DOCTYPE l [<!ENTITY a "' + b"a" * 100_000 + b'">]><rss>' + b"&a;" * 9_000), 1, "entities"),
    "kosong": (Page(b""), 1, "empty"),
    "biner": (Page(bytes(range(256)) * 20, type="application/rss+xml"), 1, "no feed"),
    "hilang": (Page(b"", status=410), 1, "410"),
}  # fmt: skip


@pytest.mark.parametrize("name", ENDS)
def test_a_hostile_answer_ends_in_a_message_and_exit_code_one(
    name: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, code, words = ENDS[name]
    site.routes |= {"/feed": page, "/a": Page(status=302, headers={"Location": "/b"})}
    site.routes["/b"] = Page(status=302, headers={"Location": "/a"})
    start = time.monotonic()
    done = hostile.run(tmp_path / "home", f"{site.url}/feed", monkeypatch, capsys)
    assert done.code == code
    assert re.search(words, done.said), done.said
    assert "root:" not in done.said
    assert time.monotonic() - start < 15


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "text/plain; charset=zlib", "", "x" * 300])
def test_a_feed_with_a_wrong_content_type_is_read_by_what_it_holds(
    kind: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.routes["/feed"] = Page(rss(GOOD), type=kind)
    done = hostile.run(tmp_path / "home", f"{site.url}/feed", monkeypatch, capsys)
    assert (done.code, done.texts) == (0, [GOOD])


def test_what_is_wrong_in_one_entry_costs_that_entry_and_no_other(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "<item></item><item><title>a&#xD800;b&#1;c</title><link>http://[::1</link><pubDate>1900</pubDate></item>"
    bad += "<item><title>\u202etxet \u200b\U0001f600</title><link>javascript:alert(1)</link></item>"
    bad += "<item><title>" + "panjang " * 40_000 + "</title><pubDate>Jumat, 26 Juni 2020</pubDate></item>"
    site.routes["/feed"] = Page(rss(GOOD, extra=bad))
    done = hostile.run(tmp_path / "home", f"{site.url}/feed", monkeypatch, capsys)
    assert done.code == 0
    assert GOOD in done.texts
    assert done.counts["ingest"] == {"landed": 4, "again": 0, "quarantined": 1}
    assert len(done.texts) == 4
    assert max(map(len, done.texts)) <= 1_000


def test_pages_behind_a_feed_that_break_parsers_cost_themselves_only(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = {
        "/1": Page(b"<p>isi&#1;</p><script>x</script>dua&#xD800;" + b"<div>" * 5_000),
        "/2": Page(b"\x89PNG", type="image/png"),
        "/3": Page(gzip.compress(b"<p>" * 20_000_000), headers={"Content-Encoding": "gzip"}),
        "/4": Page(status=302, headers={"Location": "/4"}),
        "/5": Page(status=302, headers={"Location": "http://127.0.0.1:9/"}),
        "/6": Page(b"<html>" + b"\0" * 10_000),
    }
    items = "".join(
        f"<item><title>{GOOD} {path[1:]}</title><link>{site.url}{path}</link></item>" for path in [*pages, "/tiada"]
    )
    site.routes |= {"/feed": Page(rss(extra=items)), **pages}
    done = hostile.run(tmp_path / "home", f"{site.url}/feed", monkeypatch, capsys)
    assert done.code == 0
    assert done.counts["ingest"]["landed"] == len(pages) + 1
    assert len(done.texts) == len(pages) + 1


@contextmanager
def dripping(*, head: bytes, pause: float) -> Iterator[str]:
    """A server that accepts every call and answers a byte at a time, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def answer(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(4_096)
            connection.sendall(head)
            while not stop.wait(pause):
                connection.sendall(b"x")

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=answer, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/feed"
    finally:
        stop.set()
        listener.close()


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nX-Panjang: ", b"HTTP/1.1 200 OK\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_a_site_that_drips_is_left_when_the_time_for_all_is_over(
    head: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KENTONGAN__FETCH__TOTAL_TIMEOUT", "0.7")
    start = time.monotonic()
    with dripping(head=head, pause=0.02) as url:
        done = hostile.run(tmp_path / "home", url, monkeypatch, capsys)
    assert done.code == 1
    assert "Source" in done.said
    assert time.monotonic() - start < 8


def test_a_name_that_turns_to_loopback_is_resolved_once_for_each_call_and_never_followed_inward(
    site: Site, tmp_path: Path
) -> None:
    """The first answer would pass a check, the second is where a careless client connects."""
    answers = [["127.0.0.1"], ["8.8.8.8"]]
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return answers[len(asked) % 2]

    site.routes["/rahasia"] = Page(b"rahasia")
    place = hostile.place_in(tmp_path / "home", KENTONGAN__FETCH__RETRIES="0", KENTONGAN__FETCH__TIMEOUT="0.5")
    with Fetcher(place.settings.fetch, resolve=resolve) as client:
        connected: list[str] = []
        real = client._backend._sockets.connect_tcp

        def connect(host: str, *rest: object) -> object:
            connected.append(host)
            return real("192.0.2.1" if host == "8.8.8.8" else host, *rest)

        client._backend._sockets.connect_tcp = connect
        for _call in range(3):
            with pytest.raises(Exception, match=r"example|internal address|took too long|no good answer"):
                client.get("http://berputar.example/rahasia")
    assert "127.0.0.1" not in connected
    assert site.asked == []


def test_a_feed_of_a_hundred_thousand_entries_is_read_to_its_bound_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.rss"
    path.write_bytes(rss(*(f"{GOOD} nomor {number}" for number in range(100_000))))
    place = hostile.place_in(tmp_path / "home")
    done = hostile.ingested(place, str(path))
    assert done.report.counts["landed"] == 50_000
    assert any("50000 entries were not read" in note for note in done.notes)


def test_json_feeds_with_odd_values_keep_their_good_entries(tmp_path: Path) -> None:
    items = [
        {"id": "1", "title": GOOD},
        {"id": 10**400, "title": "\ud800 setengah"},
        {"id": None, "title": ["x"], "content_text": {"a": 1}},
        "tulisan",
        {
            "id": "5",
            "title": "x",
            "url": "http://[1",
            "date_published": "\u0661\u0662",
            "tags": [1, None, "\ud800"] * 99,
        },
    ]
    document = {"version": "https://jsonfeed.org/version/1.1", "language": {"a": 1}, "items": items}
    (tmp_path / "a.json").write_text(json.dumps(document), encoding="utf-8")
    place = hostile.place_in(tmp_path / "home")
    done = hostile.ingested(place, str(tmp_path / "a.json"))
    assert not done.failed
    assert done.report.counts["landed"] == 3
    assert done.report.counts["quarantined"] == 2
    steps.flag(place, done.partition, now=place.clock())
    assert GOOD in hostile.texts(place)
