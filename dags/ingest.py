"""Fetches the sources of one connector into landing, every source in a task of its own.

**When.** Every hour (WIB): feeds at :02, exports at :04, forms at :06, files in the inbox at :08.

**Again?** Yes, at any time: it fetches what is there now, into the partition of now; what landed before lands no
second time. It cannot be backfilled: nobody can fetch last week's front page. To flag again what landed then, start
`flag_posts` with `since` and `until`.

**If it fails.** One dead source does not stop the others. 429 and lost connections are tried again, for as long as the
site asked (`Retry-After`); a refused token, robots.txt or a wrong setting is not, and the message says what to do.
"""

from __future__ import annotations

from datetime import timedelta

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException


def ingest_dag(connector: str) -> DAG:
    """The DAG of one connector."""

    @task
    def plan() -> list[dict[str, str]]:
        from pipeline.core.clock import partition_of

        with flow.workplace() as place:
            partition = partition_of(place.checked_now(), place.settings.office.zone)
            return [{"source": name, "partition": partition} for name in flow.sources_of(place, connector)]

    @task(pool=f"ingest_{connector}", map_index_template="{{ source }}", execution_timeout=timedelta(minutes=30))
    def fetch(source: str, partition: str) -> str:
        from pipeline import steps

        get_current_context()["source"] = source
        with flow.workplace() as place:
            if source not in (known := flow.sources_of(place, connector)):
                raise AirflowSkipException("it is configured no more")
            flow.raise_first(steps.ingest(place, {source: known[source]}, partition=partition).failed)
        return partition

    @task(outlets=[flow.LANDED], trigger_rule="all_done_min_one_success")
    def publish(fetched: list[str], outlet_events=None) -> None:
        from pipeline import steps

        with flow.workplace() as place:
            new = sorted({*fetched} & {*steps.unflagged(place)})
        if not new:
            raise AirflowSkipException("nothing new")
        outlet_events[flow.LANDED].add_partitions(new)

    with DAG(
        f"ingest_{connector}",
        schedule=flow.every(f"{flow.CONNECTORS[connector]} * * * *"),
        catchup=False,
        max_active_runs=1,
        allowed_run_types=flow.LIVE_ONLY,
        deadline=alerts.late_after(f"ingest_{connector}", minutes=45),
        default_args=flow.defaults(),
        doc_md=__doc__,
        tags=["ingest", f"connector:{connector}"],
    ) as dag:
        fetched = fetch.expand_kwargs(plan())
        publish(fetched)
        fetched >> EmptyOperator(task_id="all_fetched")  # else a run with a dead source would end green
    return dag


for _connector in flow.configured_connectors():
    ingest_dag(_connector)
