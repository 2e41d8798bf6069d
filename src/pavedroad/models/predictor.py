"""A loaded model: what it takes, and predictions from any form of the same values."""

from __future__ import annotations

import importlib.util
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pavedroad.errors import Invalid, MissingExtra, PavedError, Refused
from pavedroad.models.inputs import (
    check_columns,
    columns_by_place,
    columns_of,
    frame_of,
    has_names,
    matrix_of,
    tensor_array,
)
from pavedroad.models.manifest import Manifest
from pavedroad.models.pickled import load_pickle, load_skops
from pavedroad.models.signature import Signature, library_of

PREDICT = "predict"
PREDICT_PROBA = "predict_proba"


class Predictor:
    """A model that was loaded, with the checks of its signature in front of it.

    `predict` takes what people have (frames, arrays, rows as dicts, dicts of columns). Serving takes the two
    halves apart: `arrange` turns checked columns or tensors into what the model takes, `call` runs it.
    """

    def __init__(
        self,
        model: Any,
        manifest: Manifest,
        *,
        predict: Callable[..., Any],
        takes_params: bool = False,
    ) -> None:
        self.model = model
        self.manifest = manifest
        self.signature: Signature | None = manifest.signature
        self._calls: dict[str, Callable[..., Any]] = {PREDICT: predict}
        proba = getattr(model, PREDICT_PROBA, None) if hasattr(model, "classes_") else None
        if callable(proba):
            self._calls[PREDICT_PROBA] = proba
        self._takes_params = takes_params
        self._takes_matrix = False

    @property
    def output_names(self) -> tuple[str, ...]:
        """What `call` can give: `predict`, and `predict_proba` of a classifier that has it."""
        return tuple(self._calls)

    @property
    def columns(self) -> dict[str, str]:
        """Name and numpy dtype of every named input."""
        return {field.name: field.dtype for field in self.signature.inputs} if self.signature else {}

    def predict(self, data: Any) -> Any:
        """What the model predicts for `data`. Raises Invalid when `data` does not fit the signature or the
        model refuses it.
        """
        return self.call(self.check(data))

    def predict_proba(self, data: Any) -> Any:
        """Class probabilities. Raises Invalid when the model has none."""
        return self.call(self.check(data), PREDICT_PROBA)

    def check(self, data: Any) -> Any:
        """`data` in the form that the model takes. Raises Invalid."""
        signature = self.signature
        if signature is None or not signature.inputs:
            return (
                frame_of(columns_of(data))
                if isinstance(data, list) and data and isinstance(data[0], dict)
                else data
            )
        if signature.is_tensor:
            return self._check_tensors(signature, data)
        if signature.is_named:
            columns = columns_of(self._with_names(signature, data))
            return frame_of(check_columns(signature, columns))
        return self._check_unnamed(signature, data)

    def arrange(self, columns: dict[str, Any]) -> Any:
        """Checked columns, in the signature's order, as what the model takes fastest."""
        return matrix_of(columns) if self._takes_matrix else frame_of(columns)

    def call(self, inputs: Any, output: str = PREDICT, *, params: Mapping[str, Any] | None = None) -> Any:
        """Run the model. `params` reach only models that MLflow loads, as with MLflow's own server.

        Raises: Invalid for an output it does not have and for input that it refuses.
        """
        if output not in self._calls:
            raise Invalid(f"the model has no output {output!r}", hint=f"it has {', '.join(self._calls)}")
        options = {"params": dict(params)} if params and self._takes_params else {}
        try:
            return self._calls[output](inputs, **options)
        except (MemoryError, PavedError):
            raise
        except Exception as error:
            lines = str(error).strip().splitlines() or [""]
            raise Invalid(
                f"the model refused the input: {type(error).__name__}: {lines[0]}",
                hint="compare it with the model's example",
            ) from error

    def prefer_matrix(self, example: Any) -> bool:
        """Leave out the frame from now on when the model does not look at it; returns whether it does not.

        A frame costs four times what a small model does, and pandas costs 50 MB. Only for estimators made of
        scikit-learn's own parts with number columns: those read nothing but the values of a frame, or, where
        they choose columns by name, refuse a matrix of `example`.
        """
        signature = self.signature
        if signature is None or signature.is_tensor or not signature.is_named:
            return False
        if not _is_plain_sklearn(self.model) or any(
            field.type not in ("integer", "long", "float", "double") for field in signature.inputs
        ):
            return False
        columns = check_columns(signature, columns_of(example))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # "X does not have valid feature names"
                by_matrix = [call(matrix_of(columns)) for call in self._calls.values()]
                if "pandas" in sys.modules:  # then comparing costs nothing
                    by_frame = [call(frame_of(columns)) for call in self._calls.values()]
                    self._takes_matrix = all(map(_equal, by_matrix, by_frame))
                else:
                    self._takes_matrix = True
        except Exception:  # a model that chooses columns by name says so in its own way
            self._takes_matrix = False
        return self._takes_matrix

    # ------------------------------------------------------------------------------------------ by signature

    def _check_tensors(self, signature: Signature, data: Any) -> Any:
        if signature.is_named:
            given = columns_of(data)
            missing = [name for name in signature.names if name not in given]
            if missing:
                raise Invalid(
                    f"the input {missing[0]!r} is missing",
                    hint=f"the model takes {', '.join(signature.names)}",
                )
            return {field.name: tensor_array(field, given[field.name]) for field in signature.inputs}
        if library_of(data) in ("polars", "pyarrow"):
            data = matrix_of(columns_of(data))
        return tensor_array(signature.inputs[0], data)

    def _with_names(self, signature: Signature, data: Any) -> Any:
        """Values without names get those of the signature, by place."""
        if has_names(data):
            return data
        return dict(zip(signature.names, columns_by_place(data, len(signature.inputs)), strict=True))

    def _check_unnamed(self, signature: Signature, data: Any) -> Any:
        width = len(signature.inputs)
        given = list(columns_of(data).values()) if has_names(data) else columns_by_place(data, width)
        if len(given) < width:
            raise Invalid(
                f"the input has {len(given)} columns, the model takes {width}", hint="give one for each"
            )
        named = Signature(
            inputs=tuple(
                msgspec.structs.replace(field, name=str(place))
                for place, field in enumerate(signature.inputs)
            )
        )
        columns = check_columns(named, {str(place): given[place] for place in range(width)})
        return frame_of({int(name): values for name, values in columns.items()})


