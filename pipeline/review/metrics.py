"""/metrik, for Prometheus: how the program fares, in counts; behind a token, and without a token there is no such page.

A token and not "only from this machine": behind the TLS proxy everybody comes from this machine.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

from prometheus_client import generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, Response

from pipeline import freshness
from pipeline.core.clock import partition_of, partition_start
from pipeline.core.config import Review
from pipeline.core.errors import ConfigError, LedgerUnavailable, StoreUnavailable
from pipeline.core.i18n import _
from pipeline.core.types import Status
from pipeline.drift import last_report
from pipeline.landing.quarantine import read_quarantine
from pipeline.landing.raw import partitions
from pipeline.ledger.totals import Totals, totals
from pipeline.purging import last_purge
from pipeline.review.guard import METRICS, Visit, page
from pipeline.workplace import Workplace

TOKEN = "KENTONGAN_METRICS_TOKEN"  # noqa: S105 - the name of a variable of the environment
_SHORTEST = 16  # characters
_STATUSES = tuple(status for status in get_args(Status) if status not in ("claimed", "erased"))  # of a row of the queue


def metrics_token(review: Review, environ: Mapping[str, str] | None = None) -> str:
    """The token that opens the page, from the file or the environment; empty if there is none.

    Raises ConfigError for a file that cannot be read and for a token that could be guessed.
    """
    token, where = (os.environ if environ is None else environ).get(TOKEN, "").strip(), TOKEN
    if review.metrics_token_file:
        where = f"review.metrics_token_file {review.metrics_token_file}"
        try:
            token = Path(review.metrics_token_file).expanduser().read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(_("{where} cannot be read; it holds the token, in ASCII").format(where=where)) from error
        if not token:
            raise ConfigError(_("{where} is empty; write the token into it").format(where=where))
    if token and (len(token) < _SHORTEST or not token.isascii()):
        text = _("{where}: the token needs {least} ASCII characters at least; make one with: openssl rand -hex 24")
        raise ConfigError(text.format(where=where, least=_SHORTEST))
    return token


@page(METRICS, None)
def metrics(visit: Visit) -> Response:
    """The counts in Prometheus's text form."""
    state = visit.request.app.state
    if not state.metrics_token:
        raise HTTPException(404)
    if not _bears(visit.request.headers.get("authorization", ""), state.metrics_token):
        return PlainTextResponse("", 401, {"WWW-Authenticate": "Bearer"})
    return Response(generate_latest(state.traffic.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _bears(header: str, token: str) -> bool:
    """Whether the header holds the token, compared in constant time."""
    kind, _blank, given = header.partition(" ")
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return same and kind.lower() == "bearer"


class State:
    """What stands in ledger, index and home, counted anew each time that the page is asked for."""

    def __init__(self, place: Workplace) -> None:
        self._place = place

    def collect(self) -> Iterable[Metric]:
        """The counts; of a ledger or index that is away, that it is away."""
        place, now = self._place, self._place.clock()
        try:
            with place.ledger.read() as db:
                found: Totals | None = totals(db)
        except (LedgerUnavailable, ConfigError):
            found = None
        yield _gauge("kentongan_ledger_up", "Whether the ledger can be read", found is not None)
        yield _gauge("kentongan_index_up", "Whether the search index can be read", _index_up(place))
        if found is not None:
            yield from _of_ledger(found, now)
        since = partition_of(now - timedelta(days=1), place.settings.office.zone)
        quarantined = sum(1 for _item in read_quarantine(place.home.quarantine, since))
        yield _gauge("kentongan_quarantined_last_day", "Items of the last 24 hours that were of no use", quarantined)
        yield _silence(place, now)
        yield from _freshness(place, now)
        yield from _drift(place, now)
        yield from _purge(place, now)


def _of_ledger(found: Totals, now: datetime) -> Iterator[Metric]:
    flags = GaugeMetricFamily("kentongan_flags", "Flags in the queue by status, without samples", labels=("status",))
    given = CounterMetricFamily("kentongan_verdicts", "Verdicts by the status they led to", labels=("status",))
    for status in _STATUSES:
        flags.add_metric((status,), found.flags.get(status, 0))
        given.add_metric((status,), found.verdicts.get(status, 0))
    yield flags
    yield given
    waits = (now - found.oldest).total_seconds() if found.oldest else 0
    yield _gauge("kentongan_oldest_waiting_seconds", "How long the oldest flag waits for review", max(0, waits))
    behind = "Statuses that the search index does not know yet"
    yield _gauge("kentongan_index_behind", behind, found.unmirrored)
    yield CounterMetricFamily("kentongan_sign_in_failures", "Sign-ins that failed", value=found.failed_sign_ins)
    yield CounterMetricFamily("kentongan_ledger_entries", "Entries in the ledger's chains", value=found.entries)


def _silence(place: Workplace, now: datetime) -> Metric:
    """Since when each configured source landed nothing; a source that never did has no line."""
    says = "Seconds since the hour in which the source last landed something"
    silence = GaugeMetricFamily("kentongan_source_silence_seconds", says, labels=("source",))
    for name in place.settings.sources:
        last = max(partitions(place.home.landing, source=name), default="")
        if last:
            age = now - partition_start(last, place.settings.office.zone)
            silence.add_metric((name,), max(0, age.total_seconds()))
    return silence


def _freshness(place: Workplace, now: datetime) -> Iterator[Metric]:
    """What `kentongan freshness` found last; nothing if it never looked."""
    found = freshness.last_report(place)
    if found is not None:
        yield _gauge("kentongan_quiet_sources", "Sources that fell quiet, in the last report", len(found["alarms"]))
        age = (now - datetime.fromisoformat(found["made_at"])).total_seconds()
        yield _gauge("kentongan_freshness_report_age_seconds", "How old the last freshness report is", max(0, age))


def _purge(place: Workplace, now: datetime) -> Iterator[Metric]:
    """How long ago a purge succeeded, or, if none did yet, since when the home is known."""
    known = last_purge(place)
    if known is not None:
        age = (now - known.moment).total_seconds()
        yield _gauge("kentongan_purge_age_seconds", "How long ago a purge last succeeded", max(0, age))


def _drift(place: Workplace, now: datetime) -> Iterator[Metric]:
    """What `kentongan drift` found last; nothing if it never looked."""
    found = last_report(place)
    if found is not None:
        yield _gauge("kentongan_drift_alarms", "Drift alarms of the last report", len(found["alarms"]))
        age = (now - datetime.fromisoformat(found["made_at"])).total_seconds()
        yield _gauge("kentongan_drift_report_age_seconds", "How old the last drift report is", max(0, age))


def _index_up(place: Workplace) -> bool:
    try:
        place.store.get("-")
    except (StoreUnavailable, ConfigError):
        return False
    return True


def _gauge(name: str, says: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, value=float(value))
