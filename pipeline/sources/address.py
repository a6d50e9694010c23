"""Web addresses: one canonical form for the ids of news, and the hosts that a person typed."""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit, urlunsplit

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _

MAX_LENGTH = 2_000  # longer addresses are no articles; sitemaps.org allows 2,048
PORTS = {"http": 80, "https": 443}
_SAFE = "/%:@!$&'()*+,;=~-._?"
_TRACKER = re.compile(
    r"(?:utm_\w*|fbclid|[gd]clid|[gw]braid|msclkid|yclid|twclid|ttclid|igsh(?:id)?|mibextid|mc_[ce]id"
    r"|_g[al]|amp|amp_js_v|usqp|ref_src)(?:=.*)?|(?:outputtype|view)=amp",
    re.IGNORECASE | re.DOTALL,
)
_AMP = re.compile(r"/amp/?$")


def canonical_address(address: str) -> str:
    """The form under which an article is known: no fragment, trackers, AMP marks or default port, host in lower case.

    The scheme and path stay as they are, so that the result can be opened. Idempotent.
    Raises ValueError for what is no http(s) address, names a user, or is over 2,000 characters.
    """
    parts = urlsplit(address.strip())
    if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
        raise ValueError("not an address of a web page")
    host = _ascii(parts.hostname.rstrip("."))
    if not host:
        raise ValueError("no host")
    port = parts.port
    netloc = (f"[{host}]" if ":" in host else host) + ("" if port in (None, PORTS[parts.scheme]) else f":{port}")
    path = quote(_AMP.sub("", parts.path), safe=_SAFE) or "/"
    query = "&".join(
        quote(part, safe=_SAFE) for part in parts.query.split("&") if part and not _TRACKER.fullmatch(part)
    )
    result = urlunsplit((parts.scheme, netloc, path, query, ""))
    if len(result) > MAX_LENGTH:
        raise ValueError("address too long")
    return result


def is_local_path(address: str) -> bool:
    """Whether what a person typed is a file of this machine and no address."""
    return "://" not in address


def typed_hosts(address: str) -> frozenset[str]:
    """The "host:port" pairs that a person trusts by typing this address, none for a path; raises ConfigError.

    A site on a default port is trusted on both, for the usual way from http to https.
    """
    if is_local_path(address):
        return frozenset()
    try:
        parts = urlsplit(address.strip())
        host, port = _ascii((parts.hostname or "").rstrip(".")), parts.port
    except ValueError:
        raise ConfigError(_('"{url}" is not a web address').format(url=address[:200])) from None
    if "@" in parts.netloc:
        raise ConfigError(_("the address of {host} holds a user or password; remove it").format(host=host))
    if parts.scheme not in PORTS or not host:
        raise ConfigError(_('"{url}" is not a web address; write it as https://host/path').format(url=address[:200]))
    if port is not None and port not in PORTS.values():
        return frozenset({f"{host}:{port}"})
    return frozenset(f"{host}:{number}" for number in PORTS.values())


def is_web_address(text: str) -> bool:
    """Whether an untrusted link can be opened at all: http(s), a host, no user, not too long."""
    try:
        canonical_address(text)
    except ValueError:
        return False
    return len(text) <= MAX_LENGTH


def _ascii(host: str) -> str:
    """The host in lower case, an Indonesian or other word of it as punycode; raises ValueError if it is none."""
    return host.lower() if host.isascii() else host.encode("idna").decode("ascii").lower()
