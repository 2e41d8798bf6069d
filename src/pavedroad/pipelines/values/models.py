"""Models in MLflow's layout: what a step returns is a logged model of its run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pavedroad.models import Model, load_model, write_model
from pavedroad.pipelines.values.model import LostValue, ValueFile
from pavedroad.pipelines.values.paths import tree_digest

MANIFEST = "MLmodel"
FIELDS = ("name", "example", "signature", "card", "metrics", "params")  # of Model, but the estimator


def is_model(value: Any) -> bool:
    """A `paved.Model`, or a scikit-learn estimator that predicts."""
    return isinstance(value, Model) or (
        callable(getattr(value, "predict", None))
        and not isinstance(value, type)
        and any(
            kind.__module__.startswith("sklearn.") and kind.__name__ == "BaseEstimator"
            for kind in type(value).__mro__
        )
    )


def as_model(value: Any) -> Model:
    # paved: ignore[MOD505] a step that returns a bare estimator gives no example with it
    return value if isinstance(value, Model) else Model(estimator=value)


def describe_model(value: Any) -> str:
    estimator = value.estimator if isinstance(value, Model) else value
    return f"model {type(estimator).__name__}"


def write_into(folder: Path, value: Any, *, run_id: str, model_id: str) -> None:
    write_model(folder, as_model(value), run_id=run_id, model_id=model_id)


def digest_of_model(files: tuple[ValueFile, ...]) -> str:
    """Over what the model is, not over the manifest, which also says where it was made."""
    return tree_digest("", [(file.path, file.digest) for file in files if file.path != MANIFEST])


def read_estimator(folder: Path) -> Any:
    """Raises LostValue."""
    try:
        return load_model(folder, trusted=True).model
    except Exception as error:  # whatever a class says when it is unpickled
        raise LostValue(f"cannot be read any more: {error}") from error


def fields_of(value: Any) -> dict[str, Any] | None:
    """What a Model holds beside its estimator; None for a bare estimator."""
    return {name: getattr(value, name) for name in FIELDS} if isinstance(value, Model) else None


def put_together(estimator: Any, fields: dict[str, Any] | None) -> Any:
    return estimator if fields is None else Model(estimator=estimator, **fields)
