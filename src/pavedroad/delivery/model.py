"""What is said of a package: its stages, and the file that was built when all of them passed."""

from __future__ import annotations

from typing import Literal

import msgspec

Status = Literal["passed", "failed", "timed out", "not run"]


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """How one test stage ended."""

    name: str
    command: str
    status: Status
    exit_code: int | None = None  # None when it did not end by itself
    duration_ms: int = 0
    tests: int | None = None  # as pytest counts them; None for a command that does not run pytest
    failed: int = 0
    skipped: int = 0


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """One packaging of a version, whether it came to a file or not."""

    id: int = 0
    kind: Literal["wheel", "model"]
    name: str  # of the project, or of the registered model
    version: str
    project: str  # whose stages ran; empty for a model whose project is not here
    commit_id: str  # of git, with `-dirty` when files differ; empty without git
    tree_digest: str  # blake3 over the project's files
    stages: tuple[StageResult, ...] = ()
    file: str = ""  # name of what was built; empty when a stage did not pass
    size_bytes: int = 0
    digest: str = ""  # blake3 of the file
    who: str
    at_ms: int
    duration_ms: int = 0

    @property
    def passed(self) -> bool:
        return all(stage.status == "passed" for stage in self.stages)

    @property
    def title(self) -> str:
        return f"{self.name} {self.version}" if self.kind == "wheel" else f"{self.name}@{self.version}"
