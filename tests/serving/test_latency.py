"""Measuring a candidate by really serving it."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pavedroad.errors import Invalid, Refused
from pavedroad.models import Model
from pavedroad.record import Record
from pavedroad.serving import drive, latency, list_services, measure_latency


def children() -> set[int]:
    """Processes that this one started and that still run."""
    mine = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z":
            mine.add(int(folder.name))
    return mine


def test_a_candidate_is_measured_while_it_is_really_served(
    record: Record, register: Any, make_model: Any
) -> None:
    version = register(record, make_model("numeric"))
    before = children()
    seen = measure_latency(record, version, requests=120, concurrency=3, warmup=10)
    assert (seen.requests, seen.errors, seen.concurrency) == (120, 0, 3)
    assert 0 < seen.p50_ms <= seen.p99_ms
    assert seen.p50_ms * 120 / 3 <= seen.seconds * 1000 * 1.5
    assert seen.start_s > 0
    assert children() == before


def test_a_measurement_leaves_no_service_on_the_record(
    record: Record, register: Any, plain_model: Model
) -> None:
    measure_latency(record, register(record, plain_model), requests=20)
    assert list_services(record) == []


def test_a_slow_model_has_a_high_latency(record: Record, register: Any, plain_model: Model) -> None:
    slow = Model(estimator=plain_model.estimator, example=np.array([[0.0, 0.05]]))
    seen = measure_latency(record, register(record, slow), requests=20, concurrency=1, warmup=1)
    assert seen.p50_ms >= 50


def test_the_load_ends_when_its_time_is_up(
    record: Record, register: Any, plain_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "LONGEST_S", 0.5)
    slow = Model(estimator=plain_model.estimator, example=np.array([[0.0, 0.05]]))
    seen = measure_latency(record, register(record, slow), requests=1000, concurrency=2, warmup=1)
    assert 2 <= seen.requests <= 30


def test_a_candidate_that_no_run_made_is_not_loaded(
    record: Record, register: Any, plain_model: Model
) -> None:
    version = register(record, plain_model, made_by_a_run=False)
    with pytest.raises(Refused, match="no run on this record made it"):
        measure_latency(record, version)
    assert measure_latency(record, version, requests=20, trust=True).errors == 0


def test_a_candidate_with_nothing_to_send_says_so(record: Record, register: Any, plain_model: Model) -> None:
    version = register(record, Model(estimator=plain_model.estimator))
    with pytest.raises(Invalid, match="neither example nor signature"):
        measure_latency(record, version)


def test_without_an_example_a_row_is_made_up_from_the_signature(
    record: Record, register: Any, make_model: Any
) -> None:
    model = make_model("mixed")
    signature = Model(estimator=model.estimator, example=model.example)
    from pavedroad.models import infer_signature

    bare = Model(estimator=signature.estimator, signature=infer_signature(model.example, np.array(["late"])))
    seen = measure_latency(record, register(record, bare), requests=20)
    assert (seen.requests, seen.errors) == (20, 0)


def test_refusals_count_as_errors(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    server = start_serving("flights@1")
    bad = latency.request_message(b"{")
    seen = drive(server.port, bad, requests=10, concurrency=2)
    assert (seen.requests, seen.errors) == (10, 10)


def test_a_server_that_dies_under_load_is_errors_not_an_exception(
    record: Record, register: Any, plain_model: Model, start_serving: Any
) -> None:
    register(record, plain_model)
    server = start_serving("flights@1")
    message = latency.request_message(b'{"inputs": [[0, 0.1]]}')
    killing = threading.Timer(0.5, server.process.send_signal, args=(signal.SIGKILL,))
    killing.start()
    seen = drive(server.port, message, requests=40, concurrency=2)
    killing.join()
    assert seen.requests == 40
    assert 0 < seen.errors < 40


def test_the_candidate_ends_with_whoever_measures(
    record: Record, register: Any, plain_model: Model, tmp_path: Path
) -> None:
    import subprocess
    import sys

    register(record, plain_model)
    code = (
        "from pavedroad.config import read_settings\nfrom pavedroad.record import open_record\n"
        "from pavedroad.registry import find_version\nfrom pavedroad.serving import latency\n"
        "latency.drive = lambda *a, **k: print('driving', flush=True) or __import__('time').sleep(60)\n"
        "record = open_record(read_settings())\n"
        "latency.measure_latency(record, find_version(record.db, 'flights', 1))\n"
    )
    measuring = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path)
    assert measuring.stdout is not None
    assert measuring.stdout.readline() == b"driving\n"
    (candidate,) = children_of(measuring.pid)
    measuring.kill()
    measuring.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{candidate}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{candidate}").exists()


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize(
    ("times", "share", "expected"),
    [
        ([], 0.99, 0.0),
        ([5.0], 0.5, 5.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([float(n) for n in range(1, 101)], 0.5, 50.0),
        ([float(n) for n in range(1, 1001)], 0.99, 990.0),
        ([1.0, 2.0, 3.0], 0.99, 3.0),
    ],
)
def test_a_quantile_is_a_value_that_was_measured(times: list[float], share: float, expected: float) -> None:
    assert latency._quantile(times, share) == expected
