"""What a step returns so that its run, and the model it made, carry measured numbers."""

from __future__ import annotations

from typing import Any

import msgspec


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """How good a model is, and on which data that was measured.

    The metrics become the run's; the data are only digested, so that a gate can tell whether two models were
    measured on the same rows.
    """

    metrics: dict[str, float]
    data: Any  # the frame, table or array evaluated on
    name: str = "evaluation"  # of the data set
