"""What is said when a real part (a server, a browser) that a test needs cannot be started here."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def cannot_start(part: str, why: str, command: str) -> NoReturn:
    """Fail in CI, where every part must be there; elsewhere skip, with the command that would make the test run."""
    message = f"{part} cannot be started: {why}. To make this test run: {command}"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
