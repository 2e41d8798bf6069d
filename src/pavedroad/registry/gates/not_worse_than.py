"""Is the model at least as good as the one it would replace, measured on the same data?"""

from __future__ import annotations

import math
import re
from typing import Annotated

import msgspec

from pavedroad.registry.gate import Context, Gate, Measured, Outcome, closed, number, opened, unknown
from pavedroad.registry.gates.metric import only_value

# Words in a metric's name that tell its direction.
HIGHER_WORDS = re.compile(
    "accuracy|acc|auc|prauc|aucpr|f1|f2|fbeta|precision|recall|sensitivity|specificity|ap|map|ndcg|mrr|r2|score|kappa|mcc"
    "|jaccard|iou|dice|bleu|rouge|gini|ks|lift|likelihood|hit"
)
LOWER_WORDS = re.compile(
    "loss|logloss|error|err|rmse|mse|mae|mape|smape|wape|rmsle|msle|medae|brier|hinge|deviance|perplexity|distance"
    "|latency|misclassification|hamming|fpr|fnr|wer|cer|crps|pinball"
)


class NotWorseThanPolicy(msgspec.Struct, frozen=True, kw_only=True):
    metric: str
    alias: str = "champion"
    tolerance: Annotated[float, msgspec.Meta(ge=0)] = 0.0  # in the metric's own unit
    higher_is_better: bool | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.tolerance):
            raise ValueError(f"tolerance {self.tolerance} is not a finite number")
        if self.higher_is_better is None and is_higher_better(self.metric) is None:
            raise ValueError(f"say higher_is_better = true or false: {self.metric!r} does not tell")

    @property
    def is_higher_better(self) -> bool:
        return bool(is_higher_better(self.metric) if self.higher_is_better is None else self.higher_is_better)


def is_higher_better(metric: str) -> bool | None:
    """By the words in its name (`val_roc_auc` yes, `test/log_loss` no); None when they do not tell."""
    words = re.split(r"[^a-z0-9]+", metric.lower())
    higher, lower = any(map(HIGHER_WORDS.fullmatch, words)), any(map(LOWER_WORDS.fullmatch, words))
    if lower and {"neg", "negative"} & set(words):  # scikit-learn's neg_log_loss
        return True
    return higher if higher != lower else None


def evaluate(policy: NotWorseThanPolicy, context: Context) -> Outcome:
    champion = context.champion_of(policy.alias)
    if champion is None:
        return opened(f"no {policy.alias} yet", alias=policy.alias)
    ours, theirs = only_value(context.candidate, policy.metric), only_value(champion, policy.metric)
    if isinstance(ours, Outcome):
        return ours
    if isinstance(theirs, Outcome):
        return theirs
    found = {
        "metric": policy.metric,
        "candidate": msgspec.to_builtins(ours),
        policy.alias: {**msgspec.to_builtins(theirs), "version": champion.title},
        "tolerance": policy.tolerance,
        "higher_is_better": policy.is_higher_better,
    }
    difference = _different_data(policy, context, ours, theirs, champion.title)
    if difference is not None:
        return msgspec.structs.replace(difference, inputs=found)
    loss = theirs.value - ours.value if policy.is_higher_better else ours.value - theirs.value
    has = f"{champion.title} ({policy.alias}) has {number(theirs.value)}"
    said = f"{policy.metric} is {number(ours.value)}, {has}"
    # Compared this way round, NaN on our side is never good enough, and NaN on theirs is easily beaten.
    if math.isnan(theirs.value) and not math.isnan(ours.value):
        return opened(f"{said}: better than nothing", **found)
    if loss <= policy.tolerance or ours.value == theirs.value:
        same = f", within the tolerance of {number(policy.tolerance)}" if loss > 0 else ""
        return opened(f"{said}{same}, on the same data", **found)
    return closed(
        f"{said}: worse by {number(loss)}, tolerance {number(policy.tolerance)}",
        next_step=f"train a better model, or allow it with `paved exempt {context.version} not_worse_than`",
        **found,
    )


def _different_data(
    policy: NotWorseThanPolicy, context: Context, ours: Measured, theirs: Measured, title: str
) -> Outcome | None:
    """None when both were measured on the same evaluation data."""
    for measured, whose in ((ours, str(context.version)), (theirs, title)):
        if not measured.datasets:
            return unknown(
                f"the run of {whose} does not say on which data {policy.metric} was measured",
                next_step="return paved.Evaluation(metrics=..., data=...) from the step, or call "
                'mlflow.log_input(dataset, context="eval")',
            )
    if set(ours.datasets) == set(theirs.datasets):
        return None
    return closed(
        f"{policy.metric} was measured on other data: {_digests(ours)}, but {_digests(theirs)} for {title}",
        next_step=f"evaluate both on the same data: run what made {title} again, or this one on its data",
    )


def _digests(measured: Measured) -> str:
    return "+".join(sorted(measured.datasets))


NOT_WORSE_THAN = Gate(
    name="not_worse_than",
    asks="Is it at least as good as the champion, on the same data?",
    policy=NotWorseThanPolicy,
    evaluate=evaluate,
    takes_many=True,
)
