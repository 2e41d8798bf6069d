"""The model of one server: what its signature means in tensors, and predictions with the checks in front."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from pavedroad.errors import Invalid
from pavedroad.kit.text import count
from pavedroad.models import Field, Predictor, Signature
from pavedroad.models.inputs import check_columns, columns_of, tensor_array
from pavedroad.models.predictor import PREDICT, PREDICT_PROBA
from pavedroad.serving import tensors

MATRIX = "input-0"  # the name of a tensor that the signature leaves unnamed, and of all columns side by side
FAST_S = 0.001  # a call that takes less runs on the loop: handing it to a thread would cost more
FAST_ROWS = 256


class TensorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What model metadata says about one input or output."""

    name: str
    datatype: str
    shape: tuple[int, ...]  # -1: any


class ServedModel:
    """A predictor under a name and a version. `predict_*` raise Invalid for input that does not fit."""

    def __init__(self, predictor: Predictor, *, name: str, version: str, example: Any = None) -> None:
        self.predictor = predictor
        self.name = name
        self.version = version
        self.example = example  # a body that /invocations takes, or None
        self.signature = predictor.signature or Signature()
        self.inputs = _input_specs(self.signature)
        self.outputs = _output_specs(self.signature, predictor)
        self.matrix_dtype = _common_dtype(
            self.signature
        )  # of all columns side by side; None: not only numbers
        self._takes_matrix = False
        self.is_fast = False

    @property
    def platform(self) -> str:
        return f"{self.predictor.manifest.flavor}_mlflow"

    @property
    def is_all_floats(self) -> bool:
        """Whether rows of JSON numbers can be read at once, without looking at each."""
        return bool(self.signature.inputs) and all(
            field.shape is None and field.type in ("float", "double") for field in self.signature.inputs
        )

    def warm_up(self, columns: Mapping[str, Any] | None, inputs: Callable[[], Any]) -> None:
        """Predict the example a few times: learns whether the model needs a frame, and what a call costs.

        `columns` is the example as named columns, if it has any; `inputs` gives it as a request would.
        Raises: Invalid when the model cannot predict its own example.
        """
        if columns is not None:
            self._takes_matrix = self.predictor.prefer_matrix(columns)
        arranged = inputs()
        seconds = []
        for _ in range(3):
            started = time.perf_counter()
            predicted = self.predictor.call(arranged)
            seconds.append(time.perf_counter() - started)
        self.is_fast = min(seconds) < FAST_S
        if not self.signature.outputs:
            with contextlib.suppress(Invalid):  # an answer that is no tensor: /invocations can say it
                self.outputs = (*_specs_of(_as_tensors(predicted)), *self.outputs)

    # ---------------------------------------------------------------------------------------- in

    def of_tensors(self, given: Mapping[str, np.ndarray]) -> Any:
        """Named tensors as what the model takes: one for each column, or one matrix of all columns."""
        signature = self.signature
        if not signature.inputs:
            return self._of_undeclared(given)
        if signature.is_tensor:
            return self._of_declared_tensors(given)
        if len(given) == 1 and len(signature.inputs) > 1:
            ((name, array),) = given.items()
            if name not in signature.names and array.ndim == 2:
                return self.of_matrix(array)
        if not signature.is_named:
            self._require_known(given, [MATRIX])
            return self.of_matrix(given[MATRIX])
        self._require_known(given, signature.names)
        columns = {name: _one_value_a_row(name, array) for name, array in given.items()}
        return self.of_columns(columns)

    def of_columns(self, columns: Mapping[str, Any]) -> Any:
        """Columns by name (lists or arrays) as what the model takes."""
        checked = check_columns(self.signature, columns)
        _require_rows(len(next(iter(checked.values()))))
        return self.predictor.arrange(checked)

    def of_matrix(self, matrix: np.ndarray) -> Any:
        """All columns side by side, in the signature's order."""
        fields = self.signature.inputs
        if matrix.ndim != 2 or matrix.shape[1] != len(fields):
            raise Invalid(
                f"the input has shape {list(matrix.shape)}, the model takes [-1, {len(fields)}]",
                hint=f"one value for each of {', '.join(self.signature.names[:12])}",
            )
        _require_rows(matrix.shape[0])
        wanted = self.matrix_dtype
        if wanted is None:
            columns = [matrix[:, place] for place in range(len(fields))]
        else:
            if not np.can_cast(matrix.dtype, wanted, "safe") or matrix.dtype.kind == "b":
                raise Invalid(
                    f"the input has datatype {tensors.datatype_of(matrix.dtype)}, the model takes "
                    f"{tensors.datatype_of(wanted)}",
                    hint="send that datatype",
                )
            if self._takes_matrix and not (wanted.kind == "f" and np.isnan(matrix).any()):
                return matrix.astype(wanted, copy=False)
            columns = [_column_of(matrix, place, field) for place, field in enumerate(fields)]
        if not self.signature.is_named:
            return self.predictor.check(dict(enumerate(columns)))
        return self.predictor.arrange(
            check_columns(self.signature, dict(zip(self.signature.names, columns, strict=True)))
        )

    def of_rows(self, data: Any) -> Any:
        """Anything else that people send: rows as dicts, rows as lists, a list of numbers."""
        checked = self.predictor.check(data)
        if hasattr(checked, "__len__"):
            _require_rows(len(next(iter(checked.values()))) if isinstance(checked, dict) else len(checked))
        return checked

    def of_undeclared_columns(self, columns: Mapping[str, Any]) -> Any:
        """Columns of a model that was logged without a signature."""
        lengths = {len(values) for values in columns.values()}
        if len(lengths) != 1:
            raise Invalid("the columns have unequal lengths", hint="give every column one value for each row")
        _require_rows(lengths.pop())
        return self.predictor.arrange(dict(columns))

    def _of_declared_tensors(self, given: Mapping[str, np.ndarray]) -> Any:
        fields = self.signature.inputs
        if not self.signature.is_named:
            self._require_known(given, [MATRIX])
            array = tensor_array(fields[0], given[MATRIX])
            _require_rows(array.shape[0] if array.ndim else 1)
            return array
        self._require_known(given, self.signature.names)
        missing = [name for name in self.signature.names if name not in given]
        if missing:
            raise Invalid(f"the input {missing[0]!r} is missing", hint=_takes(self.signature.names))
        return {field.name: tensor_array(field, given[field.name]) for field in fields}

    def _of_undeclared(self, given: Mapping[str, np.ndarray]) -> Any:
        if len(given) == 1:
            (array,) = given.values()
            _require_rows(array.shape[0] if array.ndim else 1)
            return array
        return self.of_undeclared_columns(
            {name: _one_value_a_row(name, array) for name, array in given.items()}
        )

    def _require_known(self, given: Mapping[str, Any], names: Any) -> None:
        unknown = [name for name in given if name not in names]
        if unknown:
            raise Invalid(f"unknown input {unknown[0]!r}", hint=_takes(names))

    # ---------------------------------------------------------------------------------------- out

    def tensors(self, inputs: Any, wanted: list[str]) -> dict[str, np.ndarray]:
        """Predict, and give the wanted outputs as tensors (none named: the prediction).

        Raises: Invalid for an unknown output.
        """
        calls = [name for name in self.predictor.output_names if name in wanted]
        columns = [name for name in wanted if name not in calls]
        found: dict[str, np.ndarray] = {}
        if columns or not wanted:
            predicted = _as_tensors(self.predictor.call(inputs))
            missing = [name for name in columns if name not in predicted]
            if missing:
                known = sorted({*predicted, *self.predictor.output_names})
                raise Invalid(f"unknown output {missing[0]!r}", hint=f"the model gives {', '.join(known)}")
            found = {name: predicted[name] for name in columns} if columns else predicted
        for name in calls:
            predicted = _as_tensors(self.predictor.call(inputs, name))
            # One tensor keeps the name of the call; a frame gives its columns.
            found.update({name: next(iter(predicted.values()))} if len(predicted) == 1 else predicted)
        return {name: found[name] for name in wanted} if wanted and set(wanted) <= set(found) else found


