"""`kentongan store init`: a cluster is made ready, or moved to this version's mappings.

A change of mappings builds the next version's indices beside those in service, copies each document through this
program (so that it has all fields of the new version, and no cluster needs a module for it), follows what is written
meanwhile, and swaps the alias in one step: a reader never sees a gap, nor a flag twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from elasticsearch import Elasticsearch

from pipeline.core.config import StoreSettings
from pipeline.core.errors import StoreUnavailable
from pipeline.core.i18n import _
from pipeline.store.elastic import document, templates
from pipeline.store.elastic.bulk import Write, send
from pipeline.store.elastic.client import connect
from pipeline.store.elastic.document import Writer
from pipeline.store.elastic.failures import explained
from pipeline.store.elastic.lookup import is_there
from pipeline.store.elastic.names import Names

_PAGE = 1_000


@dataclass(slots=True)
class Prepared:
    """What `prepare` did: names of what was made or changed, what the cluster lacks, and the documents that were moved
    from the version that was in service `before`.
    """

    made: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    moved: int = 0
    before: str = ""


def prepare(settings: StoreSettings, writer: Writer, progress: Callable[[int], None] | None = None) -> Prepared:
    """Make the cluster ready for this version; twice is once. Raises ConfigError or StoreUnavailable.

    `progress` is called with how many further documents were moved.
    """
    client, names = connect(settings), Names(settings.prefix)
    try:
        with explained(settings):
            return _prepare(client, settings, names, writer, progress)
    finally:
        client.close()


def _prepare(
    client: Elasticsearch,
    settings: StoreSettings,
    names: Names,
    writer: Writer,
    progress: Callable[[int], None] | None,
) -> Prepared:
    done = Prepared()
    offered = templates.offers_analyser(client)
    if not offered:
        done.left_out.append(_("text.id: this cluster has no analyser for Indonesian (module analysis-common)"))
    found = templates.serving(client, names)
    templates.refuse_newer(found, names)
    behind = found if found != names.version else None
    install = partial(templates.install, client, names, replicas=settings.replicas, analyser=offered)
    done.made += install(alias=behind is None)
    if templates.make_erased(client, names, replicas=settings.replicas):
        done.made.append(names.erased)
    if behind is not None:
        done.before = behind
        where = ", ".join(settings.urls)
        done.moved = Move(client, where, replace(names, version=behind), names, writer, progress).run()
        done.made += install(alias=True)
    done.made += _read_all(client, names)
    return done


@dataclass(slots=True)
class Move:
    """From the indices of one version to those of the next; `seen` is the last sequence number copied of each index."""

    client: Elasticsearch
    where: str
    old: Names
    new: Names
    writer: Writer
    progress: Callable[[int], None] | None = None
    seen: dict[str, int] = field(default_factory=dict)

    def run(self) -> int:
        """Copy all documents, follow the writers until nothing is new, swap; returns how many documents were written.

        A kill leaves the old version in service; the next `store init` begins the copy anew and ends the same.
        """
        count, moved = 0, 1
        while moved:
            moved = sum(map(self.follow, _indices(self.client, self.old)))
            count += moved
        self.client.indices.refresh(index=self.new.indices, ignore_unavailable=True)
        _swap(self.client, self.old, self.new)
        templates.set_serving(self.client, self.new)
        return count

    def follow(self, index: str) -> int:
        """Copy what was written to an index since the last look: it has one shard, so its writes are numbered."""
        self.client.indices.refresh(index=index)
        target = self.new.template + index.removeprefix(self.old.template)
        count = 0
        while page := self._page(index):
            erased = is_there(self.client, self.new.erased, [hit["_id"] for hit in page])
            kept = [hit for hit in page if hit["_id"] not in erased]
            writes = [Write("index", target, hit["_id"], self._remade(hit["_source"])) for hit in kept]
            for answer in send(self.client, writes, self.where):
                if answer.outcome != "done":
                    text = _("{id} cannot be written to {index}: {error}; the old version stays in service")
                    raise StoreUnavailable(text.format(id=answer.write.id, index=target, error=answer.reason))
            self.seen[index] = page[-1]["_seq_no"]
            count += len(writes)
            if self.progress is not None:
                self.progress(len(writes))
        return count

    def _page(self, index: str) -> list[Any]:
        answer = self.client.search(
            index=index,
            query={"range": {"_seq_no": {"gt": self.seen.get(index, -1)}}},
            sort=[{"_seq_no": "asc"}],
            size=_PAGE,
            seq_no_primary_term=True,
            track_total_hits=False,
            allow_partial_search_results=False,
        )
        return list(answer["hits"]["hits"])

    def _remade(self, source: dict[str, Any]) -> document.Document:
        """The document of this version, with the review and the state of the old one."""
        if source.get("gone"):
            return document.stub()
        made = self.writer.document(document.read(source))
        kept = ["review", "stripped"]
        if source.get("stripped"):  # these were worked out from the text, which is no more
            kept += ["rank", "keys"]
        return made | {name: source[name] for name in kept if name in source}


def _indices(client: Elasticsearch, names: Names) -> list[str]:
    return sorted(client.indices.get(index=names.indices, allow_no_indices=True, features="aliases"))


def _swap(client: Elasticsearch, old: Names, new: Names) -> None:
    """One request that the cluster does as a whole: readers see the old indices, then the new ones."""
    gone = [{"remove": {"index": index, "alias": old.alias}} for index in _indices(client, old)]
    come = [_shown(index, new) for index in _indices(client, new)]
    if gone or come:
        client.indices.update_aliases(actions=[*gone, *come])


def _read_all(client: Elasticsearch, names: Names) -> Iterator[str]:
    """Give the alias to the indices of this version that lack it: those made between a swap and its template."""
    found = client.indices.get(index=names.indices, allow_no_indices=True, features="aliases")
    bare = sorted(index for index, about in found.items() if names.alias not in about["aliases"])
    if bare:
        client.indices.update_aliases(actions=[_shown(index, names) for index in bare])
    yield from bare


def _shown(index: str, names: Names) -> dict[str, Any]:
    return {"add": {"index": index, "alias": names.alias, "filter": templates.read_filter()}}
