"""The HTTP client against a web site that behaves as badly as sites do."""

from __future__ import annotations

import gzip
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from webserver import FakeClock, Page, Site, serving

from pipeline.core.config import Fetch
from pipeline.core.errors import ConfigError, SourceUnavailable
from pipeline.sources.fetch import ARTICLE, Fetcher, Refused
from pipeline.sources.manners import retry_after

NOW = datetime(2026, 11, 21, 5, 0, tzinfo=UTC)
SETTINGS = {
    "contact": "kesbangpol@contoh.go.id",
    "timeout": 5.0,
    "total_timeout": 10.0,
    "max_bytes": 200_000,
    "max_redirects": 5,
    "retries": 2,
    "pace": 0.0,
    "max_entries": 2_000,
    "articles": True,
    "allow_hosts": (),
}
TLS = ssl.create_default_context()  # one for all tests: to load the authorities takes 50 ms
PAGE = Page(b"<p>Warga bergotong royong.</p>")


def fetcher(site: Site | None, clock: FakeClock | None = None, **given) -> Fetcher:
    """A fetcher whose user typed the site's address; times only pass when it sleeps, unless `clock` is a real one."""
    clock = clock or FakeClock()
    options = {name: given.pop(name) for name in ("resolve", "tls", "typed") if name in given}
    options = {"typed": (site.url,) if site else (), "tls": TLS} | options
    return Fetcher(
        Fetch(**SETTINGS | given), clock=clock.time, sleep=clock.sleep, now=lambda: NOW, jitter=lambda: 0.5, **options
    )


class RealClock(FakeClock):
    def time(self) -> float:
        return time.monotonic()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving({"/": PAGE}) as running:
        yield running


def test_a_page_comes_with_what_the_server_says_of_it(site: Site) -> None:
    site.routes["/"] = Page(
        b"isi",
        headers={"ETag": '"v1"', "Last-Modified": "Sat, 21 Nov 2026 04:00:00 GMT"},
        type="text/HTML; charset=UTF-8",
    )
    with fetcher(site) as client:
        got = client.get(site.url + "/#bagian")
    assert (got.status, got.content, got.content_type, got.charset) == (200, b"isi", "text/html", "utf-8")
    assert (got.etag, got.last_modified) == ('"v1"', "Sat, 21 Nov 2026 04:00:00 GMT")
    assert (got.url, got.not_modified) == (site.url + "/", False)


