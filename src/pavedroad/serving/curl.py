"""A request that a person can paste."""

from __future__ import annotations

import shlex
from typing import Any

import msgspec


def curl_line(url: str, example: dict[str, Any]) -> str:
    body = msgspec.json.encode(example).decode()
    return f"curl {url}/invocations -H 'Content-Type: application/json' -d {shlex.quote(body)}"
