"""Pushing the saved objects: to a server on this machine that answers as Kibana does, or as it should not."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from pipeline.cli import main
from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.review import kibana
from pipeline.review.kibana.push import _target, _unreached

SECRET, PASSWORD = "c2VjcmV0LWtleQ==", "Empat kuda di pasar"
KEY = {"KENTONGAN_KIBANA_API_KEY": SECRET}
CONTENT = (kibana.FOLDER / kibana.FILE).read_bytes()
DONE = {"success": True, "successCount": 22, "successResults": [{"id": "a"}, {"id": "b", "overwrite": True}]}


@dataclass
class Kibana:
    """What the server answers, and what it was asked."""

    url: str = ""
    status: int = 200
    body: bytes = json.dumps(DONE).encode()
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)

    def says(self, status: int, body: Any, **headers: str) -> None:
        """The next answers."""
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
def server() -> Iterator[Kibana]:
    """A server on a free port of this machine."""
    state = Kibana()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            kind = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            (part,) = message_from_bytes(kind + sent).get_payload()
            state.asked.append(
                {
                    "path": self.path,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "field": part.get_param("name", header="content-disposition"),
                    "file": part.get_filename(),
                    "content": part.get_payload(decode=True),
                }
            )
            self.send_response(state.status)
            for name, value in {"Content-Length": str(len(state.body)), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(state.body)

        def log_message(self, *_said: object) -> None:
            """Nothing on the terminal."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, args=(0.02,))
    thread.start()
    state.url = f"http://127.0.0.1:{httpd.server_port}"
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_the_objects_are_imported_over_older_ones(server: Kibana) -> None:
    assert kibana.push(CONTENT, server.url, environ=KEY) == kibana.Pushed(taken=22, replaced=1)
    (asked,) = server.asked
    assert asked["path"] == "/api/saved_objects/_import?overwrite=true"
    assert (asked["field"], asked["file"], asked["content"]) == ("file", "objects.ndjson", CONTENT)
    assert asked["headers"]["kbn-xsrf"] == "true"
    assert asked["headers"]["authorization"] == f"ApiKey {SECRET}"


def test_a_space_and_a_path_before_it_are_kept(server: Kibana) -> None:
    kibana.push(CONTENT, f"{server.url}/pantau/", space="kesbangpol", environ={})
    assert server.asked[0]["path"] == "/pantau/s/kesbangpol/api/saved_objects/_import?overwrite=true"
    assert "authorization" not in server.asked[0]["headers"]


def test_a_user_and_password_will_do(server: Kibana) -> None:
    kibana.push(CONTENT, server.url, environ={"KENTONGAN_KIBANA_USER": "desk", "KENTONGAN_KIBANA_PASSWORD": PASSWORD})
    assert server.asked[0]["headers"]["authorization"].startswith("Basic ")


def test_success_false_is_a_failure_that_names_what_failed(server: Kibana) -> None:
    missing = {"type": "missing_references", "references": [{"type": "index-pattern", "id": "kentongan-butir"}]}
    errors = [
        {"type": "lens", "id": "kentongan-bagan-hari", "error": missing},
        {"type": "dashboard", "id": "kentongan-situasi", "error": {"type": "unknown", "message": "too\x1b[31m new"}},
        {"type": "search", "id": "odd", "error": "odd"},
    ]
    server.says(200, {"success": False, "successCount": 20, "errors": errors})
    with pytest.raises(ConfigError) as failed:
        kibana.push(CONTENT, server.url, environ=KEY)
    says = str(failed.value)
    assert "lens kentongan-bagan-hari: missing_references index-pattern kentongan-butir" in says
    assert "dashboard kentongan-situasi: unknown too [31m new" in says
    assert "\x1b" not in says


def test_many_failures_are_cut_short(server: Kibana) -> None:
    error = {"type": "conflict"}
    server.says(
        200, {"success": False, "errors": [{"type": "lens", "id": f"x{at}", "error": error} for at in range(30)]}
    )
    with pytest.raises(ConfigError, match="lens x19: conflict; and 10 more"):
        kibana.push(CONTENT, server.url, environ=KEY)
    server.says(200, {"success": False})
    with pytest.raises(ConfigError, match="it does not say why"):
        kibana.push(CONTENT, server.url, environ=KEY)


@pytest.mark.parametrize(
    ("status", "error", "says"),
    [
        (302, ConfigError, "sends us elsewhere"),
        (400, ConfigError, "refused the import .400.: bad file"),
        (401, ConfigError, "does not know us .401.; set KENTONGAN_KIBANA_API_KEY"),
        (403, ConfigError, "may not write saved objects"),
        (404, ConfigError, "no Kibana or no such space"),
        (413, ConfigError, "refused the import .413."),
        (429, StoreUnavailable, "cannot answer now .429."),
        (500, StoreUnavailable, "cannot answer now .500."),
        (503, StoreUnavailable, "cannot answer now .503."),
    ],
)
def test_what_an_answer_means(server: Kibana, status: int, error: type[Exception], says: str) -> None:
    server.says(status, {"message": "bad file"}, Location="/login", Retry_After="7")
    with pytest.raises(error, match=says) as failed:
        kibana.push(CONTENT, server.url, environ=KEY)
    assert SECRET not in str(failed.value)
    assert len(server.asked) == 1
    if isinstance(failed.value, StoreUnavailable):
        assert failed.value.retry_after == 7