def test_it_names_itself_and_keeps_no_cookie(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    site.routes["/"] = Page(b"x", headers={"Set-Cookie": "jejak=1; Path=/"})
    with fetcher(site) as client:
        client.get(site.url)
        client.get(site.url)
    for _path, headers in site.asked:
        assert headers["user-agent"].startswith("Kentongan/")
        assert "kesbangpol@contoh.go.id" in headers["user-agent"]
        assert headers["host"] == site.host
        assert not {"cookie", "authorization", "referer"} & headers.keys()


@pytest.mark.parametrize("contact", ["a\r\nX-Evil: 1", "büro@contoh.go.id"])
def test_a_contact_that_cannot_stand_in_a_header(contact: str) -> None:
    with pytest.raises(ConfigError, match="contact"):
        fetcher(None, contact=contact)


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://kabar.example/", "file:///etc/passwd", "http://a:b@kabar.example/", "http://[::1/", "http://"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with fetcher(None) as client, pytest.raises(Refused):
        client.get(url)


# --- conditional GET ---------------------------------------------------------------------------------------------


def test_not_modified(site: Site) -> None:
    site.routes["/"] = lambda headers: Page(status=304) if headers.get("if-none-match") == '"v1"' else PAGE
    with fetcher(site) as client:
        assert client.get(site.url, etag='"v1"', modified="Sat, 21 Nov 2026 04:00:00 GMT").not_modified
        assert not client.get(site.url, etag='"v2"').not_modified
        client.get(site.url, etag="a\r\nb", modified="ä")
    sent = [headers for path, headers in site.asked if path == "/"]
    assert sent[0]["if-modified-since"] == "Sat, 21 Nov 2026 04:00:00 GMT"
    assert not {"if-none-match", "if-modified-since"} & sent[2].keys()


def test_a_304_that_nobody_asked_for_is_an_error(site: Site) -> None:
    site.routes["/"] = Page(status=304)
    with fetcher(site) as client, pytest.raises(Refused, match="304"):
        client.get(site.url)


# --- bounds ------------------------------------------------------------------------------------------------------


def test_gzip_is_unpacked(site: Site) -> None:
    site.routes["/"] = Page(gzip.compress(b"isi" * 1000), headers={"Content-Encoding": "gzip"})
    with fetcher(site) as client:
        assert client.get(site.url).content == b"isi" * 1000


@pytest.mark.parametrize(
    ("page", "word"),
    [
        (Page(b"x" * 200_001), "larger than 200,000"),
        (Page([b"x" * 50_000] * 5), "larger than 200,000"),
        (Page(gzip.compress(b"\0" * 50_000_000, mtime=0), headers={"Content-Encoding": "gzip"}), "larger than 200,000"),
        (Page(b"x", headers={"Content-Encoding": "br"}), "br"),
        (Page(b"x", headers={"Content-Encoding": "gzip, gzip"}), "did not ask"),
        (Page(b"\x89PNG", type="image/png"), "image/png"),
        (Page(status=404), "404"),
        (Page(status=403), "403"),
        (Page(status=206), "206"),
    ],
)
def test_answers_that_are_refused_at_once(site: Site, page: Page, word: str) -> None:
    site.routes["/"] = page
    with fetcher(site) as client, pytest.raises(Refused, match=word):
        client.get(site.url, accept=ARTICLE)
    assert site.paths == ["/"]


@pytest.mark.parametrize(
    "body",
    [b"no gzip at all", gzip.compress(b"isi" * 1000, mtime=0)[:-20], gzip.compress(b"isi", mtime=0)[:12]],
    ids=["none", "half", "start"],
)
def test_damaged_packing_is_tried_again_then_an_error(site: Site, body: bytes) -> None:
    site.routes["/"] = Page(body, headers={"Content-Encoding": "gzip"})
    with fetcher(site) as client, pytest.raises(SourceUnavailable):
        client.get(site.url)
    assert site.paths == ["/"] * 3


def test_a_bomb_takes_little_memory_and_time(site: Site) -> None:
    import tracemalloc

    packed = gzip.compress(bytes(60_000_000), compresslevel=1)
    site.routes["/"] = Page(packed, headers={"Content-Encoding": "gzip"})
    with fetcher(site) as client:
        tracemalloc.start()
        with pytest.raises(Refused):
            client.get(site.url)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 3_000_000  # of 60 MB in the bomb


def test_a_body_that_drips_ends_with_the_total_time(site: Site) -> None:
    site.routes["/"] = Page([b"x"] * 100, pause=0.1)
    with fetcher(site, RealClock(), total_timeout=0.5, retries=0) as client:
        start = time.monotonic()
        with pytest.raises(SourceUnavailable, match="too long"):
            client.get(site.url)
        assert time.monotonic() - start < 3


def test_a_server_that_says_nothing_ends_with_the_time_out(site: Site) -> None:
    site.routes["/"] = Page([b"x"], pause=3)
    with (
        fetcher(site, RealClock(), timeout=0.3, retries=0) as client,
        pytest.raises(SourceUnavailable, match="too long"),
    ):
        client.get(site.url)


def test_a_body_shorter_than_announced_is_an_error(site: Site) -> None:
    site.routes["/"] = Page(b"abc", headers={"Content-Length": "10", "Connection": "close"})
    with fetcher(site, RealClock(), timeout=1, retries=0) as client, pytest.raises(SourceUnavailable):
        client.get(site.url)


# --- retries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_failure_for_now_is_tried_again_with_growing_pauses(site: Site, status: int) -> None:
    site.routes["/"] = [Page(status=status), Page(status=status), PAGE]
    clock = FakeClock()
    with fetcher(site, clock) as client:
        assert client.get(site.url).status == 200
    assert clock.slept == [1.0, 2.0]


def test_a_lost_connection_is_tried_again(site: Site) -> None:
    site.routes["/"] = [Page(drop=True), PAGE]
    with fetcher(site) as client:
        assert client.get(site.url).status == 200


def test_retries_end(site: Site) -> None:
    site.routes["/"] = Page(status=503)
    with fetcher(site) as client, pytest.raises(SourceUnavailable, match="503") as caught:
        client.get(site.url)
    assert not isinstance(caught.value, Refused)
    assert len(site.paths) == 3


@pytest.mark.parametrize("value", ["7", "Sat, 21 Nov 2026 05:00:07 GMT"])
def test_retry_after_is_kept(site: Site, value: str) -> None:
    site.routes["/"] = [Page(status=429, headers={"Retry-After": value}), PAGE]
    clock = FakeClock()
    with fetcher(site, clock) as client:
        client.get(site.url)
    assert clock.slept == [7.0]


def test_too_long_a_retry_after_is_for_the_caller(site: Site) -> None:
    site.routes["/"] = Page(status=429, headers={"Retry-After": "3600"})
    clock = FakeClock()
    with fetcher(site, clock) as client, pytest.raises(SourceUnavailable) as caught:
        client.get(site.url)
    assert (caught.value.retry_after, clock.slept, len(site.paths)) == (3600.0, [], 1)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        ("Sat, 21 Nov 2026 04:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 12:00:30 +0700", 30.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("9" * 400, None),
        ("Mon, 99 Foo 9999 99:99:99 GMT", None),
    ],
)
def test_reading_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, NOW) == seconds


