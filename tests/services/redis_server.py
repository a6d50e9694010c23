"""A Redis of the tests' own, as a broker: on a free port of loopback, with a password, keeping nothing."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.real import cannot_start

COMMAND = "apt-get install --no-install-recommends redis-server"
_PATIENCE = 30.0  # seconds; usual is below one


@contextmanager
def redis_running(folder: Path) -> Iterator[str]:
    """Run a server while the block runs, and give its URL."""
    binary = shutil.which("redis-server")
    if binary is None:
        cannot_start("Redis", "redis-server is not installed", COMMAND)
    folder.mkdir()
    password, port = secrets.token_urlsafe(24), _free_port()
    said = f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir "{folder}"\n'
    with (folder / "log").open("wb") as log:
        # Settings come by the pipe: a password among the words of a command is read by everybody
        server = subprocess.Popen([binary, "-"], stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
    assert server.stdin is not None
    try:
        server.stdin.write(said.encode())
        server.stdin.close()
        if not _answers(server, port):
            cannot_start("Redis", f"its log ends {(folder / 'log').read_text()[-1_000:]!r}", COMMAND)
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(15)


def _answers(server: subprocess.Popen[bytes], port: int) -> bool:
    end = time.monotonic() + _PATIENCE
    while server.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
