"""A directed graph drawn from left to right: layers, few crossings, arrows that never pass behind a node.

Sugiyama's four steps in their simplest form: break cycles, layer by longest path, order by medians, and place
each layer as near to its neighbours as its order allows. 30 nodes take about two milliseconds.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pavedroad.kit import svg
from pavedroad.kit.svg import Svg

NODE_WIDTH, NODE_HEIGHT = 164.0, 44.0
COLUMN_GAP, ROW_GAP, THREAD_GAP = 44.0, 14.0, 12.0
MARGIN = 4.0
SWEEPS = 6


class Node(msgspec.Struct, frozen=True, kw_only=True):
    key: str
    label: str
    note: str = ""  # the second line
    mark: str = "disc"
    tone: str = ""  # a class of the style sheet
    href: str = ""
    title: str = ""  # one fact, for hover and for those who do not see the picture
    is_focus: bool = False


class Arc(msgspec.Struct, frozen=True, kw_only=True):
    source: str
    target: str


class _Layout(msgspec.Struct, frozen=True, kw_only=True):
    layers: list[list[str]]
    threads: list[list[str]]  # per arc: source, the invisible nodes it passes, target
    y: Mapping[str, float]
    sizes: Mapping[str, float]


def draw_layers(nodes: Sequence[Node], arcs: Iterable[Arc], *, title: str) -> Svg:
    """The picture. Arcs to unknown nodes and arcs that close a cycle are drawn but do not shape it."""
    known = {node.key: node for node in nodes}
    pairs = [
        (arc.source, arc.target) for arc in dict.fromkeys(arcs) if arc.source in known and arc.target in known
    ]
    layout = _place([node.key for node in nodes], [pair for pair in pairs if pair[0] != pair[1]])
    column = {key: at for at, layer in enumerate(layout.layers) for key in layer}
    left = {key: MARGIN + at * (NODE_WIDTH + COLUMN_GAP) for key, at in column.items()}
    bottom = max((layout.y[key] + layout.sizes[key] / 2 for key in known), default=0.0)
    return svg.picture(
        svg.group(*(_draw_thread(thread, left, layout) for thread in layout.threads), class_="arcs"),
        *(_draw_node(node, left[node.key], layout.y[node.key]) for node in nodes),
        width=2 * MARGIN + len(layout.layers) * (NODE_WIDTH + COLUMN_GAP) - COLUMN_GAP,
        height=bottom + MARGIN,
        title=title,
        description="; ".join(f"{known[a].label} leads to {known[b].label}" for a, b in pairs),
        class_="graph",
    )


# ---------------------------------------------------------------------------------------------------- layout


def _place(keys: Sequence[str], pairs: Sequence[tuple[str, str]]) -> _Layout:
    forward = _without_cycles(keys, pairs)
    rank = _ranks(keys, forward)
    layers: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for key in keys:
        layers[rank[key]].append(key)
    threads = []
    neighbours: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for source, target in forward:
        thread = [source]
        for passed in range(rank[source] + 1, rank[target]):
            thread.append(f"\0{source}\0{target}\0{passed}")
            layers[passed].append(thread[-1])
        thread.append(target)
        threads.append(thread)
        for before, after in itertools.pairwise(thread):
            neighbours[before][1].append(after)
            neighbours[after][0].append(before)
    sizes = {
        key: THREAD_GAP if key.startswith("\0") else NODE_HEIGHT + ROW_GAP
        for layer in layers
        for key in layer
    }
    _order(layers, neighbours)
    backward = [[a, b] for a, b in pairs if (a, b) not in set(forward)]
    return _Layout(
        layers=layers, threads=threads + backward, y=_heights(layers, neighbours, sizes), sizes=sizes
    )


def _without_cycles(keys: Sequence[str], pairs: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out the arcs that lead back to where a walk came from."""
    following = defaultdict(list)
    for source, target in pairs:
        following[source].append(target)
    state: dict[str, int] = {}  # 1 on the walk, 2 done
    kept: list[tuple[str, str]] = []
    for start in keys:
        walk = [(start, iter(following[start]))] if start not in state else []
        state.setdefault(start, 1)
        while walk:
            key, rest = walk[-1]
            for target in rest:
                if state.get(target) != 1:
                    kept.append((key, target))
                if target not in state:
                    state[target] = 1
                    walk.append((target, iter(following[target])))
                    break
            else:
                state[key] = 2
                walk.pop()
    return kept


