"""Reads a landed partition whole, folds copies, scores, finds regions, topics and claims, and decides.

**When.** As soon as one of the `ingest_...` DAGs says that a partition has something new. Earlier ones that an outage
left undone are tried again with it.

**Again?** Yes: a partition twice gives the same flags. By hand: `partition` (2026-11-21/05) does that one, `since` and
`until` (days) all between them in order, nothing at all what was never flagged. That is also the backfill of a week. A
partition whose raw items retention took is left as it was flagged.
"""

from __future__ import annotations

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.sdk import DAG, PartitionedAssetTimetable, get_current_context, task


@task
def partitions() -> list[str]:
    from pipeline import steps

    with flow.workplace() as place:
        here = [each for each in steps.landed(place) if not steps.was_purged(place, each)]
        return flow.chosen(get_current_context(), here, steps.unflagged(place))


@task(pool=flow.FLAG, outlets=[flow.FLAGGED], map_index_template="{{ partition }}", max_active_tis_per_dagrun=1)
def flag(partition: str, outlet_events=None) -> None:
    from pipeline import steps

    get_current_context()["partition"] = partition
    flow.wait_for_earlier(get_current_context())
    with flow.workplace() as place:
        steps.flag(place, partition, now=place.clock())
    outlet_events[flow.FLAGGED].add_partitions(partition)


with DAG(
    "flag_posts",
    schedule=PartitionedAssetTimetable(assets=flow.LANDED),
    catchup=False,
    max_active_runs=1,
    deadline=alerts.late_after("flag_posts", minutes=60),
    default_args=flow.defaults(),
    params=flow.which_partitions(),
    doc_md=__doc__,
    tags=["flag"],
):
    flag.expand(partition=partitions())
