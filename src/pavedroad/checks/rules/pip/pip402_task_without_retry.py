from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from pavedroad.checks.arguments import add_argument
from pavedroad.checks.model import UNSAFE, Edit, Fix, Found
from pavedroad.checks.project import Project
from pavedroad.checks.rule import rule
from pavedroad.checks.rules.pip.orchestration import OUR_STEPS, PREFECT_TASKS, decorated, dictionary
from pavedroad.checks.source import Call, Module, Scope

# Packages whose calls leave the machine.
REMOTE = (
    "requests", "httpx", "aiohttp", "urllib.request", "urllib3", "boto3", "botocore", "google.cloud",
    "azure", "psycopg", "psycopg2", "sqlalchemy", "pymongo", "redis", "kafka", "paramiko", "ftplib",
    "snowflake", "s3fs", "gcsfs", "wget", "kaggle", "minio", "openai",
)  # fmt: skip
REMOTE_METHODS = frozenset(
    {
        "read_sql", "read_sql_query", "read_sql_table", "to_sql", "read_gbq", "to_gbq", "urlretrieve",
        "download_file", "upload_file", "upload_from_filename", "download_to_filename", "upload_blob",
        "download_blob", "put_object", "get_object", "urlopen",
    }
)  # fmt: skip
_ADDRESS = re.compile(r"(s3a?|gs|gcs|abfss?|https?|ftp)://(?!localhost|127\.0\.0\.1)")
_READS = re.compile(r"read_\w+|to_(csv|parquet|json)|scan_\w+|open|urlretrieve")
PIPELINES = ("kfp.dsl.pipeline", "kfp.v2.dsl.pipeline", "kfp.dsl.pipeline_context.pipeline")
RETRIES = {"prefect": "retries=3, retry_delay_seconds=10", "ours": "retries=2"}
RETRIERS = ("tenacity", "backoff", "retry", "retrying", "stamina")
ENOUGH = ("retries", "timeout_seconds", "timeout_s", "retry_policy", "retry_condition_fn")


@rule(
    "PIP402",
    "task-without-retry",
    since="0.1",
    explore="note",
    team="warning",
    production="error",
    fix="unsafe",
    by_module=True,
)
def task_without_retry(project: Project) -> Iterator[Found]:
    """A task that leaves the machine is tried again.

    Why:
        Networks, stores and databases fail for seconds every day. Without a retry each such moment is a red
        run and somebody's morning.
    Bad:
        ```python
        import pandas as pd
        from prefect import task


        @task
        def load(month: str) -> pd.DataFrame:
            return pd.read_parquet(f"s3://rides/{month}.parquet")
        ```
    Good:
        ```python
        import pandas as pd
        from prefect import task


        @task(retries=3, retry_delay_seconds=10)
        def load(month: str) -> pd.DataFrame:
            return pd.read_parquet(f"s3://rides/{month}.parquet")
        ```
    Accepts:
        Retries or a time limit of the task itself (Prefect, our own steps), of default_args or an operator
        (Airflow), set_retry in a pipeline (Kubeflow); tenacity, backoff or a loop with a try; tasks that take
        every error as it comes, or stay on the machine; tests.
    Fix:
        Adds retries to the decorator, or to default_args. Look whether the task may run twice.
    References:
        https://docs.prefect.io/v3/how-to-guides/workflows/retries
    """
    for module in project.modules:
        if not project.is_test(module.path):
            yield from _tasks(module)
            yield from _graphs(module)
            yield from _kubeflow(module)


def _tasks(module: Module) -> Iterator[Found]:
    if ".with_options(" in module.text:
        return  # given where the task is called
    for kind, names in (("prefect", PREFECT_TASKS), ("ours", OUR_STEPS)):
        for function, decorator in decorated(module, *names):
            call = Call(function.name, decorator) if isinstance(decorator, ast.Call) else None
            if call and (call.is_open or any(call.keyword(name) is not None for name in ENOUGH)):
                continue
            if not _tries_by_itself(module, function) and (reached := _reaches_out(module, function)):
                yield Found(
                    at=module.place(decorator),
                    says=f"the task {function.name} calls {reached} and is not tried again",
                    hint=f"give the decorator {RETRIES[kind]}",
                    fix=_decorator_fix(module, decorator, RETRIES[kind]),
                )


