"""The append-only chain of an office: each entry's hash covers the one before it, so that no change goes unseen.

    digest = sha256(salt || payload)     the payload (notes, ids, search words) can be erased: the chain stays whole
    hash   = sha256(prev_hash || body || digest)

The first entry's `prev_hash` is the hash of the office's name. Haber and Stornetta 1991, "How to time-stamp a digital
document"; the salt keeps an erased payload from being guessed.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from pipeline.core.i18n import _
from pipeline.ledger.schema import entry, head, verdict

_PAGE = 1_000  # entries in memory at a time


@dataclass(frozen=True, slots=True)
class Entry:
    """One link: who did what, when; `payload` is None once it was erased (or there was none)."""

    seq: int
    office: str
    number: int
    kind: str
    action: str
    at: datetime
    actor: str
    subject: str
    details: Mapping[str, Any]
    payload: Mapping[str, Any] | None
    hash: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a chain is broken, and how."""

    office: str
    number: int
    says: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a walk along all chains found; `heads` maps an office to the number and hash of its last entry."""

    entries: int
    heads: Mapping[str, tuple[int, str]]
    problems: tuple[Problem, ...]


def genesis(office: str) -> str:
    """The `prev_hash` of an office's first entry."""
    return sha256(f"kentongan ledger {office}".encode()).hexdigest()


def queue_up(db: Connection, office: str) -> tuple[int, str]:
    """Wait for one's turn at the office's head until the transaction ends; returns the last link's number and hash.

    Whoever changes items and then appends calls this first: with one order for all, nobody waits crosswise.
    """
    new = postgresql.insert(head) if db.dialect.name == "postgresql" else sqlite.insert(head)
    db.execute(new.values(office=office, number=0, hash=genesis(office)).on_conflict_do_nothing())
    last = db.execute(select(head).where(head.c.office == office).with_for_update()).one()
    return last.number, last.hash


