"""Rows that name something which is not there, where the database does not enforce it by itself."""

from __future__ import annotations

import msgspec

from pavedroad.kit.sql import Query, Reader, Transaction


class Orphans(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which a row can be left alone."""

    table: str
    says: str  # after the number: "rows of pipelines without a run"
    where: str  # the condition, with the table's name as it is

    @property
    def count(self) -> Query:
        return Query(f"SELECT COUNT(*) AS number FROM {self.table} WHERE {self.where}")  # noqa: S608 - ours

    @property
    def delete(self) -> Query:
        return Query(f"DELETE FROM {self.table} WHERE {self.where}")  # noqa: S608 - ours


KINDS = (
    Orphans(
        table="pipeline_runs",
        says="runs of pipelines without a run",
        where="NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = pipeline_runs.run_id)",
    ),
    Orphans(
        table="step_runs",
        says="steps without the run of a pipeline",
        where="NOT EXISTS (SELECT 1 FROM pipeline_runs p WHERE p.run_id = step_runs.run_id)",
    ),
    Orphans(
        table="project_snapshots",
        says="projects without the run that saw them",
        where="NOT EXISTS (SELECT 1 FROM pipeline_runs p WHERE p.run_id = project_snapshots.run_id)",
    ),
    Orphans(
        table="run_models",
        says="uses of logged models that are not there",
        where="NOT EXISTS (SELECT 1 FROM logged_models m WHERE m.id = run_models.model_id)",
    ),
    Orphans(
        table="model_version_files",
        says="files of model versions that are not there",
        where="NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.uid = model_version_files.uid)",
    ),
    Orphans(
        table="params",
        says="params without a run",
        where="NOT EXISTS (SELECT 1 FROM runs r WHERE r.no = params.run_no)",
    ),
    Orphans(
        table="tags",
        says="tags without a run",
        where="NOT EXISTS (SELECT 1 FROM runs r WHERE r.no = tags.run_no)",
    ),
    Orphans(
        table="metrics",
        says="points without a curve",
        where="NOT EXISTS (SELECT 1 FROM latest_metrics m WHERE m.curve = metrics.curve)",
    ),
    Orphans(
        table="metric_blocks",
        says="blocks of points without a curve",
        where="NOT EXISTS (SELECT 1 FROM latest_metrics m WHERE m.curve = metric_blocks.curve)",
    ),
    Orphans(
        table="metric_batches",
        says="batches of points without a run",
        where="NOT EXISTS (SELECT 1 FROM runs r WHERE r.no = metric_batches.run_no)",
    ),
    Orphans(
        table="latest_metrics",
        says="curves without a run",
        where="NOT EXISTS (SELECT 1 FROM runs r WHERE r.no = latest_metrics.run_no)",
    ),
)


def count_orphans(reader: Reader) -> list[tuple[Orphans, int]]:
    """Those kinds of which there are some."""
    found = [(kind, int(reader.value(kind.count))) for kind in KINDS]
    return [(kind, number) for kind, number in found if number]


def remove_orphans(tx: Transaction) -> int:
    return sum(tx.run(kind.delete) for kind in KINDS)
