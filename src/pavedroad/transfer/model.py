"""What is moved from store to store, and what is told about it afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple, Protocol

import msgspec

from pavedroad.kit.files import digest_of
from pavedroad.tracking import DatasetInput, Experiment, LoggedModel, Metric, Run, RunModel

# In the order in which they are told.
KINDS = ("experiments", "runs", "points", "logged models", "files", "models", "versions", "aliases")
RETRY = "!"  # at the end of a kept digest: files were missing, so they are tried again
MOST_PROBLEMS = 200  # that are kept word by word; the others are counted


class FullRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run with all but its points and files."""

    run: Run
    deleted_ms: int | None = None
    points: int | None = None  # how many there are, where the store can say so without reading them
    datasets: list[DatasetInput] = []
    models: list[RunModel] = []  # used
    outputs: list[RunModel] = []  # made


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """A model version as its registry keeps it."""

    name: str
    version: int
    source: str
    location: str = ""  # of its files, when that is not the source
    run_id: str = ""
    run_link: str = ""
    model_id: str = ""
    user: str = ""
    description: str = ""
    status: str = "READY"
    stage: str = "None"
    tags: dict[str, str] = {}
    created_ms: int
    updated_ms: int


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A registered model with its versions, lowest number first."""

    name: str
    description: str = ""
    tags: dict[str, str] = {}
    aliases: dict[str, int] = {}
    versions: list[Version] = []
    deleted: list[int] = []  # numbers of versions that were deleted, as far as the registry still knows them
    created_ms: int
    updated_ms: int


class SourceFile(NamedTuple):
    path: str  # from the root of its run or model, with /
    size_bytes: int
    changed_ms: int  # 0 where the store does not say
    digest: str = ""  # where the store knows it


class Unreachable(Exception):
    """Files that exist by the store's word but cannot be read from here. Its text is for the report."""


class Source(Protocol):
    """A store of MLflow's kind that can be read."""

    address: str  # as it may be shown, without password; the same for the same store
    file_workers: int  # how many files may be fetched at the same time

    def experiments(self) -> list[Experiment]:
        """All, deleted ones too."""

    def count_runs(self, experiment: Experiment) -> int | None:
        """None where counting is as slow as reading."""

    def runs(self, experiment: Experiment) -> Iterator[list[FullRun]]:
        """All, deleted ones too, in groups that are read at once."""

    def points(self, runs: list[FullRun]) -> Iterator[tuple[str, Metric]]:
        """Every point of some runs of one group, with the run's id; the points of a run stand together."""

    def logged_models(self, experiment: Experiment) -> list[LoggedModel]: ...

    def models(self) -> list[Model]: ...

    def files(self, uri: str, owner: str) -> list[SourceFile]:
        """The files below an artifact URI of `runs/<id>` or `models/<id>`. Raises Unreachable."""

    def open(self, uri: str, owner: str, path: str) -> BinaryIO:
        """Raises Unreachable."""

    def close(self) -> None: ...


class Count(msgspec.Struct, kw_only=True):
    """Of one kind: every one of the source was taken, is here already, or was not taken."""

    source: int = 0
    taken: int = 0
    already: int = 0
    not_taken: int = 0
    here: int | None = None  # counted in the record itself at the end, where that can be done

    @property
    def matches(self) -> bool:
        adds_up = self.not_taken == 0 and self.source == self.taken + self.already
        return adds_up and (self.here is None or self.here >= self.source)


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    kind: str  # one of KINDS
    what: str
    why: str


class Report(msgspec.Struct, kw_only=True):
    """What a transfer did."""

    verb: str  # imported or sent
    origin: str
    target: str
    counts: dict[str, Count] = msgspec.field(default_factory=lambda: {kind: Count() for kind in KINDS})
    problems: list[Problem] = []
    notes: list[str] = []
    bytes: int = 0  # of the files taken
    seconds: float = 0.0
    dry_run: bool = False

    @property
    def matches(self) -> bool:
        return all(count.matches for count in self.counts.values())

    def refuse(self, kind: str, what: str, why: object) -> None:
        """One of the source was not taken."""
        self.counts[kind].not_taken += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(kind=kind, what=what, why=str(why)))

    def note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def fingerprint(*seen: Any) -> str:
    """Of all that was seen of a thing: equal when nothing of it changed."""
    return digest_of(msgspec.json.encode(seen, order="deterministic"))[:32]
