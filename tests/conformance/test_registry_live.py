"""A team's paved.toml, a running `paved up`, MLflow's client and `paved promote` on one record."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow's own
GATES = """
[gates]
signature = true
metric = { name = "auc", at_least = 0.8 }
latency = { p99_ms = 2000, requests = 30, concurrency = 2 }
"""


@pytest.fixture
def team(home: Path) -> None:
    home.mkdir()
    (home / "paved.toml").write_text(GATES)


def test_what_paved_promote_measured_lets_the_client_set_the_alias(
    mlflow: Any, team: None, live: Any, paved: Callable[..., Any]
) -> None:
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame({"wind": [1.0, 30.0, 2.0, 35.0], "hour": [6.0, 18.0, 7.0, 19.0]})
    mlflow.set_tracking_uri(live.url)
    mlflow.set_registry_uri(live.url)
    with mlflow.start_run():
        mlflow.log_metric("auc", 0.9)
        mlflow.sklearn.log_model(
            LogisticRegression().fit(frame, [0, 1, 0, 1]),
            name="model",
            input_example=frame.head(2),
            registered_model_name="flights",
            pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )
    client = mlflow.MlflowClient()

    with pytest.raises(mlflow.exceptions.RestException) as caught:
        client.set_registered_model_alias("flights", "champion", "1")
    said = str(caught.value)
    assert "1 gate is closed\n  latency: nobody measured these files in the last 7 days" in said
    assert "run `paved promote flights@1 --to champion`" in said

    ran = paved("promote", "flights@1")
    assert "● open     latency    p99 is" in ran.out
    assert "flights@1 is champion" in ran.out.splitlines()
    assert mlflow.pyfunc.load_model("models:/flights@champion") is not None

    client.delete_registered_model_alias("flights", "champion")
    client.set_registered_model_alias("flights", "champion", "1")
    assert client.get_model_version_by_alias("flights", "champion").version == "1"
