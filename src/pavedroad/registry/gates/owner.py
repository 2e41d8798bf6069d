"""Is there somebody to call?"""

from __future__ import annotations

import msgspec

from pavedroad.registry.gate import Context, Gate, Outcome, closed, opened


class OwnerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """No keys: `owner = true`."""


def evaluate(policy: OwnerPolicy, context: Context) -> Outcome:
    if context.owner:
        return opened(f"owned by {context.owner}", owner=context.owner)
    name = context.version.name
    return closed(
        f"neither model {name!r} nor its project has an owner",
        next_step=f"run `paved own model/{name} TEAM`, or set owner in [tool.paved] and run again",
    )


OWNER = Gate(
    name="owner", asks="Does the model or its project have an owner?", policy=OwnerPolicy, evaluate=evaluate
)
