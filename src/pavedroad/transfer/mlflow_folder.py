"""MLflow's file store as a source: an `mlruns` folder with its `.trash` and `models`, read file by file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pavedroad.tracking import DatasetInput, Experiment, LoggedModel, Metric, Run, RunModel
from pavedroad.tracking.model import MODEL_STATUSES, RUN_NAME_TAG
from pavedroad.transfer.local_files import LocalFiles, open_file, walk
from pavedroad.transfer.model import FullRun, Model, SourceFile, Unreachable, Version

META = "meta.yaml"
TRASH, MODELS = ".trash", "models"
NOT_RUNS = ("tags", "datasets", "traces", MODELS)
RUNS_AT_ONCE = 50
STATUSES = ("RUNNING", "RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")  # by MLflow's number
VERSION_STATUSES = {"1": "PENDING_REGISTRATION", "2": "FAILED_REGISTRATION", "3": "READY"}


def is_file_store(folder: Path) -> bool:
    return any(folder.glob(f"*/{META}")) or (folder / TRASH).is_dir() or (folder / MODELS).is_dir()


class FolderSource:
    file_workers = 1

    def __init__(self, folder: Path, *, proxied: list[Path]) -> None:
        self.address = str(folder)
        self._root = folder
        self._files = LocalFiles(folder.parent, proxied)
        self._places = {
            **{place.name: place for place in _folders(folder / TRASH) if (place / META).is_file()},
            **{
                place.name: place
                for place in _folders(folder)
                if (place / META).is_file() and place.name not in (TRASH, MODELS)
            },
        }
        self._owners: dict[str, Path] = {}  # runs/<id> or models/<id>: its folder

    def experiments(self) -> list[Experiment]:
        found = []
        for name, place in sorted(self._places.items()):
            meta = _meta(place)
            found.append(
                Experiment(
                    id=str(meta.get("experiment_id", name)),
                    name=str(meta.get("name", name)),
                    artifact_location=str(meta.get("artifact_location") or ""),
                    lifecycle_stage=meta.get("lifecycle_stage") or "active",
                    tags=_texts(place / "tags"),
                    created_ms=meta.get("creation_time") or _changed_ms(place),
                    updated_ms=meta.get("last_update_time")
                    or meta.get("creation_time")
                    or _changed_ms(place),
                )
            )
        return found

    def count_runs(self, experiment: Experiment) -> int | None:
        return len(self._run_folders(experiment))

    def runs(self, experiment: Experiment) -> Iterator[list[FullRun]]:
        places = self._run_folders(experiment)
        for start in range(0, len(places), RUNS_AT_ONCE):
            yield [self._run(place, experiment) for place in places[start : start + RUNS_AT_ONCE]]

    def points(self, runs: list[FullRun]) -> Iterator[tuple[str, Metric]]:
        for each in runs:
            for key, file in _files_below(self._owners[f"runs/{each.run.id}"] / "metrics"):
                for metric in _points(key, file):
                    yield each.run.id, metric

    def logged_models(self, experiment: Experiment) -> list[LoggedModel]:
        found = []
        for place in _folders(self._places[experiment.id] / MODELS):
            if not (place / META).is_file():
                continue
            meta = _meta(place)
            self._owners[f"models/{place.name}"] = place
            found.append(
                LoggedModel(
                    id=place.name,
                    experiment_id=experiment.id,
                    name=str(meta.get("name") or ""),
                    artifact_location=str(meta.get("artifact_location") or ""),
                    status=MODEL_STATUSES[meta.get("status") or 0],
                    status_message=meta.get("status_message") or "",
                    model_type=meta.get("model_type") or "",
                    source_run_id=meta.get("source_run_id") or "",
                    lifecycle_stage=meta.get("lifecycle_stage") or "active",
                    created_ms=meta["creation_timestamp"],
                    updated_ms=meta["last_updated_timestamp"],
                    params=_texts(place / "params"),
                    tags=_texts(place / "tags"),
                    metrics=[
                        metric
                        for key, file in _files_below(place / "metrics")
                        for metric in _model_points(key, file)
                    ],
                )
            )
        return sorted(found, key=lambda model: (model.created_ms, model.id))

    def models(self) -> list[Model]:
        return [self._model(place) for place in _folders(self._root / MODELS) if (place / META).is_file()]

    def files(self, uri: str, owner: str) -> list[SourceFile]:
        place = self._place_of_files(uri, owner)
        return [] if place is None else walk(place)

    def open(self, uri: str, owner: str, path: str) -> BinaryIO:
        place = self._place_of_files(uri, owner)
        if place is None:
            raise Unreachable("the folder is gone")
        return open_file(place / path)

    def close(self) -> None:
        pass

    def _place_of_files(self, uri: str, owner: str) -> Path | None:
        """Where the URI says, else beside the owner's other files: the folder may have been moved since."""
        beside = self._owners[owner] / "artifacts" if owner in self._owners else None
        has_some = beside is not None and beside.is_dir() and any(beside.iterdir())
        try:
            return self._files.folder(uri) or (beside if has_some else None)
        except Unreachable:
            if has_some:
                return beside
            raise

    def _run_folders(self, experiment: Experiment) -> list[Path]:
        place = self._places[experiment.id]
        return [each for each in _folders(place) if each.name not in NOT_RUNS and (each / META).is_file()]

    def _run(self, place: Path, experiment: Experiment) -> FullRun:
        meta = _meta(place)
        run_id = str(meta.get("run_id") or meta.get("run_uuid") or place.name)
        self._owners[f"runs/{run_id}"] = place
        tags = _texts(place / "tags")
        status = meta.get("status") or 1
        curves = [list(_points(key, file)) for key, file in _files_below(place / "metrics")]
        datasets, models = _inputs(place, self._places[experiment.id])
        return FullRun(
            run=Run(
                id=run_id,
                experiment_id=experiment.id,
                name=str(meta.get("run_name") or meta.get("name") or tags.get(RUN_NAME_TAG, "")),
                user=str(meta.get("user_id") or ""),
                status=STATUSES[status] if isinstance(status, int) else str(status),
                start_ms=meta.get("start_time") or 0,
                end_ms=meta.get("end_time"),
                lifecycle_stage=meta.get("lifecycle_stage") or "active",
                artifact_uri=str(meta.get("artifact_uri") or ""),
                params=_texts(place / "params"),
                tags=tags,
                metrics=[max(curve, key=_last) for curve in curves if curve],
            ),
            deleted_ms=meta.get("deleted_time"),
            points=sum(map(len, curves)),
            datasets=datasets,
            models=models,
            outputs=[
                RunModel(model_id=made["destination_id"], step=made.get("step") or 0)
                for made in map(_meta, _folders(place / "outputs"))
            ],
        )

    def _model(self, place: Path) -> Model:
        meta = _meta(place)
        versions = [_version(each) for each in _folders(place) if each.name.startswith("version-")]
        kept = [each for each in versions if each.stage != "Deleted_Internal"]
        return Model(
            name=str(meta["name"]),
            description=meta.get("description") or "",
            tags=_texts(place / "tags"),
            aliases={alias: int(number) for alias, number in _texts(place / "aliases").items()},
            versions=sorted(kept, key=lambda version: version.version),
            deleted=[each.version for each in versions if each.stage == "Deleted_Internal"],
            created_ms=meta.get("creation_timestamp") or 0,
            updated_ms=meta.get("last_updated_timestamp") or meta.get("creation_timestamp") or 0,
        )


