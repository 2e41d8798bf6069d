"""Whether a metric is better the higher or the lower."""

from __future__ import annotations

import math

import pytest

from pavedroad.tracking.direction import GREATER_TAG, PRIMARY_TAG, Direction, best_of, direction_of


@pytest.mark.parametrize(
    ("key", "better"),
    [
        ("auc", "higher"),
        ("val/roc_auc", "higher"),
        ("valAccuracy", "higher"),
        ("test_f1_score", "higher"),
        ("explained_variance", "higher"),
        ("log_loss", "lower"),
        ("train/loss", "lower"),
        ("rmse", "lower"),
        ("validation-RMSE", "lower"),
        ("f1_error", "lower"),
        ("fit_seconds", "lower"),
        ("neg_mean_squared_error", "higher"),
    ],
)
def test_a_name_tells_the_direction(key: str, better: str) -> None:
    assert direction_of(key) == Direction(better, "by its name")


@pytest.mark.parametrize("key", ["rows", "late_share", "depth", "epoch", "closest", "map_size"[4:]])
def test_a_name_that_tells_nothing_has_no_direction(key: str) -> None:
    assert direction_of(key) is None


def test_what_was_said_counts_more_than_the_experiment_and_that_more_than_the_name() -> None:
    tags = [{PRIMARY_TAG: "loss", GREATER_TAG: "True"}]
    assert direction_of("loss", experiment_tags=tags) == Direction("higher", "the experiment's main metric")
    assert direction_of("auc", experiment_tags=tags) == Direction("higher", "by its name")
    assert direction_of("loss", lower=["loss"], experiment_tags=tags) == Direction("lower", "you said so")


def test_the_best_is_the_extreme_in_its_direction_and_nan_never_is() -> None:
    values = [0.5, None, math.nan, 0.9, 0.9]
    assert best_of(values, Direction("higher", "")) == [3, 4]
    assert best_of(values, Direction("lower", "")) == [0]


def test_without_a_direction_or_a_difference_nothing_is_best() -> None:
    assert best_of([1.0, 2.0], None) == []
    assert best_of([1.0, 1.0, None], Direction("higher", "")) == []
