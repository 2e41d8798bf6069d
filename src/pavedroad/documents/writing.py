"""Writing a site: choose the format, render every document, and put the files down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pavedroad.documents.html import HtmlRenderer
from pavedroad.documents.markdown import MarkdownRenderer
from pavedroad.documents.model import Document, Renderer
from pavedroad.errors import ConfigError, Invalid, Unavailable, did_you_mean

ENTRY_POINTS = "pavedroad.renderers"
OWN: dict[str, Callable[[], Renderer]] = {"html": HtmlRenderer, "markdown": MarkdownRenderer}


def formats() -> list[str]:
    return [*OWN, *(point.name for point in entry_points(group=ENTRY_POINTS))]


def find_renderer(name: str) -> Renderer:
    """One of ours, else one that an installed package brings.

    Raises: Invalid with the nearest name; ConfigError when a package's renderer cannot be loaded.
    """
    if name in OWN:
        return OWN[name]()
    for point in entry_points(group=ENTRY_POINTS):
        if point.name == name:
            return _load(point)
    raise Invalid(f"unknown format {name!r}", hint=did_you_mean(name, formats()))


def _load(point: EntryPoint) -> Renderer:
    where = f"renderer {point.name!r} of {point.dist.name if point.dist else point.value}"
    try:
        made: Renderer = point.load()()
    except Exception as error:  # whatever another package does when it is imported
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(
            f"{where} cannot be loaded: {said}", hint="update or remove that package"
        ) from error
    missing = [name for name in ("suffix", "render", "other_files") if not hasattr(made, name)]
    if missing:
        raise ConfigError(f"{where} has no {', '.join(missing)}", hint="docs/documents.md shows the shape")
    return made


def write_site(documents: Sequence[Document], renderer: Renderer, out: Path) -> list[Path]:
    """Write every document below `out`; the files written. Files of other names there stay.

    Raises: Unavailable when the folder cannot be written.
    """
    contents = {
        f"{each.path}{renderer.suffix}": renderer.render(each, documents).encode() for each in documents
    }
    written = []
    for path, content in {**contents, **renderer.other_files()}.items():
        target = out / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise Unavailable(
                f"cannot write {target}: {error.strerror}", hint="choose another --out"
            ) from None
        written.append(target)
    return written
