"""The server as its clients see it: a real process, real sockets, good input and bad."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import socket
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

ROW = {"columns": ["distance", "wind", "dew"], "data": [[300.0, 31.5, 44.0]]}


def tensor(name: str = "input-0", **changes: Any) -> dict[str, Any]:
    return {"name": name, "shape": [1, 3], "datatype": "FP64", "data": [300.0, 31.5, 44.0], **changes}


def infer(*inputs: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inputs": list(inputs), **more}


# ------------------------------------------------------------------------------------- what it says of itself


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/flights/ready", {"name": "flights", "ready": True}),
        ("/v2/models/flights/versions/1/ready", {"name": "flights", "ready": True}),
    ],
)
def test_health_is_said_in_json(numeric_server: Any, path: str, answer: Any) -> None:
    answered = numeric_server.ask("GET", path)
    assert (answered.status, answered.json) == (200, answer)


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_mlflow_health_is_a_bare_200(numeric_server: Any, path: str) -> None:
    assert numeric_server.ask("GET", path)[::2] == (200, b"\n")


def test_the_index_has_an_example_that_works(numeric_server: Any) -> None:
    said = numeric_server.ask("GET", "/").json
    assert (said["model"], said["version"], said["infer"]) == ("flights", "1", "/v2/models/flights/infer")
    assert numeric_server.invoke(said["example"]["body"]).status == 200


def test_head_is_answered_like_get_without_a_body(numeric_server: Any) -> None:
    answered = numeric_server.ask("HEAD", "/v2/health/live")
    assert (answered.status, answered.body) == (200, b"")


def test_what_it_prints_when_ready_says_where_and_how(numeric_server: Any) -> None:
    said = numeric_server.said
    assert said["ready"] is True
    assert (said["model"], said["version"], said["alias"]) == ("flights", 1, "")
    assert numeric_server.invoke(said["example"]).status == 200


# -------------------------------------------------------------------------------------------- predictions


def test_predictions_are_those_of_the_model(numeric_server: Any) -> None:
    rows = numeric_server.model.example
    body = {"dataframe_split": {"columns": list(rows.columns), "data": rows.to_numpy().tolist()}}
    expected = numeric_server.model.estimator.predict(rows).tolist()
    assert numeric_server.invoke(body).json == {"predictions": expected}


def test_a_hundred_thousand_rows_are_one_request(tensor_server: Any) -> None:
    rows = np.random.default_rng(0).uniform(0, 9, (4000, 3)).round(1)
    body = infer(tensor(shape=[4000, 3], data=rows.ravel().tolist()))
    answered = tensor_server.infer(body)
    assert np.array_equal(answered.json["outputs"][0]["data"], tensor_server.model.estimator.predict(rows))


def test_concurrent_clients_each_get_their_own_answer(numeric_server: Any) -> None:
    rows = numeric_server.model.example
    expected = numeric_server.model.estimator.predict_proba(rows)

    def ask(place: int) -> list[float]:
        body = infer(
            tensor(data=rows.iloc[place].tolist()), id=str(place), outputs=[{"name": "predict_proba"}]
        )
        answer = numeric_server.infer(body).json
        assert answer["id"] == str(place)
        return list(answer["outputs"][0]["data"])

    with ThreadPoolExecutor(16) as pool:
        assert np.allclose(list(pool.map(ask, range(len(rows)))), expected, rtol=1e-12)


def test_text_columns_and_text_answers_work(mixed_server: Any) -> None:
    row = {"distance": 300.0, "wind": 31.5, "dew": None, "origin": "JFK", "hour": 7}
    answered = mixed_server.invoke({"dataframe_records": [row]})
    assert answered.status == 200
    assert answered.json["predictions"][0] in ("late", "in time")


def test_a_column_with_nulls_in_the_example_may_be_left_out(mixed_server: Any) -> None:
    row = {"distance": 300.0, "wind": 31.5, "origin": "JFK", "hour": 7}
    assert mixed_server.invoke({"dataframe_records": [row]}).status == 200


def test_csv_is_read_by_the_signature(mixed_server: Any) -> None:
    lines = "origin,hour,distance,wind,dew\nJFK,7,300,31.5,\nEWR,23,2000,1e0,44\n"
    records = [
        {"distance": 300.0, "wind": 31.5, "dew": None, "origin": "JFK", "hour": 7},
        {"distance": 2000.0, "wind": 1.0, "dew": 44.0, "origin": "EWR", "hour": 23},
    ]
    by_csv = mixed_server.invoke(lines.encode(), "text/csv")
    assert by_csv.json == mixed_server.invoke({"dataframe_records": records}).json


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_compressed_bodies_are_read(numeric_server: Any, encoding: str) -> None:
    raw = json.dumps({"dataframe_split": ROW}).encode()
    body = gzip.compress(raw) if encoding == "gzip" else zlib.compress(raw)
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    assert numeric_server.ask("POST", "/invocations", body, headers).status == 200


def test_a_chunked_body_is_read(numeric_server: Any) -> None:
    raw = json.dumps({"dataframe_split": ROW}).encode()
    chunks = iter([raw[:20], raw[20:]])
    assert numeric_server.ask("POST", "/invocations", chunks).status == 200


def test_a_curl_line_from_the_screen_works_as_it_stands(numeric_server: Any) -> None:
    from pavedroad.serving.curl import curl_line

    line = curl_line(numeric_server.url, numeric_server.said["example"])
    done = subprocess.run([*shlex.split(line), "--silent"], capture_output=True, timeout=30, check=True)
    assert json.loads(done.stdout)["predictions"] in ([0], [1])


# ---------------------------------------------------------------------------------------------- bad input

BAD_INVOCATIONS: dict[str, tuple[Any, str]] = {
    "no JSON": (b"{", "the body is not JSON"),
    "empty": (b"", "the body is not JSON"),
    "not UTF-8": (b'{"inputs": "\xff"}', "the body is not JSON"),
    "deeper than any data": (b"[" * 90_000, "not"),
    "deep inside": (b'{"inputs": ' + b"[" * 90_000, "the body is not JSON"),
    "a list": ([1, 2], "not an invocation: expected object, got array"),
    "a number": (b"3", "not an invocation"),
    "null": (b"null", "not an invocation"),
    "nothing in it": ({}, "the body has 0 input fields"),
    "two forms": ({"inputs": [], "instances": []}, "the body has 2 input fields (inputs, instances)"),
    "the old form": ({"columns": [], "data": []}, "send exactly one of inputs"),
    "params that are no object": ({"inputs": [[1, 2, 3]], "params": 3}, "expected object | null, got int"),
    "split as list": ({"dataframe_split": []}, "expected object, got array"),
    "split without data": ({"dataframe_split": {"columns": []}}, "missing required field data"),
    "split with another key": ({"dataframe_split": {**ROW, "types": 1}}, "unknown field types"),
    "split without rows": ({"dataframe_split": {**ROW, "data": []}}, "the input has no rows"),
    "split, short row": ({"dataframe_split": {**ROW, "data": [[1.0, 2.0]]}}, "row 0 has 2 values, 3"),
    "split, ragged": ({"dataframe_split": {**ROW, "data": [[1, 2, 3], [1]]}}, "row 1 has 1 values"),
    "split, rows that are numbers": ({"dataframe_split": {**ROW, "data": [1, 2]}}, "expected array, got int"),
    "split, a name twice": (
        {"dataframe_split": {"columns": ["wind", "wind", "dew"], "data": [[1, 2, 3]]}},
        "names a column twice",
    ),
    "a missing column": (
        {"dataframe_split": {"columns": ["distance", "wind"], "data": [[1, 2]]}},
        "missing 1 column: dew",
    ),
    "a misspelt column": (
        {"dataframe_records": [{"distance": 1, "wind": 2, "due": 3}]},
        "missing 1 column: dew; the model takes distance, wind, dew; it does not know due",
    ),
    "text for a number": (
        {"dataframe_split": {**ROW, "data": [[1, "2", 3]]}},
        "column 'wind' takes double values, got '2' in row 0",
    ),
    "true for a number": (
        {"dataframe_split": {**ROW, "data": [[1, 2, True]]}},
        "column 'dew' takes double values, got True in row 0",
    ),
    "a list for a number": ({"dataframe_split": {**ROW, "data": [[1, [2], 3]]}}, "got [2] in row 0"),
    "an object for a number": ({"dataframe_records": [{"distance": {}, "wind": 1, "dew": 1}]}, "got {}"),
    "null where none is allowed": (
        {"dataframe_split": {**ROW, "data": [[1, 2, 3], [1, None, 3]]}},
        "column 'wind' has a null in row 1, and the signature allows none",
    ),
    "NaN": (b'{"inputs": [[NaN, 1, 2]]}', "the body is not JSON"),
    "a number beyond all": (b'{"inputs": [[1e999, 1, 2]]}', ""),
    "records that are no list": ({"dataframe_records": {"a": 1}}, "expected array, got object"),
    "records without rows": ({"dataframe_records": []}, "the input has no rows"),
    "records of lists": ({"dataframe_records": [[1, 2]]}, "expected object, got array"),
    "inputs: nothing": ({"inputs": []}, "the input has no rows"),
    "inputs: null": ({"inputs": None}, ""),
    "inputs: text": ({"inputs": "abc"}, ""),
    "inputs: columns of unequal length": (
        {"inputs": {"distance": [1.0, 2.0], "wind": [1.0], "dew": [1.0]}},
        "the columns have unequal lengths",
    ),
    "inputs: too few values": ({"inputs": [[1, 2]]}, "the rows have 2 values, the model takes 3"),
    "inputs: too deep": ({"inputs": [[[1, 2, 3]]]}, ""),
    "instances: rows and numbers": ({"instances": [{"distance": 1}, 2]}, ""),
}


@pytest.mark.parametrize("case", BAD_INVOCATIONS)
def test_a_bad_invocation_is_a_400_that_says_what(numeric_server: Any, case: str) -> None:
    body, says = BAD_INVOCATIONS[case]
    answered = numeric_server.invoke(body)
    assert answered.status == 400, answered.body
    assert answered.json["error_code"] in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
    assert says in answered.json["message"]
    assert "Traceback" not in answered.json["message"]


BAD_CSV = {
    "empty": (b"", "the CSV has no rows"),
    "only a header": (b"distance,wind,dew\n", "the CSV has no rows"),
    "not UTF-8": (b"distance,wind,dew\n\xff,1,2\n", "the body is not CSV"),
    "a short line": (b"distance,wind,dew\n1,2\n", "row 0 has 2 values"),
    "a name twice": (b"wind,wind,dew\n1,2,3\n", "names a column twice"),
    "text for a number": (
        b"distance,wind,dew\n1,strong,3\n",
        "column 'wind' takes double values, got 'strong'",
    ),
    "nothing where a number is needed": (b"distance,wind,dew\n1,,3\n", "column 'wind' has a null in row 0"),
    "an open quote": (b'distance,wind,dew\n"1,2,3\n', "the body is not CSV"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_bad_csv_is_a_400_that_says_what(numeric_server: Any, case: str) -> None:
    body, says = BAD_CSV[case]
    answered = numeric_server.invoke(body, "text/csv")
    assert answered.status == 400
    assert says in answered.json["message"]


BAD_INFERENCES: dict[str, tuple[Any, str]] = {
    "no JSON": (b"nope", "the body is not JSON"),
    "no inputs": ({}, "missing required field inputs"),
    "no input": (infer(), "the request has no inputs"),
    "inputs that are no list": ({"inputs": {}}, "expected array, got object - at inputs"),
    "an id that is no text": (infer(tensor(), id=3), "expected str, got int - at id"),
    "no name": (infer({"shape": [1], "datatype": "FP64", "data": [1]}), "missing required field name"),
    "no shape": (infer({"name": "a", "datatype": "FP64", "data": [1]}), "missing required field shape"),
    "no datatype": (infer({"name": "a", "shape": [1], "data": [1]}), "missing required field datatype"),
    "no data": (infer({"name": "wind", "shape": [1], "datatype": "FP64"}), "input 'wind' has no data"),
    "a shape of text": (infer(tensor(shape=["1"])), "expected int, got str"),
    "a negative size": (infer(tensor(shape=[-1, 3])), "-1 in shape [-1, 3]"),
    "a huge size": (infer(tensor(shape=[2**62, 2**62])), "in shape"),
    "more than there is": (infer(tensor(shape=[2, 3])), "has 3 elements, shape [2, 3] needs 6"),
    "less than there is": (infer(tensor(shape=[1, 2])), "has 3 elements, shape [1, 2] needs 2"),
    "no rows": (infer(tensor(shape=[0, 3], data=[])), "the input has no rows"),
    "too few columns": (
        infer(tensor(shape=[1, 2], data=[1, 2])),
        "has shape [1, 2], the model takes [-1, 3]",
    ),
    "nested against its shape": (infer(tensor(data=[[1], [2], [3]])), "do not have shape [1, 3]"),
    "nested and ragged": (infer(tensor(shape=[2, 2], data=[[1, 2], [3]])), "do not have shape [2, 2]"),
    "an unknown datatype": (infer(tensor(datatype="FLOAT")), "unknown datatype 'FLOAT'"),
    "FP16 in JSON": (infer(tensor(datatype="FP16")), "FP16 has no JSON form"),
    "text for numbers": (infer(tensor(data=["1", "2", "3"])), "element 0: expected float"),
    "truth for numbers": (infer(tensor(data=[1, 2, True])), "element 2: expected float"),
    "null": (infer(tensor(data=[1, None, 3])), "column 'wind' has a null in row 0"),
    "a fraction for a whole number": (infer(tensor(datatype="INT64", data=[1, 2.5, 3])), "expected int"),
    "a number that does not fit": (infer(tensor(datatype="INT8", data=[1, 2, 300])), "does not fit in INT8"),
    "text tensors for numbers": (
        infer(tensor(datatype="BYTES", data=["1", "2", "3"])),
        "has datatype BYTES, the model takes FP64",
    ),
    "data that is an object": (infer(tensor(data={"a": 1})), "expected array, got object"),
    "an unknown input": (
        infer(tensor(), tensor(name="humidity")),
        "unknown input 'input-0'; the model takes distance, wind, dew",
    ),
    "an input twice": (infer(tensor(), tensor()), "input 'input-0' is there twice"),
    "one column only": (
        infer(tensor(name="wind", shape=[1], data=[1])),
        "missing 2 columns: distance, dew",
    ),
    "a column with two values a row": (
        infer(*(tensor(name=name, shape=[1, 3]) for name in ROW["columns"])),
        "a column has [-1] or [-1, 1]",
    ),
    "an unknown output": (infer(tensor(), outputs=[{"name": "odds"}]), "unknown output 'odds'"),
    "binary that is not there": (
        infer({**tensor(), "parameters": {"binary_data_size": 24}}),
        "binary_data_size is 24, 0 bytes are left",
    ),
    "a binary size of text": (
        infer({**tensor(), "parameters": {"binary_data_size": "x"}}),
        "binary_data_size",
    ),
    "parameters that are a list": (infer(tensor(parameters=[])), "expected object, got array"),
}


@pytest.mark.parametrize("case", BAD_INFERENCES)
def test_a_bad_inference_is_a_400_that_says_what(numeric_server: Any, case: str) -> None:
    body, says = BAD_INFERENCES[case]
    answered = numeric_server.infer(body)
    assert answered.status == 400, answered.body
    assert list(answered.json) == ["error"]
    assert says in answered.json["error"]


def test_an_unknown_name_for_the_only_tensor_is_refused(tensor_server: Any) -> None:
    answered = tensor_server.infer(infer(tensor(name="x")))
    assert (answered.status, answered.json["error"]) == (400, "unknown input 'x'; the model takes input-0")


@pytest.mark.parametrize(
    ("method", "path", "status", "says"),
    [
        ("GET", "/nothing", 404, "nothing is at /nothing"),
        ("GET", "/v2/models/other", 404, "unknown model 'other'; this server has flights, version 1"),
        ("POST", "/v2/models/other/infer", 404, "unknown model 'other'"),
        ("GET", "/v2/models/flights/versions/9", 404, "unknown version '9' of flights"),
        ("POST", "/v2/models/flights/versions/9/infer", 404, "unknown version '9'"),
        ("GET", "/V2/health/live", 404, "nothing is at"),
        ("GET", "/v2/models/%ff", 404, "unknown model"),
        ("GET", "/v2/models/flights/infer", 405, "use POST"),
        ("PUT", "/invocations", 405, "use POST"),
        ("DELETE", "/v2/models/flights", 405, "use GET"),
        ("POST", "/v2/health/live", 405, "use GET"),
        ("PATCH", "/metrics", 405, "use GET"),
        ("BREW", "/", 405, "use GET"),
    ],
)
def test_what_is_not_there_says_what_is(
    numeric_server: Any, method: str, path: str, status: int, says: str
) -> None:
    if method == "BREW":  # which Python's client sends, and the server's parser refuses before we see it
        assert numeric_server.ask(method, path).status == 400
        return
    answered = numeric_server.ask(method, path, b"" if method != "GET" else None)
    assert answered.status == status
    assert says in answered.json["error"]
    assert ("allow" in answered.headers) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "body", "status", "says"),
    [
        ({"Content-Type": "image/png"}, b"{}", 415, "content type 'image/png'"),
        ({"Content-Type": "application/json; charset=latin-1"}, b"{}", 415, "charset 'latin-1'"),
        ({"Content-Encoding": "br"}, b"{}", 415, "content encoding 'br'"),
        ({"Content-Encoding": "gzip"}, b"{}", 400, "the body is not gzip"),
        ({"Content-Encoding": "gzip"}, gzip.compress(b"{" * 99, mtime=0)[:-9], 400, "ends too early"),
        (
            {"Content-Encoding": "gzip"},
            gzip.compress(b" " * 9_000_000, mtime=0),
            413,
            "larger than 200,000 bytes",
        ),
        ({}, b" " * 200_001, 413, "larger than 200,000 bytes"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_by_its_header(
    numeric_server: Any, headers: dict[str, str], body: bytes, status: int, says: str
) -> None:
    answered = numeric_server.ask("POST", "/invocations", body, headers)
    assert (answered.status, says in answered.json["message"]) == (status, True)


def test_a_chunked_body_that_grows_too_large_is_refused(numeric_server: Any) -> None:
    chunks = (b" " * 50_000 for _ in range(5))
    answered = numeric_server.ask("POST", "/v2/models/flights/infer", chunks)
    assert (answered.status, answered.json["error"][:30]) == (413, "the body is larger than 200,00")


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: -4\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_a_400_or_a_closed_connection(numeric_server: Any, raw: bytes) -> None:
    with socket.create_connection(("127.0.0.1", numeric_server.port), timeout=10) as connection:
        connection.sendall(raw)
        answer = connection.recv(4096)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    assert numeric_server.ask("GET", "/v2/health/live").status == 200


def test_a_client_that_hangs_up_hurts_nobody(numeric_server: Any) -> None:
    with socket.create_connection(("127.0.0.1", numeric_server.port), timeout=10) as connection:
        connection.sendall(b"POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n{")
    assert numeric_server.invoke({"dataframe_split": ROW}).status == 200


# ------------------------------------------------------------------------------------------------ metrics


def metric(server: Any, name: str) -> float:
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))


def test_metrics_count_requests_errors_rows_and_time(numeric_server: Any) -> None:
    names = ['paved_serving_requests_total{route="invocations"', "paved_serving_errors_total"]
    names += ["paved_serving_rows_total", "paved_serving_latency_seconds_count"]
    before = [metric(numeric_server, name) for name in names]
    numeric_server.invoke({"dataframe_split": {**ROW, "data": ROW["data"] * 7}})
    numeric_server.invoke(b"{")
    after = [metric(numeric_server, name) for name in names]
    assert [new - old for new, old in zip(after, before, strict=True)] == [2, 1, 7, 2]


SAMPLE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.]+')
COMMENT = re.compile(r"# (HELP|TYPE|UNIT) [a-z_]+ .+")


def test_metrics_are_openmetrics(numeric_server: Any) -> None:
    answered = numeric_server.ask("GET", "/metrics")
    assert answered.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    *lines, end = answered.body.decode().removesuffix("\n").split("\n")
    assert end == "# EOF"
    assert [line for line in lines if not SAMPLE.fullmatch(line) and not COMMENT.fullmatch(line)] == []
    buckets = [float(line.rsplit(" ", 1)[1]) for line in lines if "_bucket{" in line]
    assert buckets == sorted(buckets)
    assert buckets[-1] == metric(numeric_server, "paved_serving_latency_seconds_count")
