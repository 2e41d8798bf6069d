"""MLflow's tracking API: experiments, runs, metrics. Two tables name everything that is answered.

A handler reads a message, calls one function of this room and encodes its answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.record import record_behind
from pavedroad.tracking import adoption, inputs, mlflow_search, store
from pavedroad.tracking import mlflow_artifacts as artifacts
from pavedroad.tracking import mlflow_logged_models as logged_models
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking import mlflow_metrics as metrics
from pavedroad.tracking.mlflow_door import (
    EMPTY,
    answer,
    look_up,
    name_of,
    read,
    read_message,
    write,
)
from pavedroad.tracking.model import RUN_STATUSES

Handler = Callable[[Request], Awaitable[Response]]
DATASET_EXPERIMENTS = 20
MODEL_HISTORY_TAG = "mlflow.log-model.history"
RUN_STATUS_NUMBERS = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}

# ------------------------------------------------------------------------------------------------ experiments


async def create_experiment(request: Request) -> Response:
    sent = await read_message(request, m.CreateExperiment)
    work = partial(
        store.create_experiment,
        name=sent.name or "",
        who=record_behind(request).settings.who,
        artifact_location=sent.artifact_location or "",
        tags=m.pairs(sent.tags),
    )
    experiment = await write(request, work)
    return answer({"experiment_id": experiment.id})


async def get_experiment(request: Request) -> Response:
    sent = await read_message(request, m.OfExperiment)
    experiment = await look_up(request, partial(store.get_experiment, experiment_id=sent.experiment_id or ""))
    return answer({"experiment": m.experiment_answer(experiment)})


async def get_experiment_by_name(request: Request) -> Response:
    sent = await read_message(request, m.ExperimentByName)
    name = sent.experiment_name or ""
    experiment = await look_up(request, partial(store.find_experiment, name=name))
    if experiment is None:
        raise NotFound(f"Could not find experiment with name '{name}'")
    return answer({"experiment": m.experiment_answer(experiment)})


async def update_experiment(request: Request) -> Response:
    sent = await read_message(request, m.UpdateExperiment)
    work = partial(store.rename_experiment, experiment_id=sent.experiment_id or "", name=sent.new_name or "")
    await write(request, work)
    return EMPTY


async def delete_experiment(request: Request) -> Response:
    sent = await read_message(request, m.OfExperiment)
    who = record_behind(request).settings.who
    await write(request, partial(store.delete_experiment, experiment_id=sent.experiment_id or "", who=who))
    return EMPTY


async def restore_experiment(request: Request) -> Response:
    sent = await read_message(request, m.OfExperiment)
    who = record_behind(request).settings.who
    await write(request, partial(store.restore_experiment, experiment_id=sent.experiment_id or "", who=who))
    return EMPTY


async def set_experiment_tag(request: Request) -> Response:
    sent = await read_message(request, m.ExperimentTag)
    work = partial(
        store.set_experiment_tag,
        experiment_id=sent.experiment_id or "",
        key=sent.key or "",
        value=sent.value or "",
    )
    await write(request, work)
    return EMPTY


async def delete_experiment_tag(request: Request) -> Response:
    sent = await read_message(request, m.ExperimentTag)
    work = partial(store.delete_experiment_tag, experiment_id=sent.experiment_id or "", key=sent.key or "")
    await write(request, work)
    return EMPTY


async def search_datasets(request: Request) -> Response:
    sent = await read_message(request, m.SearchDatasets)
    wanted = sent.experiment_ids or []
    if not wanted:
        raise Invalid("SearchDatasets request must specify at least one experiment_id.")
    if len(wanted) > DATASET_EXPERIMENTS:
        raise Invalid(
            f"SearchDatasets request cannot specify more than {DATASET_EXPERIMENTS} experiment_ids. "
            f"Received {len(wanted)} experiment_ids."
        )
    found = await read(request, partial(inputs.dataset_summaries, experiment_ids=wanted))
    return answer({"dataset_summaries": [_summary(one) for one in found]} if found else {})


def _summary(dataset: inputs.DatasetSummary) -> dict[str, str]:
    said = {"experiment_id": dataset.experiment_id, "name": dataset.name, "digest": dataset.digest}
    return said if dataset.context is None else {**said, "context": dataset.context}


# ------------------------------------------------------------------------------------------------------- runs


async def create_run(request: Request) -> Response:
    sent = await read_message(request, m.CreateRun)

    def work(tx: Transaction) -> m.RunAnswer:
        if sent.paved_run_id:
            adoption.check_new_run_id(tx, sent.paved_run_id)
        run = store.new_run(
            tx,
            run_id=sent.paved_run_id or None,
            experiment_id=sent.experiment_id or store.DEFAULT_EXPERIMENT,
            name=sent.run_name or "",
            user=sent.user_id or "",
            start_ms=sent.start_time or 0,
            tags=m.pairs(sent.tags),
        )
        made = m.run_answer(run, inputs.RunInputs())
        return msgspec.structs.replace(made, outputs=msgspec.UNSET)

    return answer({"run": await write(request, work)})


async def get_run(request: Request) -> Response:
    sent = await read_message(request, m.OfRun)
    return answer({"run": await look_up(request, partial(_run_with_inputs, run_id=sent.run))})


def _run_with_inputs(reader: Reader, run_id: str) -> m.RunAnswer:
    run = store.get_run(reader, run_id)
    number = store.run_row(reader, run_id)["no"]
    return m.run_answer(run, inputs.inputs_of(reader, [number]).get(number, inputs.RunInputs()))


async def update_run(request: Request) -> Response:
    sent = await read_message(request, m.UpdateRun)
    status = name_of(sent.status, RUN_STATUS_NUMBERS, RUN_STATUSES, "status")

    def work(tx: Transaction) -> m.RunInfoAnswer:
        store.update_run(tx, sent.run, status=status, end_ms=sent.end_time, name=sent.run_name)
        return m.run_info_answer(store.get_run(tx, sent.run))

    return answer({"run_info": await write(request, work)})


async def delete_run(request: Request) -> Response:
    sent = await read_message(request, m.OfRun)
    await write(request, partial(store.delete_run, run_id=sent.run, who=record_behind(request).settings.who))
    return EMPTY


async def restore_run(request: Request) -> Response:
    sent = await read_message(request, m.OfRun)
    await write(request, partial(store.restore_run, run_id=sent.run, who=record_behind(request).settings.who))
    return EMPTY


async def log_param(request: Request) -> Response:
    sent = await read_message(request, m.RunTag)
    work = partial(store.log_param, run_id=sent.run, key=sent.key or "", value=sent.value or "")
    await write(request, work)
    return EMPTY


async def set_tag(request: Request) -> Response:
    sent = await read_message(request, m.RunTag)
    await write(request, partial(store.set_tag, run_id=sent.run, key=sent.key or "", value=sent.value or ""))
    return EMPTY


async def delete_tag(request: Request) -> Response:
    sent = await read_message(request, m.RunTag)
    await write(request, partial(store.delete_tag, run_id=sent.run, key=sent.key or ""))
    return EMPTY


async def log_inputs(request: Request) -> Response:
    sent = await read_message(request, m.LogInputs)
    work = partial(
        inputs.log_inputs,
        run_id=sent.run,
        datasets=m.to_datasets(sent.datasets),
        models=m.to_run_models(sent.models),
    )
    await write(request, work)
    return EMPTY


async def log_outputs(request: Request) -> Response:
    sent = await read_message(request, m.LogOutputs)
    await write(request, partial(inputs.log_outputs, run_id=sent.run, models=m.to_run_models(sent.models)))
    return EMPTY


async def log_model(request: Request) -> Response:
    """What clients before MLflow 3 say of a model: kept as a history in one tag."""
    sent = await read_message(request, m.LogModel)
    try:
        model = msgspec.json.decode(sent.model_json or "", type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        shown = (sent.model_json or "")[:500]
        raise Invalid(f"Malformed model info. \n {shown} \n is not a valid JSON.") from None
    missing = sorted({"artifact_path", "flavors", "utc_time_created", "run_id"} - model.keys())
    if missing:
        raise Invalid(f"Model json is missing mandatory fields: {missing}")
    await write(request, partial(_add_to_model_history, run_id=sent.run, model=model))
    return EMPTY


def _add_to_model_history(tx: Transaction, run_id: str, model: dict[str, Any]) -> None:
    held = store.get_run(tx, run_id).tags.get(MODEL_HISTORY_TAG, "[]")
    try:
        history = msgspec.json.decode(held, type=list[Any])
    except msgspec.DecodeError:  # a person wrote something else there
        history = []
    store.set_long_tag(tx, run_id, MODEL_HISTORY_TAG, msgspec.json.encode([*history, model]).decode())


# ----------------------------------------------------------------------------------------------------- server


async def server_info(request: Request) -> Response:
    """What this server can do beyond the plain API: a client keeps to plain PUT and GET."""
    return answer(
        {
            "store_type": "SqlStore",
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "multipart_uploads_enabled": False,
            "multipart_downloads_enabled": False,
            "presigned_upload_run_id_supported": False,
            "presigned_upload_model_id_supported": False,
            "features_enabled": {},
            "keeps_ids": True,  # what `paved sync` asks: `paved_run_id` and `paved_model_id` are heeded
        }
    )


EXACT: dict[tuple[str, str], Handler] = {
    ("POST", "experiments/create"): create_experiment,
    ("GET", "experiments/get"): get_experiment,
    ("GET", "experiments/get-by-name"): get_experiment_by_name,
    ("POST", "experiments/update"): update_experiment,
    ("POST", "experiments/delete"): delete_experiment,
    ("POST", "experiments/restore"): restore_experiment,
    ("POST", "experiments/set-experiment-tag"): set_experiment_tag,
    ("POST", "experiments/delete-experiment-tag"): delete_experiment_tag,
    ("POST", "experiments/search-datasets"): search_datasets,
    ("POST", "runs/create"): create_run,
    ("GET", "runs/get"): get_run,
    ("POST", "runs/update"): update_run,
    ("POST", "runs/delete"): delete_run,
    ("POST", "runs/restore"): restore_run,
    ("POST", "runs/log-parameter"): log_param,
    ("POST", "runs/set-tag"): set_tag,
    ("POST", "runs/delete-tag"): delete_tag,
    ("POST", "runs/log-inputs"): log_inputs,
    ("POST", "runs/outputs"): log_outputs,
    ("POST", "runs/log-model"): log_model,
    **artifacts.EXACT,
    **mlflow_search.EXACT,
    **logged_models.EXACT,
    **metrics.EXACT,
}
ROUTES: tuple[Route, ...] = (
    Route("/api/3.0/mlflow/server-info", server_info, methods=["GET"]),
    Route("/ajax-api/3.0/mlflow/server-info", server_info, methods=["GET"]),
    *artifacts.ROUTES,
    *logged_models.ROUTES,
)
