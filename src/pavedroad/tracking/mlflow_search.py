"""MLflow's searches over runs and experiments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from math import isfinite, nan
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from pavedroad.kit.sql import Reader, Row
from pavedroad.tracking import inputs, search
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking.mlflow_door import answer, name_of, page_of, read, read_message
from pavedroad.tracking.model import VIEWS, Experiment
from pavedroad.tracking.run_values import ALL_FIELDS, Fields, metrics_of, text_rows
from pavedroad.tracking.store import to_run


class SearchRuns(m.SearchRuns, frozen=True, kw_only=True):
    """MLflow's, with two fields that its clients do not send."""

    fields: Fields | None = None
    count: bool | None = None


Handler = Callable[[Request], Awaitable[Response]]
DEFAULT_RESULTS = 1000
VIEW_NUMBERS = {1: "ACTIVE_ONLY", 2: "DELETED_ONLY", 3: "ALL"}


async def search_experiments(request: Request) -> Response:
    sent = await read_message(request, m.SearchExperiments)

    def ask(reader: Reader) -> tuple[list[Experiment], str]:
        return search.search_experiments(
            reader,
            sent.filter or "",
            sent.order_by or (),
            view=name_of(sent.view_type, VIEW_NUMBERS, VIEWS, "view_type") or "ACTIVE_ONLY",
            max_results=DEFAULT_RESULTS if sent.max_results is None else sent.max_results,
            page_token=sent.page_token or "",
        )

    experiments, token = await read(request, ask)
    return answer(page_of("experiments", [m.experiment_answer(one) for one in experiments], token))


async def search_runs(request: Request) -> Response:
    """MLflow's search; `fields` chooses the keys that come back, `count` adds how many runs match in all."""
    sent = await read_message(request, SearchRuns)
    view = name_of(sent.run_view_type, VIEW_NUMBERS, VIEWS, "run_view_type")

    def ask(reader: Reader) -> dict[str, Any]:
        page = search.find_page(
            reader,
            sent.experiment_ids or (),
            sent.filter or "",
            sent.order_by or (),
            view=view or "ACTIVE_ONLY",
            max_results=DEFAULT_RESULTS if sent.max_results is None else sent.max_results,
            page_token=sent.page_token or "",
            counted=bool(sent.count),
            lost_is_failed=True,
        )
        found = _run_answers(reader, page.rows, sent.fields or ALL_FIELDS)
        answered = page_of("runs", found, page.token)
        return {**answered, "count": page.number} if sent.count else answered

    return answer(await read(request, ask))


class FoundRun(msgspec.Struct, frozen=True):
    """A run as MLflow writes it, with what it logged as plain values: there are tens of thousands of them."""

    info: m.RunInfoAnswer
    data: dict[str, list[Any]]
    inputs: m.RunInputsAnswer
    outputs: m.RunOutputsAnswer | msgspec.UnsetType


class _Point(msgspec.Struct, frozen=True, gc=False):
    key: str
    value: float | str
    timestamp: int
    step: int


def _run_answers(reader: Reader, rows: list[Row], fields: Fields) -> list[FoundRun]:
    numbers = [row["no"] for row in rows]
    data: dict[int, dict[str, list[Any]]] = {number: {} for number in numbers}
    for number, key, value, is_nan, at_ms, step in metrics_of(reader, numbers, keys=fields.metrics):
        shown = value if isfinite(value) and not is_nan else m.unusual(nan if is_nan else value)
        data[number].setdefault("metrics", []).append(_Point(key, shown, at_ms, step))
    for name, keys in (("params", fields.params), ("tags", fields.tags)):
        for number, key, text in text_rows(reader, name, numbers, keys=keys):
            data[number].setdefault(name, []).append(m.KeyValue(key, text))
    used, nothing = inputs.inputs_of(reader, numbers), inputs.RunInputs()
    found = []
    for row in rows:
        bare = m.run_answer(to_run(row, params={}, tags={}, metrics=[]), used.get(row["no"], nothing))
        found.append(FoundRun(bare.info, data[row["no"]], bare.inputs, bare.outputs))
    return found


EXACT: dict[tuple[str, str], Handler] = {
    ("POST", "experiments/search"): search_experiments,
    ("GET", "experiments/search"): search_experiments,
    ("POST", "runs/search"): search_runs,
}