def _ranks(keys: Sequence[str], forward: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Longest path from a source; a source itself moves right, next to the first that follows it."""
    rank = dict.fromkeys(keys, 0)
    incoming = defaultdict(list)
    outgoing = defaultdict(list)
    for source, target in forward:
        incoming[target].append(source)
        outgoing[source].append(target)
    waiting = {key: len(incoming[key]) for key in keys}
    ready = [key for key in keys if not waiting[key]]
    while ready:
        key = ready.pop()
        for target in outgoing[key]:
            rank[target] = max(rank[target], rank[key] + 1)
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    for key in keys:
        if not incoming[key] and outgoing[key]:
            rank[key] = min(rank[target] for target in outgoing[key]) - 1
    return rank


def _order(layers: list[list[str]], neighbours: Mapping[str, tuple[list[str], list[str]]]) -> None:
    for sweep in range(SWEEPS):
        side = sweep % 2
        for layer in layers if side == 0 else reversed(layers):
            index = {key: at for other in layers for at, key in enumerate(other)}
            middle = {}
            for at, key in enumerate(layer):
                near = sorted(index[other] for other in neighbours[key][side]) if key in neighbours else []
                middle[key] = (near[(len(near) - 1) // 2] + near[len(near) // 2]) / 2 if near else float(at)
            layer.sort(key=lambda key: middle[key])


def _heights(
    layers: Sequence[Sequence[str]],
    neighbours: Mapping[str, tuple[list[str], list[str]]],
    sizes: Mapping[str, float],
) -> dict[str, float]:
    y: dict[str, float] = {}
    for layer in layers:
        _stack(layer, dict.fromkeys(layer, 0.0), sizes, y)
    for sweep in range(SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted = {}
            for key in layer:
                near = [y[other] for side in neighbours[key] for other in side] if key in neighbours else []
                wanted[key] = sum(near) / len(near) if near else y[key]
            _stack(layer, wanted, sizes, y)
    top = min((y[key] - sizes[key] / 2 for key in y), default=0.0)
    return {key: value - top for key, value in y.items()}


def _stack(
    layer: Sequence[str], wanted: Mapping[str, float], sizes: Mapping[str, float], y: dict[str, float]
) -> None:
    """As near to `wanted` as order and sizes allow, in the least squares (pool adjacent violators)."""
    offset, offsets = 0.0, []
    for key in layer:
        offsets.append(offset + sizes[key] / 2)
        offset += sizes[key]
    blocks: list[list[float]] = []  # [sum, count]
    for key, away in zip(layer, offsets, strict=True):
        blocks.append([wanted[key] - away, 1.0])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            total, number = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += number
    places = [total / number for total, number in blocks for _ in range(int(number))]
    for key, place, away in zip(layer, places, offsets, strict=True):
        y[key] = place + away


# ---------------------------------------------------------------------------------------------------- drawing


def _draw_thread(thread: Sequence[str], left: Mapping[str, float], layout: _Layout) -> Svg:
    first, last = thread[0], thread[-1]
    x, y = left[first] + NODE_WIDTH, layout.y[first]
    path = [f"M{_n(x)} {_n(y)}"]
    for key in thread[1:]:
        to_x, to_y = left[key] - (5 if key == last else 0), layout.y[key]
        bend = max(abs(to_x - x), COLUMN_GAP) / 2
        path.append(f"C{_n(x + bend)} {_n(y)} {_n(to_x - bend)} {_n(to_y)} {_n(to_x)} {_n(to_y)}")
        x, y = to_x, to_y
        if key != last:
            x += NODE_WIDTH
            path.append(f"H{_n(x)}")
    head = f"M{_n(x + 5)} {_n(y)}l-7-3.5v7z"
    return Svg(
        svg.element("path", d="".join(path), class_="arc") + svg.element("path", d=head, class_="head")
    )


def _draw_node(node: Node, x: float, y: float) -> Svg:
    room = NODE_WIDTH - 40
    label = svg.fitted(node.label, room, 13)
    middle = -4 if node.note else 4.5
    parts = [
        svg.element("title", node.title or node.label),
        svg.element("rect", x=x, y=y - NODE_HEIGHT / 2, width=NODE_WIDTH, height=NODE_HEIGHT, rx=6),
        svg.mark_at(node.mark, x + 17, y),
        svg.text(x + 32, y + middle, label, class_="label"),
    ]
    if node.note:
        parts.append(svg.text(x + 32, y + 13, svg.fitted(node.note, room, 12), class_="note"))
    classes = " ".join(filter(None, ["node", node.tone, "focus" if node.is_focus else ""]))
    return svg.link(node.href, *parts, class_=classes) if node.href else svg.group(*parts, class_=classes)


def _n(value: float) -> str:
    return svg.number(round(float(value), 1))
