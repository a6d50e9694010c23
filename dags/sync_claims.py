"""Fetches what fact-checkers wrote, every claim source in a task of its own, and gives each claim one id.

**When.** Every three hours at :20 (WIB), from 00:20.

**Again?** Yes, at any time: it asks for what is new since the last time. It cannot be backfilled, and needs not be: a
new debunk looks back over the posts by itself (`match_claims`).
"""

from __future__ import annotations

from datetime import timedelta

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, get_current_context, task


@task
def sources() -> list[str]:
    with flow.workplace() as place:
        return list(place.settings.claim_sources)


@task(pool=flow.FACT_CHECKS, map_index_template="{{ source }}", execution_timeout=timedelta(hours=1))
def fetch(source: str) -> str:
    from pipeline import claim_steps

    get_current_context()["source"] = source
    with flow.workplace() as place:
        known = {name: each for name, each in place.settings.claim_sources.items() if name == source}
        flow.raise_first(claim_steps.fetch_claims(place, known)[0].failed)
    return source


@task(outlets=[flow.CLAIMS], trigger_rule="all_done_min_one_success")
def publish(fetched: list[str]) -> None:
    """The event alone: `match_claims` knows by the ledger what is new."""


with DAG(
    "sync_claims",
    schedule=flow.every("20 */3 * * *"),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=flow.LIVE_ONLY,
    deadline=alerts.late_after("sync_claims", minutes=90),
    default_args=flow.defaults(),
    doc_md=__doc__,
    tags=["claims"],
):
    fetched = fetch.expand(source=sources())
    publish(fetched)
    fetched >> EmptyOperator(task_id="all_fetched")  # else a run with a dead source would end green
