"""Structured logs on standard error: events with fields; never a post's text, never a handle.

What an error or a library says may hold either, so of errors stand here their names and where they happened.
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from pathlib import PurePath
from typing import Any, TextIO

import structlog

from pipeline.core.config import Log

_FRAMES = 5  # of the program, the innermost last


def configure_logs(settings: Log, verbosity: int = 0) -> None:
    """Set level and form; each `-v` lowers the level by one step."""
    level = max(logging.DEBUG, getattr(logging, settings.level) - 10 * verbosity)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    printer = _Printer(sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=lambda *_names: printer,
        cache_logger_on_first_use=False,
    )
    for name in ("trafilatura", "htmldate", "dateparser", "httpx", "httpcore", "elastic_transport", "elasticsearch"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they warn of each page or node they cannot read
    root = logging.getLogger()
    if not any(isinstance(handler, _Libraries) for handler in root.handlers):
        root.addHandler(_Libraries())


def fault_of(error: BaseException) -> dict[str, Any]:
    """What may be logged of an error: its name, its cause's, and where in the program it happened."""
    trace, where = error.__traceback__, []
    while trace is not None:
        path = PurePath(trace.tb_frame.f_code.co_filename)
        if "pipeline" in path.parts:
            where.append(f"{path.name}:{trace.tb_lineno}")
        trace = trace.tb_next
    cause = type(error.__cause__).__name__ if error.__cause__ else ""
    return {"error": type(error).__name__, "cause": cause, "where": " ".join(where[-_FRAMES:])}


class _Printer:
    """Writes lines to a stream; where that is closed or full, a line is lost and the work goes on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def msg(self, line: str) -> None:
        """One line."""
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = warn = error = critical = exception = fatal = failure = log = msg


class _Libraries(logging.Handler):
    """Takes what libraries log (from warnings on, as Python does) and keeps who and where, not what they say."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log it as an event of ours."""
        if record.levelno < logging.WARNING:
            return
        error = record.exc_info[1] if record.exc_info else None
        said = {"library": record.name, "line": f"{record.filename}:{record.lineno}"}
        structlog.get_logger().warning("library", **said | (fault_of(error) if error else {}))
