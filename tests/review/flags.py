"""Flags for tests of the desk, made by hand and put where the desk finds them, and what the audit says of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.core.identity import subject_of
from pipeline.core.types import Flag, Post
from pipeline.ledger.chain import Entry, entries
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


def noted(place: Workplace, action: str, office: str = "00") -> list[Entry]:
    """The audit entries of an action, oldest first."""
    with place.ledger.read() as db:
        return list(entries(db, [office], actions=[action]))
