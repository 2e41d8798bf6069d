"""Whatever the body, the answer is a 200 or a 4xx that says what: every kind of model, without sockets."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression

from pavedroad.models import Field, Model, Signature, write_model
from pavedroad.serving.app import App
from pavedroad.serving.counters import Counters
from pavedroad.serving.loading import load_served_model


class Echo:
    """Answers what it got: frames, arrays, dicts of arrays."""

    def predict(self, data: Any) -> Any:
        return data


def regression(**more: Any) -> Model:
    rows = np.arange(12.0).reshape(4, 3)
    return Model(estimator=LinearRegression().fit(rows, rows[:, 0]), **more)


FRAME = pd.DataFrame(
    {
        "whole": [1, 2],
        "part": np.array([0.5, 1.5], dtype="float32"),
        "text": ["a", "b"],
        "truth": [True, False],
        "when": pd.to_datetime(["2026-01-01", "2026-01-02"]),
        "maybe": [1.0, None],
        "raw": [b"a", b"b"],
    }
)
NESTED = Signature(
    inputs=(
        Field(name="list", type="array", nested={"items": {"type": "double"}}),
        Field(name="map", type="map", nested={"values": {"type": "string"}}),
        Field(name="any", type="any", required=False),
    )
)
UNNAMED = Signature(inputs=(Field(type="double"), Field(type="long"), Field(type="double")))
MODELS: dict[str, Callable[[], Model]] = {
    "array": lambda: regression(example=np.arange(12.0).reshape(4, 3)),
    "no signature": lambda: regression(),
    "unnamed columns": lambda: regression(signature=UNNAMED),
    "columns of every type": lambda: Model(estimator=Echo(), example=FRAME),
    "one column": lambda: Model(estimator=Echo(), example=FRAME[["maybe"]]),
    "nested columns": lambda: Model(estimator=Echo(), signature=NESTED),
    "named arrays": lambda: Model(
        estimator=Echo(), example={"a": np.zeros((2, 3)), "b": np.array([1, 2], dtype="uint8")}
    ),
    "text array": lambda: Model(estimator=Echo(), example=np.array(["a", "b"])),
    "bytes array": lambda: Model(estimator=Echo(), example=np.array([b"a", b"b"])),
    "truth array": lambda: Model(estimator=Echo(), example=np.array([[True], [False]])),
}


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, App]:
    made = {}
    for name, make in MODELS.items():
        folder: Path = tmp_path_factory.mktemp("model")
        write_model(folder, make())
        model, _ = load_served_model(folder, name="m", version="1", trusted=True)
        counters = Counters(model="m", version="1", started_s=time.time())
        made[name] = App(model, counters, max_body_bytes=1_000_000)
    return made


def ask(app: App, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": path, "headers": named}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


NAMES = st.sampled_from(
    ["input-0", "a", "b", "whole", "part", "text", "truth", "when", "maybe", "raw", "list", "x", ""]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.integers(0, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["2026-01-01", "YQ==", "nan", "1e5", "9" * 400, "2026-13-40", "0001-01-01", "9999-12-31"]
    ),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
DATATYPES = st.sampled_from(["FP64", "FP32", "FP16", "INT64", "INT8", "UINT8", "BOOL", "BYTES", "BF16"])
TENSORS = st.fixed_dictionaries(
    {"name": NAMES, "datatype": DATATYPES, "shape": st.lists(st.integers(-1, 3), max_size=3), "data": VALUES},
    optional={"parameters": st.dictionaries(st.just("binary_data_size"), LEAVES)},
)
INFERENCES = st.fixed_dictionaries(
    {"inputs": st.lists(TENSORS, max_size=4) | VALUES},
    optional={
        "outputs": st.lists(st.fixed_dictionaries({"name": NAMES | st.just("predict")}), max_size=2) | VALUES,
        "id": LEAVES,
        "parameters": st.dictionaries(st.just("binary_data_output"), LEAVES),
    },
)
SPLITS = st.fixed_dictionaries(
    {"data": st.lists(st.lists(LEAVES, max_size=4), max_size=3) | VALUES},
    optional={"columns": st.lists(NAMES | LEAVES, max_size=7), "index": VALUES},
)
INVOCATIONS = st.one_of(
    st.fixed_dictionaries({"inputs": VALUES}),
    st.fixed_dictionaries({"instances": VALUES}),
    st.fixed_dictionaries(
        {"dataframe_records": st.lists(st.dictionaries(NAMES, LEAVES), max_size=3) | VALUES}
    ),
    st.fixed_dictionaries({"dataframe_split": SPLITS | VALUES}),
    VALUES,
)
QUICK = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def check(status: int, body: bytes, sent: Any) -> None:
    assert status < 500, (sent, body)
    if status == 200:
        return
    said = json.loads(body)
    assert said.get("error") or said.get("message"), said


@pytest.mark.filterwarnings("ignore")  # of numpy and pandas, about values that no model wants
@pytest.mark.parametrize("model", MODELS)
@QUICK
@given(body=INFERENCES)
@example(body={"inputs": [{"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}]})
def test_no_inference_breaks_the_server(apps: dict[str, App], model: str, body: Any) -> None:
    check(*ask(apps[model], "/v2/models/m/infer", json.dumps(body).encode()), body)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS)
@QUICK
@given(body=INVOCATIONS)
@example(body={"dataframe_split": {"columns": [], "data": [[]]}})
@example(body={"inputs": [[1, 2, 3]]})
@example(body={"inputs": {"a": 1}})
def test_no_invocation_breaks_the_server(apps: dict[str, App], model: str, body: Any) -> None:
    check(*ask(apps[model], "/invocations", json.dumps(body).encode()), body)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS)
@QUICK
@given(lines=st.lists(st.lists(st.text(max_size=4) | NAMES, max_size=4), max_size=4))
def test_no_csv_breaks_the_server(apps: dict[str, App], model: str, lines: list[list[str]]) -> None:
    body = "\n".join(",".join(line) for line in lines).encode("utf-8", "surrogatepass")
    check(*ask(apps[model], "/invocations", body, content_type="text/csv"), body)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS)
@QUICK
@given(tensor=TENSORS, raw=st.binary(max_size=40), at=st.integers(-5, 300))
def test_no_binary_breaks_the_server(
    apps: dict[str, App], model: str, tensor: dict[str, Any], raw: bytes, at: int
) -> None:
    del tensor["data"]
    tensor["parameters"] = {"binary_data_size": len(raw)}
    head = json.dumps({"inputs": [tensor]}).encode()
    length = str(len(head) if at < 0 else at)
    body = head + raw
    check(*ask(apps[model], "/v2/models/m/infer", body, inference_header_content_length=length), body)


# ----------------------------------------------------------------------- nearly right: one value exchanged


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("model", MODELS)
@QUICK
@given(data=st.data())
def test_no_wrong_value_in_a_right_request_breaks_the_server(
    apps: dict[str, App], model: str, data: st.DataObject
) -> None:
    body = json.loads(json.dumps(apps[model]._model.example or {"inputs": [[1.0, 2.0, 3.0]]}))
    places = list(_places(body))
    for _ in range(data.draw(st.integers(0, 2))):
        holder, key = data.draw(st.sampled_from(places))
        if isinstance(holder, dict) or key < len(holder):
            holder[key] = data.draw(VALUES)
    check(*ask(apps[model], "/invocations", json.dumps(body).encode()), body)


def _places(value: Any) -> Any:
    """Every (container, key) inside a JSON value."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield value, key
        yield from _places(item)


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"no signature"}))
def test_every_kind_of_model_answers_its_own_example(apps: dict[str, App], model: str) -> None:
    status, body = ask(apps[model], "/invocations", json.dumps(apps[model]._model.example).encode())
    assert (status, list(json.loads(body))) == (200, ["predictions"])


A_ROW = {"BYTES": "2026-01-01", "BOOL": True}


@pytest.mark.parametrize("model", sorted(set(MODELS) - {"no signature", "nested columns"}))
def test_every_kind_of_model_answers_a_request_made_from_its_metadata(
    apps: dict[str, App], model: str
) -> None:
    specs = apps[model]._model.inputs
    inputs = []
    for spec in specs:
        shape = [1, *spec.shape[1:]]
        value = "YQ==" if spec.name == "raw" else A_ROW.get(spec.datatype, 1)
        inputs.append(
            {
                "name": spec.name,
                "datatype": spec.datatype,
                "shape": shape,
                "data": [value] * int(np.prod(shape)),
            }
        )
    status, body = ask(apps[model], "/v2/models/m/infer", json.dumps({"inputs": inputs}).encode())
    assert status == 200, body
    outputs = json.loads(body)["outputs"]
    assert all(len(output["data"]) == np.prod(output["shape"]) for output in outputs)
