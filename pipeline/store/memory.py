"""The store in memory: the plain statement of what every store does, for tests and for a look at a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from threading import RLock

from pipeline.core.types import Decided, Flag, Page, PutCount, Query, Status
from pipeline.store.codec import without_private, without_text
from pipeline.store.columns import Columns, columns_of, index_name, microseconds, month_of
from pipeline.store.fields import check_facets, check_fields, grouped, value_matches
from pipeline.store.paging import LATEST, Cursor, check_page, from_token, to_token
from pipeline.store.review import UNDECIDED, check_put, check_statuses
from pipeline.store.snippet import hit_of
from pipeline.store.words import Term, Terms, Views, relevance, terms_of


@dataclass(frozen=True, slots=True)
class _Record:
    flag: Flag
    columns: Columns
    index: str
    stripped: bool = False

    def values(self, field: str) -> set[str]:
        """What the flag is counted or found under in this field."""
        single = {"status": self.flag.status, "cluster": self.flag.cluster, "id": self.flag.id}
        if field in single:
            return {single[field]}
        return {value for name, value in self.columns.facets if name == field}


class MemoryStore:
    """Flags in a dict; `zone` says what a day is. See core.ports.Store for the methods' duties."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._records: dict[str, _Record] = {}
        self._erased: set[str] = set()
        self._lock = RLock()

    def put(self, flags: Iterable[Flag]) -> PutCount:
        """Create, update or leave each flag; see the port. Raises ConfigError for a candidate (empty `why`)."""
        count: Counter[str] = Counter()
        with self._lock:
            for flag in flags:
                count[self._put(flag)] += 1
        return PutCount.of(count)

    def _put(self, flag: Flag) -> str:
        check_put(flag)
        if flag.id in self._erased:
            return "erased"
        old = self._records.get(flag.id)
        if old is not None and _same(old.flag, flag):
            return "unchanged"
        if old is not None and old.stripped:  # nothing of it comes back, but its cluster may be called otherwise
            self._records[flag.id] = replace(old, flag=replace(old.flag, cluster=flag.cluster))
            return "unchanged" if old.flag.cluster == flag.cluster else "updated"
        month = old.flag.month if old else month_of(flag, self._zone)
        kept = replace(without_private(flag), month=month, status=old.flag.status if old else flag.status)
        index = old.index if old else index_name(flag.post.office, month)
        self._records[flag.id] = _Record(kept, columns_of(kept, self._zone), index)
        return "updated" if old else "created"

    def get(self, flag_id: str) -> Flag | None:
        """The flag with that id, or None."""
        record = self._records.get(flag_id)
        return record.flag if record else None

    def get_many(self, flag_ids: Iterable[str]) -> dict[str, Flag]:
        """Those of the flags that are there, by id."""
        return {flag_id: flag for flag_id in flag_ids if (flag := self.get(flag_id)) is not None}

    def index_of(self, flag_id: str) -> str | None:
        """The name of the index that the flag belongs to for ever, or None if there is no such flag."""
        record = self._records.get(flag_id)
        return record.index if record else None

    def search(self, query: Query, *, limit: int = 20, after: str | None = None, order: str = "relevance") -> Page:
        """A page; see the port. Raises ConfigError for a damaged token or an unknown field or order."""
        check_page(order, limit)
        check_fields(query)
        cursor = from_token(after, query, order) if after is not None else None
        terms = terms_of(query)
        with self._lock:
            found = self._matching(query, terms)
        scored = terms.must if order == "relevance" else ()
        places = sorted((_place(record, scored) for record in found), key=lambda place: place.key)
        if cursor is not None:
            places = [place for place in places if place.key > cursor.key]
        shown = [self._records[place.id].flag for place in places[:limit]]
        token = to_token(places[limit - 1], query, order) if shown and len(places) > limit else None
        return Page(tuple(hit_of(flag, terms) for flag in shown), len(found), token)

    def _matching(self, query: Query, terms: Terms) -> list[_Record]:
        since = -LATEST if query.since is None else microseconds(query.since)
        until = LATEST if query.until is None else microseconds(query.until)
        wanted, unwanted = grouped(query.fields), grouped(query.without_fields)
        return [
            record
            for record in self._records.values()
            if since <= record.columns.at < until
            and all(_has(record, field, values) for field, values in wanted.items())
            and not any(_has(record, field, values) for field, values in unwanted.items())
            and terms.match(record.columns.views)
        ]

    def facets(self, query: Query, fields: Sequence[str], *, limit: int = 50) -> dict[str, dict[str, int]]:
        """For each field: value -> number of flags, the most frequent first, then by name; at most `limit` values."""
        check_facets(tuple(fields), limit)
        check_fields(query)
        with self._lock:
            found = self._matching(query, terms_of(query))
        tables = {}
        for field in fields:
            counts = Counter(value for record in found for value in record.values(field))
            tables[field] = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:limit])
        return tables

    def mirror(self, statuses: Mapping[str, Status], decided: Mapping[str, Decided] | None = None) -> int:
        """Set review statuses; returns how many changed. When and why is not kept."""
        del decided
        check_statuses(statuses)
        changed = 0
        with self._lock:
            for flag_id, status in statuses.items():
                record = self._records.get(flag_id)
                if record is not None and record.flag.status != status:
                    self._records[flag_id] = replace(record, flag=replace(record.flag, status=status))
                    changed += 1
        return changed

    def erase(self, ids: Iterable[str]) -> int:
        """Remove flags so that `put` refuses them later; returns how many were there."""
        with self._lock:
            gone = set(ids)
            self._erased |= gone
            return sum(self._records.pop(flag_id, None) is not None for flag_id in gone)

    def withdraw(self, ids: Iterable[str]) -> int:
        """Remove those of the flags that are still open and that no rule flags any more; returns how many."""
        with self._lock:
            gone = {key for key in set(ids) if key in self._records and self._records[key].flag.status == "open"}
            for flag_id in gone:
                del self._records[flag_id]
            return len(gone)

    def due(self, now: datetime) -> list[str]:
        """The ids of flags past their `expires_at` that nobody decided on and that still have their text, sorted."""
        past = microseconds(now)
        with self._lock:
            return sorted(
                flag_id
                for flag_id, record in self._records.items()
                if not record.stripped
                and record.flag.status in UNDECIDED
                and record.columns.expires is not None
                and record.columns.expires <= past
            )

    def expire(self, ids: Iterable[str], *, keep_status: bool = False) -> int:
        """Remove the text of flags for good, the row stays, as `expired`; returns how many still had their text.

        `keep_status` leaves the status: a rejected flag loses its text and stays rejected.
        """
        count = 0
        with self._lock:
            for flag_id in set(ids):
                record = self._records.get(flag_id)
                if record is None:
                    continue
                count += not record.stripped
                status = record.flag.status if keep_status else "expired"
                bare = replace(without_text(record.flag), status=status)
                columns = replace(record.columns, views=Views("", "", ""))
                self._records[flag_id] = _Record(bare, columns, record.index, stripped=True)
        return count

    def close(self) -> None:
        """Nothing to let go of."""


def _has(record: _Record, field: str, wanted: tuple[str, ...]) -> bool:
    return any(value_matches(field, one, value) for one in wanted for value in record.values(field))


def _place(record: _Record, terms: Sequence[Term]) -> Cursor:
    views = record.columns.views
    score = float(relevance((term.weight(views) for term in terms), float(views.length)))
    return Cursor(score, record.columns.at, record.flag.id)


def _same(old: Flag, new: Flag) -> bool:
    """A cluster may be renamed (its earliest post was erased) though nothing else changed."""
    return (old.fingerprint, old.cluster) == (new.fingerprint, new.cluster)
