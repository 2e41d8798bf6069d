"""Where the points of a curve are kept: the newest as rows, the others packed in blocks.

A writer holds the row of the curve (`Transaction.lock`), so that one at a time adds to it or packs it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking.points import (
    NONE,
    Bound,
    Place,
    Points,
    merged,
    pack,
    parts_of,
    places,
    to_points,
    unpack,
)

SQL = load_queries("pavedroad.tracking", "metric_queries.sql")
ALL_POINTS = 2**62
BLOCK = 8192  # points of a full block
MOST_LOOSE = 4096  # points of a curve that wait to be packed
ENOUGH_TO_PACK = 512  # points added at once that make a block of their own
FEWEST_IN_A_BLOCK = 32  # points added at once; fewer become rows


class Added(msgspec.Struct, frozen=True, kw_only=True):
    """What adding points to one curve comes to: rows for bulk statements, and the new ends of the curve."""

    points: int  # those that were not there before
    loose: int
    high: Bound | None
    rows: list[dict[str, Any]]
    blocks: list[dict[str, Any]]


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """A packed block and the loose points whose places come after its first one and before the next block."""

    points: int  # of the block
    payload: bytes | None
    more: Sequence[Place]

    def __len__(self) -> int:
        return self.points + len(self.more)

    def read(self) -> Points:
        block = NONE if self.payload is None else unpack(self.payload)
        return to_points(merged(block, self.more)) if self.more else block


def add(tx: Transaction, curve: Row, ordered: Sequence[Place]) -> Added:
    """How to add points to a curve. `ordered` has no point twice."""
    number = curve["curve"]
    high = None if curve["high_ms"] is None else (curve["high_ms"], curve["high_step"], curve["high_value"])
    is_later = not curve["points"] or (high is not None and ordered[0][:3] > high)
    new = ordered if is_later else _not_held(tx, number, ordered)
    if new and (high is None or new[-1][:3] > high):
        high = new[-1][:3]
    loose, rows, blocks = curve["loose"], [], []
    if is_later and len(new) >= ENOUGH_TO_PACK:
        blocks = [_block(number, part) for part in parts_of(new, BLOCK)]
    else:
        loose += len(new)
        if len(new) >= FEWEST_IN_A_BLOCK:
            blocks = [_block(number, new, is_loose=True)]
        else:
            rows = [
                {"curve": number, "at_ms": at_ms, "step": step, "value": value, "is_nan": int(is_nan)}
                for at_ms, step, value, is_nan in new
            ]
    return Added(points=len(new), loose=loose, high=high, rows=rows, blocks=blocks)


def insert(tx: Transaction, added: Sequence[Added]) -> None:
    tx.many(SQL.insert_point, [row for one in added for row in one.rows])
    tx.many(SQL.insert_block, [block for one in added for block in one.blocks])


def pack_loose(tx: Transaction, curve: int) -> None:
    """Move the loose points of a curve into blocks that do not overlap."""
    loose = [_place(row) for row in tx.all(SQL.loose_points, curve=curve)]
    for row in tx.all(SQL.loose_payloads, curve=curve):
        loose += places(unpack(row["payload"]))
    loose = merged(NONE, loose)
    held = tx.all(SQL.packed_blocks, curve=curve)
    blocks: list[dict[str, Any]] = []
    for block, more in zip([None, *held], _spread(held, loose), strict=True):
        if not more:
            continue
        if block is None or _stands_alone(block, more):
            whole = more
        else:
            whole = merged(unpack(tx.value(SQL.payload, no=block["no"])), more)
            tx.run(SQL.delete_block, no=block["no"])
        blocks += [_block(curve, part) for part in parts_of(whole, BLOCK)]
    tx.run(SQL.delete_loose_points, curve=curve)
    tx.run(SQL.delete_loose_blocks, curve=curve)
    tx.many(SQL.insert_block, blocks)


def read_points(reader: Reader, curve: int, *, limit: int = ALL_POINTS, offset: int = 0) -> Iterator[Points]:
    """The points of a curve in order of time, step, value, block by block, as they are now."""
    until = min(offset + limit, ALL_POINTS)
    rows = reader.all(SQL.pieces, curve=curve, offset=offset, until=until)
    at = 0
    for piece in _pieces(rows):
        first, last = max(offset - at, 0), min(until - at, len(piece))
        at += len(piece)
        if first < last:
            points = piece.read()
            yield points if (first, last) == (0, len(points)) else points.part(first, last)


def _pieces(rows: Sequence[Row]) -> list[Piece]:
    loose: list[Place] = []
    held = []
    for row in rows:
        if not row["is_loose"]:
            held.append(row)
        elif row["payload"] is None:
            loose.append((row["first_ms"], row["first_step"], row["first_value"], bool(row["is_nan"])))
        else:
            loose += places(unpack(row["payload"]))
    held.sort(key=_first)
    spread = _spread(held, merged(NONE, loose))
    pieces = [Piece(points=0, payload=None, more=spread[0])]
    for row, more in zip(held, spread[1:], strict=True):
        pieces.append(Piece(points=row["points"], payload=row["payload"], more=more))
    return pieces


def _spread(blocks: Sequence[Row], loose: Sequence[Place]) -> list[Sequence[Place]]:
    """Loose points cut at the starts of the blocks: those before the first one, then those of each."""
    cuts = [bisect_left(loose, _first(block)) for block in blocks]
    return [loose[start:end] for start, end in pairwise([0, *cuts, len(loose)])]


def _stands_alone(block: Row, more: Sequence[Place]) -> bool:
    """True for points after a block that is full, or that fill one themselves."""
    last = (block["last_ms"], block["last_step"], block["last_value"])
    return more[0][:3] > last and (block["points"] >= BLOCK or len(more) >= BLOCK)


def _not_held(tx: Transaction, curve: int, ordered: Sequence[Place]) -> list[Place]:
    first, last = ordered[0], ordered[-1]
    held = {
        _place(row)
        for row in tx.all(SQL.loose_points_between, curve=curve, first_ms=first[0], last_ms=last[0])
    }
    for row in tx.all(SQL.blocks_between, curve=curve, **_bounds(ordered)):
        points = unpack(row["payload"])
        start, end = bisect_left(points.at_ms, first[0]), bisect_right(points.at_ms, last[0])
        held.update(places(points.part(start, end)))
    return [place for place in ordered if place not in held]


def _block(curve: int, ordered: Sequence[Place], *, is_loose: bool = False) -> dict[str, Any]:
    return {
        "curve": curve,
        "is_loose": int(is_loose),
        "points": len(ordered),
        **_bounds(ordered),
        "payload": pack(to_points(ordered), deflate=not is_loose),
    }


def _bounds(ordered: Sequence[Place]) -> dict[str, Any]:
    (first_ms, first_step, first_value, _), (last_ms, last_step, last_value, _) = ordered[0], ordered[-1]
    return {
        "first_ms": first_ms,
        "first_step": first_step,
        "first_value": first_value,
        "last_ms": last_ms,
        "last_step": last_step,
        "last_value": last_value,
    }


def _first(block: Row) -> Bound:
    return block["first_ms"], block["first_step"], block["first_value"]


def _place(row: Row) -> Place:
    return row["at_ms"], row["step"], row["value"], bool(row["is_nan"])
