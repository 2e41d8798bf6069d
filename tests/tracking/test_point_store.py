from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pavedroad.record import Record
from pavedroad.tracking import Metric, log_batch, metric_history, point_store, start_run
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
