"""Addresses."""

from __future__ import annotations

from urllib.parse import quote


def segment(part: str) -> str:
    """A name as one part of a path. A final `.json` is spelt so that it does not ask for JSON."""
    quoted = quote(part, safe="")
    return f"{quoted[:-5]}%2Ejson" if quoted.endswith(".json") else quoted
