"""Which run and which of its models a person means."""

from __future__ import annotations

import msgspec

from pavedroad.errors import Invalid, NotFound
from pavedroad.kit.sql import Reader
from pavedroad.registry.model import ModelVersion
from pavedroad.registry.provenance import MODELS_TAG, PROJECT_TAG, provenance_of
from pavedroad.registry.store import get_version
from pavedroad.tracking import (
    Run,
    all_files,
    get_logged_model,
    logged_models_of_run,
    root_of,
)
from pavedroad.tracking.model import PARENT_TAG, RUN_NAME_TAG

MANIFEST = "MLmodel"
GENERIC_NAMES = ("", "model")  # what everybody calls it: says nothing about what the model is for


class Pick(msgspec.Struct, frozen=True, kw_only=True):
    """A model that a run made."""

    source: str
    model_id: str
    name: str  # to register it under, when nobody says otherwise
    label: str  # as its run called it


def pick_model(reader: Reader, run: Run, wanted: str = "") -> Pick:
    """The model that a run made, by name or id when there are several. Raises Invalid with their names."""
    picks = models_of(reader, run)
    chosen = [pick for pick in picks if wanted in (pick.label, pick.model_id)] if wanted else picks
    names = ", ".join(dict.fromkeys(pick.label for pick in picks))
    if not picks:
        raise NotFound(
            f"run {run.id[:12]} made no model",
            hint="return paved.Model from a step, or log one with mlflow.<flavor>.log_model",
        )
    if not chosen:
        raise NotFound(f"run {run.id[:12]} made no model {wanted!r}", hint=f"it made {names}")
    if len(chosen) > 1:
        if len({pick.label for pick in chosen}) > 1:
            raise Invalid(
                f"run {run.id[:12]} made {len(chosen)} models", hint=f"name one with --model: {names}"
            )
        return chosen[-1]  # the same model logged again: the newest one
    return chosen[0]


def models_of(reader: Reader, run: Run) -> list[Pick]:
    """Logged models of the run and its steps, oldest first; else its folders with an MLmodel file."""
    ids: dict[str, None] = {}
    for each in provenance_of(reader, run.id, "").runs:
        if each.id == run.id or each.tags.get(PARENT_TAG) == run.id:
            ids |= dict.fromkeys(model.id for model in logged_models_of_run(reader, each.id))
            ids |= dict.fromkeys(filter(None, each.tags.get(MODELS_TAG, "").split(",")))
    project = run.tags.get(PROJECT_TAG, "")
    picks = []
    for model in sorted((get_logged_model(reader, each) for each in ids), key=lambda model: model.created_ms):
        name = project if model.name in GENERIC_NAMES else model.name
        picks.append(Pick(source=f"models:/{model.id}", model_id=model.id, name=name, label=model.name))
    return picks or [
        Pick(source=f"runs:/{run.id}/{folder}", model_id="", name=folder.rpartition("/")[2], label=folder)
        for folder in _model_folders(reader, run)
    ]


def pick_version(reader: Reader, text: str) -> ModelVersion:
    """`name@3` or `name@champion`. Raises Invalid for a name alone, NotFound."""
    name, at, which = text.strip().removeprefix("model/").rpartition("@")
    if not at or not name or not which:
        raise Invalid(
            f"{text!r} names no version", hint="write it as MODEL@VERSION, e.g. flights@3 or flights@champion"
        )
    return get_version(reader, name, which)


def run_label(run: Run) -> str:
    return run.name or run.tags.get(RUN_NAME_TAG, "") or run.id[:12]


def _model_folders(reader: Reader, run: Run) -> list[str]:
    if not run.artifact_uri.startswith("mlflow-artifacts:"):
        return []
    paths = (path for path, _ in all_files(reader, root_of(run.artifact_uri)))
    return sorted(path.removesuffix(f"/{MANIFEST}") for path in paths if path.endswith(f"/{MANIFEST}"))
