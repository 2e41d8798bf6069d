"""Which files of the store the record names: what is named must be there, what is not may be collected."""

from __future__ import annotations

from collections.abc import Iterable, Set

import msgspec

from pavedroad.kit.sql import Reader, load_queries
from pavedroad.pipelines.erasing import files_of_values

SQL = load_queries("pavedroad.housekeeping")
# Every column that holds names of files. A test compares this with what a real record holds.
NAMING_COLUMNS = (
    "artifact_entries.digest",
    "model_version_files.digest",
    "cache_entries.output",
    "step_runs.output",
)


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """What is about to be erased, so that its files do not count as named."""

    runs: Set[str] = frozenset()
    models: Set[str] = frozenset()  # logged models
    experiments: Set[str] = frozenset()
    cache_keys: Set[str] = frozenset()


def named_files(reader: Reader, *, steps_since_ms: int, doomed: Doomed = Doomed()) -> dict[str, int]:  # noqa: B008
    """Digest and size of every file that is named by what is not doomed.

    What a step gave before `steps_since_ms` is named only while the cache holds it.
    """
    found: dict[str, int] = {}
    owners = doomed.runs | doomed.models
    for row in reader.all(SQL.artifact_files):
        if not _lies_in(row["folder"], owners, doomed.experiments):
            found[row["digest"]] = row["size_bytes"]
    for row in reader.all(SQL.version_files):
        found[row["digest"]] = row["size_bytes"]
    for file in files_of_values(
        reader, steps_since_ms=steps_since_ms, without_runs=doomed.runs, without_keys=doomed.cache_keys
    ):
        found[file.digest] = file.size_bytes
    return found


def named_since(reader: Reader, digests: Iterable[str], *, since_ms: int) -> set[str]:
    """Those of these files that somebody has named meanwhile."""
    found = {
        file.digest for file in files_of_values(reader, steps_since_ms=since_ms, entries_since_ms=since_ms)
    }
    for digest in digests:
        if digest not in found and reader.one(SQL.is_artifact, digest=digest) is not None:
            found.add(digest)
    return found


def _lies_in(folder: str, owners: Set[str], experiments: Set[str]) -> bool:
    """Whether a folder of artifacts goes with one of these (`tracking.erasing` removes the same folders)."""
    parts = folder.split("/")
    return parts[0] in experiments or not owners.isdisjoint(parts)
