"""The Open Inference Protocol as its text has it, and the bytes that Triton's stock client sends.

The client itself is too large to install for a test; what it puts on the wire is written here by hand.
"""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

ROWS = np.array([[300.0, 31.5, 44.0], [2000.0, 3.25, 51.0]])
DTYPES = {"FP64": "<f8", "FP32": "<f4", "FP16": "<f2", "INT64": "<i8", "INT32": "<i4", "INT16": "<i2"}
DTYPES |= {"INT8": "i1", "UINT8": "u1", "UINT16": "<u2", "UINT32": "<u4"}


def with_tensors(head: dict[str, Any], *tensors: bytes) -> tuple[bytes, dict[str, str]]:
    """A binary request: the JSON, the tensors behind it, and the header that says where they start."""
    text = json.dumps(head).encode()
    # Triton's client says no content type at all.
    return b"".join((text, *tensors)), {"Inference-Header-Content-Length": str(len(text))}


def of(array: np.ndarray, datatype: str = "FP64", name: str = "input-0") -> tuple[dict[str, Any], bytes]:
    raw = array.astype(DTYPES[datatype]).tobytes()
    described = {
        "name": name,
        "shape": list(array.shape),
        "datatype": datatype,
        "parameters": {"binary_data_size": len(raw)},
    }
    return described, raw


def binary_outputs(answered: Any) -> dict[str, np.ndarray]:
    """The tensors of a binary answer, by name."""
    at = int(answered.headers["inference-header-content-length"])
    found = {}
    for output in json.loads(answered.body[:at])["outputs"]:
        size = output["parameters"]["binary_data_size"]
        dtype = DTYPES[output["datatype"]]
        found[output["name"]] = np.frombuffer(answered.body[at : at + size], dtype).reshape(output["shape"])
        at += size
    assert at == len(answered.body)
    return found


def test_the_server_says_which_extensions_it_has(numeric_server: Any) -> None:
    said = numeric_server.ask("GET", "/v2").json
    assert said["extensions"] == ["binary_tensor_data"]
    assert isinstance(said["name"], str)
    assert isinstance(said["version"], str)


@pytest.mark.parametrize("path", ["/v2/models/flights", "/v2/models/flights/versions/1"])
def test_metadata_of_named_columns_is_one_input_for_each(numeric_server: Any, path: str) -> None:
    said = numeric_server.ask("GET", path).json
    assert (said["name"], said["versions"], said["platform"]) == ("flights", ["1"], "sklearn_mlflow")
    assert said["inputs"] == [
        {"name": name, "datatype": "FP64", "shape": [-1]} for name in ("distance", "wind", "dew")
    ]
    assert said["outputs"] == [
        {"name": "predict", "datatype": "INT64", "shape": [-1]},
        {"name": "predict_proba", "datatype": "FP64", "shape": [-1, 2]},
    ]


