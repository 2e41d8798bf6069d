"""A laid-out folder as a served model, warmed up with its own example."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.errors import Invalid
from pavedroad.models import Signature, load_model
from pavedroad.serving.invocations import read_invocation
from pavedroad.serving.served_model import ServedModel, stand_in

REQUEST_FILE = "serving_input_example.json"


def load_served_model(folder: Path, *, name: str, version: str, trusted: bool) -> tuple[ServedModel, str]:
    """The model, and what is wrong with its example (empty when nothing is).

    Raises: what `load_model` raises.
    """
    # Serving gives scikit-learn plain matrices on purpose; it would say so on every request.
    warnings.filterwarnings("ignore", message="X does not have valid feature names", category=UserWarning)
    predictor = load_model(folder, trusted=trusted)
    example = read_example(folder) or stand_in(predictor.signature or Signature())
    model = ServedModel(predictor, name=name, version=version, example=example)
    if example is None:
        return model, "it was logged without an example and without a signature"
    body = msgspec.json.encode(example)
    try:
        model.warm_up(_columns(example), lambda: read_invocation(body, "", model).inputs)
    except Invalid as error:
        return model, f"it cannot predict its own example: {error.message}"
    return model, ""


def read_example(folder: Path) -> dict[str, Any] | None:
    """The first row of the model's example as a body for /invocations; None when it has none that can be
    sent.
    """
    try:
        stored = msgspec.json.decode((folder / REQUEST_FILE).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return None
    if isinstance(split := stored.get("dataframe_split"), dict) and isinstance(split.get("data"), list):
        kept = {key: split[key] for key in ("columns",) if key in split}
        return {"dataframe_split": {**kept, "data": split["data"][:1]}}
    for form in ("inputs", "instances", "dataframe_records"):
        if form in stored:
            return {form: _first(stored[form])}
    return None


def _first(values: Any) -> Any:
    if isinstance(values, list):
        return values[:1]
    if isinstance(values, Mapping):
        return {name: column[:1] if isinstance(column, list) else column for name, column in values.items()}
    return values


def _columns(example: dict[str, Any]) -> dict[str, Any] | None:
    split = example.get("dataframe_split")
    if not isinstance(split, dict) or "columns" not in split:
        return None
    return dict(zip(split["columns"], map(list, zip(*split["data"], strict=True)), strict=True))
