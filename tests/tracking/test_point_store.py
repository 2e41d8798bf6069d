from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pavedroad.record import Record
from pavedroad.tracking import Metric, delete_run, log_batch, metric_history, point_store, start_run
from pavedroad.tracking.curve_checks import check_curves
from pavedroad.tracking.erasing import erase_run
from pavedroad.tracking.points import Place, place_of

PLACES = st.tuples(
    st.integers(0, 40), st.integers(-2, 2), st.sampled_from([0.0, 1.5, -3.0, math.inf, -math.inf, math.nan])
)
BATCHES = st.lists(st.lists(PLACES, min_size=1, max_size=25), max_size=14)
SMALL = {"BLOCK": 12, "MOST_LOOSE": 10, "ENOUGH_TO_PACK": 8, "STAY_LOOSE": 3, "FEWEST_IN_A_BLOCK": 4}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a few points reach."""
    for name, value in SMALL.items():
        monkeypatch.setattr(point_store, name, value)


def new_run(record: Record) -> str:
    return record.db.write(lambda tx: start_run(tx, experiment_id="0"))


def log(record: Record, run_id: str, batch: list[tuple[int, int, float]]) -> None:
    metrics = [Metric(key="loss", value=value, at_ms=at_ms, step=step) for at_ms, step, value in batch]
    record.db.write(lambda tx: log_batch(tx, run_id, metrics))


def read(record: Record, run_id: str, **part: int) -> list[Place]:
    found = metric_history(record.db, run_id, "loss", **part)  # type: ignore[arg-type]
    return [place_of(one.at_ms, one.step, one.value) for one in found]


def row_of(record: Record, run_id: str) -> dict[str, object]:
    query = (
        "SELECT points, min_value, max_value FROM latest_metrics l JOIN runs r ON r.no = l.run_no"
        " WHERE r.id = :id"
    )
    row = record.db.one(query, id=run_id)
    assert row is not None
    return dict(row)


@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=BATCHES, offset=st.integers(0, 60), limit=st.integers(1, 30))
def test_a_curve_is_the_sorted_set_of_what_was_logged(
    shared_record: Record,
    small: None,
    batches: list[list[tuple[int, int, float]]],
    offset: int,
    limit: int,
) -> None:
    run_id = new_run(shared_record)
    for batch in batches:
        log(shared_record, run_id, batch)
    wanted = sorted({place_of(*place) for batch in batches for place in batch})
    assert read(shared_record, run_id) == wanted
    assert read(shared_record, run_id, offset=offset, limit=limit) == wanted[offset : offset + limit]
    if wanted:
        numbers = [value for _, _, value, is_nan in wanted if not is_nan]
        assert row_of(shared_record, run_id) == {
            "points": len(wanted),
            "min_value": min(numbers, default=None),
            "max_value": max(numbers, default=None),
        }


@pytest.mark.parametrize(
    "order",
    [pytest.param(list, id="in order"), pytest.param(lambda steps: list(steps)[::-1], id="backwards")],
)
def test_a_batch_sent_again_after_it_was_packed_adds_nothing(
    shared_record: Record, small: None, order: Callable[[range], list[int]]
) -> None:
    run_id = new_run(shared_record)
    for _ in range(2):
        for start in order(range(0, 100, 5)):
            log(shared_record, run_id, [(step, step, 1.0) for step in range(start, start + 5)])
    assert read(shared_record, run_id) == [(step, step, 1.0, False) for step in range(100)]
    assert row_of(shared_record, run_id)["points"] == 100


def test_packing_leaves_few_points_as_rows(shared_record: Record, small: None) -> None:
    run_id = new_run(shared_record)
    for step in range(200):
        log(shared_record, run_id, [(step, step, 1.0)])
    query = (
        "SELECT COUNT(*) FROM metrics m JOIN latest_metrics l ON l.curve = m.curve"
        " JOIN runs r ON r.no = l.run_no WHERE r.id = :id"
    )
    assert shared_record.db.value(query, id=run_id) < SMALL["MOST_LOOSE"]


def test_writers_at_once_pack_one_curve_without_loss(shared_record: Record, small: None) -> None:
    run_id = new_run(shared_record)

    def write(writer: int) -> None:
        for step in range(10):
            log(shared_record, run_id, [(step, writer, float(part)) for part in range(3)])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write, range(4)))
    assert len(read(shared_record, run_id)) == 120
    assert row_of(shared_record, run_id)["points"] == 120


# ------------------------------------------------------------------------------------- many curves at once


STEPS = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["abcd", "abc", "bcd", "ab"])), max_size=30)


def log_row(record: Record, run_id: str, keys: str, step: int) -> None:
    metrics = [Metric(key=key, value=step + ord(key) / 1000, at_ms=step, step=step) for key in keys]
    record.db.write(lambda tx: log_batch(tx, run_id, metrics))


def curves_of(record: Record, run_id: str) -> dict[str, list[int]]:
    return {
        key: [one.step for one in metric_history(record.db, run_id, key)]
        for key in "abcd"
        if metric_history(record.db, run_id, key)
    }


def batches_of(record: Record, run_id: str) -> int:
    query = "SELECT COUNT(*) FROM metric_batches b JOIN runs r ON r.no = b.run_no WHERE r.id = :id"
    return int(record.db.value(query, id=run_id))


@pytest.fixture
def wide(small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three curves are many, and five batches too many."""
    monkeypatch.setattr(point_store, "FEWEST_IN_A_BATCH", 3)
    monkeypatch.setattr(point_store, "MOST_BATCHES", 5)


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(logged=STEPS)
def test_curves_logged_together_read_as_if_logged_alone(
    shared_record: Record, wide: None, logged: list[tuple[int, str]]
) -> None:
    run_id = new_run(shared_record)
    for step, keys in logged:
        log_row(shared_record, run_id, keys, step)
    wanted = {key: sorted({step for step, keys in logged if key in keys}) for key in "abcd"}
    assert curves_of(shared_record, run_id) == {key: steps for key, steps in wanted.items() if steps}
    assert not [wrong for wrong in check_curves(shared_record.db) if wrong and wrong.run_id == run_id]


