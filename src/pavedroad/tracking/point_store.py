"""Where the points of a curve are kept: the newest as rows, alone or of many curves; others packed in blocks.

A writer holds the row of the curve (`Transaction.lock`), so that one at a time adds to it or packs it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec

from pavedroad.kit.sql import Reader, Row, Transaction, load_queries
from pavedroad.tracking.points import (
    NONE,
    Bound,
    Place,
    Points,
    in_order,
    merged,
    pack,
    pack_batch,
    parts_of,
    place_of,
    places_of,
    to_points,
    unpack,
    unpack_batch,
)

SQL = load_queries("pavedroad.tracking", "metric_queries.sql")
ALL_POINTS = 2**62
BLOCK = 8192  # points of a full block
MOST_LOOSE = 4096  # points of a curve that wait to be packed
ENOUGH_TO_PACK = 512  # points added at once that make a block of their own
STAY_LOOSE = 64  # of the last points, when the others are packed
FEWEST_IN_A_BLOCK = 32  # points added at once; fewer become rows
FEWEST_IN_A_BATCH = 8  # curves of a run that get one point each; fewer become rows
OF_MANY_CURVES = 2  # where `pieces` says whether a piece is loose: a batch
MOST_BATCHES = 128  # of a run: who reads one of its curves reads them all


class Curve(NamedTuple):
    """A row of `latest_metrics`; a tuple, for thousands are read in a second."""

    curve: int
    run_no: int
    key: str
    value: float
    is_nan: int
    at_ms: int
    step: int
    points: int
    min_value: float | None
    max_value: float | None
    loose: int
    high_ms: int | None
    high_step: int | None
    high_value: float | None

    @property
    def high(self) -> Bound | None:
        """The place that no point lies after; None for a curve without points."""
        if self.high_ms is None or self.high_step is None or self.high_value is None:
            return None
        return self.high_ms, self.high_step, self.high_value


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


def to_curve(row: Row) -> Curve:
    # sqlite3.Row iterates over its values, psycopg's dictionary over its keys.
    return Curve._make(row.values() if isinstance(row, dict) else row)


def add(tx: Transaction, curve: Curve, places: Sequence[Place]) -> Added:
    """Add points to a curve, or say which rows and blocks to insert for them."""
    number, loose, high = curve.curve, curve.loose, curve.high
    ordered = in_order(places)
    is_later = not curve.points or (high is not None and ordered[0][:3] > high)
    if not is_later:
        spread_batches(tx, number)
    new = ordered if is_later else _not_packed(tx, number, ordered)
    if new and (high is None or new[-1][:3] > high):
        high = new[-1][:3]
    rows, blocks, count = [], [], len(new)
    if count < FEWEST_IN_A_BLOCK:
        rows = [to_row(number, place) for place in new]
        if not is_later:  # some may be there; the table knows
            count, rows = sum(tx.run(SQL.insert_point, **row) for row in rows), []
    elif is_later and count >= ENOUGH_TO_PACK:
        blocks = [_block(number, part) for part in parts_of(new, BLOCK)]
        return Added(points=count, loose=loose, high=high, rows=rows, blocks=blocks)
    else:
        new = new if is_later else _not_in_rows(tx, number, new)
        count = len(new)
        blocks = [_loose_block(number, to_points(new))] if new else []
    return Added(points=count, loose=loose + count, high=high, rows=rows, blocks=blocks)


def insert(tx: Transaction, next_of: Mapping[int, Sequence[dict[str, Any]]], added: Sequence[Added]) -> None:
    """`next_of` has, by run, rows of numbers that lie after all that their curves have."""
    rows = [row for one in added for row in one.rows]
    for run_no, some in next_of.items():
        if len(some) < FEWEST_IN_A_BATCH:
            rows += some
        else:
            insert_batch(tx, run_no, some)
    tx.many(SQL.insert_point, rows)
    tx.many(SQL.insert_block, [block for one in added for block in one.blocks])


def insert_batch(tx: Transaction, run_no: int, rows: Sequence[dict[str, Any]]) -> None:
    """Add one number to each of many curves of a run. It must lie after all that the curve has."""
    curves = [row["curve"] for row in rows]
    at_ms, step, value = ([row[name] for row in rows] for name in ("at_ms", "step", "value"))
    tx.run(SQL.insert_batch, run_no=run_no, payload=pack_batch(curves, Points(at_ms, step, value)))
    if tx.value(SQL.count_batches, run_no=run_no) >= MOST_BATCHES:
        spread_batches(tx, curves[0])
        pack_full(tx, [row["curve"] for row in tx.all(SQL.full_curves, run_no=run_no, loose=MOST_LOOSE)])


def pack_full(tx: Transaction, curves: Sequence[int]) -> None:
    """Pack the loose points of these curves, and say in their rows how many are left."""
    for curve in curves:
        tx.run(SQL.set_loose, curve=curve, loose=pack_loose(tx, curve))


def spread_batches(tx: Transaction, curve: int) -> None:
    """Give the points in the batches of the run of this curve to their curves; they stay loose."""
    batches = tx.lock(SQL.batches, curve=curve)
    parts_of_same: dict[tuple[int, ...], list[Points]] = {}
    for batch in batches:
        curves, points = unpack_batch(batch["payload"])
        parts_of_same.setdefault(tuple(curves), []).append(points)
    rows, blocks = [], []
    for same, parts in parts_of_same.items():
        columns = [zip(*column, strict=True) for column in zip(*map(_columns, parts), strict=True)]
        for number, *part in zip(same, *columns, strict=True):
            points = Points(*part)
            if len(points) < FEWEST_IN_A_BLOCK:
                rows += [to_row(number, place) for place in places_of(points)]
            else:
                blocks.append(_loose_block(number, points))
    tx.many(SQL.insert_point, rows)
    tx.many(SQL.insert_block, blocks)
    tx.many(SQL.delete_batch, [{"no": batch["no"]} for batch in batches])


def _columns(points: Points) -> tuple[Sequence[int], Sequence[int], Sequence[float]]:
    return points.at_ms, points.step, points.value


def pack_loose(tx: Transaction, curve: int) -> int:
    """Move the loose points of a curve into blocks that do not overlap; the number of those that stay loose.

    The last ones stay, because what comes a little late, or after one that came too early, lies among them.
    """
    spread_batches(tx, curve)
    loose = [_place(row) for row in tx.all(SQL.loose_points, curve=curve)]
    for row in tx.all(SQL.loose_payloads, curve=curve):
        loose += places_of(unpack(row["payload"]))
    ordered = in_order(loose)
    to_pack, last = ordered[:-STAY_LOOSE], ordered[-STAY_LOOSE:]
    held = tx.all(SQL.packed_blocks, curve=curve)
    blocks: list[dict[str, Any]] = []
    for block, more in zip([None, *held], _spread(held, to_pack), strict=True):
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
    tx.many(SQL.insert_point, [to_row(curve, place) for place in last])
    return len(last)


def read_points(reader: Reader, curve: int, *, limit: int = ALL_POINTS, offset: int = 0) -> Iterator[Points]:
    """The points of a curve in order of time, step, value, block by block, as they are now."""
    until = min(offset + limit, ALL_POINTS)
    rows = reader.all(SQL.pieces, curve=curve, offset=offset, until=until)
    at = 0
    for piece in _pieces(rows, curve):
        first, last = max(offset - at, 0), min(until - at, len(piece))
        at += len(piece)
        if first < last:
            points = piece.read()
            yield points if (first, last) == (0, len(points)) else points.part(first, last)


def _pieces(rows: Sequence[Row], curve: int) -> list[Piece]:
    loose: list[Place] = []
    held = []
    for row in rows:
        if not row["is_loose"]:
            held.append(row)
        elif row["is_loose"] == OF_MANY_CURVES:
            curves, points = unpack_batch(row["payload"])
            if curve in curves:
                at = curves.index(curve)
                loose += places_of(points.part(at, at + 1))
        elif row["payload"] is None:
            loose.append((row["first_ms"], row["first_step"], row["first_value"], bool(row["is_nan"])))
        else:
            loose += places_of(unpack(row["payload"]))
    held.sort(key=_first)
    spread = _spread(held, in_order(loose))
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


def _not_packed(tx: Transaction, curve: int, ordered: Sequence[Place]) -> list[Place]:
    held: set[Place] = set()
    for row in tx.all(SQL.blocks_between, curve=curve, **_bounds(ordered[0], ordered[-1])):
        points = unpack(row["payload"])
        start, end = bisect_left(points.at_ms, ordered[0][0]), bisect_right(points.at_ms, ordered[-1][0])
        held.update(places_of(points.part(start, end)))
    return [place for place in ordered if place not in held]


def _not_in_rows(tx: Transaction, curve: int, ordered: Sequence[Place]) -> list[Place]:
    if not ordered:
        return []
    held = {
        _place(row)
        for row in tx.all(SQL.loose_points_between, curve=curve, **_bounds(ordered[0], ordered[-1]))
    }
    return [place for place in ordered if place not in held]


def to_row(curve: int, place: Place) -> dict[str, Any]:
    at_ms, step, value, is_nan = place
    return {"curve": curve, "at_ms": at_ms, "step": step, "value": value, "is_nan": int(is_nan)}


def _block(curve: int, ordered: Sequence[Place]) -> dict[str, Any]:
    payload = pack(to_points(ordered))
    return {
        "curve": curve,
        "is_loose": 0,
        "points": len(ordered),
        **_bounds(ordered[0], ordered[-1]),
        "payload": payload,
    }


def _loose_block(curve: int, points: Points) -> dict[str, Any]:
    first, last = (place_of(points.at_ms[at], points.step[at], points.value[at]) for at in (0, -1))
    payload = pack(points, deflate=False)
    return {"curve": curve, "is_loose": 1, "points": len(points), **_bounds(first, last), "payload": payload}


def _bounds(first: Place, last: Place) -> dict[str, Any]:
    (first_ms, first_step, first_value, _), (last_ms, last_step, last_value, _) = first, last
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
