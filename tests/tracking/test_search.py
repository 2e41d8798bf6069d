from __future__ import annotations

import base64
import math
import random
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pavedroad.errors import Invalid
from pavedroad.kit.sql import Reader, Transaction
from pavedroad.record import Record
from pavedroad.tracking import (
    DatasetInput,
    Metric,
    Run,
    count_matching_runs,
    create_experiment,
    delete_experiment,
    delete_run,
    end_run,
    log_batch,
    log_input,
    matching,
    metric_history,
    ordering,
    run_inputs,
    search_experiments,
    search_runs,
    start_run,
    store,
)
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    DATASET,
    LEAST,
    METRIC,
    METRICS,
    MOST,
    PARAM,
    TAG,
    And,
    Comparison,
    Field,
    Filter,
    Not,
    Or,
    print_filter,
)

LONG = "é" * 201  # the indexes by value hold shorter ones
TEXTS = ("a", "A", "ab", "b%", "_", "", "x\\y", "é", LONG)
VALUES = (0.0, 1.0, -2.5, math.nan, math.inf, -math.inf)
COMPARE = {
    "=": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "IN": lambda left, right: left in right,
    "NOT IN": lambda left, right: left not in right,
    "LIKE": lambda left, right: like(left, right),
    "ILIKE": lambda left, right: like(left.lower(), right.lower()),
}


