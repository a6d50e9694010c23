"""Saved objects into a running Kibana: one import, and a person is told which object it refused and why."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.review.kibana.build import FILE

API_KEY = "KENTONGAN_KIBANA_API_KEY"
USER, PASSWORD = "KENTONGAN_KIBANA_USER", "KENTONGAN_KIBANA_PASSWORD"
SECONDS = 60.0
_SHOWN = 20
_HERE = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[\w.-]+|[0-9a-fA-F:.]+")
_SPACE = re.compile(r"[a-z0-9_-]{1,100}")
_TRY_AGAIN = (408, 425, 429)


@dataclass(frozen=True, slots=True)
class Pushed:
    """How many objects Kibana took, and which of them replaced older ones."""

    taken: int
    replaced: int


@dataclass(frozen=True, slots=True)
class _Target:
    """Where the import goes and who we are there; what is secret is never printed."""

    url: httpx.URL
    where: str
    headers: dict[str, str] = field(repr=False)
    auth: tuple[str, str] | None = field(repr=False)
    tls: ssl.SSLContext | bool


def push(
    content: bytes, url: str, *, space: str = "", ca_file: str = "", environ: Mapping[str, str] | None = None
) -> Pushed:
    """Import the objects into Kibana at this address, over older ones with the same ids.

    The key or password comes from the environment. Raises ConfigError where trying again cannot help, StoreUnavailable
    where it may.
    """
    target = _target(url, space, ca_file, os.environ if environ is None else environ)
    files = {"file": (FILE, content, "application/ndjson")}
    try:
        with httpx.Client(
            verify=target.tls, auth=target.auth, timeout=SECONDS, follow_redirects=False, trust_env=False
        ) as client:
            answer = client.post(target.url, params={"overwrite": "true"}, headers=target.headers, files=files)
    except httpx.TransportError as error:
        raise _unreached(error, target.where) from error
    return _taken(answer, target.where)


def _target(url: str, space: str, ca_file: str, environ: Mapping[str, str]) -> _Target:
    try:
        base = httpx.URL(url)
    except httpx.InvalidURL:
        base = httpx.URL()
    if base.userinfo:
        raise ConfigError(_("write no name or password into the address; use {name}").format(name=API_KEY))
    if base.scheme not in ("http", "https") or not _HOST.fullmatch(base.host) or base.query or base.fragment:
        raise ConfigError(_("write Kibana's address as https://kibana.example.go.id"))
    if space and not _SPACE.fullmatch(space):
        raise ConfigError(_('"{space}" is no name of a space').format(space=space))
    headers, auth = _secrets(environ)
    if base.scheme == "http" and base.host not in _HERE and ("Authorization" in headers or auth):
        text = _("a key or password must not go over plain http to {host}; use https")
        raise ConfigError(text.format(host=base.host))
    path = base.path.rstrip("/") + (f"/s/{space}" if space else "") + "/api/saved_objects/_import"
    return _Target(base.copy_with(path=path), _plain(str(base)), headers, auth, _tls(ca_file))


def _secrets(environ: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, str] | None]:
    headers = {"kbn-xsrf": "true", "Accept": "application/json"}
    key, user, password = (environ.get(name, "") for name in (API_KEY, USER, PASSWORD))
    if user and not password:
        raise ConfigError(_("{user} is set, but not {password}").format(user=USER, password=PASSWORD))
    if not (key + password).isascii() or not (key + password).isprintable():
        raise ConfigError(_("the key or password for Kibana holds a character that cannot be sent"))
    if key:
        return headers | {"Authorization": f"ApiKey {key}"}, None
    return headers, (user, password) if user else None


def _tls(ca_file: str) -> ssl.SSLContext | bool:
    if not ca_file:
        return True
    try:
        return ssl.create_default_context(cafile=str(Path(ca_file).expanduser()))
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(_("the file {path} holds no certificate that can be read").format(path=ca_file)) from error


def _unreached(error: httpx.TransportError, where: str) -> ConfigError | StoreUnavailable:
    says = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in says:
        text = _("the certificate of {where} is not trusted; name the CA's file: --ca-file")
        return ConfigError(text.format(where=where))
    if isinstance(error, httpx.TimeoutException):
        return StoreUnavailable(_("Kibana at {where} did not answer in time; try again").format(where=where))
    text = _("Kibana at {where} cannot be reached ({error}); is it running?")
    return StoreUnavailable(text.format(where=where, error=_plain(says)))


def _taken(answer: httpx.Response, where: str) -> Pushed:
    """What Kibana did; raises what its answer means."""
    if answer.status_code != 200:
        raise _refused(answer, where)
    body = _json(answer)
    if "success" not in body:
        text = _("{where} answered, but not as Kibana does; is it Kibana's own address?")
        raise ConfigError(text.format(where=where))
    errors = body.get("errors") or []
    if body["success"] is not True or errors:
        listed = [f"{each.get('type')} {each.get('id')}: {_reason(each)}" for each in errors if isinstance(each, dict)]
        more = [_("and {count} more").format(count=len(listed) - _SHOWN)] if len(listed) > _SHOWN else []
        says = "; ".join(_plain(each) for each in (*listed[:_SHOWN], *more)) or _("it does not say why")
        raise ConfigError(_("Kibana did not take all objects: {says}").format(says=says))
    results = [each for each in body.get("successResults") or [] if isinstance(each, dict)]
    return Pushed(int(body.get("successCount", 0)), sum(bool(each.get("overwrite")) for each in results))


def _refused(answer: httpx.Response, where: str) -> ConfigError | StoreUnavailable:
    code = answer.status_code
    if code in _TRY_AGAIN or code >= 500:
        text = _("Kibana at {where} cannot answer now ({code}); try again later")
        wait = answer.headers.get("retry-after", "")
        return StoreUnavailable(
            text.format(where=where, code=code), retry_after=float(wait) if wait.isdecimal() else None
        )
    if code == 401:
        text = _("Kibana at {where} does not know us (401); set {key}, or {user} and {password}")
        return ConfigError(text.format(where=where, key=API_KEY, user=USER, password=PASSWORD))
    if code == 403:
        text = _("this account may not write saved objects in Kibana at {where} (403); give it that right in the space")
    elif code == 404:
        text = _("there is no Kibana or no such space at {where} (404); look at --url and --space")
    elif 300 <= code < 400:
        text = _("{where} sends us elsewhere ({code}); write Kibana's own address, with its path")
    else:
        text = _("Kibana at {where} refused the import ({code}): {says}")
    return ConfigError(text.format(where=where, code=code, says=_plain(str(_json(answer).get("message", "-")))))


def _reason(failed: Mapping[str, Any]) -> str:
    """Why an object was refused, in Kibana's own words."""
    error = failed.get("error")
    if not isinstance(error, dict):
        return "-"
    missing = [
        f"{each.get('type')} {each.get('id')}" for each in error.get("references") or [] if isinstance(each, dict)
    ]
    return " ".join(str(part) for part in (error.get("type"), error.get("message"), *missing) if part)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _plain(text: str) -> str:
    """What another program said, short and without signs that a terminal obeys."""
    return "".join(sign if sign.isprintable() else " " for sign in text)[:300]