def test_batches_of_a_run_never_become_many(any_record: Record, wide: None) -> None:
    run_id = new_run(any_record)
    for step in range(23):
        log_row(any_record, run_id, "abc", step)
        assert batches_of(any_record, run_id) < 5
    assert curves_of(any_record, run_id) == {key: list(range(23)) for key in "abc"}


def test_a_batch_sent_again_is_there_once(any_record: Record, wide: None) -> None:
    run_id = new_run(any_record)
    for step in (1, 2, 2, 3, 1):
        log_row(any_record, run_id, "abc", step)
    assert curves_of(any_record, run_id) == {key: [1, 2, 3] for key in "abc"}
    assert row_of(any_record, run_id)["points"] == 3


def test_a_batch_is_undone_whole_when_one_curve_is_ahead(any_record: Record, wide: None) -> None:
    run_id = new_run(any_record)
    log_row(any_record, run_id, "abc", 1)
    log_row(any_record, run_id, "b", 5)
    log_row(any_record, run_id, "abc", 3)
    assert curves_of(any_record, run_id) == {"a": [1, 3], "b": [1, 3, 5], "c": [1, 3]}
    assert [wrong for wrong in check_curves(any_record.db) if wrong] == []


def test_a_run_that_takes_the_number_of_an_erased_one_keeps_its_own_curves(
    any_record: Record, wide: None
) -> None:
    erased = new_run(any_record)
    for step in range(3):
        log_row(any_record, erased, "abc", step)
    any_record.db.write(lambda tx: delete_run(tx, erased, who="ada"))
    any_record.db.write(lambda tx: erase_run(tx, erased, who="ada"))
    run_id = new_run(any_record)
    log_row(any_record, run_id, "bcd", 7)
    log_row(any_record, run_id, "abc", 8)
    assert curves_of(any_record, run_id) == {"a": [8], "b": [7, 8], "c": [7, 8], "d": [7]}
