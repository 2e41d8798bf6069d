"""Models, versions and aliases, and the gates a version passes before it may be served as champion."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pavedroad.registry.model import (
    MLFLOW_STAGES,
    Approval,
    Evidence,
    Exemption,
    GateEvaluation,
    ModelVersion,
    Promotion,
    RegisteredModel,
    VersionFile,
)
from pavedroad.registry.store import (
    count_models,
    count_versions,
    exemption_of,
    exemptions_ending,
    find_model,
    find_version,
    get_evaluation,
    get_model,
    get_version,
    get_version_by_alias,
    last_evaluation,
    latest_versions,
    list_approvals,
    list_evaluations,
    list_exemptions,
    list_models,
    list_moves,
    list_versions,
    version_files,
    versions_of_logged_model,
    versions_of_run,
)

if TYPE_CHECKING:
    from pavedroad.registry.context import (
        CheckProject,
        MeasureLatency,
    )
    from pavedroad.registry.decisions import (
        approve,
        exempt,
    )
    from pavedroad.registry.evaluation import (
        evaluate_gates,
        team_gates,
    )
    from pavedroad.registry.gate import (
        CheckResult,
        ColumnSeen,
        Context,
        DataSeen,
        Gate,
        LatencySeen,
        Measured,
        Outcome,
        Subject,
        closed,
        opened,
        unknown,
    )
    from pavedroad.registry.policy import (
        find_gate,
        gate_names,
        read_project_gates,
        read_team_gates,
    )
    from pavedroad.registry.promotion import (
        Decision,
        promote,
        refusal,
        rollback,
        unset_alias,
    )
    from pavedroad.registry.registration import (
        create_model,
        ensure_model,
        model_ref,
        register_version,
    )

# Loaded when used: gates reach into checks and pipelines, which reading a model does not need.
_LATER = {
    "context": (
        "CheckProject",
        "MeasureLatency",
    ),
    "decisions": (
        "approve",
        "exempt",
    ),
    "evaluation": (
        "evaluate_gates",
        "team_gates",
    ),
    "gate": (
        "CheckResult",
        "ColumnSeen",
        "Context",
        "DataSeen",
        "Gate",
        "LatencySeen",
        "Measured",
        "Outcome",
        "Subject",
        "closed",
        "opened",
        "unknown",
    ),
    "policy": (
        "find_gate",
        "gate_names",
        "read_project_gates",
        "read_team_gates",
    ),
    "promotion": (
        "Decision",
        "promote",
        "refusal",
        "rollback",
        "unset_alias",
    ),
    "registration": (
        "create_model",
        "ensure_model",
        "model_ref",
        "register_version",
    ),
}

__all__ = [
    "MLFLOW_STAGES",
    "Approval",
    "CheckProject",
    "CheckResult",
    "ColumnSeen",
    "Context",
    "DataSeen",
    "Decision",
    "Evidence",
    "Exemption",
    "Gate",
    "GateEvaluation",
    "LatencySeen",
    "MeasureLatency",
    "Measured",
    "ModelVersion",
    "Outcome",
    "Promotion",
    "RegisteredModel",
    "Subject",
    "VersionFile",
    "approve",
    "closed",
    "count_models",
    "count_versions",
    "create_model",
    "ensure_model",
    "evaluate_gates",
    "exempt",
    "exemption_of",
    "exemptions_ending",
    "find_gate",
    "find_model",
    "find_version",
    "gate_names",
    "get_evaluation",
    "get_model",
    "get_version",
    "get_version_by_alias",
    "last_evaluation",
    "latest_versions",
    "list_approvals",
    "list_evaluations",
    "list_exemptions",
    "list_models",
    "list_moves",
    "list_versions",
    "model_ref",
    "opened",
    "promote",
    "read_project_gates",
    "read_team_gates",
    "refusal",
    "register_version",
    "rollback",
    "team_gates",
    "unknown",
    "unset_alias",
    "version_files",
    "versions_of_logged_model",
    "versions_of_run",
]


def __getattr__(name: str) -> Any:
    for module, names in _LATER.items():
        if name in names:
            return getattr(importlib.import_module(f"pavedroad.registry.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
