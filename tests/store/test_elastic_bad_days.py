"""Bad days of a cluster: what a person is told, with which exit code, and that the next run comes to the whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import ApiError, ConnectionError, SerializationError
from homes import PARTITION, THREAT, Clock, decide, file_of, id_of, place_at, queue, row, statuses
from services.elastic import Node, _free_ports, clear, running_node
from services.elastic_proxy import Answered, Asked, Proxy, failure, proxied

from pipeline import doctor, steps
from pipeline.cli.app import call
from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.landing.quarantine import read_quarantine
from pipeline.store.elastic import bulk, client
from pipeline.store.elastic.bulk import _trouble
from pipeline.store.elastic.failures import refused, translated, without_quotes

SECRET = "rahasiaku"
COUNT = 6


@pytest.fixture(scope="module")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with some flags in derived/ and none in an index; never written to. One of them is long."""
    folder = tmp_path_factory.mktemp("flagged")
    rows = [row(number, f"{THREAT} nomor {number}") for number in range(1, COUNT)]
    file = file_of(folder, *rows, row(COUNT, f"{THREAT} {SECRET} " + "dan kita bakar lagi " * 2_000))
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KENTONGAN__PATHS__HOME", str(folder / "home"))
        patched.setenv("KENTONGAN__POLICY__SAMPLE_SHARE", "0")
        assert call(["ingest", "--input", file, "--partition", PARTITION]) == 0
        assert call(["flag"]) == 0
    return folder


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node whose settings a test may spoil."""
    with running_node(settings={"http.max_content_length": "64kb"}) as own:
        yield own


class Day:
    """A home whose index is on a cluster, and what people type there."""

    def __init__(self, home: Path, url: str, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.home, self.prefix, self._capsys = home, prefix, capsys
        self.environ = {
            "KENTONGAN__STORE__KIND": "elastic",
            "KENTONGAN__STORE__PREFIX": prefix,
            "KENTONGAN__STORE__REPLICAS": "0",
        }
        self.at(url)

    def at(self, url: str) -> None:
        """The cluster has this address."""
        self.url = url
        self.environ["KENTONGAN__STORE__URLS"] = json.dumps([url])

    def place(self, clock: Clock | None = None) -> Any:
        return closing(place_at(self.home, clock, **self.environ))

    def says(self, *words: str) -> tuple[int, str]:
        """The exit code of a verb and what it said."""
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("KENTONGAN__PATHS__HOME", str(self.home))
            patched.setenv("KENTONGAN__POLICY__SAMPLE_SHARE", "0")
            for name, value in self.environ.items():
                patched.setenv(name, value)
            self._capsys.readouterr()
            code = call([*words, "--lang", "en"])
            out, err = self._capsys.readouterr()
        assert "internal error" not in err, err
        assert SECRET not in err
        return code, " ".join((out + err).split())

    def whole(self, count: int = COUNT) -> None:
        """The next `index` brings all into index and queue, each once."""
        assert self.says("index", "--partition", PARTITION)[0] == 0
        with self.place() as place:
            assert set(statuses(place).values()) == {"open"}
            assert set(statuses(place)) == set(queue(place))
            assert len(queue(place)) == count

    @property
    def index(self) -> str:
        """Of the month in which the flags landed."""
        return f"{self.prefix}flags-v1-00-2026.11"


@pytest.fixture
def day(
    flagged: Path,
    tmp_path: Path,
    elastic_url: str,
    elastic_prefix: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Day:
    """A home and a cluster that is not prepared."""
    monkeypatch.setattr(bulk, "FIRST_WAIT", 0.001)
    shutil.copytree(flagged / "home", tmp_path / "home")
    return Day(tmp_path / "home", elastic_url, elastic_prefix, capsys)


@pytest.fixture
def ready(day: Day) -> Day:
    """A home and a cluster that is prepared."""
    assert day.says("store", "init")[0] == 0
    return day


@pytest.fixture
def own(day: Day, node: Node) -> Iterator[Day]:
    """The same on the node that may be spoilt."""
    day.at(node.url)
    assert day.says("store", "init")[0] == 0
    yield day
    ask("PUT", f"{node.url}/_cluster/settings", {"persistent": {"action.*": None, "cluster.*": None}})
    clear(node.url, day.prefix)


def ask(method: str, url: str, body: Any = None, **parameters: str) -> Any:
    answer = httpx.request(method, url, json=body, params=parameters, timeout=60, trust_env=False)
    assert answer.is_success, answer.text
    return answer.json()


# ---- away, red, read-only, closed, full


def test_a_cluster_that_is_away(ready: Day, tmp_path: Path) -> None:
    here = ready.url
    (port,) = _free_ports(1)
    ready.at(f"http://127.0.0.1:{port}")
    says = f"the search cluster {ready.url} cannot be reached ("
    more = file_of(tmp_path, row(50, f"{THREAT} lagi"), name="lagi.csv")
    for words in (["index"], ["search", "bakar"], ["store", "check"], ["store", "init"]):
        code, said = ready.says(*words)
        assert code == 1, words
        assert says in said
        assert "is it running?" in said
    code, said = ready.says("run", "--input", more, "--partition", PARTITION)
    assert code == 1
    assert says in said
    ready.at(here)
    ready.whole(COUNT + 1)  # what landed meanwhile was flagged, and is not lost


@pytest.fixture
def red(own: Day) -> Iterator[Day]:
    """All but one index is well."""
    own.says("index", "--partition", PARTITION)
    lost = f"{own.prefix}flags-v1-00-2025.01"
    body = {"settings": {"index.routing.allocation.require.box": "none", "index.number_of_replicas": 0}}
    ask("PUT", f"{own.url}/{lost}", body, wait_for_active_shards="0")
    yield own
    ask("PUT", f"{own.url}/{lost}/_settings", {"index.routing.allocation.require.box": None})


def test_a_red_cluster_gives_no_part_of_the_answer(red: Day, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "SECONDS", 1.0)
    code, said = red.says("search", "bakar")
    assert code == 1
    assert "is not ready (red, or no master): Search rejected due to missing shards" in said
    assert said.endswith("see: kentongan store check")
    code, said = red.says("search", "--facets")
    assert code == 1
    code, said = red.says("store", "check")
    assert code == 1
    assert "AWAY red: 1 shards are nowhere; their flags cannot be searched" in said
    assert red.says("index", "--partition", PARTITION)[0] == 1
    with red.place() as place:
        store = place.store
        one = id_of(place, 1)
        for look in (
            lambda: store.get(one),
            lambda: store.due(place.clock()),
            lambda: store.mirror({one: "claimed"}),
            lambda: store.index_of(one),
            lambda: store.expire([one]),
            lambda: store.withdraw([one]),
        ):
            with pytest.raises(StoreUnavailable):
                look()
        found = {finding.code: finding.says for finding in doctor.examine(place) if not finding.well}
    assert "is not ready (red, or no master)" in found["index"]


@pytest.mark.parametrize(
    ("block", "says", "checked"),
    [
        (
            "read_only_allow_delete",
            "is full (flood stage): its indices are read-only until disk space is free",
            "is read-only because a disk is full (flood stage); make room, the block goes by itself",
        ),
        (
            "write",
            "takes no writes now (index [{index}] blocked by: [FORBIDDEN/8/index write (api)];); lift",
            "(write)",
        ),
        ("read_only", "takes no writes now (index [{index}] blocked by: [FORBIDDEN/5/index read-only", "(read_only)"),
    ],
)
def test_an_index_that_takes_no_writes(ready: Day, block: str, says: str, checked: str) -> None:
    ask("PUT", f"{ready.url}/{ready.index}")
    ask("PUT", f"{ready.url}/{ready.index}/_settings", {f"index.blocks.{block}": True})
    code, said = ready.says("index", "--partition", PARTITION)
    assert code == 1
    assert says.format(index=ready.index) in said
    code, said = ready.says("store", "check")
    assert code == 1
    assert checked in said
    assert ready.says("search", "bakar")[0] == 0
    with ready.place() as place:
        assert queue(place) == {}  # what is not in the index is not in the queue
    assert not list(read_quarantine(ready.home / "quarantine"))
    ask("PUT", f"{ready.url}/{ready.index}/_settings", {f"index.blocks.{block}": None})
    ready.whole()


def test_a_block_while_people_decide_keeps_the_decision(ready: Day) -> None:
    ready.whole()
    ask("PUT", f"{ready.url}/{ready.index}/_settings", {"index.blocks.read_only_allow_delete": True})
    with ready.place() as place:
        one = id_of(place, 1)
        decide(place, one, "fits", "confirmed")
    assert ready.says("index", "--partition", PARTITION)[0] == 1
    ask("PUT", f"{ready.url}/{ready.index}/_settings", {"index.blocks.read_only_allow_delete": None})
    assert ready.says("index", "--partition", PARTITION)[0] == 0
    with ready.place() as place:
        assert statuses(place)[one] == "confirmed"


def test_a_closed_index_is_told_and_nothing_is_quarantined(ready: Day) -> None:
    ask("PUT", f"{ready.url}/{ready.index}")
    ask("POST", f"{ready.url}/{ready.index}/_close")
    code, said = ready.says("index", "--partition", PARTITION)
    assert code == 1
    assert f"an index on {ready.url} is closed ({ready.index}); open it, then try again" in said
    code, said = ready.says("search", "bakar")  # not "nothing found"
    assert (code, "is closed" in said) == (1, True)
    ask("POST", f"{ready.url}/{ready.index}/_open")
    ready.whole()


# ---- a person must change something


def test_a_cluster_without_room_for_one_more_index(own: Day) -> None:
    ask("PUT", f"{own.url}/_cluster/settings", {"persistent": {"cluster.max_shards_per_node": 1}})
    code, said = own.says("index", "--partition", PARTITION)
    assert code == 2
    assert "refused a request: Validation Failed: 1: this action would add [1] shards" in said
    assert not list(read_quarantine(own.home / "quarantine"))


def test_a_cluster_that_makes_no_index_by_itself(own: Day) -> None:
    ask("PUT", f"{own.url}/_cluster/settings", {"persistent": {"action.auto_create_index": "false"}})
    code, said = own.says("index", "--partition", PARTITION)
    assert code == 2
    assert f"{own.url} may not make new indices (no such index [{own.index}]" in said
    assert "allow those of the flags in action.auto_create_index" in said
    ask("PUT", f"{own.url}/_cluster/settings", {"persistent": {"action.auto_create_index": f"{own.prefix}*,-*"}})
    own.whole(COUNT - 1)


def test_a_cluster_that_is_not_prepared(day: Day) -> None:
    for words in (["index"], ["search", "bakar"], ["store", "check"]):
        code, said = day.says(*words)
        assert code == 2, words
        assert "the search cluster is not prepared yet; run: kentongan store init" in said
    assert day.says("store", "init")[0] == 0
    day.whole()


@pytest.mark.parametrize(
    ("version", "says"),
    [
        ("v0", "the index still has the mappings v0, this program needs v1; run: kentongan store init"),
        ("v99", "the index was made by a newer version of the program (v99); install that version"),
    ],
)
def test_mappings_of_another_version(ready: Day, version: str, says: str) -> None:
    ask("PUT", f"{ready.url}/{ready.prefix}flags-erased/_mapping", {"_meta": {"serving": version}})
    for words in (["index"], ["search", "bakar"], ["store", "check"]):
        code, said = ready.says(*words)
        assert code == 2, words
        assert says in said
    code, said = ready.says("store", "init")
    assert code == (2 if version == "v99" else 0)
    if version == "v0":
        ready.whole()


def test_a_version_that_changes_under_a_running_writer_is_seen(ready: Day) -> None:
    with ready.place() as place:
        assert place.store.get("-") is None
        ask("PUT", f"{ready.url}/{ready.prefix}flags-erased/_mapping", {"_meta": {"serving": "v99"}})
        with pytest.raises(ConfigError, match="was made by a newer version"):
            steps.index(place, PARTITION, now=place.clock())


def test_a_mapping_that_lacks_a_field_quarantines_nothing(ready: Day) -> None:
    name = f"{ready.url}/_component_template/{ready.prefix}flags-mappings-v1"
    made = ask("GET", name)["component_templates"][0]["component_template"]
    del made["template"]["mappings"]["properties"]["stripped"]
    ask("PUT", name, {"template": made["template"], "_meta": made["_meta"]})
    code, said = ready.says("index", "--partition", PARTITION)
    assert code == 2
    assert f"the mappings on {ready.url} are of another version of this program (" in said
    assert "introduction of [stripped] within [_doc] is not allowed); run: kentongan store init" in said
    assert not list(read_quarantine(ready.home / "quarantine"))
    assert ready.says("store", "init")[0] == 0
    ask("DELETE", f"{ready.url}/{ready.index}")  # made of the spoilt template
    ready.whole()


def test_a_document_that_the_program_did_not_write(ready: Day) -> None:
    ready.whole()
    ask(
        "PUT",
        f"{ready.url}/{ready.index}/_doc/{'0' * 32}",
        {"text": SECRET, "at": 0, "keys": ["office=00"]},
        refresh="true",
    )
    code, said = ready.says("search", "--newest")
    assert code == 1
    assert "the index holds a document that this program did not write; make it again: kentongan reindex" in said


# ---- not the right cluster


@contextmanager
def server(answer: Callable[[Asked], Answered]) -> Iterator[Proxy]:
    with proxied() as stub:
        stub.before = answer
        yield stub


def _opensearch(asked: Asked) -> Answered:
    """As OpenSearch 2: it knows no such media type, and does not say that it is Elasticsearch."""
    if asked.body:
        says = "Content-Type header [application/vnd.elasticsearch+json; compatible-with=9] is not supported"
        return Answered.json(406, {"error": says, "status": 406}, type="application/json", headers={})
    return Answered.json(200, {"x": {"mappings": {"_meta": {"serving": "v1"}}}}, type="application/json", headers={})


def _new_opensearch(_asked: Asked) -> Answered:
    """One that has no index of ours: it must not look as if it only had to be prepared."""
    return Answered.json(404, {"error": {"type": "index_not_found_exception"}, "status": 404}, headers={})


def _version_8(_asked: Asked) -> Answered:
    return failure(400, "media_type_header_exception", "Invalid media-type value on headers [Accept, Content-Type]")


def _page(_asked: Asked) -> Answered:
    return Answered(200, b"<h1>Sedang perbaikan</h1>", "text/html")


def _login(_asked: Asked) -> Answered:
    return Answered(200, b"<h1>Masuk</h1>", "text/html", {})


def _broken(_asked: Asked) -> Answered:
    return Answered(200, b'{"took":')


def _gateway(_asked: Asked) -> Answered:
    return Answered(502, b"<h1>Bad Gateway</h1>", "text/html", {})


def _nothing(_asked: Asked) -> Answered:
    return Answered(405, b"no", "text/plain", {})


@pytest.mark.parametrize(
    ("answer", "code", "says"),
    [
        (
            _opensearch,
            2,
            "is not Elasticsearch (OpenSearch, or a proxy before it?); store.urls must name a 9.x cluster",
        ),
        (_new_opensearch, 2, "is not Elasticsearch (OpenSearch, or a proxy before it?)"),
        (_version_8, 2, "is an older Elasticsearch; this program needs 9.x"),
        (_page, 1, "gave an answer that cannot be read; is a proxy between us, or a page of maintenance?"),
        (_broken, 1, "gave an answer that cannot be read; is a proxy between us, or a page of maintenance?"),
        (_login, 2, "is not Elasticsearch (OpenSearch, or a proxy before it?)"),
        (_gateway, 1, "is not ready (red, or no master)"),
        (_nothing, 2, "answers 405: is it Elasticsearch 9.x?"),
    ],
)
def test_what_answers_is_not_the_cluster(day: Day, answer: Callable[[Asked], Answered], code: int, says: str) -> None:
    with server(answer) as stub:
        day.at(stub.url)
        for words in (["index", "--partition", PARTITION], ["search", "bakar"], ["store", "check"]):
            assert day.says(*words)[0] == code, words
            assert says in day.says(*words)[1], words
        with day.place() as place:
            found = {finding.code: finding.says for finding in doctor.examine(place) if not finding.well}
            assert says in found["index"]
            assert queue(place) == {}
        if answer is _opensearch:
            ended, said = day.says("store", "init")
            assert ended == 2
            assert stub.url in said


def test_a_page_in_the_middle_of_the_work_is_no_answer(ready: Day) -> None:
    with ExitStack() as stack:
        between = stack.enter_context(proxied(ready.url))
        ready.at(between.url)
        place = stack.enter_context(ready.place())
        assert place.store.get("-") is None
        between.before = _page
        for look in (lambda: place.store.get("-"), lambda: steps.index(place, PARTITION, now=place.clock())):
            with pytest.raises(StoreUnavailable, match="gave an answer that cannot be read"):
                look()
        between.before = lambda _asked: None
        ready.whole()


# ---- one document


def test_what_is_refused_is_quarantined_and_the_rest_goes_on(own: Day) -> None:
    with own.place() as place:
        report = steps.index(place, PARTITION, now=place.clock())
        long = id_of(place, COUNT)
        assert report.counts == {
            "new": COUNT - 1, "updated": 0, "unchanged": 0, "expired": 0, "erased": 0, "quarantined": 1
        }  # fmt: skip
        assert report.total == COUNT
        (item,) = read_quarantine(own.home / "quarantine")
        assert (item.step, item.source, item.place) == ("index", "warga-csv", long)
        assert item.reason == (f"the document is over the limit of one request to {own.url} (http.max_content_length)")
        assert SECRET not in (own.home / "quarantine" / PARTITION / "index.jsonl").read_text(encoding="utf-8")
        assert long not in statuses(place)
        assert set(statuses(place)) == set(queue(place))
        assert len(queue(place)) == COUNT - 1
    code, _said = own.says("index", "--partition", PARTITION)  # again: the same
    assert code == 0
    assert len(list(read_quarantine(own.home / "quarantine"))) == 1
    with own.place() as place:
        found = {finding.code: finding for finding in doctor.examine(place)}
    assert found["index"].well


# ---- the doctor


def test_the_doctor_names_the_cluster_and_says_what_is_behind(ready: Day) -> None:
    ready.whole()
    with ready.place() as place:
        (found,) = (finding for finding in doctor.examine(place) if finding.code == "index")
        assert (found.well, found.says) == (True, f"elastic, {ready.url}")
        decide(place, id_of(place, 1), "fits", "confirmed")
        (found,) = (finding for finding in doctor.examine(place) if finding.code == "index")
        assert (found.well, found.says) == (
            False,
            "the index does not know 1 statuses yet; run: kentongan index",
        )
    ask("DELETE", f"{ready.url}/{ready.index}")
    with ready.place() as place:
        (found,) = (finding for finding in doctor.examine(place) if finding.code == "index")
    assert found.says == "the index lacks flags that wait for review; make it again: kentongan reindex"
    assert ready.says("reindex")[0] == 0
    with ready.place() as place:
        assert set(statuses(place)) == set(queue(place))
        assert sorted(statuses(place).values()) == ["confirmed", *["open"] * (COUNT - 1)]


def test_the_doctor_says_that_the_cluster_is_away(day: Day) -> None:
    (port,) = _free_ports(1)
    day.at(f"http://127.0.0.1:{port}")
    with day.place() as place:
        (found,) = (finding for finding in doctor.examine(place) if finding.code == "index")
    assert not found.well
    assert "cannot be reached (" in found.says


# ---- what is said of each kind of refusal


@pytest.mark.parametrize(
    ("status", "kind", "reason", "error", "says"),
    [
        (401, "security_exception", "unable to authenticate", ConfigError, "does not know this user or key"),
        (403, "security_exception", "action [x] is unauthorized", ConfigError, "may not do that on here: action [x]"),
        (400, "", "compatible-with=9", ConfigError, "is an older Elasticsearch"),
        (503, "cluster_block_exception", "state not recovered", StoreUnavailable, "is not ready (red, or no master)"),
        (404, "", "not found", ConfigError, "answers 404: is it Elasticsearch 9.x?"),
        (404, "index_not_found_exception", "no such index [a]", ConfigError, "refused a request: no such index [a]"),
        (400, "illegal_argument_exception", "no", ConfigError, "refused a request: no"),
        (503, "master_not_discovered_exception", "", StoreUnavailable, "(red, or no master): master_not_discovered"),
        (429, "circuit_breaking_exception", "too large", StoreUnavailable, "is overloaded; try again later"),
        (500, "null_pointer_exception", "x" * 400, StoreUnavailable, "answers 500: " + "x" * 300 + "…"),
        (403, "cluster_block_exception", "blocked", StoreUnavailable, "takes no writes now (blocked)"),
    ],
)
def test_a_refusal_says_what_to_do(status: int, kind: str, reason: str, error: type[Exception], says: str) -> None:
    made = refused(status, kind, reason, "here")
    assert type(made) is error
    assert says in str(made)
    of_one = _trouble({"status": status, "error": {"type": kind, "reason": reason}}, "here")
    assert (type(of_one), str(of_one)) == (error, str(made))


def _error(status: int, body: Any) -> ApiError:
    meta = ApiResponseMeta(status, "1.1", HttpHeaders(), 0.0, NodeConfig("http", "x", 1))
    return ApiError("words", meta, body)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (_error(500, "a page"), "answers 500: words"),
        (_error(500, {"error": "a word"}), "answers 500: a word"),
        (_error(500, {"error": {"type": "t", "reason": "r"}}), "answers 500: r"),
        (_error(500, {"error": {"root_cause": [], "type": "t", "reason": ""}}), "answers 500: t"),
        (_error(503, {"error": {"root_cause": [{"type": "t", "reason": "deep"}], "reason": "r"}}), "master): deep;"),
        (ConnectionError("refused"), "cannot be reached ("),
        (SerializationError("no"), "gave an answer that cannot be read"),
    ],
)
def test_an_error_of_the_client_is_told(error: Exception, says: str) -> None:
    assert says in str(translated(error, "here"))


@pytest.mark.parametrize(
    "reason",
    [
        f"failed to parse. Preview of field's value: '{SECRET}'",
        f"failed, preview: [{SECRET}]",
        f"immense term. The prefix of the first immense term is: '[114, ...]' {SECRET}",
        f'For input string: "{SECRET}"',
        f'Non-standard token at [Source: (byte[])"{SECRET}"]',
    ],
)
def test_no_word_of_a_post_is_in_a_reason(reason: str) -> None:
    assert SECRET not in without_quotes(reason)
