"""Failures as they come, and what is believed of them."""

from __future__ import annotations

import pytest

from pavedroad.desk.triage import LABELS, judge, judge_text, parse_trace
from pavedroad.desk.triage.model import Evidence
from pavedroad.desk.triage.rules import all_rules

JOB = '  File "train.py", line 3, in <module>\n    main()\n'


def raised(*frames: str, said: str) -> str:
    return "Traceback (most recent call last):\n" + JOB + "".join(frames) + said + "\n"


def lib(path: str, function: str = "call") -> str:
    return f'  File "/opt/venv/lib/python3.11/site-packages/{path}", line 9, in {function}\n    x()\n'


CASES = {
    "environment": [
        raised(said="ModuleNotFoundError: No module named 'lightgbm'"),
        raised(lib("torch/_C.py"), said="ImportError: libcudart.so.12: cannot open shared object file"),
        raised(lib("torch/cuda/__init__.py"), said="RuntimeError: The driver on your system is too old"),
        "RuntimeError: module compiled against API version 0x10 but this version of numpy is 0xf",
    ],
    "infrastructure": [
        raised(lib("torch/nn/modules/linear.py"), said="torch.OutOfMemoryError: CUDA out of memory."),
        raised(said="OSError: [Errno 28] No space left on device: '/scratch/model.pt'"),
        raised(
            lib("botocore/client.py"),
            said="botocore.exceptions.ClientError: An error occurred (AccessDenied) when calling PutObject",
        ),
        "Container train was OOMKilled, exit code 137",
        raised(
            lib("urllib3/connection.py"),
            said="urllib3.exceptions.NewConnectionError: Failed to establish a new connection: "
            "[Errno 111] Connection refused",
        ),
    ],
    "data": [
        raised(lib("pandas/core/indexes/base.py", "get_loc"), said="KeyError: 'wind_speed'"),
        raised(
            lib("sklearn/utils/validation.py", "_assert_all_finite"), said="ValueError: Input X contains NaN."
        ),
        raised(
            lib("pandas/io/parsers/readers.py"),
            said="pandas.errors.EmptyDataError: No columns to parse from file",
        ),
        raised(
            lib("pyarrow/parquet/core.py"),
            said="pyarrow.lib.ArrowInvalid: Parquet magic bytes not found in footer.",
        ),
    ],
    "user": [
        raised(said="NameError: name 'modle' is not defined"),
        raised(said="TypeError: fit() missing 1 required positional argument: 'y'"),
        raised(said="FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'"),
        raised(
            lib("torch/nn/functional.py"),
            said="RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x10 and 20x5)",
        ),
        raised(
            lib("sklearn/utils/validation.py", "check_is_fitted"),
            said="sklearn.exceptions.NotFittedError: This estimator instance is not fitted yet.",
        ),
    ],
    "upstream": [
        raised(
            lib("evidently/metrics.py"),
            lib("plotly/graph.py"),
            said="TypeError: Figure() got an unexpected keyword argument 'titlefont'",
        ),
        raised(lib("torch/_inductor/x.py"), said="RuntimeError: INTERNAL ASSERT FAILED at x.cpp:12"),
    ],
    "platform": [
        "Traceback (most recent call last):\n"
        + lib("mlflow/server/handlers.py", "wrapper")
        + lib("mlflow/store/tracking/sqlalchemy_store.py", "log_batch")
        + "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) database is locked\n",
        "Traceback (most recent call last):\n"
        + lib("airflow/models/taskinstance.py", "_run_raw_task")
        + lib("airflow/jobs/scheduler_job.py", "heartbeat")
        + "KeyError: 'try_number'\n",
        raised(
            lib("mlflow/utils/rest_utils.py", "verify_rest_response"),
            said="mlflow.exceptions.RestException: INTERNAL_ERROR: The server failed",
        ),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("label", "text"), [(label, text) for label, texts in CASES.items() for text in texts]
)
def test_common_failures_get_the_label_of_who_cures_them(label: str, text: str):
    verdict = judge_text(text)
    assert verdict.label == label, verdict.probabilities
    assert verdict.evidence


def test_probabilities_sum_to_one_and_the_label_is_the_likeliest():
    verdict = judge_text(CASES["data"][0])
    assert sum(verdict.probabilities.values()) == pytest.approx(1, abs=0.01)
    assert verdict.likeliest[0] == verdict.label
    assert set(verdict.probabilities) == set(LABELS)


@pytest.mark.parametrize("text", ["", "all went well", "\x00\x01", "Traceback (most recent call last):"])
def test_nothing_to_go_by_gives_no_verdict(text: str):
    verdict = judge_text(text)
    assert (verdict.label, verdict.evidence) == ("", ())
    assert verdict.next_check


def test_the_first_cause_counts_more_than_what_came_of_it():
    text = (
        raised(said="OSError: [Errno 28] No space left on device")
        + "\nDuring handling of the above exception, another exception occurred:\n\n"
        + raised(said="AttributeError: 'NoneType' object has no attribute 'close'")
    )
    assert judge_text(text).label == "infrastructure"


def test_what_is_known_from_elsewhere_moves_the_verdict():
    trace = parse_trace(raised(lib("pandas/core/indexes/base.py"), said="KeyError: 'wind_speed'"))
    same = judge(trace, [Evidence(name="diff", says="only the code changed", weights={"user": 4.0})])
    assert (judge(trace).label, same.label) == ("data", "user")


def test_equal_failures_have_equal_signatures():
    first = judge_text(
        raised(lib("pandas/core/x.py"), said="ValueError: bad row 17 of /data/2026-01-02/a.csv")
    )
    again = judge_text(
        raised(lib("pandas/core/x.py"), said="ValueError: bad row 99 of /data/2026-03-04/b.csv")
    )
    other = judge_text(raised(lib("pandas/core/x.py"), said="ValueError: no rows"))
    assert first.signature == again.signature != other.signature


def test_every_rule_says_why_and_for_whom():
    names = [rule.name for rule in all_rules()]
    assert len(set(names)) == len(names)
    for rule in all_rules():
        assert rule.why.startswith("https://") or ";" in rule.why or "," in rule.why, rule.name
        assert rule.types or rule.words, rule.name


def test_a_large_log_is_read_in_bounded_time():
    text = (
        "x" * 2_000_000 + "\n" + "INFO line\n" * 100_000 + raised(said="NameError: name 'x' is not defined")
    )
    assert judge_text(text).label == "user"
