"""What may be logged: lengths, names, numbers. The bounds and the key phrases of refusals are MLflow's.

Every writing function of this room checks here, so a pipeline and an MLflow client are told the same.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping, Sized
from functools import lru_cache
from typing import Any
from urllib.parse import urlparse

from pavedroad.errors import Invalid
from pavedroad.tracking.model import DatasetInput, Metric

METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
ITEMS_PER_BATCH = 1000
KEY_LENGTH = 250
PARAM_VALUE_LENGTH = 6000
TAG_VALUE_LENGTH = 8000
EXPERIMENT_NAME_LENGTH = 500
EXPERIMENT_TAG_VALUE_LENGTH = 20_000
DATASETS_PER_REQUEST = 1000
DATASET_NAME_LENGTH = 500
DATASET_DIGEST_LENGTH = 36
DATASET_SCHEMA_LENGTH = 1_048_575
DATASET_SOURCE_LENGTH = 65_535
DATASET_PROFILE_LENGTH = 16_777_215
INPUT_TAG_KEY_LENGTH = 255
INPUT_TAG_VALUE_LENGTH = 500
HOST_SCHEMES = ("ftp", "sftp", "hdfs", "viewfs", "http", "https", "r2", "b2", "abfss")
MODEL_NAME_FORBIDDEN = ("/", ":", ".", "%", '"', "'")
SHOWN_LENGTH = 500  # of a refused value, in the answer

_NAME = re.compile(r"[/\w.\- :]*")
_NAME_WORDS = (
    "Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:)"
    " and slashes (/)."
)


def invalid_value(parameter: str, value: Any, why: str = "") -> Invalid:
    shown = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    if len(shown) > SHOWN_LENGTH:
        shown = shown[:SHOWN_LENGTH] + "…"
    return Invalid(
        f"Invalid value {shown} for parameter '{parameter}' supplied" + (f": {why}" if why else ".")
    )


def missing_value(parameter: str) -> Invalid:
    return Invalid(f"Missing value for required parameter '{parameter}'.")


def too_long(what: str, limit: int) -> Invalid:
    return Invalid(f"'{what}' exceeds the maximum length of {limit} characters")


def check_length(what: str, value: str, limit: int) -> None:
    if len(value) > limit:
        raise too_long(what, limit)


def check_key(key: str, where: str, what: str) -> None:
    """A name of a metric, a param or a tag. It may become a file name elsewhere, so it must not climb."""
    if is_good_key(key):
        return
    if not _NAME.fullmatch(key):
        raise invalid_value(where, key, _NAME_WORDS)
    if _climbs(key):
        raise invalid_value(
            where,
            key,
            "Names may be treated as files in certain cases, and must not resolve to other names when treated"
            f" as such. This name would resolve to {posixpath.normpath(key)!r}",
        )
    check_length(what, key, KEY_LENGTH)


@lru_cache(maxsize=4096)  # the few keys of a training come thousands of times
def is_good_key(key: str) -> bool:
    return len(key) <= KEY_LENGTH and _NAME.fullmatch(key) is not None and not _climbs(key)


def _climbs(key: str) -> bool:
    return key != posixpath.normpath(key) or key == "." or key.startswith(("..", "/"))


def check_metric(metric: Metric, path: str = "") -> None:
    at = f"{path}." if path else ""
    check_key(metric.key, f"{at}name", "Metric name")
    if metric.at_ms < 0:
        raise invalid_value(
            f"{at}timestamp",
            metric.at_ms,
            f"metric '{metric.key}' (value={metric.value}). "
            "Timestamp must be a nonnegative long (64-bit integer) ",
        )


def check_params(params: Mapping[str, str], *, in_batch: bool = True) -> dict[str, str]:
    """The params with values cut to what MLflow keeps."""
    for index, key in enumerate(params):
        check_key(key, f"params[{index}].key" if in_batch else "key", "Param key")
    return {key: value[:PARAM_VALUE_LENGTH] for key, value in params.items()}


def check_tags(tags: Mapping[str, str], *, in_batch: bool = True) -> dict[str, str]:
    """The tags with values cut to what MLflow keeps."""
    for index, key in enumerate(tags):
        where = f"tags[{index}].key" if in_batch else "key"
        check_key(key, where, where)
    return {key: value[:TAG_VALUE_LENGTH] for key, value in tags.items()}


def check_experiment_tag(key: str, value: str) -> None:
    check_key(key, "key", "key")
    check_length("value", value, EXPERIMENT_TAG_VALUE_LENGTH)


def check_experiment_name(name: str) -> None:
    if not name:
        raise Invalid(f"Invalid experiment name: '{name}'", hint="give it a name of 1 to 500 characters")
    check_length("name", name, EXPERIMENT_NAME_LENGTH)


def check_artifact_location(location: str) -> None:
    try:
        found = urlparse(location)
    except ValueError as error:  # such as brackets that do not hold an address
        raise invalid_value("artifact_location", location, str(error)) from None
    check_names_no_host("artifact_location", location)
    if found.fragment or found.params:
        raise Invalid(
            "'artifact_location' URL can't include fragments or params.", hint="leave out what follows # or ;"
        )


def check_names_no_host(what: str, uri: str) -> None:
    """Raises Invalid for a place on another machine, to which a server would have to connect by itself."""
    scheme, _, rest = uri.partition(":")
    scheme = scheme.lower()
    if scheme in HOST_SCHEMES or (
        scheme == "mlflow-artifacts" and rest.startswith("//") and rest[2:3] != "/"
    ):
        raise Invalid(
            f"'{what}' cannot use the '{scheme}' scheme: it names a host other than this server's",
            hint="leave it out, or name a bucket (s3:, gs:)",
        )


def check_batch(metrics: Sized, params: Sized, tags: Sized) -> None:
    _check_number("metrics", len(metrics), METRICS_PER_BATCH)
    _check_number("params", len(params), PARAMS_PER_BATCH)
    _check_number("tags", len(tags), TAGS_PER_BATCH)
    _check_number("metrics, params, and tags", len(metrics) + len(params) + len(tags), ITEMS_PER_BATCH)


def check_unique_params(keys: Iterable[str]) -> None:
    seen: set[str] = set()
    twice = [key for key in keys if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
    if twice:
        raise Invalid(
            f"Duplicate parameter keys have been submitted: {twice}. "
            "Please ensure the request contains only one param value per param key."
        )


def check_dataset(dataset: DatasetInput) -> None:
    check_length("name", dataset.name, DATASET_NAME_LENGTH)
    check_length("digest", dataset.digest, DATASET_DIGEST_LENGTH)
    check_length("source", dataset.source, DATASET_SOURCE_LENGTH)
    check_length("schema", dataset.schema, DATASET_SCHEMA_LENGTH)
    check_length("profile", dataset.profile, DATASET_PROFILE_LENGTH)
    for key, value in dataset.tags.items():
        check_length("key", key, INPUT_TAG_KEY_LENGTH)
        check_length("value", value, INPUT_TAG_VALUE_LENGTH)


def check_model_name(name: str) -> None:
    if any(character in name for character in MODEL_NAME_FORBIDDEN):
        raise Invalid(
            f"Invalid model name ({name!r}) provided. Model name must be a non-empty string and cannot "
            f"contain the following characters: {MODEL_NAME_FORBIDDEN}"
        )


def _check_number(what: str, number: int, limit: int) -> None:
    if number > limit:
        raise Invalid(
            f"A batch logging request can contain at most {limit} {what}. Got {number} {what}. "
            f"Please split up {what} across multiple requests and try again."
        )
