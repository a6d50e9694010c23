"""The connection to the cluster: who we are, how we know that it is the right one, and what a person is told if not."""

from __future__ import annotations

import hashlib
import os
import re
import socket
import ssl
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from elasticsearch import (
    ApiError,
    Elasticsearch,
    SerializationError,
    SSLError,
    TransportError,
    UnsupportedProductError,
)
from elasticsearch import ConnectionTimeout as TimedOut

from pipeline.core.config import StoreSettings
from pipeline.core.errors import ConfigError, KentonganError, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.store.codec import Damaged
from pipeline.store.elastic.wire import Json

API_KEY, PASSWORD = "KENTONGAN_ELASTIC_API_KEY", "KENTONGAN_ELASTIC_PASSWORD"
SECONDS = 30.0
"""How long one request may take; a bulk of 5 MB takes well under one second."""

_DER = 2  # what Python calls _ssl.ENCODING_DER
_SYSTEM_SAYS = re.compile(r"\[Errno -?\d+\] ([^()<>]+)")  # three libraries wrap it, each with its own name
_FLOOD = "flood-stage"
_READ_ONLY = "cluster_block_exception"


def connect(settings: StoreSettings, environ: Mapping[str, str] | None = None) -> Elasticsearch:
    """A client for the cluster of the settings; nothing is sent yet, but a certificate may be looked at (`_pinned`).

    Secrets come from the environment or from files that the settings name, never from the settings. Raises ConfigError
    or StoreUnavailable.
    """
    environ = os.environ if environ is None else environ
    for url in settings.urls:
        if "@" in url:  # messages and logs name the address
            raise ConfigError(_("store.urls: no user or password in an address; see store.user and docs/elastic.md"))
    options: dict[str, Any] = {
        "hosts": list(settings.urls),
        "request_timeout": SECONDS,
        "retry_on_timeout": False,  # what to send again is decided where it is known what was sent
        "retry_on_status": (502, 503, 504),  # not 429: who is told that the cluster is busy waits first
        "max_retries": max(1, len(settings.urls) - 1),  # a node that is gone is stepped over
        "serializer": Json(),
    }
    api_key = _secret(settings.api_key_file, API_KEY, "store.api_key_file", environ)
    password = _secret(settings.password_file, PASSWORD, "store.password_file", environ)
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
        raise _tls_failed(str(trouble), where)
    raise _unreached(where, str(trouble))


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
        host = url.partition("//")[2].rpartition("@")[2].partition("/")[0]
        if url.startswith("http:") and host.rpartition(":")[0].strip("[]") not in {"localhost", "127.0.0.1", "::1"}:
            raise ConfigError(
                _("store.urls: a key or password must not go over plain http to {host}; use https").format(host=host)
            )


def _secret(file: str, variable: str, setting: str, environ: Mapping[str, str]) -> str | None:
    if not file:
        return environ.get(variable) or None
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(_("{setting} {path} cannot be read").format(setting=setting, path=file)) from error


@contextmanager
def explained(settings: StoreSettings) -> Iterator[None]:
    """Turn the client's errors into ours, which say what to do."""
    try:
        yield
    except KentonganError:
        raise
    except Damaged as error:
        raise StoreUnavailable(
            _("the index holds a document that this program did not write; make it again: kentongan reindex")
        ) from error
    except (ApiError, TransportError, UnsupportedProductError) as error:
        raise translated(error, ", ".join(settings.urls)) from error


def translated(error: Exception, where: str) -> ConfigError | StoreUnavailable:
    """What a person is told: ConfigError where trying again cannot help, else StoreUnavailable."""
    if isinstance(error, UnsupportedProductError):
        text = _("{where} is not Elasticsearch (OpenSearch, or a proxy before it?); store.urls must name a 9.x cluster")
        return ConfigError(text.format(where=where))
    if isinstance(error, SSLError):
        return _tls_failed(str(error), where)
    if isinstance(error, TimedOut):
        text = _("the search cluster {where} did not answer in time; try again, or see: kentongan store check")
        return StoreUnavailable(text.format(where=where))
    if isinstance(error, SerializationError):
        return unreadable(where)
    if isinstance(error, ApiError):
        return refused(error.status_code, *_cause(error), where)
    return _unreached(where, str(error))


def _unreached(where: str, says: str) -> StoreUnavailable:
    cause = _SYSTEM_SAYS.search(says)
    text = _("the search cluster {where} cannot be reached ({error}); is it running?")
    return StoreUnavailable(text.format(where=where, error=cause[1] if cause else _short(says)))