@pytest.mark.parametrize("body", [b"<html>Welcome</html>", b"[]", b'{"hello": 1}', b"\xff\xfe", b""])
def test_an_answer_that_is_not_kibanas(server: Kibana, body: bytes) -> None:
    server.says(200, body)
    with pytest.raises(ConfigError, match="not as Kibana does"):
        kibana.push(CONTENT, server.url, environ=KEY)


def test_nobody_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            kibana.push(CONTENT, f"http://127.0.0.1:{held.getsockname()[1]}", environ=KEY)


def test_a_certificate_that_nobody_vouches_for_and_a_slow_answer() -> None:
    untrusted = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert "not trusted; name the CA's file" in str(_unreached(untrusted, "https://k"))
    assert isinstance(_unreached(untrusted, "https://k"), ConfigError)
    slow = _unreached(httpx.ReadTimeout("slow"), "https://k")
    assert isinstance(slow, StoreUnavailable)
    assert "did not answer in time" in str(slow)


@pytest.mark.parametrize(
    "url", ["", "kibana", "ftp://kibana", "https://", "https://kibana/?a=1", "http://[", "https://k/#x", "http://k:x"]
)
def test_an_address_that_is_none(url: str) -> None:
    with pytest.raises(ConfigError, match="write Kibana's address"):
        kibana.push(CONTENT, url, environ=KEY)


def test_secrets_stay_where_they_are() -> None:
    with pytest.raises(ConfigError, match="no name or password into the address") as failed:
        kibana.push(CONTENT, f"https://me:{SECRET}@kibana.example", environ={})
    assert SECRET not in str(failed.value)
    with pytest.raises(ConfigError, match="must not go over plain http to kibana"):
        kibana.push(CONTENT, "http://kibana.example", environ=KEY)
    with pytest.raises(ConfigError, match="KENTONGAN_KIBANA_USER is set, but not KENTONGAN_KIBANA_PASSWORD"):
        kibana.push(CONTENT, "https://kibana.example", environ={"KENTONGAN_KIBANA_USER": "desk"})
    with pytest.raises(ConfigError, match="cannot be sent") as failed:
        kibana.push(CONTENT, "https://kibana.example", environ={"KENTONGAN_KIBANA_API_KEY": f"{SECRET}\n"})
    assert SECRET not in str(failed.value)
    both = KEY | {"KENTONGAN_KIBANA_USER": "desk", "KENTONGAN_KIBANA_PASSWORD": PASSWORD}
    target = repr(_target("https://kibana.example", "", "", both))
    assert SECRET not in target
    assert PASSWORD not in target


def test_a_space_or_a_certificate_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no name of a space"):
        kibana.push(CONTENT, "https://kibana.example", space="../x", environ=KEY)
    file = tmp_path / "ca.pem"
    for content in (None, "nothing"):
        if content:
            file.write_text(content)
        with pytest.raises(ConfigError, match="holds no certificate"):
            kibana.push(CONTENT, "https://kibana.example", ca_file=str(file), environ=KEY)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Call `kentongan kibana push` in English; gives exit code, standard output and standard error."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(["--lang", "en", "kibana", "push", *arguments, "--lang", "en"])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def test_the_verb(server: Kibana, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENTONGAN_KIBANA_API_KEY", SECRET)
    code, out, err = run(capsys, "--url", server.url)
    assert (code, out, err) == (0, "Kibana took 22 objects, 1 of them over older ones.\n", "")
    assert server.asked[0]["content"] == CONTENT
    code, out, _err = run(capsys, "--url", server.url, "--index", "flags-v1-31-*", "--space", "dki", "--json")
    assert (code, json.loads(out)) == (0, {"taken": 22, "replaced": 1})
    view = json.loads(server.asked[1]["content"].splitlines()[0])
    assert view["attributes"]["title"] == "flags-v1-31-*"


@pytest.mark.parametrize(("status", "wanted"), [(503, 1), (401, 2), (404, 2), (200, 2)])
def test_the_verb_ends_with(
    status: int, wanted: int, server: Kibana, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KENTONGAN_KIBANA_API_KEY", SECRET)
    server.says(status, {"success": False, "message": "no"})
    code, out, err = run(capsys, "--url", server.url, "-vv")
    assert (code, out) == (wanted, "")
    assert SECRET not in err
    assert "Error: " in err
