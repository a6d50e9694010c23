"""An Elasticsearch of the tests' own: one node shared by the whole test run, and nodes and clusters for single tests.

`make .elastic/.fetched` fetches the official build from Maven Central that Elastic itself tests with. It lacks much
(`GET /`, painless, ILM, ...): what works here needs nothing that a cluster can be without. `KENTONGAN_ES_URL` names
another cluster for the tests of the shared node. Nodes hear only loopback and end with the test run, however it ends.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import pwd
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from services.real import cannot_start

VERSION = "9.5.0"
SHA512 = (
    "c06bd4ef7691da91052cada7bb255b2d7c48a1422820a8db0e3e3a1ed0dde4e8"
    "d380cdbadeb7029cc56167b9ad3a6d89f6b8edbc48d4b8685d1ab24a7ab17dd5"
)
ARTEFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy"
COMMAND = "make .elastic/.fetched (with Maven, and Java 21 or newer)"
LEAST_JAVA = 21
PATIENCE = 120.0  # seconds; usual is below ten, but a test machine may be busy

_CHECKOUT = Path(__file__).resolve().parents[2]
_ZIP = _CHECKOUT / ".elastic" / f"elasticsearch-{VERSION}.zip"
_TMP = "/tmp"  # noqa: S108 - the server's user cannot reach a checkout or a TMPDIR of root's
_ELSEWHERE = os.environ.get("KENTONGAN_ES_URL", "").rstrip("/")  # now: tests have KENTONGAN* taken away
# These JVMs do not live long enough to get fast; SIGKILL would leave what they publish in /tmp/hsperfdata_*.
_JVM = "-XX:TieredStopAtLevel=1 -XX:-UsePerfData"
# With security on, a server copies its own roles into an index that this build cannot make, and complains on and on.
_SERVER = f"{_JVM} -Des.queryable_built_in_roles_enabled=false"


class NotStarted(Exception):
    """The server cannot be started, or has ended again."""


# --- What is installed


def _major(home: Path) -> int:
    """The version of a JDK or JRE; 0 if there is none."""
    if not os.access(home / "bin" / "java", os.X_OK):
        return 0
    with suppress(OSError):
        if found := re.search(r'^JAVA_VERSION="(\d+)', (home / "release").read_text(encoding="utf-8"), re.MULTILINE):
            return int(found[1])
    said = subprocess.run([home / "bin" / "java", "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', said)
    return int(found[1]) if found else 0


def java_home(environ: Mapping[str, str] = os.environ, installed: Path = Path("/usr/lib/jvm")) -> Path | None:
    """A Java that this Elasticsearch runs on: the one asked for, or else the oldest that is new enough."""
    named = [Path(environ[name]) for name in ("ES_JAVA_HOME", "JAVA_HOME") if environ.get(name)]
    for home in named:
        if _major(home) >= LEAST_JAVA:
            return home
    found = [(major, home) for home in sorted(installed.glob("*")) if (major := _major(home)) >= LEAST_JAVA]
    return min(found)[1] if found else None


def verify(archive: Path, sha512: str = SHA512) -> None:
    """Raise unless this is the archive that was chosen."""
    if not archive.is_file():
        raise NotStarted(f"{archive.name} is not there")
    with archive.open("rb") as file:
        if hashlib.file_digest(file, "sha512").hexdigest() != sha512:
            raise NotStarted(f"{archive.name} has another SHA-512 than the one chosen")


def fetch() -> None:
    """For make: have the archive in .elastic, and look that there is a Java for it."""
    if java_home() is None:
        raise NotStarted(f"no Java {LEAST_JAVA} or newer in ES_JAVA_HOME, JAVA_HOME or /usr/lib/jvm")
    try:
        verify(_ZIP)
    except NotStarted:
        _fetch_archive()


def _fetch_archive() -> None:
    if not shutil.which("mvn"):
        raise NotStarted("Maven (mvn) is missing")
    _ZIP.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=_ZIP.parent) as aside:  # Maven would keep half a file of an interrupted run
        arguments = [f"-Dartifact={ARTEFACT}", f"-DoutputDirectory={aside}"]
        if subprocess.run(["mvn", "-q", "-B", COPY, *arguments], cwd=aside, check=False).returncode:
            raise NotStarted("Maven could not fetch it")
        verify(Path(aside, _ZIP.name))
        Path(aside, _ZIP.name).replace(_ZIP)


def _is_whole(folder: Path, archive: zipfile.ZipFile) -> bool:
    """Whether all is there: what cleans /tmp by age may have taken some."""
    files = [entry for entry in archive.infolist() if not entry.is_dir()]
    with suppress(OSError):
        return all((folder / entry.filename).stat().st_size == entry.file_size for entry in files)
    return False


def installation() -> Path:
    """The folder of the unpacked server: one for this checkout and version, kept for the next run."""
    if not _ZIP.is_file():
        raise NotStarted(f"{_ZIP.name} was not fetched")
    place = hashlib.sha256(f"{_CHECKOUT} {SHA512}".encode()).hexdigest()[:10]
    folder = Path(_TMP, f"kentongan-es-{VERSION}-{os.geteuid()}-{place}")
    with zipfile.ZipFile(_ZIP) as archive:
        for _ in range(2):
            if folder.is_dir():
                entry = folder.lstat()
                if folder.is_symlink() or entry.st_uid != os.geteuid() or entry.st_mode & 0o022:
                    raise NotStarted(f"{folder} is somebody else's")
                if _is_whole(folder, archive):
                    break
            verify(_ZIP)
            with tempfile.TemporaryDirectory(prefix=f"{folder.name}-", dir=_TMP) as aside:
                new = Path(aside, "new")
                for item in archive.infolist():
                    path = Path(archive.extract(item, new))
                    path.chmod(0o755 if item.is_dir() or (item.external_attr >> 16) & 0o100 else 0o644)
                new.chmod(0o755)
                with suppress(OSError):  # none there, which is usual
                    folder.rename(Path(aside, "old"))
                with suppress(OSError):  # another worker was faster
                    new.rename(folder)
        else:
            if not _is_whole(folder, archive):
                raise NotStarted(f"{folder} cannot be made")
    return folder / f"elasticsearch-{VERSION}"


# --- Nodes


def _server_user() -> pwd.struct_passwd | None:
    """Whose the server is when the tests are root's: Elasticsearch refuses to run as root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _before_the_command() -> list[str]:
    """What makes a command run as the server's user, and end when the test run ends, even when that is killed.

    Only the launcher gets that signal. The server itself reads the launcher's pipe and stops when that ends.
    """
    if not shutil.which("setpriv"):
        return []
    user = _server_user()
    rights = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"] if user else []
    return ["setpriv", *rights, "--pdeathsig=KILL", "--"]


