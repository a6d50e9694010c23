"""What lies under the HTTP client: httpx over connections that the guard makes, and bodies unpacked within bounds."""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator

import httpcore
import httpx

from pipeline.core.errors import SourceUnavailable
from pipeline.core.i18n import _
from pipeline.sources.guard import Refused

_ANY_HEADER = 47  # zlib's wbits: gzip's or zlib's header, the largest window


class Transport(httpx.BaseTransport):
    """httpx over a connection pool of ours; raises httpcore's own errors."""

    def __init__(self, tls: ssl.SSLContext, backend: httpcore.NetworkBackend) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=backend, max_connections=10, keepalive_expiry=30.0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make one call; the answer's body is read as it comes."""
        url = request.url
        answer = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Stream(answer))

    def close(self) -> None:
        """Let go of the connections."""
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()


def unpacked(blocks: Iterator[bytes], encoding: str, limit: int) -> Iterator[bytes]:
    """Unpack a body by its Content-Encoding, at most `limit` + 1 bytes at a time: a bomb cannot fill the memory.

    The caller adds up and stops. Raises Refused for an encoding we did not ask for, SourceUnavailable for damage.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        yield from blocks
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Refused(
            _('the answer is packed as "{encoding}", which we did not ask for').format(encoding=encoding[:40])
        )
    unpack = zlib.decompressobj(_ANY_HEADER)
    try:
        for block in blocks:
            data = block
            while data and not unpack.eof:
                yield unpack.decompress(data, limit + 1)
                data = unpack.unconsumed_tail
    except zlib.error as error:
        raise SourceUnavailable(_("the answer is packed badly ({error})").format(error=error)) from error
    if not unpack.eof:
        raise SourceUnavailable(_("the answer was cut off"))


def unzipped(content: bytes, limit: int) -> bytes:
    """Unpack a gzip file (`sitemap.xml.gz`); raises Refused over `limit` bytes, SourceUnavailable if it is damaged."""
    result = bytearray()
    for block in unpacked(iter((content,)), "gzip", limit):
        result += block
        if len(result) > limit:
            raise Refused(_("a packed file holds more than {limit:,} bytes").format(limit=limit))
    return bytes(result)
