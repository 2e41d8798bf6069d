"""One run: what it is, whether it went well, what went in and what came out.

A run of a pipeline also shows the graph of its steps; a step shows its verdict and why.
"""

from __future__ import annotations

import shlex
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request

from pavedroad.catalog import edges_of_run, read_facts
from pavedroad.catalog.addresses import address_of_text
from pavedroad.catalog.telling import Told, tell
from pavedroad.environments import Environment
from pavedroad.errors import NotFound
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.kit.svg import Svg
from pavedroad.pipelines.step_graph import GraphStep, draw_steps, graph_of, is_lost
from pavedroad.pipelines.store import (
    PipelineRow,
    StepRow,
    find_step_by_step_run,
    get_pipeline_run,
    read_environment,
    steps_of_run,
)
from pavedroad.record import Record, record_behind
from pavedroad.tracking import (
    LoggedModel,
    find_file,
    get_experiment,
    get_logged_model,
    list_files,
    logged_models_of_run,
    root_of,
    run_inputs,
)
from pavedroad.tracking.model import ARTIFACTS, CONTEXT_TAG, DELETED, NOTE_TAG, PARENT_TAG, Run
from pavedroad.tracking.pictures import Picture, file_address, pictures_of
from pavedroad.tracking.run_metrics import RunMetrics, run_metrics
from pavedroad.tracking.run_values import with_values
from pavedroad.tracking.store import find_run

SQL = load_queries("pavedroad.pipelines", "page_queries.sql")
CHILDREN_SHOWN = 100
FACTS_SHOWN = 12
FILES_SHOWN = 100
PARAMS_SHOWN = 200
LARGEST_DIFF = 20_000  # bytes shown of what was not committed
DIFF_FILE = "source/uncommitted.diff"
TRACEBACK_FILE = "traceback.txt"
MODELS_TAG = "paved.models"  # ids of all models that a pipeline's steps gave, cached ones too
OWN_TAGS = ("mlflow.", "paved.")  # shown as what they mean, or not at all


class Action(msgspec.Struct, frozen=True):
    says: str
    command: str