def _free_ports(count: int) -> list[int]:
    """Below those that a system gives to outgoing connections, so that a node finds its own free when it comes back."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = random.SystemRandom().randrange(20_000, 32_000)
            with suppress(OSError):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
                ports.append(port)
        return ports


def hashed(password: str) -> str:
    """A password as the file realm's `users` has it."""
    salt, rounds = secrets.token_bytes(32), 1000  # the least that Elasticsearch takes
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds, 32)
    return f"{{PBKDF2}}{rounds}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def _make_certificate(conf: Path) -> None:
    """A key, and a certificate for loopback that is its own authority."""
    if not shutil.which("openssl"):
        raise NotStarted("the program openssl, which makes its certificate, is missing")
    made = subprocess.run(
        [
            *"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost".split(),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-addext", "keyUsage=critical,digitalSignature,keyCertSign"),
            *("-keyout", conf / "http.key", "-out", conf / "http.crt"),
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise NotStarted(f"openssl says {made.stderr.strip()!r}")


@dataclass(frozen=True)
class User:
    """A user of the file realm."""

    password: str
    roles: tuple[str, ...] = ("superuser",)


class Node:
    """A server in a folder of its own. Its URL, certificate and data stay when it is stopped or killed and started."""

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, object],
        *,
        port: int,
        users: Mapping[str, User] | None = None,
        roles: str = "",
        tls: bool = False,
        heap: str = "512m",
    ) -> None:
        java = java_home()
        if java is None:
            raise NotStarted(f"no Java {LEAST_JAVA} or newer is installed")
        self.folder = folder
        self.conf = folder / "conf"
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self.pid = 0
        self._home = installation()
        self._launcher: subprocess.Popen[bytes] | None = None
        self._said_before = 0
        self._environment = {
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "HOME": str(folder),
            "ES_JAVA_HOME": str(java),
            "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap} {_SERVER}",
            "CLI_JAVA_OPTS": _JVM,
            "ES_PATH_CONF": str(self.conf),
            "ES_TMPDIR": str(folder / "tmp"),
        }
        for name in ("conf", "data", "logs", "tmp"):
            (folder / name).mkdir()
        for name in ("jvm.options", "log4j2.properties"):
            shutil.copyfile(self._home / "config" / name, self.conf / name)
        all_settings: dict[str, object] = {
            "node.name": folder.name,
            "network.host": "127.0.0.1",
            "http.port": port,
            "path.data": str(folder / "data"),
            "path.logs": str(folder / "logs"),
            "cluster.routing.allocation.disk.threshold_enabled": False,
            "xpack.security.enabled": users is not None,
        }
        if users is not None:
            lines = [f"{name}:{hashed(user.password)}\n" for name, user in users.items()]
            (self.conf / "users").write_text("".join(lines), encoding="utf-8")
            names = sorted({role for user in users.values() for role in user.roles})
            of_role = {role: ",".join(name for name, user in users.items() if role in user.roles) for role in names}
            lines = [f"{role}:{members}\n" for role, members in of_role.items()]
            (self.conf / "users_roles").write_text("".join(lines), encoding="utf-8")
            (self.conf / "roles.yml").write_text(roles, encoding="utf-8")
        if tls:
            _make_certificate(self.conf)
            tls_settings = {"enabled": True, "key": "http.key", "certificate": "http.crt"}
            all_settings |= {f"xpack.security.http.ssl.{name}": value for name, value in tls_settings.items()}
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in (all_settings | dict(settings)).items()]
        (self.conf / "elasticsearch.yml").write_text("".join(lines), encoding="utf-8")
        if user := _server_user():
            for path in (folder, *folder.rglob("*")):
                os.chown(path, user.pw_uid, user.pw_gid)

    @property
    def certificate(self) -> Path:
        """What a client must trust to reach the node by TLS."""
        return self.conf / "http.crt"

    def _log(self) -> str:
        with suppress(FileNotFoundError):
            return (self.folder / "log").read_bytes()[self._said_before :].decode(errors="replace")
        return ""

    def log_tail(self, lines: int = 30) -> str:
        """The last that the server said since it was last started."""
        return "\n".join(line[:500] for line in self._log().splitlines()[-lines:])

    def launch(self) -> None:
        """Start without waiting."""
        assert self._launcher is None, "it runs already"
        log = self.folder / "log"
        self._said_before = log.stat().st_size if log.exists() else 0
        with log.open("ab") as output:
            self._launcher = subprocess.Popen(
                [*_before_the_command(), "bash", self._home / "bin" / "elasticsearch"],
                cwd=self.folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,  # Ctrl-C is for the test run, which then ends the server in order
            )  # fmt: skip

    def wait(self) -> None:
        """Until the started node has joined a cluster (its own, or that of its fellows) and answers."""
        assert self._launcher is not None, "it was not started"
        end = time.monotonic() + PATIENCE
        while "] started {" not in (said := self._log()):
            if self._launcher.poll() is not None or time.monotonic() > end:
                tail = self.log_tail()
                self.end()
                raise NotStarted(f"it ended or hung; its log ends {tail!r}")
            time.sleep(0.05)
        named = re.search(r"\bpid\[(\d+)\]", said)
        assert named is not None
        self.pid = int(named[1])

    def start(self) -> None:
        """Start, with the data and on the port there was before, and wait."""
        self.launch()
        self.wait()

    def stop(self) -> None:
        """End as an operator would."""
        if self._launcher is not None:
            self._launcher.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._launcher.wait(30)
            self.end()

    def kill(self) -> None:
        """End the server at once, as a lack of memory or power would."""
        if self._launcher is not None:
            if self.pid and self._launcher.poll() is None:
                os.kill(self.pid, signal.SIGKILL)
                with suppress(subprocess.TimeoutExpired):  # the launcher sees that the server is gone, and follows
                    self._launcher.wait(10)
            self.end()

    def end(self) -> None:
        """Whatever still runs, at once. The launcher leads a group of its own: the server and itself."""
        if self._launcher is not None:
            if self._launcher.poll() is None:
                os.killpg(self._launcher.pid, signal.SIGKILL)
            self._launcher.wait()
        self._launcher, self.pid = None, 0


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="kentongan-es-", dir=_TMP, ignore_cleanup_errors=True) as name:
        if user := _server_user():
            os.chown(name, user.pw_uid, user.pw_gid)
        yield Path(name)


