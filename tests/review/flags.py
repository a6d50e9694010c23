"""Flags for tests of the desk, made by hand and put where the desk finds them, and what the audit says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.core.claims import ClaimReview
from pipeline.core.identity import subject_of
from pipeline.core.types import Flag, Post
from pipeline.ledger import claims
from pipeline.ledger.chain import Entry, entries
from pipeline.ledger.claims import Placed
from pipeline.queueing import enqueue
from pipeline.workplace import Workplace

START = datetime(2026, 11, 23, 3, tzinfo=UTC)  # the day before the clock of the tests


def make_flag(number: int = 0, text: str = "surat suara kurang", **changes: Any) -> Flag:
    """A flag; names of Post fields change the post, those of Flag fields the flag. A higher number is later."""
    moment = START + timedelta(minutes=number)
    post = Post(
        id=f"x~{number:04d}",
        source="contoh",
        office="00",
        kind="post",
        visibility="broadcast",
        platform="x",
        text=text,
        fetched_at=moment,
        published_at=moment,
        published_precision="second",
        partition="2026-11-23/10",
        author_key="kunci-akun",
    )
    of_post = {name: changes.pop(name) for name in list(changes) if name in Post.__dataclass_fields__}
    flag_id = of_post.get("id", post.id)
    return replace(
        Flag(replace(post, **of_post), why=("signal",), fingerprint="a", month="2026.11", cluster=flag_id), **changes
    )


def put_flags(place: Workplace, *flags: Flag, addresses: dict[str, str] | None = None) -> list[str]:
    """Put flags into the index and the queue, as a run does; returns their keys, by which pages name them."""
    place.store.put(flags)
    enqueue(place, flags, addresses or {})
    return [subject_of(flag.id) for flag in flags]


def make_claim(
    claim_id: str = "k0123456789ab", text: str = "TPS di pasar dipindah malam ini", **changes: Any
) -> Placed:
    """A review of a claim, by an independent checker that found it false unless told."""
    values: dict[str, Any] = {
        "key": f"{claim_id}-1", "source": "contoh", "checker": "Pemeriksa Contoh", "checker_kind": "independent",
        "url": f"https://periksa.example/{claim_id}", "claim": text, "rating": "false", "original": "SALAH",
        "title": "[SALAH] TPS dipindah", "reviewed_at": START - timedelta(days=20),
    }  # fmt: skip
    return Placed(claim_id, ClaimReview(**values | changes), "")


def put_claims(place: Workplace, *placed: Placed) -> None:
    """Put reviews of claims into the ledger."""
    with place.ledger.write() as db:
        claims.put(db, placed)


def noted(place: Workplace, action: str, office: str = "00") -> list[Entry]:
    """The audit entries of an action, oldest first."""
    with place.ledger.read() as db:
        return list(entries(db, [office], actions=[action]))
