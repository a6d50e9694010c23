"""Changes on the cluster: look up, decide, write; what another writer was faster with is decided anew by what stands
there then. Each change names the version that it was decided on, so nothing is written over unseen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from elasticsearch import Elasticsearch

from pipeline.core.errors import StoreUnavailable
from pipeline.core.i18n import _
from pipeline.core.identity import subject_of
from pipeline.core.types import Decided, Flag, Refused, Status
from pipeline.store.columns import month_of
from pipeline.store.elastic import document
from pipeline.store.elastic.bulk import Write, send, send_all
from pipeline.store.elastic.document import Writer
from pipeline.store.elastic.lookup import Known, is_there, look_again, look_up
from pipeline.store.elastic.names import Names

_TRIES = 6  # how often a write that met another writer's is decided anew
_RETRY = 5


@dataclass(frozen=True, slots=True)
class Changes:
    """The store's writes; `where` is the cluster's address, for messages."""

    client: Elasticsearch
    names: Names
    writer: Writer
    where: str

    def put(self, batch: Sequence[Flag], count: Counter[str], refused: list[Refused]) -> None:
        """Put flags of which no id stands twice; adds to the count, and to what the cluster refused."""
        flags = {subject_of(flag.id): flag for flag in batch}
        erased = is_there(self.client, self.names.erased, flags)
        count["erased"] += len(erased)
        waiting = [key for key in flags if key not in erased]
        known = look_up(self.client, self.names.indices, waiting)
        for _turn in range(_TRIES):
            writes, unchanged = [], 0
            for key in waiting:
                write = self._write(key, flags[key], known.get(key))
                unchanged += write is None
                writes += [write] if write else []
            count["unchanged"] += unchanged
            again = []
            for answer in send(self.client, writes, self.where):
                if answer.outcome == "done":
                    count["updated" if answer.write.op == "update" else "created"] += 1
                elif answer.outcome == "refused":
                    refused.append(Refused(flags[answer.write.id].id, answer.reason))
                else:
                    again.append((answer.write.index, answer.write.id))
            if not again:
                return
            waiting = [key for _index, key in again]
            known = dict(look_again(self.client, again))
        raise self._contended()

    def _write(self, key: str, flag: Flag, known: Known | None) -> Write | None:
        """What is to be written; None if the flag is there as it is."""
        if known is None:
            return Write("create", self._target(flag), key, partial(self.writer.document, flag))
        if known.gone:
            return Write("index", known.index, key, partial(self.writer.document, flag), only_if=known.at)
        if (known.fingerprint, known.cluster) == (flag.fingerprint, flag.cluster):
            return None
        if not known.stripped:
            return Write("update", known.index, key, partial(self.writer.signal_fields, flag), only_if=known.at)
        if known.cluster == flag.cluster:  # nothing of it comes back
            return None
        body = document.renamed(self._document(known.index, key), flag.cluster)
        return Write("update", known.index, key, body, only_if=known.at)

    def mirror(self, known: dict[str, Known], statuses: Mapping[str, Status], decided: Mapping[str, Decided]) -> int:
        """Set statuses of known flags; returns how many changed."""
        changed = 0
        for _turn in range(_TRIES):
            writes = []
            for key, row in known.items():
                review = _review(decided.get(row.id))
                if (row.status, row.review) != (statuses[row.id], review):
                    body = {"flag": {"status": statuses[row.id]}, "review": review}
                    writes.append(Write("update", row.index, key, body, again=_RETRY))
            answers = send_all(self.client, writes, self.where)
            done = [answer.write for answer in answers if answer.outcome == "done"]
            changed += sum(known[write.id].status != statuses[known[write.id].id] for write in done)
            self.refresh_of(done)
            again = [(answer.write.index, answer.write.id) for answer in answers if answer.outcome == "conflict"]
            if not again:  # the ledger takes what was told for known
                return changed
            known = {key: row for key, row in look_again(self.client, again) if not row.gone}
        raise self._contended()

    def remove(self, rows: Iterable[tuple[str, Known]], still: Callable[[Known], bool]) -> int:
        """Delete documents as they were seen; a key that may not delete leaves a row without anything in it.

        `still` says of a row that changed meanwhile whether it is to go.
        """
        waiting, gone = list(rows), set()
        living = {key for key, row in waiting if not row.gone}
        for _turn in range(_TRIES):
            deletes = [Write("delete", row.index, key, only_if=row.at) for key, row in waiting]
            answers = send_all(self.client, deletes, self.where)
            refused = [a.write for a in answers if a.outcome == "forbidden" and a.write.id in living]
            stubs = [Write("index", each.index, each.id, document.stub(), only_if=each.only_if) for each in refused]
            answers += send_all(self.client, stubs, self.where)
            gone |= {answer.write.id for answer in answers if answer.outcome == "done"}
            again = [(answer.write.index, answer.write.id) for answer in answers if answer.outcome == "conflict"]
            if not again:
                self.refresh_of(deletes)
                return len(gone & living)
            waiting = [(key, row) for key, row in look_again(self.client, again) if still(row)]
        raise self._contended()

    def expire(self, known: dict[str, Known], keep_status: bool) -> int:
        """Take the texts out of known flags; returns how many still had theirs."""
        touched: list[Write] = []
        count = 0
        for _turn in range(_TRIES):
            writes = []
            for key, row in known.items():
                if not row.stripped:
                    body = document.bare(self._document(row.index, key), expired=not keep_status)
                elif not keep_status and row.status != "expired":
                    body = {"flag": {"status": "expired"}}
                else:
                    continue
                writes.append(Write("update", row.index, key, body, only_if=row.at))
            answers = send_all(self.client, writes, self.where)
            count += sum(not known[a.write.id].stripped for a in answers if a.outcome == "done")
            touched += writes
            again = [(a.write.index, a.write.id) for a in answers if a.outcome == "conflict"]
            if not again:
                self.refresh_of(touched)
                return count
            known = {key: row for key, row in look_again(self.client, again) if not row.gone}
        raise self._contended()

    def found(self, keys: Mapping[str, str]) -> dict[str, Known]:
        """What is known of the flags that are there (stubs are not); a refresh only if some seem to be missing."""
        found = look_up(self.client, self.names.indices, keys)
        missing = [key for key in keys if key not in found]
        if missing:
            self.refresh(self.names.indices)
            found |= look_up(self.client, self.names.indices, missing)
        return {key: row for key, row in found.items() if not row.gone}

    def refresh(self, indices: str) -> None:
        """Let searches find what was written."""
        self.client.indices.refresh(index=indices, ignore_unavailable=True)

    def refresh_of(self, writes: Iterable[Write]) -> None:
        """The same, of the indices of these writes."""
        touched = sorted({write.index for write in writes})
        if touched:
            self.refresh(",".join(touched))

    def _document(self, index: str, key: str) -> document.Document:
        return dict(self.client.get(index=index, id=key)["_source"])

    def _target(self, flag: Flag) -> str:
        return self.names.index(flag.post.office, month_of(flag, self.writer.zone))

    def _contended(self) -> StoreUnavailable:
        text = _("other writers keep changing the same flags on {where}; try again")
        return StoreUnavailable(text.format(where=self.where))


def _review(decided: Decided | None) -> dict[str, Any]:
    if decided is None:
        return {"decided_at": None, "reason": []}
    return {"decided_at": decided.at.isoformat(), "reason": list(decided.reasons)}
