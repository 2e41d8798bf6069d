"""A logged model: what a run made of it, how it measured, its files, and the versions registered from it."""

from __future__ import annotations

import shlex

import msgspec
from starlette.requests import Request

from pavedroad.errors import NotFound
from pavedroad.kit.http import segment
from pavedroad.kit.sql import Reader
from pavedroad.record import record_behind
from pavedroad.registry import store
from pavedroad.tracking import LoggedModel, Metric, Run, get_experiment, get_logged_model, get_run, list_files
from pavedroad.tracking.model import ARTIFACTS, DELETED, root_of
from pavedroad.tracking.pictures import file_address

FILES_SHOWN = 100
OWN_TAGS = ("mlflow.", "paved.")


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    href: str
    is_dir: bool
    size_bytes: int


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: int
    aliases: list[str]
    href: str


class LoggedModelPage(msgspec.Struct, frozen=True, kw_only=True):
    model: LoggedModel
    experiment: str
    run: Run | None  # that made it; None when it has been erased, or never was
    metrics: list[Metric]  # the last of each name, run and dataset
    files: list[ModelFile]
    all_files: str  # empty when the files are not kept here
    versions: list[Registered]
    tags: dict[str, str]
    register: str  # the command; empty while it has no files to register

    @property
    def is_deleted(self) -> bool:
        return self.model.lifecycle_stage == DELETED


def show_logged_model(request: Request) -> LoggedModelPage:
    reader: Reader = record_behind(request).db
    model = get_logged_model(reader, request.path_params["model_id"], allow_deleted=True)
    is_here = model.artifact_location.startswith(ARTIFACTS)
    root = root_of(model.artifact_location) if is_here else ""
    files = list_files(reader, root) if is_here else []
    return LoggedModelPage(
        model=model,
        experiment=get_experiment(reader, model.experiment_id).name,
        run=_find_run(reader, model.source_run_id),
        metrics=_last_measures(model.metrics),
        files=[
            ModelFile(
                name=entry.path,
                href=file_address(f"{root}/{entry.path}"),
                is_dir=entry.is_dir,
                size_bytes=entry.size_bytes,
            )
            for entry in files[:FILES_SHOWN]
        ],
        all_files=file_address(root) if files else "",
        versions=[
            Registered(
                name=version.name,
                version=version.version,
                aliases=list(version.aliases),
                href=f"/models/{segment(version.name)}/{version.version}",
            )
            for version in store.versions_of_logged_model(reader, model.id)
        ],
        tags={key: value for key, value in model.tags.items() if not key.startswith(OWN_TAGS)},
        register=f"paved register {model.source_run_id[:8]} --name {shlex.quote(model.name)}"
        if files and model.source_run_id and model.status == "READY"
        else "",
    )


def _find_run(reader: Reader, run_id: str) -> Run | None:
    if not run_id:
        return None
    try:
        return get_run(reader, run_id)
    except NotFound:
        return None


def _last_measures(metrics: list[Metric]) -> list[Metric]:
    last: dict[tuple[str, str, str], Metric] = {}
    for metric in metrics:
        place = (metric.key, metric.dataset_name, metric.dataset_digest)
        held = last.get(place)
        if held is None or (metric.step, metric.at_ms) >= (held.step, held.at_ms):
            last[place] = metric
    return [last[place] for place in sorted(last)]