class Noun(msgspec.Struct, frozen=True):
    text: str
    href: str


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A nested run that is not a step."""

    id: str
    name: str
    status: str
    duration_ms: int | None


class Input(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    digest: str
    context: str
    source_type: str
    source: str


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """A logged model, a folder or a file."""

    name: str
    what: str  # model, folder or file
    href: str
    size_bytes: int = 0
    status: str = ""


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    run: Run
    status: str  # the run's, or LOST when its process has gone without a word
    duration_ms: int | None
    experiment: str
    parent: Noun | None
    says: str
    error: str
    steps: list[GraphStep]
    step: StepRow | None  # when this run is a step
    children: list[Child]
    more_children: int
    metrics: RunMetrics
    used: list[Noun]
    produced: list[Noun]
    inputs: list[Input]
    outputs: list[Output]
    all_files: str  # empty when there is no file
    pictures: list[Picture]
    pictures_number: int
    source: dict[str, str]
    environment: Environment | None
    tags: dict[str, str]
    note: str
    live_address: str  # what the page's script asks for while the run goes on
    diff: str
    diff_is_cut: bool
    traceback: str
    facts: list[Told]
    actions: list[Action]

    @property
    def picture(self) -> Svg | None:
        return draw_steps(self.steps) if self.steps else None

    @property
    def failed_step(self) -> str:
        """Where the step that failed is shown."""
        failed = next((step for step in self.steps if step.verdict == "FAILED" and step.step_run_id), None)
        return f"/runs/{failed.step_run_id}" if failed else ""

    @property
    def is_live(self) -> bool:
        return self.status in ("RUNNING", "SCHEDULED")

    @property
    def is_deleted(self) -> bool:
        return self.run.lifecycle_stage == DELETED

    @property
    def params(self) -> dict[str, str]:
        return dict(list(self.run.params.items())[:PARAMS_SHOWN])


def show_run(request: Request) -> RunPage:
    record = record_behind(request)
    reader = record.db
    run = find_run(reader, request.path_params["run_id"])
    pipeline = _pipeline(reader, run)
    running = _running_steps(reader, run) if pipeline and run.status == "RUNNING" else {}
    steps = graph_of(pipeline, steps_of_run(reader, run.id), running) if pipeline else []
    step = find_step_by_step_run(reader, run.id)
    children, more = ([], 0) if pipeline else _children(reader, run)
    outputs = _outputs(reader, run)
    has_files = any(output.what != "model" for output in outputs)
    edges = edges_of_run(reader, run.id)
    diff, is_cut = _diff(record, run)
    is_here = run.artifact_uri.startswith(ARTIFACTS)
    pictures, number = pictures_of(reader, root_of(run.artifact_uri)) if has_files and is_here else ([], 0)
    parent = run.tags.get(PARENT_TAG, "")
    status = "LOST" if pipeline and run.status == "RUNNING" and is_lost(pipeline) else run.status
    return RunPage(
        run=run,
        status=status,
        duration_ms=None if run.end_ms is None else max(0, run.end_ms - run.start_ms),
        experiment=get_experiment(reader, run.experiment_id).name,
        parent=Noun(parent[:8], f"/runs/{segment(parent)}") if parent else None,
        says=_says(run, steps, step),
        error=_error(run, steps, step),
        steps=steps,
        step=step,
        children=children,
        more_children=more,
        metrics=run_metrics(reader, run, request.query_params),
        used=[Noun(edge.target, address_of_text(edge.target)) for edge in edges if edge.verb == "used"],
        produced=[
            Noun(edge.target, address_of_text(edge.target)) for edge in edges if edge.verb == "produced"
        ],
        inputs=_inputs(reader, run),
        outputs=outputs,
        all_files=_files_address(run.artifact_uri) if has_files else "",
        pictures=pictures,
        pictures_number=number,
        source=_source(run),
        environment=read_environment(reader, pipeline.environment) if pipeline else None,
        tags={key: value for key, value in run.tags.items() if not key.startswith(OWN_TAGS)},
        note=run.tags.get(NOTE_TAG, ""),
        live_address=_live_address(request, run),
        diff=diff,
        diff_is_cut=is_cut,
        traceback=_traceback(record, run),
        facts=[tell(fact) for fact in read_facts(reader, run_id=run.id, limit=FACTS_SHOWN)],
        actions=_actions(run, status, pipeline, step),
    )


def _live_address(request: Request, run: Run) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "part"]
    return f"/runs/{run.id}?{urlencode([*kept, ('part', 'live')])}"


def _pipeline(reader: Reader, run: Run) -> PipelineRow | None:
    try:
        return get_pipeline_run(reader, run.id)
    except NotFound:
        return None


def _below(run: Run) -> dict[str, Any]:
    """What narrows a search to the runs nested in one."""
    return {
        "run_id": run.id,
        "experiment_id": int(run.experiment_id),
        "since_ms": run.start_ms - 1000,  # clocks of two writers differ a little
    }


def _running_steps(reader: Reader, run: Run) -> dict[str, str]:
    """Steps that have begun and not ended yet, with their runs."""
    rows = reader.all(SQL.running_steps, **_below(run))
    return {row["step"]: row["id"] for row in rows}


def _children(reader: Reader, run: Run) -> tuple[list[Child], int]:
    rows = reader.all(
        SQL.children,
        limit=CHILDREN_SHOWN * 10,
        **_below(run),
    )
    shown = with_values(reader, rows[:CHILDREN_SHOWN])
    return [
        Child(
            id=child.id,
            name=child.name,
            status=child.status,
            duration_ms=None if child.end_ms is None else max(0, child.end_ms - child.start_ms),
        )
        for child in shown
    ], len(rows) - len(shown)


# ---------------------------------------------------------------------------------------------- how it went


def _says(run: Run, steps: list[GraphStep], step: StepRow | None) -> str:
    """One sentence on how it went."""
    if step is not None:
        return f"step {step.step} of {step.function}" if step.function else f"step {step.step}"
    calls = sum(node.calls for node in steps)
    if not calls:
        return ""
    cached = sum(node.cached for node in steps)
    failed = [node.name for node in steps if node.verdict == "FAILED"]
    if failed:
        return f"{', '.join(failed[:3])} failed; {cached} of {calls} steps came from the cache"
    if run.status == "RUNNING":
        done = sum(node.calls for node in steps)
        return f"{done} of {max(done, len(steps))} steps are done"
    if cached == calls:
        return f"all {calls} steps came from the cache" if calls > 1 else "its step came from the cache"
    return f"{calls} {'steps' if calls > 1 else 'step'}, {cached} from the cache"


def _error(run: Run, steps: list[GraphStep], step: StepRow | None) -> str:
    if step is not None:
        return step.because if step.status == "FAILED" else ""
    failed = [node for node in steps if node.verdict == "FAILED" and node.because]
    if failed:
        return f"{failed[0].name}: {failed[0].because}"
    return run.tags.get("paved.error", "") if run.status in ("FAILED", "LOST") else ""


def _source(run: Run) -> dict[str, str]:
    """Where the code came from, in words."""
    names = {
        "mlflow.source.name": "Source",
        "mlflow.source.git.commit": "Commit",
        "mlflow.source.git.branch": "Branch",
        "paved.host": "Host",
    }
    found = {words: run.tags[tag] for tag, words in names.items() if run.tags.get(tag)}
    if "Commit" in found:
        found["Commit"] = found["Commit"][:12]
    return found


# ---------------------------------------------------------------------------------------------- in and out


def _inputs(reader: Reader, run: Run) -> list[Input]:
    return [
        Input(
            name=found.name,
            digest=found.digest,
            context=found.tags.get(CONTEXT_TAG, ""),
            source_type=found.source_type,
            source=_place(found.source)[:500],
        )
        for found in run_inputs(reader, run.id)
    ]


def _place(source: str) -> str:
    """MLflow's sources are JSON; the address in them says most."""
    try:
        written = msgspec.json.decode(source)
    except msgspec.DecodeError:
        return source
    if not isinstance(written, dict):
        return source
    tags = written.get("tags")  # of a source that is code: who ran what
    if isinstance(tags, dict):
        return str(tags.get("mlflow.source.name", ""))
    return str(next((written[key] for key in ("uri", "url", "path") if written.get(key)), source))


