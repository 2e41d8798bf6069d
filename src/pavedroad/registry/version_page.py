"""One version: the gates it stands before, each with its evidence, and all that is known about it."""

from __future__ import annotations

import shlex

import msgspec
from starlette.requests import Request

from pavedroad.catalog import Ref, find_artifact, read_facts
from pavedroad.catalog.telling import Told, tell
from pavedroad.errors import Invalid, NotFound, PavedError
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import read_bytes
from pavedroad.kit.http import segment
from pavedroad.kit.text import count
from pavedroad.models import Manifest, read_manifest
from pavedroad.record import Record, record_behind
from pavedroad.registry import store
from pavedroad.registry.context import MANIFEST, read_card
from pavedroad.registry.gate import Measured
from pavedroad.registry.model import Approval, Evidence, Exemption, GateEvaluation, ModelVersion, VersionFile
from pavedroad.registry.models_page import CHAMPION, Action, known_model
from pavedroad.registry.provenance import Provenance, provenance_of, subject_of
from pavedroad.registry.registration import ROOT
from pavedroad.tracking.pictures import file_address

EVALUATIONS_SHOWN = 20
FACTS_SHOWN = 12
CARD_SHOWN = 40_000
WORST_FIRST = ("closed", "unknown", "exempt", "open")


class FileRow(msgspec.Struct, frozen=True, kw_only=True):
    path: str
    digest: str
    size_bytes: int
    href: str


class ExemptionRow(msgspec.Struct, frozen=True, kw_only=True):
    exemption: Exemption
    holds: bool


class Link(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    href: str


class VersionPage(msgspec.Struct, frozen=True, kw_only=True):
    version: ModelVersion
    model_href: str
    owner: str
    verdict: str
    says: str
    evaluation: GateEvaluation | None  # the one shown
    is_latest: bool
    evaluations: list[GateEvaluation]
    exemptions: list[ExemptionRow]
    approvals: list[Approval]
    metrics: list[Measured]
    manifest: Manifest | None
    manifest_problem: str
    card: str
    files: list[FileRow]
    runs: list[Link]
    lineage: str
    facts: list[Told]
    actions: list[Action]

    @property
    def has_next_steps(self) -> bool:
        return any(gate.next_step for gate in self.gates)

    @property
    def gates(self) -> list[Evidence]:
        """Those that do not let it pass first."""
        asked = self.evaluation.gates if self.evaluation else []
        return sorted(asked, key=lambda gate: WORST_FIRST.index(gate.verdict))


def show_version(request: Request) -> VersionPage:
    record = record_behind(request)
    reader = record.db
    model = known_model(reader, request.path_params["name"], request.path_params["version"])
    version = store.get_version(reader, model.name, request.path_params["version"])
    evaluations = store.list_evaluations(reader, version.uid, limit=EVALUATIONS_SHOWN)
    shown = _chosen(evaluations, request.query_params.get("evaluation", ""))
    files = store.version_files(reader, version.uid)
    provenance = provenance_of(reader, version.run_id, version.model_id)
    measured = subject_of(reader, str(version), provenance).metrics
    manifest, problem = _manifest(record, files)
    artifact = find_artifact(reader, Ref("model", model.name))
    verdict, says = _judge(version, evaluations[0] if evaluations else None)
    return VersionPage(
        version=version,
        model_href=f"/models/{segment(model.name)}",
        owner=artifact.owner if artifact else "",
        verdict=verdict,
        says=says,
        evaluation=shown,
        is_latest=not evaluations or shown is evaluations[0],
        evaluations=evaluations,
        exemptions=_exemptions(record, version),
        approvals=store.list_approvals(reader, version.uid),
        metrics=[values[0] for key, values in sorted(measured.items()) if not key.startswith("system/")],
        manifest=manifest,
        manifest_problem=problem,
        card=read_card(record, tuple(files), version.description, model.description)[:CARD_SHOWN],
        files=[
            FileRow(
                path=file.path,
                digest=file.digest,
                size_bytes=file.size_bytes,
                href=file_address(f"{ROOT}/{version.uid}/{file.path}"),
            )
            for file in files
        ],
        runs=_runs(provenance),
        lineage=f"/artifacts/model/{segment(version.name)}/{version.version}",
        facts=[tell(fact) for fact in read_facts(reader, artifact=f"model/{version}", limit=FACTS_SHOWN)],
        actions=_actions(version, evaluations[0] if evaluations else None),
    )


def _chosen(evaluations: list[GateEvaluation], asked: str) -> GateEvaluation | None:
    if not asked:
        return evaluations[0] if evaluations else None
    if not (asked.isascii() and asked.isdecimal()):
        raise Invalid(f"evaluation={asked[:40]!r} is not a number", hint="follow the links of the page")
    for evaluation in evaluations:
        if evaluation.id == int(asked[:20]):
            return evaluation
    raise NotFound(f"this version has no evaluation {asked[:20]}", hint="choose one from the list")


def _judge(version: ModelVersion, last: GateEvaluation | None) -> tuple[str, str]:
    """Is it all right, as a state and a sentence."""
    held = " and ".join(version.aliases)
    if last is None:
        return ("production", "no gate was asked") if held else ("candidate", "no gate was asked yet")
    if last.closed:
        are = count(len(last.closed), "gate is", "gates are")
        return "closed", f"{are} closed" + (f"; it is still {held}" if held else "")
    exempt = sum(gate.verdict == "exempt" for gate in last.gates)
    says = f"all {len(last.gates)} gates are open" if len(last.gates) > 1 else "its gates are open"
    if exempt:
        says = f"{count(len(last.gates) - exempt, 'gate is', 'gates are')} open, {exempt} exempt"
    return ("production" if held else "candidate"), says


def _exemptions(record: Record, version: ModelVersion) -> list[ExemptionRow]:
    now = now_ms()
    rows, seen = [], set()
    for exemption in store.list_exemptions(record.db, version.uid):
        rows.append(
            ExemptionRow(exemption=exemption, holds=exemption.holds(now) and exemption.gate not in seen)
        )
        seen.add(exemption.gate)
    return rows


def _manifest(record: Record, files: list[VersionFile]) -> tuple[Manifest | None, str]:
    """What the MLmodel file says, or why that cannot be read."""
    found = next((file for file in files if file.path == MANIFEST), None)
    if found is None:
        return None, ""
    try:
        return read_manifest(read_bytes(record.files, found.digest).decode("utf-8", "replace")), ""
    except PavedError as error:
        return None, str(error)


def _runs(provenance: Provenance) -> list[Link]:
    alone = [run for run in provenance.runs if not run.tags.get("paved.step")] or list(provenance.runs[:1])
    return [Link(text=f"{run.name} {run.id[:8]}".strip(), href=f"/runs/{run.id}") for run in alone]


def _actions(version: ModelVersion, last: GateEvaluation | None) -> list[Action]:
    quoted = shlex.quote(str(version))
    actions = []
    alias = last.alias if last else CHAMPION
    if alias not in version.aliases:
        actions.append(
            Action("Ask the gates, and promote if they are open", f"paved promote {quoted} --to {alias}")
        )
        if last and last.closed:
            gate = shlex.quote(last.closed[0].gate)
            actions.append(
                Action(
                    "Let it pass one gate until a date, with a reason",
                    f"paved exempt {quoted} {gate} --reason WHY --until DATE",
                )
            )
    actions.append(Action("Serve it", f"paved serve {quoted}"))
    if alias in version.aliases:
        actions.append(Action("Go back to the one before", f"paved rollback {shlex.quote(version.name)}"))
    actions.append(Action("Approve it", f"paved approve {quoted}"))
    return actions
