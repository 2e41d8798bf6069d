"""Gathering what gates are handed: everything about one version that is on the record."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Protocol

import msgspec

from pavedroad.checks import Report, latest_report
from pavedroad.errors import Damaged, NotFound
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import CHUNK_BYTES, read_bytes
from pavedroad.kit.sql import Reader
from pavedroad.record import Record
from pavedroad.registry import store
from pavedroad.registry.gate import CheckResult, Context, DataSeen, LatencySeen, Subject
from pavedroad.registry.model import ModelVersion, VersionFile
from pavedroad.registry.provenance import COMMIT_TAG, PROJECT_TAG, Provenance, provenance_of, subject_of
from pavedroad.registry.recorded_data import data_in_example, data_in_profiles
from pavedroad.registry.registration import ROOT, is_prompt_version, owner_of
from pavedroad.tracking import Manifest, Signature, all_files, read_manifest, run_inputs

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
    model = store.get_model(db, version.name)
    provenance = provenance_of(db, version.run_id, version.model_id)
    files = tuple(store.version_files(db, version.uid))
    project = provenance.tag(PROJECT_TAG)

    @cache
    def champion_of(compared: str) -> Subject | None:
        return holder_of(db, version.name, compared)

    @cache
    def manifest() -> Manifest | None:
        text = _read(record, files, MANIFEST)
        return None if text is None else read_manifest(text.decode("utf-8"))

    def read_signature() -> Signature | None:
        found = manifest()
        return None if found is None else found.signature

    def read_data() -> list[DataSeen]:
        return recorded_data(record, files, manifest(), provenance)

    @cache
    def measure(requests: int, concurrency: int) -> LatencySeen | None:
        if measure_latency is None:
            return None
        seen = measure_latency(record, version, requests=requests, concurrency=concurrency)
        return LatencySeen(
            p50_ms=seen.p50_ms,
            p99_ms=seen.p99_ms,
            requests=seen.requests,
            errors=seen.errors,
            concurrency=concurrency,
            measured_ms=now_ms(),
        )

    return Context(
        alias=alias,
        now_ms=now_ms(),
        version=version,
        authors=tuple(authors_of(version, provenance)),
        project=project,
        owner=owner_of(db, version, project),
        commit=provenance.tag(COMMIT_TAG),
        candidate=subject_of(db, str(version), provenance),
        files=files,
        approvals=tuple(store.list_approvals(db, version.uid)),
        is_prompt=is_prompt_version(version.tags, version.source),
        champion_of=champion_of,
        read_signature=read_signature,
        read_card=lambda: read_card(record, files, version.description, model.description),
        read_data=read_data,
        damaged_files=lambda: damaged_files(record, version, files),
        check_project=lambda profile: check_result(record, version, provenance, profile, check_project),
        measure_latency=measure,
        earlier_latency=lambda *asked: earlier_latency(db, version, *asked),
    )


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