def test_a_dead_host() -> None:
    with serving({}) as gone:
        url = gone.url
    with fetcher(None, typed=(url,)) as client, pytest.raises(SourceUnavailable, match="no good answer"):
        client.get(url)


def test_a_name_that_does_not_exist() -> None:
    def resolve(host: str, port: int) -> list[str]:
        raise OSError("unknown")

    with fetcher(None, resolve=resolve) as client, pytest.raises(SourceUnavailable, match=r"kabar\.example"):
        client.get("https://kabar.example/")


# --- redirects and the office's network ---------------------------------------------------------------------------


def test_redirects_are_followed(site: Site) -> None:
    site.routes |= {
        "/a": Page(status=301, headers={"Location": "b?x=1"}),
        "/b?x=1": Page(status=307, headers={"Location": site.url + "/"}),
    }
    with fetcher(site) as client:
        assert client.get(site.url + "/a").url == site.url + "/"


@pytest.mark.parametrize(
    ("location", "word"),
    [
        ("/putar", "more than 5 times"),
        (None, "to nowhere"),
        ("ftp://kabar.example/", "that we open"),
        ("file:///etc/passwd", "that we open"),
        ("http://a:b@kabar.example/", "that we open"),
        ("http://[::1/", "location header"),
        ("//kabar.example:9200/", "port other than"),
    ],
)
def test_bad_redirects(site: Site, location: str | None, word: str) -> None:
    site.routes["/putar"] = Page(status=302, headers={"Location": location} if location else {})
    with (
        fetcher(site, resolve=lambda host, port: ["127.0.0.1"]) as client,
        pytest.raises(SourceUnavailable, match=word),
    ):
        client.get(site.url + "/putar")


@pytest.mark.parametrize(
    "host",
    """127.0.0.1 localhost 2130706433 0x7f000001 127.1 0.0.0.0 0 [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::]
    169.254.169.254 10.0.0.1 192.168.1.1 localhost. 127.0.0.1.""".split(),
)
@pytest.mark.parametrize("port", ["", ":{port}"])
def test_a_redirect_never_leads_inward(site: Site, host: str, port: str) -> None:
    with serving({"/rahasia": Page(b"rahasia")}) as inner:
        target = f"http://{host}{port.format(port=inner.server_port)}/rahasia"
        site.routes["/"] = Page(status=302, headers={"Location": target})
        with fetcher(site, retries=0) as client, pytest.raises(SourceUnavailable) as caught:
            client.get(site.url)
        assert inner.asked == []
    assert isinstance(caught.value, Refused) or "no such host" in str(caught.value)


