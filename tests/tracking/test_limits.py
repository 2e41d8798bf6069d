from __future__ import annotations

import pytest

from pavedroad.errors import Invalid
from pavedroad.tracking import limits
from pavedroad.tracking.model import Metric


@pytest.mark.parametrize("key", ["a", "a/b", "a.b", "a-b", "a_b", "a b", "a:b", "é", "漢", "x" * 250, ".a"])
def test_these_names_are_good(key: str) -> None:
    limits.check_key(key, "name", "Metric name")


@pytest.mark.parametrize("key", ["a?", "a\n", "a$", "a,b", "a(b)", "🛣", "a\\b", "a'"])
def test_names_of_other_characters_are_refused(key: str) -> None:
    with pytest.raises(Invalid, match="Names may only contain alphanumerics"):
        limits.check_key(key, "name", "Metric name")


@pytest.mark.parametrize("key", ["", ".", "..", "../a", "/a", "a/", "a//b", "a/../b", "./a", "..a", "..."])
def test_names_that_would_climb_folders_are_refused(key: str) -> None:
    with pytest.raises(Invalid, match="must not resolve to other names when treated as such"):
        limits.check_key(key, "name", "Metric name")


def test_a_long_name_is_refused() -> None:
    with pytest.raises(Invalid, match="'Metric name' exceeds the maximum length of 250 characters"):
        limits.check_key("x" * 251, "name", "Metric name")


def test_a_refused_value_is_shown_as_json_and_cut() -> None:
    assert limits.invalid_value("key", 'a"').message == 'Invalid value "a\\"" for parameter \'key\' supplied.'
    assert len(limits.invalid_value("key", "x" * 10_000).message) < 600


def test_time_does_not_begin_before_1970() -> None:
    with pytest.raises(Invalid, match=r"Invalid value -1 for parameter 'metrics\[3\].timestamp' supplied"):
        limits.check_metric(Metric(key="a", value=1, at_ms=-1), "metrics[3]")


@pytest.mark.parametrize(
    ("metrics", "params", "tags", "words"),
    [
        (1001, 0, 0, "at most 1000 metrics. Got 1001 metrics"),
        (0, 101, 0, "at most 100 params. Got 101 params"),
        (0, 0, 101, "at most 100 tags. Got 101 tags"),
        (900, 60, 60, "at most 1000 metrics, params, and tags. Got 1020"),
    ],
)
def test_a_batch_has_a_largest_size(metrics: int, params: int, tags: int, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        limits.check_batch(range(metrics), range(params), range(tags))


def test_the_largest_batches_are_good() -> None:
    limits.check_batch(range(1000), [], [])
    limits.check_batch(range(800), range(100), range(100))


def test_a_param_named_twice_in_one_request_is_refused() -> None:
    limits.check_unique_params(["a", "b"])
    with pytest.raises(Invalid, match=r"Duplicate parameter keys have been submitted: \['a'\]"):
        limits.check_unique_params(["a", "b", "a"])


@pytest.mark.parametrize("name", ["a/b", "a:b", "a.b", "a%b", 'a"b', "a'b"])
def test_names_of_logged_models_are_plainer(name: str) -> None:
    with pytest.raises(Invalid, match="Invalid model name"):
        limits.check_model_name(name)


@pytest.mark.parametrize("location", ["s3://b/x#part", "http://b/x;version=1", "http://[x"])
def test_the_place_of_artifacts_has_no_fragment_and_no_params(location: str) -> None:
    with pytest.raises(Invalid, match="artifact_location"):
        limits.check_artifact_location(location)


@pytest.mark.parametrize("location", ["", "s3://b/x?versioned=1", "/data", "mlflow-artifacts:/7", "C:\\data"])
def test_the_place_of_artifacts_may_be_anywhere_else(location: str) -> None:
    limits.check_artifact_location(location)
