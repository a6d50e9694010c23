"""The Elasticsearch that tests get: what is run and by whom, that it keeps its data, and that it leaves nothing."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from services.elastic import (
    VERSION,
    Node,
    NotStarted,
    User,
    clear,
    java_home,
    running_cluster,
    running_node,
    verify,
)

TESTS = Path(__file__).parents[1]
ROLES = """
reader:
  indices:
    - {names: ["kata-*"], privileges: [read]}
"""


def _call(method: str, url: str, **more: object) -> dict[str, object]:
    answer = httpx.request(method, url, timeout=60, trust_env=False, **more)  # type: ignore[arg-type]
    assert answer.is_success, answer.text
    return answer.json()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif("KENTONGAN_ES_URL" in os.environ, reason="another cluster is asked for")
def test_the_shared_node_is_of_the_chosen_version(elastic_url: str) -> None:
    nodes = _call("GET", f"{elastic_url}/_nodes")["nodes"]
    assert [node["version"] for node in nodes.values()] == [VERSION]


def test_what_has_the_prefix_is_removed_and_nothing_else(elastic_url: str, elastic_prefix: str) -> None:
    ours, others = f"{elastic_prefix}a-", f"{elastic_prefix}b-"
    alias = {"aliases": {f"{ours}alias": {}, f"{others}alias": {}}}
    _call("PUT", f"{elastic_url}/_component_template/{ours}part", json={"template": {}})
    template = {"index_patterns": [f"{ours}x*"], "composed_of": [f"{ours}part"]}
    _call("PUT", f"{elastic_url}/_index_template/{ours}whole", json=template)
    _call("PUT", f"{elastic_url}/{ours}closed")
    _call("POST", f"{elastic_url}/{ours}closed/_close")
    _call("PUT", f"{elastic_url}/{ours}hidden", json={"settings": {"index.hidden": True}})
    _call("PUT", f"{elastic_url}/{others}index", json=alias)

    clear(elastic_url, ours)

    left = _call("GET", f"{elastic_url}/_alias?expand_wildcards=all")
    assert {name: index for name, index in left.items() if name.startswith(elastic_prefix)} == {
        f"{others}index": {"aliases": {f"{others}alias": {}}}
    }
    for kind in ("index_template", "component_template"):
        assert httpx.get(f"{elastic_url}/_{kind}/{ours}*", trust_env=False).status_code == 404
    clear(elastic_url, ours)  # nothing left to remove is no error


def _works(node: Node, **reader: object) -> None:
    assert _call("GET", f"{node.url}/kata-1/_count", **reader)["count"] == 1


def test_a_node_with_security_knows_its_users_and_is_the_same_after_a_kill() -> None:
    users = {"admin": User("rahasia-1"), "pembaca": User("rahasia-2", ("reader",))}
    with running_node(users=users, roles=ROLES, tls=True) as node:
        certificate = ssl.create_default_context(cafile=node.certificate)
        admin = {"auth": ("admin", "rahasia-1"), "verify": certificate}
        reader = {"auth": ("pembaca", "rahasia-2"), "verify": certificate}
        _call("PUT", f"{node.url}/kata-1/_doc/1?refresh=true", json={"a": 1}, **admin)
        _works(node, **reader)
        assert httpx.delete(f"{node.url}/kata-1", **reader).status_code == 403
        assert httpx.get(f"{node.url}/kata-1/_count", verify=certificate).status_code == 401
        assert Path(f"/proc/{node.pid}").stat().st_uid != 0
        url, pid = node.url, node.pid

        node.kill()
        assert not _runs(pid)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url, verify=certificate)

        node.start()
        assert (node.url, node.pid == pid) == (url, False)
        _call("GET", f"{node.url}/_cluster/health/kata-1?wait_for_status=yellow&timeout=30s", **admin)
        _works(node, **reader)
        pid = node.pid
        node.stop()
        assert not _runs(pid)
        assert "closed" in node.log_tail()
    assert not node.folder.exists()


def test_a_cluster_lives_on_without_one_of_its_nodes_and_takes_it_back() -> None:
    settings = {"index": {"number_of_shards": 1, "number_of_replicas": 2, "unassigned.node_left.delayed_timeout": "0"}}
    with running_cluster(3) as (first, second, third):
        _call("PUT", f"{first.url}/kata?wait_for_active_shards=all", json={"settings": settings})
        second.kill()
        lost = _call("GET", f"{third.url}/_cluster/health?wait_for_nodes=2&timeout=30s")
        assert (lost["status"], lost["number_of_nodes"]) == ("yellow", 2)
        second.start()
        again = _call("GET", f"{second.url}/_cluster/health?wait_for_status=green&wait_for_nodes=3&timeout=30s")
        assert (again["status"], again["timed_out"]) == ("green", False)


def _in_a_process(block: str, folder: Path) -> subprocess.Popen[str]:
    """A test run that has a node while the block runs: it prints words about it, and ends when its input does."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys, pathlib\n{block}, flush=True)\n    sys.stdin.read()", folder],
        env={**os.environ, "PYTHONPATH": str(TESTS)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def _said(run: subprocess.Popen[str]) -> list[str]:
    assert run.stdout is not None
    return run.stdout.readline().split()


def _wait_for_the_end(pid: int) -> None:
    end = time.monotonic() + 30
    while _runs(pid):
        assert time.monotonic() < end, "the server runs on"
        time.sleep(0.05)


OWN = "from services.elastic import running_node\nwith running_node() as it:\n    print(it.pid, it.folder.parent"
SHARED = "from services.elastic import shared_node\nwith shared_node(pathlib.Path(sys.argv[1])) as it:\n    print(it[1]"


# These ask for elastic_url, too: where that cannot start it says why, and they are not run


def test_a_node_ends_although_the_test_run_is_killed(tmp_path: Path, elastic_url: str) -> None:
    with _in_a_process(OWN, tmp_path) as run:
        pid, folder = _said(run)
        assert _runs(int(pid))
        run.kill()
    _wait_for_the_end(int(pid))
    shutil.rmtree(folder)  # there was nobody left to do it


def test_processes_share_a_node_that_ends_with_the_last_even_when_that_is_killed(
    tmp_path: Path, elastic_url: str
) -> None:
    first, second, third = runs = [_in_a_process(SHARED, tmp_path) for _ in range(3)]
    (pid,) = {int(_said(run)[0]) for run in runs}
    first.communicate()
    second.kill()
    second.communicate()
    time.sleep(0.5)
    assert _runs(pid)
    third.kill()
    third.communicate()
    _wait_for_the_end(pid)


def test_another_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "elasticsearch.zip"
    with pytest.raises(NotStarted, match="is not there"):
        verify(archive)
    archive.write_bytes(b"kentongan")
    with pytest.raises(NotStarted, match="another SHA-512"):
        verify(archive)


def _install(folder: Path, *, release: str = "", says: str = "") -> Path:
    java = folder / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{says}' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    if release:
        (folder / "release").write_text(f'IMPLEMENTOR="x"\nJAVA_VERSION="{release}"\n', encoding="utf-8")
    return folder


def test_a_java_that_is_new_enough_is_found(tmp_path: Path) -> None:
    installed = tmp_path / "jvm"
    old = _install(installed / "a-17", release="17.0.15")
    assert java_home({}, installed) is None
    _install(installed / "b-26", release="26")
    oldest = _install(installed / "c-21", says='openjdk version "21.0.4" 2024-07-16')
    assert java_home({}, installed) == oldest
    assert java_home({"JAVA_HOME": str(old)}, installed) == oldest
    asked = _install(tmp_path / "asked", release="25.0.3")
    assert java_home({"JAVA_HOME": str(old), "ES_JAVA_HOME": str(asked)}, installed) == asked
    assert java_home({"ES_JAVA_HOME": str(tmp_path / "none")}, tmp_path / "none") is None
