"""Package a project or a model version: run its stages, build when all passed, keep what happened."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import parse_wheel_filename

from pavedroad.catalog import Project
from pavedroad.checks import open_project
from pavedroad.checks.engine import tree_digest
from pavedroad.delivery.building import build_model, build_wheel, read_buildable
from pavedroad.delivery.model import Package, StageResult
from pavedroad.delivery.stages import Stage, choose_stages, not_run, read_stages, run_stage
from pavedroad.delivery.store import save_package
from pavedroad.kit.clock import now_ms
from pavedroad.kit.files import digest_of_file
from pavedroad.record import Record
from pavedroad.registry import ModelVersion, version_files

Started = Callable[[Stage], None]
Ended = Callable[[StageResult, str], None]  # with the end of what the stage printed


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told while it goes on."""

    started: Started = lambda stage: None
    ended: Ended = lambda result, output: None
    building: Callable[[], None] = lambda: None


SILENT = Watch()


def package_project(
    record: Record, project: Project, *, out: Path, only: tuple[str, ...] = (), watch: Watch = SILENT
) -> Package:
    """A wheel of a project. With `only`, those stages run and nothing is built.

    Raises: ConfigError or Invalid for stages that cannot be used, Invalid for a project that is no package.
    """
    stages = choose_stages(read_stages(project.stages), only)
    buildable = read_buildable(project.root)
    began, at_ms = time.monotonic(), now_ms()
    results = _run_stages(stages, project.root, watch, {})
    file = None
    if not only and all(result.status == "passed" for result in results):
        watch.building()
        file = build_wheel(project.root, out)
    version = buildable.version or (str(parse_wheel_filename(file.name)[1]) if file else "")
    package = Package(
        kind="wheel",
        name=project.name,
        version=version,
        stages=results,
        who=record.settings.who,
        at_ms=at_ms,
        duration_ms=round((time.monotonic() - began) * 1000),
        **_tree(project),
        **_built(file),
    )
    return record.db.write(lambda tx: save_package(tx, package, owner=project.owner))


def package_model(
    record: Record,
    version: ModelVersion,
    project: Project | None,
    *,
    out: Path,
    only: tuple[str, ...] = (),
    watch: Watch = SILENT,
) -> Package:
    """An archive of a model version. The stages of its project run, when its folder is here, with
    `PAVED_MODEL` as the path of the model's files.
    """
    stages = choose_stages(read_stages(project.stages if project else {}), only)
    began, at_ms = time.monotonic(), now_ms()
    results: tuple[StageResult, ...] = ()
    if project is not None and stages:
        with _unpacked(record, version) as folder:
            variables = {"PAVED_MODEL": str(folder), "PAVED_MODEL_NAME": str(version)}
            results = _run_stages(stages, project.root, watch, variables)
    file = None
    if not only and all(result.status == "passed" for result in results):
        watch.building()
        file = build_model(record, version, version_files(record.db, version.uid), out)
    tree = _tree(project) if project else {"project": "", "commit_id": "", "tree_digest": ""}
    package = Package(
        kind="model",
        name=version.name,
        version=str(version.version),
        stages=results,
        who=record.settings.who,
        at_ms=at_ms,
        duration_ms=round((time.monotonic() - began) * 1000),
        **tree,
        **_built(file),
    )
    return record.db.write(lambda tx: save_package(tx, package))


def _run_stages(
    stages: tuple[Stage, ...], root: Path, watch: Watch, variables: dict[str, str]
) -> tuple[StageResult, ...]:
    """In order; after one that does not pass, the others are not run."""
    results: list[StageResult] = []
    for stage in stages:
        if results and results[-1].status != "passed":
            results.append(not_run(stage))
            continue
        watch.started(stage)
        result, output = run_stage(stage, root, variables=variables)
        watch.ended(result, output)
        results.append(result)
    return tuple(results)


@contextmanager
def _unpacked(record: Record, version: ModelVersion) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="paved-model-") as folder:
        for file in version_files(record.db, version.uid):
            target = Path(folder) / file.path
            target.parent.mkdir(parents=True, exist_ok=True)
            with record.files.open(file.digest) as source, target.open("wb") as copy:
                while piece := source.read(2**20):
                    copy.write(piece)
        yield Path(folder)


def _tree(project: Project) -> dict[str, Any]:
    opened = open_project(project.root)
    return {"project": project.name, "commit_id": opened.commit, "tree_digest": tree_digest(opened)}


def _built(file: Path | None) -> dict[str, Any]:
    if file is None:
        return {}
    return {"file": file.name, "size_bytes": file.stat().st_size, "digest": digest_of_file(file)}
