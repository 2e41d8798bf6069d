"""Values of files that other people wrote: what is not of the wanted kind counts as absent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def as_texts(values: Iterable[Any]) -> tuple[str, ...]:
    return tuple(value for value in values if isinstance(value, str))


def as_tables(value: Any) -> list[dict[str, Any]]:
    return [item for item in as_list(value) if isinstance(item, dict)]


def file_name(url: str) -> str:
    """The last part of a URL or path, without its query and fragment."""
    return unquote(url.partition("#")[0].partition("?")[0].rpartition("/")[2])


def file_names(urls: Iterable[Any]) -> tuple[str, ...]:
    return tuple(file_name(url) for url in urls if isinstance(url, str))
