"""One run: what it is, whether it went well, what went in and what came out."""

from __future__ import annotations

import shlex

import msgspec
from starlette.requests import Request

from pavedroad.catalog import edges_of_run, read_facts
from pavedroad.catalog.addresses import address_of_text
from pavedroad.catalog.telling import Told, tell
from pavedroad.kit.clock import duration
from pavedroad.kit.files import read_bytes
from pavedroad.kit.layers import Arc, Node, draw_layers
from pavedroad.kit.sql import Reader, load_queries
from pavedroad.kit.svg import Svg
from pavedroad.record import Record
from pavedroad.tracking.artifact_files import find_file, list_files
from pavedroad.tracking.curves import Curve, curves_of
from pavedroad.tracking.files_page import file_address
from pavedroad.tracking.inputs import run_inputs
from pavedroad.tracking.logged_models import logged_models_of_run
from pavedroad.tracking.model import ARTIFACTS, CONTEXT_TAG, Metric, Run, root_of
from pavedroad.tracking.search import with_values
from pavedroad.tracking.store import find_run, get_experiment
from pavedroad.web import segment
from pavedroad.web.states import state_of

SQL = load_queries("pavedroad.tracking", "page_queries.sql")
CHILDREN = 500
STEPS_DRAWN = 40  # above this, steps that a `.map` made are drawn as one
FACTS_SHOWN = 12
FILES_SHOWN = 100
LARGEST_DIFF = 20_000  # bytes shown of what was not committed
OWN_TAGS = ("mlflow.", "paved.")


class Action(msgspec.Struct, frozen=True):
    says: str
    command: str


class Noun(msgspec.Struct, frozen=True):
    text: str
    href: str


class Child(msgspec.Struct, frozen=True, kw_only=True):
    """A nested run; a step of a pipeline has a name and a cache verdict."""

    id: str
    name: str
    status: str
    step: str = ""
    needs: list[str] = []
    cache: str = ""
    duration_ms: int | None = None
    error: str = ""

    @property
    def verdict(self) -> str:
        """What its chip says: a finished step tells whether it came from the cache."""
        return self.cache if self.status == "FINISHED" and self.cache else self.status


