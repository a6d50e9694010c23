"""Where the HTTP client may connect: feeds are written by strangers, who must not steer us into the office's network.

The name is resolved once, every address it has is checked, and the connection goes to a checked address (never to the
name again), while Host, SNI and certificate stay those of the name. So a name that turns to 127.0.0.1 between check
and use, a decimal IP or an IPv6 form of a private address gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable

import httpcore

from pipeline.core.errors import SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.address import PORTS

Resolve = Callable[[str, int], list[str]]
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_TRIES = 4  # addresses of one host that are tried
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(map(ipaddress.ip_network, text.split()))


# IANA's special-purpose addresses (RFC 6890), multicast and reserved; the last is Azure's host agent.
_CLOSED_V4 = _networks(
    """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
    192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
    203.0.113.0/24 224.0.0.0/3 168.63.129.16/32"""
)
# Only 2000::/3 is handed out; in it protocol blocks with Teredo, documentation and 6to4 (it hides any IPv4) are shut.
_OPEN_V6 = ipaddress.IPv6Network("2000::/3")
_CLOSED_V6 = _networks("2001::/23 2001:db8::/32 2002::/16 3fff::/20")
# Where a host that a person typed may be beside the public network; never link-local, metadata, multicast or 0.0.0.0.
_OFFICE = _networks("10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 172.16.0.0/12 192.168.0.0/16 ::1/128 fc00::/7")
_METADATA = frozenset(map(ipaddress.ip_address, ("100.100.100.200", "fd00:ec2::254", "fd20:ce::254")))


class Refused(SourceUnavailable):
    """The call was not made, or its answer not taken, by rule: asking again soon gives the same."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public network; IPv4 inside mapped and NAT64 forms is judged as itself."""
    ip = _unwrapped(address)
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in net for net in _CLOSED_V4)
    return ip in _OPEN_V6 and not any(ip in net for net in _CLOSED_V6)


def is_office(address: str) -> bool:
    """Whether an IP address may be an office's own server: private or loopback, and no metadata service."""
    ip = _unwrapped(address)
    return ip not in _METADATA and any(ip in net for net in _OFFICE if net.version == ip.version)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host from the system's resolver, without doubles; raises OSError or UnicodeError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Gate:
    """Says which addresses may be connected to.

    Hosts named in the config (`host` or `host:port`) may be anything. Hosts that a person typed (`host:port`) may be in
    the office's network, unless they showed as public before: then a turn inward is an attack. All others are public,
    on ports 80 and 443.
    """

    def __init__(self, allow_hosts: Iterable[str], typed: Iterable[str]) -> None:
        self._allowed = frozenset(entry.lower().replace("[", "").replace("]", "") for entry in allow_hosts)
        self._typed = frozenset(typed)
        self._seen_public: set[str] = set()

    def check(self, host: str, port: int, addresses: Iterable[str]) -> None:
        """Raise Refused unless every address of the host may be connected to on that port."""
        host = host.lower().rstrip(".")
        pair = f"{host}:{port}"
        if host in self._allowed or pair in self._allowed:
            return
        typed = pair in self._typed
        if not typed and port not in PORTS.values():
            raise Refused(_no_entry(pair, _("a port other than 80 and 443")))
        inward = [address for address in addresses if not is_public(address)]
        if not inward:
            self._seen_public.add(pair)
        elif not typed or pair in self._seen_public or not all(map(is_office, inward)):
            raise Refused(_no_entry(pair, _("the internal address {address}").format(address=inward[0])))


class GuardedBackend(httpcore.NetworkBackend):
    """httpcore's connections, but only to addresses that the gate lets through, and only until `deadline`."""

    def __init__(self, gate: Gate, resolve: Resolve, clock: Callable[[], float] = time.monotonic) -> None:
        self.deadline = float("inf")
        self._gate, self._resolve, self._clock = gate, resolve, clock
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to one of the host's checked addresses."""
        addresses = self._addresses(host, port)
        self._gate.check(host, port, addresses)
        *first, last = addresses[:_TRIES]
        for address in first:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the host's next address
        return self._connect(last, port, timeout, local_address, socket_options)

    def _connect(
        self,
        address: str,
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None,
    ) -> httpcore.NetworkStream:
        stream = self._sockets.connect_tcp(address, port, self.left(timeout), local_address, socket_options)
        return _TimedStream(stream, self)

    def left(self, timeout: float | None) -> float:
        """The shorter of a timeout and the time until the deadline; raises ReadTimeout when that is over."""
        left = self.deadline - self._clock()
        if left <= 0:
            raise httpcore.ReadTimeout("out of time")
        return left if timeout is None else min(left, timeout)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            addresses = self._resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(_("no such host: {host}").format(host=host)) from error
        except UnicodeError as error:
            raise Refused(_("{host} is not a host name").format(host=host)) from error
        if not addresses:
            raise httpcore.ConnectError(_("no such host: {host}").format(host=host))
        return addresses


class _TimedStream(httpcore.NetworkStream):
    """A stream on which one answer cannot take longer than the backend's deadline, however slowly it drips."""

    def __init__(self, inner: httpcore.NetworkStream, backend: GuardedBackend) -> None:
        self._inner, self._backend = inner, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._inner.start_tls(ssl_context, server_hostname, self._backend.left(timeout))
        return _TimedStream(inner, self._backend)

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)


def _unwrapped(address: str) -> IpAddress:
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return ip.ipv4_mapped
        if ip in _NAT64:
            return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip


def _no_entry(pair: str, what: str) -> str:
    return _(
        '{pair} leads to {what}, where a feed may not send us; if this is meant, name "{pair}" in [fetch] allow_hosts'
    ).format(pair=pair, what=what)
