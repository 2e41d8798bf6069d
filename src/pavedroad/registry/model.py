"""What the registry knows: models, versions and aliases, and the evidence a version was let through on."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from pavedroad.kit.clock import utc_iso

Verdict = Literal[
    "open", "closed", "exempt", "unknown"
]  # of a gate: only `open` and `exempt` let a version pass
Happening = Literal["promoted", "rolled-back", "removed", "imported"]

# MLflow's stages, deprecated there; kept because its clients still ask for them.
MLFLOW_STAGES = ("None", "Staging", "Production", "Archived")
IS_PROMPT_TAG = "mlflow.prompt.is_prompt"


class ModelVersion(msgspec.Struct, frozen=True, kw_only=True):
    uid: str  # stays the same when the model is renamed, and is never given again
    name: str
    version: int
    source: str  # as the registering client said it
    location: (
        str  # URI of the registry's own, unchanging copy of the files; `source` when they are kept elsewhere
    )
    digest: str  # over the paths and digests of all files at registration; empty when they are kept elsewhere
    run_id: str = ""
    model_id: str = ""  # MLflow's logged model
    run_link: str = ""
    user: str = ""  # who registered it
    description: str = ""
    status: str = "READY"
    stage: str = "None"  # one of MLFLOW_STAGES
    aliases: list[str] = []
    tags: dict[str, str] = {}
    created_ms: int
    updated_ms: int

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


class RegisteredModel(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str = ""
    tags: dict[str, str] = {}
    aliases: dict[str, int] = {}
    created_ms: int
    updated_ms: int

    @property
    def is_prompt(self) -> bool:
        return self.tags.get(IS_PROMPT_TAG, "").lower() == "true"


class VersionFile(msgspec.Struct, frozen=True, kw_only=True):
    path: str  # relative to the model's folder, e.g. `MLmodel`
    digest: str  # blake3, as the file store names it
    size_bytes: int


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate said about one version, once. Never changed afterwards."""

    gate: str
    verdict: Verdict
    says: str
    next_step: str = ""
    inputs: dict[str, Any] = {}  # what the verdict was derived from: the policy and the measured values
    at_ms: int
    who: str

    @property
    def lets_pass(self) -> bool:
        return self.verdict in ("open", "exempt")


class GateEvaluation(msgspec.Struct, frozen=True, kw_only=True):
    """All gates asked once for one version and one alias."""

    id: int
    uid: str
    name: str  # as it was then
    version: int
    alias: str
    digest: str  # of the version's files, as they were then
    passed: bool
    who: str
    at_ms: int
    gates: list[Evidence] = []

    @property
    def closed(self) -> list[Evidence]:
        return [evidence for evidence in self.gates if not evidence.lets_pass]


class Exemption(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    uid: str
    gate: str
    reason: str
    owner: str
    until_ms: int  # from this moment on the gate blocks again
    who: str
    at_ms: int

    def holds(self, now_ms: int) -> bool:
        return now_ms < self.until_ms

    @property
    def last_day(self) -> str:
        """The last day, UTC, on which it holds: `2026-12-31`."""
        return utc_iso(self.until_ms - 1)[:10]


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    uid: str
    who: str
    note: str = ""
    digest: str  # of the version's files, as they were approved
    at_ms: int


class Promotion(msgspec.Struct, frozen=True, kw_only=True):
    """One move of an alias. The newest one of an alias says who holds it and who held it before."""

    id: int
    name: str
    alias: str
    what: Happening
    version: int  # that holds the alias afterwards; 0 when it was removed
    uid: str
    run_id: str
    model_id: str
    previous: int  # that held it before; 0 for none
    previous_uid: str
    evaluation_id: int  # 0 when no gate was asked: a rollback, a removal, an import
    who: str
    at_ms: int
