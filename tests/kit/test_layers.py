from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from pavedroad.kit.layers import NODE_HEIGHT, NODE_WIDTH, Arc, Node, draw_layers

NS = "{http://www.w3.org/2000/svg}"
pairs = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40)


def draw(keys: list[str], arcs: list[tuple[str, str]]) -> ET.Element:
    nodes = [Node(key=key, label=key, note="ran, 3 s", href=f"/{key}") for key in keys]
    return ET.fromstring(draw_layers(nodes, [Arc(source=a, target=b) for a, b in arcs], title="Steps"))


def places(drawn: ET.Element) -> dict[str, tuple[float, float]]:
    """Node -> its left and upper edge."""
    found = {}
    for link in drawn.iter(f"{NS}a"):
        rect = link.find(f"{NS}rect")
        assert rect is not None
        found[link.get("href", "")[1:]] = (float(rect.get("x", "")), float(rect.get("y", "")))
    return found


def test_what_follows_stands_further_right() -> None:
    at = places(draw(["load", "clean", "train"], [("load", "clean"), ("clean", "train")]))
    assert at["load"][0] < at["clean"][0] < at["train"][0]


def test_a_chain_is_a_straight_line() -> None:
    at = places(draw(["a", "b", "c"], [("a", "b"), ("b", "c")]))
    assert len({y for _, y in at.values()}) == 1


def test_a_join_stands_between_what_it_joins() -> None:
    at = places(draw(["a", "b", "c"], [("a", "c"), ("b", "c")]))
    assert min(at["a"][1], at["b"][1]) < at["c"][1] < max(at["a"][1], at["b"][1])


def test_two_parallel_lines_do_not_cross() -> None:
    at = places(draw(["a", "b", "x", "y"], [("a", "y"), ("b", "x")]))
    assert (at["a"][1] < at["b"][1]) == (at["y"][1] < at["x"][1])


def test_a_cycle_is_drawn_too() -> None:
    drawn = draw(["a", "b"], [("a", "b"), ("b", "a")])
    assert len(places(drawn)) == 2
    assert len([path for path in drawn.iter(f"{NS}path") if path.get("class") == "arc"]) == 2


def test_arcs_to_unknown_nodes_are_left_out() -> None:
    drawn = draw(["a"], [("a", "gone")])
    assert [path for path in drawn.iter(f"{NS}path") if path.get("class") == "arc"] == []


def test_the_picture_tells_its_arcs_in_words() -> None:
    assert draw(["a", "b"], [("a", "b")]).findtext(f"{NS}desc") == "a leads to b"


def test_no_nodes_make_an_empty_picture() -> None:
    assert places(ET.fromstring(draw_layers([], [], title="Steps"))) == {}


@settings(max_examples=60)
@given(pairs)
def test_nodes_never_overlap_and_stay_inside(arcs: list[tuple[int, int]]) -> None:
    drawn = draw([str(at) for at in range(15)], [(str(a), str(b)) for a, b in arcs])
    width, height = map(float, drawn.get("viewBox", "").split()[2:])
    at = places(drawn)
    assert len(at) == 15
    for x, y in at.values():
        assert x >= 0
        assert x + NODE_WIDTH <= width
        assert y >= 0
        assert y + NODE_HEIGHT <= height
    for (ax, ay), (bx, by) in combinations(at.values(), 2):
        assert abs(ax - bx) >= NODE_WIDTH or abs(ay - by) >= NODE_HEIGHT


def test_a_long_arc_passes_beside_the_nodes_between() -> None:
    drawn = draw(["a", "b", "c"], [("a", "b"), ("b", "c"), ("a", "c")])
    at = places(drawn)
    arcs = [path.get("d", "") for path in drawn.iter(f"{NS}path") if path.get("class") == "arc"]
    (long,) = [path for path in arcs if "H" in path]
    level = float(re.findall(r"[\d.]+ ([\d.]+)H", long)[0])
    assert not at["b"][1] <= level <= at["b"][1] + NODE_HEIGHT
