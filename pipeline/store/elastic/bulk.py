"""Many small writes in few requests: sized by bytes, sent again with jitter when the cluster is busy, none lost.

Each write ends as one `Answer`. What the cluster is too busy or too broken for now is sent again; what it refuses for
what it is (a document that does not fit the mapping, or the HTTP limit) is told with the server's reason; what no
write could do (no right, read-only) raises.
"""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ConnectionTimeout, Elasticsearch, TransportError
from elasticsearch.helpers import parallel_bulk

from pipeline.core.errors import ConfigError, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.store.elastic.failures import refused, translated, unreadable, without_quotes

CHUNK_BYTES = 5 * 1024 * 1024
"""Of one request: far below the 100 MB that a node takes (http.max_content_length), and small beside its 429 limit."""
CHUNK = 500
THREADS = 2
"""One request is made while another is written; more threads gain nothing here and push a busy cluster harder."""

ROUNDS = 8
FIRST_WAIT, LONGEST_WAIT = 0.25, 10.0
"""Seconds between rounds, doubled each time, each cut by chance to between half and whole: writers that were refused
together must not come again together. In all 13 to 26 s, then the step fails and is tried again as a whole."""

_TOO_LARGE = 413
_NOT_THE_DOCUMENTS = frozenset({"strict_dynamic_mapping_exception", "index_closed_exception", "validation_exception"})
"""Kinds of a 400 that every document of the index would get: other mappings, a closed index, no room for new shards."""