@contextmanager
def _one_node(
    *,
    users: Mapping[str, User] | None = None,
    roles: str = "",
    tls: bool = False,
    settings: Mapping[str, object] | None = None,
    heap: str = "512m",
) -> Iterator[Node]:
    with _folder() as folder:
        port, transport = _free_ports(2)
        own = {"cluster.name": folder.name, "discovery.type": "single-node", "transport.port": transport}
        (folder / "node-1").mkdir()
        node = Node(
            folder / "node-1", own | dict(settings or {}), port=port, users=users, roles=roles, tls=tls, heap=heap
        )
        try:
            node.start()
            yield node
        finally:
            node.end()  # at once: the data is thrown away anyhow


@contextmanager
def _some_nodes(
    count: int, *, settings: Mapping[str, object] | None = None, heap: str = "512m"
) -> Iterator[list[Node]]:
    with _folder() as folder:
        ports = _free_ports(2 * count)
        names = [f"node-{number}" for number in range(1, count + 1)]
        nodes = []
        for name, port, transport in zip(names, ports[:count], ports[count:], strict=True):
            (folder / name).mkdir()
            own = {
                "cluster.name": folder.name,
                "transport.port": transport,
                "discovery.seed_hosts": [f"127.0.0.1:{one}" for one in ports[count:]],
                "cluster.initial_master_nodes": names,
            }
            nodes.append(Node(folder / name, own | dict(settings or {}), port=port, heap=heap))
        try:
            for node in nodes:
                node.launch()
            for node in nodes:
                node.wait()
            yield nodes
        finally:
            for node in nodes:
                node.end()


