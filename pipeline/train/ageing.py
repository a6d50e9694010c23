"""Datasets that stand: a decision goes from them when it is too old to be built into one again (DOMAIN 4.6)."""

from __future__ import annotations

from datetime import datetime

from pipeline.core.identity import subject_of
from pipeline.ledger import verdicts
from pipeline.train.stored import datasets_folder, expire, list_datasets
from pipeline.train.verdict_rows import histories, oldest_taught, standing
from pipeline.workplace import Workplace


def purge_datasets(place: Workplace, now: datetime, *, dry_run: bool) -> int:
    """Take decisions older than `dataset.max_months` out of all datasets of the office; returns how many rows went.

    Rows of labelled files stay: nobody here was their source, and their licence says how long they may be kept.
    """
    datasets = datasets_folder(place.home.root)
    return expire(datasets, _past(place, now), dry_run=dry_run) if list_datasets(datasets) else 0


def _past(place: Workplace, now: datetime) -> frozenset[str]:
    """Subjects of flags whose decision is too old; of one that was taken back, the last word on it."""
    oldest = oldest_taught(now, place.settings.dataset.max_months)
    with place.ledger.read() as db:
        found = histories(verdict for _seq, verdict in verdicts.since(db))
    known = (standing(history)[0] or history[-1] for history in found)
    return frozenset(subject_of(verdict.flag_id) for verdict in known if verdict.flag_id and verdict.at < oldest)
