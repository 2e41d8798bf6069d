"""How one thing goes with others, as SVG: a scatter of two axes, parallel coordinates of more."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from pavedroad.kit import svg
from pavedroad.kit.axis import Scale, log_ticks, scale_of, ticks
from pavedroad.kit.chart import LABEL_HEIGHT, apart, short
from pavedroad.kit.svg import Svg
from pavedroad.kit.text import middle_cut

WIDTH, HEIGHT = 640.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 24.0, 28.0, 40.0
MOST_WORDS = 12  # of an axis of texts that are written
LOG_FROM = 100.0  # an axis of positive numbers whose largest is so many times its smallest is logarithmic
ABSENT = "absent"
LARGEST_WORD = 14
TICKS = 5

Value = float | str | None


class Axis(msgspec.Struct, frozen=True, kw_only=True):
    """A thing, and its value for each of those that are drawn; None where one lacks it."""

    label: str
    values: Sequence[Value]


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """One of those that are drawn."""

    letter: str
    name: str
    class_: str  # `s0 d1`: its colour and dash in the style sheet
    href: str


class _Placed(msgspec.Struct, frozen=True):
    """An axis on the picture: where each value stands, and what is written beside it."""

    places: list[float | None]
    ticks: list[tuple[float, str]]
    is_log: bool


def scatter(
    x: Axis, y: Axis, marks: Sequence[Mark], *, title: str, width: float = WIDTH, height: float = HEIGHT
) -> Svg:
    """A mark for each that has both values."""
    xs = _place(x.values, LEFT, width - RIGHT)
    ys = _place(y.values, height - BOTTOM, TOP)
    parts = [svg.line(LEFT, height - BOTTOM, width - RIGHT, height - BOTTOM, class_="base")]
    for at, words in ys.ticks:
        parts += [
            svg.line(LEFT, at, width - RIGHT, at, class_="grid"),
            svg.text(LEFT - 8, at + 4, words, anchor="end"),
        ]
    parts += [svg.text(at, height - BOTTOM + 16, words, anchor="middle") for at, words in xs.ticks]
    parts += [
        svg.text(4, 14, _named(y, ys), class_="axis"),
        svg.text((LEFT + width - RIGHT) / 2, height - 4, _named(x, xs), class_="axis", anchor="middle"),
    ]
    for at, mark in enumerate(marks):
        across, up = xs.places[at], ys.places[at]
        if across is not None and up is not None:
            parts.append(
                _spot(mark, across, up, f"{x.label} {said(x.values[at])}, {y.label} {said(y.values[at])}")
            )
    return _picture(parts, title, describe([x, y], marks), width, height)


def parallel(
    axes: Sequence[Axis], marks: Sequence[Mark], *, title: str, width: float = WIDTH, height: float = HEIGHT
) -> Svg:
    """An upright axis for each thing, a line for each that is drawn; a gap where it lacks a value."""
    left, right = 32.0, width - 32.0
    gap = (right - left) / max(1, len(axes) - 1)
    columns = [left + index * gap for index in range(len(axes))]
    placed = [_place(axis.values, height - 16, 44.0) for axis in axes]
    lines = [_trace(mark, at, columns, placed, axes) for at, mark in enumerate(marks)]
    parts: list[Svg] = []
    for index, (across, axis, own) in enumerate(zip(columns, axes, placed, strict=True)):
        anchor = "start" if index == 0 else "end" if index == len(axes) - 1 else "middle"
        edge = across - 24 if index == 0 else across + 24 if index == len(axes) - 1 else across
        parts.append(
            svg.text(edge, 16, svg.fitted(_named(axis, own), gap - 8, 12), class_="axis", anchor=anchor)
        )
        parts.append(svg.line(across, 44, across, height - 16, class_="base"))
        is_last = index == len(axes) - 1
        parts += [
            svg.text(
                across - 6 if is_last else across + 6,
                at + 4,
                words,
                class_="halo",
                anchor="end" if is_last else None,
            )
            for at, words in own.ticks
        ]
    letters = _letters(marks, columns[-1] + 6, placed[-1].places, height - 16)
    return _picture([*lines, *parts, *letters], title, describe(axes, marks), width, height)


def describe(axes: Sequence[Axis], marks: Sequence[Mark]) -> str:
    """The same in words: each with its values."""
    return ". ".join(
        f"{mark.letter} {', '.join(f'{axis.label} {said(axis.values[at])}' for axis in axes)}"
        for at, mark in enumerate(marks)
    )


def said(value: Value) -> str:
    return ABSENT if value is None else short(value) if isinstance(value, (int, float)) else value


def numbers_in(values: Sequence[Value]) -> list[float] | None:
    """The values as numbers, those that are absent left out; None when one of them is no finite number."""
    found = []
    for value in values:
        if value is None:
            continue
        try:
            number = float(value)
        except ValueError:
            return None
        if not math.isfinite(number):
            return None
        found.append(number)
    return found or None


def _trace(
    mark: Mark, at: int, columns: Sequence[float], placed: Sequence[_Placed], axes: Sequence[Axis]
) -> Svg:
    runs: list[list[tuple[float, float]]] = [[]]
    for across, own in zip(columns, placed, strict=True):
        place = own.places[at]
        if place is not None:
            runs[-1].append((across, place))
        elif runs[-1]:
            runs.append([])
    words = ", ".join(f"{axis.label} {said(axis.values[at])}" for axis in axes)
    parts = [svg.element("title", f"{mark.letter} {mark.name}: {words}")]
    for run in runs:
        if len(run) > 1:
            parts.append(svg.element("polyline", points=svg.points(run), class_=f"curve {mark.class_}"))
        parts += [svg.element("circle", cx=x, cy=y, r=3, class_=f"dot {mark.class_}") for x, y in run]
    return svg.link(mark.href, *parts, class_="trace", label=f"{mark.letter} {mark.name}")


def _letters(marks: Sequence[Mark], x: float, places: Sequence[float | None], foot: float) -> list[Svg]:
    """At the ends of the lines, moved apart where they would lie on one another."""
    ends = sorted((place, at) for at, place in enumerate(places) if place is not None)
    return [
        svg.text(x, y + 4, marks[at].letter, class_=f"label {marks[at].class_}")
        for y, (_, at) in zip(apart([place for place, _ in ends], LABEL_HEIGHT, foot=foot), ends, strict=True)
    ]


def _spot(mark: Mark, x: float, y: float, words: str) -> Svg:
    return svg.link(
        mark.href,
        svg.element("title", f"{mark.letter} {mark.name}: {words}"),
        svg.element("circle", cx=x, cy=y, r=5, class_=f"dot {mark.class_}"),
        svg.text(x + 8, y + 4, mark.letter, class_=f"label {mark.class_}"),
        class_="trace",
        label=f"{mark.letter} {mark.name}",
    )


def _picture(parts: Sequence[Svg], title: str, description: str, width: float, height: float) -> Svg:
    return svg.picture(
        *parts, width=width, height=height, title=title, description=description, class_="chart"
    )


def _named(axis: Axis, placed: _Placed) -> str:
    return f"{axis.label} (log)" if placed.is_log else axis.label


def _place(values: Sequence[Value], start: float, end: float) -> _Placed:
    numbers = numbers_in(values)
    if numbers is None:
        return _place_texts(values, start, end)
    is_log = min(numbers) > 0 and max(numbers) / min(numbers) >= LOG_FROM
    scale: Scale = scale_of(numbers, start, end, log=is_log)
    inside = log_ticks(scale.low, scale.high) if is_log else ticks(scale.low, scale.high, TICKS)
    return _Placed(
        [None if value is None else scale(float(value)) for value in values],
        [(scale(value), short(value)) for value in inside],
        is_log,
    )


def _place_texts(values: Sequence[Value], start: float, end: float) -> _Placed:
    """Texts stand in their order at equal distances."""
    words = sorted({said(value) for value in values if value is not None})
    step = (end - start) / (len(words) + 1)
    places = {word: start + step * (index + 1) for index, word in enumerate(words)}
    every = max(1, math.ceil(len(words) / MOST_WORDS))
    return _Placed(
        [None if value is None else places[said(value)] for value in values],
        [(places[word], middle_cut(word, LARGEST_WORD)) for word in words[::every]],
        False,
    )
