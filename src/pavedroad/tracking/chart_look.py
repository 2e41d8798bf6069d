"""How curves are looked at: which x, linear or logarithmic, how smooth. All of it stands in the address."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlencode

import msgspec

from pavedroad.errors import Invalid, did_you_mean

XS = ("step", "time", "wall")
SCALES = ("linear", "log")
SMOOTHER = (0.6, 0.9, 0.99)
X = Literal["", "step", "time", "wall"]


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    label: str
    href: str
    is_chosen: bool


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """`x` is "" where nothing was asked: the step, or the time when all steps are the same."""

    x: X = ""
    log: bool = False
    smooth: float = 0.0  # weight of what came before, in [0, 1)

    @property
    def fields(self) -> dict[str, str]:
        """What differs from a page without a query."""
        said = {
            "x": self.x,
            "scale": "log" if self.log else "",
            "smooth": f"{self.smooth:g}" if self.smooth else "",
        }
        return {name: value for name, value in said.items() if value}

    def address(self, path: str, **more: str) -> str:
        """The path with this look, and more that the page keeps in its query."""
        kept = {**self.fields, **{name: value for name, value in more.items() if value}}
        return f"{path}?{urlencode(kept)}" if kept else path


def read_look(query: Mapping[str, str]) -> Look:
    """Raises Invalid."""
    x, scale, smooth = query.get("x", ""), query.get("scale", ""), query.get("smooth", "")
    if x and x not in XS:
        raise Invalid(f"x={x!r} is no axis", hint=did_you_mean(x, XS))
    if scale and scale not in SCALES:
        raise Invalid(f"scale={scale!r} is no scale", hint=did_you_mean(scale, SCALES))
    return Look(x=x, log=scale == "log", smooth=_weight(smooth))  # type: ignore[arg-type]  # one of XS


def choices(look: Look, path: str, at: str = "", **more: str) -> dict[str, list[Choice]]:
    """The links that change one thing and keep the rest, by what they change."""

    def to(label: str, *, is_chosen: bool, **change: object) -> Choice:
        other = msgspec.structs.replace(look, **change)
        return Choice(label=label, href=other.address(path, **more) + at, is_chosen=is_chosen)

    return {
        "x": [
            to("step", is_chosen=look.x == "step", x="step"),
            to("time since the start", is_chosen=look.x == "time", x="time"),
            to("clock", is_chosen=look.x == "wall", x="wall"),
        ],
        "y": [
            to("linear", is_chosen=not look.log, log=False),
            to("log", is_chosen=look.log, log=True),
        ],
        "smoothing": [
            to("none", is_chosen=not look.smooth, smooth=0.0),
            *(to(f"{weight:g}", is_chosen=look.smooth == weight, smooth=weight) for weight in SMOOTHER),
        ],
    }


def _weight(text: str) -> float:
    if not text:
        return 0.0
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not 0 <= weight < 1:
        raise Invalid(f"smooth={text!r} is no weight", hint="smooth is at least 0 and below 1, e.g. 0.6")
    return weight
