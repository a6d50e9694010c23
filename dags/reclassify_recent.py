"""Flags the last seven days again after another model was put in service; what people took up stays.

**When.** When `retrain_model` has promoted a model. By hand after `kentongan promote` or `rollback`.

**Again?** Yes: a partition that stands as the model in service says is passed over. Days go in order, oldest first, for
samples and copies of a partition depend on those before it; between two days the flagging of new posts has its turn.
A day that failed for good holds up those after it: mend the cause and *Clear* it within the week.
"""

from __future__ import annotations

from datetime import timedelta

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.sdk import DAG, chain, get_current_context, task

DAYS = 7  # pipeline.landing.retention.AGAIN_DAYS: what was a copy before that can no longer be told


# It takes the lock of `index` too, which index_flags may hold: more tries, each a minute after the last
@task(pool=flow.FLAG, retries=6, multiple_outputs=False)
def reclassify(back: int) -> dict[str, int]:
    from collections import Counter

    from pipeline import reclassifying, steps

    day = get_current_context()["dag_run"].run_after.astimezone(flow.zone()).date() - timedelta(days=back)
    counts: Counter[str] = Counter()
    with flow.workplace() as place:
        now = place.clock()
        for partition in reclassifying.recent(place, DAYS, now):
            if partition[:10] == day.isoformat():
                counts.update(steps.reclassify(place, partition, now=now).counts)
    return dict(counts)


with DAG(
    "reclassify_recent",
    schedule=[flow.MODEL],
    catchup=False,
    max_active_runs=1,
    deadline=alerts.late_after("reclassify_recent", minutes=720),
    default_args=flow.defaults(),
    doc_md=__doc__,
    tags=["model"],
):
    chain(*(reclassify.override(task_id=f"day_{back}")(back) for back in range(DAYS, -1, -1)))
