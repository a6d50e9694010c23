"""A cluster with security: the roles of docs/elastic.md may do what that page says and no more, and TLS is checked."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from contracts.test_store import find, ids, make_flag
from services.elastic import Node, User, running_node
from services.elastic_store import WRITER, elastic_settings

from pipeline.core.config import StoreSettings
from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.identity import subject_of
from pipeline.core.types import Decided, PutCount, Query
from pipeline.store.elastic import care
from pipeline.store.elastic.care import prepare
from pipeline.store.elastic.checking import Finding, look_over
from pipeline.store.elastic.client import API_KEY, PASSWORD, connect
from pipeline.store.elastic.failures import explained
from pipeline.store.elastic.names import Names
from pipeline.store.elastic.store import ElasticStore

PAGE = (Path(__file__).parents[2] / "docs" / "elastic.md").read_text(encoding="utf-8")
ROLES = {
    name: json.loads(body)
    for name, body in re.findall(r"^### kentongan_(\w+)$.*?^```json$(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
}
HALF = {"indices": [{"names": ["flags*"], "privileges": ["read", "view_index_metadata", "index"]}]}
USERS = {role: User(f"rahasia-{role}", (f"kentongan_{role}",)) for role in (*ROLES, "half")}
USERS["raja"] = User("rahasia-raja")


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    roles = "".join(f"kentongan_{name}: {json.dumps(body)}\n" for name, body in (ROLES | {"half": HALF}).items())
    trial = {"xpack.license.self_generated.type": "trial"}
    with running_node(users=USERS, roles=roles, tls=True, settings=trial) as running:
        yield running


class Cluster:
    """The node with nothing on it but what `store init` makes, and its users."""

    def __init__(self, node: Node, folder: Path) -> None:
        self._node = node
        self._folder = folder
        self.url = node.url

    def settings(self, user: str, **changes: Any) -> StoreSettings:
        secret = self._folder / user
        secret.write_text(f"{USERS[user].password}\n", encoding="utf-8")
        trust = {"user": user, "password_file": str(secret), "ca_file": str(self._node.certificate)}
        return elastic_settings(self.url, **(trust | changes))

    def store(self, user: str) -> closing[ElasticStore]:
        return closing(ElasticStore(self.settings(user), WRITER))

    def call(self, user: str, method: str, path: str, **more: Any) -> httpx.Response:
        """What somebody could do with these credentials by hand."""
        trust = ssl.create_default_context(cafile=self._node.certificate)
        auth = (user, USERS[user].password)
        return httpx.request(method, self.url + path, auth=auth, verify=trust, trust_env=False, timeout=60, **more)

    def findings(self, user: str, **options: Any) -> list[Finding]:
        return list(look_over(self.settings(user), **options))


@pytest.fixture
def bare(node: Node, tmp_path: Path) -> Cluster:
    cluster = Cluster(node, tmp_path)
    for name in cluster.call("raja", "GET", "/_alias").json():
        assert cluster.call("raja", "DELETE", f"/{name}").is_success
    for path in ("index_template/flags-v1", "component_template/flags-*"):
        assert cluster.call("raja", "DELETE", f"/_{path}").status_code in {200, 404}
    return cluster


@pytest.fixture
def cluster(bare: Cluster) -> Cluster:
    prepare(bare.settings("setup"), WRITER)
    return bare


def _raises(words: str, *more: str) -> Any:
    """A ConfigError with these words and without anybody's secret."""

    @contextmanager
    def checked() -> Iterator[None]:
        with pytest.raises(ConfigError, match=words) as caught:
            yield
        said = str(caught.value)
        assert all(word in said for word in more), said
        assert "rahasia" not in said

    return checked()


def _levels(findings: list[Finding], words: str) -> list[str]:
    assert not any("rahasia" in finding.says for finding in findings)
    return [finding.level for finding in findings if words in finding.says]


MONTH = "/flags-v1-00-2024.11"
DOCUMENT = f"{MONTH}/_doc/{subject_of('x~0001')}"


# The roles


def test_the_page_has_the_roles() -> None:
    assert {"pipeline", "desk", "reader", "retention", "setup"} <= set(ROLES)