def _version(place: Path) -> Version:
    meta = _meta(place)
    status = str(meta.get("status") or "READY")
    return Version(
        name=str(meta["name"]),
        version=int(meta["version"]),
        source=str(meta.get("source") or ""),
        location=str(meta.get("storage_location") or ""),
        run_id=str(meta.get("run_id") or ""),
        run_link=str(meta.get("run_link") or ""),
        model_id=str(meta.get("model_id") or ""),
        user=str(meta.get("user_id") or ""),
        description=meta.get("description") or "",
        status=VERSION_STATUSES.get(status, status),
        stage=str(meta.get("current_stage") or "None"),
        tags=_texts(place / "tags"),
        created_ms=meta.get("creation_timestamp") or 0,
        updated_ms=meta.get("last_updated_timestamp") or meta.get("creation_timestamp") or 0,
    )


def _inputs(place: Path, experiment: Path) -> tuple[list[DatasetInput], list[RunModel]]:
    datasets, models = [], []
    for used in map(_meta, _folders(place / "inputs")):
        if used["source_type"] == "MODEL":
            models.append(RunModel(model_id=used["source_id"], step=used.get("step") or 0))
        elif (folder := experiment / "datasets" / used["source_id"]).is_dir():
            meta = _meta(folder)
            datasets.append(
                DatasetInput(
                    name=str(meta["name"]),
                    digest=str(meta["digest"]),
                    source_type=str(meta.get("source_type") or ""),
                    source=str(meta.get("source") or ""),
                    schema=str(meta.get("schema") or ""),
                    profile=str(meta.get("profile") or ""),
                    tags={str(key): str(text) for key, text in (used.get("tags") or {}).items()},
                )
            )
    return sorted(datasets, key=lambda each: (each.name, each.digest)), models


def _points(key: str, file: Path) -> Iterator[Metric]:
    """Lines of time, value and step; the first MLflow wrote none, some have a data set after them.

    A line that stands there twice is one point, as in MLflow's database.
    """
    with file.open(encoding="utf-8") as lines:
        for line in dict.fromkeys(lines):
            parts = line.split()
            if len(parts) >= 2:
                step = int(parts[2]) if len(parts) > 2 else 0
                yield Metric(key=key, at_ms=int(parts[0]), value=float(parts[1]), step=step)


def _model_points(key: str, file: Path) -> Iterator[Metric]:
    for line in file.read_text("utf-8").splitlines():
        at_ms, value, step, run_id, *dataset = line.split()
        name, digest = dataset if len(dataset) == 2 else ("", "")
        yield Metric(
            key=key,
            at_ms=int(at_ms),
            value=float(value),
            step=int(step),
            run_id=run_id,
            dataset_name=name,
            dataset_digest=digest,
        )


def _last(metric: Metric) -> tuple[int, int, float]:
    return metric.step, metric.at_ms, metric.value


def _meta(place: Path) -> dict[str, Any]:
    import yaml  # 15 ms that no other command pays

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = yaml.load((place / META).read_text("utf-8"), Loader=loader)  # noqa: S506 (both are safe)
    return found if isinstance(found, dict) else {}


def _texts(folder: Path) -> dict[str, str]:
    """Every file below a folder: its path is the key, its text the value."""
    return {key: file.read_bytes().decode("utf-8") for key, file in _files_below(folder)}


def _files_below(folder: Path) -> list[tuple[str, Path]]:
    if not folder.is_dir():
        return []
    files = (file for file in folder.rglob("*") if file.is_file())
    return sorted((file.relative_to(folder).as_posix(), file) for file in files)


def _folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if each.is_dir()) if folder.is_dir() else []


def _changed_ms(place: Path) -> int:
    return (place / META).stat().st_mtime_ns // 1_000_000
