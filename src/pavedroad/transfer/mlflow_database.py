"""MLflow's database as a source: SQLite or PostgreSQL, read only, without MLflow."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from pavedroad.tracking import DatasetInput, Experiment, LoggedModel, Metric, Run, RunModel
from pavedroad.tracking.model import MODEL_STATUSES, RUN_NAME_TAG
from pavedroad.transfer.local_files import LocalFiles
from pavedroad.transfer.mlflow_tables import Asked, Tables, places
from pavedroad.transfer.model import FullRun, Model, SourceFile, Version

RUNS_AT_ONCE = 100
DEFAULT_WORKSPACE = "default"
DELETED_VERSION = "Deleted_Internal"  # MLflow's stage of a version whose number stays taken
Where = tuple[str, Sequence[Any]]


class DatabaseSource:
    file_workers = 1

    def __init__(self, tables: Tables, address: str, *, base: Path, proxied: list[Path]) -> None:
        self.address = address
        self._tables = tables
        self._files = LocalFiles(base, proxied)

    def experiments(self) -> list[Experiment]:
        tags = self._pairs("experiment_tags", "experiment_id")
        found = self._ask(
            "experiments",
            "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time,"
            " workspace",
            ("ORDER BY experiment_id", ()),
        )
        return [
            Experiment(
                id=str(row["experiment_id"]),
                name=_in_workspace(row["workspace"], row["name"], "/"),
                artifact_location=row["artifact_location"] or "",
                lifecycle_stage=row["lifecycle_stage"] or "active",
                tags=tags.get(row["experiment_id"], {}),
                created_ms=row["creation_time"] or 0,
                updated_ms=row["last_update_time"] or row["creation_time"] or 0,
            )
            for row in found
        ]

    def count_runs(self, experiment: Experiment) -> int | None:
        query = "SELECT COUNT(*) FROM runs WHERE experiment_id = ?"
        return int(next(self._tables.rows(query, [int(experiment.id)]))[0])

    def runs(self, experiment: Experiment) -> Iterator[list[FullRun]]:
        rows = list(
            self._ask(
                "runs",
                "run_uuid, name, user_id, status, start_time, end_time, lifecycle_stage, deleted_time,"
                " artifact_uri",
                ("WHERE experiment_id = ? ORDER BY start_time, run_uuid", [int(experiment.id)]),
            )
        )
        for start in range(0, len(rows), RUNS_AT_ONCE):
            yield self._group(experiment.id, rows[start : start + RUNS_AT_ONCE])

    def points(self, runs: list[FullRun]) -> Iterator[tuple[str, Metric]]:
        ids = [each.run.id for each in runs]
        has = self._tables.columns("metrics")
        step, is_nan = ("step" if "step" in has else "0"), ("is_nan" if "is_nan" in has else "0")
        query = (
            f"SELECT run_uuid, key, timestamp, {step}, value, {is_nan} FROM metrics"  # noqa: S608 (fixed names)
            f" WHERE run_uuid IN ({places(ids)}) ORDER BY run_uuid"
        )
        for run_id, key, at_ms, step_no, value, nan in self._tables.rows(query, ids):
            yield (
                run_id,
                Metric(key=key, value=math.nan if nan else value, at_ms=at_ms or 0, step=step_no or 0),
            )

    def logged_models(self, experiment: Experiment) -> list[LoggedModel]:
        number = [int(experiment.id)]
        params = self._pairs("logged_model_params", "model_id", "param_key", "param_value", number)
        tags = self._pairs("logged_model_tags", "model_id", "tag_key", "tag_value", number)
        metrics = self._model_metrics(number)
        rows = self._ask(
            "logged_models",
            "model_id, name, artifact_location, creation_timestamp_ms, last_updated_timestamp_ms, status,"
            " lifecycle_stage, model_type, source_run_id, status_message",
            ("WHERE experiment_id = ? ORDER BY creation_timestamp_ms, model_id", number),
        )
        return [
            LoggedModel(
                id=row["model_id"],
                experiment_id=experiment.id,
                name=row["name"],
                artifact_location=row["artifact_location"],
                status=MODEL_STATUSES[row["status"] or 0],
                status_message=row["status_message"] or "",
                model_type=row["model_type"] or "",
                source_run_id=row["source_run_id"] or "",
                lifecycle_stage=row["lifecycle_stage"] or "active",
                created_ms=row["creation_timestamp_ms"],
                updated_ms=row["last_updated_timestamp_ms"],
                params=params.get(row["model_id"], {}),
                tags=tags.get(row["model_id"], {}),
                metrics=metrics.get(row["model_id"], []),
            )
            for row in rows
        ]

    def models(self) -> list[Model]:
        tags: dict[str, dict[str, str]] = {}
        for row in self._ask("registered_model_tags", "name, key, value, workspace"):
            tags.setdefault(_model_name(row), {})[row["key"]] = row["value"] or ""
        aliases: dict[str, dict[str, int]] = {}
        for row in self._ask("registered_model_aliases", "name, alias, version, workspace"):
            aliases.setdefault(_model_name(row), {})[row["alias"]] = int(row["version"])
        versions = self._versions()
        rows = self._ask(
            "registered_models",
            "name, creation_time, last_updated_time, description, workspace",
            ("ORDER BY name", ()),
        )
        return [
            Model(
                name=_model_name(row),
                description=row["description"] or "",
                tags=tags.get(_model_name(row), {}),
                aliases=aliases.get(_model_name(row), {}),
                versions=[
                    each for each in versions.get(_model_name(row), []) if each.stage != DELETED_VERSION
                ],
                deleted=[
                    each.version
                    for each in versions.get(_model_name(row), [])
                    if each.stage == DELETED_VERSION
                ],
                created_ms=row["creation_time"] or 0,
                updated_ms=row["last_updated_time"] or row["creation_time"] or 0,
            )
            for row in rows
        ]

    def files(self, uri: str, owner: str) -> list[SourceFile]:
        return self._files.files(uri)

    def open(self, uri: str, owner: str, path: str) -> BinaryIO:
        return self._files.open(uri, path)

    def close(self) -> None:
        self._tables.close()

    def _group(self, experiment_id: str, rows: list[dict[str, Any]]) -> list[FullRun]:
        ids = [row["run_uuid"] for row in rows]
        inside: Where = (f"WHERE run_uuid IN ({places(ids)})", ids)
        params = self._pairs_of_runs("params", inside)
        tags = self._pairs_of_runs("tags", inside)
        latest = self._latest(inside)
        points = dict(
            self._tables.rows(
                f"SELECT run_uuid, COUNT(*) FROM metrics {inside[0]} GROUP BY run_uuid",  # noqa: S608
                ids,
            )
        )
        datasets = self._datasets(ids)
        used, made = self._run_models(ids, "RUN_INPUT"), self._run_models(ids, "RUN_OUTPUT")
        return [
            FullRun(
                run=_to_run(
                    row,
                    experiment_id,
                    params=params.get(row["run_uuid"], {}),
                    tags=tags.get(row["run_uuid"], {}),
                    metrics=latest.get(row["run_uuid"], []),
                ),
                deleted_ms=row["deleted_time"],
                points=points.get(row["run_uuid"], 0),
                datasets=datasets.get(row["run_uuid"], []),
                models=used.get(row["run_uuid"], []),
                outputs=made.get(row["run_uuid"], []),
            )
            for row in rows
        ]

    def _latest(self, inside: Where) -> dict[str, list[Metric]]:
        found: dict[str, list[Metric]] = {}
        for row in self._ask(
            "latest_metrics",
            "run_uuid, key, value, timestamp, step, is_nan",
            (f"{inside[0]} ORDER BY key", inside[1]),
        ):
            found.setdefault(row["run_uuid"], []).append(
                Metric(
                    key=row["key"],
                    value=math.nan if row["is_nan"] else row["value"],
                    at_ms=row["timestamp"] or 0,
                    step=row["step"] or 0,
                )
            )
        return found

    def _datasets(self, ids: Sequence[str]) -> dict[str, list[DatasetInput]]:
        if not self._tables.columns("inputs") or not self._tables.columns("datasets"):
            return {}
        uses = list(
            self._tables.rows(
                "SELECT i.destination_id, i.input_uuid, d.name, d.digest, d.dataset_source_type,"  # noqa: S608
                " d.dataset_source, d.dataset_schema, d.dataset_profile"
                " FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id"
                " WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN'"
                f" AND i.destination_id IN ({places(ids)}) ORDER BY d.name, d.digest",
                ids,
            )
        )
        names = [use[1] for use in uses]
        where = f"WHERE input_uuid IN ({places(names)})"
        tags = self._grouped("input_tags", ("input_uuid", "name", "value"), (where, names)) if names else {}
        found: dict[str, list[DatasetInput]] = {}
        for run_id, input_id, name, digest, source_type, source, schema, profile in uses:
            found.setdefault(run_id, []).append(
                DatasetInput(
                    name=name,
                    digest=digest,
                    source_type=source_type,
                    source=source,
                    schema=schema or "",
                    profile=profile or "",
                    tags=tags.get(input_id, {}),
                )
            )
        return found

    def _run_models(self, ids: Sequence[str], kind: str) -> dict[str, list[RunModel]]:
        found: dict[str, list[RunModel]] = {}
        for row in self._ask(
            "inputs",
            "source_id, destination_id, step",
            (f"WHERE source_type = ? AND source_id IN ({places(ids)})", [kind, *ids]),
        ):
            model = RunModel(model_id=row["destination_id"], step=row["step"] or 0)
            found.setdefault(row["source_id"], []).append(model)
        return found

    def _model_metrics(self, number: Sequence[int]) -> dict[str, list[Metric]]:
        found: dict[str, list[Metric]] = {}
        for row in self._ask(
            "logged_model_metrics",
            "model_id, metric_name, metric_timestamp_ms, metric_step, metric_value, run_id, dataset_name,"
            " dataset_digest",
            ("WHERE experiment_id = ?", number),
        ):
            value = row["metric_value"]
            found.setdefault(row["model_id"], []).append(
                Metric(
                    key=row["metric_name"],
                    value=math.nan if value is None else value,
                    at_ms=row["metric_timestamp_ms"],
                    step=row["metric_step"],
                    run_id=row["run_id"] or "",
                    dataset_name=row["dataset_name"] or "",
                    dataset_digest=row["dataset_digest"] or "",
                )
            )
        return found

    def _versions(self) -> dict[str, list[Version]]:
        tags: dict[tuple[str, int], dict[str, str]] = {}
        for row in self._ask("model_version_tags", "name, version, key, value, workspace"):
            tags.setdefault((_model_name(row), row["version"]), {})[row["key"]] = row["value"] or ""
        found: dict[str, list[Version]] = {}
        for row in self._ask(
            "model_versions",
            "name, version, creation_time, last_updated_time, description, user_id, current_stage, source,"
            " run_id, status, run_link, storage_location, workspace",
            ("ORDER BY version", ()),
        ):
            name = _model_name(row)
            found.setdefault(name, []).append(
                Version(
                    name=name,
                    version=row["version"],
                    source=row["source"] or "",
                    location=row["storage_location"] or "",
                    run_id=row["run_id"] or "",
                    run_link=row["run_link"] or "",
                    user=row["user_id"] or "",
                    description=row["description"] or "",
                    status=row["status"] or "READY",
                    stage=row["current_stage"] or "None",
                    tags=tags.get((name, row["version"]), {}),
                    created_ms=row["creation_time"] or 0,
                    updated_ms=row["last_updated_time"] or row["creation_time"] or 0,
                )
            )
        return found

    def _ask(self, table: str, columns: str, where: Where = ("", ())) -> Iterator[dict[str, Any]]:
        return Asked(self._tables, table, columns.split(", ")).rows(*where)

    def _pairs_of_runs(self, table: str, inside: Where) -> dict[str, dict[str, str]]:
        return self._grouped(table, ("run_uuid", "key", "value"), inside)

    def _pairs(
        self,
        table: str,
        owner: str,
        key: str = "key",
        value: str = "value",
        experiment: Sequence[int] = (),
    ) -> dict[Any, dict[str, str]]:
        where = "WHERE experiment_id = ?" if experiment else ""
        return self._grouped(table, (owner, key, value), (where, experiment))

    def _grouped(self, table: str, columns: tuple[str, str, str], where: Where) -> dict[Any, dict[str, str]]:
        owner, key, value = columns
        found: dict[Any, dict[str, str]] = {}
        for row in Asked(self._tables, table, columns).rows(*where):
            found.setdefault(row[owner], {})[row[key]] = row[value] or ""
        return found


def _to_run(
    row: dict[str, Any],
    experiment_id: str,
    *,
    params: dict[str, str],
    tags: dict[str, str],
    metrics: list[Metric],
) -> Run:
    return Run(
        id=row["run_uuid"],
        experiment_id=experiment_id,
        name=row["name"] or tags.get(RUN_NAME_TAG, ""),
        user=row["user_id"] or "",
        status=row["status"] or "RUNNING",
        start_ms=row["start_time"] or 0,
        end_ms=row["end_time"],
        lifecycle_stage=row["lifecycle_stage"] or "active",
        artifact_uri=row["artifact_uri"] or "",
        params=params,
        tags=tags,
        metrics=metrics,
    )


def _in_workspace(workspace: str | None, name: str, separator: str) -> str:
    """A name as it is told apart from the same one of another workspace."""
    return name if workspace in (None, DEFAULT_WORKSPACE) else f"{workspace}{separator}{name}"


def _model_name(row: dict[str, Any]) -> str:
    return _in_workspace(row["workspace"], row["name"], ".")
