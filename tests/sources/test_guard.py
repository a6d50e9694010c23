"""Where a feed may send us: only to the public network, whatever name or form the address has."""

from __future__ import annotations

import ipaddress

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.sources.guard import Gate, GuardedBackend, Refused, is_office, is_public, resolve

PUBLIC = ["8.8.8.8", "103.10.66.1", "2404:8000::1", "2a00:1450::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
INWARD = """127.0.0.1 127.8.9.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 169.254.0.1 100.64.0.1
100.100.100.200 0.0.0.0 0.1.2.3 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 192.0.0.192 192.0.2.1 198.18.0.1
198.51.100.7 203.0.113.9 168.63.129.16 ::1 :: fe80::1 fe80::1%eth0 fc00::1 fd00:ec2::254 ff02::1 ::ffff:127.0.0.1
::ffff:a9fe:a9fe ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::7f00:1 2002:7f00:1::1 2001:0:7f00:1::1
2001:db8::1 fec0::1 100::1""".split()


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", INWARD)
def test_inward_addresses(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses())
def test_nothing_that_python_calls_not_global_is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if is_public(str(ip)):
        seen = ipaddress.ip_address(int(ip) & 0xFFFF_FFFF) if str(ip).startswith(("64:ff9b::", "::ffff:")) else ip
        assert seen.is_global
        assert not seen.is_multicast


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "192.168.0.9", "::1", "fd12::1", "::ffff:10.0.0.1"])
def test_office_addresses(address: str) -> None:
    assert is_office(address)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "fe80::1", "0.1.2.3", "224.0.0.1", "100.100.100.200", "fd00:ec2::254", "168.63.129.16", "::"],
)
def test_what_even_a_typed_host_may_not_be(address: str) -> None:
    assert not is_office(address)
    with pytest.raises(Refused):
        Gate((), ("intranet:80",)).check("intranet", 80, [address])


def test_a_strange_host_may_only_be_public_on_the_usual_ports() -> None:
    gate = Gate((), ())
    gate.check("kabar.example", 443, ["8.8.8.8", "2404:8000::1"])
    with pytest.raises(Refused, match="allow_hosts"):
        gate.check("kabar.example", 443, ["8.8.8.8", "10.0.0.1"])  # one bad address is enough
    with pytest.raises(Refused, match="port"):
        gate.check("kabar.example", 9200, ["8.8.8.8"])


def test_a_typed_host_may_be_in_the_office_on_its_port_only() -> None:
    gate = Gate((), ("intranet:8080",))
    gate.check("Intranet.", 8080, ["10.0.0.1"])
    for host, port in (("intranet", 80), ("intranet", 9200), ("lain", 8080)):
        with pytest.raises(Refused):
            gate.check(host, port, ["10.0.0.1"])


def test_a_typed_host_that_showed_as_public_cannot_turn_inward() -> None:
    gate = Gate((), ("kabar.example:443", "kabar.example:80"))
    gate.check("kabar.example", 443, ["8.8.8.8"])
    with pytest.raises(Refused):
        gate.check("kabar.example", 443, ["127.0.0.1"])


def test_the_config_names_hosts_with_or_without_a_port() -> None:
    gate = Gate(("Intranet", "lain:9000", "[::1]:8000"), ())
    gate.check("intranet", 9200, ["169.254.169.254"])
    gate.check("lain", 9000, ["10.0.0.1"])
    gate.check("::1", 8000, ["::1"])
    with pytest.raises(Refused):
        gate.check("lain", 80, ["10.0.0.1"])


class _Sockets(httpcore.SyncBackend):
    def __init__(self, dead: set[str]) -> None:
        self.dead, self.tried = dead, []

    def connect_tcp(self, host, *args, **kwargs):
        self.tried.append(host)
        if host in self.dead:
            raise httpcore.ConnectError("down")
        return httpcore.MockStream([])


def _backend(addresses: list[str], dead: set[str] = frozenset()) -> tuple[GuardedBackend, _Sockets, list[str]]:
    asked: list[str] = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return addresses

    backend = GuardedBackend(Gate((), ()), resolve)
    sockets = backend._sockets = _Sockets(dead)
    return backend, sockets, asked


def test_the_name_is_resolved_once_and_the_checked_address_is_connected_to() -> None:
    backend, sockets, asked = _backend(["8.8.8.8", "8.8.4.4"])
    backend.connect_tcp("kabar.example", 443)
    assert (asked, sockets.tried) == (["kabar.example"], ["8.8.8.8"])


def test_the_next_address_is_tried_when_one_is_down() -> None:
    backend, sockets, _asked = _backend(["8.8.8.8", "8.8.4.4"], {"8.8.8.8"})
    backend.connect_tcp("kabar.example", 443)
    assert sockets.tried == ["8.8.8.8", "8.8.4.4"]
    backend, sockets, _asked = _backend([f"8.8.8.{n}" for n in range(9)], {f"8.8.8.{n}" for n in range(9)})
    with pytest.raises(httpcore.ConnectError):
        backend.connect_tcp("kabar.example", 443)
    assert len(sockets.tried) == 4


def test_nothing_is_connected_to_when_one_address_is_inward() -> None:
    backend, sockets, _asked = _backend(["8.8.8.8", "127.0.0.1"])
    with pytest.raises(Refused):
        backend.connect_tcp("kabar.example", 443)
    assert sockets.tried == []


def test_no_address_is_no_such_host() -> None:
    with pytest.raises(httpcore.ConnectError, match="no such host"):
        _backend([])[0].connect_tcp("kabar.example", 443)


def test_what_is_no_host_name_is_refused() -> None:
    backend = GuardedBackend(Gate((), ()), resolve)
    with pytest.raises(Refused, match="not a host name"):
        backend.connect_tcp("a" * 70 + ".example", 80)
    assert resolve("127.0.0.1", 80) == ["127.0.0.1"]


def test_nothing_is_connected_to_after_the_deadline() -> None:
    backend, sockets, _asked = _backend(["8.8.8.8"])
    backend.deadline = 0.0
    with pytest.raises(httpcore.ReadTimeout):
        backend.connect_tcp("kabar.example", 443)
    assert sockets.tried == []
