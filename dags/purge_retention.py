"""Removes everything that is past its time, from the first day on, with the periods of `[retention]`.

**When.** Every day at 03:00 WIB. By hand with `dry_run` it only counts.

**Again?** Yes: what is gone stays gone, what is past its time by now goes. It needs no backfill: the next run takes
all.
"""

from __future__ import annotations

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.sdk import DAG, Param, get_current_context, task


@task(pool=flow.FLAG, retries=6, multiple_outputs=False)  # it waits for all other work to let go of the home
def purge() -> dict[str, int]:
    from pipeline import steps
    from pipeline.train.ageing import purge_datasets

    only_count = get_current_context()["params"]["dry_run"]
    with flow.workplace() as place:
        now = place.clock()
        report = steps.purge(place, now=now, dry_run=only_count)
        return dict(report.counts) | {"dataset_rows": purge_datasets(place, now, dry_run=only_count)}


with DAG(
    "purge_retention",
    schedule=flow.every("0 3 * * *"),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=flow.LIVE_ONLY,
    deadline=alerts.late_after("purge_retention", minutes=180),
    default_args=flow.defaults(),
    params={"dry_run": Param(False, type="boolean", description="count only")},
    doc_md=__doc__,
    tags=["retention"],
):
    purge()
