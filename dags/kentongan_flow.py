"""What the DAGs share: assets, defaults, when to try again, and a workplace for a task's body.

A file of this folder is parsed every 30 seconds: it imports airflow.sdk and pipeline.core.config, and all else inside
task bodies.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import kentongan_alerts as alerts
from airflow.sdk import Asset, CronTriggerTimetable, ExceptionRetryPolicy, Param, RetryAction, RetryDecision, RetryRule
from airflow.sdk.exceptions import AirflowRescheduleException

from pipeline.core.config import load_settings
from pipeline.core.errors import ConfigError, Conflict, Failed, Forbidden, ItemError, ModelError, TransientError

if TYPE_CHECKING:
    from pipeline.core.config import SourceSettings
    from pipeline.workplace import Workplace

ZONE = "Asia/Jakarta"
OWNER = "kesbangpol"

# An event carries the key of one partition, as in 2026-11-21/05; never a post.
LANDED = Asset("posts_landed", uri="kentongan://landing")
FLAGGED = Asset("posts_flagged", uri="kentongan://derived")
CLAIMS = Asset("claims_known", uri="kentongan://ledger/claims")
MODEL = Asset("model_in_service", uri="kentongan://models")

# Pools (deploy/airflow/pools.json). One flagging and one indexing at a time: each holds a lock of the home.
FLAG, INDEX, FACT_CHECKS = "flag", "index", "claims"

CONNECTORS = {  # minute of the hour at which each begins, so that they do not all ask at once
    "feed": 2,
    "export": 4,
    "form": 6,
    "inbox": 8,
}

# An hourly run that is late waits for the next; a live fetch has no past, so nobody may backfill one.
LIVE_ONLY = ("scheduled", "manual")

_BUSY = timedelta(minutes=1)
_DAYS_TAKEN_ALONG = 4  # a long weekend
_ENDED = ("success", "failed", "skipped", "removed", "upstream_failed")
_LONGEST = timedelta(hours=1)  # what a site asks us to wait beyond this is the next hour's run


class Retries(ExceptionRetryPolicy):
    """What cannot get better fails at once; a rate limit waits as long as the other side asked (`Retry-After`)."""

    def __init__(self) -> None:
        super().__init__(
            [
                RetryRule([ConfigError, Forbidden, ItemError], RetryAction.FAIL, reason="trying again cannot help"),
                RetryRule(ModelError, RetryAction.FAIL, reason="the model must be mended first"),
                RetryRule(Conflict, RetryAction.RETRY, _BUSY, "another run is at work"),
                RetryRule(TransientError, RetryAction.RETRY, reason="may be better later"),
            ]
        )

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """The rules, and two things that they cannot say: refused by rule, and how long to wait."""
        from pipeline.sources.guard import Refused

        if isinstance(exception, Refused):  # a bad token, robots.txt, a closed address: the same in five minutes
            return RetryDecision.fail("refused; asking again soon gives the same")
        asked = exception.retry_after if isinstance(exception, TransientError) else None
        if asked and asked > _LONGEST.total_seconds():
            return RetryDecision.fail("asked to wait for longer than until the next run")
        if asked:
            return RetryDecision.retry(timedelta(seconds=asked), "asked to wait")
        return super().evaluate(exception, try_number, max_tries, context)


def defaults(**other: Any) -> dict[str, Any]:
    """What every task of the schedule has."""
    return {
        "owner": OWNER,
        "retries": 3,
        "retry_delay": timedelta(minutes=2),
        "retry_exponential_backoff": 2.0,
        "max_retry_delay": timedelta(minutes=20),
        "execution_timeout": timedelta(hours=6),  # what hangs must not keep its place in a pool for ever
        "retry_policy": Retries(),
        "on_failure_callback": [alerts.failed],
        "on_success_callback": [alerts.well],
        **other,
    }


def every(cron: str) -> CronTriggerTimetable:
    """A time of day in WIB. A new DAG begins with the next slot, not with one it missed: else, off pause before 05:24,
    it would purge for 03:00 (False means a tenth of the time between two slots).
    """
    return CronTriggerTimetable(cron, timezone=ZONE, run_immediately=timedelta(0))


def zone() -> ZoneInfo:
    """WIB."""
    return ZoneInfo(ZONE)


def which_partitions() -> dict[str, Param]:
    """What a person may say who starts a run by hand: one partition, or days from which to do all again."""
    day = {"type": "string", "pattern": r"^(\d{4}-\d{2}-\d{2})?$"}
    return {
        "partition": Param("", type="string", pattern=r"^(\d{4}-\d{2}-\d{2}/\d{2})?$", description="2026-11-21/05"),
        "since": Param("", **day, description="first day, as 2026-11-14"),
        "until": Param("", **day, description="last day, as 2026-11-20; empty: up to now"),
    }


@contextmanager
def workplace() -> Iterator[Workplace]:
    """The workplace of the settings in force, its home made; closed at the end of the task."""
    from pipeline.core.i18n import set_language
    from pipeline.workplace import Workplace

    settings, _origins = load_settings()
    set_language(settings.office.language)
    place = Workplace(settings, actor="airflow")
    place.home.make()
    try:
        yield place
    finally:
        place.close()


def configured_connectors() -> list[str]:
    """The kinds of sources that the settings name, and the inbox."""
    kinds = {source.kind for source in load_settings()[0].sources.values()}
    return [connector for connector in CONNECTORS if connector in kinds or connector == "inbox"]


def sources_of(place: Workplace, connector: str) -> dict[str, SourceSettings]:
    """The sources of a connector, as they stand in the settings or wait in the inbox now."""
    if connector == "inbox":
        return place.inbox_sources()
    return {name: source for name, source in place.settings.sources.items() if source.kind == connector}


def chosen(context: Any, here: Sequence[str], new: Sequence[str]) -> list[str]:
    """The partitions of a run, in order: its event's, else what a person named, else the `new` ones of `here`.

    With that of an event go the `new` ones of the days before it: those that failed for good, as when the store was
    away for longer than a task tries. So the next event mends what an outage left. One that can never be done is left
    to people after `_DAYS_TAKEN_ALONG`, for each run waits a quarter of an hour for it.
    """
    from pipeline.core.clock import check_partition, days_before

    params = context["params"]
    if params["partition"]:
        return [check_partition(params["partition"])]
    if event := context.get("partition_key"):
        first = days_before(check_partition(event), _DAYS_TAKEN_ALONG)
        return [each for each in here if each == event or (each in set(new) and first <= each < event)]
    if not (params["since"] or params["until"]):
        return [each for each in here if each in set(new)]
    last = params["until"] or "9999"
    return [each for each in here if params["since"] <= each and each[:10] <= last]


def wait_for_earlier(context: Any) -> None:
    """Come again in a minute while an earlier partition of this run waits for its next try: near copies are sought in
    what was flagged before, so the order counts. One that failed for good holds nobody up. It takes none of the tries.
    """
    ti = context["ti"]
    states = ti.get_task_states(dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id]).get(ti.run_id, {})
    if any(states.get(f"{ti.task_id}_{before}") not in _ENDED for before in range(ti.map_index)):
        raise AirflowRescheduleException(datetime.now(UTC) + _BUSY)


def raise_first(failed: Sequence[Failed]) -> None:
    """Make a step's failure the task's; the class says whether it is tried again."""
    for failure in failed:
        raise failure.error
