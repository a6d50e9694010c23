"""The connection to the cluster: who we are, how we know that it is the right one, and what a person is told if not."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import (
    Elasticsearch,
    NotFoundError,
    SerializationError,
    UnsupportedProductError,
)

from pipeline.core.config import StoreSettings
from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.secrets import read_secret
from pipeline.store.elastic.failures import tls_failed, unreached
from pipeline.store.elastic.wire import Json

API_KEY, PASSWORD = "KENTONGAN_ELASTIC_API_KEY", "KENTONGAN_ELASTIC_PASSWORD"
SECONDS = 30.0
"""How long one request may take; a bulk of 5 MB takes well under one second."""

_DER = 2  # what Python calls _ssl.ENCODING_DER


def connect(settings: StoreSettings, environ: Mapping[str, str] | None = None) -> Elasticsearch:
    """A client for the cluster of the settings; nothing is sent yet, but a certificate may be looked at (`_pinned`).

    Secrets come from the environment or from files that the settings name, never from the settings. Raises ConfigError
    or StoreUnavailable.
    """
    environ = os.environ if environ is None else environ
    if not settings.urls:
        raise ConfigError(_("store.urls names no address of the cluster"))
    options: dict[str, Any] = {
        "hosts": list(settings.urls),
        "request_timeout": SECONDS,
        "retry_on_timeout": False,  # what to send again is decided where it is known what was sent
        "retry_on_status": (502, 503, 504),  # not 429: who is told that the cluster is busy waits first
        "max_retries": max(1, len(settings.urls) - 1),  # a node that is gone is stepped over
        "serializer": Json(),
    }
    api_key = read_secret(settings.api_key_file, "store.api_key_file", API_KEY, environ) or None
    password = read_secret(settings.password_file, "store.password_file", PASSWORD, environ) or None
    if settings.user and password is None:
        raise ConfigError(
            _("store.user is set, but no password: put it into {name} or store.password_file").format(name=PASSWORD)
        )
    if settings.user:
        options["basic_auth"] = (settings.user, password)
    elif api_key:
        options["api_key"] = api_key
    if all(url.startswith("https:") for url in settings.urls):
        options["ssl_context"] = _trust(settings)
    elif api_key or password:
        _refuse_plain(settings.urls)
    try:
        client = _Client(**options)
    except (ValueError, TypeError) as error:
        raise ConfigError(_("store.urls: {error}").format(error=error)) from error
    for node in client.transport.node_pool.all():
        vars(node)["pool"].ca_certs = None  # the client puts the authorities of the whole world there (certifi)
    return client


def _trust(settings: StoreSettings) -> ssl.SSLContext:
    """Whose certificates are believed; the name and the dates are looked at in any case."""
    if settings.ca_fingerprint:
        return _pinned(settings)
    if not settings.ca_file:
        return ssl.create_default_context()
    path = Path(settings.ca_file).expanduser()
    try:
        return ssl.create_default_context(cafile=path)
    except ssl.SSLError as error:
        raise ConfigError(_("store.ca_file {path} holds no certificate (PEM)").format(path=path)) from error
    except OSError as error:
        raise ConfigError(_("store.ca_file {path} cannot be read").format(path=path)) from error


def _pinned(settings: StoreSettings) -> ssl.SSLContext:
    """Trust in the one certificate that has the fingerprint, once a node has shown it, and in what that one signed.

    The client's own `ssl_assert_fingerprint` asks only whether the certificate is shown, which anybody can do: it takes
    any other certificate beside it without looking at the signature.
    """
    wanted = settings.ca_fingerprint.replace(":", "").strip().lower()
    if not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise ConfigError(_("store.ca_fingerprint is no SHA-256: write 64 hexadecimal digits"))
    trouble: OSError | None = None
    for url in settings.urls:
        try:
            shown = _shown_by(url)
        except OSError as error:
            trouble = error
            continue
        for certificate in shown:
            if hashlib.sha256(certificate).hexdigest() == wanted:
                context = ssl.create_default_context(cadata=certificate)
                context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # it may be the node's own certificate
                return context
        text = _("{where} shows no certificate with the fingerprint of store.ca_fingerprint; whose machine is it?")
        raise ConfigError(text.format(where=url))
    where = ", ".join(settings.urls)
    if isinstance(trouble, ssl.SSLError):
        raise tls_failed(str(trouble), where)
    raise unreached(where, str(trouble))


def _shown_by(url: str) -> Iterable[bytes]:
    """The certificates that a node shows, whoever it may be. Raises OSError."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is told to it
    host = parts.hostname or ""
    with (
        socket.create_connection((host, parts.port or 443), timeout=SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        inner: Any = getattr(secured, "_sslobj")  # noqa: B009 - public from Python 3.13 on
        chain = inner.get_unverified_chain() or ()
        return [each.public_bytes(_DER) for each in chain]


def _refuse_plain(urls: tuple[str, ...]) -> None:
    """A key that goes over a network in the clear is everybody's; to this machine itself it may."""
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
            text = _("store.urls: a key or password must not go over plain http to {host}; use https")
            raise ConfigError(text.format(host=parts.netloc))


class _Client(Elasticsearch):
    """The client, for which only JSON is an answer: a proxy's page must not reach who looks for hits in it."""

    def perform_request(self, method: str, path: str, **more: Any) -> Any:
        """Raises SerializationError too; a "not found" of another product is no answer either."""
        try:
            answer = super().perform_request(method, path, **more)
        except NotFoundError as error:
            if error.meta.headers.get("x-elastic-product") != "Elasticsearch":  # else asked only of a good answer
                raise UnsupportedProductError(error.message, error.meta, error.body) from error
            raise
        if method != "HEAD" and not isinstance(answer.body, dict):
            raise SerializationError("not JSON")
        return answer
