"""The claims that posts are compared with, and which of them share most with a text.

A document is one row of an SQLite file; what is searched lies in arrays that are filled from it when the file is opened
(some 300 bytes a document). What is added gets arrays of its own, which are joined with the others now and then, so
that adding one claim to a million does not touch the million. The ledger is the truth: a lost file is made again.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.core.batches import batched
from pipeline.core.errors import ItemError, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.enrich.claims.likeness import F32, Bag, sums_of
from pipeline.enrich.claims.terms import BUCKETS, KINDS, STEM, Terms, terms_of
from pipeline.text import TEXT_VERSION, NormalisedText, normalise

FORMAT = "1"
FILE = "claims.db"
_SMALLER = 8  # a part that is so many times smaller than the one before it stays apart
_BATCH = 50_000  # documents that become one part when many are added
_NAMES = 1_000  # claims in one statement
_ROWS = 50_000  # documents whose weights are summed at once
_POSTINGS = 250_000
"""Postings that one text may touch: the rarest stems first. At a million claims a common stem has 50,000 of them and
says little; 10,656 claims never come near."""
_SCHEMA = """
create table if not exists document (
  number integer primary key autoincrement, claim text not null, text text not null, days integer,
  standing text not null, terms blob not null);
create index if not exists document_claim on document (claim);
create table if not exists about (name text primary key, value text not null);
"""


@dataclass(frozen=True, slots=True)
class Document:
    """One wording of one claim; `days` since 1970 of its first check, `standing` what its reviews say together."""

    claim: str
    text: str
    days: int | None
    standing: str


@dataclass(frozen=True, slots=True)
class Hit:
    """A document that shares stems with a text; `score` is the cosine of their idf vectors."""

    number: int
    score: float


class ClaimIndex:
    """Documents by the stems that they share with a text. `weights` (4 * BUCKETS,) is the idf of each term."""

    def __init__(self, connection: sqlite3.Connection, weights: F32) -> None:
        self._db = connection
        self._lock = threading.Lock()
        self.weights = weights
        known = dict(self._db.execute("select name, value from about"))
        own = f"{FORMAT}/{TEXT_VERSION}"
        if known.setdefault("made", own) != own:
            raise ItemError(_("the claims index was made by another version of the program"))
        self._db.execute("insert or ignore into about values ('made', ?)", (own,))
        self._db.commit()
        self._rev = int(known.get("rev", 0))
        rows = self._db.execute("select number, standing, terms from document order by number")
        self._parts = [_Part.of(rows, weights)]

    @classmethod
    def open(cls, folder: Path, weights: F32) -> ClaimIndex:
        """The index of a folder, made if it is missing; raises ItemError if it is damaged or of another version."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            connection = sqlite3.connect(folder / FILE, check_same_thread=False, timeout=30)
            connection.executescript(_SCHEMA)
            return cls(connection, weights)
        except (sqlite3.Error, ValueError) as error:
            raise ItemError(_("the claims index in {folder} is damaged").format(folder=folder)) from error

    @classmethod
    def in_memory(cls, documents: Iterable[Document], weights: F32) -> ClaimIndex:
        """An index of these documents that nothing keeps."""
        connection = sqlite3.connect(":memory:", check_same_thread=False)
        connection.executescript(_SCHEMA)
        index = cls(connection, weights)
        index.add(documents)
        return index

    @property
    def rev(self) -> int:
        """Up to which change of the ledger this index has come."""
        return self._rev

    def __len__(self) -> int:
        return sum(int(part.alive.sum()) for part in self._parts)

    def add(self, documents: Iterable[Document], *, rev: int = 0) -> None:
        """Add documents and note the ledger's `rev`, in one transaction."""
        with self._writing():
            for batch in batched(documents, _BATCH):
                self._parts.append(_Part.of(self._stored(batch), self.weights))
                self._join()
            if rev:
                self._db.execute("insert or replace into about values ('rev', ?)", (str(rev),))
                self._rev = rev

    def _stored(self, batch: Iterable[Document]) -> Iterator[tuple[int, str, bytes]]:
        for document in batch:
            terms = terms_of(normalise(document.text)).all.astype("<i4").tobytes()
            row = (document.claim, document.text, document.days, document.standing, terms)
            made = self._db.execute("insert into document (claim, text, days, standing, terms) values (?,?,?,?,?)", row)
            yield int(made.lastrowid or 0), document.standing, terms

    def remove(self, claims: Iterable[str]) -> None:
        """Take out all documents of these claims."""
        with self._writing():
            for batch in batched(claims, _NAMES):
                found = self._db.execute(
                    f"delete from document where claim in ({','.join('?' * len(batch))}) returning number",  # noqa: S608 - marks only
                    list(batch),
                )
                numbers = np.array([row[0] for row in found], dtype=np.int64)
                for part in self._parts:
                    part.alive[np.isin(part.numbers, numbers)] = False

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction of one thread; raises StoreUnavailable where the disk is full or the file is locked."""
        try:
            with self._lock, self._db:
                yield
        except sqlite3.Error as error:
            raise StoreUnavailable(_("the claims index cannot be written: {error}").format(error=error)) from error

    def document(self, number: int) -> Document:
        """The document of a hit; raises ItemError if another process took it out since."""
        with self._lock:
            row = self._db.execute(
                "select claim, text, days, standing from document where number = ?", (number,)
            ).fetchone()
        if row is None:
            raise ItemError(_("claim document {number} is gone").format(number=number))
        return Document(*row)

    def search(self, texts: Sequence[NormalisedText], k: int) -> list[list[Hit]]:
        """For each text the k documents that share most with it, best first."""
        found = []
        for text in texts:
            numbers, cosines, _ids, _owner, _sums = self.near(terms_of(text), k)
            order = np.argsort(-cosines, kind="stable")[:k]
            found.append([Hit(int(numbers[at]), float(cosines[at])) for at in order])
        return found

    def near(self, terms: Terms, k: int, *, least: float = 0.0, debunked: bool = False) -> _Near:
        """The documents nearest to a text (k a part at most) above a cosine of `least`, with their terms and sums."""
        weight = self.weights[terms.stem]
        norm = float(np.sqrt((weight * weight).sum())) or 1.0
        found = [part.near(terms.stem, weight, norm, k, least, debunked) for part in self._parts]
        if len(found) == 1:
            return found[0]
        counts = np.cumsum([0, *(len(each[0]) for each in found)])
        return (
            np.concatenate([each[0] for each in found]),
            np.concatenate([each[1] for each in found]),
            np.concatenate([each[2] for each in found]),
            np.concatenate([each[3] + first for each, first in zip(found, counts[:-1], strict=True)]),
            np.concatenate([each[4] for each in found]),
        )

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _join(self) -> None:
        """Join the newest parts while the last is not much smaller: each document is joined a few times at most."""
        while len(self._parts) > 1 and len(self._parts[-1]) * _SMALLER >= len(self._parts[-2]):
            last = self._parts.pop()
            self._parts[-1] = self._parts[-1].joined(last, self.weights)


_Near = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int32], NDArray[np.int64], NDArray[np.float64]]


class _Part:
    """Some documents in arrays: their terms, the sums of their weights, and the documents of each stem."""

    def __init__(self, numbers: NDArray[np.int64], debunked: NDArray[np.bool_], bag: Bag, weights: F32) -> None:
        self.numbers, self.debunked, self.bag = numbers, debunked, bag
        self.alive = np.ones(len(numbers), dtype=bool)
        self.sums = np.zeros((len(bag), len(KINDS), 2), dtype=np.float32)
        postings, owners = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
        for first in range(0, len(bag), _ROWS):  # in slices: the arrays between are twelve times what stays
            rows = np.arange(first, min(first + _ROWS, len(bag)))
            ids, owner = bag.pick(rows)
            self.sums[rows] = sums_of(ids, owner, len(rows), weights)
            stems = ids // BUCKETS == STEM
            postings.append(ids[stems])
            owners.append((owner[stems] + first).astype(np.int32))
        ids, owner = np.concatenate(postings), np.concatenate(owners)
        order = np.argsort(ids, kind="stable")
        self.norm = np.sqrt(self.sums[:, STEM, 1]) + 1e-9
        self.postings = owner[order]
        self.stems, starts = np.unique(ids[order], return_index=True)
        self.first = np.append(starts, len(order)).astype(np.int64)
        self._score = np.zeros(len(bag), dtype=np.float32)

    def __len__(self) -> int:
        return len(self.numbers)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, bytes]], weights: F32) -> _Part:
        numbers, debunked, lengths, terms = [], [], [], []
        for number, standing, own in rows:
            numbers.append(number)
            debunked.append(standing == "debunked")
            lengths.append(len(own) // 4)
            terms.append(own)
        ids = np.frombuffer(b"".join(terms), dtype="<i4").astype(np.int32)
        if len(ids) and not 0 <= ids.min() <= ids.max() < len(weights):
            raise ValueError("terms out of range")
        bag = Bag(ids, np.array(lengths, dtype=np.int64))
        return cls(np.array(numbers, dtype=np.int64), np.array(debunked, dtype=bool), bag, weights)

    def joined(self, other: _Part, weights: F32) -> _Part:
        """Both in one, without what was removed."""
        parts = (self, other)
        bags = [part.bag.pick(np.flatnonzero(part.alive))[0] for part in parts]
        lengths = [part.bag.lengths[part.alive] for part in parts]
        numbers = np.concatenate([part.numbers[part.alive] for part in parts])
        debunked = np.concatenate([part.debunked[part.alive] for part in parts])
        return _Part(numbers, debunked, Bag(np.concatenate(bags), np.concatenate(lengths)), weights)

    def near(self, stems: NDArray[np.int32], weight: Any, norm: float, k: int, least: float, debunked: bool) -> _Near:
        at = np.searchsorted(self.stems, stems)
        at[at == len(self.stems)] = 0
        has = self.stems[at] == stems if len(self.stems) else np.zeros(len(stems), bool)
        at, weight = at[has], weight[has]
        first, lengths = self.first[at], self.first[at + 1] - self.first[at]
        if lengths.sum() > _POSTINGS:
            rare = np.argsort(lengths, kind="stable")
            kept = rare[: max(1, int(np.searchsorted(np.cumsum(lengths[rare]), _POSTINGS)))]
            first, lengths, weight = first[kept], lengths[kept], weight[kept]
        before = np.cumsum(lengths) - lengths
        owner = np.repeat(np.arange(len(lengths)), lengths)
        rows = self.postings[np.arange(len(owner)) - before[owner] + first[owner]]
        np.add.at(self._score, rows, (weight * weight)[owner])
        found = self._score[rows] / (self.norm[rows] * norm)
        self._score[rows] = 0.0
        keep = found > least
        touched, at = np.unique(rows[keep], return_index=True)
        found = found[keep][at].astype(np.float64)
        keep = self.alive[touched] & (self.debunked[touched] if debunked else True)
        touched, found = touched[keep], found[keep]
        if len(found) > k:
            best = np.argpartition(-found, k)[:k]
            touched, found = touched[best], found[best]
        ids, owners = self.bag.pick(touched.astype(np.int64))
        return self.numbers[touched], found.astype(np.float64), ids, owners, self.sums[touched].astype(np.float64)
