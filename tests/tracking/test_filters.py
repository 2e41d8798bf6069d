from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavedroad.errors import Invalid
from pavedroad.tracking.filters import (
    ATTRIBUTE,
    DATASET,
    EXPERIMENTS,
    METRIC,
    NULL,
    NUMERIC,
    PARAM,
    RUNS,
    TAG,
    TEXTUAL,
    And,
    Comparison,
    Field,
    Filter,
    Not,
    Or,
    Order,
    parse_filter,
    parse_order,
    print_filter,
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
keys = st.text(st.sampled_from("aZ_9. -/:`'\"é"), min_size=1, max_size=6)
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(-(10**15), 10**15)


def comparisons() -> st.SearchStrategy[Comparison]:
    def of(
        kind: str, key: st.SearchStrategy[str], operators: frozenset[str], value: st.SearchStrategy[object]
    ):
        return st.builds(
            Comparison, st.builds(Field, st.just(kind), key), st.sampled_from(sorted(operators)), value
        )

    listed = st.lists(texts, min_size=1, max_size=3).map(tuple)
    return st.one_of(
        of(METRIC, keys, NUMERIC, numbers),
        of(PARAM, keys, TEXTUAL, texts),
        of(TAG, keys, TEXTUAL, texts),
        of(TAG, keys, NULL, st.none()),
        of(ATTRIBUTE, st.sampled_from(RUNS.texts), TEXTUAL, texts),
        of(ATTRIBUTE, st.sampled_from(RUNS.texts), frozenset({"IN", "NOT IN"}), listed),
        of(ATTRIBUTE, st.sampled_from(RUNS.numbers), NUMERIC, whole | numbers),
        of(DATASET, st.sampled_from(RUNS.dataset_keys), TEXTUAL, texts),
    )


def filters() -> st.SearchStrategy[Filter]:
    def combine(part: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
        parts = st.lists(part, min_size=2, max_size=3).map(tuple)
        return st.builds(Not, part) | st.builds(And, parts) | st.builds(Or, parts)

    return st.recursive(comparisons(), combine, max_leaves=8)


@given(filters())
def test_a_filter_survives_printing_and_parsing(condition: Filter) -> None:
    assert parse_filter(print_filter(condition)) == condition


@given(st.text(max_size=40) | st.text(st.sampled_from("metrics.a ='`\"()<>!0 ANDORTILKEnul,"), max_size=40))
def test_any_text_is_a_filter_or_refused(text: str) -> None:
    with contextlib.suppress(Invalid):
        parse_filter(text)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_an_empty_filter_is_none(text: str) -> None:
    assert parse_filter(text) is None


@pytest.mark.parametrize(
    ("text", "comparison"),
    [
        ("metrics.acc > 0.9", Comparison(Field(METRIC, "acc"), ">", 0.9)),
        ("metric.acc<=-1e-3", Comparison(Field(METRIC, "acc"), "<=", -0.001)),
        ("metrics.`val loss` = 1", Comparison(Field(METRIC, "val loss"), "=", 1.0)),
        ('metrics."val/loss" = .5', Comparison(Field(METRIC, "val/loss"), "=", 0.5)),
        ("`metrics`.a.b != 2", Comparison(Field(METRIC, "a.b"), "!=", 2.0)),
        ("param.lr = '0.1'", Comparison(Field(PARAM, "lr"), "=", "0.1")),
        ('parameters.lr = "it\'s"', Comparison(Field(PARAM, "lr"), "=", "it's")),
        ("params.x = 'it''s'", Comparison(Field(PARAM, "x"), "=", "it's")),
        ("tags.a like '%b'", Comparison(Field(TAG, "a"), "LIKE", "%b")),
        ("tag.a is not null", Comparison(Field(TAG, "a"), "IS NOT NULL")),
        ("params.a IS NULL", Comparison(Field(PARAM, "a"), "IS NULL")),
        ("status = 'FINISHED'", Comparison(Field(ATTRIBUTE, "status"), "=", "FINISHED")),
        ("attr.`Run name` ILIKE 'X'", Comparison(Field(ATTRIBUTE, "run_name"), "ILIKE", "X")),
        ("run.Created >= 5", Comparison(Field(ATTRIBUTE, "start_time"), ">=", 5)),
        ("run_id not in ('a', \"b\")", Comparison(Field(ATTRIBUTE, "run_id"), "NOT IN", ("a", "b"))),
        ("datasets.context = 'train'", Comparison(Field(DATASET, "context"), "=", "train")),
    ],
)
def test_every_spelling_of_a_comparison_is_read(text: str, comparison: Comparison) -> None:
    assert parse_filter(text) == comparison


def test_and_binds_tighter_than_or_and_not_tightest() -> None:
    a, b, c = (parse_filter(f"metrics.{name} = 1") for name in "abc")
    assert parse_filter("metrics.a = 1 or metrics.b = 1 and not metrics.c = 1") == Or((a, And((b, Not(c)))))
    assert parse_filter("(metrics.a = 1 OR metrics.b = 1) AND metrics.c = 1") == And((Or((a, b)), c))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metrics.acc > 'x'", "Expected numeric value type for metric. Found 'x'"),
        ("start_time > 'x'", "Expected numeric value type for numeric attribute: start_time. Found 'x'"),
        ("params.lr = 0.1", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value 0.1"),
        ("status = 5", "Expected a quoted string value for attributes"),
        (
            "m.acc > 1",
            "Invalid entity type 'm'. Valid values are ['metric', 'parameter', 'tag', 'attribute',",
        ),
        ("state = 'x'", "Invalid attribute key 'state' specified"),
        ("dataset.size = 'x'", "Invalid dataset key 'size' specified"),
        ("metrics.acc LIKE 'x'", "Invalid comparator 'LIKE' not one of"),
        ("metrics.acc == 1", "Invalid comparator '==' not one of"),
        ("params.a > 'x'", "Invalid comparator '>' not one of"),
        ("params.a IN ('x')", "Invalid comparator 'IN' not one of"),
        (
            "metrics.a IS NULL",
            "IS NULL / IS NOT NULL is only supported for parameters and tags, not for 'metric' 'a'",
        ),
        ("run_id IN ()", "expected a non-empty list of string values"),
        ("run_id IN ('a'", "expected a non-empty list of string values"),
        ("run_id IN ('a' 'b')", "expected a non-empty list of string values"),
        ("metrics.acc", "Invalid clause(s) in filter string"),
        ("metrics.acc > 1 metrics.b > 2", "Invalid clause(s) in filter string"),
        ("metrics.acc > 1 AND", "expected a field such as metrics.loss"),
        ("(metrics.acc > 1", "expected )"),
        ("params.my-key = 'x'", "found '-key' at character 10"),
        ("metrics.acc > 1;", "Invalid clause(s) in filter string"),
        ("(" * 60 + "metrics.a = 1" + ")" * 60, "more than 40 parentheses in one another"),
        ("NOT " * 60 + "metrics.a = 1", "more than 40 parentheses in one another"),
        (" OR ".join(["metrics.a = 1"] * 2001), "more than 2000 values"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_place(text: str, words: str) -> None:
    with pytest.raises(Invalid) as refused:
        parse_filter(text)
    assert words in refused.value.message


def test_an_unknown_attribute_names_the_nearest() -> None:
    with pytest.raises(Invalid) as refused:
        parse_filter("statsu = 'x'")
    assert refused.value.hint == "did you mean 'status'?"


def test_a_vocabulary_says_what_a_list_knows() -> None:
    assert parse_filter("name LIKE 'a%'", EXPERIMENTS) == Comparison(Field(ATTRIBUTE, "name"), "LIKE", "a%")
    with pytest.raises(Invalid, match="Invalid entity type 'metrics'"):
        parse_filter("metrics.a > 1", EXPERIMENTS)


@pytest.mark.parametrize(
    ("text", "order"),
    [
        ("metrics.loss", Order(Field(METRIC, "loss"))),
        ("metrics.`a b` DESC", Order(Field(METRIC, "a b"), ascending=False)),
        ("params.x asc", Order(Field(PARAM, "x"))),
        ("start_time desc", Order(Field(ATTRIBUTE, "start_time"), ascending=False)),
        ("attributes.created", Order(Field(ATTRIBUTE, "start_time"))),
    ],
)
def test_an_order_clause_is_read(text: str, order: Order) -> None:
    assert parse_order(text) == order


@pytest.mark.parametrize(
    "text", ["", "metrics.a sideways", "metrics.a DESC x", "foo.a", "metrics.a, metrics.b", "nope"]
)
def test_an_order_clause_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_order(text)
