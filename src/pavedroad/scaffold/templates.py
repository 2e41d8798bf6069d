"""The project templates, and filling one in.

A template is a folder of files named `<path>.tmpl`. `{{name}}`, `{{package}}`, `{{owner}}` and
`{{pavedroad}}` are replaced, in paths and texts; nothing else is special.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

SUFFIX = ".tmpl"


class Template(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    says: str
    layers: tuple[str, ...]  # folders of templates/; a later one's file replaces an earlier one's


TEMPLATES = (
    Template(name="pipeline", says="load, split, train, evaluate; gates; tests", layers=("pipeline",)),
    Template(
        name="service",
        says="the same, with a latency budget, an example request and tests of the running service",
        layers=("pipeline", "service"),
    ),
)


def fill(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """Path -> text of the new project's files, by path."""
    root = files("pavedroad.scaffold") / "templates"
    found: dict[str, str] = {}
    for layer in template.layers:
        for path, file in _walk(root / layer):
            found[_replaced(path.removesuffix(SUFFIX), values)] = _replaced(file.read_text("utf-8"), values)
    return dict(sorted(found.items()))


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(SUFFIX):
            yield f"{prefix}{entry.name}", entry


def _replaced(text: str, values: Mapping[str, str]) -> str:
    for key, value in values.items():
        text = text.replace(f"{{{{{key}}}}}", value)
    return text
