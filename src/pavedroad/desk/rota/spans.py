"""Spans of time: from an instant until before another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Span = tuple[int, int]


def joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch or overlap made one."""
    found: list[Span] = []
    for first, last in sorted(spans):
        if found and first <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        elif first < last:
            found.append((first, last))
    return found


def overlap_ms(first: Sequence[Span], second: Sequence[Span]) -> int:
    """How long both hold; each is in order and without overlaps."""
    total, at = 0, 0
    for start, end in first:
        while at < len(second) and second[at][1] <= start:
            at += 1
        look = at
        while look < len(second) and second[look][0] < end:
            total += min(end, second[look][1]) - max(start, second[look][0])
            look += 1
    return total


def without(spans: Sequence[Span], taken: Sequence[Span]) -> list[Span]:
    """What is left of the spans; both are in order and without overlaps."""
    found: list[Span] = []
    for first, last in spans:
        for closed_first, closed_last in taken:
            if closed_last <= first or closed_first >= last:
                continue
            if first < closed_first:
                found.append((first, closed_first))
            first = closed_last
            if first >= last:
                break
        if first < last:
            found.append((first, last))
    return found
