"""The examples of docs/webhooks.md."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from pavedroad.registry.webhook_delivery import signature

PAGE = Path(__file__).parent.parent.parent / "docs" / "webhooks.md"
CREATE, CHECK = re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_webhook_of_the_page_is_made(live: Any, paved: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow")
    mlflow.set_tracking_uri(live.url)
    exec(CREATE, {})
    (shown,) = paved("webhooks", "--json").json
    assert (shown["name"], shown["has_secret"], shown["deliveries"]) == ("deploy", True, [])
    assert paved("webhooks").out.splitlines()[1].split()[:3] == ["deploy", "hooks.example.org", "active"]


def test_the_check_of_the_page_takes_our_signature_and_no_other() -> None:
    names: dict[str, Any] = {}
    exec(CHECK, names)
    body = json.dumps({"a": 1}).encode()
    now, old = str(int(time.time())), str(int(time.time()) - 3600)
    headers = {"X-MLflow-Delivery-Id": "d", "X-MLflow-Timestamp": now}
    headers["X-MLflow-Signature"] = signature("s", "d", now, body)
    assert names["is_genuine"](headers, body, "s")
    assert not names["is_genuine"](headers, body + b" ", "s")
    assert not names["is_genuine"](headers, body, "other")
    replayed = {**headers, "X-MLflow-Timestamp": old, "X-MLflow-Signature": signature("s", "d", old, body)}
    assert not names["is_genuine"](replayed, body, "s")