def test_a_feed_may_not_name_the_host_that_was_not_typed(site: Site) -> None:
    with fetcher(None, typed=()) as client, pytest.raises(Refused, match="allow_hosts"):
        client.get(site.url)
    assert site.asked == []


def test_the_config_may_name_the_host(site: Site) -> None:
    with fetcher(None, allow_hosts=("127.0.0.1",)) as client:
        assert client.get(site.url).status == 200
    with fetcher(None, allow_hosts=(site.host,)) as client:
        assert client.get(site.url).status == 200


def test_a_name_that_turns_inward_is_refused_at_the_next_connection(site: Site) -> None:
    site.routes["/"] = Page(b"x", headers={"Connection": "close"})
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    with fetcher(None, typed=("http://turn.example/",), resolve=lambda host, port: answers.pop(0)) as client:
        client._backend._sockets = _Elsewhere(site.server_port)
        client._backend._gate.check("turn.example", 80, ["8.8.8.8"])
        client._robots.check = lambda url: 0.0
        assert client.get("http://turn.example/").content == b"x"
        with pytest.raises(Refused, match=r"127\.0\.0\.1"):
            client.get("http://turn.example/")
    assert len(site.paths) == 1


class _Elsewhere:
    """Sockets that reach the test's site wherever they are sent, as if it stood there."""

    def __init__(self, port: int) -> None:
        self.port = port

    def connect_tcp(self, host, port, timeout, local_address, socket_options):
        import httpcore

        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)


