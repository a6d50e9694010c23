"""Retrains the default model on what reviewers decided: dataset, training, gate, a person, promotion.

**When.** Every Sunday at 02:00 WIB. Without an imported labelled file it ends at once (docs/retrain.md).

**Again?** Yes: the same decisions, files and day give the same model. A model that the gate refuses is asked of nobody;
the log of `gate` says why, and the candidate stays in the home until the next training.

**The person.** `approve` waits for three days (*Required actions*) and then says Reject by itself. Read
`kentongan models diff` first. Whoever approved stands on the ledger; `kentongan rollback` goes back.
"""

from __future__ import annotations

from datetime import timedelta

import kentongan_alerts as alerts
import kentongan_flow as flow
from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

DAYS = 3


@task
def dataset() -> str:
    from pipeline import retraining

    with flow.workplace() as place:
        if not retraining.can_train(place):
            raise AirflowSkipException("no labelled file was imported: kentongan dataset import")
        return str(retraining.make_dataset(place))


@task
def train(dataset: str) -> str:
    from pathlib import Path

    from pipeline import retraining

    day = get_current_context()["dag_run"].run_after.astimezone(flow.zone()).date()
    with flow.workplace() as place:
        return str(retraining.train(place, Path(dataset), day.isoformat()))


@task
def gate(model: str) -> str:
    from pathlib import Path

    from pipeline import retraining

    with flow.workplace() as place:
        if refusals := retraining.look_over(place, Path(model)):
            raise AirflowSkipException("; ".join(refusal.says for refusal in refusals))
        says = f"kentongan models diff {place.classifier.name} {model}"
    alerts.question("retrain_model", get_current_context()["run_id"], DAYS)
    return says


@task(outlets=[flow.MODEL])
def promote(model: str, answer: dict | None) -> str:
    from pipeline.core.errors import ConfigError
    from pipeline.train import promotion

    person = ((answer or {}).get("responded_by_user") or {}).get("name") or "unknown"
    with flow.workplace() as place:
        done = promotion.promote(place, model, f"airflow:{person}", reason="approved in retrain_model")
    if done.refusals:  # another model serves by now, or the floors were raised, since the gate was asked
        raise ConfigError("; ".join(refusal.says for refusal in done.refusals))
    # In service already: a try that was killed after it had promoted told nobody, and reclassify_recent waits for it
    return done.name


with DAG(
    "retrain_model",
    schedule=flow.every("0 2 * * 0"),
    catchup=False,
    max_active_runs=1,
    allowed_run_types=flow.LIVE_ONLY,
    deadline=alerts.late_after("retrain_model", minutes=(DAYS + 1) * 24 * 60),
    default_args=flow.defaults(),
    doc_md=__doc__,
    tags=["model"],
):
    model = train(dataset())
    judged = gate(model)
    approve = ApprovalOperator(
        task_id="approve",
        subject="Put this model in service?",
        body="It passes the gate. Before you decide: `{{ ti.xcom_pull(task_ids='gate') }}`",
        defaults=ApprovalOperator.REJECT,
        response_timeout=timedelta(days=DAYS),
    )
    judged >> approve >> promote(model, approve.output)