def unreadable(where: str) -> StoreUnavailable:
    """An answer came that no Elasticsearch gives."""
    text = _("{where} gave an answer that cannot be read; is a proxy between us, or a page of maintenance?")
    return StoreUnavailable(text.format(where=where))


class _Client(Elasticsearch):
    """The client, for which only JSON is an answer: a proxy's page must not reach who looks for hits in it."""

    def perform_request(self, method: str, path: str, **more: Any) -> Any:
        """Raises SerializationError too."""
        answer = super().perform_request(method, path, **more)
        if method != "HEAD" and not isinstance(answer.body, dict):
            raise SerializationError("not JSON")
        return answer


def _tls_failed(says: str, where: str) -> ConfigError:
    _before, unverified, why = says.partition("certificate verify failed: ")
    why = why.partition(" (_ssl")[0]
    if not unverified:
        text, why = _("{where} does not speak TLS with this program ({error}); is it a node's HTTPS port?"), says
    elif "expired" in why:
        text = _("the certificate of {where} has expired; renew it on the cluster")
    elif "mismatch" in why:
        text = _("the certificate of {where} is for another name ({error}); write store.urls as the certificate has it")
    else:
        text = _("the certificate of {where} is not trusted ({error}); set store.ca_file to the cluster's CA")
    return ConfigError(text.format(where=where, error=_short(why)))


def _cause(error: ApiError) -> tuple[str, str]:
    """The kind of error and the reason that the server gives."""
    body = error.body if isinstance(error.body, dict) else {}
    found = body.get("error")
    if isinstance(found, dict):
        inner = (found.get("root_cause") or [found])[0]
        kind, below = str(inner.get("type", "")), (found.get("caused_by") or {}).get("reason")
        if kind == "search_phase_execution_exception" and below:  # of itself it names only the phase
            return kind, str(below)
        return kind, str(inner.get("reason") or found.get("reason") or "")
    return "", str(found or error.message)


def refused(status: int, kind: str, reason: str, where: str) -> ConfigError | StoreUnavailable:
    """The error for a request, or for one document of a bulk, that the cluster did not take for a reason of its own."""
    says = {"where": where, "error": _short(reason or kind), "status": status}
    if kind == _READ_ONLY and _FLOOD in reason:
        text = _("the search cluster {where} is full (flood stage): its indices are read-only until disk space is free")
        return StoreUnavailable(text.format(**says))
    if kind == _READ_ONLY:
        text = _("the search cluster {where} takes no writes now ({error}); lift the block, then try again")
        return StoreUnavailable(text.format(**says))
    if status == 401:
        text = _("the search cluster {where} does not know this user or key; check store.user and the secret's value")
        return ConfigError(text.format(**says))
    if status == 403:
        text = _("this user or key may not do that on {where}: {error}; see docs/elastic.md")
        return ConfigError(text.format(**says))
    if kind == "media_type_header_exception" or "compatible-with" in reason:
        return ConfigError(_("{where} is an older Elasticsearch; this program needs 9.x").format(**says))
    if kind == "strict_dynamic_mapping_exception":
        text = _("the mappings on {where} are of another version of this program ({error}); run: kentongan store init")
        return ConfigError(text.format(**says))
    if kind == "index_closed_exception":
        return StoreUnavailable(_("an index on {where} is closed ({error}); open it, then try again").format(**says))
    if kind == "index_not_found_exception" and "auto_create_index" in reason:
        text = _("{where} may not make new indices ({error}); allow those of the flags in action.auto_create_index")
        return ConfigError(text.format(**says))
    if status in {404, 405, 406} and kind != "index_not_found_exception":
        return ConfigError(_("{where} answers {status}: is it Elasticsearch 9.x?").format(**says))
    if status in {400, 404}:
        return ConfigError(_("the search cluster {where} refused a request: {error}").format(**says))
    if status in {502, 503, 504}:
        text = _("the search cluster {where} is not ready (red, or no master): {error}; see: kentongan store check")
        return StoreUnavailable(text.format(**says))
    if status == 429:
        return StoreUnavailable(_("the search cluster {where} is overloaded; try again later").format(**says))
    return StoreUnavailable(_("the search cluster {where} answers {status}: {error}").format(**says))


_SHOWN = 300


def _short(text: str) -> str:
    """A reason without what it quotes of a document, and not longer than a person reads."""
    text = without_quotes(text)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def without_quotes(reason: str) -> str:
    """A server's reason without the text of a document that some of them quote."""
    for start in (
        " at [Source: ",
        " Preview of field",
        ", preview: ",
        ". The prefix of the first immense term",
        "For input string",
    ):
        reason = reason.partition(start)[0]
    return " ".join(reason.split())