class Input(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    digest: str
    context: str
    source_type: str
    source: str


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    status: str
    href: str


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    is_dir: bool
    size_bytes: int
    href: str


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    run: Run
    duration_ms: int | None
    experiment: str
    parent: Noun | None
    says: str
    error: str
    steps: list[Child]
    children: list[Child]
    curves: list[Curve]
    curves_left_out: int
    used: list[Noun]
    produced: list[Noun]
    inputs: list[Input]
    models: list[ModelRow]
    files: list[FileRow]
    all_files: str
    environment: dict[str, str]
    tags: dict[str, str]
    diff: str
    diff_is_cut: bool
    facts: list[Told]
    actions: list[Action]

    @property
    def picture(self) -> Svg | None:
        return draw_steps(self.steps) if len(self.steps) > 1 else None

    @property
    def is_live(self) -> bool:
        return self.run.status in ("RUNNING", "SCHEDULED")

    @property
    def metrics(self) -> list[Metric]:
        return [metric for metric in self.run.metrics if not metric.key.startswith("system/")]


def show_run(request: Request) -> RunPage:
    record: Record = request.app.state.record
    reader: Reader = record.db
    run = find_run(reader, request.path_params["run_id"])
    children = _children(reader, run)
    steps = [child for child in children if child.step]
    curves, left_out = curves_of(reader, run)
    edges = edges_of_run(reader, run.id)
    diff, is_cut = _diff(record, run)
    parent = run.tags.get("mlflow.parentRunId", "")
    return RunPage(
        run=run,
        duration_ms=None if run.end_ms is None else max(0, run.end_ms - run.start_ms),
        experiment=get_experiment(reader, run.experiment_id).name,
        parent=Noun(parent[:8], f"/runs/{segment(parent)}") if parent else None,
        says=_says(run, steps),
        error=run.tags.get("paved.error", ""),
        steps=steps,
        children=[child for child in children if not child.step],
        curves=curves,
        curves_left_out=left_out,
        used=[Noun(edge.target, address_of_text(edge.target)) for edge in edges if edge.verb == "used"],
        produced=[
            Noun(edge.target, address_of_text(edge.target)) for edge in edges if edge.verb == "produced"
        ],
        inputs=_inputs(reader, run),
        models=[
            ModelRow(
                id=model.id,
                name=model.name,
                status=model.status,
                href=_files_address(model.artifact_location),
            )
            for model in logged_models_of_run(reader, run.id)
        ],
        files=_files(reader, run),
        all_files=_files_address(run.artifact_uri),
        environment=environment_of(run),
        tags={key: value for key, value in run.tags.items() if not key.startswith(OWN_TAGS)},
        diff=diff,
        diff_is_cut=is_cut,
        facts=[tell(fact) for fact in read_facts(reader, run_id=run.id, limit=FACTS_SHOWN)],
        actions=_actions(run),
    )


def environment_of(run: Run) -> dict[str, str]:
    """What the run says about where it ran, in words."""
    names = {
        "mlflow.source.name": "Source",
        "paved.entry": "Entry",
        "mlflow.source.git.commit": "Commit",
        "mlflow.source.git.branch": "Branch",
        "paved.lock": "Lock",
        "paved.environment": "Environment",
        "paved.python": "Python",
        "paved.host": "Host",
        "paved.peak_memory_bytes": "Peak memory, bytes",
    }
    return {words: run.tags[tag] for tag, words in names.items() if run.tags.get(tag)}


# ---------------------------------------------------------------------------------------------- steps


def _children(reader: Reader, run: Run) -> list[Child]:
    rows = reader.all(
        SQL.children,
        run_id=run.id,
        experiment_id=int(run.experiment_id),
        since_ms=run.start_ms - 1000,  # clocks of two writers differ a little
        limit=CHILDREN,
    )
    return [_child(child) for child in with_values(reader, rows)]


def _child(run: Run) -> Child:
    return Child(
        id=run.id,
        name=run.name,
        status=run.status,
        step=run.tags.get("paved.step", "") if run.tags.get("paved.kind") == "step" else "",
        needs=_names(run.tags.get("paved.needs", "")),
        cache=run.tags.get("paved.cache", ""),
        duration_ms=None if run.end_ms is None else max(0, run.end_ms - run.start_ms),
        error=run.tags.get("paved.error", ""),
    )


def _names(text: str) -> list[str]:
    try:
        return msgspec.json.decode(text, type=list[str]) if text else []
    except msgspec.DecodeError:
        return []


def draw_steps(steps: list[Child]) -> Svg:
    """The graph of a pipeline's steps with their verdicts; when there are many, those of one `.map` fold into one."""
    folded = _folded(steps) if len(steps) > STEPS_DRAWN else {step.step: [step] for step in steps}
    home = {step.step: name for name, group in folded.items() for step in group}
    nodes, arcs = [], []
    for name, group in folded.items():
        worst = next((step for step in group if step.status not in ("FINISHED", "RUNNING")), group[0])
        state = state_of(worst.verdict)
        took = sum(step.duration_ms or 0 for step in group)
        note = f"{state.word}, {duration(took)}" if worst.duration_ms is not None else state.word
        if len(group) > 1:
            cached = sum(step.verdict == "hit" for step in group)
            note = f"{len(group)} steps, {cached} cached"
        nodes.append(
            Node(
                key=name,
                label=name,
                note=note,
                mark=state.mark,
                tone=state.tone,
                href=f"/runs/{worst.id}",
                title=f"{name}: {note}",
            )
        )
        arcs += [Arc(source=home.get(need, need), target=name) for step in group for need in step.needs]
    return draw_layers(nodes, arcs, title="Steps of the pipeline")


def _folded(steps: list[Child]) -> dict[str, list[Child]]:
    groups: dict[str, list[Child]] = {}
    for step in steps:
        groups.setdefault(step.step.partition("[")[0], []).append(step)
    return groups


def _says(run: Run, steps: list[Child]) -> str:
    """One sentence on how it went."""
    if not steps:
        return ""
    cached = sum(step.verdict == "hit" for step in steps)
    failed = [step.step for step in steps if step.status == "FAILED"]
    if failed:
        return f"{', '.join(failed[:3])} failed; {cached} of {len(steps)} steps came from the cache"
    if run.status == "RUNNING":
        done = sum(step.status == "FINISHED" for step in steps)
        return f"{done} of {len(steps)} steps are done"
    if cached == len(steps):
        return f"all {len(steps)} steps came from the cache"
    return f"{len(steps)} steps, {cached} from the cache"


# ---------------------------------------------------------------------------------------------- in and out


def _inputs(reader: Reader, run: Run) -> list[Input]:
    return [
        Input(
            name=found.name,
            digest=found.digest,
            context=found.tags.get(CONTEXT_TAG, ""),
            source_type=found.source_type,
            source=found.source[:500],
        )
        for found in run_inputs(reader, run.id)
    ]


def _files(reader: Reader, run: Run) -> list[FileRow]:
    if not run.artifact_uri.startswith(ARTIFACTS):
        return []
    root = root_of(run.artifact_uri)
    return [
        FileRow(
            path=entry.path,
            is_dir=entry.is_dir,
            size_bytes=entry.size_bytes,
            href=file_address(f"{root}/{entry.path}"),
        )
        for entry in list_files(reader, root)[:FILES_SHOWN]
    ]


def _files_address(uri: str) -> str:
    return file_address(root_of(uri)) if uri.startswith(ARTIFACTS) else ""


def _diff(record: Record, run: Run) -> tuple[str, bool]:
    """What was not committed when it ran."""
    if not run.artifact_uri.startswith(ARTIFACTS):
        return "", False
    stored = find_file(record.db, root_of(run.artifact_uri), "paved/diff.patch")
    if stored is None:
        return "", False
    text = read_bytes(record.files, stored.digest)[:LARGEST_DIFF].decode("utf-8", "replace")
    return text, stored.size_bytes > LARGEST_DIFF


def _actions(run: Run) -> list[Action]:
    actions = []
    kind, entry = run.tags.get("paved.kind", ""), run.tags.get("paved.entry", "")
    if kind == "step":
        parent, step = run.tags.get("mlflow.parentRunId", run.id)[:8], run.tags.get("paved.step", "")
        actions.append(Action("Tell why it ran again", f"paved why {parent} {shlex.quote(step)}"))
    elif kind == "pipeline":
        if run.status in ("FAILED", "KILLED"):
            actions.append(Action("Resume: finished steps come from the cache", _run_command(entry, {})))
        elif run.status == "FINISHED":
            actions.append(Action("Make its model a version", f"paved register {run.id[:8]}"))
            actions.append(Action("Run it again with the same parameters", _run_command(entry, run.params)))
    elif run.status == "FINISHED":
        actions.append(Action("Make its model a version", f"paved register {run.id[:8]}"))
    return [*actions, Action("See it in the terminal", f"paved show {run.id[:8]}")]


def _run_command(entry: str, params: dict[str, str]) -> str:
    options = [
        f"--{key.replace('_', '-')} {shlex.quote(value)}" for key, value in params.items() if "." not in key
    ]
    return " ".join(["paved run", shlex.quote(entry) if entry else "", *options]).replace("  ", " ").strip()
