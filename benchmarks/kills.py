"""`kill -9` at random moments of ingest, flag, index and of verdicts being written; again to the end; then compare.

python benchmarks/kills.py [--moments 50] [--seed 1]

Each moment has a home of its own (with the same secrets, so that ids can be compared). The sample comes from files, a
feed on a local server with conditional GET, and a file in the inbox. After the second run the home must hold what one
holds that nobody disturbed: the same files, ids, fingerprints, queue and statuses, a whole chain, nothing left aside,
no lock, no verdict lost that was acknowledged. Prints a table; exits 1 on any difference.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from homestate import State, differences, leftovers, state_of
from sqlalchemy import select

from pipeline.core.clock import partition_of, utc_now
from pipeline.core.config import load_settings
from pipeline.core.decisions import Verdict
from pipeline.core.resources import data_path
from pipeline.ledger import chain, verdicts
from pipeline.ledger.schema import item
from pipeline.queueing import mirror
from pipeline.workplace import Workplace

STEPS = ("ingest", "flag", "index")
PHASES = (*STEPS, "verdicts")
_SAMPLE = data_path("sample", "sample.toml")
_LIMIT = 120  # seconds that a run may take
_POLL = 0.002
_TRIES = 20
_ROUNDS = 3  # each item is decided, taken back, and decided again


@dataclass(frozen=True)
class Undisturbed:
    """What a home comes to that nobody disturbs, after the run and after all decisions, and how long that took."""

    home: Path
    environ: dict[str, str]
    partition: str
    run: State
    reports: dict[str, Any]
    decided: State
    spans: dict[str, float]


@dataclass
class Seen:
    """One moment: when the kill came, what lay there then, and what was not as it should be after the second run."""

    phase: str
    after: float
    killed: bool
    lay: str = ""
    wrong: list[str] = field(default_factory=list)


# ---- running, and killing


def _place(home: Path, environ: dict[str, str]) -> Workplace:
    settings, _origins = load_settings(_SAMPLE, environ | {"KENTONGAN__PATHS__HOME": str(home)})
    return Workplace(settings)


def _start(home: Path, environ: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    environ = {**os.environ, **environ, "KENTONGAN__PATHS__HOME": str(home)}
    return subprocess.Popen(arguments, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _run(home: Path, environ: dict[str, str], partition: str) -> subprocess.Popen[str]:
    words = ("run", "--config", str(_SAMPLE), "--partition", partition, "--json")
    return _start(home, environ, sys.executable, "-m", "pipeline", *words)


def _decide(home: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    return _start(home, environ, sys.executable, __file__, "--decide", str(home))


def _to_the_end(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=_LIMIT)
    if process.returncode:
        raise SystemExit(f"a run that nobody killed ended with {process.returncode}: {err}")
    return out


def _prepared(home: Path, secret: Path | None) -> Path:
    """A home with a file in its inbox, which has lain there for a while."""
    (home / "inbox").mkdir(mode=0o700, parents=True)
    home.chmod(0o700)
    waiting = home / "inbox" / "warga.csv"
    shutil.copy(data_path("sample", "unggahan.csv"), waiting)
    os.utime(waiting, (time.time() - 60,) * 2)
    if secret is not None:
        shutil.copytree(secret, home / "secret")
    return home


def _wait_for(stream: IO[str], word: str) -> bool:
    """Read log lines until one has the word; False at the end."""
    return any(word in line for line in iter(stream.readline, ""))


def _begun(process: subprocess.Popen[str], home: Path, phase: str) -> bool:
    """Wait until the phase begins; False if the process ended before."""
    if phase == "verdicts":
        assert process.stdout is not None
        return _wait_for(process.stdout, "begin")
    if phase == "ingest":
        while not (home / "lock").exists() and process.poll() is None:
            time.sleep(_POLL)
        return process.poll() is None
    assert process.stderr is not None
    return _wait_for(process.stderr, f'"step": "{STEPS[STEPS.index(phase) - 1]}"')


def _kill(process: subprocess.Popen[str], home: Path, phase: str, after: float) -> tuple[bool, str]:
    """Kill it so many seconds after the phase began; whether it still lived, and what it had printed by then."""
    if _begun(process, home, phase):
        time.sleep(after)
    process.kill()
    with process:
        assert process.stdout is not None
        out = process.stdout.read()  # not communicate(), which passes over lines that came along with "begin"
    return process.returncode < 0, out


# ---- what nobody disturbed


def undisturbed(folder: Path, environ: dict[str, str]) -> Undisturbed:
    """Run and decide once without any kill, and take the times."""
    partition = partition_of(utc_now(), load_settings(_SAMPLE, environ)[0].office.zone)
    home = _prepared(folder / "undisturbed", None)
    process = _run(home, environ, partition)
    marks = [0.0]
    for phase in STEPS:
        assert _begun(process, home, phase)
        marks.append(time.monotonic())
    assert process.stderr is not None
    assert _wait_for(process.stderr, '"step": "index"')
    marks.append(time.monotonic())
    reports = _reports(_to_the_end(process))
    spans = {phase: marks[at + 2] - marks[at + 1] for at, phase in enumerate(STEPS)}
    run = _state(home, environ)
    decided = folder / "decided"
    shutil.copytree(home, decided)
    process = _decide(decided, environ)
    assert _begun(process, decided, "verdicts")
    began = time.monotonic()
    _to_the_end(process)
    spans["verdicts"] = time.monotonic() - began
    return Undisturbed(home, environ, partition, run, reports, _state(decided, environ), spans)


def _state(home: Path, environ: dict[str, str]) -> State:
    place = _place(home, environ)
    try:
        return state_of(place)
    finally:
        place.close()


def _reports(out: str) -> dict[str, Any]:
    """What a run said of flags and index that must be the same whatever happened before."""
    reports = {report["step"]: report for report in json.loads(out)["reports"]}
    return {
        "flag": (reports["flag"]["counts"], reports["flag"]["tables"]),
        "index": reports["index"]["total"],
    }


# ---- one moment


def disturb(known: Undisturbed, home: Path, phase: str, share: float) -> Seen:
    """Kill at that share of the phase, do it again to the end, and say what differs."""
    seen = (_disturb_verdicts if phase == "verdicts" else _disturb_run)(known, home, phase, share * known.spans[phase])
    seen.wrong += leftovers(home)
    return seen


def _disturb_run(known: Undisturbed, home: Path, phase: str, after: float) -> Seen:
    _prepared(home, known.home / "secret")
    killed, _out = _kill(_run(home, known.environ, known.partition), home, phase, after)
    seen = Seen(phase, after, killed, _lay(home))
    seen.wrong += [f"right after the kill: {problem}" for problem in _chain_problems(home, known.environ)]
    reports = _reports(_to_the_end(_run(home, known.environ, known.partition)))
    seen.wrong += differences(known.run, _state(home, known.environ))
    if reports != known.reports:
        seen.wrong.append("the counts or tables of flag or index differ")
    return seen


def _disturb_verdicts(known: Undisturbed, home: Path, phase: str, after: float) -> Seen:
    shutil.copytree(known.home, home)
    killed, out = _kill(_decide(home, known.environ), home, phase, after)
    acknowledged = out.splitlines().count("done")
    place = _place(home, known.environ)
    with place.ledger.read() as db:
        recorded = sum(1 for _each in verdicts.since(db))
    place.close()
    seen = Seen(phase, after, killed, f"{acknowledged} acknowledged, {recorded} recorded")
    seen.wrong += [f"right after the kill: {problem}" for problem in _chain_problems(home, known.environ)]
    if not acknowledged <= recorded <= acknowledged + 1:
        seen.wrong.append(f"{acknowledged} verdicts were acknowledged, {recorded} are there")
    _to_the_end(_decide(home, known.environ))
    seen.wrong += differences(known.decided, _state(home, known.environ))
    return seen


def _chain_problems(home: Path, environ: dict[str, str]) -> list[str]:
    if not (home / "ledger.db").exists():
        return []
    place = _place(home, environ)
    with place.ledger.read() as db:
        found = [problem.says for problem in chain.verify(db).problems]
    place.close()
    return found


def _lay(home: Path) -> str:
    """What a killed run left behind, in a few words."""
    aside = sum(1 for path in home.rglob(".tmp-*"))
    parts = sum(1 for path in home.glob("landing/*/*/*/part-*"))
    derived = "derived" if any(home.glob("derived/*/*/posts-*")) else "no derived"
    index = "index" if (home / "index.db").exists() else "no index"
    return f"{parts} parts, {derived}, {index}, {aside} aside"


def moments(number: int, seed: int) -> Iterator[tuple[str, float]]:
    """As many (phase, share of the phase) as asked for, the phases in turn."""
    chance = random.Random(seed)
    for at in range(number):
        yield PHASES[at % len(PHASES)], chance.random()


def hit(known: Undisturbed, folder: Path, phase: str, share: float) -> Seen:
    """One moment; where the process was done before the kill came, it is tried again, earlier."""
    for attempt in range(_TRIES):
        home = folder / f"home-{attempt}"
        seen = disturb(known, home, phase, share * 0.8**attempt)
        shutil.rmtree(home)
        if seen.killed or seen.wrong:
            return seen
    raise SystemExit(f"no kill came in time in {phase}")


# ---- deciding (in a process of its own, to be killed)


def decide_all(home: Path) -> None:
    """Decide each item, take it back, decide again; says `done` after each commit, and goes on where it was."""
    place = _place(home, dict(os.environ))
    with place.ledger.read() as db:
        waiting = [(row.flag_id, row.office) for row in db.execute(select(item).order_by(item.c.flag_id))]
    print("begin", flush=True)
    for turn in range(_ROUNDS):
        for flag_id, office in waiting:
            with place.ledger.write() as db:
                said = verdicts.history(db, flag_id)
                if len(said) != turn:
                    continue
                verdicts.record(db, _verdict(flag_id, office, turn, said[-1].id if said else ""))
            print("done", flush=True)
        mirror(place)
    place.close()


def _verdict(flag_id: str, office: str, turn: int, supersedes: str) -> Verdict:
    given = Verdict(flag_id, office, "r1", datetime.now(UTC), {}, "open", supersedes=supersedes)
    if turn == 1:
        return given
    fits = sha256(f"{flag_id}{turn}".encode()).digest()[0] % 2 == 0
    return Verdict(
        **{name: getattr(given, name) for name in ("flag_id", "office", "reviewer", "at", "supersedes")},
        decisions={"threat": "fits" if fits else "not"},
        status="confirmed" if fits else "rejected",
        reasons=() if fits else ("satire",),
        note=f"catatan {turn}",
    )


# ---- the feed


class _Feed(BaseHTTPRequestHandler):
    """Serves the sample's RSS, and 304 to who has it."""

    def do_GET(self) -> None:
        body = data_path("sample", "berita.rss").read_bytes()
        tag = f'"{sha256(body).hexdigest()[:8]}"'
        found = self.path == "/berita.rss"
        same = self.headers.get("If-None-Match") == tag
        self.send_response(404 if not found else 304 if same else 200)
        self.send_header("ETag", tag)
        self.send_header("Content-Type", "application/rss+xml")
        self.send_header("Content-Length", str(len(body) if found and not same else 0))
        self.end_headers()
        if found and not same:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def feed() -> Iterator[dict[str, str]]:
    """Serve the feed on loopback; gives the settings with which runs read it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Feed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    try:
        yield {
            "KENTONGAN__SOURCES__KABAR_CONTOH__URL": f"http://{host}/berita.rss",
            "KENTONGAN__FETCH__ALLOW_HOSTS": json.dumps([host]),
            "KENTONGAN__FETCH__PACE": "0",
            "KENTONGAN__FETCH__ARTICLES": "false",
            "KENTONGAN__LOG__LEVEL": "INFO",
            "KENTONGAN__LOG__FORMAT": "json",
        }
    finally:
        server.shutdown()
        server.server_close()


def main() -> int:
    """Do it and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--decide", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.decide:
        decide_all(options.decide)
        return 0
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, feed() as environ:
        known = undisturbed(Path(folder), environ)
        took = ", ".join(f"{phase} {span * 1000:.0f} ms" for phase, span in known.spans.items())
        print(f"undisturbed: {len(known.decided)} things compared; {took}")
        for number, (phase, share) in enumerate(moments(options.moments, options.seed), start=1):
            seen = hit(known, Path(folder), phase, share)
            says = "; ".join(seen.wrong) or "the same"
            print(f"{number:3} {phase:9} killed after {seen.after * 1000:5.0f} ms  {seen.lay:46} {says}", flush=True)
            wrong += bool(seen.wrong)
    print(f"{options.moments} moments, {wrong} with a difference")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
