"""Gathering what gates are handed: everything about one version that is on the record."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Protocol

import msgspec

from pavedroad.advisories.store import exposure_of
from pavedroad.checks import Report, latest_report
from pavedroad.environments.store import environment_reports
from pavedroad.errors import Damaged, Invalid, NotFound
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import CHUNK_BYTES, read_bytes
from pavedroad.kit.sql import Reader
from pavedroad.models import Manifest, Signature, read_manifest
from pavedroad.record import Record
from pavedroad.registry import store
from pavedroad.registry.gate import (
    AdvisoriesSeen,
    CheckResult,
    Context,
    DataSeen,
    EnvironmentSeen,
    Exposure,
    LatencySeen,
    Subject,
)
from pavedroad.registry.model import ModelVersion, VersionFile
from pavedroad.registry.provenance import COMMIT_TAG, PROJECT_TAG, Provenance, provenance_of, subject_of
from pavedroad.registry.recorded_data import data_in_example, data_in_profiles
from pavedroad.registry.registration import ROOT, is_prompt_version, owner_of
from pavedroad.tracking import all_files, run_inputs

MANIFEST = "MLmodel"
CARDS = ("readme.md", "model_card.md", "modelcard.md")
FINDINGS_KEPT = 10


class Latency(Protocol):
    """What the door that serves a candidate answers."""

    p50_ms: float
    p99_ms: float
    requests: int
    errors: int


class MeasureLatency(Protocol):
    """Serve the version in a process of its own, send it `requests`, `concurrency` at a time, and stop it."""

    def __call__(
        self, record: Record, version: ModelVersion, *, requests: int, concurrency: int
    ) -> Latency: ...


CheckProject = Callable[[str], Report]  # profile -> report about the folder of the version's project


def make_context(
    record: Record,
    version: ModelVersion,
    alias: str,
    *,
    measure_latency: MeasureLatency | None = None,
    check_project: CheckProject | None = None,
) -> Context:
    """Read what is cheap now, and the rest when a gate asks."""
    db = record.db
    provenance = provenance_of(db, version.run_id, version.model_id)
    project = provenance.tag(PROJECT_TAG)
    later = _Later(record, version, provenance, measure_latency)
    return Context(
        alias=alias,
        now_ms=now_ms(),
        version=version,
        authors=tuple(authors_of(version, provenance)),
        project=project,
        owner=owner_of(db, version, project),
        commit=provenance.tag(COMMIT_TAG),
        candidate=subject_of(db, str(version), provenance),
        files=later.files,
        approvals=tuple(store.list_approvals(db, version.uid)),
        is_prompt=is_prompt_version(version.tags, version.source),
        champion_of=later.champion_of,
        read_signature=later.read_signature,
        read_card=later.read_card,
        read_data=later.read_data,
        damaged_files=lambda: damaged_files(record, version, later.files),
        check_project=lambda profile: check_result(record, version, provenance, profile, check_project),
        read_environments=lambda: environments_of(db, project),
        read_advisories=lambda: advisories_of(db, project),
        measure_latency=later.measure,
        earlier_latency=lambda *asked: earlier_latency(db, version, *asked),
    )


class _Later:
    """What is read when the first gate asks, and kept for the next one."""

    def __init__(
        self, record: Record, version: ModelVersion, provenance: Provenance, measure: MeasureLatency | None
    ) -> None:
        self.files = tuple(store.version_files(record.db, version.uid))
        self._record = record
        self._version = version
        self._provenance = provenance
        self._measure = measure
        self._champions: dict[str, Subject | None] = {}
        self._measured: dict[tuple[int, int], LatencySeen] = {}

    @cached_property
    def manifest(self) -> Manifest | None:
        text = _read(self._record, self.files, MANIFEST)
        if text is None:
            return None
        try:
            return read_manifest(text.decode("utf-8"))
        except UnicodeDecodeError:
            raise Invalid("the MLmodel file is not text", hint="log the model again") from None

    def champion_of(self, alias: str) -> Subject | None:
        if alias not in self._champions:
            self._champions[alias] = holder_of(self._record.db, self._version.name, alias)
        return self._champions[alias]

    def read_signature(self) -> Signature | None:
        return None if self.manifest is None else self.manifest.signature

    def read_card(self) -> str:
        model = store.get_model(self._record.db, self._version.name)
        return read_card(self._record, self.files, self._version.description, model.description)

    def read_data(self) -> list[DataSeen]:
        return recorded_data(self._record, self.files, self.manifest, self._provenance)

    def measure(self, requests: int, concurrency: int) -> LatencySeen | None:
        if self._measure is None:
            return None
        load = (requests, concurrency)
        if load not in self._measured:
            seen = self._measure(self._record, self._version, requests=requests, concurrency=concurrency)
            self._measured[load] = LatencySeen(
                p50_ms=seen.p50_ms,
                p99_ms=seen.p99_ms,
                requests=seen.requests,
                errors=seen.errors,
                concurrency=concurrency,
                measured_ms=now_ms(),
            )
        return self._measured[load]


def authors_of(version: ModelVersion, provenance: Provenance) -> list[str]:
    """Who registered it and who ran the runs that made it."""
    return list(dict.fromkeys(name for name in (version.user, *provenance.users) if name))


def holder_of(reader: Reader, name: str, alias: str) -> Subject | None:
    """Who holds an alias; when nobody does, who held it last, even if that version is gone.

    Otherwise taking the champion's alias away would make every candidate the first.
    """
    holder = store.find_version(reader, name, alias)
    if holder is not None:
        return subject_of(reader, str(holder), provenance_of(reader, holder.run_id, holder.model_id))
    last = last_holder(reader, name, alias)
    if last is None:
        return None
    number, run_id, model_id = last
    return subject_of(reader, f"{name}@{number}", provenance_of(reader, run_id, model_id))


def last_holder(reader: Reader, name: str, alias: str) -> tuple[int, str, str] | None:
    """Version number, run and logged model of the last version that was given an alias."""
    for move in store.list_moves(reader, name, alias=alias, limit=store.LARGEST):
        if move.what != "removed":
            return move.version, move.run_id, move.model_id
    return None


def damaged_files(record: Record, version: ModelVersion, files: tuple[VersionFile, ...]) -> list[str]:
    """`path: what is wrong`, after reading every byte."""
    problems = []
    for file in files:
        try:
            with record.files.open(file.digest) as source:
                while source.read(CHUNK_BYTES):
                    pass
        except NotFound:
            problems.append(f"{file.path}: missing")
        except Damaged:
            problems.append(f"{file.path}: damaged")
    named = {path: stored.digest for path, stored in all_files(record.db, f"{ROOT}/{version.uid}")}
    registered = {file.path: file.digest for file in files}
    changed = [path for path in {**named, **registered} if named.get(path) != registered.get(path)]
    return problems + [f"{path}: not as registered" for path in sorted(changed)]


def read_card(record: Record, files: tuple[VersionFile, ...], *texts: str) -> str:
    """The longest of the given texts and the card files of the model's folder."""
    cards = [read_bytes(record.files, file.digest) for file in files if file.path.lower() in CARDS]
    found = [*texts, *(card.decode("utf-8", "replace") for card in cards)]
    return max(found, key=lambda text: len(text.split()))


