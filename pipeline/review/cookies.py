"""The desk's three cookies: the session, the sign-in form's token, and a notice for the next page."""

from __future__ import annotations

import hmac
import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST = 2_000  # bytes of a notice: a cookie holds 4096 in all
_NOTICE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Cookies:
    """Names and settings of the cookies; over https they are bound to this very host by the prefix `__Host-`."""

    secure: bool

    def token(self, request: Request) -> str:
        """The session's secret, or empty."""
        return request.cookies.get(self._name("sesi"), "")

    def keep_token(self, response: Response, token: str) -> None:
        """Sign this browser in."""
        self._set(response, "sesi", token)

    def drop_token(self, response: Response) -> None:
        """Sign this browser out."""
        self._drop(response, "sesi")

    def form_token(self, request: Request) -> str:
        """What the sign-in form of this browser must carry; a new one if the browser has none."""
        found = request.cookies.get(self._name("masuk"), "")
        return found if _TOKEN.fullmatch(found) else secrets.token_urlsafe(32)

    def keep_form_token(self, response: Response, token: str) -> None:
        """Let this browser send the sign-in form."""
        self._set(response, "masuk", token)

    def keep_notice(self, response: Response, text: str, key: str) -> None:
        """Show the text once on the next page; sealed with the forms' token, so that nobody can plant another."""
        body = urlsafe_b64encode(text.encode("utf-8", "replace")[:_LONGEST]).decode().rstrip("=")
        self._set(response, "kabar", f"{body}.{_seal(body, key)}", _NOTICE_SECONDS)

    def take_notice(self, request: Request, key: str) -> str:
        """The text that the last page left, or empty."""
        body, _dot, seal = request.cookies.get(self._name("kabar"), "").partition(".")
        if not body or not hmac.compare_digest(seal.encode(), _seal(body, key).encode()):
            return ""
        return urlsafe_b64decode(body + "===").decode("utf-8", "ignore")

    def drop_notice(self, request: Request, response: Response) -> None:
        """It has been shown."""
        if self._name("kabar") in request.cookies:
            self._drop(response, "kabar")

    def _name(self, name: str) -> str:
        return f"__Host-kentongan-{name}" if self.secure else f"kentongan-{name}"

    def _set(self, response: Response, name: str, value: str, seconds: int | None = None) -> None:
        response.set_cookie(
            self._name(name), value, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax"
        )

    def _drop(self, response: Response, name: str) -> None:
        response.delete_cookie(self._name(name), path="/", secure=self.secure, httponly=True, samesite="lax")


def _seal(text: str, key: str) -> str:
    return hmac.new(key.encode(), text.encode(), sha256).hexdigest()
