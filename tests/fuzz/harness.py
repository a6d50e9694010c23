"""Runs a target under atheris: seeds and corpus under .fuzz/<name>/, what breaks it under .fuzz/<name>/crashes/."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / ".fuzz"


def start(atheris: Any, name: str, target: Callable[[bytes], None], seeds: list[bytes], max_len: int) -> None:
    """Fuzz until `-max_total_time` or for ever; arguments are libFuzzer's, among them folders of corpora."""
    corpus, crashes = FOLDER / name / "corpus", FOLDER / name / "crashes"
    for folder in (corpus, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    given = sys.argv[1:]
    for seed in seeds:
        (corpus / f"seed-{hashlib.sha256(seed).hexdigest()[:16]}").write_bytes(seed)
    if all(argument.startswith("-") for argument in given):
        given.append(str(corpus))
    options = [f"-artifact_prefix={crashes}/", f"-max_len={max_len}", "-timeout=20", "-rss_limit_mb=3000"]
    atheris.Setup([sys.argv[0], *options, *given], target)  # what was given comes last and wins
    atheris.Fuzz()
