"""MLflow's searches over runs and experiments."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pavedroad.kit.sql import Reader
from pavedroad.tracking import inputs, search
from pavedroad.tracking import mlflow_messages as m
from pavedroad.tracking.mlflow_door import answer, name_of, page_of, read, read_message
from pavedroad.tracking.model import VIEWS, Experiment

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
    sent = await read_message(request, m.SearchRuns)
    view = name_of(sent.run_view_type, VIEW_NUMBERS, VIEWS, "run_view_type")

    def ask(reader: Reader) -> dict[str, Any]:
        rows, token = search.find_runs(
            reader,
            sent.experiment_ids or (),
            sent.filter or "",
            sent.order_by or (),
            view=view or "ACTIVE_ONLY",
            max_results=DEFAULT_RESULTS if sent.max_results is None else sent.max_results,
            page_token=sent.page_token or "",
        )
        used = inputs.inputs_of(reader, [row["no"] for row in rows])
        nothing = inputs.RunInputs()
        runs = search.with_values(reader, rows)
        found = [m.run_answer(run, used.get(row["no"], nothing)) for run, row in zip(runs, rows, strict=True)]
        return page_of("runs", found, token)

    return answer(await read(request, ask))


EXACT: dict[tuple[str, str], Handler] = {
    ("POST", "experiments/search"): search_experiments,
    ("GET", "experiments/search"): search_experiments,
    ("POST", "runs/search"): search_runs,
}