@contextmanager
def running_node(
    *,
    users: Mapping[str, User] | None = None,
    roles: str = "",
    tls: bool = False,
    settings: Mapping[str, object] | None = None,
    heap: str = "512m",
) -> Iterator[Node]:
    """A node of the block's own. With `users` (and `roles`, a roles.yml) it has security, with `tls` also TLS.

    Call this where the main thread runs: the system takes the end of the thread that starts a node for the test run's.
    """
    with ExitStack() as stack:
        try:
            node = stack.enter_context(_one_node(users=users, roles=roles, tls=tls, settings=settings, heap=heap))
        except NotStarted as error:
            cannot_start("Elasticsearch", str(error), COMMAND)
        yield node


@contextmanager
def running_cluster(
    count: int = 3, *, settings: Mapping[str, object] | None = None, heap: str = "512m"
) -> Iterator[list[Node]]:
    """Several nodes that are one cluster, without security; see `running_node`."""
    with ExitStack() as stack:
        try:
            nodes = stack.enter_context(_some_nodes(count, settings=settings, heap=heap))
        except NotStarted as error:
            cannot_start("Elasticsearch", str(error), COMMAND)
        yield nodes


# --- The node that a test run shares


def keep(folder: Path) -> None:
    """The keeper's job: run a node as long as somebody holds a lock on the folder's `lease`.

    The system gives a lock back however its holder ends, so nothing has to be counted. Whoever comes while the keeper
    stops waits for its lock, and then finds no node and starts another keeper.
    """
    state = folder / "node.json"
    with (folder / "lease").open("r+b") as lease, ExitStack() as stack:
        try:
            node = stack.enter_context(_one_node())
            found = {"url": node.url, "pid": node.pid}
        except NotStarted as error:
            found = {"error": str(error)}
        fresh = state.with_suffix(".new")
        fresh.write_text(json.dumps(found), encoding="utf-8")
        fresh.replace(state)
        fcntl.lockf(lease, fcntl.LOCK_EX)  # waits for all who have a share
        state.unlink(missing_ok=True)
        stack.close()


