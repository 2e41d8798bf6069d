"""Whether a metric is better the higher or the lower, and how we know."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import msgspec

from pavedroad.tracking.columns import Cell

HIGHER, LOWER = "higher", "lower"
# What MLflow's experiments may say of their main metric.
PRIMARY_TAG = "mlflow.experiment.primaryMetric.name"
GREATER_TAG = "mlflow.experiment.primaryMetric.greaterIsBetter"
# fmt: off
LOWER_WORDS = frozenset((
    "loss", "logloss", "crossentropy", "entropy", "error", "err", "mse", "rmse", "mae", "mape", "smape",
    "rmsle", "msle", "deviance", "brier", "perplexity", "latency", "seconds", "duration", "runtime", "cost",
    "regret", "wer", "cer", "fpr", "fnr", "ece", "misclassified", "divergence",
))
HIGHER_WORDS = frozenset((
    "auc", "auroc", "auprc", "aucpr", "roc", "accuracy", "acc", "f1", "fbeta", "precision", "recall", "r2",
    "score", "map", "ndcg", "mrr", "bleu", "rouge", "iou", "dice", "gini", "kappa", "mcc", "sensitivity",
    "specificity", "reward", "lift", "tpr", "tnr", "likelihood", "throughput", "explained",
))
# fmt: on
_WORDS = re.compile(r"[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


class Direction(msgspec.Struct, frozen=True):
    better: str  # higher or lower
    because: str


def direction_of(
    key: str,
    *,
    higher: Collection[str] = (),
    lower: Collection[str] = (),
    experiment_tags: Sequence[Mapping[str, str]] = (),
) -> Direction | None:
    """As asked, else as an experiment says of its main metric, else by the words in the name; else None.

    `neg_mean_squared_error` is better the higher: scikit-learn's scorers turn errors so.
    """
    if key in higher:
        return Direction(HIGHER, "you said so")
    if key in lower:
        return Direction(LOWER, "you said so")
    for tags in experiment_tags:
        if tags.get(PRIMARY_TAG) == key and tags.get(GREATER_TAG, "").lower() in ("true", "false"):
            is_higher = tags[GREATER_TAG].lower() == "true"
            return Direction(HIGHER if is_higher else LOWER, "the experiment's main metric")
    return _by_name(key)


def _by_name(key: str) -> Direction | None:
    words = [word.lower() for word in _WORDS.findall(key)]
    if any(word in LOWER_WORDS for word in words):
        return Direction(HIGHER if words[0] == "neg" else LOWER, "by its name")
    if any(word in HIGHER_WORDS for word in words):
        return Direction(HIGHER, "by its name")
    return None


def best_of(values: Sequence[Cell], direction: Direction | None) -> list[int]:
    """The places of the best values; none when all are equal or the direction is unknown. NaN never is."""
    if direction is None:
        return []
    numbers = {
        at: float(value)
        for at, value in enumerate(values)
        if isinstance(value, (int, float)) and value == value
    }
    if len(set(numbers.values())) < 2:
        return []
    best = max(numbers.values()) if direction.better == HIGHER else min(numbers.values())
    return [at for at, value in numbers.items() if value == best]