@dataclass(frozen=True, slots=True)
class Write:
    """One action: `op` (create, index, update, delete), where, and what; `only_if` is (sequence number, term).

    `body` may be a function: then the document is made when it is sent, while others are on their way.
    """

    op: str
    index: str
    id: str
    body: Any = None
    only_if: tuple[int, int] | None = None
    again: int = 0

    def lines(self) -> tuple[dict[str, Any], Any]:
        """The action and the document, as the client sends them."""
        head: dict[str, Any] = {"_index": self.index, "_id": self.id}
        if self.only_if is not None:
            head |= {"if_seq_no": self.only_if[0], "if_primary_term": self.only_if[1]}
        if self.again:
            head["retry_on_conflict"] = self.again
        body = self.body() if callable(self.body) else self.body
        return {self.op: head}, {"doc": body} if self.op == "update" else body


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a write: `done`, `conflict` (409), `missing` (404), `forbidden` (403, a delete only) or `refused`,
    for `reason`.
    """

    write: Write
    outcome: str
    reason: str = ""


def send(
    client: Elasticsearch, writes: Iterable[Write], where: str, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Answer]:
    """Send all writes and say of each what became of it; `where` is the cluster's address, for messages.

    Raises StoreUnavailable if the cluster stays busy or away, ConfigError if it refuses us; what was done stays done.
    """
    waiting: Iterable[Write] = writes
    alone = False
    for turn in range(ROUNDS):
        again: list[Write] = []
        trouble: ConfigError | StoreUnavailable | None = None
        too_large = False
        for write, item in _sent(client, waiting, 1 if alone else max(1, CHUNK >> turn), where):
            outcome = _outcome(write, item, alone=alone)
            if outcome:
                yield Answer(write, outcome, without_quotes(_reason(item, where)))
                continue
            again.append(write)
            too_large = too_large or _status(item) == _TOO_LARGE
            if not isinstance(trouble, ConfigError):  # one of these is enough to stop, and says more
                trouble = _trouble(item, where)
        if trouble is None:
            return
        if isinstance(trouble, ConfigError) or turn == ROUNDS - 1:
            raise trouble
        waiting, alone = again, alone or too_large
        sleep(min(LONGEST_WAIT, FIRST_WAIT * 2.0**turn) * random.uniform(0.5, 1.0))  # noqa: S311


def send_all(client: Elasticsearch, writes: Iterable[Write], where: str) -> list[Answer]:
    """As `send`, for what must not be refused: a decision, or that something goes. Raises StoreUnavailable if it is."""
    answers = list(send(client, writes, where))
    for answer in answers:
        if answer.outcome == "refused":
            text = _("{where} refused to change {id} in {index}: {error}; see docs/elastic.md, then try again")
            values = {"id": answer.write.id, "index": answer.write.index, "error": answer.reason}
            raise StoreUnavailable(text.format(where=where, **values))
    return answers


def _sent(
    client: Elasticsearch, writes: Iterable[Write], chunk: int, where: str
) -> Iterator[tuple[Write, dict[str, Any]]]:
    """Each write with what the server, or the client, says of it; in order.

    A lost connection is said of all that has no answer yet, done or not: by the time that the helper tells it, it has
    read all writes. A request that took too long is not sent again: it would take as long.
    """
    sent: deque[Write] = deque()

    def lines(write: Write) -> tuple[dict[str, Any], Any]:
        sent.append(write)
        return write.lines()

    answers = parallel_bulk(
        client,
        writes,  # type: ignore[arg-type]  # `lines` makes of each what the client wants
        thread_count=THREADS,
        queue_size=1,
        chunk_size=chunk,
        max_chunk_bytes=CHUNK_BYTES,
        expand_action_callback=lines,  # type: ignore[arg-type]
        raise_on_error=False,
        raise_on_exception=False,
    )
    try:
        for _ok, answer in answers:
            (item,) = answer.values()
            if item["_id"] != sent[0].id:
                raise unreadable(where)
            yield sent.popleft(), item
    except ConnectionTimeout:
        raise
    except TransportError as error:
        for write in sent:
            yield write, {"exception": error}
    except (LookupError, TypeError, ValueError, AttributeError) as error:  # JSON, but no answer to a bulk
        raise unreadable(where) from error
    else:
        if sent:
            raise unreadable(where)


def _status(item: dict[str, Any]) -> int:
    """The status of one document, else of the whole request; 0 if there was no answer."""
    status = item.get("status")
    return status if isinstance(status, int) else 0


def _kind(item: dict[str, Any]) -> str:
    error = item.get("error")
    return str(error.get("type", "")) if isinstance(error, dict) else ""


def _reason(item: dict[str, Any], where: str) -> str:
    error = item.get("error")
    if _status(item) == _TOO_LARGE:
        return _("the document is over the limit of one request to {where} (http.max_content_length)").format(
            where=where
        )
    if not isinstance(error, dict):
        return str(error or "")
    cause = error.get("caused_by")
    reasons = [error.get("reason"), cause.get("reason") if isinstance(cause, dict) else None]
    return ": ".join(str(reason) for reason in reasons if reason)


def _outcome(write: Write, item: dict[str, Any], *, alone: bool) -> str:
    """What became of the write; empty if it was not the write's own fault."""
    status, kind = _status(item), _kind(item)
    if isinstance(item.get("exception"), Exception):  # of the whole request
        return "refused" if status == _TOO_LARGE and alone else ""
    if 200 <= status < 300:
        return "done"
    if status == 409:
        return "conflict"
    if status == 404 and write.op in {"update", "delete"} and kind != "index_not_found_exception":
        return "missing"
    if status == 403 and kind == "security_exception" and write.op == "delete":
        return "forbidden"
    return "refused" if status == 400 and kind and kind not in _NOT_THE_DOCUMENTS else ""


def _trouble(item: dict[str, Any], where: str) -> ConfigError | StoreUnavailable:
    if _status(item) == _TOO_LARGE:
        return StoreUnavailable(_("a request is over the limit of {where}").format(where=where))
    if isinstance(item.get("exception"), Exception):
        return translated(item["exception"], where)
    reason = str(item.get("_index")) if _kind(item) == "index_closed_exception" else _reason(item, where)
    return refused(_status(item), _kind(item), reason, where)