def _outputs(reader: Reader, run: Run) -> list[Output]:
    made = logged_models_of_run(reader, run.id)
    known = {model.id for model in made}
    for model_id in run.tags.get(MODELS_TAG, "").split(","):
        if model_id and model_id not in known and (model := _find_model(reader, model_id)) is not None:
            made.append(model)
    models = [
        Output(name=model.name, what="model", href=f"/logged-models/{segment(model.id)}", status=model.status)
        for model in made
    ]
    if not run.artifact_uri.startswith(ARTIFACTS):
        return models
    root = root_of(run.artifact_uri)
    return models + [
        Output(
            name=entry.path,
            what="folder" if entry.is_dir else "file",
            size_bytes=entry.size_bytes,
            href=file_address(f"{root}/{entry.path}"),
        )
        for entry in list_files(reader, root)[:FILES_SHOWN]
    ]


def _find_model(reader: Reader, model_id: str) -> LoggedModel | None:
    try:
        return get_logged_model(reader, model_id)
    except NotFound:
        return None


def _files_address(uri: str) -> str:
    return file_address(root_of(uri)) if uri.startswith(ARTIFACTS) else ""


def _diff(record: Record, run: Run) -> tuple[str, bool]:
    """What was not committed when it ran."""
    if not run.artifact_uri.startswith(ARTIFACTS):
        return "", False
    stored = find_file(record.db, root_of(run.artifact_uri), DIFF_FILE)
    if stored is None:
        return "", False
    return _start_of(record, stored.digest, LARGEST_DIFF), stored.size_bytes > LARGEST_DIFF


def _traceback(record: Record, run: Run) -> str:
    """Of a failed step."""
    if run.status != "FAILED" or not run.artifact_uri.startswith(ARTIFACTS):
        return ""
    stored = find_file(record.db, root_of(run.artifact_uri), TRACEBACK_FILE)
    return "" if stored is None else _start_of(record, stored.digest, LARGEST_DIFF)


def _start_of(record: Record, digest: str, most: int) -> str:
    with record.files.open(digest) as source:
        return source.read(most).decode("utf-8", "replace")


# ---------------------------------------------------------------------------------------------- actions


def _actions(run: Run, status: str, pipeline: PipelineRow | None, step: StepRow | None) -> list[Action]:
    actions = []
    if step is not None:
        actions.append(
            Action("Tell what its key is made of", f"paved why {step.run_id[:8]} {shlex.quote(step.step)}")
        )
    elif pipeline is not None:
        again = _run_command(pipeline.target, run.params)
        if status in ("FAILED", "KILLED", "LOST"):
            actions.append(Action("Resume: finished steps come from the cache", again))
        elif status == "FINISHED":
            actions.append(Action("Make its model a version", f"paved register {run.id[:8]}"))
            actions.append(Action("Run it again with the same parameters", again))
    elif status == "FINISHED":
        actions.append(Action("Make its model a version", f"paved register {run.id[:8]}"))
    return [*actions, Action("See it in the terminal", f"paved show {run.id[:8]}")]


def _run_command(target: str, params: dict[str, str]) -> str:
    options = [
        f"--{key.replace('_', '-')} {shlex.quote(value)}"
        for key, value in params.items()
        if key.isidentifier()
    ]
    return " ".join(["paved run", shlex.quote(target), *options])
