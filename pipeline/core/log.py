"""Structured logs on standard error: events with fields; never a post's text, never a handle."""

from __future__ import annotations

import logging
import sys

import structlog

from pipeline.core.config import Log


def configure_logs(settings: Log, verbosity: int = 0) -> None:
    """Set level and form; each `-v` lowers the level by one step."""
    level = max(logging.DEBUG, getattr(logging, settings.level) - 10 * verbosity)
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if settings.format == "json" else []),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    for name in ("trafilatura", "htmldate", "dateparser", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # they log addresses and texts