def load_predictor(folder: Path, manifest: Manifest, *, trusted: bool) -> Predictor:
    """See `model_files.load_model`."""
    conf = manifest.python_function
    flavor = manifest.flavors.get("sklearn")
    if flavor is None and conf.get("loader_module") != "mlflow.sklearn":
        return _load_with_mlflow(folder, manifest, trusted=trusted)
    flavor = flavor or {}
    name = str(flavor.get("pickled_model") or conf.get("model_path") or "model.pkl")
    file = _inside(folder, name)
    code = flavor.get("code") or conf.get("code")
    if code and trusted:
        _add_code(_inside(folder, str(code)))
    if flavor.get("serialization_format") == "skops":
        model = load_skops(file, trusted=trusted, allowed=list(flavor.get("skops_trusted_types") or []))
    else:
        model = load_pickle(file, trusted=trusted)
    predict = getattr(model, str(conf.get("predict_fn") or PREDICT), None)
    if not callable(predict):
        raise Invalid(
            f"{type(model).__name__} in {file.name} has no predict()", hint="log a fitted estimator"
        )
    return Predictor(model, manifest, predict=predict)


def _load_with_mlflow(folder: Path, manifest: Manifest, *, trusted: bool) -> Predictor:
    if not manifest.python_function:
        raise Invalid(
            f"the model has only the flavors {', '.join(sorted(manifest.flavors))}",
            hint="log it with an MLflow flavor that includes python_function",
        )
    if not trusted:
        raise Refused(
            f"loading a model of flavor {manifest.flavor!r} runs code, and no run on this record made it",
            hint="use --trust if you know where it comes from",
        )
    if importlib.util.find_spec("mlflow") is None:
        raise MissingExtra(f"a model of flavor {manifest.flavor!r}", extra="mlflow")
    import mlflow.pyfunc

    try:
        model = mlflow.pyfunc.load_model(str(folder))
    except Exception as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise Invalid(
            f"MLflow cannot load the model: {lines[0]}",
            hint="install what the model's requirements.txt lists",
        ) from error
    return Predictor(model, manifest, predict=model.predict, takes_params=True)


def _inside(folder: Path, name: str) -> Path:
    # By name only: the files of a version are links into the store.
    if name.startswith("/") or ".." in name.split("/"):
        raise Invalid(f"the MLmodel file points outside of its folder: {name!r}", hint="log the model again")
    return folder / name


def _add_code(folder: Path) -> None:
    if folder.is_dir() and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _is_plain_sklearn(model: Any) -> bool:
    """Whether every part comes from scikit-learn, so that only the values of a frame can matter to it."""
    if library_of(model) != "sklearn" or not hasattr(model, "get_params"):
        return False
    for value in model.get_params(deep=True).values():
        has_behaviour = callable(value) or hasattr(value, "get_params")
        if (
            has_behaviour
            and (getattr(value, "__module__", None) or type(value).__module__).partition(".")[0] != "sklearn"
        ):
            return False
    return True


def _equal(one: Any, other: Any) -> bool:
    import numpy as np

    one, other = np.asarray(one), np.asarray(other)
    return one.shape == other.shape and one.dtype == other.dtype and bool(np.array_equal(one, other))
