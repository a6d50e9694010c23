"""A PostgreSQL of the tests' own: a cluster in a temporary folder that only this folder's socket leads to.

Each test worker starts its own when a test first asks for it, so workers share neither locks nor ends. The server hears
no port, so none has to be free, and the cluster that a distribution's package may have started does not matter.
"""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from services.real import cannot_start

COMMAND = "apt-get install --no-install-recommends postgresql"
OWNER = "kentongan"
PATIENCE = 60.0  # seconds; usual is below two, but a test machine may be busy
_TMP = "/tmp"  # noqa: S108 - a socket's path has at most 107 bytes, and TMPDIR may be closed to the server's user
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0")
_numbers = itertools.count(1)


def binaries() -> Path | None:
    """The folder of the newest server installed: Debian keeps one a version, outside PATH."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda folder: [int(part) for part in folder.parent.name.split(".") if part.isdigit()])
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


def _given_away(folder: Path) -> list[str]:
    """Make the folder the server's user's; give what stands before a command so that this user runs it.

    PostgreSQL refuses to run as root: then its own user does it, or `nobody`. The command also ends when the test run
    ends, even when that is killed.
    """
    rights = []
    if os.geteuid() == 0:
        names = {entry.pw_name: entry for entry in pwd.getpwall()}
        user = names.get("postgres") or names["nobody"]
        os.chown(folder, user.pw_uid, user.pw_gid)
        rights = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *rights, "--pdeathsig=QUIT", "--"] if shutil.which("setpriv") else []


def _wait_until_it_answers(server: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(host=str(folder), user=OWNER, dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def _stop(server: subprocess.Popen[bytes]) -> None:
    """First as an operator would, then at once: the data is thrown away anyhow."""
    for end in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is None:
            server.send_signal(end)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                continue
        return


class Cluster:
    """A cluster made in a folder, and its server, which can be stopped and started again."""

    def __init__(self, bin_folder: Path, folder: Path) -> None:
        self.folder = folder
        self._as_user = _given_away(folder)
        self._environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder), "TZ": "UTC"}
        self._server_words = [bin_folder / "postgres", "-D", folder / "data"]
        make = [bin_folder / "initdb", "--no-sync", "--auth=trust", f"--username={OWNER}", "--encoding=UTF8"]
        made = subprocess.run(
            [*self._as_user, *make, "--locale=C.UTF-8", "-D", folder / "data"],
            cwd=folder, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        )  # fmt: skip
        if made.returncode:
            cannot_start("PostgreSQL", f"initdb says {made.stderr.strip()!r}", COMMAND)

    @property
    def pid(self) -> int:
        """Of the server."""
        return self._server.pid

    def start(self) -> None:
        """Start the server, and wait until it answers."""
        folder = self.folder
        options = ["listen_addresses=", f"unix_socket_directories={folder}", "unix_socket_permissions=0700", *_FAST]
        log = folder / "log"
        with log.open("ab") as output:
            self._server = subprocess.Popen(
                [*self._as_user, *self._server_words, *(f"--{option}" for option in options)],
                cwd=folder, env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,  # Ctrl-C is for the test run, which then ends the server in order
            )  # fmt: skip
        try:
            _wait_until_it_answers(self._server, folder)
        except psycopg.OperationalError as error:
            said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
            cannot_start("PostgreSQL", f"{error}; its log ends {said!r}", COMMAND)

    def stop(self) -> None:
        """End the server and all connections to it."""
        _stop(self._server)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[Cluster]:
    """The running cluster of this test run."""
    bin_folder = binaries()
    if bin_folder is None:
        cannot_start("PostgreSQL", "its programs are not installed", COMMAND)
    with tempfile.TemporaryDirectory(prefix="kentongan-pg-", dir=_TMP, ignore_cleanup_errors=True) as name:
        cluster = Cluster(bin_folder, Path(name))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()


def _url(folder: Path, database: str) -> str:
    return f"postgresql+psycopg://{OWNER}@/{database}?host={folder}"


@contextmanager
def fresh_database(folder: Path) -> Iterator[str]:
    """The URL of a new, empty database, dropped after the block whoever is still connected."""
    name = f"test_{next(_numbers)}"
    _maintain(folder, f"CREATE DATABASE {name}")
    try:
        yield _url(folder, name)
    finally:
        _maintain(folder, f"DROP DATABASE {name} WITH (FORCE)")


def _maintain(folder: Path, statement: str) -> None:
    """By a connection of its own, for the server may have been stopped in between."""
    with psycopg.connect(host=str(folder), user=OWNER, dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture(scope="session")
def postgres_pid(postgres_cluster: Cluster) -> int:
    """The pid of the running server."""
    return postgres_cluster.pid


@pytest.fixture(scope="session")
def postgres_folder(postgres_cluster: Cluster) -> Path:
    """The folder with the running server's socket, for tests that need several databases (`fresh_database`)."""
    return postgres_cluster.folder


@pytest.fixture(scope="session")
def postgres_url(postgres_folder: Path) -> str:
    """The URL of a running server's maintenance database, as its superuser."""
    return _url(postgres_folder, "postgres")


@pytest.fixture
def postgres_database(postgres_folder: Path) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    with fresh_database(postgres_folder) as url:
        yield url
