"""SVG as text: escaped by construction, drawn on the server, coloured by the style sheet through classes."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable
from html import escape

Attribute = str | int | float | None


class Svg(str):
    """Finished SVG. A template inserts it as it is (`__html__`)."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def element(tag: str, /, *children: str, **attributes: Attribute) -> Svg:
    """`<tag …>children</tag>`. Children that are not Svg are escaped; `class_` is `class`."""
    written = "".join(
        f' {_name(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None
    )
    inner = "".join(child if isinstance(child, Svg) else escape(child, quote=False) for child in children)
    return Svg(f"<{tag}{written}>{inner}</{tag}>" if inner else f"<{tag}{written}/>")


def group(*children: str, **attributes: Attribute) -> Svg:
    return element("g", *children, **attributes)


def text(x: float, y: float, words: str, *, class_: str | None = None, anchor: str | None = None) -> Svg:
    return element("text", words, x=x, y=y, class_=class_, text_anchor=anchor)


def line(x1: float, y1: float, x2: float, y2: float, *, class_: str | None = None) -> Svg:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def link(href: str, *children: str, class_: str | None = None, label: str | None = None) -> Svg:
    return element("a", *children, href=href, class_=class_, aria_label=label)


def picture(
    *children: str,
    width: float,
    height: float,
    title: str,
    description: str = "",
    class_: str | None = None,
    **attributes: Attribute,
) -> Svg:
    """The outer `<svg>`, scaled by the page; `title` and `description` are its text alternative."""
    return element(
        "svg",
        element("title", title),
        element("desc", description) if description else Svg(""),
        *children,
        viewBox=f"0 0 {number(width)} {number(height)}",
        width=width,
        height=height,
        class_=class_,
        role="group",
        aria_label=title,
        xmlns="http://www.w3.org/2000/svg",
        **attributes,
    )


def number(value: float) -> str:
    """At most two decimals: a hundredth of a pixel is never seen and makes a page heavy."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def points(pairs: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{number(float(round(x, 1)))},{number(float(round(y, 1)))}" for x, y in pairs)


# ---------------------------------------------------------------------------------------------------- marks

# Shapes in a 12 x 12 box that can be told apart without colour and at 10 px.
_OCTAGON = "M3.7.5h4.6l3.2 3.2v4.6l-3.2 3.2H3.7L.5 8.3V3.7z"
_MARKS = {
    "disc": '<circle cx="6" cy="6" r="4.5"/>',
    "ring": '<circle cx="6" cy="6" r="4" class="hollow"/>',
    "half": '<circle cx="6" cy="6" r="4" class="hollow"/><path d="M6 2a4 4 0 0 1 0 8z"/>',
    "triangle": '<path d="M6 1l5.5 10H.5z"/>',
    "octagon": f'<path d="{_OCTAGON}M3 5v2h6V5z" fill-rule="evenodd"/>',
    "diamond": '<path d="M6 .5L11.5 6 6 11.5.5 6z"/>',
    "square": '<path d="M2 2h8v8H2z"/>',
    "box": '<path d="M2.2 2.2h7.6v7.6H2.2z" class="hollow"/>',
    "chevrons": '<path d="M1.5 2l4 4-4 4M6.5 2l4 4-4 4" class="hollow"/>',
    "hexagon": '<path d="M3.5 1.5h5L11 6l-2.5 4.5h-5L1 6z"/>',
    "bars": '<path d="M1.5 2h9v2h-9zM1.5 5h9v2h-9zM1.5 8h9v2h-9z"/>',
    "dash": '<path d="M1.5 6h9" class="hollow"/>',
    "flag": '<path d="M2.5 11.5V.8" class="hollow"/><path d="M2.5 1l8 2.8-8 2.9z"/>',
}
MARKS = tuple(_MARKS)


def mark(name: str, *, class_: str = "mark") -> Svg:
    """A shape to set before a word in running text."""
    return Svg(
        f'<svg class="{class_}" viewBox="0 0 12 12" width="12" height="12" aria-hidden="true">'
        f"{_MARKS[name]}</svg>"
    )


def mark_at(name: str, x: float, y: float, *, class_: str = "mark", scale: float = 1.0) -> Svg:
    """The same shape inside a picture, centred on (x, y)."""
    half = 6 * scale
    grown = f" scale({number(scale)})" if scale != 1.0 else ""
    return Svg(
        f'<g class="{class_}" transform="translate({number(x - half)} {number(y - half)}){grown}">'
        f"{_MARKS[name]}</g>"
    )


# ---------------------------------------------------------------------------------------------------- letters

_NARROW = set("iljItf.,:;'|!()[]/\\ ·")
_BROAD = set("mwMW@%—…")


def text_width(words: str, size: float) -> float:
    """About how wide `words` are in a sans-serif font of this size; errs on the broad side."""
    units = 0.0
    for letter in words:
        if unicodedata.combining(letter):
            continue
        if unicodedata.east_asian_width(letter) in "WF":
            units += 1.0
        elif letter in _NARROW:
            units += 0.33
        elif letter in _BROAD:
            units += 0.92
        elif letter.isupper():
            units += 0.7
        else:
            units += 0.56
    return units * size


def fitted(words: str, width: float, size: float) -> str:
    """`words`, cut in the middle until they fit into `width`."""
    if text_width(words, size) <= width:
        return words
    keep = min(len(words), max(1, math.ceil(width / (0.33 * size))))
    while keep > 1:
        head = (keep + 1) // 2
        tail = keep - head
        cut = f"{words[:head]}…{words[len(words) - tail :] if tail else ''}"
        if text_width(cut, size) <= width:
            return cut
        keep -= 1
    return "…"


def _name(key: str) -> str:
    return "viewBox" if key == "viewBox" else key.rstrip("_").replace("_", "-")


def _value(value: Attribute) -> str:
    return escape(value) if isinstance(value, str) else number(float(value or 0))