def _tries_by_itself(module: Module, function: Scope) -> bool:
    """Whether it asks again, is wrapped by something that does, or takes every error as it comes."""
    if len(function.decorator_list) > 1 or any(name.partition(".")[0] in RETRIERS for name in module.imports):
        return True
    for node in ast.walk(function):
        if isinstance(node, ast.For | ast.While) and any(isinstance(inner, ast.Try) for inner in node.body):
            return True
        if isinstance(node, ast.ExceptHandler) and _swallows(node):
            return True
    return False


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Then no error leaves the task, and a retry would not see one."""
    takes_all = handler.type is None or getattr(handler.type, "id", "") in ("Exception", "BaseException")
    return takes_all and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def _reaches_out(module: Module, function: Scope) -> str:
    """What the task calls outside the machine."""
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = module.names_of(node.func)[0] if module.names_of(node.func) else ""
        tail = name.rpartition(".")[2]
        is_remote = any(name == package or name.startswith(f"{package}.") for package in REMOTE)
        if is_remote or tail in REMOTE_METHODS or (_READS.fullmatch(tail) and _has_address(node)):
            return name.removeprefix("?.")
    return ""


def _has_address(call: ast.Call) -> bool:
    nodes = [node for argument in call.args[:1] for node in ast.walk(argument)]
    texts = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    return any(_ADDRESS.match(text) for text in texts)


def _decorator_fix(module: Module, decorator: ast.expr, argument: str) -> Fix | None:
    if isinstance(decorator, ast.Call):
        edit = add_argument(module, Call("", decorator), argument)
    elif module.notebook or module.has_odd_lines:
        edit = None
    else:
        end = module.offset(decorator.end_lineno or 0, decorator.end_col_offset or 0)
        edit = Edit(path=module.path, start=end, end=end, text=f"({argument})")
    return Fix(says=f"add {argument}", safety=UNSAFE, edits=(edit,)) if edit else None


def _graphs(module: Module) -> Iterator[Found]:
    """Airflow: no retries in default_args nor in any operator."""
    for call in module.calls("DAG", "dag", package="airflow"):
        if call.is_open or "retries" in module.text or call.keyword("default_args") is None:
            continue
        written = dictionary(module, call.keyword("default_args"))
        if written is not None and None not in written.keys:
            yield Found(
                at=module.place(call.node),
                says="no task of this DAG is tried again: default_args has no retries",
                hint='add "retries": 2 to default_args',
                fix=_entry_fix(module, written),
            )


def _entry_fix(module: Module, written: ast.Dict) -> Fix | None:
    if module.notebook or module.has_odd_lines:
        return None
    start = module.offset(written.lineno, written.col_offset) + 1
    first = next((key for key in written.keys if key is not None), None)
    if first is not None and first.lineno > written.lineno:
        line = module.lines[first.lineno - 1]
        newline = "\r\n" if line.endswith("\r") else "\n"
        text = f'{newline}{line[: len(line) - len(line.lstrip())]}"retries": 2,'
    else:
        text = '"retries": 2, ' if first is not None else '"retries": 2'
    edit = Edit(path=module.path, start=start, end=start, text=text)
    return Fix(says='add "retries": 2 to default_args', safety=UNSAFE, edits=(edit,))


def _kubeflow(module: Module) -> Iterator[Found]:
    for function, decorator in decorated(module, *PIPELINES):
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        retried = any(
            isinstance(node.func, ast.Attribute) and node.func.attr == "set_retry" for node in calls
        )
        if not retried and len(calls) > len(function.decorator_list):
            yield Found(
                at=module.place(decorator),
                says=f"no task of the pipeline {function.name} is tried again",
                hint="give each task that leaves the cluster .set_retry(num_retries=2)",
            )
