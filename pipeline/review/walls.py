"""What surrounds every answer: the names under which the desk may be asked, and the headers that fence pages in."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.core.config import Review
from pipeline.core.i18n import _, language

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ANY = {"", "0.0.0.0", "::"}  # noqa: S104 - "every address" is no name that a browser may ask for
_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in _POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers would then send "Origin: null" with our own forms, and nothing reaches others this way.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_HSTS = "max-age=31536000"


def set_headers(headers: MutableHeaders, *, secure: bool) -> None:
    """Add what every answer carries; pages are never kept by a browser or proxy."""
    for name, value in HEADERS.items():
        headers[name] = value
    headers.setdefault("Cache-Control", "no-store")
    if secure:
        headers["Strict-Transport-Security"] = _HSTS


class Walls:
    """Middleware: refuses requests for other hosts (DNS rebinding) and sets the headers of all answers."""

    def __init__(self, app: ASGIApp, review: Review, office_language: str) -> None:
        self._app = app
        self._language = office_language
        self._secure = review.public_address.startswith("https:")
        public = urlsplit(review.public_address).hostname or ""
        self._hosts = (_LOOPBACK | {review.host.strip("[]").lower(), public}) - _ANY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def fenced(message: Message) -> None:
            if message["type"] == "http.response.start":
                set_headers(MutableHeaders(scope=message), secure=self._secure)
            await send(message)

        if self._is_ours(Headers(scope=scope).get("host", "")):
            await self._app(scope, receive, fenced)
            return
        with language(self._language):
            says = _("the desk is not known under this name; set review.public_address to the address people open")
        await PlainTextResponse(says, 400)(scope, receive, fenced)

    def _is_ours(self, host: str) -> bool:
        try:
            return urlsplit(f"//{host}").hostname in self._hosts
        except ValueError:
            return False
