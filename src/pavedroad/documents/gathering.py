"""What the record says of each artifact, as documents."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from pavedroad.catalog import Artifact, Ref, list_artifacts, read_facts
from pavedroad.catalog.lineage import parts_of, trace
from pavedroad.catalog.telling import tell
from pavedroad.checks import latest_report
from pavedroad.delivery import list_packages
from pavedroad.documents.model import Document, Facts, Item, Items, Prose, Section, Table
from pavedroad.errors import PavedError
from pavedroad.kit.chart import short
from pavedroad.kit.clock import duration, utc_iso
from pavedroad.kit.files import read_bytes
from pavedroad.kit.text import count, size
from pavedroad.models import Manifest, Signature, read_manifest
from pavedroad.pipelines import get_pipeline_run, newest_runs, steps_of_run
from pavedroad.record import Record
from pavedroad.registry import ModelVersion, get_model, last_evaluation, list_versions, version_files
from pavedroad.registry.context import MANIFEST, read_card
from pavedroad.registry.provenance import provenance_of, subject_of
from pavedroad.serving import list_services
from pavedroad.tracking import get_run

KINDS = ("project", "pipeline", "model", "service")
A_PAGE = 500  # artifacts read at once
RUNS_SHOWN, VERSIONS_SHOWN, PACKAGES_SHOWN, FACTS_SHOWN = 10, 20, 10, 10
METRICS_SHOWN = 6


def gather(record: Record, refs: Iterable[Ref] = ()) -> list[Document]:
    """A document for each project, pipeline, model and service, or for those named; an index first."""
    wanted = set(refs)
    artifacts = [
        artifact
        for kind in KINDS
        for artifact in _all(record, kind)
        if artifact.ref.version == "" and (not wanted or artifact.ref in wanted)
    ]
    known = {str(artifact.ref) for artifact in artifacts}
    documents = [_document(record, artifact, known) for artifact in artifacts]
    return [_index(documents), *documents]


def _all(record: Record, kind: str) -> Iterator[Artifact]:
    after = None
    while found := list_artifacts(record.db, kind=kind, after=after, limit=A_PAGE):
        yield from found
        after = found[-1].ref


def _index(documents: list[Document]) -> Document:
    sections = []
    for kind in KINDS:
        items = tuple(
            Item(text=each.title, path=each.path, says=each.says) for each in documents if each.kind == kind
        )
        if items:
            sections.append(Section(title=f"{kind.title()}s", blocks=(Items(items=items),)))
    says = f"{count(len(documents), 'artifact')} on the record"
    return Document(path="index", kind="index", title="Pavedroad", says=says, sections=tuple(sections))


def _document(record: Record, artifact: Artifact, known: set[str]) -> Document:
    ref = artifact.ref
    makers: dict[str, Callable[[Record, Artifact], list[Section]]] = {
        "project": _project,
        "pipeline": _pipeline,
        "model": _model,
        "service": _service,
    }
    return Document(
        path=str(ref),
        kind=ref.kind,
        title=ref.name,
        says=artifact.description,
        sections=(
            _about(artifact),
            *makers[ref.kind](record, artifact),
            *_lineage(record, ref),
            *_history(record, ref),
            *_related(record, ref, known),
        ),
    )


def _about(artifact: Artifact) -> Section:
    pairs = (
        ("stage", artifact.stage),
        ("owner", artifact.owner or "nobody"),
        ("changed", _day(artifact.updated_ms)),
        *artifact.tags.items(),
        *artifact.links.items(),
    )
    return Section(title="About", blocks=(Facts(pairs=pairs),))


def _lineage(record: Record, ref: Ref) -> list[Section]:
    items = tuple(Item(text=sentence) for sentence in trace(record.db, ref).sentences)
    return [Section(title="Lineage", blocks=(Items(items=items),))] if items else []


def _history(record: Record, ref: Ref) -> list[Section]:
    facts = read_facts(record.db, artifact=str(ref), limit=FACTS_SHOWN)
    if not facts:
        return []
    rows = tuple((_minute(fact.at_ms), tell(fact).sentence) for fact in facts)
    return [Section(title="What happened", blocks=(Table(columns=("when (UTC)", "fact"), rows=rows),))]


def _related(record: Record, ref: Ref, known: set[str]) -> list[Section]:
    whole, parts = parts_of(record.db, ref)
    found = dict.fromkeys(text for text in (*whole, *parts) if text in known)
    items = tuple(Item(text=text, path=text) for text in found)
    return [Section(title="See also", blocks=(Items(items=items),))] if items else []


# ------------------------------------------------------------------------------------------------ projects


def _project(record: Record, artifact: Artifact) -> list[Section]:
    sections = []
    report = latest_report(record.db, artifact.ref.name)
    if report is not None:
        pairs = (
            ("profile", report.profile),
            *((severity, str(number)) for severity, number in report.counts.items()),
            ("waived", str(len(report.waived))),
            ("commit", report.commit or "none"),
            ("checked", _day(report.at_ms)),
        )
        sections.append(Section(title="Checks", blocks=(Facts(pairs=pairs),)))
    packages = list_packages(record.db, artifact.ref.name, limit=PACKAGES_SHOWN)
    if packages:
        rows = tuple(
            (
                package.title,
                ", ".join(f"{stage.name} {stage.status}" for stage in package.stages) or "none",
                package.file or "not built",
                size(package.size_bytes) if package.file else "",
                _day(package.at_ms),
            )
            for package in packages
        )
        columns = ("version", "stages", "file", "size", "day")
        sections.append(
            Section(title="Packages", blocks=(Table(columns=columns, rows=rows, numbers=("size",)),))
        )
    return sections


# ----------------------------------------------------------------------------------------------- pipelines


def _pipeline(record: Record, artifact: Artifact) -> list[Section]:
    project, _, name = artifact.ref.name.rpartition(".")
    runs = newest_runs(record.db, project=project, pipeline=name, limit=RUNS_SHOWN)
    if not runs:
        return []
    last = get_pipeline_run(record.db, runs[0].run_id)
    needs = tuple(
        (node.name, node.function, ", ".join(node.needs), "each item" if node.is_map else "once")
        for node in last.graph
    )
    steps = tuple(
        (
            step.step,
            step.status,
            step.verdict,
            duration(step.duration_ms),
            step.output.shown if step.output else "",
        )
        for step in steps_of_run(record.db, last.run_id)
    )
    rows = []
    for run in runs:
        found = get_run(record.db, run.run_id)
        metrics = ", ".join(f"{each.key} {short(each.value)}" for each in found.metrics[:METRICS_SHOWN])
        took = duration(found.end_ms - found.start_ms) if found.end_ms else ""
        rows.append((run.run_id[:12], found.status, _minute(found.start_ms), took, metrics))
    params = get_run(record.db, last.run_id).params
    return [
        Section(title="Steps", blocks=(Table(columns=("step", "function", "takes", "runs"), rows=needs),)),
        Section(
            title="Last run",
            blocks=(
                Facts(pairs=tuple(params.items())),
                Table(columns=("step", "status", "cache", "took", "gave"), rows=steps, numbers=("took",)),
            ),
        ),
        Section(
            title="Runs",
            blocks=(
                Table(
                    columns=("run", "status", "started (UTC)", "took", "metrics"),
                    rows=tuple(rows),
                    numbers=("took",),
                ),
            ),
        ),
    ]


# -------------------------------------------------------------------------------------------------- models


def _model(record: Record, artifact: Artifact) -> list[Section]:
    name = artifact.ref.name
    versions = list_versions(record.db, name, limit=VERSIONS_SHOWN)
    if not versions:
        return []
    shown = next((version for version in versions if version.aliases), versions[0])
    files = tuple(version_files(record.db, shown.uid))
    card = read_card(record, files, shown.description, get_model(record.db, name).description)
    return [
        *([Section(title="Card", blocks=(Prose(text=card),))] if card.strip() else []),
        _versions(record, versions),
        *_signature(record, shown),
        *_gates(record, shown),
    ]


def _versions(record: Record, versions: list[ModelVersion]) -> Section:
    rows = []
    for version in versions:
        provenance = provenance_of(record.db, version.run_id, version.model_id)
        measured = subject_of(record.db, str(version), provenance).metrics
        own = [(key, values[0].value) for key, values in sorted(measured.items()) if "/" not in key]
        metrics = ", ".join(f"{key} {short(value)}" for key, value in own[:METRICS_SHOWN])
        aliases = ", ".join(version.aliases)
        rows.append((str(version.version), aliases, version.user, _day(version.created_ms), metrics))
    columns = ("version", "aliases", "by", "day", "metrics")
    return Section(title="Versions", blocks=(Table(columns=columns, rows=tuple(rows), numbers=("version",)),))


def _manifest(record: Record, version: ModelVersion) -> Manifest | None:
    for file in version_files(record.db, version.uid):
        if file.path == MANIFEST:
            try:
                return read_manifest(read_bytes(record.files, file.digest).decode("utf-8", "replace"))
            except PavedError:
                return None
    return None


def _signature(record: Record, version: ModelVersion) -> list[Section]:
    manifest = _manifest(record, version)
    if manifest is None or manifest.signature is None:
        return []
    title = f"What version {version.version} takes and gives"
    return [Section(title=title, blocks=(_fields(manifest.signature),))]


def _fields(signature: Signature) -> Table:
    rows = [
        (side, field.name or str(at), field.type, "required" if field.required else "optional")
        for side, fields in (("input", signature.inputs), ("output", signature.outputs))
        for at, field in enumerate(fields)
    ]
    return Table(columns=("side", "name", "type", "nulls"), rows=tuple(rows))


def _gates(record: Record, version: ModelVersion) -> list[Section]:
    evaluation = last_evaluation(record.db, version.uid)
    if evaluation is None:
        return []
    rows = tuple((gate.gate, gate.verdict, gate.says) for gate in evaluation.gates)
    title = f"Gates of version {version.version} before {evaluation.alias}"
    asked = Prose(text=f"Asked on {_day(evaluation.at_ms)} by {evaluation.who}.")
    return [Section(title=title, blocks=(asked, Table(columns=("gate", "verdict", "says"), rows=rows)))]


# ------------------------------------------------------------------------------------------------ services


def _service(record: Record, artifact: Artifact) -> list[Section]:
    services = [each for each in list_services(record) if each.name == artifact.ref.name]
    rows = tuple(
        (f"{each.model}@{each.version}", each.state, each.url, each.host, _minute(each.started_ms))
        for each in services
    )
    if not rows:
        return []
    columns = ("model", "state", "address", "host", "started (UTC)")
    return [Section(title="Serves", blocks=(Table(columns=columns, rows=rows),))]


def _day(at_ms: int) -> str:
    return utc_iso(at_ms)[:10]


def _minute(at_ms: int) -> str:
    return utc_iso(at_ms)[:16].replace("T", " ")