def append(
    db: Connection,
    *,
    office: str,
    kind: str,
    action: str,
    at: datetime,
    actor: str,
    subject: str = "",
    details: Mapping[str, Any] | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Entry:
    """Add a link inside a write transaction; writers of one office wait for each other at its head."""
    number, prev = queue_up(db, office)
    number += 1
    moment = int(at.timestamp())
    body = _canonical(
        {
            "office": office,
            "number": number,
            "kind": kind,
            "action": action,
            "at": moment,
            "actor": actor,
            "subject": subject,
            "details": dict(details or {}),
        }
    )
    salt = secrets.token_bytes(16) if payload is not None else None
    text = _canonical(payload) if payload is not None else None
    digest = _digest(salt, text)
    link = _hash(prev, body, digest)
    values = {"kind": kind, "action": action, "at": moment, "actor": actor, "subject": subject, "body": body}
    made = db.execute(
        insert(entry).values(
            **values,
            office=office,
            number=number,
            payload_digest=digest,
            salt=salt,
            payload=text,
            prev_hash=prev,
            hash=link,
        )
    )
    db.execute(update(head).where(head.c.office == office).values(number=number, hash=link))
    seq = int(made.inserted_primary_key[0])  # type: ignore[index]
    return Entry(seq, office, number, kind, action, at, actor, subject, dict(details or {}), payload, link)


def entries(
    db: Connection,
    offices: Sequence[str] | None = None,
    *,
    after: int = 0,
    before: int | None = None,
    actions: Sequence[str] = (),
    newest: bool = False,
    limit: int | None = None,
) -> Iterator[Entry]:
    """Yield links in order (or newest first), of some offices and actions, between two sequence numbers."""
    query = select(entry).where(entry.c.seq > after)
    if before is not None:
        query = query.where(entry.c.seq < before)
    if offices is not None:
        query = query.where(entry.c.office.in_(list(offices)))
    if actions:
        query = query.where(entry.c.action.in_(list(actions)))
    query = query.order_by(entry.c.seq.desc() if newest else entry.c.seq)
    for row in db.execute(query.limit(limit) if limit else query).yield_per(_PAGE):
        yield entry_of(row)


def entry_of(row: Row[Any]) -> Entry:
    """The link of a database row; of one that was tampered with what can be read, so that the trail can be shown."""
    _body, details = _read(row.body)
    payload = _read(row.payload)[0] if row.payload is not None else None
    at = datetime.fromtimestamp(row.at, UTC)
    who = (row.kind, row.action, at, row.actor, row.subject)
    return Entry(row.seq, row.office, row.number, *who, details, payload, row.hash)


def export_rows(db: Connection, offices: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield all links of these offices with what is needed to verify them elsewhere, without payloads."""
    query = select(entry).where(entry.c.office.in_(list(offices))).order_by(entry.c.office, entry.c.number)
    for row in db.execute(query).yield_per(_PAGE):
        links = {"payload_digest": row.payload_digest, "prev_hash": row.prev_hash, "hash": row.hash}
        yield {"body": row.body} | links


def erase_payloads(db: Connection, subject: str) -> list[int]:
    """Null the payloads and salts of all entries about a post; returns their sequence numbers (for the tombstone)."""
    rows = db.execute(
        select(entry.c.seq).where(entry.c.subject == subject, entry.c.payload.is_not(None)).order_by(entry.c.seq)
    )
    found = [int(row.seq) for row in rows]
    db.execute(update(entry).where(entry.c.seq.in_(found)).values(payload=None, salt=None))
    return found


def verify(db: Connection, known_heads: Sequence[str] = ()) -> Verified:
    """Walk along all chains; `known_heads` are hashes noted earlier that must still stand in one of them."""
    walks: dict[str, _Walk] = {}
    waiting = set(known_heads)
    count = 0
    for row in db.execute(select(entry).order_by(entry.c.office, entry.c.number)).yield_per(_PAGE):
        walks.setdefault(row.office, _Walk(row.office)).step(row)
        waiting.discard(row.hash)
        count += 1
    tombstones = {named for walk in walks.values() for named in walk.tombstones}  # an erasure reaches every office
    problems = [problem for walk in walks.values() for problem in walk.finish(tombstones)]
    problems += _heads(db, walks) + _verdicts(db)
    problems += [
        Problem("", 0, _("no entry has the hash {hash} that was noted").format(hash=noted)) for noted in sorted(waiting)
    ]
    heads = {office: (walk.number, walk.hash) for office, walk in walks.items()}
    return Verified(count, heads, tuple(problems))


def verify_tail(db: Connection, links: int = 1_000) -> tuple[Problem, ...]:
    """Walk along the newest links of each office: quick enough for every hour; `verify` walks along all."""
    problems: list[Problem] = []
    walks: dict[str, _Walk] = {}
    for last in db.execute(select(head).order_by(head.c.office)).all():
        newest = select(entry).where(entry.c.office == last.office, entry.c.number > last.number - links)
        walk = walks[last.office] = _Walk(last.office)
        for row in db.execute(newest.order_by(entry.c.number)).all():
            if not walk.number and row.number > 1:
                walk.number, walk.hash = row.number - 1, row.prev_hash
            walk.step(row)
        problems += walk.finish(None)
    return (*problems, *_heads(db, walks))


class _Walk:
    """One office's chain, link after link."""

    def __init__(self, office: str) -> None:
        self.office, self.number, self.hash = office, 0, genesis(office)
        self.tombstones: set[tuple[str, int]] = set()  # (subject, sequence number) of payloads that were erased
        self._seq = 0
        self._problems: list[Problem] = []
        self._without_payload: dict[tuple[str, int], int] = {}

    def step(self, row: Row[Any]) -> None:
        """Check the next row."""
        if row.number > self.number + 1:
            self._say(
                row.number,
                _("entries {first} to {last} are missing").format(first=self.number + 1, last=row.number - 1),
            )
        elif row.number != self.number + 1 or row.prev_hash != self.hash or row.seq <= self._seq:
            self._say(row.number, _("it does not follow the entry before it"))
        body, details = _read(row.body)
        columns = (row.office, row.number, row.kind, row.action, row.at, row.actor, row.subject)
        names = ("office", "number", "kind", "action", "at", "actor", "subject")
        if row.hash != _hash(row.prev_hash, row.body, row.payload_digest) or columns != tuple(map(body.get, names)):
            self._say(row.number, _("it was changed"))
        self._check_payload(row)
        if row.action == "erase":
            self.tombstones.update((row.subject, seq) for seq in details.get("entries", []))
        self.number, self.hash, self._seq = row.number, row.hash, row.seq

    def _check_payload(self, row: Row[Any]) -> None:
        if row.payload is not None:
            if _digest(row.salt, row.payload) != row.payload_digest:
                self._say(row.number, _("its payload was changed"))
        elif row.payload_digest:
            self._without_payload[row.subject, row.seq] = row.number

    def finish(self, tombstones: Set[tuple[str, int]] | None) -> list[Problem]:
        """The problems, with payloads that are gone though no erasure names them (None: erasures are not known)."""
        for named, number in self._without_payload.items():
            if tombstones is not None and named not in tombstones:
                self._say(number, _("its payload is gone, and no erasure says so"))
        return self._problems

    def _say(self, number: int, says: str) -> None:
        self._problems.append(Problem(self.office, number, says))


def _heads(db: Connection, walks: Mapping[str, _Walk]) -> list[Problem]:
    """The newest entries could be dropped without a gap: the heads tell."""
    problems = []
    kept = {row.office: (row.number, row.hash) for row in db.execute(select(head))}
    for office in sorted({*kept, *walks}):
        walk = walks.get(office) or _Walk(office)
        if kept.get(office) != (walk.number, walk.hash):
            number = kept[office][0] if office in kept else 0
            problems.append(Problem(office, number, _("the chain does not end where it should")))
    return problems


def _verdicts(db: Connection) -> list[Problem]:
    """The quick table of verdicts must say what the chain says."""
    chained = db.execute(select(func.count()).where(entry.c.kind == "verdict")).scalar_one()
    problems = []
    joined = select(verdict, entry.c.body, entry.c.number, entry.c.hash.label("link")).outerjoin(entry)
    count = 0
    for row in db.execute(joined).yield_per(_PAGE):
        body, details = _read(row.body or "")
        said = (
            *map(body.get, ("office", "subject", "actor", "at")),
            *map(details.get, ("supersedes", "status")),
            "criticism" in details.get("reasons", ()),
        )
        kept = (row.office, row.subject, row.reviewer, row.at, row.supersedes, row.status, row.criticism)
        count += 1
        if row.id != row.link or said != kept:
            problems.append(Problem(row.office, row.number or 0, _("the table of verdicts says something else")))
    if count != chained:
        says = _("the table of verdicts has {count} rows, the chain {chained}").format(count=count, chained=chained)
        problems.append(Problem("", 0, says))
    return problems


def _read(body: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """An entry's body and the details in it; empty where somebody wrote something else into them."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}, {}
    value = value if isinstance(value, dict) else {}
    details = value.get("details")
    return value, details if isinstance(details, dict) else {}


def _canonical(value: Mapping[str, Any] | None) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _digest(salt: bytes | None, payload: str | None) -> str:
    return "" if payload is None else sha256((salt or b"") + payload.encode()).hexdigest()


def _hash(prev: str, body: str, digest: str) -> str:
    return sha256(f"{prev}\n{body}\n{digest}".encode()).hexdigest()
