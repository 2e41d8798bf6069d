"""What every tool is asked to do. Plain functions, so that each tool only adds its own wiring."""

from __future__ import annotations

from typing import Any

CHAIN = 100
FAN_OUT = 200
FRAME_ROWS = 2_500_000  # x 10 columns of 8 bytes = 200 MB


def preload(workload: str) -> None:
    """Import what the workload needs, so that the clock does not count it."""
    if workload in ("frame", "model"):
        import pandas  # noqa: F401
        import sklearn.ensemble  # noqa: F401


def add_one(number: int) -> int:
    return number + 1


def make_frame() -> Any:
    import numpy as np
    import pandas as pd

    numbers = np.random.default_rng(7).standard_normal((10, FRAME_ROWS))
    return pd.DataFrame({f"x{column}": numbers[column] for column in range(10)})


def sum_frame(frame: Any) -> float:
    return float(frame.sum().sum())


def load_cases() -> Any:
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(as_frame=True).frame


def fit(frame: Any) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=100, random_state=7).fit(
        frame.drop(columns="target"), frame["target"]
    )


def score(model: Any, frame: Any) -> float:
    return float(model.score(frame.drop(columns="target"), frame["target"]))