def test_metadata_of_an_array_is_one_tensor(tensor_server: Any) -> None:
    said = tensor_server.ask("GET", "/v2/models/flights").json
    assert said["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 3]}]
    assert said["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1]}]


def test_metadata_of_mixed_columns_says_each_datatype(mixed_server: Any) -> None:
    said = mixed_server.ask("GET", "/v2/models/flights").json
    assert {item["name"]: item["datatype"] for item in said["inputs"]} == {
        "distance": "FP64",
        "wind": "FP64",
        "dew": "FP64",
        "origin": "BYTES",
        "hour": "INT64",
    }
    assert said["outputs"][0]["datatype"] == "BYTES"


@pytest.mark.parametrize("path", ["/v2/models/flights/infer", "/v2/models/flights/versions/1/infer"])
@pytest.mark.parametrize("data", [ROWS.ravel().tolist(), ROWS.tolist()], ids=["flat", "nested"])
def test_json_tensors_are_read_flat_and_nested(tensor_server: Any, path: str, data: Any) -> None:
    body = {"inputs": [{"name": "input-0", "shape": [2, 3], "datatype": "FP64", "data": data}]}
    answered = tensor_server.ask("POST", path, body)
    assert answered.headers["content-type"] == "application/json"
    assert answered.json == {
        "model_name": "flights",
        "model_version": "1",
        "outputs": [
            {
                "name": "predict",
                "datatype": "FP64",
                "shape": [2],
                "data": tensor_server.model.estimator.predict(ROWS).tolist(),
            }
        ],
    }


def test_the_id_comes_back(tensor_server: Any) -> None:
    one = {"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}
    assert tensor_server.infer({"id": "äé-7", "inputs": [one]}).json["id"] == "äé-7"
    assert "id" not in tensor_server.infer({"inputs": [one]}).json


def test_only_the_named_outputs_are_answered_in_their_order(numeric_server: Any) -> None:
    one = {"name": "input-0", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}
    wanted = [{"name": "predict_proba"}, {"name": "predict"}]
    outputs = numeric_server.infer({"inputs": [one], "outputs": wanted}).json["outputs"]
    assert [(output["name"], output["shape"]) for output in outputs] == [
        ("predict_proba", [1, 2]),
        ("predict", [1]),
    ]


@pytest.mark.parametrize("shape", [[2], [2, 1]])
def test_named_columns_come_as_one_tensor_each(numeric_server: Any, shape: list[int]) -> None:
    inputs = [
        {"name": name, "shape": shape, "datatype": "FP64", "data": ROWS[:, place].tolist()}
        for place, name in ((2, "dew"), (0, "distance"), (1, "wind"))
    ]
    whole = [{"name": "input-0", "shape": [2, 3], "datatype": "FP64", "data": ROWS.tolist()}]
    assert numeric_server.infer({"inputs": inputs}).json == numeric_server.infer({"inputs": whole}).json


def test_text_is_bytes(mixed_server: Any) -> None:
    columns = {
        "distance": ("FP64", [300.0]),
        "wind": ("FP32", [31.5]),
        "dew": ("FP64", [None]),
        "origin": ("BYTES", ["JFK"]),
        "hour": ("INT32", [7]),
    }
    inputs = [
        {"name": name, "shape": [1], "datatype": datatype, "data": data}
        for name, (datatype, data) in columns.items()
    ]
    (output,) = mixed_server.infer({"inputs": inputs}).json["outputs"]
    assert output["datatype"] == "BYTES"
    assert output["data"][0] in ("late", "in time")


@pytest.mark.parametrize("datatype", ["FP64", "FP32", "INT32", "INT16", "INT8", "UINT8", "UINT32"])
def test_narrower_datatypes_are_widened(tensor_server: Any, datatype: str) -> None:
    small = np.array([[3.0, 2.0, 1.0]])
    described, raw = of(small, datatype)
    answered = tensor_server.infer(*with_tensors({"inputs": [described]}, raw))
    assert answered.json["outputs"][0]["data"] == tensor_server.model.estimator.predict(small).tolist()


# --------------------------------------------------------------------------------------- binary, both ways


def test_a_stock_client_sends_and_asks_for_binary(tensor_server: Any) -> None:
    described, raw = of(ROWS)
    head = {"inputs": [described], "parameters": {"binary_data_output": True}}
    answered = tensor_server.infer(*with_tensors(head, raw))
    assert answered.headers["content-type"] == "application/octet-stream"
    assert np.array_equal(binary_outputs(answered)["predict"], tensor_server.model.estimator.predict(ROWS))


def test_each_output_can_be_asked_for_as_binary_or_json(numeric_server: Any) -> None:
    described, raw = of(ROWS)
    wanted = [
        {"name": "predict", "parameters": {"binary_data": False}},
        {"name": "predict_proba", "parameters": {"binary_data": True}},
    ]
    answered = numeric_server.infer(*with_tensors({"inputs": [described], "outputs": wanted}, raw))
    at = int(answered.headers["inference-header-content-length"])
    predict, proba = json.loads(answered.body[:at])["outputs"]
    assert predict["data"] == numeric_server.model.estimator.predict(_frame(numeric_server)).tolist()
    assert "data" not in proba
    assert proba["parameters"] == {"binary_data_size": 32}
    assert np.allclose(
        np.frombuffer(answered.body[at:], "<f8").reshape(2, 2),
        numeric_server.model.estimator.predict_proba(_frame(numeric_server)),
    )


def _frame(server: Any) -> Any:
    return type(server.model.example)(ROWS, columns=server.model.example.columns)


def test_binary_and_json_inputs_mix(numeric_server: Any) -> None:
    wind, raw = of(ROWS[:, 1], name="wind")
    as_json = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": ROWS[:, place].tolist()}
        for place, name in ((0, "distance"), (2, "dew"))
    ]
    answered = numeric_server.infer(*with_tensors({"inputs": [as_json[0], wind, as_json[1]]}, raw))
    assert (
        answered.json["outputs"][0]["data"]
        == numeric_server.model.estimator.predict(_frame(numeric_server)).tolist()
    )


def test_binary_text_has_a_length_before_every_element(mixed_server: Any) -> None:
    texts = [b"JFK", "Zürich".encode()]
    packed = b"".join(struct.pack("<I", len(text)) + text for text in texts)
    origin = {
        "name": "origin",
        "shape": [2],
        "datatype": "BYTES",
        "parameters": {"binary_data_size": len(packed)},
    }
    numbers = [
        of(np.array(values), datatype, name)
        for name, datatype, values in (
            ("distance", "FP64", [1.0, 2.0]),
            ("wind", "FP64", [1.0, 2.0]),
            ("dew", "FP64", [1.0, 2.0]),
            ("hour", "INT64", [1, 2]),
        )
    ]
    head = {"inputs": [origin, *(described for described, _ in numbers)]}
    head["parameters"] = {"binary_data_output": True}
    answered = mixed_server.infer(*with_tensors(head, packed, *(raw for _, raw in numbers)))
    at = int(answered.headers["inference-header-content-length"])
    body, found = answered.body[at:], []
    while body:
        (size,) = struct.unpack_from("<I", body)
        found.append(body[4 : 4 + size].decode())
        body = body[4 + size :]
    assert len(found) == 2
    assert set(found) <= {"late", "in time"}


BAD_BINARY: dict[str, tuple[dict[str, Any], bytes, str | None, str]] = {
    "a size beyond the body": (
        {"parameters": {"binary_data_size": 99}},
        b"\0" * 24,
        None,
        "24 bytes are left",
    ),
    "a size against the shape": ({"parameters": {"binary_data_size": 16}}, b"\0" * 16, None, "needs 24"),
    "bytes left over": ({}, b"\0" * 32, None, "8 bytes behind the JSON belong to no input"),
    "a negative size": ({"parameters": {"binary_data_size": -8}}, b"\0" * 24, None, "binary_data_size is -8"),
    "a size of true": (
        {"parameters": {"binary_data_size": True}},
        b"\0" * 24,
        None,
        "binary_data_size is True",
    ),
    "text cut short": (
        {"datatype": "BYTES", "shape": [1], "parameters": {"binary_data_size": 6}},
        struct.pack("<I", 9) + b"ab",
        None,
        "element 0 is cut short",
    ),
    "a header that is no number": ({}, b"\0" * 24, "many", "Inference-Header-Content-Length is 'many'"),
    "a header beyond the body": ({}, b"\0" * 24, "99999", "the body has"),
    "a header of a thousand digits": ({}, b"\0" * 24, "9" * 1000, "Inference-Header-Content-Length"),
    "a header that cuts the JSON": ({}, b"\0" * 24, "10", "the body is not JSON"),
    "NaN in a column without nulls": ({}, np.full(3, np.nan).tobytes(), None, "has a null in row 0"),
}


@pytest.mark.parametrize("case", BAD_BINARY)
def test_bad_binary_is_a_400_that_says_what(numeric_server: Any, case: str) -> None:
    changes, raw, header, says = BAD_BINARY[case]
    described = {
        "name": "input-0",
        "shape": [1, 3],
        "datatype": "FP64",
        "parameters": {"binary_data_size": 24},
        **changes,
    }
    body, headers = with_tensors({"inputs": [described]}, raw)
    if header is not None:
        headers["Inference-Header-Content-Length"] = header
    answered = numeric_server.infer(body, headers)
    assert answered.status == 400, answered.body
    assert says in answered.json["error"]
