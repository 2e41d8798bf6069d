"""What pipelines keep of a run, and results that nobody takes any more: found and erased."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

import msgspec

from pavedroad.kit.sql import Reader, Transaction, load_queries
from pavedroad.pipelines.values.model import Value, ValueFile

SQL = load_queries("pavedroad.pipelines", "erasing.sql")
OF_A_RUN = (SQL.erase_cache_entries, SQL.erase_steps, SQL.erase_snapshots, SQL.erase_pipeline_run)
_VALUE = msgspec.json.Decoder(Value)


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """A stored result that no run has made or taken for long."""

    cache_key: str
    size_bytes: int


def step_runs_of(reader: Reader, run_id: str, experiment_id: str) -> list[str]:
    """Ids of the runs of a pipeline run's steps: they are parts of it."""
    rows = reader.all(SQL.step_runs_of, run_id=run_id, experiment_id=int(experiment_id))
    return [row["id"] for row in rows]


def erase_pipeline_runs(tx: Transaction, run_ids: Sequence[str]) -> None:
    """Forget what pipelines keep of these runs, and the results in the cache that they made."""
    for run_id in run_ids:
        for query in OF_A_RUN:
            tx.run(query, run_id=run_id)


def unused_entries(reader: Reader, *, before_ms: int) -> list[Unused]:
    rows = reader.all(SQL.unused_entries, before_ms=before_ms)
    return [
        Unused(cache_key=row["cache_key"], size_bytes=_VALUE.decode(row["output"]).total_bytes)
        for row in rows
    ]


def erase_unused_entries(tx: Transaction, keys: Sequence[str], *, before_ms: int) -> int:
    """Forget these results unless one was made or taken meanwhile; how many."""
    return sum(tx.run(SQL.erase_unused_entry, cache_key=key, before_ms=before_ms) for key in keys)


def forget_entries_with(tx: Transaction, digests: Set[str]) -> int:
    """Forget the results in the cache that need one of these files; how many."""
    forgotten = 0
    for row in tx.all(SQL.values_of_entries, since_ms=0):
        if any(file.digest in digests for file in _VALUE.decode(row["output"]).all_files()):
            forgotten += tx.run(SQL.forget_entry, cache_key=row["cache_key"])
    return forgotten


def erase_unused_descriptions(tx: Transaction) -> None:
    """Forget code and environments that no run names any more."""
    tx.run(SQL.erase_unused_code)
    tx.run(SQL.erase_unused_environments)


def files_of_values(
    reader: Reader,
    *,
    steps_since_ms: int,
    entries_since_ms: int = 0,
    without_runs: Set[str] = frozenset(),
    without_keys: Set[str] = frozenset(),
) -> Iterator[ValueFile]:
    """Files of cached results, and of what steps gave since a moment or in runs that go on.

    What a step gave long ago is kept only while it is in the cache.
    """
    for row in reader.all(SQL.values_of_entries, since_ms=entries_since_ms):
        if row["cache_key"] not in without_keys and not {row["run_id"], row["step_run_id"]} & without_runs:
            yield from _VALUE.decode(row["output"]).all_files()
    for row in reader.all(SQL.values_of_steps, since_ms=steps_since_ms):
        if not {row["run_id"], row["step_run_id"]} & without_runs:
            yield from _VALUE.decode(row["output"]).all_files()
