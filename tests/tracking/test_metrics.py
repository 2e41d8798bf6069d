from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pavedroad.config import Settings
from pavedroad.errors import Invalid, NotFound, Unavailable
from pavedroad.kit.sql import Transaction
from pavedroad.record import Record, record_of
from pavedroad.tracking import Metric, get_run, log_batch, log_metric, metric_history, metrics, start_run
from pavedroad.tracking.metrics import FEW_CURVES, PointsOfRun, histories, sampled_histories
from pavedroad.tracking.store import log_points


@pytest.fixture
def run_id(shared_record: Record) -> str:
    return shared_record.db.write(lambda tx: start_run(tx, experiment_id="0"))


def log(record: Record, run_id: str, *points: Metric) -> None:
    record.db.write(lambda tx: log_batch(tx, run_id, points))


def point(value: float, step: int = 0, at_ms: int = 0, key: str = "loss") -> Metric:
    return Metric(key=key, value=value, step=step, at_ms=at_ms)


def sampled_steps(record: Record, run_id: str, **how: int) -> list[int]:
    ((_, points),) = sampled_histories(record.db, [run_id], "loss", **how)  # type: ignore[arg-type]
    return list(points.step)


def test_every_point_is_kept_in_order_of_time(shared_record: Record, run_id: str) -> None:
    points = [point(3, step=2, at_ms=30), point(1, step=9, at_ms=10), point(2, step=1, at_ms=20)]
    log(shared_record, run_id, *points)
    assert metric_history(shared_record.db, run_id, "loss") == sorted(points, key=lambda one: one.at_ms)


def test_a_point_sent_twice_is_one_point(shared_record: Record, run_id: str) -> None:
    log(shared_record, run_id, point(1), point(1))
    log(shared_record, run_id, point(1), point(math.nan), point(math.nan))
    assert len(metric_history(shared_record.db, run_id, "loss")) == 2


def test_two_values_at_one_step_and_time_are_two_points(shared_record: Record, run_id: str) -> None:
    log(shared_record, run_id, point(2), point(1))
    assert [one.value for one in metric_history(shared_record.db, run_id, "loss")] == [1, 2]


@pytest.mark.parametrize("value", [math.inf, -math.inf, 0.1, -0.0, 1e308, 5e-324])
def test_a_number_comes_back_as_it_went_in(shared_record: Record, run_id: str, value: float) -> None:
    log(shared_record, run_id, point(value))
    assert [one.value for one in metric_history(shared_record.db, run_id, "loss")] == [value]
    assert get_run(shared_record.db, run_id).metric("loss") == value


def test_nan_comes_back_as_nan(shared_record: Record, run_id: str) -> None:
    log(shared_record, run_id, point(math.nan))
    assert [math.isnan(one.value) for one in metric_history(shared_record.db, run_id, "loss")] == [True]
    assert math.isnan(get_run(shared_record.db, run_id).metrics[0].value)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    batches=st.lists(
        st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(-3, 3)), max_size=4), max_size=4
    )
)
def test_the_last_point_is_the_greatest_by_step_then_time_then_value(
    shared_record: Record, batches: list[list[tuple[int, int, int]]]
) -> None:
    run_id = shared_record.db.write(lambda tx: start_run(tx, experiment_id="0"))
    for batch in batches:
        log(shared_record, run_id, *(point(value, step, at_ms) for step, at_ms, value in batch))
    everything = [place for batch in batches for place in batch]
    last = [(one.step, one.at_ms, one.value) for one in get_run(shared_record.db, run_id).metrics]
    assert last == ([max(everything)] if everything else [])


@pytest.mark.parametrize("number", [1, FEW_CURVES, FEW_CURVES + 1, 300])
def test_many_curves_grow_in_one_batch(shared_record: Record, run_id: str, number: int) -> None:
    for step in (1, 2):
        log(shared_record, run_id, *(point(step, step=step, key=f"m{i}") for i in range(number)))
    run = get_run(shared_record.db, run_id)
    assert [metric.value for metric in run.metrics] == [2.0] * number
    assert all(len(metric_history(shared_record.db, run_id, f"m{i}")) == 2 for i in range(number))


def test_writers_at_once_lose_no_point(shared_record: Record, run_id: str) -> None:
    def write(writer: int) -> None:
        for step in range(20):
            one = point(writer, step=step, at_ms=writer)
            shared_record.db.write(partial(log_metric, run_id=run_id, metric=one))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert len(metric_history(shared_record.db, run_id, "loss")) == 160
    last = get_run(shared_record.db, run_id).metrics[0]
    assert (last.step, last.at_ms) == (19, 7)


def test_batches_of_many_curves_at_once_lose_no_point(shared_record: Record, run_id: str) -> None:
    keys = [f"m{i}" for i in range(30)]

    def write(writer: int) -> None:
        order = keys if writer % 2 else keys[::-1]  # unsorted, the two orders would block each other
        for step in range(5):
            log(shared_record, run_id, *(point(writer, step=step, at_ms=writer, key=key) for key in order))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    assert [len(metric_history(shared_record.db, run_id, key)) for key in keys] == [40] * 30


