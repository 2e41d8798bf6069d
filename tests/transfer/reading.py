"""What MLflow's client reads of a run, in a form in which two stores can be compared."""

from __future__ import annotations

from typing import Any

LARGEST = 1.797e308  # MLflow's SQL store keeps infinity as the largest number
OF_THE_STORE = ("artifact_uri", "run_id", "run_uuid", "experiment_id")


def ids_of(client: Any) -> list[str]:
    """Of all runs, deleted ones too."""
    return [
        run.info.run_id
        for experiment in client.search_experiments(view_type=3)
        for run in client.search_runs([experiment.experiment_id], run_view_type=3, max_results=50_000)
    ]


def everything(client: Any, run_id: str) -> dict[str, Any]:
    """All but what a store gives by itself: ids and places."""
    run = client.get_run(run_id)
    tags = {key: value for key, value in run.data.tags.items() if key != "paved.run_id"}
    return {
        "info": {name: text for name, text in dict(run.info).items() if name not in OF_THE_STORE},
        "params": run.data.params,
        "tags": {key: value.replace(run_id, "itself") for key, value in tags.items()},
        "curves": {key: curve(client, run_id, key) for key in run.data.metrics},
        "last": {key: shown(value) for key, value in run.data.metrics.items()},
        "inputs": sorted(str(each) for each in run.inputs.dataset_inputs),
        "outputs": sorted(each.step for each in run.outputs.model_outputs) if run.outputs else [],
    }


def curve(client: Any, run_id: str, key: str) -> list[tuple[int, int, str]]:
    points = client.get_metric_history(run_id, key)
    return sorted((point.timestamp, point.step, shown(point.value)) for point in points)


def shown(value: float) -> str:
    return repr(value) if abs(value) < LARGEST or value != value else f"{'-' if value < 0 else ''}inf"