def like(text: str, pattern: str) -> bool:
    parts = (".*" if char == "%" else "." if char == "_" else re.escape(char) for char in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


class Known(NamedTuple):
    """Of a run, what a filter or an order may ask for."""

    run: Run
    datasets: Sequence[DatasetInput]
    curves: dict[str, list[float]]  # the values of each metric that are numbers


def all_known(reader: Reader) -> list[Known]:
    def curve(run: Run, key: str) -> list[float]:
        values = [point.value for point in metric_history(reader, run.id, key)]
        return [value for value in values if not math.isnan(value)]

    return [
        Known(run, run_inputs(reader, run.id), {metric.key: curve(run, metric.key) for metric in run.metrics})
        for run in search_runs(reader, ["0"])[0]
    ]


def matches(condition: Filter, known: Known) -> bool:
    """What a filter means, in plain Python."""
    match condition:
        case And():
            return all(matches(part, known) for part in condition.parts)
        case Or():
            return any(matches(part, known) for part in condition.parts)
        case Not():
            return not matches(condition.part, known)
    found = values_of(condition.field, known)
    if condition.operator in ("IS NULL", "IS NOT NULL"):
        return bool(found) == (condition.operator == "IS NOT NULL")
    return any(COMPARE[condition.operator](value, condition.value) for value in found)


def values_of(field: Field, known: Known) -> list[Any]:
    run = known.run
    if field.kind == METRIC:
        return [metric.value for metric in run.metrics if metric.key == field.key]
    if field.kind in METRICS:
        extreme = min if field.kind == LEAST else max
        return [extreme(known.curves[field.key], default=math.nan)] if field.key in known.curves else []
    if field.kind in (PARAM, TAG):
        values = run.params if field.kind == PARAM else run.tags
        return [values[field.key]] if field.key in values else []
    if field.kind == DATASET:
        if field.key == "context":
            return [dataset.tags["mlflow.data.context"] for dataset in known.datasets if dataset.tags]
        return [getattr(dataset, field.key) for dataset in known.datasets]
    attributes = {
        "run_id": run.id,
        "run_name": run.name,
        "status": run.status,
        "user_id": run.user,
        "artifact_uri": run.artifact_uri,
        "start_time": run.start_ms,
        "end_time": run.end_ms,
        "duration": None if run.end_ms is None else run.end_ms - run.start_ms,
    }
    return [] if attributes[field.key] is None else [attributes[field.key]]


def comparisons() -> st.SearchStrategy[Comparison]:
    def of(kind: str, names: Sequence[str], operators: Sequence[str], value: st.SearchStrategy[Any]) -> Any:
        field = st.builds(Field, st.just(kind), st.sampled_from(names))
        return st.builds(Comparison, field, st.sampled_from(operators), value)

    texts = st.sampled_from([*TEXTS, "%", "a_", "%B%", "FINISHED", "run a"])
    number = ("=", "!=", "<", "<=", ">", ">=")
    text = ("=", "!=", "LIKE", "ILIKE")
    listed = st.lists(texts, min_size=1, max_size=3).map(tuple)
    finite = st.sampled_from([0.0, 1.0, -2.5, 0.5])
    return st.one_of(
        of(METRIC, ("m", "n", "none"), number, finite),
        of(LEAST, ("m", "none"), number, finite),
        of(MOST, ("n",), number, finite),
        of(PARAM, ("p", "q"), text, texts),
        of(TAG, ("t", "none"), text, texts),
        of(TAG, ("t", "none"), ("IS NULL", "IS NOT NULL"), st.none()),
        of(ATTRIBUTE, ("status", "run_name", "user_id"), text, texts),
        of(ATTRIBUTE, ("status", "run_name"), ("IN", "NOT IN"), listed),
        of(ATTRIBUTE, ("start_time", "end_time", "duration"), number, st.integers(0, 6) | finite),
        of(DATASET, ("name", "digest", "context"), text, texts),
        of(DATASET, ("name", "context"), ("IN", "NOT IN"), listed),
    )


def filters() -> st.SearchStrategy[Filter]:
    def combine(part: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        parts = st.lists(part, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, part) | st.builds(And, parts) | st.builds(Or, parts)

    return st.recursive(comparisons(), combine, max_leaves=5)


ORDERS = (
    "metrics.m",
    "metrics.n DESC",
    "params.q",
    "tags.t DESC",
    "start_time",
    "end_time DESC",
    "metrics.none",
    "min.m DESC",
    "max.n",
    "duration DESC",
    "status",
    "run_name DESC",
)


@pytest.fixture(params=["looked up one by one", "read from an index"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few runs are found in another way than many; thirty are many here."""
    if request.param == "read from an index":
        monkeypatch.setattr(matching, "FEW_RUNS", 2)
        monkeypatch.setattr(ordering, "FEW_RUNS", 2)
        monkeypatch.setattr(ordering, "SMALLEST_WALK", 3)


@pytest.fixture(scope="module")
def searchable(shared_record: Record) -> Record:
    """Thirty runs whose values are drawn from few, so that filters hit and orders tie."""
    draw = random.Random(8400)

    def fill(tx: Transaction) -> None:
        for number in range(30):
            run_id = start_run(
                tx,
                experiment_id="0",
                name=f"run {draw.choice(TEXTS)}",
                user=draw.choice(TEXTS),
                start_ms=draw.randrange(5),
                params={key: draw.choice(TEXTS) for key in ("p", "q") if draw.random() < 0.7},
                tags={"t": draw.choice(TEXTS)} if draw.random() < 0.7 else {},
            )
            for key in ("m", "n"):
                values = draw.choices(VALUES, k=draw.randrange(4))
                points = [
                    Metric(key=key, value=value, at_ms=1, step=step) for step, value in enumerate(values)
                ]
                log_batch(tx, run_id, points)
            if draw.random() < 0.5:
                context = draw.choice(TEXTS)
                log_input(
                    tx,
                    run_id,
                    DatasetInput(
                        name=draw.choice(TEXTS) or "d",
                        digest=str(number % 3),
                        source_type="local",
                        source="here",
                        tags={"mlflow.data.context": context} if draw.random() < 0.5 else {},
                    ),
                )
            if draw.random() < 0.5:
                end_run(tx, run_id, "FINISHED", draw.randrange(5))

    shared_record.db.write(fill)
    return shared_record


@pytest.fixture(scope="module")
def known(searchable: Record) -> list[Known]:
    return all_known(searchable.db)


every_example = hypothesis_settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.mark.usefixtures("way")
@every_example
@given(condition=filters())
def test_a_search_finds_what_the_filter_means(
    searchable: Record, known: list[Known], condition: Filter
) -> None:
    expected = {one.run.id for one in known if matches(condition, one)}
    found, _ = search_runs(searchable.db, ["0"], print_filter(condition))
    assert {run.id for run in found} == expected
    assert count_matching_runs(searchable.db, ["0"], print_filter(condition)) == len(expected)


orders = st.lists(st.sampled_from(ORDERS), max_size=3, unique_by=lambda text: text.split()[0])


@pytest.mark.usefixtures("way")
@every_example
@given(order_by=orders, page=st.sampled_from([1, 4, 30, 1000]))
def test_pages_follow_the_order_with_nan_then_missing_last(
    searchable: Record, known: list[Known], order_by: list[str], page: int
) -> None:
    expected = sorted(known, key=lambda one: one.run.id)
    if not any(clause.startswith("start_time") for clause in order_by):
        expected.sort(key=lambda one: -one.run.start_ms)
    for clause in reversed(order_by):
        sort_by(expected, clause)
    assert pages_of(searchable.db, order_by, page) == [one.run.id for one in expected]


def pages_of(reader: Reader, order_by: list[str], page: int) -> list[str]:
    """The ids of all pages, one behind the other."""
    found: list[str] = []
    token = ""
    while True:
        runs, token = search_runs(reader, ["0"], order_by=order_by, max_results=page, page_token=token)
        assert len(runs) <= page
        found += [run.id for run in runs]
        if not token:
            return found


def sort_by(runs: list[Known], clause: str) -> None:
    name, _, direction = clause.partition(" ")
    kind, _, key = name.rpartition(".")
    field = Field(
        {"metrics": METRIC, "min": LEAST, "max": MOST, "params": PARAM, "tags": TAG, "": ATTRIBUTE}[kind], key
    )

    def class_of(known: Known) -> int:
        found = values_of(field, known)
        return 2 if not found else 1 if isinstance(found[0], float) and math.isnan(found[0]) else 0

    usual = [known for known in runs if class_of(known) == 0]
    if direction == "DESC":  # stable and descending: reversed, sorted, reversed
        usual.reverse()
    usual.sort(key=lambda known: values_of(field, known)[0])
    if direction == "DESC":
        usual.reverse()
    runs[:] = [
        *usual,
        *(known for known in runs if class_of(known) == 1),
        *(known for known in runs if class_of(known) == 2),
    ]


def test_pages_of_one_search_see_what_was_written_between_them(any_record: Record) -> None:
    def page(token: str = "") -> tuple[list[str], str]:
        found, following = search_runs(
            any_record.db, ["0"], "metrics.loss > 0", ["metrics.loss"], max_results=2, page_token=token
        )
        return [run.name for run in found], following

    def add(name: str, loss: float) -> str:
        def work(tx: Transaction) -> str:
            run_id = start_run(tx, experiment_id="0", name=name)
            log_batch(tx, run_id, [Metric(key="loss", value=loss, at_ms=1)])
            return run_id

        return any_record.db.write(work)

    ids = [add(name, loss) for name, loss in (("a", 1.0), ("c", 3.0), ("d", 4.0), ("e", 5.0))]
    first, token = page()
    assert (first, page(token)[0]) == (["a", "c"], ["d", "e"])
    add("b", 2.0)
    assert page()[0] == ["a", "b"]
    assert page(token)[0] == ["c", "d"]
    any_record.db.write(lambda tx: delete_run(tx, ids[0], who="ada"))
    assert page()[0] == ["b", "c"]


def test_a_page_token_is_what_mlflow_makes(record: Record) -> None:
    record.db.write(lambda tx: [start_run(tx, experiment_id="0") for _ in range(2)])
    _, token = search_runs(record.db, ["0"], max_results=1)
    assert base64.b64decode(token) == b'{"offset": 1}'


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("not base64!", "Invalid page token, could not base64-decode"),
        ("YWJj", "Invalid page token, decoded value=b'abc'"),
        (base64.b64encode(b'{"offset": "x"}').decode(), "Invalid page token, decoded value"),
        (base64.b64encode(b'{"offset": -1}').decode(), "Invalid page token, parsed value=-1"),
        (base64.b64encode(b'{"offset": 99999999999999999999}').decode(), "Invalid page token"),
        (base64.b64encode(b"[" * 5000).decode(), "Invalid page token"),
        ("\u00e9", "Invalid page token, could not base64-decode"),
    ],
)
def test_a_token_of_somebody_else_is_refused(record: Record, token: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        search_runs(record.db, ["0"], page_token=token)
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("number", "words"), [(0, "positive integer"), (-1, "positive"), (50_001, "at most 50000")]
)
def test_a_page_has_a_sensible_size(record: Record, number: int, words: str) -> None:
    with pytest.raises(
        Invalid, match=f"Invalid value {number} for parameter 'max_results' supplied.*{words}"
    ):
        search_runs(record.db, ["0"], max_results=number)


def test_a_field_named_twice_in_an_order_is_refused(record: Record) -> None:
    with pytest.raises(Invalid, match="`order_by` contains duplicate fields"):
        search_runs(record.db, ["0"], order_by=["metrics.a", "metrics.`a` DESC"])


def test_an_order_by_a_dataset_is_refused(record: Record) -> None:
    with pytest.raises(Invalid, match="Invalid identifier type 'dataset'"):
        search_runs(record.db, ["0"], order_by=["dataset.name"])


def test_deleted_runs_show_only_when_asked_for(any_record: Record) -> None:
    kept, gone = any_record.db.write(lambda tx: [start_run(tx, experiment_id="0") for _ in range(2)])
    any_record.db.write(lambda tx: delete_run(tx, gone, who="ada"))
    found = {
        view: search_runs(any_record.db, ["0"], view=view)[0]
        for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL")
    }
    assert [run.id for run in found["ACTIVE_ONLY"]] == [kept]
    assert [run.id for run in found["DELETED_ONLY"]] == [gone]
    assert {run.id for run in found["ALL"]} == {kept, gone}


def test_an_unknown_view_is_refused(record: Record) -> None:
    with pytest.raises(Invalid, match="Invalid view type 'SOME'"):
        search_runs(record.db, ["0"], view="SOME")


def test_a_search_without_experiments_finds_nothing_but_reads_its_filter(record: Record) -> None:
    assert search_runs(record.db, []) == ([], "")
    assert count_matching_runs(record.db, []) == 0
    with pytest.raises(Invalid):
        search_runs(record.db, [], "nonsense")


def test_values_of_more_runs_than_one_statement_reads_are_all_there(record: Record) -> None:
    number = store.RUNS_PER_QUERY + 5

    def fill(tx: Transaction) -> None:
        for index in range(number):
            run_id = start_run(tx, experiment_id="0", start_ms=index, params={"i": str(index)})
            log_batch(tx, run_id, [Metric(key="i", value=index, at_ms=1)])

    record.db.write(fill)
    runs, _ = search_runs(record.db, ["0"])
    assert [(run.params["i"], run.metric("i")) for run in runs] == [
        (str(i), i) for i in reversed(range(number))
    ]


# ------------------------------------------------------------------------------------------- experiments


def names(reader: Reader, *arguments: Any, **options: Any) -> list[str]:
    return [experiment.name for experiment in search_experiments(reader, *arguments, **options)[0]]


@pytest.fixture(scope="module")
def experiments(shared_record: Record) -> Reader:
    def fill(tx: Transaction) -> None:
        for name, tags in (("red", {"team": "a"}), ("green", {"team": "b"}), ("Blue", {})):
            create_experiment(tx, name, who="ada", tags=tags)
        delete_experiment(tx, create_experiment(tx, "gone", who="ada").id, who="ada")

    shared_record.db.write(fill)
    return shared_record.db


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {"Default", "red", "green", "Blue"}),
        ("name = 'red'", {"red"}),
        ("name != 'red'", {"Default", "green", "Blue"}),
        ("name LIKE '%re%'", {"red", "green"}),
        ("attribute.name ILIKE 'b%'", {"Blue"}),
        ("tags.team = 'a'", {"red"}),
        ("tag.team IS NULL", {"Default", "Blue"}),
        ("tags.team IS NOT NULL AND NOT tags.team = 'a'", {"green"}),
        ("experiment_id IN ('0', '1')", {"Default", "red"}),
        ("experiment_id != '0'", {"red", "green", "Blue"}),
        ("creation_time > 5 AND last_update_time >= 5", {"Default", "red", "green", "Blue"}),
        ("creation_time < 5", set()),
    ],
)
def test_experiments_are_found_by_filter(experiments: Reader, text: str, expected: set[str]) -> None:
    assert set(names(experiments, text)) == expected


def test_experiments_come_in_the_order_asked_for(experiments: Reader) -> None:
    assert names(experiments, order_by=["name"]) == ["Blue", "Default", "green", "red"]
    assert names(experiments, order_by=["experiment_id DESC"]) == ["Blue", "green", "red", "Default"]
    assert names(experiments, view="DELETED_ONLY") == ["gone"]


def test_experiments_come_in_pages_with_their_tags(experiments: Reader) -> None:
    first, token = search_experiments(experiments, order_by=["name"], max_results=3)
    rest, end = search_experiments(experiments, order_by=["name"], max_results=3, page_token=token)
    assert [one.name for one in (*first, *rest)] == ["Blue", "Default", "green", "red"]
    assert rest[0].tags == {"team": "a"}
    assert end == ""


@pytest.mark.parametrize(
    "text",
    [
        "experiment_id = 'x'",
        "experiment_id LIKE '1%'",
        "metrics.a > 1",
        "tags.a > 'x'",
        "creation_time = 'x'",
    ],
)
def test_a_filter_that_experiments_do_not_know_is_refused(record: Record, text: str) -> None:
    with pytest.raises(Invalid):
        search_experiments(record.db, text)


def test_an_order_by_a_tag_of_an_experiment_is_refused(record: Record) -> None:
    with pytest.raises(Invalid, match="Invalid order_by entity: tag"):
        search_experiments(record.db, order_by=["tags.team"])