def test_a_curve_is_read_in_parts(shared_record: Record, run_id: str) -> None:
    log(shared_record, run_id, *(point(i, step=i, at_ms=i) for i in range(10)))
    part = metric_history(shared_record.db, run_id, "loss", limit=3, offset=4)
    assert [one.step for one in part] == [4, 5, 6]


def test_an_unknown_curve_or_run_has_no_points(shared_record: Record, run_id: str) -> None:
    assert metric_history(shared_record.db, run_id, "nope") == []
    assert metric_history(shared_record.db, "nope", "loss") == []


def test_histories_of_several_runs_stand_one_after_the_other(shared_record: Record) -> None:
    run_ids = sorted(shared_record.db.write(lambda tx: [start_run(tx, experiment_id="0") for _ in range(3)]))
    for run_id in run_ids:
        log(shared_record, run_id, point(1, at_ms=1), point(2, at_ms=2))
    found = histories(shared_record.db, run_ids, "loss", limit=5)
    assert [(of_run, value) for of_run, points in found for value in points.value] == [
        (run_id, value) for run_id in run_ids for value in (1, 2)
    ][:5]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 99, 100, 2500])
def test_a_sample_is_small_and_has_both_ends(shared_record: Record, run_id: str, limit: int) -> None:
    log(shared_record, run_id, *(point(i, step=i, at_ms=i) for i in range(100)))
    steps = sampled_steps(shared_record, run_id, limit=limit)
    assert len(steps) <= limit
    assert steps == sorted(set(steps))
    assert steps[-1] == 99
    assert steps[0] == (0 if limit > 1 else 99)
    if limit >= 100:
        assert steps == list(range(100))


def test_a_sample_of_many_values_at_one_step_is_small(shared_record: Record, run_id: str) -> None:
    log(shared_record, run_id, *(point(i, at_ms=i) for i in range(500)))
    assert len(sampled_steps(shared_record, run_id, limit=10)) <= 10


def test_a_sample_may_be_of_some_steps_only(shared_record: Record, run_id: str) -> None:
    log(shared_record, run_id, *(point(i, step=i) for i in range(50)))
    assert sampled_steps(shared_record, run_id, limit=100, first_step=10, last_step=12) == [10, 11, 12]
    assert sampled_steps(shared_record, run_id, limit=5, first_step=90, last_step=99) == []
    ((_, points),) = sampled_histories(shared_record.db, [run_id], "nope", limit=5)
    assert len(points) == 0


def test_a_sample_of_an_unknown_run_is_refused(record: Record) -> None:
    with pytest.raises(NotFound, match="Run with id=nope not found"):
        sampled_histories(record.db, ["nope"], "loss", limit=5)


def test_a_metric_of_an_unknown_model_is_refused_whole(shared_record: Record, run_id: str) -> None:
    with pytest.raises(Invalid, match="Logged model with ID 'm-nope' not found"):
        log(shared_record, run_id, Metric(key="loss", value=1, at_ms=1, model_id="m-nope"))
    assert metric_history(shared_record.db, run_id, "loss") == []


class Interrupted:
    """A transaction in which another one makes the curve first, and then erases it."""

    def __init__(self, tx: Transaction, record: Record, no: int) -> None:
        self._tx, self._record, self._no = tx, record, no

    def many(self, query: str, rows: Iterable[Mapping[str, Any]]) -> int:
        with ThreadPoolExecutor(1) as elsewhere:
            make = partial(self._by_another, metrics.SQL.insert_curve, run_no=self._no, key="loss")
            elsewhere.submit(make).result()
            number = self._tx.many(query, rows)
            erase = partial(self._by_another, "DELETE FROM latest_metrics WHERE run_no = :no", no=self._no)
            elsewhere.submit(erase).result()
        return number

    def _by_another(self, query: str, **values: Any) -> None:
        self._record.db.write(lambda tx: tx.run(query, **values))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def test_a_curve_that_is_erased_while_it_is_logged_to_is_refused(postgres: Any, tmp_path: Path) -> None:
    database = postgres.new_database(migrated=True)
    with record_of(Settings(home=tmp_path, user="ada", database=database)) as record:
        run_id = record.db.write(lambda tx: start_run(tx, experiment_id="0"))
        no = record.db.value("SELECT no FROM runs WHERE id = :id", id=run_id)

        def work(tx: Transaction, items: Sequence[PointsOfRun]) -> list[Exception | None]:
            return log_points(cast("Transaction", Interrupted(tx, record, no)), items)

        told: SimpleQueue[BaseException | None] = SimpleQueue()
        record.db.submit_together(work, (run_id, {"loss": [(1, 1, 0.5, False)]}), told.put)
        assert isinstance(told.get(timeout=30), Unavailable)
