"""Are the files still those that were registered?"""

from __future__ import annotations

import msgspec

from pavedroad.kit.text import count, size
from pavedroad.registry.gate import Context, Gate, Outcome, closed, listed, opened, unknown


class DigestPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """No keys: `digest = true`."""


def evaluate(policy: DigestPolicy, context: Context) -> Outcome:
    version = context.version
    if not context.files:
        if context.is_prompt:
            return opened("a prompt has no files")
        return unknown(
            f"no files of {version} are kept on this record; its source is {version.source!r}",
            next_step="log the model to this server and register that: `paved register RUN`",
            source=version.source,
        )
    damaged = context.damaged_files()
    if damaged:
        return closed(
            f"{count(len(damaged), 'file')} of {len(context.files)} cannot be used: {listed(damaged)}",
            next_step="set PAVED_FILES to the store that the run wrote to, restore it from a backup, or"
            " register the run again",
            damaged=damaged,
        )
    total = sum(file.size_bytes for file in context.files)
    return opened(
        f"{count(len(context.files), 'file')} ({size(total)}) read, all as registered",
        digest=version.digest,
        files=len(context.files),
        size_bytes=total,
    )


DIGEST = Gate(
    name="digest",
    asks="Can every file be read, and is it the one that was registered?",
    policy=DigestPolicy,
    evaluate=evaluate,
    can_be_exempted=False,  # nobody can answer for bytes that are not there
)
