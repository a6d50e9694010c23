"""Runs as processes of their own, under a limit or without root's rights, and what must stand after the next one."""

from __future__ import annotations

import ctypes
import os
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from homes import PARTITION, place_at
from homestate import State, differences, leftovers, state_of

from pipeline.cli.app import call

ROWS = 120
_PASS_OVER_MODES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
_PR_CAPBSET_DROP = 24
_libc = ctypes.CDLL(None, use_errno=True)


def _as_anybody() -> None:
    """Give up root's right to pass over file modes, for what this process executes."""
    for capability in _PASS_OVER_MODES if os.geteuid() == 0 else ():
        _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def _environ(home: Path) -> dict[str, str]:
    return {"KENTONGAN__PATHS__HOME": str(home), "KENTONGAN__POLICY__SAMPLE_SHARE": "0"}


def start(home: Path, *arguments: str, largest: int = 0) -> subprocess.Popen[str]:
    """Start a verb; no file may grow beyond `largest` bytes, if that is given."""

    def limited() -> None:
        _as_anybody()
        if largest:
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))

    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", *arguments, "--lang", "en"],
        env=os.environ | _environ(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limited,
    )


def kentongan(home: Path, *arguments: str, largest: int = 0) -> tuple[int, str]:
    """Run a verb to its end; its exit code and what it said on standard error."""
    process = start(home, *arguments, largest=largest)
    _out, err = process.communicate(timeout=120)
    assert "Traceback" not in err
    assert "internal error" not in err, err
    return process.returncode, err


def here(home: Path, *arguments: str) -> int:
    """Run a verb in this process, which is quicker; its exit code."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in _environ(home).items():
            patched.setenv(name, value)
        return call([*arguments, "--lang", "en"])


def taking(file: str, verb: str = "run") -> tuple[str, ...]:
    """The words with which a file is taken in."""
    return verb, "--input", file, "--partition", PARTITION


def stands(home: Path) -> State:
    with closing(place_at(home)) as place:
        return state_of(place)


def mended(home: Path, whole: State, file: str) -> None:
    """Run again with nothing in the way: all is as in the home that nobody disturbed."""
    assert here(home, *taking(file)) == 0
    assert differences(whole, stands(home)) == []
    assert leftovers(home) == []