def rows_of(inputs: Any) -> int:
    if isinstance(inputs, dict):
        inputs = next(iter(inputs.values()), ())
    try:
        return len(inputs)
    except TypeError:
        return 1


def stand_in(signature: Signature) -> dict[str, Any] | None:
    """A request of one made-up row, for a model that was logged without an example; None when none can be
    made.
    """
    fields = signature.inputs
    if not fields or any(size < 0 for field in fields for size in (field.shape or ())[1:]):
        return None
    if not signature.is_tensor:
        row = [_made_up(field) for field in fields]
        names = {"columns": list(signature.names)} if signature.is_named else {}
        return {"dataframe_split": {**names, "data": [row]}}
    values = {field.name: np.zeros((1, *(field.shape or ())[1:])).tolist() for field in fields}
    return {"inputs": values if signature.is_named else values[""]}


def _made_up(field: Field) -> Any:
    return {
        "boolean": False,
        "string": "a",
        "binary": "YQ==",
        "datetime": "2026-01-01T00:00:00",
        "array": [0.0],
        "object": {},
        "map": {},
    }.get(field.type, 0)


# ------------------------------------------------------------------------------------------- signature


def _input_specs(signature: Signature) -> tuple[TensorSpec, ...]:
    if signature.inputs and not signature.is_tensor and not signature.is_named:
        dtype = _common_dtype(signature)
        datatype = "BYTES" if dtype is None else tensors.datatype_of(dtype)
        return (TensorSpec(name=MATRIX, datatype=datatype, shape=(-1, len(signature.inputs))),)
    return tuple(_spec(field, MATRIX) for field in signature.inputs)


