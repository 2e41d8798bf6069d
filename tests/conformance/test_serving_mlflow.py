"""Models and MLflow itself: it loads what we write, we load what it writes, both servers answer the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pavedroad.errors import Refused
from pavedroad.models import Model, infer_signature, load_model, write_model
from pavedroad.models.signature import format_signature
from pavedroad.registry import find_version
from pavedroad.serving import invocations, measure_latency
from pavedroad.serving.loading import load_served_model

# MLflow warns about itself on import and about integer columns; its warnings are not ours to fix.
pytestmark = pytest.mark.filterwarnings("ignore")
PACKAGES = ["scikit-learn"]  # else MLflow starts a process to find out


def flights(rows: int = 60) -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "distance": random.uniform(100, 2500, rows),
            "wind": random.uniform(0, 40, rows),
            "hour": np.arange(rows) % 24,
        }
    )
    return frame, np.asarray(frame["wind"] > 20).astype(int)


def numeric() -> Model:
    frame, late = flights()
    return Model(
        estimator=make_pipeline(StandardScaler(), LogisticRegression()).fit(frame, late), example=frame
    )


def doubles() -> Model:
    frame, late = flights()
    frame = frame.astype(float)
    return Model(estimator=LinearRegression().fit(frame, late), example=frame)


def tensor() -> Model:
    frame, late = flights()
    array = frame.to_numpy()
    return Model(estimator=LinearRegression().fit(array, late), example=array)


def text_and_nulls() -> Model:
    frame, late = flights()
    frame["origin"] = ["EWR", "JFK", "LGA"] * (len(frame) // 3)
    frame.loc[0, "distance"] = np.nan
    columns = make_column_transformer((OneHotEncoder(), ["origin"]), remainder="passthrough")
    fitted = make_pipeline(columns, HistGradientBoostingClassifier(max_iter=5, random_state=0)).fit(
        frame, np.where(late, "late", "in time")
    )
    return Model(estimator=fitted, example=frame)


class DelayInHours:
    """No scikit-learn at all; answers a frame."""

    def predict(self, data: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"hours": data["distance"] / 60, "hour": data["hour"]})


def own_class() -> Model:
    return Model(estimator=DelayInHours(), example=flights()[0])


MODELS = [numeric, doubles, tensor, text_and_nulls, own_class]


@pytest.mark.parametrize("make", MODELS)
def test_mlflow_predicts_the_same_with_what_we_write(tmp_path: Path, mlflow: Any, make: Any) -> None:
    model = make()
    write_model(tmp_path / "model", model)
    theirs = mlflow.pyfunc.load_model(str(tmp_path / "model")).predict(model.example)
    assert np.array_equal(np.asarray(theirs), np.asarray(model.estimator.predict(model.example)))


def test_mlflow_loads_the_estimator_itself(tmp_path: Path, mlflow: Any) -> None:
    model = numeric()
    write_model(tmp_path / "model", model)
    theirs = mlflow.sklearn.load_model(str(tmp_path / "model"))
    assert np.array_equal(theirs.predict_proba(model.example), model.estimator.predict_proba(model.example))


@pytest.mark.parametrize("make", MODELS)
def test_mlflow_reads_our_example(tmp_path: Path, mlflow: Any, make: Any) -> None:
    model = make()
    write_model(tmp_path / "model", model)
    theirs = mlflow.pyfunc.load_model(str(tmp_path / "model")).input_example
    assert np.array_equal(np.asarray(theirs), np.asarray(model.example[:5]), equal_nan=False) or (
        theirs.equals(model.example[:5])
    )


EXAMPLES: dict[str, Callable[[], Any]] = {
    "doubles": lambda: pd.DataFrame({"a": [1.5, 2.5]}),
    "floats": lambda: pd.DataFrame({"a": np.array([1.5], dtype="float32")}),
    "whole": lambda: pd.DataFrame({"a": [1], "b": np.array([1], dtype="int32")}),
    "small": lambda: pd.DataFrame({"a": np.array([1], dtype="int8"), "b": np.array([1], dtype="uint16")}),
    "unsigned": lambda: pd.DataFrame({"a": np.array([1], dtype="uint32")}),
    "nulls": lambda: pd.DataFrame({"a": [1.0, None], "b": ["x", None]}),
    "nullable": lambda: pd.DataFrame({"a": pd.array([1, None], dtype="Int64")}),
    "truth": lambda: pd.DataFrame({"a": [True, False]}),
    "text": lambda: pd.DataFrame({"a": ["x", "y"]}),
    "bytes": lambda: pd.DataFrame({"a": [b"x", b"y"]}),
    "times": lambda: pd.DataFrame({"a": pd.to_datetime(["2026-01-01", "2026-01-02"])}),
    "categories": lambda: pd.DataFrame({"a": pd.Series(["x", "y"], dtype="category")}),
    "series": lambda: pd.Series([1.0, 2.0], name="a"),
    "matrix": lambda: np.zeros((2, 3)),
    "vector": lambda: np.array(["a", "b"]),
    "pixels": lambda: np.zeros((2, 4, 4), dtype="uint8"),
    "named arrays": lambda: {"a": np.zeros((2, 3)), "b": np.array([1, 2])},
    "rows": lambda: [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}],
    "rows with a gap": lambda: [{"a": 1.0, "b": "x"}, {"a": 2.0}],
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_we_infer_the_signature_that_mlflow_infers(mlflow: Any, name: str) -> None:
    data = EXAMPLES[name]()
    theirs = mlflow.models.infer_signature(data).to_dict()["inputs"]
    ours = format_signature(infer_signature(data))["inputs"]
    assert json.loads(ours or "") == json.loads(theirs)


@pytest.mark.parametrize("make", MODELS)
def test_mlflow_reads_our_signature_as_its_own(tmp_path: Path, mlflow: Any, make: Any) -> None:
    model = make()
    write_model(tmp_path / "model", model)
    read = mlflow.models.get_model_info(str(tmp_path / "model")).signature
    assert read == mlflow.models.infer_signature(model.example, model.estimator.predict(model.example))


@pytest.mark.parametrize("written_as", ["skops", "pickle", "cloudpickle"])
def test_we_load_what_mlflow_writes(tmp_path: Path, mlflow: Any, written_as: str) -> None:
    model = numeric()
    mlflow.sklearn.save_model(
        model.estimator,
        str(tmp_path / "model"),
        serialization_format=written_as,
        pip_requirements=PACKAGES,
        input_example=model.example[:3],
        signature=mlflow.models.infer_signature(model.example, [1]),
    )
    loaded = load_model(tmp_path / "model", trusted=True)
    assert loaded.manifest.mlflow_version == mlflow.__version__
    assert np.array_equal(loaded.predict(model.example), model.estimator.predict(model.example))
    assert loaded.output_names == ("predict", "predict_proba")


def test_skops_as_mlflow_writes_it_by_default_needs_no_trust(tmp_path: Path, mlflow: Any) -> None:
    model = tensor()
    mlflow.sklearn.save_model(model.estimator, str(tmp_path / "model"), pip_requirements=PACKAGES)
    loaded = load_model(tmp_path / "model", trusted=False)
    assert np.array_equal(loaded.predict(model.example), model.estimator.predict(model.example))


class Wrapped(LinearRegression):  # type: ignore[misc]
    """A type that skops does not know."""


def test_a_model_cannot_vouch_for_its_own_types(tmp_path: Path, mlflow: Any) -> None:
    frame, late = flights()
    fitted = Wrapped().fit(frame.to_numpy(), late)
    named = f"{Wrapped.__module__}.Wrapped"
    mlflow.sklearn.save_model(
        fitted, str(tmp_path / "model"), skops_trusted_types=[named], pip_requirements=PACKAGES
    )
    with pytest.raises(Refused, match="does not know as safe") as refusal:
        load_model(tmp_path / "model", trusted=False)
    assert "--trust" in refusal.value.hint
    assert load_model(tmp_path / "model", trusted=True).predict(frame.to_numpy()[:1]).shape == (1,)


def test_a_custom_predict_function_is_called(tmp_path: Path, mlflow: Any) -> None:
    model = numeric()
    mlflow.sklearn.save_model(
        model.estimator, str(tmp_path / "model"), pyfunc_predict_fn="predict_proba", pip_requirements=PACKAGES
    )
    loaded = load_model(tmp_path / "model", trusted=True)
    assert np.array_equal(loaded.predict(model.example), model.estimator.predict_proba(model.example))


def test_another_flavor_is_loaded_through_mlflow_when_trusted(tmp_path: Path, mlflow: Any) -> None:
    class Add(mlflow.pyfunc.PythonModel):  # type: ignore[misc]
        def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
            return model_input["x"] + (params or {}).get("by", 1)

    mlflow.pyfunc.save_model(
        str(tmp_path / "model"),
        python_model=Add(),
        pip_requirements=PACKAGES,
        signature=mlflow.models.infer_signature(pd.DataFrame({"x": [1.0]}), [1.0], params={"by": 1}),
    )
    with pytest.raises(Refused, match="'python_function' runs code"):
        load_model(tmp_path / "model", trusted=False)
    loaded = load_model(tmp_path / "model", trusted=True)
    assert list(loaded.predict({"x": [1.0, 2.0]})) == [2.0, 3.0]
    assert list(loaded.call(loaded.check({"x": [1.0]}), params={"by": 5})) == [6.0]


# --------------------------------------------------------------------------------- the scoring server


ROWS = {"columns": ["distance", "wind", "hour"], "data": [[300.0, 31.5, 7], [2000.0, 3.25, 23]]}
RECORDS = [dict(zip(ROWS["columns"], row, strict=True)) for row in ROWS["data"]]
COLUMNS = {name: [record[name] for record in RECORDS] for name in ROWS["columns"]}
REQUESTS: dict[str, tuple[Any, str]] = {
    "split": ({"dataframe_split": ROWS}, "application/json"),
    "split with index": ({"dataframe_split": {**ROWS, "index": [5, 6]}}, "application/json; charset=utf-8"),
    "split, other order": (
        {"dataframe_split": {"columns": ["hour", "wind", "distance"], "data": [[7, 31.5, 300.0]]}},
        "application/json",
    ),
    "split, one column more": (
        {"dataframe_split": {"columns": [*ROWS["columns"], "x"], "data": [[300.0, 31.5, 7, "a"]]}},
        "application/json",
    ),
    "records": ({"dataframe_records": RECORDS}, "application/json"),
    "inputs, columns": ({"inputs": COLUMNS}, "application/json"),
    "inputs, rows": ({"inputs": RECORDS}, "application/json"),
    "instances, rows": ({"instances": RECORDS}, "application/json"),
    "csv": ("distance,wind,hour\n300.0,31.5,7\n2000.0,3.25,23\n", "text/csv"),
}


def their_answer(mlflow: Any, folder: Path, body: Any, content_type: str) -> Any:
    """What `mlflow models serve` answers: its own function, without the process around it."""
    from mlflow.pyfunc import scoring_server

    model = mlflow.pyfunc.load_model(str(folder))
    text = body if isinstance(body, str) else json.dumps(body)
    answer = scoring_server.invocations(text, content_type, model, model.metadata.get_input_schema())
    assert answer.status == 200, answer.response
    return json.load(StringIO(answer.response))


def our_answer(folder: Path, body: Any, content_type: str) -> Any:
    model, flaw = load_served_model(folder, name="m", version="1", trusted=True)
    assert flaw == ""
    text = body if isinstance(body, str) else json.dumps(body)
    call = invocations.read_invocation(text.encode(), content_type, model)
    return json.loads(invocations.write_predictions(model.predictor.call(call.inputs, params=call.params)))


@pytest.mark.parametrize("request_name", REQUESTS)
@pytest.mark.parametrize("make", [numeric, own_class])
def test_every_form_of_request_is_answered_as_mlflow_answers_it(
    tmp_path: Path, mlflow: Any, make: Any, request_name: str
) -> None:
    write_model(tmp_path, make())
    body, content_type = REQUESTS[request_name]
    assert our_answer(tmp_path, body, content_type) == their_answer(mlflow, tmp_path, body, content_type)


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [[1.0, 2.0, 3.0], [4, 5, 6]]},
        {"instances": [[1.0, 2.0, 3.0]]},
        {"dataframe_split": {"columns": ["a", "b", "c"], "data": [[1.0, 2.0, 3.0]]}},
        {"dataframe_split": {"data": [[1.0, 2.0, 3.0]]}},
        {"dataframe_records": [{"a": 1.0, "b": 2.0, "c": 3.0}]},
    ],
)
def test_a_model_of_an_array_is_answered_as_mlflow_answers_it(tmp_path: Path, mlflow: Any, body: Any) -> None:
    write_model(tmp_path, tensor())
    assert our_answer(tmp_path, body, "application/json") == their_answer(
        mlflow, tmp_path, body, "application/json"
    )


def test_text_and_nulls_are_answered_as_mlflow_answers_them(tmp_path: Path, mlflow: Any) -> None:
    write_model(tmp_path, text_and_nulls())
    records = [{**RECORDS[0], "origin": "JFK"}, {**RECORDS[1], "distance": None, "origin": "EWR"}]
    body = {"dataframe_records": records}
    ours = our_answer(tmp_path, body, "application/json")
    assert ours == their_answer(mlflow, tmp_path, body, "application/json")
    assert set(ours["predictions"]) <= {"late", "in time"}


def test_a_model_logged_without_a_signature_is_answered_as_mlflow_answers_it(
    tmp_path: Path, mlflow: Any
) -> None:
    frame, late = flights()
    mlflow.sklearn.save_model(
        LogisticRegression().fit(frame, late), str(tmp_path / "model"), pip_requirements=PACKAGES
    )
    body = {"dataframe_split": ROWS}
    model, flaw = load_served_model(tmp_path / "model", name="m", version="1", trusted=True)
    call = invocations.read_invocation(json.dumps(body).encode(), "", model)
    ours = json.loads(invocations.write_predictions(model.predictor.call(call.inputs)))
    assert ours == their_answer(mlflow, tmp_path / "model", body, "application/json")
    assert "without an example" in flaw


# ---------------------------------------------------------------------------- logged, registered, served


def test_what_an_unchanged_client_logs_is_served(live: Any, mlflow: Any) -> None:
    frame, _ = flights()
    mlflow.set_tracking_uri(live.url)
    try:
        with mlflow.start_run():
            logged = mlflow.sklearn.log_model(
                numeric().estimator,
                name="flights",
                input_example=frame.head(2),
                pip_requirements=PACKAGES,
                registered_model_name="flights",
            )
    finally:
        mlflow.set_tracking_uri(None)
    version = find_version(live.record.db, "flights", 1)
    assert version is not None
    assert version.model_id == logged.model_id
    seen = measure_latency(live.record, version, requests=20)
    assert (seen.requests, seen.errors) == (20, 0)
