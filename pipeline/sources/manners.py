"""How we behave at a site: what robots.txt allows, how far apart calls are, how long we wait when asked to."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from protego import Protego

from pipeline.core.errors import SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.guard import Refused

AGENT = "Kentongan"
MAX_WAIT = 60.0  # seconds: asked to wait longer, we give up for this time and say so
ROBOTS_BYTES = 512_000  # RFC 9309, 2.5: at least 500 KiB are read, the rest may be ignored
ROBOTS_LIFE = 86_400.0  # seconds; RFC 9309, 2.4
_FAILURE_LIFE = 600.0  # seconds until a robots.txt that failed is asked for again

Read = Callable[[httpx.URL], tuple[int, bytes]]
"""Gets robots.txt, redirects followed: (status, content); raises SourceUnavailable."""


class Pace:
    """Keeps the calls to one host apart."""

    def __init__(self, seconds: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._seconds, self._clock, self._sleep = seconds, clock, sleep
        self._last: dict[str, float] = {}

    def wait(self, host: str, asked: float = 0.0) -> None:
        """Sleep until the host may be called again; raises SourceUnavailable if that is over MAX_WAIT away."""
        delay = max(self._seconds, asked)
        wait = self._last.get(host, -math.inf) + delay - self._clock()
        if wait > MAX_WAIT:
            raise SourceUnavailable(
                _("{host} wants {seconds:.0f} seconds between two calls").format(host=host, seconds=delay),
                retry_after=wait,
            )
        if wait > 0:
            self._sleep(wait)
        self._last[host] = self._clock()


class Robots:
    """What each site's robots.txt says to us; read once a day and site (RFC 9309)."""

    def __init__(self, read: Read, clock: Callable[[], float]) -> None:
        self._read, self._clock = read, clock
        self._rules: dict[str, tuple[float, Protego]] = {}
        self._failures: dict[str, tuple[float, SourceUnavailable]] = {}

    def check(self, url: httpx.URL) -> float:
        """The seconds that the site wants between calls. Raises Refused if it does not want us at this address.

        No robots.txt (4xx) allows all; one that cannot be read now (5xx, no answer) allows nothing: SourceUnavailable.
        """
        rules = self._rules_of(url.copy_with(raw_path=b"/robots.txt", fragment=None))
        if not rules.can_fetch(str(url), AGENT):
            raise Refused(_("robots.txt of {host} asks us not to read {url}").format(host=url.host, url=shown(url)))
        delay = rules.crawl_delay(AGENT)
        return delay if delay is not None and math.isfinite(delay) and delay > 0 else 0.0

    def _rules_of(self, robots: httpx.URL) -> Protego:
        now, site = self._clock(), str(robots)
        if site in self._rules and self._rules[site][0] > now:
            return self._rules[site][1]
        if site in self._failures and self._failures[site][0] > now:
            raise self._failures[site][1]
        try:
            status, content = self._read(robots)
        except SourceUnavailable as error:
            self._failures[site] = (now + _FAILURE_LIFE, error)
            raise
        if len(content) >= ROBOTS_BYTES:
            content = content.rpartition(b"\n")[0]  # half a line could forbid more than the whole one
        text = content.decode("utf-8", "replace") if status < 400 else ""
        rules = Protego.parse(text.removeprefix("\ufeff"))
        self._rules[site] = (now + ROBOTS_LIFE, rules)
        return rules


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header (seconds or an HTTP date) asks for; None if it says nothing readable."""
    value = (value or "").strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return float(value)
    try:
        moment = parsedate_to_datetime(value[:60])
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def shown(url: httpx.URL) -> str:
    """An address for a message: without its query and not too long."""
    return str(url.copy_with(query=None, fragment=None))[:200]
