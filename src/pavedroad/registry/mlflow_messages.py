"""The messages of MLflow's registry API: what a client sends, what it gets."""

from __future__ import annotations

from typing import Any, ClassVar

from pavedroad.registry.model import ModelVersion, RegisteredModel
from pavedroad.tracking.mlflow_messages import Answer, Int64, KeyValue, Message, Pair

# ------------------------------------------------------------------------------------------------- requests


class CreateModel(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    tags: list[Pair] | None = None
    description: str | None = None


class OfModel(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None


class RenameModel(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "new_name")
    name: str | None = None
    new_name: str | None = None


class DescribeModel(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    description: str | None = None


class Search(Message, frozen=True, kw_only=True):
    filter: str | None = None
    max_results: Int64 | None = None
    order_by: list[str] | None = None
    page_token: str | None = None


class LatestVersions(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name",)
    name: str | None = None
    stages: list[str] | None = None


class ModelTag(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "key")
    name: str | None = None
    key: str | None = None
    value: str | None = None


class SetAlias(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "alias", "version")
    name: str | None = None
    alias: str | None = None
    version: str | None = None


class OfAlias(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "alias")
    name: str | None = None
    alias: str | None = None


class CreateVersion(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "source")
    name: str | None = None
    source: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    tags: list[Pair] | None = None
    description: str | None = None
    model_id: str | None = None


class OfVersion(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "version")
    name: str | None = None
    version: str | None = None


class DescribeVersion(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "version")
    name: str | None = None
    version: str | None = None
    description: str | None = None


class Transition(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "version", "stage")
    name: str | None = None
    version: str | None = None
    stage: str | None = None
    archive_existing_versions: bool | None = None


class VersionTag(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "version", "key")
    name: str | None = None
    version: str | None = None
    key: str | None = None
    value: str | None = None


class VersionArtifact(Message, frozen=True, kw_only=True):
    required: ClassVar[tuple[str, ...]] = ("name", "version", "path")
    name: str | None = None
    version: str | None = None
    path: str | None = None


# -------------------------------------------------------------------------------------------------- answers


class AliasAnswer(Answer, frozen=True, kw_only=True):
    alias: str
    version: str


class VersionAnswer(Answer, frozen=True, kw_only=True):
    name: str
    version: str
    creation_timestamp: int
    last_updated_timestamp: int
    user_id: str = ""
    current_stage: str
    description: str  # said even when empty, as MLflow does: its client makes None of what is absent
    source: str
    run_id: str
    run_link: str
    status: str
    tags: list[KeyValue] = []
    aliases: list[str] = []
    model_id: str = ""


class ModelAnswer(Answer, frozen=True, kw_only=True):
    name: str
    creation_timestamp: int
    last_updated_timestamp: int
    description: str = ""
    latest_versions: list[VersionAnswer] = []
    tags: list[KeyValue] = []
    aliases: list[AliasAnswer] = []


def version_answer(version: ModelVersion) -> VersionAnswer:
    return VersionAnswer(
        name=version.name,
        version=str(version.version),
        creation_timestamp=version.created_ms,
        last_updated_timestamp=version.updated_ms,
        user_id=version.user,
        current_stage=version.stage,
        description=version.description,
        source=version.source,
        run_id=version.run_id,
        run_link=version.run_link,
        status=version.status,
        tags=[KeyValue(key, value) for key, value in version.tags.items()],
        aliases=version.aliases,
        model_id=version.model_id,
    )


def model_answer(model: RegisteredModel, latest: list[ModelVersion]) -> ModelAnswer:
    return ModelAnswer(
        name=model.name,
        creation_timestamp=model.created_ms,
        last_updated_timestamp=model.updated_ms,
        description=model.description,
        latest_versions=[version_answer(version) for version in latest],
        tags=[KeyValue(key, value) for key, value in model.tags.items()],
        aliases=[AliasAnswer(alias=alias, version=str(number)) for alias, number in model.aliases.items()],
    )


def page(name: str, found: list[Any], token: str) -> dict[str, Any]:
    answer: dict[str, Any] = {name: found} if found else {}
    return {**answer, "next_page_token": token} if token else answer
