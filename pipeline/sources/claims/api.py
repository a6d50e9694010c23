"""An interface that wants a key: the key from the environment, in no message and no file; calls over the one client.

The owner of an interface gave the key for being called, so robots.txt is not asked; pace, guard and limits are those
of every call. Answers are never followed elsewhere: a redirect could carry the key to a stranger.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any

import httpx

from pipeline.core.config import Fetch
from pipeline.core.errors import ConfigError, SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.fetch import Fetcher, Refused, _Call, _parsed
from pipeline.sources.manners import shown

_DENIED = frozenset({400, 401, 403})  # Google answers 400 to a key that is none
_HIDDEN = "[key]"
_LEAST = 8  # characters: a shorter key is a slip, and to hide it would blank words


class Key:
    """A secret from the environment: `NAME`, or the first line of the file that `NAME_FILE` names."""

    def __init__(self, name: str, environ: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.value = _read(name, os.environ if environ is None else environ)

    def hide(self, text: str) -> str:
        """A text without the key in it."""
        return text.replace(self.value, _HIDDEN)

    def __repr__(self) -> str:
        return f"Key({self.name})"


class KeyedApi(Fetcher):
    """Calls one interface with its key: in a header (`header`), or with a form that is posted."""

    def __init__(self, settings: Fetch, address: str, key: Key, *, header: str = "", **replaced: Any) -> None:
        super().__init__(settings, typed=(address,), **replaced)
        self._key = key
        self._auth = _Attach(address, key, header)
        self._client.auth = self._auth

    def ask(self, url: str, form: Mapping[str, str] | None = None) -> Any:
        """The JSON document at an address of the interface; with `form` it is posted, and the key with it.

        Raises ConfigError if the key is refused, else SourceUnavailable; no message holds the key.
        """
        self._auth.form = form
        target = _parsed(url)
        try:
            answer = self._retried(
                target, _Call({"Accept": "application/json"}, ("*/*",), self.settings.max_bytes), 0.0
            )
        except Refused as error:
            raise Refused(self._key.hide(str(error))) from None
        except SourceUnavailable as error:
            raise SourceUnavailable(self._key.hide(str(error)), retry_after=error.retry_after) from None
        if answer.status in _DENIED:
            raise ConfigError(
                _("{url} refused the key or the question (status {status}); check {name} in the environment").format(
                    url=shown(target), status=answer.status, name=self._key.name
                )
            )
        if answer.status != 200:
            raise Refused(_("{url} answered with status {status}").format(url=shown(target), status=answer.status))
        return self._document(target, answer.content)

    def _document(self, target: httpx.URL, content: bytes) -> Any:
        try:
            return json.loads(self._key.hide(content.decode("utf-8-sig", "replace")), parse_constant=lambda _name: None)
        except (ValueError, RecursionError):
            raise SourceUnavailable(
                _("{url} answered with something that is no JSON; the interface may have changed").format(
                    url=shown(target)
                )
            ) from None


class _Attach(httpx.Auth):
    """Puts the key on calls to the interface's own host, and on no other."""

    def __init__(self, address: str, key: Key, header: str) -> None:
        self._host, self._key, self._header = httpx.URL(address).host, key, header
        self.form: Mapping[str, str] | None = None

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The call with the key."""
        if request.url.host != self._host:
            yield request
        elif self._header:
            request.headers[self._header] = self._key.value
            yield request
        else:
            body = httpx.Request("POST", request.url, data={**(self.form or {}), "key": self._key.value})
            kept = {name: value for name, value in request.headers.items() if name != "content-length"}
            yield httpx.Request("POST", request.url, headers=kept | dict(body.headers), content=body.read())


def _read(name: str, environ: Mapping[str, str]) -> str:
    value, file = environ.get(name, "").strip(), environ.get(f"{name}_FILE", "").strip()
    if not value and file:
        try:
            value = Path(file).expanduser().read_text(encoding="utf-8").strip().partition("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            problem = (isinstance(error, OSError) and error.strerror) or "no text"
            raise ConfigError(
                _("{name}_FILE names a file that cannot be read: {problem}").format(name=name, problem=problem)
            ) from None
    if not value:
        raise ConfigError(
            _(
                "there is no key: set {name} in the environment, or {name}_FILE to the path of a file that holds it"
            ).format(name=name)
        )
    if not (value.isascii() and value.isprintable() and len(value) >= _LEAST and " " not in value):
        raise ConfigError(_("{name} holds no key: {least} plain characters or more").format(name=name, least=_LEAST))
    return value