def _start_keeper(folder: Path) -> None:
    with (folder / "keeper.log").open("ab") as output:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "services.elastic", "keep", str(folder)],
            cwd=folder, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(_CHECKOUT / "tests"), *sys.path])},
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    while not (folder / "node.json").exists():
        if keeper.poll() is not None:
            raise NotStarted(f"its keeper ended: {(folder / 'keeper.log').read_text(encoding='utf-8')[-2000:]!r}")
        time.sleep(0.05)
    keeper.returncode = 0  # it outlives this process on purpose: no warning about that


@contextmanager
def shared_node(folder: Path) -> Iterator[tuple[str, int]]:
    """The URL and pid of the one node of all processes that name this folder; it ends with the last of their blocks.

    Once a process and folder: these locks are a process's, and the first file that is closed gives them back.
    """
    with (folder / "lease").open("a+b") as lease:
        fcntl.lockf(lease, fcntl.LOCK_SH)
        state = folder / "node.json"
        with (folder / "starting").open("a+b") as starting:
            fcntl.lockf(starting, fcntl.LOCK_EX)
            found = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
            if "url" in found and not Path(f"/proc/{found['pid']}").exists():
                state.unlink()  # somebody has killed the keeper or the node
                found = {}
            if not found:
                _start_keeper(folder)
                found = json.loads(state.read_text(encoding="utf-8"))
        if "error" in found:
            raise NotStarted(found["error"])
        yield found["url"], found["pid"]


def _ask(client: httpx.Client, method: str, path: str, **parameters: str) -> object:
    answer = client.request(method, path, params=parameters)
    if answer.status_code == 404:
        return {}
    answer.raise_for_status()
    return answer.json()


def _names(found: object, key: str) -> list[str]:
    return [item["name"] for item in found[key]] if isinstance(found, dict) and key in found else []


def clear(url: str, prefix: str) -> None:
    """Remove all indices, aliases and templates whose names begin so. By name: clusters refuse to delete by pattern."""
    with httpx.Client(base_url=url, timeout=60, trust_env=bool(_ELSEWHERE)) as client:
        indices = _ask(client, "GET", "/_alias", expand_wildcards="all")
        assert isinstance(indices, dict)
        ours = [name for name in indices if name.startswith(prefix)]
        for at in range(0, len(ours), 50):  # a URL has at most 4096 bytes
            _ask(client, "DELETE", "/" + ",".join(ours[at : at + 50]), ignore_unavailable="true")
        for name, index in indices.items():
            for alias in index["aliases"] if name not in ours else ():
                if alias.startswith(prefix):
                    _ask(client, "DELETE", f"/{name}/_alias/{alias}")
        for kind in ("index_template", "component_template"):  # in this order: the first use the second
            for name in _names(_ask(client, "GET", f"/_{kind}/{prefix}*"), f"{kind}s"):
                _ask(client, "DELETE", f"/_{kind}/{name}")


@pytest.fixture(scope="session")
def elastic_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running cluster without security, shared by all workers: keep to `elastic_prefix` there."""
    if _ELSEWHERE:
        yield _ELSEWHERE
        return
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "elastic"
    folder.mkdir(exist_ok=True)
    with ExitStack() as stack:
        try:
            url, _ = stack.enter_context(shared_node(folder))
        except NotStarted as error:
            cannot_start("Elasticsearch", str(error), COMMAND)
        yield url


@pytest.fixture
def elastic_prefix(elastic_url: str) -> Iterator[str]:
    """What the names of this test's indices, aliases and templates begin with; they are removed after it."""
    prefix = f"t{secrets.token_hex(4)}-"
    yield prefix
    clear(elastic_url, prefix)


def main(arguments: Sequence[str]) -> int:
    """`fetch` is for make, `keep FOLDER` for the tests."""
    if arguments[0] == "keep":
        keep(Path(arguments[1]))
        return 0
    try:
        fetch()
    except NotStarted as error:
        print(f"Elasticsearch could not be had: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
