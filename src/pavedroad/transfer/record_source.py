"""Our own record as a source: what `paved export` and `paved sync` send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from pavedroad.errors import PavedError
from pavedroad.kit.sql import Row
from pavedroad.record import Record
from pavedroad.registry import ModelVersion, RegisteredModel, count_models, list_models, list_versions
from pavedroad.tracking import Experiment, LoggedModel, Metric, Run, all_files, count_runs, get_file, root_of
from pavedroad.tracking.adoption import known_logged_models
from pavedroad.tracking.inputs import RunInputs, inputs_of
from pavedroad.tracking.logged_models import get_logged_model
from pavedroad.tracking.metrics import history
from pavedroad.tracking.model import ACTIVE
from pavedroad.tracking.run_values import with_values
from pavedroad.tracking.search import matching_numbers, rows_of, search_experiments
from pavedroad.transfer.model import FullRun, Model, SourceFile, Unreachable, Version
from pavedroad.transfer.store import SQL

RUNS_AT_ONCE = 200
ALL_VERSIONS = 2**31
OLDEST_FIRST = ["attributes.start_time ASC"]


class RecordSource:
    file_workers = 1

    def __init__(self, record: Record) -> None:
        self.address = record.settings.database_url
        self._record = record

    def experiments(self) -> list[Experiment]:
        found, token = search_experiments(self._record.db, view="ALL")
        while token:
            more, token = search_experiments(self._record.db, view="ALL", page_token=token)
            found += more
        return sorted(found, key=lambda experiment: int(experiment.id))

    def count_runs(self, experiment: Experiment) -> int | None:
        return sum(count_runs(self._record.db, experiment.id, stage=stage) for stage in ("active", "deleted"))

    def runs(self, experiment: Experiment) -> Iterator[list[FullRun]]:
        db = self._record.db
        numbers = matching_numbers(db, [experiment.id], order_by=OLDEST_FIRST, view="ALL")
        for start in range(0, len(numbers), RUNS_AT_ONCE):
            rows = rows_of(db, numbers[start : start + RUNS_AT_ONCE])
            inputs = inputs_of(db, [row["no"] for row in rows])
            yield [
                self._full(row, run, inputs.get(row["no"], RunInputs()))
                for row, run in zip(rows, with_values(db, rows), strict=True)
            ]

    def points(self, runs: list[FullRun]) -> Iterator[tuple[str, Metric]]:
        for each in runs:
            for last in each.run.metrics:
                for part in history(self._record.db, each.run.id, last.key):
                    for at_ms, step, value in zip(part.at_ms, part.step, part.value, strict=True):
                        yield each.run.id, Metric(key=last.key, value=value, at_ms=at_ms, step=step)

    def logged_models(self, experiment: Experiment) -> list[LoggedModel]:
        db = self._record.db
        found = (
            get_logged_model(db, model_id, allow_deleted=True)
            for model_id in sorted(known_logged_models(db, experiment.id))
        )
        return sorted(
            (model for model in found if model.lifecycle_stage == ACTIVE),
            key=lambda model: (model.created_ms, model.id),
        )

    def models(self) -> list[Model]:
        db = self._record.db
        found = list_models(db, limit=max(count_models(db), 1))
        return [self._model(model) for model in sorted(found, key=lambda model: model.name)]

    def files(self, uri: str, owner: str) -> list[SourceFile]:
        try:
            root = root_of(uri)
        except PavedError as error:
            raise Unreachable(error.message) from None
        return sorted(
            SourceFile(path, stored.size_bytes, 0, stored.digest)
            for path, stored in all_files(self._record.db, root)
        )

    def open(self, uri: str, owner: str, path: str) -> BinaryIO:
        try:
            return self._record.files.open(get_file(self._record.db, root_of(uri), path).digest)
        except PavedError as error:
            raise Unreachable(error.message) from None

    def close(self) -> None:
        """The record is its opener's."""

    def _full(self, row: Row, run: Run, inputs: RunInputs) -> FullRun:
        return FullRun(
            run=run,
            deleted_ms=row["deleted_ms"],
            points=int(self._record.db.value(SQL.points_of_run, no=row["no"])),
            datasets=inputs.datasets,
            models=inputs.models,
            outputs=inputs.outputs,
        )

    def _model(self, model: RegisteredModel) -> Model:
        versions = list_versions(self._record.db, model.name, limit=ALL_VERSIONS)
        rows = self._record.db.all(SQL.numbers_of_model, name=model.name)
        held = {version.version for version in versions}
        return Model(
            name=model.name,
            description=model.description,
            tags=model.tags,
            aliases=model.aliases,
            versions=[_to_version(version) for version in reversed(versions)],
            deleted=sorted({row["version"] for row in rows} - held),
            created_ms=model.created_ms,
            updated_ms=model.updated_ms,
        )


def _to_version(version: ModelVersion) -> Version:
    return Version(
        name=version.name,
        version=version.version,
        source=version.source,
        location=version.location,
        run_id=version.run_id,
        run_link=version.run_link,
        model_id=version.model_id,
        user=version.user,
        description=version.description,
        status=version.status,
        stage=version.stage,
        tags=version.tags,
        created_ms=version.created_ms,
        updated_ms=version.updated_ms,
    )
