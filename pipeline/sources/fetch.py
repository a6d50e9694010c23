"""The one HTTP client: polite to sites, bounded in every direction, and never led into the office's network by a feed.

    get -> robots.txt -> pace -> resolve, check, connect (guard) -> bounded answer -> redirect? from the start

A call that fails for now (429, 5xx, lost connection, time-out) is made again after growing pauses or `Retry-After`.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.metadata import PackageNotFoundError, version
from random import SystemRandom
from types import TracebackType

import httpcore
import httpx

from pipeline.core.clock import Clock, utc_now
from pipeline.core.config import Fetch
from pipeline.core.errors import ConfigError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.address import MAX_LENGTH, PORTS, typed_hosts
from pipeline.sources.guard import Gate, GuardedBackend, Refused, Resolve, resolve
from pipeline.sources.manners import AGENT, MAX_WAIT, ROBOTS_BYTES, Pace, Robots, retry_after, shown
from pipeline.sources.transport import Transport, unpacked

__all__ = ["ANYTHING", "ARTICLE", "Fetched", "Fetcher", "Refused", "user_agent"]

ANYTHING = ("*/*",)
ARTICLE = ("text/html", "application/xhtml+xml")
_KEPT_HEADERS = ("content-type", "content-language", "etag", "last-modified")
_GOOD = frozenset({200, 203})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PAUSE = 1.0  # seconds before the first retry; doubled each time, jittered by half
_BLOCK = 65_536
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_VALIDATOR = re.compile(r"[\x20-\x7e]{1,200}")  # an ETag or date that we may send back
_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True)
class Fetched:
    """One good answer; `url` is where it came from after redirects, `content` is unpacked (empty if not modified)."""

    url: str
    status: int
    headers: Mapping[str, str]
    content: bytes
    content_type: str
    charset: str | None
    etag: str | None
    last_modified: str | None
    not_modified: bool


@dataclass(frozen=True, slots=True)
class _Call:
    """What stays the same over redirects and retries. Of robots.txt too long a body is cut, else it is refused."""

    headers: Mapping[str, str]
    accept: Sequence[str]
    limit: int
    robots: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx.Headers
    content: bytes


class Fetcher:
    """Gets web pages and feeds. `typed` are the addresses that a person typed: their hosts may be the office's own.

    `resolve`, `clock` (seconds), `now`, `sleep`, `jitter` (0 to 1) and `tls` can be replaced in tests.
    """

    def __init__(
        self,
        settings: Fetch,
        *,
        typed: Iterable[str] = (),
        resolve: Resolve = resolve,
        clock: Callable[[], float] = time.monotonic,
        now: Clock = utc_now,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = _RANDOM.random,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.settings, self.clock = settings, clock
        self._now, self._sleep, self._jitter = now, sleep, jitter
        hosts = frozenset(host for address in typed for host in typed_hosts(address))
        self._backend = GuardedBackend(Gate(settings.allow_hosts, hosts), resolve, clock)
        self._transport = Transport(tls or httpx.create_ssl_context(trust_env=False), self._backend)
        self._client = httpx.Client(
            transport=self._transport,
            headers={"User-Agent": user_agent(settings.contact), "Accept-Encoding": "gzip"},
            timeout=settings.timeout,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            trust_env=False,
        )
        self._pace = Pace(settings.pace, clock, sleep)
        self._robots = Robots(self._read_robots, clock)

    def get(
        self, url: str, *, etag: str | None = None, modified: str | None = None, accept: Sequence[str] = ANYTHING
    ) -> Fetched:
        """Get one address; with `etag` or `modified` only if it changed since.

        `accept` are the media types that are taken; "*/*" takes any. Raises Refused (a SourceUnavailable) where asking
        again cannot help soon, SourceUnavailable where it may, with `retry_after` if the site said when.
        """
        headers = {"Accept": ", ".join(accept)}
        if etag and _VALIDATOR.fullmatch(etag):
            headers["If-None-Match"] = etag
        if modified and _VALIDATOR.fullmatch(modified):
            headers["If-Modified-Since"] = modified
        final, answer = self._follow(_parsed(url), _Call(headers, accept, self.settings.max_bytes))
        conditional = len(headers) > 1
        if answer.status not in _GOOD and not (answer.status == 304 and conditional):
            raise Refused(_("{url} answered with status {status}").format(url=shown(final), status=answer.status))
        return _fetched(final, answer)

    def close(self) -> None:
        """Let go of the connections; the next call opens new ones."""
        self._transport.close()

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _follow(self, url: httpx.URL, call: _Call) -> tuple[httpx.URL, _Answer]:
        """Go where the redirects lead, at most `max_redirects` of them; each is checked like a first address."""
        for _hop in range(self.settings.max_redirects + 1):
            delay = 0.0 if call.robots else self._robots.check(url)
            answer = self._retried(url, call, delay)
            if answer.status not in _REDIRECTS:
                return url, answer
            url = _target(url, answer)
        raise Refused(
            _("{url} redirects more than {count} times").format(url=shown(url), count=self.settings.max_redirects)
        )

    def _retried(self, url: httpx.URL, call: _Call, delay: float) -> _Answer:
        """Call until it is no failure for now, at most `retries` times more."""
        left = self.settings.retries
        while True:
            if not call.robots:
                self._pace.wait(url.netloc.decode("ascii", "replace"), delay)
            try:
                return self._once(url, call)
            except Refused:
                raise
            except SourceUnavailable as error:
                if left == 0 or (error.retry_after or 0.0) > MAX_WAIT:
                    raise
                pause = error.retry_after
            if pause is None:
                pause = _PAUSE * 2.0 ** (self.settings.retries - left) * (0.5 + self._jitter())
            self._sleep(pause)
            left -= 1

    def _once(self, url: httpx.URL, call: _Call) -> _Answer:
        self._backend.deadline = self.clock() + self.settings.total_timeout
        try:
            with self._client.stream("GET", url, headers=dict(call.headers)) as response:
                return self._read(response, call)
        except (httpcore.TimeoutException, httpx.TimeoutException) as error:
            raise SourceUnavailable(_("{url} took too long to answer").format(url=shown(url))) from error
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.TransportError, OSError) as error:
            raise SourceUnavailable(
                _("no good answer from {url}: {error}").format(url=shown(url), error=str(error)[:200])
            ) from error

    def _read(self, response: httpx.Response, call: _Call) -> _Answer:
        status, headers = response.status_code, response.headers
        if status == 429 or status >= 500:
            raise SourceUnavailable(
                _("{url} answered with status {status}").format(url=shown(response.url), status=status),
                retry_after=retry_after(headers.get("retry-after"), self._now()),
            )
        if status not in _GOOD:
            return _Answer(status, headers, b"")
        _check_type(response, call.accept)
        return _Answer(status, headers, _body(response, call))

    def _read_robots(self, url: httpx.URL) -> tuple[int, bytes]:
        answer = self._follow(url, _Call({"Accept": "text/plain, */*"}, ANYTHING, ROBOTS_BYTES, robots=True))[1]
        return answer.status, answer.content


def user_agent(contact: str) -> str:
    """Our name, version and whom a site owner can write to; raises ConfigError if that cannot stand in a header."""
    if not (contact.isascii() and contact.isprintable()):
        raise ConfigError(_("[fetch] contact may only hold plain letters, digits and signs"))
    try:
        release = version("kentongan")
    except PackageNotFoundError:  # run from a bare checkout
        release = "0"
    return f"{AGENT}/{release} (+{contact})" if contact else f"{AGENT}/{release}"


def _body(response: httpx.Response, call: _Call) -> bytes:
    too_large = _("{url} is larger than {limit:,} bytes ([fetch] max_bytes)").format(
        url=shown(response.url), limit=call.limit
    )
    announced = response.headers.get("content-length", "")[:20]
    if announced.isdigit() and int(announced) > call.limit and not call.robots:
        raise Refused(too_large)
    body = bytearray()
    for block in unpacked(response.iter_raw(_BLOCK), response.headers.get("content-encoding", ""), call.limit):
        body += block
        if len(body) > call.limit:
            if call.robots:
                return bytes(body[: call.limit])
            raise Refused(too_large)
    return bytes(body)


def _fetched(url: httpx.URL, answer: _Answer) -> Fetched:
    kept = {name: answer.headers[name] for name in _KEPT_HEADERS if name in answer.headers}
    charset = _CHARSET.search(kept.get("content-type", ""))
    return Fetched(
        url=str(url),
        status=answer.status,
        headers=kept,
        content=answer.content,
        content_type=_media_type(answer.headers),
        charset=charset[1].lower() if charset else None,
        etag=_validator(kept.get("etag")),
        last_modified=_validator(kept.get("last-modified")),
        not_modified=answer.status == 304,
    )


def _media_type(headers: httpx.Headers) -> str:
    kind: str = headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def _validator(value: str | None) -> str | None:
    return value if value and _VALIDATOR.fullmatch(value) else None


def _parsed(url: str) -> httpx.URL:
    """An address that may be called; raises Refused if it is none."""
    try:
        parsed = httpx.URL(url.strip())
    except (httpx.InvalidURL, UnicodeError, ValueError):
        raise Refused(_('"{url}" is not a web address').format(url=url[:200])) from None
    if parsed.scheme not in PORTS or not parsed.raw_host or parsed.userinfo or len(url) > MAX_LENGTH:
        raise Refused(_('"{url}" is not a web address that we open').format(url=url[:200]))
    return parsed.copy_with(fragment=None)


def _target(url: httpx.URL, answer: _Answer) -> httpx.URL:
    location = answer.headers.get("location", "")
    if not location:
        raise Refused(_("{url} redirects to nowhere").format(url=shown(url)))
    return _parsed(str(url.join(location)))  # httpx has refused what is no address


def _check_type(response: httpx.Response, accept: Sequence[str]) -> None:
    given = _media_type(response.headers)
    if given and "*/*" not in accept and given not in accept:
        raise Refused(
            _("{url} is of type {given}, not {wanted}").format(
                url=shown(response.url), given=given[:80], wanted=" / ".join(accept)
            )
        )
