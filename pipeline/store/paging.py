"""Pages that do not shift while documents are added: the token names the last document shown, not a position.

Order `newest`: by time, then id. Order `relevance`: by score, then as `newest`. Both put a document's place down to
itself and the query alone.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from hashlib import blake2b

from pipeline.core.errors import ConfigError
from pipeline.core.i18n import _
from pipeline.core.types import Query

LATEST = 2**62
"""Later than every time, in microseconds."""
MAX_LIMIT = 1_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last document shown; in the order `newest` all scores are 0."""

    score: float
    at: int
    id: str

    @property
    def key(self) -> tuple[float, int, str]:
        """What documents are sorted by."""
        return -self.score, -self.at, self.id


def check_page(order: str, limit: int) -> None:
    """Raise ConfigError for an order or a page size that there is not."""
    if order not in {"relevance", "newest"}:
        raise ConfigError(_('there is no order "{order}"; use relevance or newest').format(order=order))
    if not 0 <= limit <= MAX_LIMIT:
        raise ConfigError(_("a page holds 0 to {most} hits, not {limit}").format(most=MAX_LIMIT, limit=limit))


def to_token(cursor: Cursor, query: Query, order: str) -> str:
    """The opaque text that continues after this document of this search."""
    values = [_digest(query, order), cursor.score, cursor.at, cursor.id]
    return base64.urlsafe_b64encode(json.dumps(values, separators=(",", ":")).encode()).decode().rstrip("=")


def from_token(token: str, query: Query, order: str) -> Cursor:
    """Read a token; raises ConfigError if it is damaged or belongs to another search."""
    try:
        raw = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        digest, score, at, flag_id = json.loads(raw)
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise _damaged() from error
    if type(score) is not float or type(at) is not int or abs(at) > LATEST or type(flag_id) is not str:
        raise _damaged()
    if digest != _digest(query, order):
        raise ConfigError(_("the page token belongs to another search; start from the first page"))
    return Cursor(score, at, flag_id)


def _damaged() -> ConfigError:
    return ConfigError(_("the page token is damaged; start from the first page"))


def _digest(query: Query, order: str) -> str:
    return blake2b(repr((query, order)).encode("utf-8", "replace"), digest_size=6).hexdigest()
