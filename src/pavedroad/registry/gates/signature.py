"""Does the model say what it takes and what it gives?"""

from __future__ import annotations

import msgspec

from pavedroad.kit.text import count
from pavedroad.registry.gate import Context, Gate, Outcome, closed, opened


class SignaturePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """No keys: `signature = true`."""


def evaluate(policy: SignaturePolicy, context: Context) -> Outcome:
    signature = context.read_signature()
    missing = [side for side in ("inputs", "outputs") if signature is None or not getattr(signature, side)]
    if missing:
        return closed(
            f"the model's signature does not name its {' and '.join(missing)}",
            next_step="return paved.Model(..., example=X) from the step, or log the model with signature=",
            missing=missing,
        )
    assert signature is not None
    takes, gives = len(signature.inputs), len(signature.outputs)
    return opened(
        f"takes {count(takes, 'input')}, gives {count(gives, 'output')}", inputs=takes, outputs=gives
    )


SIGNATURE = Gate(
    name="signature",
    asks="Does the model's signature name its inputs and outputs?",
    policy=SignaturePolicy,
    evaluate=evaluate,
)
