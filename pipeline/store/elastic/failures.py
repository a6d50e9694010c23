"""What a person is told when the cluster does not do what was asked: what happened, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from elasticsearch import (
    ApiError,
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

_SYSTEM_SAYS = re.compile(r"\[Errno -?\d+\] ([^()<>]+)")  # three libraries wrap it, each with its own name
_FLOOD = "flood-stage"
_READ_ONLY = "cluster_block_exception"
_SHOWN = 300  # letters of a reason that are shown


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
        return tls_failed(str(error), where)
    if isinstance(error, TimedOut):
        text = _("the search cluster {where} did not answer in time; try again, or see: kentongan store check")
        return StoreUnavailable(text.format(where=where))
    if isinstance(error, SerializationError):
        return unreadable(where)
    if isinstance(error, ApiError):
        return refused(error.status_code, *_cause(error), where)
    return unreached(where, str(error))


def unreached(where: str, says: str) -> StoreUnavailable:
    """Nobody answered."""
    cause = _SYSTEM_SAYS.search(says)
    text = _("the search cluster {where} cannot be reached ({error}); is it running?")
    return StoreUnavailable(text.format(where=where, error=cause[1] if cause else _short(says)))


def unreadable(where: str) -> StoreUnavailable:
    """An answer came that no Elasticsearch gives."""
    text = _("{where} gave an answer that cannot be read; is a proxy between us, or a page of maintenance?")
    return StoreUnavailable(text.format(where=where))


def tls_failed(says: str, where: str) -> ConfigError:
    """Why a certificate was not believed."""
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
    if kind == _READ_ONLY and status != 503:  # 503: the cluster is coming up
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
