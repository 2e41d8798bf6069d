"""MLflow's routes for logged models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import Invalid
from pavedroad.kit.files import Stored
from pavedroad.kit.sql import Reader
from pavedroad.tracking import adoption, logged_models, model_search
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking.artifact_files import get_file, list_files
from pavedroad.tracking.file_answer import file_answer
from pavedroad.tracking.mlflow_artifacts import listing, safe_path
from pavedroad.tracking.mlflow_door import EMPTY, answer, check_present, read, read_message, write
from pavedroad.tracking.model import root_of

Handler = Callable[[Request], Awaitable[Response]]
STATUSES = {name: status for status, name in m.MODEL_STATUS_NAMES.items()}
STATUS_NUMBERS = dict(enumerate(m.MODEL_STATUS_NAMES))


async def create(request: Request) -> Response:
    sent = await read_message(request, m.CreateLoggedModel)
    wanted = sent.paved_model_id or ""
    create_logged_model = adoption.create_known_model if wanted else logged_models.create_logged_model
    work = partial(
        create_logged_model,
        experiment_id=sent.experiment_id or "",
        model_id=wanted,
        name=sent.name or "",
        source_run_id=sent.source_run_id or "",
        model_type=sent.model_type or "",
        params=m.pairs(sent.params),
        tags=m.pairs(sent.tags),
    )
    return answer({"model": m.logged_model_answer(await write(request, work))})


async def get(request: Request) -> Response:
    sent = await read_message(request, m.GetLoggedModel)
    ask = partial(
        logged_models.get_logged_model,
        model_id=request.path_params["model_id"],
        allow_deleted=bool(sent.allow_deleted),
    )
    return answer({"model": m.logged_model_answer(await read(request, ask))})


async def finish(request: Request) -> Response:
    sent = await read_message(request, m.FinishLoggedModel)
    status = (
        STATUS_NUMBERS.get(sent.status) if isinstance(sent.status, int) else STATUSES.get(sent.status or "")
    )
    if status is None:
        raise Invalid(
            f"Invalid value {sent.status!r} for parameter 'status' supplied",
            hint=f"known: {', '.join(STATUSES)}",
        )
    work = partial(logged_models.finish_logged_model, model_id=request.path_params["model_id"], status=status)
    return answer({"model": m.logged_model_answer(await write(request, work))})


async def delete(request: Request) -> Response:
    await write(request, partial(logged_models.delete_logged_model, model_id=request.path_params["model_id"]))
    return EMPTY


async def set_tags(request: Request) -> Response:
    sent = await read_message(request, m.LoggedModelPairs)
    for index, tag in enumerate(sent.tags or ()):
        check_present(tag.key, f"tags[{index}].key")
    work = partial(
        logged_models.set_logged_model_tags,
        model_id=request.path_params["model_id"],
        tags=m.pairs(sent.tags),
    )
    await write(request, work)
    return EMPTY


async def delete_tag(request: Request) -> Response:
    work = partial(
        logged_models.delete_logged_model_tag,
        model_id=request.path_params["model_id"],
        key=request.path_params["key"],
    )
    await write(request, work)
    return EMPTY


async def log_params(request: Request) -> Response:
    sent = await read_message(request, m.LoggedModelPairs)
    for index, param in enumerate(sent.params or ()):
        check_present(param.key, f"params[{index}].key")
    work = partial(
        logged_models.log_logged_model_params,
        model_id=request.path_params["model_id"],
        params=m.pairs(sent.params),
    )
    await write(request, work)
    return EMPTY


async def search(request: Request) -> Response:
    sent = await read_message(request, m.SearchLoggedModels)
    orders = [
        model_search.ModelOrder(
            field=order.field_name or "",
            ascending=order.ascending is not False,
            dataset_name=order.dataset_name or "",
            dataset_digest=order.dataset_digest or "",
        )
        for order in sent.order_by or ()
    ]
    datasets = [(one.dataset_name or "", one.dataset_digest or "") for one in sent.datasets or ()]
    ask = partial(
        model_search.search_logged_models,
        experiment_ids=sent.experiment_ids or [],
        filter=sent.filter or "",
        datasets=datasets,
        order_by=orders,
        max_results=sent.max_results or model_search.DEFAULT_RESULTS,
        page_token=sent.page_token or "",
    )
    models, token = await read(request, ask)
    page: dict[str, Any] = {"models": [m.logged_model_answer(one) for one in models]} if models else {}
    return answer({**page, "next_page_token": token} if token else page)


async def list_artifacts(request: Request) -> Response:
    sent = await read_message(request, m.LoggedModelFolder)
    path = safe_path(sent.artifact_directory_path or "")

    def ask(reader: Reader) -> dict[str, Any]:
        uri = logged_models.get_logged_model(reader, request.path_params["model_id"]).artifact_location
        return listing(list_files(reader, root_of(uri), path), root_uri=uri)

    return answer(await read(request, ask))


async def get_artifact(request: Request) -> Response:
    sent = await read_message(request, m.LoggedModelFile)
    path = safe_path(sent.artifact_file_path or "")

    def ask(reader: Reader) -> Stored:
        model = logged_models.get_logged_model(reader, request.path_params["model_id"])
        return get_file(reader, root_of(model.artifact_location), path)

    return await file_answer(request, await read(request, ask), path)


EXACT: dict[tuple[str, str], Handler] = {
    ("POST", "logged-models"): create,
    ("POST", "logged-models/search"): search,
}
ROUTES: tuple[Route, ...] = tuple(
    Route(f"{prefix}/2.0/mlflow/logged-models/{{model_id}}{rest}", handler, methods=[method])
    for prefix in ("/api", "/ajax-api")
    for method, rest, handler in (
        ("GET", "", get),
        ("PATCH", "", finish),
        ("DELETE", "", delete),
        ("PATCH", "/tags", set_tags),
        ("DELETE", "/tags/{key:path}", delete_tag),
        ("POST", "/params", log_params),
        ("GET", "/artifacts/directories", list_artifacts),
        ("GET", "/artifacts/files", get_artifact),
    )
)
