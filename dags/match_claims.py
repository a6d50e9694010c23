"""Seeks claims that are new or changed in the posts of the last 90 days, and flags what carries them.

**When.** After each `sync_claims`; with no new claim it ends at once.

**Again?** Yes: it goes on from the claims that it has seen. A debunk that was taken back lets go of its posts.
"""

from __future__ import annotations

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import AirflowSkipException


@task(pool=flow.FLAG, outlets=[flow.FLAGGED])
def look_back(outlet_events=None) -> None:
    from pipeline import claim_steps
    from pipeline.landing.derived import unindexed_partitions

    with flow.workplace() as place:
        claim_steps.match_claims(place)
        changed = unindexed_partitions(place.home.derived)  # a killed look back left some
    if not changed:
        raise AirflowSkipException("no post carries a claim that is new")
    outlet_events[flow.FLAGGED].add_partitions(sorted(changed))


with DAG(
    "match_claims",
    schedule=[flow.CLAIMS],
    catchup=False,
    max_active_runs=1,
    deadline=alerts.late_after("match_claims", minutes=120),
    default_args=flow.defaults(),
    doc_md=__doc__,
    tags=["claims"],
):
    look_back()
