"""What the cluster knows of some flags by their ids, without their texts: enough to decide what to write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from pipeline.core.batches import batched
from pipeline.store.codec import Damaged

_PAGE = 2_000
_WANTED = {
    "includes": [
        "flag.id",
        "flag.fingerprint",
        "flag.cluster",
        "flag.status",
        "flag.month",
        "stripped",
        "gone",
        "review",
    ]
}


@dataclass(frozen=True, slots=True)
class Known:
    """A flag's row: where it is, at which `(sequence number, term)`, and what a writer must know of it.

    `gone`: nobody could delete it, so only its row is left. `review` is what was mirrored beside the status.
    """

    index: str
    at: tuple[int, int]
    id: str = ""
    fingerprint: str = ""
    cluster: str = ""
    status: str = ""
    month: str = ""
    stripped: bool = False
    gone: bool = False
    review: Any = None


def look_up(client: Elasticsearch, indices: str, keys: Iterable[str]) -> dict[str, Known]:
    """What a search finds; what was written since the last refresh is not among it."""
    found: dict[str, Known] = {}
    for batch in batched(keys, _PAGE):
        answer = client.search(index=indices, query={"ids": {"values": batch}}, source=_WANTED, **_whole(len(batch)))
        found |= {hit["_id"]: _known(hit) for hit in answer["hits"]["hits"]}
    return found


def look_up_everywhere(client: Elasticsearch, indices: str, keys: Iterable[str]) -> list[tuple[str, Known]]:
    """All documents of some ids, with their keys: after a change of mappings there may be two of one id."""
    found = []
    for batch in batched(keys, _PAGE):
        query = {"ids": {"values": batch}}
        answer = client.search(index=indices, query=query, source=_WANTED, **_whole(4 * len(batch)))
        found += [(hit["_id"], _known(hit)) for hit in answer["hits"]["hits"]]
    return found


def look_again(client: Elasticsearch, places: Sequence[tuple[str, str]]) -> list[tuple[str, Known]]:
    """What stands now at these (index, key) places, whether refreshed or not; with the keys."""
    docs = [{"_index": index, "_id": key} for index, key in places]
    answer = client.mget(docs=docs, source_includes=_WANTED["includes"])
    return [(doc["_id"], _known(doc)) for doc in answer["docs"] if doc.get("found")]


def is_there(client: Elasticsearch, index: str, keys: Iterable[str]) -> set[str]:
    """Which of the keys an index has; it must have been refreshed since."""
    found: set[str] = set()
    for batch in batched(keys, _PAGE):
        answer = client.search(index=index, query={"ids": {"values": batch}}, source=False, **_whole(len(batch)))
        found |= {hit["_id"] for hit in answer["hits"]["hits"]}
    return found


def _whole(size: int) -> dict[str, Any]:
    """An answer from all shards or none: what a shard that is away holds must not look as if it were not there."""
    options = {"size": min(size, 10_000), "seq_no_primary_term": True, "track_total_hits": False}
    return options | {"allow_partial_search_results": False}


def _known(hit: Any) -> Known:
    try:
        place, at, source = hit["_index"], (hit["_seq_no"], hit["_primary_term"]), hit["_source"]
        if source.get("gone"):
            return Known(place, at, gone=True)
        flag = source["flag"]
        values = {name: flag[name] for name in ("id", "fingerprint", "cluster", "status", "month")}
        return Known(place, at, **values, stripped=source["stripped"], review=source.get("review"))
    except (KeyError, TypeError) as error:
        raise Damaged from error
