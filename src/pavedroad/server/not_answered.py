"""What MLflow's server answers and this one does not: one table, and the refusal that says where to look.

A path under `/api/` stands for its twin under `/ajax-api/` too. `docs/mlflow-compatibility.md` is made of it,
and a test compares it with the list of the MLflow that is installed.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from pavedroad.errors import PavedError

TWINS = ("/api/", "/ajax-api/")


class NotAnswered(PavedError):
    """501 is no status after which MLflow's client tries again."""

    code = "NOT_IMPLEMENTED"
    status = 501


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """Routes that are missing for one reason; each line is `METHOD[,METHOD] path`."""

    name: str
    says: str
    instead: str
    lines: str

    def routes(self) -> list[tuple[str, str]]:
        """Method and path of each, without the twins."""
        pairs = (line.split() for line in self.lines.strip().splitlines())
        return [(method, path) for methods, path in pairs for method in methods.split(",")]


def not_answered(method: str, path: str) -> NotAnswered | None:
    """The refusal of a route that MLflow has; None for one that it has not either."""
    method = "GET" if method == "HEAD" else method
    for known, pattern, area in _patterns():
        if known == method and pattern.fullmatch(path):
            return NotAnswered(f"{area.says} ({method} {path[:200]})", hint=area.instead)
    return None


@cache
def _patterns() -> list[tuple[str, re.Pattern[str], Area]]:
    return [
        (method, _pattern(twin), area)
        for area in AREAS
        for method, path in area.routes()
        for twin in twins(path)
    ]


def twins(path: str) -> list[str]:
    """The addresses of one route."""
    return [path.replace(TWINS[0], prefix, 1) for prefix in TWINS] if path.startswith(TWINS[0]) else [path]


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+(?::path)?\})", path.rstrip("/"))
    text = "".join(
        (".+" if part.endswith(":path}") else "[^/]+") if part.startswith("{") else re.escape(part)
        for part in parts
    )
    return re.compile(text + "/?", re.DOTALL)


