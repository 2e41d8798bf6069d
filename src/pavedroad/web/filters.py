"""What templates may call, by name."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import msgspec
from markupsafe import Markup, escape

from pavedroad.kit import clock, svg
from pavedroad.kit.chart import aligned, short
from pavedroad.kit.http import segment
from pavedroad.kit.text import count, middle_cut, size
from pavedroad.web.states import KIND_MARKS, chip, state_of


def ago(at_ms: int | None) -> Markup:
    """How long ago; the exact time on hover."""
    if not at_ms:
        return Markup('<span class="muted">never</span>')
    iso = clock.utc_iso(at_ms)
    exact = iso.replace("T", " ").replace(".000", "").replace("Z", " UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(iso, exact, clock.how_long_ago(at_ms))


def shortened(name: str, width: int = 40) -> Markup | str:
    """A name cut in its middle; the whole of it on hover and when copied from there."""
    if len(name) <= width:
        return name
    return Markup('<span title="{}">{}</span>').format(name, middle_cut(name, width))


def number(value: float | int | None) -> str:
    return "" if value is None else short(value)


def exactly(value: float | int) -> str:
    """Every digit, for hover."""
    return repr(value)


def cell(text: str) -> Markup | str:
    """A cell of a table as it is; a number with many digits shortened, the whole of it on hover."""
    if len(text) <= 10:
        return text
    try:
        value = float(text)
    except ValueError:
        return shortened(text)
    return Markup('<span title="{}">{:.6g}</span>').format(text, value)


def shell(word: str) -> str:
    """A word as a shell takes it."""
    return shlex.quote(word)


def kind_mark(kind: str) -> svg.Svg:
    return svg.mark(KIND_MARKS.get(kind, "ring"))


def state_mark(key: str) -> Markup:
    """Only the shape of a state; its word is said to those who do not see it."""
    state = state_of(key)
    return Markup('{}<span class="hidden">{}: </span>').format(
        svg.mark(state.mark, class_=f"mark {state.tone}"), state.word
    )


def ticked(text: str) -> Markup:
    """Text whose `commands` in backticks are set as code."""
    parts = text.split("`")
    pieces = (
        Markup("<code>{}</code>").format(part) if at % 2 else escape(part) for at, part in enumerate(parts)
    )
    return Markup("").join(pieces)


def indented(value: Any) -> str:
    """JSON to read."""
    return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()


def markdown(text: str) -> Markup:
    """Markdown as HTML; HTML inside it is shown as text, and links only lead to http, https and mailto."""
    # 15 ms to import, and few pages have a card.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    parser.validateLink = _leads_outside  # type: ignore[assignment, method-assign]
    tokens = parser.parse(text)
    for token in (found for outer in tokens for found in (outer, *(outer.children or ()))):
        if token.type == "link_open":
            token.attrs["rel"] = "noopener noreferrer nofollow"
        # A column's alignment is written as a style, which the page's policy does not allow.
        if "right" in str(token.attrs.pop("style", "")):
            token.attrs["class"] = "number"
        # The page has its own first and second headings.
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return Markup(parser.renderer.render(tokens, parser.options, {}))  # noqa: S704 (markdown-it escaped it)


def _leads_outside(address: str) -> bool:
    return address.lower().startswith(("http://", "https://", "mailto:"))


FILTERS: tuple[tuple[str, Callable[..., Any]], ...] = (
    ("ago", ago),
    ("aligned", aligned),
    ("cell", cell),
    ("count", count),
    ("duration", clock.duration),
    ("exactly", exactly),
    ("indented", indented),
    ("kind_mark", kind_mark),
    ("mark", svg.mark),
    ("markdown", markdown),
    ("middle_cut", middle_cut),
    ("number", number),
    ("segment", segment),
    ("shell", shell),
    ("shortened", shortened),
    ("size", size),
    ("state", chip),
    ("state_mark", state_mark),
    ("ticked", ticked),
)
