"""How an attempt at a step went."""

from __future__ import annotations

from typing import Any

import msgspec

from pavedroad.pipelines.values.model import Value


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How an attempt went: a result, or an error."""

    result: Any = None
    has_result: bool = False  # whether `result` is the object itself
    value: Value | None = None  # what is on the shelf
    error: BaseException | None = None
    traceback: str = ""  # of another process; empty: the error has its own
    peak_bytes: int = 0
    used_mlflow: bool = False
    may_retry: bool = True

    @classmethod
    def failure(cls, error: BaseException) -> Ended:
        """A failure that trying again will not mend."""
        return cls(error=error, may_retry=False)
