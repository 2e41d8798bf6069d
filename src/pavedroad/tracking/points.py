"""Points of one curve as columns, and packed into few bytes: no object for each of a million points.

Points are ordered by their place: time, step, value (0 for NaN), and numbers before NaN.
"""

from __future__ import annotations

import math
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, islice, repeat
from operator import itemgetter, le, lt, sub
from typing import TypeVar

import msgspec

Column = TypeVar("Column", bound="array[int] | array[float]")

Place = tuple[int, int, float, bool]  # at_ms, step, value or 0, is_nan
Bound = tuple[int, int, float]  # a place without its last part: what a column of a table can hold
PLAIN, DEFLATED = 0, 1  # how the bytes after the first one are written
# Widths of whole numbers, narrowest first. Each column is written in the narrowest that holds all of it.
WIDTHS = "bhiq"
FAST = 1  # of zlib's levels: 6 takes five times as long and saves 2 %
SHUFFLED_BYTES = 8


class Points(msgspec.Struct, frozen=True, gc=False):
    """Columns of equal length; `value` holds NaN as NaN."""

    at_ms: Sequence[int]
    step: Sequence[int]
    value: Sequence[float]

    def __len__(self) -> int:
        return len(self.at_ms)

    def part(self, first: int, last: int) -> Points:
        return Points(self.at_ms[first:last], self.step[first:last], self.value[first:last])

    def at(self, chosen: Sequence[int]) -> Points:
        """Those at these positions."""
        return Points(
            [self.at_ms[at] for at in chosen],
            [self.step[at] for at in chosen],
            [self.value[at] for at in chosen],
        )

    def by_step(self) -> Points:
        """In order of step, then as they are."""
        if all(map(le, self.step, islice(self.step, 1, None))):
            return self
        return self.at(sorted(range(len(self)), key=self.step.__getitem__))


NONE = Points((), (), ())


def place_of(at_ms: int, step: int, value: float) -> Place:
    return (at_ms, step, 0.0, True) if math.isnan(value) else (at_ms, step, value, False)


def places_of(points: Points) -> list[Place]:
    at_ms, step, value = points.at_ms, points.step, points.value
    if any(map(math.isnan, value)):
        return list(map(place_of, at_ms, step, value))
    return list(zip(at_ms, step, value, repeat(False)))


def to_points(ordered: Sequence[Place]) -> Points:
    if not ordered:
        return NONE
    at_ms, step, value = (list(map(itemgetter(column), ordered)) for column in range(3))
    if any(map(itemgetter(3), ordered)):
        value = [math.nan if place[3] else place[2] for place in ordered]
    return Points(at_ms, step, value)


def joined(parts: Iterable[Points]) -> Points:
    """The columns of parts, one after the other."""
    found = list(parts)
    if len(found) < 2:
        return found[0] if found else NONE
    at_ms = list(chain.from_iterable(part.at_ms for part in found))
    step = list(chain.from_iterable(part.step for part in found))
    value = array("d")
    for part in found:
        value.extend(part.value)
    return Points(at_ms, step, value)


def in_order(places: Sequence[Place]) -> Sequence[Place]:
    """Sorted; what is there twice is there once."""
    if all(map(lt, places, islice(places, 1, None))):
        return places
    return list(dict.fromkeys(sorted(places)))


def merged(points: Points, more: Sequence[Place]) -> Sequence[Place]:
    return in_order([*places_of(points), *more])


def parts_of(ordered: Sequence[Place], size: int) -> Iterator[Sequence[Place]]:
    """Cut into parts of about `size`; points of one bound stay together."""
    start = 0
    while start < len(ordered):
        end = min(start + size, len(ordered))
        while end < len(ordered) and ordered[end][:3] == ordered[end - 1][:3]:
            end += 1
        yield ordered[start:end]
        start = end


def pack(points: Points, *, deflate: bool = True) -> bytes:
    """Times and steps as differences, values byte by byte of the same rank, which deflate well."""
    head = len(points).to_bytes(4, "little")
    body = head + _pack_numbers(points.at_ms) + _pack_numbers(points.step) + _pack_values(points.value)
    return bytes((DEFLATED,)) + zlib.compress(body, FAST) if deflate else bytes((PLAIN,)) + body


def unpack(payload: bytes) -> Points:
    """Raises ValueError for bytes that `pack` did not write."""
    try:
        body = zlib.decompress(memoryview(payload)[1:]) if payload[0] == DEFLATED else payload[1:]
    except (zlib.error, IndexError) as error:
        raise ValueError(f"not packed points: {error}") from None
    number = int.from_bytes(body[:4], "little")
    at_ms, at = _unpack_numbers(body, 4, number)
    step, at = _unpack_numbers(body, at, number)
    value = _unpack_values(body[at:], number)
    return Points(at_ms, step, value)


def pack_batch(curves: Sequence[int], points: Points) -> bytes:
    """Points of several curves; `curves` says which one each is of."""
    return len(curves).to_bytes(4, "little") + _pack_numbers(curves) + pack(points, deflate=False)


def unpack_batch(payload: bytes) -> tuple[Sequence[int], Points]:
    curves, at = _unpack_numbers(payload, 4, int.from_bytes(payload[:4], "little"))
    return curves, unpack(payload[at:])


def _pack_numbers(numbers: Sequence[int]) -> bytes:
    """The first one in 8 bytes, then the width of the differences and the differences."""
    if not numbers:
        return b""
    head = numbers[0].to_bytes(8, "little", signed=True)
    differences = list(map(sub, numbers[1:], numbers))
    for width in WIDTHS:
        try:
            return head + width.encode() + _bytes_of(array(width, differences))
        except OverflowError:
            continue
    return head + b"=" + _bytes_of(array("q", numbers[1:]))  # two of them are more than 2**63 apart


def _unpack_numbers(body: bytes, at: int, number: int) -> tuple[Sequence[int], int]:
    if not number:
        return (), at
    first = int.from_bytes(body[at : at + 8], "little", signed=True)
    width = chr(body[at + 8])
    found = array("q" if width == "=" else width)
    end = at + 9 + found.itemsize * (number - 1)
    found.frombytes(body[at + 9 : end])
    _native(found)
    return ((first, *found) if width == "=" else list(accumulate(found, initial=first))), end


def _pack_values(values: Sequence[float]) -> bytes:
    plain = _bytes_of(array("d", values))
    return b"".join(plain[rank::SHUFFLED_BYTES] for rank in range(SHUFFLED_BYTES))


def _unpack_values(shuffled: bytes, number: int) -> Sequence[float]:
    plain = bytearray(len(shuffled))
    for rank in range(SHUFFLED_BYTES):
        plain[rank::SHUFFLED_BYTES] = shuffled[rank * number : (rank + 1) * number]
    found = array("d")
    found.frombytes(plain)
    return _native(found)


def _bytes_of(column: array[int] | array[float]) -> bytes:
    return _native(column).tobytes()


def _native(column: Column) -> Column:
    """Columns lie in little-endian order wherever they were written."""
    if sys.byteorder == "big":
        column.byteswap()
    return column
