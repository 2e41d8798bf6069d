"""Did other people look at it?"""

from __future__ import annotations

from typing import Annotated

import msgspec

from pavedroad.kit.text import count
from pavedroad.registry.gate import Context, Gate, Outcome, closed, opened


class ApprovalPolicy(msgspec.Struct, frozen=True, kw_only=True):
    people: Annotated[int, msgspec.Meta(ge=1, le=20)] = 1


def evaluate(policy: ApprovalPolicy, context: Context) -> Outcome:
    version = context.version
    # An approval is of these bytes and by somebody else.
    valid = [
        approval.who
        for approval in context.approvals
        if approval.digest == version.digest and approval.who not in context.authors
    ]
    found = {"people": policy.people, "approved_by": valid, "authors": list(context.authors)}
    if len(valid) >= policy.people:
        return opened(f"approved by {', '.join(valid)}", **found)
    return closed(
        f"approved by {', '.join(valid) or 'nobody'}; {count(policy.people, 'person', 'people')} "
        f"other than {' and '.join(context.authors) or 'its author'} must approve",
        next_step=f"ask somebody to look at it and run `paved approve {version}`",
        **found,
    )


APPROVAL = Gate(
    name="approval",
    asks="Did enough people other than the author approve it?",
    policy=ApprovalPolicy,
    evaluate=evaluate,
)
