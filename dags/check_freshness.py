"""Tells which sources fell quiet: what each gave of late, against its own past (docs/freshness.md).

**When.** Every hour at 30 minutes past. One message for each source that is silent, gives only what is old, or much
less than usual; the next one after a day, or once it was heard in between.

**Again?** Yes: it reads and counts. It judges the hour in which it runs, so there is nothing to backfill.
"""

from __future__ import annotations

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.sdk import DAG, task


@task
def look() -> list[str]:
    from pipeline import steps

    with flow.workplace() as place:
        found = steps.check_freshness(place, now=place.clock())
    for source in found.sources:
        alerts.heard(source.source, source.level, source.last, quiet=source.source in found.alarms)
    return list(found.alarms)


with DAG(
    "check_freshness",
    schedule=flow.every("30 * * * *"),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=flow.LIVE_ONLY,
    deadline=alerts.late_after("check_freshness", minutes=60),
    default_args=flow.defaults(),
    doc_md=__doc__,
    tags=["watch"],
):
    look()
