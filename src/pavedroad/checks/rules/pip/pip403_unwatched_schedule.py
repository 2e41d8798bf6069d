from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.model import Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.pip.orchestration import dictionary, keys_of
from pavedroad.checks.source import Module

NOBODY = ("", "airflow", "admin", "owner", "me", "user")
ALERTS = ("on_failure_callback", "email", "email_on_failure", "sla_miss_callback", "notifications")
SCHEDULES = ("schedule", "schedule_interval", "timetable")
PREFECT_SCHEDULES = ("cron", "interval", "rrule", "schedule", "schedules")
# Words by which a Prefect flow tells somebody: hooks of the flow, blocks that send a message, automations.
_TELLS = re.compile(
    r"on_failure|on_crashed|Notification|SlackWebhook|\.notify\(|send_?mail|send_(email|message|alert)|Automation|"
    r"PagerDuty"
)


@rule("PIP403", "unwatched-schedule", since="0.1", team="warning", production="error")
def unwatched_schedule(project: Project) -> Iterator[Found]:
    """Work on a schedule has an owner, and tells them when it fails.

    Why:
        Nobody looks at a run that starts at 3:00 by itself. When it fails without a message, the model stays
        old until somebody outside complains.
    Bad:
        ```python
        from airflow import DAG

        dag = DAG("train", schedule="@daily", default_args={"owner": "airflow", "retries": 2})
        ```
    Good:
        ```python
        from airflow import DAG

        about = {"owner": "pricing", "email": ["pricing@example.org"], "retries": 2}
        dag = DAG("train", schedule="@daily", default_args=about)
        ```
    Accepts:
        on_failure_callback, email or a notifier of Airflow; on_failure hooks, notification blocks and
        automations of Prefect, anywhere in the project; schedules that are None; tests.
    References:
        https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/logging-monitoring/callbacks.html
    """
    modules = [module for module in project.modules if not project.is_test(module.path)]
    tells = any(_TELLS.search(module.text) for module in modules)
    for module in modules:
        yield from _airflow(module)
        if not tells:
            yield from _prefect(module)
    for path in () if tells else project.named("prefect.yaml", "prefect.yml"):
        yield from _deployments(project, path)


def _airflow(module: Module) -> Iterator[Found]:
    # A callback of a single task tells somebody as well.
    tells = _TELLS.search(module.text.replace("email_on_failure", "")) is not None
    for call in module.calls("DAG", "dag", package="airflow"):
        if call.is_open or not any(_is_given(call.keyword(name)) for name in SCHEDULES):
            continue
        arguments = call.keyword("default_args")
        defaults = keys_of(dictionary(module, arguments))
        if arguments is not None and not defaults:
            continue  # made elsewhere
        given = {str(keyword.arg): keyword.value for keyword in call.node.keywords} | defaults
        is_watched = tells or any(_is_given(given.get(name)) for name in ALERTS)
        missing = [
            *([] if _names_somebody(given.get("owner")) else ["no owner"]),
            *([] if is_watched else ["nobody to tell of a failure"]),
        ]
        if missing:
            yield Found(
                at=module.place(call.node),
                says=f"the schedule has {' and '.join(missing)}",
                hint='give default_args an "owner", and the DAG an on_failure_callback',
            )


def _is_given(value: ast.expr | None) -> bool:
    return value is not None and not (isinstance(value, ast.Constant) and value.value in (None, False))


def _names_somebody(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Constant):
        return str(value.value).strip().lower() not in NOBODY
    return value is not None


def _deployments(project: Project, path: str) -> Iterator[Found]:
    """Schedules in a file of Prefect deployments."""
    for document in project.yaml(path):
        deployments = document.get("deployments")
        for deployment in deployments.items if deployments else ():
            schedule = deployment.get("schedules") or deployment.get("schedule")
            if schedule is not None and (schedule.items or schedule.entries):
                name = deployment.text_at("name") or "this deployment"
                yield Found(
                    at=schedule.place(path),
                    says=f"{name} has a schedule, and nobody is told when a run fails",
                    hint="give the flow on_failure=[notify], or add an automation that sends a message",
                )


def _prefect(module: Module) -> Iterator[Found]:
    if "prefect" not in module.import_roots():
        return
    for call in module.calls(
        "serve", "deploy", "build_from_flow", "DeploymentSpec", "to_deployment", "from_source"
    ):
        if any(_is_given(call.keyword(name)) for name in PREFECT_SCHEDULES):
            yield Found(
                at=module.place(call.node),
                says=f"{call.tail} sets a schedule, and nobody is told when a run fails",
                hint="give the flow on_failure=[notify], or add an automation that sends a message",
            )
