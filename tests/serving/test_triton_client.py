"""Triton's stock client, unchanged."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

ROWS = np.array([[300.0, 31.5, 44.0], [2000.0, 3.25, 51.0]])

pytestmark = pytest.mark.filterwarnings("ignore")  # gevent's


@pytest.fixture
def http() -> Any:
    return pytest.importorskip("tritonclient.http", reason="needs tritonclient[http]")


def test_the_client_finds_the_server_and_the_model(http: Any, numeric_server: Any) -> None:
    client = http.InferenceServerClient(f"127.0.0.1:{numeric_server.port}")
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("flights", "1")
    assert client.get_model_metadata("flights")["versions"] == ["1"]


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("compression", [None, "gzip", "deflate"])
def test_the_client_gets_the_model_s_answer(
    http: Any, tensor_server: Any, binary: bool, compression: str | None
) -> None:
    client = http.InferenceServerClient(f"127.0.0.1:{tensor_server.port}")
    given = http.InferInput("input-0", [2, 3], "FP64")
    given.set_data_from_numpy(ROWS, binary_data=binary)
    wanted = [http.InferRequestedOutput("predict", binary_data=binary)]
    answer = client.infer("flights", [given], outputs=wanted, request_compression_algorithm=compression)
    assert np.array_equal(answer.as_numpy("predict"), tensor_server.model.estimator.predict(ROWS))


def test_the_client_says_our_error(http: Any, numeric_server: Any) -> None:
    client = http.InferenceServerClient(f"127.0.0.1:{numeric_server.port}")
    given = http.InferInput("wind", [1], "FP64")
    given.set_data_from_numpy(np.array([1.0]))
    with pytest.raises(Exception, match="missing 2 columns: distance, dew"):
        client.infer("flights", [given])
