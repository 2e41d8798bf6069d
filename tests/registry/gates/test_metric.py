from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from pavedroad.registry import Context, Measured, Outcome, Subject
from pavedroad.registry.gates.metric import METRIC

Make = Callable[..., Context]
Ask = Callable[..., Outcome]


def candidate(*values: float, key: str = "auc") -> Subject:
    measured = [
        Measured(key=key, value=value, run_id=f"r{number}", where=f"step s{number}")
        for number, value in enumerate(values)
    ]
    return Subject(title="flights@3", metrics={key: measured})


@pytest.mark.parametrize(
    ("bounds", "value", "verdict"),
    [
        ({"at_least": 0.8}, 0.8, "open"),
        ({"at_least": 0.8}, 0.799, "closed"),
        ({"at_most": 0.2}, 0.2, "open"),
        ({"at_most": 0.2}, 0.21, "closed"),
        ({"at_least": 0.2, "at_most": 0.4}, 0.3, "open"),
        ({"at_least": 0.2, "at_most": 0.4}, 0.5, "closed"),
        ({"at_least": 0.8}, math.nan, "closed"),
        ({"at_most": 0.8}, math.nan, "closed"),
        ({"at_most": 0.8}, -math.inf, "open"),
        ({"at_least": -1}, math.inf, "open"),
    ],
)
def test_a_metric_is_compared_with_its_bounds(
    ask: Ask, context: Make, bounds: dict[str, float], value: float, verdict: str
) -> None:
    assert ask(METRIC, {"name": "auc", **bounds}, context(candidate=candidate(value))).verdict == verdict


def test_a_closed_metric_says_value_and_bound(ask: Ask, context: Make) -> None:
    outcome = ask(METRIC, {"name": "auc", "at_least": 0.8}, context(candidate=candidate(0.71)))
    assert outcome.says == "auc is 0.71; it must be at least 0.8"
    assert outcome.inputs["value"] == 0.71


def test_a_metric_that_was_not_logged_is_unknown_and_names_those_that_were(ask: Ask, context: Make) -> None:
    outcome = ask(METRIC, {"name": "f1", "at_least": 0.8}, context())
    assert (outcome.verdict, outcome.says) == ("unknown", "no run of flights@3 logged 'f1'; it logged auc")


def test_a_metric_logged_with_two_values_is_unknown(ask: Ask, context: Make) -> None:
    outcome = ask(METRIC, {"name": "auc", "at_least": 0.1}, context(candidate=candidate(0.9, 0.2)))
    assert outcome.verdict == "unknown"
    assert "0.9 (step s0), 0.2 (step s1)" in outcome.says


def test_inputs_of_nan_can_be_stored(ask: Ask, context: Make) -> None:
    outcome: Any = ask(METRIC, {"name": "auc", "at_least": 0.1}, context(candidate=candidate(math.nan)))
    assert outcome.says == "auc is NaN; it must be at least 0.1"
