from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pavedroad.models.signature import Field, Signature
from pavedroad.registry import ColumnSeen, Context, DataSeen, Outcome
from pavedroad.registry.gates.contract import CONTRACT

Make = Callable[..., Context]
Ask = Callable[..., Outcome]
BOTH: dict[str, Any] = {"delay": {}, "carrier": {}}


def data(**columns: ColumnSeen) -> Callable[[], list[DataSeen]]:
    return lambda: [DataSeen(source="input example", rows=5, columns=columns)]


@pytest.fixture
def agree(ask: Ask, context: Make) -> Callable[..., Outcome]:
    """What the contract says about these columns."""

    def answer(columns: dict[str, Any], **different: Any) -> Outcome:
        return ask(CONTRACT, {"columns": columns}, context(**different))

    return answer


def test_the_agreed_columns_pass(agree: Callable[..., Outcome]) -> None:
    outcome = agree({"delay": {"type": "double"}, "carrier": {"type": "string"}})
    assert (outcome.verdict, outcome.says) == ("open", "2 columns as agreed")


@pytest.mark.parametrize(
    ("columns", "problem"),
    [
        ({**BOTH, "wind": {}}, "the model does not take wind"),
        ({"delay": {}}, "the model needs carrier, which the contract does not promise"),
        ({**BOTH, "delay": {"type": "string"}}, "delay is double, not string"),
        ({**BOTH, "carrier": {"type": "number"}}, "carrier is string, not number"),
    ],
)
def test_columns_that_differ_from_the_signature_close_it(
    agree: Callable[..., Outcome], columns: dict[str, Any], problem: str
) -> None:
    outcome = agree(columns)
    assert (outcome.verdict, outcome.inputs["problems"]) == ("closed", [problem])


def test_an_optional_column_may_be_missing(agree: Callable[..., Outcome]) -> None:
    assert agree({**BOTH, "wind": {"optional": True}}).verdict == "open"


@pytest.mark.parametrize("written", ["double", "float64", "number"])
def test_types_have_the_names_people_use(agree: Callable[..., Outcome], written: str) -> None:
    assert agree({**BOTH, "delay": {"type": written}}).verdict == "open"


@pytest.mark.parametrize(
    ("column", "seen", "problem"),
    [
        ({"nulls": False}, ColumnSeen(nulls=2), "delay has 2 nulls (input example)"),
        ({"min": 0}, ColumnSeen(minimum=-3), "delay goes down to -3, below 0 (input example)"),
        ({"max": 9}, ColumnSeen(maximum=10.5), "delay goes up to 10.5, above 9 (input example)"),
        ({"max": 9}, ColumnSeen(maximum=float("nan")), "delay goes up to NaN, above 9 (input example)"),
        (
            {"one_of": [1, 2]},
            ColumnSeen(values=(1, 3)),
            "delay has 3, not one of those agreed (input example)",
        ),
        (
            {"one_of": [True]},
            ColumnSeen(values=(1,)),
            "delay has 1, not one of those agreed (input example)",
        ),
        (
            {"one_of": ["UA"]},
            ColumnSeen(values=("UA", "DL")),
            "delay has 'DL', not one of those agreed (input example)",
        ),
    ],
)
def test_values_outside_close_it(
    agree: Callable[..., Outcome], column: dict[str, Any], seen: ColumnSeen, problem: str
) -> None:
    outcome = agree({**BOTH, "delay": column}, read_data=data(delay=seen))
    assert (outcome.verdict, outcome.inputs["problems"]) == ("closed", [problem])


def test_values_within_pass_and_say_where_they_were_seen(agree: Callable[..., Outcome]) -> None:
    column = {"nulls": False, "min": 0, "max": 9, "one_of": [1, 2.0]}
    seen = ColumnSeen(nulls=0, minimum=1, maximum=2, values=(1, 2))
    outcome = agree({**BOTH, "delay": column}, read_data=data(delay=seen))
    assert outcome.says == "2 columns as agreed, values seen in input example"


@pytest.mark.parametrize("column", [{"nulls": False}, {"min": 0}, {"max": 9}, {"one_of": [1]}])
def test_a_promise_that_no_recorded_data_shows_is_unknown(
    agree: Callable[..., Outcome], column: dict[str, Any]
) -> None:
    for read_data in (list, data(carrier=ColumnSeen()), data(delay=ColumnSeen())):
        outcome = agree({**BOTH, "delay": column}, read_data=read_data)
        assert (outcome.verdict, outcome.says) == ("unknown", "no recorded data shows the values of delay")


def test_a_model_without_named_columns_is_unknown(agree: Callable[..., Outcome]) -> None:
    for signature in (None, Signature(), Signature(inputs=(Field(type="float64", shape=(-1, 2)),))):
        assert agree(BOTH, read_signature=lambda signature=signature: signature).verdict == "unknown"
