"""Is it written down what the model is for?"""

from __future__ import annotations

from typing import Annotated

import msgspec

from pavedroad.kit.text import count
from pavedroad.registry.gate import Context, Gate, Outcome, closed, opened


class ModelCardPolicy(msgspec.Struct, frozen=True, kw_only=True):
    min_words: Annotated[int, msgspec.Meta(ge=1)] = 20


def evaluate(policy: ModelCardPolicy, context: Context) -> Outcome:
    words = len(context.read_card().split())
    found = {"words": words, "min_words": policy.min_words}
    if words >= policy.min_words:
        return opened(f"the model card has {count(words, 'word')}", **found)
    what = f"the model card has {count(words, 'word')}" if words else "there is no model card"
    return closed(
        f"{what}; {policy.min_words} are asked for",
        next_step="say what it is for, what it was trained on and where it fails: as paved.Model(card=...), "
        "in its description, or as README.md among its files",
        **found,
    )


MODEL_CARD = Gate(
    name="model_card",
    asks="Does a description or card say what the model is for?",
    policy=ModelCardPolicy,
    evaluate=evaluate,
)