def recorded_data(
    record: Record, files: tuple[VersionFile, ...], manifest: Manifest | None, provenance: Provenance
) -> list[DataSeen]:
    found = []
    path = (manifest.example if manifest else {}).get("artifact_path")
    text = _read(record, files, path) if isinstance(path, str) else None
    if text is not None and (seen := data_in_example(text)) is not None:
        found.append(seen)
    for run in provenance.runs:
        found += [seen for seen in data_in_profiles(run_inputs(record.db, run.id)) if seen not in found]
    return found


def advisories_of(reader: Reader, project: str) -> AdvisoriesSeen | None:
    """What the project was exposed to when it registered last, or when an advisory was published since."""
    known = exposure_of(reader, project) if project else None
    if known is None:
        return None
    exposed = [Exposure(id=case.id, effect=case.effect, decided=case.decided) for case in known.exposed]
    return AdvisoriesSeen(commit=known.commit, at_ms=known.at_ms, exposed=exposed)


def environments_of(reader: Reader, project: str) -> list[EnvironmentSeen]:
    """The newest examination of the project on each machine."""
    seen = []
    for found in environment_reports(reader, project) if project else []:
        line = found.report.gravest
        says = f"{line.check}: {line.says}" if line and line.verdict != "ok" else "in order"
        seen.append(
            EnvironmentSeen(
                machine=found.machine,
                verdict=found.verdict,
                says=says,
                next_step=line.next_step if line else "",
                at_ms=found.at_ms,
            )
        )
    return seen


def check_result(
    record: Record,
    version: ModelVersion,
    provenance: Provenance,
    profile: str,
    check_project: CheckProject | None,
) -> CheckResult | None:
    """Of the project's folder when the door has it; else as recorded for the commit that made the version."""
    if check_project is not None:
        return _result_of(check_project(profile), "project folder")
    commit = provenance.tag(COMMIT_TAG)
    report = latest_report(record.db, provenance.tag(PROJECT_TAG), profile=profile)
    if report is not None and commit and report.commit == commit:
        return _result_of(report, "recorded report")
    for answer in store.earlier_answers(record.db, version, "checks"):
        if "report" in answer and answer["report"]["profile"] == profile:
            seen = msgspec.convert(answer["report"], CheckResult)
            return msgspec.structs.replace(seen, where="recorded report")
    return None


def _result_of(report: Report, where: str) -> CheckResult:
    findings = [f"{found.code} {found.place}: {found.says}" for found in report.findings]
    return CheckResult(
        profile=report.profile,
        counts=dict(report.counts),
        findings=findings[:FINDINGS_KEPT],
        commit=report.commit,
        where=where,
    )


def earlier_latency(
    reader: Reader, version: ModelVersion, requests: int, concurrency: int, since_ms: int
) -> LatencySeen | None:
    """The newest measurement of the same files under such a load, or more of it."""
    for answer in store.earlier_answers(reader, version, "latency", since_ms=since_ms):
        asked = answer.get("policy", {})
        if "measured" in answer and asked.get("concurrency") == concurrency and asked["requests"] >= requests:
            seen = msgspec.convert(answer["measured"], LatencySeen)
            if seen.measured_ms >= since_ms:
                return seen
    return None


def _read(record: Record, files: tuple[VersionFile, ...], path: str) -> bytes | None:
    found = next((file for file in files if file.path == path), None)
    return None if found is None else read_bytes(record.files, found.digest)