def test_host_header_stays_the_name(site: Site) -> None:
    name = f"kabar.example:{site.server_port}"
    with fetcher(None, allow_hosts=(name,), resolve=lambda host, port: ["127.0.0.1"]) as client:
        client.get(f"http://{name}/")
    assert {headers["host"] for _path, headers in site.asked} == {name}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for kabar.example, made for this run."""
    if not shutil.which("openssl"):
        if os.environ.get("CI") == "true":
            pytest.fail("openssl is missing")
        pytest.skip("needs openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=kabar.example -keyout key.pem -out cert.pem"
    extra = ["-addext", "subjectAltName=DNS:kabar.example"]
    subprocess.run([*command.split(), *extra], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(("name", "good"), [("kabar.example", True), ("lain.example", False)])
def test_the_certificate_is_checked_for_the_name(site: Site, certificate: Path, name: str, good: bool) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    site.socket = server.wrap_socket(site.socket, server_side=True)
    address = f"https://{name}:{site.server_port}/"
    tls = ssl.create_default_context(cafile=str(certificate / "cert.pem"))
    given = {"typed": (address,), "resolve": lambda host, port: ["127.0.0.1"], "tls": tls, "retries": 0}
    with fetcher(None, **given) as client:
        if good:
            assert client.get(address).status == 200
        else:
            with pytest.raises(SourceUnavailable, match=r"(?i)certificate"):
                client.get(address)


# --- manners -----------------------------------------------------------------------------------------------------


def robots(text: str, **headers: str) -> Page:
    return Page(text.encode(), type="text/plain", headers=headers)


def test_robots_txt_is_asked_once_and_kept(site: Site) -> None:
    site.routes |= {"/robots.txt": robots("User-agent: *\nDisallow: /dalam/\n"), "/dalam/a": PAGE}
    with fetcher(site) as client:
        client.get(site.url)
        for _twice in range(2):
            with pytest.raises(Refused, match=r"robots\.txt"):
                client.get(site.url + "/dalam/a")
    assert [path for path, _headers in site.asked] == ["/robots.txt", "/"]


def test_robots_txt_may_speak_to_us_by_name(site: Site) -> None:
    site.routes["/robots.txt"] = robots("User-agent: *\nAllow: /\n\nUser-agent: kentongan\nDisallow: /\n")
    with fetcher(site) as client, pytest.raises(Refused, match=r"robots\.txt"):
        client.get(site.url)


def test_robots_txt_is_asked_again_after_a_day(site: Site) -> None:
    clock = FakeClock()
    with fetcher(site, clock) as client:
        client.get(site.url)
        clock.seconds += 86_401
        client.get(site.url)
    assert [path for path, _headers in site.asked].count("/robots.txt") == 2


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_no_robots_txt_allows_all(site: Site, status: int) -> None:
    site.routes["/robots.txt"] = Page(b"User-agent: *\nDisallow: /", status=status)
    with fetcher(site) as client:
        assert client.get(site.url).status == 200


def test_a_robots_txt_that_fails_allows_nothing_for_now(site: Site) -> None:
    site.routes["/robots.txt"] = Page(status=503)
    clock = FakeClock()
    with fetcher(site, clock) as client:
        for _twice in range(2):
            with pytest.raises(SourceUnavailable, match="503"):
                client.get(site.url)
        assert [path for path, _headers in site.asked] == ["/robots.txt"] * 3
        site.routes["/robots.txt"] = robots("")
        clock.seconds += 601
        assert client.get(site.url).status == 200


def test_robots_txt_counts_at_each_redirect(site: Site) -> None:
    with serving({"/robots.txt": robots("User-agent: *\nDisallow: /"), "/": PAGE}) as other:
        site.routes["/"] = Page(status=302, headers={"Location": other.url + "/"})
        with fetcher(site, typed=(site.url, other.url)) as client, pytest.raises(Refused, match=r"robots\.txt"):
            client.get(site.url)
        assert other.paths == []


def test_a_robots_txt_that_redirects_inward_is_not_followed(site: Site) -> None:
    with serving({"/robots.txt": robots("")}) as inner:
        site.routes["/robots.txt"] = Page(status=302, headers={"Location": inner.url + "/robots.txt"})
        with fetcher(site) as client, pytest.raises(Refused):
            client.get(site.url)
        assert inner.asked == []


def test_a_huge_robots_txt_is_cut_and_quick_to_read(site: Site) -> None:
    wild = b"Disallow: /" + b"*a" * 400 + b"*b$\n"
    site.routes["/robots.txt"] = Page(b"User-agent: *\nDisallow: /dalam\n" + wild * 2_000, type="text/plain")
    site.routes["/" + "a" * 1_500] = PAGE
    with fetcher(site) as client:
        start = time.monotonic()
        assert client.get(site.url + "/" + "a" * 1_500).status == 200
        with pytest.raises(Refused):
            client.get(site.url + "/dalam")
        assert time.monotonic() - start < 5


def test_calls_to_one_host_are_kept_apart(site: Site) -> None:
    clock = FakeClock()
    with serving({"/": PAGE}) as other, fetcher(site, clock, pace=2.0, typed=(site.url, other.url)) as client:
        client.get(site.url)
        client.get(other.url)
        assert clock.slept == []
        client.get(site.url)
        assert clock.slept == [2.0]
        clock.seconds += 10
        client.get(site.url)
        assert clock.slept == [2.0]


def test_a_site_may_ask_for_more_time_between_calls(site: Site) -> None:
    site.routes["/robots.txt"] = robots("User-agent: *\nCrawl-delay: 10\n")
    clock = FakeClock()
    with fetcher(site, clock, pace=1.0) as client:
        client.get(site.url)
        client.get(site.url)
    assert clock.slept == [10.0]


def test_a_site_that_asks_for_an_hour_is_called_once(site: Site) -> None:
    site.routes["/robots.txt"] = robots("User-agent: *\nCrawl-delay: 3600\n")
    clock = FakeClock()
    with fetcher(site, clock) as client:
        client.get(site.url)
        with pytest.raises(SourceUnavailable, match="3600 seconds") as caught:
            client.get(site.url)
    assert caught.value.retry_after == pytest.approx(3600)
    assert (clock.slept, len(site.paths)) == ([], 1)