def _output_specs(signature: Signature, predictor: Predictor) -> tuple[TensorSpec, ...]:
    specs = tuple(_spec(field, PREDICT) for field in signature.outputs)
    if PREDICT_PROBA not in predictor.output_names:
        return specs
    classes = getattr(predictor.model, "classes_", ())
    width = -1 if isinstance(classes, list) else len(classes)  # a list: of a model with several targets
    return (*specs, TensorSpec(name=PREDICT_PROBA, datatype="FP64", shape=(-1, width)))


def _spec(field: Field, unnamed: str) -> TensorSpec:
    if field.shape is None:
        return TensorSpec(name=field.name or unnamed, datatype=_datatype(field.dtype), shape=(-1,))
    return TensorSpec(name=field.name or unnamed, datatype=_datatype(field.type), shape=field.shape)


def _specs_of(predicted: Mapping[str, np.ndarray]) -> list[TensorSpec]:
    return [
        TensorSpec(name=name, datatype=tensors.datatype_of(array.dtype), shape=(-1, *array.shape[1:]))
        for name, array in predicted.items()
    ]


def _datatype(dtype: str) -> str:
    return tensors.datatype_of(np.dtype({"str": "O", "bytes": "O"}.get(dtype, dtype)))


def _common_dtype(signature: Signature) -> np.dtype[Any] | None:
    """The dtype of a matrix of all columns; None when some are not numbers."""
    if signature.is_tensor or not signature.inputs:
        return None
    if any(field.type not in ("integer", "long", "float", "double") for field in signature.inputs):
        return None
    return np.result_type(*(np.dtype(field.dtype) for field in signature.inputs))


def _column_of(matrix: np.ndarray, place: int, field: Field) -> np.ndarray:
    """One column of a matrix whose one dtype holds them all: whole numbers may come as floats."""
    column, wanted = matrix[:, place], np.dtype(field.dtype)
    if column.dtype.kind == "f" and wanted.kind in "iu" and not np.isnan(column).any():
        if (column != np.floor(column)).any():
            raise Invalid(f"column {field.name or place!r} takes whole numbers", hint="round the values")
        return column.astype(wanted)
    return column.astype(wanted) if column.dtype.kind == wanted.kind == "f" else column


def _one_value_a_row(name: str, array: np.ndarray) -> np.ndarray:
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise Invalid(
            f"input {name!r} has shape {list(array.shape)}, a column has [-1] or [-1, 1]",
            hint=f"send one input for each column, or all side by side as {MATRIX!r} of shape [-1, columns]",
        )
    return array


def _require_rows(rows: int) -> None:
    if not rows:
        raise Invalid("the input has no rows", hint="send one or more")


def _takes(names: Any) -> str:
    names = list(names)
    shown = ", ".join(names[:12])
    return f"the model takes {shown}" + (f" and {count(len(names) - 12, 'other')}" if len(names) > 12 else "")


# ------------------------------------------------------------------------------------------ predictions


def _as_tensors(prediction: Any) -> dict[str, np.ndarray]:
    if hasattr(prediction, "columns"):
        return {name: _array(values) for name, values in columns_of(prediction).items()}
    if isinstance(prediction, Mapping):
        return {str(name): _array(values) for name, values in prediction.items()}
    if hasattr(prediction, "toarray"):  # sparse
        prediction = prediction.toarray()
    return {PREDICT: _array(prediction)}


def _array(values: Any) -> np.ndarray:
    try:
        array: np.ndarray = np.asarray(values)
    except ValueError as error:  # ragged
        raise Invalid(f"the model's answer is no tensor: {error}", hint="ask /invocations instead") from None
    if array.dtype.kind == "f" and array.dtype.itemsize > 8:
        array = array.astype("f8")
    return array if array.ndim else array.reshape(1)
