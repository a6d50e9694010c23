"""Brings a partition's flags into the search index and the reviewers' queue; what is past its time stays out.

**When.** As soon as `flag_posts` or `match_claims` has changed a partition. Earlier ones that an outage left undone are
tried again with it.

**Again?** Yes: it puts by id, and takes out what no rule flags any more. By hand: `partition` does that one, `since`
and `until` (days) all between them, nothing at all what was never indexed. A decision of a person always stays.
"""

from __future__ import annotations

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.sdk import DAG, PartitionedAssetTimetable, get_current_context, task


@task
def partitions() -> list[str]:
    from pipeline.landing.derived import derived_partitions, unindexed_partitions

    with flow.workplace() as place:
        derived = place.home.derived
        return flow.chosen(get_current_context(), derived_partitions(derived), unindexed_partitions(derived))


@task(pool=flow.INDEX, map_index_template="{{ partition }}", max_active_tis_per_dagrun=1)
def index(partition: str) -> None:
    from pipeline import steps

    get_current_context()["partition"] = partition
    with flow.workplace() as place:
        steps.index(place, partition, now=place.clock())


with DAG(
    "index_flags",
    schedule=PartitionedAssetTimetable(assets=flow.FLAGGED),
    catchup=False,
    max_active_runs=1,
    deadline=alerts.late_after("index_flags", minutes=60),
    default_args=flow.defaults(),
    params=flow.which_partitions(),
    doc_md=__doc__,
    tags=["index"],
):
    index.expand(partition=partitions())
