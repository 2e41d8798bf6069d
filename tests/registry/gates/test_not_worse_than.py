from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from pavedroad.registry import Context, Measured, Outcome, Subject
from pavedroad.registry.gates.not_worse_than import NOT_WORSE_THAN, is_higher_better

Make = Callable[..., Context]
Ask = Callable[..., Outcome]


def measured(title: str, key: str, value: float, *, data: tuple[str, ...] = ("d1",)) -> Subject:
    one = Measured(key=key, value=value, run_id="r", where="run", datasets=data)
    return Subject(title=title, metrics={key: [one]})


@pytest.fixture
def compare(ask: Ask, context: Make) -> Callable[..., Outcome]:
    def answer(
        ours: float, theirs: float, *, metric: str = "auc", data: tuple[str, ...] = ("d1",), **policy: object
    ) -> Outcome:
        champion = measured("flights@2", metric, theirs)
        return ask(
            NOT_WORSE_THAN,
            {"metric": metric, **policy},
            context(
                candidate=measured("flights@3", metric, ours, data=data), champion_of=lambda alias: champion
            ),
        )

    return answer


def test_the_first_candidate_passes(ask: Ask, context: Make) -> None:
    outcome = ask(NOT_WORSE_THAN, {"metric": "auc"}, context())
    assert (outcome.verdict, outcome.says) == ("open", "no champion yet")


@pytest.mark.parametrize(
    ("ours", "theirs", "policy", "verdict"),
    [
        (0.9, 0.8, {}, "open"),
        (0.8, 0.8, {}, "open"),
        (0.79, 0.8, {}, "closed"),
        (0.79, 0.8, {"tolerance": 0.02}, "open"),
        (0.77, 0.8, {"tolerance": 0.02}, "closed"),
        (0.9, 0.8, {"higher_is_better": False}, "closed"),
        (0.3, 0.4, {"metric": "log_loss"}, "open"),
        (0.5, 0.4, {"metric": "log_loss"}, "closed"),
        (0.5, 0.4, {"metric": "log_loss", "tolerance": 0.2}, "open"),
        (math.nan, 0.8, {}, "closed"),
        (0.1, math.nan, {}, "open"),
        (math.nan, math.nan, {}, "closed"),
        (math.inf, math.inf, {}, "open"),
    ],
)
def test_a_candidate_is_compared_with_the_champion(
    compare: Callable[..., Outcome], ours: float, theirs: float, policy: dict[str, object], verdict: str
) -> None:
    assert compare(ours, theirs, **policy).verdict == verdict


def test_a_worse_one_says_by_how_much(compare: Callable[..., Outcome]) -> None:
    says = compare(0.79, 0.8).says
    assert says == "auc is 0.79, flights@2 (champion) has 0.8: worse by 0.01, tolerance 0"


def test_other_evaluation_data_closes_it_with_both_digests(compare: Callable[..., Outcome]) -> None:
    outcome = compare(0.9, 0.8, data=("d2",))
    assert outcome.verdict == "closed"
    assert outcome.says == "auc was measured on other data: d2, but d1 for flights@2"


def test_without_evaluation_data_it_is_unknown_however_good(compare: Callable[..., Outcome]) -> None:
    outcome = compare(0.99, 0.8, data=())
    assert outcome.verdict == "unknown"
    assert "flights@3 does not say on which data auc was measured" in outcome.says


def test_a_champion_without_the_metric_leaves_it_unknown(ask: Ask, context: Make) -> None:
    bare = Subject(title="flights@2")
    outcome = ask(NOT_WORSE_THAN, {"metric": "auc"}, context(champion_of=lambda alias: bare))
    assert (outcome.verdict, outcome.says) == ("unknown", "no run of flights@2 logged 'auc'")


def test_another_alias_can_be_the_measure(ask: Ask, context: Make) -> None:
    asked: list[str] = []

    def champion_of(alias: str) -> Subject | None:
        asked.append(alias)
        return measured("flights@1", "auc", 0.95)

    outcome = ask(
        NOT_WORSE_THAN,
        {"metric": "auc", "alias": "challenger"},
        context(candidate=measured("flights@3", "auc", 0.9), champion_of=champion_of),
    )
    assert (asked, outcome.verdict) == (["challenger"], "closed")


@pytest.mark.parametrize(
    ("metric", "answer"),
    [
        ("auc", True),
        ("val_roc_auc", True),
        ("test/accuracy", True),
        ("f1_score", True),
        ("rmse", False),
        ("val-loss", False),
        ("log_loss", False),
        ("mean_absolute_error", False),
        ("neg_log_loss", True),
        ("error_score", None),
        ("revenue", None),
        ("", None),
    ],
)
def test_the_words_of_a_name_tell_its_direction(metric: str, answer: bool | None) -> None:
    assert is_higher_better(metric) is answer
