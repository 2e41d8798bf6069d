"""Bad input at every route is refused, in the words of MLflow 3.17's own server, and never a 5xx."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pavedroad.tracking import mlflow_messages as messages
from pavedroad.tracking.mlflow_api import EXACT, ROUTES

INVALID = "INVALID_PARAMETER_VALUE"
MISSING = (
    "Missing value for required parameter '{}'. "
    "See the API docs for more information about request parameters."
)
WRONG = "Invalid value {} for parameter '{}' supplied:  Hint: Value was of type '{}'. See the API docs"


def missing(name: str) -> str:
    return MISSING.format(name)


def wrong(value: Any, name: str) -> str:
    return WRONG.format(json.dumps(value), name, type(value).__name__)


# route -> (message, status, words); RUN stands for a run that exists.
CASES: dict[str, list[tuple[Any, int, str]]] = {
    "POST experiments/create": [
        ({}, 400, missing("name")),
        ({"name": ""}, 400, missing("name")),
        ({"name": None}, 400, missing("name")),
        ({"name": 123}, 400, wrong(123, "name")),
        (
            {"name": ["x"]},
            400,
            "Invalid value [\"x\"] for parameter 'name' supplied:  Hint: Value was of type 'list'",
        ),
        ({"name": "a", "tags": "x"}, 400, wrong("x", "tags")),
        ({"name": "a", "artifact_location": 5}, 400, wrong(5, "artifact_location")),
        ({"name": "x" * 501}, 400, "'name' exceeds the maximum length of 500 characters"),
        ({"name": "Default"}, 400, "Experiment(name=Default) already exists"),
        ({"name": "a", "tags": [{"key": "..", "value": "b"}]}, 400, "must not resolve to other names"),
        (
            {"name": "a", "tags": [{"key": "k", "value": "v" * 20_001}]},
            400,
            "'value' exceeds the maximum length",
        ),
    ],
    "GET experiments/get": [
        ("", 400, missing("experiment_id")),
        ("?experiment_id=999", 404, "No Experiment with id=999 exists"),
        ("?experiment_id=abc", 400, "Invalid experiment ID 'abc'. Experiment ID must be a valid integer."),
    ],
    "GET experiments/get-by-name": [
        ("", 400, missing("experiment_name")),
        ("?experiment_name=nope", 404, "Could not find experiment with name 'nope'"),
    ],
    "POST experiments/search": [
        (
            {"max_results": 0},
            400,
            "Invalid value 0 for parameter 'max_results' supplied. It must be a positive integer",
        ),
        (
            {"max_results": 60000},
            400,
            "Invalid value 60000 for parameter 'max_results' supplied. It must be at most 50000",
        ),
        ({"max_results": "x"}, 400, wrong("x", "max_results")),
        ({"view_type": "XX"}, 400, "Invalid value \"XX\" for parameter 'view_type' supplied"),
        ({"filter": "name LIKE"}, 400, "Expected a quoted string value"),
        ({"filter": "name > 'x'"}, 400, "Invalid comparator '>'"),
        ({"page_token": "garbage!"}, 400, "Invalid page token, could not base64-decode"),
        ({"order_by": ["foo"]}, 400, "Invalid attribute key 'foo' specified"),
        ({"order_by": [1]}, 400, "Invalid value [1] for parameter 'order_by' supplied"),
    ],
    "POST experiments/update": [
        ({"new_name": "x"}, 400, missing("experiment_id")),
        ({"experiment_id": "0"}, 400, missing("new_name")),
        ({"experiment_id": "99", "new_name": "x"}, 404, "No Experiment with id=99 exists"),
        ({"experiment_id": "0", "new_name": 5}, 400, wrong(5, "new_name")),
    ],
    "POST experiments/delete": [
        ({}, 400, missing("experiment_id")),
        ({"experiment_id": 0}, 400, wrong(0, "experiment_id")),
        ({"experiment_id": "99"}, 404, "No Experiment with id=99 exists"),
    ],
    "POST experiments/restore": [
        ({}, 400, missing("experiment_id")),
        ({"experiment_id": "0"}, 404, "No Experiment with id=0 exists"),
    ],
    "POST experiments/set-experiment-tag": [
        ({"key": "a"}, 400, missing("experiment_id")),
        ({"experiment_id": "0", "value": "a"}, 400, missing("key")),
        ({"experiment_id": "0", "key": "a", "value": 5}, 400, wrong(5, "value")),
        (
            {"experiment_id": "0", "key": "..", "value": "v"},
            400,
            "Invalid value \"..\" for parameter 'key' supplied",
        ),
        ({"experiment_id": "0", "key": "x" * 251}, 400, "'key' exceeds the maximum length of 250 characters"),
    ],
    "POST experiments/delete-experiment-tag": [
        ({"experiment_id": "0"}, 400, missing("key")),
        ({"experiment_id": "0", "key": "zz"}, 404, "No tag with name: zz in experiment with id 0"),
    ],
    "POST experiments/search-datasets": [
        ({}, 400, "SearchDatasets request must specify at least one experiment_id."),
        ({"experiment_ids": ["0"] * 21}, 400, "cannot specify more than 20 experiment_ids. Received 21"),
        ({"experiment_ids": ["x"]}, 400, "Invalid experiment ID 'x'"),
        ({"experiment_ids": "0"}, 400, wrong("0", "experiment_ids")),
    ],
    "POST runs/create": [
        ({"experiment_id": 1}, 400, wrong(1, "experiment_id")),
        ({"experiment_id": "88"}, 404, "No Experiment with id=88 exists"),
        ({"experiment_id": "0", "start_time": "abc"}, 400, wrong("abc", "start_time")),
        ({"experiment_id": "0", "start_time": 2**63}, 400, "for parameter 'start_time' supplied"),
        ({"experiment_id": "0", "run_name": 5}, 400, wrong(5, "run_name")),
        ({"experiment_id": "0", "tags": "x"}, 400, wrong("x", "tags")),
        ({"experiment_id": "0", "tags": [5]}, 400, "for parameter 'tags' supplied"),
        (
            {"run_name": "a", "tags": [{"key": "mlflow.runName", "value": "b"}]},
            400,
            "Both 'run_name' argument and",
        ),
    ],
    "GET runs/get": [
        ("", 400, missing("run_id")),
        ("?run_id=nope", 404, "Run with id=nope not found"),
    ],
    "POST runs/update": [
        ({}, 400, missing("run_id")),
        ({"run_id": "RUN", "status": "NOPE"}, 400, "Invalid value \"NOPE\" for parameter 'status' supplied"),
        ({"run_id": "RUN", "status": 77}, 400, "Invalid value 77 for parameter 'status' supplied"),
        ({"run_id": "RUN", "end_time": "x"}, 400, wrong("x", "end_time")),
        ({"run_id": "nope"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/delete": [
        ({}, 400, missing("run_id")),
        ({"run_id": "nope"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/restore": [
        ({}, 400, missing("run_id")),
        ({"run_id": "nope"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/search": [
        ({"experiment_ids": "x"}, 400, wrong("x", "experiment_ids")),
        ({"experiment_ids": [123]}, 400, "Invalid value [123] for parameter 'experiment_ids' supplied"),
        ({"experiment_ids": ["x"]}, 400, "Invalid experiment ID 'x'"),
        ({"experiment_ids": ["0"], "filter": 123}, 400, wrong(123, "filter")),
        (
            {"experiment_ids": ["0"], "max_results": 123456789},
            400,
            "Invalid value 123456789 for parameter 'max_results' supplied",
        ),
        (
            {"experiment_ids": ["0"], "max_results": 0},
            400,
            "Invalid value 0 for parameter 'max_results' supplied",
        ),
        (
            {"experiment_ids": ["0"], "run_view_type": "FOO"},
            400,
            "Invalid value \"FOO\" for parameter 'run_view_type' supplied",
        ),
        (
            {"experiment_ids": ["0"], "order_by": ["metrics.m desc", "metrics.m"]},
            400,
            "`order_by` contains duplicate fields",
        ),
        ({"experiment_ids": ["0"], "order_by": "x"}, 400, wrong("x", "order_by")),
        (
            {"experiment_ids": ["0"], "filter": "metrics.m > 'x'"},
            400,
            "Expected numeric value type for metric. Found 'x'",
        ),
        (
            {"experiment_ids": ["0"], "page_token": "garbage"},
            400,
            "Invalid page token, could not base64-decode",
        ),
    ],
    "POST runs/log-metric": [
        ({"key": "m", "value": 1, "timestamp": 1}, 400, missing("run_id")),
        ({"run_id": "RUN", "value": 1, "timestamp": 1}, 400, missing("key")),
        ({"run_id": "RUN", "key": "m", "timestamp": 1}, 400, missing("value")),
        ({"run_id": "RUN", "key": "m", "value": 1}, 400, missing("timestamp")),
        ({"run_id": "RUN", "key": 31, "value": 41, "timestamp": 59}, 400, wrong(31, "key")),
        ({"run_id": "RUN", "key": "m", "value": "abc", "timestamp": 1}, 400, wrong("abc", "value")),
        ({"run_id": "RUN", "key": "m", "value": True, "timestamp": 1}, 400, "for parameter 'value' supplied"),
        ({"run_id": "RUN", "key": "m", "value": 1, "timestamp": "x"}, 400, wrong("x", "timestamp")),
        (
            {"run_id": "RUN", "key": "m", "value": 1, "timestamp": -1},
            400,
            "Invalid value -1 for parameter 'timestamp' supplied",
        ),
        ({"run_id": "RUN", "key": "m", "value": 1, "timestamp": 1, "step": "foo"}, 400, wrong("foo", "step")),
        ({"run_id": "RUN", "key": "m", "value": 1, "timestamp": 1, "step": 1.5}, 400, wrong(1.5, "step")),
        (
            {"run_id": "RUN", "key": "m?", "value": 1, "timestamp": 1},
            400,
            "Names may only contain alphanumerics",
        ),
        (
            {"run_id": "RUN", "key": "../m", "value": 1, "timestamp": 1},
            400,
            "This name would resolve to '../m'",
        ),
        (
            {"run_id": "RUN", "key": "m" * 251, "value": 1, "timestamp": 1},
            400,
            "'Metric name' exceeds the maximum length of 250",
        ),
        ({"run_id": "nope", "key": "m", "value": 1, "timestamp": 1}, 404, "Run with id=nope not found"),
        (
            {"run_id": "RUN", "key": "m", "value": 1, "timestamp": 1, "model_id": "m-0"},
            400,
            "Logged model with ID 'm-0' not found",
        ),
    ],
    "POST runs/log-parameter": [
        ({"key": "p"}, 400, missing("run_id")),
        ({"run_id": "RUN", "value": "5"}, 400, missing("key")),
        ({"run_id": "RUN", "key": "p", "value": 5}, 400, wrong(5, "value")),
        (
            {"run_id": "RUN", "key": "held", "value": "2"},
            400,
            "Changing param values is not allowed. Param with key='held'",
        ),
        ({"run_id": "RUN", "key": "a/../b", "value": "2"}, 400, "must not resolve to other names"),
        ({"run_id": "nope", "key": "p"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/log-batch": [
        ({}, 400, missing("run_id")),
        ({"run_id": "RUN", "metrics": "foo"}, 400, wrong("foo", "metrics")),
        ({"run_id": "RUN", "params": "foo"}, 400, wrong("foo", "params")),
        ({"run_id": "RUN", "tags": "foo"}, 400, wrong("foo", "tags")),
        ({"run_id": "RUN", "metrics": [{"value": 1, "timestamp": 1}]}, 400, missing("metrics[0].key")),
        ({"run_id": "RUN", "metrics": [{"key": "a", "timestamp": 1}]}, 400, missing("metrics[0].value")),
        ({"run_id": "RUN", "metrics": [{"key": "a", "value": 1}]}, 400, missing("metrics[0].timestamp")),
        (
            {"run_id": "RUN", "metrics": [{"key": "a", "value": 1, "timestamp": "foo"}]},
            400,
            wrong("foo", "metrics[0].timestamp"),
        ),
        ({"run_id": "RUN", "params": [{"value": "x"}]}, 400, missing("params[0].key")),
        ({"run_id": "RUN", "tags": [{"key": "a"}, {"value": "x"}]}, 400, missing("tags[1].key")),
        (
            {"run_id": "RUN", "params": [{"key": "a"}, {"key": "a"}]},
            400,
            "Duplicate parameter keys have been submitted: ['a']",
        ),
        (
            {"run_id": "RUN", "params": [{"key": "held", "value": "2"}]},
            400,
            "Changing param values is not allowed. Params were already logged",
        ),
        (
            {"run_id": "RUN", "params": [{"key": f"a{i}"} for i in range(101)]},
            400,
            "at most 100 params. Got 101 params",
        ),
        (
            {"run_id": "RUN", "tags": [{"key": f"a{i}"} for i in range(101)]},
            400,
            "at most 100 tags. Got 101 tags",
        ),
        (
            {"run_id": "RUN", "metrics": [{"key": "a", "value": 1, "timestamp": 1}] * 1001},
            400,
            "at most 1000 metrics. Got 1001 metrics",
        ),
        (
            {"run_id": "RUN", "tags": [{"key": "b@d"}]},
            400,
            "Invalid value \"b@d\" for parameter 'tags[0].key' supplied",
        ),
        ({"run_id": "nope"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/set-tag": [
        ({"key": "a"}, 400, missing("run_id")),
        ({"run_id": "RUN"}, 400, missing("key")),
        ({"run_id": "RUN", "key": "a", "value": {}}, 400, wrong({}, "value")),
        ({"run_id": "RUN", "key": "x" * 251, "value": "a"}, 400, "'key' exceeds the maximum length of 250"),
        ({"run_id": "nope", "key": "a"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/delete-tag": [
        ({"run_id": "RUN"}, 400, missing("key")),
        ({"run_id": "RUN", "key": "zz"}, 404, "No tag with name: zz in run with id RUN"),
    ],
    "POST runs/log-inputs": [
        ({}, 400, missing("run_id")),
        ({"run_id": "RUN", "datasets": "x"}, 400, wrong("x", "datasets")),
        (
            {"run_id": "RUN", "datasets": [{"dataset": {"name": "d", "digest": "x" * 37}}]},
            400,
            "'digest' exceeds the maximum length of 36",
        ),
        ({"run_id": "nope"}, 404, "Run with id=nope not found"),
    ],
    "POST runs/outputs": [
        ({"run_id": "RUN"}, 400, missing("models")),
        ({"run_id": "nope", "models": [{"model_id": "m"}]}, 404, "Run with id=nope not found"),
    ],
    "POST runs/log-model": [
        ({"run_id": "RUN"}, 400, missing("model_json")),
        ({"run_id": "RUN", "model_json": "{"}, 400, "Malformed model info"),
        ({"run_id": "RUN", "model_json": "[" * 100_000}, 400, "Malformed model info"),
        (
            {"run_id": "RUN", "model_json": "{}"},
            400,
            "Model json is missing mandatory fields: ['artifact_path', 'flavors'",
        ),
    ],
    "GET metrics/get-history": [
        ("?metric_key=m", 400, missing("run_id")),
        ("?run_id=RUN", 400, missing("metric_key")),
        (
            "?run_id=RUN&metric_key=m&max_results=0",
            400,
            "Invalid value 0 for parameter 'max_results' supplied",
        ),
        ("?run_id=RUN&metric_key=m&max_results=x", 400, wrong("x", "max_results")),
        ("?run_id=RUN&metric_key=m&page_token=abc", 400, "Invalid page token, could not base64-decode"),
    ],
    "GET metrics/get-history-bulk": [
        ("?metric_key=m", 400, "GetMetricHistoryBulk request must specify at least one run_id."),
        ("?run_id=RUN", 400, "GetMetricHistoryBulk request must specify a metric_key."),
        ("?metric_key=m" + "&run_id=RUN" * 101, 400, "cannot specify more than 100 run_ids. Received 101"),
        ("?run_id=RUN&metric_key=m&max_results=-1", 400, "It must be a positive integer"),
    ],
    "GET metrics/get-history-bulk-interval": [
        ("?metric_key=m", 400, missing("run_ids")),
        ("?run_ids=RUN", 400, missing("metric_key")),
        ("?run_ids=RUN&metric_key=m&start_step=0", 400, "both must be specified"),
        (
            "?run_ids=RUN&metric_key=m&start_step=5&end_step=1",
            400,
            "end_step must be greater than start_step",
        ),
        ("?run_ids=RUN&metric_key=m&max_results=0", 400, "max_results must be between 1 and 2500."),
        ("?run_ids=RUN&metric_key=m&max_results=2501", 400, "max_results must be between 1 and 2500."),
        ("?metric_key=m" + "&run_ids=RUN" * 101, 400, "must specify at most 100 run_ids. Received 101"),
    ],
    "GET artifacts/list": [
        ("", 400, missing("run_id")),
        ("?run_id=nope", 404, "Run with id=nope not found"),
        ("?run_id=RUN&path=../a", 400, "Invalid path"),
    ],
    "POST logged-models": [
        ({"name": "a"}, 400, missing("experiment_id")),
        ({"experiment_id": "0", "name": "a/b"}, 400, "Invalid model name ('a/b') provided"),
        ({"experiment_id": "99"}, 404, "No Experiment with id=99 exists"),
        ({"experiment_id": "0", "params": {}}, 400, wrong({}, "params")),
    ],
    "POST logged-models/search": [
        ({}, 400, missing("experiment_ids")),
        ({"experiment_ids": ["0"], "filter": "foo = 'x'"}, 400, "Invalid attribute key 'foo' specified"),
        ({"experiment_ids": ["0"], "page_token": "garbage"}, 400, "Invalid page token"),
        (
            {"experiment_ids": ["0"], "order_by": [{}]},
            400,
            "`field_name` in the `order_by` clause must be specified",
        ),
        ({"experiment_ids": ["0"], "order_by": ["name"]}, 400, "for parameter 'order_by' supplied"),
        (
            {"experiment_ids": ["0"], "datasets": [{}]},
            400,
            "`dataset_name` in the `datasets` clause must be specified",
        ),
    ],
}
NAMED = {"GET experiments/search": "POST experiments/search", "POST upload-artifact": "its own test"}


@pytest.mark.parametrize("route", CASES)
def test_what_a_route_cannot_use_is_refused_in_mlflows_words(api: Any, route: str) -> None:
    method, path = route.split()
    run_id = api.new_run()
    api.ok("POST", "runs/log-parameter", {"run_id": run_id, "key": "held", "value": "1"})
    for sent, status, words in CASES[route]:
        if isinstance(sent, str):
            answered = api(method, path + sent.replace("RUN", run_id))
        else:
            answered = api(method, path, json.loads(json.dumps(sent).replace('"RUN"', f'"{run_id}"')))
        assert answered.status == status, (sent, answered.body)
        assert words.replace("RUN", run_id) in answered.json["message"], sent
        assert answered.json["error_code"] in (INVALID, "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS")


def test_every_route_has_its_refusals() -> None:
    assert {f"{method} {path}" for method, path in EXACT} == CASES.keys() | NAMED.keys()


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        (None, "Bad Request. Content-Type header is missing"),
        ("text/plain", "Bad Request. Content-Type must be one of ['application/json']"),
    ],
)
def test_a_body_says_that_it_is_json(api: Any, content_type: str | None, words: str) -> None:
    answered = api("POST", "runs/create", body=b"{}", content_type=content_type)
    assert (answered.status, answered.json["error_code"]) == (400, INVALID)
    assert words in answered.json["message"]


BODIES = {
    "cut": b'{"run_id": "a',
    "list": b"[]",
    "text": b'"x"',
    "null": b"null",
    "number": b"1",
    "not utf-8": b'{"run_id": "\xff\xfe"}',
    "half a surrogate": b'{"run_id": "\\ud800"}',
    "deep list": b"[" * 100_000,
    "deep object": b'{"a":' * 50_000,
    "deep value": b'{"run_id": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "deep unknown": b'{"zzz": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "huge number": b'{"timestamp": ' + b"9" * 5000 + b"}",
    "huge float": b'{"value": 1e999, "max_results": 1e999, "start_time": 1e999}',
    "nan": b'{"value": NaN, "max_results": NaN}',
    "zero byte": b'{"name": "a\\u0000b", "experiment_id": "0", "run_id": "a\\u0000", "key": "a\\u0000"}',
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_refused_at_every_route(shared_api: Any, name: str) -> None:
    targets = [path for method, path in EXACT if method == "POST"]
    targets += ["logged-models/m-1", "logged-models/m-1/tags", "logged-models/m-1/params"]
    for path in targets:
        method = "PATCH" if path.startswith("logged-models/m-1") and not path.endswith("params") else "POST"
        answered = shared_api(method, path, body=BODIES[name])
        assert answered.status < 500, (path, answered.status, answered.body)
        assert b"Traceback" not in answered.body


def test_a_hostile_query_is_refused_at_every_route(shared_api: Any) -> None:
    values = ("", "%00", "%ff", "9" * 400, "'%3B%20DROP%20TABLE%20runs%3B%20--", "..%2f..", "%F0%9F%9B%A3")
    names = (
        "run_id",
        "run_ids",
        "experiment_id",
        "experiment_name",
        "metric_key",
        "path",
        "max_results",
        "page_token",
        "view_type",
        "filter",
        "order_by",
    )
    for path in [path for method, path in EXACT if method == "GET"]:
        for value in values:
            for query in (
                "&".join(f"{name}={value}" for name in names),
                f"{value}={value}",
                f"run_id=a&{value}",
            ):
                answered = shared_api("GET", f"{path}?{query}")
                assert answered.status < 500, (path, query, answered.body)


def test_a_hostile_id_in_the_path_is_refused(shared_api: Any) -> None:
    for route in ROUTES:
        for value in ("x", "%00", "%ff", "..", "a%2fb", "'", "x" * 3000, "%F0%9F%9B%A3"):
            path = re.sub(r"\{[^}]+\}", value, route.path)
            for method in ("GET", "PUT", "PATCH", "DELETE", "POST"):
                answered = shared_api(method, path, body=b"{}" if method != "GET" else None)
                assert answered.status < 500, (method, path, answered.body)


FIELDS = sorted(
    {
        name
        for kind in vars(messages).values()
        if isinstance(kind, type) and issubclass(kind, messages.Message)
        for name in kind.__struct_fields__
    }
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.sampled_from(["0", "RUN", "NaN", "metrics.a > 1", "ALL"]),
    lambda inside: (
        st.lists(inside, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inside, max_size=4)
    ),
    max_leaves=6,
)


@hypothesis_settings(
    max_examples=300,
    deadline=None,
)
@given(
    route=st.sampled_from(sorted(path for method, path in EXACT if method == "POST")),
    sent=st.dictionaries(st.sampled_from(FIELDS), anything, max_size=8),
)
def test_any_message_is_answered_or_refused(shared_api: Any, route: str, sent: dict[str, Any]) -> None:
    if not hasattr(shared_api, "run_id"):
        shared_api.run_id = shared_api.new_run()
    answered = shared_api(
        "POST", route, json.loads(json.dumps(sent).replace('"RUN"', f'"{shared_api.run_id}"'))
    )
    assert answered.status < 500, (route, sent, answered.body)
