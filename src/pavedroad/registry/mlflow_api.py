"""MLflow's registry API. Two tables name everything that is answered.

A handler reads a message, calls one function of this room and encodes its answer. What moves an alias goes
through `promotion`, so the gates are asked whoever calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import NotFound
from pavedroad.kit.files import Stored
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.record import record_behind
from pavedroad.registry import mlflow_messages as m
from pavedroad.registry import mlflow_webhooks, promotion, registration, search, store
from pavedroad.registry.evaluation import team_gates
from pavedroad.registry.model import ModelVersion, RegisteredModel
from pavedroad.registry.names import check_alias, check_description, check_model_name, check_number
from pavedroad.registry.provenance import provenance_of
from pavedroad.tracking import get_file, model_root
from pavedroad.tracking.file_answer import file_answer
from pavedroad.tracking.mlflow_artifacts import safe_path
from pavedroad.tracking.mlflow_door import EMPTY, answer, look_up, read, read_message, write
from pavedroad.tracking.mlflow_messages import pairs

Handler = Callable[[Request], Awaitable[Response]]


def _who(request: Request) -> str:
    return record_behind(request).settings.who


def _gated(request: Request) -> tuple[str, ...]:
    return team_gates(record_behind(request).settings).aliases


# --------------------------------------------------------------------------------------------------- models


async def create_model(request: Request) -> Response:
    sent = await read_message(request, m.CreateModel)
    work = partial(
        registration.create_model,
        name=sent.name or "",
        who=_who(request),
        description=sent.description or "",
        tags=pairs(sent.tags),
    )
    return answer({"registered_model": m.model_answer(await write(request, work), [])})


async def get_model(request: Request) -> Response:
    sent = await read_message(request, m.OfModel)
    return await _model(request, sent.name or "")


async def rename_model(request: Request) -> Response:
    sent = await read_message(request, m.RenameModel)
    work = partial(
        registration.rename_model,
        name=sent.name or "",
        new_name=sent.new_name or "",
        who=_who(request),
        gated=_gated(request),
    )
    return await _model(request, (await write(request, work)).name)


async def describe_model(request: Request) -> Response:
    sent = await read_message(request, m.DescribeModel)
    description = check_description(sent.description or "")
    work = partial(
        registration.describe_model, name=sent.name or "", description=description, who=_who(request)
    )
    return await _model(request, (await write(request, work)).name)


async def delete_model(request: Request) -> Response:
    sent = await read_message(request, m.OfModel)
    work = partial(registration.delete_model, name=sent.name or "", who=_who(request), gated=_gated(request))
    await write(request, work)
    return EMPTY


async def search_models(request: Request) -> Response:
    sent = await read_message(request, m.Search)

    def ask(reader: Reader) -> dict[str, Any]:
        models, token = search.search_models(
            reader,
            sent.filter or "",
            sent.order_by or (),
            max_results=search.MODELS_PER_PAGE if sent.max_results is None else sent.max_results,
            page_token=sent.page_token or "",
        )
        latest = search.latest_versions_of(reader, models)
        found = [m.model_answer(model, latest.get(model.name, [])) for model in models]
        return m.page("registered_models", found, token)

    return answer(await read(request, ask))


async def get_latest_versions(request: Request) -> Response:
    sent = await read_message(request, m.LatestVersions)

    def ask(reader: Reader) -> list[m.VersionAnswer]:
        store.get_model(reader, sent.name or "")
        stages = [registration.check_mlflow_stage(stage) for stage in sent.stages or ()]
        found = store.latest_versions(reader, sent.name or "")
        return [m.version_answer(version) for version in found if not stages or version.stage in stages]

    return answer(m.page("model_versions", await read(request, ask), ""))


async def set_model_tag(request: Request) -> Response:
    sent = await read_message(request, m.ModelTag)
    name, key, value = sent.name or "", sent.key or "", sent.value or ""
    await write(request, partial(registration.set_model_tag, name=name, key=key, value=value))
    return EMPTY


async def delete_model_tag(request: Request) -> Response:
    sent = await read_message(request, m.ModelTag)
    await write(request, partial(registration.delete_model_tag, name=sent.name or "", key=sent.key or ""))
    return EMPTY


async def set_alias(request: Request) -> Response:
    """Give an alias. A gated one asks the gates: what they say against it is the answer."""
    sent = await read_message(request, m.SetAlias)
    name, alias = check_model_name(sent.name or ""), sent.alias or ""
    number = check_number(sent.version or "")
    work = partial(promotion.promote, record_behind(request), name, number, alias, who=_who(request))
    decision = await run_in_threadpool(work)
    if not decision.passed:
        raise promotion.refusal(decision)
    return EMPTY


async def delete_alias(request: Request) -> Response:
    sent = await read_message(request, m.OfAlias)
    work = partial(
        promotion.unset_alias, record_behind(request), sent.name or "", sent.alias or "", who=_who(request)
    )
    await run_in_threadpool(work)
    return EMPTY


async def get_version_by_alias(request: Request) -> Response:
    sent = await read_message(request, m.OfAlias)
    alias = check_alias(sent.alias or "")
    found = await look_up(request, partial(store.get_version_by_alias, name=sent.name or "", alias=alias))
    return answer({"model_version": m.version_answer(found)})


# ------------------------------------------------------------------------------------------------- versions


async def create_version(request: Request) -> Response:
    sent = await read_message(request, m.CreateVersion)

    def work(tx: Transaction) -> ModelVersion:
        users = provenance_of(tx, sent.run_id or "", sent.model_id or "").users
        return registration.register_version(
            tx,
            sent.name or "",
            source=sent.source or "",
            # The client does not say who asks; whoever ran the run is nearer than who started the server.
            who=users[0] if users else _who(request),
            run_id=sent.run_id or "",
            model_id=sent.model_id or "",
            run_link=sent.run_link or "",
            description=sent.description or "",
            tags=pairs(sent.tags),
        )

    return answer({"model_version": m.version_answer(await write(request, work))})


async def get_version(request: Request) -> Response:
    sent = await read_message(request, m.OfVersion)
    found = await look_up(request, partial(_version, name=sent.name or "", version=sent.version or ""))
    return answer({"model_version": m.version_answer(found)})


async def describe_version(request: Request) -> Response:
    sent = await read_message(request, m.DescribeVersion)

    def work(tx: Transaction) -> ModelVersion:
        version = _version(tx, sent.name or "", sent.version or "")
        return registration.describe_version(tx, version, sent.description or "", who=_who(request))

    return answer({"model_version": m.version_answer(await write(request, work))})


async def delete_version(request: Request) -> Response:
    sent = await read_message(request, m.OfVersion)
    work = partial(
        registration.delete_version,
        name=sent.name or "",
        number=check_number(sent.version or ""),
        who=_who(request),
        gated=_gated(request),
    )
    await write(request, work)
    return EMPTY


async def search_versions(request: Request) -> Response:
    sent = await read_message(request, m.Search)

    def ask(reader: Reader) -> dict[str, Any]:
        versions, token = search.search_versions(
            reader,
            sent.filter or "",
            sent.order_by or (),
            max_results=search.VERSIONS_PER_PAGE if sent.max_results is None else sent.max_results,
            page_token=sent.page_token or "",
        )
        return m.page("model_versions", [m.version_answer(version) for version in versions], token)

    return answer(await read(request, ask))


async def set_version_tag(request: Request) -> Response:
    sent = await read_message(request, m.VersionTag)
    work = partial(
        registration.set_version_tag,
        name=sent.name or "",
        number=check_number(sent.version or ""),
        key=sent.key or "",
        value=sent.value or "",
    )
    await write(request, work)
    return EMPTY


async def delete_version_tag(request: Request) -> Response:
    sent = await read_message(request, m.VersionTag)
    work = partial(
        registration.delete_version_tag,
        name=sent.name or "",
        number=check_number(sent.version or ""),
        key=sent.key or "",
    )
    await write(request, work)
    return EMPTY


async def transition_stage(request: Request) -> Response:
    """Set the stage that MLflow has deprecated. Production is gated like an alias."""
    sent = await read_message(request, m.Transition)
    work = partial(
        promotion.transition_stage,
        record_behind(request),
        sent.name or "",
        check_number(sent.version or ""),
        sent.stage or "",
        who=_who(request),
        archive_existing=bool(sent.archive_existing_versions),
    )
    return answer({"model_version": m.version_answer(await run_in_threadpool(work))})


async def get_download_uri(request: Request) -> Response:
    sent = await read_message(request, m.OfVersion)
    found = await look_up(request, partial(_version, name=sent.name or "", version=sent.version or ""))
    return answer({"artifact_uri": found.location})


async def get_artifact(request: Request) -> Response:
    """One file of a version."""
    sent = await read_message(request, m.VersionArtifact)
    path = safe_path(sent.path or "")

    def ask(reader: Reader) -> Stored:
        version = _version(reader, sent.name or "", sent.version or "")
        kept = {file.path: file for file in store.version_files(reader, version.uid)}
        if path in kept:
            return Stored(digest=kept[path].digest, size_bytes=kept[path].size_bytes)
        if kept or not version.location.startswith("mlflow-artifacts:"):
            raise NotFound(f"No such artifact: '{path}'", hint="list the folder to see what is there")
        return get_file(reader, model_root(reader, version.location), path)

    return await file_answer(request, await read(request, ask), path)


def _version(reader: Reader, name: str, version: str) -> ModelVersion:
    return store.get_version(reader, name, check_number(version))


def _with_latest(reader: Reader, model: RegisteredModel) -> m.ModelAnswer:
    return m.model_answer(model, store.latest_versions(reader, model.name))


async def _model(request: Request, name: str) -> Response:
    found = await look_up(request, lambda reader: _with_latest(reader, store.get_model(reader, name)))
    return answer({"registered_model": found})


EXACT: dict[tuple[str, str], Handler] = {
    ("POST", "registered-models/create"): create_model,
    ("GET", "registered-models/get"): get_model,
    ("POST", "registered-models/rename"): rename_model,
    ("PATCH", "registered-models/update"): describe_model,
    ("DELETE", "registered-models/delete"): delete_model,
    ("GET", "registered-models/search"): search_models,
    ("GET", "registered-models/get-latest-versions"): get_latest_versions,
    ("POST", "registered-models/get-latest-versions"): get_latest_versions,
    ("POST", "registered-models/set-tag"): set_model_tag,
    ("DELETE", "registered-models/delete-tag"): delete_model_tag,
    ("POST", "registered-models/alias"): set_alias,
    ("DELETE", "registered-models/alias"): delete_alias,
    ("GET", "registered-models/alias"): get_version_by_alias,
    ("POST", "model-versions/create"): create_version,
    ("GET", "model-versions/get"): get_version,
    ("PATCH", "model-versions/update"): describe_version,
    ("DELETE", "model-versions/delete"): delete_version,
    ("GET", "model-versions/search"): search_versions,
    ("POST", "model-versions/set-tag"): set_version_tag,
    ("DELETE", "model-versions/delete-tag"): delete_version_tag,
    ("POST", "model-versions/transition-stage"): transition_stage,
    ("GET", "model-versions/get-download-uri"): get_download_uri,
    ("GET", "model-versions/get-artifact"): get_artifact,
    **mlflow_webhooks.EXACT,
}
ROUTES: tuple[Route, ...] = (
    Route("/model-versions/get-artifact", get_artifact, methods=["GET"]),
    # From clients that join a URL with a slash at its end and this path.
    Route("//model-versions/get-artifact", get_artifact, methods=["GET"]),
    *mlflow_webhooks.ROUTES,
)
