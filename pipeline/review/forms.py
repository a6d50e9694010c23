"""What a browser sends: a small form, from one of our own pages; anything else is refused before it is read."""

from __future__ import annotations

import hmac
import re
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST = 64_000  # bytes of a form
MOST = 500  # fields
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}")


async def read_form(request: Request) -> FormData:
    """The fields of a POST; raises HTTPException for one that is too large or no form. There are no uploads."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise HTTPException(413)
    if body and kind != "application/x-www-form-urlencoded":
        raise HTTPException(415)
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST, errors="replace")
    except ValueError as error:  # too many fields, or bytes that no browser sends
        raise HTTPException(400) from error
    fields: list[tuple[str, str | UploadFile]] = list(pairs)
    return FormData(fields)


def has_nul(request: Request, form: FormData) -> bool:
    """Whether there is a NUL in what was sent: no person types one, and PostgreSQL stores none."""
    sent = [request.url.path, *form.keys(), *form.values(), *request.query_params.keys()]
    values = [*sent, *request.query_params.values(), *map(str, request.path_params.values())]
    return any("\0" in str(value) for value in values)


def from_our_page(request: Request, public_address: str) -> bool:
    """Whether the browser says that one of our own pages sent the form; one that says nothing is not believed."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    own = {public_address, f"{request.url.scheme}://{request.headers.get('host', '')}"} - {""}
    if site is not None:
        return site == "same-origin" and origin in {None, "null", *own}
    return origin in own


def same_token(given: object, wanted: str) -> bool:
    """Whether the form carries its token, compared in constant time."""
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def own_path(text: str) -> str:
    """A path of this desk to go on to; the first page for anything that leads elsewhere."""
    parts = urlsplit(text) if _PATH.fullmatch(text) else None
    return text if parts is not None and not parts.scheme and not parts.netloc else "/"
