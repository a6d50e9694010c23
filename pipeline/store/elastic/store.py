"""The store in an Elasticsearch cluster: what reviewers search in Kibana, and the desk here.

A flag lies in the index of its office and of the month in which it first landed; its `_id` is the hash by which the
ledger knows it. Reads go through the alias. A page continues by `search_after` in an order in which no two flags are
equal, so pages stay as they are while flags are added; a walk over many goes through a point in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from elasticsearch import NotFoundError

from pipeline.core.batches import batched
from pipeline.core.config import StoreSettings
from pipeline.core.identity import subject_of
from pipeline.core.types import Decided, Flag, Page, PutCount, Query, Refused, Status
from pipeline.store.columns import microseconds
from pipeline.store.elastic import document, templates
from pipeline.store.elastic.bulk import Write, send_all
from pipeline.store.elastic.changes import Changes
from pipeline.store.elastic.client import connect
from pipeline.store.elastic.document import Writer
from pipeline.store.elastic.failures import explained
from pipeline.store.elastic.lookup import Known, look_up_everywhere
from pipeline.store.elastic.names import Names
from pipeline.store.elastic.query import BEST, NEWEST, condition, counted, sendable
from pipeline.store.fields import check_facets, check_fields
from pipeline.store.paging import Cursor, check_page, from_token, to_token
from pipeline.store.review import UNDECIDED, check_statuses, put_batches
from pipeline.store.snippet import hit_of
from pipeline.store.words import terms_of

BATCH = 2_000
"""Flags that are looked up and written together; about 10 MB."""
_UNSEEN = 20_000  # written flags of which the ids are remembered before a refresh
_WALK = 5_000
_WHOLE = 200  # flags that are read with their texts at a time


class ElasticStore:
    """Flags on the cluster of the settings; `writer` makes documents. See core.ports.Store for the methods' duties.

    Every method raises StoreUnavailable (away, red, full) or ConfigError (not prepared, no right, not Elasticsearch).
    Threads may share it.
    """

    def __init__(self, settings: StoreSettings, writer: Writer, names: Names | None = None) -> None:
        self._settings = settings
        self._where = ", ".join(settings.urls)
        self._client = connect(settings)
        self.names = names or Names(settings.prefix)
        self.changes = Changes(self._client, self.names, writer, self._where)
        self._checked = False

    # ---- writing

    def put(self, flags: Iterable[Flag]) -> PutCount:
        """Create, update or leave each flag; see the port. Raises ConfigError for a candidate (empty `why`)."""
        count: Counter[str] = Counter()
        refused: list[Refused] = []
        started = False
        unseen: set[str] = set()  # written, and not yet found by a search
        with self._told():
            self._check(again=True)
            for batch in put_batches(flags, BATCH):
                keys = {subject_of(flag.id) for flag in batch}
                if not started or len(unseen) > _UNSEEN or not keys.isdisjoint(unseen):
                    self.changes.refresh(self.names.indices)
                    unseen.clear()
                started = True
                self.changes.put(batch, count, refused)
                unseen |= keys
            if started:
                self.changes.refresh(self.names.indices)
        return PutCount.of(count, refused)

    def mirror(self, statuses: Mapping[str, Status], decided: Mapping[str, Decided] | None = None) -> int:
        """Set review statuses, and when and why it was decided; returns how many statuses changed."""
        check_statuses(statuses)
        decided, changed = decided or {}, 0
        with self._told():
            self._check()
            for flag_ids in batched(statuses, BATCH):
                known = self.changes.found({subject_of(flag_id): flag_id for flag_id in flag_ids})
                changed += self.changes.mirror(known, statuses, decided)
        return changed

    def erase(self, ids: Iterable[str]) -> int:
        """Remove flags so that `put` refuses them later; returns how many were there.

        The list of what is never taken again comes first, and every version's indices are gone through.
        """
        keys = {subject_of(flag_id) for flag_id in ids}
        with self._told():
            self._check()
            marks = [Write("index", self.names.erased, key, {}) for key in keys]
            send_all(self._client, marks, self._where)
            self.changes.refresh_of(marks)
            if keys:
                self.changes.refresh(self.names.all_versions)
            return self.changes.remove(look_up_everywhere(self._client, self.names.all_versions, keys), _all)

    def withdraw(self, ids: Iterable[str]) -> int:
        """Remove those of the flags that are still open and that no rule flags any more; returns how many."""
        with self._told():
            self._check()
            known = self.changes.found({subject_of(flag_id): flag_id for flag_id in ids})
            return self.changes.remove([(key, row) for key, row in known.items() if _is_open(row)], _is_open)

    def expire(self, ids: Iterable[str], *, keep_status: bool = False) -> int:
        """Remove the text of flags for good, the row stays, as `expired`; returns how many still had their text.

        `keep_status` leaves the status: a rejected flag loses its text and stays rejected.
        """
        count = 0
        with self._told():
            self._check()
            for flag_ids in batched(sorted(set(ids)), _WHOLE):
                known = self.changes.found({subject_of(flag_id): flag_id for flag_id in flag_ids})
                count += self.changes.expire(known, keep_status)
        return count

    # ---- reading

    def get(self, flag_id: str) -> Flag | None:
        """The flag with that id, or None."""
        return self.get_many([flag_id]).get(flag_id)

    def get_many(self, flag_ids: Iterable[str]) -> dict[str, Flag]:
        """Those of the flags that are there, by id."""
        found: dict[str, Flag] = {}
        with self._told():
            self._check()
            for batch in batched(flag_ids, _WHOLE):
                query = {"ids": {"values": [subject_of(flag_id) for flag_id in batch]}}
                hits = self._search(query=query, size=len(batch), track_total_hits=False)["hits"]["hits"]
                found |= {flag.id: flag for flag in (document.read(hit["_source"]) for hit in hits)}
        return found

    def index_of(self, flag_id: str) -> str | None:
        """The name of the index that the flag belongs to for ever, or None if there is no such flag."""
        with self._told():
            self._check()
            found = self.changes.found({subject_of(flag_id): flag_id})
            return next((self.names.plain(row.index) for row in found.values()), None)

    def search(self, query: Query, *, limit: int = 20, after: str | None = None, order: str = "relevance") -> Page:
        """A page; see the port. Raises ConfigError for a damaged token or an unknown field or order."""
        check_page(order, limit)
        check_fields(query)
        cursor = from_token(after, query, order) if after is not None else None
        terms = terms_of(query)
        scored = order == "relevance" and bool(terms.must)
        options: dict[str, Any] = {"sort": BEST if scored else NEWEST}
        if cursor is not None:
            place = [cursor.at, sendable(cursor.id)]
            options["search_after"] = [cursor.score, *place] if scored else place
        with self._told():
            self._check()
            found = self._search(query=condition(query, terms, scored=scored), size=limit + 1, **options)["hits"]
            shown = found["hits"][:limit]
            flags = [document.read(hit["_source"]) for hit in shown]
        more = bool(shown) and len(found["hits"]) > limit
        token = to_token(_place(shown[-1]["sort"]), query, order) if more else None
        return Page(tuple(hit_of(flag, terms) for flag in flags), int(found["total"]["value"]), token)

    def facets(self, query: Query, fields: Sequence[str], *, limit: int = 50) -> dict[str, dict[str, int]]:
        """For each field: value -> number of flags, the most frequent first, then by name; at most `limit` values."""
        check_facets(tuple(fields), limit)
        check_fields(query)
        if not fields:
            return {}
        asked = condition(query, terms_of(query), scored=False)
        with self._told():
            self._check()
            answer = self._search(query=asked, size=0, aggs=counted(fields, limit), track_total_hits=False)
        tables = answer.get("aggregations") or {}
        buckets = {field: tables.get(field, {}).get("buckets", ()) for field in fields}
        return {field: {each["key"]: each["doc_count"] for each in found} for field, found in buckets.items()}

    def due(self, now: datetime) -> list[str]:
        """The ids of flags past their `expires_at` that nobody decided on and that still have their text, sorted."""
        past = [
            {"range": {"expires": {"lte": microseconds(now)}}},
            {"terms": {"flag.status": list(UNDECIDED)}},
            {"term": {"stripped": False}},
        ]
        with self._told():
            self._check()
            return [hit["_source"]["flag"]["id"] for hit in self._walk({"bool": {"filter": past}})]

    def _walk(self, query: dict[str, Any]) -> Iterator[Any]:
        """All hits by id, as the index stood at the start, with their ids only."""
        try:
            pit = self._client.open_point_in_time(index=self.names.alias, keep_alive="2m")["id"]
        except NotFoundError:  # no flag was ever put
            return
        try:
            after: dict[str, Any] = {}
            while True:
                page = self._client.search(
                    pit={"id": pit, "keep_alive": "2m"},
                    query=query,
                    sort=[{"flag.id": "asc"}],
                    size=_WALK,
                    source={"includes": ["flag.id"]},
                    track_total_hits=False,
                    allow_partial_search_results=False,
                    **after,
                )
                pit, hits = page["pit_id"], page["hits"]["hits"]
                yield from hits
                if len(hits) < _WALK:
                    return
                after = {"search_after": hits[-1]["sort"]}
        finally:
            self._client.close_point_in_time(id=pit)

    # ---- small things

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def _search(self, **asked: Any) -> Any:
        """Through the alias; from all shards or none: a part of the flags (one month is closed) is not all of them."""
        asked = {"track_total_hits": True, "allow_partial_search_results": False} | asked
        try:
            return self._client.search(index=self.names.alias, **asked)
        except NotFoundError:  # no flag was ever put
            return {"hits": {"hits": [], "total": {"value": 0}}}

    def _check(self, *, again: bool = False) -> None:
        """Raise ConfigError unless the cluster is prepared, and for this version; a writer asks each time."""
        if again or not self._checked:
            templates.check_serving(self._client, self.names)
            self._checked = True

    def _told(self) -> AbstractContextManager[None]:
        return explained(self._settings)


def _all(_row: Known) -> bool:
    return True


def _is_open(row: Known) -> bool:
    return row.status == "open"


def _place(sort: Sequence[Any]) -> Cursor:
    score, at, flag_id = sort if len(sort) == 3 else (0.0, *sort)
    return Cursor(float(score), int(at), str(flag_id))
