"""The environment that a run recorded, for commands of lower rooms."""

from __future__ import annotations

from pavedroad.catalog import project_name_here
from pavedroad.environments import Environment
from pavedroad.errors import NotFound
from pavedroad.pipelines.store import get_pipeline_run, read_environment
from pavedroad.pipelines.why import find_pipeline_run
from pavedroad.record import Record


def environment_of_run(record: Record, word: str) -> tuple[str, Environment]:
    """Its id and environment, by the start of its id or `last`. Raises NotFound."""
    run = get_pipeline_run(record.db, find_pipeline_run(record.db, word, project=project_name_here()))
    environment = read_environment(record.db, run.environment) if run.environment else None
    if environment is None:
        raise NotFound(f"run {run.run_id[:8]} recorded no environment", hint="name a run of `paved run`")
    return run.run_id, environment