AREAS = (
    Area(
        name="traces",
        says="this server keeps no traces",
        instead="send them to another server, or turn tracing off with mlflow.tracing.disable()",
        lines="""
            GET /ajax-api/2.0/mlflow/get-trace-artifact
            GET /ajax-api/3.0/mlflow/get-trace-artifact
            GET /api/2.0/mlflow/get-online-trace-details
            GET,POST /api/2.0/mlflow/traces
            POST /api/2.0/mlflow/traces/delete-traces
            POST /api/2.0/mlflow/traces/link-prompts
            POST /api/2.0/mlflow/traces/link-to-run
            PATCH /api/2.0/mlflow/traces/{request_id}
            GET /api/2.0/mlflow/traces/{request_id}/info
            DELETE,PATCH /api/2.0/mlflow/traces/{request_id}/tags
            GET /api/2.0/mlflow/unified-traces
            POST /api/3.0/mlflow/traces
            GET /api/3.0/mlflow/traces/batchGet
            POST /api/3.0/mlflow/traces/batchGetInfos
            POST /api/3.0/mlflow/traces/calculate-filter-correlation
            POST /api/3.0/mlflow/traces/delete-traces
            GET /api/3.0/mlflow/traces/get
            POST /api/3.0/mlflow/traces/metrics
            POST /api/3.0/mlflow/traces/search
            GET /api/3.0/mlflow/traces/{trace_id}
            POST /api/3.0/mlflow/traces/{trace_id}/assessments
            DELETE,GET,PATCH /api/3.0/mlflow/traces/{trace_id}/assessments/{assessment_id}
            DELETE,PATCH /api/3.0/mlflow/traces/{trace_id}/tags
            POST /v1/traces
        """,
    ),
    Area(
        name="evaluation datasets",
        says="this server keeps no evaluation datasets of MLflow",
        instead="log data as an artifact, or as an input of a run with mlflow.log_input",
        lines="""
            POST /api/3.0/mlflow/datasets/create
            GET,POST /api/3.0/mlflow/datasets/search
            DELETE,GET /api/3.0/mlflow/datasets/{dataset_id}
            POST /api/3.0/mlflow/datasets/{dataset_id}/add-experiments
            GET /api/3.0/mlflow/datasets/{dataset_id}/experiment-ids
            DELETE,GET,POST /api/3.0/mlflow/datasets/{dataset_id}/records
            POST /api/3.0/mlflow/datasets/{dataset_id}/remove-experiments
            PATCH /api/3.0/mlflow/datasets/{dataset_id}/tags
            DELETE /api/3.0/mlflow/datasets/{dataset_id}/tags/{key}
        """,
    ),
    Area(
        name="scorers and evaluation jobs",
        says="this server keeps and runs no scorers",
        instead="log what a scorer says as metrics of a run",
        lines="""
            POST /ajax-api/3.0/mlflow/genai/evaluate/invoke
            POST /ajax-api/3.0/mlflow/scorer/invoke
            DELETE /api/3.0/mlflow/scorers/delete
            GET /api/3.0/mlflow/scorers/get
            GET /api/3.0/mlflow/scorers/list
            PUT /api/3.0/mlflow/scorers/online-config
            GET /api/3.0/mlflow/scorers/online-configs
            POST /api/3.0/mlflow/scorers/register
            GET /api/3.0/mlflow/scorers/versions
        """,
    ),
    Area(
        name="labels, reviews and issues",
        says="this server has no label schemas, review queues and issues",
        instead="note what people say in a run's tags or description",
        lines="""
            POST /ajax-api/3.0/mlflow/issues/invoke
            POST /api/3.0/mlflow/issues
            POST /api/3.0/mlflow/issues/search
            GET,PATCH /api/3.0/mlflow/issues/{issue_id}
            POST /api/3.0/mlflow/label-schemas/create
            DELETE /api/3.0/mlflow/label-schemas/delete
            GET /api/3.0/mlflow/label-schemas/get
            GET /api/3.0/mlflow/label-schemas/get-by-name
            GET /api/3.0/mlflow/label-schemas/list
            PATCH /api/3.0/mlflow/label-schemas/update
            POST /api/3.0/mlflow/review-queues/create
            POST /api/3.0/mlflow/review-queues/delete
            GET /api/3.0/mlflow/review-queues/get
            GET /api/3.0/mlflow/review-queues/get-by-name
            POST /api/3.0/mlflow/review-queues/get-or-create-user
            POST /api/3.0/mlflow/review-queues/items/add
            GET /api/3.0/mlflow/review-queues/items/list
            POST /api/3.0/mlflow/review-queues/items/remove
            POST /api/3.0/mlflow/review-queues/items/set-status
            GET /api/3.0/mlflow/review-queues/list
            POST /api/3.0/mlflow/review-queues/update
        """,
    ),
    Area(
        name="prompt optimization and jobs",
        says="this server runs no jobs for MLflow",
        instead="run the work as a pipeline: `paved run`",
        lines="""
            POST /ajax-api/3.0/jobs/
            PATCH /ajax-api/3.0/jobs/cancel/{job_id}
            POST /ajax-api/3.0/jobs/search
            GET /ajax-api/3.0/jobs/{job_id}
            POST /ajax-api/3.0/mlflow/demo/delete
            POST /ajax-api/3.0/mlflow/demo/generate
            PATCH /ajax-api/3.0/mlflow/jobs/cancel/{job_id}
            GET /ajax-api/3.0/mlflow/jobs/{job_id}
            POST /api/3.0/mlflow/prompt-optimization/jobs
            GET,POST /api/3.0/mlflow/prompt-optimization/jobs/search
            DELETE,GET /api/3.0/mlflow/prompt-optimization/jobs/{job_id}
            POST /api/3.0/mlflow/prompt-optimization/jobs/{job_id}/cancel
        """,
    ),
    Area(
        name="gateway",
        says="this server is no gateway to language models",
        instead="call the provider, or run MLflow's gateway beside it",
        lines="""
            GET,POST /ajax-api/2.0/mlflow/gateway-proxy
            POST /ajax-api/2.0/mlflow/runs/create-promptlab-run
            GET /ajax-api/3.0/mlflow/gateway/provider-config
            GET /ajax-api/3.0/mlflow/gateway/secrets/config
            GET /ajax-api/3.0/mlflow/gateway/supported-models
            GET /ajax-api/3.0/mlflow/gateway/supported-providers
            POST /api/3.0/mlflow/gateway/budgets/create
            DELETE /api/3.0/mlflow/gateway/budgets/delete
            GET /api/3.0/mlflow/gateway/budgets/get
            GET /api/3.0/mlflow/gateway/budgets/list
            POST /api/3.0/mlflow/gateway/budgets/update
            GET /api/3.0/mlflow/gateway/budgets/windows
            POST /api/3.0/mlflow/gateway/endpoints/bindings/create
            DELETE /api/3.0/mlflow/gateway/endpoints/bindings/delete
            GET /api/3.0/mlflow/gateway/endpoints/bindings/list
            POST /api/3.0/mlflow/gateway/endpoints/create
            DELETE /api/3.0/mlflow/gateway/endpoints/delete
            DELETE /api/3.0/mlflow/gateway/endpoints/delete-tag
            GET /api/3.0/mlflow/gateway/endpoints/get
            GET /api/3.0/mlflow/gateway/endpoints/list
            POST /api/3.0/mlflow/gateway/endpoints/models/attach
            POST /api/3.0/mlflow/gateway/endpoints/models/detach
            POST /api/3.0/mlflow/gateway/endpoints/set-tag
            POST /api/3.0/mlflow/gateway/endpoints/update
            POST /api/3.0/mlflow/gateway/guardrails/add-to-endpoint
            POST /api/3.0/mlflow/gateway/guardrails/create
            DELETE /api/3.0/mlflow/gateway/guardrails/delete
            GET /api/3.0/mlflow/gateway/guardrails/get
            GET /api/3.0/mlflow/gateway/guardrails/list
            GET /api/3.0/mlflow/gateway/guardrails/list-for-endpoint
            DELETE /api/3.0/mlflow/gateway/guardrails/remove-from-endpoint
            PATCH /api/3.0/mlflow/gateway/guardrails/update-config
            POST /api/3.0/mlflow/gateway/model-definitions/create
            DELETE /api/3.0/mlflow/gateway/model-definitions/delete
            GET /api/3.0/mlflow/gateway/model-definitions/get
            GET /api/3.0/mlflow/gateway/model-definitions/list
            POST /api/3.0/mlflow/gateway/model-definitions/update
            POST /api/3.0/mlflow/gateway/secrets/create
            DELETE /api/3.0/mlflow/gateway/secrets/delete
            GET /api/3.0/mlflow/gateway/secrets/get
            GET /api/3.0/mlflow/gateway/secrets/list
            POST /api/3.0/mlflow/gateway/secrets/update
            POST /gateway/anthropic/v1/messages
            POST /gateway/gemini/v1beta/models/{endpoint_name}:generateContent
            POST /gateway/gemini/v1beta/models/{endpoint_name}:streamGenerateContent
            POST /gateway/mlflow/v1/chat/completions
            GET /gateway/mlflow/v1/models
            POST /gateway/openai/v1/chat/completions
            POST /gateway/openai/v1/embeddings
            POST /gateway/openai/v1/responses
            POST /gateway/openai/v1/responses/compact
            POST /gateway/proxy/{endpoint_name}/{path:path}
            POST /gateway/typesafe/v1/systemone
            POST /gateway/{endpoint_name}/mlflow/invocations
        """,
    ),
    Area(
        name="assistant and MCP servers",
        says="this server has no assistant and no directory of MCP servers",
        instead="use MLflow's own server for them",
        lines="""
            GET,PUT /ajax-api/3.0/mlflow/assistant/config
            POST /ajax-api/3.0/mlflow/assistant/message
            GET /ajax-api/3.0/mlflow/assistant/providers
            GET /ajax-api/3.0/mlflow/assistant/providers/{provider}/health
            GET /ajax-api/3.0/mlflow/assistant/providers/{provider}/models
            PATCH /ajax-api/3.0/mlflow/assistant/sessions/{session_id}
            POST /ajax-api/3.0/mlflow/assistant/sessions/{session_id}/permission
            GET /ajax-api/3.0/mlflow/assistant/sessions/{session_id}/stream
            POST /ajax-api/3.0/mlflow/assistant/sessions/{session_id}/tool-result
            POST /ajax-api/3.0/mlflow/assistant/skills/install
            GET,POST /api/3.0/mlflow/mcp-servers
            GET /api/3.0/mlflow/mcp-servers/endpoints
            DELETE,GET,PATCH /api/3.0/mlflow/mcp-servers/{name:path}
            POST /api/3.0/mlflow/mcp-servers/{name:path}/aliases
            DELETE,GET /api/3.0/mlflow/mcp-servers/{name:path}/aliases/{alias:path}
            GET,POST /api/3.0/mlflow/mcp-servers/{name:path}/endpoints
            DELETE,GET,PATCH /api/3.0/mlflow/mcp-servers/{name:path}/endpoints/{endpoint_id}
            POST /api/3.0/mlflow/mcp-servers/{name:path}/tags
            DELETE /api/3.0/mlflow/mcp-servers/{name:path}/tags/{key:path}
            GET,POST /api/3.0/mlflow/mcp-servers/{name:path}/versions
            DELETE,GET,PATCH /api/3.0/mlflow/mcp-servers/{name:path}/versions/{version:path}
            POST /api/3.0/mlflow/mcp-servers/{name:path}/versions/{version:path}/tags
            DELETE /api/3.0/mlflow/mcp-servers/{name:path}/versions/{version:path}/tags/{key:path}
        """,
    ),
    Area(
        name="workspaces",
        says="this server has no workspaces",
        instead="run one server for each team",
        lines="""
            GET,POST /api/3.0/mlflow/workspaces
            DELETE,GET,PATCH /api/3.0/mlflow/workspaces/{workspace_name}
        """,
    ),
    Area(
        name="presigned addresses",
        says="this server gives no presigned addresses",
        instead="upload and download through the server: plain PUT and GET, or in parts",
        lines="""
            GET /api/2.0/mlflow-artifacts/presigned/{artifact_path:path}
            POST /api/2.0/mlflow/artifacts/presigned-download-url
            POST /api/2.0/mlflow/artifacts/presigned-upload-url
        """,
    ),
    Area(
        name="MLflow's own pages",
        says="this server shows pages of its own instead of MLflow's",
        instead="open / in a browser; programs use the REST API",
        lines="""
            GET,POST /ajax-api/3.0/mlflow/ui-telemetry
            POST /api/2.0mlflow/experiments/search-datasets
            GET /build/{filename:path}
            GET,POST /graphql
            GET /static-files/{path:path}
        """,
    ),
)