def test_only_setup_makes_a_cluster_ready(bare: Cluster) -> None:
    for user in set(ROLES) - {"setup"}:
        with _raises("docs/elastic.md"):
            prepare(bare.settings(user), WRITER)
    assert bare.call("raja", "GET", "/_alias").json() == {}
    with bare.store("pipeline") as store, _raises("store init"):
        store.put([make_flag(1)])

    made = prepare(bare.settings("setup"), WRITER).made
    assert made == ["flags-settings-v1", "flags-mappings-v1", "flags-v1", "flags-erased"]
    assert prepare(bare.settings("setup"), WRITER).made == []


def test_setup_moves_a_cluster_to_new_mappings(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with cluster.store("pipeline") as store:
        store.put([make_flag(1), make_flag(2)])
    monkeypatch.setattr(care, "Names", lambda prefix: Names(prefix, "v2"))
    moved = prepare(cluster.settings("setup"), WRITER)
    assert (moved.before, moved.moved) == ("v1", 2)
    assert "flags-v2-00-2024.11" in cluster.call("reader", "GET", "/flags/_alias").json()
    for path in ("/flags-v2-00-2024.11", "/_index_template/flags-v2"):
        assert cluster.call("raja", "DELETE", path).is_success


def test_the_pipeline_writes_and_deletes_nothing(cluster: Cluster) -> None:
    with cluster.store("pipeline") as store:
        assert store.put([make_flag(n, text=f"rahasia {n}") for n in range(1, 5)]) == PutCount(created=4)
        assert store.put([make_flag(1, text="rahasia 1 lagi", fingerprint="b")]) == PutCount(updated=1)
        decided = {"x~0002": Decided(make_flag().post.fetched_at, ("criticism",))}
        assert store.mirror({"x~0002": "rejected", "x~0003": "claimed"}, decided) == 2
        assert store.expire(["x~0002"], keep_status=True) == 1
        assert store.due(make_flag().post.fetched_at) == []
        assert find(store, "rahasia") == ["x~0001", "x~0003", "x~0004"]

        assert store.withdraw(["x~0001", "x~0003"]) == 1
        assert store.erase(["x~0004"]) == 1
        assert (store.get("x~0001"), store.get("x~0004"), find(store, "rahasia")) == (None, None, ["x~0003"])
        assert store.search(Query()).total == 2
        assert store.facets(Query(), ["source"]) == {"source": {"contoh": 2}}
        left = cluster.call("raja", "GET", DOCUMENT).json()
        assert left["_source"] == {"gone": True}

        assert store.put([make_flag(1, text="lagi"), make_flag(4)]) == PutCount(created=1, erased=1)
        assert find(store, "lagi") == ["x~0001"]

    for path in (DOCUMENT, MONTH, "/flags-erased", "/_index_template/flags-v1"):
        assert cluster.call("pipeline", "DELETE", path).status_code == 403
    assert cluster.call("pipeline", "PUT", "/flags-v1-99-2024.11").status_code == 403
    assert cluster.call("pipeline", "PUT", "/lain/_doc/1", json={}).status_code == 403
    assert cluster.call("pipeline", "POST", "/_aliases", json=_alias("add")).status_code == 403


def _alias(action: str) -> dict[str, Any]:
    return {"actions": [{action: {"index": "flags-v1-00-2024.11", "alias": "flags"}}]}


def test_the_desk_searches_and_mirrors_and_makes_nothing(cluster: Cluster) -> None:
    with cluster.store("pipeline") as store:
        store.put([make_flag(1), make_flag(2)])
    with cluster.store("desk") as store:
        assert ids(store.search(Query())) == ["x~0002", "x~0001"]
        assert store.get("x~0001") is not None
        assert store.index_of("x~0001") == "flags-v1-00-2024.11"
        assert store.mirror({"x~0001": "claimed", "x~none": "claimed"}) == 1
        assert store.facets(Query(), ["status"]) == {"status": {"claimed": 1, "open": 1}}
        for refused in (
            lambda: store.put([make_flag(3)]),
            lambda: store.withdraw(["x~0002"]),
            lambda: store.erase(["x~0002"]),
        ):
            with _raises("docs/elastic.md", "indices:data/", "unauthorized"):
                refused()
        assert store.search(Query()).total == 2

    new = f"{MONTH}/_doc/baru"
    assert cluster.call("desk", "PUT", new, json={"gone": True}).status_code == 403
    assert cluster.call("desk", "PUT", DOCUMENT, json={"gone": True}).status_code == 403
    assert cluster.call("desk", "DELETE", DOCUMENT).status_code == 403
    assert cluster.call("desk", "DELETE", MONTH).status_code == 403
    assert cluster.call("raja", "HEAD", new).status_code == 404


def test_a_reader_reads(cluster: Cluster) -> None:
    with cluster.store("pipeline") as store:
        store.put([make_flag(1), make_flag(2)])
        store.withdraw(["x~0002"])
    with cluster.store("reader") as store:
        assert ids(store.search(Query())) == ["x~0001"]
        for refused in (lambda: store.put([make_flag(3)]), lambda: store.mirror({"x~0001": "claimed"})):
            with _raises("docs/elastic.md"):
                refused()
    found = cluster.call("reader", "GET", "/flags/_search").json()
    assert [hit["_source"]["flag"]["id"] for hit in found["hits"]["hits"]] == ["x~0001"]
    assert cluster.call("reader", "GET", "/flags/_field_caps?fields=*").is_success
    for method, path in (("PUT", DOCUMENT), ("POST", "/flags/_doc")):
        assert cluster.call("reader", method, path, json={}).status_code == 403
    for path in (DOCUMENT, MONTH):
        assert cluster.call("reader", "DELETE", path).status_code == 403
    assert cluster.call("reader", "GET", f"{MONTH}/_search").status_code == 403  # stubs are not for readers
    assert cluster.call("reader", "GET", "/flags-erased/_search").status_code == 403


def test_a_reader_of_one_office_sees_that_office(cluster: Cluster) -> None:
    with cluster.store("pipeline") as store:
        store.put([make_flag(1, office="31"), make_flag(2, office="32"), make_flag(3, office="31.01")])
    with cluster.store("reader_31") as store:
        assert ids(store.search(Query())) == ["x~0001"]
        assert store.get("x~0002") is None
        assert store.facets(Query(), ["office"]) == {"office": {"31": 1}}
    assert cluster.call("reader_31", "GET", "/flags-v1-32-2024.11/_search").status_code == 403

    by_name = "reader_31_by_name"
    found = cluster.call(by_name, "GET", "/flags-v1-31-*/_search").json()["hits"]["hits"]
    assert [hit["_source"]["flag"]["id"] for hit in found] == ["x~0001"]
    assert cluster.call(by_name, "GET", "/flags*/_search").json()["hits"]["total"]["value"] == 1
    for path in ("/flags-v1-32-2024.11", "/flags-v1-31.01-2024.11", "/flags", "/flags-erased"):
        assert cluster.call(by_name, "GET", f"{path}/_search").status_code == 403
    for user in ("reader_31", by_name):
        assert cluster.call(user, "DELETE", "/flags-v1-31-2024.11").status_code == 403


def test_retention_deletes_and_makes_nothing(cluster: Cluster) -> None:
    with cluster.store("pipeline") as store:
        store.put([make_flag(n, cluster="x~0001") for n in (1, 2)])
    with cluster.store("retention") as store:
        assert store.put([make_flag(2, cluster="x~0002")]) == PutCount(updated=1)  # as erasing.erase does
        assert store.erase(["x~0001"]) == 1
        assert cluster.call("raja", "GET", DOCUMENT).status_code == 404
        with _raises("docs/elastic.md"):
            store.put([make_flag(3)])
    assert cluster.call("retention", "DELETE", MONTH).is_success
    assert cluster.call("retention", "DELETE", "/flags-erased").status_code == 403
    with cluster.store("pipeline") as store:
        assert store.put([make_flag(1), make_flag(2)]) == PutCount(erased=1, created=1)


# store check


def test_check_knows_who_one_is(cluster: Cluster) -> None:
    assert _levels(cluster.findings("raja"), "may do everything") == ["wrong"]
    assert _levels(cluster.findings("raja", allow_superuser=True), "has the rights") == ["good"]
    pipeline = cluster.findings("pipeline")
    assert _levels(pipeline, "has the rights") == ["good"]
    assert {finding.level for finding in pipeline} == {"good"}
    assert _levels(pipeline, "licence trial") == ["good"]
    enough = {"desk": "for the desk", "retention": "for the desk", "reader": "for readers", "reader_31": "for readers"}
    for user, words in enough.items():
        found = cluster.findings(user)
        assert _levels(found, words) == ["note"]
        assert {finding.level for finding in found} == {"good", "note"}, found
    for user in set(ROLES) - {"reader_31_by_name"}:
        assert bool(_levels(cluster.findings(user), "may delete")) == (user in {"retention", "setup"})
    assert "wrong" not in {finding.level for finding in cluster.findings("setup")}


def test_check_names_the_rights_that_a_writer_lacks(cluster: Cluster) -> None:
    for user, lacks in (("half", "maintenance (flags-v*)"), ("reader_31_by_name", "read (flags)")):
        (said,) = [finding for finding in cluster.findings(user) if "lacks" in finding.says]
        assert said.level == "wrong"
        assert lacks in said.says


def test_check_says_that_a_cluster_is_not_prepared(bare: Cluster) -> None:
    assert _levels(bare.findings("pipeline"), "store init") == ["wrong"]


# Who we are


def test_a_wrong_password_is_said_and_not_shown(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = cluster.settings("pipeline", password_file="")
    with _raises(PASSWORD):
        connect(settings, {})
    monkeypatch.setenv(PASSWORD, "rahasia-salah")
    with closing(ElasticStore(settings, WRITER)) as store, _raises("does not know this user or key"):
        store.get("x~0001")
    assert _levels(list(look_over(settings)), "does not know this user or key") == ["wrong"]
    monkeypatch.setenv(PASSWORD, USERS["pipeline"].password)
    with closing(ElasticStore(settings, WRITER)) as store:
        assert store.get("x~0001") is None


class _Server(http.server.ThreadingHTTPServer):
    """Says that it is Elasticsearch and keeps what it is told of who asks."""

    daemon_threads = True
    told: list[str | None]

    def handle_error(self, request: object, client_address: object) -> None:
        """Of connections that end at once."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        self.server.told.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"nodes": {}}')

    def log_message(self, *about: object) -> None:
        """Nothing on the terminal."""


@contextmanager
def _serving(certificates: Path | None = None, key: Path | None = None) -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.told = []
        if certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _ask(settings: StoreSettings) -> None:
    with explained(settings), closing(connect(settings)) as client:
        client.nodes.info()


def test_an_api_key_is_sent_from_the_environment_or_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY, "kunci-1")
    file = tmp_path / "kunci"
    file.write_text("kunci-2\n", encoding="utf-8")
    with _serving() as server:
        url = f"http://127.0.0.1:{server.server_port}"
        _ask(elastic_settings(url))
        _ask(elastic_settings(url, api_key_file=str(file)))
        _ask(elastic_settings(url, api_key_file=str(file), user="meja", password_file=str(file)))
    basic = base64.b64encode(b"meja:kunci-2").decode()
    assert server.told == ["ApiKey kunci-1", "ApiKey kunci-2", f"Basic {basic}"]
    with _raises("store.api_key_file"):
        connect(elastic_settings(url, api_key_file=str(tmp_path / "none")))


def test_a_secret_goes_over_no_network_in_the_clear_and_stands_in_no_address() -> None:
    key = {API_KEY: "rahasia"}
    for url in ("http://es.example.go.id:9200", "http://127.0.0.1.example.go.id:9200", "http://10.0.0.1:9200"):
        with _raises("https"):
            connect(elastic_settings(url), key)
        connect(elastic_settings(url), {}).close()
    for url in ("http://localhost:9200", "http://[::1]:9200"):
        connect(elastic_settings(url), key).close()


# TLS


def test_the_authority_or_its_fingerprint_must_be_given(cluster: Cluster, node: Node) -> None:
    certificate = ssl.PEM_cert_to_DER_cert(node.certificate.read_text(encoding="ascii"))
    fingerprint = hashlib.sha256(certificate).hexdigest()
    colons = ":".join(re.findall("..", fingerprint.upper()))
    for trust in ({}, {"ca_file": "", "ca_fingerprint": fingerprint}, {"ca_file": "", "ca_fingerprint": colons}):
        with closing(ElasticStore(cluster.settings("pipeline", **trust), WRITER)) as store:
            assert store.search(Query()).total == 0
    with _raises("store.ca_file", "not trusted"):
        _ask(cluster.settings("pipeline", ca_file=""))
    with _raises("whose machine"):
        connect(cluster.settings("pipeline", ca_file="", ca_fingerprint="0" * 64))
    with _raises("SHA-256"):
        connect(cluster.settings("pipeline", ca_file="", ca_fingerprint="abc"))
    assert _levels(list(look_over(cluster.settings("pipeline", ca_file=""))), "not trusted") == ["wrong"]


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


EC = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split()


def _authority(folder: Path, name: str, *, called: str = "Otoritas") -> None:
    usage = ("-addext", "keyUsage=critical,keyCertSign")
    files = ("-keyout", f"{name}.key", "-out", f"{name}.crt")
    _openssl(folder, "req", "-x509", *EC, "-days", "2", "-subj", f"/CN={called}", *usage, *files)


def _signed(folder: Path, by: str, name: str, *more: str, address: str = "IP:127.0.0.1") -> Path:
    """A certificate, followed by that of the authority that it says it is from."""
    (folder / "ext").write_text(f"subjectAltName={address}\nauthorityKeyIdentifier=none\n", encoding="ascii")
    _openssl(folder, "req", *EC, "-subj", "/CN=simpul", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    dates = more or ("-days", "2")
    files = ("-in", f"{name}.csr", "-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-out", f"{name}.crt", "-extfile", "ext")
    _openssl(folder, "x509", "-req", *files, "-CAcreateserial", *dates)
    chain = folder / f"{name}.chain"
    chain.write_text(
        "".join((folder / each).read_text(encoding="ascii") for each in (f"{name}.crt", "real.crt")), encoding="ascii"
    )
    return chain


def _fingerprint(file: Path) -> str:
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read_text(encoding="ascii"))).hexdigest()


def test_only_what_the_authority_signed_is_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY, "rahasia")
    _authority(tmp_path, "real")
    _authority(tmp_path, "false")  # of the same name
    signed = {name: _signed(tmp_path, by, name) for by, name in (("real", "good"), ("false", "forged"))}
    signed["other"] = _signed(tmp_path, "real", "other", address="DNS:es.example.go.id")
    signed["expired"] = _signed(tmp_path, "real", "expired", "-days", "-1")
    authority = {"ca_file": str(tmp_path / "real.crt")}
    pinned = {"ca_fingerprint": _fingerprint(tmp_path / "real.crt")}
    own = {"ca_fingerprint": _fingerprint(tmp_path / "good.crt")}
    wrong = {"forged": "not trusted", "other": "another name", "expired": "has expired"}
    for name, chain in signed.items():
        with _serving(chain, tmp_path / f"{name}.key") as server:
            url = f"https://127.0.0.1:{server.server_port}"
            for trust in (authority, pinned, own) if name == "good" else (authority, pinned):
                if name == "good":
                    _ask(elastic_settings(url, **trust))
                    continue
                with _raises(wrong[name], url):
                    _ask(elastic_settings(url, **trust))
        assert server.told == (["ApiKey rahasia"] * 3 if name == "good" else [])


def test_without_a_file_the_system_is_asked_and_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("real", "false"):
        _authority(tmp_path, name, called=name)
    real, false = str(tmp_path / "real.crt"), str(tmp_path / "false.crt")
    monkeypatch.setattr("elastic_transport._node._http_urllib3.DEFAULT_CA_CERTS", real)  # the client's own (certifi)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with _serving(_signed(tmp_path, "real", "good"), tmp_path / "good.key") as server:
        url = f"https://127.0.0.1:{server.server_port}"
        with _raises("not trusted"):
            _ask(elastic_settings(url, ca_file=false))
        monkeypatch.setenv("SSL_CERT_FILE", false)
        with _raises("not trusted"):
            _ask(elastic_settings(url))
        monkeypatch.setenv("SSL_CERT_FILE", real)
        _ask(elastic_settings(url))


def test_a_node_that_is_away_shows_no_certificate() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        settings = elastic_settings(f"https://127.0.0.1:{free.getsockname()[1]}", ca_fingerprint="0" * 64)
        with pytest.raises(StoreUnavailable, match="is it running"):
            connect(settings, {})
        assert [finding.level for finding in look_over(settings)] == ["away"]


def test_a_file_that_is_no_certificate_and_a_port_without_tls_are_said(tmp_path: Path) -> None:
    file = tmp_path / "ca.crt"
    with _raises("cannot be read"):
        connect(elastic_settings("https://127.0.0.1:9", ca_file=str(file)))
    file.write_text("bukan sertifikat", encoding="utf-8")
    with _raises("holds no certificate"):
        connect(elastic_settings("https://127.0.0.1:9", ca_file=str(file)))
    with _serving() as server:
        url = f"https://127.0.0.1:{server.server_port}"
        for trust in ({}, {"ca_fingerprint": "0" * 64}):
            with _raises("does not speak TLS"):
                _ask(elastic_settings(url, **trust))
