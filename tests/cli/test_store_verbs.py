"""store init and store check as an operator meets them: codes, messages, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from pipeline.cli import main

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    monkeypatch.setenv("KENTONGAN__PATHS__HOME", str(tmp_path / "home"))

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--lang", "en"])
        said = capsys.readouterr()
        return int(str(ended.value.code)), said.out, said.err

    return run


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch, elastic_url: str, elastic_prefix: str) -> str:
    """The settings of the tests' cluster; gives the prefix."""
    values = {"KIND": "elastic", "URLS": json.dumps([elastic_url]), "PREFIX": elastic_prefix, "REPLICAS": "0"}
    for name, value in values.items():
        monkeypatch.setenv(f"KENTONGAN__STORE__{name}", value)
    return elastic_prefix


def test_a_cluster_is_made_ready_once_and_looked_over(cli: Cli, cluster: str) -> None:
    code, out, _err = cli("store", "check")
    assert (code, "kentongan store init" in out) == (2, True)
    code, out, _err = cli("search", "banjir")
    assert code == 2
    code, out, _err = cli("store", "init")
    assert (code, out.splitlines()[-1]) == (0, "The cluster is ready.")
    assert f"made: {cluster}flags-v1" in out
    assert "left out: text.id" in out
    code, out, _err = cli("store", "init", "--json")
    assert (code, json.loads(out)["made"]) == (0, [])
    code, out, _err = cli("store", "check", "--json")
    assert code == 0
    assert {finding["level"] for finding in json.loads(out)} == {"good", "note"}


def test_a_cluster_that_is_away_may_be_tried_again(cli: Cli, monkeypatch: pytest.MonkeyPatch, cluster: str) -> None:
    monkeypatch.setenv("KENTONGAN__STORE__URLS", '["http://127.0.0.1:1"]')
    code, out, _err = cli("store", "check")
    assert (code, "is it running?" in out) == (1, True)
    code, _out, err = cli("store", "init")
    assert (code, "is it running?" in err) == (1, True)


def test_red_is_no_state_to_work_in(cli: Cli, elastic_url: str, cluster: str) -> None:
    cli("store", "init")
    nowhere = {"settings": {"index.routing.allocation.require.room": "none", "index.number_of_replicas": 0}}
    httpx.put(f"{elastic_url}/{cluster}flags-v1-00-2020.01?wait_for_active_shards=0", json=nowhere).raise_for_status()
    code, out, _err = cli("store", "check")
    assert (code, "red: 1 shards" in out) == (1, True)


def test_a_closed_month_is_named(cli: Cli, elastic_url: str, cluster: str) -> None:
    cli("store", "init")
    for path in ("", "/_close"):
        httpx.request("POST" if path else "PUT", f"{elastic_url}/{cluster}flags-v1-00-2020.01{path}").raise_for_status()
    code, out, _err = cli("store", "check")
    assert (code, f"{cluster}flags-v1-00-2020.01 is closed" in out) == (1, True)


def test_other_stores_have_no_cluster(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    for verb in ("init", "check"):
        code, _out, err = cli("store", verb)
        assert (code, 'store.kind is "sqlite"' in err) == (2, True)
    monkeypatch.setenv("KENTONGAN__STORE__KIND", "elastic")
    monkeypatch.setitem(sys.modules, "elasticsearch", None)
    monkeypatch.setitem(sys.modules, "pipeline.store.elastic.store", None)  # as it is where the client is not installed
    for arguments in (("store", "check"), ("search", "banjir")):
        code, _out, err = cli(*arguments)
        assert (code, 'pip install "kentongan[elastic]"' in err) == (2, True)
