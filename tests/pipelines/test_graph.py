"""A pipeline becomes a graph, or a DefinitionError that says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, NamedTuple

import pytest

import pavedroad as paved
from pavedroad.errors import DefinitionError
from pavedroad.pipelines.graph import build


@paved.step
def number() -> int:
    return 1


@paved.step
def words() -> list[str]:
    return ["a", "b"]


@paved.step
def numbers() -> list[int]:
    return [1, 2]


@paved.step
def pair() -> tuple[int, str]:
    return 1, "a"


@paved.step
def double(x: int) -> int:
    return 2 * x


@paved.step
def shout(text: str) -> str:
    return text.upper()


@paved.step
def anything(x, *more: int, **named: str) -> Any:
    return x


@paved.step
def maybe() -> int | None:
    return None


@paved.step
def mean(values: list[float], how: Literal["plain", "trimmed"] = "plain") -> float:
    return 0.0


class Split(NamedTuple):
    train: int
    test: str


@paved.step
def split() -> Split:
    return Split(1, "a")


def graph_of(function: Any, **parameters: Any) -> Any:
    return build(paved.pipeline(function), parameters)


def names(function: Any) -> list[str]:
    return [node.name for node in graph_of(function).nodes]


def test_calls_become_nodes_in_order_with_unique_names():
    def main():
        return double(double(number()))

    assert names(main) == ["number", "double", "double_2"]


def test_a_node_knows_where_its_arguments_come_from():
    def main():
        return anything([number(), {"deep": number()}])

    node = graph_of(main).nodes[2]
    assert [(name, lazy._node.name) for name, lazy in node.sources()] == [("x", "number"), ("x", "number_2")]


def test_a_tuple_annotation_unpacks():
    def main():
        one, two = pair()
        return double(one), shout(two)

    assert names(main) == ["pair", "double", "shout"]


def test_a_named_tuple_unpacks():
    def main():
        one, two = split()
        return double(one), shout(two)

    assert names(main) == ["split", "double", "shout"]


def test_one_item_of_a_tuple_can_be_taken_by_index():
    def main():
        return shout(pair()[-1])

    assert names(main) == ["pair", "shout"]


def test_parameters_are_real_values_while_the_graph_is_built():
    def main(n: int):
        return [double(x) for x in range(n)] if n > 1 else number()

    assert len(graph_of(main, n=3).nodes) == 3
    assert len(graph_of(main, n=1).nodes) == 1


def test_a_pipeline_inside_a_pipeline_becomes_part_of_it():
    @paved.pipeline
    def inner(x: int):
        return double(x)

    def main():
        return shout(pair()[1]), inner(number())

    assert names(main) == ["pair", "shout", "number", "double"]


def test_plain_functions_may_compose_steps():
    def twice(x):
        return double(double(x))

    def main():
        return twice(number())

    assert names(main) == ["number", "double", "double_2"]


def test_outside_a_pipeline_steps_and_pipelines_are_plain_functions():
    @paved.pipeline
    def main(n: int) -> int:
        return sum(double.map(range(n)))

    assert double(4) == 8
    assert double.map([1, 2]) == [2, 4]
    assert main(3) == 6


def test_map_goes_over_a_list_from_a_step_with_the_rest_fixed():
    @paved.step
    def add(x: int, y: int) -> int:
        return x + y

    def main():
        return mean(add.map(numbers(), y=number()))

    node = graph_of(main).nodes[2]
    assert node.mapped == ("x",)


def main_calls(step: Any, *arguments: Any, **named: Any) -> Any:
    """A pipeline that makes one call; arguments that are steps are called first."""

    def main():
        return step(*[each() if isinstance(each, paved.Step) else each for each in arguments], **named)

    return main


WRONG = {
    "a missing argument": (
        main_calls(double),
        "double() is called wrongly: missing a required argument: 'x'",
    ),
    "an argument too many": (
        main_calls(number, 1),
        "number() is called wrongly: too many positional arguments",
    ),
    "an unknown argument": (main_calls(double, 1, y=2), "got an unexpected keyword argument 'y'"),
    "the wrong type from a step": (
        main_calls(shout, number),
        "step 'shout' takes text: str, but step 'number' gives int",
    ),
    "an optional where a value is needed": (main_calls(double, maybe), "but step 'maybe' gives int | None"),
    "the wrong items from a step": (
        main_calls(mean, words),
        "step 'mean' takes values: list[float], but step 'words' gives list[str]",
    ),
    "a list where one is needed": (main_calls(double, numbers), "but step 'numbers' gives list[int]"),
    "a constant of the wrong type": (
        main_calls(double, "x"),
        "step 'double' takes x: int, but is given str 'x'",
    ),
    "a literal that is none": (main_calls(mean, numbers, how="fast"), "Literal['plain', 'trimmed']"),
    "None for a number": (main_calls(double, None), "but is given NoneType None"),
    "map over items of the wrong type": (
        main_calls(double.map, words),
        "step 'double' takes x: int, but the list of step 'words' holds str",
    ),
    "map over one value": (
        main_calls(double.map, number),
        "double.map goes over the result of step 'number'",
    ),
    "map over nothing": (main_calls(double.map), "double.map needs a list to go over"),
    "map over a number": (main_calls(double.map, 5), "double.map goes over lists, not int 5"),
    "map over a text": (main_calls(shout.map, "abc"), "shout.map goes over lists, not str 'abc'"),
    "map with a wrong item": (main_calls(double.map, [1, "b"]), "but is given str 'b'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_told_with_both_sides(case):
    main, said = WRONG[case]
    with pytest.raises(DefinitionError) as caught:
        graph_of(main)
    assert said in str(caught.value)
    assert caught.value.hint


def test_map_over_lists_of_different_lengths_is_refused():
    @paved.step
    def add(x: int, y: int) -> int:
        return x + y

    def main():
        return add.map([1, 2], [1, 2, 3])

    with pytest.raises(DefinitionError, match="different lengths: x with 2 and y with 3"):
        graph_of(main)


USES = {
    "if": lambda lazy: 1 if lazy else 2,
    "and": lambda lazy: lazy and 1,
    "for": lambda lazy: [x for x in lazy],  # noqa: C416
    "unpacking": lambda lazy: (lambda a, b: a)(*lazy),
    "addition": lambda lazy: lazy + 1,
    "addition from the right": lambda lazy: 1 + lazy,
    "negation": lambda lazy: -lazy,
    "comparison": lambda lazy: lazy > 3,
    "equality": lambda lazy: lazy == 3,
    "str": str,
    "f-string": lambda lazy: f"{lazy}",
    "int": int,
    "float": float,
    "len": len,
    "index": lambda lazy: lazy["a"],
    "slice": lambda lazy: [1, 2][lazy],
    "attribute": lambda lazy: lazy.mean(),
    "in": lambda lazy: 3 in lazy,
    "call": lambda lazy: lazy(),
    "with": lambda lazy: lazy.__enter__(),
    "open": open,
    "round": round,
    "numpy": lambda lazy: __import__("numpy").mean(lazy),
    "numpy array": lambda lazy: __import__("numpy").asarray(lazy),
    "pandas": lambda lazy: __import__("pandas").DataFrame(lazy),
    "setting an item": lambda lazy: lazy.__setitem__(0, 1),
    "sorting": lambda lazy: sorted(lazy),
    "isinstance of its text": lambda lazy: "".join(lazy),
}


@pytest.mark.parametrize("use", USES)
def test_a_value_that_does_not_exist_yet_cannot_be_used(use):
    def main():
        return USES[use](number())

    with pytest.raises(DefinitionError) as caught:
        graph_of(main)
    assert "the result of step 'number' is not computed yet" in str(caught.value)
    assert "step" in caught.value.hint


def test_showing_a_value_that_does_not_exist_yet_is_harmless():
    def main():
        lazy = number()
        assert repr(lazy) == "<the result of step 'number', not computed yet>"
        assert not hasattr(lazy, "__fancy__")
        return lazy

    assert names(main) == ["number"]


def test_an_index_that_the_tuple_does_not_have_is_told():
    with pytest.raises(DefinitionError, match="has 2 items, no item 2"):
        graph_of(lambda_main(lambda: pair()[2]))


def lambda_main(body: Any) -> Any:
    def main():
        return body()

    return main


def test_a_pipeline_that_calls_itself_is_told():
    @paved.pipeline
    def loop():
        return loop()

    with pytest.raises(DefinitionError, match="calls itself: loop → loop"):
        build(loop, {})


def test_functions_that_call_each_other_for_ever_are_told():
    def again():
        number()
        return again()

    with pytest.raises(DefinitionError, match=r"never ends|more than"):
        graph_of(again)


def test_a_loop_without_end_is_stopped():
    def main():
        while True:
            number()

    with pytest.raises(DefinitionError, match="calls steps more than 50,000 times"):
        graph_of(main)


def test_a_pipeline_without_steps_is_told():
    with pytest.raises(DefinitionError, match="calls no steps"):
        graph_of(lambda_main(lambda: 3))


def test_an_exception_in_the_pipeline_is_told_with_its_line():
    def main():
        number()
        return {}["missing"]

    with pytest.raises(DefinitionError, match="cannot be built: KeyError") as caught:
        graph_of(main)
    assert f"{Path(__file__).name}:" in caught.value.hint


def test_after_a_failed_build_steps_are_plain_functions_again():
    with pytest.raises(DefinitionError):
        graph_of(lambda_main(lambda: double("x")))
    assert double(2) == 4
